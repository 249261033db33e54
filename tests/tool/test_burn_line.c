/* SPDX-License-Identifier: MIT
 *
 * Burning over a line that changes: the rate and framing that are asked for, power cuts that put the device back to its first
 * rate, noise at the fast rate only, and firmware that knows nothing of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "burn.h"
#include "sim_gateway.h"

#define IMAGE_BYTES 60000u

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
static struct package v0, v1;
static struct gateway gateway;
static struct hf_burn_result result;
static struct hf_burn_options options;
static char story[4096];

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
	maker_pack(&maker, 0, 1, IMAGE_BYTES, &v0);
	maker_pack(&maker, 1, 1, IMAGE_BYTES, &v1);
	return 0;
}

static int drop_packages(void **state)
{
	(void)state;
	hf_buffer_free(&v0.file);
	hf_buffer_free(&v1.file);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	gateway_open(&gateway, &maker, &v0, 1);
	gateway_know(&gateway, &v1);
	gateway.fast = true;
	gateway_start(&gateway);
	memset(&options, 0, sizeof(options));
	options.keyset = &maker.keyset;
	options.event = on_event;
	options.baud = rates;
	options.bauds = 2;
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
	options.package = hf_buffer_bytes(&v1.file);
	return hf_burn(&gateway.line.serial, &options, &result);
}

static void assert_burned(void)
{
	struct hf_update *u = &gateway.device.update;

	assert_ptr_equal(gateway.device.runs, &v1);
	assert_int_equal(u->state.slot[u->running].state, HF_SLOT_CONFIRMED);
	assert_int_equal(gateway.link.index, 0);
	assert_int_equal(gateway.line.baud, 115200);
}

static void upload_goes_fast_and_the_line_is_left_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
	assert_int_equal(result.upload_baud, 921600);
	assert_true(result.binary);
	assert_int_equal(result.rate.proof_lost, 0);
	assert_int_equal(result.upload.resent, 0);
	assert_non_null(strstr(story, "connect: the line runs at 921600 baud in binary: 0 of 16 test packets were lost"));
}

static void console_is_kept_where_it_is_asked_for(void **state)
{
	(void)state;
	options.console_only = true;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
	assert_int_equal(result.upload_baud, 115200);
	assert_false(result.binary);
	assert_int_equal(gateway.line.binary_packets, 0);
}

static void rate_is_taken_where_it_is_asked_for(void **state)
{
	(void)state;
	options.upload_baud = 115200;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
	assert_int_equal(result.upload_baud, 115200);
	assert_true(result.binary);
}

static void rate_that_the_device_lacks_ends_it_before_anything_is_erased(void **state)
{
	unsigned long erases = gateway.device.flash.erases;

	(void)state;
	options.upload_baud = 460800;
	assert_int_equal(burn(), HF_BURN_LINE);
	assert_non_null(strstr(result.diag.text, "460800 baud"));
	assert_int_equal(gateway.device.flash.erases, erases);
}

static void noise_at_the_fast_rate_is_found_before_anything_is_erased(void **state)
{
	(void)state;
	gateway.line.noisy_from = 500000;
	gateway.line.flip_ppm = 3000;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
	assert_int_equal(result.upload_baud, 115200);
	assert_true(result.binary);
	assert_int_equal(result.upload.resent, 0);
	assert_int_equal(result.rate.falls, 0);
}

static void power_cuts_that_reset_the_rate_cost_little(void **state)
{
	(void)state;
	gateway.cut_every = 700;
	gateway.cuts_left = 20;
	gateway_start(&gateway);
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
	assert_int_equal(gateway.cuts, 20);
	/* A start takes 0.35 s, and the tool has to notice and to find both the device and the rate again. */
	assert_true(result.uploaded_ms - result.upload_ms < 20 * 5000 + 10000);
}

static void tool_that_was_killed_leaves_a_line_that_is_found(void **state)
{
	(void)state;
	for (uint32_t pause_ms = 0; pause_ms <= 20000; pause_ms += 4000) {
		teardown(NULL);
		setup(NULL);
		gateway.link.index = 1;
		gateway.link.framing = HF_SMP_FRAMING_BINARY;
		hf_smp_link_heard(&gateway.link, 0);
		hf_serial_sleep_ms(&gateway.line.serial, pause_ms);
		assert_int_equal(burn(), HF_BURN_CONFIRMED);
		assert_burned();
		assert_true(result.upload_ms - result.begin_ms < 6000);
	}
}

static bool stop_in_the_upload(void *ctx)
{
	(void)ctx;
	return gateway.device.update.phase == HF_UPDATE_PAYLOAD && gateway.device.update.next > 20000;
}

static void interrupted_upload_gives_the_line_back(void **state)
{
	(void)state;
	options.stop = stop_in_the_upload;
	assert_int_equal(burn(), HF_BURN_INTERRUPTED);
	hf_serial_sleep_ms(&gateway.line.serial, 3000); /* what is under way, and an erase; nobody waits for the answer */
	assert_int_equal(gateway.link.index, 0);
	options.stop = NULL;
	assert_int_equal(burn(), HF_BURN_CONFIRMED);
	assert_burned();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(upload_goes_fast_and_the_line_is_left_as_it_was),
		T(console_is_kept_where_it_is_asked_for),
		T(rate_is_taken_where_it_is_asked_for),
		T(rate_that_the_device_lacks_ends_it_before_anything_is_erased),
		T(noise_at_the_fast_rate_is_found_before_anything_is_erased),
		T(power_cuts_that_reset_the_rate_cost_little),
		T(tool_that_was_killed_leaves_a_line_that_is_found),
		T(interrupted_upload_gives_the_line_back),
	};
#undef T

	return cmocka_run_group_tests_name("burn_line", tests, make_packages, drop_packages);
}
