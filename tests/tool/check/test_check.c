/* SPDX-License-Identifier: MIT
 *
 * The five checks before an upgrade, on a gateway of core's own code: all good, and each thing that can be bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/backup.h"
#include "check/pilot.h"
#include "check_rig.h"
#include "smp_maintain.h"

static struct hf_check_options options;
static struct hf_check_result result;
static struct hf_waivers waivers;

static int setup(void **state)
{
	json_t *tests = json_pack("[{s:s, s:s}]", "name", "digest", "state", "passed");

	rig_setup(state);
	rig_write("v0.suit", &v0);
	rig_write("recovery.suit", &recovery);
	rig_connect();
	status.state.slot[status.running].state = HF_SLOT_CONFIRMED;
	assert_int_equal(hf_pilot_write(rig_file("pilot.json"), &status, v1.id, tests, "Berg", NULL), HF_OK);
	json_decref(tests);
	rig_connect();
	options = (struct hf_check_options){
		.package = hf_buffer_bytes(&v1.file),
		.keyset = &maker.keyset,
		.backup = dir,
		.pilot = rig_file("pilot.json"),
		.way_back = {dir},
		.way_backs = 1,
		.row = rig_on_row,
	};
	waivers = (struct hf_waivers){.log = rig_file("waivers.log"), .by = "R. Berg"};
	return 0;
}

static enum hf_exit check(void)
{
	row_count = 0;
	return hf_check(&client, &rate, &status, &options, &result);
}

static void waive(const char *item)
{
	waivers.items.item[waivers.items.count++] = item;
	assert_int_equal(hf_waivers_check(&waivers, NULL), HF_OK);
	options.waivers = &waivers;
}

/* ---- all good ---- */

static void sound_device_passes_all(void **state)
{
	(void)state;
	assert_int_equal(check(), HF_EXIT_OK);
	for (unsigned i = 0; i < row_count; i++)
		assert_int_equal(rows[i].state, HF_ROW_PASSED);
	assert_int_equal(row_count, 11);
	assert_int_equal(result.count[HF_ROW_PASSED], 11);
	assert_string_equal(result.diag.text, "");
	assert_row("compatibility", HF_ROW_PASSED, "a gw-test takes it, into slot B");
	assert_row("pilot", HF_ROW_PASSED, "passed 1 tests (Berg)");
	assert_row("link quality", HF_ROW_PASSED, "at 921600 baud: less than 1 in 8");
	assert_row("supply", HF_ROW_PASSED, "3.30 V at the chip, 0.60 V above");
	assert_row("temperature", HF_ROW_PASSED, "31.2 C");
	assert_row("recovery", HF_ROW_PASSED, "1.3.0 verifies");
	assert_row("fallback", HF_ROW_PASSED, "slot A with 1.0.0 runs, verifies and is not touched");
	assert_row("way-back packages", HF_ROW_PASSED, "v0.suit");
	assert_int_equal(result.fallback, HF_PLACE_A);
	assert_true(result.reference.taken && result.reference.running && result.reference.binary);
	assert_true(result.ms < 3000);
}

static void flash_is_not_touched(void **state)
{
	unsigned long erases = gateway.device.flash.erases, words = gateway.device.flash.words;

	(void)state;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_int_equal(gateway.device.flash.erases, erases);
	assert_int_equal(gateway.device.flash.words, words);
}

static void line_stays_raised_for_the_upload(void **state)
{
	(void)state;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_int_equal(rate.now, 921600);
	assert_int_equal(client.framing, HF_SMP_FRAMING_BINARY);
}

/* ---- 1: backup ---- */

