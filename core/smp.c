/* SPDX-License-Identifier: MIT
 *
 * The decoder keeps no line: each base64 quad goes to the packet's buffer as soon as it is whole, so that a line's length
 * does not matter and a packet costs its own size in RAM. The markers' bytes (06, 04) are neither base64 nor text, so
 * they begin a frame wherever they stand: a log line that was cut short, or a lost LF, costs no frame behind it.
 * A packet is given out when its last byte is there and not at the LF, which may be lost too. Quads may straddle lines,
 * because some clients cut the base64 text and not the bytes.
 */
#include "smp.h"

#include <string.h>

#define FIRST_1 0x06
#define FIRST_2 0x09
#define MORE_1  0x04
#define MORE_2  0x14
#define LINE_RAW ((HF_SMP_LINE_MAX - 3) / 4 * 3)

enum { S_TEXT, S_FIRST, S_MORE, S_LINE, S_SKIP };

enum hf_err hf_smp_header_load(struct hf_bytes packet, struct hf_smp_header *out)
{
	const uint8_t *p = packet.ptr;

	if (packet.len < HF_SMP_HEADER_BYTES)
		return HF_ERR_TRUNCATED;
	out->version = p[0] >> 3 & 3;
	out->op = p[0] & 7;
	out->len = load_be16(p + 2);
	out->group = load_be16(p + 4);
	out->seq = p[6];
	out->id = p[7];
	return out->len == packet.len - HF_SMP_HEADER_BYTES ? HF_OK : HF_ERR_RANGE;
}

void hf_smp_header_store(uint8_t p[HF_SMP_HEADER_BYTES], const struct hf_smp_header *header)
{
	p[0] = (uint8_t)((header->version & 3) << 3 | (header->op & 7));
	p[1] = 0;
	store_be16(p + 2, header->len);
	store_be16(p + 4, header->group);
	p[6] = header->seq;
	p[7] = header->id;
}

static uint16_t crc16_byte(uint16_t crc, uint8_t byte)
{
	uint8_t x = (uint8_t)(crc >> 8 ^ byte);

	x ^= x >> 4;
	return (uint16_t)(crc << 8 ^ x << 12 ^ x << 5 ^ x);
}

uint16_t hf_crc16(uint16_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		crc = crc16_byte(crc, *p++);
	return crc;
}

enum hf_smp_rc hf_smp_rc(enum hf_err err)
{
	switch (err) {
	case HF_OK:
		return HF_SMP_RC_OK;
	case HF_ERR_TRUNCATED:
	case HF_ERR_ENCODING:
	case HF_ERR_TYPE:
	case HF_ERR_RANGE:
		return HF_SMP_RC_INVALID;
	case HF_ERR_UNSUPPORTED:
		return HF_SMP_RC_UNSUPPORTED;
	case HF_ERR_TOO_LARGE:
		return HF_SMP_RC_MESSAGE_SIZE;
	case HF_ERR_CRC:
	case HF_ERR_DIGEST:
		return HF_SMP_RC_CORRUPT;
	case HF_ERR_SIGNATURE:
	case HF_ERR_KEY:
	case HF_ERR_KEYSET_NUMBER:
	case HF_ERR_THRESHOLD:
	case HF_ERR_VENDOR:
	case HF_ERR_CLASS:
	case HF_ERR_DEVICE:
	case HF_ERR_VERSION:
	case HF_ERR_SECURITY_VERSION:
	case HF_ERR_RELEASE:
	case HF_ERR_SAME_SEQUENCE:
	case HF_ERR_SLOT:
	case HF_ERR_REJECTED:
	case HF_ERR_ABORT:
	case HF_ERR_DENIED:
		return HF_SMP_RC_DENIED;
	case HF_ERR_KEYSET:
	case HF_ERR_TRIAL:
	case HF_ERR_PROTECTED:
	case HF_ERR_ORDER:
	case HF_ERR_LOCKOUT:
		return HF_SMP_RC_BAD_STATE;
	case HF_ERR_NOT_FOUND:
		return HF_SMP_RC_NO_ENTRY;
	case HF_ERR_BUSY:
		return HF_SMP_RC_BUSY;
	case HF_ERR_FULL:
		return HF_SMP_RC_NO_MEMORY;
	case HF_ERR_TIMEOUT:
		return HF_SMP_RC_TIMEOUT;
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
	case HF_ERR_FLASH_LOCKED:
	case HF_ERR_IO:
		return HF_SMP_RC_UNKNOWN;
	}
	return HF_SMP_RC_UNKNOWN;
}

void hf_smp_encode_begin(struct hf_smp_encoder *e, struct hf_bytes packet)
{
	e->packet = packet;
	e->pos = 0;
	e->crc = hf_crc16(0, packet.ptr, packet.len);
}

/* Byte `pos` of length || packet || CRC. */
static uint8_t stream_byte(const struct hf_smp_encoder *e, size_t pos)
{
	size_t len = e->packet.len;

	if (pos < 2)
		return (uint8_t)((len + 2) >> (8 - 8 * pos));
	if (pos - 2 < len)
		return e->packet.ptr[pos - 2];
	return (uint8_t)(e->crc >> (pos - 2 == len ? 8 : 0));
}

