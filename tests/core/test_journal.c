/* SPDX-License-Identifier: MIT
 *
 * The journal under every cut.
 *
 * The workload appends numbered records, one at a time, some of them twice, and takes the journal over when it is full. It
 * knows which number was acknowledged last. After a cut at any operation, in any of the ways flash can be left, the
 * journal must say that number or the next one, say the same at every later mount, and go on working.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "crc32.h"
#include "journal.h"
#include "sim_flash.h"

#define NUMBER  0x42
#define RECORDS 100u

/* The sanitizers' build takes a share of the cases. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 13u
#else
#define SHARE 1u
#endif

/* Two small sectors, so that everything is met soon: 64 slots each. */
static const struct hf_layout layout = {
	.name = "journal",
	.sectors = 2,
	.sector = { { 0x08000000, 2048 }, { 0x08000800, 2048 } },
	.journal = { { 0x08000000, 2048 }, { 0x08000800, 2048 } },
};

struct workload {
	struct sim_flash flash;
	struct hf_journal j;
	uint32_t acknowledged;
	uint32_t attempted;
};

/* Two records of one number differ, in their first word too: what is appended after a cut is not what was torn. */
static struct hf_record numbered(uint32_t n)
{
	static uint16_t salt;
	struct hf_record r = { .type = NUMBER };

	salt = (uint16_t)(salt * 25173u + 13849u);
	store_le16(r.data, salt);
	store_le32(r.data + 2, n);
	store_le16(r.data + 24, (uint16_t)~salt);
	return r;
}

static enum hf_err write_last(void *ctx, struct hf_journal *to)
{
	struct hf_record r = numbered(*(uint32_t *)ctx);

	return hf_journal_append(to, &r);
}

/* The highest number in the journal; each record must be above the one before it (or equal: written twice). */
static uint32_t highest(struct hf_journal *j)
{
	struct hf_record r;
	uint16_t slot = 1;
	uint32_t last = 0;

	while (hf_journal_next(j, &slot, &r) == HF_OK) {
		assert_int_equal(r.type, NUMBER);
		assert_true(load_le32(r.data + 2) >= last);
		last = load_le32(r.data + 2);
	}
	return last;
}

/* A sector that bad memory leaves without room is left again. */
static enum hf_err move_on(struct workload *w)
{
	enum hf_err err = hf_journal_take_over(&w->j, write_last, &w->acknowledged);

	if (!err && hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1)
		err = hf_journal_take_over(&w->j, write_last, &w->acknowledged);
	return err;
}

static void append_next(struct workload *w)
{
	uint32_t n = w->acknowledged + 1;
	struct hf_record r = numbered(n);

	w->attempted = n;
	if (hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1 || n % 17 == 0)
		assert_int_equal(move_on(w), HF_OK);
	if (n % 5 == 0)
		assert_int_equal(hf_journal_append_twice(&w->j, &r), HF_OK);
	else
		assert_int_equal(hf_journal_append(&w->j, &r), HF_OK);
	w->acknowledged = n;
}

/* One session: mount, check, append until the power is cut or `until` is reached. */
static void session(struct workload *w, uint32_t until)
{
	enum hf_err err = hf_journal_mount(&w->j, &w->flash.ops, layout.journal);

	if (err == HF_ERR_NOT_FOUND) {
		assert_int_equal(w->acknowledged, 0);
		assert_int_equal(hf_journal_take_over(&w->j, write_last, &w->acknowledged), HF_OK);
	} else {
		uint32_t found;

		assert_int_equal(err, HF_OK);
		found = highest(&w->j);
		assert_in_range(found, w->acknowledged, w->attempted);
		if (!w->j.stuck) { /* closed, it is settled by a take-over only */
			w->acknowledged = found;
			w->attempted = found;
		}
	}
	while (w->acknowledged < until)
		append_next(w);
}

static void run(struct workload *w, uint32_t until, unsigned long cut_at, enum sim_cut cut)
{
	jmp_buf lost;

	sim_flash_power_on(&w->flash);
	w->flash.operation = 0;
	w->flash.cut_at = cut_at;
	w->flash.cut = cut;
	w->flash.power_lost = &lost;
	if (setjmp(lost) == 0)
		session(w, until);
}

