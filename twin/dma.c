/* SPDX-License-Identifier: MIT
 *
 * A stream is served when its request line rises and when it is enabled while the line is high, until the line falls:
 * the peripheral's register access is what makes it fall, as on the chip. A stream whose addresses are wrong would be
 * served for ever; BURST bounds what happens at one instant, the rest follows a microsecond later.
 */
#include "dma.h"

#include <assert.h>

#include "usart.h"

enum {
	STREAMS = 8,
	LISR = 0x00,
	HISR = 0x04,
	LIFCR = 0x08,
	HIFCR = 0x0c,
	STREAM0 = 0x10,
	STREAM_STEP = 0x18,
	S_CR = 0x00,
	S_NDTR = 0x04,
	S_PAR = 0x08,
	S_M0AR = 0x0c,
	S_M1AR = 0x10,
	S_FCR = 0x14,

	CR_EN = 1u << 0,
	CR_TEIE = 1u << 2,
	CR_HTIE = 1u << 3,
	CR_TCIE = 1u << 4,
	CR_PFCTRL = 1u << 5,
	CR_TO_PERIPHERAL = 1u << 6,
	CR_MEM_TO_MEM = 1u << 7,
	CR_CIRC = 1u << 8,
	CR_PINC = 1u << 9,
	CR_MINC = 1u << 10,
	CR_DBM = 1u << 18,
	CR_BITS = 0x0fefffff,
	FCR_DMDIS = 1u << 2,
	FCR_RESET = 0x21,

	F_TE = 1u << 3,
	F_HT = 1u << 4,
	F_TC = 1u << 5,
	F_ALL = 0x3d,

	BURST = 16,
	RETRY_NS = 1000,
};

struct stream {
	uint32_t cr, ndtr, par, m0ar, m1ar, fcr;
	uint32_t reload;  /* NDTR when it was enabled */
	uint32_t done;    /* items of this round */
	uint32_t flags;   /* F_*, shown in LISR or HISR */
};

struct dma {
	struct stream stream[STREAMS];
};

static const uint8_t irqs[3][STREAMS] = {
	{ 0 },
	{ 11, 12, 13, 14, 15, 16, 17, 47 },
	{ 56, 57, 58, 59, 60, 68, 69, 70 },
};

static const struct row {
	uint8_t dma, stream, channel, usart;
	bool transmit;
} rows[] = {
	{ 1, 1, 4, 3, false }, { 1, 3, 4, 3, true },  { 1, 4, 7, 3, true },  { 1, 5, 4, 2, false },
	{ 1, 6, 4, 2, true },  { 2, 2, 4, 1, false }, { 2, 5, 4, 1, false }, { 2, 7, 4, 1, true },
	{ 2, 1, 5, 6, false }, { 2, 2, 5, 6, false }, { 2, 6, 5, 6, true },  { 2, 7, 5, 6, true },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void set_irq(struct hf_dev *dev, unsigned n)
{
	const struct stream *s = &((struct dma *)dev->state)->stream[n];
	bool high = ((s->flags & F_TC) != 0 && (s->cr & CR_TCIE) != 0) ||
		    ((s->flags & F_HT) != 0 && (s->cr & CR_HTIE) != 0) ||
		    ((s->flags & F_TE) != 0 && (s->cr & CR_TEIE) != 0);
	hf_machine_irq(dev->machine, irqs[dev->unit][n], high);
}

/* In direct mode the memory's size is the peripheral's. */
static bool move(struct hf_dev *dev, const struct stream *s)
{
	unsigned size = 1u << (s->cr >> 11 & 3);
	uint32_t memory = s->m0ar + ((s->cr & CR_MINC) != 0 ? s->done * size : 0);
	uint32_t peripheral = s->par + ((s->cr & CR_PINC) != 0 ? s->done * size : 0);
	uint32_t value;
	if ((s->cr & CR_TO_PERIPHERAL) != 0)
		return hf_machine_bus_read(dev->machine, memory, size, &value) &&
		       hf_machine_bus_write(dev->machine, peripheral, size, value);
	return hf_machine_bus_read(dev->machine, peripheral, size, &value) &&
	       hf_machine_bus_write(dev->machine, memory, size, value);
}

static void step(struct hf_dev *dev, unsigned n)
{
	struct stream *s = &((struct dma *)dev->state)->stream[n];
	/* Counted first: the access below may come back here, because the peripheral asks for the next item. */
	struct stream item = *s;
	s->done++;
	s->ndtr--;
	if (s->done == s->reload / 2)
		s->flags |= F_HT;
	if (s->ndtr == 0) {
		s->flags |= F_TC;
		s->done = 0;
		if ((s->cr & CR_CIRC) != 0)
			s->ndtr = s->reload;
		else
			s->cr &= ~(uint32_t)CR_EN;
	}
	if (!move(dev, &item)) {
		s->flags |= F_TE;
		s->cr &= ~(uint32_t)CR_EN;
		hf_machine_event(dev->machine, HF_TWIN_EV_LOG, item.m0ar, n,
				 "a DMA stream met a bus error and stopped (CCM memory cannot be reached)");
	}
	set_irq(dev, n);
}

static bool served(const struct dma *dma, const struct row *row)
{
	const struct stream *s = &dma->stream[row->stream];
	return (s->cr & CR_EN) != 0 && (s->cr >> 25 & 7) == row->channel &&
	       ((s->cr & CR_TO_PERIPHERAL) != 0) == row->transmit;
}

static void serve(struct hf_dev *dev, const struct row *row)
{
	struct dma *dma = dev->state;
	for (unsigned i = 0; i < BURST; i++) {
		if (!served(dma, row) || !hf_usart_wants_dma(dev->machine, row->usart, row->transmit))
			return;
		step(dev, row->stream);
	}
	hf_machine_schedule(dev, row->stream, hf_machine_now_ns(dev->machine) + RETRY_NS);
}

static void serve_stream(struct hf_dev *dev, unsigned n)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].dma == dev->unit && rows[i].stream == n)
			serve(dev, &rows[i]);
}

