/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define SEEDS_MAX  4096u /* of one instant */
#define SLOW_OPS   240u /* about as many operations are cut in a slow flow */

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
	if (instants == 0 || cases == 0)
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

#define TURNS 6u

/*
 * Every operation; in slow flows some hundred, and the words of an image, which are alike, once in a while: others of them
 * in each turn.
 */
static void plan_each_operation(struct plan *plan, unsigned row, const struct tape *t, const struct plan_options *o)
{
	uint32_t step = t->slow && !o->whole ? (uint32_t)(t->ops / SLOW_OPS) : 0;
	uint32_t words = step ? step : 1, others = step > 20 ? 2 : 1, nth[2] = { 0, o->turn % TURNS * words / TURNS };

	for (uint32_t i = 0; i < t->ops; i++) {
		bool word = t->op[i].data && i + 1 < t->ops && t->op[i + 1].data;

		if (nth[word]++ % (word ? words : others) == 0)
			want(plan, row, i, seed_of(row, i, 0));
	}
}

static uint64_t share_of(unsigned row, const struct tape *t, const struct plan_options *o)
{
	const struct fault *f = &fault_table[row];
	bool whole = f->class != FAULT_STORED && f->class != FAULT_BETWEEN;
	uint64_t cases = (uint64_t)o->quota * f->share / (whole && t->slow ? 800 : 100);

	return cases > 0 || o->quota == 0 || (whole && t->slow && (row + o->turn) % TURNS != 0) ? cases : 1;
}

/* 0: a share of the instants; 1: each; 2: every second one, of which a turn has the odd or the even ones. */
static uint32_t step_of(const struct fault *f, const char *flow, const struct plan_options *o)
{
	if (f->extent == FAULT_EACH)
		return o->each;
	if (strcmp(flow, CASE_EVERY_FLOW) != 0 || !o->each || f->extent == FAULT_SHARE || (f->extent == FAULT_HOURS && !o->whole))
		return 0;
	return f->extent == FAULT_HALF && !o->whole ? 2 : 1;
}

static void plan_each(struct plan *plan, unsigned row, uint32_t instants, uint32_t step, unsigned turn)
{
	for (uint32_t instant = turn % TURNS / (TURNS / 2) % step; instant < instants; instant += step)
		want(plan, row, instant, seed_of(row, instant, 0));
}

void plan_make(struct plan *plan, const struct tape *t, const struct stored *s, const char *flow,
	       const struct plan_options *options)
{
	*plan = (struct plan){ 0 };
	for (unsigned row = 0; row < fault_count(); row++) {
		const struct fault *f = &fault_table[row];
		uint32_t instants = fault_instants(f, t, s), step = step_of(f, flow, options);
		uint64_t cases = options->only && f != options->only ? 0 : share_of(row, t, options);

		if (cases == 0 || step == 0 || cases >= instants)
			plan_row(plan, row, instants, cases);
		else if (f->class == FAULT_CUT)
			plan_each_operation(plan, row, t, options);
		else
			plan_each(plan, row, instants, step, options->turn);
	}
}

void plan_free(struct plan *plan)
{
	free(plan->of);
	*plan = (struct plan){ 0 };
}
