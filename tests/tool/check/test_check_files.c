/* SPDX-License-Identifier: MIT
 *
 * The files that checks leave and read: waivers and their log, pilots' records, sealed JSON, options.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/backup.h"
#include "check/check_args.h"
#include "check/pilot.h"
#include "check/sealed.h"
#include "check_rig.h"

static struct hf_waivers waivers;
static struct hf_diag diag;

static int setup(void **state)
{
	rig_setup(state);
	rig_connect();
	waivers = (struct hf_waivers){.by = "Berg", .log = rig_file("waivers.log")};
	diag.text[0] = 0;
	return 0;
}

static enum hf_err waive(const char *item)
{
	waivers.items.item[0] = item;
	waivers.items.count = 1;
	return hf_waivers_check(&waivers, &diag);
}

static void waiver_needs_a_name_and_a_reason(void **state)
{
	(void)state;
	assert_int_equal(waive("pilot=this is the pilot line"), HF_OK);
	assert_string_equal(hf_waivers_reason(&waivers, "pilot"), "this is the pilot line");
	assert_null(hf_waivers_reason(&waivers, "backup"));
	assert_int_equal(waive("link-quality=a=b"), HF_OK);
	assert_string_equal(hf_waivers_reason(&waivers, "link quality"), "a=b");
	assert_int_equal(waive("way_back-packages=x"), HF_OK);
	assert_int_equal(waive("pilot"), HF_ERR_RANGE);
	assert_int_equal(waive("pilot="), HF_ERR_RANGE);
	assert_int_equal(waive("pilot=  "), HF_ERR_RANGE);
	assert_int_equal(waive("=x"), HF_ERR_RANGE);
	assert_int_equal(waive("pilo=x"), HF_ERR_RANGE);
	assert_non_null(strstr(diag.text, "there is no check 'pilo'"));
	assert_int_equal(waive("all=x"), HF_ERR_RANGE);
}

static void what_prevents_a_brick_cannot_be_waived(void **state)
{
	static const char *const names[] = {"package", "compatibility", "memory", "supply", "recovery", "fallback"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char item[64];

		snprintf(item, sizeof(item), "%s=in a hurry", names[i]);
		assert_int_equal(waive(item), HF_ERR_RANGE);
		assert_non_null(strstr(diag.text, "protects from a brick"));
		assert_null(hf_waivers_reason(&waivers, names[i]));
		assert_false(hf_waivers_may(names[i]));
	}
}

static void login_name_is_who_waives(void **state)
{
	(void)state;
	waivers.by = NULL;
	assert_int_equal(waive("pilot=x"), HF_OK);
	assert_true(strlen(waivers.by) > 0);
	waivers.by = " ";
	assert_int_equal(waive("pilot=x"), HF_ERR_RANGE);
}

static void log_some(unsigned n)
{
	assert_int_equal(waive("pilot=x"), HF_OK);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(hf_waivers_log(&waivers, "pilot", "no record", "0102", "abcd", &diag), HF_OK);
}

static void log_is_a_chain(void **state)
{
	struct hf_buffer file;
	unsigned lines;

	(void)state;
	log_some(3);
	assert_int_equal(hf_waivers_verify_log(waivers.log, &lines, &diag), HF_OK);
	assert_int_equal(lines, 3);
	assert_int_equal(hf_file_read(waivers.log, 65536, &file, NULL), HF_OK);
	assert_non_null(strstr((char *)file.ptr, "\"reason\":\"x\",\"by\":\"Berg\",\"finding\":\"no record\""));
	for (size_t at = 0; at < file.len; at += 7) { /* any byte of any line but the last is noticed */
		unsigned line = 1;

		for (size_t i = 0; i < at; i++)
			line += file.ptr[i] == '\n';
		if (line == 3)
			break;
		file.ptr[at] ^= 1;
		assert_int_equal(hf_file_write(waivers.log, hf_buffer_bytes(&file), 0, NULL), HF_OK);
		assert_int_not_equal(hf_waivers_verify_log(waivers.log, &lines, &diag), HF_OK);
		assert_int_not_equal(hf_waivers_log(&waivers, "pilot", "no record", "0102", "abcd", &diag), HF_OK);
		assert_non_null(strstr(diag.text, "does not follow from the one before"));
		file.ptr[at] ^= 1;
	}
	hf_buffer_free(&file);
}

