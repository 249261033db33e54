/* SPDX-License-Identifier: MIT
 *
 * Time, devices and the bus.
 *
 * Cycles of HCLK are the machine's clock while the power is on: the core adds to them block by block, sleep and stalls
 * jump. Nanoseconds are derived from them at the last change of the frequency, so that nothing accumulates. A model
 * that is due is called with the clock showing its own time, not the later one of the block that was just executed,
 * unless somebody has already been told a later one: periodic events stay exact, and time never goes back.
 */
#include "internal.h"

#include <assert.h>
#include <stdio.h>

#define NO_DEVICE 0xff
#define WINDOW    0x80000u

__extension__ typedef unsigned __int128 wide;

static const uint32_t window_base[2] = { 0x40000000, 0x50000000 };

/* ---- time ---- */

static uint64_t ns_of(const struct hf_core *st, uint64_t cycles)
{
	if (!st->hclk_hz || cycles <= st->base_cycles)
		return st->base_ns;
	return st->base_ns + (uint64_t)((wide)(cycles - st->base_cycles) * 1000000000u / st->hclk_hz);
}

uint64_t hf_machine_now_ns(const struct hf_machine *machine)
{
	return machine->due_now != HF_NEVER ? machine->due_now : ns_of(&machine->st, machine->st.cycles);
}

uint64_t hf_machine_cycle_of(const struct hf_machine *machine, uint64_t ns)
{
	const struct hf_core *st = &machine->st;
	wide cycles;

	if (ns == HF_NEVER || !st->hclk_hz)
		return NO_CYCLE;
	if (ns <= st->base_ns)
		return st->base_cycles;
	cycles = (wide)(ns - st->base_ns) * st->hclk_hz + 999999999u;
	cycles = cycles / 1000000000u + st->base_cycles;
	return cycles > NO_CYCLE ? NO_CYCLE : (uint64_t)cycles;
}

void hf_machine_look(struct hf_machine *machine)
{
	machine->check_at = 0;
}

static void refresh_next(struct hf_machine *machine)
{
	uint64_t next = HF_NEVER;

	for (unsigned i = 0; i < machine->devs; i++)
		next = machine->st.due_of[i] < next ? machine->st.due_of[i] : next;
	machine->st.next_due = next;
}

static void set_due(struct hf_machine *machine, unsigned index, unsigned event, uint64_t at_ns)
{
	struct hf_core *st = &machine->st;
	uint64_t *due = st->due[index], was = st->due_of[index], next = at_ns;

	due[event] = at_ns;
	for (unsigned e = 0; e < HF_DEV_EVENTS; e++)
		next = due[e] < next ? due[e] : next;
	st->due_of[index] = next;
	if (next <= st->next_due)
		st->next_due = next;
	else if (was == st->next_due)
		refresh_next(machine);
}

void hf_machine_forget_due(struct hf_machine *machine, unsigned index)
{
	for (unsigned e = 0; e < HF_DEV_EVENTS; e++)
		machine->st.due[index][e] = HF_NEVER;
	machine->st.due_of[index] = HF_NEVER;
	refresh_next(machine);
}

void hf_machine_schedule(struct hf_dev *dev, unsigned event, uint64_t at_ns)
{
	assert(event < HF_DEV_EVENTS);
	if (dev->machine->st.due[dev->index][event] == at_ns)
		return;
	set_due(dev->machine, dev->index, event, at_ns);
	hf_machine_look(dev->machine);
}

void hf_machine_cancel(struct hf_dev *dev, unsigned event)
{
	hf_machine_schedule(dev, event, HF_NEVER);
}

uint64_t hf_machine_due_ns(const struct hf_dev *dev, unsigned event)
{
	return dev->machine->st.due[dev->index][event];
}

static bool take_next_due(struct hf_machine *machine, uint64_t now, unsigned *index, unsigned *event)
{
	const struct hf_core *st = &machine->st;

	if (st->next_due > now || st->next_due == HF_NEVER)
		return false;
	for (*index = 0; st->due_of[*index] != st->next_due;)
		++*index;
	for (*event = 0; st->due[*index][*event] != st->next_due;)
		++*event;
	set_due(machine, *index, *event, HF_NEVER);
	return true;
}

void hf_machine_run_due(struct hf_machine *machine)
{
	unsigned index, event;

	while (!machine->cut_now && !machine->stop_requested && !machine->reset_requested) {
		uint64_t due = machine->st.next_due, seen = ns_of(&machine->st, machine->st.seen_cycles);

		if (!take_next_due(machine, ns_of(&machine->st, machine->st.cycles), &index, &event))
			return;
		due = due > seen ? due : seen;
		due = due > machine->st.last_due ? due : machine->st.last_due;
		machine->st.last_due = machine->due_now = due;
		if (machine->dev[index].ops->due)
			machine->dev[index].ops->due(&machine->dev[index], event);
		machine->due_now = HF_NEVER;
	}
}

