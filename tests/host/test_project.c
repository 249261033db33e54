/* SPDX-License-Identifier: MIT
 *
 * Project files: one with everything, the least one, one that holds its board, one change at a time that has to be refused with its
 * own sentence at its own line, and which file counts where.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "file.h"
#include "project.h"
#include "scratch.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char whole[] = "format  = 1;\n"
			    "product = \"Reference gateway\";\n"
			    "board   = \"boards/reference.conf\";\n"
			    "keyset  = \"keys/release.keyset\";\n"
			    "packages = {\n"
			    "\tfirmware = \"gateway-1.2.0.suit\";\n"
			    "\trecovery = \"recovery.suit\";\n"
			    "\tboot     = \"/opt/boot.elf\";\n"
			    "\tway_back = \"old\";\n"
			    "};\n"
			    "line = { port = [\"/dev/ttyUSB*\", \"tcp:gate:2000\"]; baud = [921600, 115200]; patience_s = 90; };\n"
			    "burn = {\n"
			    "\tpilot = true; backup = \"saved\"; confirm_s = 60; link_errors_ppm = 0;\n"
			    "\tsupply_mv_min = 3000; supply_mv_max = 3500; erase_ms_max = 4000; slower_percent_max = 20; stress_s = 5;\n"
			    "};\n"
			    "batch = { parallel = 8; retries = 0; stop_after = 3; records = \"records\"; serials = \"serials.conf\";\n"
			    "\ttest = \"./test-one \\\"$HF_DEVICE\\\"\"; };\n"
			    "probe = { interface = \"jtag\"; khz = 2000; address = 0x08020000; verify = true; erase = \"chip\"; };\n";

static void parse(const char *text, const char *file, struct hf_project *p)
{
	struct hf_diag diag;

	if (hf_project_parse(text, file, p, &diag))
		fail_msg("%s", diag.text);
}

static void whole_project_is_read(void **state)
{
	struct hf_project p;

	(void)state;
	parse(whole, "/srv/line 1/holdfast.conf", &p);
	assert_string_equal(p.product, "Reference gateway");
	assert_string_equal(p.board, "/srv/line 1/boards/reference.conf");
	assert_string_equal(p.keyset, "/srv/line 1/keys/release.keyset");
	assert_string_equal(p.firmware, "/srv/line 1/gateway-1.2.0.suit");
	assert_string_equal(p.recovery, "/srv/line 1/recovery.suit");
	assert_string_equal(p.boot, "/opt/boot.elf");
	assert_string_equal(p.way_back, "/srv/line 1/old");
	assert_int_equal(p.ports, 2);
	assert_string_equal(p.port[0], "/dev/ttyUSB*");
	assert_string_equal(p.port[1], "tcp:gate:2000");
	assert_int_equal(p.bauds, 2);
	assert_int_equal(p.baud[1], 115200);
	assert_int_equal(p.patience_s, 90);
	assert_true(p.burn.pilot_given && p.burn.pilot && p.burn.link_errors_given);
	assert_string_equal(p.burn.backup, "/srv/line 1/saved");
	assert_int_equal(p.burn.confirm_s, 60);
	assert_int_equal(p.burn.supply_mv_min, 3000);
	assert_int_equal(p.burn.supply_mv_max, 3500);
	assert_int_equal(p.burn.erase_ms_max, 4000);
	assert_int_equal(p.burn.slower_percent_max, 20);
	assert_int_equal(p.burn.stress_s, 5);
	assert_int_equal(p.batch.parallel, 8);
	assert_true(p.batch.retries_given && p.batch.stop_after_given);
	assert_int_equal(p.batch.retries, 0);
	assert_int_equal(p.batch.stop_after, 3);
	assert_string_equal(p.batch.records, "/srv/line 1/records");
	assert_string_equal(p.batch.serials, "/srv/line 1/serials.conf");
	assert_string_equal(p.batch.test, "./test-one \"$HF_DEVICE\"");
	assert_string_equal(p.probe.interface, "jtag");
	assert_int_equal(p.probe.khz, 2000);
	assert_true(p.probe.address_given && p.probe.verify_given && p.probe.verify);
	assert_int_equal(p.probe.address, 0x08020000);
	assert_string_equal(p.probe.erase, "chip");
}

static void least_project_leaves_all_else_absent(void **state)
{
	struct hf_project p;

	(void)state;
	parse("format = 1; product = \"x\";", "holdfast.conf", &p);
	assert_string_equal(p.dir, "");
	assert_string_equal(p.board, "");
	assert_string_equal(p.batch.test, "");
	assert_string_equal(p.probe.erase, "");
	assert_int_equal(p.ports + p.bauds + p.patience_s, 0);
	assert_false(p.burn.pilot_given || p.burn.link_errors_given || p.batch.retries_given || p.batch.stop_after_given);
	assert_false(p.probe.address_given || p.probe.verify_given);
}

static void one_port_and_one_rate_need_no_list(void **state)
{
	struct hf_project p;

	(void)state;
	parse("format = 1; product = \"x\"; line = { port = \"/dev/ttyUSB0\"; baud = 9600; };", "p", &p);
	assert_int_equal(p.ports, 1);
	assert_string_equal(p.port[0], "/dev/ttyUSB0");
	assert_int_equal(p.bauds, 1);
	assert_int_equal(p.baud[0], 9600);
}

/* ---- a board inside ---- */

