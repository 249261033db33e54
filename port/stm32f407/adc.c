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

static enum hf_err convert(uint32_t channel, uint32_t *value)
{
	struct hf_wait wait;

	ADC1_SR = 0;
	ADC1_SQR3 = channel;
	ADC1_CR2 = ADC_CR2_ADON | ADC_CR2_SWSTART;
	hf_wait_begin(&wait, LIMIT_MS);
	while (!(ADC1_SR & ADC_SR_EOC)) {
		if (hf_wait_over(&wait))
			return HF_ERR_TIMEOUT;
	}
	*value = ADC1_DR;
	return HF_OK;
}

static enum hf_err measure(uint32_t *reference, uint32_t *sensor)
{
	enum hf_err err;

	RCC_APB2ENR |= RCC_APB2_ADC1;
	(void)RCC_APB2ENR;
	ADC_CCR = ADC_CCR_DIV_8 | ADC_CCR_TSVREFE;
	ADC1_SQR1 = 0; /* one conversion */
	ADC1_SMPR1 = ADC_SMP_480(ADC_TEMPERATURE) | ADC_SMP_480(ADC_VREFINT);
	ADC1_CR2 = ADC_CR2_ADON;
	for (volatile unsigned i = 0; i < SETTLE_TURNS; i++)
		;
	err = convert(ADC_VREFINT, reference);
	if (!err)
		err = convert(ADC_TEMPERATURE, sensor);
	ADC1_CR2 = 0;
	ADC_CCR = 0;
	RCC_APB2ENR &= ~RCC_APB2_ADC1;
	return err;
}

/* An emulator that is no whole STM32F4 has neither converter nor calibration (chip.c). */
enum hf_err hf_adc_measure(uint16_t *supply_mv, int16_t *temperature_dc)
{
	uint32_t reference = 0, sensor = 0, mv;
	enum hf_err err;

	if (DBGMCU_IDCODE == 0 || CAL_VREFINT == 0xffff || CAL_TS_110 <= CAL_TS_30)
		return HF_ERR_NOT_FOUND;
	err = measure(&reference, &sensor);
	if (err)
		return err;
	if (reference == 0)
		return HF_ERR_NOT_FOUND;
	mv = (CAL_MV * CAL_VREFINT + reference / 2) / reference;
	*supply_mv = (uint16_t)(mv > UINT16_MAX ? UINT16_MAX : mv);
	*temperature_dc = (int16_t)(CAL_LOW_DC + ((int32_t)(sensor * mv / CAL_MV) - CAL_TS_30) * CAL_SPAN_DC /
							 (CAL_TS_110 - CAL_TS_30));
	return HF_OK;
}
