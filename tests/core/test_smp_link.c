/* SPDX-License-Identifier: MIT
 *
 * The line's rate and framing: what is asked for counts once its answer is out, and not for longer than it is proved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "smp_link.h"

static const uint32_t rates[] = { 921600, 460800, 115200 };

static struct hf_smp_link line;
static uint8_t answer[128];
static size_t answer_len;

static int setup(void **state)
{
	(void)state;
	hf_smp_link_begin(&line, rates, 3);
	return 0;
}

static enum hf_err ask(bool write, const char *body)
{
	uint8_t bytes[64];
	size_t len = from_hex(body, bytes, sizeof bytes);
	struct hf_cbor_writer w;
	enum hf_err err;

	hf_cbor_begin(&w, answer, sizeof answer);
	err = hf_smp_link_serve(&line, write, (struct hf_bytes){ bytes, len }, &w);
	answer_len = w.len;
	assert_int_equal(w.err, HF_OK);
	return err;
}

static void assert_answer(const char *hex)
{
	uint8_t want[128];
	size_t len = from_hex(hex, want, sizeof want);

	assert_int_equal(answer_len, len);
	assert_memory_equal(answer, want, len);
}

static void assert_counts(uint32_t baud, unsigned framing)
{
	assert_int_equal(line.rate[line.index], baud);
	assert_int_equal(line.framing, framing);
}

#define BAUD(hex4)  "6462617564" "1a" hex4
#define R115200     "0001c200"
#define R460800     "00070800"
#define R921600     "000e1000"
#define FRAME(n)    "656672616d65" n

static void read_tells_settings_and_rates(void **state)
{
	(void)state;
	assert_int_equal(ask(false, "a0"), HF_OK);
	assert_answer("a3" BAUD(R921600) FRAME("00") "657261746573" "83" "1a" R921600 "1a" R460800 "1a" R115200);
	assert_int_equal(ask(false, ""), HF_OK);
	assert_false(hf_smp_link_sent(&line, 5));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void write_counts_once_its_answer_has_left(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	assert_answer("a2" BAUD(R115200) FRAME("01"));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
	assert_false(hf_smp_link_tick(&line, 50));
	assert_true(hf_smp_link_sent(&line, 100));
	assert_counts(115200, HF_SMP_FRAMING_BINARY);
	assert_false(hf_smp_link_sent(&line, 101));
}

static void write_of_one_field_leaves_the_other(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a1" FRAME("01")), HF_OK);
	assert_answer("a2" BAUD(R921600) FRAME("01"));
	assert_false(hf_smp_link_sent(&line, 1)); /* the rate stays */
	assert_counts(921600, HF_SMP_FRAMING_BINARY);
	assert_int_equal(ask(true, "a1" BAUD(R460800)), HF_OK);
	assert_answer("a2" BAUD(R460800) FRAME("01"));
	assert_true(hf_smp_link_sent(&line, 2));
	assert_counts(460800, HF_SMP_FRAMING_BINARY);
}

static void write_that_is_refused_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a1" BAUD("0001c201")), HF_ERR_RANGE);
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("02")), HF_ERR_UNSUPPORTED);
	assert_int_equal(ask(true, "a1" "6462617564" "40"), HF_ERR_TYPE);
	assert_int_equal(ask(true, "a2" BAUD(R115200) BAUD(R115200)), HF_ERR_ENCODING);
	assert_int_equal(ask(true, "a1" BAUD("0001")), HF_ERR_ENCODING);
	assert_int_equal(answer_len, 0);
	assert_false(hf_smp_link_sent(&line, 1));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void settings_that_nobody_proves_fall_back_within_a_second(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	hf_smp_link_heard(&line, 90); /* what came before the switch proves nothing */
	assert_true(hf_smp_link_sent(&line, UINT32_MAX - 100));
	assert_false(hf_smp_link_tick(&line, UINT32_MAX - 100 + 999));
	assert_counts(115200, HF_SMP_FRAMING_BINARY);
	assert_true(hf_smp_link_tick(&line, UINT32_MAX - 100 + 1000));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
	assert_false(hf_smp_link_tick(&line, 100000));
}

