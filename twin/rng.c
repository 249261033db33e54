/* SPDX-License-Identifier: MIT
 *
 * The random number generator (RM0090, chapter 24): a word every 40 periods of the PLL's 48 MHz output. Without that
 * clock, or one below a sixteenth of HCLK, there is a clock error and no word. The words come from the machine's own
 * random numbers, so that a run can be repeated; noise that fails (a seed error) is not modelled.
 */
#include "internal.h"

enum { CR = 0x00, SR = 0x04, DR = 0x08, AHB2ENR = 0x34 };
enum { CR_RNGEN = 1 << 2, CR_BITS = 3 << 2, SR_DRDY = 1 << 0, SR_CECS = 1 << 1, SR_CEIS = 1 << 5, SR_SEIS = 1 << 6 };
enum { RCC_BASE = 0x40023800, RCC_PLLRDY = 1 << 25, RCC_HSE = 1 << 22, SOURCE_MHZ = 16, RNGEN = 6, IRQ = 80, PERIODS = 40 };
enum { EV_WORD };

struct rng {
	uint32_t cr, sr, dr;
};

static void set_irq(struct hf_dev *dev)
{
	const struct rng *r = dev->state;

	hf_machine_irq(dev->machine, IRQ, (r->cr & 1 << 3) && (r->sr & (SR_DRDY | SR_CEIS | SR_SEIS)));
}

/* Of the PLL's third output; 0: it does not run. The board has no crystal: the source is the HSI. */
static uint32_t pll48_hz(struct hf_dev *dev)
{
	uint32_t cr, cfgr;

	if (!hf_machine_bus_read(dev->machine, RCC_BASE, 4, &cr) || !(cr & RCC_PLLRDY) ||
	    !hf_machine_bus_read(dev->machine, RCC_BASE + 4, 4, &cfgr) || (cfgr & RCC_HSE))
		return 0;
	uint32_t m = cfgr & 63, n = cfgr >> 6 & 511, q = cfgr >> 24 & 15;
	return m == 0 || q == 0 ? 0 : (uint32_t)(SOURCE_MHZ * 1000000ull * n / m / q);
}

static void next_word(struct hf_dev *dev)
{
	struct rng *r = dev->state;
	uint32_t hz = pll48_hz(dev);

	r->sr &= ~(uint32_t)SR_CECS;
	if (hz == 0 || hz < hf_machine_clock_hz(dev->machine, HF_CLOCK_HCLK) / 16)
		r->sr |= SR_CECS | SR_CEIS;
	else
		hf_machine_schedule(dev, EV_WORD, hf_machine_now_ns(dev->machine) + PERIODS * 1000000000ull / hz);
	set_irq(dev);
}

static void rng_due(struct hf_dev *dev, unsigned event)
{
	struct rng *r = dev->state;

	(void)event;
	r->dr = (uint32_t)(hf_machine_random(dev->machine) >> 16);
	r->sr |= SR_DRDY;
	set_irq(dev);
}

static uint32_t rng_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct rng *r = dev->state;
	uint32_t value;

	(void)size;
	switch (offset) {
	case CR:
		return r->cr;
	case SR:
		return r->sr;
	case DR:
		value = r->dr;
		if (r->sr & SR_DRDY) {
			r->sr &= ~(uint32_t)SR_DRDY;
			r->dr = 0;
			next_word(dev);
		}
		return value;
	default:
		return 0;
	}
}

static void rng_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct rng *r = dev->state;
	bool ran = r->cr & CR_RNGEN;

	(void)size;
	if (offset == SR) {
		r->sr &= value | ~(uint32_t)(SR_CEIS | SR_SEIS);
		set_irq(dev);
	}
	if (offset != CR)
		return;
	r->cr = value & CR_BITS;
	if (!ran && (r->cr & CR_RNGEN)) {
		next_word(dev);
	} else if (!(r->cr & CR_RNGEN)) {
		hf_machine_cancel(dev, EV_WORD);
		r->sr &= ~(uint32_t)SR_DRDY;
		set_irq(dev);
	}
}

static void rng_reset(struct hf_dev *dev, bool power_on)
{
	struct rng *r = dev->state;

	(void)power_on;
	*r = (struct rng){ 0 };
	set_irq(dev);
}

static const struct hf_dev_ops rng_ops = {
	.name = "rng",
	.state_bytes = sizeof(struct rng),
	.read = rng_read,
	.write = rng_write,
	.reset = rng_reset,
	.due = rng_due,
};

void hf_rng_add(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_add(machine, &rng_ops, 0x50060800, 0x400);

	dev->enable_reg = AHB2ENR;
	dev->enable_bit = RNGEN;
}
