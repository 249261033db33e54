/* SPDX-License-Identifier: MIT
 *
 * How good the line to a device is, in figures: bit errors of a stated number of bits, round trips, throughput. By echoes of
 * patterns, at the rate and in the framing that the client has now; nothing in the device's flash changes.
 */
#ifndef HF_LINK_QUALITY_H
#define HF_LINK_QUALITY_H

#include "smp_device.h"

#define HF_LINK_BITS      262144u /* by default: enough to say "less than 1 in 87000" of a line without an error */
#define HF_LINK_BITS_MIN  8192u
#define HF_LINK_BITS_MAX  (64u << 20)
#define HF_LINK_TRIPS     32u     /* round trips of which latency is the mean */

struct hf_link_quality {
	/* Set by the caller, the rest zero. */
	uint32_t bits;       /* on the line, both ways together, at least; 0: HF_LINK_BITS */
	uint32_t baud;       /* of the line; 0: unknown */
	struct hf_smp_parameters parameters; /* of the device in this framing; buf_size 0: they are asked for */

	/* To be read. */
	uint64_t tested;     /* bits: data bits of what was sent and of what was sent back */
	uint32_t packets;    /* sent */
	uint32_t lost;       /* of them: no good answer came */
	uint32_t damaged;    /* of these: the answer came back with wrong bits; the others were damaged on the way there */
	uint32_t errors;     /* wrong bits: counted in damaged answers, reckoned from the number of other losses */
	bool device_known;   /* what the device counted meanwhile is known; it may have counted others' packets, too */
	uint32_t device_dropped; /* packets that arrived there damaged */
	uint32_t one_in;     /* an error in so many bits, as found; 0: none was found */
	uint32_t one_in_95;  /* it is at least that good, with 95 % confidence */
	uint32_t ms;         /* what the patterns took */
	uint32_t bytes_per_s; /* of packets' content that came back, each way; 0: too short to say */
	uint32_t trips;      /* round trips of a small packet that were timed */
	uint32_t latency_us, latency_max_us; /* of a round trip: mean, longest (milliseconds are what the clock tells) */
};

/* Measures. HF_OK: it is filled, and the device still answers; how good the line is, is the caller's to judge. HF_ERR_TIMEOUT,
 * HF_ERR_IO: the device is lost, or answers nothing of all; `packets` and `lost` are valid. HF_ERR_UNSUPPORTED: it knows no
 * echo. */
HF_MUST_USE enum hf_err hf_link_measure(struct hf_smp_client *c, struct hf_link_quality *q);

/* "no bit wrong in 262144 at 921600 baud: less than 1 in 87381 (95 % sure)". Returns text. */
const char *hf_link_text(const struct hf_link_quality *q, char *text, size_t room);

/* Of `tested` bits `errors` were wrong: the rate is lower than one in how many, with 95 % confidence. At most tested / 3. */
uint32_t hf_link_one_in_95(uint64_t tested, uint32_t errors);

#endif
