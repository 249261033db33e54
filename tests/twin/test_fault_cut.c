/* SPDX-License-Identifier: MIT
 *
 * Cuts that are resets: what stays, what the chip says was the cause, and that it goes on by itself.
 */
#include "probe.h"

enum { BORRST = 1 << 1, PINRST = 1 << 2, PORRST = 1 << 3, IWDGRST = 1 << 5 }; /* RCC_CSR >> 24 */

#define MARK_ADDR 0x20008000u
#define MARK      0x5eed5eedu

static const struct row {
	enum hf_twin_cut_how how;
	enum hf_twin_reset cause;
	uint32_t set, clear;
} rows[] = {
	{ HF_TWIN_CUT_BROWN_OUT, HF_TWIN_RESET_BROWN_OUT, BORRST | PINRST, PORRST | IWDGRST },
	{ HF_TWIN_CUT_WATCHDOG, HF_TWIN_RESET_IWDG, IWDGRST | PINRST, 0 },
	{ HF_TWIN_CUT_PIN, HF_TWIN_RESET_PIN, PINRST, IWDGRST },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Eight words 0x11111111 * i, then sector 9 is erased: operations 0..7 and 8. */
static const uint32_t words[] = { FW_SCRATCH, 0x11111111, 0x11111111, 8, FW_SCRATCH_SECTOR };

/* Runs WRITE_WORDS up to the cut. The program that the chip starts with afterwards is CLOCK, whose first answer is CSR. */
static void run_into(struct probe *probe, const struct hf_twin_cut *cut)
{
	uint32_t mark = MARK;

	probe_open(probe, NULL);
	probe_select(probe, WRITE_WORDS, words, 5);
	hf_twin_power_on(probe->twin);
	probe_run_to(probe, 1600000); /* it has begun, and erased nothing yet */
	assert_int_equal(hf_twin_poke(probe->twin, MARK_ADDR, &mark, 4), HF_OK);
	hf_twin_arm_cut(probe->twin, cut);
	while (probe_count(probe, HF_TWIN_EV_CUT) == 0)
		probe_run_to(probe, hf_twin_now_ns(probe->twin) + 10000);
	probe_select(probe, CLOCK, NULL, 0);
	assert_true(probe_run(probe, hf_twin_now_ns(probe->twin) + 1 * S));
}

static void reset_comes_by_itself_with_its_flags_and_keeps_ram(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 3, .how = rows[i].how };
		static struct probe probe;

		run_into(&probe, &cut);
		assert_true(hf_twin_is_on(probe.twin));
		assert_int_equal(probe_count(&probe, HF_TWIN_EV_POWER), 1);
		assert_int_equal(probe_count(&probe, HF_TWIN_EV_RESET), 2);
		assert_int_equal(probe_event(&probe, HF_TWIN_EV_RESET, 1)->a, rows[i].cause);
		assert_int_equal(probe_answer(&probe, 0) >> 24 & rows[i].set, rows[i].set);
		assert_int_equal(probe_answer(&probe, 0) >> 24 & rows[i].clear, 0);
		assert_int_equal(probe_word(&probe, MARK_ADDR), MARK);
		assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), 0x33333333);
		assert_int_equal(probe_word(&probe, FW_SCRATCH + 12), 0xffffffff); /* the cut came before it */
		probe_close(&probe);
	}
}

static void brown_out_keeps_backup_registers_and_a_loss_of_power_does_not(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_TIME, .at = 2 * S, .how = HF_TWIN_CUT_BROWN_OUT };
	uint32_t one = 1, kept[HF_TWIN_BACKUP_REGISTERS];
	static struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	probe_ask(&probe, BACKUP, &one, 1);
	hf_twin_arm_cut(probe.twin, &cut);
	probe_run_to(&probe, 2 * S + MS);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_CUT), 1);
	hf_twin_backup(probe.twin, kept);
	assert_int_equal(kept[3], 0xcafe0001);
	cut.how = HF_TWIN_CUT_POWER;
	cut.at = 2 * S + 2 * MS;
	hf_twin_arm_cut(probe.twin, &cut);
	while (hf_twin_run(probe.twin, 3 * S) == HF_TWIN_STOPPED)
		;
	assert_false(hf_twin_is_on(probe.twin));
	hf_twin_power_on(probe.twin);
	hf_twin_backup(probe.twin, kept);
	assert_int_equal(kept[3], 0);
	probe_close(&probe);
}

/* The fraction, the seed and the kinds of operation are those of a loss of power. */
static void reset_tears_what_a_loss_of_power_tears(void **state)
{
	struct hf_twin_cut cut = { .when = HF_TWIN_CUT_OPERATION, .at = 2, .fraction = 30000, .seed = 5 };
	static struct probe off, probe;

	(void)state;
	probe_open(&off, NULL);
	probe_select(&off, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(off.twin, &cut);
	assert_false(probe_run(&off, 1 * S));
	for (unsigned i = 0; i < ROWS; i++) {
		cut.how = rows[i].how;
		run_into(&probe, &cut);
		assert_int_equal(probe_word(&probe, FW_SCRATCH + 8), probe_word(&off, FW_SCRATCH + 8));
		assert_int_not_equal(probe_word(&probe, FW_SCRATCH + 8), 0x33333333);
		assert_int_not_equal(probe_word(&probe, FW_SCRATCH + 8), 0xffffffff);
		probe_close(&probe);
	}
	probe_close(&off);
}

static unsigned not_blank(struct probe *probe)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < 0x20000; i += 4)
		count += probe_word(probe, FW_SCRATCH + i) != 0xffffffff;
	return count;
}

