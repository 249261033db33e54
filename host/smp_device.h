/* SPDX-License-Identifier: MIT
 *
 * What a device says of itself over SMP, and the commands that take no more than one request (docs/PROTOCOL.md).
 *
 * Each asks with patience as hf_smp_request does. HF_OK with answer->refusal set: the device said no. Fields that a device
 * does not send are zero or empty; an answer of another shape than the protocol's is HF_ERR_TYPE.
 */
#ifndef HF_SMP_DEVICE_H
#define HF_SMP_DEVICE_H

#include "policy.h"
#include "smp_client.h"
#include "suit.h"

struct hf_smp_parameters {
	uint32_t buf_size;
	uint32_t buf_count;
};

struct hf_smp_image {
	uint32_t slot;
	char version[48];
	uint8_t hash[64];
	size_t hash_len;
	bool bootable, pending, confirmed, active, permanent;
};

#define HF_SMP_IMAGES 8

struct hf_smp_images {
	unsigned count; /* further ones are left out */
	struct hf_smp_image image[HF_SMP_IMAGES];
};

/* A Holdfast's status: group 64, id 0. */
struct hf_smp_status {
	char board[32];
	uint8_t vendor_id[16], class_id[16], device_id[16];
	uint32_t running; /* slot; HF_SLOTS: none, recovery */
	uint8_t versions; /* of the running firmware; 0: unknown */
	int32_t version[HF_VERSION_PARTS];
	uint32_t reset_cause; /* enum hf_reset_cause */
	uint32_t phase;       /* enum hf_update_phase */
	uint32_t target, off, len;
	uint32_t journal_free, journal_records, journal_bad;
	struct hf_state state; /* newest, floor, current, and of each slot state, starts, failures, reason, sequence, id */
	enum hf_err last_error;
	char last_error_text[128];
};

#define HF_SMP_RATES 16

/* The line as the device has it: group 64, id 2. */
struct hf_smp_line_state {
	uint32_t baud;
	uint32_t framing; /* enum hf_smp_framing */
	unsigned rates;   /* that it can do, the one that it starts with first; further ones are left out */
	uint32_t rate[HF_SMP_RATES];
};

struct hf_smp_counters {
	uint32_t requests, refused, dropped;
};

HF_MUST_USE enum hf_err hf_smp_get_parameters(struct hf_smp_client *c, uint32_t patience_ms,
					      struct hf_smp_parameters *out, struct hf_smp_answer *answer);
/* The same out of an answer that was received otherwise. */
HF_MUST_USE enum hf_err hf_smp_read_parameters(const struct hf_smp_answer *answer, struct hf_smp_parameters *out);
HF_MUST_USE enum hf_err hf_smp_get_images(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_images *out,
					  struct hf_smp_answer *answer);
HF_MUST_USE enum hf_err hf_smp_get_status(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_status *out,
					  struct hf_smp_answer *answer);
HF_MUST_USE enum hf_err hf_smp_get_counters(struct hf_smp_client *c, uint32_t patience_ms,
					    struct hf_smp_counters *out, struct hf_smp_answer *answer);

HF_MUST_USE enum hf_err hf_smp_get_line(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_line_state *out,
					struct hf_smp_answer *answer);
/* The same out of an answer that was received otherwise. */
HF_MUST_USE enum hf_err hf_smp_read_line(const struct hf_smp_answer *answer, struct hf_smp_line_state *out);

/* Asks the device to change over, baud 0: framing only; out: what it will have once its answer has left. Sent once: whether
 * a device that does not answer has changed over is not known. */
HF_MUST_USE enum hf_err hf_smp_set_line(struct hf_smp_client *c, uint32_t wait_ms, uint32_t baud,
					enum hf_smp_framing framing, struct hf_smp_line_state *out,
					struct hf_smp_answer *answer);

/* Wishes a trial of the image with this hash (32 bytes). */
HF_MUST_USE enum hf_err hf_smp_test_image(struct hf_smp_client *c, uint32_t patience_ms, const uint8_t *hash,
					  struct hf_smp_answer *answer);
/* Confirms what runs. */
HF_MUST_USE enum hf_err hf_smp_confirm_image(struct hf_smp_client *c, uint32_t patience_ms,
					     struct hf_smp_answer *answer);
/* Erases the slot that does not run. */
HF_MUST_USE enum hf_err hf_smp_erase_image(struct hf_smp_client *c, uint32_t patience_ms,
					   struct hf_smp_answer *answer);
HF_MUST_USE enum hf_err hf_smp_reset(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer);

/* For people. */
const char *hf_smp_slot_state_text(unsigned state);
const char *hf_smp_reset_cause_text(unsigned cause);

#endif
