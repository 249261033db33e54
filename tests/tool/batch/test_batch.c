/* SPDX-License-Identifier: MIT
 *
 * A batch's engine: many devices, each played by this very program as a child (its port's name says how), good ones beside
 * those that crash, hang, flood, write garbage or come back. What is tested is what is told, recorded and returned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../../host/disk.h"
#include "../../host/scratch.h"
#include "batch.h"
#include "file.h"
#include "report.h"
#include "table.h"

#define SILENCE_MS 1500u

/* ---- the child: "HOW:ID" ---- */

static void event(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

static int result(int code, const char *id, const char *reason)
{
	if (code && reason[0])
		fprintf(stderr, "holdfast: %s\n", reason);
	printf("{\"event\":\"result\",\"exit\":%d,\"reason\":\"%s\",\"device_id\":\"%s\",\"digest\":\"d1%s\",\"version\":\"1.1.0\","
	       "\"duration_ms\":5000,\"t_ms\":5000}\n", code, reason, id, id);
	return code;
}

static int flood(void)
{
	char line[4096];

	memset(line, 'x', sizeof(line));
	for (;;)
		if (write(STDOUT_FILENO, line, sizeof(line)) < 0)
			return 1;
}

static int garbage(const char *id)
{
	char zeros[200] = {0};

	event("no JSON at all");
	event("{\"event\":3}");
	event("[1,2");
	if (write(STDOUT_FILENO, zeros, sizeof(zeros)) < 0)
		return 1;
	event("");
	for (unsigned i = 0; i < 20; i++)
		for (unsigned k = 0; k < 10000; k++)
			putchar('y'); /* a line that never seems to end */
	event("");
	return result(0, id, "");
}

static int flaky(const char *id, unsigned bad)
{
	struct hf_buffer file = {0};
	struct hf_diag diag;
	char path[512], count;

	snprintf(path, sizeof(path), "%s/flaky-%s", getenv("HF_TEST_DIR"), id);
	count = hf_file_read(path, 100, &file, &diag) == HF_OK && file.len ? (char)file.ptr[0] : '0';
	hf_buffer_free(&file);
	count++;
	if (hf_file_write(path, (struct hf_bytes){(uint8_t *)&count, 1}, 0, &diag))
		return 1;
	return (unsigned)(count - '0') <= bad ? result(12, "", "the port has vanished") : result(0, id, "");
}

static int slow(const char *id)
{
	for (unsigned i = 0; i < 20; i++) {
		usleep(100000);
		printf("{\"event\":\"upload\",\"t_ms\":%u,\"off\":%u,\"total\":100}\n", i * 100, i);
		fflush(stdout);
	}
	return result(0, id, "");
}

static volatile sig_atomic_t asked;

static void on_term(int number)
{
	(void)number;
	asked = 1;
}

/* Stops when it is asked to, as a burn does. */
static int patient(const char *id)
{
	signal(SIGTERM, on_term);
	event("{\"event\":\"upload\",\"t_ms\":10,\"text\":\"uploading\"}");
	for (unsigned i = 0; i < 200 && !asked; i++)
		usleep(50000);
	return asked ? result(7, id, "interrupted; it goes on where it was") : result(0, id, "");
}

static int play_burn(const char *how, const char *id)
{
	event("{\"event\":\"connect\",\"t_ms\":1,\"text\":\"looking for the device\"}");
	if (strcmp(how, "crash") == 0)
		raise(SIGKILL);
	if (strcmp(how, "hang") == 0)
		pause();
	if (strcmp(how, "late") == 0)
		event("{\"event\":\"upload\",\"t_ms\":99000000}"), pause();
	if (strcmp(how, "garbage") == 0)
		return garbage(id);
	if (strcmp(how, "flood") == 0)
		return flood();
	if (strncmp(how, "flaky", 5) == 0)
		return flaky(id, (unsigned)(how[5] - '0'));
	if (strncmp(how, "fail", 4) == 0)
		return result(atoi(how + 4), id, "it will not");
	if (strcmp(how, "slow") == 0)
		return slow(id);
	if (strcmp(how, "patient") == 0)
		return patient(id);
	if (strcmp(how, "orphan") == 0 && fork() == 0)
		pause(); /* holds the pipes when its parent is gone */
	return result(0, id, "");
}

/* "at:PATH": who is there stands in a file. */
static const char *id_of(const char *port, char text[64])
{
	const char *id = strchr(port, ':') ? strchr(port, ':') + 1 : "";
	struct hf_buffer file;
	struct hf_diag diag;

	if (strncmp(port, "at:", 3) != 0)
		return id;
	if (hf_file_read(id, 60, &file, &diag))
		return "";
	snprintf(text, 64, "%s", (const char *)file.ptr);
	hf_buffer_free(&file);
	return text;
}

static int play(int argc, char **argv)
{
	char how[64] = "", text[64];
	const char *port = strcmp(argv[1], "list") == 0 && argc > 2 ? argv[2] : "", *id;
	size_t len;

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--port") == 0)
			port = argv[i + 1];
	len = strcspn(port, ":");
	memcpy(how, port, len < sizeof(how) ? len : sizeof(how) - 1);
	id = id_of(port, text);
	if (strcmp(argv[1], "list") == 0 && id[0])
		printf("{\n \"ports\": [{\"port\":\"x\",\"device_id\":\"%s\",\"board\":\"gw-test\"}]}\n", id);
	if (strcmp(argv[1], "list") == 0 && !id[0])
		printf("{\"ports\": [{\"port\":\"x\",\"device_id\":null}]}\n");
	if (strcmp(argv[1], "config") == 0 && strcmp(how, "noconfig") == 0)
		return fprintf(stderr, "holdfast: the device stores no configuration\n"), 4;
	if (strcmp(argv[1], "burn") == 0 || strcmp(argv[1], "factory") == 0)
		return play_burn(how, id);
	return 0;
}

/* ---- the station ---- */

static struct hf_job job;
static struct hf_ledger ledger;
static struct hf_passports records;
static struct hf_batch batch;
static struct hf_batch_options options;
static json_t *told;
static struct hf_diag diag;
static unsigned stop_at, stop_level;
static void (*on_told)(json_t *event);

static const char *text_of(json_t *value, const char *key)
{
	const char *text = json_string_value(json_object_get(value, key));

	return text ? text : "";
}

static void tell(void *ctx, const struct hf_lane *lane, json_t *e)
{
	(void)ctx;
	(void)lane;
	json_array_append(told, e);
	if (on_told)
		on_told(e);
}

static unsigned stops(void *ctx)
{
	(void)ctx;
	return stop_at && json_array_size(told) >= stop_at ? stop_level : 0;
}

static int begin(void **state)
{
	static const uint8_t package[] = "a package";
	struct hf_sha256 sha = {{0}};

	(void)sha;
	if (scratch_begin(state))
		return -1;
	setenv("HF_TEST_DIR", scratch_dir, 1);
	memset(&job, 0, sizeof(job));
	memset(&ledger, 0, sizeof(ledger));
	strcpy(job.name, "job");
	strcpy(job.path, "a.job");
	job.quota = 100;
	job.limit_s = 1000;
	job.file[HF_JOB_PACKAGE].known = true;
	snprintf(job.file[HF_JOB_PACKAGE].name, sizeof(job.file[0].name), "%s", scratch("package"));
	if (hf_file_write(scratch("package"), (struct hf_bytes){package, sizeof(package)}, 0, &diag))
		return -1;
	strcpy(job.file[HF_JOB_PACKAGE].path, job.file[HF_JOB_PACKAGE].name);
	if (hf_job_write(&job, scratch("job"), 0, &diag)) /* fills in the digest */
		return -1;
	options = (struct hf_batch_options){.job = &job, .tool = "/proc/self/exe", .station = "one", .silence_ms = SILENCE_MS, .input = -1,
					    .stops = stops, .tell = tell};
	told = json_array();
	on_told = NULL;
	stop_at = stop_level = 0;
	return hf_passports_open(&records, scratch("records"), &diag) ? -1 : 0;
}

static int end(void **state)
{
	char command[TMP_NAME_BYTES + 16];

	(void)state;
	disk_arm(DISK_LIVES, 0);
	hf_ledger_close(&ledger);
	hf_passports_close(&records);
	json_decref(told);
	snprintf(command, sizeof(command), "rm -rf '%s'", scratch_dir);
	return system(command) ? -1 : 0;
}

static void with_serials(uint32_t last)
{
	struct hf_ledger_options o = {.dir = scratch("serials"), .range = {"N", 1, last, 3}, .station = "one"};

	job.has_serials = true;
	job.range = o.range;
	assert_int_equal(hf_ledger_open(&ledger, &o, &diag), HF_OK);
}

static enum hf_exit run(unsigned count, ...)
{
	const char *ports[16];
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count; i++)
		ports[i] = va_arg(args, const char *);
	va_end(args);
	return hf_batch_run(&batch, &options, job.has_serials ? &ledger : NULL, &records, ports, count);
}

