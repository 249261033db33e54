/* SPDX-License-Identifier: MIT
 *
 * Both framings are always understood: the binary one is known by its zeros, which the other never holds. They share the
 * packet's buffer, so a binary frame that comes in the middle of a console one ends it.
 */
#include "smp_line.h"

#include "port/stm32f407/systick.h"

#define ROOM_LIMIT_MS 300u /* the whole ring leaves in 178 ms at 115200 baud */
#define BYTES_AT_ONCE 4096u
#define PIECE_BYTES   128u

static void begin_text(struct hf_smp_line *l, uint32_t dropped)
{
	hf_smp_decode_begin(&l->text, l->packet, l->packet_size);
	l->text.dropped = dropped;
}

void hf_smp_line_open(struct hf_smp_line *l, struct hf_update *update, uint8_t cause)
{
	begin_text(l, 0);
	hf_frame_decode_begin(&l->frame, l->packet, l->packet_size);
	hf_smp_link_begin(&l->link, l->rate, l->rates);
	l->server = (struct hf_smp_server){
		.update = update,
		.decoder = &l->text,
		.frames = &l->frame,
		.link = &l->link,
		.buf_size = l->packet_size,
		.reset_cause = cause,
	};
}

/* ---- out ---- */

static void send(struct hf_smp_line *l, const void *data, size_t len)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, ROOM_LIMIT_MS);
	while (!hf_usart_stream_write(l->stream, data, len)) {
		if (hf_wait_over(&wait))
			return;
		hf_smp_line_fetch(l);
		__asm__ volatile("wfi");
	}
}

static void send_console(struct hf_smp_line *l, struct hf_bytes packet)
{
	struct hf_smp_encoder encoder;
	uint8_t line[HF_SMP_LINE_MAX];
	size_t n;

	hf_smp_encode_begin(&encoder, packet);
	while ((n = hf_smp_encode_line(&encoder, line)) > 0)
		send(l, line, n);
}

static void send_binary(struct hf_smp_line *l, struct hf_bytes packet)
{
	struct hf_frame_encoder encoder;
	uint8_t piece[PIECE_BYTES];
	size_t n;

	hf_frame_encode_begin(&encoder, packet);
	while ((n = hf_frame_encode(&encoder, piece, sizeof piece)) > 0)
		send(l, piece, n);
}

void hf_smp_line_log(struct hf_smp_line *l, const struct hf_text *line)
{
	uint8_t buf[HF_SMP_LINE_LOG_MAX + 2];
	size_t len = line->len < HF_SMP_LINE_LOG_MAX ? line->len : HF_SMP_LINE_LOG_MAX;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)line->buf[i];
	buf[len] = '\r';
	buf[len + 1] = '\n';
	send(l, buf, len + 2);
}

void hf_smp_line_drain(struct hf_smp_line *l)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, ROOM_LIMIT_MS);
	while (!hf_usart_stream_idle(l->stream) && !hf_wait_over(&wait)) {
		hf_smp_line_fetch(l);
		__asm__ volatile("wfi");
	}
}

/* To the link's rate; nothing is to be sent any more. What was half received will not come to an end. */
static void set_rate(struct hf_smp_line *l)
{
	hf_usart_set_baud(l->usart, l->clock, l->rate[l->link.index]);
	hf_frame_idle(&l->frame);
	begin_text(l, l->text.dropped + l->text.active);
}

/* ---- in ---- */

void hf_smp_line_fetch(void *ctx)
{
	struct hf_smp_line *l = ctx;
	uint32_t room, n;

	do {
		uint8_t *space = hf_byte_queue_space(&l->queue, &room);

		n = hf_usart_stream_read(l->stream, space, room);
		hf_byte_queue_added(&l->queue, n);
		if (n > 0)
			l->arrived_ms = hf_systick_ms();
	} while (n > 0 && n == room); /* it ended where the queue's memory does, or the queue is full */
}

/* How many of the largest requests ring and queue hold. */
static uint8_t window(const struct hf_smp_line *l, bool binary)
{
	uint32_t bytes = l->stream->rx_size - 1 + l->queue.size;
	uint32_t lines = (l->packet_size + 4u) / (HF_SMP_LINE_MAX * 3u / 4u - 2u) + 1u;
	uint32_t each = binary ? HF_FRAME_BYTES((uint32_t)l->packet_size) : lines * HF_SMP_LINE_MAX;
	uint32_t count = bytes / each;

	return (uint8_t)(count < 1 ? 1 : count > UINT8_MAX ? UINT8_MAX : count);
}

