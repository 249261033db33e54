/* SPDX-License-Identifier: MIT
 *
 * The journal's take-over of a state: the real snapshot into real slots, read back by the real fold. Not compiled with
 * seams.h.
 */
#include <string.h>

#include "world.h"

#define SECTOR 2048u
#define BASE   0x08000000u

static uint8_t mem[2 * SECTOR];

static enum hf_err mem_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, mem + (addr - BASE), len);
	return HF_OK;
}

static enum hf_err mem_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	const uint8_t *from = data;

	(void)ctx;
	for (size_t i = 0; i < len; i++)
		mem[addr - BASE + i] &= from[i];
	return memcmp(mem + (addr - BASE), data, len) == 0 ? HF_OK : HF_ERR_FLASH_PROGRAM;
}

static enum hf_err mem_erase(void *ctx, uint32_t addr)
{
	(void)ctx;
	memset(mem + (addr - BASE), 0xff, SECTOR);
	return HF_OK;
}

static const struct hf_flash flash = { NULL, mem_read, mem_program, mem_erase };
static const struct hf_layout layout = { .journal = { { BASE, SECTOR }, { BASE + SECTOR, SECTOR } } };

static bool same_slot(const struct hf_slot_journal *a, const struct hf_slot_journal *b)
{
	return a->state == b->state && a->component == b->component && a->starts == b->starts && a->failures == b->failures &&
	       a->reason == b->reason && a->sequence == b->sequence && memcmp(a->id, b->id, sizeof a->id) == 0 &&
	       a->erase_done == b->erase_done && a->settled == b->settled &&
	       (a->segments == b->segments || (a->erase_done | a->settled) == 0);
}

void takeover_check(struct hf_state *state)
{
	struct hf_state before = *state;
	struct hf_journal j;
	bool blank;

	memset(mem, 0xff, sizeof mem);
	rule(hf_journal_mount(&j, &flash, layout.journal) == HF_ERR_NOT_FOUND, "memory that is blank holds no journal");
	rule(hf_state_take_over(&j, &before) == HF_OK && hf_state_load(&j, &flash, &layout, state, &blank) == HF_OK && !blank,
	     "a take-over succeeds where memory works");
	rule(same_slot(&state->slot[0], &before.slot[0]) && same_slot(&state->slot[1], &before.slot[1]) &&
	     state->newest == before.newest && state->floor == before.floor && state->current == before.current &&
	     state->recovery.sequence == before.recovery.sequence && !state->unknown &&
	     (state->recovery.copies > 0) == (before.recovery.copies > 0) &&
	     memcmp(state->recovery.id, before.recovery.id, sizeof before.recovery.id) == 0,
	     "a take-over's snapshot folds to the same state");
}
