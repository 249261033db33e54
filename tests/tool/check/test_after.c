/* SPDX-License-Identifier: MIT
 *
 * The tests after an upgrade: firmware that does well, and each way in which it can do worse than what was before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "check/after.h"
#include "check_rig.h"
#include "smp_maintain.h"

static struct hf_after_options options;
static struct hf_after_result result;
static struct hf_after_reference reference;

static int setup(void **state)
{
	rig_setup(state);
	rig_connect();
	assert_int_equal(hf_smp_rate_raise(&client, &rate, 5000), HF_OK);
	assert_int_equal(hf_after_measure(&client, &rate, 5000, &reference), HF_OK);
	hf_smp_rate_restore(&client, &rate);
	options = (struct hf_after_options){.digest = v0.id, .reference = &reference, .row = rig_on_row};
	return 0;
}

static enum hf_exit test(void)
{
	row_count = 0;
	return hf_after_test(&client, &rate, &options, &result);
}

static void firmware_that_does_well_passes_all(void **state)
{
	(void)state;
	assert_int_equal(test(), HF_EXIT_OK);
	for (unsigned i = 0; i < row_count; i++)
		assert_int_equal(rows[i].state, HF_ROW_PASSED);
	assert_int_equal(row_count, 12);
	assert_row("digest", HF_ROW_PASSED, "slot A verifies, and is the package");
	assert_row("configuration", HF_ROW_PASSED, "as before");
	assert_row("throughput", HF_ROW_PASSED, "83574 before");
	assert_row("stress", HF_ROW_PASSED, "200 mixed requests");
	assert_non_null(strstr(rig_row("stress")->text, ", 0 lost"));
	assert_non_null(strstr(rig_row("stress")->text, "a slot was read meanwhile"));
	assert_true(result.digest_known);
	assert_memory_equal(result.digest, v0.id, sizeof(result.digest));
	assert_string_equal(result.diag.text, "");
}

static void line_is_left_as_it_was_found(void **state)
{
	(void)state;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_int_equal(client.framing, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(rate.now, 115200);
	assert_int_equal(result.link.baud, 921600);
	assert_int_equal(rate.wanted, 0);
}

static void flash_is_not_touched(void **state)
{
	unsigned long operations = gateway.device.flash.operation;

	(void)state;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_int_equal(gateway.device.flash.operation, operations);
}

static void other_firmware_than_the_package_fails(void **state)
{
	(void)state;
	options.digest = v1.id;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("digest", HF_ROW_FAILED, "is not the package");
	assert_non_null(strstr(result.diag.text, "the test 'digest' failed: slot A verifies, but is not the package"));
}

static void firmware_that_rots_fails(void **state)
{
	(void)state;
	gateway.device.flash.mem[0x08008000 + 30000 - gateway.device.flash.base] ^= 4;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("digest", HF_ROW_FAILED, "slot A does not verify");
	assert_false(result.digest_known);
}

static void failing_self_test_and_light_fail(void **state)
{
	(void)state;
	health.test_failed = HF_TEST_WORK;
	health.led = 4;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("self-test", HF_ROW_FAILED, "it failed: work");
	assert_row("light", HF_ROW_FAILED, "degraded");
	assert_non_null(strstr(result.diag.text, "2 tests failed: self-test, light"));
}

static void self_test_is_waited_for(void **state)
{
	uint64_t begin = gateway.line.now_us;

	(void)state;
	health.test_done = false;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("self-test", HF_ROW_FAILED, "not done yet");
	assert_in_range(gateway.line.now_us - begin, 15000000, 20000000);
}

static void slaves_that_fall_silent_fail(void **state)
{
	(void)state;
	health.bad = 10000;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("modbus", HF_ROW_FAILED, "0 % before");
	reference.health.bad_polls = 1000000; /* they were so before */
	assert_int_equal(test(), HF_EXIT_OK);
}

static void gateway_without_any_answer_fails(void **state)
{
	(void)state;
	health.works = false;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("modbus", HF_ROW_NOTE, "does not tell");
}

static void configuration_that_changed_fails(void **state)
{
	static const uint8_t other[] = {0xa0};
	struct hf_smp_answer answer;

	(void)state;
	assert_int_equal(hf_smp_put_kept(&client, 5000, HF_LONGREC_CONFIGURATION, (struct hf_bytes){other, 1}, &answer), HF_OK);
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("configuration", HF_ROW_FAILED, "1 bytes that are not the 0 of before");
	assert_non_null(strstr(rig_row("configuration")->next, "--from-backup"));
}

