/* SPDX-License-Identifier: MIT
 *
 * The core: clocks, SysTick and sleep, exceptions, faults, resets, cycles.
 */
#include "board.h"

static struct board board;

static int open_default(void **state)
{
	(void)state;
	board_open(&board, NULL);
	return 0;
}

static int close_board(void **state)
{
	(void)state;
	board_close(&board);
	return 0;
}

static void clock_at_power_on_locks_and_identifies(void **state)
{
	(void)state;
	board_ask(&board, CLOCK, NULL, 0);
	assert_int_equal(board_answer(&board, 0) >> 24, 0x0e); /* PORRSTF, PINRSTF, BORRSTF */
	assert_int_equal(board_answer(&board, 1) >> 24, 0);
	assert_int_equal(board_answer(&board, 2), 1);
	assert_int_equal(board_answer(&board, 3), 8);
	assert_int_equal(board_answer(&board, 4), 0); /* no crystal */
	assert_int_equal(board_answer(&board, 5), 0x002b0035);
	assert_int_equal(board_answer(&board, 6), 1024);
	assert_int_equal(board_answer(&board, 7), 0x413);
	assert_int_equal(board_count(&board, HF_TWIN_EV_LOG), 0);
}

static void clock_without_lock_times_out(void **state)
{
	struct hf_twin_config config;
	struct board other;

	(void)state;
	hf_twin_config_default(&config);
	config.hsi_pll_fails = true;
	config.hse_hz = 8000000;
	board_open(&other, &config);
	board_ask(&other, CLOCK, NULL, 0);
	assert_int_equal(board_answer(&other, 2), 0);
	assert_int_equal(board_answer(&other, 3), 0);
	assert_int_equal(board_answer(&other, 4), 1); /* this board has a crystal */
	board_close(&other);
}

static void systick_with_sleep_keeps_exact_time(void **state)
{
	(void)state;
	board_select(&board, SYSTICK, NULL, 0);
	assert_true(board_run(&board, 1 * S));
	assert_int_equal(board_answer(&board, 0), 1);
	assert_int_equal(board_answer(&board, 1), 11);
	assert_true(board_answer(&board, 2) < 10 * 168000 / 100); /* asleep almost all the time */
	assert_int_equal(board_answer(&board, 3), 1);
	/* Temporisation 1.5 ms, PLL 0.2 ms and a little start-up, 11 periods of 1 ms. */
	assert_in_range(hf_twin_now_ns(board.twin), 12700000, 12780000);
	assert_int_equal(board_counts(&board).exceptions, 11);
}

static void sleep_for_good_ends_at_the_time_asked_for(void **state)
{
	(void)state;
	board_ask(&board, NOTHING, NULL, 0);
	assert_int_equal(hf_twin_run(board.twin, 3600 * S), HF_TWIN_TIME);
	assert_in_range(hf_twin_now_ns(board.twin), 3600 * S, 3600 * S + 100);
}

