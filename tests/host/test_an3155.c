/* SPDX-License-Identifier: MIT
 *
 * The client of the ROM loader against one that is as bad as it may be: every single byte of a session lost, damaged,
 * repeated, refused; a loader that falls silent, restarts, was left in mid-frame, or is none. Time is virtual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "an3155.h"
#include "fake_rom.h"

#define FLASH  0x08000000u
#define RAM    0x20003000u
#define SECTOR 2u
#define PLACE  0x08008000u /* of sector 2 */

static const struct hf_layout layout = {
	.name = "chip",
	.sectors = 4,
	.sector = {{FLASH, 16384}, {0x08004000, 16384}, {PLACE, 16384}, {0x0800c000, 16384}},
};

static struct fake_rom rom;
static struct hf_an3155 link;

static int setup(void **state)
{
	(void)state;
	fake_rom_open(&rom, &layout);
	link = (struct hf_an3155){.serial = &rom.serial, .baud = HF_AN3155_BAUD};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_rom_close(&rom);
	return 0;
}

static enum hf_err connect_for(uint32_t ms, enum hf_an3155_peer *peer)
{
	return hf_an3155_connect(&link, ms, NULL, NULL, peer);
}

static void connect(void)
{
	enum hf_an3155_peer peer;

	assert_int_equal(connect_for(2000, &peer), HF_OK);
	assert_int_equal(peer, HF_AN3155_LOADER);
}

static void make_data(uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 37 + i / 256 * 11 + 5);
}

static const uint8_t *flash_at(uint32_t addr)
{
	return rom.flash.mem + (addr - FLASH);
}

/* ---- who is there ---- */

static void loader_is_greeted_and_says_what_it_is(void **state)
{
	(void)state;
	connect();
	assert_int_equal(link.chip_id, 0x413);
	assert_int_equal(link.version, 0x31);
	assert_true(link.readable);
	assert_false(link.echo);
	assert_int_equal(link.count.timeouts + link.count.nacks, 0);
	assert_true(rom.now_us < 500000);
}

static void loader_that_was_greeted_before_answers_again(void **state)
{
	(void)state;
	fake_rom_greeted(&rom, HF_AN3155_BAUD);
	connect();
	connect();
}

static void loader_in_mid_frame_is_brought_back(void **state)
{
	static const uint8_t frames[][9] = {
		{0x31, 0xce}, {0x31, 0xce, 0x08, 0x00}, {0x31, 0xce, 0x08, 0x00, 0x80, 0x00, 0x88},
		{0x31, 0xce, 0x08, 0x00, 0x80, 0x00, 0x88, 0xff, 0x12}, {0x44, 0xbb}, {0x44, 0xbb, 0x00},
		{0x11, 0xee, 0x08}, {0x44, 0xbb, 0xff}, {0x02},
	};
	static const size_t len[] = {2, 4, 7, 9, 2, 3, 3, 3, 1};

	(void)state;
	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		fake_rom_greeted(&rom, HF_AN3155_BAUD);
		/* Slowly, as acknowledgements would let it come. */
		for (size_t k = 0; k < len[i]; k++) {
			assert_int_equal(hf_serial_write(&rom.serial, &frames[i][k], 1), HF_OK);
			hf_serial_sleep_ms(&rom.serial, 5);
		}
		connect();
		assert_int_equal(rom.erases, 0);
		assert_int_equal(*flash_at(PLACE + 4), 0xff);
	}
}

static void nothing_there_ends_in_time(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	rom.absent = true;
	assert_int_equal(connect_for(3000, &peer), HF_ERR_TIMEOUT);
	assert_int_equal(peer, HF_AN3155_SILENCE);
	assert_in_range(rom.now_us, 3000000, 5000000);
}

static void own_bytes_are_told_from_an_answer(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	rom.absent = true;
	rom.echo = true;
	assert_int_equal(connect_for(1000, &peer), HF_ERR_TIMEOUT);
	assert_int_equal(peer, HF_AN3155_ECHO);
}

static void loader_behind_an_echo_works(void **state)
{
	uint8_t data[512], back[512];

	(void)state;
	rom.echo = true;
	connect();
	assert_true(link.echo);
	make_data(data, sizeof(data));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hf_an3155_write(&link, PLACE + i * 256, data + i * 256, 256), HF_OK);
	assert_int_equal(hf_an3155_read(&link, PLACE, back, sizeof(back)), HF_OK);
	assert_memory_equal(back, data, sizeof(data));
}

static void other_talk_is_nonsense(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	rom.talks = "holdfast boot, reset: power\r\n";
	assert_int_equal(connect_for(1000, &peer), HF_ERR_TIMEOUT);
	assert_int_equal(peer, HF_AN3155_NONSENSE);
}

