/* SPDX-License-Identifier: MIT
 *
 * Both framings are always understood: the binary one is known by its zeros, which the other never holds. They share the
 * place in the queue, so a binary frame that comes in the middle of a console one ends it.
 */
#include "smp_line.h"

#include "port/stm32f407/systick.h"

#define ROOM_LIMIT_MS 300u /* the whole ring leaves in 178 ms at 115200 baud */
#define PIECES        16u  /* that are decoded before something else has its turn */
#define PIECE_BYTES   256u /* 50 us of decoding: a word of flash waits no longer for its successor */
#define SEND_BYTES    128u

enum kind { CONSOLE_PACKET, CONSOLE_OVERSIZE, BINARY_PACKET, BINARY_OVERSIZE };

static void begin_text(struct hf_smp_line *l, uint32_t dropped)
{
	hf_smp_decode_begin(&l->text, l->place, l->packet_size);
	l->text.dropped = dropped;
}

void hf_smp_line_open(struct hf_smp_line *l, struct hf_update *update, uint8_t cause)
{
	begin_text(l, 0);
	hf_frame_decode_begin(&l->frame, l->place, l->packet_size);
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
	uint8_t piece[SEND_BYTES];
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

/* Is there a place for the next packet? Until there is, what arrives waits in the ring. */
static bool has_place(struct hf_smp_line *l)
{
	if (!l->place) {
		l->place = hf_packet_queue_place(&l->queue, l->packet_size);
		l->text.buf = l->frame.buf = l->place;
	}
	return l->place != NULL;
}

static void add(struct hf_smp_line *l, size_t len, enum kind kind)
{
	hf_packet_queue_add(&l->queue, (uint32_t)len, (uint8_t)kind);
	l->place = NULL;
}

/* Bytes that are in no binary frame, up to the end of a packet. Returns how many were taken. */
static size_t take_text(struct hf_smp_line *l, struct hf_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		enum hf_smp_event event = hf_smp_decode(&l->text, text.ptr[i]);

		if (event != HF_SMP_PACKET && event != HF_SMP_OVERSIZE)
			continue;
		add(l, l->text.len, event == HF_SMP_PACKET ? CONSOLE_PACKET : CONSOLE_OVERSIZE);
		return i + 1;
	}
	return text.len;
}

static size_t take(struct hf_smp_line *l, struct hf_bytes in)
{
	enum hf_frame_event event;
	size_t used = hf_frame_decode(&l->frame, in, &event);

	if (event == HF_FRAME_TEXT)
		return used - l->frame.text.len + take_text(l, l->frame.text);
	if (l->text.active)
		begin_text(l, l->text.dropped + 1);
	if (event == HF_FRAME_PACKET || event == HF_FRAME_OVERSIZE)
		add(l, l->frame.len, event == HF_FRAME_PACKET ? BINARY_PACKET : BINARY_OVERSIZE);
	return used;
}

/* False: there is nothing more, or no place for it. */
static bool fetch_piece(struct hf_smp_line *l)
{
	uint32_t len, left = PIECE_BYTES;

	while (left > 0) {
		const uint8_t *p = hf_usart_stream_peek(l->stream, &len);
		uint32_t used;

		if (len == 0 || !has_place(l))
			return false;
		l->arrived_ms = hf_systick_ms();
		used = (uint32_t)take(l, (struct hf_bytes){ p, len < left ? len : left });
		hf_usart_stream_skip(l->stream, used);
		left -= used;
	}
	return true;
}

void hf_smp_line_fetch(void *ctx)
{
	bool more = fetch_piece(ctx);

	(void)more;
}

/* How many of the largest requests ring and queue hold, the one that is served included. */
static uint8_t window(const struct hf_smp_line *l, bool binary)
{
	uint32_t lines = (l->packet_size + 4u) / (HF_SMP_LINE_MAX * 3u / 4u - 2u) + 1u;
	uint32_t framed = binary ? HF_FRAME_BYTES((uint32_t)l->packet_size) : lines * HF_SMP_LINE_MAX;
	uint32_t queued = l->hooked ? l->queue.size / (l->packet_size + HF_PACKET_QUEUE_HEAD) : 0;
	uint32_t count = (l->stream->rx_size - 1) / framed + queued;

	return (uint8_t)(count < 1 ? 1 : count > UINT8_MAX ? UINT8_MAX : count);
}

static void serve(struct hf_smp_line *l, struct hf_bytes packet, enum kind kind)
{
	bool binary = kind == BINARY_PACKET || kind == BINARY_OVERSIZE;
	struct hf_bytes answer = { l->answer, 0 };

	l->packets++;
	l->server.buf_count = window(l, binary);
	hf_smp_link_heard(&l->link, hf_systick_ms());
	if (kind == CONSOLE_PACKET || kind == BINARY_PACKET)
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

/* Nothing has arrived. */
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

bool hf_smp_line_poll(struct hf_smp_line *l)
{
	bool more = true;
	uint32_t len;
	uint8_t kind;
	const uint8_t *packet;

	for (unsigned i = 0; i < PIECES && more && l->queue.count == 0; i++)
		more = fetch_piece(l);
	packet = hf_packet_queue_first(&l->queue, &len, &kind);
	if (packet) {
		serve(l, (struct hf_bytes){ packet, len }, kind);
		hf_packet_queue_drop(&l->queue);
	} else if (!more) {
		watch_time(l);
	}
	return packet || more;
}
