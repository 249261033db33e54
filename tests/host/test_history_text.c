/* SPDX-License-Identifier: MIT
 *
 * What people read of a history: each kind of record, those that nobody knows yet, and bytes that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "err.h"
#include "history_text.h"

static const int32_t version[] = { 1, 20, 300 };
static const uint8_t id[] = { 0xde, 0xad, 0xbe, 0xef, 5, 6, 7, 8 };

static struct hf_history_record firmware(enum hf_history_type type, uint8_t slot, uint16_t detail)
{
	struct hf_history_record r = { .type = (uint8_t)type, .slot = slot, .detail = detail, .number = 3, .up_ms = 4 };

	hf_history_put_firmware(&r, version, 3, id);
	return r;
}

static void assert_text(const struct hf_history_record *r, const char *want, bool trouble)
{
	char text[HF_HISTORY_TEXT_BYTES];

	assert_string_equal(hf_history_text(r, text), want);
	assert_int_equal(hf_history_is_trouble(r), trouble);
}

static void firmwares_records_name_it_and_its_slot(void **state)
{
	struct hf_history_record r = firmware(HF_HISTORY_START, 1, 2);

	(void)state;
	assert_text(&r, "1.20.300 starts in slot B after: request", false);
	r.detail = 4 | 2 << 8;
	assert_text(&r, "1.20.300 starts in slot B after: fault, crash 2 in a row", false);
	r = firmware(HF_HISTORY_UPLOAD, 0, 54);
	assert_text(&r, "1.20.300 goes into slot A, 54 KiB", false);
	r = firmware(HF_HISTORY_UPLOADED, 0, 0);
	assert_text(&r, "1.20.300 is complete and verified in slot A", false);
	r.detail = HF_ERR_DIGEST;
	assert_text(&r, "upload of 1.20.300 into slot A ends: the digest does not match", true);
	r = firmware(HF_HISTORY_CONFIRMED, 1, 0);
	assert_text(&r, "1.20.300 in slot B confirms itself", false);
	r = firmware(HF_HISTORY_REJECTED, 1, 128);
	memset(r.data, 0, 8);
	assert_text(&r, "firmware deadbeef in slot B was given up: it did not verify", true);
}

static void alarms_say_what_and_how_much(void **state)
{
	struct hf_history_record r = { .type = HF_HISTORY_ALARM, .detail = HF_ALARM_SUPPLY };

	(void)state;
	r.data[0] = 2604 & 0xff;
	r.data[1] = 2604 >> 8;
	assert_text(&r, "alarm: the supply is low: 2.60 V", true);
	r.detail = HF_ALARM_SELF_TEST | 9 << 8;
	assert_text(&r, "alarm: the self-test failed: missing its work, RAM", true);
	r.detail = HF_ALARM_CRASH | 1 << 8;
	memcpy(r.data, "\x34\x12\x02\x08", 4);
	assert_text(&r, "alarm: the start before ended in an exception, at 08021234", true);
	r.detail = HF_ALARM_CRASH | 200 << 8;
	assert_text(&r, "alarm: the start before ended in unknown, at 08021234", true);
	r.detail = 77;
	assert_text(&r, "alarm 77, which this tool does not know", true);
}

static void hours_give_their_figures(void **state)
{
	struct hf_history_record r = { .type = HF_HISTORY_HOUR, .detail = 3291 };

	(void)state;
	r.data[0] = 100;
	r.data[4] = 2;
	r.data[10] = 99;
	r.data[12] = 0xf6; /* -1.0 */
	r.data[13] = 0xff;
	assert_text(&r, "an hour: 100 polls answered, 2 not, 0 late, longest gap 99 ms; 3.29 V, -1.0 C", false);
	r.detail = 0;
	assert_text(&r, "an hour: 100 polls answered, 2 not, 0 late, longest gap 99 ms", false);
}

static void unknown_records_are_shown_as_such(void **state)
{
	struct hf_history_record r = { .type = 200 };
	json_t *json = hf_history_json(&r);

	(void)state;
	assert_text(&r, "a record of type 200, which this tool does not know", false);
	assert_string_equal(json_string_value(json_object_get(json, "type")), "unknown");
	json_decref(json);
}

static void programs_get_every_field(void **state)
{
	struct hf_history_record r = firmware(HF_HISTORY_START, 0, 3 | 1 << 8);
	json_t *json = hf_history_json(&r);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json, "number")), 3);
	assert_string_equal(json_string_value(json_object_get(json, "type")), "start");
	assert_string_equal(json_string_value(json_object_get(json, "version")), "1.20.300");
	assert_string_equal(json_string_value(json_object_get(json, "id")), "deadbeef05060708");
	assert_string_equal(json_string_value(json_object_get(json, "cause")), "watchdog");
	assert_int_equal(json_integer_value(json_object_get(json, "crashes")), 1);
	json_decref(json);
}

static void what_is_no_record_is_passed_over(void **state)
{
	uint8_t bytes[4 * HF_HISTORY_BYTES + 7];
	struct hf_history_record r = firmware(HF_HISTORY_CONFIRMED, 0, 0);
	size_t off = 0;

	(void)state;
	memset(bytes, 0x5a, sizeof bytes);
	hf_history_store(bytes + HF_HISTORY_BYTES, &r);
	r.number = 9;
	hf_history_store(bytes + 3 * HF_HISTORY_BYTES, &r);
	assert_true(hf_history_each((struct hf_bytes){ bytes, sizeof bytes }, &off, &r));
	assert_int_equal(r.number, 3);
	assert_true(hf_history_each((struct hf_bytes){ bytes, sizeof bytes }, &off, &r));
	assert_int_equal(r.number, 9);
	assert_false(hf_history_each((struct hf_bytes){ bytes, sizeof bytes }, &off, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmwares_records_name_it_and_its_slot),
		cmocka_unit_test(alarms_say_what_and_how_much),
		cmocka_unit_test(hours_give_their_figures),
		cmocka_unit_test(unknown_records_are_shown_as_such),
		cmocka_unit_test(programs_get_every_field),
		cmocka_unit_test(what_is_no_record_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