static void line_without_parity_is_told(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	rom.no_parity = true;
	assert_int_equal(connect_for(1000, &peer), HF_ERR_TIMEOUT);
	assert_int_equal(peer, HF_AN3155_NO_PARITY);
}

static void loader_at_another_rate_is_found_there(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	fake_rom_greeted(&rom, 57600);
	assert_int_equal(connect_for(500, &peer), HF_ERR_TIMEOUT);
	assert_false(hf_an3155_answers_at(&link, 38400));
	assert_true(hf_an3155_answers_at(&link, 57600));
}

static void count_seconds(void *ctx, uint32_t left_ms)
{
	unsigned *seconds = ctx;

	assert_true(left_ms < 10000);
	++*seconds;
}

static void device_that_is_reset_later_is_waited_for(void **state)
{
	enum hf_an3155_peer peer;
	unsigned seconds = 0;

	(void)state;
	rom.talks = "1.0.0\r\n";
	rom.press = true;
	rom.pressed_us = 4000000;
	assert_int_equal(hf_an3155_connect(&link, 10000, count_seconds, &seconds, &peer), HF_OK);
	assert_in_range(rom.now_us, 4000000, 5500000);
	assert_in_range(seconds, 2, 5);
}

static bool at_once(void *ctx)
{
	(void)ctx;
	return true;
}

static void waiting_ends_when_it_is_told_to(void **state)
{
	enum hf_an3155_peer peer;

	(void)state;
	rom.absent = true;
	link.stop = at_once;
	assert_int_equal(connect_for(60000, &peer), HF_ERR_TIMEOUT);
	assert_true(rom.now_us < 2000000);
}

/* ---- commands ---- */

static void flash_is_written_read_and_erased(void **state)
{
	uint8_t data[256], back[700];

	(void)state;
	connect();
	make_data(data, sizeof(data));
	assert_int_equal(hf_an3155_write(&link, PLACE + 256, data, 256), HF_OK);
	assert_int_equal(hf_an3155_write(&link, PLACE + 512, data, 8), HF_OK);
	assert_int_equal(hf_an3155_read(&link, PLACE + 3, back, sizeof(back)), HF_OK);
	assert_memory_equal(back + 253, data, 256);
	assert_memory_equal(back + 509, data, 8);
	assert_int_equal(back[0], 0xff);
	assert_int_equal(back[517], 0xff);
	assert_int_equal(hf_an3155_erase(&link, SECTOR), HF_OK);
	assert_int_equal(*flash_at(PLACE + 256), 0xff);
	assert_int_equal(link.count.timeouts + link.count.nacks, 0);
}

static void senseless_writes_are_refused_here(void **state)
{
	uint8_t data[260] = {0};

	(void)state;
	connect();
	assert_int_equal(hf_an3155_write(&link, PLACE + 2, data, 4), HF_ERR_RANGE);
	assert_int_equal(hf_an3155_write(&link, PLACE, data, 6), HF_ERR_RANGE);
	assert_int_equal(hf_an3155_write(&link, PLACE, data, 260), HF_ERR_RANGE);
	assert_int_equal(hf_an3155_write(&link, PLACE, data, 0), HF_ERR_RANGE);
}

static void refusals_say_what_is_refused(void **state)
{
	uint8_t data[4] = {0};

	(void)state;
	connect();
	assert_int_equal(hf_an3155_read(&link, 0x40000000, data, 4), HF_ERR_RANGE);
	assert_int_equal(hf_an3155_write(&link, 0x40000000, data, 4), HF_ERR_RANGE);
	assert_int_equal(hf_an3155_erase(&link, 77), HF_ERR_FLASH_ERASE);
	assert_int_equal(hf_an3155_read(&link, PLACE, data, 4), HF_OK);
}

static void readout_protection_is_noticed(void **state)
{
	uint8_t data[4];

	(void)state;
	rom.options[1] = 0x55;
	connect();
	assert_false(link.readable);
	assert_int_equal(link.chip_id, 0x413);
	assert_int_equal(hf_an3155_read(&link, PLACE, data, 4), HF_ERR_DENIED);
	assert_int_equal(hf_an3155_erase(&link, SECTOR), HF_ERR_DENIED);
	assert_int_equal(rom.mass_erases, 0);
	assert_int_equal(hf_an3155_readout_unprotect(&link, 5000), HF_OK);
	assert_int_equal(rom.mass_erases, 1);
	assert_int_equal(hf_an3155_read(&link, PLACE, data, 4), HF_OK);
}

static void option_bytes_are_written_and_the_loader_greeted_again(void **state)
{
	uint8_t options[16], back[16];
	bool done;

	(void)state;
	connect();
	assert_int_equal(hf_an3155_read(&link, HF_AN3155_OPTIONS_ADDR, options, 16), HF_OK);
	options[8] = 0xfc;
	assert_int_equal(hf_an3155_write_options(&link, options, 5000, &done), HF_OK);
	assert_true(done);
	assert_int_equal(rom.resets, 1);
	assert_int_equal(hf_an3155_read(&link, HF_AN3155_OPTIONS_ADDR, back, 16), HF_OK);
	assert_memory_equal(back, options, 16);
}

