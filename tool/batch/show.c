/* SPDX-License-Identifier: MIT */
#include "show.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "table.h"

#define REDRAW_MS 200u

static const char *text_of(json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

static bool is(json_t *event, const char *name)
{
	return strcmp(text_of(event, "event"), name) == 0;
}

void hf_show_begin(struct hf_show *s, bool json)
{
	*s = (struct hf_show){.json = json, .left = json_array()};
	s->table = !json && isatty(STDOUT_FILENO) && getenv("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
	if (s->table)
		printf("\033[2J");
}

/* ---- a line an event ---- */

static void print_done(json_t *event)
{
	const char *outcome = text_of(event, "outcome"), *reason = text_of(event, "reason"), *serial = text_of(event, "serial");
	bool pass = strcmp(outcome, "pass") == 0, fail = strcmp(outcome, "fail") == 0;

	printf("%s: %s%s%s  device %s%s%s", text_of(event, "port"),
	       hf_out_colour(stdout, pass ? HF_COLOUR_GREEN : fail ? HF_COLOUR_RED : HF_COLOUR_YELLOW), pass ? "PASS" : fail ? "FAIL" : outcome,
	       hf_out_colour(stdout, HF_COLOUR_NONE), text_of(event, "device_id")[0] ? text_of(event, "device_id") : "?",
	       *serial ? "  serial " : "", serial);
	if (pass)
		printf("  %s in %.1f s\n", text_of(event, "version"), json_number_value(json_object_get(event, "device_ms")) / 1000);
	else
		printf("  %s\n", reason);
}

static void print_unrecorded(json_t *event)
{
	char *record = json_dumps(json_object_get(event, "record"), JSON_COMPACT | JSON_REAL_PRECISION(10));

	printf("%s: NOT RECORDED, keep this line: %s\n", text_of(event, "port"), record ? record : "?");
	free(record);
}

static void print_begin(json_t *event)
{
	long long before = json_integer_value(json_object_get(event, "passed_before"));

	printf("%s: %s on %zu port%s, quota %lld devices", text_of(event, "name"), text_of(event, "operation"),
	       json_array_size(json_object_get(event, "ports")), json_array_size(json_object_get(event, "ports")) == 1 ? "" : "s",
	       (long long)json_integer_value(json_object_get(event, "quota")));
	if (before)
		printf(", %lld of them passed before", before);
	printf("\n");
}

/* Of the checks and tests, what somebody has to look at; the reports of a hundred devices are no place for what is good. */
static void print_row(json_t *event)
{
	const char *state = text_of(event, "state");

	if (strcmp(state, "passed") != 0 && strcmp(state, "note") != 0)
		printf("%s: %s: %s: %s%s%s\n", text_of(event, "port"), text_of(event, "name"), state, text_of(event, "text"),
		       text_of(event, "next")[0] ? ": " : "", text_of(event, "next"));
}

static void print_event(json_t *event)
{
	const char *port = text_of(event, "port"), *text = text_of(event, "text");

	if (is(event, "begin"))
		print_begin(event);
	else if (is(event, "done"))
		print_done(event);
	else if (is(event, "unrecorded"))
		print_unrecorded(event);
	else if (is(event, "row"))
		print_row(event);
	else if (is(event, "device"))
		printf("%s: device %s\n", port, text_of(event, "device_id")[0] ? text_of(event, "device_id") : "begins, unknown as yet");
	else if (is(event, "serial"))
		printf("%s: serial number %s is in the device, read back\n", port, text_of(event, "serial"));
	else if (is(event, "retry"))
		printf("%s: attempt %lld of its %s, because %s\n", port, (long long)json_integer_value(json_object_get(event, "attempt")),
		       text_of(event, "step"), text_of(event, "reason"));
	else if (*text)
		printf("%s%s%s\n", port, *port ? ": " : "", text);
	fflush(stdout);
}

/* ---- the table's message ---- */

static void set_message(struct hf_show *s, json_t *event)
{
	const char *port = text_of(event, "port"), *reason = text_of(event, "reason");

	if (is(event, "retry"))
		snprintf(s->message, sizeof(s->message), "%.60s: again, because %.400s", port, reason);
	else if (is(event, "refused") || is(event, "note") || is(event, "stopping") || is(event, "interrupted"))
		snprintf(s->message, sizeof(s->message), "%.60s%s%.400s", port, *port ? ": " : "", text_of(event, "text"));
	else if (is(event, "unrecorded"))
		snprintf(s->message, sizeof(s->message), "%.60s: NOT RECORDED: %.400s", port, text_of(event, "text"));
	else if (is(event, "device") || is(event, "done"))
		s->message[0] = 0; /* it goes on; the rows tell the rest */
}

void hf_show_event(void *ctx, const struct hf_lane *lane, json_t *event)
{
	struct hf_show *s = ctx;

	(void)lane;
	if ((is(event, "done") && strcmp(text_of(event, "outcome"), "pass") != 0) || is(event, "unrecorded"))
		json_array_append(s->left, event);
	if (s->json) {
		json_incref(event);
		hf_out_event(event);
	} else if (s->table) {
		set_message(s, event);
	} else {
		print_event(event);
	}
}

/* ---- the table ---- */

static struct hf_table_size terminal_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		return (struct hf_table_size){80, 24};
	return (struct hf_table_size){size.ws_col, size.ws_row};
}

/* What is being typed stays where it is: the cursor is put back, and the prompt only written anew when a line was taken. */
static void draw_prompt(struct hf_show *s, const struct hf_batch *b, unsigned row)
{
	if (s->prompted && s->inputs == b->inputs)
		return;
	printf("\033[%u;1H\033[Jserial number: ", row);
	s->prompted = true;
	s->inputs = b->inputs;
}

static void draw(struct hf_show *s, const struct hf_batch *b, bool last)
{
	struct hf_table_size size = terminal_size();
	bool prompt = b->o->scan && !b->stop && !last && size.rows > 8;

	size.rows -= prompt ? 3 : 1;
	printf("%s\033[?25l\033[H", prompt ? "\0337" : "");
	hf_table_draw(stdout, b, size, hf_out_colour(stdout, HF_COLOUR_BOLD)[0] != 0, s->message[0] ? s->message : NULL);
	printf("%s\033[?25h", prompt ? "" : "\033[J");
	if (prompt && s->prompted)
		printf("\0338");
	if (prompt)
		draw_prompt(s, b, size.rows + 2);
	fflush(stdout);
}

void hf_show_draw(void *ctx, const struct hf_batch *b)
{
	struct hf_show *s = ctx;
	uint64_t now = hf_child_now_ms();

	if (!s->table || (s->drawn_ms && now - s->drawn_ms < REDRAW_MS))
		return;
	s->drawn_ms = now;
	draw(s, b, false);
}

/* ---- the end ---- */

static void print_left(const struct hf_show *s)
{
	json_t *event;
	size_t i;

	json_array_foreach(s->left, i, event)
	{
		if (is(event, "unrecorded"))
			print_unrecorded(event);
		else
			print_done(event);
	}
}

static void print_numbers(const struct hf_batch *b)
{
	struct hf_ledger_count c;

	if (!b->ledger)
		return;
	c = hf_ledger_count(b->ledger);
	printf("serial numbers: %u used, %u free", c.used, c.free + c.reserved);
	if (c.bound)
		printf(", %u belong to devices that have not passed yet: they get the same when they come again", c.bound);
	printf("\n");
}

static const char *outcome_of(enum hf_exit code)
{
	switch (code) {
	case HF_EXIT_OK:
		return "passed";
	case HF_EXIT_FAILURES:
		return "failures";
	case HF_EXIT_INTERRUPTED:
		return "interrupted";
	case HF_EXIT_DISK:
		return "disk";
	case HF_EXIT_SERIALS:
		return "serials";
	case HF_EXIT_JOB:
		return "job";
	default:
		return "error";
	}
}

static void sentence(const struct hf_batch *b, enum hf_exit code, char *text, size_t room)
{
	unsigned all = b->passed + b->failed + b->stopped;

	text[0] = 0;
	if (code == HF_EXIT_DISK)
		snprintf(text, room, "%.600s; make room there, then run the same command: devices that passed are not done again%s", b->why, b->unrecorded ? "; keep the lines of those that are not recorded" : "");
	else if (code == HF_EXIT_FAILURES)
		snprintf(text, room, "%u of %u devices failed; run the same command to do those again, the others are not touched%s%.500s",
			 b->failed, all, b->why[0] ? "; stopped because " : "", b->why);
	else if (code == HF_EXIT_INTERRUPTED)
		snprintf(text, room, "interrupted: %u passed, %u were stopped on the way and can be continued; run the same command", b->passed,
			 b->stopped);
	else if (code != HF_EXIT_OK)
		snprintf(text, room, "%.700s", b->why);
}

/* Of this program and all its children; their twins are not among them. */
static json_int_t cpu_ms(void)
{
	json_int_t ms = 0;
	struct rusage usage;

	for (const int *who = (const int[]){RUSAGE_SELF, RUSAGE_CHILDREN, 1}; *who != 1; who++)
		if (getrusage(*who, &usage) == 0)
			ms += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
			      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	return ms;
}

void hf_show_end(struct hf_show *s, const struct hf_batch *b, enum hf_exit code, const char *trouble, const struct hf_chain *records)
{
	char reason[1024];

	if (trouble && !b->disk_full)
		snprintf(reason, sizeof(reason), "%s", trouble);
	else
		sentence(b, code, reason, sizeof(reason));
	if (s->json) {
		hf_out_event(json_pack("{s:s, s:I, s:I, s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:O}", "event", "result", "t_ms",
				       (json_int_t)(hf_child_now_ms() - b->begin_ms), "cpu_ms", cpu_ms(), "exit", (int)code, "outcome", outcome_of(code),
				       "reason", reason, "passed", (int)b->passed, "failed", (int)b->failed, "stopped",
				       (int)b->stopped, "skipped", (int)b->skipped, "unrecorded", (int)b->unrecorded, "records",
				       records->path, "head", records->head, "left", s->left));
	} else {
		if (s->table) {
			draw(s, b, true);
			print_left(s);
		}
		printf("%s%u passed%s, %u failed, %u stopped, %u skipped%s%s\n", hf_out_colour(stdout, HF_COLOUR_BOLD), b->passed,
		       hf_out_colour(stdout, HF_COLOUR_NONE), b->failed, b->stopped, b->skipped,
		       code == HF_EXIT_OK && b->why[0] ? "; ended because " : "", code == HF_EXIT_OK ? b->why : "");
		print_numbers(b);
		printf("records: %s, last hash %s\n", records->path, records->head);
	}
	if (reason[0])
		hf_out_error("%s", reason);
	json_decref(s->left);
	s->left = NULL;
}
