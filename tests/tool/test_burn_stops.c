/* SPDX-License-Identifier: MIT
 *
 * A burn that is stopped: the device falls silent at each frame, the cable is pulled at each moment, Ctrl-C is pressed at each
 * frame. Each time the end has its own exit code and a sentence that says where it stood and what to do; and the same command
 * again completes it, on a device that ran its old firmware meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "flow.h"
#include "sim_gateway.h"

#define IMAGE_BYTES 20000u
#define EVERY       3u   /* frames; a number that hits each kind of them */
#define PULL_MS     170u

static const struct hf_layout layout = {
	.name = "gw-test",
	.vendor_id = {1},
	.class_id = {2},
	.sectors = 6,
	.sector = {{0x08000000, 16384}, {0x08004000, 16384}, {0x08008000, 65536}, {0x08018000, 16384},
		   {0x0801c000, 65536}, {0x0802c000, 16384}},
	.journal = {{0x08000000, 16384}, {0x08004000, 16384}},
	.slot = {{0x08008000, 81920}, {0x0801c000, 81920}},
	.ram = {{0x20000000, 131072}},
};
static const uint32_t rates[] = {921600, 115200};

static struct maker maker;
static struct package v0, v1, foreign;
static struct gateway gateway;
static struct hf_flow_result result;
static struct hf_flow_options options;
static char story[8192];

/* The device answers so many frames, and then none; or somebody presses Ctrl-C there. */
static size_t (*serve_whole)(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap, uint64_t *cost_us);
static unsigned frames, mute_at, stop_at;

static size_t serve(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap, uint64_t *cost_us)
{
	frames++;
	if (mute_at && frames >= mute_at) {
		*cost_us = 0;
		return 0;
	}
	return serve_whole(ctx, packet, oversize, out, cap, cost_us);
}

static bool on_stop(void *ctx)
{
	(void)ctx;
	return stop_at && frames >= stop_at;
}

static void on_say(void *ctx, enum hf_way way, uint64_t now_ms, const char *text)
{
	size_t len = strlen(story);

	(void)ctx;
	(void)now_ms;
	snprintf(story + len, sizeof(story) - len, "%s: %s\n", hf_way_text(way), text);
}

static int make_packages(void **state)
{
	static struct maker stranger;

	(void)state;
	maker_open(&maker, &layout);
	maker_open(&stranger, &layout);
	maker_pack(&maker, 0, 1, IMAGE_BYTES, &v0);
	maker_pack(&maker, 1, 1, IMAGE_BYTES, &v1);
	maker_pack(&stranger, 2, 1, IMAGE_BYTES, &foreign);
	return 0;
}

