/* SPDX-License-Identifier: MIT
 *
 * The maintenance UART: SMP requests in, answers out, and log lines between them. Lines are written whole, so that an
 * answer and a log line never mix.
 */
#ifndef HF_CONSOLE_H
#define HF_CONSOLE_H

#include "core/smp_server.h"
#include "port/stm32f407/usart.h"
#include "port/text.h"

#define HF_CONSOLE_PACKET_MAX 2048u
#define HF_CONSOLE_PACKETS    4u
#define HF_CONSOLE_LINE_MAX   160u

struct hf_console {
	struct hf_usart_stream *stream;
	struct hf_smp_server server;
	struct hf_smp_decoder decoder;
	uint8_t packet[HF_CONSOLE_PACKET_MAX];
	uint8_t answer[HF_CONSOLE_PACKET_MAX + HF_SMP_HEADER_BYTES];
};

/* stream and update are kept. */
void hf_console_open(struct hf_console *c, struct hf_usart_stream *stream, struct hf_update *update, uint8_t cause);

/* Takes what has arrived, answers at most one request. True: there may be more. */
bool hf_console_poll(struct hf_console *c);

/* Logs a line; it is lost if the line before is stuck. */
void hf_console_log(struct hf_console *c, const struct hf_text *line);
/* Waits until all has left, at most 300 ms. */
void hf_console_drain(struct hf_console *c);

#endif
