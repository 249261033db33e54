/* SPDX-License-Identifier: MIT
 *
 * ADC1 and the common registers; ADC2 and ADC3 read 0. A conversion takes the channel's sampling time and 12 periods of the
 * ADC's clock. What is converted is taken at its end.
 */
#include "adc.h"

enum {
	SR = 0x00, CR1 = 0x04, CR2 = 0x08, SMPR1 = 0x0c, SMPR2 = 0x10, SQR1 = 0x2c, SQR3 = 0x34, DR = 0x4c, CCR = 0x304,
	APB2ENR = 0x44, ADC1EN = 8,
};
enum {
	SR_EOC = 1 << 1, SR_STRT = 1 << 4, CR2_ADON = 1 << 0, CR2_SWSTART = 1 << 30, CCR_TSVREFE = 1 << 23,
	TEMPERATURE = 16, VREFINT = 17,
};
enum { SETTLE_NS = 10000, STABLE_NS = 3000, CONVERT_PERIODS = 12, FULL = 4095, CAL_MV = 3300 };
enum { EV_DONE };

struct adc {
	uint32_t sr, cr1, cr2, smpr[2], sqr[3], dr, ccr;
	uint64_t on_ns, sensor_ns; /* when the converter and its inner channels were switched on */
	uint32_t supply_mv;        /* the board's: no reset changes these two */
	int32_t temperature_dc;
};

static struct adc *adc_of(struct hf_machine *machine)
{
	return hf_machine_find(machine, HF_DEV_ADC, 1)->state;
}

void hf_adc_supply(struct hf_machine *machine, uint32_t mv)
{
	adc_of(machine)->supply_mv = mv;
}

void hf_adc_temperature(struct hf_machine *machine, int32_t dc)
{
	adc_of(machine)->temperature_dc = dc;
}

uint32_t hf_adc_supply_mv(struct hf_machine *machine)
{
	return adc_of(machine)->supply_mv;
}

int32_t hf_adc_temperature_dc(struct hf_machine *machine)
{
	return adc_of(machine)->temperature_dc;
}

static unsigned channel(const struct adc *a)
{
	return a->sqr[2] & 31;
}

/* What it would read at 3.3 V. */
static int32_t at_calibration(const struct adc *a, unsigned from)
{
	if (from == VREFINT)
		return HF_ADC_VREFINT_CAL;
	return (int32_t)HF_ADC_TS_CAL1 +
	       (a->temperature_dc - 300) * (int32_t)(HF_ADC_TS_CAL2 - HF_ADC_TS_CAL1) / 800;
}

static uint32_t convert(const struct adc *a, uint64_t now_ns)
{
	unsigned from = channel(a);
	int64_t value;

	if ((from != TEMPERATURE && from != VREFINT) || !(a->ccr & CCR_TSVREFE))
		return 0;
	if (now_ns < a->sensor_ns + SETTLE_NS || now_ns < a->on_ns + STABLE_NS)
		return 0;
	value = ((int64_t)at_calibration(a, from) * CAL_MV + a->supply_mv / 2) / a->supply_mv;
	return value < 0 ? 0 : value > FULL ? FULL : (uint32_t)value;
}

static uint64_t conversion_ns(struct hf_dev *dev)
{
	static const uint16_t periods[] = { 3, 15, 28, 56, 84, 112, 144, 480 };
	const struct adc *a = dev->state;
	unsigned from = channel(a);
	uint32_t smp = from >= 10 ? a->smpr[0] >> 3 * (from - 10) : a->smpr[1] >> 3 * from;
	uint32_t divider = 2 * ((a->ccr >> 16 & 3) + 1);

	return (periods[smp & 7] + CONVERT_PERIODS) * 1000000000ull * divider /
	       hf_machine_clock_hz(dev->machine, HF_CLOCK_PCLK2);
}

static void adc_due(struct hf_dev *dev, unsigned event)
{
	struct adc *a = dev->state;

	(void)event;
	a->dr = convert(a, hf_machine_now_ns(dev->machine));
	a->sr |= SR_EOC;
}

static uint32_t adc_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct adc *a = dev->state;

	(void)size;
	switch (offset) {
	case SR:
		return a->sr;
	case CR1:
		return a->cr1;
	case CR2:
		return a->cr2;
	case SMPR1:
	case SMPR2:
		return a->smpr[(offset - SMPR1) / 4];
	case SQR1:
	case SQR1 + 4:
	case SQR3:
		return a->sqr[(offset - SQR1) / 4];
	case DR:
		a->sr &= ~(uint32_t)SR_EOC;
		return a->dr;
	case CCR:
		return a->ccr;
	default:
		return 0;
	}
}

static void write_cr2(struct hf_dev *dev, uint32_t value)
{
	struct adc *a = dev->state;
	uint64_t now_ns = hf_machine_now_ns(dev->machine);
	bool was_on = a->cr2 & CR2_ADON;

	a->cr2 = value & ~(uint32_t)CR2_SWSTART;
	if (!(value & CR2_ADON))
		hf_machine_cancel(dev, EV_DONE);
	else if (!was_on)
		a->on_ns = now_ns;
	if (was_on && (value & CR2_ADON) && (value & CR2_SWSTART)) {
		a->sr |= SR_STRT;
		hf_machine_schedule(dev, EV_DONE, now_ns + conversion_ns(dev));
	}
}

static void adc_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct adc *a = dev->state;

	(void)size;
	switch (offset) {
	case SR:
		a->sr &= value;
		return;
	case CR1:
		a->cr1 = value;
		return;
	case CR2:
		write_cr2(dev, value);
		return;
	case SMPR1:
	case SMPR2:
		a->smpr[(offset - SMPR1) / 4] = value;
		return;
	case SQR1:
	case SQR1 + 4:
	case SQR3:
		a->sqr[(offset - SQR1) / 4] = value;
		return;
	case CCR:
		if (!(a->ccr & CCR_TSVREFE) && (value & CCR_TSVREFE))
			a->sensor_ns = hf_machine_now_ns(dev->machine);
		a->ccr = value;
		return;
	}
}

static void adc_reset(struct hf_dev *dev, bool power_on)
{
	struct adc *a = dev->state;

	(void)power_on;
	*a = (struct adc){ .supply_mv = a->supply_mv, .temperature_dc = a->temperature_dc };
}

static const struct hf_dev_ops adc_ops = {
	.name = "adc",
	.kind = HF_DEV_ADC,
	.state_bytes = sizeof(struct adc),
	.read = adc_read,
	.write = adc_write,
	.reset = adc_reset,
	.due = adc_due,
};

void hf_adc_add(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_add(machine, &adc_ops, 0x40012000, 0x400);
	struct adc *a = dev->state;

	dev->unit = 1;
	dev->enable_reg = APB2ENR;
	dev->enable_bit = ADC1EN;
	a->supply_mv = HF_ADC_SUPPLY_MV;
	a->temperature_dc = HF_ADC_TEMPERATURE_DC;
}
