/* SPDX-License-Identifier: MIT
 *
 * Health, verification and history over SMP: what the port says reaches the answer, and requests of any kind change nothing.
 */
#include "smp_world.h"

#include "history.h"

static struct hf_health figures;
static unsigned asked, alive;

static void tell(struct hf_health *h)
{
	asked++;
	*h = figures;
}

static void count_alive(void *ctx)
{
	(void)ctx;
	alive++;
}

static int setup_health(void **state)
{
	setup(state);
	asked = alive = 0;
	memset(&figures, 0, sizeof figures);
	server.health = tell;
	return 0;
}

/* The map's value behind this key, unread; the map is skipped up to it. */
static struct hf_cbor_reader find(struct hf_cbor_reader r, const char *key)
{
	uint32_t pairs = hf_cbor_map(&r);

	for (uint32_t i = 0; i < pairs; i++) {
		struct hf_bytes text = hf_cbor_tstr(&r);

		if (text.len == strlen(key) && memcmp(text.ptr, key, text.len) == 0)
			return r;
		hf_cbor_skip(&r);
	}
	assert_int_equal(r.err, HF_OK);
	r.err = HF_ERR_NOT_FOUND;
	return r;
}

static uint64_t number(struct hf_cbor_reader r, const char *key)
{
	uint64_t value;

	r = find(r, key);
	value = hf_cbor_uint64(&r);
	assert_int_equal(r.err, HF_OK);
	return value;
}

static bool flag(struct hf_cbor_reader r, const char *key)
{
	bool value;

	r = find(r, key);
	value = hf_cbor_bool(&r);
	assert_int_equal(r.err, HF_OK);
	return value;
}

static bool has(struct hf_cbor_reader r, const char *key)
{
	return find(r, key).err == HF_OK;
}

static struct hf_cbor_reader health(void)
{
	struct hf_cbor_reader r = ask(1, HF_SMP_READ, 64, 10, "a0"), end = r;

	hf_cbor_skip(&end);
	assert_int_equal(hf_cbor_close(&end), HF_OK);
	return r;
}

static void health_of_a_device_that_cannot_tell_is_no_command(void **state)
{
	(void)state;
	server.health = NULL;
	assert_rc(ask(1, HF_SMP_READ, 64, 10, "a0"), HF_SMP_RC_UNSUPPORTED);
}

static void health_carries_every_figure(void **state)
{
	struct hf_cbor_reader r, temp, flash, test, work, rx;

	(void)state;
	figures = (struct hf_health){ .up_ms = 123456, .supply_mv = 3301, .temperature_dc = -105, .led = 4, .ways = 15,
		.pll = true, .pin_held = true, .erases = 7, .slowest_ms = 1800, .test_done = true, .test_failed = HF_TEST_WORK,
		.works = true, .good = 10, .bad = 11, .late = 12, .gap_ms = 13, .answer_us = 14, .overrun = 15, .framing = 16,
		.noise = 17 };
	update.recovery.fact = HF_FACT_GOOD;
	update.worn = HF_ERR_FLASH_PROGRAM;
	update.journal.bad = 3;
	r = health();
	assert_int_equal(number(r, "up"), 123456);
	assert_int_equal(number(r, "mv"), 3301);
	temp = find(r, "temp");
	assert_int_equal(hf_cbor_int(&temp), -105);
	assert_true(flag(r, "pll"));
	assert_true(flag(r, "pin"));
	assert_int_equal(number(r, "led"), 4);
	assert_int_equal(number(r, "ways"), 15);
	flash = find(r, "flash");
	assert_int_equal(number(flash, "erases"), 7);
	assert_int_equal(number(flash, "slowest"), 1800);
	assert_int_equal(number(flash, "worn"), HF_ERR_FLASH_PROGRAM);
	assert_int_equal(number(flash, "bad"), 3);
	test = find(r, "test");
	assert_true(flag(test, "done"));
	assert_int_equal(number(test, "failed"), HF_TEST_WORK);
	work = find(r, "work");
	assert_int_equal(number(work, "good"), 10);
	assert_int_equal(number(work, "bad"), 11);
	assert_int_equal(number(work, "late"), 12);
	assert_int_equal(number(work, "gap"), 13);
	assert_int_equal(number(work, "answer_us"), 14);
	rx = find(r, "rx");
	assert_int_equal(number(rx, "overrun"), 15);
	assert_int_equal(number(rx, "framing"), 16);
	assert_int_equal(number(rx, "noise"), 17);
	assert_int_equal(asked, 1);
	assert_untouched();
}