/* ---- the line ---- */

static uint64_t time_of_writes(void)
{
	uint64_t begin = rom.now_us;
	uint8_t data[256];

	make_data(data, sizeof(data));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(hf_an3155_write(&link, PLACE + 256 * i, data, 256), HF_OK);
	return rom.now_us - begin;
}

static void loader_that_keeps_pace_is_used_so(void **state)
{
	unsigned errors;

	(void)state;
	connect();
	assert_int_equal(hf_an3155_test_line(&link, RAM, &errors), HF_OK);
	assert_int_equal(errors, 0);
	assert_true(link.in_one_go);
	time_of_writes();
	assert_int_equal(link.count.timeouts + link.count.nacks, 0);
}

static void loader_that_does_not_keep_pace_is_waited_for(void **state)
{
	unsigned errors;

	(void)state;
	rom.hasty = true;
	connect();
	assert_int_equal(hf_an3155_test_line(&link, RAM, &errors), HF_OK);
	assert_int_equal(errors, 0);
	assert_false(link.in_one_go);
	time_of_writes();
	assert_memory_equal(flash_at(PLACE), flash_at(PLACE + 256), 256);
}

static void noise_is_counted(void **state)
{
	unsigned errors;

	(void)state;
	connect();
	rom.flip_ppm = 300;
	rom.drop_ppm = 100;
	assert_int_equal(hf_an3155_test_line(&link, RAM, &errors), HF_OK);
	assert_in_range(errors, 1, HF_AN3155_TEST_BLOCKS - 1);
}

static void noisy_reading_is_repeated_until_two_agree(void **state)
{
	uint8_t data[256], back[4096];

	(void)state;
	connect();
	make_data(data, sizeof(data));
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(hf_an3155_write(&link, PLACE + 256 * i, data, 256), HF_OK);
	rom.flip_ppm = 500;
	assert_int_equal(hf_an3155_read_twice(&link, PLACE, back, sizeof(back)), HF_OK);
	assert_memory_equal(back, flash_at(PLACE), sizeof(back));
}

static void cable_that_comes_back_is_enough(void **state)
{
	static const bool usb[] = {false, true};
	uint8_t data[4];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		connect();
		rom.cable_is_usb = usb[i];
		rom.cable_off_us = rom.now_us + 100;
		rom.cable_on_us = rom.now_us + 8000000;
		assert_int_not_equal(hf_an3155_read(&link, PLACE, data, 4), HF_OK);
		assert_int_equal(hf_an3155_resume(&link, 20000), HF_OK);
		assert_int_equal(hf_an3155_read(&link, PLACE, data, 4), HF_OK);
	}
}

/* ---- every byte of a session ---- */

#define DATA_BYTES 520u

static enum hf_err write_sector(const uint8_t data[DATA_BYTES], uint8_t back[DATA_BYTES])
{
	enum hf_err err = hf_an3155_erase(&link, SECTOR);

	for (unsigned i = 0; i < DATA_BYTES && !err; i += 256)
		err = hf_an3155_write(&link, PLACE + i, data + i, DATA_BYTES - i < 256 ? DATA_BYTES - i : 256);
	return err ? err : hf_an3155_read_twice(&link, PLACE, back, DATA_BYTES);
}

/* What every caller does: what does not read back is erased and written once more. False: it was given up. */
static bool session(void)
{
	uint8_t data[DATA_BYTES], back[DATA_BYTES];
	enum hf_an3155_peer peer;
	enum hf_err err = connect_for(3000, &peer);

	make_data(data, sizeof(data));
	if (!err)
		err = write_sector(data, back);
	if (!err && memcmp(back, data, sizeof(data)) != 0)
		err = write_sector(data, back);
	if (err)
		return false;
	assert_true(link.readable);
	assert_int_equal(link.chip_id, 0x413);
	assert_memory_equal(back, flash_at(PLACE), sizeof(back));
	assert_memory_equal(back, data, sizeof(data));
	return true;
}

static void again(void)
{
	bool in_one_go = link.in_one_go;

	fake_rom_close(&rom);
	setup(NULL);
	memset(rom.flash.mem + (PLACE - FLASH), 0x5a, 16384);
	link.in_one_go = in_one_go;
}

