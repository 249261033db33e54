/* SPDX-License-Identifier: MIT
 *
 * The flash controller as firmware sees it, the watchdog, the backup registers, and losses of power.
 */
#include "probe.h"

#define WORD_CYCLES 2688 /* 16 us at 168 MHz */

enum { PGSERR = 1 << 7, PGPERR = 1 << 6, PGAERR = 1 << 5, WRPERR = 1 << 4 };

static struct probe probe;

static int open_default(void **state)
{
	(void)state;
	probe_open(&probe, NULL);
	return 0;
}

static int close_board(void **state)
{
	(void)state;
	probe_close(&probe);
	return 0;
}

static void open_with(struct probe *other, void (*change)(struct hf_twin_config *config))
{
	struct hf_twin_config config;

	hf_twin_config_default(&config);
	change(&config);
	probe_open(other, &config);
}

/* ---- the controller ---- */

static void programming_takes_its_time_and_clears_bits(void **state)
{
	(void)state;
	probe_ask(&probe, PROGRAM, NULL, 0);
	assert_int_equal(probe_answer(&probe, 0), 0);
	assert_in_range(probe_answer(&probe, 1), WORD_CYCLES, WORD_CYCLES + 100);
	assert_int_equal(probe_answer(&probe, 2), 0x12345678);
	assert_int_equal(probe_answer(&probe, 3), 0x12345678 & 0xf0f0ffff);
	assert_in_range(probe_answer(&probe, 4), 2 * WORD_CYCLES, 2 * WORD_CYCLES + 100);
	assert_int_equal(probe_answer(&probe, 5), 1);
	assert_int_equal(probe_answer(&probe, 6), 2);
	assert_int_equal(probe_answer(&probe, 7), 0); /* no EOP: nobody asked for it */
	assert_int_equal(probe_answer(&probe, 8), 0xffff5aff);
	assert_int_equal(probe_answer(&probe, 9), 1);
	assert_int_equal(probe_answer(&probe, 10), 0xffffbeef);
	assert_int_equal(probe_answer(&probe, 11), 1u << 31);
	assert_int_equal(probe_counts(&probe).flash_programs, 6);
	assert_int_equal(probe_counts(&probe).flash_ops, 6);
	assert_true(probe_counts(&probe).stalls >= 3);
	assert_true(probe_counts(&probe).stall_cycles >= 3 * WORD_CYCLES);
}

static void protect_sector_10(struct hf_twin_config *config)
{
	config->optcr &= ~(1u << (16 + 10));
}

static void errors_are_flagged_and_change_nothing(void **state)
{
	static const uint32_t answers[] = {
		PGSERR, 0xffffffff, PGSERR, PGPERR, PGPERR, PGAERR | PGPERR, PGSERR, 0xffffffff, WRPERR, 0xffffffff,
		WRPERR, PGSERR,
	};
	struct probe other;

	(void)state;
	open_with(&other, protect_sector_10);
	probe_ask(&other, FLASH_ERRORS, NULL, 0);
	assert_int_equal(probe_answers(&other), 12);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(probe_answer(&other, i), answers[i]);
	assert_int_equal(probe_counts(&other).flash_ops, 0);
	assert_true(probe_count(&other, HF_TWIN_EV_FLASH_ERROR) >= 9); /* the bus splits the store across a row */
	probe_close(&other);
}

static void wrong_key_locks_until_reset(void **state)
{
	(void)state;
	probe_select(&probe, WRONG_KEY, NULL, 0);
	assert_true(probe_run(&probe, 1 * S));
	assert_int_equal(probe_answer(&probe, 0), 1 << 10); /* the bus answered with an error */
	assert_int_equal(probe_answer(&probe, 1), 1);       /* then the right keys did not help */
	assert_int_equal(probe_answer(&probe, 2), 0);       /* after a reset they did */
	assert_int_equal(probe_counts(&probe).resets, 2);   /* with the power's */
}

