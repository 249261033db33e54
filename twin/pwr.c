/* SPDX-License-Identifier: MIT
 *
 * Power control and the backup registers of the RTC. They can be written only after PWR_CR.DBP, survive every reset,
 * and a loss of power where the board has a battery. The RTC itself (time, alarms) is not modelled.
 */
#include "internal.h"

enum {
	PWR_CR = 0x00, PWR_CSR = 0x04, CR_DBP = 1 << 8, CSR_VOSRDY = 1 << 14,
	BKP0R = 0x50, BKP_COUNT = HF_TWIN_BACKUP_REGISTERS,
	APB1ENR = 0x40, PWREN = 28,
};

struct pwr {
	uint32_t cr;
};

struct rtc {
	uint32_t backup[BKP_COUNT];
};

static uint32_t pwr_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct pwr *pwr = dev->state;

	(void)size;
	return offset == PWR_CR ? pwr->cr : offset == PWR_CSR ? CSR_VOSRDY : 0;
}

static void pwr_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct pwr *pwr = dev->state;

	(void)size;
	if (offset == PWR_CR)
		pwr->cr = value & 0xc3f3;
}

static void pwr_reset(struct hf_dev *dev, bool power_on)
{
	struct pwr *pwr = dev->state;

	(void)power_on;
	pwr->cr = 0x4000;
}

static bool writable(struct hf_dev *dev)
{
	const struct pwr *pwr = hf_machine_find(dev->machine, HF_DEV_PWR, 0)->state;

	return pwr->cr & CR_DBP;
}

static uint32_t rtc_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct rtc *rtc = dev->state;

	(void)size;
	if (offset >= BKP0R && offset < BKP0R + 4 * BKP_COUNT)
		return rtc->backup[(offset - BKP0R) / 4];
	return 0;
}

static void rtc_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct rtc *rtc = dev->state;

	(void)size;
	if (offset >= BKP0R && offset < BKP0R + 4 * BKP_COUNT && writable(dev))
		rtc->backup[(offset - BKP0R) / 4] = value;
}

static void rtc_reset(struct hf_dev *dev, bool power_on)
{
	struct rtc *rtc = dev->state;

	if (power_on && !dev->machine->config.vbat)
		memset(rtc, 0, sizeof(*rtc));
}

static const struct hf_dev_ops pwr_ops = {
	.name = "pwr",
	.kind = HF_DEV_PWR,
	.state_bytes = sizeof(struct pwr),
	.read = pwr_read,
	.write = pwr_write,
	.reset = pwr_reset,
};

static const struct hf_dev_ops rtc_ops = {
	.name = "rtc",
	.kind = HF_DEV_RTC,
	.state_bytes = sizeof(struct rtc),
	.read = rtc_read,
	.write = rtc_write,
	.reset = rtc_reset,
};

void hf_pwr_add(struct hf_machine *machine)
{
	struct hf_dev *pwr = hf_machine_add(machine, &pwr_ops, 0x40007000, 0x400);
	struct hf_dev *rtc = hf_machine_add(machine, &rtc_ops, 0x40002800, 0x400);

	pwr->enable_reg = rtc->enable_reg = APB1ENR;
	pwr->enable_bit = rtc->enable_bit = PWREN;
}

void hf_twin_backup(struct hf_twin *twin, uint32_t registers[HF_TWIN_BACKUP_REGISTERS])
{
	const struct rtc *rtc = hf_machine_find(&twin->machine, HF_DEV_RTC, 0)->state;

	memcpy(registers, rtc->backup, sizeof(rtc->backup));
}
