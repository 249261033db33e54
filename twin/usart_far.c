/* SPDX-License-Identifier: MIT
 *
 * The far end of a USART's lines, and what lies between: pins, RS-485 driver, cable, noise. Everything here lets the
 * lines catch up before it changes what they depend on, and settles the device after.
 */
#include "usart_internal.h"

#include <assert.h>
#include <string.h>

#include "gpio.h"

/* Which ends of the lines reach each other: cable, pin functions, RS-485 direction. */
static void connect_lines(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	const struct usart_host *host = dev->host;
	bool in = !u->pulled, out = in;
	if (host->has_pins) {
		const struct hf_twin_uart_pins *p = &host->pins;
		struct hf_machine *m = dev->machine;
		in &= hf_gpio_mode(m, p->rx) == HF_GPIO_ALTERNATE && hf_gpio_function(m, p->rx) == p->af;
		out &= hf_gpio_mode(m, p->tx) == HF_GPIO_ALTERNATE && hf_gpio_function(m, p->tx) == p->af;
		if (p->has_de) {
			bool drive = hf_gpio_mode(m, p->de) == HF_GPIO_OUTPUT && hf_gpio_level(m, p->de);
			in &= !drive;
			out &= drive;
		}
	}
	if (u->in.cut == !in && u->out.cut == !out)
		return;
	hf_usart_catch_up(dev);
	hf_usart_catch_up_out(dev);
	hf_line_cut(&u->in, hf_machine_now_ns(dev->machine), !in);
	hf_line_cut(&u->out, hf_machine_now_ns(dev->machine), !out);
	hf_usart_settle(dev);
}

static struct hf_dev *dev_of(struct hf_machine *machine, unsigned unit)
{
	struct hf_dev *dev = hf_machine_find(machine, HF_DEV_USART, unit);
	assert(dev != NULL && "a USART that the chip does not have");
	return dev;
}

void hf_usart_counts(struct hf_machine *machine, unsigned usart, struct hf_usart_counts *counts)
{
	const struct usart *u = dev_of(machine, usart)->state;
	*counts = u->counts;
}

const struct hf_line_format *hf_usart_far_format(struct hf_machine *machine, unsigned usart)
{
	const struct usart *u = dev_of(machine, usart)->state;
	return &u->far;
}

void hf_usart_attach(struct hf_machine *machine, unsigned usart, hf_usart_char_fn *fn, void *ctx)
{
	struct usart_host *host = dev_of(machine, usart)->host;
	host->fn = fn;
	host->plain_fn = NULL;
	host->ctx = ctx;
}

enum hf_err hf_usart_send(struct hf_machine *machine, unsigned usart, const void *data, size_t len)
{
	struct hf_dev *dev = dev_of(machine, usart);
	struct usart *u = dev->state;
	const uint8_t *bytes = data;
	if (len > HF_USART_QUEUE - (size_t)u->queued)
		return HF_ERR_FULL;
	hf_usart_catch_up(dev);
	if (u->queued == 0)
		u->queue_ns = hf_machine_now_ns(dev->machine);
	for (size_t i = 0; i < len; i++)
		u->queue[(u->head + u->queued++) % HF_USART_QUEUE] = bytes[i];
	hf_usart_catch_up(dev);
	hf_usart_settle(dev);
	return HF_OK;
}

void hf_usart_cable(struct hf_machine *machine, unsigned usart, bool plugged)
{
	struct hf_dev *dev = dev_of(machine, usart);
	((struct usart *)dev->state)->pulled = !plugged;
	connect_lines(dev);
}

void hf_usart_break(struct hf_machine *machine, unsigned usart, bool on)
{
	struct hf_dev *dev = dev_of(machine, usart);
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	hf_line_break(&u->in, hf_machine_now_ns(dev->machine), on);
	hf_usart_settle(dev);
}