static uint8_t base64_char(unsigned v)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (uint8_t)alphabet[v & 63];
}

size_t hf_smp_encode_line(struct hf_smp_encoder *e, uint8_t line[HF_SMP_LINE_MAX])
{
	size_t total = e->packet.len + 4, n = 0;
	size_t raw = total - e->pos < LINE_RAW ? total - e->pos : LINE_RAW;

	if (raw == 0)
		return 0;
	line[n++] = e->pos ? MORE_1 : FIRST_1;
	line[n++] = e->pos ? MORE_2 : FIRST_2;
	for (; raw > 0; n += 4) {
		size_t take = raw < 3 ? raw : 3;
		uint32_t quad = 0;

		for (size_t i = 0; i < 3; i++)
			quad = quad << 8 | (i < take ? stream_byte(e, e->pos + i) : 0);
		for (size_t i = 0; i < 4; i++)
			line[n + i] = i <= take ? base64_char(quad >> (18 - 6 * i)) : '=';
		e->pos += take;
		raw -= take;
	}
	line[n++] = '\n';
	return n;
}

void hf_smp_decode_begin(struct hf_smp_decoder *d, uint8_t *buf, size_t cap)
{
	memset(d, 0, sizeof *d);
	d->buf = buf;
	d->cap = cap;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static enum hf_smp_event drop(struct hf_smp_decoder *d)
{
	if (d->active)
		d->dropped++;
	d->active = false;
	d->state = S_SKIP;
	return HF_SMP_NOTHING;
}

/* One byte of length || packet || CRC. */
static void take_byte(struct hf_smp_decoder *d, uint8_t byte)
{
	if (d->count < 2) {
		d->total = (uint16_t)(d->total << 8 | byte);
	} else {
		d->crc = crc16_byte(d->crc, byte);
		if (d->count - 2 < d->cap && d->count < d->total)
			d->buf[d->count - 2] = byte;
	}
	d->count++;
}

static enum hf_smp_event finish(struct hf_smp_decoder *d)
{
	size_t len = d->total - 2u;

	if (d->crc != 0) /* over the packet and its own CRC */
		return drop(d);
	d->active = false;
	d->state = S_SKIP;
	d->len = len < d->cap ? len : d->cap;
	return len <= d->cap ? HF_SMP_PACKET : HF_SMP_OVERSIZE;
}

/* A whole quad: one to three bytes. */
static enum hf_smp_event take_quad(struct hf_smp_decoder *d)
{
	unsigned bytes = 3u - d->pads;

	if (d->pads && (d->quad & ((1u << 8 * d->pads) - 1)) != 0)
		return drop(d);
	for (unsigned i = 0; i < bytes; i++)
		take_byte(d, (uint8_t)(d->quad >> (16 - 8 * i)));
	d->quad = 0;
	d->quad_chars = 0;
	d->pads = 0;
	if (d->count < 2)
		return drop(d);
	if (d->total < HF_SMP_HEADER_BYTES + 2 || d->count > d->total + 2u)
		return drop(d);
	return d->count == d->total + 2u ? finish(d) : HF_SMP_NOTHING;
}

static enum hf_smp_event take_char(struct hf_smp_decoder *d, uint8_t c)
{
	int value = base64_value(c);

	if (c == '=' && d->quad_chars >= 2) {
		d->pads++;
		value = 0;
	} else if (value < 0 || d->pads) {
		return drop(d);
	}
	d->quad = d->quad << 6 | (uint32_t)value;
	return ++d->quad_chars == 4 ? take_quad(d) : HF_SMP_NOTHING;
}

static void begin_packet(struct hf_smp_decoder *d)
{
	if (d->active)
		d->dropped++;
	d->active = true;
	d->quad = 0;
	d->quad_chars = 0;
	d->pads = 0;
	d->count = 0;
	d->total = 0;
	d->crc = 0;
	d->state = S_LINE;
}

enum hf_smp_event hf_smp_decode(struct hf_smp_decoder *d, uint8_t byte)
{
	uint8_t state = d->state;

	if (state == S_FIRST && byte == FIRST_2) {
		begin_packet(d);
		return HF_SMP_NOTHING;
	}
	if (state == S_MORE && byte == MORE_2) {
		d->state = d->active ? S_LINE : S_SKIP;
		return HF_SMP_NOTHING;
	}
	if (byte == FIRST_1 || byte == MORE_1) {
		d->state = byte == FIRST_1 ? S_FIRST : S_MORE;
		return HF_SMP_NOTHING;
	}
	if (state == S_FIRST || state == S_MORE)
		d->state = state = S_TEXT;
	if (state == S_TEXT)
		return HF_SMP_TEXT;
	if (byte == '\n') {
		d->state = S_TEXT;
		return HF_SMP_NOTHING;
	}
	if (state == S_SKIP || byte == '\r')
		return HF_SMP_NOTHING;
	return take_char(d, byte);
}
