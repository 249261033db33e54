/* SPDX-License-Identifier: MIT
 *
 * The smallest firmware that lives by the rules: says that it runs, feeds the watchdog, confirms itself. For campaigns of
 * faults, where an upgrade has to be short. Its variant hangs instead (HF_SMALL_HANGS), to be rolled back. It believes the journal about what it is: it has no crypto to look for itself.
 */
#include "board.h"

#include "core/policy.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/parts.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/systick.h"
#include "port/stm32f407/usart.h"
#include "port/text.h"

#include <string.h>

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

static const struct hf_usart_config maintenance = HF_PARTS_MAINTENANCE;

static struct hf_flash flash;
static struct hf_journal journal;
static struct hf_state state;

static unsigned running_slot(void)
{
	uint32_t here = (uint32_t)(uintptr_t)&hf_vectors_flash;

	return here - hf_board_layout.slot[1].addr < hf_board_layout.slot[1].size;
}

/* HF_OK also where there is nothing to confirm: started by the factory, or confirmed before. */
static enum hf_err confirm(unsigned slot)
{
	const struct hf_slot_journal *s = &state.slot[slot];
	struct hf_slot_fact fact = { .fact = HF_FACT_GOOD, .sequence = s->sequence };
	struct hf_record record;
	enum hf_err err;

	if (s->state != HF_SLOT_TRIAL)
		return HF_OK;
	memcpy(fact.id, s->id, sizeof fact.id);
	err = hf_policy_confirm(&state, slot, &fact, &record);
	if (!err && hf_journal_free(&journal) < HF_UPLOAD_FREE_SLOTS)
		err = hf_state_take_over(&journal, &state);
	if (!err)
		err = hf_journal_append_twice(&journal, &record);
	if (!err)
		hf_state_apply(&state, &record);
	return err;
}

static void report(uint32_t usart, unsigned slot, enum hf_err err)
{
	char line[96];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, "small on " HF_BOARD_FILE ", slot ");
	hf_text_add(&t, slot == 0 ? "A" : "B");
	hf_text_add(&t, ", reset: ");
	hf_text_add(&t, hf_reset_cause_text(hf_reset_cause()));
	hf_text_add(&t, err ? ", not confirmed: " : state.slot[slot].state == HF_SLOT_CONFIRMED ? ", confirmed" : "");
	if (err)
		hf_text_add(&t, hf_err_text(err));
	hf_text_add(&t, "\r\n");
	hf_usart_send(usart, line, t.len);
}

static void rest(void)
{
	hf_iwdg_feed();
	__asm__ volatile("wfi");
}

int main(void)
{
	unsigned slot = running_slot();
	struct hf_clock clock;
	enum hf_err err;
	uint32_t usart;
	bool blank;

	hf_reset_open();
	hf_clock_start(&clock, HF_BOARD_SYSCLK_HZ);
	hf_systick_start(clock.core_hz, true);
	usart = hf_usart_open(&maintenance, &clock);
	hf_flash_f4_open(&flash, &hf_board_layout);
	err = hf_state_load(&journal, &flash, &hf_board_layout, &state, &blank);
	hf_iwdg_feed();
	while (HF_SMALL_HANGS) {
		hf_systick_stop(); /* sleeps for good: a campaign's twin has nothing to execute until the watchdog bites */
		__asm__ volatile("wfi");
	}
	if (!err)
		err = confirm(slot);
	report(usart, slot, err);
	while (hf_systick_ms() < HF_SETTLED_MS)
		rest();
	hf_reset_settled();
	for (;;)
		rest();
}
