/* SPDX-License-Identifier: MIT
 *
 * Burning, from the package's bytes to the confirmation, onto a gateway whose boot, engine and SMP server are core's own,
 * over a line and through power cuts as bad as they come. Time is virtual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "burn.h"
#include "sim_gateway.h"

#define IMAGE_BYTES 40000u

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

static struct maker maker, stranger, other_class;
static struct hf_layout other_layout;
static struct package v0, v1, v2, hangs, old_security, from_2, foreign, wrong_class;
static struct gateway gateway;
static struct hf_burn_result result;
static struct hf_burn_options options;
static char story[4096]; /* the events' texts */

static void on_event(void *ctx, const struct hf_burn_event *e)
{
	size_t len = strlen(story);

	(void)ctx;
	if (e->text)
		snprintf(story + len, sizeof(story) - len, "%s: %s\n", hf_burn_stage_text(e->stage), e->text);
}

static int make_packages(void **state)
{
	(void)state;
	maker_open(&maker, &layout);
	maker_open(&stranger, &layout);
	other_layout = layout;
	other_layout.class_id[0] = 3;
	other_class = maker;
	other_class.layout = &other_layout;
	maker_pack(&maker, 0, 1, IMAGE_BYTES, &v0);
	maker_pack(&maker, 1, 1, IMAGE_BYTES, &v1);
	maker_pack(&maker, 2, 1, IMAGE_BYTES, &v2);
	maker_pack(&maker, 3, 1, IMAGE_BYTES, &hangs);
	hangs.hangs = true;
	maker_pack(&maker, 4, 0, IMAGE_BYTES, &old_security);
	maker_pack(&stranger, 5, 1, IMAGE_BYTES, &foreign);
	maker_pack(&other_class, 6, 1, IMAGE_BYTES, &wrong_class);
	assert_true(hf_version_conditions_parse(">=2.0.0", &maker.from));
	maker_pack(&maker, 7, 1, IMAGE_BYTES, &from_2);
	memset(&maker.from, 0, sizeof(maker.from));
	return 0;
}

