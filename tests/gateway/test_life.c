/* SPDX-License-Identifier: MIT
 *
 * The watchdog's food: only for a main loop that goes on and a master that polls, and never longer than it must be.
 */
#include "check.h"

#include "port/life.h"
#include "port/stm32f407/iwdg.h"

struct world {
	struct hf_life life;
	uint32_t now;
	uint32_t polls;
	uint32_t fed_ms;   /* the last time */
	uint32_t hunger_ms; /* longest time without food */
};

static void run(struct world *w, uint32_t time_ms, bool main_goes_on, bool master_polls)
{
	for (uint32_t i = 0; i < time_ms; i++) {
		w->now++;
		if (main_goes_on)
			hf_life_progress(&w->life, w->now);
		if (master_polls && w->now % 100 == 0)
			w->polls++;
		if (hf_life_tick(&w->life, w->polls, w->now))
			w->fed_ms = w->now;
		if (w->now - w->fed_ms > w->hunger_ms)
			w->hunger_ms = w->now - w->fed_ms;
	}
}

static struct world begin(uint32_t now)
{
	struct world w = { .now = now, .fed_ms = now };

	hf_life_begin(&w.life, now);
	return w;
}

static void healthy_firmware_is_fed_at_its_pace(void **state)
{
	struct world w = begin(0);

	(void)state;
	run(&w, 60000, true, true);
	assert_in_range(w.hunger_ms, HF_LIFE_FEED_MS / 2, HF_LIFE_FEED_MS);
}

static void main_loop_that_hangs_is_not_fed_any_more(void **state)
{
	struct world w = begin(0);

	(void)state;
	run(&w, 10000, true, true);
	run(&w, 60000, false, true);
	assert_in_range(w.fed_ms, 10000, 10000 + HF_LIFE_MAIN_MS);
}

static void master_that_stops_is_not_fed_any_more(void **state)
{
	struct world w = begin(0);

	(void)state;
	run(&w, 10000, true, true);
	run(&w, 60000, true, false);
	assert_in_range(w.fed_ms, 10000, 10000 + HF_LIFE_POLLS_MS);
}

static void longest_erase_is_survived(void **state)
{
	struct world w = begin(0);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		run(&w, 4000, false, true);
		run(&w, 1, true, true);
	}
	assert_true(w.hunger_ms <= HF_LIFE_FEED_MS);
}

static void clock_that_wraps_changes_nothing(void **state)
{
	struct world w = begin(UINT32_MAX - 2000);

	(void)state;
	run(&w, 4000, true, true);
	assert_in_range(w.hunger_ms, HF_LIFE_FEED_MS / 2, HF_LIFE_FEED_MS);
	assert_true(w.fed_ms < 2000);
}

/* The pace has to fit the watchdog at the fast end of its oscillator. */
static void feeding_is_faster_than_the_fastest_watchdog(void **state)
{
	(void)state;
	assert_true(HF_LIFE_FEED_MS * 10 < HF_IWDG_MIN_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_firmware_is_fed_at_its_pace),
		cmocka_unit_test(main_loop_that_hangs_is_not_fed_any_more),
		cmocka_unit_test(master_that_stops_is_not_fed_any_more),
		cmocka_unit_test(longest_erase_is_survived),
		cmocka_unit_test(clock_that_wraps_changes_nothing),
		cmocka_unit_test(feeding_is_faster_than_the_fastest_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
