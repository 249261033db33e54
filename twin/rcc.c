/* SPDX-License-Identifier: MIT
 *
 * Reset and clock control: oscillators with their start-up times, the PLL, prescalers, gates, reset flags.
 *
 * What the chip would not survive (a PLL out of its range, too few wait states for the frequency) is told as
 * misuse by the firmware and then modelled as if it worked.
 */
#include "internal.h"

#include <stdio.h>

enum {
	CR = 0x00, PLLCFGR = 0x04, CFGR = 0x08, CIR = 0x0c, AHB1RSTR = 0x10, APB2RSTR = 0x24, AHB1ENR = 0x30,
	BDCR = 0x70, CSR = 0x74, REGISTERS = 0x88 / 4,
	RST_TO_ENR = AHB1ENR - AHB1RSTR,

	CR_HSION = 1 << 0, CR_HSIRDY = 1 << 1, CR_HSEON = 1 << 16, CR_HSERDY = 1 << 17, CR_HSEBYP = 1 << 18,
	CR_PLLON = 1 << 24, CR_PLLRDY = 1 << 25, CR_PLLI2SON = 1 << 26, CR_PLLI2SRDY = 1 << 27,
	PLL_FROM_HSE = 1 << 22,
	CSR_LSION = 1 << 0, CSR_LSIRDY = 1 << 1, CSR_RMVF = 1 << 24, CSR_BORRSTF = 1 << 25, CSR_PINRSTF = 1 << 26,
	CSR_PORRSTF = 1 << 27, CSR_SFTRSTF = 1 << 28, CSR_IWDGRSTF = 1 << 29,

	HSI_HZ = 16000000,
	HSI_NS = 2200, HSE_NS = 2000000, PLL_NS = 200000, LSI_NS = 15000,
};
#define CSR_FLAGS 0xfe000000u

enum event { EVENT_HSI, EVENT_HSE, EVENT_PLL, EVENT_LSI };
enum source { FROM_HSI, FROM_HSE, FROM_PLL };

struct rcc {
	uint32_t reg[REGISTERS];
	uint32_t flags;          /* of CSR; they survive all but a loss of power */
	bool forced_lsi;         /* the watchdog runs */
};

static uint32_t hsi_hz(const struct hf_machine *machine)
{
	return (uint32_t)(HSI_HZ + (int64_t)HSI_HZ * machine->st.hsi_ppm / 1000000);
}

static uint32_t pll_input(const struct hf_machine *machine, const struct rcc *rcc)
{
	uint32_t m = rcc->reg[PLLCFGR / 4] & 0x3f;
	uint32_t from = rcc->reg[PLLCFGR / 4] & PLL_FROM_HSE ? machine->config.hse_hz : hsi_hz(machine);

	return m ? from / m : 0;
}

static uint32_t pll_hz(const struct hf_machine *machine, const struct rcc *rcc)
{
	uint32_t cfg = rcc->reg[PLLCFGR / 4];
	uint64_t vco = (uint64_t)pll_input(machine, rcc) * (cfg >> 6 & 0x1ff);

	return (uint32_t)(vco / (2 * (cfg >> 16 & 3) + 2));
}

static uint32_t apb_divider(uint32_t code)
{
	return code & 4 ? 2u << (code & 3) : 1;
}

static uint32_t ahb_divider(uint32_t code)
{
	static const uint16_t dividers[8] = { 2, 4, 8, 16, 64, 128, 256, 512 };

	return code & 8 ? dividers[code & 7] : 1;
}