static unsigned long operations_of_whole(void)
{
	struct workload w = { 0 };
	unsigned long n;

	sim_flash_open(&w.flash, &layout);
	run(&w, RECORDS, 0, SIM_CUT_NONE);
	n = w.flash.operation;
	sim_flash_close(&w.flash);
	return n;
}

/* After the cuts: sessions that append nothing and sessions that do, in an order that differs from case to case. */
static void recover(struct workload *w, unsigned long variant)
{
	for (unsigned i = 0; i < 5; i++)
		run(w, w->acknowledged + (variant >> i & 1 ? 2 : 0), 0, SIM_CUT_NONE);
	run(w, w->acknowledged + 30, 0, SIM_CUT_NONE);
	run(w, 0, 0, SIM_CUT_NONE);
}

static void journal_cut_at_every_operation_keeps_all(void **state)
{
	unsigned long n = operations_of_whole();
	unsigned long cases = 0;

	(void)state;
	for (unsigned long at = 1; at <= n; at += SHARE) {
		for (int cut = SIM_CUT_BEFORE; cut < SIM_CUTS; cut++) {
			struct workload w = { 0 };

			sim_flash_open(&w.flash, &layout);
			w.flash.random += (uint32_t)at;
			run(&w, RECORDS, at, (enum sim_cut)cut);
			recover(&w, at % 31);
			sim_flash_close(&w.flash);
			cases++;
		}
	}
	print_message("# %lu single cuts\n", cases);
}

/* A second cut in the session that recovers from the first, and a third in the next. */
static void journal_cut_again_while_recovering_keeps_all(void **state)
{
	unsigned long n = operations_of_whole();
	unsigned long cases = 0;

	(void)state;
	for (unsigned long at = 1; at <= n; at += 11 * SHARE) {
		for (unsigned long second = 1; second <= 60; second += at % 2 ? 2 : 7) {
			for (int cut = 0; cut < 36; cut++) {
				struct workload w = { 0 };

				sim_flash_open(&w.flash, &layout);
				w.flash.random += (uint32_t)(at * 64 + second);
				run(&w, RECORDS, at, (enum sim_cut)(1 + cut % 6));
				run(&w, RECORDS, second, (enum sim_cut)(1 + cut / 6));
				run(&w, RECORDS, 1 + (at + second) % 20, (enum sim_cut)(1 + cut % 6));
				recover(&w, cases % 31);
				sim_flash_close(&w.flash);
				cases++;
			}
		}
	}
	print_message("# %lu double and triple cuts\n", cases);
}

static void journal_blank_flash_is_not_found(void **state)
{
	struct workload w = { 0 };

	(void)state;
	sim_flash_open(&w.flash, &layout);
	assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, layout.journal), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_journal_free(&w.j), 0);
	assert_int_equal(w.flash.operation, 0);
	sim_flash_close(&w.flash);
}

static void journal_full_sector_refuses_to_append(void **state)
{
	struct workload w = { 0 };
	struct hf_record r = numbered(1);
	unsigned room;

	(void)state;
	sim_flash_open(&w.flash, &layout);
	run(&w, 1, 0, SIM_CUT_NONE);
	room = hf_journal_free(&w.j);
	for (unsigned i = 0; i < room; i++)
		assert_int_equal(hf_journal_append(&w.j, &r), HF_OK);
	assert_int_equal(hf_journal_append(&w.j, &r), HF_ERR_FULL);
	sim_flash_close(&w.flash);
}

static void journal_bad_slot_in_the_middle_is_skipped_and_counted(void **state)
{
	struct workload w = { 0 };

	(void)state;
	sim_flash_open(&w.flash, &layout);
	run(&w, 4, 0, SIM_CUT_NONE);
	w.flash.mem[3 * 32 + 7] ^= 0x10; /* the second record rots */
	run(&w, 0, 0, SIM_CUT_NONE);
	assert_int_equal(w.acknowledged, 4);
	assert_int_equal(w.j.bad, 1);
	sim_flash_close(&w.flash);
}

static void journal_slot_that_does_not_program_is_passed_over(void **state)
{
	struct workload w = { 0 };

	(void)state;
	sim_flash_open(&w.flash, &layout);
	run(&w, 2, 0, SIM_CUT_NONE);
	sim_flash_stick(&w.flash, 0x08000000 + w.j.end * 32u + 8, 0xffffffff, 0);
	run(&w, 6, 0, SIM_CUT_NONE);
	run(&w, 0, 0, SIM_CUT_NONE);
	assert_int_equal(w.acknowledged, 6);
	sim_flash_close(&w.flash);
}