static void true_times(struct hf_twin_config *config)
{
	hf_twin_config_default(config);
}

static void erase_of(uint32_t sector, uint32_t psize, uint64_t ms)
{
	uint32_t args[] = { sector, psize << 8 };
	struct probe other;
	uint64_t begin = 0, end = 0;

	open_with(&other, true_times);
	probe_ask(&other, ERASE, args, 2);
	assert_int_equal(probe_answer(&other, 0), 1);
	for (unsigned i = 0; i < other.events; i++)
		if (other.event[i].kind == HF_TWIN_EV_FLASH) {
			begin = end;
			end = other.event[i].at_ns;
		}
	assert_in_range(end - begin, ms * MS, ms * MS + 20000); /* from the end of the word before */
	assert_int_equal(hf_twin_wear(other.twin, sector), 1);
	if (sector == FW_SCRATCH_SECTOR)
		assert_int_equal(probe_answer(&other, 1), 0xffffffff);
	assert_int_equal(probe_count(&other, HF_TWIN_EV_STALL), 0); /* code in RAM goes on */
	probe_close(&other);
}

static void erases_take_the_times_of_the_datasheet(void **state)
{
	(void)state;
	erase_of(9, 2, 1000);
	erase_of(4, 1, 700);
	erase_of(3, 2, 250); /* the test's program is in sector 0 */
	erase_of(3, 0, 400);
}

static void coarse(struct hf_twin_config *config)
{
	config->coarse = true;
}

static void coarse_time_skips_polls_and_keeps_the_operations_time(void **state)
{
	static const uint32_t args[] = { 9, 2 << 8 };
	struct probe fine, other;
	uint64_t now;

	(void)state;
	open_with(&fine, true_times);
	open_with(&other, coarse);
	probe_ask(&fine, ERASE, args, 2);
	probe_ask(&other, ERASE, args, 2);
	assert_true(probe_counts(&other).instructions < probe_counts(&fine).instructions / 10);
	assert_int_equal(probe_counts(&other).flash_ops, probe_counts(&fine).flash_ops);
	now = hf_twin_now_ns(fine.twin);
	assert_in_range(hf_twin_now_ns(other.twin), now - MS, now + MS);
	probe_close(&fine);
	probe_close(&other);
}

static void erase_from_flash_stalls_the_core(void **state)
{
	(void)state;
	probe_ask(&probe, ERASE_ALL_WAYS, NULL, 0);
	assert_in_range(probe_answer(&probe, 0), 168000 * 20, 168000 * 20 + 1000);
	assert_int_equal(probe_answer(&probe, 1), 0);
	assert_int_equal(probe_counts(&probe).stalls, 1);
	assert_in_range(probe_event(&probe, HF_TWIN_EV_STALL, 0)->b, 19990, 20000);
}

/* Indices that the cycle model knows at the block's entry, and one that it does not: the read is watched. */
static void constant_read_during_an_erase_stalls_the_core(void **state)
{
	uint32_t index = 3;

	(void)state;
	probe_ask(&probe, DATA_STALL, &index, 1);
	assert_in_range(probe_answer(&probe, 0), 168000 * 20, 168000 * 20 + 1000);
	assert_int_equal(probe_counts(&probe).stalls, 1);
}

static void stall_where_it_is_forbidden_is_an_error(void **state)
{
	(void)state;
	hf_twin_must_not_stall_in_handlers(probe.twin, true);
	probe_ask(&probe, ERASE_STALLED, NULL, 0);
	assert_true(probe_count(&probe, HF_TWIN_EV_MUST_NOT_STALL) >= 1);
	assert_int_equal(probe_answer(&probe, 1), 2); /* of twenty: the one that was served, and one pending */
}