static char *with_board(void)
{
	char path[1024], *text;
	struct hf_buffer board;
	struct hf_diag diag;

	snprintf(path, sizeof(path), "%s/boards/reference.conf", HF_SOURCE_ROOT);
	if (hf_file_read(path, HF_BOARD_FILE_MAX, &board, &diag))
		fail_msg("%s", diag.text);
	text = malloc(board.len + 128);
	assert_non_null(text);
	sprintf(text, "format = 1; product = \"x\"; board = {\n%s\n};\n", (const char *)board.ptr);
	hf_buffer_free(&board);
	return text;
}

static void board_inside_is_read_from_the_project_file(void **state)
{
	char *text = with_board();
	struct hf_project p;
	struct hf_board board;
	struct hf_diag diag;

	(void)state;
	parse(text, "dir/holdfast.conf", &p);
	assert_string_equal(p.board, "dir/holdfast.conf");
	if (hf_board_parse(text, p.board, &board, &diag))
		fail_msg("%s", diag.text);
	assert_string_equal(board.class_name, "gw-f407");
	free(text);
}

static void board_inside_that_is_wrong_is_refused_at_its_line(void **state)
{
	char *text = with_board(), *at = strstr(text, "slot_b   = [8, 10]");
	struct hf_project p;
	struct hf_diag diag;

	(void)state;
	assert_non_null(at);
	memcpy(at, "slot_b   = [7, 10]", 18);
	assert_int_equal(hf_project_parse(text, "x.conf", &p, &diag), HF_ERR_RANGE);
	assert_string_equal(diag.text, "x.conf:27: 'slot_b' overlaps 'slot_a': both have sector 7");
	free(text);
}

/* ---- refusals ---- */

struct change {
	const char *from, *to; /* the first occurrence is replaced; to NULL: the text ends there */
	unsigned line;         /* that is named; 0: any */
	const char *sentence;  /* part of it */
};

