/* SPDX-License-Identifier: MIT
 *
 * A whole device through the ROM loader: blank, used, closed, cut at every operation, its option bytes included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rom_fixture.h"

static struct hf_board board;
static struct maker maker;
static struct package v1, v2;
static uint8_t flash[16384 * 13];
static struct fake_rom fake;
static struct hf_rom rom;
static struct hf_rom_factory_options options;
static struct hf_diag diag;
static char story[8192];

/* Flash as the factory wants it; the engine itself puts the package into slot A. */
static void make_flash(const struct package *p)
{
	static struct device d;

	device_open(&d, &maker);
	device_install_factory(&d, p);
	memcpy(flash, d.flash.mem, sizeof(flash));
	device_close(&d);
	put_boot(flash, &board, &maker);
	for (unsigned i = 0; i < 5000; i++)
		flash[RECOVERY - BASE + i] = (uint8_t)(i * 7);
}

static int make_all(void **state)
{
	(void)state;
	make_board(&board);
	maker_open(&maker, &board.layout);
	maker_pack(&maker, 1, 1, 30000, &v1);
	maker_pack(&maker, 2, 1, IMAGE_BYTES, &v2);
	make_flash(&v1);
	return 0;
}

static int drop_all(void **state)
{
	(void)state;
	hf_buffer_free(&v1.file);
	hf_buffer_free(&v2.file);
	return 0;
}

static void on_event(void *ctx, const struct hf_rom_event *e)
{
	size_t len = strlen(story);

	(void)ctx;
	assert_true(e->done <= e->total || e->total == 0);
	if (e->text)
		snprintf(story + len, sizeof(story) - len, "%s\n", e->text);
}

static int setup(void **state)
{
	(void)state;
	fake_rom_open(&fake, &board.layout);
	memset(&options, 0, sizeof(options));
	options.flash = flash;
	options.protect = (struct hf_rom_options){.rdp = 1, .bor = 3, .watchdog_by_software = true, .protected = 3};
	story[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_rom_close(&fake);
	return 0;
}

static enum hf_err burn(void)
{
	enum hf_err err;

	rom = (struct hf_rom){.serial = &fake.serial, .board = &board, .event = on_event, .wait_ms = 20000};
	diag.text[0] = 0;
	err = hf_rom_connect(&rom, &diag);
	return err ? err : hf_rom_burn_factory(&rom, &options, &diag);
}

static void assert_burned(void)
{
	if (burn() != HF_OK)
		fail_msg("%s", diag.text);
}

static void assert_finished(void)
{
	struct hf_rom_options o = hf_rom_options_of(fake.options);
	uint8_t id[HF_SHA256_BYTES];

	assert_int_equal(o.rdp, options.protect.rdp);
	assert_int_equal(o.bor, 3);
	assert_true(o.watchdog_by_software);
	assert_int_equal(o.protected, 3);
	sim_flash_power_on(&fake.flash);
	assert_memory_equal(fake.flash.mem, flash, sizeof(flash) - 16384);
	assert_int_equal(boot_starts(&fake, &maker, rom.device_id, id, NULL), HF_PLACE_A);
	assert_memory_equal(id, v1.id, sizeof(id));
}

static void blank_chip_becomes_a_device(void **state)
{
	(void)state;
	fake.options[0] = 0xcf; /* the watchdog starts by hardware */
	assert_burned();
	assert_finished();
	assert_int_equal(fake.options[1], 0x55);
	assert_int_equal(rom.count.again + rom.count.misread, 0);
	assert_non_null(strstr(story, "setting readout protection to level 1"));
}

static void finished_device_is_not_opened_silently(void **state)
{
	(void)state;
	assert_burned();
	fake_rom_reset(&fake);
	assert_int_equal(burn(), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "--erase-everything"));
	assert_int_equal(fake.mass_erases, 0);
	fake_rom_reset(&fake);
	options.erase_everything = true;
	assert_burned();
	assert_int_equal(fake.mass_erases, 1);
	assert_finished();
}

static void open_device_that_is_right_is_left_alone(void **state)
{
	unsigned long writes, erases;
	unsigned option_writes;

	(void)state;
	options.protect.rdp = 0;
	assert_burned();
	writes = fake.writes;
	erases = fake.erases;
	option_writes = fake.option_writes;
	fake_rom_reset(&fake);
	assert_burned();
	assert_int_equal(fake.writes - writes, 0);
	assert_int_equal(fake.erases - erases, 0);
	assert_int_equal(fake.option_writes - option_writes, 0);
	assert_finished();
}

static void used_device_loses_its_journal_and_is_told(void **state)
{
	(void)state;
	memset(flash_at(&fake, JOURNAL + 16384), 0x5a, 1000);
	memset(flash_at(&fake, SLOT_B), 0x5a, 30000);
	memset(flash_at(&fake, BASE), 0x5a, 30000);
	assert_burned();
	assert_finished();
	assert_non_null(strstr(story, "what its journal holds"));
}

static void write_protection_is_taken_off_and_put_back(void **state)
{
	(void)state;
	fake.options[8] = 0;
	fake.options[9] = 0;
	assert_burned();
	assert_finished();
	assert_non_null(strstr(story, "taking the write protection off"));
}

static void level_2_closes_for_ever(void **state)
{
	(void)state;
	options.protect.rdp = 2;
	assert_burned();
	assert_true(fake.closed);
	assert_finished();
	fake_rom_reset(&fake);
	assert_int_equal(burn(), HF_ERR_TIMEOUT);
}

