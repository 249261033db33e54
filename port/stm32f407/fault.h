/* SPDX-License-Identifier: MIT
 *
 * Faults: what the core saw goes into the backup registers, and the device is reset; the next start logs it.
 */
#ifndef HF_FAULT_H
#define HF_FAULT_H

/* Entries of the vector table. */
void hf_fault_exception(void);
void hf_fault_interrupt(void);

#endif
