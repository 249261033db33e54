/* SPDX-License-Identifier: MIT
 *
 * Memory that fails: unstable words, worn sectors, read disturb, slow flash. Each lives in snapshots and in the hash.
 */
#include "probe.h"

enum { PGSERR = 1 << 7, WRPERR = 1 << 4 };
#define SCRATCH_BYTES 0x20000u
#define SCRATCH_WORDS (SCRATCH_BYTES / 4)

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

static void read_word(uint32_t where)
{
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, READ_WORD, &where, 1);
}

/* ---- unstable ---- */

static void unstable_words_are_as_many_as_asked(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, SCRATCH_BYTES, 16384, 1), HF_OK);
	assert_in_range(hf_twin_unstable_words(probe.twin), SCRATCH_WORDS / 4 - 500, SCRATCH_WORDS / 4 + 500);
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, SCRATCH_BYTES, 65536, 1), HF_OK);
	assert_int_equal(hf_twin_unstable_words(probe.twin), SCRATCH_WORDS);
}

static void unstable_range_that_is_no_flash_is_refused(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH + 2, 4, 65536, 1), HF_ERR_RANGE);
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, 6, 65536, 1), HF_ERR_RANGE);
	assert_int_equal(hf_twin_unstable(probe.twin, HF_TWIN_SRAM_ADDR, 4, 65536, 1), HF_ERR_RANGE);
	assert_int_equal(hf_twin_unstable(probe.twin, 0x080ffffc, 8, 65536, 1), HF_ERR_RANGE);
	assert_int_equal(hf_twin_unstable_words(probe.twin), 0);
}

/* While the firmware runs: nothing but the read itself makes the word look different. */
static void unstable_word_reads_differently_at_once(void **state)
{
	uint32_t where = FW_SCRATCH + 40;

	(void)state;
	probe_select(&probe, READ_WORD, &where, 1);
	hf_twin_power_on(probe.twin);
	probe_run_to(&probe, 1550000);
	assert_int_equal(hf_twin_unstable(probe.twin, where, 4, 65536, 9), HF_OK);
	assert_true(probe_run(&probe, 1 * S));
	assert_true(probe_answer(&probe, 1) > 16);
}

static void unstable_word_is_settled_by_zeros_and_by_an_erase(void **state)
{
	uint32_t zeros[] = { FW_SCRATCH, 0, 0, 1, UINT32_MAX }, erase[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };

	(void)state;
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, 8, 65536, 9), HF_OK);
	probe_ask(&probe, WRITE_WORDS, zeros, 5);
	read_word(FW_SCRATCH);
	assert_int_equal(probe_answer(&probe, 1), 0);
	read_word(FW_SCRATCH + 4);
	assert_true(probe_answer(&probe, 1) > 0);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, WRITE_WORDS, erase, 5);
	read_word(FW_SCRATCH + 4);
	assert_int_equal(probe_answer(&probe, 1), 0);
	assert_int_equal(hf_twin_unstable_words(probe.twin), 0);
}

/* ---- wear ---- */

static unsigned wrong_words(uint32_t value, unsigned words)
{
	unsigned count = 0;

	for (unsigned i = 0; i < words; i++)
		count += probe_word(&probe, FW_SCRATCH + 4 * i) != value;
	return count;
}

static void ask_worn(uint32_t words, uint32_t value)
{
	uint32_t args[] = { words, value };

	hf_twin_power_off(probe.twin);
	probe_ask(&probe, WORN, args, 2);
}

static void sector_wears_out_after_its_erases(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 2, HF_TWIN_WORN_SILENT, 4), HF_OK);
	ask_worn(2048, 0x00ff00ff);
	assert_int_equal(probe_answer(&probe, 3), 0); /* one erase left */
	ask_worn(2048, 0);
	assert_true(probe_answer(&probe, 3) > 0);     /* none: programming fails already */
	assert_int_equal(hf_twin_wear(probe.twin, FW_SCRATCH_SECTOR), 2);
	ask_worn(2048, 0x00ff00ff);
	assert_true(probe_answer(&probe, 3) > 8);
}

static void silent_wear_shows_in_contents_only(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_SILENT, 4), HF_OK);
	ask_worn(2048, 0);
	assert_int_equal(probe_answer(&probe, 0), 0);
	assert_int_equal(probe_answer(&probe, 1), 0);
	assert_in_range(probe_answer(&probe, 3), 1, 100); /* some words only */
	assert_int_equal(wrong_words(0, 2048), probe_answer(&probe, 3));
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_FLASH_ERROR), 0);
}