static int drop_packages(void **state)
{
	struct package *all[] = {&v0, &v1, &v2, &hangs, &old_security, &from_2, &foreign, &wrong_class};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		hf_buffer_free(&all[i]->file);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	gateway_open(&gateway, &maker, &v0, 1);
	gateway_know(&gateway, &v1);
	gateway_know(&gateway, &v2);
	gateway_know(&gateway, &hangs);
	memset(&options, 0, sizeof(options));
	options.keyset = &maker.keyset;
	options.event = on_event;
	story[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gateway_close(&gateway);
	return 0;
}

static enum hf_burn_outcome burn(const struct package *p)
{
	options.package = hf_buffer_bytes(&p->file);
	return hf_burn(&gateway.line.serial, &options, &result);
}

static void assert_runs(const struct package *p)
{
	struct hf_update *u = &gateway.device.update;

	assert_ptr_equal(gateway.device.runs, p);
	assert_int_equal(u->state.slot[u->running].state, HF_SLOT_CONFIRMED);
}

/* Nothing of the package reached the device. */
static void assert_nothing_was_sent(void)
{
	assert_int_equal(gateway.device.update.phase, HF_UPDATE_IDLE);
	assert_int_equal(result.upload.packets_sent, 0);
	assert_true(gateway.line.bytes_to_device < 1000);
}

/* ---- the way it should be ---- */

static void package_is_burned_and_confirmed(void **state)
{
	(void)state;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_int_equal(result.err, HF_OK);
	assert_string_equal(result.diag.text, "");
	assert_runs(&v1);
	assert_int_equal(result.status.running, 0);
	assert_int_equal(result.after.running, 1);
	assert_int_equal(result.after.version[1], 1);
	assert_memory_equal(result.id, v1.id, sizeof(v1.id));
	assert_int_equal(result.upload.resent + result.upload.restarts + result.upload.retries, 0);
	assert_non_null(strstr(story, "check: "));
	assert_non_null(strstr(story, "connect: found a gw-test that runs 1.0.0 in slot A"));
	assert_non_null(strstr(story, "upload: uploading to slot B"));
	assert_non_null(strstr(story, "trial: the new firmware runs"));
}

static void second_burn_goes_into_the_other_slot(void **state)
{
	(void)state;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_int_equal(burn(&v2), HF_BURN_CONFIRMED);
	assert_runs(&v2);
	assert_int_equal(result.after.running, 0);
}

static void package_that_runs_already_is_not_sent(void **state)
{
	(void)state;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	gateway.line.bytes_to_device = 0;
	assert_int_equal(burn(&v1), HF_BURN_ALREADY);
	assert_nothing_was_sent();
	options.reinstall = true;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_true(result.upload.packets_sent > 0);
	assert_int_equal(result.after.running, 0);
}

static void no_activate_leaves_the_old_firmware_running(void **state)
{
	(void)state;
	options.no_activate = true;
	assert_int_equal(burn(&v1), HF_BURN_UPLOADED);
	assert_runs(&v0);
	assert_int_equal(gateway.device.update.state.slot[1].state, HF_SLOT_WRITTEN);
	options.no_activate = false;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_true(result.upload.bytes_sent < v1.file.len / 2);
	assert_runs(&v1);
}

static void burn_without_a_keyset_leaves_signatures_to_the_device(void **state)
{
	(void)state;
	options.keyset = NULL;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_int_equal(burn(&foreign), HF_BURN_DEVICE_REFUSED);
	assert_true(result.err == HF_ERR_KEY || result.err == HF_ERR_SIGNATURE);
	assert_runs(&v1);
}

static void burn_finds_the_rate(void **state)
{
	static const uint32_t rates[] = {9600, 115200, 921600};

	(void)state;
	options.baud = rates;
	options.bauds = 3;
	gateway.line.wrong_below = 921600;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_int_equal(gateway.line.baud, 921600);
}

/* ---- refused before anything is sent ---- */

static void damaged_package_is_refused_by_the_tool(void **state)
{
	struct package bad = v1;

	(void)state;
	bad.file.ptr = malloc(v1.file.len);
	for (size_t at = 20; at < v1.file.len; at += v1.file.len / 40) {
		memcpy(bad.file.ptr, v1.file.ptr, v1.file.len);
		bad.file.ptr[at] ^= 0x10;
		burn(&bad);
		assert_true(result.outcome == HF_BURN_BAD_PACKAGE || result.outcome == HF_BURN_REFUSED);
		assert_int_not_equal(result.err, HF_OK);
		assert_true(strlen(result.diag.text) > 10);
		assert_int_equal(gateway.line.bytes_to_device, 0);
	}
	bad.file.len = 1000;
	assert_int_equal(burn(&bad), HF_BURN_BAD_PACKAGE);
	bad.file.len = 0;
	assert_int_equal(burn(&bad), HF_BURN_BAD_PACKAGE);
	assert_int_equal(gateway.line.bytes_to_device, 0);
	free(bad.file.ptr);
}

static void package_that_is_not_for_this_device_is_refused_by_the_tool(void **state)
{
	(void)state;
	assert_int_equal(burn(&foreign), HF_BURN_REFUSED);
	assert_true(result.err == HF_ERR_KEY || result.err == HF_ERR_SIGNATURE);
	assert_nothing_was_sent();
	assert_int_equal(burn(&wrong_class), HF_BURN_REFUSED);
	assert_int_equal(result.err, HF_ERR_CLASS);
	assert_non_null(strstr(result.diag.text, "gw-test"));
	assert_nothing_was_sent();
	assert_int_equal(burn(&from_2), HF_BURN_REFUSED);
	assert_int_equal(result.err, HF_ERR_VERSION);
	assert_non_null(strstr(result.diag.text, ">=2.0.0"));
	assert_non_null(strstr(result.diag.text, "runs 1.0.0"));
	assert_nothing_was_sent();
	assert_int_equal(burn(&old_security), HF_BURN_REFUSED);
	assert_int_equal(result.err, HF_ERR_SECURITY_VERSION);
	assert_nothing_was_sent();
	assert_runs(&v0);
}

static void package_for_others_is_refused_without_waiting_for_a_confirmation(void **state)
{
	(void)state;
	gateway.self_test_us = 30000000;
	gateway_start(&gateway);
	assert_int_equal(burn(&wrong_class), HF_BURN_REFUSED);
	assert_int_equal(result.err, HF_ERR_CLASS);
	assert_true(result.end_ms < 5000);
	assert_nothing_was_sent();
}

static void older_release_is_refused_by_the_tool(void **state)
{
	(void)state;
	assert_int_equal(burn(&v2), HF_BURN_CONFIRMED);
	gateway.line.bytes_to_device = 0;
	assert_int_equal(burn(&v1), HF_BURN_REFUSED);
	assert_int_equal(result.err, HF_ERR_RELEASE);
	assert_non_null(strstr(result.diag.text, "1.1.0"));
	assert_non_null(strstr(result.diag.text, "1.2.0"));
	assert_nothing_was_sent();
}

/* ---- a tool that lies: the device checks all the same ---- */

static void device_refuses_what_a_lying_tool_sends(void **state)
{
	static const struct {
		const struct package *p;
		enum hf_err err;
	} cases[] = {
		{&foreign, HF_ERR_SIGNATURE},
		{&wrong_class, HF_ERR_CLASS},
		{&from_2, HF_ERR_VERSION},
		{&old_security, HF_ERR_SECURITY_VERSION},
	};

	(void)state;
	options.no_verify = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long erases;

		burn(cases[i].p);
		erases = gateway.device.flash.erases;
		assert_int_equal(result.outcome, HF_BURN_DEVICE_REFUSED);
		assert_int_equal(result.err == HF_ERR_KEY ? HF_ERR_SIGNATURE : result.err, cases[i].err);
		assert_non_null(strstr(result.diag.text, hf_err_text(result.err)));
		burn(cases[i].p);
		assert_int_equal(gateway.device.flash.erases, erases);
		assert_int_equal(gateway.device.update.state.slot[1].state, HF_SLOT_UNKNOWN);
	}
	assert_runs(&v0);
}