void hf_machine_clocks_set(struct hf_machine *machine, const uint32_t hz[HF_CLOCKS])
{
	struct hf_core *st = &machine->st;

	if (memcmp(st->clock, hz, sizeof(st->clock)) == 0)
		return;
	st->base_ns = ns_of(st, st->cycles);
	st->base_cycles = st->cycles;
	st->hclk_hz = hz[HF_CLOCK_HCLK];
	memcpy(st->clock, hz, sizeof(st->clock));
	for (unsigned i = 0; i < machine->devs; i++)
		if (machine->dev[i].ops->clock_changed)
			machine->dev[i].ops->clock_changed(&machine->dev[i]);
	hf_machine_look(machine);
}

/* The power goes: the clock is told no longer, and time stands still until somebody moves it. */
void hf_machine_clocks_stop(struct hf_machine *machine)
{
	struct hf_core *st = &machine->st;

	st->base_ns = ns_of(st, st->cycles);
	st->base_cycles = st->cycles;
	st->hclk_hz = 0;
	memset(st->clock, 0, sizeof(st->clock));
}

uint32_t hf_machine_clock_hz(const struct hf_machine *machine, enum hf_clock clock)
{
	return machine->st.clock[clock];
}

/* ---- devices ---- */

struct hf_dev *hf_machine_add(struct hf_machine *machine, const struct hf_dev_ops *ops, uint32_t base, uint32_t size)
{
	struct hf_dev *dev = &machine->dev[machine->devs];
	size_t bytes = (ops->state_bytes + 15) & ~(size_t)15;

	assert(machine->devs < HF_DEV_MAX && bytes <= HF_DEV_ARENA - machine->arena_used);
	*dev = (struct hf_dev){ .ops = ops, .machine = machine, .state = machine->arena + machine->arena_used,
				.base = base, .size = size, .index = machine->devs };
	machine->arena_used += bytes;
	machine->devs++;
	hf_machine_forget_due(machine, dev->index);
	for (unsigned w = 0; size && w < 2; w++)
		for (uint32_t k = 0; k < WINDOW / 1024; k++)
			if (window_base[w] + k * 1024 - base < size)
				machine->dev_at[w][k] = (uint8_t)dev->index;
	return dev;
}

struct hf_dev *hf_machine_find(struct hf_machine *machine, enum hf_dev_kind kind, unsigned unit)
{
	for (; machine->indexed < machine->devs; machine->indexed++) {
		struct hf_dev *dev = &machine->dev[machine->indexed];

		assert(dev->unit < HF_DEV_UNITS);
		machine->by_kind[dev->ops->kind][dev->unit] = dev;
	}
	return unit < HF_DEV_UNITS ? machine->by_kind[kind][unit] : NULL;
}

static bool clocked(struct hf_machine *machine, struct hf_dev *dev)
{
	char text[80];

	if (!dev->enable_reg || hf_rcc_enabled(machine->rcc_dev, dev->enable_reg, dev->enable_bit))
		return true;
	if (!(machine->unclocked >> dev->index & 1)) {
		machine->unclocked |= 1ull << dev->index;
		snprintf(text, sizeof(text), "%s %u is accessed without its clock", dev->ops->name, dev->unit);
		hf_machine_log(machine, dev->base, 0, text);
	}
	return false;
}

static struct hf_dev *device_at(struct hf_machine *machine, uint32_t addr)
{
	char text[80];

	for (unsigned w = 0; w < 2; w++) {
		uint32_t k = (addr - window_base[w]) / 1024;

		if (addr - window_base[w] >= WINDOW)
			continue;
		if (machine->dev_at[w][k] != NO_DEVICE)
			return &machine->dev[machine->dev_at[w][k]];
		if (!(machine->missing[w][k / 8] >> (k % 8) & 1)) {
			machine->missing[w][k / 8] |= (uint8_t)(1u << (k % 8));
			snprintf(text, sizeof(text), "nothing is modelled at 0x%08x: it reads 0", addr);
			hf_machine_log(machine, addr, 0, text);
		}
	}
	return NULL;
}

