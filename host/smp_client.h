/* SPDX-License-Identifier: MIT
 *
 * The other side of SMP: requests to a device, over a line that may lose, damage or repeat anything, to a device that may
 * answer late or restart. Time is the serial seam's.
 */
#ifndef HF_SMP_CLIENT_H
#define HF_SMP_CLIENT_H

#include "frame.h"
#include "serial.h"
#include "smp.h"
#include "smp_link.h"

#define HF_SMP_CLIENT_PACKET 4096u /* longest packet that is sent or taken */

struct hf_smp_client {
	/* Set by hf_smp_client_init. */
	const struct hf_serial *serial;

	/* May be set by the caller: what the device says beside SMP, byte by byte; and whether to give up now. */
	void (*on_text)(void *ctx, uint8_t byte);
	bool (*stop)(void *ctx);
	void *ctx;

	/* To be read. */
	enum hf_smp_framing framing; /* of requests; set by hf_smp_set_framing */
	uint32_t sent, answered, timeouts, reopened;
	uint32_t text_lines;         /* line ends beside SMP: somebody there speaks */
	uint64_t received, written;  /* bytes on the line, of whatever kind */

	/* Private. */
	uint8_t seq;
	uint64_t silent_ms; /* how long reads in a row brought nothing */
	struct hf_frame_decoder frames;
	size_t in_len, in_pos;
	uint8_t in[512];
	struct hf_smp_decoder decoder;
	uint8_t packet[HF_SMP_CLIENT_PACKET];
	uint8_t request[HF_SMP_CLIENT_PACKET];
};

/* A device's answer. `refusal` is HF_OK, or why the device did not do it: the exact error where it is a Holdfast, else the
 * nearest one to its rc. */
struct hf_smp_answer {
	struct hf_smp_header header;
	struct hf_bytes body;  /* borrowed until the next call */
	enum hf_err refusal;
	uint32_t group, rc;    /* as the device sent them; group 0 where it sent none */
	char reason[128];      /* the device's sentence, or our own for its error; "" without a refusal */
};

/* serial is borrowed for good. */
void hf_smp_client_init(struct hf_smp_client *c, const struct hf_serial *serial);

/* How requests are framed from now on. Answers are understood in the console framing, with the binary one chosen in both.
 * What has arrived of an answer is dropped. */
void hf_smp_set_framing(struct hf_smp_client *c, enum hf_smp_framing framing);

/* Packets that were dropped because they arrived damaged, of either framing. */
uint32_t hf_smp_dropped(const struct hf_smp_client *c);

/* Sends one request, once; *seq is what its answer will carry. HF_ERR_TOO_LARGE, or the line's error. */
HF_MUST_USE enum hf_err hf_smp_send(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
				    struct hf_bytes body, uint8_t *seq);

/* The next answer to anything. HF_ERR_TIMEOUT at until_ms (seam time) or when `stop` says so, HF_ERR_IO. What is not a
 * well-formed answer is passed over. */
HF_MUST_USE enum hf_err hf_smp_receive(struct hf_smp_client *c, uint64_t until_ms, struct hf_smp_answer *out);

/* Asks until there is an answer: again after 1, 2, 4, ... 8 s, and reopens a line that is gone, for patience_ms altogether.
 * Requests may thereby reach the device twice. HF_OK: an answer is there, be it a refusal. HF_ERR_TIMEOUT: none came.
 * HF_ERR_IO: the line is gone and did not come back. */
HF_MUST_USE enum hf_err hf_smp_request(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id,
				       struct hf_bytes body, uint32_t patience_ms, struct hf_smp_answer *out);

/* Opens a line that is gone again, with pauses, until_ms at most. */
HF_MUST_USE enum hf_err hf_smp_reopen(struct hf_smp_client *c, uint64_t until_ms);

bool hf_smp_stopped(const struct hf_smp_client *c);

#endif
