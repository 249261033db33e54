/* SPDX-License-Identifier: MIT
 *
 * A flow as it ran once without any fault: what it did to flash and when, and snapshots from which a case goes on shortly
 * before its instant.
 *
 * Snapshots are taken whenever the client has sent something, so that what lies between one and the next is the device's
 * own doing, and a case needs no client until its fault has struck.
 */
#ifndef HF_CAMPAIGN_TAPE_H
#define HF_CAMPAIGN_TAPE_H

#include "campaign.h"

struct tape_moment {
	struct hf_twin_snapshot *snapshot;
	uint64_t op, instructions, ns;
};

struct tape_op {
	uint32_t addr;
	bool erase;
	bool data; /* a word of an image, in a run of such: they are many and much alike */
};

struct tape {
	bool bare, slow; /* the flow's */
	struct tape_moment *moment;
	size_t moments;
	struct tape_op *op;
	size_t ops;
	uint64_t first_op, first_instruction, instructions; /* counts of the twin at the flow's begin; of the flow */
	unsigned frames;                                    /* writes of the client */
	uint64_t sent;                                      /* bytes of them */
	struct hf_twin_snapshot *end;                       /* when it was over */
};

/* Runs the flow from where the twin is. NULL, or what went wrong (static storage); the tape is to be freed either way. */
const char *tape_record(struct tape *t, struct campaign *c, const struct flow *flow);
void tape_free(struct tape *t);

/* The last snapshot before an operation, an instruction of the flow. */
const struct hf_twin_snapshot *tape_before_op(const struct tape *t, uint64_t op);
const struct hf_twin_snapshot *tape_before_instruction(const struct tape *t, uint64_t instruction);
const struct hf_twin_snapshot *tape_begin(const struct tape *t);

#endif
