/* SPDX-License-Identifier: MIT
 *
 * Where the time goes, and how much is left: on made-up uploads whose truth is known. How near it comes on the twin is in
 * scripts/test-burn.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "burn_time.h"

static void every_millisecond_counts_once(void **state)
{
	struct hf_account a;

	(void)state;
	hf_account_begin(&a, 1000);
	hf_account_enter(&a, HF_TIME_LINE, 1200);
	hf_account_enter(&a, HF_TIME_HEAD, 1250);
	hf_account_payload(&a, 5000, 1500);
	hf_account_answered(&a, 5000 + 9216, 921600, HF_TIMES, 1600); /* 100 ms of line in 100 ms */
	hf_account_answered(&a, 5000 + 9216, 921600, HF_TIMES, 1640); /* a segment is programmed */
	hf_account_answered(&a, 5000 + 18432, 921600, HF_TIMES, 2640); /* an erase of 1 s, 100 ms of it behind the line */
	hf_account_answered(&a, 5000 + 18432, 921600, HF_TIME_VERIFY, 2840);
	hf_account_enter(&a, HF_TIME_RESET, 2850);
	hf_account_enter(&a, HF_TIME_TESTS, 3000);
	assert_int_equal(a.ms[HF_TIME_FIND], 200);
	assert_int_equal(a.ms[HF_TIME_LINE], 50);
	assert_int_equal(a.ms[HF_TIME_HEAD], 250);
	assert_int_equal(a.ms[HF_TIME_WIRE], 210);
	assert_int_equal(a.ms[HF_TIME_PROGRAM], 40);
	assert_int_equal(a.ms[HF_TIME_ERASE], 900);
	assert_int_equal(a.erases, 1);
	assert_int_equal(a.ms[HF_TIME_VERIFY], 200);
	assert_int_equal(a.ms[HF_TIME_RESET], 150);
	assert_int_equal(hf_account_total(&a), 2000);
}

static void bytes_that_wait_for_the_line_are_counted_when_they_are_on_it(void **state)
{
	struct hf_account a;

	(void)state;
	hf_account_begin(&a, 0);
	hf_account_payload(&a, 0, 0);
	hf_account_answered(&a, 11520, 115200, HF_TIMES, 400); /* a second of line */
	hf_account_answered(&a, 11520, 115200, HF_TIMES, 1100);
	assert_int_equal(a.ms[HF_TIME_WIRE], 1000);
	assert_int_equal(a.ms[HF_TIME_PROGRAM], 100);
}

static void sentence_leaves_out_what_took_no_time(void **state)
{
	struct hf_account a = {.ms = {[HF_TIME_LINE] = 100, [HF_TIME_HEAD] = 200, [HF_TIME_ERASE] = 1300, [HF_TIME_WIRE] = 3100,
				      [HF_TIME_PROGRAM] = 20, [HF_TIME_VERIFY] = 200}};
	char text[192], small[24];

	(void)state;
	assert_string_equal(hf_account_format(&a, text, sizeof(text)), "4.9 s: line 0.1, head 0.2, erase 1.3, wire 3.1, verify 0.2");
	assert_true(strlen(hf_account_format(&a, small, sizeof(small))) < sizeof(small));
	for (int i = 0; i < HF_TIMES; i++)
		assert_true(strlen(hf_time_text((enum hf_time)i)) >= 4);
}

static struct hf_forecast forecast(uint32_t total, uint32_t baud)
{
	return (struct hf_forecast){.total = total, .payload_at = 1000, .baud = baud, .binary = true, .buffer_bytes = 13900};
}

static void slow_line_hides_the_erases(void **state)
{
	struct hf_forecast f = forecast(101000, 115200);
	struct hf_account a;
	uint32_t line_ms = (uint32_t)(101000ull * 10000 * 103 / 100 / 115200), left;

	(void)state;
	hf_account_begin(&a, 0);
	hf_account_enter(&a, HF_TIME_HEAD, 0);
	hf_forecast_begin(&f, &a, 0, 0);
	left = hf_forecast_left(&f, &a, 0, 0);
	assert_in_range(left, line_ms + 2000, line_ms + 4000);
	f.no_activate = true;
	assert_true(hf_forecast_left(&f, &a, 0, 0) < left - 1500);
}

static void fast_line_waits_for_each_sector_that_is_still_to_be_erased(void **state)
{
	struct hf_forecast f = forecast(262144 + 1000, 921600), slow;
	struct hf_account a;
	uint32_t at_begin, behind_one, behind_both;

	(void)state;
	hf_account_begin(&a, 0);
	hf_account_enter(&a, HF_TIME_HEAD, 0);
	hf_forecast_begin(&f, &a, 0, 0);
	at_begin = hf_forecast_left(&f, &a, 0, 0);
	slow = f;
	slow.slowest_erase_ms = 2000; /* as the device tells: its sectors take twice as long */
	assert_in_range(hf_forecast_left(&slow, &a, 0, 0), at_begin + 1900, at_begin + 2100);
	hf_account_payload(&a, 1000, 300);
	a.erases = 1;
	a.ms[HF_TIME_ERASE] = 850;
	a.since_ms = 1150;
	behind_one = hf_forecast_left(&f, &a, 20000, 1150);
	a.erases = 2;
	a.ms[HF_TIME_ERASE] = 1700;
	a.since_ms = 2000;
	behind_both = hf_forecast_left(&f, &a, 20000, 2000);
	assert_in_range(behind_one - behind_both, 800, 900);
}

static void line_that_does_worse_than_planned_is_noticed(void **state)
{
	struct hf_forecast f = forecast(1000000, 115200);
	struct hf_account a;
	uint32_t planned, seen;

	(void)state;
	hf_account_begin(&a, 0);
	hf_account_payload(&a, 0, 0);
	hf_forecast_begin(&f, &a, 1000, 0);
	a.since_ms = 45000;
	planned = hf_forecast_left(&f, &a, 500000, 45000);
	a.since_ms = 90000;
	seen = hf_forecast_left(&f, &a, 500000, 90000); /* half of it took twice as long */
	assert_true(seen > planned + planned / 3);
}

static void what_follows_counts_down(void **state)
{
	struct hf_forecast f = forecast(50000, 921600);
	uint32_t reset = hf_forecast_behind(&f, HF_TIME_RESET, 1000, 1000);

	(void)state;
	assert_true(hf_forecast_behind(&f, HF_TIME_RESET, 1000, 1300) == reset - 300);
	assert_true(hf_forecast_behind(&f, HF_TIME_TRIAL, 1000, 1000) < reset);
	assert_int_equal(hf_forecast_behind(&f, HF_TIME_TRIAL, 1000, 100000), 0); /* late: it says nothing rather than less than nothing */
	f.tests = true;
	assert_true(hf_forecast_behind(&f, HF_TIME_TRIAL, 1000, 1000) > 1520);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_millisecond_counts_once),
		cmocka_unit_test(bytes_that_wait_for_the_line_are_counted_when_they_are_on_it),
		cmocka_unit_test(sentence_leaves_out_what_took_no_time),
		cmocka_unit_test(slow_line_hides_the_erases),
		cmocka_unit_test(fast_line_waits_for_each_sector_that_is_still_to_be_erased),
		cmocka_unit_test(line_that_does_worse_than_planned_is_noticed),
		cmocka_unit_test(what_follows_counts_down),
	};

	return cmocka_run_group_tests_name("burn_time", tests, NULL, NULL);
}
