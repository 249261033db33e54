/* SPDX-License-Identifier: MIT
 *
 * The lockstep protocol's bytes.
 */
#include "check.h"
#include "lockstep.h"

static uint8_t bytes[HF_LOCKSTEP_HEADER + HF_LOCKSTEP_PAYLOAD_MAX + 1];
static struct hf_lockstep_request request;
static struct hf_diag diag;
static size_t used;

static enum hf_err parse(char op, uint64_t arg, const void *payload, uint32_t len)
{
	hf_lockstep_request(bytes, op, arg, len);
	memcpy(bytes + HF_LOCKSTEP_HEADER, payload, len);
	return hf_lockstep_parse((struct hf_bytes){ bytes, HF_LOCKSTEP_HEADER + len }, &request, &used, &diag);
}

static void header_is_little_endian_as_documented(void **state)
{
	(void)state;
	static const uint8_t expected[HF_LOCKSTEP_HEADER] = { 'R', 8, 7, 6, 5, 4, 3, 2, 1, 4, 0, 0, 0 };
	hf_lockstep_request(bytes, 'R', 0x0102030405060708, 4);
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void every_request_is_read(void **state)
{
	(void)state;
	static const uint8_t line[7] = { 0x00, 0xc2, 0x01, 0x00, 8, 'E', 1 }, most[4] = { 0, 1, 0, 0 };
	static const uint8_t signals[2] = { 6, 4 };
	assert_int_equal(parse('H', 0, "control", 7), HF_OK);
	assert_int_equal(request.payload.len, 7);
	assert_int_equal(parse('R', 5, most, 4), HF_OK);
	assert_true(request.arg == 5 && request.read_max == 256);
	assert_int_equal(parse('B', 0, line, 7), HF_OK);
	assert_true(request.line.baud == 115200 && request.line.parity == 'E');
	assert_int_equal(parse('L', 0, signals, 2), HF_OK);
	assert_true(request.mask == 6 && request.values == 4);
	assert_int_equal(parse('S', 1000, "", 0), HF_OK);
	assert_int_equal(parse('N', 0, "", 0), HF_OK);
	assert_int_equal(parse('W', 0, "abc", 3), HF_OK);
	assert_int_equal(parse('X', 0, "status", 6), HF_OK);
	assert_int_equal(used, HF_LOCKSTEP_HEADER + 6);
}

static void every_prefix_wants_more(void **state)
{
	(void)state;
	assert_int_equal(parse('X', 0, "status", 6), HF_OK);
	for (size_t len = 0; len < HF_LOCKSTEP_HEADER + 6; len++) {
		assert_int_equal(hf_lockstep_parse((struct hf_bytes){ bytes, len }, &request, &used, &diag),
				 HF_ERR_TRUNCATED);
		assert_int_equal(used, 0);
	}
}

static void senseless_requests_are_skipped_with_a_sentence(void **state)
{
	(void)state;
	static const uint8_t none[4] = { 0 }, baud0[7] = { 0, 0, 0, 0, 8, 'N', 1 }, signals[2] = { 8, 0 };
	static const uint8_t parity[7] = { 0x80, 0x25, 0, 0, 8, 'X', 1 };
	static const struct {
		char op;
		const void *payload;
		uint32_t len;
	} bad[] = {
		{ 'Z', "", 0 },  { 0, "", 0 },       { 'R', none, 4 },    { 'R', none, 3 },  { 'S', "x", 1 },
		{ 'N', "x", 1 }, { 'B', "", 0 },     { 'B', baud0, 7 },   { 'B', parity, 7 }, { 'L', signals, 2 },
		{ 'L', none, 1 },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		diag.text[0] = 0;
		assert_int_not_equal(parse(bad[i].op, 0, bad[i].payload, bad[i].len), HF_OK);
		assert_int_equal(used, HF_LOCKSTEP_HEADER + bad[i].len);
		assert_true(strlen(diag.text) > 10);
	}
}

static void oversized_request_ends_the_stream(void **state)
{
	(void)state;
	hf_lockstep_request(bytes, 'W', 0, HF_LOCKSTEP_PAYLOAD_MAX + 1);
	assert_int_equal(hf_lockstep_parse((struct hf_bytes){ bytes, sizeof(bytes) }, &request, &used, &diag),
			 HF_ERR_TOO_LARGE);
	assert_int_equal(used, 0);
}

static void reply_is_read_back(void **state)
{
	(void)state;
	struct hf_lockstep_reply reply;
	hf_lockstep_answer(bytes, 0, 123456789, 2);
	memcpy(bytes + HF_LOCKSTEP_HEADER, "ok", 2);
	for (size_t len = 0; len < HF_LOCKSTEP_HEADER + 2; len++)
		assert_int_equal(hf_lockstep_parse_reply((struct hf_bytes){ bytes, len }, &reply, &used),
				 HF_ERR_TRUNCATED);
	assert_int_equal(hf_lockstep_parse_reply((struct hf_bytes){ bytes, HF_LOCKSTEP_HEADER + 2 }, &reply, &used),
			 HF_OK);
	assert_true(reply.status == 0 && reply.now_ns == 123456789 && reply.payload.len == 2);
	assert_int_equal(used, HF_LOCKSTEP_HEADER + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_little_endian_as_documented),
		cmocka_unit_test(every_request_is_read),
		cmocka_unit_test(every_prefix_wants_more),
		cmocka_unit_test(senseless_requests_are_skipped_with_a_sentence),
		cmocka_unit_test(oversized_request_ends_the_stream),
		cmocka_unit_test(reply_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