static void slower_line_fails(void **state)
{
	(void)state;
	reference.link.bytes_per_s = reference.link.bytes_per_s * 3 / 2;
	reference.link.latency_us /= 4;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("throughput", HF_ROW_FAILED, "(66 %)");
	assert_row("latency", HF_ROW_FAILED, "before");
}

static void slower_modbus_fails(void **state)
{
	(void)state;
	health.answer_us = 13000;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("modbus answers", HF_ROW_FAILED, "after 13.0 ms in the mean, 9.0 ms before");
}

static void long_gap_fails(void **state)
{
	(void)state;
	health.gap_ms = 2001;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("modbus under load", HF_ROW_FAILED, "longest gap 2001 ms");
}

static void another_rate_is_no_comparison(void **state)
{
	(void)state;
	reference.link.baud = 460800;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("throughput", HF_ROW_WARNING, "no comparison");
}

static void without_a_reference_only_what_can_be_said_is(void **state)
{
	(void)state;
	options.reference = NULL;
	options.digest = NULL;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("throughput", HF_ROW_NOTE, "nothing to compare with");
	assert_row("configuration", HF_ROW_NOTE, "nothing to compare with");
	assert_row("digest", HF_ROW_PASSED, "slot A verifies: ");
}

static void reference_survives_its_file(void **state)
{
	struct hf_after_reference back;
	json_t *value = hf_after_reference_json(&reference);

	(void)state;
	assert_true(hf_after_reference_parse(value, &back));
	options.reference = &back;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("throughput", HF_ROW_PASSED, "83574 before");
	assert_row("modbus answers", HF_ROW_PASSED, "9.0 ms before");
	json_object_set_new(value, "baud", json_string("fast"));
	assert_false(hf_after_reference_parse(value, &back));
	json_decref(value);
}

static void noise_in_the_stress_fails(void **state)
{
	(void)state;
	gateway.line.flip_ppm = 2000;
	reference.taken = false;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("stress", HF_ROW_FAILED, "lost");
	assert_row("line", HF_ROW_FAILED, "wrong in");
}

static void few_losses_are_a_warning(void **state)
{
	(void)state;
	gateway.line.flip_ppm = 60;
	reference.taken = false;
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("stress", HF_ROW_WARNING, "lost");
}

static void unconfirmed_firmware_fails(void **state)
{
	(void)state;
	gateway.device.update.state.slot[0].state = HF_SLOT_TRIAL;
	assert_int_equal(test(), HF_EXIT_TESTS);
	assert_row("confirmed", HF_ROW_FAILED, "has not confirmed itself");
}

static void older_firmware_is_noted_not_failed(void **state)
{
	(void)state;
	gateway.health = NULL;
	gateway_start(&gateway);
	rig_connect();
	assert_int_equal(test(), HF_EXIT_OK);
	assert_row("self-test", HF_ROW_NOTE, "does not tell");
}

static void device_that_is_lost_is_told(void **state)
{
	(void)state;
	options.patience_ms = 5000;
	gateway.line.cable_off_us = gateway.line.now_us + 50000;
	gateway.line.cable_on_us = SIM_NEVER;
	assert_int_equal(test(), HF_EXIT_SILENT);
	assert_non_null(strstr(result.diag.text, "holdfast status"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(firmware_that_does_well_passes_all),
		T(line_is_left_as_it_was_found),
		T(flash_is_not_touched),
		T(other_firmware_than_the_package_fails),
		T(firmware_that_rots_fails),
		T(failing_self_test_and_light_fail),
		T(self_test_is_waited_for),
		T(slaves_that_fall_silent_fail),
		T(gateway_without_any_answer_fails),
		T(configuration_that_changed_fails),
		T(slower_line_fails),
		T(slower_modbus_fails),
		T(long_gap_fails),
		T(another_rate_is_no_comparison),
		T(without_a_reference_only_what_can_be_said_is),
		T(reference_survives_its_file),
		T(noise_in_the_stress_fails),
		T(few_losses_are_a_warning),
		T(unconfirmed_firmware_fails),
		T(older_firmware_is_noted_not_failed),
		T(device_that_is_lost_is_told),
	};
#undef T

	return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
