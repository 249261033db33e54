/* SPDX-License-Identifier: MIT */
#include "shrink.h"

#include <string.h>

#define PLAYS 200u

struct attempt {
	struct player *player;
	struct test_case best;
	const char *why; /* the best one fails */
	unsigned plays;
};

static bool fails(struct attempt *a, const struct test_case *k)
{
	const char *why;

	if (a->plays >= PLAYS)
		return false;
	a->plays++;
	if (player_play(a->player, k, &why) < FAILED)
		return false;
	a->best = *k;
	a->why = why;
	return true;
}

/* Without one of its steps. The first cut's instant counts from the flow's begin, a later one's from a restart: the first one stays. */
static bool fewer(struct attempt *a)
{
	bool first_too = fault_table[a->best.step[0].fault].class == FAULT_STORED;

	for (unsigned i = a->best.steps; i-- > (first_too ? 0 : 1);) {
		struct test_case k = a->best;

		if (k.steps == 1)
			return false;
		memmove(&k.step[i], &k.step[i + 1], (k.steps - i - 1) * sizeof k.step[0]);
		k.steps--;
		if (fails(a, &k))
			return true;
	}
	return false;
}

/* A clean cut instead of a torn word, a torn one instead of one that reads as it likes. */
static bool milder(struct attempt *a)
{
	for (unsigned i = 0; i < a->best.steps; i++) {
		const struct fault *f = &fault_table[a->best.step[i].fault];

		for (uint8_t row = 0; f->class == FAULT_CUT && row < a->best.step[i].fault && row < FAULT_CUTS; row++) {
			struct test_case k = a->best;

			k.step[i].fault = row;
			if (fails(a, &k))
				return true;
		}
	}
	return false;
}

/* Later cuts nearer to the restart. */
static bool nearer(struct attempt *a)
{
	for (unsigned i = 1; i < a->best.steps; i++) {
		struct test_case k = a->best;

		if (fault_table[k.step[i].fault].class != FAULT_CUT || k.step[i].instant == 0)
			continue;
		k.step[i].instant /= 2;
		if (fails(a, &k))
			return true;
	}
	return false;
}

const char *shrink(struct player *p, struct test_case *k)
{
	struct attempt a = { .player = p, .best = *k };
	struct share *share = p->share;

	p->share = NULL;
	(void)fails(&a, k);
	while (a.why && (fewer(&a) || milder(&a) || nearer(&a)))
		;
	p->share = share;
	*k = a.best;
	return a.why;
}
