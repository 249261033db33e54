/* SPDX-License-Identifier: MIT
 *
 * Recovery: when nothing else starts, firmware gets in here.
 *
 * Invariant: everything that runs is in RAM (recovery.ld), so that the flash below may be erased at any time, and nothing
 * ever waits for it but who reads it. The watchdog runs from before the start. Recovery never decides by itself what may
 * be installed or started: core/update.h and boot do, by the same policy as everywhere.
 */
#include "board.h"
#include "live.h"
#include "say.h"
#include "setup.h"
#include "stay.h"

#include "port/crypto_mbed.h"
#include "port/stm32f407/adc.h"
#include "port/stm32f407/chip.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/rng.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"
#include "port/upload_log.h"

#define PACKET_MAX  4096u
#define QUEUE_BYTES (57u * 1024u) /* 14 requests; with the DMA's ring nearly a second of 921600 baud, while a sector is erased */
#define IN_CCM      __attribute__((section(".bss.ccm"))) /* which nobody clears */

static struct hf_clock clock;
static struct hf_flash flash;
static IN_CCM struct hf_trust trust;
static IN_CCM struct hf_smp_store store;
static struct hf_update update;
static uint8_t device_id[HF_DEVICE_ID_BYTES];
static const uint32_t rates[] = HF_BOARD_MAINT_BAUDS;
static IN_CCM uint8_t answer[HF_SMP_ANSWER_MAX];
static IN_CCM __attribute__((aligned(4))) uint8_t queue[QUEUE_BYTES];
static struct hf_smp_line line;
static struct hf_say say = { .line = &line, .device_id = device_id };
static struct hf_upload_log uploads = { .line = &line, .update = &update, .who = "recovery: " };
static struct hf_stay stay;
static bool settled;

/* Where the start-up code was, which has set this: nobody has to be believed. */
static unsigned place_of(uint32_t vectors)
{
	for (unsigned i = 0; i < HF_PLACES; i++) {
		const struct hf_span *span = hf_layout_place(&hf_board_layout, i);

		if (vectors - span->addr < span->size)
			return i;
	}
	return HF_PLACE_RECOVERY;
}

static void progress(void *ctx)
{
	hf_live_progress(ctx);
	hf_smp_line_fetch(&line);
}

static void tell(struct hf_health *h)
{
	const struct hf_usart_stream *s = &hf_live.maintenance;

	hf_adc_measure(&h->supply_mv, &h->temperature_dc);
	h->up_ms = hf_systick_ms();
	h->led = (uint8_t)hf_live.stage;
	h->ways = HF_WAY_PIN | HF_WAY_RESETS | HF_WAY_LINE | HF_WAY_REQUEST;
	h->pll = clock.pll;
	h->pin_held = hf_setup_pin_held();
	hf_flash_f4_erases(&h->erases, &h->slowest_ms);
	h->overrun = s->overruns;
	h->framing = s->framing;
	h->noise = s->errors - s->framing;
}

/* While flash is busy: one or the other, since a word's 16 us are over soon. */
static void flash_idle(void *ctx)
{
	if (!hf_update_idle(&update))
		hf_smp_line_fetch(ctx);
}

/* Whatever fails here, recovery goes on: it says what it cannot do. */
static void open_update(unsigned place)
{
	const struct hf_layout *layout = &hf_board_layout;
	enum hf_err err;

	hf_flash_f4_open(&flash, layout);
	hf_flash_f4_set_idle(flash_idle, &line);
	update.env = (struct hf_slot_env){ &flash, layout, &hf_mbed_crypto, NULL, device_id };
	update.trust = &trust;
	update.factory_keyset = (struct hf_bytes){ (const uint8_t *)(uintptr_t)layout->keyset.addr, layout->keyset.size };
	update.running = place;
	update.component = HF_COMPONENT_RECOVERY;
	update.alive = progress;
	err = hf_update_open(&update);
	if (trust.keyset.number == 0)
		hf_say(&say, "nothing can be installed, the keyset is damaged: ", hf_err_text(err));
	else if (err)
		hf_say(&say, "journal: ", hf_err_text(err));
	else if (update.worn)
		hf_say(&say, "flash wears out, but can be gone around: ", hf_err_text(update.worn));
}