/* AHB registers take a cycle or two, those behind the APB bridges wait for a slower clock. */
static void charge_access(struct hf_machine *machine, uint32_t addr)
{
	const struct hf_core *st = &machine->st;
	uint32_t bus = st->hclk_hz;

	if (addr < 0x40010000)
		bus = st->clock[HF_CLOCK_PCLK1];
	else if (addr < 0x40020000)
		bus = st->clock[HF_CLOCK_PCLK2];
	machine->st.cycles += bus && bus < st->hclk_hz ? 1 + 2 * (st->hclk_hz / bus) : 1;
	machine->st.seen_cycles = st->cycles;
}

uint32_t hf_machine_mmio_read(struct hf_machine *machine, uint32_t addr, unsigned size)
{
	struct hf_dev *dev = device_at(machine, addr);

	if (machine->in_cpu)
		charge_access(machine, addr);
	if (!dev || !dev->ops->read || machine->cut_now || !clocked(machine, dev))
		return 0;
	return dev->ops->read(dev, addr - dev->base, size);
}

void hf_machine_mmio_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	struct hf_dev *dev = device_at(machine, addr);

	machine->writes++;
	if (machine->in_cpu)
		charge_access(machine, addr);
	if (!dev || !dev->ops->write || machine->cut_now || !clocked(machine, dev))
		return;
	dev->ops->write(dev, addr - dev->base, size, value);
}

/* ---- memory ---- */

uint8_t *hf_machine_memory(struct hf_machine *machine, uint32_t addr, size_t len)
{
	const struct {
		uint32_t addr, size;
		uint8_t *mem;
	} areas[] = {
		{ HF_TWIN_FLASH_ADDR, HF_TWIN_FLASH_SIZE, machine->flash },
		{ HF_TWIN_SRAM_ADDR, HF_TWIN_SRAM_SIZE, machine->sram },
		{ HF_TWIN_CCM_ADDR, HF_TWIN_CCM_SIZE, machine->ccm },
		{ SYSMEM_ADDR, SYSMEM_SIZE, machine->sysmem },
		{ 0, HF_TWIN_FLASH_SIZE, machine->flash },
	};

	for (unsigned i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		if (addr - areas[i].addr < areas[i].size && len <= areas[i].size - (addr - areas[i].addr))
			return areas[i].mem + (addr - areas[i].addr);
	return NULL;
}

static bool is_sram(uint32_t addr, unsigned size)
{
	return addr - HF_TWIN_SRAM_ADDR < HF_TWIN_SRAM_SIZE && size <= HF_TWIN_SRAM_SIZE - (addr - HF_TWIN_SRAM_ADDR);
}

bool hf_machine_bus_read(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t *value)
{
	uint8_t *mem;

	*value = 0;
	if (addr >= window_base[0] && addr < window_base[1] + WINDOW) {
		bool in_cpu = machine->in_cpu;

		machine->in_cpu = false;
		*value = hf_machine_mmio_read(machine, addr, size);
		machine->in_cpu = in_cpu;
		return true;
	}
	if (addr - HF_TWIN_CCM_ADDR < HF_TWIN_CCM_SIZE)
		return false;
	mem = hf_machine_memory(machine, addr, size);
	if (!mem)
		return false;
	memcpy(value, mem, size);
	return true;
}

bool hf_machine_bus_write(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	if (addr >= window_base[0] && addr < window_base[1] + WINDOW) {
		bool in_cpu = machine->in_cpu;

		machine->in_cpu = false;
		hf_machine_mmio_write(machine, addr, size, value);
		machine->in_cpu = in_cpu;
		return true;
	}
	if (!is_sram(addr, size))
		return false;
	memcpy(machine->sram + (addr - HF_TWIN_SRAM_ADDR), &value, size);
	hf_cpu_code_changed(machine, addr, size);
	return true;
}

/* ---- telling ---- */

void hf_machine_event(struct hf_machine *machine, enum hf_twin_event_kind kind, uint32_t a, uint32_t b,
		      const char *text)
{
	struct hf_twin_event event = { .kind = kind, .a = a, .b = b, .text = text };

	if (!machine->on_event)
		return;
	event.at_ns = hf_machine_now_ns(machine);
	machine->on_event(machine->on_event_ctx, &event);
}

void hf_machine_log(struct hf_machine *machine, uint32_t a, uint32_t b, const char *text)
{
	hf_machine_event(machine, HF_TWIN_EV_LOG, a, b, text);
}

const struct hf_twin_config *hf_machine_config(const struct hf_machine *machine)
{
	return &machine->config;
}

const struct hf_layout *hf_machine_layout(const struct hf_machine *machine)
{
	return machine->has_layout ? &machine->layout : NULL;
}

uint64_t hf_machine_random(struct hf_machine *machine)
{
	return hf_fault_random(&machine->st.random);
}
