/* SPDX-License-Identifier: MIT
 *
 * A device's black box (docs/PROTOCOL.md, group 64, id 13): what its last starts were, and what is left undone.
 *
 * As in smp_device.h: HF_OK with answer->refusal set: the device said no. Firmware that is older than the command refuses it
 * with HF_ERR_UNSUPPORTED.
 */
#ifndef HF_SMP_BLACKBOX_H
#define HF_SMP_BLACKBOX_H

#include "blackbox.h"
#include "smp_client.h"

struct hf_smp_blackbox {
	unsigned starts;             /* that are known, this one first */
	struct hf_blackbox_port port; /* crash[0] 0: none is known */
	struct hf_repairs now;       /* of the running program's own mount */
	struct hf_blackbox box;
	bool live;                   /* there is a journal */
	enum hf_err stuck;           /* why it cannot be appended to; HF_OK */
	uint32_t segments[HF_SLOTS]; /* of 16 KiB, committed */
	uint8_t copies[HF_SLOTS], component[HF_SLOTS];
	uint64_t recovery_sequence;
	uint8_t recovery_copies;     /* of its record; 0: the factory's is there */
	enum hf_err recovery_err;    /* of reading the partition's head */
	bool unknown;                /* the journal holds what only later firmware understands */
};

HF_MUST_USE enum hf_err hf_smp_get_blackbox(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_blackbox *out,
					    struct hf_smp_answer *answer);

/* For people: what boot repaired at a start, "2 torn journal slots declared dead, ..."; "" for nothing. */
#define HF_REPAIRS_TEXT_BYTES 256
const char *hf_repairs_text(uint32_t start, char text[HF_REPAIRS_TEXT_BYTES]);
/* "power", "brown-out", ... as hf_smp_reset_cause_text knows them. */
const char *hf_start_cause_text(uint32_t start);

#endif
