/* SPDX-License-Identifier: MIT
 *
 * The two halves of an3155: the line, with the loader's place in its protocol (an3155_line.c), and the commands on it.
 */
#ifndef HF_AN3155_LINE_H
#define HF_AN3155_LINE_H

#include "an3155.h"

#define HF_AN3155_ANSWER_MS 500u /* where the loader only has to compute: adapters and serial servers may be slow */

uint64_t hf_an3155_now_ms(const struct hf_an3155 *rom);
/* What so many bytes take at the line's rate, rounded up. */
uint32_t hf_an3155_wire_ms(const struct hf_an3155 *rom, size_t bytes);
bool hf_an3155_stopped(const struct hf_an3155 *rom);

HF_MUST_USE enum hf_err hf_an3155_put(struct hf_an3155 *rom, const uint8_t *bytes, size_t len);
/* The next byte that is the loader's, not an echo of ours. */
HF_MUST_USE enum hf_err hf_an3155_get(struct hf_an3155 *rom, uint32_t timeout_ms, uint8_t *byte);
/* HF_OK: acknowledged; HF_ERR_DENIED: refused; HF_ERR_CRC: something else came. */
HF_MUST_USE enum hf_err hf_an3155_answer(struct hf_an3155 *rom, uint32_t timeout_ms);

HF_MUST_USE enum hf_err hf_an3155_set_line(struct hf_an3155 *rom, uint32_t baud);
/* Where the port is gone (err HF_ERR_IO), opens it again; else err. */
HF_MUST_USE enum hf_err hf_an3155_back_at_the_port(struct hf_an3155 *rom, enum hf_err err);

/* One try to get to where commands begin. HF_OK, whatever *peer is. in_frame: the loader may still wait for the rest of a
 * frame. */
HF_MUST_USE enum hf_err hf_an3155_align(struct hf_an3155 *rom, bool in_frame, enum hf_an3155_peer *peer);

#endif
