/* SPDX-License-Identifier: MIT
 *
 * Pins, timers, and the light that hangs on them.
 */
#include "check.h"
#include "models.h"

#define TIM4 0x40000800u
#define TIM2 0x40000000u
#define TIM_CR1   0x00
#define TIM_DIER  0x0c
#define TIM_SR    0x10
#define TIM_EGR   0x14
#define TIM_CCMR1 0x18
#define TIM_CCER  0x20
#define TIM_CNT   0x24
#define TIM_PSC   0x28
#define TIM_ARR   0x2c
#define TIM_CCR1  0x34
#define TIM2_IRQ 28
#define TIM4_IRQ 30
#define PD 3

static int set_up(void **state)
{
	(void)state;
	fake_open(all_models);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static void output_pin_is_seen_and_told(void **state)
{
	(void)state;
	fake_write(GPIO(PD) + MODER, 1u << 24);
	fake_write(GPIO(PD) + BSRR, 1u << 12);
	assert_true(hf_twin_pin_level(fake_twin(), PD, 12));
	assert_int_equal(fake_read(GPIO(PD) + IDR), 1u << 12);
	const struct hf_twin_event *event = fake_event(HF_TWIN_EV_PIN);
	assert_true(event->a == (PD << 8 | 12) && event->b == 1);
	fake_write(GPIO(PD) + BSRR, 1u << 28);
	assert_false(hf_twin_pin_level(fake_twin(), PD, 12));
	fake_write(GPIO(PD) + BSRR, 1u << 28 | 1u << 12); /* setting wins */
	assert_true(hf_twin_pin_level(fake_twin(), PD, 12));
}

static void half_word_writes_reach_their_half(void **state)
{
	(void)state;
	fake_write(GPIO(PD) + MODER, 0x55555555);
	fake_write_sized(GPIO(PD) + BSRR, 2, 0x00f0);
	assert_int_equal(fake_read(GPIO(PD) + ODR), 0x00f0);
	fake_write_sized(GPIO(PD) + BSRR + 2, 2, 0x0030);
	assert_int_equal(fake_read(GPIO(PD) + ODR), 0x00c0);
}

static void driven_input_beats_the_pull(void **state)
{
	(void)state;
	assert_false(hf_twin_pin_level(fake_twin(), 4, 2));
	fake_write(GPIO(4) + PUPDR, 1u << 4);
	assert_int_equal(fake_read(GPIO(4) + IDR), 4);
	hf_twin_pin_drive(fake_twin(), 4, 2, 0);
	assert_int_equal(fake_read(GPIO(4) + IDR), 0);
	hf_twin_pin_drive(fake_twin(), 4, 2, 1);
	fake_write(GPIO(4) + PUPDR, 2u << 4);
	assert_int_equal(fake_read(GPIO(4) + IDR), 4);
	hf_twin_pin_drive(fake_twin(), 4, 2, -1);
	assert_int_equal(fake_read(GPIO(4) + IDR), 0);
}

static void board_keeps_driving_through_a_reset(void **state)
{
	(void)state;
	hf_twin_pin_drive(fake_twin(), 4, 2, 1);
	fake_power_off();
	fake_reset(true);
	assert_int_equal(fake_read(GPIO(4) + IDR), 4);
}

static void open_drain_lets_the_board_decide(void **state)
{
	(void)state;
	fake_write(GPIO(1) + MODER, 1u << 12);
	fake_write(GPIO(1) + OTYPER, 1u << 6);
	fake_write(GPIO(1) + BSRR, 1u << 6);
	hf_twin_pin_drive(fake_twin(), 1, 6, 0);
	assert_false(hf_twin_pin_level(fake_twin(), 1, 6));
	hf_twin_pin_drive(fake_twin(), 1, 6, 1);
	assert_true(hf_twin_pin_level(fake_twin(), 1, 6));
	fake_write(GPIO(1) + BSRR, 1u << 22);
	assert_false(hf_twin_pin_level(fake_twin(), 1, 6));
}

static void reset_values_are_the_manuals(void **state)
{
	(void)state;
	assert_int_equal(fake_read(GPIO(0) + MODER), 0xa8000000);
	assert_int_equal(fake_read(GPIO(0) + PUPDR), 0x64000000);
	assert_int_equal(fake_read(GPIO(1) + MODER), 0x280);
	assert_int_equal(fake_read(GPIO(2) + MODER), 0);
}

/* ---- timers: 16 MHz ---- */

static void counter_counts_and_wraps(void **state)
{
	(void)state;
	fake_write(TIM4 + TIM_PSC, 15);
	fake_write(TIM4 + TIM_ARR, 999);
	fake_write(TIM4 + TIM_EGR, 1);
	fake_write(TIM4 + TIM_SR, 0);
	fake_write(TIM4 + TIM_CR1, 1);
	fake_run(999999);
	assert_int_equal(fake_read(TIM4 + TIM_CNT), 999);
	assert_int_equal(fake_read(TIM4 + TIM_SR) & 1, 0);
	fake_run(1000000);
	assert_int_equal(fake_read(TIM4 + TIM_CNT), 0);
	assert_int_equal(fake_read(TIM4 + TIM_SR) & 1, 1);
	fake_run(7 * S + 250 * 1000);
	assert_int_equal(fake_read(TIM4 + TIM_CNT), 250);
	fake_write(TIM4 + TIM_CR1, 0);
	fake_run(8 * S);
	assert_int_equal(fake_read(TIM4 + TIM_CNT), 250);
}

static void update_interrupt_comes_every_period(void **state)
{
	(void)state;
	unsigned updates = 0;
	fake_write(TIM2 + TIM_PSC, 159);
	fake_write(TIM2 + TIM_ARR, 9999);
	fake_write(TIM2 + TIM_EGR, 1);
	fake_write(TIM2 + TIM_SR, 0);
	fake_write(TIM2 + TIM_DIER, 1);
	fake_write(TIM2 + TIM_CR1, 1);
	for (uint64_t t = 1; t <= 1000; t++) {
		fake_run(t * MS);
		if (fake_irq(TIM2_IRQ)) {
			assert_int_equal(t % 100, 0);
			updates++;
			fake_write(TIM2 + TIM_SR, ~1u);
			assert_false(fake_irq(TIM2_IRQ));
		}
	}
	assert_int_equal(updates, 10);
}

static void compare_flag_comes_at_its_count(void **state)
{
	(void)state;
	fake_write(TIM2 + TIM_PSC, 15);
	fake_write(TIM2 + TIM_ARR, 9999);
	fake_write(TIM2 + TIM_CCR1, 2500);
	fake_write(TIM2 + TIM_EGR, 1);
	fake_write(TIM2 + TIM_SR, 0);
	fake_write(TIM2 + TIM_DIER, 2);
	fake_write(TIM2 + TIM_CR1, 1);
	fake_run(2499999);
	assert_false(fake_irq(TIM2_IRQ));
	fake_run(2500000);
	assert_true(fake_irq(TIM2_IRQ));
	fake_write(TIM2 + TIM_SR, 0);
	fake_run(12499999);
	assert_false(fake_irq(TIM2_IRQ));
	fake_run(12500000);
	assert_true(fake_irq(TIM2_IRQ));
}

static void one_pulse_stops_at_its_end(void **state)
{
	(void)state;
	fake_write(TIM2 + TIM_ARR, 15999);
	fake_write(TIM2 + TIM_CR1, 1 | 8);
	fake_run(3 * MS);
	assert_int_equal(fake_read(TIM2 + TIM_CR1) & 1, 0);
	assert_int_equal(fake_read(TIM2 + TIM_CNT), 0);
}

static void timer_keeps_its_count_when_the_clock_changes(void **state)
{
	(void)state;
	fake_write(TIM2 + TIM_CR1, 1);
	fake_run(MS);
	fake_clock(HF_CLOCK_TIM1, 84000000);
	assert_int_equal(fake_read(TIM2 + TIM_CNT), 16000);
	fake_run(2 * MS);
	assert_int_equal(fake_read(TIM2 + TIM_CNT), 16000 + 84000);
}

/* ---- the light ---- */

static void light_begin(bool active_low)
{
	const struct hf_twin_led_pins pins = { { PD, 12 }, 4, 1, 2, active_low };
	hf_twin_led_pins(fake_twin(), &pins);
}

/* TIM4 channel 1 in PWM mode 1 with preload, 1 kHz, 1000 steps. */
static void pwm_begin(void)
{
	fake_write(GPIO(PD) + MODER, 2u << 24);
	fake_write(GPIO(PD) + AFRH, 2u << 16);
	fake_write(TIM4 + TIM_PSC, 15);
	fake_write(TIM4 + TIM_ARR, 999);
	fake_write(TIM4 + TIM_CCMR1, 0x68);
	fake_write(TIM4 + TIM_CCER, 1);
	fake_write(TIM4 + TIM_EGR, 1);
	fake_write(TIM4 + TIM_CR1, 1);
}

static void light_on_a_pin_is_solid_and_off(void **state)
{
	(void)state;
	light_begin(false);
	fake_write(GPIO(PD) + MODER, 1u << 24);
	fake_run(3 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_OFF);
	fake_write(GPIO(PD) + BSRR, 1u << 12);
	fake_run(6 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_SOLID);
	assert_int_equal(hf_twin_led(fake_twin())->since_ns, 3 * S);
	assert_int_equal(fake_event(HF_TWIN_EV_LED)->a, HF_LED_SOLID);
	assert_int_equal(fake_events(HF_TWIN_EV_LED), 2);
}

static void active_low_light_is_lit_by_a_low_pin(void **state)
{
	(void)state;
	light_begin(true);
	fake_run(3 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_OFF); /* an input drives nothing */
	fake_write(GPIO(PD) + MODER, 1u << 24);
	fake_run(6 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_SOLID);
}

static void pwm_duty_is_brightness(void **state)
{
	(void)state;
	light_begin(false);
	pwm_begin();
	fake_write(TIM4 + TIM_CCR1, 250);
	fake_run(3 * S);
	assert_int_equal(hf_tim_duty(fake_machine(), 4, 1), HF_TIM_FULL / 4);
	assert_int_equal(hf_twin_led(fake_twin())->level, HF_LED_FULL / 4);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_SOLID);
	fake_write(TIM4 + TIM_CCER, 3); /* inverted */
	fake_run(4 * S);
	assert_int_equal(hf_twin_led(fake_twin())->level, HF_LED_FULL / 4 * 3);
}