static void health_without_supply_or_work_leaves_them_out(void **state)
{
	struct hf_cbor_reader r;

	(void)state;
	figures.temperature_dc = 250;
	r = health();
	assert_false(has(r, "mv"));
	assert_false(has(r, "temp"));
	assert_false(has(r, "work"));
	assert_true(has(r, "flash"));
	assert_false(flag(find(r, "test"), "done"));
}

static void health_with_the_largest_figures_fits_an_answer(void **state)
{
	(void)state;
	memset(&figures, 0xff, sizeof figures);
	figures.pll = figures.pin_held = figures.test_done = figures.works = true;
	figures.temperature_dc = INT16_MIN;
	update.recovery.fact = HF_FACT_GOOD;
	assert_int_equal(number(health(), "ways"), 255);
	assert_true(answer_len <= HF_SMP_ANSWER_MAX);
}

static void ways_without_a_recovery_are_closed(void **state)
{
	(void)state;
	figures.ways = 15;
	update.recovery.fact = HF_FACT_BAD;
	assert_int_equal(number(health(), "ways"), 0);
}

static void verify_of_a_good_place_says_what_it_is(void **state)
{
	static const struct hf_keyset keyset;
	struct hf_cbor_reader r, hash;

	(void)state;
	update.env.keyset = &keyset;
	update.alive = count_alive;
	update.state.slot[1].state = HF_SLOT_CONFIRMED;
	r = ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 01");
	assert_int_equal(number(r, "place"), 1);
	assert_int_equal(number(r, "verdict"), 0);
	assert_int_equal(number(r, "component"), 0);
	assert_true(has(r, "version"));
	hash = find(r, "hash");
	assert_int_equal(hf_cbor_bstr(&hash).len, 32);
	assert_int_equal(engine.verifies, 1);
	assert_int_equal(engine.place, 1);
	assert_int_equal(alive, 3);
	assert_untouched();
}

static void verify_of_a_bad_place_is_an_answer_and_no_error(void **state)
{
	static const struct hf_keyset keyset;
	struct hf_cbor_reader r;

	(void)state;
	update.env.keyset = &keyset;
	engine.err = HF_ERR_DIGEST;
	r = ask(0, HF_SMP_READ, 64, 11, "a1 65706c616365 02");
	assert_int_equal(number(r, "place"), 2);
	assert_int_equal(number(r, "verdict"), HF_ERR_DIGEST);
	assert_false(has(r, "hash"));
	assert_int_equal(server.refused, 0);
}

