/* SPDX-License-Identifier: MIT
 *
 * The test firmware: every construct that a relocation table must get right, and a check of each that runs.
 */
#ifndef FW_H
#define FW_H

#include <stdint.h>

/* Adds each address' check to a running sum; the same wherever the firmware lies, wrong if one word was missed. */
uint32_t fw_self_check(void);

/* More constructs of a variant; each is a file of its own. */
uint32_t fw_extra(void);
uint32_t fw_extra_base(const volatile uint32_t *x);

#endif
