/* SPDX-License-Identifier: MIT
 *
 * The converter that measures the chip itself: what firmware computes from it is the supply and the temperature that the board
 * was given, and a driver that does not wait for what has to settle gets nothing.
 */
#include "check.h"

#include "adc.h"
#include "fake_machine.h"

#define ADC1 0x40012000u
#define SR    0x00
#define CR2   0x08
#define SMPR1 0x0c
#define SQR3  0x34
#define DR    0x4c
#define CCR   0x304
#define EOC   2u
#define ADON  1u
#define SWSTART (1u << 30)
#define TSVREFE (1u << 23)
#define US 1000ull

static void (*const models[])(struct hf_machine *machine) = { hf_adc_add, NULL };

static int set_up(void **state)
{
	(void)state;
	fake_open(models);
	fake_clock(HF_CLOCK_PCLK2, 16000000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static void switch_on(void)
{
	fake_write(ADC1 + CCR, TSVREFE | 3u << 16);
	fake_write(ADC1 + CR2, ADON);
	fake_write(ADC1 + SMPR1, 7u << 18 | 7u << 21);
	fake_run(fake_now() + 20 * US);
}

/* 480 + 12 periods of 2 MHz. */
static uint32_t convert(unsigned channel)
{
	fake_write(ADC1 + SQR3, channel);
	fake_write(ADC1 + CR2, ADON | SWSTART);
	fake_run(fake_now() + 245 * US);
	assert_false(fake_read(ADC1 + SR) & EOC);
	fake_run(fake_now() + 2 * US);
	assert_true(fake_read(ADC1 + SR) & EOC);
	return fake_read(ADC1 + DR);
}

static void reference_reads_its_calibration_at_the_calibrations_supply(void **state)
{
	(void)state;
	switch_on();
	assert_int_equal(convert(17), HF_ADC_VREFINT_CAL);
	assert_false(fake_read(ADC1 + SR) & EOC); /* reading the data has cleared it */
}

static void reference_rises_as_the_supply_falls(void **state)
{
	(void)state;
	switch_on();
	hf_adc_supply(fake_machine(), 2600);
	assert_in_range(3300u * HF_ADC_VREFINT_CAL / convert(17), 2598, 2602);
	hf_adc_supply(fake_machine(), 3600);
	assert_in_range(3300u * HF_ADC_VREFINT_CAL / convert(17), 3598, 3602);
}

static void sensor_reads_its_calibration_at_the_calibrations_temperatures(void **state)
{
	(void)state;
	switch_on();
	hf_adc_temperature(fake_machine(), 300);
	assert_int_equal(convert(16), HF_ADC_TS_CAL1);
	hf_adc_temperature(fake_machine(), 1100);
	assert_int_equal(convert(16), HF_ADC_TS_CAL2);
	hf_adc_temperature(fake_machine(), -400);
	assert_int_equal(convert(16), HF_ADC_TS_CAL1 - 217);
}

static void conversion_without_the_inner_channels_reads_nothing(void **state)
{
	(void)state;
	fake_write(ADC1 + CR2, ADON);
	fake_write(ADC1 + CCR, 3u << 16);
	fake_write(ADC1 + SMPR1, 7u << 21);
	fake_run(fake_now() + 20 * US);
	assert_int_equal(convert(17), 0);
}

static void conversion_before_the_channels_are_settled_reads_nothing(void **state)
{
	(void)state;
	fake_write(ADC1 + CR2, ADON);
	fake_write(ADC1 + CCR, TSVREFE); /* 8 MHz: 15 periods are over before the 10 us are */
	fake_write(ADC1 + SQR3, 17);
	fake_write(ADC1 + CR2, ADON | SWSTART);
	fake_run(fake_now() + 5 * US);
	assert_true(fake_read(ADC1 + SR) & EOC);
	assert_int_equal(fake_read(ADC1 + DR), 0);
}

static void pin_that_is_wired_to_nothing_reads_nothing(void **state)
{
	(void)state;
	switch_on();
	fake_write(ADC1 + SQR3, 3);
	fake_write(ADC1 + CR2, ADON | SWSTART);
	fake_run(fake_now() + 300 * US);
	assert_int_equal(fake_read(ADC1 + DR), 0);
}

static void converter_that_is_off_converts_nothing(void **state)
{
	(void)state;
	fake_write(ADC1 + CR2, SWSTART);
	fake_run(fake_now() + 1000 * US);
	assert_false(fake_read(ADC1 + SR) & EOC);
	switch_on();
	fake_write(ADC1 + CR2, ADON | SWSTART);
	fake_write(ADC1 + CR2, 0);
	fake_run(fake_now() + 1000 * US);
	assert_false(fake_read(ADC1 + SR) & EOC);
}

static void reset_leaves_the_boards_supply(void **state)
{
	(void)state;
	switch_on();
	hf_adc_supply(fake_machine(), 2800);
	hf_adc_temperature(fake_machine(), 600);
	fake_reset(true);
	assert_int_equal(fake_read(ADC1 + CR2), 0);
	assert_int_equal(hf_adc_supply_mv(fake_machine()), 2800);
	assert_int_equal(hf_adc_temperature_dc(fake_machine()), 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reference_reads_its_calibration_at_the_calibrations_supply, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reference_rises_as_the_supply_falls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sensor_reads_its_calibration_at_the_calibrations_temperatures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(conversion_without_the_inner_channels_reads_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(conversion_before_the_channels_are_settled_reads_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pin_that_is_wired_to_nothing_reads_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(converter_that_is_off_converts_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reset_leaves_the_boards_supply, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
