/* SPDX-License-Identifier: MIT
 *
 * COBS takes all zeros out of the content, so that a zero ends a frame wherever it stands: one damaged frame never costs the
 * one behind it. The decoder writes a block's bytes as they come and sums up the CRC over each run, since bytes arrive while
 * the same core programs flash and hashes; a CRC over packet and CRC ends at a constant, so that nothing is kept back.
 *
 * After a good frame text is next, after a bad one a frame: the zero that ended it may have been the next one's opening. Where
 * that opening was lost, a frame is known by its first two bytes. Waiting for the next zero instead would hand a whole
 * frame to the console framing, which might find a frame of its own in a firmware's data.
 */
#include "frame.h"

#include <string.h>

#include "crc32.h"
#include "smp.h"

#define CRC_BYTES   4u
#define CRC_RESIDUE 0x2144df1cu /* of anything followed by its own CRC */
#define BLOCK_MAX   254u

enum { E_OPEN, E_CODE, E_DATA, E_CLOSE, E_DONE };

/* D_ONE, D_TWO: text, but the byte before was 01 or 02. D_OPENED: nothing but zeros yet. D_FRAME: in a frame.
 * D_SKIP: in one that is wrong already. */
enum { D_TEXT, D_ONE, D_TWO, D_OPENED, D_FRAME, D_SKIP };

/* ---- out ---- */

void hf_frame_encode_begin(struct hf_frame_encoder *e, struct hf_bytes packet)
{
	*e = (struct hf_frame_encoder){ .packet = packet, .state = E_OPEN };
	store_le32(e->crc, hf_crc32(0, packet.ptr, packet.len));
}

/* What lies at `pos` of packet || CRC in one piece; empty at the end. */
static struct hf_bytes piece(const struct hf_frame_encoder *e, size_t pos)
{
	size_t len = e->packet.len;

	if (pos < len)
		return (struct hf_bytes){ e->packet.ptr + pos, len - pos };
	return (struct hf_bytes){ e->crc + (pos - len), len + CRC_BYTES - pos };
}

/* The number of bytes from pos on that are not zero, at most BLOCK_MAX. */
static uint16_t run_length(const struct hf_frame_encoder *e, size_t pos)
{
	size_t run = 0, end = e->packet.len + CRC_BYTES;

	while (run < BLOCK_MAX && pos + run < end) {
		struct hf_bytes in = piece(e, pos + run);
		size_t room = BLOCK_MAX - run < in.len ? BLOCK_MAX - run : in.len, i = 0;

		while (i < room && in.ptr[i] != 0)
			i++;
		run += i;
		if (i < room)
			break;
	}
	return (uint16_t)run;
}

static uint8_t begin_block(struct hf_frame_encoder *e)
{
	e->left = run_length(e, e->pos);
	e->full = e->left == BLOCK_MAX;
	e->state = E_DATA;
	return (uint8_t)(e->left + 1);
}

/* The block is out: a zero was implied, unless it was full or the last. */
static void end_block(struct hf_frame_encoder *e)
{
	if (e->pos == e->packet.len + CRC_BYTES) {
		e->state = E_CLOSE;
		return;
	}
	if (!e->full)
		e->pos++;
	e->state = E_CODE;
}

static size_t put_run(struct hf_frame_encoder *e, uint8_t *out, size_t cap)
{
	struct hf_bytes in = piece(e, e->pos);
	size_t n = e->left < cap ? e->left : cap;

	n = n < in.len ? n : in.len;
	if (n > 0)
		memcpy(out, in.ptr, n);
	e->pos += n;
	e->left = (uint16_t)(e->left - n);
	if (e->left == 0)
		end_block(e);
	return n;
}

size_t hf_frame_encode(struct hf_frame_encoder *e, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (n < cap && e->state != E_DONE) {
		switch (e->state) {
		case E_OPEN:
			out[n++] = 0;
			e->state = E_CODE;
			break;
		case E_CODE:
			out[n++] = begin_block(e);
			break;
		case E_DATA:
			n += put_run(e, out + n, cap - n);
			break;
		default:
			out[n++] = 0;
			e->state = E_DONE;
			break;
		}
	}
	return n;
}

/* ---- in ---- */

void hf_frame_decode_begin(struct hf_frame_decoder *d, uint8_t *buf, size_t cap)
{
	memset(d, 0, sizeof *d);
	d->buf = buf;
	d->cap = cap;
}

bool hf_frame_pending(const struct hf_frame_decoder *d)
{
	return d->state != D_TEXT;
}