static int drop_packages(void **state)
{
	(void)state;
	hf_buffer_free(&v0.file);
	hf_buffer_free(&v1.file);
	hf_buffer_free(&foreign.file);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	gateway_open(&gateway, &maker, &v0, 1);
	gateway_know(&gateway, &v1);
	gateway.fast = true;
	gateway_start(&gateway);
	serve_whole = gateway.line.serve;
	gateway.line.serve = serve;
	memset(&options, 0, sizeof(options));
	options.burn.package = hf_buffer_bytes(&v1.file);
	options.burn.keyset = &maker.keyset;
	options.burn.baud = rates;
	options.burn.bauds = 2;
	options.burn.patience_ms = 4000;
	options.burn.confirm_ms = 20000;
	options.burn.stop = on_stop;
	options.say = on_say;
	options.ways = HF_WAY_ALL;
	frames = mute_at = stop_at = 0;
	story[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gateway_close(&gateway);
	return 0;
}

static enum hf_burn_outcome burn(void)
{
	hf_flow_burn(&gateway.line.serial, &options, &result);
	return result.burn.outcome;
}

/* What a person is told: where it stands, and what comes next. */
static void assert_helpful(void)
{
	const struct hf_burn_result *r = &result.burn;

	assert_true(strlen(r->diag.text) > 40);
	if (!strstr(r->diag.text, "same command") && !strstr(r->diag.text, "check ") && !strstr(r->diag.text, "holdfast status"))
		fail_msg("%s: no next step in '%s'", hf_burn_outcome_text(r->outcome), r->diag.text);
	if (r->upload_ms && !r->uploaded_ms)
		assert_non_null(strstr(r->diag.text, "%"));
	if (r->upload_ms && !r->upload_done) {
		assert_non_null(strstr(r->diag.text, "the upload stands at"));
		assert_non_null(strstr(r->diag.text, "runs 1.0.0"));
	}
}

/* The same command again, with nothing in its way. */
static void assert_can_be_completed(void)
{
	struct hf_update *u = &gateway.device.update;
	enum hf_burn_outcome outcome;

	mute_at = stop_at = 0;
	options.burn.patience_ms = 20000;
	outcome = burn();
	if (outcome != HF_BURN_CONFIRMED && outcome != HF_BURN_ALREADY)
		fail_msg("%s: %s", hf_burn_outcome_text(outcome), result.burn.diag.text);
	assert_ptr_equal(gateway.device.runs, &v1);
	assert_int_equal(u->state.slot[u->running].state, HF_SLOT_CONFIRMED);
}

static unsigned frames_of_a_burn(void)
{
	unsigned n;

	setup(NULL);
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	n = frames;
	teardown(NULL);
	return n;
}

static void device_that_falls_silent_at_any_frame_is_told_and_continued(void **state)
{
	unsigned all = frames_of_a_burn(), seen[HF_BURN_OUTCOMES] = {0};

	(void)state;
	for (unsigned n = 1; n <= all; n += EVERY) {
		setup(NULL);
		mute_at = n;
		seen[burn()]++;
		switch (result.burn.outcome) {
		case HF_BURN_NO_DEVICE:
			assert_int_equal(n, 1);
			break;
		case HF_BURN_SILENT:
		case HF_BURN_NO_ANSWER:
		case HF_BURN_UNCONFIRMED:
			break;
		case HF_BURN_CONFIRMED: /* the last frames only say so again */
			assert_true(n + 2 * EVERY > all);
			break;
		default:
			fail_msg("frame %u of %u: %s: %s", n, all, hf_burn_outcome_text(result.burn.outcome), result.burn.diag.text);
		}
		if (result.burn.outcome != HF_BURN_CONFIRMED && result.burn.outcome != HF_BURN_UNCONFIRMED)
			assert_helpful();
		assert_can_be_completed();
		teardown(NULL);
	}
	print_message("# %u frames: %u times silent, %u without an answer after the reset\n", all, seen[HF_BURN_SILENT],
		      seen[HF_BURN_NO_ANSWER]);
	assert_true(seen[HF_BURN_SILENT] > all / EVERY / 2);
}

static void ctrl_c_at_any_frame_leaves_a_device_that_is_continued(void **state)
{
	unsigned all = frames_of_a_burn(), standing = 0;

	(void)state;
	for (unsigned n = 1; n <= all; n += EVERY) {
		setup(NULL);
		stop_at = n;
		burn();
		if (result.burn.outcome == HF_BURN_CONFIRMED) {
			assert_true(n + 2 * EVERY > all);
		} else {
			assert_int_equal(result.burn.outcome, HF_BURN_INTERRUPTED);
			assert_non_null(strstr(result.burn.diag.text, "interrupted: "));
			assert_helpful();
		}
		standing += strstr(result.burn.diag.text, "the upload stands at") != NULL;
		assert_can_be_completed();
		teardown(NULL);
	}
	assert_true(standing > 5);
}

static void pull_cable_at_each_moment(bool port_vanishes, enum hf_burn_outcome want)
{
	uint64_t took_ms, at_ms;
	unsigned wanted = 0, cases = 0;

	setup(NULL);
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	took_ms = result.burn.end_ms - result.burn.begin_ms;
	teardown(NULL);
	for (at_ms = 0; at_ms < took_ms; at_ms += PULL_MS) {
		setup(NULL);
		gateway.line.cable_is_usb = port_vanishes;
		gateway.line.cable_off_us = gateway.line.now_us + at_ms * 1000;
		gateway.line.cable_on_us = SIM_NEVER;
		burn();
		cases++;
		wanted += result.burn.outcome == want;
		if (result.burn.outcome != HF_BURN_CONFIRMED)
			assert_helpful();
		gateway.line.cable_on_us = gateway.line.now_us;
		assert_can_be_completed();
		teardown(NULL);
	}
	/* The rest: before the first answer, and while the device is left alone with its trial. */
	print_message("# %u moments, %u of them in the burn itself\n", cases, wanted);
	assert_true(wanted > 5 && cases > 15);
}

static void cable_that_is_pulled_at_any_moment_is_told_and_continued(void **state)
{
	(void)state;
	pull_cable_at_each_moment(false, HF_BURN_SILENT);
}

static void port_that_vanishes_at_any_moment_is_told_and_continued(void **state)
{
	(void)state;
	pull_cable_at_each_moment(true, HF_BURN_PORT_GONE);
}

/* ---- and the ways ---- */

static void nobody_on_any_way_is_said_in_one_sentence(void **state)
{
	(void)state;
	setup(NULL);
	mute_at = 1;
	assert_int_equal(burn(), HF_BURN_NO_DEVICE);
	assert_int_equal(result.way, HF_WAYS);
	assert_int_equal(result.attempts, 2); /* the loader's way needs a board file */
	assert_non_null(strstr(result.burn.diag.text, "neither its firmware nor recovery"));
	assert_non_null(strstr(result.burn.diag.text, "holdfast recover"));
	assert_non_null(strstr(story, "recovery: no firmware answers: waking recovery"));
	assert_non_null(strstr(story, "press reset"));
	teardown(NULL);
}

static void refused_package_takes_no_second_way(void **state)
{
	(void)state;
	setup(NULL);
	options.burn.package = hf_buffer_bytes(&foreign.file);
	assert_int_equal(burn(), HF_BURN_REFUSED);
	assert_int_equal(result.attempts, 1);
	options.burn.keyset = NULL;
	options.burn.no_verify = true;
	assert_int_equal(burn(), HF_BURN_DEVICE_REFUSED);
	assert_int_equal(result.attempts, 1);
	assert_ptr_equal(gateway.device.runs, &v0);
	teardown(NULL);
}

static void silence_keeps_the_last_word_over_ways_that_find_nobody(void **state)
{
	(void)state;
	setup(NULL);
	mute_at = 40;
	assert_int_equal(burn(), HF_BURN_SILENT);
	assert_int_equal(result.attempts, 2);
	assert_int_equal(result.attempt[0].end, HF_END_SILENT);
	assert_int_equal(result.attempt[1].way, HF_WAY_RECOVERY);
	assert_int_equal(result.attempt[1].end, HF_END_NOBODY);
	assert_int_equal(result.way, HF_WAY_FIRMWARE);
	teardown(NULL);
}

static void only_the_way_that_is_wanted_is_taken(void **state)
{
	(void)state;
	setup(NULL);
	options.ways = HF_WAY_BIT(HF_WAY_FIRMWARE);
	mute_at = 40;
	assert_int_equal(burn(), HF_BURN_SILENT);
	assert_int_equal(result.attempts, 1);
	mute_at = 0;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_int_equal(result.way, HF_WAY_FIRMWARE);
	teardown(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_that_falls_silent_at_any_frame_is_told_and_continued),
		cmocka_unit_test(ctrl_c_at_any_frame_leaves_a_device_that_is_continued),
		cmocka_unit_test(cable_that_is_pulled_at_any_moment_is_told_and_continued),
		cmocka_unit_test(port_that_vanishes_at_any_moment_is_told_and_continued),
		cmocka_unit_test(nobody_on_any_way_is_said_in_one_sentence),
		cmocka_unit_test(refused_package_takes_no_second_way),
		cmocka_unit_test(silence_keeps_the_last_word_over_ways_that_find_nobody),
		cmocka_unit_test(only_the_way_that_is_wanted_is_taken),
	};

	return cmocka_run_group_tests_name("burn_stops", tests, make_packages, drop_packages);
}