/* Started from a slot: a successor on trial, or what is left of it. It runs, so it takes its predecessor's place. */
static void take_place(void)
{
	enum hf_err err;

	hf_live.stage = HF_STAGE_UPLOAD;
	err = hf_update_install_recovery(&update);
	hf_live.stage = HF_STAGE_RECOVERY;
	if (err) {
		hf_say(&say, "runs from a slot, its own partition cannot be written: ", hf_err_text(err));
		return;
	}
	hf_say(&say, "has taken its predecessor's place, resetting", "");
	hf_smp_line_drain(&line);
	hf_reset_now();
}

/* A trial that was wished here, or came back to us. */
static bool trial_waits(void)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (update.state.slot[i].state == HF_SLOT_TRIAL)
			return true;
	}
	return false;
}

static bool may_leave(void)
{
	return say.from.reason != HF_RECOVERY_NOTHING || say.from.last_resort || trial_waits();
}

static _Noreturn void leave(void)
{
	bool last_resort = say.from.reason == HF_RECOVERY_NOTHING && !trial_waits();

	hf_say(&say, "nobody asks for anything, leaving", last_resort ? " for firmware that failed before" : "");
	hf_smp_line_drain(&line);
	hf_reset_request(last_resort ? HF_REQUEST_LAST_RESORT : HF_REQUEST_NORMAL);
}

static void turn(void)
{
	bool more = hf_smp_line_poll(&line);
	uint32_t now = hf_systick_ms();
	struct hf_stay_input in = {
		.now_ms = now,
		.requests = line.server.requests,
		.low_ms = hf_live.low_ms,
		.pin_held = hf_setup_pin_held(),
		.may_leave = may_leave(),
	};

	hf_live_progress(NULL);
	hf_upload_log_turn(&uploads, now);
	hf_live.stage = hf_upload_log_moves(&uploads, now) ? HF_STAGE_UPLOAD : HF_STAGE_RECOVERY;
	if (line.server.reset_wanted) {
		hf_smp_line_drain(&line);
		hf_reset_request(line.server.recovery_wanted ? HF_REQUEST_RECOVERY : HF_REQUEST_NORMAL);
	}
	if (!settled && now >= HF_SETTLED_MS) {
		hf_reset_settled();
		settled = true;
	}
	switch (hf_stay_turn(&stay, &in)) {
	case HF_STAY_LEAVE:
		leave();
	case HF_STAY_BANNER:
		hf_say_banner(&say);
		break;
	case HF_STAY_WAIT:
		break;
	}
	if (!more && !hf_update_ahead(&update))
		__asm__ volatile("wfi");
}

/* At run time, and not in .data: see the linker script about pages. */
static void set_line(void)
{
	line = (struct hf_smp_line){
		.stream = &hf_live.maintenance,
		.usart = &hf_setup_maintenance,
		.clock = &clock,
		.rate = rates,
		.rates = sizeof rates / sizeof rates[0],
		.hooked = true,
		.walks = true,
		.packet_size = PACKET_MAX,
		.answer = answer,
		.answer_size = sizeof answer,
		.queue = { .buf = queue, .size = sizeof queue },
	};
}

int main(void)
{
	unsigned place = place_of(SCB_VTOR);

	hf_reset_open();
	set_line();
	(void)hf_reset_handover(&say.from);
	hf_live.stage = HF_STAGE_RECOVERY;
	hf_setup_live(&clock);
	hf_chip_device_id(device_id);
	hf_smp_line_open(&line, &update, say.from.cause);
	store = (struct hf_smp_store){ 0 };
	trust = (struct hf_trust){ 0 };
	line.server.starts = hf_reset_look;
	line.server.store = &store;
	line.server.access = HF_BOARD_RECOVERY_ACCESS;
	line.server.readback = HF_BOARD_READBACK;
	line.server.now_ms = hf_systick_ms;
	line.server.random = hf_rng_read;
	line.server.health = tell;
	hf_say_banner(&say);
	hf_say_crash(&say);
	if (!clock.pll)
		hf_say(&say, "runs at 16 MHz only: the PLL does not lock", "");
	open_update(place);
	if (place < HF_SLOTS)
		take_place();
	hf_stay_begin(&stay, say.from.reason == HF_RECOVERY_LINE, hf_systick_ms());
	for (;;)
		turn();
}