/* The last event of that name on a port. */
static json_t *find(const char *name, const char *port)
{
	for (size_t i = json_array_size(told); i-- > 0;) {
		json_t *e = json_array_get(told, i);

		if (strcmp(text_of(e, "event"), name) == 0 && (!port || strcmp(text_of(e, "port"), port) == 0))
			return e;
	}
	return NULL;
}

static unsigned count_told(const char *name, const char *text)
{
	unsigned count = 0;

	for (size_t i = 0; i < json_array_size(told); i++)
		count += strcmp(text_of(json_array_get(told, i), "event"), name) == 0 &&
			 strstr(text_of(json_array_get(told, i), "text"), text);
	return count;
}

static void assert_done(const char *port, const char *outcome, const char *reason)
{
	json_t *done = find("done", port);

	assert_non_null(done);
	assert_string_equal(text_of(done, "outcome"), outcome);
	if (!strstr(text_of(done, "reason"), reason))
		fail_msg("%s: '%s' does not say '%s'", port, text_of(done, "reason"), reason);
}

/* ---- tests ---- */

static void good_devices_pass_with_a_record_and_a_number_each(void **state)
{
	char seen[4][HF_SERIAL_TEXT];

	(void)state;
	with_serials(10);
	assert_int_equal(run(4, "ok:a", "ok:b", "ok:c", "ok:d"), HF_EXIT_OK);
	assert_int_equal(batch.passed, 4);
	assert_int_equal(records.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(seen[i], sizeof(seen[i]), "%s", records.item[i].serial);
		assert_int_equal(records.item[i].outcome, HF_OUTCOME_PASS);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
	assert_int_equal(hf_ledger_count(&ledger).used, 4);
}

static void bad_children_disturb_no_good_ones(void **state)
{
	(void)state;
	assert_int_equal(run(8, "crash:a", "hang:b", "garbage:c", "flood:d", "ok:e", "late:f", "orphan:g", "fail5:h"), HF_EXIT_FAILURES);
	assert_done("crash:a", "fail", "signal 9");
	assert_done("hang:b", "fail", "said nothing for 1 s");
	assert_done("garbage:c", "pass", "");
	assert_true(json_integer_value(json_object_get(find("done", "garbage:c"), "malformed")) >= 4);
	assert_done("flood:d", "fail", "more than 64 MiB");
	assert_done("ok:e", "pass", "");
	assert_done("late:f", "fail", "limit of 1000 s");
	assert_done("orphan:g", "pass", "");
	assert_done("fail5:h", "fail", "it will not");
	assert_int_equal(records.count, 8);
}

static void device_that_comes_back_is_tried_again(void **state)
{
	(void)state;
	job.retries = 2;
	assert_int_equal(run(2, "flaky1:a", "fail4:b"), HF_EXIT_FAILURES);
	assert_done("flaky1:a", "pass", "");
	assert_int_equal(json_integer_value(json_object_get(find("done", "flaky1:a"), "attempts")), 2);
	assert_done("fail4:b", "fail", "it will not"); /* a refusal stays one */
	assert_int_equal(json_integer_value(json_object_get(find("done", "fail4:b"), "attempts")), 1);
}

static void failures_stop_the_batch(void **state)
{
	(void)state;
	job.stop_after = 2;
	options.at_once = 1;
	assert_int_equal(run(5, "fail4:a", "fail4:b", "ok:c", "ok:d", "ok:e"), HF_EXIT_FAILURES);
	assert_int_equal(batch.failed, 2);
	assert_int_equal(batch.passed, 0);
	assert_non_null(strstr(text_of(find("stopping", NULL), "text"), "common cause"));
}

static void quota_counts_earlier_runs(void **state)
{
	(void)state;
	job.quota = 3;
	assert_int_equal(run(2, "ok:a", "ok:b"), HF_EXIT_OK);
	assert_int_equal(run(3, "ok:c", "ok:d", "ok:e"), HF_EXIT_OK);
	assert_int_equal(batch.passed, 1);
	assert_non_null(strstr(batch.why, "quota of 3"));
}

static void numbers_that_are_used_up_end_with_their_own_code(void **state)
{
	(void)state;
	with_serials(2);
	assert_int_equal(run(4, "ok:a", "ok:b", "ok:c", "ok:d"), HF_EXIT_SERIALS);
	assert_int_equal(batch.passed, 2);
	assert_int_equal(batch.failed, 0); /* nobody was burned for nothing */
}

static void same_device_twice_is_skipped_and_told(void **state)
{
	(void)state;
	options.at_once = 1;
	assert_int_equal(run(2, "ok:a", "slow:a"), HF_EXIT_OK);
	assert_done("slow:a", "skipped", "--again");
	options.at_once = 0;
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK);
	assert_done("ok:a", "skipped", "--again");
	options.again = true;
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK);
	assert_done("ok:a", "pass", "");
}