static void stall_outside_of_handlers_is_none(void **state)
{
	(void)state;
	hf_twin_must_not_stall_in_handlers(probe.twin, true);
	probe_ask(&probe, ERASE_ALL_WAYS, NULL, 0);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_MUST_NOT_STALL), 0);
	assert_int_equal(hf_twin_must_not_stall(probe.twin, 0x08000000, 0x20000), HF_OK);
	hf_twin_reset(probe.twin, HF_TWIN_RESET_PIN);
	assert_true(probe_run(&probe, 10 * S));
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_MUST_NOT_STALL), 1);
}

/* ---- watchdog and backup registers ---- */

static uint32_t lsi;

static void set_lsi(struct hf_twin_config *config)
{
	config->lsi_hz = lsi;
}

/* 500 * 64 LSI cycles: 1.88 s, 1 s, 0.68 s. */
static void watchdog_bites_after_its_lsi_time(void **state)
{
	static const uint32_t frequencies[] = { 17000, 32000, 47000 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t expected = 32000ull * S / frequencies[i];
		uint32_t feeds = 3;
		struct probe other;

		lsi = frequencies[i];
		open_with(&other, set_lsi);
		probe_ask(&other, WATCHDOG, &feeds, 1);
		assert_int_equal(probe_answer(&other, 0) & 0x24, 0x24); /* IWDGRSTF, PINRSTF */
		assert_int_equal(probe_count(&other, HF_TWIN_EV_RESET), 2);
		assert_int_equal(probe_event(&other, HF_TWIN_EV_RESET, 1)->a, HF_TWIN_RESET_IWDG);
		/* Start-up and updates of the registers take some milliseconds before the three feeds. */
		assert_in_range(probe_event(&other, HF_TWIN_EV_RESET, 1)->at_ns, 1500 * MS + expected,
				1506 * MS + expected);
		probe_close(&other);
	}
}

static void watchdog_by_option(struct hf_twin_config *config)
{
	config->optcr &= ~(1u << 5);
}

static void watchdog_of_the_option_bytes_runs_from_power_on(void **state)
{
	struct probe other;

	(void)state;
	open_with(&other, watchdog_by_option);
	probe_ask(&other, NOTHING, NULL, 0);
	assert_true(probe_run(&other, 700 * MS)); /* done again, after the reset */
	assert_int_equal(probe_event(&other, HF_TWIN_EV_RESET, 1)->a, HF_TWIN_RESET_IWDG);
	assert_in_range(probe_event(&other, HF_TWIN_EV_RESET, 1)->at_ns, 512 * MS, 514 * MS);
	probe_close(&other);
}

static void with_battery(struct hf_twin_config *config)
{
	config->vbat = true;
}

static void backup_registers_survive_reset_and_battery_only(void **state)
{
	uint32_t first = 1, second = 2;
	struct probe other;

	(void)state;
	probe_ask(&probe, BACKUP, &first, 1);
	assert_int_equal(probe_answer(&probe, 0), 0);
	assert_int_equal(probe_answer(&probe, 1), 0); /* protected */
	assert_int_equal(probe_answer(&probe, 2), 0xcafe0001);
	hf_twin_reset(probe.twin, HF_TWIN_RESET_PIN);
	probe_ask(&probe, BACKUP, &second, 1);
	assert_int_equal(probe_answer(&probe, 0), 0xcafe0001);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, BACKUP, &first, 1);
	assert_int_equal(probe_answer(&probe, 0), 0);

	open_with(&other, with_battery);
	probe_ask(&other, BACKUP, &first, 1);
	hf_twin_power_off(other.twin);
	probe_ask(&other, BACKUP, &second, 1);
	assert_int_equal(probe_answer(&other, 0), 0xcafe0001);
	probe_close(&other);
}

/* ---- losses of power ---- */

/* Eight words 0x11111111 * i, then sector 9 is erased: operations 0..7 and 8. */
static const uint32_t words[] = { FW_SCRATCH, 0x11111111, 0x11111111, 8, FW_SCRATCH_SECTOR };

