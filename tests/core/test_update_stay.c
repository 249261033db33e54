/* SPDX-License-Identifier: MIT
 *
 * What an upload need not erase, write, or have sent again: blank and unchanged sectors, blank words. Nothing of it may
 * be believed that the journal does not vouch for, and every cut gets there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"

/* Slots of three sectors, as the reference board's; the second one's journal is taken over at every opening. */
static const struct hf_layout layouts[2] = {
	{
		.name = "stay",
		.vendor_id = { 1 }, .class_id = { 2 },
		.sectors = 8,
		.sector = { { 0x08000000, 16384 }, { 0x08004000, 16384 }, { 0x08008000, 32768 }, { 0x08010000, 32768 },
			    { 0x08018000, 32768 }, { 0x08020000, 32768 }, { 0x08028000, 32768 }, { 0x08030000, 32768 } },
		.journal = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
		.slot = { { 0x08008000, 98304 }, { 0x08020000, 98304 } },
		.ram = { { 0x20000000, 131072 } },
	},
	{
		.name = "stay, small journal",
		.vendor_id = { 1 }, .class_id = { 3 },
		.sectors = 8,
		.sector = { { 0x08000000, 4096 }, { 0x08001000, 4096 }, { 0x08002000, 32768 }, { 0x0800a000, 32768 },
			    { 0x08012000, 32768 }, { 0x0801a000, 32768 }, { 0x08022000, 32768 }, { 0x0802a000, 32768 } },
		.journal = { { 0x08000000, 4096 }, { 0x08001000, 4096 } },
		.slot = { { 0x08002000, 98304 }, { 0x0801a000, 98304 } },
		.ram = { { 0x20000000, 131072 } },
	},
};

#define IMAGE 80000u

#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

struct world {
	const struct hf_layout *layout;
	struct maker maker;
	struct package v[6];
	struct device begin; /* 1.2.0 runs in slot A, and 1.1.0 is confirmed in slot B */
};

static void meet(const struct world *w, struct device *d)
{
	device_open(d, &w->maker);
	for (unsigned i = 0; i < 6; i++)
		d->known[i] = &w->v[i];
}

/* Versions 1.0.0 to 1.4.0 are the same from byte 6000 of the image on; 1.5.0 is in no word like the others. */
static void open_world(struct world *w, const struct hf_layout *layout)
{
	memset(w, 0, sizeof *w);
	w->layout = layout;
	maker_open(&w->maker, layout);
	w->maker.same_from = 6000;
	w->maker.blanks = true;
	for (unsigned i = 0; i < 6; i++) {
		if (i == 5)
			w->maker.same_from = 0;
		maker_pack(&w->maker, i, 1, IMAGE, &w->v[i]);
	}
	meet(w, &w->begin);
	device_install_factory(&w->begin, &w->v[0]);
	device_reach(&w->begin, &w->v[1], (struct cuts){ 0 });
	device_reach(&w->begin, &w->v[2], (struct cuts){ 0 });
}

static void close_world(struct world *w)
{
	device_close(&w->begin);
	for (unsigned i = 0; i < 6; i++)
		hf_buffer_free(&w->v[i].file);
}

/* A device as in `begin`, started. */
static void start(const struct world *w, struct device *d)
{
	meet(w, d);
	sim_flash_copy(&d->flash, &w->begin.flash);
	device_boot(d);
	assert_int_equal(device_confirm(d), HF_OK);
	d->flash.erases = 0;
	d->flash.words = 0;
	d->sent = 0;
}

static void unchanged_sectors_stay_and_are_not_sent(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		open_world(&w, &layouts[i]);
		start(&w, &d);
		assert_int_equal(device_upload(&d, &w.v[3]), HF_OK);
		/* The first sector holds the head; the others stay. The small journal is taken over twice. */
		assert_int_equal(d.flash.erases, i == 0 ? 1 : 5);
		assert_true(d.flash.words < 12000);
		assert_true(d.sent > HF_SEGMENT_BYTES && d.sent < 20000); /* the first segment, and the head */
		assert_int_equal(hf_update_activate(&d.update, w.v[3].id), HF_OK);
		device_boot(&d);
		assert_ptr_equal(d.runs, &w.v[3]);
		device_close(&d);
		close_world(&w);
	}
}

static void changed_sectors_are_erased(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	assert_int_equal(device_upload(&d, &w.v[5]), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&d);
	close_world(&w);
}