static void device_on_two_ports_at_once_is_begun_once(void **state)
{
	(void)state;
	assert_int_equal(run(2, "slow:a", "slow:a"), HF_EXIT_OK);
	assert_int_equal(batch.passed, 1);
	assert_int_equal(batch.skipped, 1);
}

static void first_interrupt_lets_those_under_way_finish(void **state)
{
	(void)state;
	stop_at = 2;
	stop_level = 1;
	options.at_once = 1;
	assert_int_equal(run(2, "ok:a", "ok:b"), HF_EXIT_INTERRUPTED);
	assert_true(batch.passed <= 1);
	assert_int_equal(batch.stopped, 0);
}

static void second_interrupt_stops_them_so_that_they_can_go_on(void **state)
{
	(void)state;
	stop_at = 4;
	stop_level = 2;
	assert_int_equal(run(1, "patient:a"), HF_EXIT_INTERRUPTED);
	assert_done("patient:a", "stopped", "goes on where it was");
	assert_int_equal(records.item[0].outcome, HF_OUTCOME_STOPPED);
	stop_at = 0;
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK); /* and the next batch takes it */
}

static void put_lines(const char *lines)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], lines, strlen(lines)), strlen(lines));
	close(fds[1]);
	options.input = fds[0];
	options.scan = true;
}