static void journal_twice_written_record_survives_the_loss_of_one(void **state)
{
	struct workload w = { 0 };

	(void)state;
	sim_flash_open(&w.flash, &layout);
	run(&w, 5, 0, SIM_CUT_NONE); /* number 5 stands twice, its second copy last */
	w.flash.mem[(w.j.end - 1) * 32 + 4] ^= 0x40;
	run(&w, 0, 0, SIM_CUT_NONE);
	assert_int_equal(w.acknowledged, 5);
	sim_flash_close(&w.flash);
}

static void journal_stale_records_of_an_earlier_epoch_are_not_taken(void **state)
{
	struct workload w = { 0 };
	uint8_t old[2048];

	(void)state;
	sim_flash_open(&w.flash, &layout);
	run(&w, 3, 0, SIM_CUT_NONE);
	memcpy(old, w.flash.mem, sizeof old);
	assert_int_equal(hf_journal_take_over(&w.j, write_last, &w.acknowledged), HF_OK);
	assert_int_equal(hf_journal_take_over(&w.j, write_last, &w.acknowledged), HF_OK);
	/* Back in the first sector; a copy of its earlier life shines through behind the end. */
	memcpy(w.flash.mem + 4 * 32, old + 32, 3 * 32);
	assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, layout.journal), HF_OK);
	assert_int_equal(highest(&w.j), 3);
	assert_true(w.j.bad > 0);
	sim_flash_close(&w.flash);
}

/* A journal that has worked for a while: number 15 stands twice, 16 once. */
static void worked(struct workload *w)
{
	sim_flash_open(&w->flash, &layout);
	run(w, 16, 0, SIM_CUT_NONE);
}

/* The journal takes whatever comes, over several take-overs, and says it again at the next mount. */
static void goes_on(struct workload *w)
{
	run(w, w->acknowledged + 40, 0, SIM_CUT_NONE);
	run(w, 0, 0, SIM_CUT_NONE);
}

/* The last slot has rotted: there is no room to say that the sector was given up. */
static void journal_full_to_the_end_cut_in_its_take_over_keeps_all(void **state)
{
	(void)state;
	for (unsigned long at = 1; at < 120; at++) {
		for (int cut = 0; cut < 36; cut++) {
			struct workload w = { 0 };

			worked(&w);
			w.flash.mem[w.j.live * 2048 + 62 * 32 + 9] = 0;
			w.flash.random += (uint32_t)at;
			run(&w, RECORDS, at, (enum sim_cut)(1 + cut % 6));
			run(&w, RECORDS, 1 + (at * 7) % 90, (enum sim_cut)(1 + cut / 6));
			recover(&w, at % 31);
			sim_flash_close(&w.flash);
		}
	}
}

/* A word anywhere does not program, or does not erase. */
static void journal_with_a_worn_word_goes_on(void **state)
{
	static const uint32_t bits[] = { 0x00000001, 0x00800000, 0xffffffff };

	(void)state;
	for (uint32_t at = 0; at < 2 * 2048; at += 4) {
		for (unsigned kind = 0; kind < 6; kind++) {
			struct workload w = { 0 };
			uint32_t stuck = bits[kind / 2];

			if (at % 8 == 0) /* coming later, or there from the beginning */
				worked(&w);
			else
				sim_flash_open(&w.flash, &layout);
			sim_flash_stick(&w.flash, layout.sector[0].addr + at, kind % 2 ? stuck : 0, kind % 2 ? 0 : stuck);
			for (unsigned i = 0; i < 4; i++)
				run(&w, w.acknowledged + 40, 0, SIM_CUT_NONE);
			run(&w, 0, 0, SIM_CUT_NONE);
			assert_true(w.acknowledged >= 160);
			sim_flash_close(&w.flash);
		}
	}
}

/* As append_next, but memory that fails may say so. False: not acknowledged. */
static bool append_if_possible(struct workload *w)
{
	uint32_t n = w->acknowledged + 1;
	struct hf_record r = numbered(n);
	enum hf_err err = HF_OK;

	if (hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1 || n % 17 == 0)
		err = move_on(w);
	if (err && hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1)
		return false;
	w->attempted = n;
	err = n % 5 == 0 ? hf_journal_append_twice(&w->j, &r) : hf_journal_append(&w->j, &r);
	w->acknowledged = err ? w->acknowledged : n;
	return !err;
}

