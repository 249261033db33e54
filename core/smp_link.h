/* SPDX-License-Identifier: MIT
 *
 * Which rate and framing the line has: the command `line` (group 64, id 2), and when to fall back. Pure: the port does the
 * switching.
 *
 * A request is answered at the old settings, then both sides switch. New settings have to prove themselves: without a
 * whole packet within HF_SMP_LINK_PROOF_MS the board's first rate and console framing count again. So they do once nothing
 * was heard for HF_SMP_LINK_SILENCE_MS: a peer that is gone must not leave a line that only its successor could guess.
 *
 * A peer whose adapter cannot do the first rate is met half-way: where characters go on coming damaged and no packet comes
 * whole, for so long that a peer which goes through the rates itself would have met us, the next rate is tried.
 */
#ifndef HF_SMP_LINK_H
#define HF_SMP_LINK_H

#include "cbor.h"

#define HF_SMP_LINK_PROOF_MS   1000u
#define HF_SMP_LINK_SILENCE_MS 15000u
#define HF_SMP_LINK_STAY_MS    1500u /* damage has to go on for so long, for each of the rates */

enum hf_smp_framing { HF_SMP_FRAMING_CONSOLE, HF_SMP_FRAMING_BINARY };

struct hf_smp_link {
	const uint32_t *rate; /* kept */
	uint8_t rates;

	/* What counts; to be read. */
	uint8_t index;        /* of the rate */
	uint8_t framing;      /* enum hf_smp_framing: what the peer speaks. Both are always understood */

	/* Private. */
	uint8_t next_index, next_framing;
	bool wanted;          /* the answer is on its way; switch when it has left */
	bool unproved;
	uint32_t since_ms;    /* of the switch, or of the last packet */
	bool heals;           /* a packet came, or there is no damage yet */
	uint32_t damaged;     /* characters, as last seen */
	uint32_t damaged_ms;  /* since when no packet came, but damage */
};

/* rate (at least one) is kept; the first is the one that the line has now. */
void hf_smp_link_begin(struct hf_smp_link *l, const uint32_t *rate, uint8_t rates);

/* The command. A write that is refused has changed nothing. */
HF_MUST_USE enum hf_err hf_smp_link_serve(struct hf_smp_link *l, bool write, struct hf_bytes body,
					  struct hf_cbor_writer *w);

/* Before a request is served: it came whole, of either framing. */
void hf_smp_link_heard(struct hf_smp_link *l, uint32_t now_ms);

/* An answer has left the transmitter (only then) or the time has gone on. True: set the line to rate[index] now. */
bool hf_smp_link_sent(struct hf_smp_link *l, uint32_t now_ms);
bool hf_smp_link_tick(struct hf_smp_link *l, uint32_t now_ms);

/* `damaged` characters have come since the beginning. True: set the line to rate[index] now. */
bool hf_smp_link_damaged(struct hf_smp_link *l, uint32_t damaged, uint32_t now_ms);

#endif
