/* SPDX-License-Identifier: MIT
 *
 * The factory's burn against the twin's ROM loader, which was written from the same document by somebody else: in one
 * process, with the power cut at every so many flash operations, option bytes included, and with the cable pulled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rom.h"
#include "twin.h"

#define MS    UINT64_C(1000000)
#define FLASH 0x08000000u

static struct hf_board board;
static uint8_t flash[1 << 20];
static struct hf_twin *twin;
static struct hf_serial serial;
static struct hf_rom rom;
static struct hf_rom_factory_options options;
static struct hf_diag diag;

static uint8_t in[65536]; /* a ring */
static unsigned in_begin, in_end;
static bool unplugged;
static uint64_t off_from_ns, off_until_ns; /* the cable */

/* The power fails every `cut_every` operations, and comes back after a while; or stays away, once. */
static unsigned long cut_every;
static bool stays_away;
static unsigned cuts;
static uint16_t fraction;
static bool unstable;

/* ---- the line ---- */

static void on_byte(void *ctx, uint8_t byte, uint64_t at_ns)
{
	(void)ctx;
	(void)at_ns;
	if (!unplugged)
		in[in_end++ % sizeof(in)] = byte;
	hf_twin_stop(twin);
}

static void arm(void)
{
	const struct hf_twin_cut cut = {.when = HF_TWIN_CUT_NEXT, .at = cut_every, .fraction = fraction, .unstable = unstable,
					.seed = cuts + 1};

	if (cut_every)
		hf_twin_arm_cut(twin, &cut);
}

/* Up to until_ns, or until something was heard. */
static void run(uint64_t until_ns)
{
	unsigned heard = in_end;

	while (in_end == heard && hf_twin_now_ns(twin) < until_ns) {
		uint64_t now = hf_twin_now_ns(twin);

		unplugged = now >= off_from_ns && now < off_until_ns;
		switch (hf_twin_run(twin, until_ns)) {
		case HF_TWIN_OFF:
			cuts++;
			if (stays_away)
				break;
			(void)!hf_twin_run(twin, hf_twin_now_ns(twin) + 300 * MS);
			hf_twin_power_on(twin);
			arm();
			break;
		case HF_TWIN_BROKEN:
			fail_msg("%s", hf_twin_error(twin));
			break;
		default:
			break;
		}
	}
}

static enum hf_err line_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	uint64_t until_ns = hf_twin_now_ns(twin) + timeout_ms * MS;

	(void)ctx;
	if (in_begin == in_end)
		run(until_ns);
	for (*len = 0; *len < cap && in_begin != in_end; (*len)++)
		((uint8_t *)buf)[*len] = in[in_begin++ % sizeof(in)];
	return *len ? HF_OK : HF_ERR_TIMEOUT;
}

static enum hf_err line_write(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	return unplugged ? HF_OK : hf_twin_uart_send(twin, board.maintenance.usart, data, len);
}

static enum hf_err line_set(void *ctx, const struct hf_serial_line *line)
{
	const struct hf_twin_line l = {line->baud, line->data_bits, (uint8_t)line->parity, line->stop_bits};

	(void)ctx;
	hf_twin_uart_line(twin, board.maintenance.usart, &l);
	return HF_OK;
}

static enum hf_err line_reopen(void *ctx)
{
	(void)ctx;
	return HF_OK;
}

static uint64_t line_now(void *ctx)
{
	(void)ctx;
	return hf_twin_now_ns(twin) / MS;
}

static void line_sleep(void *ctx, uint32_t ms)
{
	uint64_t until_ns = hf_twin_now_ns(twin) + ms * MS;

	(void)ctx;
	while (hf_twin_now_ns(twin) < until_ns)
		run(until_ns);
}

static const struct hf_serial_ops ops = {
	.read = line_read,
	.write = line_write,
	.set_line = line_set,
	.reopen = line_reopen,
	.now_ms = line_now,
	.sleep_ms = line_sleep,
};

/* ---- the device ---- */

static int make_flash(void **state)
{
	uint32_t x = 1;

	(void)state;
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT "/boards/reference.conf", &board, &diag), HF_OK);
	memset(flash, 0xff, sizeof(flash));
	for (unsigned i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		if (i < 9000)
			flash[i] = (uint8_t)(x >> 24); /* boot */
		if (i < 83)
			flash[0x7800 + i] = (uint8_t)(x >> 16); /* keyset */
		if (i < 3000)
			flash[0x10000 + i] = (uint8_t)(x >> 8); /* recovery */
		flash[0x20000 + i] = (uint8_t)(x >> 24 ^ 0x31); /* slot A, two thirds of a sector's first 32 KiB */
	}
	return 0;
}

static int setup(void **state)
{
	struct hf_twin_config config;

	(void)state;
	hf_twin_config_default(&config);
	config.erase_16k_ns /= 20;
	config.erase_64k_ns /= 20;
	config.erase_128k_ns /= 20;
	assert_int_equal(hf_twin_open(&twin, &board.layout, &config), HF_OK);
	hf_twin_uart_attach(twin, board.maintenance.usart, on_byte, NULL);
	hf_twin_boot0(twin, true);
	hf_twin_power_on(twin);
	serial = (struct hf_serial){&ops, NULL};
	options = (struct hf_rom_factory_options){.flash = flash};
	options.protect = (struct hf_rom_options){.rdp = 1, .bor = 3, .watchdog_by_software = true, .protected = 3};
	in_begin = in_end = 0;
	cut_every = 0;
	cuts = 0;
	stays_away = unplugged = false;
	off_from_ns = off_until_ns = UINT64_MAX;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hf_twin_close(twin);
	return 0;
}

static enum hf_err burn(void)
{
	enum hf_err err;