static void cut_before_an_operation_leaves_it_undone(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 8; n++) {
		struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = n };
		struct probe other;

		probe_open(&other, NULL);
		probe_select(&other, WRITE_WORDS, words, 5);
		hf_twin_arm_cut(other.twin, &cut);
		assert_false(probe_run(&other, 20 * S));
		assert_false(hf_twin_is_on(other.twin));
		assert_int_equal(probe_count(&other, HF_TWIN_EV_CUT), 1);
		assert_int_equal(probe_event(&other, HF_TWIN_EV_CUT, 0)->b, n);
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(probe_word(&other, FW_SCRATCH + 4 * i),
					 i < n ? 0x11111111 * (i + 1) : 0xffffffff);
		/* The next start is whole. */
		probe_ask(&other, WRITE_WORDS, words, 5);
		assert_int_equal(probe_word(&other, FW_SCRATCH), 0xffffffff);
		probe_close(&other);
	}
}

static uint32_t torn(uint64_t seed, uint16_t fraction)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 2, .fraction = fraction, .seed = seed };
	struct probe other;
	uint32_t word;

	probe_open(&other, NULL);
	probe_select(&other, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(other.twin, &cut);
	assert_false(probe_run(&other, 20 * S));
	word = probe_word(&other, FW_SCRATCH + 8);
	assert_int_equal(word & 0x33333333, 0x33333333); /* no bit that stays was touched */
	assert_int_equal(probe_word(&other, FW_SCRATCH + 12), 0xffffffff);
	probe_close(&other);
	return word;
}

static void cut_within_a_word_clears_some_of_its_bits(void **state)
{
	uint32_t half = torn(1, 32768), again = torn(1, 32768), other = torn(2, 32768);

	(void)state;
	assert_int_equal(half, again);
	assert_int_not_equal(half, other);
	assert_in_range(__builtin_popcount(half), 17, 31);
	assert_true(__builtin_popcount(torn(3, 60000)) < __builtin_popcount(torn(3, 5000)));
}

static unsigned count_words(struct probe *b, uint32_t value)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < 0x20000; i += 4)
		count += probe_word(b, FW_SCRATCH + i) == value;
	return count;
}

static void fill_scratch(struct probe *b)
{
	static uint32_t pattern[0x8000];

	for (unsigned i = 0; i < 0x8000; i++)
		pattern[i] = 0x0f0f0f0f;
	assert_int_equal(hf_twin_load(b->twin, FW_SCRATCH, pattern, sizeof(pattern)), HF_OK);
}

static void cut_within_an_erase_leaves_a_mix(void **state)
{
	uint32_t none[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_ERASE, .fraction = 32768, .seed = 7 };
	unsigned old, blank;

	(void)state;
	probe_select(&probe, WRITE_WORDS, none, 5);
	fill_scratch(&probe);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	old = count_words(&probe, 0x0f0f0f0f);
	blank = count_words(&probe, 0xffffffff);
	assert_in_range(old, 4000, 12000);
	assert_in_range(blank, 12000, 18000);
	assert_true(old + blank < 0x8000); /* and words that are neither */
	assert_in_range(probe_event(&probe, HF_TWIN_EV_CUT, 0)->at_ns, 11 * MS, 13 * MS);
	assert_int_equal(probe_counts(&probe).flash_erases, 1);
	assert_int_equal(hf_twin_wear(probe.twin, FW_SCRATCH_SECTOR), 1);
}

static void cut_at_a_time_tears_what_is_under_way(void **state)
{
	uint32_t none[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_TIME, .at = 20 * MS };

	(void)state;
	probe_select(&probe, WRITE_WORDS, none, 5);
	fill_scratch(&probe);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	assert_in_range(probe_event(&probe, HF_TWIN_EV_CUT, 0)->at_ns, 20 * MS, 20 * MS + 1000);
	assert_in_range(count_words(&probe, 0xffffffff), 24000, 32000); /* nine tenths of it */
}