/* Sessions of some appends each, with wear and a cut at any operation. Returns what they have acknowledged. */
static uint32_t wear_and_cut(struct workload *w, uint32_t seed)
{
	jmp_buf lost;
	volatile unsigned sessions = 0;

	w->flash.random ^= seed * 2654435761u;
	w->flash.power_lost = &lost;
	(void)setjmp(lost);
	while (sessions++ < 12) {
		sim_flash_power_on(&w->flash);
		w->flash.operation = 0;
		w->flash.cut_at = seed * sessions % 3 ? 1 + (seed * 7919u + sessions * 104729u) % 400 : 0;
		w->flash.cut = (enum sim_cut)(SIM_CUT_BEFORE + (seed + sessions) % (SIM_CUTS - 1));
		if (sessions % 4 == 1) {
			w->flash.wear_at = 1 + (seed * 31 + sessions * 17) % 300;
			w->flash.wear = (enum sim_wear)((seed + sessions) % SIM_WEAR_ERASE);
		}
		session(w, 0);
		for (unsigned i = 0; i < 25; i++)
			(void)append_if_possible(w);
	}
	w->flash.cut_at = 0;
	session(w, 0);
	return w->acknowledged;
}

static void journal_with_wear_and_cuts_loses_nothing(void **state)
{
	unsigned stopped = 0;

	(void)state;
	for (uint32_t seed = 1; seed < 10000; seed += SHARE) {
		struct workload w = { 0 };

		sim_flash_open(&w.flash, &layout);
		stopped += wear_and_cut(&w, seed) < 100;
		sim_flash_close(&w.flash);
	}
	assert_true(stopped * SHARE < 200); /* some have 256 bytes fail three times, in 4 KiB */
}

/* Only what was written once may go, and the journal stays open. */
static void journal_rot_anywhere_keeps_what_stands_twice_and_goes_on(void **state)
{
	static const uint32_t flips[] = { 0x00000001, 0x00800000, 0xffffffff };

	(void)state;
	for (uint32_t at = 0; at < 2 * 2048; at += 4) {
		for (unsigned kind = 0; kind < 6; kind++) {
			struct workload w = { 0 };
			uint32_t word;

			worked(&w);
			word = load_le32(w.flash.mem + at);
			store_le32(w.flash.mem + at, kind % 2 ? word | flips[kind / 2] : word & ~flips[kind / 2]);
			w.acknowledged = 15;
			goes_on(&w);
			assert_true(w.acknowledged >= 55);
			sim_flash_close(&w.flash);
		}
	}
}

/* The same after a cut and some work: nothing that a cut leaves behind may be all that holds the journal up. */
static void journal_rot_after_a_cut_keeps_what_stands_twice(void **state)
{
	unsigned long n = operations_of_whole();
	unsigned long cases = 0;

	(void)state;
	for (unsigned long at = 1; at <= n; at += 11 * SHARE) {
		struct workload cut = { 0 };
		uint32_t twice;

		sim_flash_open(&cut.flash, &layout);
		run(&cut, RECORDS, at, (enum sim_cut)(SIM_CUT_BEFORE + at % (SIM_CUTS - 1)));
		run(&cut, 0, 0, SIM_CUT_NONE);
		twice = cut.acknowledged / 5 * 5 + 5;
		run(&cut, twice, 0, SIM_CUT_NONE);
		for (uint32_t word = 0; word < 2 * 2048; word += 4) {
			struct workload w = { .acknowledged = twice, .attempted = twice };

			sim_flash_open(&w.flash, &layout);
			sim_flash_copy(&w.flash, &cut.flash);
			store_le32(w.flash.mem + word, load_le32(w.flash.mem + word) ^ 0x00400000);
			goes_on(&w);
			sim_flash_close(&w.flash);
			cases++;
		}
		sim_flash_close(&cut.flash);
	}
	print_message("# %lu cases of rot after a cut\n", cases);
}