static void scanned_numbers_go_to_ports_and_bad_ones_are_refused(void **state)
{
	(void)state;
	with_serials(10);
	options.at_once = 1;
	put_lines("junk\nN004\n2 N999\nN004\n\n2 N007");
	assert_int_equal(run(2, "slow:a", "ok:b"), HF_EXIT_OK);
	assert_string_equal(text_of(find("done", "slow:a"), "serial"), "N004");
	assert_string_equal(text_of(find("done", "ok:b"), "serial"), "N007");
	assert_int_equal(count_told("refused", "they look like N001"), 1);
	assert_int_equal(count_told("refused", "N999 is outside"), 1);
	assert_int_equal(count_told("refused", "N004 was scanned for the device on slow:a just now"), 1);
	assert_string_equal(hf_ledger_owner(&ledger, 4), "a");
	close(options.input);
}

static void scanned_number_of_another_device_is_refused_at_once(void **state)
{
	(void)state;
	with_serials(10);
	put_lines("N001\n");
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK);
	close(options.input);
	put_lines("N001\nN002\n");
	assert_int_equal(run(1, "ok:b"), HF_EXIT_OK);
	close(options.input);
	assert_non_null(strstr(text_of(find("refused", "ok:b"), "text"), "of device a already"));
	assert_string_equal(text_of(find("done", "ok:b"), "serial"), "N002");
}

static void test_command_sees_the_device_and_decides(void **state)
{
	struct hf_buffer file;

	(void)state;
	with_serials(10);
	job.test_limit_s = 5;
	snprintf(job.test, sizeof(job.test), "echo $HF_SERIAL,$HF_DEVICE_ID,$HF_PORT,$HF_VERSION,$HF_DIGEST >%s; test $HF_DEVICE_ID = a || "
					     "{ echo no signal; exit 3; }", scratch("env"));
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK);
	assert_int_equal(hf_file_read(scratch("env"), 1000, &file, &diag), HF_OK);
	assert_string_equal((const char *)file.ptr, "N001,a,ok:a,1.1.0,d1a\n");
	hf_buffer_free(&file);
	job.retries = 3;
	assert_int_equal(run(1, "ok:b"), HF_EXIT_FAILURES);
	assert_done("ok:b", "fail", "ended with 3: no signal");
	assert_int_equal(json_integer_value(json_object_get(find("done", "ok:b"), "exit")), HF_EXIT_TESTS);
	assert_int_equal(hf_ledger_count(&ledger).bound, 1); /* its label may be printed: the number stays b's */
}

