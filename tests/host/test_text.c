/* SPDX-License-Identifier: MIT
 *
 * What people type and read: arguments, versions, sentences, progress, JSON numbers, CBOR's diagnostic notation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../core/hex.h"
#include "args.h"
#include "cbor_diag.h"
#include "progress.h"
#include "version.h"

/* ---- arguments ---- */

struct parsed {
	bool flag, given;
	const char *text;
	struct hf_args_list list;
	uint32_t number, size;
	struct hf_args_rest rest;
	enum hf_exit exit_code;
};

/* Parses words separated by spaces; what is said goes nowhere. */
static bool parse(const char *words, struct parsed *p)
{
	static char buf[512];
	static char name[] = "test", *argv[32]; /* the result points into it */
	int argc = 1, saved_out, saved_err;
	const struct hf_arg options[] = {
		{"flag", 'f', HF_ARG_FLAG, NULL, "", &p->flag, NULL},
		{"text", 't', HF_ARG_TEXT, "T", "", &p->text, NULL},
		{"list", 'l', HF_ARG_LIST, "L", "", &p->list, NULL},
		{"number", 'n', HF_ARG_U32, "N", "", &p->number, &p->given},
		{"size", 0, HF_ARG_SIZE, "S", "", &p->size, NULL},
	};
	const struct hf_usage usage = {.command = "test",
				       .summary = "",
				       .synopsis = "",
				       .example = "",
				       .arg = options,
				       .args = 5,
				       .rest_min = 0,
				       .rest_max = 2};
	bool ok;

	*p = (struct parsed){0};
	memset(argv, 0, sizeof(argv));
	argv[0] = name;
	snprintf(buf, sizeof(buf), "%s", words);
	for (char *word = strtok(buf, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(stdout);
	saved_out = dup(1);
	saved_err = dup(2);
	assert_non_null(freopen("/dev/null", "w", stdout));
	assert_non_null(freopen("/dev/null", "w", stderr));
	ok = hf_args_parse(&usage, argc, argv, &p->rest, &p->exit_code);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	return ok;
}

static void options_are_parsed_anywhere(void **state)
{
	struct parsed p;

	(void)state;
	assert_true(parse("one --flag --text=hello -n 7 two --list a -l b --size 64K", &p));
	assert_true(p.flag);
	assert_true(p.given);
	assert_string_equal(p.text, "hello");
	assert_int_equal(p.number, 7);
	assert_int_equal(p.size, 65536);
	assert_int_equal(p.list.count, 2);
	assert_string_equal(p.list.item[1], "b");
	assert_int_equal(p.rest.count, 2);
	assert_string_equal(p.rest.item[0], "one");
	assert_string_equal(p.rest.item[1], "two");
	assert_true(parse("-- --flag", &p));
	assert_false(p.flag);
	assert_string_equal(p.rest.item[0], "--flag");
}

static void arguments_that_are_wrong_are_refused(void **state)
{
	static const char *const wrong[] = {
		"--unknown",           "-x",          "--text",   "-n",        "--number -1",  "--number 1x",
		"--number 4294967296", "--number 0x", "--size K", "--size 4G", "--size 5000M", "--flag=1",
		"one two three",       "--number= ",
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse(wrong[i], &p))
			fail_msg("\"%s\" was accepted", wrong[i]);
		assert_int_equal(p.exit_code, HF_EXIT_USAGE);
	}
	assert_false(parse("-l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1 -l1", &p));
}

static void help_ends_well(void **state)
{
	struct parsed p;

	(void)state;
	assert_false(parse("--flag --help", &p));
	assert_int_equal(p.exit_code, HF_EXIT_OK);
	assert_false(parse("-h", &p));
	assert_int_equal(p.exit_code, HF_EXIT_OK);
}

static void numbers_and_sizes_are_read(void **state)
{
	uint32_t v;

	(void)state;
	assert_true(hf_args_u32("0", &v) && v == 0);
	assert_true(hf_args_u32("010", &v) && v == 10);
	assert_true(hf_args_u32("0x08020000", &v) && v == 0x08020000);
	assert_true(hf_args_u32("4294967295", &v) && v == UINT32_MAX);
	assert_true(hf_args_size("380k", &v) && v == 380 * 1024);
	assert_true(hf_args_size("1M", &v) && v == 1 << 20);
	assert_true(hf_args_size("4095M", &v) && v == 4095u << 20);
	assert_false(hf_args_size("4096M", &v));
	assert_false(hf_args_u32("", &v));
	assert_false(hf_args_u32(" 1", &v));
	assert_false(hf_args_size("", &v));
	assert_false(hf_args_size("1234567890123456K", &v));
}

/* ---- versions ---- */

static void versions_are_read_and_written(void **state)
{
	char text[HF_VERSION_TEXT_BYTES];
	struct hf_version v;
	uint32_t release;

	(void)state;
	assert_true(hf_version_parse("1.22.333", &v));
	assert_int_equal(v.parts, 3);
	assert_string_equal(hf_version_format(v.part, v.parts, text), "1.22.333");
	assert_true(hf_version_release(&v, &release));
	assert_int_equal(release, 1 << 24 | 22 << 16 | 333);
	assert_true(hf_version_parse("7", &v) && v.parts == 1);
	assert_false(hf_version_release(&v, &release));
	assert_true(hf_version_parse("256.0.0", &v));
	assert_false(hf_version_release(&v, &release));
	assert_true(hf_version_parse("0.0.65536", &v));
	assert_false(hf_version_release(&v, &release));
}

static void versions_that_are_wrong_are_refused(void **state)
{
	static const char *const wrong[] = {"",       "1.",        ".1",     "1..2",   "1.2.3.4.5",
					    "v1.0.0", "1.0.0-rc1", "1.-1.0", " 1.0.0", "99999999999.0.0",
					    "1.0.0 "};
	struct hf_version v;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (hf_version_parse(wrong[i], &v))
			fail_msg("\"%s\" was accepted", wrong[i]);
	}
}

