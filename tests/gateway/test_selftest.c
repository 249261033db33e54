/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "core/health.h"
#include "gateway/selftest.h"

static const struct hf_selftest healthy = { .readings = HF_SELFTEST_READINGS, .journal = true, .head = true, .ram = true };

static void all_good_passes_but_not_at_once(void **state)
{
	(void)state;
	assert_int_equal(hf_selftest_judge(&healthy, HF_SELFTEST_MIN_MS - 1), HF_SELFTEST_PENDING);
	assert_int_equal(hf_selftest_judge(&healthy, HF_SELFTEST_MIN_MS), HF_SELFTEST_PASSED);
	assert_int_equal(hf_selftest_judge(&healthy, HF_SELFTEST_LIMIT_MS + 1), HF_SELFTEST_PASSED);
	assert_null(hf_selftest_missing(&healthy));
}

static void anything_missing_waits_and_then_fails(void **state)
{
	struct hf_selftest test[4] = { healthy, healthy, healthy, healthy };

	(void)state;
	test[0].readings--;
	test[1].journal = false;
	test[2].head = false;
	test[3].ram = false;
	for (unsigned i = 0; i < 4; i++) {
		assert_non_null(hf_selftest_missing(&test[i]));
		assert_int_equal(hf_selftest_judge(&test[i], HF_SELFTEST_LIMIT_MS - 1), HF_SELFTEST_PENDING);
		assert_int_equal(hf_selftest_judge(&test[i], HF_SELFTEST_LIMIT_MS), HF_SELFTEST_FAILED);
	}
}

static void each_cause_has_its_own_words(void **state)
{
	struct hf_selftest test = { 0 };
	const char *said[4];

	(void)state;
	said[0] = hf_selftest_missing(&test);
	test.ram = true;
	said[1] = hf_selftest_missing(&test);
	test.head = true;
	said[2] = hf_selftest_missing(&test);
	test.journal = true;
	said[3] = hf_selftest_missing(&test);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(said[i], said[k]);
	}
}

static void what_is_missing_is_a_bit_each(void **state)
{
	struct hf_selftest test = { 0 };

	(void)state;
	assert_int_equal(hf_selftest_failed(&healthy), 0);
	assert_int_equal(hf_selftest_failed(&test), HF_TEST_WORK | HF_TEST_JOURNAL | HF_TEST_HEAD | HF_TEST_RAM);
	test = healthy;
	test.readings--;
	assert_int_equal(hf_selftest_failed(&test), HF_TEST_WORK);
	test = healthy;
	test.head = false;
	assert_int_equal(hf_selftest_failed(&test), HF_TEST_HEAD);
}

static void good_memory_keeps_its_patterns(void **state)
{
	uint32_t buf[64];

	(void)state;
	assert_true(hf_selftest_ram(buf, 64));
	assert_true(hf_selftest_ram(buf, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_good_passes_but_not_at_once),
		cmocka_unit_test(anything_missing_waits_and_then_fails),
		cmocka_unit_test(each_cause_has_its_own_words),
		cmocka_unit_test(what_is_missing_is_a_bit_each),
		cmocka_unit_test(good_memory_keeps_its_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
