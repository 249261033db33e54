/* SPDX-License-Identifier: MIT
 *
 * Invariant: whenever a register is read or anything changes that a line depends on, both lines have caught up with now
 * (catch_up), and before control leaves this file the next instant of interest is scheduled and the interrupt line
 * agrees with the flags (settle).
 *
 * What comes in is therefore exact to the stop bit's sample, at one event a character. What a read of SR has shown is
 * kept apart: the software sequence "read SR, then DR" clears only that.
 */
#include "usart_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "dma.h"

enum {
	SR = 0x00,
	DR = 0x04,
	BRR = 0x08,
	CR1 = 0x0c,
	CR2 = 0x10,
	CR3 = 0x14,
	GTPR = 0x18,

	SR_PE = 1u << 0,
	SR_FE = 1u << 1,
	SR_NE = 1u << 2,
	SR_ORE = 1u << 3,
	SR_IDLE = 1u << 4,
	SR_RXNE = 1u << 5,
	SR_TC = 1u << 6,
	SR_TXE = 1u << 7,
	SR_BY_SEQUENCE = SR_PE | SR_FE | SR_NE | SR_ORE | SR_IDLE,

	CR1_RE = 1u << 2,
	CR1_TE = 1u << 3,
	CR1_IDLEIE = 1u << 4,
	CR1_RXNEIE = 1u << 5,
	CR1_TCIE = 1u << 6,
	CR1_TXEIE = 1u << 7,
	CR1_PEIE = 1u << 8,
	CR1_PS = 1u << 9,
	CR1_PCE = 1u << 10,
	CR1_M = 1u << 12,
	CR1_UE = 1u << 13,
	CR1_OVER8 = 1u << 15,
	CR3_EIE = 1u << 0,
	CR3_DMAR = 1u << 6,
	CR3_DMAT = 1u << 7,
	CR3_UNKNOWN = 0x73e, /* IrDA, half duplex, smartcard, flow control */
	CR2_LINEN = 1u << 14,

	EVENT_IN = 0,   /* a character from the line, or the line is free for the next one */
	EVENT_OUT = 1,  /* a frame of the device has ended */
	EVENT_IDLE = 2, /* the line was idle for a frame */
	MIN_DIVIDER = 16,
};

static const struct row {
	uint8_t unit, irq, enable_reg, enable_bit;
	enum hf_clock clock;
	uint32_t base;
} rows[] = {
	{ 1, 37, 0x44, 4, HF_CLOCK_PCLK2, 0x40011000 },
	{ 2, 38, 0x40, 17, HF_CLOCK_PCLK1, 0x40004400 },
	{ 3, 39, 0x40, 18, HF_CLOCK_PCLK1, 0x40004800 },
	{ 6, 71, 0x44, 5, HF_CLOCK_PCLK2, 0x40011400 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_of(unsigned unit)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].unit == unit)
			return &rows[i];
	return NULL;
}

static uint64_t now_ns(const struct hf_dev *dev)
{
	return hf_machine_now_ns(dev->machine);
}

/* ---- what the registers mean ---- */

static uint32_t divider(const struct usart *u)
{
	return (u->cr1 & CR1_OVER8) != 0 ? (u->brr >> 4 << 3 | (u->brr & 7)) : u->brr;
}

static struct hf_line_format own_format(const struct hf_dev *dev)
{
	const struct usart *u = dev->state;
	uint64_t hz = hf_machine_clock_hz(dev->machine, row_of(dev->unit)->clock);
	uint64_t div = divider(u) > MIN_DIVIDER / 2 ? divider(u) : 0xffff;
	bool parity = (u->cr1 & CR1_PCE) != 0;
	static const uint8_t halves[4] = { 2, 1, 4, 3 };
	return (struct hf_line_format){
		.bit_ps = (div * 1000000000000u + hz / 2) / hz,
		.data_bits = (uint8_t)(((u->cr1 & CR1_M) != 0 ? 9 : 8) - parity),
		.parity = !parity ? 'N' : (u->cr1 & CR1_PS) != 0 ? 'O' : 'E',
		.stop_halves = halves[u->cr2 >> 12 & 3],
	};
}

static bool transmitter_on(const struct usart *u)
{
	return u->powered && (u->cr1 & (CR1_UE | CR1_TE)) == (CR1_UE | CR1_TE) && u->brr != 0;
}

static bool receiver_on(const struct usart *u)
{
	return u->powered && (u->cr1 & (CR1_UE | CR1_RE)) == (CR1_UE | CR1_RE) && u->brr != 0;
}