static void conditions_are_read(void **state)
{
	struct hf_version_conditions c;

	(void)state;
	assert_true(hf_version_conditions_parse(">=1.0.0,<2.0.0", &c));
	assert_int_equal(c.count, 2);
	assert_int_equal(c.at[0].op, 2);
	assert_int_equal(c.at[1].op, 5);
	assert_int_equal(c.at[1].version.part[0], 2);
	assert_true(hf_version_conditions_parse("1.0.0", &c) && c.at[0].op == 3);
	assert_true(hf_version_conditions_parse(">1,<=2", &c) && c.at[0].op == 1 && c.at[1].op == 4);
	assert_false(hf_version_conditions_parse("", &c));
	assert_false(hf_version_conditions_parse(">=1.0.0,", &c));
	assert_false(hf_version_conditions_parse(">=1.0.0 ", &c));
	assert_false(hf_version_conditions_parse("=>1.0.0", &c));
	assert_false(hf_version_conditions_parse("1,2,3,4,5", &c));
}

/* ---- sentences ---- */

static void sentence_that_is_too_long_is_cut(void **state)
{
	struct hf_diag diag;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	hf_diag_set(&diag, "%s", big);
	assert_int_equal(strlen(diag.text), HF_DIAG_BYTES - 1);
	hf_diag_prefix(&diag, "file: ");
	assert_memory_equal(diag.text, "file: xxx", 9);
	assert_int_equal(strlen(diag.text), HF_DIAG_BYTES - 1);
	hf_diag_set(NULL, "%s", big);
	hf_diag_prefix(NULL, "x");
}