static void preloaded_duty_waits_for_the_update(void **state)
{
	(void)state;
	light_begin(false);
	pwm_begin();
	fake_run(MS / 2);
	fake_write(TIM4 + TIM_CCR1, 500);
	assert_int_equal(hf_twin_led(fake_twin())->level, 0);
	fake_run(MS - 1);
	assert_int_equal(hf_twin_led(fake_twin())->level, 0);
	fake_run(MS);
	assert_int_equal(hf_twin_led(fake_twin())->level, HF_LED_FULL / 2);
}

static void pwm_breathing_is_recognised(void **state)
{
	(void)state;
	light_begin(false);
	pwm_begin();
	for (unsigned i = 0; i < 800; i++) {
		unsigned phase = i % 200;
		fake_write(TIM4 + TIM_CCR1, 10 * (phase < 100 ? phase : 200 - phase));
		fake_run(fake_now() + 10 * MS);
	}
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_BREATHING);
	assert_int_equal(hf_twin_led(fake_twin())->period_ms, 2000);
	assert_int_equal(fake_event(HF_TWIN_EV_LED)->a, HF_LED_BREATHING);
	fake_power_off();
	fake_run(fake_now() + 3 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_OFF);
}

static void pin_blinking_is_recognised(void **state)
{
	(void)state;
	light_begin(false);
	fake_write(GPIO(PD) + MODER, 1u << 24);
	for (unsigned i = 0; i < 20; i++) {
		fake_write(GPIO(PD) + BSRR, i % 2 == 0 ? 1u << 12 : 1u << 28);
		fake_run(fake_now() + 125 * MS);
	}
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_BLINKING);
	assert_int_equal(hf_twin_led(fake_twin())->period_ms, 250);
}