static void line_that_is_taken_out_is_noticed(void **state)
{
	struct hf_buffer file;
	unsigned lines;
	char *second;

	(void)state;
	log_some(3);
	assert_int_equal(hf_file_read(waivers.log, 65536, &file, NULL), HF_OK);
	second = strchr((char *)file.ptr, '\n') + 1;
	assert_int_equal(hf_file_write(waivers.log, (struct hf_bytes){(uint8_t *)second, file.len - (size_t)(second - (char *)file.ptr)}, 0,
				       NULL), HF_OK);
	hf_buffer_free(&file);
	assert_int_equal(hf_waivers_verify_log(waivers.log, &lines, &diag), HF_ERR_DIGEST);
}

static void half_a_line_is_given_up(void **state)
{
	unsigned lines;
	FILE *f;

	(void)state;
	log_some(2);
	f = fopen(waivers.log, "a");
	assert_non_null(f);
	fputs("{\"time\":\"2026-", f);
	fclose(f);
	log_some(1);
	assert_int_equal(hf_waivers_verify_log(waivers.log, &lines, &diag), HF_OK);
	assert_int_equal(lines, 3);
}

static void log_that_cannot_be_written_is_told(void **state)
{
	(void)state;
	assert_int_equal(waive("pilot=x"), HF_OK);
	waivers.log = "/proc/none/waivers.log";
	assert_int_equal(hf_waivers_log(&waivers, "pilot", "no record", "0102", "abcd", &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "/proc/none/waivers.log: a waiver cannot be recorded"));
	waivers.log = "/dev/full";
	assert_int_not_equal(hf_waivers_log(&waivers, "pilot", "no record", "0102", "abcd", &diag), HF_OK);
}

static void usual_log_is_made(void **state)
{
	unsigned lines;

	(void)state;
	waivers.log = NULL;
	log_some(1);
	assert_int_equal(hf_waivers_verify_log(rig_file("holdfast/waivers.log"), &lines, &diag), HF_OK);
	unsetenv("XDG_DATA_HOME");
	setenv("HOME", rig_file("home"), 1);
	log_some(1);
	assert_int_equal(hf_waivers_verify_log(rig_file("home/.local/share/holdfast/waivers.log"), &lines, &diag), HF_OK);
	unsetenv("HOME");
	assert_int_equal(hf_waivers_log(&waivers, "pilot", "no record", "0102", "abcd", &diag), HF_ERR_NOT_FOUND);
}

/* ---- sealed files ---- */

static void sealed_file_notices_each_change(void **state)
{
	json_t *value = json_pack("{s:s, s:i, s:s, s:i}", "holdfast", "pilot", "format", 1, "text", "a line", "number", 7), *back;
	const char *path = rig_file("sealed.json");
	struct hf_buffer file;
	unsigned noticed = 0;

	(void)state;
	assert_int_equal(hf_sealed_write(path, value, &diag), HF_OK);
	assert_int_equal(hf_sealed_read(path, "pilot", &back, &diag), HF_OK);
	assert_int_equal(json_integer_value(json_object_get(back, "number")), 7);
	json_decref(back);
	assert_int_equal(hf_sealed_read(path, "backup", &back, &diag), HF_ERR_TYPE);
	assert_non_null(strstr(diag.text, "this is a pilot, and a backup is wanted"));
	assert_int_equal(hf_file_read(path, 65536, &file, NULL), HF_OK);
	for (size_t at = 0; at < file.len; at++) {
		if (strchr(" \n", file.ptr[at]))
			continue; /* how it is set out is not sealed */
		file.ptr[at] ^= 1;
		assert_int_equal(hf_file_write(path, hf_buffer_bytes(&file), 0, NULL), HF_OK);
		assert_int_not_equal(hf_sealed_read(path, "pilot", &back, &diag), HF_OK);
		assert_null(back);
		file.ptr[at] ^= 1;
		noticed++;
	}
	assert_true(noticed > 100);
	hf_buffer_free(&file);
	assert_int_equal(hf_sealed_write("/dev/full", json_object(), &diag), HF_ERR_IO);
}

static void newer_format_is_told(void **state)
{
	json_t *back;

	(void)state;
	assert_int_equal(hf_sealed_write(rig_file("new.json"), json_pack("{s:s, s:i}", "holdfast", "pilot", "format", 2), &diag), HF_OK);
	assert_int_equal(hf_sealed_read(rig_file("new.json"), "pilot", &back, &diag), HF_ERR_UNSUPPORTED);
	assert_non_null(strstr(diag.text, "a newer holdfast wrote it"));
}