static enum hf_err takes_too_long(void *ctx, uint32_t addr)
{
	(void)ctx;
	(void)addr;
	return HF_ERR_TIMEOUT;
}

/* The device says that an operation of its flash took too long: it answers, and cable and power are not at fault. */
static void flash_that_is_too_slow_is_no_silence(void **state)
{
	(void)state;
	gateway.device.flash.ops.erase = takes_too_long;
	assert_int_equal(burn(&v1), HF_BURN_DEVICE_REFUSED);
	assert_int_equal(result.err, HF_ERR_TIMEOUT);
	assert_non_null(strstr(result.diag.text, hf_err_text(HF_ERR_TIMEOUT)));
	assert_runs(&v0);
}

static void device_refuses_a_damaged_package_from_a_lying_tool(void **state)
{
	struct package bad = v1;

	(void)state;
	options.no_verify = true;
	bad.file.ptr = malloc(v1.file.len);
	memcpy(bad.file.ptr, v1.file.ptr, v1.file.len);
	bad.file.ptr[v1.file.len - 5000] ^= 1; /* in the payload's last segment but one */
	assert_int_equal(burn(&bad), HF_BURN_DEVICE_REFUSED);
	assert_int_equal(result.err, HF_ERR_DIGEST);
	assert_in_range(result.upload.retries, 3, 6);
	bad.file.ptr[v1.file.len - 5000] ^= 1;
	bad.file.ptr[200] ^= 1; /* in the envelope's head */
	assert_int_equal(burn(&bad), HF_BURN_DEVICE_REFUSED);
	free(bad.file.ptr);
	assert_runs(&v0);
	options.no_verify = false;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_runs(&v1);
}

/* ---- whatever happens on the way ---- */