/* One session that takes over and is cut in it, counted from its mount on, or not at all. */
static void take_over_session(struct workload *w, unsigned long at, enum sim_cut cut)
{
	jmp_buf lost;

	sim_flash_power_on(&w->flash);
	w->flash.operation = 0;
	w->flash.cut_at = at;
	w->flash.cut = cut;
	w->flash.power_lost = &lost;
	if (setjmp(lost) == 0) {
		assert_int_equal(hf_journal_mount(&w->j, &w->flash.ops, layout.journal), HF_OK);
		assert_in_range(highest(&w->j), 16, 16);
		assert_int_equal(hf_journal_take_over(&w->j, write_last, &w->acknowledged), HF_OK);
	}
}

/* A supply that breaks down at the same place each time, more often than a sector has slots. */
static void journal_cut_at_the_same_place_for_ever_stays_open(void **state)
{
	(void)state;
	for (unsigned long at = 1; at < 100; at++) {
		for (int cut = SIM_CUT_BEFORE; cut < SIM_CUTS; cut++) {
			struct workload w = { 0 };

			worked(&w);
			w.flash.random += (uint32_t)at;
			for (unsigned i = 0; i < 80; i++)
				take_over_session(&w, at, (enum sim_cut)cut);
			goes_on(&w);
			sim_flash_close(&w.flash);
		}
	}
}

/* False: the take-over had fewer operations. */
static bool cut_take_over(struct workload *w, unsigned long at)
{
	jmp_buf lost;

	worked(w);
	w->flash.operation = 0;
	w->flash.cut_at = at;
	w->flash.cut = (enum sim_cut)(SIM_CUT_BEFORE + at % (SIM_CUTS - 1));
	w->flash.power_lost = &lost;
	if (setjmp(lost) != 0)
		return true;
	assert_int_equal(hf_journal_take_over(&w->j, write_last, &w->acknowledged), HF_OK);
	return false;
}

/* A take-over is cut, and nobody takes over again for a long time. */
static void journal_rot_after_a_cut_take_over_keeps_what_stands_twice(void **state)
{
	struct workload cut = { 0 };

	(void)state;
	for (unsigned long at = 1; cut_take_over(&cut, at); at++) {
		struct hf_record r = numbered(17);

		sim_flash_power_on(&cut.flash);
		assert_int_equal(hf_journal_mount(&cut.j, &cut.flash.ops, layout.journal), HF_OK);
		assert_int_equal(hf_journal_append_twice(&cut.j, &r), HF_OK);
		for (uint32_t word = 0; word < 2 * 2048; word += 4) {
			struct workload w = { .acknowledged = 17, .attempted = 17 };

			sim_flash_open(&w.flash, &layout);
			sim_flash_copy(&w.flash, &cut.flash);
			store_le32(w.flash.mem + word, load_le32(w.flash.mem + word) ^ 0x00400000);
			goes_on(&w);
			sim_flash_close(&w.flash);
		}
		sim_flash_close(&cut.flash);
		memset(&cut, 0, sizeof cut);
	}
	sim_flash_close(&cut.flash);
}

/* The same far behind the end of a sector as large as the board's. */
static void journal_rot_far_behind_the_end_does_not_close_it(void **state)
{
	static const struct hf_layout large = {
		.sectors = 2,
		.sector = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
		.journal = { { 0x08000000, 16384 }, { 0x08004000, 16384 } },
	};
	struct hf_record r = numbered(2);
	uint32_t one = 1;

	(void)state;
	for (uint32_t slot = 3; slot < 512; slot++) {
		for (uint32_t word = 0; word < 32; word += 4) {
			struct sim_flash flash;
			struct hf_journal j;

			sim_flash_open(&flash, &large);
			assert_int_equal(hf_journal_mount(&j, &flash.ops, large.journal), HF_ERR_NOT_FOUND);
			assert_int_equal(hf_journal_take_over(&j, write_last, &one), HF_OK);
			flash.mem[slot * 32 + word] &= 0xfe;
			assert_int_equal(hf_journal_mount(&j, &flash.ops, large.journal), HF_OK);
			assert_int_equal(highest(&j), 1);
			if (hf_journal_free(&j) == 0)
				assert_int_equal(hf_journal_take_over(&j, write_last, &one), HF_OK);
			assert_int_equal(hf_journal_append(&j, &r), HF_OK);
			assert_int_equal(hf_journal_mount(&j, &flash.ops, large.journal), HF_OK);
			assert_int_equal(highest(&j), 2);
			sim_flash_close(&flash);
		}
	}
}

