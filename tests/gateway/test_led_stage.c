/* SPDX-License-Identifier: MIT
 *
 * The light's patterns, as a person sees them: how long on, how often, how bright.
 */
#include "check.h"

#include <stdbool.h>

#include "port/led_stage.h"

struct seen {
	uint32_t on_ms;   /* in all */
	uint32_t rises;
	uint32_t levels;  /* how many different ones */
	uint32_t highest;
};

static struct seen watch(enum hf_led_stage stage, uint32_t from_ms, uint32_t time_ms)
{
	bool known[HF_STAGE_FULL + 1] = { false };
	uint32_t before = hf_led_stage_level(stage, from_ms);
	struct seen s = { 0 };

	for (uint32_t ms = from_ms; ms < from_ms + time_ms; ms++) {
		uint32_t level = hf_led_stage_level(stage, ms);

		assert_true(level <= HF_STAGE_FULL);
		s.on_ms += level > 0;
		s.rises += before == 0 && level > 0;
		s.levels += !known[level];
		known[level] = true;
		if (level > s.highest)
			s.highest = level;
		before = level;
	}
	return s;
}

static void steady_stages_never_change(void **state)
{
	(void)state;
	assert_int_equal(watch(HF_STAGE_OFF, 0, 10000).on_ms, 0);
	assert_int_equal(watch(HF_STAGE_RUNNING, 0, 10000).on_ms, 10000);
	assert_int_equal(watch(HF_STAGE_RUNNING, 0, 10000).levels, 1);
}

static void trial_blinks_five_times_a_second(void **state)
{
	struct seen s = watch(HF_STAGE_TRIAL, 200, 10000);

	(void)state;
	assert_int_equal(s.on_ms, 5000);
	assert_in_range(s.rises, 49, 50);
}

static void upload_blinks_once_a_second(void **state)
{
	struct seen s = watch(HF_STAGE_UPLOAD, 200, 10000);

	(void)state;
	assert_int_equal(s.on_ms, 5000);
	assert_in_range(s.rises, 9, 10);
}

static void degraded_is_solid_with_short_gaps(void **state)
{
	struct seen s = watch(HF_STAGE_DEGRADED, 0, 20000);

	(void)state;
	assert_int_equal(s.on_ms, 19000);
	assert_in_range(s.rises, 9, 10);
}

static void no_firmware_flashes_twice_in_two_seconds(void **state)
{
	struct seen s = watch(HF_STAGE_NO_FIRMWARE, 500, 20000);

	(void)state;
	assert_int_equal(s.on_ms, 2000);
	assert_int_equal(s.rises, 20);
}

static void recovery_breathes_in_small_steps(void **state)
{
	struct seen s = watch(HF_STAGE_RECOVERY, 100, 9000);

	(void)state;
	assert_true(s.levels > 200);
	assert_true(s.highest > HF_STAGE_FULL * 95 / 100);
	for (uint32_t ms = 0; ms < 6000; ms++) {
		int32_t a = (int32_t)hf_led_stage_level(HF_STAGE_RECOVERY, ms);
		int32_t b = (int32_t)hf_led_stage_level(HF_STAGE_RECOVERY, ms + 1);

		assert_in_range(b - a + 2, 0, 4);
	}
}

static void unknown_stage_is_dark(void **state)
{
	(void)state;
	assert_int_equal(hf_led_stage_level(HF_STAGES, 123), 0);
	assert_int_equal(hf_led_stage_level((enum hf_led_stage)200, 123), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady_stages_never_change),
		cmocka_unit_test(trial_blinks_five_times_a_second),
		cmocka_unit_test(upload_blinks_once_a_second),
		cmocka_unit_test(degraded_is_solid_with_short_gaps),
		cmocka_unit_test(no_firmware_flashes_twice_in_two_seconds),
		cmocka_unit_test(recovery_breathes_in_small_steps),
		cmocka_unit_test(unknown_stage_is_dark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