static void refused(const struct change *change)
{
	const char *at = strstr(whole, change->from), *to = change->to ? change->to : "";
	char *text = malloc(sizeof(whole) + strlen(to)), place[32];
	struct hf_diag diag = {""};
	struct hf_project p;

	assert_non_null(text);
	if (!at)
		fail_msg("the project does not hold \"%s\"", change->from);
	sprintf(text, "%.*s%s%s", (int)(at - whole), whole, to, change->to ? at + strlen(change->from) : "");
	if (hf_project_parse(text, "x.conf", &p, &diag) == HF_OK)
		fail_msg("accepted with \"%s\" for \"%s\"", to, change->from);
	if (!strstr(diag.text, change->sentence))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, change->sentence);
	snprintf(place, sizeof(place), "x.conf:%u: ", change->line);
	if (strncmp(diag.text, place, change->line ? strlen(place) : 7) != 0)
		fail_msg("\"%s\" does not name %s", diag.text, place);
	free(text);
}

static void wrong_projects_are_refused_at_their_line(void **state)
{
	static const struct change changes[] = {
		{"format  = 1;", "format 1;", 1, "syntax error"},
		{"format  = 1;", "format = 2;", 1, "'format' is 2"},
		{"format  = 1;", "", 0, "'format' is missing"},
		{"product = \"Reference gateway\";", "", 0, "'product' is missing"},
		{"product = \"Reference gateway\";", "product = 3;", 2, "'product' has to be a text"},
		{"format  = 1;\n", "format = 1;\n@include \"/etc/passwd\"\n", 2, "@include is not allowed"},
		{"keyset  =", "keysets =", 4, "unknown key 'keysets' in the file"},
		{"way_back =", "wayback =", 9, "unknown key 'wayback' in packages"},
		{"patience_s", "patience", 11, "unknown key 'patience' in line"},
		{"pilot = true", "pilots = true", 13, "unknown key 'pilots' in burn"},
		{"retries", "retry", 16, "unknown key 'retry' in batch"},
		{"verify = true", "verified = true", 18, "unknown key 'verified' in probe"},
		{"\"boards/reference.conf\"", "7", 3, "'board' has to be a text in quotes"},
		{"\"boards/reference.conf\"", "\"\"", 3, "not an empty one"},
		{"\"boards/reference.conf\"", "\"a\\nb\"", 3, "'board' holds a control character"},
		{"[\"/dev/ttyUSB*\", \"tcp:gate:2000\"]", "[]", 11, "'port' has to be a name, or a list of 1 to 16"},
		{"[\"/dev/ttyUSB*\", \"tcp:gate:2000\"]", "3", 11, "'port' has to be a text"},
		{"[921600, 115200]", "[1, 2]", 11, "'baud' is 1, but has to be between 1200"},
		{"[921600, 115200]", "\"fast\"", 11, "'baud' has to be a whole number"},
		{"[921600, 115200]", "[9600, 9600, 9600, 9600, 9600]", 11, "a list of 1 to 4"},
		{"patience_s = 90", "patience_s = 0", 11, "'patience_s' is 0"},
		{"pilot = true", "pilot = 1", 13, "'pilot' has to be true or false"},
		{"supply_mv_min = 3000", "supply_mv_min = 3500", 14, "no supply is between them"},
		{"supply_mv_min = 3000", "supply_mv_min = 3.3", 14, "has to be a whole number"},
		{"link_errors_ppm = 0", "link_errors_ppm = 5000", 13, "'link_errors_ppm' is 5000"},
		{"burn = {", "burn = 3; x = {", 0, "unknown key 'x'"},
		{"parallel = 8", "parallel = 0", 16, "'parallel' is 0"},
		{"test = \"./test-one \\\"$HF_DEVICE\\\"\"", "test = \"\"", 17, "not an empty one"},
		{"\"jtag\"", "\"usb\"", 18, "'interface' has to be \"swd\" or \"jtag\""},
		{"\"chip\"", "\"all\"", 18, "'erase' has to be \"needed\" or \"slot\" or \"chip\""},
		{"probe = {", "probe = ", 18, "syntax error"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++)
		refused(&changes[i]);
}

static void path_that_is_too_long_is_refused(void **state)
{
	char text[1200], dir[500];
	struct hf_project p;
	struct hf_diag diag;

	(void)state;
	memset(dir, 'd', sizeof(dir));
	snprintf(text, sizeof(text), "format = 1; product = \"x\"; keyset = \"%.*s\";", 100, dir);
	snprintf(dir + 450, sizeof(dir) - 450, "/x.conf");
	assert_int_equal(hf_project_parse(text, dir, &p, &diag), HF_ERR_RANGE);
	assert_non_null(strstr(diag.text, "with its directory; at most 511 are allowed"));
}

/* ---- which one counts ---- */

static int begin(void **state)
{
	unsetenv(HF_PROJECT_ENV);
	return scratch_begin(state);
}

static int end(void **state)
{
	unsetenv(HF_PROJECT_ENV);
	if (chdir(scratch_dir))
		return -1;
	rmdir("a/b");
	rmdir("a");
	return scratch_end(state);
}

static void touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void nearest_project_above_counts(void **state)
{
	char path[HF_PROJECT_PATH_BYTES];
	struct hf_diag diag;

	(void)state;
	assert_int_equal(chdir(scratch_dir) || mkdir("a", 0700) || mkdir("a/b", 0700), 0);
	touch("holdfast.conf");
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_OK);
	assert_string_equal(path, "holdfast.conf");
	assert_int_equal(chdir("a/b"), 0);
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_OK);
	assert_string_equal(path, "../../holdfast.conf");
	touch("../holdfast.conf");
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_OK);
	assert_string_equal(path, "../holdfast.conf");
	assert_int_equal(unlink("../holdfast.conf"), 0);
}

