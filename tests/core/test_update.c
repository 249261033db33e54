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
#include <cmocka.h>

#include "world.h"

/* One case: from a copy of `begin`, cut, go on to the goal. */
static unsigned long one(const struct world *w, const struct device *begin, const struct package *goal, struct cuts cuts)
{
	struct device d;
	unsigned long n;

	meet(w, &d);
	sim_flash_copy(&d.flash, &begin->flash);
	d.flash.random ^= (uint32_t)(cuts.at * 31 + cuts.second);
	d.ahead = cuts.at % 2;
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

/* An upload got no further than its head, what runs has rotted since, and the sender comes back: the slot is the last whole one. */
static void upload_taken_up_again_over_the_last_intact_firmware_is_refused(void **state)
{
	struct world w;
	struct device d;
	struct hf_update *u = &d.update;

	(void)state;
	world_open(&w, &layouts[0], 512);
	meet(&w, &d);
	sim_flash_copy(&d.flash, &w.upgraded.flash);
	device_boot(&d);
	assert_int_equal(device_open_update(&d), HF_OK);
	assert_int_equal(hf_update_begin(u, (uint32_t)w.v2.file.len), HF_OK);
	for (uint32_t n = 0; u->phase == HF_UPDATE_HEAD; n++)
		assert_int_equal(hf_update_write(u, n, w.v2.file.ptr + n, 1), HF_OK);
	assert_int_equal(d.flash.erases, 0);
	d.flash.mem[u->running_image.image_addr - d.flash.base + 100] ^= 1;
	assert_int_equal(device_upload(&d, &w.v2), HF_ERR_PROTECTED);
	assert_int_equal(d.flash.erases, 0);
	device_boot(&d); /* the other one starts */
	assert_ptr_equal(d.runs, &w.v0);
	device_close(&d);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upload_taken_up_again_over_the_last_intact_firmware_is_refused),
		cmocka_unit_test(upgrade_cut_at_every_operation_gets_there),
		cmocka_unit_test(rollback_cut_at_every_operation_gets_back),
		cmocka_unit_test(upgrade_over_several_segments_cut_gets_there),
		cmocka_unit_test(upgrade_cut_twice_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
