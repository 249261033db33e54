/* SPDX-License-Identifier: MIT */
#include "fake_machine.h"

#include <assert.h>
#include <stdlib.h>

#include "check.h"

#define DEVS 32
#define RAM  0x20000000u

struct hf_machine {
	struct hf_dev dev[DEVS];
	uint64_t due[DEVS][HF_DEV_EVENTS];
	unsigned devs;
	uint64_t now;
	bool irq[HF_MACHINE_IRQS];
	uint32_t hz[HF_CLOCKS];
	uint8_t ram[65536];
	struct hf_twin_event event[FAKE_EVENTS];
	unsigned events;
};

static struct hf_machine *m;

struct hf_twin *fake_twin(void)
{
	return (struct hf_twin *)m;
}

struct hf_machine *fake_machine(void)
{
	return m;
}

struct hf_machine *hf_twin_machine(struct hf_twin *twin)
{
	return (struct hf_machine *)twin;
}

void fake_open(void (*const *add)(struct hf_machine *machine))
{
	m = calloc(1, sizeof(*m));
	assert_non_null(m);
	for (unsigned i = 0; i < HF_CLOCKS; i++)
		m->hz[i] = 16000000;
	while (*add != NULL)
		(*add++)(m);
	fake_reset(true);
}

void fake_close(void)
{
	for (unsigned i = 0; i < m->devs; i++) {
		if (m->dev[i].ops->close != NULL)
			m->dev[i].ops->close(&m->dev[i]);
		free(m->dev[i].state);
	}
	free(m);
}

struct hf_dev *hf_machine_add(struct hf_machine *machine, const struct hf_dev_ops *ops, uint32_t base, uint32_t size)
{
	struct hf_dev *dev = &machine->dev[machine->devs];
	assert_true(machine->devs < DEVS);
	*dev = (struct hf_dev){ .ops = ops, .machine = machine, .base = base, .size = size, .index = machine->devs };
	dev->state = calloc(1, ops->state_bytes);
	for (unsigned i = 0; i < HF_DEV_EVENTS; i++)
		machine->due[dev->index][i] = HF_NEVER;
	machine->devs++;
	return dev;
}

struct hf_dev *hf_machine_find(struct hf_machine *machine, enum hf_dev_kind kind, unsigned unit)
{
	for (unsigned i = 0; i < machine->devs; i++)
		if (machine->dev[i].ops->kind == kind && machine->dev[i].unit == unit)
			return &machine->dev[i];
	return NULL;
}

uint64_t hf_machine_now_ns(const struct hf_machine *machine)
{
	return machine->now;
}

void hf_machine_schedule(struct hf_dev *dev, unsigned event, uint64_t at_ns)
{
	assert_true(event < HF_DEV_EVENTS);
	dev->machine->due[dev->index][event] = at_ns;
}

void hf_machine_cancel(struct hf_dev *dev, unsigned event)
{
	hf_machine_schedule(dev, event, HF_NEVER);
}

uint64_t hf_machine_due_ns(const struct hf_dev *dev, unsigned event)
{
	return dev->machine->due[dev->index][event];
}

void hf_machine_irq(struct hf_machine *machine, unsigned irq, bool high)
{
	machine->irq[irq] = high;
}

const struct hf_twin_config *hf_machine_config(const struct hf_machine *machine)
{
	static const struct hf_twin_config config = { .seed = 1 };
	(void)machine;
	return &config;
}

uint32_t hf_machine_clock_hz(const struct hf_machine *machine, enum hf_clock clock)
{
	return machine->hz[clock];
}

static struct hf_dev *dev_at(uint32_t addr)
{
	for (unsigned i = 0; i < m->devs; i++)
		if (addr >= m->dev[i].base && addr - m->dev[i].base < m->dev[i].size)
			return &m->dev[i];
	fail_msg("no model at %08x", addr);
	return NULL;
}