static void option_wins_over_environment_over_directory(void **state)
{
	char path[HF_PROJECT_PATH_BYTES];
	struct hf_diag diag;

	(void)state;
	assert_int_equal(chdir(scratch_dir), 0);
	touch("holdfast.conf");
	touch("other.conf");
	setenv(HF_PROJECT_ENV, "other.conf", 1);
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_OK);
	assert_string_equal(path, "other.conf");
	assert_int_equal(hf_project_find("./holdfast.conf", path, &diag), HF_OK);
	assert_string_equal(path, "./holdfast.conf");
	setenv(HF_PROJECT_ENV, "", 1);
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_OK);
	assert_string_equal(path, "");
}

static void named_project_that_is_not_there_is_an_error(void **state)
{
	char path[HF_PROJECT_PATH_BYTES];
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_project_find("none.conf", path, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "none.conf, which --project names as the project file"));
	setenv(HF_PROJECT_ENV, "none.conf", 1);
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_ERR_IO);
	assert_non_null(strstr(diag.text, "which HOLDFAST_PROJECT names"));
}

static void found_project_of_another_user_is_refused(void **state)
{
	char path[HF_PROJECT_PATH_BYTES];
	struct hf_diag diag;

	(void)state;
	assert_int_equal(chdir(scratch_dir), 0);
	touch("holdfast.conf");
	if (chown("holdfast.conf", 12345, (gid_t)-1) != 0)
		skip();
	assert_int_equal(hf_project_find(NULL, path, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "belongs to another user"));
	assert_int_equal(hf_project_find("holdfast.conf", path, &diag), HF_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_project_is_read),
		cmocka_unit_test(least_project_leaves_all_else_absent),
		cmocka_unit_test(one_port_and_one_rate_need_no_list),
		cmocka_unit_test(board_inside_is_read_from_the_project_file),
		cmocka_unit_test(board_inside_that_is_wrong_is_refused_at_its_line),
		cmocka_unit_test(wrong_projects_are_refused_at_their_line),
		cmocka_unit_test(path_that_is_too_long_is_refused),
		cmocka_unit_test_setup_teardown(nearest_project_above_counts, begin, end),
		cmocka_unit_test_setup_teardown(option_wins_over_environment_over_directory, begin, end),
		cmocka_unit_test_setup_teardown(named_project_that_is_not_there_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(found_project_of_another_user_is_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
