/* SPDX-License-Identifier: MIT
 *
 * Where a test and its program leave each other words.
 */
#ifndef FW_MAILBOX_H
#define FW_MAILBOX_H

#define FW_ARGS    0x080fff00u /* program number, then arguments */
#define FW_ANSWERS 0x20010000u
#define FW_SCRATCH 0x080a0000u /* sector 9: free for experiments */
#define FW_SCRATCH_SECTOR 9

#endif