static void check_limits(struct hf_machine *machine, const uint32_t hz[HF_CLOCKS])
{
	/* Wait states per 30 MHz at 2.7 to 3.6 V (RM0090, table 10). */
	uint32_t needed = (hz[HF_CLOCK_HCLK] - 1) / 30000000, margin = 1000000;
	/* An oscillator that is too fast is not the firmware's doing. */
	uint32_t drift = machine->st.hsi_ppm > 0 ? (uint32_t)machine->st.hsi_ppm : 0;
	char text[80];

	if (machine->st.art.wait < needed) {
		snprintf(text, sizeof(text), "HCLK of %u Hz needs %u wait states, ACR has %u", hz[HF_CLOCK_HCLK],
			 needed, machine->st.art.wait);
		hf_machine_log(machine, 0x40023c00, 0, text);
	}
	if (hz[HF_CLOCK_HCLK] > 168000000 + margin + 168 * drift || hz[HF_CLOCK_PCLK1] > 42000000 + margin + 42 * drift ||
	    hz[HF_CLOCK_PCLK2] > 84000000 + margin + 84 * drift)
		hf_machine_log(machine, 0x40023808, 0, "a bus is clocked faster than the chip allows");
}

static uint32_t sysclk_hz(const struct hf_machine *machine, const struct rcc *rcc)
{
	switch (rcc->reg[CFGR / 4] >> 2 & 3) {
	case FROM_HSE:
		return machine->config.hse_hz;
	case FROM_PLL:
		return pll_hz(machine, rcc);
	default:
		return hsi_hz(machine);
	}
}

static void update_clocks(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	const struct rcc *rcc = dev->state;
	uint32_t cfgr = rcc->reg[CFGR / 4], hz[HF_CLOCKS];
	uint32_t divide1 = apb_divider(cfgr >> 10 & 7), divide2 = apb_divider(cfgr >> 13 & 7);
	bool faster;

	hz[HF_CLOCK_SYSCLK] = sysclk_hz(machine, rcc);
	if (!hz[HF_CLOCK_SYSCLK])
		hz[HF_CLOCK_SYSCLK] = hsi_hz(machine);
	hz[HF_CLOCK_HCLK] = hz[HF_CLOCK_SYSCLK] / ahb_divider(cfgr >> 4 & 15);
	hz[HF_CLOCK_PCLK1] = hz[HF_CLOCK_HCLK] / divide1;
	hz[HF_CLOCK_PCLK2] = hz[HF_CLOCK_HCLK] / divide2;
	hz[HF_CLOCK_TIM1] = hz[HF_CLOCK_PCLK1] * (divide1 > 1 ? 2 : 1);
	hz[HF_CLOCK_TIM2] = hz[HF_CLOCK_PCLK2] * (divide2 > 1 ? 2 : 1);
	hz[HF_CLOCK_LSI] = rcc->reg[CSR / 4] & CSR_LSIRDY || rcc->forced_lsi ? machine->st.lsi_hz : 0;
	faster = hz[HF_CLOCK_HCLK] > machine->st.hclk_hz;
	hf_machine_clocks_set(machine, hz);
	if (faster)
		check_limits(machine, hz);
}

/* ---- CR ---- */

static void oscillator(struct hf_dev *dev, uint32_t value, uint32_t on, uint32_t ready, unsigned event, uint64_t ns)
{
	struct rcc *rcc = dev->state;
	uint32_t *cr = &rcc->reg[CR / 4];

	if (value & on && !(*cr & on) && ns != HF_NEVER)
		hf_machine_schedule(dev, event, hf_machine_now_ns(dev->machine) + ns);
	if (!(value & on)) {
		*cr &= ~ready;
		hf_machine_cancel(dev, event);
	}
	*cr = (*cr & ~on) | (value & on);
}

static void check_pll(struct hf_dev *dev)
{
	const struct rcc *rcc = dev->state;
	uint32_t in = pll_input(dev->machine, rcc), n = rcc->reg[PLLCFGR / 4] >> 6 & 0x1ff;
	uint64_t vco = (uint64_t)in * n;

	if (in < 950000 || in > 2100000 || n < 50 || n > 432 || vco < 100000000 || vco > 436000000)
		hf_machine_log(dev->machine, 0x40023804, 0, "the PLL's input or VCO is out of range");
}

