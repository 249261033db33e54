/* SPDX-License-Identifier: MIT
 *
 * Breadth first, so that the first counter-example is a shortest one. States are told apart by their canonical form.
 */
#ifndef HF_MODEL_SEARCH_H
#define HF_MODEL_SEARCH_H

#include "events.h"

struct found {
	unsigned depth;            /* complete: all states that this many events lead to were expanded */
	unsigned long states;      /* distinct ones */
	unsigned long steps;       /* events played */
	unsigned long escapes;     /* steps of ways out */
	bool whole;                /* there are no others */
	const char *broken;        /* the rule that was broken; NULL: none */
};

/* From these worlds, `depth` events deep, or until there are `max` states. Prints the shortest way to a broken rule. */
void search(const struct world *from, unsigned count, unsigned depth, unsigned long max, struct found *out);

#endif
