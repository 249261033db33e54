/* SPDX-License-Identifier: MIT
 *
 * RM0090, 13.10 and 13.11; slow enough for the reference and the sensor (10 us each) at any clock. Readings are those of the
 * calibration when they are brought to its 3.3 V: a low supply makes the converter's steps smaller.
 */
#include "adc.h"

#include "stm32.h"
#include "systick.h"

#define LIMIT_MS     2
#define SETTLE_TURNS 2000u /* more than 10 us at 168 MHz */
#define CAL_MV       3300u
#define CAL_LOW_DC   300
#define CAL_SPAN_DC  800

/* 0: no answer, or nothing there. */
static uint32_t convert(uint32_t channel)
{
	struct hf_wait wait;

	ADC1_SR = 0;
	ADC1_SQR3 = channel;
	ADC1_CR2 = ADC_CR2_ADON | ADC_CR2_SWSTART;
	hf_wait_begin(&wait, LIMIT_MS);
	while (!(ADC1_SR & ADC_SR_EOC)) {
		if (hf_wait_over(&wait))
			return 0;
	}
	return ADC1_DR;
}

/* An emulator that is no whole STM32F4 has neither converter nor calibration (chip.c). */
void hf_adc_measure(uint16_t *supply_mv, int16_t *temperature_dc)
{
	uint32_t reference, sensor, mv;
	int32_t low, span;

	*supply_mv = 0;
	if (DBGMCU_IDCODE == 0 || CAL_VREFINT == 0xffff)
		return;
	RCC_APB2ENR |= RCC_APB2_ADC1;
	(void)RCC_APB2ENR;
	ADC_CCR = ADC_CCR_DIV_8 | ADC_CCR_TSVREFE;
	ADC1_SQR1 = 0; /* one conversion */
	ADC1_SMPR1 = ADC_SMP_480(ADC_TEMPERATURE) | ADC_SMP_480(ADC_VREFINT);
	ADC1_CR2 = ADC_CR2_ADON;
	for (volatile unsigned i = 0; i < SETTLE_TURNS; i++)
		;
	reference = convert(ADC_VREFINT);
	sensor = convert(ADC_TEMPERATURE);
	ADC1_CR2 = 0;
	ADC_CCR = 0;
	RCC_APB2ENR &= ~RCC_APB2_ADC1;
	low = CAL_TS_30;
	span = CAL_TS_110 - low;
	if (reference == 0 || sensor == 0 || span == 0)
		return;
	mv = CAL_MV * CAL_VREFINT / reference;
	*supply_mv = (uint16_t)(mv > UINT16_MAX ? UINT16_MAX : mv);
	*temperature_dc = (int16_t)(CAL_LOW_DC + ((int32_t)(sensor * mv / CAL_MV) - low) * CAL_SPAN_DC / span);
}
