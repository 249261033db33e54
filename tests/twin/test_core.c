/* SPDX-License-Identifier: MIT
 *
 * The core: clocks, SysTick and sleep, exceptions, faults, resets, cycles.
 */
#include "probe.h"

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

static void clock_at_power_on_locks_and_identifies(void **state)
{
	(void)state;
	probe_ask(&probe, CLOCK, NULL, 0);
	assert_int_equal(probe_answer(&probe, 0) >> 24, 0x0e); /* PORRSTF, PINRSTF, BORRSTF */
	assert_int_equal(probe_answer(&probe, 1) >> 24, 0);
	assert_int_equal(probe_answer(&probe, 2), 1);
	assert_int_equal(probe_answer(&probe, 3), 8);
	assert_int_equal(probe_answer(&probe, 4), 0); /* no crystal */
	assert_int_equal(probe_answer(&probe, 5), 0x002b0035);
	assert_int_equal(probe_answer(&probe, 6), 1024);
	assert_int_equal(probe_answer(&probe, 7), 0x413);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_LOG), 0);
}

static void clock_without_lock_times_out(void **state)
{
	struct hf_twin_config config;
	struct probe other;

	(void)state;
	hf_twin_config_default(&config);
	config.hsi_pll_fails = true;
	config.hse_hz = 8000000;
	probe_open(&other, &config);
	probe_ask(&other, CLOCK, NULL, 0);
	assert_int_equal(probe_answer(&other, 2), 0);
	assert_int_equal(probe_answer(&other, 3), 0);
	assert_int_equal(probe_answer(&other, 4), 1); /* this probe has a crystal */
	probe_close(&other);
}

static void systick_with_sleep_keeps_exact_time(void **state)
{
	(void)state;
	probe_select(&probe, SYSTICK, NULL, 0);
	assert_true(probe_run(&probe, 1 * S));
	assert_int_equal(probe_answer(&probe, 0), 1);
	assert_int_equal(probe_answer(&probe, 1), 11);
	assert_true(probe_answer(&probe, 2) < 10 * 168000 / 100); /* asleep almost all the time */
	assert_int_equal(probe_answer(&probe, 3), 1);
	/* Temporisation 1.5 ms, PLL 0.2 ms and a little start-up, 11 periods of 1 ms. */
	assert_in_range(hf_twin_now_ns(probe.twin), 12700000, 12780000);
	assert_int_equal(probe_counts(&probe).exceptions, 11);
}

static void sleep_for_good_ends_at_the_time_asked_for(void **state)
{
	(void)state;
	probe_ask(&probe, NOTHING, NULL, 0);
	assert_int_equal(hf_twin_run(probe.twin, 3600 * S), HF_TWIN_TIME);
	assert_in_range(hf_twin_now_ns(probe.twin), 3600 * S, 3600 * S + 100);
}

static void exceptions_of_three_priorities_nest_and_chain(void **state)
{
	static const uint32_t order[] = { 'A', 'B', 16 + 7, 'b', 'a', 'C', '.' };

	(void)state;
	probe_ask(&probe, NESTING, NULL, 0);
	assert_int_equal(probe_answers(&probe), 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(probe_answer(&probe, i), order[i]);
	assert_int_equal(probe_counts(&probe).exceptions, 3);
}

static void exceptions_masked_wait_for_the_mask(void **state)
{
	static const uint32_t order[] = { 1, 'C', 'P', 2, 3, 'C', 4, 5, 'C', 6 };

	(void)state;
	probe_ask(&probe, MASKS, NULL, 0);
	assert_int_equal(probe_answers(&probe), 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(probe_answer(&probe, i), order[i]);
}

static void svc_on_either_stack_returns_its_result(void **state)
{
	(void)state;
	probe_ask(&probe, SVC_PSP, NULL, 0);
	assert_int_equal(probe_answer(&probe, 0), 42);
	assert_int_equal(probe_answer(&probe, 1), 153); /* 50 + 3, and the flags survived */
	assert_int_equal(probe_answer(&probe, 2), 2);
	assert_int_equal(probe_answer(&probe, 3), 0);
}

static void interrupts_anywhere_keep_the_registers(void **state)
{
	(void)state;
	probe_ask(&probe, REGISTERS, NULL, 0);
	assert_int_equal(probe_answer(&probe, 0), 0);
	assert_true(probe_answer(&probe, 1) > 3000);
}

static void faults_report_what_happened_and_where(void **state)
{
	(void)state;
	probe_ask(&probe, FAULTS, NULL, 0);
	assert_int_equal(probe_answer(&probe, 0), 3); /* HardFault: BusFault is not enabled yet */
	assert_int_equal(probe_answer(&probe, 1), 0x8200);
	assert_int_equal(probe_answer(&probe, 2), 1u << 30);
	assert_int_equal(probe_answer(&probe, 3), 0x60000004);
	assert_int_equal(probe_answer(&probe, 4), probe_answer(&probe, 5) + 6); /* the load itself */
	assert_int_equal(probe_answer(&probe, 6), 6);
	assert_int_equal(probe_answer(&probe, 7), 1 << 16);
	assert_int_equal(probe_answer(&probe, 10), probe_answer(&probe, 11) + 2);
	assert_int_equal(probe_answer(&probe, 12), 5); /* the CCM holds no code */
	assert_int_equal(probe_answer(&probe, 13), 1 << 8);
	assert_int_equal(probe_answer(&probe, 17), 6); /* no Thumb bit */
	assert_int_equal(probe_answer(&probe, 18), 1 << 17);
	assert_int_equal(probe_answer(&probe, 22), 5);
	assert_int_equal(probe_answer(&probe, 23), 1 << 8);
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_FAULT), 5);
}

