/* SPDX-License-Identifier: MIT
 *
 * The master over simulated milliseconds: its pace, its turns, and that nothing on the bus stops it.
 */
#include "check.h"

#include "gateway/modbus_master.h"

#define SLAVES 3u
#define SEND_MS 5u /* eight characters at 19200 baud */

/* What the bus does with a request. */
enum answer { ANSWER, SILENCE, HALF, BAD_CRC, BABBLE, NEVER_SENT };

struct bus {
	struct hf_modbus_master m;
	enum answer answer;
	uint32_t now;
	uint32_t sent_at;    /* 0: nothing is being sent */
	uint32_t requests;
	uint32_t request_ms; /* of the last one */
	uint32_t gap_ms;     /* longest between two requests */
	uint8_t asked[16];   /* the slaves of the first requests */
};

static void reply(struct bus *b)
{
	uint8_t frame[13] = { b->m.request[0], 3, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	uint16_t crc = hf_modbus_frame_crc(frame, 11);
	size_t len = b->answer == HALF ? 6 : sizeof frame;

	if (b->answer == BAD_CRC)
		crc ^= 1;
	frame[11] = (uint8_t)crc;
	frame[12] = (uint8_t)(crc >> 8);
	if (b->answer == SILENCE || b->answer == BABBLE)
		return;
	for (size_t i = 0; i < len; i++)
		hf_modbus_master_take(&b->m, frame[i], false, b->now);
}

static void step(struct bus *b)
{
	b->now++;
	if (b->answer == BABBLE)
		hf_modbus_master_take(&b->m, 0x55, false, b->now);
	if (hf_modbus_master_tick(&b->m, b->now)) {
		if (b->requests > 0 && b->now - b->request_ms > b->gap_ms)
			b->gap_ms = b->now - b->request_ms;
		if (b->requests < sizeof b->asked)
			b->asked[b->requests] = b->m.request[0];
		b->requests++;
		b->request_ms = b->now;
		b->sent_at = b->answer == NEVER_SENT ? 0 : b->now + SEND_MS;
	}
	if (b->sent_at == b->now) {
		hf_modbus_master_sent(&b->m, b->now);
		reply(b);
	}
}

static struct bus run(enum answer answer, uint32_t begin_ms, uint32_t time_ms)
{
	struct bus b = { .answer = answer, .now = begin_ms };

	hf_modbus_master_begin(&b.m, SLAVES, 0, 4, b.now);
	for (uint32_t i = 0; i < time_ms; i++)
		step(&b);
	return b;
}

static void slaves_are_asked_in_turn_at_a_fixed_pace(void **state)
{
	struct bus b = run(ANSWER, 1000, 3001);

	(void)state;
	assert_int_equal(b.requests, 31);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
	for (unsigned i = 0; i < sizeof b.asked; i++)
		assert_int_equal(b.asked[i], i % SLAVES + 1);
}

static void other_slaves_and_pace_take_over_between_two_polls(void **state)
{
	static const uint8_t address[] = { 9, 4 };
	struct bus b = run(ANSWER, 1000, 1001);
	unsigned refused = 0;

	(void)state;
	assert_false(hf_modbus_master_set(&b.m, address, 2, 50)); /* a request is on its way */
	for (; !hf_modbus_master_set(&b.m, address, 2, 50); refused++)
		step(&b);
	assert_in_range(refused, 1, SEND_MS + 1);
	b.requests = 0;
	b.gap_ms = 0;
	for (unsigned i = 0; i < 1000; i++)
		step(&b);
	assert_in_range(b.requests, 18, 20);
	assert_int_equal(b.gap_ms, 50);
	for (unsigned i = 0; i < sizeof b.asked; i++)
		assert_int_equal(b.asked[i], address[i % 2]);
	assert_in_range(b.m.good, 28, 31);
}

static void answers_are_counted_and_kept(void **state)
{
	struct bus b = run(ANSWER, 1000, 3050);

	(void)state;
	assert_int_equal(b.m.good, 31);
	assert_int_equal(b.m.bad, 0);
	assert_int_equal(b.m.longest_ms, HF_MODBUS_POLL_MS);
	assert_int_equal(b.m.slave[2].value[0], 0x0102);
	assert_int_equal(b.m.slave[2].value[3], 0x0708);
	assert_int_equal(b.m.slave[0].good, 11);
	assert_int_equal(b.m.slave[2].good, 10);
}

static void time_to_answers_and_gaps_are_measured(void **state)
{
	struct bus b = run(ANSWER, 1000, 1001);

	(void)state;
	assert_int_equal(b.m.answers_ms, 0); /* this bus answers at once */
	assert_int_equal(b.m.late, 0);
	b.m.recent_ms = 0;
	b.answer = SILENCE;
	while (b.m.bad < 2)
		step(&b);
	while (b.m.phase != HF_MODBUS_LISTENING)
		step(&b);
	for (unsigned i = 0; i < 7; i++)
		step(&b);
	b.answer = ANSWER;
	reply(&b);
	assert_int_equal(b.m.answers_ms, 7);
	assert_in_range(b.m.recent_ms, 3 * HF_MODBUS_POLL_MS, 3 * HF_MODBUS_POLL_MS + 7);
	assert_int_equal(b.m.longest_ms, b.m.recent_ms);
}

static void poll_that_begins_late_is_counted(void **state)
{
	struct bus b = run(ANSWER, 1000, 150);

	(void)state;
	b.now += HF_MODBUS_POLL_MS - 50 + HF_MODBUS_LATE_MS;
	step(&b);
	assert_int_equal(b.m.late, 1);
	for (unsigned i = 0; i < 1000; i++)
		step(&b);
	assert_int_equal(b.m.late, 1);
}

static void clock_that_wraps_changes_nothing(void **state)
{
	struct bus b = run(ANSWER, UINT32_MAX - 1500, 3050);

	(void)state;
	assert_int_equal(b.m.good, 31);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
}

static void silent_slaves_do_not_slow_the_others(void **state)
{
	struct bus b = run(SILENCE, 1000, 3050);

	(void)state;
	assert_int_equal(b.requests, 31);
	assert_int_equal(b.m.good, 0);
	assert_int_equal(b.m.bad, 30);
	assert_int_equal(b.m.slave[1].last, HF_MODBUS_SILENT);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
}

static void half_an_answer_ends_by_silence(void **state)
{
	struct bus b = run(HALF, 1000, 3050);

	(void)state;
	assert_int_equal(b.requests, 31);
	assert_int_equal(b.m.good, 0);
	assert_int_equal(b.m.slave[0].last, HF_MODBUS_DAMAGED);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
}

static void damaged_answers_are_bad_readings(void **state)
{
	struct bus b = run(BAD_CRC, 1000, 3050);

	(void)state;
	assert_int_equal(b.m.good, 0);
	assert_int_equal(b.m.bad, 31);
	assert_int_equal(b.m.slave[0].value[0], 0);
}

static void babbling_line_does_not_stop_the_polls(void **state)
{
	struct bus b = run(BABBLE, 1000, 10001);

	(void)state;
	assert_int_equal(b.requests, 101);
	assert_int_equal(b.m.good, 0);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
}

static void transmitter_that_hangs_does_not_stop_the_polls(void **state)
{
	struct bus b = run(NEVER_SENT, 1000, 3001);

	(void)state;
	assert_int_equal(b.requests, 31);
	assert_int_equal(b.gap_ms, HF_MODBUS_POLL_MS);
}

static void late_tick_is_not_made_up_for_by_a_burst(void **state)
{
	struct bus b = run(ANSWER, 1000, 150);

	(void)state;
	b.now += 5000;
	for (unsigned i = 0; i < 99; i++)
		step(&b);
	assert_int_equal(b.requests, 3);
}

static void damaged_character_spoils_its_answer(void **state)
{
	struct bus b = run(ANSWER, 1000, 98);
	uint32_t bad = b.m.bad;

	(void)state;
	b.answer = SILENCE;
	while (b.m.phase != HF_MODBUS_LISTENING)
		step(&b);
	uint8_t frame[13] = { b.m.request[0], 3, 8 };
	uint16_t crc = hf_modbus_frame_crc(frame, 11);
	frame[11] = (uint8_t)crc;
	frame[12] = (uint8_t)(crc >> 8);
	for (size_t i = 0; i < sizeof frame; i++)
		hf_modbus_master_take(&b.m, frame[i], i == 5, b.now);
	assert_int_equal(b.m.bad, bad + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slaves_are_asked_in_turn_at_a_fixed_pace),
		cmocka_unit_test(other_slaves_and_pace_take_over_between_two_polls),
		cmocka_unit_test(answers_are_counted_and_kept),
		cmocka_unit_test(time_to_answers_and_gaps_are_measured),
		cmocka_unit_test(poll_that_begins_late_is_counted),
		cmocka_unit_test(clock_that_wraps_changes_nothing),
		cmocka_unit_test(silent_slaves_do_not_slow_the_others),
		cmocka_unit_test(half_an_answer_ends_by_silence),
		cmocka_unit_test(damaged_answers_are_bad_readings),
		cmocka_unit_test(babbling_line_does_not_stop_the_polls),
		cmocka_unit_test(transmitter_that_hangs_does_not_stop_the_polls),
		cmocka_unit_test(late_tick_is_not_made_up_for_by_a_burst),
		cmocka_unit_test(damaged_character_spoils_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
