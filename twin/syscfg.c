/* SPDX-License-Identifier: MIT
 *
 * The system configuration controller: what lies at address 0 (RM0090, 9.2.1). The core's alias at 0 is not modelled -
 * programs give their addresses in full, and the vector table's in VTOR -, so the selection is only kept.
 */
#include "internal.h"

enum { MEMRMP = 0x00, MEMRMP_MODE = 7, APB2ENR = 0x44, SYSCFGEN = 14 };

struct syscfg {
	uint32_t memrmp;
};

static uint32_t syscfg_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct syscfg *s = dev->state;

	(void)size;
	return offset == MEMRMP ? s->memrmp : 0;
}

static void syscfg_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct syscfg *s = dev->state;

	(void)size;
	if (offset == MEMRMP)
		s->memrmp = value & MEMRMP_MODE;
}

static void syscfg_reset(struct hf_dev *dev, bool power_on)
{
	struct syscfg *s = dev->state;

	(void)power_on;
	s->memrmp = 0;
}

static const struct hf_dev_ops syscfg_ops = {
	.name = "syscfg",
	.state_bytes = sizeof(struct syscfg),
	.read = syscfg_read,
	.write = syscfg_write,
	.reset = syscfg_reset,
};

void hf_syscfg_add(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_add(machine, &syscfg_ops, 0x40013800, 0x400);

	dev->enable_reg = APB2ENR;
	dev->enable_bit = SYSCFGEN;
}