static void cut_during_a_stall_comes_in_time(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_TIME, .at = 8 * MS };

	(void)state;
	probe_select(&probe, ERASE_ALL_WAYS, NULL, 0);
	fill_scratch(&probe);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	assert_in_range(probe_event(&probe, HF_TWIN_EV_CUT, 0)->at_ns, 8 * MS, 8 * MS + 1000);
	assert_true(count_words(&probe, 0x0f0f0f0f) > 8000);
}

static void run_ends_in_time_within_a_stall(void **state)
{
	(void)state;
	probe_select(&probe, ERASE_ALL_WAYS, NULL, 0);
	fill_scratch(&probe);
	for (uint64_t t = 3 * MS; t < 20 * MS; t += MS / 2) {
		assert_false(probe_run(&probe, t));
		assert_in_range(hf_twin_now_ns(probe.twin), t, t + 100);
		assert_int_equal(count_words(&probe, 0xffffffff), 0);
	}
	assert_true(probe_run(&probe, 1 * S));
	assert_int_equal(probe_counts(&probe).stalls, 1);
	assert_in_range(probe_counts(&probe).stall_cycles, 168000 * 20 - 1000, 168000 * 20);
	assert_int_equal(count_words(&probe, 0xffffffff), 0x8000);
}

static void cut_at_an_instruction_is_exact_to_a_block(void **state)
{
	uint32_t args[] = { 1, 100000 };
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_INSTRUCTION, .at = 50000 };

	(void)state;
	probe_select(&probe, BUSY, args, 2);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	assert_in_range(probe_counts(&probe).instructions, 50000, 50010);
}

static void cut_of_the_nth_operation_in_a_range_finds_it(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_PROGRAM, .at = 1,
				   .addr = FW_SCRATCH + 8, .size = 16 };

	(void)state;
	probe_select(&probe, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), 0x33333333);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 12), 0xffffffff);
}

static void reset_during_an_erase_tears_it(void **state)
{
	uint32_t none[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };

	(void)state;
	probe_select(&probe, WRITE_WORDS, none, 5);
	fill_scratch(&probe);
	assert_false(probe_run(&probe, 12 * MS));
	probe_select(&probe, NOTHING, NULL, 0);
	hf_twin_reset(probe.twin, HF_TWIN_RESET_PIN);
	assert_true(probe_run(&probe, 2 * S));
	assert_true(count_words(&probe, 0xffffffff) > 8000);
	assert_true(count_words(&probe, 0x0f0f0f0f) > 1000);
}

/* ---- unstable words, worn hardware ---- */

static void tear_unstable(struct probe *b)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 2, .fraction = 40000, .unstable = true,
				   .seed = 11 };

	probe_select(b, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(b->twin, &cut);
	assert_false(probe_run(b, 20 * S));
}

static void torn_word_reads_differently_until_programmed_again(void **state)
{
	uint32_t where = FW_SCRATCH + 8, again[] = { FW_SCRATCH + 8, 0x33333333, 0, 1, 0xffffffff };

	(void)state;
	tear_unstable(&probe);
	probe_ask(&probe, READ_WORD, &where, 1);
	assert_true(probe_answer(&probe, 1) > 50); /* of 64 readings */
	assert_int_equal(probe_answer(&probe, 2) & 0x33333333, 0);
	assert_in_range(__builtin_popcount(probe_answer(&probe, 2)), 14, 16);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, WRITE_WORDS, again, 5);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, READ_WORD, &where, 1);
	assert_int_equal(probe_answer(&probe, 0), 0x33333333);
	assert_int_equal(probe_answer(&probe, 1), 0);
}

