/* SPDX-License-Identifier: MIT
 *
 * What must hold whenever power has gone, before the device may put anything right, and what must hold once boot has done so:
 * by the host's own reading of the journal and of the slots.
 */
#ifndef HF_CAMPAIGN_WITNESS_H
#define HF_CAMPAIGN_WITNESS_H

#include "lab.h"

/* What the journal keeps beside the state, each as length and CRC; 0: there is none. */
struct witness_kept {
	uint64_t keyset, configuration;
};

struct witness {
	struct lab *lab;
	bool armed;              /* a flow was recorded: what follows is judged */
	bool relied;             /* there was confirmed firmware that verified */
	struct hf_state before;  /* the flow */
	struct witness_kept kept[2]; /* before it, and after it */
};

/* Asked at each lab_start() from now on; what does not hold is an error of the laboratory. */
void witness_attach(struct witness *w, struct lab *lab);

/* Where the flow begins, and where it has ended without a fault. NULL, or what is wrong there (static storage). */
void witness_begin(struct witness *w);
const char *witness_end(struct witness *w);

/* Without power, after faults that harm nothing but what is under way: nothing is lost, no count is wrong, and the journal
 * claims no more than the slots hold. NULL, or what does not hold (static storage). */
const char *witness_off(const struct witness *w);

/* Boot has read the journal: however the words that read differently each time are read now, the journal says the same. */
const char *witness_on(const struct witness *w);

#endif
