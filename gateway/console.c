/* SPDX-License-Identifier: MIT */
#include "console.h"

#include "port/stm32f407/systick.h"

#define ROOM_LIMIT_MS  300u /* the whole ring leaves in 178 ms at 115200 baud */
#define BYTES_AT_ONCE  4096u

void hf_console_open(struct hf_console *c, struct hf_usart_stream *stream, struct hf_update *update, uint8_t cause)
{
	c->stream = stream;
	hf_smp_decode_begin(&c->decoder, c->packet, sizeof c->packet);
	c->server = (struct hf_smp_server){
		.update = update,
		.decoder = &c->decoder,
		.buf_size = HF_CONSOLE_PACKET_MAX,
		.buf_count = HF_CONSOLE_PACKETS,
		.reset_cause = cause,
	};
}

static void send(struct hf_console *c, const void *data, size_t len)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, ROOM_LIMIT_MS);
	while (!hf_usart_stream_write(c->stream, data, len)) {
		if (hf_wait_over(&wait))
			return;
		__asm__ volatile("wfi");
	}
}

static void send_packet(struct hf_console *c, size_t len)
{
	struct hf_smp_encoder encoder;
	uint8_t line[HF_SMP_LINE_MAX];
	size_t n;

	if (len == 0)
		return;
	hf_smp_encode_begin(&encoder, (struct hf_bytes){ c->answer, len });
	while ((n = hf_smp_encode_line(&encoder, line)) > 0)
		send(c, line, n);
}

bool hf_console_poll(struct hf_console *c)
{
	uint8_t byte;

	for (unsigned i = 0; i < BYTES_AT_ONCE; i++) {
		struct hf_bytes packet = { c->packet, 0 };

		if (!hf_usart_stream_read(c->stream, &byte))
			return false;
		switch (hf_smp_decode(&c->decoder, byte)) {
		case HF_SMP_PACKET:
			packet.len = c->decoder.len;
			send_packet(c, hf_smp_serve(&c->server, packet, c->answer, sizeof c->answer));
			return true;
		case HF_SMP_OVERSIZE:
			packet.len = c->decoder.len < sizeof c->packet ? c->decoder.len : sizeof c->packet;
			send_packet(c, hf_smp_serve_oversize(&c->server, packet, c->answer, sizeof c->answer));
			return true;
		case HF_SMP_NOTHING:
		case HF_SMP_TEXT:
			break;
		}
	}
	return true;
}

void hf_console_log(struct hf_console *c, const struct hf_text *line)
{
	uint8_t buf[HF_CONSOLE_LINE_MAX + 2];
	size_t len = line->len < HF_CONSOLE_LINE_MAX ? line->len : HF_CONSOLE_LINE_MAX;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)line->buf[i];
	buf[len] = '\r';
	buf[len + 1] = '\n';
	send(c, buf, len + 2);
}

void hf_console_drain(struct hf_console *c)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, ROOM_LIMIT_MS);
	while (!hf_usart_stream_idle(c->stream) && !hf_wait_over(&wait))
		__asm__ volatile("wfi");
}