static void exceptions_of_three_priorities_nest_and_chain(void **state)
{
	static const uint32_t order[] = { 'A', 'B', 16 + 7, 'b', 'a', 'C', '.' };

	(void)state;
	board_ask(&board, NESTING, NULL, 0);
	assert_int_equal(board_answers(&board), 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(board_answer(&board, i), order[i]);
	assert_int_equal(board_counts(&board).exceptions, 3);
}

static void exceptions_masked_wait_for_the_mask(void **state)
{
	static const uint32_t order[] = { 1, 'C', 'P', 2, 3, 'C', 4, 5, 'C', 6 };

	(void)state;
	board_ask(&board, MASKS, NULL, 0);
	assert_int_equal(board_answers(&board), 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(board_answer(&board, i), order[i]);
}

static void svc_on_either_stack_returns_its_result(void **state)
{
	(void)state;
	board_ask(&board, SVC_PSP, NULL, 0);
	assert_int_equal(board_answer(&board, 0), 42);
	assert_int_equal(board_answer(&board, 1), 153); /* 50 + 3, and the flags survived */
	assert_int_equal(board_answer(&board, 2), 2);
	assert_int_equal(board_answer(&board, 3), 0);
}

static void interrupts_anywhere_keep_the_registers(void **state)
{
	(void)state;
	board_ask(&board, REGISTERS, NULL, 0);
	assert_int_equal(board_answer(&board, 0), 0);
	assert_true(board_answer(&board, 1) > 3000);
}

static void faults_report_what_happened_and_where(void **state)
{
	(void)state;
	board_ask(&board, FAULTS, NULL, 0);
	assert_int_equal(board_answer(&board, 0), 3); /* HardFault: BusFault is not enabled yet */
	assert_int_equal(board_answer(&board, 1), 0x8200);
	assert_int_equal(board_answer(&board, 2), 1u << 30);
	assert_int_equal(board_answer(&board, 3), 0x60000004);
	assert_int_equal(board_answer(&board, 4), board_answer(&board, 5) + 6); /* the load itself */
	assert_int_equal(board_answer(&board, 6), 6);
	assert_int_equal(board_answer(&board, 7), 1 << 16);
	assert_int_equal(board_answer(&board, 10), board_answer(&board, 11) + 2);
	assert_int_equal(board_answer(&board, 12), 5); /* the CCM holds no code */
	assert_int_equal(board_answer(&board, 13), 1 << 8);
	assert_int_equal(board_answer(&board, 17), 6); /* no Thumb bit */
	assert_int_equal(board_answer(&board, 18), 1 << 17);
	assert_int_equal(board_answer(&board, 22), 5);
	assert_int_equal(board_answer(&board, 23), 1 << 8);
	assert_int_equal(board_count(&board, HF_TWIN_EV_FAULT), 5);
}

static void fault_in_a_hard_fault_locks_up_until_reset(void **state)
{
	(void)state;
	board_select(&board, LOCKUP, NULL, 0);
	assert_false(board_run(&board, 1 * S));
	assert_int_equal(board_count(&board, HF_TWIN_EV_LOCKUP), 1);
	assert_int_equal(board_answers(&board), 1);
	board_select(&board, NOTHING, NULL, 0);
	hf_twin_reset(board.twin, HF_TWIN_RESET_PIN);
	assert_true(board_run(&board, 2 * S));
}

static void blank_flash_locks_up(void **state)
{
	struct hf_twin_config config;
	struct hf_twin *twin;

	(void)state;
	hf_twin_config_default(&config);
	assert_int_equal(hf_twin_open(&twin, NULL, &config), HF_OK);
	hf_twin_power_on(twin);
	assert_int_equal(hf_twin_run(twin, 1 * S), HF_TWIN_TIME);
	assert_true(hf_twin_is_on(twin));
	hf_twin_close(twin);
}

static void reset_by_software_keeps_ram_and_tells_the_cause(void **state)
{
	uint32_t zero = 0;

	(void)state;
	board_select(&board, RESET_ITSELF, NULL, 0);
	hf_twin_power_on(board.twin);
	assert_int_equal(hf_twin_poke(board.twin, 0x20008000, &zero, 4), HF_OK);
	assert_true(board_run(&board, 1 * S));
	assert_int_equal(board_answer(&board, 0) & 0x14, 0x14); /* SFTRSTF, PINRSTF */
	assert_int_equal(board_answer(&board, 1), 2);
	assert_int_equal(board_counts(&board).resets, 2);
}

static void ram_after_power_loss_is_garbage(void **state)
{
	uint32_t zeros = 0, same = 0;
	uint32_t before[256], after[256];

	(void)state;
	board_ask(&board, NOTHING, NULL, 0);
	assert_int_equal(hf_twin_peek(board.twin, 0x20018000, before, sizeof(before)), HF_OK);
	hf_twin_power_off(board.twin);
	hf_twin_power_on(board.twin);
	assert_int_equal(hf_twin_peek(board.twin, 0x20018000, after, sizeof(after)), HF_OK);
	for (unsigned i = 0; i < 256; i++) {
		zeros += after[i] == 0;
		same += after[i] == before[i];
	}
	assert_int_equal(zeros, 0);
	assert_int_equal(same, 0);
}

static void code_that_changes_is_executed_anew(void **state)
{
	static const uint32_t results[] = { 0xff, 0x07, 0x2a, 0, 1, 2 };

	(void)state;
	board_ask(&board, NEW_CODE, NULL, 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(board_answer(&board, i), results[i]);
}

/* What the loops take on the chip with memory that needs no wait states, from ARM's table; see fw/core.c. */
static void loops_without_wait_states_cost_what_the_manual_says(void **state)
{
	static const uint32_t cycles[] = { 3, 5, 6, 7, 5, 6, 10, 13 };
	uint32_t acr = 0;

	(void)state;
	board_ask(&board, LOOPS, &acr, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(board_answer(&board, i), 1000 * cycles[i]);
}

static void loops_with_cache_cost_the_same_as_without_wait_states(void **state)
{
	static const uint32_t cycles[] = { 3, 5, 6, 7, 5, 6, 10, 13 };
	uint32_t acr = 5 | 1 << 8 | 1 << 9 | 1 << 10;

	(void)state;
	board_ask(&board, LOOPS, &acr, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(board_answer(&board, i), 1000 * cycles[i], 1000 * cycles[i] + 30);
}

static void loops_without_cache_wait_for_flash(void **state)
{
	uint32_t acr = 5, cached = 5 | 1 << 9;
	struct board other;

	(void)state;
	board_ask(&board, LOOPS, &acr, 1);
	board_open(&other, NULL);
	board_ask(&other, LOOPS, &cached, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_true(board_answer(&board, i) >= board_answer(&other, i));
	assert_in_range(board_answer(&board, 1), 1000 * (5 + 10), 1000 * (5 + 10) + 30); /* it spans two lines */
	board_close(&other);
}

/* 600 instructions are 75 lines: least recently used of 64 keeps none of them until it comes round again. */
static void loop_longer_than_the_cache_misses_every_line(void **state)
{
	uint32_t cached = 5 | 1 << 9, prefetched = 5 | 1 << 8 | 1 << 9;
	struct board other;

	(void)state;
	board_ask(&board, LOOPS, &cached, 1);
	assert_in_range(board_answer(&board, 8), 1000 * (604 + 75 * 5), 1000 * (604 + 77 * 5));
	board_open(&other, NULL);
	board_ask(&other, LOOPS, &prefetched, 1);
	assert_in_range(board_answer(&other, 8), 1000 * 603, 1000 * (604 + 3 * 5)); /* 8 instructions a line hide it */
	board_close(&other);
}

static void same_inputs_give_the_same_figures(void **state)
{
	uint32_t args[] = { 1, 100000 };
	struct hf_twin_counts a, b;
	struct board other;

	(void)state;
	board_ask(&board, BUSY, args, 2);
	board_open(&other, NULL);
	board_ask(&other, BUSY, args, 2);
	a = board_counts(&board);
	b = board_counts(&other);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(hf_twin_now_ns(board.twin), hf_twin_now_ns(other.twin));
	assert_int_equal(board_answer(&board, 0), board_answer(&other, 0));
	board_close(&other);
}

/* Four instructions an iteration, and nothing is counted twice however the run is cut up. */
static void instructions_are_counted_once(void **state)
{
	uint32_t few[] = { 1, 1000 }, many[] = { 1, 101000 };
	uint64_t first, second;
	struct board other;

	(void)state;
	board_ask(&board, BUSY, few, 2);
	first = board_counts(&board).instructions;
	board_open(&other, NULL);
	board_select(&other, BUSY, many, 2);
	for (uint64_t t = 1700000; !board_run(&other, t); t += 1000)
		assert_true(t < 1 * S);
	second = board_counts(&other).instructions;
	assert_int_equal((second - first) % 100000, 0);
	assert_in_range((second - first) / 100000, 3, 6);
	board_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_default, close_board)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(clock_at_power_on_locks_and_identifies),
		TEST(clock_without_lock_times_out),
		TEST(systick_with_sleep_keeps_exact_time),
		TEST(sleep_for_good_ends_at_the_time_asked_for),
		TEST(exceptions_of_three_priorities_nest_and_chain),
		TEST(exceptions_masked_wait_for_the_mask),
		TEST(svc_on_either_stack_returns_its_result),
		TEST(interrupts_anywhere_keep_the_registers),
		TEST(faults_report_what_happened_and_where),
		TEST(fault_in_a_hard_fault_locks_up_until_reset),
		TEST(blank_flash_locks_up),
		TEST(reset_by_software_keeps_ram_and_tells_the_cause),
		TEST(ram_after_power_loss_is_garbage),
		TEST(code_that_changes_is_executed_anew),
		TEST(loops_without_wait_states_cost_what_the_manual_says),
		TEST(loops_with_cache_cost_the_same_as_without_wait_states),
		TEST(loops_without_cache_wait_for_flash),
		TEST(loop_longer_than_the_cache_misses_every_line),
		TEST(same_inputs_give_the_same_figures),
		TEST(instructions_are_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
