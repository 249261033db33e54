/* SPDX-License-Identifier: MIT
 *
 * The whole upgrade under every cut, on the code that the device runs but for the CPU: boot's choice, upload, activation,
 * confirmation, roll-back, the journal's take-over. After any cut the device starts firmware that is allowed to start
 * (device_boot fails the test if it does not), and the upgrade done again succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"

/* Two tables like the boards', scaled down; the journal of the second is taken over at every opening. */
static const struct hf_layout layouts[2] = {
	{
		.name = "large journal",
		.vendor_id = { 1 }, .class_id = { 2 },
		.sectors = 7,
		.sector = { { 0x08000000, 8192 }, { 0x08002000, 8192 }, { 0x08004000, 16384 }, { 0x08008000, 16384 },
			    { 0x0800c000, 16384 }, { 0x08010000, 16384 }, { 0x08014000, 4096 } },
		.journal = { { 0x08000000, 8192 }, { 0x08002000, 8192 } },
		.slot = { { 0x08004000, 32768 }, { 0x0800c000, 32768 } },
		.ram = { { 0x20000000, 131072 } },
	},
	{
		.name = "small journal",
		.vendor_id = { 1 }, .class_id = { 3 },
		.sectors = 4,
		.sector = { { 0x08000000, 4096 }, { 0x08001000, 4096 }, { 0x08002000, 32768 }, { 0x0800a000, 32768 } },
		.journal = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
		.slot = { { 0x08002000, 32768 }, { 0x0800a000, 32768 } },
		.ram = { { 0x20000000, 131072 } },
	},
};

/* The sanitizers' build takes a share of the cases: what it looks for does not hide in one operation alone. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

struct world {
	struct maker maker;
	struct package v0, v1, v2, bad;
	struct device factory, upgraded; /* where flows begin: fresh from the factory; 1.1.0 confirmed beside 1.0.0 */
};

static void meet(const struct world *w, struct device *d)
{
	device_open(d, &w->maker);
	d->known[0] = &w->v0;
	d->known[1] = &w->v1;
	d->known[2] = &w->v2;
	d->known[3] = &w->bad;
}

static void world_open(struct world *w, const struct hf_layout *layout, uint32_t image_bytes)
{
	memset(w, 0, sizeof *w);
	maker_open(&w->maker, layout);
	maker_pack(&w->maker, 0, 1, image_bytes, &w->v0);
	maker_pack(&w->maker, 1, 1, image_bytes, &w->v1);
	maker_pack(&w->maker, 2, 2, image_bytes, &w->bad);
	maker_pack(&w->maker, 3, 2, image_bytes, &w->v2);
	w->bad.hangs = true;
	meet(w, &w->factory);
	device_install_factory(&w->factory, &w->v0);
	meet(w, &w->upgraded);
	sim_flash_copy(&w->upgraded.flash, &w->factory.flash);
	device_reach(&w->upgraded, &w->v1, (struct cuts){ 0 });
}

static void world_close(struct world *w)
{
	device_close(&w->factory);
	device_close(&w->upgraded);
	hf_buffer_free(&w->v0.file);
	hf_buffer_free(&w->v1.file);
	hf_buffer_free(&w->v2.file);
	hf_buffer_free(&w->bad.file);
}

/* One case: from a copy of `begin`, cut, go on to the goal. */
static unsigned long one(const struct world *w, const struct device *begin, const struct package *goal, struct cuts cuts)
{
	struct device d;
	unsigned long n;

	meet(w, &d);
	sim_flash_copy(&d.flash, &begin->flash);
	d.flash.random ^= (uint32_t)(cuts.at * 31 + cuts.second);
	if (goal->hangs)
		n = device_fall_back(&d, goal, cuts);
	else
		n = device_reach(&d, goal, cuts);
	if (goal->hangs) {
		assert_ptr_equal(d.runs, &w->v1);
		device_reach(&d, &w->v2, (struct cuts){ 0 });
		assert_ptr_equal(d.runs, &w->v2);
	}
	device_close(&d);
	return n;
}

static unsigned long every_cut(const struct world *w, const struct device *begin, const struct package *goal,
			       unsigned long step)
{
	unsigned long n = one(w, begin, goal, (struct cuts){ 0 });
	unsigned long cases = 0;

	for (unsigned long at = 1; at <= n; at += step * SHARE)
		for (int how = SIM_CUT_BEFORE; how < SIM_CUTS; how++, cases++)
			one(w, begin, goal, (struct cuts){ .at = at, .how = (enum sim_cut)how });
	return cases;
}

static unsigned long pairs(const struct world *w, const struct device *begin, const struct package *goal,
			   unsigned long cases)
{
	unsigned long n = one(w, begin, goal, (struct cuts){ 0 });
	uint32_t random = 1;

	for (unsigned long i = 0; i < cases; i += SHARE) {
		struct cuts cuts;

		random = random * 1664525u + 1013904223u;
		cuts.at = 1 + (random >> 8) % n;
		random = random * 1664525u + 1013904223u;
		/* Soon behind the first one, or anywhere. */
		cuts.second = 1 + (random >> 8) % (random & 128 ? n : 80);
		cuts.how = (enum sim_cut)(1 + (random >> 3) % (SIM_CUTS - 1));
		cuts.second_how = (enum sim_cut)(1 + i % (SIM_CUTS - 1));
		one(w, begin, goal, cuts);
	}
	return (cases + SHARE - 1) / SHARE;
}

static void upgrade_cut_at_every_operation_gets_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		world_open(&w, &layouts[i], 512);
		print_message("# %s: factory to 1.1.0: %lu cuts\n", layouts[i].name, every_cut(&w, &w.factory, &w.v1, 1));
		print_message("# %s: 1.1.0 to 1.3.0: %lu cuts\n", layouts[i].name, every_cut(&w, &w.upgraded, &w.v2, 1));
		world_close(&w);
	}
}

static void rollback_cut_at_every_operation_gets_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		world_open(&w, &layouts[i], 512);
		print_message("# %s: 1.2.0 fails: %lu cuts\n", layouts[i].name, every_cut(&w, &w.upgraded, &w.bad, 1));
		world_close(&w);
	}
}

static void upgrade_over_several_segments_cut_gets_there(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, &layouts[0], 25000);
	print_message("# several segments: %lu cuts\n", every_cut(&w, &w.upgraded, &w.v2, 61));
	world_close(&w);
}

static void upgrade_cut_twice_gets_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		world_open(&w, &layouts[i], 512);
		print_message("# %s: %lu pairs of cuts\n", layouts[i].name,
			      pairs(&w, &w.factory, &w.v1, 3000) + pairs(&w, &w.upgraded, &w.bad, 3000));
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upgrade_cut_at_every_operation_gets_there),
		cmocka_unit_test(rollback_cut_at_every_operation_gets_back),
		cmocka_unit_test(upgrade_over_several_segments_cut_gets_there),
		cmocka_unit_test(upgrade_cut_twice_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