static void reset_tears_an_erase_and_leaves_it_unstable(void **state)
{
	const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_ERASE, .fraction = 20000,
					 .unstable = true, .seed = 3, .how = HF_TWIN_CUT_WATCHDOG };
	static uint8_t zeros[0x20000];
	static struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	probe_select(&probe, WRITE_WORDS, words, 5);
	assert_int_equal(hf_twin_load(probe.twin, FW_SCRATCH, zeros, sizeof(zeros)), HF_OK);
	hf_twin_arm_cut(probe.twin, &cut);
	hf_twin_power_on(probe.twin);
	probe_run_to(&probe, 12 * MS);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_CUT), 1);
	assert_string_equal(probe_event(&probe, HF_TWIN_EV_CUT, 0)->text, "erase");
	assert_in_range(not_blank(&probe), 16000, 0x7fff);
	assert_true(hf_twin_unstable_words(probe.twin) > 1000);
	probe_close(&probe);
}

static void every_when_resets(void **state)
{
	static const struct hf_twin_cut cuts[] = {
		{ .when = HF_TWIN_CUT_OPERATION, .at = 8, .fraction = 1000 },
		{ .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_ERASE, .fraction = 65535 },
		{ .when = HF_TWIN_CUT_TIME, .at = 3 * MS },
		{ .when = HF_TWIN_CUT_INSTRUCTION, .at = 500 },
	};

	(void)state;
	for (unsigned how = 0; how < ROWS; how++)
		for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			struct hf_twin_cut cut = cuts[i];
			static struct probe probe;

			cut.how = rows[how].how;
			run_into(&probe, &cut);
			assert_int_equal(probe_count(&probe, HF_TWIN_EV_CUT), 1);
			assert_int_equal(probe_event(&probe, HF_TWIN_EV_RESET, 1)->a, rows[how].cause);
			assert_true(hf_twin_is_on(probe.twin));
			probe_close(&probe);
		}
}

static void cut_happens_once(void **state)
{
	const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .fraction = 9, .how = HF_TWIN_CUT_PIN };
	static struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	probe_select(&probe, WRITE_WORDS, words, 5);
	hf_twin_arm_cut(probe.twin, &cut);
	assert_true(probe_run(&probe, 1 * S)); /* the second start goes through */
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_CUT), 1);
	assert_int_equal(probe_counts(&probe).resets, 2);
	assert_int_equal(probe_answer(&probe, 1), 2);
	probe_close(&probe);
}

static void time_that_passed_while_off_cuts_at_power_on(void **state)
{
	const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_TIME, .at = 5 * MS };
	static struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	hf_twin_arm_cut(probe.twin, &cut);
	probe_run_to(&probe, 20 * MS);
	assert_int_equal(hf_twin_now_ns(probe.twin), 20 * MS);
	hf_twin_power_on(probe.twin);
	assert_int_equal(hf_twin_run(probe.twin, 40 * MS), HF_TWIN_OFF);
	assert_int_equal(hf_twin_now_ns(probe.twin), 20 * MS);
	probe_close(&probe);
}

/* A cut that waits within an erase must not say how far the erase got that another reset ended before. */
static void another_reset_tears_by_its_own_time(void **state)
{
	const struct hf_twin_cut cut = { .when = HF_TWIN_CUT_NEXT, .what = HF_TWIN_CUT_ERASE, .fraction = 60000 };
	static uint8_t zeros[0x20000];
	static struct probe probe;

	(void)state;
	probe_open(&probe, NULL);
	probe_select(&probe, WRITE_WORDS, words, 5);
	assert_int_equal(hf_twin_load(probe.twin, FW_SCRATCH, zeros, sizeof(zeros)), HF_OK);
	hf_twin_arm_cut(probe.twin, &cut);
	hf_twin_power_on(probe.twin);
	probe_run_to(&probe, 4 * MS); /* a tenth of the erase */
	hf_twin_reset(probe.twin, HF_TWIN_RESET_PIN);
	assert_true(not_blank(&probe) > 0x8000 * 3 / 4);
	probe_close(&probe);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_comes_by_itself_with_its_flags_and_keeps_ram),
		cmocka_unit_test(brown_out_keeps_backup_registers_and_a_loss_of_power_does_not),
		cmocka_unit_test(reset_tears_what_a_loss_of_power_tears),
		cmocka_unit_test(reset_tears_an_erase_and_leaves_it_unstable),
		cmocka_unit_test(every_when_resets),
		cmocka_unit_test(cut_happens_once),
		cmocka_unit_test(time_that_passed_while_off_cuts_at_power_on),
		cmocka_unit_test(another_reset_tears_by_its_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
