/* SPDX-License-Identifier: MIT
 *
 * The gateway's diary over a simulated flash: what is written, when, and that nothing is written when it must not be.
 */
#include "check.h"

#include "core/bytes.h"
#include "core/health.h"
#include "gateway/diary.h"
#include "sim_flash.h"

#define SLOTS 16u
#define HOUR  HF_DIARY_HOUR_MS

static const struct hf_layout layout = {
	.sectors = 2,
	.sector = { { 0x08000000, 2048 }, { 0x08000800, SLOTS * HF_HISTORY_BYTES } },
	.data = { 0x08000800, SLOTS * HF_HISTORY_BYTES },
};

static struct sim_flash flash;
static struct hf_update update;
static struct hf_diary diary;
static struct hf_diary_input in;
static struct hf_history_record got[SLOTS];

static const struct hf_diary_start power_on = { .cause = HF_RESET_POWER };

static void restart(const struct hf_diary_start *start)
{
	in = (struct hf_diary_input){ .now_ms = 100, .quiet = true, .supply_mv = 3300, .temperature_dc = 250 };
	hf_diary_begin(&diary, &update, start, 100);
}

static int set_up(void **state)
{
	(void)state;
	sim_flash_open(&flash, &layout);
	memset(&update, 0, sizeof update);
	update.env.flash = &flash.ops;
	update.env.layout = &layout;
	update.running = 0;
	update.running_known = true;
	update.running_image.versions = 3;
	update.running_image.version[1] = 7;
	memset(update.running_image.id, 0xab, sizeof update.running_image.id);
	update.state.slot[0].state = HF_SLOT_CONFIRMED;
	restart(&power_on);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_flash_close(&flash);
	return 0;
}

static bool turn(uint32_t ms)
{
	in.now_ms += ms;
	return hf_diary_turn(&diary, &in);
}

static void pass(void)
{
	in.judged = in.healthy = true;
	turn(1500);
}

/* Reads what is in flash now. */
static unsigned records(void)
{
	struct hf_history h;
	uint32_t off = 0;
	unsigned n = 0;

	assert_int_equal(hf_history_open(&h, &flash.ops, &layout), HF_OK);
	while (n < SLOTS && hf_history_next(&h, &off, &got[n]) == HF_OK)
		n++;
	return n;
}

static void nothing_is_written_before_the_self_test_has_decided(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		turn(100);
	assert_int_equal(flash.operation, 0);
	pass();
	assert_int_equal(records(), 1);
	assert_int_equal(got[0].type, HF_HISTORY_START);
	assert_int_equal(got[0].up_ms, 100);
	assert_int_equal(got[0].slot, 0);
	assert_int_equal(load_le16(got[0].data + 2), 7);
	assert_int_equal(got[0].data[8], 0xab);
}

static void start_tells_of_the_crash_before_it(void **state)
{
	static const struct hf_diary_start crashed = { .cause = HF_RESET_FAULT, .crashes = 2, .crash_kind = 1,
						       .crash_pc = 0x08021234 };

	(void)state;
	restart(&crashed);
	pass();
	assert_int_equal(records(), 2);
	assert_int_equal(got[0].type, HF_HISTORY_ALARM);
	assert_int_equal(got[0].detail, HF_ALARM_CRASH | 1 << 8);
	assert_int_equal(load_le32(got[0].data), 0x08021234);
	assert_int_equal(got[1].type, HF_HISTORY_START);
	assert_int_equal(got[1].detail, HF_RESET_FAULT | 2 << 8);
}

static void what_boot_found_at_earlier_starts_is_told_once(void **state)
{
	static struct hf_blackbox_port port = {
		.start = { HF_RESET_WATCHDOG | 1u << 8, HF_RESET_POWER | HF_START_BROWN_OUT | 2u << 8,
			   HF_RESET_PIN | 1u << 8 | HF_REPAIR_ZEROED << 10 | HF_START_TOLD, HF_RESET_PIN | 3u << 8 | 2u << 16 },
	};
	static const struct hf_diary_start start = { .cause = HF_RESET_WATCHDOG, .port = &port };

	(void)state;
	restart(&start);
	assert_false(hf_diary_has_told(&diary));
	pass();
	assert_true(hf_diary_has_told(&diary));
	assert_int_equal(records(), 3);
	assert_int_equal(got[0].type, HF_HISTORY_FOUND);
	assert_int_equal(got[0].detail, 3);
	assert_int_equal(got[0].slot, HF_HISTORY_NO_SLOT); /* recovery was started */
	assert_int_equal(HF_START_TORN(load_le32(got[0].data)), 2);
	assert_int_equal(got[1].type, HF_HISTORY_FOUND);
	assert_int_equal(got[1].detail, 1);
	assert_int_equal(got[1].slot, 1);
	assert_int_equal(got[2].type, HF_HISTORY_START);
}

