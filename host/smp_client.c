/* SPDX-License-Identifier: MIT
 *
 * An answer is told by its sequence number, and each transmission has its own: so a late answer to a request that was
 * given up is never taken for the answer to another one.
 *
 * With the console framing, zeros mean nothing: a device that only knows that one may send noise. With the binary one both are
 * looked for, since a device that restarted speaks the console's again, and logs.
 */
#include "smp_client.h"

#include <stdio.h>
#include <string.h>

#include "smp_body.h"

#define FIRST_WAIT_MS   1000u
#define LONGEST_WAIT_MS 8000u
#define FIRST_PAUSE_MS  100u
#define LONGEST_PAUSE_MS 1000u

void hf_smp_client_init(struct hf_smp_client *c, const struct hf_serial *serial)
{
	memset(c, 0, sizeof(*c));
	c->serial = serial;
	hf_smp_set_framing(c, HF_SMP_FRAMING_CONSOLE);
}

void hf_smp_set_framing(struct hf_smp_client *c, enum hf_smp_framing framing)
{
	uint32_t dropped[] = {c->decoder.dropped, c->frames.dropped};

	c->framing = framing;
	c->in_pos = c->in_len = 0;
	hf_smp_decode_begin(&c->decoder, c->packet, sizeof(c->packet));
	hf_frame_decode_begin(&c->frames, c->packet, sizeof(c->packet));
	c->decoder.dropped = dropped[0];
	c->frames.dropped = dropped[1];
}

uint32_t hf_smp_dropped(const struct hf_smp_client *c)
{
	return c->decoder.dropped + c->frames.dropped;
}

bool hf_smp_stopped(const struct hf_smp_client *c)
{
	return c->stop && c->stop(c->ctx);
}

static size_t encode(enum hf_smp_framing framing, struct hf_bytes packet, uint8_t *out, size_t cap)
{
	struct hf_frame_encoder binary;
	struct hf_smp_encoder console;
	size_t used = 0, n;

	if (framing == HF_SMP_FRAMING_BINARY) {
		hf_frame_encode_begin(&binary, packet);
		return hf_frame_encode(&binary, out, cap);
	}
	hf_smp_encode_begin(&console, packet);
	while ((n = hf_smp_encode_line(&console, out + used)) > 0)
		used += n;
	return used;
}

enum hf_err hf_smp_send(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id, struct hf_bytes body,
			uint8_t *seq)
{
	struct hf_smp_header h = {.version = 1, .op = (uint8_t)op, .seq = c->seq, .id = (uint8_t)id};
	uint8_t out[HF_SMP_CLIENT_PACKET / 2 * 3];
	size_t len = HF_SMP_HEADER_BYTES + body.len, used;

	if (len > sizeof(c->request))
		return HF_ERR_TOO_LARGE;
	h.group = (uint16_t)group;
	h.len = (uint16_t)body.len;
	hf_smp_header_store(c->request, &h);
	if (body.len)
		memcpy(c->request + HF_SMP_HEADER_BYTES, body.ptr, body.len);
	used = encode(c->framing, (struct hf_bytes){c->request, len}, out, sizeof(out));
	*seq = c->seq++;
	c->sent++;
	c->written += used;
	return hf_serial_write(c->serial, out, used);
}

/* The nearest of our errors to a number of SMP's own. */
static enum hf_err err_of_rc(uint32_t rc)
{
	switch (rc) {
	case HF_SMP_RC_OK:
		return HF_OK;
	case HF_SMP_RC_INVALID:
		return HF_ERR_RANGE;
	case HF_SMP_RC_NO_MEMORY:
	case HF_SMP_RC_MESSAGE_SIZE:
		return HF_ERR_TOO_LARGE;
	case HF_SMP_RC_TIMEOUT:
		return HF_ERR_TIMEOUT;
	case HF_SMP_RC_NO_ENTRY:
		return HF_ERR_NOT_FOUND;
	case HF_SMP_RC_BAD_STATE:
		return HF_ERR_ORDER;
	case HF_SMP_RC_UNSUPPORTED:
	case HF_SMP_RC_TOO_NEW:
		return HF_ERR_UNSUPPORTED;
	case HF_SMP_RC_CORRUPT:
		return HF_ERR_DIGEST;
	case HF_SMP_RC_BUSY:
		return HF_ERR_BUSY;
	case HF_SMP_RC_DENIED:
		return HF_ERR_DENIED;
	default:
		return HF_ERR_IO;
	}
}