static void backup_holds_what_the_device_has(void **state)
{
	static const uint8_t configuration[] = {0xa1, 0x67, 'p', 'o', 'l', 'l', '_', 'm', 's', 0x18, 50};
	struct hf_smp_answer answer;
	struct hf_backup backup;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_smp_put_kept(&client, 5000, HF_LONGREC_CONFIGURATION,
					 (struct hf_bytes){configuration, sizeof(configuration)}, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("backup", HF_ROW_PASSED, "configuration (11 bytes)");
	assert_non_null(strstr(result.backup, dir));
	assert_int_equal(hf_backup_read(result.backup, &backup, &diag), HF_OK);
	assert_int_equal(backup.configuration_len, sizeof(configuration));
	assert_memory_equal(backup.configuration, configuration, sizeof(configuration));
	assert_memory_equal(backup.device_id, status.device_id, 16);
	assert_string_equal(backup.board, "gw-test");
	assert_string_equal(backup.version, "1.0.0");
	assert_int_equal(backup.reference.link.baud, 921600);
	assert_int_equal(backup.reference.configuration_bytes, sizeof(configuration));
	hf_backup_free(&backup);
}

static void full_disk_stops_with_its_own_code(void **state)
{
	(void)state;
	options.backup = "/dev/full";
	assert_int_equal(check(), HF_EXIT_DISK);
	assert_row("backup", HF_ROW_FAILED, "/dev/full: cannot write: No space left on device");
	assert_string_equal(result.backup, "");
	waive("backup=the disk is full, the line waits");
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("backup", HF_ROW_WAIVED, "by R. Berg: the disk is full, the line waits (/dev/full");
}

static void directory_that_is_not_there_stops(void **state)
{
	(void)state;
	options.backup = "/proc/none/";
	assert_int_equal(check(), HF_EXIT_DISK);
	assert_row("backup", HF_ROW_FAILED, "/proc/none/");
}

static void usual_directory_is_made(void **state)
{
	(void)state;
	options.backup = NULL;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_non_null(strstr(result.backup, "/holdfast/backup/"));
	assert_int_equal(access(result.backup, R_OK), 0);
}

/* ---- 2: package ---- */

static void damaged_package_stops_but_all_else_is_checked(void **state)
{
	struct hf_buffer bad = {malloc(v1.file.len), v1.file.len};

	(void)state;
	memcpy(bad.ptr, v1.file.ptr, bad.len);
	bad.ptr[bad.len - 5000] ^= 1;
	options.package = hf_buffer_bytes(&bad);
	waive("pilot=none is needed on this bench");
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("package", HF_ROW_FAILED, "not what was signed");
	assert_non_null(strstr(rig_row("package")->next, "cannot be waived"));
	assert_row("fallback", HF_ROW_PASSED, "slot A");
	assert_non_null(strstr(result.diag.text, "the check 'package' failed: "));
	hf_buffer_free(&bad);
}

static void package_for_others_stops(void **state)
{
	struct hf_version_conditions none = maker.from;
	struct package from_2;

	(void)state;
	assert_true(hf_version_conditions_parse(">=2.0.0", &maker.from));
	maker_pack(&maker, 5, 1, 20000, &from_2);
	maker.from = none;
	options.package = hf_buffer_bytes(&from_2.file);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("compatibility", HF_ROW_FAILED, ">=2.0.0");
	hf_buffer_free(&from_2.file);
}

static void check_without_a_package_looks_at_the_device(void **state)
{
	(void)state;
	options.package = (struct hf_bytes){0};
	options.pilot = NULL;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_string_equal(rows[0].name, "link quality");
}

/* ---- 3: pilot ---- */

static void missing_pilot_stops_unless_waived(void **state)
{
	(void)state;
	options.pilot = NULL;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("pilot", HF_ROW_FAILED, "no record of a pilot");
	assert_non_null(strstr(rig_row("pilot")->next, "--waive pilot=REASON"));
	waive("pilot=line 3 is the pilot itself");
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("pilot", HF_ROW_WAIVED, "by R. Berg: line 3 is the pilot itself");
	assert_int_equal(result.count[HF_ROW_WAIVED], 1);
}

static void pilot_of_another_package_stops(void **state)
{
	(void)state;
	options.package = hf_buffer_bytes(&v2.file);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("pilot", HF_ROW_FAILED, "record of another package");
}

static void edited_pilot_stops(void **state)
{
	struct hf_buffer file;
	char *by;

	(void)state;
	assert_int_equal(hf_file_read(options.pilot, 65536, &file, NULL), HF_OK);
	by = strstr((char *)file.ptr, "Berg");
	memcpy(by, "Bert", 4);
	assert_int_equal(hf_file_write(options.pilot, hf_buffer_bytes(&file), 0, NULL), HF_OK);
	hf_buffer_free(&file);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("pilot", HF_ROW_FAILED, "damaged or edited");
}

static void pilot_itself_needs_no_pilot(void **state)
{
	(void)state;
	options.pilot = NULL;
	options.as_pilot = true;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("pilot", HF_ROW_NOTE, "this device is the pilot");
}

/* ---- 4: hardware ---- */

static void weak_supply_stops_and_cannot_be_waived(void **state)
{
	struct hf_diag diag;

	(void)state;
	health.supply_mv = 2610;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("supply", HF_ROW_FAILED, "2.61 V at the chip, 2.70 V are needed");
	waivers.items.item[waivers.items.count++] = "supply=it will do";
	assert_int_equal(hf_waivers_check(&waivers, &diag), HF_ERR_RANGE);
	assert_non_null(strstr(diag.text, "protects from a brick"));
	options.waivers = &waivers; /* even so */
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("supply", HF_ROW_FAILED, "2.61 V");
}

static void supply_has_three_limits(void **state)
{
	(void)state;
	health.supply_mv = 2700;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("supply", HF_ROW_WARNING, "2.70 V at the chip, little above");
	health.supply_mv = 2850;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("supply", HF_ROW_PASSED, "2.85 V");
	health.supply_mv = 3601;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("supply", HF_ROW_FAILED, "it bears 3.60 V");
}

static void heat_stops_unless_waived(void **state)
{
	(void)state;
	health.temperature_dc = 1061;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("temperature", HF_ROW_FAILED, "106.1 C");
	health.temperature_dc = -405;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("temperature", HF_ROW_FAILED, "-40.5 C");
	waive("temperature=cold store");
	assert_int_equal(check(), HF_EXIT_OK);
}

static void worn_memory_is_told_and_at_last_stops(void **state)
{
	(void)state;
	health.slowest_ms = 2600;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("memory", HF_ROW_WARNING, "an erase took 2600 ms");
	health.slowest_ms = 4100;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("memory", HF_ROW_FAILED, "4100 ms, 4000 ms are the limit");
	health.slowest_ms = 900;
	status.journal_bad = 3;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("memory", HF_ROW_WARNING, "3 slots of the journal are bad");
	status.journal_bad = 65;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("memory", HF_ROW_FAILED, "65 slots");
	status.journal_bad = 0;
	gateway.device.update.worn = HF_ERR_FLASH_ERASE;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("memory", HF_ROW_WARNING, "a failure was gone around");
}

static void crystal_that_fails_is_told(void **state)
{
	(void)state;
	health.pll = false;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("clock", HF_ROW_WARNING, "16 MHz");
}

static void limits_of_the_project_count(void **state)
{
	struct hf_project project = {.burn = {.supply_mv_min = 3000, .erase_ms_max = 1500, .link_errors_given = true}};
	struct hf_limits limits;

	(void)state;
	hf_limits_of_project(&project, &limits);
	options.limits = &limits;
	health.supply_mv = 2990;
	health.slowest_ms = 1600;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("supply", HF_ROW_FAILED, "3.00 V are needed");
	assert_row("memory", HF_ROW_FAILED, "1500 ms are the limit");
	project.burn.supply_mv_min = 1800; /* nothing lowers what protects from a brick */
	hf_limits_of_project(&project, &limits);
	assert_int_equal(limits.at[HF_LIMIT_SUPPLY_MV_MIN], 2700);
	assert_int_equal(limits.at[HF_LIMIT_LINK_ERRORS_PPM], 0);
}

static void noise_is_measured_and_a_lower_rate_taken(void **state)
{
	(void)state;
	gateway.line.flip_ppm = 3000;
	gateway.line.noisy_from = 921600;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("link quality", HF_ROW_PASSED, "at 115200 baud");
	assert_int_equal(rate.now, 115200);
}

static void noise_everywhere_stops_unless_waived(void **state)
{
	(void)state;
	gateway.line.flip_ppm = 2500;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("link quality", HF_ROW_FAILED, "packets lost");
	assert_true(result.link.errors > 50);
	waive("link_quality=a welding robot is at work");
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("link quality", HF_ROW_WAIVED, "welding robot");
}

static void rate_that_the_device_has_not_stops_but_all_else_is_checked(void **state)
{
	(void)state;
	rate.wanted = 57600;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("link quality", HF_ROW_FAILED, "cannot be talked to at 57600 baud");
	assert_row("supply", HF_ROW_PASSED, "3.30 V");
}

static void characters_that_the_device_lost_are_told(void **state)
{
	(void)state;
	health.framing = 4000000000u; /* counted on with each look, in tell_health */
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("link quality", HF_ROW_PASSED, "characters without a stop bit");
}

static void little_noise_is_a_warning(void **state)
{
	(void)state;
	gateway.line.flip_ppm = 150;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("link quality", HF_ROW_WARNING, "wrong in");
}

/* ---- 5: way back ---- */

static void rot(uint32_t addr)
{
	gateway.device.flash.mem[addr - gateway.device.flash.base] ^= 0x10;
}

static void recovery_that_rots_stops_but_for_its_own_package(void **state)
{
	(void)state;
	rot(0x08030000 + 12000);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("recovery", HF_ROW_FAILED, "does not verify");
	assert_non_null(strstr(rig_row("recovery")->next, "cannot be waived"));
	options.package = hf_buffer_bytes(&recovery.file);
	waive("pilot=recovery itself");
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("recovery", HF_ROW_WARNING, "this package replaces it");
}

static void running_firmware_that_rots_stops(void **state)
{
	(void)state;
	rot(0x08008000 + 30000);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("fallback", HF_ROW_FAILED, "what runs in slot A does not verify any more");
	assert_int_equal(result.fallback, HF_PLACES);
}

static void missing_way_back_packages_are_named(void **state)
{
	(void)state;
	unlink(rig_file("v0.suit"));
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("way-back packages", HF_ROW_FAILED, "none of the device's firmware (digest ");
	unlink(rig_file("recovery.suit"));
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("way-back packages", HF_ROW_FAILED, "; none of recovery");
	waive("way-back-packages=they are in the safe");
	assert_int_equal(check(), HF_EXIT_OK);
}

static void damaged_way_back_package_is_unfit(void **state)
{
	struct hf_buffer file;

	(void)state;
	assert_int_equal(hf_file_read(rig_file("v0.suit"), 1u << 20, &file, NULL), HF_OK);
	file.ptr[file.len - 100] ^= 1;
	assert_int_equal(hf_file_write(rig_file("v0.suit"), hf_buffer_bytes(&file), 0, NULL), HF_OK);
	hf_buffer_free(&file);
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("way-back packages", HF_ROW_FAILED, "unfit: ");
	assert_non_null(strstr(rig_row("way-back packages")->text, "v0.suit"));
}

static void packages_beside_the_package_are_found(void **state)
{
	(void)state;
	options.way_backs = 0;
	assert_int_equal(check(), HF_EXIT_CHECK);
	options.package_file = rig_file("v1.suit");
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("way-back packages", HF_ROW_PASSED, "recovery.suit");
}

/* ---- other devices ---- */

static void older_firmware_is_noted_not_failed(void **state)
{
	(void)state;
	gateway.health = NULL;
	gateway.fast = false;
	gateway_start(&gateway);
	gateway.line.link = NULL;
	rate.now = 0;
	hf_smp_set_framing(&client, HF_SMP_FRAMING_CONSOLE);
	rig_connect();
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("supply", HF_ROW_NOTE, "does not tell");
	assert_row("memory", HF_ROW_PASSED, "this firmware tells no more");
	assert_row("link quality", HF_ROW_PASSED, "no bit wrong");
}

/* Whoever takes a device into recovery does not get around the pilot by it. */
static void living_device_in_recovery_wants_a_pilot(void **state)
{
	(void)state;
	status.running = HF_SLOTS;
	status.state.slot[1].state = HF_SLOT_UNKNOWN;
	options.recovering = true;
	options.pilot = NULL;
	assert_int_equal(check(), HF_EXIT_CHECK);
	assert_row("pilot", HF_ROW_FAILED, "no record of a pilot");
	assert_row("fallback", HF_ROW_PASSED, "slot A holds 1.0.0, which verifies");
}

static void dead_device_in_recovery_can_be_burned(void **state)
{
	(void)state;
	rot(0x08008000 + 30000);
	gateway_start(&gateway);
	gateway.confirm_us = SIM_NEVER;
	rig_connect();
	assert_int_equal(status.running, HF_SLOTS);
	options.recovering = true;
	options.pilot = NULL;
	options.way_backs = 0;
	assert_int_equal(check(), HF_EXIT_OK);
	assert_row("pilot", HF_ROW_NOTE, "nothing else starts on this device");
	assert_row("way-back packages", HF_ROW_WARNING, "none of recovery");
	assert_row("fallback", HF_ROW_WARNING, "falls back to recovery");
	assert_row("recovery", HF_ROW_PASSED, "1.3.0");
	assert_int_equal(result.fallback, HF_PLACE_RECOVERY);
}

/* ---- when it ends early ---- */

static void device_that_is_lost_is_told(void **state)
{
	(void)state;
	options.patience_ms = 5000;
	gateway.line.cable_off_us = gateway.line.now_us + 60000;
	gateway.line.cable_on_us = SIM_NEVER;
	assert_int_equal(check(), HF_EXIT_SILENT);
	assert_non_null(strstr(result.diag.text, "nothing was changed"));
}

static void port_that_goes_is_told(void **state)
{
	(void)state;
	options.patience_ms = 5000;
	gateway.line.cable_is_usb = true;
	gateway.line.cable_off_us = gateway.line.now_us + 60000;
	gateway.line.cable_on_us = SIM_NEVER;
	assert_int_equal(check(), HF_EXIT_PORT_GONE);
}

static void cable_that_comes_back_is_no_matter(void **state)
{
	(void)state;
	gateway.line.cable_off_us = gateway.line.now_us + 60000;
	gateway.line.cable_on_us = gateway.line.now_us + 3060000;
	assert_int_equal(check(), HF_EXIT_OK);
}

static bool soon(void *ctx)
{
	(void)ctx;
	return row_count >= 4;
}

static void interruption_is_told(void **state)
{
	(void)state;
	client.stop = soon;
	assert_int_equal(check(), HF_EXIT_INTERRUPTED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(sound_device_passes_all),
		T(flash_is_not_touched),
		T(line_stays_raised_for_the_upload),
		T(backup_holds_what_the_device_has),
		T(full_disk_stops_with_its_own_code),
		T(directory_that_is_not_there_stops),
		T(usual_directory_is_made),
		T(damaged_package_stops_but_all_else_is_checked),
		T(package_for_others_stops),
		T(check_without_a_package_looks_at_the_device),
		T(missing_pilot_stops_unless_waived),
		T(pilot_of_another_package_stops),
		T(edited_pilot_stops),
		T(pilot_itself_needs_no_pilot),
		T(weak_supply_stops_and_cannot_be_waived),
		T(supply_has_three_limits),
		T(heat_stops_unless_waived),
		T(worn_memory_is_told_and_at_last_stops),
		T(crystal_that_fails_is_told),
		T(limits_of_the_project_count),
		T(noise_is_measured_and_a_lower_rate_taken),
		T(noise_everywhere_stops_unless_waived),
		T(little_noise_is_a_warning),
		T(recovery_that_rots_stops_but_for_its_own_package),
		T(running_firmware_that_rots_stops),
		T(missing_way_back_packages_are_named),
		T(damaged_way_back_package_is_unfit),
		T(packages_beside_the_package_are_found),
		T(older_firmware_is_noted_not_failed),
		T(living_device_in_recovery_wants_a_pilot),
		T(dead_device_in_recovery_can_be_burned),
		T(rate_that_the_device_has_not_stops_but_all_else_is_checked),
		T(characters_that_the_device_lost_are_told),
		T(device_that_is_lost_is_told),
		T(port_that_goes_is_told),
		T(cable_that_comes_back_is_no_matter),
		T(interruption_is_told),
	};
#undef T

	return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