static void upload_is_told_at_both_ends(void **state)
{
	(void)state;
	pass();
	update.phase = HF_UPDATE_HEAD;
	turn(10);
	update.phase = HF_UPDATE_PAYLOAD;
	update.slot = 1;
	update.total = 100 * 1024;
	update.image = update.running_image;
	turn(10);
	assert_int_equal(records(), 2);
	assert_int_equal(got[1].type, HF_HISTORY_UPLOAD);
	assert_int_equal(got[1].slot, 1);
	assert_int_equal(got[1].detail, 100);
	update.phase = HF_UPDATE_DONE;
	turn(10);
	update.phase = HF_UPDATE_IDLE;
	turn(10);
	assert_int_equal(records(), 3);
	assert_int_equal(got[2].type, HF_HISTORY_UPLOADED);
	assert_int_equal(got[2].detail, HF_OK);
}

static void upload_that_fails_is_told_with_its_error(void **state)
{
	(void)state;
	pass();
	update.phase = HF_UPDATE_PAYLOAD;
	turn(10);
	update.phase = HF_UPDATE_IDLE;
	in.last_error = HF_ERR_DIGEST;
	turn(10);
	assert_int_equal(records(), 3);
	assert_int_equal(got[2].type, HF_HISTORY_UPLOADED);
	assert_int_equal(got[2].detail, HF_ERR_DIGEST);
}

static void confirmation_is_told_once(void **state)
{
	(void)state;
	update.state.slot[0].state = HF_SLOT_TRIAL;
	restart(&power_on);
	turn(100);
	update.state.slot[0].state = HF_SLOT_CONFIRMED;
	pass();
	turn(100);
	assert_int_equal(records(), 2);
	assert_int_equal(got[1].type, HF_HISTORY_CONFIRMED);
	assert_int_equal(got[1].slot, 0);
	restart(&power_on);
	pass();
	assert_int_equal(records(), 3);
	assert_int_equal(got[2].type, HF_HISTORY_START);
}

static void reject(uint8_t id)
{
	update.state.slot[1].state = HF_SLOT_REJECTED;
	update.state.slot[1].reason = HF_RESET_WATCHDOG;
	memset(update.state.slot[1].id, id, sizeof update.state.slot[1].id);
	restart(&power_on);
	pass();
}

static void rejection_is_told_once_for_each_upload(void **state)
{
	(void)state;
	reject(0x55);
	assert_int_equal(records(), 2);
	assert_int_equal(got[1].type, HF_HISTORY_REJECTED);
	assert_int_equal(got[1].slot, 1);
	assert_int_equal(got[1].detail, HF_RESET_WATCHDOG);
	assert_int_equal(got[1].data[8], 0x55);
	reject(0x55);
	assert_int_equal(records(), 3); /* the start only */
	reject(0x66);
	assert_int_equal(records(), 5);
	update.phase = HF_UPDATE_PAYLOAD;
	update.slot = 1;
	turn(10);
	reject(0x66);
	assert_int_equal(records(), 9); /* both ends of the upload, the start, and again */
	assert_int_equal(got[8].type, HF_HISTORY_REJECTED);
}

static void failed_self_test_is_an_alarm(void **state)
{
	(void)state;
	in.judged = true;
	in.test_failed = HF_TEST_WORK;
	turn(30000);
	turn(100);
	assert_int_equal(records(), 2);
	assert_int_equal(got[1].detail, HF_ALARM_SELF_TEST | HF_TEST_WORK << 8);
}

static void low_supply_is_an_alarm_until_it_is_fine_again(void **state)
{
	static const uint16_t mv[] = { 3300, 2650, 2690, 2750, 2600, 0, 2650, 2810, 2699 };

	(void)state;
	pass();
	for (unsigned i = 0; i < sizeof mv / sizeof mv[0]; i++) {
		in.supply_mv = mv[i];
		turn(10000);
	}
	assert_int_equal(records(), 3);
	assert_int_equal(got[1].detail, HF_ALARM_SUPPLY);
	assert_int_equal(load_le32(got[1].data), 2650);
	assert_int_equal(load_le32(got[2].data), 2699);
}

