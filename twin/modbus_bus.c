/* SPDX-License-Identifier: MIT
 *
 * An answer counts as read when the device's receiver took as many undamaged characters as the answer has: the receiver
 * may be off, deaf because its own driver is still on, or overrun, and none of that is visible on the bus itself.
 */
#include "modbus_bus.h"

#include <assert.h>
#include <stdlib.h>

#include "usart.h"

enum { EVENT_RUN = 0, EVENT_ANSWERED = 1 };

struct bus {
	struct hf_modbus_bench bench;
	unsigned usart;          /* 0: not connected */
	uint64_t answered_ns;    /* when the answer that is on the bus ends; HF_NEVER: none */
	uint64_t taken_before;   /* characters that the device had taken when it began */
	uint32_t len;
};

struct host {
	hf_modbus_gap_fn *fn;
	void *ctx;
};

static void settle(struct hf_dev *dev)
{
	const struct bus *bus = dev->state;
	hf_machine_schedule(dev, EVENT_RUN, bus->usart != 0 ? hf_modbus_slave_next(&bus->bench) : HF_NEVER);
	hf_machine_schedule(dev, EVENT_ANSWERED, bus->answered_ns);
}

static void hear(void *ctx, const struct hf_line_char *c)
{
	struct hf_dev *dev = ctx;
	struct bus *bus = dev->state;
	bool damaged = c->framing_error || c->parity_error || c->noise;
	hf_modbus_slave_char(&bus->bench, c->t_ns, (uint8_t)c->data, damaged);
	settle(dev);
}

static void answer(struct hf_dev *dev, size_t len)
{
	struct bus *bus = dev->state;
	struct hf_usart_counts counts;
	hf_usart_counts(dev->machine, bus->usart, &counts);
	bus->taken_before = counts.taken;
	bus->len = (uint32_t)len;
	bus->answered_ns = hf_machine_now_ns(dev->machine) + len * bus->bench.frame_ns;
	if (hf_usart_send(dev->machine, bus->usart, bus->bench.answer, len) != HF_OK)
		bus->len = UINT32_MAX; /* the queue is full of something else: this answer is not whole */
}

static void answered(struct hf_dev *dev)
{
	struct bus *bus = dev->state;
	const struct host *host = dev->host;
	struct hf_usart_counts counts;
	hf_usart_counts(dev->machine, bus->usart, &counts);
	uint64_t end_ns = bus->answered_ns;
	bus->answered_ns = HF_NEVER;
	bool whole = counts.taken - bus->taken_before == bus->len;
	if (hf_modbus_slave_answered(&bus->bench, end_ns, whole) && host->fn != NULL)
		host->fn(host->ctx, bus->bench.gap_ns, bus->bench.gap_start_ns);
}

static void bus_due(struct hf_dev *dev, unsigned event)
{
	struct bus *bus = dev->state;
	if (event == EVENT_ANSWERED) {
		answered(dev);
	} else {
		size_t len = hf_modbus_slave_run(&bus->bench, hf_machine_now_ns(dev->machine));
		if (len != 0)
			answer(dev, len);
	}
	settle(dev);
}

/* The slaves have their own supply: a reset of the gateway is nothing to them. */
static void bus_reset(struct hf_dev *dev, bool power_on)
{
	(void)power_on;
	settle(dev);
}

static void bus_close(struct hf_dev *dev)
{
	free(dev->host);
}

static const struct hf_dev_ops bus_ops = {
	.name = "modbus",
	.kind = HF_DEV_MODBUS,
	.state_bytes = sizeof(struct bus),
	.reset = bus_reset,
	.due = bus_due,
	.power_off = settle,
	.close = bus_close,
};

void hf_modbus_bus_add(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_add(machine, &bus_ops, 0, 0);
	struct bus *bus = dev->state;
	bus->answered_ns = HF_NEVER;
	dev->host = calloc(1, sizeof(struct host));
	assert(dev->host != NULL);
}

void hf_modbus_bus_attach(struct hf_machine *machine, unsigned usart, uint8_t slaves, uint64_t delay_ns,
			  hf_modbus_gap_fn *fn, void *ctx)
{
	struct hf_dev *dev = hf_machine_find(machine, HF_DEV_MODBUS, 0);
	struct bus *bus = dev->state;
	*(struct host *)dev->host = (struct host){ fn, ctx };
	hf_modbus_slave_init(&bus->bench, slaves, delay_ns, hf_usart_far_format(machine, usart));
	bus->usart = usart;
	bus->answered_ns = HF_NEVER;
	hf_usart_attach(machine, usart, hear, dev);
	settle(dev);
}

struct hf_modbus_bench *hf_modbus_bus_bench(struct hf_machine *machine)
{
	struct bus *bus = hf_machine_find(machine, HF_DEV_MODBUS, 0)->state;
	return &bus->bench;
}