static void wrong_chip_is_refused_even_when_closed(void **state)
{
	(void)state;
	fake.id = 0x431;
	fake.options[1] = 0x55;
	options.erase_everything = true;
	assert_int_equal(burn(), HF_ERR_CLASS);
	assert_int_equal(fake.mass_erases + fake.option_writes, 0);
}

static void unused_sectors_are_not_touched(void **state)
{
	(void)state;
	memset(flash_at(&fake, BASE + 12 * 16384), 0x42, 16384);
	assert_burned();
	for (unsigned i = 0; i < 16384; i++)
		assert_int_equal(*flash_at(&fake, BASE + 12 * 16384 + i), 0x42);
}

/* Power fails at the operation, and is back while the tool waits, or long after. Half of the devices held something. */
static void power_may_fail_at_any_operation(void **state)
{
	static const enum sim_cut how[] = {SIM_CUT_UNSTABLE, SIM_CUT_TORN, SIM_CUT_OLD_NEW, SIM_CUT_NEW_OLD};
	unsigned long operations, cases = 0;

	(void)state;
	assert_burned();
	operations = fake.flash.operation;
	for (unsigned long n = 1; n <= operations; n += n < 20 || n + 20 > operations ? 1 : 61) {
		bool comes_back = cases % 2;

		teardown(NULL);
		setup(NULL);
		if (n % 4 < 2)
			memset(fake.flash.mem, 0x96, sizeof(flash) - 16384);
		fake.flash.cut = how[cases % 4];
		fake.flash.cut_at = n;
		fake.back_after_us = comes_back ? 700000 : 3600000000u;
		if (comes_back) {
			assert_burned();
		} else {
			assert_int_not_equal(burn(), HF_OK);
			fake_rom_reset(&fake);
			assert_burned();
		}
		assert_int_equal(fake.power_cuts, 1);
		assert_finished();
		cases++;
	}
	printf("# %lu cuts of %lu operations\n", cases, operations);
}

/* The power fails while the option bytes are written: they are blank then, which is level 1, and nothing can be read. */
static void cut_option_bytes_are_not_taken_for_right(void **state)
{
	for (unsigned n = 1; n <= 2; n++) {
		(void)state;
		teardown(NULL);
		setup(NULL);
		fake.cut_options_at = n;
		assert_int_equal(burn(), HF_ERR_ORDER);
		assert_non_null(strstr(diag.text, "run the same command again with --erase-everything"));
		options.erase_everything = true;
		fake_rom_reset(&fake);
		assert_burned();
		assert_finished();
	}
}

static void cable_may_be_pulled_for_a_moment(void **state)
{
	(void)state;
	for (uint64_t off_us = 500000; off_us < 24000000; off_us += 1370001) {
		teardown(NULL);
		setup(NULL);
		fake.cable_off_us = off_us;
		fake.cable_on_us = off_us + 3000000;
		fake.cable_is_usb = off_us % 2;
		assert_burned();
		assert_finished();
	}
}

static void lines_spell_boot0_and_reset(void **state)
{
	struct hf_rom_lines l;

	(void)state;
	assert_true(hf_rom_lines_parse("boot0=dtr,reset=!rts", &l));
	assert_int_equal(l.boot0.output, HF_SERIAL_DTR);
	assert_false(l.boot0.invert);
	assert_int_equal(l.reset.output, HF_SERIAL_RTS);
	assert_true(l.reset.invert);
	assert_true(hf_rom_lines_parse("reset=dtr", &l));
	assert_int_equal(l.boot0.output, 0);
	assert_false(hf_rom_lines_parse("", &l));
	assert_false(hf_rom_lines_parse("boot0=dtr,", &l));
	assert_false(hf_rom_lines_parse("boot0=cts", &l));
	assert_false(hf_rom_lines_parse("boot0=dtr,reset=dtr", &l));
	assert_false(hf_rom_lines_parse("boot0=dtr,boot0=rts", &l));
}

static void lines_bring_the_chip_into_its_loader_and_out(void **state)
{
	(void)state;
	fake.absent = true;
	fake.boot0_pin = HF_SERIAL_DTR;
	fake.reset_pin = HF_SERIAL_RTS;
	rom = (struct hf_rom){.serial = &fake.serial, .board = &board, .wait_ms = 5000};
	assert_true(hf_rom_lines_parse("boot0=dtr,reset=rts", &rom.lines));
	assert_int_equal(hf_rom_connect(&rom, &diag), HF_OK);
	assert_true(hf_rom_restart(&rom));
	assert_true(fake.absent);
	assert_int_equal(fake.resets, 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(blank_chip_becomes_a_device),
		T(finished_device_is_not_opened_silently),
		T(open_device_that_is_right_is_left_alone),
		T(used_device_loses_its_journal_and_is_told),
		T(write_protection_is_taken_off_and_put_back),
		T(level_2_closes_for_ever),
		T(wrong_chip_is_refused_even_when_closed),
		T(unused_sectors_are_not_touched),
		T(power_may_fail_at_any_operation),
		T(cut_option_bytes_are_not_taken_for_right),
		T(cable_may_be_pulled_for_a_moment),
		T(lines_spell_boot0_and_reset),
		T(lines_bring_the_chip_into_its_loader_and_out),
	};

	return cmocka_run_group_tests_name("rom_factory", tests, make_all, drop_all);
}