static void fault_in_a_hard_fault_locks_up_until_reset(void **state)
{
	(void)state;
	probe_select(&probe, LOCKUP, NULL, 0);
	assert_false(probe_run(&probe, 1 * S));
	assert_int_equal(probe_count(&probe, HF_TWIN_EV_LOCKUP), 1);
	assert_int_equal(probe_answers(&probe), 1);
	probe_select(&probe, NOTHING, NULL, 0);
	hf_twin_reset(probe.twin, HF_TWIN_RESET_PIN);
	assert_true(probe_run(&probe, 2 * S));
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
	probe_select(&probe, RESET_ITSELF, NULL, 0);
	hf_twin_power_on(probe.twin);
	assert_int_equal(hf_twin_poke(probe.twin, 0x20008000, &zero, 4), HF_OK);
	assert_true(probe_run(&probe, 1 * S));
	assert_int_equal(probe_answer(&probe, 0) & 0x14, 0x14); /* SFTRSTF, PINRSTF */
	assert_int_equal(probe_answer(&probe, 1), 2);
	assert_int_equal(probe_counts(&probe).resets, 2);
}

static void ram_after_power_loss_is_garbage(void **state)
{
	uint32_t zeros = 0, same = 0;
	uint32_t before[256], after[256];

	(void)state;
	probe_ask(&probe, NOTHING, NULL, 0);
	assert_int_equal(hf_twin_peek(probe.twin, 0x20018000, before, sizeof(before)), HF_OK);
	hf_twin_power_off(probe.twin);
	hf_twin_power_on(probe.twin);
	assert_int_equal(hf_twin_peek(probe.twin, 0x20018000, after, sizeof(after)), HF_OK);
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
	probe_ask(&probe, NEW_CODE, NULL, 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(probe_answer(&probe, i), results[i]);
}

/* What the loops take on the chip with memory that needs no wait states, from ARM's table; see fw/core.c. */
static void loops_without_wait_states_cost_what_the_manual_says(void **state)
{
	static const uint32_t cycles[] = { 3, 5, 6, 7, 5, 6, 10, 13 };
	uint32_t acr = 0;

	(void)state;
	probe_ask(&probe, LOOPS, &acr, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(probe_answer(&probe, i), 1000 * cycles[i]);
}

static void loops_with_cache_cost_the_same_as_without_wait_states(void **state)
{
	static const uint32_t cycles[] = { 3, 5, 6, 7, 5, 6, 10, 13 };
	uint32_t acr = 5 | 1 << 8 | 1 << 9 | 1 << 10;

	(void)state;
	probe_ask(&probe, LOOPS, &acr, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(probe_answer(&probe, i), 1000 * cycles[i], 1000 * cycles[i] + 30);
}

static void loops_without_cache_wait_for_flash(void **state)
{
	uint32_t acr = 5, cached = 5 | 1 << 9;
	struct probe other;

	(void)state;
	probe_ask(&probe, LOOPS, &acr, 1);
	probe_open(&other, NULL);
	probe_ask(&other, LOOPS, &cached, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_true(probe_answer(&probe, i) >= probe_answer(&other, i));
	assert_in_range(probe_answer(&probe, 1), 1000 * (5 + 10), 1000 * (5 + 10) + 30); /* it spans two lines */
	probe_close(&other);
}

/* 600 instructions are 75 lines: least recently used of 64 keeps none of them until it comes round again. */
static void loop_longer_than_the_cache_misses_every_line(void **state)
{
	uint32_t cached = 5 | 1 << 9, prefetched = 5 | 1 << 8 | 1 << 9;
	struct probe other;

	(void)state;
	probe_ask(&probe, LOOPS, &cached, 1);
	assert_in_range(probe_answer(&probe, 8), 1000 * (604 + 75 * 5), 1000 * (604 + 77 * 5));
	probe_open(&other, NULL);
	probe_ask(&other, LOOPS, &prefetched, 1);
	assert_in_range(probe_answer(&other, 8), 1000 * 603, 1000 * (604 + 3 * 5)); /* 8 instructions a line hide it */
	probe_close(&other);
}

static void same_inputs_give_the_same_figures(void **state)
{
	uint32_t args[] = { 1, 100000 };
	struct hf_twin_counts a, b;
	struct probe other;

	(void)state;
	probe_ask(&probe, BUSY, args, 2);
	probe_open(&other, NULL);
	probe_ask(&other, BUSY, args, 2);
	a = probe_counts(&probe);
	b = probe_counts(&other);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(hf_twin_now_ns(probe.twin), hf_twin_now_ns(other.twin));
	assert_int_equal(probe_answer(&probe, 0), probe_answer(&other, 0));
	probe_close(&other);
}

/* Four instructions an iteration, and nothing is counted twice however the run is cut up. */
static void instructions_are_counted_once(void **state)
{
	uint32_t few[] = { 1, 1000 }, many[] = { 1, 101000 };
	uint64_t first, second;
	struct probe other;

	(void)state;
	probe_ask(&probe, BUSY, few, 2);
	first = probe_counts(&probe).instructions;
	probe_open(&other, NULL);
	probe_select(&other, BUSY, many, 2);
	for (uint64_t t = 1700000; !probe_run(&other, t); t += 1000)
		assert_true(t < 1 * S);
	second = probe_counts(&other).instructions;
	assert_int_equal((second - first) % 100000, 0);
	assert_in_range((second - first) / 100000, 3, 6);
	probe_close(&other);
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
