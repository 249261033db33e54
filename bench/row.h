/* SPDX-License-Identifier: MIT
 *
 * A measurement, as a line of build/bench.json (scripts/bench.sh joins the lines of all programs).
 */
#ifndef HF_BENCH_ROW_H
#define HF_BENCH_ROW_H

#include <stdio.h>

enum better { LOWER, HIGHER };

/* A value without a goal: goal is NULL. `how` says in a few words what was measured. */
static inline void row(const char *name, double value, const char *unit, enum better better, const double *goal,
		       const char *how)
{
	printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"better\": \"%s\"", name, value, unit,
	       better == LOWER ? "lower" : "higher");
	if (goal)
		printf(", \"goal\": %.6g, \"met\": %s", *goal,
		       (better == LOWER ? value <= *goal : value >= *goal) ? "true" : "false");
	printf(", \"how\": \"%s\"}\n", how);
}

#endif
