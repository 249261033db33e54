/* SPDX-License-Identifier: MIT
 *
 * What goes wrong on a serial line, byte by byte: each fault is a row with the first byte and the number of bytes that it
 * touches. What it does to a byte follows from its seed and the byte's number alone.
 *
 * Damage is done to the levels on the wire, not to the bytes in a buffer: what a receiver makes of a wrong start bit is
 * what the receiver's model makes of it. Only a repetition to the far end is told to the peer twice, since the device's
 * shift register would be in its way.
 */
#include "usart_internal.h"

#define NS_PER_MS 1000000u
#define PPM_MAX   900000

static bool is_endless(const struct hf_twin_line_fault *f)
{
	return f->count == UINT32_MAX ||
	       (f->count == 0 && (f->kind == HF_TWIN_LINE_NOISE || f->kind == HF_TWIN_LINE_DRIFT));
}

/* Bytes that it touches; a repetition and a silence belong to one. */
static uint64_t touched(const struct hf_twin_line_fault *f)
{
	if (f->kind == HF_TWIN_LINE_REPEAT || f->kind == HF_TWIN_LINE_STALL)
		return 1;
	return f->count > 0 ? f->count : 1;
}

static bool is_over(const struct usart_fault *f)
{
	return !is_endless(&f->fault) && f->seen >= f->fault.at + touched(&f->fault);
}

static void drop_ended(struct usart *u)
{
	for (uint8_t i = 0; i < u->faults;)
		if (is_over(&u->fault[i]))
			u->fault[i] = u->fault[--u->faults];
		else
			i++;
}

/* One of the bits first to last of a frame. */
static uint32_t one_bit(uint64_t r, unsigned first, unsigned last)
{
	return 1u << (first + r % (last - first + 1));
}

/* Says how often the byte comes again. */
static uint32_t damage_one(const struct usart_fault *f, unsigned bits, struct hf_line_damage *damage)
{
	uint64_t state = f->fault.seed ^ f->seen * 0xd6e8feb86659fd93u, r = hf_line_random(&state);

	switch (f->fault.kind) {
	case HF_TWIN_LINE_FLIP:
		damage->flipped ^= one_bit(r, 1, bits - 2);
		break;
	case HF_TWIN_LINE_BURST:
		damage->flipped ^= (uint32_t)r & ((1u << bits) - 1);
		break;
	case HF_TWIN_LINE_LOST:
		damage->lost = true;
		break;
	case HF_TWIN_LINE_REPEAT:
		return f->fault.count > 0 ? f->fault.count : 1;
	case HF_TWIN_LINE_NOISE:
		if (r % 1000000 < (uint32_t)f->fault.ppm)
			damage->flipped ^= one_bit(r >> 32, 0, bits - 1);
		break;
	case HF_TWIN_LINE_DRIFT:
		damage->ppm += f->fault.ppm;
		break;
	case HF_TWIN_LINE_STALL:
		damage->delay_ns += (uint64_t)f->fault.count * NS_PER_MS;
		break;
	case HF_TWIN_LINE_HEAL:
		break;
	}
	return 0;
}

uint32_t hf_usart_damage(struct usart *u, bool to_device)
{
	struct hf_line *line = to_device ? &u->in : &u->out;
	struct hf_line_damage damage = { 0 };
	uint32_t again = 0;

	for (uint8_t i = 0; i < u->faults; i++) {
		struct usart_fault *f = &u->fault[i];

		if (f->fault.to_device != to_device)
			continue;
		if (f->seen >= f->fault.at)
			again += damage_one(f, line->frame_bits, &damage);
		f->seen++;
	}
	damage.ppm = damage.ppm < -PPM_MAX ? -PPM_MAX : damage.ppm;
	drop_ended(u);
	hf_line_damage(line, &damage);
	return again;
}

enum hf_err hf_twin_line_fault(struct hf_twin *twin, unsigned usart, const struct hf_twin_line_fault *fault)
{
	struct hf_dev *dev = hf_machine_find(hf_twin_machine(twin), HF_DEV_USART, usart);
	bool is_rate = fault->kind == HF_TWIN_LINE_NOISE;
	struct usart *u;

	if (dev == NULL || fault->ppm > (is_rate ? 1000000 : PPM_MAX) || fault->ppm < (is_rate ? 0 : -PPM_MAX) ||
	    (fault->kind == HF_TWIN_LINE_STALL && !fault->to_device))
		return HF_ERR_RANGE;
	u = dev->state;
	hf_usart_catch_up(dev);
	if (fault->kind == HF_TWIN_LINE_HEAL) {
		u->faults = 0;
		u->in_again = u->out_again = 0;
	} else if (u->faults == HF_TWIN_LINE_FAULTS) {
		return HF_ERR_FULL;
	} else {
		u->fault[u->faults++] = (struct usart_fault){ .fault = *fault };
	}
	hf_usart_settle(dev);
	return HF_OK;
}