void hf_frame_idle(struct hf_frame_decoder *d)
{
	d->dropped += d->state == D_FRAME || d->state == D_SKIP;
	d->state = D_TEXT;
}

static void begin_frame(struct hf_frame_decoder *d)
{
	d->state = D_FRAME;
	d->total = 0;
	d->crc = 0;
	d->left = 0;
	d->zero = false;
}

static void put(struct hf_frame_decoder *d, const uint8_t *data, size_t len)
{
	if (d->total < d->cap) {
		size_t room = d->cap - d->total;

		memcpy(d->buf + d->total, data, len < room ? len : room);
	}
	d->crc = hf_crc32(d->crc, data, len);
	d->total += (uint32_t)len;
}

/* A block's code. */
static void take_code(struct hf_frame_decoder *d, uint8_t code)
{
	static const uint8_t nothing[1] = { 0 };

	if (d->zero)
		put(d, nothing, 1);
	d->left = (uint8_t)(code - 1);
	d->zero = code != BLOCK_MAX + 1;
	if (d->total > HF_SMP_PACKET_MAX + CRC_BYTES)
		d->state = D_SKIP;
}

/* A zero in a frame. */
static enum hf_frame_event end_frame(struct hf_frame_decoder *d)
{
	bool good = d->state == D_FRAME && d->left == 0 && d->total >= HF_SMP_HEADER_BYTES + CRC_BYTES &&
		    d->crc == CRC_RESIDUE;
	size_t len = d->total - CRC_BYTES;

	if (!good) {
		d->dropped++;
		d->state = D_OPENED;
		return HF_FRAME_NOTHING;
	}
	d->state = D_TEXT;
	d->len = len < d->cap ? len : d->cap;
	return len <= d->cap ? HF_FRAME_PACKET : HF_FRAME_OVERSIZE;
}

static size_t length_to_zero(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] != 0)
		n++;
	return n;
}

/* In a frame: returns how much was taken, a block's run at once. */
static size_t take_frame(struct hf_frame_decoder *d, struct hf_bytes in, enum hf_frame_event *event)
{
	size_t n;

	if (in.ptr[0] == 0) {
		*event = end_frame(d);
		return 1;
	}
	if (d->left == 0) {
		take_code(d, in.ptr[0]);
		return 1;
	}
	n = length_to_zero(in.ptr, d->left < in.len ? d->left : in.len);
	put(d, in.ptr, n);
	d->left = (uint8_t)(d->left - n);
	return n;
}

static size_t plain_bytes(struct hf_bytes in)
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] > 2)
		n++;
	return n;
}

/* The second byte of a frame that had no opening, behind a first of 01 or 02: a zero, or operation and version of SMP. */
static bool is_second(uint8_t first_state, uint8_t byte)
{
	return first_state == D_ONE ? byte == 1 : byte != 0 && (byte & 0xe4) == 0;
}

/* Outside of frames. May take nothing, when it sees that a frame has begun. */
static size_t take_text(struct hf_frame_decoder *d, struct hf_bytes in, enum hf_frame_event *event)
{
	uint8_t byte = in.ptr[0], before = d->state;
	size_t n = plain_bytes(in);

	d->state = D_TEXT;
	if (before != D_TEXT && is_second(before, byte)) {
		begin_frame(d);
		take_code(d, before == D_ONE ? 1 : 2);
		return 0;
	}
	if (n > 0) {
		d->text = (struct hf_bytes){ in.ptr, n };
		*event = HF_FRAME_TEXT;
		return n;
	}
	d->state = byte == 0 ? D_OPENED : byte == 1 ? D_ONE : D_TWO;
	return 1;
}

static size_t take_some(struct hf_frame_decoder *d, struct hf_bytes in, enum hf_frame_event *event)
{
	size_t n;

	switch (d->state) {
	case D_OPENED:
		if (in.ptr[0] == 0)
			return 1;
		begin_frame(d);
		return take_frame(d, in, event);
	case D_FRAME:
		return take_frame(d, in, event);
	case D_SKIP:
		n = length_to_zero(in.ptr, in.len);
		if (n == in.len)
			return n;
		*event = end_frame(d);
		return n + 1;
	default:
		return take_text(d, in, event);
	}
}

size_t hf_frame_decode(struct hf_frame_decoder *d, struct hf_bytes in, enum hf_frame_event *event)
{
	size_t used = 0;

	*event = HF_FRAME_NOTHING;
	while (used < in.len && *event == HF_FRAME_NOTHING)
		used += take_some(d, (struct hf_bytes){ in.ptr + used, in.len - used }, event);
	return used;
}