static void framing_that_nobody_proves_falls_back_at_the_same_rate(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a1" FRAME("01")), HF_OK);
	assert_false(hf_smp_link_sent(&line, 0));
	assert_false(hf_smp_link_tick(&line, 1000)); /* no switch of the rate */
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void settings_that_a_packet_proves_stay(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	assert_true(hf_smp_link_sent(&line, 0));
	hf_smp_link_heard(&line, 999);
	assert_false(hf_smp_link_tick(&line, 1000));
	assert_false(hf_smp_link_tick(&line, 999 + HF_SMP_LINK_SILENCE_MS - 1));
	hf_smp_link_heard(&line, 15000);
	assert_false(hf_smp_link_tick(&line, 15000 + HF_SMP_LINK_SILENCE_MS - 1));
	assert_counts(115200, HF_SMP_FRAMING_BINARY);
}

static void settings_of_a_peer_that_is_gone_fall_back(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	assert_true(hf_smp_link_sent(&line, 0));
	hf_smp_link_heard(&line, 10);
	assert_true(hf_smp_link_tick(&line, 10 + HF_SMP_LINK_SILENCE_MS));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void same_settings_again_need_no_proof(void **state)
{
	(void)state;
	assert_int_equal(ask(true, "a2" BAUD(R921600) FRAME("00")), HF_OK);
	assert_false(hf_smp_link_sent(&line, 0));
	assert_false(hf_smp_link_tick(&line, 5000));
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	assert_true(hf_smp_link_sent(&line, 5000));
	hf_smp_link_heard(&line, 5100);
	assert_int_equal(ask(true, "a2" BAUD(R115200) FRAME("01")), HF_OK);
	assert_false(hf_smp_link_sent(&line, 5100));
	assert_false(hf_smp_link_tick(&line, 9000));
	assert_counts(115200, HF_SMP_FRAMING_BINARY);
}

/* Damage each second, as a peer at another rate makes it; returns when the line goes to another rate. */
static uint32_t damage(uint32_t from_ms, uint32_t limit_ms)
{
	static uint32_t damaged;

	for (uint32_t ms = from_ms; ms < from_ms + limit_ms; ms += 1000) {
		damaged += 20;
		if (hf_smp_link_damaged(&line, damaged, ms))
			return ms;
		assert_false(hf_smp_link_damaged(&line, damaged, ms + 500));
	}
	return 0;
}

static void line_that_brings_only_damage_walks_through_the_rates(void **state)
{
	(void)state;
	assert_int_equal(damage(5000, 60000), 10000);
	assert_counts(460800, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(damage(11000, 60000), 16000);
	assert_counts(115200, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(damage(17000, 60000), 22000);
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void peer_that_goes_through_the_rates_itself_is_awaited(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms < 100000; ms += 3000) {
		assert_int_equal(damage(ms, 2000), 0);
		hf_smp_link_heard(&line, ms + 2000);
	}
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void burst_of_noise_changes_nothing(void **state)
{
	(void)state;
	assert_false(hf_smp_link_damaged(&line, 1000, 100));
	assert_false(hf_smp_link_damaged(&line, 1000, 50000));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

static void rate_that_was_walked_to_falls_back_in_silence(void **state)
{
	uint32_t at = damage(0, 60000);

	(void)state;
	assert_false(hf_smp_link_tick(&line, at + HF_SMP_LINK_SILENCE_MS - 1));
	assert_true(hf_smp_link_tick(&line, at + HF_SMP_LINK_SILENCE_MS));
	assert_counts(921600, HF_SMP_FRAMING_CONSOLE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(read_tells_settings_and_rates),
		T(write_counts_once_its_answer_has_left),
		T(write_of_one_field_leaves_the_other),
		T(write_that_is_refused_changes_nothing),
		T(settings_that_nobody_proves_fall_back_within_a_second),
		T(framing_that_nobody_proves_falls_back_at_the_same_rate),
		T(settings_that_a_packet_proves_stay),
		T(settings_of_a_peer_that_is_gone_fall_back),
		T(same_settings_again_need_no_proof),
		T(line_that_brings_only_damage_walks_through_the_rates),
		T(peer_that_goes_through_the_rates_itself_is_awaited),
		T(burst_of_noise_changes_nothing),
		T(rate_that_was_walked_to_falls_back_in_silence),
	};
#undef T

	return cmocka_run_group_tests_name("smp_link", tests, NULL, NULL);
}