static void errors_have_the_exit_codes_that_the_manual_promises(void **state)
{
	(void)state;
	assert_int_equal(hf_exit_of(HF_OK), 0);
	assert_int_equal(hf_exit_of(HF_ERR_IO), 1);
	assert_int_equal(hf_exit_of(HF_ERR_ENCODING), 3);
	assert_int_equal(hf_exit_of(HF_ERR_DIGEST), 3);
	assert_int_equal(hf_exit_of(HF_ERR_SIGNATURE), 4);
	assert_int_equal(hf_exit_of(HF_ERR_CLASS), 4);
	assert_int_equal(hf_exit_of(HF_ERR_SECURITY_VERSION), 4);
	assert_int_equal(hf_exit_of(HF_ERR_TIMEOUT), 5);
	assert_int_equal(hf_exit_of(HF_ERR_PROTECTED), 6);
}

static void numbers_over_2_to_the_53_become_strings(void **state)
{
	json_t *small = hf_json_u64(UINT64_C(1) << 53), *large = hf_json_u64((UINT64_C(1) << 53) + 1);
	json_t *largest = hf_json_u64(UINT64_MAX);

	(void)state;
	assert_true(json_is_integer(small));
	assert_string_equal(json_string_value(large), "9007199254740993");
	assert_string_equal(json_string_value(largest), "18446744073709551615");
	json_decref(small);
	json_decref(large);
	json_decref(largest);
}

/* ---- progress ---- */

static void progress_tells_percent_rate_and_time_left(void **state)
{
	struct hf_progress p;
	char line[200];

	(void)state;
	hf_progress_begin(&p, "uploading", 0, 100 * 1024, 0, true);
	hf_progress_update(&p, 25 * 1024, UINT64_C(1000000000));
	hf_progress_line(&p, UINT64_C(1000000000), line, sizeof(line));
	assert_string_equal(line, "uploading [######..................]  25 %  25 of 100 KiB  25.0 KiB/s, 3 s left");
	hf_progress_update(&p, 100 * 1024, UINT64_C(4000000000));
	hf_progress_line(&p, UINT64_C(4000000000), line, sizeof(line));
	assert_string_equal(line, "uploading [########################] 100 %  100 of 100 KiB  25.0 KiB/s");
}

static void progress_of_a_resumed_transfer_counts_its_own_rate(void **state)
{
	struct hf_progress p;
	char line[200];

	(void)state;
	hf_progress_begin(&p, "uploading", 50 * 1024, 100 * 1024, 0, true);
	hf_progress_line(&p, 0, line, sizeof(line));
	assert_string_equal(line, "uploading [############............]  50 %  50 of 100 KiB");
	hf_progress_update(&p, 60 * 1024, UINT64_C(1000000000));
	hf_progress_line(&p, UINT64_C(1000000000), line, sizeof(line));
	assert_non_null(strstr(line, "10.0 KiB/s, 4 s left"));
	hf_progress_update(&p, 10 * 1024, UINT64_C(2000000000)); /* sent back to the beginning */
	hf_progress_line(&p, UINT64_C(2000000000), line, sizeof(line));
	assert_non_null(strstr(line, " 10 %"));
	hf_progress_begin(&p, "nothing", 0, 0, 0, true);
	hf_progress_line(&p, 5, line, sizeof(line));
	assert_non_null(strstr(line, "100 %"));
}

static void progress_that_skips_counts_only_what_was_carried(void **state)
{
	struct hf_progress p;
	char line[200];

	(void)state;
	hf_progress_begin(&p, "uploading", 0, 100 * 1024, 0, true);
	hf_progress_skip(&p, 50 * 1024);
	hf_progress_update(&p, 52 * 1024, UINT64_C(100000000));
	hf_progress_line(&p, UINT64_C(100000000), line, sizeof(line));
	assert_null(strstr(line, "KiB/s")); /* too early to tell */
	hf_progress_update(&p, 60 * 1024, UINT64_C(1000000000));
	hf_progress_line(&p, UINT64_C(1000000000), line, sizeof(line));
	assert_non_null(strstr(line, " 60 %  60 of 100 KiB  10.0 KiB/s, 4 s left"));
}

