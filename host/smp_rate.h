/* SPDX-License-Identifier: MIT
 *
 * At which rate and in which framing we talk to a device: finding it, getting to the fastest line that proves good, going
 * down when the line gets worse, finding it again when it has restarted.
 *
 * A device that has the command `line` (docs/PROTOCOL.md) falls back to its first rate by itself when it hears nothing good;
 * one that does not know it stays as it was found, with the console framing. Nothing here changes what is in its flash.
 */
#ifndef HF_SMP_RATE_H
#define HF_SMP_RATE_H

#include "smp_device.h"

struct hf_smp_rate {
	/* Set by the caller, the rest zero. */
	const uint32_t *baud; /* that may be used, tried in this order to find the device; kept */
	unsigned bauds;       /* 0: the line has no rate, or is left as it is */
	bool offered_too;     /* also those that only the device names */
	bool console;         /* leave rate and framing as they are found */
	uint32_t wanted;      /* only this rate, once found; 0: the fastest */
	bool let_start;       /* do not wake a boot that just starts: its firmware is waited for */

	/* To be read. */
	uint32_t now;         /* 0: unknown */
	uint32_t first;       /* that the device has after a restart */
	bool known;           /* the device has the command */
	unsigned offers;
	uint32_t offer[HF_SMP_RATES];
	uint32_t proof_bits, proof_sent, proof_lost; /* of the last proof: bits on the line, packets, lost ones */
	struct hf_smp_parameters parameters; /* of the device, told during the proof; buf_size 0: they were not */
	unsigned falls;       /* times that the rate went down because packets were lost */
	unsigned finds;       /* times that the device had to be looked for again */

	/* Private. */
	bool offered;         /* finding the device brought its offer, too, which raising the line takes */
	uint32_t ceiling;     /* never above it again in this session; 0: none */
};

/* Looks for a device until it answers anything at all, and (but for let_start) wakes a boot that just starts into recovery. HF_ERR_TIMEOUT,
 * HF_ERR_IO: nobody within patience_ms. */
HF_MUST_USE enum hf_err hf_smp_rate_find(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms);

/* To the fastest line that proves good, by packets that come back as they went. HF_OK: the device answers, be it as
 * before. HF_ERR_NOT_FOUND: it cannot have the rate that is wanted. Else it is lost. */
HF_MUST_USE enum hf_err hf_smp_rate_raise(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms);

/* One rate down. HF_ERR_NOT_FOUND: there is none, nothing changed. Nothing may be under way. */
HF_MUST_USE enum hf_err hf_smp_rate_lower(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms);

/* The device is not heard any more: finds it as it was, or as it is after a restart, and then raises the line again. */
HF_MUST_USE enum hf_err hf_smp_rate_again(struct hf_smp_client *c, struct hf_smp_rate *r, uint32_t patience_ms);

/* Back to what the device starts with, so that whoever comes next finds it. */
void hf_smp_rate_restore(struct hf_smp_client *c, struct hf_smp_rate *r);

#endif