static void write_cr(struct hf_dev *dev, uint32_t value)
{
	const struct hf_twin_config *config = &dev->machine->config;
	struct rcc *rcc = dev->state;
	unsigned used = rcc->reg[CFGR / 4] >> 2 & 3;
	bool from_hse = rcc->reg[PLLCFGR / 4] & PLL_FROM_HSE;
	bool locks = !config->hsi_pll_fails && (!from_hse || config->hse_hz);

	/* What drives the core cannot be switched off. */
	if (used == FROM_PLL)
		value |= CR_PLLON | (from_hse ? CR_HSEON : CR_HSION);
	else
		value |= used == FROM_HSE ? CR_HSEON : CR_HSION;
	if (value & CR_PLLON && !(rcc->reg[CR / 4] & CR_PLLON))
		check_pll(dev);
	oscillator(dev, value, CR_HSION, CR_HSIRDY, EVENT_HSI, HSI_NS);
	oscillator(dev, value, CR_HSEON, CR_HSERDY, EVENT_HSE, config->hse_hz ? HSE_NS : HF_NEVER);
	oscillator(dev, value, CR_PLLON, CR_PLLRDY, EVENT_PLL, locks ? PLL_NS : HF_NEVER);
	rcc->reg[CR / 4] = (rcc->reg[CR / 4] & ~0xf8u) | (value & 0xf8);
}

static void rcc_due(struct hf_dev *dev, unsigned event)
{
	static const uint32_t ready[] = { CR_HSIRDY, CR_HSERDY, CR_PLLRDY };
	struct rcc *rcc = dev->state;

	if (event == EVENT_LSI) {
		rcc->reg[CSR / 4] |= CSR_LSIRDY;
		update_clocks(dev);
	} else {
		rcc->reg[CR / 4] |= ready[event];
	}
}

/* ---- the others ---- */

static void write_cfgr(struct hf_dev *dev, uint32_t value)
{
	static const uint32_t ready[] = { CR_HSIRDY, CR_HSERDY, CR_PLLRDY, 0 };
	struct rcc *rcc = dev->state;
	uint32_t *cfgr = &rcc->reg[CFGR / 4], status = *cfgr & 0xc;

	/* The switch waits for a source that is not ready; here it stays where it is. */
	if (rcc->reg[CR / 4] & ready[value & 3])
		status = (value & 3) << 2;
	*cfgr = (value & ~0xcu) | status;
	update_clocks(dev);
}

static void write_csr(struct hf_dev *dev, uint32_t value)
{
	struct rcc *rcc = dev->state;
	uint32_t *csr = &rcc->reg[CSR / 4];

	if (value & CSR_RMVF)
		rcc->flags = 0;
	if (value & CSR_LSION && !(*csr & CSR_LSION))
		hf_machine_schedule(dev, EVENT_LSI, hf_machine_now_ns(dev->machine) + LSI_NS);
	if (!(value & CSR_LSION)) {
		hf_machine_cancel(dev, EVENT_LSI);
		*csr &= ~(uint32_t)CSR_LSIRDY;
	}
	*csr = (*csr & CSR_LSIRDY) | (value & CSR_LSION);
	update_clocks(dev);
}

static void reset_models(struct hf_dev *dev, uint32_t offset, uint32_t rising)
{
	struct hf_machine *machine = dev->machine;

	for (unsigned i = 0; i < machine->devs; i++) {
		struct hf_dev *other = &machine->dev[i];

		if (other->enable_reg != offset + RST_TO_ENR || !(rising >> other->enable_bit & 1))
			continue;
		for (unsigned e = 0; e < HF_DEV_EVENTS; e++)
			hf_machine_cancel(other, e);
		if (other->ops->reset)
			other->ops->reset(other, false);
	}
}

static uint32_t rcc_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct rcc *rcc = dev->state;
	uint32_t value = 0;

	if (offset / 4 < REGISTERS)
		value = rcc->reg[offset / 4];
	if ((offset & ~3u) == CSR)
		value |= rcc->flags;
	value >>= 8 * (offset & 3);
	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