static void progress_in_a_log_is_a_line_every_few_seconds(void **state)
{
	struct hf_progress p;

	(void)state;
	hf_progress_begin(&p, "uploading", 0, 100, 0, false);
	p.terminal = false;
	hf_progress_update(&p, 90, UINT64_C(4900000000));
	assert_int_equal(p.drawn_ns, 0);
	hf_progress_update(&p, 91, UINT64_C(5000000000));
	assert_int_equal(p.drawn_ns, UINT64_C(5000000000));
	hf_progress_update(&p, 99, UINT64_C(6000000000));
	assert_int_equal(p.drawn_ns, UINT64_C(5000000000));
}

/* ---- diagnostic notation ---- */

static char *diag_of(const char *hex, size_t limit, enum hf_err *err)
{
	uint8_t bytes[512];
	char *text = NULL;
	size_t size = 0, len = from_hex(hex, bytes, sizeof(bytes));
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	*err = hf_cbor_diag((struct hf_bytes){bytes, len}, limit, to);
	fclose(to);
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	return text;
}

/* Of RFC 8949, appendix A, as far as the profile reads it; line ends are shown as spaces. */
static void notation_equals_rfc_8949_s(void **state)
{
	static const struct {
		const char *hex, *notation;
	} samples[] = {
		{"00", "0 "},
		{"1903e8", "1000 "},
		{"1bffffffffffffffff", "18446744073709551615 "},
		{"20", "-1 "},
		{"3903e7", "-1000 "},
		{"3bffffffffffffffff", "-18446744073709551616 "},
		{"f4", "false "},
		{"f5", "true "},
		{"f6", "null "},
		{"40", "h'' "},
		{"4401020304", "h'01020304' "},
		{"60", "\"\" "},
		{"6449455446", "\"IETF\" "},
		{"62225c", "\"\\\"\\\\\" "},
		{"80", "[] "},
		{"83010203", "[1, 2, 3] "},
		{"a0", "{} "},
		{"c11a514b67b0", "1(1363896240) "},
		{"43820102", "<< [1, 2] >> "},
		{"4120", "h'20' "},
		{"0001", "0 1 "},
		{"a10102", "{   1: 2 } "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		enum hf_err err;
		char *text = diag_of(samples[i].hex, 0, &err);

		assert_int_equal(err, HF_OK);
		assert_string_equal(text, samples[i].notation);
		free(text);
	}
}

static void notation_of_damaged_input_reports_the_error(void **state)
{
	static const char *const damaged[] = {"", "18", "1800", "5f4100ff", "83", "fb3ff0000000000000", "a1", "1c"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		enum hf_err err;

		free(diag_of(damaged[i], 0, &err));
		if (!err)
			fail_msg("\"%s\" was accepted", damaged[i]);
	}
}

static void notation_cuts_long_strings(void **state)
{
	enum hf_err err;
	char *text = diag_of("5818000102030405060708090a0b0c0d0e0f0001020304050607", 20, &err);

	(void)state;
	assert_string_equal(text, "h'000102030405060708090a0b0c0d0e0f' / the first 16 of 24 bytes / ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_parsed_anywhere),
		cmocka_unit_test(arguments_that_are_wrong_are_refused),
		cmocka_unit_test(help_ends_well),
		cmocka_unit_test(numbers_and_sizes_are_read),
		cmocka_unit_test(versions_are_read_and_written),
		cmocka_unit_test(versions_that_are_wrong_are_refused),
		cmocka_unit_test(conditions_are_read),
		cmocka_unit_test(sentence_that_is_too_long_is_cut),
		cmocka_unit_test(errors_have_the_exit_codes_that_the_manual_promises),
		cmocka_unit_test(numbers_over_2_to_the_53_become_strings),
		cmocka_unit_test(progress_tells_percent_rate_and_time_left),
		cmocka_unit_test(progress_of_a_resumed_transfer_counts_its_own_rate),
		cmocka_unit_test(progress_that_skips_counts_only_what_was_carried),
		cmocka_unit_test(progress_in_a_log_is_a_line_every_few_seconds),
		cmocka_unit_test(notation_equals_rfc_8949_s),
		cmocka_unit_test(notation_of_damaged_input_reports_the_error),
		cmocka_unit_test(notation_cuts_long_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