/* A bit that rotted in the old firmware. */
static void sector_that_reads_differently_is_erased(void **state)
{
	static const struct {
		uint32_t offset; /* in the slot */
		unsigned erases;
	} rotten[] = {
		{ 32768 + 8000, 2 },  /* the second sector: the third stays */
		{ 65536 + 20000, 2 }, /* the third: the second stays */
		{ 65536 + 8, 3 },     /* the third, in a segment that begins in the second */
		{ 98304 - 8, 1 },     /* behind the content */
	};
	struct world w;
	struct device d;

	(void)state;
	open_world(&w, &layouts[0]);
	for (unsigned i = 0; i < sizeof rotten / sizeof rotten[0]; i++) {
		start(&w, &d);
		d.flash.mem[0x20000 + rotten[i].offset] ^= 1;
		assert_int_equal(device_upload(&d, &w.v[3]), HF_OK);
		assert_int_equal(d.flash.erases, rotten[i].erases);
		device_close(&d);
	}
	close_world(&w);
}

/* What a probe has burned reads the same, but the journal knows nothing of it. */
static void equal_content_without_a_record_is_erased(void **state)
{
	struct world w;
	struct device d, burned;

	(void)state;
	open_world(&w, &layouts[0]);
	meet(&w, &burned);
	device_install_factory(&burned, &w.v[0]);
	memcpy(burned.flash.mem + 0x20000, w.begin.flash.mem + 0x20000, 98304);
	meet(&w, &d);
	sim_flash_copy(&d.flash, &burned.flash);
	device_boot(&d);
	assert_int_equal(device_confirm(&d), HF_OK);
	d.flash.erases = 0;
	assert_int_equal(device_upload(&d, &w.v[3]), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&burned);
	device_close(&d);
	close_world(&w);
}

static void blank_sectors_without_a_record_are_erased(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	open_world(&w, &layouts[0]);
	meet(&w, &d);
	device_install_factory(&d, &w.v[0]);
	device_boot(&d);
	assert_int_equal(device_confirm(&d), HF_OK);
	d.flash.erases = 0;
	assert_int_equal(device_upload(&d, &w.v[1]), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&d);
	close_world(&w);
}

