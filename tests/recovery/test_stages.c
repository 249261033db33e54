/* SPDX-License-Identifier: MIT
 *
 * The stages that `monitor` and `doctor` recognise (host/device_log.h), against what boot, recovery and the gateway that ship
 * really say: a device's life on the twin, from the factory through an upload, a trial that passes, one that hangs and is
 * rolled back, into recovery and out. Whoever changes a line there finds out here.
 */
#include "bench.h"

#include "watch.h"

static struct hf_watch watch;
static char stages[4096];
static size_t taken;

static void on_stage(void *ctx, uint64_t at_ms)
{
	size_t len = strlen(stages);
	char text[80];

	(void)ctx;
	(void)at_ms;
	snprintf(stages + len, sizeof stages - len, "%s, ", hf_device_log_text(&watch.log, text, sizeof text));
}

static int set_up(void **state)
{
	(void)state;
	bench_open("full.bin");
	hf_watch_begin(&watch, &(struct hf_watch_events){ .stage = on_stage });
	taken = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bench_close();
	return 0;
}

/* What was said since the last time, through the ear. */
static void hear(void)
{
	stages[0] = 0;
	hf_watch_take(&watch, (struct hf_bytes){ (const uint8_t *)bench.heard + taken, bench.heard_len - taken },
		      hf_rig_now_ns(bench.rig) / MS);
	taken = bench.heard_len;
}

static void assert_stages(const char *want)
{
	hear();
	if (strcmp(stages, want) != 0)
		fail_msg("stages: %s\nwanted: %s\nsaid: %.3000s", stages, want, bench.heard);
}

/* An upload, by its percentages; no other stage is between them. */
static void assert_upload(const char *end)
{
	unsigned percent, before = 0, told = 0;
	const char *at = stages;
	int used;

	hear();
	while (sscanf(at, "uploading %u %%, %n", &percent, &used) == 1) {
		assert_true(told == 0 || percent > before);
		before = percent;
		at += used;
		told++;
	}
	assert_string_equal(at, end);
	assert_true(told >= 3); /* most of it the device takes from its other slot */
}

static void life_of_a_device_is_recognised(void **state)
{
	(void)state;
	bench_do("power on");
	bench_await("self-test passed", 20 * S);
	bench_run(S);
	assert_stages("boot, verifying, starting 1.0.0 in A, running 1.0.0 in A, confirmed 1.0.0 in A, ");
	assert_string_equal(watch.log.cause, "power");
	assert_int_equal(watch.log.boots, 1);
	bench_burn("v1.1.0.suit");
	assert_upload("written 1.1.0 in B, ");
	bench_listen();
	taken = 0;
	bench_await("self-test passed, confirmed", 30 * S);
	bench_run(S);
	assert_stages("boot, starting 1.1.0 in B, trial 1.1.0 in B, confirmed 1.1.0 in B, ");
	assert_string_equal(watch.log.cause, "request");
}

static void trial_that_hangs_is_seen_to_be_rolled_back(void **state)
{
	(void)state;
	bench_do("power on");
	bench_await("self-test passed", 20 * S);
	bench_run(S);
	bench_burn("v1.2.0.suit");
	hear();
	bench_listen();
	taken = 0;
	bench_await("boot: slot A 1.0.0 verified, starting", 200 * S);
	bench_run(2 * S);
	assert_stages("boot, starting 1.2.0 in B, trial 1.2.0 in B, boot, starting 1.2.0 in B, trial 1.2.0 in B, boot, starting 1.2.0 "
		      "in B, trial 1.2.0 in B, boot, verifying, starting 1.0.0 in A, rolled back 1.0.0 in A, ");
	assert_string_equal(watch.log.cause, "watchdog");
}

static void recovery_is_recognised_with_reason_and_device(void **state)
{
	(void)state;
	bench_do("press recovery for 2s");
	bench_do("power on");
	bench_await("Waiting for Download...", 5 * S);
	bench_run(2 * S);
	assert_stages("boot, verifying, starting, recovery, ");
	assert_string_equal(watch.log.reason, "the recovery pin was held");
	assert_int_equal(strlen(watch.log.device_id), 32);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(life_of_a_device_is_recognised, set_up, tear_down),
		cmocka_unit_test_setup_teardown(trial_that_hangs_is_seen_to_be_rolled_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(recovery_is_recognised_with_reason_and_device, set_up, tear_down),
	};

	(void)argc;
	(void)argv;
	return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
