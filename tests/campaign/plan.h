/* SPDX-License-Identifier: MIT
 *
 * Which cases of a flow are played: each kind of fault gets its share, so that the cheap ones cannot make up the number.
 *
 * Instants are taken evenly over what there is, and a fault that has fewer of them than its share is played again with other
 * seeds. The same arguments give the same cases.
 */
#ifndef HF_CAMPAIGN_PLAN_H
#define HF_CAMPAIGN_PLAN_H

#include "fault.h"

struct planned {
	uint8_t row;
	uint32_t instant, seed;
};

struct plan {
	struct planned *of;
	size_t count, room;
};

struct plan_options {
	unsigned quota;           /* cases of each kind of fault, of which each gets its share (fault.h) */
	unsigned turn;            /* 0 .. 5: which part of what six turns share, a board and layout each: instants that would be
				   * too many for one, and of a slow flow the kinds that get less than one case */
	bool each;                /* every instant of the kinds for which that is possible; in slow flows some hundred */
	bool whole;               /* with each: in slow flows too, and every bit of an image, which takes hours */
	const struct fault *only; /* NULL, or the one that is wanted */
};

/* Exits without memory. */
void plan_make(struct plan *plan, const struct tape *t, const struct stored *s, const char *flow,
	       const struct plan_options *options);
void plan_free(struct plan *plan);

#endif
