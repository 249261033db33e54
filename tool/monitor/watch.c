/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <string.h>

#include "smp_body.h"

#define UNENDED_MS 1000u
#define ENOUGH     48u   /* bytes to judge a rate by: a line's worth */
#define MEMORY     4096u /* what came longer ago counts half */

void hf_watch_begin(struct hf_watch *w, const struct hf_watch_events *events)
{
	memset(w, 0, sizeof(*w));
	w->events = *events;
	hf_frame_decode_begin(&w->frames, w->packet, sizeof(w->packet));
	hf_smp_decode_begin(&w->decoder, w->packet, sizeof(w->packet));
}

void hf_watch_flush(struct hf_watch *w)
{
	bool readable = w->readable;

	w->line[w->len] = 0;
	w->len = 0;
	w->readable = false;
	if (!readable) /* a glitch as an adapter makes it when it is opened, or a changed rate */
		return;
	if (hf_device_log_line(&w->log, w->line) && w->events.stage)
		w->events.stage(w->events.ctx, w->line_ms);
	if (w->events.line)
		w->events.line(w->events.ctx, w->line, w->line_ms);
}

static void take_text(struct hf_watch *w, uint8_t byte, uint64_t now_ms)
{
	bool printable = byte >= 0x20 && byte < 0x7f;

	w->sense += printable || byte == '\n' || byte == '\r' || byte == '\t';
	if (byte == '\n' || w->len == HF_WATCH_LINE)
		hf_watch_flush(w);
	if (byte == '\n' || byte == '\r')
		return;
	if (w->len == 0)
		w->line_ms = now_ms;
	w->readable |= byte > 0x20 && printable;
	w->line[w->len++] = printable ? (char)byte : byte == '\t' ? ' ' : '?';
}

/* How far an upload is, by the device's answers to it. */
static bool upload_offset(const struct hf_smp_header *h, struct hf_bytes body, uint32_t *off)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;
	bool found = false;

	if (h->op != HF_SMP_WRITE_RSP || h->group != HF_SMP_IMAGE || h->id != HF_SMP_IMAGE_UPLOAD)
		return false;
	hf_cbor_open_final(&r, body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r);

		if (hf_smp_is(key, "off")) {
			*off = (uint32_t)hf_smp_uint(&r);
			found = true;
		} else {
			hf_smp_skip(&r);
		}
	}
	return found && hf_cbor_close(&r) == HF_OK;
}

static void take_packet(struct hf_watch *w, size_t len, uint64_t now_ms)
{
	struct hf_bytes body = {w->packet, len};
	struct hf_smp_header h;
	uint32_t off;

	w->sense += (uint32_t)len;
	if (hf_smp_header_load(body, &h) != HF_OK)
		return;
	body.ptr += HF_SMP_HEADER_BYTES;
	body.len -= HF_SMP_HEADER_BYTES;
	if (upload_offset(&h, body, &off) && hf_device_log_upload(&w->log, off) && w->events.stage)
		w->events.stage(w->events.ctx, now_ms);
	if (w->events.packet)
		w->events.packet(w->events.ctx, &h, body, now_ms);
}

/* Text and console frames, which are base64: it makes sense whether or not its frame ends well. */
static void take_console(struct hf_watch *w, struct hf_bytes text, uint64_t now_ms)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (hf_smp_decode(&w->decoder, text.ptr[i])) {
		case HF_SMP_TEXT:
			take_text(w, text.ptr[i], now_ms);
			break;
		case HF_SMP_PACKET:
			take_packet(w, w->decoder.len, now_ms);
			break;
		case HF_SMP_NOTHING:
		case HF_SMP_OVERSIZE:
			w->sense += text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f;
			break;
		}
	}
}

void hf_watch_take(struct hf_watch *w, struct hf_bytes data, uint64_t now_ms)
{
	hf_watch_idle(w, now_ms);
	if (data.len)
		w->heard_ms = now_ms;
	if (w->received > MEMORY) {
		w->received /= 2;
		w->sense /= 2;
	}
	w->received += (uint32_t)data.len;
	while (data.len) {
		enum hf_frame_event event;
		size_t took = hf_frame_decode(&w->frames, data, &event);

		if (event == HF_FRAME_TEXT)
			take_console(w, w->frames.text, now_ms);
		else if (event == HF_FRAME_PACKET)
			take_packet(w, w->frames.len, now_ms);
		data.ptr += took;
		data.len -= took;
	}
}

void hf_watch_idle(struct hf_watch *w, uint64_t now_ms)
{
	if (hf_frame_pending(&w->frames) && now_ms >= w->heard_ms + HF_FRAME_IDLE_MS)
		hf_frame_idle(&w->frames);
	if (w->len && now_ms >= w->heard_ms + UNENDED_MS)
		hf_watch_flush(w);
}

bool hf_watch_garbled(const struct hf_watch *w)
{
	bool undecided = hf_frame_pending(&w->frames) && w->received < HF_WATCH_PACKET;

	return !undecided && w->received >= ENOUGH && w->sense < w->received / 2;
}

void hf_watch_new_rate(struct hf_watch *w)
{
	w->received = w->sense = 0;
	w->len = 0;
	w->readable = false;
	hf_frame_decode_begin(&w->frames, w->packet, sizeof(w->packet));
	hf_smp_decode_begin(&w->decoder, w->packet, sizeof(w->packet));
}
