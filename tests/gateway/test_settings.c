/* SPDX-License-Identifier: MIT
 *
 * What the gateway makes of a configuration: what is meant, or nothing.
 */
#include "check.h"

#include <string.h>

#include "gateway/settings.h"

static struct hf_settings defaults(void)
{
	return hf_settings_default(19200);
}

static void configuration_is_read(void **state)
{
	/* {"slaves": [7, 247], "poll_ms": 250, "baud": 38400} */
	static const uint8_t all[] = "\xa3\x66slaves\x82\x07\x18\xf7\x67poll_ms\x18\xfa\x64" "baud\x19\x96\x00";
	struct hf_settings s = defaults();

	(void)state;
	assert_int_equal(hf_settings_read((struct hf_bytes){ all, sizeof all - 1 }, &s), HF_OK);
	assert_int_equal(s.slaves, 2);
	assert_int_equal(s.address[0], 7);
	assert_int_equal(s.address[1], 247);
	assert_int_equal(s.poll_ms, 250);
	assert_int_equal(s.baud, 38400);
}

static void what_is_absent_or_unknown_is_a_default(void **state)
{
	/* {"poll_ms": 50, "later": {"x": [1]}, 5: 6}, in an open map */
	static const uint8_t some[] = "\xbf\x67poll_ms\x18\x32\x65later\xa1\x61x\x81\x01\x05\x06\xff";
	struct hf_settings s = defaults();

	(void)state;
	assert_int_equal(hf_settings_read((struct hf_bytes){ some, sizeof some - 1 }, &s), HF_OK);
	assert_int_equal(s.poll_ms, 50);
	assert_int_equal(s.slaves, 3);
	assert_int_equal(s.address[2], 3);
	assert_int_equal(s.baud, 19200);
	assert_int_equal(hf_settings_read((struct hf_bytes){ (const uint8_t *)"\xa0", 1 }, &s), HF_OK);
}

static void nonsense_changes_nothing(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum hf_err err;
	} bad[] = {
		{ "", 0, HF_ERR_ENCODING },
		{ "hello", 5, HF_ERR_TYPE },
		{ "\xa1\x67poll_ms\x13", 10, HF_ERR_RANGE },               /* 19 */
		{ "\xa1\x67poll_ms\x19\x01\xf5", 12, HF_ERR_RANGE },       /* 501 */
		{ "\xa1\x64" "baud\x19\x25\x7f", 9, HF_ERR_RANGE },        /* 9599 */
		{ "\xa1\x66slaves\x80", 9, HF_ERR_RANGE },                 /* [] */
		{ "\xa1\x66slaves\x81\x00", 10, HF_ERR_RANGE },            /* [0] */
		{ "\xa1\x66slaves\x81\x18\xf8", 11, HF_ERR_RANGE },        /* [248] */
		{ "\xa1\x66slaves\x85\x01\x02\x03\x04\x05", 14, HF_ERR_TOO_LARGE },
		{ "\xa1\x66slaves\x01", 9, HF_ERR_TYPE },
		{ "\xa2\x67poll_ms\x18\x32\x64" "baud", 16, HF_ERR_ENCODING }, /* ends too early */
		{ "\xa1\x67poll_ms\x18\x32\x00", 12, HF_ERR_ENCODING },    /* something behind */
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct hf_settings s = defaults(), before = s;

		assert_int_equal(hf_settings_read((struct hf_bytes){ (const uint8_t *)bad[i].bytes, bad[i].len }, &s), bad[i].err);
		assert_memory_equal(&s, &before, sizeof s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_is_read),
		cmocka_unit_test(what_is_absent_or_unknown_is_a_default),
		cmocka_unit_test(nonsense_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