	rom = (struct hf_rom){.serial = &serial, .board = &board, .wait_ms = 4000};
	diag.text[0] = 0;
	err = hf_rom_connect(&rom, &diag);
	return err ? err : hf_rom_burn_factory(&rom, &options, &diag);
}

static void assert_burned(void)
{
	if (burn() != HF_OK)
		fail_msg("after %u cuts: %s", cuts, diag.text);
}

static void assert_finished(void)
{
	uint32_t optcr = hf_twin_optcr(twin);
	static uint8_t now[sizeof(flash)];

	assert_int_equal(hf_twin_peek(twin, FLASH, now, sizeof(now)), HF_OK);
	assert_memory_equal(now, flash, sizeof(flash));
	assert_int_equal(optcr >> 16, 0x0ffc);
	assert_int_equal(optcr >> 8 & 0xff, options.protect.rdp == 2 ? 0xcc : options.protect.rdp ? 0x55 : 0xaa);
	assert_int_equal(optcr & 0x2c, 0x20); /* BOR level 3, WDG_SW */
}

/* The readout protection may have been set before the last cut was noticed, or the option bytes be blank. */
static void finish(void)
{
	cut_every = 0;
	hf_twin_disarm_cut(twin);
	hf_twin_power_on(twin);
	hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	if (burn() == HF_OK)
		return;
	assert_non_null(strstr(diag.text, "--erase-everything"));
	options.erase_everything = true;
	hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	assert_burned();
}

/* ---- tests ---- */

static void blank_chip_is_burned_whole_commands_in_one_go(void **state)
{
	struct hf_twin_counts c;

	(void)state;
	assert_burned();
	assert_finished();
	assert_true(rom.link.in_one_go);
	hf_twin_counts(twin, &c);
	printf("# %u flash operations, %.1f s\n", (unsigned)c.flash_ops, (double)hf_twin_now_ns(twin) / 1e9);
	/* And level 1 keeps its promise: the next burn is refused, or erases everything. */
	hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	assert_int_equal(burn(), HF_ERR_DENIED);
	options.erase_everything = true;
	hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	assert_burned();
	assert_finished();
}

static void level_2_is_for_ever(void **state)
{
	(void)state;
	options.protect.rdp = 2;
	assert_burned();
	assert_finished();
	hf_twin_reset(twin, HF_TWIN_RESET_PIN);
	assert_int_equal(burn(), HF_ERR_TIMEOUT);
}

static void right_device_is_left_alone(void **state)
{
	struct hf_twin_counts before, after;

	(void)state;
	options.protect.rdp = 0;
	assert_burned();
	hf_twin_counts(twin, &before);
	assert_burned();
	hf_twin_counts(twin, &after);
	assert_int_equal(after.flash_ops - before.flash_ops, 0);
	assert_finished();
}

/* Boot is closed, and the journal says that the device was in use: boot is right, and stays closed. */
static void used_device_is_made_new(void **state)
{
	uint8_t record[64];

	(void)state;
	options.protect.rdp = 0;
	assert_burned();
	memset(record, 0x21, sizeof(record));
	assert_int_equal(hf_twin_load(twin, FLASH + 0x8000, record, sizeof(record)), HF_OK);
	assert_burned();
	assert_finished();
	assert_int_equal(rom.count.erased, 2); /* the journal's */
}

/* Many cuts in one burn, which goes on each time. Level 0: there is nothing that a cut could close. */
static void power_may_fail_again_and_again(void **state)
{
	static const uint16_t fractions[] = {0x3000, 0xc000};
	unsigned all = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		teardown(NULL);
		setup(NULL);
		options.protect.rdp = 0;
		cut_every = 71 + 6 * i; /* a block is 64 words: one that is always cut never gets done */
		fraction = fractions[i];
		unstable = i % 2;
		arm();
		assert_burned();
		assert_true(cuts > 50);
		cut_every = 0;
		hf_twin_disarm_cut(twin);
		assert_finished();
		all += cuts;
	}
	printf("# %u cuts\n", all);
}

static unsigned cut_once(unsigned long at)
{
	teardown(NULL);
	setup(NULL);
	cut_every = at;
	fraction = (uint16_t)(at * 0x1357);
	unstable = at % 2;
	stays_away = true;
	arm();
	if (burn() == HF_OK) {
		assert_int_equal(cuts, 0);
		return 0;
	}
	assert_int_equal(cuts, 1);
	stays_away = false;
	finish();
	assert_finished();
	return 1;
}

/* The power stays away, the tool gives up; later the same command again. */
static void second_run_completes_the_first(void **state)
{
	struct hf_twin_counts c;
	unsigned done = 0;

	(void)state;
	assert_burned();
	hf_twin_counts(twin, &c);
	for (uint64_t at = 0; at < c.flash_ops; at += at < 3 || at + 8 >= c.flash_ops ? 1 : 1201)
		done += cut_once(at);
	printf("# %u burns cut and run again\n", done);
	assert_true(done >= 8);
}

static void cable_may_be_pulled(void **state)
{
	uint64_t end_ns;

	(void)state;
	assert_burned();
	end_ns = hf_twin_now_ns(twin);
	for (unsigned i = 1; i < 6; i++) {
		teardown(NULL);
		setup(NULL);
		off_from_ns = end_ns * i / 6 + i * 777777;
		off_until_ns = off_from_ns + 2000 * MS;
		assert_burned();
		assert_finished();
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(blank_chip_is_burned_whole_commands_in_one_go),
		T(level_2_is_for_ever),
		T(right_device_is_left_alone),
		T(used_device_is_made_new),
		T(power_may_fail_again_and_again),
		T(second_run_completes_the_first),
		T(cable_may_be_pulled),
	};

	return cmocka_run_group_tests_name("rom_twin", tests, make_flash, NULL);
}
