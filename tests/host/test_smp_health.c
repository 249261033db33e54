/* SPDX-License-Identifier: MIT
 *
 * The tool's side of health, verification and history, against the real server at the end of a simulated line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "history.h"
#include "smp_blackbox.h"
#include "smp_health.h"
#include "smp_peer.h"

#define PATIENCE_MS 20000u
#define SECTOR      16384u

static struct hf_health figures;
static uint8_t sector[SECTOR];
static unsigned reads_left; /* until the history is erased; 0: never */

static void tell(struct hf_health *h)
{
	*h = figures;
}

static enum hf_err read_sector(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	if (reads_left && len > HF_HISTORY_BYTES && --reads_left == 0)
		memset(sector + HF_HISTORY_BYTES, 0xff, sizeof sector - HF_HISTORY_BYTES);
	memcpy(buf, sector + (addr - 0x080e0000), len);
	return HF_OK;
}

static const struct hf_flash flash = { .read = read_sector };
static const struct hf_keyset keyset;
static const struct hf_layout roomy = {
	.name = "reference",
	.sectors = 1,
	.sector = { { 0x080e0000, SECTOR } },
	.slot = { { 0x08020000, 0x60000 }, { 0x08080000, 0x60000 } },
	.recovery = { 0x08010000, 0x10000 },
	.data = { 0x080e0000, SECTOR },
};

static int begin(void **state)
{
	setup(state);
	memset(&figures, 0, sizeof figures);
	memset(sector, 0xff, sizeof sector);
	reads_left = 0;
	update.env.layout = &roomy;
	update.env.flash = &flash;
	update.env.keyset = &keyset;
	server.health = tell;
	return 0;
}

static void fill(unsigned records)
{
	for (unsigned i = 0; i < records; i++) {
		struct hf_history_record r = { .type = HF_HISTORY_HOUR, .number = i + 1 };

		hf_history_store(sector + i * HF_HISTORY_BYTES, &r);
	}
}

static void two_starts(struct hf_blackbox_port *port)
{
	*port = (struct hf_blackbox_port){ .start = { 3u | 2u << 8 | 1u << 16 | 2u << 24, HF_START_BROWN_OUT | 1u << 24 },
					   .crash = { 1, 0x08021234, 5, 6, 7 }, .crashes = 9 };
}