static void flagged_wear_is_told_where_work_was_not_done(void **state)
{
	(void)state;
	for (uint64_t seed = 4; seed < 6; seed++) {
		uint32_t flag = seed & 1 ? WRPERR : PGSERR;

		ask_worn(2048, 0);
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_FLAGGED, seed), HF_OK);
		ask_worn(1, 0xf0f0f0f0);
		assert_int_equal(probe_answer(&probe, 0), flag); /* what was programmed did not all go away */
		assert_in_range(wrong_words(UINT32_MAX, 2048), 2, 100);
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_NOT, 0), HF_OK);
		ask_worn(1, 0);
		assert_int_equal(probe_answer(&probe, 0), 0);
		assert_int_equal(wrong_words(UINT32_MAX, 2048), 1);
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_FLAGGED, seed), HF_OK);
		ask_worn(2048, 0);
		assert_in_range(probe_answer(&probe, 1), 1, 100);
		assert_int_equal(probe_answer(&probe, 1), probe_answer(&probe, 3)); /* each of them, and no other */
		assert_int_equal(probe_answer(&probe, 2), flag);
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_NOT, 0), HF_OK);
	}
}

static void wear_is_the_seeds(void **state)
{
	uint64_t hash[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_SILENT, i / 2), HF_OK);
		ask_worn(2048, 0);
		hash[i] = hf_twin_flash_hash(probe.twin);
		assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_NOT, 0), HF_OK);
		ask_worn(1, 0);
	}
	assert_true(hash[0] == hash[1]);
	assert_true(hash[0] != hash[2]);
}

static void other_sectors_are_not_worn(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR - 1, 0, HF_TWIN_WORN_FLAGGED, 4), HF_OK);
	ask_worn(2048, 0);
	assert_int_equal(probe_answer(&probe, 0), 0);
	assert_int_equal(probe_answer(&probe, 1), 0);
	assert_int_equal(probe_answer(&probe, 3), 0);
	assert_int_equal(hf_twin_wear_out(probe.twin, HF_TWIN_SECTORS, 0, HF_TWIN_WORN_FLAGGED, 4), HF_ERR_RANGE);
}

/* ---- read disturb ---- */

static void bits_flip_after_so_many_reads(void **state)
{
	uint32_t where = FW_SCRATCH + 64; /* another word of the page is read */

	(void)state;
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH + 8, 0x101, 70), HF_OK);
	probe_ask(&probe, READ_WORD, &where, 1); /* 65 reads, some within 1000 cycles */
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), UINT32_MAX);
	read_word(where);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), ~0x101u);
	read_word(where);
	read_word(where);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), ~0x101u); /* once */
	assert_int_equal(probe_word(&probe, where), UINT32_MAX);
}

static void the_word_that_is_read_flips_under_the_reader(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 0x80, 20), HF_OK);
	read_word(FW_SCRATCH);
	assert_int_equal(probe_answer(&probe, 0), UINT32_MAX);
	assert_in_range(probe_answer(&probe, 1), 20, 60);
	assert_int_equal(probe_answer(&probe, 2), 0x80);
}

static void reads_of_another_page_do_not_disturb(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 1, 1), HF_OK);
	read_word(FW_SCRATCH + 1024);
	assert_int_equal(probe_word(&probe, FW_SCRATCH), UINT32_MAX);
	read_word(FW_SCRATCH + 1020);
	assert_int_equal(probe_word(&probe, FW_SCRATCH), UINT32_MAX - 1);
}

static void erase_takes_the_disturbance_away(void **state)
{
	uint32_t erase[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };

	(void)state;
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 1, 1), HF_OK);
	probe_ask(&probe, WRITE_WORDS, erase, 5);
	read_word(FW_SCRATCH);
	assert_int_equal(probe_word(&probe, FW_SCRATCH), UINT32_MAX);
}

/* The function's constant changes while the engine has a translation of it. */
static void disturbed_code_is_executed_as_it_reads(void **state)
{
	static const uint32_t code[] = { FW_SCRATCH, 0x4770202a, 0, 1, UINT32_MAX }; /* movs r0, #42; bx lr */
	uint32_t function = FW_SCRATCH | 1;

	(void)state;
	probe_ask(&probe, WRITE_WORDS, code, 5);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, CALL, &function, 1);
	assert_int_equal(probe_answer(&probe, 0), 42);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 1, 1), HF_OK);
	read_word(FW_SCRATCH + 64);
	hf_twin_power_off(probe.twin);
	probe_ask(&probe, CALL, &function, 1);
	assert_int_equal(probe_answer(&probe, 0), 43);
}

static void disturbances_are_eight_at_most(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH + 4 * i, 1, 100), HF_OK);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 1, 100), HF_ERR_FULL);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH + 1, 1, 100), HF_ERR_RANGE);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH, 1, 0), HF_ERR_RANGE);
}