static void set_irq(struct hf_dev *dev)
{
	const struct usart *u = dev->state;
	uint32_t s = u->sr, c = u->cr1;
	bool high = ((s & SR_TXE) != 0 && (c & CR1_TXEIE) != 0) || ((s & SR_TC) != 0 && (c & CR1_TCIE) != 0) ||
		    ((s & (SR_RXNE | SR_ORE)) != 0 && (c & CR1_RXNEIE) != 0) ||
		    ((s & SR_IDLE) != 0 && (c & CR1_IDLEIE) != 0) || ((s & SR_PE) != 0 && (c & CR1_PEIE) != 0) ||
		    ((s & (SR_FE | SR_NE | SR_ORE)) != 0 && (u->cr3 & CR3_EIE) != 0 && (u->cr3 & CR3_DMAR) != 0);
	hf_machine_irq(dev->machine, row_of(dev->unit)->irq, high && u->powered && (c & CR1_UE) != 0);
}

static uint64_t end_ns(const struct hf_line *line)
{
	return (line->end_ps + 999) / 1000;
}

/* ---- device to far end ---- */

static void tell_peer(struct hf_dev *dev, struct hf_line_char *c)
{
	struct usart *u = dev->state;
	const struct usart_host *host = dev->host;
	uint32_t times = 1 + u->out_again;
	u->out_again = 0;
	c->data &= (uint16_t)((1u << u->far.data_bits) - 1);
	while (times-- > 0) {
		if (host->fn != NULL)
			host->fn(host->ctx, c);
		if (host->plain_fn != NULL)
			host->plain_fn(host->ctx, (uint8_t)c->data, c->t_ns);
	}
}

/* A peer counts from the end of a frame, and is told then. */
void hf_usart_catch_up_out(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	struct hf_line_char c;
	uint64_t now = now_ns(dev);
	while (hf_line_advance(&u->out, now, &c)) {
		uint64_t end = end_ns(&u->out);
		if (c.t_ns < end && end <= now)
			c.t_ns = end;
		tell_peer(dev, &c);
	}
}

/* The shift register takes what is in the data register, as soon as it is free. */
static void transmit(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	if (!transmitter_on(u) || (u->sr & SR_TXE) != 0 || hf_line_busy(&u->out, now_ns(dev)))
		return;
	hf_usart_catch_up_out(dev); /* the frame before it has ended, but may not have been heard yet */
	struct hf_line_format format = own_format(dev);
	uint64_t start_ns = end_ns(&u->out) > u->tdr_ns ? end_ns(&u->out) : u->tdr_ns;
	hf_line_send(&u->out, start_ns, &format, u->tdr);
	u->out_again = u->faults != 0 ? hf_usart_damage(u, false) : 0;
	u->counts.sent++;
	u->sr |= SR_TXE;
	hf_usart_tell(dev);
}

/* ---- far end to device ---- */

static void take_char(struct hf_dev *dev, const struct hf_line_char *c)
{
	struct usart *u = dev->state;
	struct hf_line_format format = u->in.rx;
	bool damaged = c->framing_error || c->parity_error || c->noise;
	u->idle_from_ns = c->t_ns + format.bit_ps / 2 / 1000;
	if ((u->sr & SR_RXNE) != 0) {
		u->sr |= SR_ORE;
		u->counts.overruns++;
		return;
	}
	u->rdr = c->data;
	u->sr |= SR_RXNE | (c->framing_error ? SR_FE : 0u) | (c->parity_error ? SR_PE : 0u) | (c->noise ? SR_NE : 0u);
	u->counts.damaged += damaged;
	u->counts.taken += !damaged;
	hf_usart_tell(dev);
	hf_dma_request(dev->machine, dev->unit, false);
}

static uint64_t start_of_next(const struct usart *u)
{
	return end_ns(&u->in) > u->queue_ns ? end_ns(&u->in) : u->queue_ns;
}

static void begin_next(struct usart *u)
{
	hf_line_send(&u->in, start_of_next(u), &u->far, u->queue[u->head]);
	u->counts.unheard += u->in.cut || !u->in.listening;
	if (u->in_again > 0)
		u->in_again--;
	else if (u->faults != 0)
		u->in_again = hf_usart_damage(u, true);
	if (u->in_again > 0)
		return;
	u->head = (uint16_t)((u->head + 1) % HF_USART_QUEUE);
	u->queued--;
}

static void catch_up_in(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	struct hf_line_char c;
	for (;;) {
		while (hf_line_advance(&u->in, now_ns(dev), &c))
			take_char(dev, &c);
		if (u->queued == 0 || hf_line_busy(&u->in, now_ns(dev)))
			return;
		begin_next(u);
	}
}

