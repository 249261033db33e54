/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define SEEDS_MAX  4096u /* of one instant */
#define LONG_OPS   5000u /* a flow of more is long */
#define LONG_WORDS 400u  /* of an image that are cut in a long flow */

static void want(struct plan *plan, unsigned row, uint32_t instant, uint32_t seed)
{
	if (plan->count == plan->room) {
		plan->room = plan->room ? 2 * plan->room : 4096;
		plan->of = realloc(plan->of, plan->room * sizeof *plan->of);
		if (!plan->of) {
			fprintf(stderr, "campaign: no memory for its plan\n");
			exit(1);
		}
	}
	plan->of[plan->count++] = (struct planned){ (uint8_t)row, instant, seed };
}

/* What tears at one operation tears alike, whatever ends the power: then only what a restart makes of it is new. */
static uint32_t seed_of(unsigned row, uint32_t instant, uint32_t round)
{
	bool cut = fault_table[row].class == FAULT_CUT;

	return (uint32_t)case_random(instant, (cut ? 0 : row + 1) << 16 | round);
}

/* Deterministic faults are the same with any seed. */
static bool takes_seeds(const struct fault *f)
{
	if (f->class == FAULT_CUT)
		return f->parameter != CUT_BEFORE;
	if (f->class == FAULT_STORED)
		return f->parameter == STORED_ALL;
	if (f->class == FAULT_PEER)
		return true;
	return f->class != FAULT_CLOCK && !(f->class == FAULT_BETWEEN && f->parameter == CUT_BEFORE);
}

static void plan_row(struct plan *plan, unsigned row, uint32_t instants, uint64_t cases)
{
	const struct fault *f = &fault_table[row];
	uint64_t rounds = instants ? (cases + instants - 1) / instants : 0;

	if (rounds > SEEDS_MAX)
		rounds = SEEDS_MAX;
	if (rounds > 1 && !takes_seeds(f))
		rounds = 1;
	if (instants == 0)
		return;
	if (rounds <= 1) {
		uint64_t n = cases < instants ? cases : instants;

		for (uint64_t i = 0; i < n; i++) {
			uint32_t instant = (uint32_t)((2 * i + 1) * instants / (2 * n));

			want(plan, row, instant, seed_of(row, instant, 0));
		}
		return;
	}
	for (uint32_t instant = 0; instant < instants; instant++)
		for (uint32_t round = 0; round < rounds; round++)
			want(plan, row, instant, seed_of(row, instant, round));
}

/* Every operation; in long flows, of an image's words, which are alike but for where a segment ends, every so manieth. */
static void plan_each_operation(struct plan *plan, unsigned row, const struct tape *t)
{
	uint32_t words = 0, step, nth = 0;

	for (size_t i = 0; i < t->ops; i++)
		words += t->op[i].data;
	step = t->ops > LONG_OPS ? (words + LONG_WORDS - 1) / LONG_WORDS : 1;
	step = step > 0 ? step : 1;
	for (uint32_t i = 0; i < t->ops; i++) {
		bool last = i + 1 == t->ops || !t->op[i + 1].data;

		if (!t->op[i].data || last || nth++ % step == 0)
			for (uint32_t round = 0; round < fault_table[row].every; round++)
				want(plan, row, i, seed_of(row, i, round));
	}
}

/* At least one of each kind. Long flows take long where they are played whole. */
static uint64_t share_of(const struct fault *f, const struct tape *t, unsigned quota)
{
	bool whole = f->class != FAULT_STORED && f->class != FAULT_BETWEEN;
	uint64_t cases = (uint64_t)quota * f->share / (whole && t->ops > LONG_OPS ? 800 : 100);

	return cases > 0 ? cases : quota > 0;
}

void plan_make(struct plan *plan, const struct tape *t, const struct stored *s, const char *flow, unsigned quota, bool each,
	       const struct fault *only)
{
	*plan = (struct plan){ 0 };
	for (unsigned row = 0; row < fault_count(); row++) {
		const struct fault *f = &fault_table[row];
		uint32_t instants = fault_instants(f, t, s);
		uint64_t cases = share_of(f, t, quota);

		if (only && f != only)
			continue;
		if (each && f->every && f->class == FAULT_CUT && cases < (uint64_t)instants * f->every) {
			plan_each_operation(plan, row, t);
			continue;
		}
		if (each && f->every && (!f->one_flow || strcmp(flow, CASE_EVERY_FLOW) == 0) && cases < (uint64_t)instants * f->every)
			cases = (uint64_t)instants * f->every;
		plan_row(plan, row, instants, cases);
	}
}

void plan_free(struct plan *plan)
{
	free(plan->of);
	*plan = (struct plan){ 0 };
}
