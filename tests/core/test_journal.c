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

static void append_next(struct workload *w)
{
	uint32_t n = w->acknowledged + 1;
	struct hf_record r = numbered(n);

	w->attempted = n;
	if (hf_journal_free(&w->j) < HF_TWIN_DISTANCE + 1 || n % 17 == 0)
		assert_int_equal(hf_journal_take_over(&w->j, write_last, &w->acknowledged), HF_OK);
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
		w->acknowledged = found;
		w->attempted = found;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_blank_flash_is_not_found),
		cmocka_unit_test(journal_full_sector_refuses_to_append),
		cmocka_unit_test(journal_bad_slot_in_the_middle_is_skipped_and_counted),
		cmocka_unit_test(journal_slot_that_does_not_program_is_passed_over),
		cmocka_unit_test(journal_twice_written_record_survives_the_loss_of_one),
		cmocka_unit_test(journal_stale_records_of_an_earlier_epoch_are_not_taken),
		cmocka_unit_test(journal_cut_at_every_operation_keeps_all),
		cmocka_unit_test(journal_cut_again_while_recovering_keeps_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
