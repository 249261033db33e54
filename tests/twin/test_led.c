/* SPDX-License-Identifier: MIT
 *
 * What the SYS light does, told from its brightness alone.
 */
#include "check.h"
#include "led.h"

static struct hf_led led;
static uint64_t now;

static int set_up(void **state)
{
	(void)state;
	now = 0;
	hf_led_init(&led, 0);
	return 0;
}

/* Lets time pass to `until`, looking whenever the analyser asks for it. */
static void pass(uint64_t until)
{
	while (hf_led_next(&led) <= until) {
		now = hf_led_next(&led);
		(void)hf_led_look(&led, now);
	}
	now = until;
}

static void level(uint32_t value)
{
	(void)hf_led_level(&led, now, value);
}

static void blink(unsigned times, uint64_t on_ns, uint64_t off_ns)
{
	for (unsigned i = 0; i < times; i++) {
		level(HF_LED_FULL);
		pass(now + on_ns);
		level(0);
		pass(now + off_ns);
	}
}

/* A triangle from 0 to full and back in 2 * steps steps. */
static void breathe(unsigned times, unsigned steps, uint64_t period_ns)
{
	for (unsigned i = 0; i < times * 2 * steps; i++) {
		unsigned phase = i % (2 * steps);
		level((phase < steps ? phase : 2 * steps - phase) * (HF_LED_FULL / steps));
		pass(now + period_ns / (2 * steps));
	}
}

static void led_dark_from_the_start_is_off(void **state)
{
	(void)state;
	pass(1 * S);
	assert_int_equal(led.state, HF_LED_UNKNOWN);
	pass(3 * S);
	assert_int_equal(led.state, HF_LED_OFF);
	assert_int_equal(led.since_ns, 0);
	assert_int_equal(hf_led_next(&led), UINT64_MAX);
}

static void led_bright_for_a_while_is_solid(void **state)
{
	(void)state;
	pass(3 * S);
	level(HF_LED_FULL);
	pass(now + HF_LED_STILL_NS - 1);
	assert_int_equal(led.state, HF_LED_OFF);
	pass(now + 1);
	assert_int_equal(led.state, HF_LED_SOLID);
	assert_int_equal(led.since_ns, 3 * S);
}

static void led_dimmed_and_still_is_solid(void **state)
{
	(void)state;
	level(HF_LED_FULL / 10);
	pass(3 * S);
	assert_int_equal(led.state, HF_LED_SOLID);
}

static void led_blinking_is_told_with_its_period(void **state)
{
	(void)state;
	blink(4, 100 * MS, 150 * MS);
	assert_int_equal(led.state, HF_LED_BLINKING);
	assert_int_equal(led.period_ms, 250);
	assert_int_equal(led.since_ns, 0);
}

static void led_blinking_at_half_a_hertz_is_told(void **state)
{
	(void)state;
	blink(4, S, S);
	assert_int_equal(led.state, HF_LED_BLINKING);
	assert_int_equal(led.period_ms, 2000);
}

static void led_changed_period_is_news(void **state)
{
	(void)state;
	blink(4, 500 * MS, 500 * MS);
	assert_int_equal(led.period_ms, 1000);
	blink(5, 100 * MS, 100 * MS);
	assert_int_equal(led.state, HF_LED_BLINKING);
	assert_int_equal(led.period_ms, 200);
}

static void led_breathing_is_told_from_blinking(void **state)
{
	(void)state;
	breathe(4, 50, 2 * S);
	assert_int_equal(led.state, HF_LED_BREATHING);
	assert_int_equal(led.period_ms, 2000);
}

static void led_coarse_breathing_is_breathing(void **state)
{
	(void)state;
	breathe(4, 10, 3 * S);
	assert_int_equal(led.state, HF_LED_BREATHING);
	assert_int_equal(led.period_ms, 3000);
}

static void led_solid_after_breathing_is_told(void **state)
{
	(void)state;
	breathe(4, 50, 600 * MS);
	level(HF_LED_FULL);
	uint64_t since = now;
	pass(now + 3 * S);
	assert_int_equal(led.state, HF_LED_SOLID);
	assert_int_equal(led.since_ns, since);
}

static void led_one_flash_is_not_blinking(void **state)
{
	(void)state;
	pass(3 * S);
	blink(1, 100 * MS, 5 * S);
	assert_int_equal(led.state, HF_LED_OFF);
}

static void led_double_flash_is_one_pattern(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		blink(1, 100 * MS, 100 * MS);
		blink(1, 100 * MS, 1700 * MS);
	}
	assert_int_equal(led.state, HF_LED_BLINKING);
	assert_int_equal(led.period_ms, 2000);
	assert_int_equal(led.flashes, 2);
}

static void led_short_dips_are_blinking(void **state)
{
	(void)state;
	blink(5, 1900 * MS, 100 * MS);
	assert_int_equal(led.state, HF_LED_BLINKING);
	assert_int_equal(led.period_ms, 2000);
	assert_int_equal(led.flashes, 1);
}

static void led_irregular_flashes_are_not_blinking(void **state)
{
	(void)state;
	blink(1, 100 * MS, 200 * MS);
	blink(1, 100 * MS, 500 * MS);
	blink(1, 100 * MS, 50 * MS);
	blink(1, 100 * MS, 900 * MS);
	assert_int_equal(led.state, HF_LED_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(led_dark_from_the_start_is_off),
		TEST(led_bright_for_a_while_is_solid),
		TEST(led_dimmed_and_still_is_solid),
		TEST(led_blinking_is_told_with_its_period),
		TEST(led_blinking_at_half_a_hertz_is_told),
		TEST(led_changed_period_is_news),
		TEST(led_breathing_is_told_from_blinking),
		TEST(led_coarse_breathing_is_breathing),
		TEST(led_solid_after_breathing_is_told),
		TEST(led_one_flash_is_not_blinking),
		TEST(led_double_flash_is_one_pattern),
		TEST(led_short_dips_are_blinking),
		TEST(led_irregular_flashes_are_not_blinking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