static void hexadecimal_digits_are_read_whole_or_not(void **state)
{
	uint8_t bytes[4];
	size_t len = 4;

	(void)state;
	assert_true(hf_hex_parse("00ff10a5", bytes, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, ((uint8_t[]){0, 255, 16, 0xa5}), 4);
	len = 4;
	assert_false(hf_hex_parse("00ff10a5b6", bytes, &len));
	len = 4;
	assert_false(hf_hex_parse("00f", bytes, &len));
	len = 4;
	assert_false(hf_hex_parse("0G", bytes, &len));
	len = 4;
	assert_true(hf_hex_parse("", bytes, &len));
	assert_int_equal(len, 0);
}

/* ---- pilots ---- */

static void only_who_passed_and_is_confirmed_is_a_pilot(void **state)
{
	json_t *good = json_pack("[{s:s, s:s}]", "name", "stress", "state", "passed");
	json_t *bad = json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "a", "state", "passed", "name", "b", "state", "failed");
	json_t *none = json_array();
	struct hf_pilot pilot;

	(void)state;
	status.state.slot[status.running].state = HF_SLOT_TRIAL;
	assert_int_equal(hf_pilot_write(rig_file("p"), &status, v1.id, good, "Berg", &diag), HF_ERR_TRIAL);
	status.state.slot[status.running].state = HF_SLOT_CONFIRMED;
	assert_int_equal(hf_pilot_write(rig_file("p"), &status, v1.id, bad, "Berg", &diag), HF_ERR_REJECTED);
	assert_int_equal(hf_pilot_write(rig_file("p"), &status, v1.id, none, "Berg", &diag), HF_ERR_REJECTED);
	assert_int_equal(access(rig_file("p"), F_OK), -1);
	assert_int_equal(hf_pilot_write("/dev/full", &status, v1.id, good, "Berg", &diag), HF_ERR_IO);
	assert_int_equal(hf_pilot_write(rig_file("p"), &status, v1.id, good, NULL, &diag), HF_OK);
	assert_int_equal(hf_pilot_read(rig_file("p"), &pilot, &diag), HF_OK);
	assert_int_equal(pilot.passed, 1);
	assert_int_equal(pilot.failed, 0);
	assert_string_equal(pilot.version, "1.0.0");
	assert_int_equal(hf_pilot_read(rig_file("nothing"), &pilot, &diag), HF_ERR_IO);
	json_decref(good);
	json_decref(bad);
	json_decref(none);
}

/* ---- options ---- */

static void options_win_over_the_project(void **state)
{
	static struct hf_project project = {
		.burn = {.pilot_given = true, .backup = "from/project", .supply_mv_min = 3000},
		.way_back = "packages",
		.recovery = "recovery.suit",
	};
	const struct hf_usage usage = {.command = "check"};
	struct hf_check_options options = {.as_pilot = true};
	struct hf_check_args args = {.link_bits = 100000};
	enum hf_exit code;

	(void)state;
	assert_true(hf_check_args_take(&args, &project, NULL, false, &usage, &options, &code));
	assert_string_equal(options.backup, "from/project");
	assert_true(options.no_pilot);
	assert_true(options.as_pilot); /* what it does not know is left alone */
	assert_int_equal(options.way_backs, 2);
	assert_int_equal(options.limits->at[HF_LIMIT_LINK_BITS], 100000);
	assert_int_equal(options.limits->at[HF_LIMIT_SUPPLY_MV_MIN], 3000);
	args = (struct hf_check_args){.backup = "mine", .way_back = {{"here"}, 1}};
	assert_true(hf_check_args_take(&args, &project, NULL, false, &usage, &options, &code));
	assert_string_equal(options.backup, "mine");
	assert_int_equal(options.way_backs, 1);
	args = (struct hf_check_args){.link_bits = 10};
	assert_false(hf_check_args_take(&args, NULL, NULL, false, &usage, &options, &code));
	assert_int_equal(code, HF_EXIT_USAGE);
	args = (struct hf_check_args){.waivers.items = {{"fallback=x"}, 1}};
	assert_false(hf_check_args_take(&args, NULL, NULL, false, &usage, &options, &code));
}

static void every_limit_has_its_reason(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HF_LIMITS; i++) {
		const struct hf_limit_about *about = hf_limit_about((enum hf_limit)i);

		assert_true(strlen(about->name) > 3 && strlen(about->unit) > 0 && strlen(about->why) > 15);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(waiver_needs_a_name_and_a_reason),
		T(what_prevents_a_brick_cannot_be_waived),
		T(login_name_is_who_waives),
		T(log_is_a_chain),
		T(line_that_is_taken_out_is_noticed),
		T(half_a_line_is_given_up),
		T(log_that_cannot_be_written_is_told),
		T(usual_log_is_made),
		T(sealed_file_notices_each_change),
		T(newer_format_is_told),
		T(hexadecimal_digits_are_read_whole_or_not),
		T(only_who_passed_and_is_confirmed_is_a_pilot),
		T(options_win_over_the_project),
		T(every_limit_has_its_reason),
	};
#undef T

	return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