/* Zeros up to a few slots before the sector's end, as many cut sessions leave them. */
static void use_up(struct workload *w, unsigned left)
{
	for (unsigned slot = w->j.end; slot < 63 - left; slot++)
		memset(w->flash.mem + w->j.live * 2048 + slot * 32, 0, 32);
}

/* The reserve is used up, so that `moved` takes one of the last slots, or finds none: two take-overs are cut. */
static void journal_without_reserve_cut_in_two_take_overs_keeps_all(void **state)
{
	unsigned long cases = 0;

	(void)state;
	for (unsigned left = 0; left < 5; left++) {
		for (unsigned long at = 48; at < 100; at += SHARE) {
			for (unsigned long second = 24; second < 90; second++) {
				for (int cut = SIM_CUT_TORN; cut < SIM_CUTS; cut++) {
					struct workload w = { 0 };

					worked(&w);
					use_up(&w, left);
					w.flash.random += (uint32_t)(at * 64 + second) * 7919;
					take_over_session(&w, at, (enum sim_cut)cut);
					take_over_session(&w, second, SIM_CUT_TORN);
					take_over_session(&w, 0, SIM_CUT_NONE);
					goes_on(&w);
					sim_flash_close(&w.flash);
					cases++;
				}
			}
		}
	}
	print_message("# %lu pairs of cuts without a reserve\n", cases);
}

/* The operations of a session that takes over. */
static unsigned long take_over_operations(void)
{
	struct workload w;
	unsigned long n;

	memset(&w, 0, sizeof w);
	worked(&w);
	take_over_session(&w, 0, SIM_CUT_NONE);
	n = w.flash.operation;
	sim_flash_close(&w.flash);
	return n;
}

/* The old sector's erase, the last operation of a take-over, was cut at any stage, and years later a word rots: the word of
 * what is left of the old sector must not count, whichever record is lost. */
static void journal_half_erased_behind_it_survives_rot(void **state)
{
	unsigned long last = take_over_operations();

	(void)state;
	for (uint32_t seed = 0; seed < 24; seed += SHARE) {
		struct workload cut = { 0 };
		struct hf_record r = numbered(17);

		worked(&cut);
		cut.flash.random += seed * 977;
		take_over_session(&cut, last, SIM_CUT_TORN);
		sim_flash_power_on(&cut.flash);
		assert_int_equal(hf_journal_mount(&cut.j, &cut.flash.ops, layout.journal), HF_OK);
		assert_int_equal(hf_journal_append_twice(&cut.j, &r), HF_OK);
		for (uint32_t word = 0; word < 2 * 2048; word += 4) {
			struct workload w = { .acknowledged = 17, .attempted = 17 };

			sim_flash_open(&w.flash, &layout);
			sim_flash_copy(&w.flash, &cut.flash);
			store_le32(w.flash.mem + word, load_le32(w.flash.mem + word) ^ 0x00400000);
			goes_on(&w);
			sim_flash_close(&w.flash);
		}
		sim_flash_close(&cut.flash);
	}
}

/* Cut between `moved` and `released`, and the old sector's last slot rots: that has nothing to do with the new one. */
static void journal_open_whatever_rots_in_the_sector_it_left(void **state)
{
	unsigned long last = take_over_operations();

	(void)state;
	for (unsigned long at = 1; at < last; at++) {
		struct workload w = { 0 };
		unsigned old;

		worked(&w);
		old = w.j.live;
		take_over_session(&w, at, SIM_CUT_BEFORE);
		w.flash.mem[old * 2048 + 62 * 32 + 9] = 0;
		sim_flash_power_on(&w.flash);
		assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, layout.journal), HF_OK);
		if (w.j.live != old) {
			assert_int_equal(w.j.stuck, HF_OK);
			assert_true(hf_journal_free(&w.j) > 0);
		}
		goes_on(&w);
		sim_flash_close(&w.flash);
	}
}

/* Where `released` should go, a row of cells has failed: the records that follow it must not depend on one word in the old
 * sector. */
