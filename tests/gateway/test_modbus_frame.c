/* SPDX-License-Identifier: MIT
 *
 * Modbus RTU frames: against the published checksum and example, and against everything that is not the answer.
 */
#include "check.h"

#include "gateway/modbus_frame.h"

/* Slave 0x11, registers 0x6B to 0x6D: the example of the Modbus specification's function 3, with its checksums. */
static const uint8_t request[] = { 0x11, 0x03, 0x00, 0x6b, 0x00, 0x03, 0x76, 0x87 };
static const uint8_t answer[] = { 0x11, 0x03, 0x06, 0xae, 0x41, 0x56, 0x52, 0x43, 0x40, 0x49, 0xad };

static void seal(uint8_t *frame, size_t len)
{
	uint16_t crc = hf_modbus_frame_crc(frame, len - 2);

	frame[len - 2] = (uint8_t)crc;
	frame[len - 1] = (uint8_t)(crc >> 8);
}

static void crc_of_check_string_is_the_published_one(void **state)
{
	(void)state;
	assert_int_equal(hf_modbus_frame_crc((const uint8_t *)"123456789", 9), 0x4b37);
	assert_int_equal(hf_modbus_frame_crc(NULL, 0), 0xffff);
}

static void request_of_the_specification_is_built(void **state)
{
	uint8_t frame[HF_MODBUS_REQUEST_BYTES];

	(void)state;
	hf_modbus_frame_request(frame, 0x11, 0x6b, 3);
	assert_memory_equal(frame, request, sizeof request);
}

static void answer_of_the_specification_gives_its_values(void **state)
{
	uint16_t value[HF_MODBUS_VALUES_MAX] = { 0 };

	(void)state;
	assert_int_equal(hf_modbus_frame_answer(answer, sizeof answer, 0x11, 3, value), HF_MODBUS_GOOD);
	assert_int_equal(value[0], 0xae41);
	assert_int_equal(value[1], 0x5652);
	assert_int_equal(value[2], 0x4340);
}

static void length_is_known_from_the_third_byte_on(void **state)
{
	(void)state;
	assert_int_equal(hf_modbus_frame_length(answer, 2), 0);
	assert_int_equal(hf_modbus_frame_length(answer, 3), sizeof answer);
	assert_int_equal(hf_modbus_frame_length((const uint8_t[]){ 0x11, 0x83, 0x02 }, 3), 5);
}

static void answer_with_any_bit_flipped_is_not_good(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof answer; bit++) {
		uint16_t value[HF_MODBUS_VALUES_MAX] = { 0x1234 };
		uint8_t frame[sizeof answer];

		memcpy(frame, answer, sizeof frame);
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(hf_modbus_frame_answer(frame, sizeof frame, 0x11, 3, value), HF_MODBUS_GOOD);
		assert_int_equal(value[0], 0x1234);
	}
}

static void answer_of_any_other_length_is_damaged(void **state)
{
	uint8_t frame[64] = { 0 };
	uint16_t value[HF_MODBUS_VALUES_MAX];

	(void)state;
	memcpy(frame, answer, sizeof answer);
	for (size_t len = 0; len < sizeof frame; len++) {
		if (len != sizeof answer)
			assert_int_equal(hf_modbus_frame_answer(frame, len, 0x11, 3, value), HF_MODBUS_DAMAGED);
	}
}

static void answer_to_another_question_is_foreign(void **state)
{
	uint16_t value[HF_MODBUS_VALUES_MAX];
	uint8_t other[sizeof answer];

	(void)state;
	assert_int_equal(hf_modbus_frame_answer(answer, sizeof answer, 0x12, 3, value), HF_MODBUS_FOREIGN);
	assert_int_equal(hf_modbus_frame_answer(answer, sizeof answer, 0x11, 2, value), HF_MODBUS_FOREIGN);
	memcpy(other, answer, sizeof other);
	other[1] = 4;
	seal(other, sizeof other);
	assert_int_equal(hf_modbus_frame_answer(other, sizeof other, 0x11, 3, value), HF_MODBUS_FOREIGN);
}

static void exception_answer_is_told_apart(void **state)
{
	uint8_t frame[5] = { 0x11, 0x83, 0x02 };
	uint16_t value[HF_MODBUS_VALUES_MAX];

	(void)state;
	seal(frame, sizeof frame);
	assert_int_equal(hf_modbus_frame_answer(frame, sizeof frame, 0x11, 3, value), HF_MODBUS_EXCEPTION);
}

static void answer_with_more_values_than_there_is_room_is_refused(void **state)
{
	uint8_t frame[5 + 2 * (HF_MODBUS_VALUES_MAX + 1)] = { 0x11, 0x03, 2 * (HF_MODBUS_VALUES_MAX + 1) };
	uint16_t value[HF_MODBUS_VALUES_MAX];

	(void)state;
	seal(frame, sizeof frame);
	assert_int_equal(hf_modbus_frame_answer(frame, sizeof frame, 0x11, HF_MODBUS_VALUES_MAX + 1, value),
			 HF_MODBUS_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_of_check_string_is_the_published_one),
		cmocka_unit_test(request_of_the_specification_is_built),
		cmocka_unit_test(answer_of_the_specification_gives_its_values),
		cmocka_unit_test(length_is_known_from_the_third_byte_on),
		cmocka_unit_test(answer_with_any_bit_flipped_is_not_good),
		cmocka_unit_test(answer_of_any_other_length_is_damaged),
		cmocka_unit_test(answer_to_another_question_is_foreign),
		cmocka_unit_test(exception_answer_is_told_apart),
		cmocka_unit_test(answer_with_more_values_than_there_is_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