/* When the line to the device must be looked at next: a character will be complete. */
static uint64_t next_in(const struct usart *u)
{
	uint64_t next = hf_line_next(&u->in);
	if (u->in.measuring || u->faults != 0 || !u->in.sending || next < end_ns(&u->in) || u->in.receiving)
		return next;
	if (u->queued == 0)
		return HF_NEVER;
	/* This frame is over for the receiver: the one behind it is looked at already, and its start costs no event. */
	struct hf_line ahead = u->in;
	struct hf_line_char unused;
	if (hf_line_advance(&ahead, end_ns(&u->in), &unused))
		return next;
	hf_line_send(&ahead, start_of_next(u), &u->far, u->queue[u->head]);
	return hf_line_next(&ahead);
}

/* The DMA reads DR while a character is being taken: that must not take the next one first. */
void hf_usart_catch_up(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	if (u->catching_up)
		return;
	u->catching_up = true;
	catch_up_in(dev);
	if (!hf_line_busy(&u->out, now_ns(dev)))
		hf_usart_catch_up_out(dev);
	u->catching_up = false;
}

static void plan(struct hf_dev *dev, unsigned event, uint64_t at_ns)
{
	if (hf_machine_due_ns(dev, event) != at_ns)
		hf_machine_schedule(dev, event, at_ns);
}

/* Whoever changed something calls this before it returns. */
void hf_usart_settle(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	transmit(dev);
	hf_dma_request(dev->machine, dev->unit, true);
	hf_dma_request(dev->machine, dev->unit, false);
	bool idles = receiver_on(u) && u->idle_from_ns != HF_NEVER && !u->in.receiving;
	plan(dev, EVENT_IN, next_in(u));
	/* The far end hears a character at its frame's end, not at its stop bit's sample: one event serves both. */
	plan(dev, EVENT_OUT, u->out.sending ? end_ns(&u->out) : hf_line_next(&u->out));
	plan(dev, EVENT_IDLE, idles ? u->idle_from_ns + hf_line_frame_ns(&u->in.rx) : HF_NEVER);
	set_irq(dev);
}

/* The format or the receiver's switch changed. The lines have caught up. */
static void listen(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	struct hf_line_format format = own_format(dev);
	bool on = receiver_on(u);
	const struct hf_line_format *old = &u->in.rx;
	if (on == u->in.listening && format.bit_ps == old->bit_ps && format.data_bits == old->data_bits &&
	    format.parity == old->parity)
		return;
	if (on && !u->in.listening)
		u->idle_from_ns = now_ns(dev);
	hf_line_listen(&u->in, on, &format);
}

/* ---- registers ---- */

static uint32_t read_dr(struct usart *u)
{
	u->sr &= ~((u->shown & SR_BY_SEQUENCE) | SR_RXNE);
	u->shown = 0;
	return u->rdr;
}

static uint32_t usart_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct usart *u = dev->state;
	(void)size;
	hf_usart_catch_up(dev);
	uint32_t value = 0;
	switch (offset & ~3u) {
	case SR:
		value = u->shown = u->sr;
		break;
	case DR:
		value = read_dr(u);
		hf_usart_settle(dev);
		break;
	case BRR:
		value = u->brr;
		break;
	case CR1:
		value = u->cr1;
		break;
	case CR2:
		value = u->cr2;
		break;
	case CR3:
		value = u->cr3;
		break;
	case GTPR:
		value = u->gtpr;
		break;
	default:
		break;
	}
	return value >> 8 * (offset & 3);
}

static void complain(struct hf_dev *dev, const char *text)
{
	hf_machine_event(dev->machine, HF_TWIN_EV_LOG, dev->base, dev->unit, text);
}

static void write_dr(struct hf_dev *dev, uint32_t value)
{
	struct usart *u = dev->state;
	if ((u->sr & SR_TXE) == 0)
		complain(dev, "a byte was written to a USART whose data register was full: the one before it is lost");
	u->tdr = value & 0x1ff;
	u->tdr_ns = now_ns(dev);
	u->sr &= ~(SR_TXE | (u->shown & SR_TC) | (u->shown & SR_PE));
	u->shown = 0;
}

static void write_brr(struct hf_dev *dev, uint32_t value)
{
	struct usart *u = dev->state;
	u->brr = value & 0xffff;
	if (u->brr != 0 && divider(u) < MIN_DIVIDER / ((u->cr1 & CR1_OVER8) != 0 ? 2 : 1))
		complain(dev, "a USART's BRR is below the least divider");
}