static void pin_with_another_function_is_dark(void **state)
{
	(void)state;
	light_begin(false);
	pwm_begin();
	fake_write(TIM4 + TIM_CCR1, 999);
	fake_write(GPIO(PD) + AFRH, 5u << 16);
	fake_run(3 * S);
	assert_int_equal(hf_twin_led(fake_twin())->state, HF_LED_OFF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(output_pin_is_seen_and_told),
		TEST(half_word_writes_reach_their_half),
		TEST(driven_input_beats_the_pull),
		TEST(board_keeps_driving_through_a_reset),
		TEST(open_drain_lets_the_board_decide),
		TEST(reset_values_are_the_manuals),
		TEST(counter_counts_and_wraps),
		TEST(update_interrupt_comes_every_period),
		TEST(compare_flag_comes_at_its_count),
		TEST(one_pulse_stops_at_its_end),
		TEST(timer_keeps_its_count_when_the_clock_changes),
		TEST(light_on_a_pin_is_solid_and_off),
		TEST(active_low_light_is_lit_by_a_low_pin),
		TEST(pwm_duty_is_brightness),
		TEST(preloaded_duty_waits_for_the_update),
		TEST(pwm_breathing_is_recognised),
		TEST(pin_blinking_is_recognised),
		TEST(pin_with_another_function_is_dark),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
