/* SPDX-License-Identifier: MIT
 *
 * Oscillators that drift while the firmware runs.
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

/* The watchdog of this program takes 32000 cycles of the LSI, from its start a few milliseconds after power-on. */
static uint64_t bite_ns(uint64_t at, uint32_t lsi_hz)
{
	uint32_t feeds = 0;

	hf_twin_power_off(probe.twin);
	probe_select(&probe, WATCHDOG, &feeds, 1);
	uint64_t begin = hf_twin_now_ns(probe.twin);
	hf_twin_power_on(probe.twin);
	probe.events = 0;
	probe_run_to(&probe, begin + at);
	hf_twin_clocks(probe.twin, lsi_hz, HF_TWIN_KEEP);
	while (probe_count(&probe, HF_TWIN_EV_RESET) == 0)
		probe_run_to(&probe, hf_twin_now_ns(probe.twin) + MS);
	return probe_event(&probe, HF_TWIN_EV_RESET, 0)->at_ns - begin;
}

static void counting_watchdog_goes_on_at_the_new_rate(void **state)
{
	uint64_t usual = bite_ns(500 * MS, 32000), left = usual - 500 * MS;

	(void)state;
	assert_in_range(usual, 1000 * MS, 1010 * MS);
	assert_in_range(bite_ns(500 * MS, 16000), 500 * MS + 2 * left - 1000, 500 * MS + 2 * left + 1000);
	hf_twin_clocks(probe.twin, 32000, HF_TWIN_KEEP);
	assert_in_range(bite_ns(500 * MS, 64000), 500 * MS + left / 2 - 1000, 500 * MS + left / 2 + 1000);
}

static void lsi_stays_over_resets_and_losses_of_power(void **state)
{
	(void)state;
	(void)bite_ns(500 * MS, 16000);
	assert_in_range(bite_ns(0, 0), 2000 * MS, 2010 * MS);
}

/* Eleven milliseconds by SysTick. */
static uint64_t systick_ns(uint64_t at, int32_t hsi_ppm)
{
	uint64_t begin;

	hf_twin_power_off(probe.twin);
	probe_select(&probe, SYSTICK, NULL, 0);
	begin = hf_twin_now_ns(probe.twin);
	hf_twin_power_on(probe.twin);
	probe_run_to(&probe, begin + at);
	hf_twin_clocks(probe.twin, 0, hsi_ppm);
	assert_true(probe_run(&probe, begin + 1 * S));
	return hf_twin_now_ns(probe.twin) - begin;
}

static void core_follows_its_oscillator(void **state)
{
	uint64_t usual = systick_ns(5 * MS, 0), rest = usual - 5 * MS;

	(void)state;
	assert_in_range(systick_ns(5 * MS, 20000), 5 * MS + rest * 100 / 102 - 2000, 5 * MS + rest * 100 / 102 + 2000);
	hf_twin_clocks(probe.twin, 0, 0);
	assert_in_range(systick_ns(5 * MS, -20000), 5 * MS + rest * 100 / 98 - 2000, 5 * MS + rest * 100 / 98 + 2000);
	assert_in_range(systick_ns(5 * MS, HF_TWIN_KEEP), usual * 100 / 98 - 40000, usual * 100 / 98 + 2000);
}

static void restore_brings_back_the_clocks(void **state)
{
	uint64_t usual = systick_ns(0, HF_TWIN_KEEP), bites = bite_ns(0, 0);
	struct hf_twin_snapshot *snapshot;

	(void)state;
	hf_twin_power_off(probe.twin);
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	hf_twin_clocks(probe.twin, 17000, 40000);
	assert_true(systick_ns(0, HF_TWIN_KEEP) < usual);
	hf_twin_restore(probe.twin, snapshot);
	assert_int_equal(systick_ns(0, HF_TWIN_KEEP), usual);
	assert_int_equal(bite_ns(0, 0), bites);
	hf_twin_snapshot_free(snapshot);
}

/* In the middle of the watchdog's count. */
static void drifted_watchdog_is_in_snapshots(void **state)
{
	uint32_t feeds = 0;
	struct hf_twin_snapshot *snapshot;
	uint64_t bite;

	(void)state;
	probe_select(&probe, WATCHDOG, &feeds, 1);
	hf_twin_power_on(probe.twin);
	probe_run_to(&probe, 500 * MS);
	assert_int_equal(hf_twin_save(probe.twin, &snapshot), HF_OK);
	probe.events = 0;
	probe_run_to(&probe, 1500 * MS);
	bite = probe_event(&probe, HF_TWIN_EV_RESET, 0)->at_ns;
	hf_twin_restore(probe.twin, snapshot);
	hf_twin_clocks(probe.twin, 17000, HF_TWIN_KEEP);
	hf_twin_restore(probe.twin, snapshot);
	probe.events = 0;
	probe_run_to(&probe, 1500 * MS);
	assert_int_equal(probe_event(&probe, HF_TWIN_EV_RESET, 0)->at_ns, bite);
	hf_twin_snapshot_free(snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_default, close_board)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(counting_watchdog_goes_on_at_the_new_rate),
		TEST(lsi_stays_over_resets_and_losses_of_power),
		TEST(core_follows_its_oscillator),
		TEST(restore_brings_back_the_clocks),
		TEST(drifted_watchdog_is_in_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