static void pulled_cable_is_survived_at_any_time(void **state)
{
	(void)state;
	for (uint64_t at_ms = 100; at_ms < 9000; at_ms += 700) {
		for (int usb = 0; usb < 2; usb++) {
			teardown(NULL);
			setup(NULL);
			gateway.line.cable_is_usb = usb;
			gateway.line.cable_off_us = at_ms * 1000;
			gateway.line.cable_on_us = at_ms * 1000 + 15000000;
			if (burn(&v1) != HF_BURN_CONFIRMED)
				fail_msg("cable pulled at %u ms: %s: %s", (unsigned)at_ms,
					 hf_burn_outcome_text(result.outcome), result.diag.text);
			assert_runs(&v1);
		}
	}
}

static void noisy_line_is_survived(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 6; seed++) {
		teardown(NULL);
		setup(NULL);
		gateway.line.random = seed;
		gateway.line.drop_ppm = 100;
		gateway.line.flip_ppm = 300;
		gateway.line.repeat_ppm = 50;
		assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
		assert_true(result.upload.resent > 0);
		assert_runs(&v1);
	}
}

/* One cut, and three in a row, at operations all over the burn. */
static void power_cuts_are_survived(void **state)
{
	unsigned cases = 0, cut = 0;

	(void)state;
	for (unsigned long at = 1; at < 12000; at += at < 200 ? 7 : 97) {
		for (unsigned times = 1; times <= 3; times += 2) {
			teardown(NULL);
			setup(NULL);
			options.confirm_ms = 300000;
			gateway.cut_every = at;
			gateway.cuts_left = times;
			gateway_start(&gateway);
			enum hf_burn_outcome outcome = burn(&v1);
			/* Cuts in the trial itself may use up its starts; then it is burned again. */
			if (outcome == HF_BURN_ROLLED_BACK)
				outcome = burn(&v1);
			if (outcome != HF_BURN_CONFIRMED)
				fail_msg("%u cuts at operation %lu: %s: %s", times, at, hf_burn_outcome_text(outcome),
					 result.diag.text);
			assert_runs(&v1);
			cases++;
			cut += gateway.cuts > 0;
		}
	}
	assert_true(cut > 200);
	printf("# %u cases of power cuts, %u of them were met\n", cases, cut);
}

static void repeated_power_cuts_resume_at_the_last_commit(void **state)
{
	(void)state;
	gateway.cut_every = 4300; /* a segment and a little */
	gateway.cuts_left = 3;
	gateway_start(&gateway);
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_true(gateway.cuts >= 2);
	assert_true(result.upload.restarts >= 2);
	assert_runs(&v1);
	/* At most a segment, a head and a window a cut are sent again. */
	assert_true(result.upload.bytes_sent < v1.file.len + gateway.cuts * (16384 + 4096 + 8192));
}

static void device_that_is_off_at_first_is_waited_for(void **state)
{
	(void)state;
	gateway.line.cable_off_us = 0;
	gateway.line.cable_on_us = 20000000;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_in_range(result.end_ms, 20000, 60000);
}

static void device_that_never_answers_is_reported(void **state)
{
	(void)state;
	options.patience_ms = 5000;
	gateway.line.cable_off_us = 0;
	assert_int_equal(burn(&v1), HF_BURN_NO_DEVICE);
	assert_int_equal(result.err, HF_ERR_TIMEOUT);
	assert_in_range(result.end_ms, 5000, 8000);
}

static bool stop_soon(void *ctx)
{
	(void)ctx;
	return gateway.line.now_us > 4000000;
}

static void reset_that_was_lost_is_sent_again(void **state)
{
	(void)state;
	gateway.deaf_to_resets = 2;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_in_range(result.end_ms - result.uploaded_ms, 10000, 16000);
	assert_runs(&v1);
}

/* The answer to the activation is lost, power too, and the device that is asked again runs the new firmware already. */
static void activation_that_was_carried_out_already_is_none_that_failed(void **state)
{
	(void)state;
	gateway.restart_after_activation = true;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_int_equal(gateway.restart_after_activation, false);
	assert_null(strstr(story, "reset: "));
	assert_runs(&v1);
}

