/* SPDX-License-Identifier: MIT
 *
 * Stores at full speed.
 *
 * Unicorn 2.0.1 takes every store to RAM through its slow path, where it looks for translated code that the store might
 * change: two thirds of the time of a SHA-256. QEMU does that only for pages that hold code; the flag for it is still
 * there, but nothing clears it. The library's functions can be preempted by the program's (ELF symbol interposition),
 * so tlb.c stands in front of the one that enters a page, and clears the flag where no code was executed.
 *
 * A library in which that cannot be done behaves the same, only slower: hf_tlb_is_fast() tells.
 */
#ifndef HF_TWIN_TLB_H
#define HF_TWIN_TLB_H

#include <stdbool.h>

struct hf_machine;

/* The machine that runs in this thread from now on (NULL: none). Its pages with code must not change from without to
 * with code but by a call of hf_cpu_rearm_reads(), which empties the TLB. */
void hf_tlb_use(struct hf_machine *machine);
/* Whether any page was entered the fast way yet. */
bool hf_tlb_is_fast(void);

#endif