void hf_dma_request(struct hf_machine *machine, unsigned usart, bool transmit)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].usart == usart && rows[i].transmit == transmit)
			serve(hf_machine_find(machine, HF_DEV_DMA, rows[i].dma), &rows[i]);
}

static void complain(struct hf_dev *dev, unsigned n, const char *text)
{
	hf_machine_event(dev->machine, HF_TWIN_EV_LOG, dev->base, n, text);
}

static void enable(struct hf_dev *dev, unsigned n)
{
	struct stream *s = &((struct dma *)dev->state)->stream[n];
	bool known = false;
	for (unsigned i = 0; i < ROWS; i++)
		known |= rows[i].dma == dev->unit && rows[i].stream == n && served(dev->state, &rows[i]);
	if ((s->cr & (CR_PFCTRL | CR_MEM_TO_MEM | CR_DBM)) != 0 || (s->fcr & FCR_DMDIS) != 0)
		complain(dev, n, "a DMA stream was enabled in a mode that is not modelled");
	else if (!known)
		complain(dev, n, "a DMA stream was enabled for a request that is not modelled");
	if (s->ndtr == 0 || (s->flags & (F_TE | F_TC)) != 0)
		complain(dev, n, "a DMA stream was enabled with nothing to do, or with its flags not cleared");
	if (s->ndtr == 0 || !known)
		s->cr &= ~(uint32_t)CR_EN;
	s->reload = s->ndtr;
	s->done = 0;
	serve_stream(dev, n);
}

static void write_cr(struct hf_dev *dev, unsigned n, uint32_t value)
{
	struct stream *s = &((struct dma *)dev->state)->stream[n];
	bool was_on = (s->cr & CR_EN) != 0, on = (value & CR_EN) != 0;
	if (was_on && on)
		s->cr = (s->cr & ~0x1eu) | (value & 0x1e); /* of a running stream, only the interrupts */
	else
		s->cr = value & CR_BITS;
	if (was_on && !on)
		s->flags |= F_TC; /* RM0090 10.3.14: a stream that was stopped says that it is done */
	if (!was_on && on)
		enable(dev, n);
	set_irq(dev, n);
}

static uint32_t *register_of(struct stream *s, uint32_t offset)
{
	switch (offset) {
	case S_CR:
		return &s->cr;
	case S_NDTR:
		return &s->ndtr;
	case S_PAR:
		return &s->par;
	case S_M0AR:
		return &s->m0ar;
	case S_M1AR:
		return &s->m1ar;
	default:
		return &s->fcr;
	}
}

/* Where the flags of stream 0 to 3 of a half lie in its status register. */
static const uint8_t flag_shift[4] = { 0, 6, 16, 22 };

static uint32_t dma_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct dma *dma = dev->state;
	uint32_t value = 0, at = offset & ~3u;
	(void)size;
	if (at == LISR || at == HISR)
		for (unsigned i = 0; i < 4; i++)
			value |= dma->stream[at + i].flags << flag_shift[i];
	else if (at >= STREAM0 && at < STREAM0 + STREAMS * STREAM_STEP)
		value = *register_of(&dma->stream[(at - STREAM0) / STREAM_STEP], (at - STREAM0) % STREAM_STEP);
	return value >> 8 * (offset & 3);
}

static void dma_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct dma *dma = dev->state;
	(void)size;
	if (offset == LIFCR || offset == HIFCR) {
		for (unsigned i = 0; i < 4; i++) {
			unsigned n = (offset == HIFCR ? 4 : 0) + i;
			dma->stream[n].flags &= ~(value >> flag_shift[i] & F_ALL);
			set_irq(dev, n);
		}
		return;
	}
	if (offset < STREAM0 || offset >= STREAM0 + STREAMS * STREAM_STEP || (offset & 3) != 0)
		return;
	unsigned n = (offset - STREAM0) / STREAM_STEP;
	uint32_t reg = (offset - STREAM0) % STREAM_STEP;
	struct stream *s = &dma->stream[n];
	if (reg == S_CR)
		write_cr(dev, n, value);
	else if ((s->cr & CR_EN) != 0)
		complain(dev, n, "a register of a DMA stream was written while the stream was enabled");
	else
		*register_of(s, reg) = reg == S_NDTR ? value & 0xffff : value;
}

static void dma_reset(struct hf_dev *dev, bool power_on)
{
	struct dma *dma = dev->state;
	(void)power_on;
	*dma = (struct dma){ 0 };
	for (unsigned n = 0; n < STREAMS; n++)
		dma->stream[n].fcr = FCR_RESET;
}

static const struct hf_dev_ops dma_ops = {
	.name = "dma",
	.kind = HF_DEV_DMA,
	.state_bytes = sizeof(struct dma),
	.read = dma_read,
	.write = dma_write,
	.reset = dma_reset,
	.due = serve_stream,
};

void hf_dma_add(struct hf_machine *machine)
{
	_Static_assert((int)STREAMS <= HF_DEV_EVENTS, "one due time a stream");
	for (unsigned unit = 1; unit <= 2; unit++) {
		struct hf_dev *dev = hf_machine_add(machine, &dma_ops, 0x40026000 + 0x400 * (unit - 1), 0x400);
		dev->unit = unit;
		dev->enable_reg = 0x30;
		dev->enable_bit = (uint8_t)(20 + unit);
	}
}
