/* SPDX-License-Identifier: MIT
 *
 * When recovery leaves, and when it says that it waits.
 */
#include "check.h"

#include "recovery/stay.h"

#define START 0xfffffff0u /* the clock wraps */

static struct hf_stay stay;
static struct hf_stay_input in;
static unsigned banners;

static int set_up(void **state)
{
	(void)state;
	in = (struct hf_stay_input){ .now_ms = START, .may_leave = true };
	banners = 0;
	hf_stay_begin(&stay, false, START);
	return 0;
}

/* Until it leaves, at most limit_ms; returns the time that it took. */
static uint32_t run(uint32_t limit_ms)
{
	for (uint32_t ms = 0; ms < limit_ms; ms++) {
		enum hf_stay_action action = hf_stay_turn(&stay, &in);

		if (action == HF_STAY_LEAVE)
			return ms;
		banners += action == HF_STAY_BANNER;
		in.now_ms++;
	}
	return limit_ms;
}

static void idle_recovery_leaves_after_a_minute(void **state)
{
	(void)state;
	assert_int_equal(run(100000), 60000);
	assert_int_equal(banners, 60);
}

static void first_banner_comes_at_once(void **state)
{
	(void)state;
	assert_int_equal(hf_stay_turn(&stay, &in), HF_STAY_BANNER);
	assert_int_equal(hf_stay_turn(&stay, &in), HF_STAY_WAIT);
}

static void request_begins_the_minute_anew(void **state)
{
	(void)state;
	assert_int_equal(run(50000), 50000);
	in.requests++;
	assert_int_equal(run(100000), 60000);
}

static void banner_pauses_while_a_peer_asks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		in.requests++;
		assert_int_equal(run(100), 100);
	}
	assert_int_equal(banners, 0);
	assert_int_equal(run(2000), 2000);
	assert_int_equal(banners, 2);
}

static void held_pin_keeps_it(void **state)
{
	(void)state;
	in.pin_held = true;
	assert_int_equal(run(300000), 300000);
	assert_int_equal(banners, 300);
	in.pin_held = false;
	assert_in_range(run(100000), 59999, 60000);
}

static void nothing_to_leave_to_keeps_it(void **state)
{
	(void)state;
	in.may_leave = false;
	assert_int_equal(run(300000), 300000);
	in.may_leave = true;
	assert_int_equal(run(10), 0);
}

static void line_that_stays_low_is_no_request(void **state)
{
	(void)state;
	hf_stay_begin(&stay, true, START);
	in.low_ms = HF_STAY_LOW_MS;
	assert_int_equal(run(100), 100);
	in.low_ms++;
	assert_int_equal(run(100), 0);
}

static void low_line_does_not_matter_once_a_peer_has_asked(void **state)
{
	(void)state;
	hf_stay_begin(&stay, true, START);
	in.requests = 1;
	assert_int_equal(run(1), 1);
	in.low_ms = 5000;
	assert_int_equal(run(30000), 30000);
}

static void low_line_does_not_matter_where_the_line_did_not_lead_here(void **state)
{
	(void)state;
	in.low_ms = 5000;
	assert_int_equal(run(30000), 30000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
		T(idle_recovery_leaves_after_a_minute),
		T(first_banner_comes_at_once),
		T(request_begins_the_minute_anew),
		T(banner_pauses_while_a_peer_asks),
		T(held_pin_keeps_it),
		T(nothing_to_leave_to_keeps_it),
		T(line_that_stays_low_is_no_request),
		T(low_line_does_not_matter_once_a_peer_has_asked),
		T(low_line_does_not_matter_where_the_line_did_not_lead_here),
	};
#undef T

	return cmocka_run_group_tests_name("stay", tests, NULL, NULL);
}