static void neighbours_of_a_torn_word_are_stable(void **state)
{
	uint32_t where = FW_SCRATCH + 4;

	(void)state;
	tear_unstable(&probe);
	probe_ask(&probe, READ_WORD, &where, 1);
	assert_int_equal(probe_answer(&probe, 0), 0x22222222);
	assert_int_equal(probe_answer(&probe, 1), 0);
}

static void erase_settles_unstable_words(void **state)
{
	uint32_t where = FW_SCRATCH + 8, erase[] = { FW_SCRATCH + 8, 0, 0, 0, FW_SCRATCH_SECTOR };

	(void)state;
	tear_unstable(&probe);
	probe_ask(&probe, WRITE_WORDS, erase, 5);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, READ_WORD, &where, 1);
	assert_int_equal(probe_answer(&probe, 0), 0xffffffff);
	assert_int_equal(probe_answer(&probe, 1), 0);
}

static void half_erased_sector_may_read_blank_and_change(void **state)
{
	uint32_t none[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_ERASE, .fraction = 65000, .seed = 7,
				   .unstable = true };
	static uint32_t word[0x8000];
	unsigned blank = 0, changed = 0;

	(void)state;
	probe_select(&probe, WRITE_WORDS, none, 5);
	fill_scratch(&probe);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_false(probe_run(&probe, 20 * S));
	assert_int_equal(hf_twin_peek(probe.twin, FW_SCRATCH, word, sizeof(word)), HF_OK);
	for (unsigned i = 0; i < 64; i++) {
		uint32_t where = FW_SCRATCH + 2000 * i;

		if (word[500 * i] != 0xffffffff)
			continue;
		blank++;
		probe_ask(&probe, READ_WORD, &where, 1);
		changed += probe_answer(&probe, 1) != 0;
		hf_twin_power_off(probe.twin);
	}
	assert_true(blank > 32);
	assert_true(changed > blank / 8);
}

static void stuck_bits_resist_programming_and_erasing(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 4, 0x00000003), HF_OK);
	probe_select(&probe, WRITE_WORDS, words, 5);
	assert_false(probe_run(&probe, 2 * MS));
	assert_int_equal(hf_twin_run(probe.twin, 3 * MS), HF_TWIN_TIME);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 4), 0x22222223);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 4, 0xff), HF_OK);
	assert_true(probe_run(&probe, 20 * S));
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 4), 0xffffff23);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 5, 1), HF_ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_default, close_board)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(programming_takes_its_time_and_clears_bits),
		TEST(errors_are_flagged_and_change_nothing),
		TEST(wrong_key_locks_until_reset),
		TEST(erases_take_the_times_of_the_datasheet),
		TEST(coarse_time_skips_polls_and_keeps_the_operations_time),
		TEST(erase_from_flash_stalls_the_core),
		TEST(constant_read_during_an_erase_stalls_the_core),
		TEST(stall_where_it_is_forbidden_is_an_error),
		TEST(stall_outside_of_handlers_is_none),
		TEST(watchdog_bites_after_its_lsi_time),
		TEST(watchdog_of_the_option_bytes_runs_from_power_on),
		TEST(backup_registers_survive_reset_and_battery_only),
		TEST(cut_before_an_operation_leaves_it_undone),
		TEST(cut_within_a_word_clears_some_of_its_bits),
		TEST(cut_within_an_erase_leaves_a_mix),
		TEST(cut_at_a_time_tears_what_is_under_way),
		TEST(cut_during_a_stall_comes_in_time),
		TEST(run_ends_in_time_within_a_stall),
		TEST(cut_at_an_instruction_is_exact_to_a_block),
		TEST(cut_of_the_nth_operation_in_a_range_finds_it),
		TEST(reset_during_an_erase_tears_it),
		TEST(torn_word_reads_differently_until_programmed_again),
		TEST(neighbours_of_a_torn_word_are_stable),
		TEST(erase_settles_unstable_words),
		TEST(half_erased_sector_may_read_blank_and_change),
		TEST(stuck_bits_resist_programming_and_erasing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