static void black_box_comes_as_it_was_told(void **state)
{
	struct hf_smp_blackbox b;
	char text[HF_REPAIRS_TEXT_BYTES];

	(void)state;
	device.found = (struct hf_blackbox){ .dirty = true, .torn = 3, .worn = 4, .last_slot = 300, .last_type = HF_REC_SEGMENT,
		.since = 17, .recovery_starts = 2, .slot = { [1] = { .begun = 1u << 9, .again = 1u << 8, .starts = 1 } },
		.content = { [1] = { .copies = 1, .parts = 5, .cut = 6 } } };
	server.starts = two_starts;
	update.journal.epoch = 1;
	update.journal.repairs = (struct hf_repairs){ .done = HF_REPAIR_ZEROED, .torn = 8 };
	update.state.slot[1].segments = 11;
	update.state.slot[0].copies = 2;
	assert_int_equal(hf_smp_get_blackbox(&client, PATIENCE_MS, &b, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_int_equal(b.starts, 2);
	assert_int_equal(b.port.crash[1], 0x08021234);
	assert_int_equal(b.port.crashes, 9);
	assert_string_equal(hf_repairs_text(b.port.start[0], text), "declared 1 torn journal slot dead");
	assert_string_equal(hf_start_cause_text(b.port.start[0]), "watchdog");
	assert_string_equal(hf_start_cause_text(b.port.start[1]), "brown-out");
	assert_string_equal(hf_repairs_text(b.port.start[1], text), "");
	assert_true(b.live && b.box.dirty && !b.unknown);
	assert_int_equal(b.now.done, HF_REPAIR_ZEROED);
	assert_int_equal(b.now.torn, 8);
	assert_int_equal(b.box.torn, 3);
	assert_int_equal(b.box.worn, 4);
	assert_int_equal(b.box.last_slot, 300);
	assert_int_equal(b.box.last_type, HF_REC_SEGMENT);
	assert_int_equal(b.box.since, 17);
	assert_int_equal(b.box.slot[1].begun, 1u << 9);
	assert_int_equal(b.box.slot[1].again, 1u << 8);
	assert_int_equal(b.box.slot[1].starts, 1);
	assert_int_equal(b.box.slot[0].begun, 0);
	assert_int_equal(b.segments[1], 11);
	assert_int_equal(b.copies[0], 2);
	assert_int_equal(b.box.content[1].parts, 5);
	assert_int_equal(b.box.content[1].cut, 6);
	assert_int_equal(b.box.content[0].copies, 0);
	assert_int_equal(b.box.recovery_starts, 2);
}

static void black_box_that_is_refused_is_no_error(void **state)
{
	struct hf_smp_blackbox b;

	(void)state;
	device.no_black_box = true;
	assert_int_equal(hf_smp_get_blackbox(&client, PATIENCE_MS, &b, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_UNSUPPORTED);
}

static void health_comes_as_it_was_told(void **state)
{
	struct hf_smp_health h;

	(void)state;
	figures = (struct hf_health){ .up_ms = 99, .supply_mv = 2590, .temperature_dc = -400, .led = 6, .ways = HF_WAY_LINE,
		.pin_held = true, .erases = 5, .slowest_ms = 1234, .test_done = true, .test_failed = HF_TEST_RAM, .works = true,
		.good = 1, .bad = 2, .late = 3, .gap_ms = 4, .answer_us = 5, .overrun = 6, .framing = 7, .noise = 8 };
	update.recovery.fact = HF_FACT_GOOD;
	update.worn = HF_ERR_FLASH_ERASE;
	update.journal.bad = 9;
	assert_int_equal(hf_smp_get_health(&client, PATIENCE_MS, &h, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_true(h.supply_known && h.temperature_known && h.work_known && h.pin_held && h.test_done && !h.pll);
	assert_int_equal(h.up_ms, 99);
	assert_int_equal(h.supply_mv, 2590);
	assert_int_equal(h.temperature_dc, -400);
	assert_int_equal(h.led, 6);
	assert_int_equal(h.ways, HF_WAY_LINE);
	assert_int_equal(h.erases, 5);
	assert_int_equal(h.slowest_ms, 1234);
	assert_int_equal(h.worn, HF_ERR_FLASH_ERASE);
	assert_int_equal(h.bad, 9);
	assert_int_equal(h.test_failed, HF_TEST_RAM);
	assert_int_equal(h.good, 1);
	assert_int_equal(h.bad_polls, 2);
	assert_int_equal(h.late, 3);
	assert_int_equal(h.gap_ms, 4);
	assert_int_equal(h.answer_us, 5);
	assert_int_equal(h.overrun, 6);
	assert_int_equal(h.framing, 7);
	assert_int_equal(h.noise, 8);
}

static void health_that_is_not_told_is_not_known(void **state)
{
	struct hf_smp_health h;

	(void)state;
	assert_int_equal(hf_smp_get_health(&client, PATIENCE_MS, &h, &answer), HF_OK);
	assert_false(h.supply_known || h.temperature_known || h.work_known);
}

static void older_firmware_does_not_tell(void **state)
{
	struct hf_smp_health h;

	(void)state;
	server.health = NULL;
	assert_int_equal(hf_smp_get_health(&client, PATIENCE_MS, &h, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_UNSUPPORTED);
}

static void place_that_verifies_says_what_it_holds(void **state)
{
	struct hf_smp_place place;

	(void)state;
	assert_int_equal(hf_smp_verify_place(&client, PATIENCE_MS, HF_PLACE_B, &place, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_int_equal(place.place, HF_PLACE_B);
	assert_int_equal(place.verdict, HF_OK);
	assert_int_equal(place.versions, 3);
	assert_int_equal(place.version[1], 1);
	assert_int_equal(place.hash[31], 0x22);
}

static void place_that_does_not_verify_says_why(void **state)
{
	struct hf_smp_place place;

	(void)state;
	device.verdict = HF_ERR_NOT_FOUND;
	assert_int_equal(hf_smp_verify_place(&client, PATIENCE_MS, HF_PLACE_RECOVERY, &place, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_int_equal(place.verdict, HF_ERR_NOT_FOUND);
	assert_int_equal(hf_smp_verify_place(&client, PATIENCE_MS, 7, &place, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_NOT_FOUND);
	assert_int_not_equal(place.verdict, HF_OK);
}

static void history_is_read_to_its_end(void **state)
{
	static uint8_t got[SECTOR];
	size_t len;

	(void)state;
	assert_int_equal(hf_smp_get_history(&client, PATIENCE_MS, got, sizeof got, &len, &answer), HF_OK);
	assert_int_equal(len, 0);
	for (unsigned records = 1; records <= SECTOR / HF_HISTORY_BYTES; records = records * 8) {
		fill(records);
		assert_int_equal(hf_smp_get_history(&client, PATIENCE_MS, got, sizeof got, &len, &answer), HF_OK);
		assert_int_equal(len, records * HF_HISTORY_BYTES);
		assert_memory_equal(got, sector, len);
	}
	fill(SECTOR / HF_HISTORY_BYTES);
	assert_int_equal(hf_smp_get_history(&client, PATIENCE_MS, got, sizeof got, &len, &answer), HF_OK);
	assert_int_equal(len, SECTOR);
}

static void history_beyond_the_buffer_is_too_large(void **state)
{
	uint8_t got[64];
	size_t len;

	(void)state;
	fill(3);
	assert_int_equal(hf_smp_get_history(&client, PATIENCE_MS, got, sizeof got, &len, &answer), HF_ERR_TOO_LARGE);
}

static void history_that_is_erased_while_it_is_read_is_read_anew(void **state)
{
	static uint8_t got[SECTOR];
	size_t len;

	(void)state;
	fill(SECTOR / HF_HISTORY_BYTES);
	reads_left = 2;
	assert_int_equal(hf_smp_get_history(&client, PATIENCE_MS, got, sizeof got, &len, &answer), HF_OK);
	assert_int_equal(len, HF_HISTORY_BYTES);
	assert_memory_equal(got, sector, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(health_comes_as_it_was_told, begin, teardown),
		cmocka_unit_test_setup_teardown(black_box_comes_as_it_was_told, begin, teardown),
		cmocka_unit_test_setup_teardown(black_box_that_is_refused_is_no_error, begin, teardown),
		cmocka_unit_test_setup_teardown(health_that_is_not_told_is_not_known, begin, teardown),
		cmocka_unit_test_setup_teardown(older_firmware_does_not_tell, begin, teardown),
		cmocka_unit_test_setup_teardown(place_that_verifies_says_what_it_holds, begin, teardown),
		cmocka_unit_test_setup_teardown(place_that_does_not_verify_says_why, begin, teardown),
		cmocka_unit_test_setup_teardown(history_is_read_to_its_end, begin, teardown),
		cmocka_unit_test_setup_teardown(history_beyond_the_buffer_is_too_large, begin, teardown),
		cmocka_unit_test_setup_teardown(history_that_is_erased_while_it_is_read_is_read_anew, begin, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