static void test_command_that_hangs_is_ended_with_all_it_started(void **state)
{
	(void)state;
	job.test_limit_s = 1;
	strcpy(job.test, "sleep 600 & sleep 600");
	assert_int_equal(run(1, "ok:a"), HF_EXIT_FAILURES);
	assert_done("ok:a", "fail", "longer than its 1 s");
}

static void number_that_does_not_get_into_the_device_fails_it_and_stays_its_own(void **state)
{
	(void)state;
	with_serials(10);
	job.serial_to_device = true;
	assert_int_equal(run(2, "noconfig:a", "ok:b"), HF_EXIT_FAILURES);
	assert_done("noconfig:a", "fail", "stores no configuration");
	assert_done("ok:b", "pass", "");
	assert_int_equal(hf_ledger_count(&ledger).bound, 1);
	assert_int_equal(run(1, "ok:a"), HF_EXIT_OK);
	assert_int_equal(hf_ledger_count(&ledger).used, 2);
}

static void fill_disk(json_t *e)
{
	if (strcmp(text_of(e, "event"), "device") == 0)
		disk_arm(DISK_FULL, 1);
}

static void full_disk_shows_no_pass_and_prints_the_record(void **state)
{
	json_t *lost;

	(void)state;
	on_told = fill_disk;
	options.at_once = 1;
	assert_int_equal(run(2, "ok:a", "ok:b"), HF_EXIT_DISK);
	disk_arm(DISK_LIVES, 0);
	assert_done("ok:a", "fail", "record could not be written");
	lost = json_object_get(find("unrecorded", NULL), "record");
	assert_string_equal(text_of(lost, "device_id"), "a");
	assert_string_equal(text_of(lost, "outcome"), "pass");
	assert_null(find("done", "ok:b")); /* no further device was taken */
	assert_int_equal(batch.passed, 0);
	on_told = NULL;
	assert_int_equal(run(2, "ok:a", "ok:b"), HF_EXIT_OK);
	assert_int_equal(batch.passed, 2);
}

static void full_disk_gives_no_number(void **state)
{
	(void)state;
	with_serials(10);
	on_told = fill_disk;
	assert_int_equal(run(1, "ok:a"), HF_EXIT_DISK);
	disk_arm(DISK_LIVES, 0);
	assert_int_equal(hf_ledger_count(&ledger).free, 10);
}

static void change_package(json_t *e)
{
	static const uint8_t other[] = "another package";

	if (strcmp(text_of(e, "event"), "done") == 0)
		assert_int_equal(hf_file_write(scratch("package"), (struct hf_bytes){other, sizeof(other)}, 0, &diag), HF_OK);
}

static void package_replaced_meanwhile_stops_the_batch(void **state)
{
	(void)state;
	on_told = change_package;
	options.at_once = 1;
	assert_int_equal(run(3, "ok:a", "ok:b", "ok:c"), HF_EXIT_JOB);
	assert_int_equal(batch.passed, 1);
	assert_done("ok:b", "fail", "was signed for");
	assert_null(find("done", "ok:c"));
}

static char next_id;

static void next_device(json_t *e)
{
	if (strcmp(text_of(e, "event"), "done") != 0 || next_id > 'c')
		return;
	assert_int_equal(hf_file_write(scratch("at"), (struct hf_bytes){(uint8_t *)&next_id, 1}, 0, &diag), HF_OK);
	next_id++;
}

static void port_that_is_done_waits_for_the_next_device(void **state)
{
	char port[TMP_NAME_BYTES + 16];

	(void)state;
	next_id = 'a';
	next_device(json_array_get(told, 0)); /* nobody yet */
	assert_int_equal(hf_file_write(scratch("at"), (struct hf_bytes){(const uint8_t *)"z", 1}, 0, &diag), HF_OK);
	snprintf(port, sizeof(port), "at:%s", scratch("at"));
	on_told = next_device;
	options.continuous = true;
	job.quota = 4;
	assert_int_equal(run(1, port), HF_EXIT_OK);
	assert_int_equal(batch.passed, 4);
	assert_string_equal(records.item[0].device, "z");
	assert_string_equal(records.item[3].device, "c");
}

/* ---- what people see ---- */

