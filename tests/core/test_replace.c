/* SPDX-License-Identifier: MIT
 *
 * Recovery replaced under every cut, on the code that the device runs but for the CPU: its successor is uploaded into a
 * slot, activated, started there, takes its predecessor's place. At every start firmware or a recovery starts, and a
 * recovery that is wished would start (device_boot asserts both); in the end the successor is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "world.h"

struct set {
	struct world w;
	struct package r1, r2, bad;
	struct device with_app, with_both, bare; /* 1.0.0 in A; 1.1.0 beside it; recovery alone */
};

static void meet_all(const struct set *s, struct device *d)
{
	meet(&s->w, d);
	d->known[4] = &s->r1;
	d->known[5] = &s->r2;
	d->known[6] = &s->bad;
	d->recovery_always = true;
}

static void set_open(struct set *s, const struct hf_layout *layout)
{
	world_open(&s->w, layout, 512);
	maker_pack_recovery(&s->w.maker, 0, 1, 700, &s->r1);
	maker_pack_recovery(&s->w.maker, 1, 1, 900, &s->r2);
	maker_pack_recovery(&s->w.maker, 2, 1, 900, &s->bad);
	s->bad.hangs = true;
	meet_all(s, &s->bare);
	device_install_factory_recovery(&s->bare, &s->r1);
	meet_all(s, &s->with_app);
	sim_flash_copy(&s->with_app.flash, &s->bare.flash);
	device_install_factory(&s->with_app, &s->w.v0);
	device_reach(&s->with_app, &s->w.v0, (struct cuts){ 0 });
	meet_all(s, &s->with_both);
	sim_flash_copy(&s->with_both.flash, &s->with_app.flash);
	device_reach(&s->with_both, &s->w.v1, (struct cuts){ 0 });
}

static void set_close(struct set *s)
{
	device_close(&s->bare);
	device_close(&s->with_app);
	device_close(&s->with_both);
	hf_buffer_free(&s->r1.file);
	hf_buffer_free(&s->r2.file);
	hf_buffer_free(&s->bad.file);
	world_close(&s->w);
}

/* One case: from a copy of `begin`, cut, go on until the successor is in its place, and is what starts there. */
static unsigned long one(const struct set *s, const struct device *begin, struct cuts cuts)
{
	struct hf_image image;
	struct device d;
	unsigned long n;

	meet_all(s, &d);
	sim_flash_copy(&d.flash, &begin->flash);
	d.flash.random ^= (uint32_t)(cuts.at * 31 + cuts.second);
	n = device_replace(&d, &s->r2, cuts);
	assert_int_equal(hf_slot_verify(&d.update.env, HF_PLACE_RECOVERY, &d.update.work, &image), HF_OK);
	assert_memory_equal(image.id, s->r2.id, sizeof image.id);
	if (cuts.at == 0)
		assert_int_equal(d.update.state.recovery.copies, 2);
	if (begin != &s->bare)
		assert_ptr_equal(d.runs, begin == &s->with_both ? &s->w.v1 : &s->w.v0);
	device_close(&d);
	return n;
}

static unsigned long every_cut(const struct set *s, const struct device *begin, unsigned long step)
{
	unsigned long n = one(s, begin, (struct cuts){ 0 });
	unsigned long cases = 0;

	for (unsigned long at = 1; at <= n; at += step * SHARE)
		for (int how = SIM_CUT_BEFORE; how < SIM_CUTS; how++, cases++)
			one(s, begin, (struct cuts){ .at = at, .how = (enum sim_cut)how });
	return cases;
}

static unsigned long pairs(const struct set *s, const struct device *begin, unsigned long cases)
{
	unsigned long n = one(s, begin, (struct cuts){ 0 });
	uint32_t random = 1;

	for (unsigned long i = 0; i < cases; i += SHARE) {
		struct cuts cuts;

		random = random * 1664525u + 1013904223u;
		cuts.at = 1 + (random >> 8) % n;
		random = random * 1664525u + 1013904223u;
		cuts.second = 1 + (random >> 8) % (random & 128 ? n : 80);
		cuts.how = (enum sim_cut)(1 + (random >> 3) % (SIM_CUTS - 1));
		cuts.second_how = (enum sim_cut)(1 + i % (SIM_CUTS - 1));
		one(s, begin, cuts);
	}
	return (cases + SHARE - 1) / SHARE;
}

static void recovery_replaced_under_every_cut(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct set s = { 0 };

		set_open(&s, &layouts[i]);
		print_message("# %s: one firmware: %lu cuts\n", layouts[i].name, every_cut(&s, &s.with_app, 1));
		print_message("# %s: two firmwares: %lu cuts\n", layouts[i].name, every_cut(&s, &s.with_both, 7));
		print_message("# %s: no firmware: %lu cuts\n", layouts[i].name, every_cut(&s, &s.bare, 1));
		set_close(&s);
	}
}

static void recovery_replaced_under_pairs_of_cuts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct set s = { 0 };

		set_open(&s, &layouts[i]);
		print_message("# %s: %lu pairs of cuts\n", layouts[i].name,
			      pairs(&s, &s.with_app, 1500) + pairs(&s, &s.bare, 1500));
		set_close(&s);
	}
}

/* Cut at every operation, too: what hangs never gets into the partition. */
static void recovery_that_hangs_replaces_nothing(void **state)
{
	struct set s = { 0 };
	unsigned long n = 0;

	(void)state;
	set_open(&s, &layouts[0]);
	for (unsigned long at = 0; at <= n; at += SHARE) {
		struct hf_image image;
		struct device d;
		unsigned long done;

		meet_all(&s, &d);
		sim_flash_copy(&d.flash, &s.with_app.flash);
		done = device_fall_back(&d, &s.bad, (struct cuts){ .at = at, .how = (enum sim_cut)(1 + at % (SIM_CUTS - 1)) });
		if (at == 0)
			n = done;
		assert_ptr_equal(d.runs, &s.w.v0);
		assert_int_equal(hf_slot_verify(&d.update.env, HF_PLACE_RECOVERY, &d.update.work, &image), HF_OK);
		assert_memory_equal(image.id, s.r1.id, sizeof image.id);
		device_close(&d);
	}
	set_close(&s);
}

