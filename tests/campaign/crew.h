/* SPDX-License-Identifier: MIT
 *
 * Plays a plan in several processes, and counts.
 *
 * Workers are forked from the one that recorded the flow, so that they share its snapshots; which case is next, the counts and
 * the states that cases share lie in memory that all see. A worker that dies costs its case, which counts as failed.
 */
#ifndef HF_CAMPAIGN_CREW_H
#define HF_CAMPAIGN_CREW_H

#include "plan.h"
#include "play.h"

#define CREW_ROWS 64u

struct tally {
	unsigned long tried, survived, shared, failed, bricked;
	uint64_t us; /* of a core */
};

struct crew_options {
	const char *place;    /* BOARD/LAYOUT, for what is printed */
	unsigned jobs;
	bool first;           /* stop at the first failure */
	bool quiet;           /* no bar */
	unsigned told;        /* failures that may still be printed and shrunk */
};

struct crew_result {
	struct tally row[CREW_ROWS];
	struct tally all;
	uint64_t cpu_ns;      /* of the workers */
};

/* Prints a line for each failure ("# FAILED ..."). false: it could not be done, errno says why. */
bool crew_play(struct player *p, const struct plan *plan, struct crew_options *options, struct crew_result *result);

#endif