static void sectors_that_were_erased_are_not_erased_again(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	assert_int_equal(hf_update_erase(&d.update), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	assert_int_equal(hf_update_erase(&d.update), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	assert_int_equal(device_upload(&d, &w.v[3]), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&d);
	close_world(&w);
}

/* The journal says blank, the cells do not: erased again. */
static void sector_that_was_erased_and_reads_otherwise_is_erased_again(void **state)
{
	struct world w;
	struct device d;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	assert_int_equal(hf_update_erase(&d.update), HF_OK);
	d.flash.mem[0x08030000 - 0x08000000 + 32000] ^= 4;
	assert_int_equal(device_upload(&d, &w.v[3]), HF_OK);
	assert_int_equal(d.flash.erases, 4);
	device_close(&d);
	close_world(&w);
}

/* An upload that ended early has torn what nobody can see: erased, though most of it still reads blank. */
static void sectors_of_an_upload_that_ended_are_erased(void **state)
{
	struct world w;
	struct device d;
	struct hf_update *u = &d.update;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	d.erases_first = true;
	assert_int_equal(hf_update_erase(u), HF_OK);
	assert_int_equal(hf_update_begin(u, (uint32_t)w.v[3].file.len), HF_OK);
	assert_int_equal(hf_update_write(u, 0, w.v[3].file.ptr, 30000), HF_OK);
	d.flash.erases = 0;
	assert_int_equal(device_upload(&d, &w.v[5]), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&d);
	close_world(&w);
}

static void blank_words_are_not_programmed(void **state)
{
	struct world w;
	struct device with, without;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &with);
	start(&w, &without);
	assert_int_equal(device_upload(&with, &w.v[5]), HF_OK);
	hf_buffer_free(&w.v[5].file);
	w.maker.blanks = false;
	maker_pack(&w.maker, 5, 1, IMAGE, &w.v[5]);
	assert_int_equal(device_upload(&without, &w.v[5]), HF_OK);
	assert_in_range(without.flash.words - with.flash.words, IMAGE / 4 / 16 * 6 / 7 - 60, IMAGE / 4 / 16 * 6 / 7 + 60);
	device_close(&with);
	device_close(&without);
	close_world(&w);
}

/* All erases come before the second packet, where there is time for them. */
static void erases_ahead_are_the_same_ones(void **state)
{
	struct world w;
	struct device d;
	struct hf_update *u = &d.update;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	assert_false(hf_update_ahead(u));
	assert_int_equal(hf_update_begin(u, (uint32_t)w.v[5].file.len), HF_OK);
	assert_false(hf_update_ahead(u));
	assert_int_equal(hf_update_write(u, 0, w.v[5].file.ptr, 2000), HF_OK);
	assert_true(hf_update_ahead(u));
	assert_int_equal(d.flash.erases, 1);
	assert_false(hf_update_ahead(u)); /* whether the next one may stay is known once the table is there */
	assert_int_equal(hf_update_write(u, 2000, w.v[5].file.ptr + 2000, 30000), HF_OK);
	while (u->held > 0) /* the segment that is whole comes first */
		assert_true(hf_update_ahead(u));
	assert_int_equal(d.flash.erases, 1);
	assert_true(hf_update_ahead(u));
	assert_true(hf_update_ahead(u));
	assert_false(hf_update_ahead(u));
	assert_int_equal(d.flash.erases, 3);
	while (u->phase != HF_UPDATE_DONE)
		assert_int_equal(hf_update_write(u, u->next, w.v[5].file.ptr + u->next, w.v[5].file.len - u->next), HF_OK);
	assert_int_equal(d.flash.erases, 3);
	device_close(&d);
	close_world(&w);
}

static void erase_ahead_that_fails_is_the_next_datas_answer(void **state)
{
	struct world w;
	struct device d;
	struct hf_update *u = &d.update;

	(void)state;
	open_world(&w, &layouts[0]);
	start(&w, &d);
	d.flash.dead = 1u << 5;
	assert_int_equal(hf_update_begin(u, (uint32_t)w.v[5].file.len), HF_OK);
	assert_int_equal(hf_update_write(u, 0, w.v[5].file.ptr, 2000), HF_OK);
	assert_true(hf_update_ahead(u));
	assert_false(hf_update_ahead(u));
	assert_int_equal(hf_update_write(u, 2000, w.v[5].file.ptr + 2000, 100), HF_ERR_FLASH_ERASE);
	assert_int_equal(u->phase, HF_UPDATE_IDLE);
	device_close(&d);
	close_world(&w);
}

static unsigned long one(const struct world *w, const struct package *goal, bool erases_first, struct cuts cuts)
{
	struct device d;
	unsigned long n;

	meet(w, &d);
	sim_flash_copy(&d.flash, &w->begin.flash);
	d.flash.random ^= (uint32_t)(cuts.at * 31 + cuts.second);
	d.packet_bytes = 1500;
	d.ahead = cuts.at % 2;
	d.erases_first = erases_first;
	n = device_reach(&d, goal, cuts);
	device_close(&d);
	return n;
}

static unsigned long every_cut(const struct world *w, const struct package *goal, bool erases_first, unsigned long step)
{
	unsigned long n = one(w, goal, erases_first, (struct cuts){ 0 });
	unsigned long cases = 0;

	for (unsigned long at = 1; at <= n; at += step * SHARE)
		for (int how = SIM_CUT_BEFORE; how < SIM_CUTS; how++, cases++)
			one(w, goal, erases_first,
			    (struct cuts){ .at = at, .how = (enum sim_cut)how, .second = 1 + at * 7919 % 9000,
					   .second_how = (enum sim_cut)(1 + at % (SIM_CUTS - 1)) });
	return cases;
}

static void upgrade_with_unchanged_sectors_cut_gets_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		open_world(&w, &layouts[i]);
		print_message("# %s: %lu pairs of cuts\n", layouts[i].name, every_cut(&w, &w.v[3], false, 37));
		close_world(&w);
	}
}

static void upgrade_into_an_erased_slot_cut_gets_there(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &layouts[0]);
	print_message("# erased before: %lu pairs of cuts\n", every_cut(&w, &w.v[5], true, 127));
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unchanged_sectors_stay_and_are_not_sent),
		cmocka_unit_test(changed_sectors_are_erased),
		cmocka_unit_test(sector_that_reads_differently_is_erased),
		cmocka_unit_test(equal_content_without_a_record_is_erased),
		cmocka_unit_test(blank_sectors_without_a_record_are_erased),
		cmocka_unit_test(sectors_that_were_erased_are_not_erased_again),
		cmocka_unit_test(sector_that_was_erased_and_reads_otherwise_is_erased_again),
		cmocka_unit_test(sectors_of_an_upload_that_ended_are_erased),
		cmocka_unit_test(blank_words_are_not_programmed),
		cmocka_unit_test(erases_ahead_are_the_same_ones),
		cmocka_unit_test(erase_ahead_that_fails_is_the_next_datas_answer),
		cmocka_unit_test(upgrade_with_unchanged_sectors_cut_gets_there),
		cmocka_unit_test(upgrade_into_an_erased_slot_cut_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