bool hf_machine_bus_read(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t *value)
{
	*value = 0;
	if (addr - RAM < sizeof(machine->ram))
		memcpy(value, machine->ram + (addr - RAM), size);
	else if (addr >= 0x40000000)
		*value = dev_at(addr)->ops->read(dev_at(addr), addr - dev_at(addr)->base, size);
	else
		return false;
	return true;
}

bool hf_machine_bus_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	if (addr - RAM < sizeof(machine->ram))
		memcpy(machine->ram + (addr - RAM), &value, size);
	else if (addr >= 0x40000000)
		dev_at(addr)->ops->write(dev_at(addr), addr - dev_at(addr)->base, size, value);
	else
		return false;
	return true;
}

void hf_machine_event(struct hf_machine *machine, enum hf_twin_event_kind kind, uint32_t a, uint32_t b,
		      const char *text)
{
	machine->event[machine->events++ % FAKE_EVENTS] = (struct hf_twin_event){ kind, a, b, machine->now, text };
}

void fake_reset(bool power_on)
{
	memset(m->irq, 0, sizeof(m->irq));
	for (unsigned i = 0; i < m->devs; i++)
		for (unsigned n = 0; n < HF_DEV_EVENTS; n++)
			m->due[i][n] = HF_NEVER;
	for (unsigned i = 0; i < m->devs; i++)
		if (m->dev[i].ops->reset != NULL)
			m->dev[i].ops->reset(&m->dev[i], power_on);
}

void fake_power_off(void)
{
	for (unsigned i = 0; i < m->devs; i++)
		if (m->dev[i].ops->power_off != NULL)
			m->dev[i].ops->power_off(&m->dev[i]);
}

void fake_run(uint64_t until_ns)
{
	for (;;) {
		unsigned dev = 0, event = 0;
		uint64_t first = HF_NEVER;
		for (unsigned i = 0; i < m->devs; i++)
			for (unsigned n = 0; n < HF_DEV_EVENTS; n++)
				if (m->due[i][n] < first) {
					first = m->due[i][n];
					dev = i;
					event = n;
				}
		if (first > until_ns)
			break;
		if (first > m->now)
			m->now = first;
		m->due[dev][event] = HF_NEVER;
		m->dev[dev].ops->due(&m->dev[dev], event);
	}
	m->now = until_ns;
}

uint64_t fake_now(void)
{
	return m->now;
}

uint32_t fake_read(uint32_t addr)
{
	struct hf_dev *dev = dev_at(addr);
	return dev->ops->read(dev, addr - dev->base, 4);
}

void fake_write(uint32_t addr, uint32_t value)
{
	fake_write_sized(addr, 4, value);
}

void fake_write_sized(uint32_t addr, unsigned size, uint32_t value)
{
	struct hf_dev *dev = dev_at(addr);
	dev->ops->write(dev, addr - dev->base, size, value);
}

uint8_t *fake_ram(uint32_t addr)
{
	assert_true(addr - RAM < sizeof(m->ram));
	return m->ram + (addr - RAM);
}

bool fake_irq(unsigned irq)
{
	return m->irq[irq];
}

void fake_clock(enum hf_clock clock, uint32_t hz)
{
	m->hz[clock] = hz;
	for (unsigned i = 0; i < m->devs; i++)
		if (m->dev[i].ops->clock_changed != NULL)
			m->dev[i].ops->clock_changed(&m->dev[i]);
}

unsigned fake_events(enum hf_twin_event_kind kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->events && i < FAKE_EVENTS; i++)
		n += m->event[i].kind == kind;
	return n;
}

const struct hf_twin_event *fake_event(enum hf_twin_event_kind kind)
{
	for (unsigned i = m->events; i-- > 0;)
		if (m->event[i % FAKE_EVENTS].kind == kind)
			return &m->event[i % FAKE_EVENTS];
	fail_msg("no event of kind %d", kind);
	return NULL;
}