static void journal_that_cannot_say_released_at_once_keeps_what_follows(void **state)
{
	(void)state;
	for (unsigned rotten = 0; rotten < 62; rotten++) {
		struct workload w = { 0 };
		unsigned old;

		worked(&w);
		old = w.j.live;
		for (uint32_t word = 2 * 32; word < 18 * 32; word += 4)
			sim_flash_stick(&w.flash, layout.sector[!old].addr + word, 0xffffffff, 0);
		/* An error is allowed: what counts is what comes after it. */
		w.attempted = hf_journal_take_over(&w.j, write_last, &w.acknowledged) == HF_OK ? 17 : 18;
		for (uint32_t n = 17; n <= 18; n++) {
			struct hf_record r = numbered(n);

			assert_int_equal(hf_journal_append_twice(&w.j, &r), HF_OK);
		}
		w.acknowledged = w.attempted = 18;
		if (w.j.live != old)
			w.flash.mem[old * 2048 + (1 + rotten) * 32 + 9] ^= 0x10;
		run(&w, 0, 0, SIM_CUT_NONE);
		assert_int_equal(w.acknowledged, 18);
		sim_flash_close(&w.flash);
	}
}

static bool header_good(const struct workload *w, unsigned sector, unsigned copy)
{
	const uint8_t *raw = w->flash.mem + sector * 2048 + copy * 63 * 32;

	return raw[0] == 1 && hf_crc32(0, raw, 28) == load_le32(raw + 28);
}

/* The sector that was left loses both its headers at the next mount, also where a word of one does not program any more. */
static void journal_that_was_left_has_no_header_after_a_mount(void **state)
{
	static const uint32_t worn[] = { 0, 4, 28, 63 * 32, 63 * 32 + 4, 63 * 32 + 28 };
	unsigned long last = take_over_operations();

	(void)state;
	for (unsigned i = 0; i < sizeof worn / sizeof worn[0]; i++) {
		struct workload w = { 0 };
		unsigned old;

		worked(&w);
		old = w.j.live;
		take_over_session(&w, last - 14, SIM_CUT_BEFORE); /* before the first of: `released`, 6 words, erase */
		assert_true(header_good(&w, old, 0) && header_good(&w, old, 1));
		sim_flash_stick(&w.flash, layout.sector[old].addr + worn[i], 0xffffffff, 0);
		sim_flash_power_on(&w.flash);
		assert_int_equal(hf_journal_mount(&w.j, &w.flash.ops, layout.journal), HF_OK);
		assert_int_equal(w.j.live, !old);
		assert_false(header_good(&w, old, 0) || header_good(&w, old, 1));
		assert_true(header_good(&w, !old, 0) && header_good(&w, !old, 1));
		sim_flash_close(&w.flash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_blank_flash_is_not_found),
		cmocka_unit_test(journal_full_sector_refuses_to_append),
		cmocka_unit_test(journal_bad_slot_in_the_middle_is_skipped_and_counted),
		cmocka_unit_test(journal_slot_that_does_not_program_is_passed_over),
		cmocka_unit_test(journal_twice_written_record_survives_the_loss_of_one),
		cmocka_unit_test(journal_stale_records_of_an_earlier_epoch_are_not_taken),
		cmocka_unit_test(journal_cut_at_the_same_place_for_ever_stays_open),
		cmocka_unit_test(journal_full_to_the_end_cut_in_its_take_over_keeps_all),
		cmocka_unit_test(journal_with_a_worn_word_goes_on),
		cmocka_unit_test(journal_with_wear_and_cuts_loses_nothing),
		cmocka_unit_test(journal_rot_anywhere_keeps_what_stands_twice_and_goes_on),
		cmocka_unit_test(journal_rot_after_a_cut_keeps_what_stands_twice),
		cmocka_unit_test(journal_rot_after_a_cut_take_over_keeps_what_stands_twice),
		cmocka_unit_test(journal_without_reserve_cut_in_two_take_overs_keeps_all),
		cmocka_unit_test(journal_half_erased_behind_it_survives_rot),
		cmocka_unit_test(journal_open_whatever_rots_in_the_sector_it_left),
		cmocka_unit_test(journal_that_cannot_say_released_at_once_keeps_what_follows),
		cmocka_unit_test(journal_that_was_left_has_no_header_after_a_mount),
		cmocka_unit_test(journal_rot_far_behind_the_end_does_not_close_it),
		cmocka_unit_test(journal_cut_at_every_operation_keeps_all),
		cmocka_unit_test(journal_cut_again_while_recovering_keeps_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
