/* SPDX-License-Identifier: MIT
 *
 * Thumb-2 instructions as the cycle model sees them: how long, what they cost, where they load from, what they change.
 *
 * Costs are the Cortex-M4's (ARM's technical reference manual, table 3-1) with memory that needs no wait states: a load
 * takes two cycles, and one when it follows another access whose result it does not need; a store takes one; LDM and
 * its like take one more than they have registers; a division takes 2 to 12, here 7. A taken branch costs a refill of
 * the pipeline on top: one cycle where the target is in the instruction, two where it comes from a register or memory.
 */
#ifndef HF_TWIN_THUMB_H
#define HF_TWIN_THUMB_H

#include <stdbool.h>
#include <stdint.h>

#define HF_THUMB_NONE 15 /* no such register */

enum hf_thumb_kind {
	HF_THUMB_PLAIN,
	HF_THUMB_LOAD,    /* one address: see base */
	HF_THUMB_STORE,
	HF_THUMB_MULTI,   /* LDM, STM, PUSH, POP, exclusive accesses: registers change, the address is base */
	HF_THUMB_BRANCH,
};

struct hf_thumb {
	uint8_t bytes;       /* 2 or 4 */
	uint8_t cycles;
	uint8_t refill;      /* more cycles when it branches */
	uint8_t accesses;    /* to memory */
	enum hf_thumb_kind kind;
	uint16_t writes;     /* bit n: register n changes in a way that is not known; all ones when in doubt */

	/* LOAD, STORE, MULTI: the address is base + (index << shift) + offset, and base changes by `step` afterwards.
	 * With literal, the address is `offset` itself. */
	bool literal;
	uint8_t base, index, shift;
	int32_t offset;
	int32_t step;
};

/* The instruction at pc, whose half-words are first and (if it has two) second. */
struct hf_thumb hf_thumb_decode(uint32_t pc, uint16_t first, uint16_t second);

static inline bool hf_thumb_is_wide(uint16_t first)
{
	return first >> 11 >= 0x1d;
}

#endif