/* The partition rots once the successor was staged: it is what starts, and mends the partition. */
static void staged_recovery_mends_a_partition_that_rots(void **state)
{
	struct set s = { 0 };
	struct hf_image image;
	struct device d;
	uint32_t at;

	(void)state;
	set_open(&s, &layouts[0]);
	meet_all(&s, &d);
	sim_flash_copy(&d.flash, &s.with_app.flash);
	device_replace(&d, &s.r2, (struct cuts){ 0 });
	at = layouts[0].recovery.addr - d.flash.base + 4;
	d.flash.mem[at] ^= 1;
	device_boot(&d);
	assert_ptr_equal(d.runs, &s.w.v0); /* firmware is not kept waiting for it */
	d.running = !d.running;
	d.runs = &s.r2;
	assert_int_equal(device_open_update(&d), HF_OK);
	assert_int_equal(hf_update_install_recovery(&d.update), HF_OK);
	assert_int_equal(hf_slot_verify(&d.update.env, HF_PLACE_RECOVERY, &d.update.work, &image), HF_OK);
	assert_memory_equal(image.id, s.r2.id, sizeof image.id);
	device_close(&d);
	set_close(&s);
}

static void recovery_that_is_older_or_too_large_is_refused_untouched(void **state)
{
	struct package old, large, low;
	struct set s = { 0 };
	struct device d;

	(void)state;
	set_open(&s, &layouts[1]);
	maker_pack_recovery(&s.w.maker, 0, 1, 600, &old);     /* the same number, another image */
	maker_pack_recovery(&s.w.maker, 9, 0, 600, &low);     /* a lower security version */
	maker_pack_recovery(&s.w.maker, 9, 1, 9000, &large);  /* fits a slot, not the partition */
	meet_all(&s, &d);
	sim_flash_copy(&d.flash, &s.with_app.flash);
	device_boot(&d);
	d.flash.operation = 0;
	assert_int_equal(device_upload(&d, &old), HF_ERR_SAME_SEQUENCE);
	assert_int_equal(device_upload(&d, &low), HF_ERR_SECURITY_VERSION);
	assert_int_equal(device_upload(&d, &large), HF_ERR_TOO_LARGE);
	assert_int_equal(d.update.state.slot[1].state, HF_SLOT_UNKNOWN);
	device_replace(&d, &s.r2, (struct cuts){ 0 });
	assert_int_equal(device_upload(&d, &s.r1), HF_ERR_RELEASE);
	hf_buffer_free(&old.file);
	hf_buffer_free(&low.file);
	hf_buffer_free(&large.file);
	device_close(&d);
	set_close(&s);
}

/* In recovery, an upload goes where least is lost, and older releases are taken. */
static void upload_from_recovery_spares_what_is_confirmed_last(void **state)
{
	struct set s = { 0 };
	struct device d;

	(void)state;
	set_open(&s, &layouts[0]);
	meet_all(&s, &d);
	sim_flash_copy(&d.flash, &s.with_both.flash); /* A 1.0.0, B 1.1.0, confirmed last */
	d.running = HF_PLACE_RECOVERY;
	d.runs = &s.r1;
	assert_int_equal(device_open_update(&d), HF_OK);
	assert_int_equal(hf_update_base(&d.update, HF_COMPONENT_APP)->version[1], 1);
	assert_int_equal(device_upload(&d, &s.w.v0), HF_OK); /* an older release; it is there already */
	assert_int_equal(d.update.slot, 0);
	assert_int_equal(hf_update_rollback(&d.update), HF_OK);
	device_boot(&d);
	assert_ptr_equal(d.runs, &s.w.v0);
	device_close(&d);

	meet_all(&s, &d);
	sim_flash_copy(&d.flash, &s.with_both.flash);
	d.flash.mem[layouts[0].slot[1].addr - d.flash.base + 3] ^= 0x10; /* what was confirmed last has rotted */
	d.running = HF_PLACE_RECOVERY;
	d.runs = &s.r1;
	assert_int_equal(device_upload(&d, &s.w.v2), HF_OK);
	assert_int_equal(d.update.slot, 1);
	device_close(&d);
	set_close(&s);
}

static void upload_from_recovery_spares_the_factorys_firmware(void **state)
{
	struct set s = { 0 };
	struct device d;

	(void)state;
	set_open(&s, &layouts[0]);
	meet_all(&s, &d);
	sim_flash_copy(&d.flash, &s.w.factory.flash); /* 1.0.0 in A, the journal is blank */
	d.running = HF_PLACE_RECOVERY;
	d.runs = &s.r1;
	assert_int_equal(device_upload(&d, &s.w.v1), HF_OK);
	assert_int_equal(d.update.slot, 1);
	device_close(&d);
	set_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovery_replaced_under_every_cut),
		cmocka_unit_test(recovery_replaced_under_pairs_of_cuts),
		cmocka_unit_test(recovery_that_hangs_replaces_nothing),
		cmocka_unit_test(staged_recovery_mends_a_partition_that_rots),
		cmocka_unit_test(recovery_that_is_older_or_too_large_is_refused_untouched),
		cmocka_unit_test(upload_from_recovery_spares_what_is_confirmed_last),
		cmocka_unit_test(upload_from_recovery_spares_the_factorys_firmware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