static void usart_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct usart *u = dev->state;
	(void)size;
	hf_usart_catch_up(dev);
	switch (offset) {
	case SR:
		u->sr &= value | ~(uint32_t)(SR_TC | SR_RXNE);
		break;
	case DR:
		write_dr(dev, value);
		break;
	case BRR:
		write_brr(dev, value);
		break;
	case CR1:
		u->cr1 = value & 0xbfff;
		u->tdr_ns = now_ns(dev); /* what waits for the transmitter to be switched on */
		break;
	case CR2:
		u->cr2 = value & 0x7f7f;
		if ((value & CR2_LINEN) != 0)
			complain(dev, "LIN mode of a USART is not modelled");
		break;
	case CR3:
		u->cr3 = value & 0xfff;
		if ((value & CR3_UNKNOWN) != 0)
			complain(dev, "a USART mode was chosen in CR3 that is not modelled");
		break;
	case GTPR:
		u->gtpr = value & 0xffff;
		break;
	default:
		break;
	}
	listen(dev);
	hf_usart_settle(dev);
}

/* ---- life ---- */

static void clear_registers(struct usart *u)
{
	u->sr = SR_TC | SR_TXE;
	u->brr = u->cr1 = u->cr2 = u->cr3 = u->gtpr = 0;
	u->shown = 0;
	u->rdr = u->tdr = 0;
	u->idle_from_ns = HF_NEVER;
}

static void usart_reset(struct hf_dev *dev, bool power_on)
{
	struct usart *u = dev->state;
	(void)power_on;
	hf_usart_catch_up(dev);
	hf_usart_catch_up_out(dev);
	clear_registers(u);
	u->powered = true;
	hf_line_abort(&u->out, now_ns(dev));
	listen(dev);
	hf_usart_settle(dev);
}

static void usart_power_off(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	hf_usart_catch_up_out(dev);
	u->powered = false;
	clear_registers(u);
	hf_line_abort(&u->out, now_ns(dev));
	listen(dev);
	hf_usart_settle(dev);
}

static void usart_due(struct hf_dev *dev, unsigned event)
{
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	if (event == EVENT_OUT && !hf_line_busy(&u->out, now_ns(dev)) && (u->sr & SR_TXE) != 0)
		u->sr |= SR_TC;
	if (event == EVENT_IDLE && !u->in.receiving) {
		u->sr |= SR_IDLE;
		u->idle_from_ns = HF_NEVER;
	}
	hf_usart_tell(dev); /* of the end of a frame, whoever's */
	hf_usart_settle(dev);
}

static void usart_clock_changed(struct hf_dev *dev)
{
	struct usart *u = dev->state;
	hf_usart_catch_up(dev);
	hf_line_retime(&u->in, own_format(dev).bit_ps);
	hf_usart_settle(dev);
}

static void usart_close(struct hf_dev *dev)
{
	free(dev->host);
}

static const struct hf_dev_ops usart_ops = {
	.name = "usart",
	.kind = HF_DEV_USART,
	.state_bytes = sizeof(struct usart),
	.read = usart_read,
	.write = usart_write,
	.reset = usart_reset,
	.due = usart_due,
	.clock_changed = usart_clock_changed,
	.power_off = usart_power_off,
	.close = usart_close,
};

void hf_usart_add(struct hf_machine *machine)
{
	for (unsigned i = 0; i < ROWS; i++) {
		struct hf_dev *dev = hf_machine_add(machine, &usart_ops, rows[i].base, 0x400);
		struct usart *u = dev->state;
		dev->unit = rows[i].unit;
		dev->enable_reg = rows[i].enable_reg;
		dev->enable_bit = rows[i].enable_bit;
		dev->host = calloc(1, sizeof(struct usart_host));
		assert(dev->host != NULL);
		u->far = hf_line_format_of(115200, 8, 'N', 1);
		uint64_t seed = hf_machine_config(machine)->seed << 8;
		hf_line_init(&u->in, &u->far, seed + 2 * dev->unit);
		hf_line_init(&u->out, &u->far, seed + 2 * dev->unit + 1);
		hf_line_listen(&u->out, true, &u->far);
		clear_registers(u);
	}
}

bool hf_usart_wants_dma(struct hf_machine *machine, unsigned usart, bool transmit)
{
	const struct usart *u = hf_machine_find(machine, HF_DEV_USART, usart)->state;
	if (!u->powered || (u->cr1 & CR1_UE) == 0)
		return false;
	return transmit ? (u->cr3 & CR3_DMAT) != 0 && (u->sr & SR_TXE) != 0 && (u->cr1 & CR1_TE) != 0
			: (u->cr3 & CR3_DMAR) != 0 && (u->sr & SR_RXNE) != 0;
}
