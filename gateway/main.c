/* SPDX-License-Identifier: MIT
 *
 * The reference gateway: reads Modbus slaves, serves SMP on the maintenance UART, updates itself.
 *
 * Invariant: what must go on goes on in interrupts and from RAM (live.h); this loop may block for as long as a flash
 * operation takes. Nothing here confirms firmware but a self-test that passed.
 */
#include "board.h"
#include "diary.h"
#include "duty.h"
#include "figures.h"
#include "live.h"
#include "setup.h"
#include "version.h"

#include "port/crypto_mbed.h"
#include "port/stm32f407/chip.h"
#include "port/stm32f407/flash_f4.h"
#include "port/stm32f407/reset.h"
#include "port/stm32f407/rng.h"
#include "port/stm32f407/systick.h"

#define PACKET_MAX  2048u
#define QUEUE_BYTES 6144u /* the DMA's ring holds what comes while flash is busy */

static struct hf_clock clock;
static struct hf_flash flash;
static struct hf_trust trust;
static struct hf_smp_store store;
static struct hf_update update;
static const uint32_t rates[] = HF_BOARD_MAINT_BAUDS;
static uint8_t answer[PACKET_MAX + HF_SMP_HEADER_BYTES];
static __attribute__((aligned(4))) uint8_t queue[QUEUE_BYTES];
static struct hf_smp_line line;
static struct hf_duty duty;
static struct hf_figures figures;
static struct hf_diary diary;
static bool settled, told;
static uint8_t device_id[HF_DEVICE_ID_BYTES];
static uint32_t spare[256]; /* for the RAM test */

static uint32_t image_addr(void)
{
	return (uint32_t)(uintptr_t)&hf_vectors_flash;
}

/* Firmware knows its slot by where it runs, not by what somebody told it. */
static unsigned running_slot(void)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (image_addr() - hf_board_layout.slot[i].addr < hf_board_layout.slot[i].size)
			return i;
	}
	return HF_SLOTS;
}

/* Without a keyset nothing can be installed, but the gateway's work goes on. */
static enum hf_err open_update(void)
{
	const struct hf_layout *layout = &hf_board_layout;
	struct hf_bytes page = { (const uint8_t *)(uintptr_t)layout->keyset.addr, layout->keyset.size };

	hf_flash_f4_open(&flash, layout);
	hf_chip_device_id(device_id);
	update.env = (struct hf_slot_env){ &flash, layout, &hf_mbed_crypto, NULL, device_id };
	update.trust = &trust;
	update.factory_keyset = page;
	update.alive = hf_live_progress;
	return hf_update_open(&update);
}

/* Without a configuration, or with one that makes no sense, the board's defaults go on. */
static enum hf_err configure(void)
{
	static uint8_t bytes[HF_CONFIGURATION_MAX];
	struct hf_settings settings = hf_settings_default(HF_BOARD_MODBUS_BAUD);
	uint32_t total;
	size_t len;
	enum hf_err err = hf_update_kept(&update, HF_LONGREC_CONFIGURATION, 0, bytes, sizeof bytes, &len, &total);

	if (err || len == 0)
		return err;
	err = hf_settings_read((struct hf_bytes){ bytes, len }, &settings);
	if (!err)
		hf_setup_modbus(&settings, &clock);
	return err;
}

/* A main loop that waits for what never comes; interrupts go on, so that only the proof of life can tell. */
static void hang(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

static void tell(struct hf_health *h)
{
	hf_figures_tell(&figures, h);
}

static void begin_diary(void)
{
	struct hf_blackbox_port port;
	struct hf_diary_start start = {
		.cause = (uint8_t)hf_reset_cause(),
		.crashes = (uint8_t)hf_reset_crashes(),
		.crash_kind = (uint8_t)duty.crash.kind,
		.crash_pc = duty.crash.pc,
		.port = &port,
	};

	hf_reset_look(&port);
	hf_diary_begin(&diary, &update, &start, duty.started_ms);
}

static void write_diary(bool more)
{
	struct hf_modbus_master *m = &hf_live.master;
	struct hf_diary_input in = {
		.now_ms = hf_systick_ms(),
		.judged = duty.judged,
		.healthy = duty.healthy,
		.test_failed = hf_selftest_failed(&duty.test),
		.quiet = !more && !line.server.reset_wanted && !hf_upload_log_moves(&duty.upload, hf_systick_ms()),
		.last_error = line.server.last_error,
		.supply_mv = figures.supply_mv,
		.temperature_dc = figures.temperature_dc,
		.good = m->good,
		.bad = m->bad,
		.late = m->late,
		.gap_ms = m->recent_ms,
	};

	if (hf_diary_turn(&diary, &in))
		m->recent_ms = 0;
	if (!told && hf_diary_has_told(&diary)) {
		hf_reset_told();
		told = true;
	}
}

static void turn(void)
{
	bool more = hf_smp_line_poll(&line);

	hf_live_progress(NULL);
	hf_duty_turn(&duty, hf_live.master.good, hf_systick_ms());
	hf_live.stage = hf_duty_stage(&duty, hf_systick_ms());
	hf_figures_turn(&figures, hf_systick_ms());
	write_diary(more);
	if (line.server.reset_wanted) {
		hf_smp_line_drain(&line);
		if (line.server.recovery_wanted)
			hf_reset_request(HF_REQUEST_RECOVERY);
		hf_reset_now();
	}
	if (!settled && hf_systick_ms() - duty.started_ms >= HF_SETTLED_MS) {
		hf_reset_settled();
		settled = true;
	}
	if (hf_gateway_hang_ms != 0 && hf_systick_ms() - duty.started_ms > hf_gateway_hang_ms)
		hang();
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
		.packet_size = PACKET_MAX,
		.answer = answer,
		.answer_size = sizeof answer,
		.queue = { .buf = queue, .size = sizeof queue },
	};
}

int main(void)
{
	hf_reset_open();
	set_line();
	hf_setup_live(&clock);
	hf_live.stage = HF_STAGE_TRIAL;
	duty = (struct hf_duty){ .line = &line, .update = &update, .image_addr = image_addr() };
	duty.upload = (struct hf_upload_log){ .line = &line, .update = &update, .who = "gateway: " };
	duty.started_ms = hf_systick_ms();
	hf_smp_line_open(&line, &update, (uint8_t)hf_reset_cause());
	line.server.starts = hf_reset_look;
	line.server.store = &store;
	line.server.access = HF_BOARD_GATEWAY_ACCESS;
	line.server.readback = HF_BOARD_READBACK;
	line.server.now_ms = hf_systick_ms;
	line.server.random = hf_rng_read;
	line.server.health = tell;
	update.running = running_slot();
	hf_duty_announce(&duty, hf_gateway_version);
	duty.journal_err = open_update();
	if (!duty.journal_err)
		duty.settings_err = configure();
	duty.test.ram = hf_selftest_ram(spare, sizeof spare / sizeof spare[0]);
	hf_duty_findings(&duty, clock.pll);
	figures = (struct hf_figures){ .duty = &duty, .clock = &clock };
	begin_diary();
	for (;;)
		turn();
}