static void rcc_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct rcc *rcc = dev->state;
	uint32_t old;

	if (offset / 4 >= REGISTERS)
		return;
	if (size < 4) {
		uint32_t mask = ((1u << 8 * size) - 1) << 8 * (offset & 3);

		value = (value << 8 * (offset & 3) & mask) | (rcc_read(dev, offset & ~3u, 4) & ~mask);
		offset &= ~3u;
	}
	switch (offset) {
	case CR: write_cr(dev, value); break;
	case PLLCFGR:
		if (!(rcc->reg[CR / 4] & CR_PLLON))
			rcc->reg[PLLCFGR / 4] = value;
		break;
	case CFGR: write_cfgr(dev, value); break;
	case CIR: rcc->reg[CIR / 4] = value & 0x3f00; break;
	case CSR: write_csr(dev, value); break;
	default:
		old = rcc->reg[offset / 4];
		rcc->reg[offset / 4] = value;
		if (offset >= AHB1RSTR && offset <= APB2RSTR)
			reset_models(dev, offset, value & ~old);
		break;
	}
}

bool hf_rcc_enabled(const struct hf_dev *dev, uint8_t reg, uint8_t bit)
{
	const struct rcc *rcc = dev->state;

	return rcc->reg[reg / 4] >> bit & 1;
}

void hf_rcc_force_lsi(struct hf_machine *machine, bool on)
{
	struct rcc *rcc = machine->rcc_dev->state;

	rcc->forced_lsi = on;
	update_clocks(machine->rcc_dev);
}

void hf_rcc_drifted(struct hf_machine *machine)
{
	update_clocks(machine->rcc_dev);
}

static uint32_t cause_flags(enum hf_twin_reset cause)
{
	switch (cause) {
	case HF_TWIN_RESET_POWER:
		return CSR_PORRSTF | CSR_PINRSTF | CSR_BORRSTF;
	case HF_TWIN_RESET_SOFTWARE:
		return CSR_SFTRSTF | CSR_PINRSTF;
	case HF_TWIN_RESET_IWDG:
		return CSR_IWDGRSTF | CSR_PINRSTF;
	case HF_TWIN_RESET_BROWN_OUT:
		return CSR_BORRSTF | CSR_PINRSTF;
	default:
		return CSR_PINRSTF;
	}
}

static void rcc_reset(struct hf_dev *dev, bool power_on)
{
	struct rcc *rcc = dev->state;
	enum hf_twin_reset cause = dev->machine->st.reset_cause;
	/* A brown-out is a power reset to the flags, and none to the backup domain (RM0090, 7.1.2 and 7.3.21). */
	uint32_t flags = power_on || cause == HF_TWIN_RESET_BROWN_OUT ? 0 : rcc->flags;
	uint32_t bdcr = power_on ? 0 : rcc->reg[BDCR / 4];

	memset(rcc, 0, sizeof(*rcc));
	rcc->flags = flags | cause_flags(cause);
	rcc->reg[CR / 4] = CR_HSION | CR_HSIRDY | 0x80;
	rcc->reg[PLLCFGR / 4] = 0x24003010;
	rcc->reg[AHB1ENR / 4] = 0x00100000;
	rcc->reg[0x50 / 4] = 0x7e6791ff;
	rcc->reg[0x54 / 4] = 0x000000f1;
	rcc->reg[0x58 / 4] = 0x00000001;
	rcc->reg[0x60 / 4] = 0x36fec9ff;
	rcc->reg[0x64 / 4] = 0x00075f33;
	rcc->reg[0x84 / 4] = 0x20003000;
	rcc->reg[BDCR / 4] = bdcr;
	dev->machine->unclocked = 0;
	update_clocks(dev);
}

static const struct hf_dev_ops ops = {
	.name = "rcc",
	.state_bytes = sizeof(struct rcc),
	.read = rcc_read,
	.write = rcc_write,
	.reset = rcc_reset,
	.due = rcc_due,
};

void hf_rcc_add(struct hf_machine *machine)
{
	machine->rcc_dev = hf_machine_add(machine, &ops, 0x40023800, 0x400);
}