static void verify_without_a_keyset_says_so(void **state)
{
	(void)state;
	assert_int_equal(number(ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 00"), "verdict"), HF_ERR_KEYSET);
	assert_int_equal(engine.verifies, 0);
}

static void verify_of_nowhere_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_READ, 64, 11, "a0"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, 11, ""), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 03"), HF_ERR_NOT_FOUND);
	assert_err(ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 1affffffff"), HF_ERR_NOT_FOUND);
	assert_err(ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 20"), HF_ERR_TYPE);
	assert_err(ask(1, HF_SMP_READ, 64, 11, "a2 65706c616365 00 65706c616365 01"), HF_ERR_ENCODING);
	assert_int_equal(engine.verifies, 0);
}

static void verify_and_history_are_open_to_everybody(void **state)
{
	(void)state;
	server.access = HF_ACCESS_SIGNED;
	server.network = true;
	assert_int_equal(number(ask(1, HF_SMP_READ, 64, 11, "a1 65706c616365 00"), "verdict"), HF_ERR_KEYSET);
	assert_true(has(ask(1, HF_SMP_READ, 64, 12, "a0"), "len"));
	assert_true(has(health(), "up"));
}

static void know_all(struct hf_blackbox_port *port)
{
	memset(port, 0xff, sizeof *port);
}

static void black_box_with_the_largest_figures_fits_an_answer(void **state)
{
	struct hf_cbor_reader r, journal, kept, starts;

	(void)state;
	memset(&found, 0xff, sizeof found);
	found.dirty = true;
	memset(&update.state, 0xff, sizeof update.state);
	update.state.unknown = true;
	update.journal.repairs = (struct hf_repairs){ 0xff, 0xff };
	update.journal.epoch = 1;
	update.journal.stuck = HF_ERR_FULL;
	update.recovery.why = HF_ERR_NOT_FOUND;
	server.starts = know_all;
	r = ask(1, HF_SMP_READ, 64, 13, "a0");
	assert_true(answer_len <= HF_SMP_ANSWER_MAX);
	starts = find(r, "starts");
	assert_int_equal(hf_cbor_array(&starts), HF_STARTS);
	journal = find(r, "journal");
	assert_int_equal(number(journal, "torn"), 0xffff);
	assert_int_equal(number(journal, "stuck"), HF_ERR_FULL);
	assert_true(flag(journal, "dirty") && flag(journal, "live"));
	kept = find(r, "kept");
	assert_int_equal(hf_cbor_array(&kept), HF_LONGREC_KINDS);
	assert_int_equal(number(kept, "copies"), 255);
	assert_int_equal(number(find(r, "recovery"), "rc"), HF_ERR_NOT_FOUND);
	assert_true(flag(r, "unknown"));
	assert_untouched();
}

static void black_box_of_a_port_that_keeps_nothing_leaves_starts_out(void **state)
{
	struct hf_cbor_reader r;

	(void)state;
	r = ask(1, HF_SMP_READ, 64, 13, "a0");
	assert_false(has(r, "starts"));
	assert_false(has(r, "crash"));
	assert_true(has(r, "journal"));
	engine.err = HF_ERR_IO;
	assert_err(ask(1, HF_SMP_READ, 64, 13, "a0"), HF_ERR_IO);
}

static void writes_of_them_are_no_commands(void **state)
{
	(void)state;
	for (unsigned id = 10; id <= 13; id++)
		assert_rc(ask(1, HF_SMP_WRITE, 64, id, "a0"), HF_SMP_RC_UNSUPPORTED);
	assert_untouched();
}

/* The played flash is nowhere blank: all of the sector counts as records. */
static void history_comes_in_pieces(void **state)
{
	struct hf_cbor_reader r, data;
	struct hf_bytes piece;

	(void)state;
	r = ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1820");
	assert_int_equal(number(r, "off"), 32);
	assert_int_equal(number(r, "len"), 0x20000);
	data = find(r, "data");
	piece = hf_cbor_bstr(&data);
	assert_int_equal(hf_cbor_close(&data), HF_OK);
	assert_true(piece.len > HF_SMP_ANSWER_MAX - 64 && answer_len <= HF_SMP_ANSWER_MAX);
	assert_int_equal(piece.ptr[0], 0x20);
	r = ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1a00020000");
	data = find(r, "data");
	assert_int_equal(hf_cbor_bstr(&data).len, 0);
	r = ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1a0001ffff");
	data = find(r, "data");
	assert_int_equal(hf_cbor_bstr(&data).len, 1);
}

static void history_beyond_its_end_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1a00020001"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1affffffff"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, 12, "a1 636f6666 1b0000000100000000"), HF_ERR_RANGE);
}

static void history_of_a_board_without_a_place_for_it_is_not_found(void **state)
{
	static struct hf_layout bare;

	(void)state;
	bare = layout;
	bare.data = (struct hf_span){ 0, 0 };
	update.env.layout = &bare;
	assert_err(ask(1, HF_SMP_READ, 64, 12, "a0"), HF_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(health_of_a_device_that_cannot_tell_is_no_command, setup_health),
		cmocka_unit_test_setup(health_carries_every_figure, setup_health),
		cmocka_unit_test_setup(health_without_supply_or_work_leaves_them_out, setup_health),
		cmocka_unit_test_setup(health_with_the_largest_figures_fits_an_answer, setup_health),
		cmocka_unit_test_setup(ways_without_a_recovery_are_closed, setup_health),
		cmocka_unit_test_setup(verify_of_a_good_place_says_what_it_is, setup_health),
		cmocka_unit_test_setup(verify_of_a_bad_place_is_an_answer_and_no_error, setup_health),
		cmocka_unit_test_setup(verify_without_a_keyset_says_so, setup_health),
		cmocka_unit_test_setup(verify_of_nowhere_is_refused, setup_health),
		cmocka_unit_test_setup(black_box_with_the_largest_figures_fits_an_answer, setup_health),
		cmocka_unit_test_setup(black_box_of_a_port_that_keeps_nothing_leaves_starts_out, setup_health),
		cmocka_unit_test_setup(verify_and_history_are_open_to_everybody, setup_health),
		cmocka_unit_test_setup(writes_of_them_are_no_commands, setup_health),
		cmocka_unit_test_setup(history_comes_in_pieces, setup_health),
		cmocka_unit_test_setup(history_beyond_its_end_is_refused, setup_health),
		cmocka_unit_test_setup(history_of_a_board_without_a_place_for_it_is_not_found, setup_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