static void check_picture(unsigned columns, unsigned rows, bool colour)
{
	char *text = NULL, *copy, *rest, *line;
	unsigned lines = 0;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	hf_table_draw(to, &batch, (struct hf_table_size){columns, rows}, colour, "a message that is rather long, so that it has to be cut");
	fclose(to);
	rest = copy = strdup(text);
	while ((line = strsep(&rest, "\n")) && rest) {
		unsigned width = 0;

		for (const char *at = line; *at; at++) {
			if (*at == '\033')
				at += strcspn(at, "mK");
			else
				width++;
		}
		assert_true(width <= columns);
		lines++;
	}
	assert_true(lines <= rows);
	if (columns >= 100 && rows >= 40) {
		assert_non_null(strstr(text, colour ? "\033[42m     \033[0m" : "##### "));
		assert_non_null(strstr(text, "1 ok:a"));
	}
	if (colour && rows >= 24 && columns >= 20)
		assert_non_null(strstr(text, "\033[1;97;41m"));
	free(copy);
	free(text);
}

static void picture_fits_every_terminal(void **state)
{
	(void)state;
	assert_int_equal(run(3, "ok:a", "fail4:b", "ok:c"), HF_EXIT_FAILURES);
	for (unsigned columns = 10; columns < 220; columns += 7)
		for (unsigned rows = 1; rows < 60; rows += 3)
			check_picture(columns, rows, columns & 1);
	check_picture(120, 40, true);
}

static void big_letters_are_five_lines_of_one_width(void **state)
{
	char text[HF_TABLE_BIG_TEXT];

	(void)state;
	for (unsigned line = 0; line < HF_TABLE_BIG; line++) {
		assert_int_equal(hf_table_big("PASS", line, text), 27);
		assert_int_equal(hf_table_big("FAIL", line, text), 27);
	}
}

static void report_counts_devices_by_their_last_record(void **state)
{
	struct hf_report_sums sums;
	struct hf_report r;
	char *html, *csv;

	(void)state;
	options.operator_name = "<b>&\"=1+1";
	assert_int_equal(run(3, "ok:a", "fail4:b", "ok:c"), HF_EXIT_FAILURES);
	assert_int_equal(run(1, "ok:b"), HF_EXIT_OK);
	assert_int_equal(hf_report_load(&r, scratch("records"), NULL, &diag), HF_OK);
	sums = hf_report_sum(&r);
	assert_int_equal(sums.passed, 3);
	assert_int_equal(sums.failed, 0);
	assert_int_equal(sums.first_time, 3);
	html = hf_report_html(&r);
	csv = hf_report_csv(&r);
	assert_null(strstr(html, "<b>&"));
	assert_non_null(strstr(html, "&lt;b&gt;&amp;&quot;=1+1"));
	assert_non_null(strstr(html, "fail4") ? html : strstr(html, "FAIL"));
	assert_non_null(strstr(csv, "\"<b>&\"\"=1+1\""));
	assert_null(strstr(csv, ",\"=")); /* no cell is a formula */
	free(html);
	free(csv);
	hf_report_free(&r);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(good_devices_pass_with_a_record_and_a_number_each),
		TEST(bad_children_disturb_no_good_ones),
		TEST(device_that_comes_back_is_tried_again),
		TEST(failures_stop_the_batch),
		TEST(quota_counts_earlier_runs),
		TEST(numbers_that_are_used_up_end_with_their_own_code),
		TEST(same_device_twice_is_skipped_and_told),
		TEST(device_on_two_ports_at_once_is_begun_once),
		TEST(first_interrupt_lets_those_under_way_finish),
		TEST(second_interrupt_stops_them_so_that_they_can_go_on),
		TEST(scanned_numbers_go_to_ports_and_bad_ones_are_refused),
		TEST(scanned_number_of_another_device_is_refused_at_once),
		TEST(test_command_sees_the_device_and_decides),
		TEST(test_command_that_hangs_is_ended_with_all_it_started),
		TEST(number_that_does_not_get_into_the_device_fails_it_and_stays_its_own),
		TEST(full_disk_shows_no_pass_and_prints_the_record),
		TEST(full_disk_gives_no_number),
		TEST(package_replaced_meanwhile_stops_the_batch),
		TEST(port_that_is_done_waits_for_the_next_device),
		TEST(picture_fits_every_terminal),
		TEST(big_letters_are_five_lines_of_one_width),
		TEST(report_counts_devices_by_their_last_record),
	};

	if (argc > 1 && strncmp(argv[1], "--", 2) != 0)
		return play(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