void hf_usart_noise(struct hf_machine *machine, unsigned usart, double bit_error_rate)
{
	struct hf_dev *dev = dev_of(machine, usart);
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	hf_line_noise(&u->in, bit_error_rate);
	hf_line_noise(&u->out, bit_error_rate);
}

void hf_usart_watch(struct hf_machine *machine, unsigned usart, hf_usart_watch_fn *fn, struct hf_dev *watcher)
{
	struct usart_host *host = dev_of(machine, usart)->host;
	host->watch_fn = fn;
	host->watcher = watcher;
}

void hf_usart_tell(const struct hf_dev *dev)
{
	const struct usart_host *host = dev->host;
	if (host->watch_fn != NULL)
		host->watch_fn(host->watcher);
}

void hf_usart_measure(struct hf_machine *machine, unsigned usart, bool on)
{
	struct hf_dev *dev = dev_of(machine, usart);
	hf_usart_catch_up(dev);
	hf_line_measure(&((struct usart *)dev->state)->in, on);
	hf_usart_settle(dev);
}

unsigned hf_usart_measured(struct hf_machine *machine, unsigned usart, uint64_t edge_ps[HF_LINE_EDGES])
{
	struct hf_dev *dev = dev_of(machine, usart);
	const struct hf_line *line = &((const struct usart *)dev->state)->in;
	hf_usart_catch_up(dev);
	memcpy(edge_ps, line->edge_ps, line->edges * sizeof(edge_ps[0]));
	return line->edges;
}

void hf_usart_pins_changed(struct hf_machine *machine)
{
	for (unsigned unit = 1; unit <= HF_TWIN_USARTS; unit++) {
		struct hf_dev *dev = hf_machine_find(machine, HF_DEV_USART, unit);
		if (dev != NULL)
			connect_lines(dev);
	}
}

bool hf_usart_holds_low(struct hf_machine *machine, unsigned port, unsigned pin)
{
	for (unsigned unit = 1; unit <= HF_TWIN_USARTS; unit++) {
		struct hf_dev *dev = hf_machine_find(machine, HF_DEV_USART, unit);
		const struct usart_host *host = dev != NULL ? dev->host : NULL;
		const struct usart *u = dev != NULL ? dev->state : NULL;
		if (u == NULL || !host->has_pins || host->pins.rx.port != port || host->pins.rx.pin != pin)
			continue;
		hf_usart_catch_up(dev);
		return !u->pulled && (u->in.sent_low || u->in.break_on);
	}
	return false;
}

void hf_twin_uart_pins(struct hf_twin *twin, unsigned usart, const struct hf_twin_uart_pins *pins)
{
	struct hf_dev *dev = dev_of(hf_twin_machine(twin), usart);
	struct usart_host *host = dev->host;
	host->pins = *pins;
	host->has_pins = true;
	connect_lines(dev);
}

void hf_twin_uart_attach(struct hf_twin *twin, unsigned usart, hf_twin_uart_fn *fn, void *ctx)
{
	struct usart_host *host = dev_of(hf_twin_machine(twin), usart)->host;
	host->fn = NULL;
	host->plain_fn = fn;
	host->ctx = ctx;
}

void hf_twin_uart_line(struct hf_twin *twin, unsigned usart, const struct hf_twin_line *line)
{
	struct hf_dev *dev = dev_of(hf_twin_machine(twin), usart);
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	hf_usart_catch_up_out(dev);
	u->far = hf_line_format_of(line->baud, line->data_bits, (char)line->parity, line->stop_bits);
	hf_line_listen(&u->out, true, &u->far);
	hf_usart_settle(dev);
}

enum hf_err hf_twin_uart_send(struct hf_twin *twin, unsigned usart, const void *data, size_t len)
{
	return hf_usart_send(hf_twin_machine(twin), usart, data, len);
}

size_t hf_twin_uart_queued(const struct hf_twin *twin, unsigned usart)
{
	const struct usart *u = dev_of(hf_twin_machine((struct hf_twin *)(uintptr_t)twin), usart)->state;
	return u->queued;
}
