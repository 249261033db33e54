/* SPDX-License-Identifier: MIT
 *
 * The smallest firmware that lives by the rules: finds in the journal that this start is a trial, confirms itself, feeds the
 * watchdog. For campaigns of faults, which cut at each of its words. So it does without all that a gateway has beside that:
 * without an oscillator and a voice, without crypto (it believes the journal about what it is), without the fold of the
 * journal: what it is to confirm is what boot's last record about its slot says, word for word.
 *
 * Variants: HF_SMALL_HANGS does nothing at all, and is ended by the watchdog. HF_SMALL_SPREAD has 32 KiB of constants behind
 * it, erased bytes for the most part, so that it takes three segments and few words; it starts only if the rest of them is
 * there and relocated.
 */
#include "board.h"

#include "core/state.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/systick.h"

#include <string.h>

#define WAKE_MS  250u
#define HSI_HZ   16000000u /* what the chip has after a reset */

extern uint32_t hf_stack_end[];

__attribute__((section(".vectors"), used)) const struct hf_vectors_head hf_vectors_flash = {
	.stack = hf_stack_end,
	.exception = {
		[0] = hf_start_reset,
		[1] = hf_reset_early,
		[2] = hf_reset_early,
		[3] = hf_reset_early,
		[4] = hf_reset_early,
		[5] = hf_reset_early,
		[14] = hf_systick_tick,
	},
};

#if HF_SMALL_SPREAD

#define SPREAD_WORDS 8192u
#define CROSSING     4096u /* where a sector ends and the next one begins, in the campaign's packages */
#define NEAR         8u
#define BLANK        ((const void *)UINTPTR_MAX)

/* Addresses, so that they are relocated. */
__extension__ __attribute__((aligned(512))) static const void *const spread[SPREAD_WORDS] = {
	[0 ... CROSSING - NEAR - 1] = BLANK,
	[CROSSING - NEAR ... CROSSING + NEAR - 1] = &hf_vectors_flash,
	[CROSSING + NEAR ... SPREAD_WORDS - NEAR - 1] = BLANK,
	[SPREAD_WORDS - NEAR ... SPREAD_WORDS - 1] = &hf_vectors_flash,
};

static bool is_whole(void)
{
	const void *const volatile *word = spread; /* the compiler knows what was linked, not what is there */

	for (unsigned i = 0; i < NEAR; i++)
		if (word[CROSSING - NEAR + i] != &hf_vectors_flash || word[CROSSING + i] != &hf_vectors_flash ||
		    word[SPREAD_WORDS - NEAR + i] != &hf_vectors_flash)
			return false;
	return true;
}

#else

static bool is_whole(void)
{
	return true;
}

#endif

static unsigned running_slot(void)
{
	uint32_t here = (uint32_t)(uintptr_t)&hf_vectors_flash;

	return here - hf_board_layout.slot[1].addr < hf_board_layout.slot[1].size;
}

/* *copies: how many more confirmations of this trial are wanted; *record: what to confirm. */
static enum hf_err look(struct hf_journal *journal, struct hf_record *record, unsigned *copies)
{
	struct hf_record r;
	uint16_t slot = 1;
	enum hf_err err;

	*copies = 0;
	while ((err = hf_journal_next(journal, &slot, &r)) == HF_OK) {
		if (r.type < HF_REC_ACTIVATED || r.type > HF_REC_INTERRUPTED || r.data[0] != running_slot())
			continue;
		if (r.type == HF_REC_ATTEMPT) {
			*record = r;
			*copies = 2;
		} else if (r.type == HF_REC_CONFIRMED && *copies > 0) {
			(*copies)--;
		}
	}
	return err == HF_ERR_NOT_FOUND ? HF_OK : err;
}

/* Nothing is done about an error: the watchdog is fed, but firmware that is not confirmed is not started for ever. */
static void confirm(void)
{
	struct hf_journal journal;
	struct hf_record record;
	struct hf_flash flash;
	unsigned copies;

	hf_flash_f4_open_append(&flash, &hf_board_layout);
	if (hf_journal_mount(&journal, &flash, hf_board_layout.journal) || look(&journal, &record, &copies) || copies == 0)
		return;
	record.type = HF_REC_CONFIRMED;
	(void)!hf_journal_append_twice(&journal, &record);
}

int main(void)
{
	unsigned wakes = 0;

	while (HF_SMALL_HANGS || !is_whole())
		__asm__ volatile("wfi"); /* for good: a campaign's twin has nothing to execute until the watchdog bites */
	hf_iwdg_feed();
	hf_reset_open();
	hf_systick_start(HSI_HZ, false);
	confirm();
	hf_systick_start(HSI_HZ * WAKE_MS, true);
	for (;;) {
		hf_iwdg_feed();
		if (++wakes == HF_SETTLED_MS / WAKE_MS)
			hf_reset_settled();
		__asm__ volatile("wfi");
	}
}
