/* SPDX-License-Identifier: MIT
 *
 * The maintenance UART: SMP requests in, answers out, and log lines between them. Lines are written whole, so that an
 * answer and a log line never mix. Gateway and recovery share it.
 *
 * Bytes go from the DMA's ring through the decoders into a queue of packets. hf_smp_line_fetch() may be called while flash is
 * busy: so ring and queue together hold what a sender has under way, and decoding costs no time of its own.
 */
#ifndef HF_SMP_LINE_H
#define HF_SMP_LINE_H

#include "core/frame.h"
#include "core/smp_server.h"
#include "port/packet_queue.h"
#include "port/stm32f407/usart.h"
#include "port/text.h"

#define HF_SMP_LINE_LOG_MAX 192u

struct hf_smp_line {
	/* Given by the caller, the rest zero; all is kept. */
	struct hf_usart_stream *stream;       /* opened before anything is read or sent */
	const struct hf_usart_config *usart;
	const struct hf_clock *clock;
	const uint32_t *rate;                 /* the board's; the first is the one that the UART was opened with */
	uint8_t rates;
	bool hooked;                          /* hf_smp_line_fetch() is called while flash is busy */
	bool walks;                           /* a line that brings nothing but damage is tried at the next rate */
	uint16_t packet_size;                 /* of the largest request */
	uint8_t *answer;                      /* room for its echo, at least HF_SMP_ANSWER_MAX */
	uint16_t answer_size;
	struct hf_packet_queue queue;         /* with memory for one such at least */

	/* To be read. */
	struct hf_smp_server server;
	uint32_t packets;                     /* that came whole, of either framing */
	struct hf_smp_link link;              /* rate and framing of now */

	/* Private. */
	struct hf_smp_decoder text;
	struct hf_frame_decoder frame;
	uint8_t *place;                       /* in the queue, where the next packet goes; NULL: none yet */
	uint32_t arrived_ms;
};

/* update is kept; cause: enum hf_reset_cause. */
void hf_smp_line_open(struct hf_smp_line *l, struct hf_update *update, uint8_t cause);

/* Takes what has arrived, answers at most one request, in the framing in which it came. True: there may be more. */
bool hf_smp_line_poll(struct hf_smp_line *l);
/* From the ring into the queue, a piece at a time. ctx: the line. For the time that flash is busy; needs no flash. */
void hf_smp_line_fetch(void *ctx);

/* Logs a line; it is lost if the line before is stuck. */
void hf_smp_line_log(struct hf_smp_line *l, const struct hf_text *line);
/* Waits until all has left, at most 300 ms. */
void hf_smp_line_drain(struct hf_smp_line *l);

#endif