static void interruption_is_noticed_and_can_be_continued(void **state)
{
	(void)state;
	options.stop = stop_soon;
	gateway.line.baud = 115200;
	assert_int_equal(burn(&v1), HF_BURN_INTERRUPTED);
	assert_runs(&v0);
	options.stop = NULL;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_runs(&v1);
}

/* ---- firmware that does not do well ---- */

static void firmware_that_hangs_is_rolled_back_and_reported(void **state)
{
	(void)state;
	assert_int_equal(burn(&hangs), HF_BURN_ROLLED_BACK);
	assert_non_null(strstr(result.diag.text, "1.0.0 runs"));
	assert_non_null(strstr(result.diag.text, "watchdog"));
	assert_int_equal(result.after.state.slot[1].state, HF_SLOT_REJECTED);
	assert_runs(&v0);
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
}

static void firmware_that_never_confirms_is_reported(void **state)
{
	(void)state;
	gateway.mute = &v1;
	options.confirm_ms = 30000;
	assert_int_equal(burn(&v1), HF_BURN_UNCONFIRMED);
	assert_in_range(result.end_ms - result.uploaded_ms, 30000, 34000);
}

static void burn_again_during_the_trial_only_waits(void **state)
{
	(void)state;
	gateway.mute = &v1;
	options.confirm_ms = 5000;
	assert_int_equal(burn(&v1), HF_BURN_UNCONFIRMED);
	gateway.confirm_us = gateway.line.now_us + 3000000;
	gateway.line.bytes_to_device = 0;
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_nothing_was_sent();
	assert_runs(&v1);
}

static void silence_after_the_reset_is_reported(void **state)
{
	(void)state;
	gateway.dead = &v1;
	options.confirm_ms = 20000;
	assert_int_equal(burn(&v1), HF_BURN_NO_ANSWER);
}

static void factory_new_device_is_waited_for_until_it_has_confirmed_itself(void **state)
{
	(void)state;
	gateway.self_test_us = 10000000;
	gateway_start(&gateway);
	assert_int_equal(burn(&v1), HF_BURN_CONFIRMED);
	assert_non_null(strstr(story, "waiting until the firmware that runs has confirmed itself"));
}

static void every_outcome_and_stage_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < HF_BURN_OUTCOMES; i++)
		assert_true(strlen(hf_burn_outcome_text((enum hf_burn_outcome)i)) > 3);
	for (int i = 0; i <= HF_BURN_TRIAL; i++)
		assert_true(strlen(hf_burn_stage_text((enum hf_burn_stage)i)) > 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(package_is_burned_and_confirmed),
		T(second_burn_goes_into_the_other_slot),
		T(package_that_runs_already_is_not_sent),
		T(no_activate_leaves_the_old_firmware_running),
		T(burn_without_a_keyset_leaves_signatures_to_the_device),
		T(burn_finds_the_rate),
		T(damaged_package_is_refused_by_the_tool),
		T(package_that_is_not_for_this_device_is_refused_by_the_tool),
		T(package_for_others_is_refused_without_waiting_for_a_confirmation),
		T(older_release_is_refused_by_the_tool),
		T(device_refuses_what_a_lying_tool_sends),
		T(flash_that_is_too_slow_is_no_silence),
		T(device_refuses_a_damaged_package_from_a_lying_tool),
		T(pulled_cable_is_survived_at_any_time),
		T(noisy_line_is_survived),
		T(power_cuts_are_survived),
		T(repeated_power_cuts_resume_at_the_last_commit),
		T(device_that_is_off_at_first_is_waited_for),
		T(device_that_never_answers_is_reported),
		T(reset_that_was_lost_is_sent_again),
		T(activation_that_was_carried_out_already_is_none_that_failed),
		T(interruption_is_noticed_and_can_be_continued),
		T(firmware_that_hangs_is_rolled_back_and_reported),
		T(firmware_that_never_confirms_is_reported),
		T(burn_again_during_the_trial_only_waits),
		T(silence_after_the_reset_is_reported),
		T(factory_new_device_is_waited_for_until_it_has_confirmed_itself),
		T(every_outcome_and_stage_has_a_name),
	};
#undef T

	return cmocka_run_group_tests(tests, make_packages, drop_packages);
}