static void read_err(struct hf_cbor_reader *r, struct hf_smp_answer *out)
{
	struct hf_smp_items it;

	hf_smp_items_begin(&it, r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(r);

		if (hf_smp_is(key, "group"))
			out->group = (uint32_t)hf_smp_uint(r);
		else if (hf_smp_is(key, "rc"))
			out->rc = (uint32_t)hf_smp_uint(r);
		else
			hf_smp_skip(r);
	}
}

/* A text of a stranger: what could confuse a terminal is replaced. */
static void copy_text(char *to, size_t room, struct hf_bytes text)
{
	size_t n = text.len < room - 1 ? text.len : room - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
	to[n] = 0;
}

/* Finds `rc`, `err` and `rsn` in an answer. */
static enum hf_err read_refusal(struct hf_smp_answer *out)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;

	hf_cbor_open_final(&r, out->body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r);

		if (hf_smp_is(key, "rc"))
			out->rc = (uint32_t)hf_smp_uint(&r);
		else if (hf_smp_is(key, "err"))
			read_err(&r, out);
		else if (hf_smp_is(key, "rsn") && hf_cbor_peek(&r) == HF_CBOR_TSTR)
			copy_text(out->reason, sizeof(out->reason), hf_cbor_tstr(&r));
		else
			hf_smp_skip(&r);
	}
	return hf_cbor_close(&r);
}

static bool parse_answer(struct hf_bytes packet, struct hf_smp_answer *out)
{
	memset(out, 0, sizeof(*out));
	if (hf_smp_header_load(packet, &out->header) != HF_OK)
		return false;
	if (out->header.op != HF_SMP_READ_RSP && out->header.op != HF_SMP_WRITE_RSP)
		return false;
	out->body = (struct hf_bytes){packet.ptr + HF_SMP_HEADER_BYTES, packet.len - HF_SMP_HEADER_BYTES};
	if (read_refusal(out) != HF_OK)
		return false;
	if (out->group == HF_SMP_HOLDFAST)
		out->refusal = (enum hf_err)out->rc;
	else
		out->refusal = err_of_rc(out->rc);
	if (out->refusal && !out->reason[0])
		snprintf(out->reason, sizeof(out->reason), "error %u of group %u", out->rc, out->group);
	return true;
}

/* Console frames and text; takes until there is an answer. True: an answer. */
static bool decode_text(struct hf_smp_client *c, struct hf_bytes text, struct hf_smp_answer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];

		c->in_pos++;
		switch (hf_smp_decode(&c->decoder, byte)) {
		case HF_SMP_PACKET:
			if (parse_answer((struct hf_bytes){c->packet, c->decoder.len}, out))
				return true;
			break;
		case HF_SMP_TEXT:
			c->text_lines += byte == '\n';
			if (c->on_text)
				c->on_text(c->ctx, byte);
			break;
		default:
			break;
		}
	}
	return false;
}

static bool decode_binary(struct hf_smp_client *c, struct hf_bytes in, struct hf_smp_answer *out)
{
	enum hf_frame_event event;
	size_t took = hf_frame_decode(&c->frames, in, &event);

	if (event == HF_FRAME_TEXT) {
		c->in_pos += took - c->frames.text.len;
		return decode_text(c, c->frames.text, out);
	}
	c->in_pos += took;
	return event == HF_FRAME_PACKET && parse_answer((struct hf_bytes){c->packet, c->frames.len}, out);
}