static void worn_flash_is_an_alarm(void **state)
{
	(void)state;
	pass();
	update.worn = HF_ERR_FLASH_ERASE;
	turn(10);
	turn(10);
	assert_int_equal(records(), 2);
	assert_int_equal(got[1].detail, HF_ALARM_FLASH | HF_ERR_FLASH_ERASE << 8);
}

static void hour_tells_what_was_done_in_it(void **state)
{
	(void)state;
	pass();
	in.good = 36000;
	in.bad = 12;
	in.late = 70000;
	in.gap_ms = 412;
	assert_false(turn(HOUR - 1501));
	in.temperature_dc = -15;
	assert_true(turn(1));
	in.good += 100;
	in.gap_ms = 99;
	assert_true(turn(HOUR));
	assert_int_equal(records(), 3);
	assert_int_equal(got[1].type, HF_HISTORY_HOUR);
	assert_int_equal(got[1].detail, 3300);
	assert_int_equal(load_le32(got[1].data), 36000);
	assert_int_equal(load_le32(got[1].data + 4), 12);
	assert_int_equal(load_le16(got[1].data + 8), 65535);
	assert_int_equal(load_le16(got[1].data + 10), 412);
	assert_int_equal((int16_t)load_le16(got[1].data + 12), -15);
	assert_int_equal(load_le32(got[2].data), 100);
	assert_int_equal(load_le32(got[2].data + 4), 0);
	assert_int_equal(load_le16(got[2].data + 10), 99);
}

static void full_history_is_erased_only_when_all_is_quiet(void **state)
{
	(void)state;
	pass();
	in.quiet = false;
	for (unsigned i = 0; i < SLOTS + 4; i++)
		turn(HOUR);
	assert_int_equal(records(), SLOTS);
	assert_int_equal(flash.erases, 0);
	in.quiet = true;
	turn(10);
	assert_int_equal(flash.erases, 1);
	turn(10);
	assert_int_equal(flash.erases, 1);
	assert_int_equal(records(), 5);
	assert_int_equal(got[0].number, SLOTS + 1);
}

static void what_cannot_be_written_for_long_is_dropped_from_the_oldest(void **state)
{
	(void)state;
	pass();
	in.quiet = false;
	for (unsigned i = 0; i < SLOTS + 20; i++) {
		in.good += 1 + i;
		turn(HOUR);
	}
	in.quiet = true;
	turn(10);
	turn(10);
	assert_int_equal(records(), HF_DIARY_WAITING);
	assert_int_equal(load_le32(got[HF_DIARY_WAITING - 1].data), SLOTS + 20);
}

static void memory_that_does_not_erase_ends_the_diary_and_nothing_else(void **state)
{
	(void)state;
	memset(flash.mem + 2048, 0x5a, SLOTS * HF_HISTORY_BYTES);
	flash.dead = 1u << 1;
	pass();
	assert_int_equal(diary.err, HF_ERR_FLASH_ERASE);
	assert_false(turn(HOUR));
}

static void memory_that_takes_nothing_is_erased_once(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < SLOTS * HF_HISTORY_BYTES; at += 4)
		sim_flash_stick(&flash, 0x08000800 + at, 0xffffffff, 0);
	pass();
	for (unsigned i = 0; i < 5; i++)
		turn(HOUR);
	assert_int_equal(flash.erases, 1);
	assert_int_equal(diary.err, HF_ERR_FLASH_PROGRAM);
}

static void board_without_a_place_for_it_writes_nothing(void **state)
{
	static struct hf_layout bare;

	(void)state;
	bare = layout;
	bare.data = (struct hf_span){ 0, 0 };
	update.env.layout = &bare;
	pass();
	assert_int_equal(diary.err, HF_ERR_NOT_FOUND);
	assert_int_equal(flash.operation, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(nothing_is_written_before_the_self_test_has_decided),
		T(start_tells_of_the_crash_before_it),
		T(what_boot_found_at_earlier_starts_is_told_once),
		T(upload_is_told_at_both_ends),
		T(upload_that_fails_is_told_with_its_error),
		T(confirmation_is_told_once),
		T(rejection_is_told_once_for_each_upload),
		T(failed_self_test_is_an_alarm),
		T(low_supply_is_an_alarm_until_it_is_fine_again),
		T(worn_flash_is_an_alarm),
		T(hour_tells_what_was_done_in_it),
		T(full_history_is_erased_only_when_all_is_quiet),
		T(what_cannot_be_written_for_long_is_dropped_from_the_oldest),
		T(memory_that_does_not_erase_ends_the_diary_and_nothing_else),
		T(memory_that_takes_nothing_is_erased_once),
		T(board_without_a_place_for_it_writes_nothing),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