static void damage_every_byte(enum fake_fault fault, bool in_one_go)
{
	unsigned long to_device, to_host;

	link.in_one_go = in_one_go;
	again();
	assert_true(session());
	to_device = rom.to_device;
	to_host = rom.to_host;
	/* A greeting that arrives as something else sets a wrong rate: only a reset helps. And only a device refuses. */
	for (unsigned long n = fault == FAKE_FLIP ? 2 : fault == FAKE_REFUSE ? to_device + 1 : 1; n <= to_device + to_host; n++) {
		again();
		rom.fault = fault;
		if (n <= to_device)
			rom.to_device_at = n;
		else
			rom.to_host_at = n - to_device;
		if (!session())
			fail_msg("fault %d, %s byte %lu: given up", fault, n <= to_device ? "sent" : "received",
				 n <= to_device ? n : n - to_device);
		assert_int_equal(rom.mass_erases, 0);
		assert_true(rom.now_us < 60000000);
	}
	printf("# fault %d: %lu cases\n", fault, to_device + to_host);
}

static void any_byte_may_be_lost(void **state)
{
	(void)state;
	damage_every_byte(FAKE_LOSE, false);
	damage_every_byte(FAKE_LOSE, true);
}

static void any_byte_may_be_damaged(void **state)
{
	(void)state;
	damage_every_byte(FAKE_FLIP, false);
	damage_every_byte(FAKE_FLIP, true);
}

static void any_byte_may_come_twice(void **state)
{
	(void)state;
	damage_every_byte(FAKE_TWICE, false);
	damage_every_byte(FAKE_TWICE, true);
}

static void any_answer_may_be_a_refusal(void **state)
{
	(void)state;
	damage_every_byte(FAKE_REFUSE, false);
	damage_every_byte(FAKE_REFUSE, true);
}

static void loader_may_fall_silent_at_any_byte(void **state)
{
	(void)state;
	damage_every_byte(FAKE_SILENT, false);
	damage_every_byte(FAKE_SILENT, true);
}

static void device_may_restart_at_any_operation(void **state)
{
	unsigned long operations;

	(void)state;
	again();
	assert_true(session());
	operations = rom.flash.operation;
	for (unsigned long n = 1; n <= operations; n++) {
		again();
		rom.flash.cut = SIM_CUT_UNSTABLE;
		rom.flash.cut_at = n;
		assert_true(session());
		assert_int_equal(rom.power_cuts, 1);
		assert_true(link.count.restarts >= 1);
	}
}

/* Data that holds commands, and a damaged address before it: what follows a refusal is read as commands. */
static void data_is_never_taken_for_commands(void **state)
{
	static const uint8_t evil[][2] = {{0x92, 0x6d}, {0x82, 0x7d}, {0x73, 0x8c}, {0x63, 0x9c}, {0x44, 0xbb}, {0x21, 0xde}};

	(void)state;
	for (size_t k = 0; k < sizeof(evil) / sizeof(evil[0]); k++) {
		for (unsigned long n = 1; n <= 16; n++) {
			uint8_t data[256];

			again();
			connect();
			for (unsigned i = 0; i < sizeof(data); i++)
				data[i] = evil[k][(i + n) % 2];
			link.in_one_go = true;
			rom.fault = n % 3 == 0 ? FAKE_LOSE : FAKE_FLIP;
			rom.to_device_at = rom.to_device + (n + 1) / 2;
			assert_int_equal(hf_an3155_write(&link, PLACE + 512, data, sizeof(data)), HF_OK);
			assert_int_equal(rom.mass_erases + rom.option_writes + rom.resets, 0);
			assert_int_equal(rom.erases, 0);
		}
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(loader_is_greeted_and_says_what_it_is),
		T(loader_that_was_greeted_before_answers_again),
		T(loader_in_mid_frame_is_brought_back),
		T(nothing_there_ends_in_time),
		T(own_bytes_are_told_from_an_answer),
		T(loader_behind_an_echo_works),
		T(other_talk_is_nonsense),
		T(line_without_parity_is_told),
		T(loader_at_another_rate_is_found_there),
		T(device_that_is_reset_later_is_waited_for),
		T(waiting_ends_when_it_is_told_to),
		T(flash_is_written_read_and_erased),
		T(senseless_writes_are_refused_here),
		T(refusals_say_what_is_refused),
		T(readout_protection_is_noticed),
		T(option_bytes_are_written_and_the_loader_greeted_again),
		T(loader_that_keeps_pace_is_used_so),
		T(loader_that_does_not_keep_pace_is_waited_for),
		T(noise_is_counted),
		T(noisy_reading_is_repeated_until_two_agree),
		T(cable_that_comes_back_is_enough),
		T(any_byte_may_be_lost),
		T(any_byte_may_be_damaged),
		T(any_byte_may_come_twice),
		T(any_answer_may_be_a_refusal),
		T(loader_may_fall_silent_at_any_byte),
		T(device_may_restart_at_any_operation),
		T(data_is_never_taken_for_commands),
	};

	return cmocka_run_group_tests_name("an3155", tests, NULL, NULL);
}
