/* SPDX-License-Identifier: MIT
 *
 * What the engine does not offer: stores at full speed, an empty TLB, and room for translations.
 *
 * Unicorn 2.0.1 takes every store to RAM through its slow path, where it looks for translated code that the store might
 * change: two thirds of the time of a SHA-256. QEMU does that only for pages that hold code; the flag for it is still
 * there, but nothing clears it. The library's functions can be preempted by the program's (ELF symbol interposition),
 * so tlb.c stands in front of the one that enters a page, and clears the flag where no code was executed. On the way it
 * learns the engine's CPU, whose TLB can then be emptied by a call: the only way through Unicorn's own interface, to change
 * a write permission and change it back, lays the whole memory map out anew, twice.
 *
 * Translations that were dropped keep their room, a GiB in all. When none is left Unicorn 2.0.1 drops everything in the
 * middle of a translation, and then writes into the block that led there, which is gone: after some thousands of restored
 * snapshots a process died of it. So the room that was given out is counted here, and all translations are dropped
 * between two runs of the engine, before the end. The engine clears all the room then, so it is asked for less of it.
 *
 * A library in which that cannot be done behaves the same, only slower: hf_tlb_is_fast() tells.
 */
#ifndef HF_TWIN_TLB_H
#define HF_TWIN_TLB_H

#include <stdbool.h>
#include <stdint.h>

struct hf_machine;

/* The machine whose engine is entered in this thread from now on (NULL: none). Its pages with code must not change from without to
 * with code but by a call of hf_cpu_rearm_reads(), which empties the TLB. */
void hf_tlb_use(struct hf_machine *machine);
/* Whether any page was entered the fast way yet. */
bool hf_tlb_is_fast(void);
#define HF_TLB_ROOM (28u << 20) /* bytes of translations that are kept; the engine has room for a few more */
/* Before a run of the machine's engine: drops all translations if they take too much room. */
void hf_tlb_make_room(struct hf_machine *machine);
/* Empties the machine's TLB; false: it must be done the slow way. */
bool hf_tlb_flush(struct hf_machine *machine);
/* The same of one page. */
bool hf_tlb_flush_page(struct hf_machine *machine, uint32_t vaddr);

#endif
