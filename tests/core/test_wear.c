/* SPDX-License-Identifier: MIT
 *
 * The whole upgrade over flash that wears out, with and without cuts. Whatever fails, firmware that is allowed to start
 * starts (device_boot fails the test if not). What fails in the journal alone does not even keep an upgrade from its goal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "world.h"

struct outcome {
	unsigned long cases, reached, journal;
};

/* Whether what is worn lies in the journal alone. */
static bool worn_in_journal(const struct sim_flash *f)
{
	uint32_t words = f->layout->journal[0].size * 2 / 4; /* the first sectors are the journal's */

	for (uint32_t i = words; i < f->size / 4; i++)
		if (f->stuck_one[i] || f->stuck_zero[i])
			return false;
	return (f->dead & ~3u) == 0;
}

static void one(const struct world *w, const struct device *begin, const struct package *goal, unsigned long wear_at,
		enum sim_wear wear, struct cuts cuts, struct outcome *o)
{
	struct device d;
	bool reached;

	meet(w, &d);
	sim_flash_copy(&d.flash, &begin->flash);
	d.flash.random ^= (uint32_t)(wear_at * 31 + cuts.at);
	d.worn = true;
	d.flash.wear_at = wear_at;
	d.flash.wear = wear;
	if (goal->hangs)
		device_fall_back(&d, goal, cuts);
	else
		device_reach(&d, goal, cuts);
	reached = goal->hangs ? d.runs != goal : d.runs == goal;
	o->cases++;
	o->reached += reached;
	assert_true(reached || !goal->hangs);
	assert_int_equal(d.last_resorts, 0);
	if (worn_in_journal(&d.flash)) {
		o->journal++;
		assert_true(reached);
	}
	device_close(&d);
}

/* Each kind of wear coming at each operation. */
static void every_wear(const struct world *w, const struct device *begin, const struct package *goal, struct outcome *o)
{
	unsigned long n = w->upgraded.flash.operation;

	for (unsigned long at = 1; at <= n; at += 2 * SHARE)
		for (int wear = 0; wear < SIM_WEARS; wear++)
			one(w, begin, goal, at, (enum sim_wear)wear, (struct cuts){ 0 }, o);
}

static void wear_and_cut(const struct world *w, const struct device *begin, const struct package *goal, struct outcome *o)
{
	unsigned long n = w->upgraded.flash.operation;
	uint32_t random = 1;

	for (unsigned long i = 0; i < 2000; i += SHARE) {
		struct cuts cuts;
		unsigned long wear_at;

		random = random * 1664525u + 1013904223u;
		wear_at = 1 + (random >> 8) % n;
		random = random * 1664525u + 1013904223u;
		cuts.at = i % 2 ? wear_at + (random >> 8) % 40 : 1 + (random >> 8) % n;
		cuts.second = random & 64 ? 1 + (random >> 9) % 80 : 0;
		cuts.how = (enum sim_cut)(1 + (random >> 3) % (SIM_CUTS - 1));
		cuts.second_how = (enum sim_cut)(1 + i % (SIM_CUTS - 1));
		one(w, begin, goal, wear_at, (enum sim_wear)(i % SIM_WEARS), cuts, o);
	}
}

static void play(const char *what,
		 void (*cases)(const struct world *, const struct device *, const struct package *, struct outcome *))
{
	for (unsigned i = 0; i < 2; i++) {
		struct outcome o = { 0 };
		struct world w;

		world_open(&w, &layouts[i], 512);
		cases(&w, &w.factory, &w.v1, &o);
		cases(&w, &w.upgraded, &w.v2, &o);
		cases(&w, &w.upgraded, &w.bad, &o);
		print_message("# %s: %s: %lu cases, %lu get there, all of the %lu that wear the journal alone\n", layouts[i].name,
			      what, o.cases, o.reached, o.journal);
		world_close(&w);
	}
}

static void flash_worn_at_every_operation_starts_and_upgrades(void **state)
{
	(void)state;
	play("wear", every_wear);
}

static void flash_worn_and_cut_starts_and_upgrades(void **state)
{
	(void)state;
	play("wear and cuts", wear_and_cut);
}

/* What runs has rotted in flash since it was started. The other slot still holds firmware that starts: it must not be
 * erased, and once it runs the upgrade succeeds. */
static void running_firmware_that_rots_does_not_cost_the_other(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, &layouts[0], 512);
	for (unsigned long at = 0; at < 400; at += 1 + 3 * (SHARE > 1)) {
		struct device d;

		meet(&w, &d);
		sim_flash_copy(&d.flash, &w.upgraded.flash);
		d.worn = true;
		device_boot(&d);
		assert_ptr_equal(d.runs, &w.v1);
		d.flash.mem[d.choose.image[d.running].image_addr - d.flash.base + 300] ^= 8;
		device_reach_on(&d, &w.v2, (struct cuts){ .at = at, .how = (enum sim_cut)(1 + at % (SIM_CUTS - 1)) });
		assert_ptr_equal(d.runs, &w.v2);
		device_close(&d);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flash_worn_at_every_operation_starts_and_upgrades),
		cmocka_unit_test(running_firmware_that_rots_does_not_cost_the_other),
		cmocka_unit_test(flash_worn_and_cut_starts_and_upgrades),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