/* ---- slow flash ---- */

static uint64_t erase_ns(void)
{
	uint32_t erase[] = { FW_SCRATCH, 0, 0, 0, FW_SCRATCH_SECTOR };
	uint64_t begin;

	hf_twin_power_off(probe.twin);
	begin = hf_twin_now_ns(probe.twin);
	probe_ask(&probe, WRITE_WORDS, erase, 5);
	return hf_twin_now_ns(probe.twin) - begin;
}

static void slow_flash_takes_its_share_of_time(void **state)
{
	uint64_t usual = erase_ns(), slow;

	(void)state;
	hf_twin_flash_speed(probe.twin, 4000); /* 80 ms instead of 20 */
	slow = erase_ns();
	assert_in_range(slow - usual, 60 * MS, 60 * MS + 1000);
	hf_twin_flash_speed(probe.twin, 1000);
	assert_int_equal(erase_ns() / 1000, usual / 1000);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_FLASH_ERROR), 0);
}

/* ---- all of them ---- */

static void break_everything(void)
{
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, 4, 65536, 1), HF_OK);
	assert_int_equal(hf_twin_wear_out(probe.twin, FW_SCRATCH_SECTOR, 0, HF_TWIN_WORN_SILENT, 4), HF_OK);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH + 8, 1, 1), HF_OK);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 12, 1), HF_OK);
	hf_twin_flash_speed(probe.twin, 4000);
}

static void restore_heals_and_breaks_again(void **state)
{
	struct hf_twin_snapshot *whole, *broken;
	uint64_t hash, usual;

	(void)state;
	usual = erase_ns() / 1000;
	hf_twin_power_off(probe.twin);
	assert_int_equal(hf_twin_save(probe.twin, &whole), HF_OK);
	hash = hf_twin_flash_hash(probe.twin);
	break_everything();
	assert_int_equal(hf_twin_save(probe.twin, &broken), HF_OK);
	hf_twin_restore(probe.twin, whole);
	assert_int_equal(hf_twin_flash_hash(probe.twin), hash);
	read_word(FW_SCRATCH);
	assert_int_equal(probe_answer(&probe, 1), 0);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), UINT32_MAX);
	ask_worn(2048, 0);
	assert_int_equal(probe_answer(&probe, 3), 0);
	assert_int_equal(erase_ns() / 1000, usual);
	hf_twin_restore(probe.twin, broken);
	read_word(FW_SCRATCH);
	assert_true(probe_answer(&probe, 1) > 0);
	assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), UINT32_MAX - 1);
	assert_true(erase_ns() / 1000 > usual + 59000);
	ask_worn(2048, 0);
	assert_true(probe_answer(&probe, 3) > 0);
	hf_twin_snapshot_free(whole);
	hf_twin_snapshot_free(broken);
}

static void hash_tells_faults_apart(void **state)
{
	uint64_t hash[8];
	unsigned n = 0;

	(void)state;
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_unstable(probe.twin, FW_SCRATCH, 4, 65536, 1), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_wear_out(probe.twin, 9, 3, HF_TWIN_WORN_SILENT, 4), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_wear_out(probe.twin, 9, 2, HF_TWIN_WORN_SILENT, 4), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_disturb(probe.twin, FW_SCRATCH + 8, 1, 2), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 12, 1), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 16, 1), HF_OK);
	hash[n++] = hf_twin_flash_hash(probe.twin);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(hash[i] != hash[j]);
	/* In another order it is the same hardware. */
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 12, 0), HF_OK);
	assert_int_equal(hf_twin_stick_word(probe.twin, FW_SCRATCH + 12, 1), HF_OK);
	assert_true(hf_twin_flash_hash(probe.twin) == hash[n - 1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_default, close_board)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(unstable_words_are_as_many_as_asked),
		TEST(unstable_range_that_is_no_flash_is_refused),
		TEST(unstable_word_reads_differently_at_once),
		TEST(unstable_word_is_settled_by_zeros_and_by_an_erase),
		TEST(sector_wears_out_after_its_erases),
		TEST(silent_wear_shows_in_contents_only),
		TEST(flagged_wear_is_told_where_work_was_not_done),
		TEST(wear_is_the_seeds),
		TEST(other_sectors_are_not_worn),
		TEST(bits_flip_after_so_many_reads),
		TEST(the_word_that_is_read_flips_under_the_reader),
		TEST(reads_of_another_page_do_not_disturb),
		TEST(erase_takes_the_disturbance_away),
		TEST(disturbed_code_is_executed_as_it_reads),
		TEST(disturbances_are_eight_at_most),
		TEST(slow_flash_takes_its_share_of_time),
		TEST(restore_heals_and_breaks_again),
		TEST(hash_tells_faults_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