/* Feeds what has been read to the decoders. True: an answer. */
static bool decode(struct hf_smp_client *c, struct hf_smp_answer *out)
{
	while (c->in_pos < c->in_len) {
		struct hf_bytes in = {c->in + c->in_pos, c->in_len - c->in_pos};

		if (c->framing == HF_SMP_FRAMING_BINARY ? decode_binary(c, in, out) : decode_text(c, in, out))
			return true;
	}
	return false;
}

/* Reads what there is. A line counts as silent only for as long as we have listened to it. */
static enum hf_err read_some(struct hf_smp_client *c, uint64_t until_ms)
{
	uint64_t now = hf_serial_now_ms(c->serial), wait = until_ms > now ? until_ms - now : 0;
	enum hf_err err;

	c->in_pos = 0;
	err = hf_serial_read(c->serial, c->in, sizeof(c->in), wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX,
			     &c->in_len);
	c->silent_ms += hf_serial_now_ms(c->serial) - now;
	if (c->silent_ms > HF_FRAME_IDLE_MS)
		hf_frame_idle(&c->frames);
	if (c->in_len)
		c->silent_ms = 0;
	c->received += c->in_len;
	return err;
}

enum hf_err hf_smp_receive(struct hf_smp_client *c, uint64_t until_ms, struct hf_smp_answer *out)
{
	for (;;) {
		enum hf_err err;

		if (decode(c, out)) {
			c->answered++;
			return HF_OK;
		}
		if (hf_smp_stopped(c))
			return HF_ERR_TIMEOUT;
		err = read_some(c, until_ms);
		if (err == HF_ERR_TIMEOUT && hf_serial_now_ms(c->serial) >= until_ms)
			return HF_ERR_TIMEOUT;
		if (err && err != HF_ERR_TIMEOUT)
			return HF_ERR_IO;
	}
}

enum hf_err hf_smp_reopen(struct hf_smp_client *c, uint64_t until_ms)
{
	uint32_t pause = FIRST_PAUSE_MS;

	while (hf_serial_reopen(c->serial) != HF_OK) {
		if (hf_smp_stopped(c) || hf_serial_now_ms(c->serial) >= until_ms)
			return HF_ERR_IO;
		hf_serial_sleep_ms(c->serial, pause);
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	c->reopened++;
	hf_smp_set_framing(c, c->framing);
	return HF_OK;
}

/* One transmission, and the wait for its answer, or for that to an earlier one of the same request, the first of which was
 * `first`: a device that takes longer than our patience would otherwise trail for ever. */
static enum hf_err try_once(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
			    struct hf_bytes body, uint8_t first, uint64_t until_ms, struct hf_smp_answer *out)
{
	enum hf_err err;
	uint8_t seq;

	err = hf_smp_send(c, op, group, id, body, &seq);
	if (err)
		return err;
	do {
		err = hf_smp_receive(c, until_ms, out);
	} while (!err && ((uint8_t)(out->header.seq - first) > (uint8_t)(seq - first) || out->header.group != group ||
			 out->header.id != id));
	return err;
}

enum hf_err hf_smp_request(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
			   struct hf_bytes body, uint32_t patience_ms, struct hf_smp_answer *out)
{
	uint64_t now = hf_serial_now_ms(c->serial), end = now + patience_ms;
	uint32_t wait = FIRST_WAIT_MS;
	uint8_t first = c->seq;

	for (;;) {
		uint64_t until = now + wait < end ? now + wait : end;
		enum hf_err err = try_once(c, op, group, id, body, first, until, out);

		if (err == HF_OK || err == HF_ERR_TOO_LARGE)
			return err;
		if (err == HF_ERR_IO && hf_smp_reopen(c, end) != HF_OK)
			return HF_ERR_IO;
		c->timeouts++;
		now = hf_serial_now_ms(c->serial);
		if (now >= end || hf_smp_stopped(c))
			return HF_ERR_TIMEOUT;
		wait = wait * 2 < LONGEST_WAIT_MS ? wait * 2 : LONGEST_WAIT_MS;
	}
}
