/* SPDX-License-Identifier: MIT
 *
 * The bench of Modbus slaves, without a wire: characters in, answers out. Frames and checksums are the specification's
 * examples or were computed apart from this code.
 */
#include "check.h"
#include "modbus_slave.h"

#define DELAY   (5 * MS)

static struct hf_modbus_bench bench;

/* 19200 8N1: a character of 520833 ns; silence of 3.5 characters of 11 bits: 2005208 ns. */
static uint64_t frame_ns, silence_ns;

static int set_up(void **state)
{
	(void)state;
	struct hf_line_format format = hf_line_format_of(19200, 8, 'N', 1);
	hf_modbus_slave_init(&bench, 3, DELAY, &format);
	frame_ns = hf_line_frame_ns(&format);
	silence_ns = format.bit_ps * 77 / 2 / 1000;
	return 0;
}

/* Sends a request that begins at start_ns; returns when its last character ended. */
static uint64_t send(uint64_t start_ns, const uint8_t *request, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hf_modbus_slave_char(&bench, start_ns + (i + 1) * frame_ns, request[i], false);
	return start_ns + len * frame_ns;
}

/* Runs the bench to its next answer; returns its length, and when it begins. */
static size_t answer(uint64_t *at_ns)
{
	for (unsigned i = 0; i < 4; i++) {
		*at_ns = hf_modbus_slave_next(&bench);
		if (*at_ns == HF_LINE_NEVER)
			return 0;
		size_t n = hf_modbus_slave_run(&bench, *at_ns);
		if (n != 0)
			return n;
	}
	return 0;
}

/* Read holding registers 0 and 1 of slave 1. */
static const uint8_t read_two[] = { 0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xc4, 0x0b };

static uint64_t read_at(uint64_t start_ns, bool whole)
{
	uint64_t at;
	send(start_ns, read_two, sizeof(read_two));
	size_t n = answer(&at);
	assert_int_equal(n, 9);
	(void)hf_modbus_slave_answered(&bench, at + n * frame_ns, whole);
	return at + n * frame_ns;
}

static void crc_of_check_string_is_4b37(void **state)
{
	(void)state;
	assert_int_equal(hf_modbus_crc((const uint8_t *)"123456789", 9), 0x4b37);
}

static void read_is_answered_after_the_delay(void **state)
{
	(void)state;
	uint64_t at;
	uint64_t end = send(10 * S, read_two, sizeof(read_two));
	assert_int_equal(answer(&at), 9);
	assert_int_equal(at, end + DELAY);
	assert_int_equal(bench.answer[0], 1);
	assert_int_equal(bench.answer[1], 3);
	assert_int_equal(bench.answer[2], 4);
	assert_int_equal(bench.answer[3] << 8 | bench.answer[4], 10); /* register 0 is the time in seconds */
	assert_int_equal(hf_modbus_crc(bench.answer, 7), bench.answer[7] | bench.answer[8] << 8);
}

static void request_ends_only_by_silence(void **state)
{
	(void)state;
	uint64_t end = send(S, read_two, sizeof(read_two));
	assert_int_equal(hf_modbus_slave_next(&bench), end + silence_ns);
	assert_int_equal(hf_modbus_slave_run(&bench, end + silence_ns - 1), 0);
	assert_int_equal(bench.polls, 0);
	assert_int_equal(hf_modbus_slave_run(&bench, end + silence_ns), 0);
	assert_int_equal(bench.polls, 1);
}

static void request_torn_by_a_pause_is_not_understood(void **state)
{
	(void)state;
	uint64_t end = send(S, read_two, 4);
	assert_int_equal(hf_modbus_slave_run(&bench, end + silence_ns), 0);
	assert_int_equal(bench.crc_errors, 1);
	send(end + 2 * silence_ns, read_two + 4, 4);
	uint64_t at;
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.polls, 0);
}

static void request_too_early_after_an_answer_is_not_understood(void **state)
{
	(void)state;
	uint64_t end = read_at(S, true), at;
	send(end + silence_ns / 2, read_two, sizeof(read_two));
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.early, 1);
	read_at(end + 20 * MS + 2 * silence_ns, true);
	assert_int_equal(bench.readings, 2);
}

static void damaged_character_spoils_the_request(void **state)
{
	(void)state;
	uint64_t at;
	send(S, read_two, 7);
	hf_modbus_slave_char(&bench, S + 8 * frame_ns, read_two[7], true);
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.crc_errors, 1);
}

static void absent_slave_says_nothing(void **state)
{
	(void)state;
	uint8_t request[8] = { 4, 3, 0, 0, 0, 1 };
	uint64_t at;
	uint16_t crc = hf_modbus_crc(request, 6);
	request[6] = (uint8_t)crc;
	request[7] = (uint8_t)(crc >> 8);
	send(S, request, 8);
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.crc_errors, 0);
}