enum found { NOTHING, CONSOLE_PACKET, CONSOLE_OVERSIZE, BINARY_PACKET, BINARY_OVERSIZE };

static void serve(struct hf_smp_line *l, enum found found)
{
	bool binary = found == BINARY_PACKET || found == BINARY_OVERSIZE;
	struct hf_bytes packet = { l->packet, binary ? l->frame.len : l->text.len };
	struct hf_bytes answer = { l->answer, 0 };

	if (packet.len > l->packet_size)
		packet.len = l->packet_size;
	l->packets++;
	l->server.buf_count = window(l, binary);
	hf_smp_link_heard(&l->link, hf_systick_ms());
	if (found == CONSOLE_PACKET || found == BINARY_PACKET)
		answer.len = hf_smp_serve(&l->server, packet, l->answer, l->answer_size);
	else
		answer.len = hf_smp_serve_oversize(&l->server, packet, l->answer, l->answer_size);
	if (answer.len > 0 && binary)
		send_binary(l, answer);
	else if (answer.len > 0)
		send_console(l, answer);
	if (!l->link.wanted)
		return;
	hf_smp_line_drain(l);
	if (hf_smp_link_sent(&l->link, hf_systick_ms()))
		set_rate(l);
}

/* The queue is empty. */
static void watch_time(struct hf_smp_line *l)
{
	uint32_t now_ms = hf_systick_ms();
	bool other = hf_smp_link_tick(&l->link, now_ms);

	if (l->walks)
		other |= hf_smp_link_damaged(&l->link, l->stream->errors, now_ms);
	if (other) {
		hf_smp_line_drain(l);
		set_rate(l);
	}
	if (hf_frame_pending(&l->frame) && now_ms - l->arrived_ms > HF_FRAME_IDLE_MS)
		hf_frame_idle(&l->frame);
}

/* Bytes that are in no binary frame, up to the end of a packet. */
static enum found take_text(struct hf_smp_line *l, const uint8_t *p, uint32_t len, uint32_t *used)
{
	for (*used = 0; *used < len;) {
		enum hf_smp_event event = hf_smp_decode(&l->text, p[(*used)++]);

		if (event == HF_SMP_PACKET)
			return CONSOLE_PACKET;
		if (event == HF_SMP_OVERSIZE)
			return CONSOLE_OVERSIZE;
	}
	return NOTHING;
}

static enum found take_frame(struct hf_smp_line *l, const uint8_t *p, uint32_t len, uint32_t *used)
{
	enum hf_frame_event event;

	*used = (uint32_t)hf_frame_decode(&l->frame, (struct hf_bytes){ p, len }, &event);
	if (event == HF_FRAME_TEXT) {
		l->text_left = (uint32_t)l->frame.text.len;
		*used -= l->text_left;
	}
	if (*used > 0 && l->text.active)
		begin_text(l, l->text.dropped + 1);
	return event == HF_FRAME_PACKET ? BINARY_PACKET : event == HF_FRAME_OVERSIZE ? BINARY_OVERSIZE : NOTHING;
}

static enum found take(struct hf_smp_line *l, const uint8_t *p, uint32_t len, uint32_t *used)
{
	enum found found;

	if (l->text_left == 0)
		return take_frame(l, p, len, used);
	found = take_text(l, p, len < l->text_left ? len : l->text_left, used);
	l->text_left -= *used;
	return found;
}

bool hf_smp_line_poll(struct hf_smp_line *l)
{
	uint32_t len, used;

	hf_smp_line_fetch(l);
	for (uint32_t done = 0; done < BYTES_AT_ONCE; done += used) {
		const uint8_t *p = hf_byte_queue_head(&l->queue, &len);
		enum found found;

		if (len == 0) {
			watch_time(l);
			return false;
		}
		found = take(l, p, len, &used);
		hf_byte_queue_taken(&l->queue, used); /* before what may take seconds */
		if (found != NOTHING) {
			serve(l, found);
			return true;
		}
	}
	return true;
}