/* Sends function, address and count; returns the exception code, or 0. */
static unsigned exception_of(uint8_t function, uint16_t first, uint16_t count, uint64_t when)
{
	uint8_t request[8] = { 2, function, (uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(count >> 8),
			       (uint8_t)count };
	uint64_t at;
	uint16_t crc = hf_modbus_crc(request, 6);
	request[6] = (uint8_t)crc;
	request[7] = (uint8_t)(crc >> 8);
	send(when, request, 8);
	size_t n = answer(&at);
	assert_true(n != 0);
	(void)hf_modbus_slave_answered(&bench, at + n * frame_ns, true);
	return (bench.answer[1] & 0x80) != 0 ? bench.answer[2] : 0;
}

static void senseless_requests_get_their_exception(void **state)
{
	(void)state;
	assert_int_equal(exception_of(7, 0, 1, 1 * S), 1);
	assert_int_equal(exception_of(3, 63, 2, 2 * S), 2);
	assert_int_equal(exception_of(3, 65535, 1, 3 * S), 2);
	assert_int_equal(exception_of(3, 0, 0, 4 * S), 3);
	assert_int_equal(exception_of(3, 0, 126, 5 * S), 3);
	assert_int_equal(exception_of(3, 0, 64, 6 * S), 0);
	assert_int_equal(bench.readings, 1);
}

static void write_one_register_reads_back(void **state)
{
	(void)state;
	assert_int_equal(exception_of(6, 5, 0xbeef, S), 0);
	assert_int_equal(hf_modbus_slave_register(&bench, 2, 5, 2 * S), 0xbeef);
	assert_int_not_equal(hf_modbus_slave_register(&bench, 1, 5, 2 * S), 0xbeef);
}

static void registers_change_over_time(void **state)
{
	(void)state;
	for (uint16_t reg = 0; reg < HF_MODBUS_REGISTERS; reg++)
		assert_int_not_equal(hf_modbus_slave_register(&bench, 1, reg, 3 * S),
				     hf_modbus_slave_register(&bench, 1, reg, 170 * S));
}

static void gap_between_readings_is_exact(void **state)
{
	(void)state;
	uint64_t a = read_at(1 * S, true), b = read_at(2 * S, true), c = read_at(5 * S, true);
	assert_int_equal(b - a, S);
	assert_int_equal(bench.gap_ns, c - b);
	assert_int_equal(bench.gap_ns, 3 * S);
	assert_int_equal(bench.gap_start_ns, b);
	assert_int_equal(bench.slave[0].gap_ns, 3 * S);
	read_at(6 * S, true);
	assert_int_equal(bench.gap_ns, 3 * S);
}

static void answer_that_was_lost_is_no_reading(void **state)
{
	(void)state;
	read_at(1 * S, true);
	read_at(2 * S, false);
	read_at(3 * S, true);
	assert_int_equal(bench.readings, 2);
	assert_int_equal(bench.lost, 1);
	assert_int_equal(bench.gap_ns, 2 * S);
}

static void bad_crc_slave_gives_no_reading(void **state)
{
	(void)state;
	bench.slave[0].mode = HF_MODBUS_BAD_CRC;
	read_at(S, true);
	assert_int_equal(bench.readings, 0);
	assert_int_not_equal(hf_modbus_crc(bench.answer, 7), bench.answer[7] | bench.answer[8] << 8);
}

static void silent_slave_counts_the_poll_only(void **state)
{
	(void)state;
	uint64_t at;
	bench.slave[0].mode = HF_MODBUS_SILENT;
	send(S, read_two, sizeof(read_two));
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.slave[0].polls, 1);
	assert_int_equal(bench.readings, 0);
}

static void oversized_request_is_survived(void **state)
{
	(void)state;
	uint64_t at;
	for (unsigned i = 0; i < 1000; i++)
		hf_modbus_slave_char(&bench, S + i * frame_ns, (uint8_t)i, false);
	assert_int_equal(answer(&at), 0);
	assert_int_equal(bench.crc_errors, 1);
	read_at(3 * S, true);
	assert_int_equal(bench.readings, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(crc_of_check_string_is_4b37),
		TEST(read_is_answered_after_the_delay),
		TEST(request_ends_only_by_silence),
		TEST(request_torn_by_a_pause_is_not_understood),
		TEST(request_too_early_after_an_answer_is_not_understood),
		TEST(damaged_character_spoils_the_request),
		TEST(absent_slave_says_nothing),
		TEST(senseless_requests_get_their_exception),
		TEST(write_one_register_reads_back),
		TEST(registers_change_over_time),
		TEST(gap_between_readings_is_exact),
		TEST(answer_that_was_lost_is_no_reading),
		TEST(bad_crc_slave_gives_no_reading),
		TEST(silent_slave_counts_the_poll_only),
		TEST(oversized_request_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
