/* SPDX-License-Identifier: MIT
 *
 * A device's course on its port: probe, factory, burn, serial number, test, record. Each step is a child process; a step that
 * fails for a reason that may pass is tried again, from that step on.
 *
 * The serial number comes late, when the device has proved that it takes the firmware: numbers of devices that fail before
 * are not touched. Where the serial number goes to the device or to a test command, it is bound before that.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_EVERY_MS  2000u
#define PAUSE_MS        1000u
#define PAUSE_REPLUG_MS 4000u /* a port that has vanished: somebody is at the plug */
#define PROBE_SILENCE   120000u

#define ARGS 72 /* more than any step has: 13 of its own, 12 of the job, and 33 beside the job (cmd_batch.c) */

const char *hf_step_text(enum hf_step step)
{
	static const char *const texts[HF_STEPS] = {"probe", "factory", "burn", "serial", "test"};

	return texts[step];
}

static const struct hf_job *job_of(const struct hf_lane *lane)
{
	return lane->batch->o->job;
}

static void copy_text(json_t *from, const char *key, char *to, size_t room)
{
	const char *text = json_string_value(json_object_get(from, key));

	if (text && text[0])
		snprintf(to, room, "%s", text);
}

/* ---- what children say ---- */

static uint64_t number_of(json_t *event, const char *key)
{
	json_t *value = json_object_get(event, key);

	return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static void take_result(struct hf_lane *lane, json_t *result)
{
	static const char *const sums[] = {"duration_ms", "bytes_sent", "bytes_skipped", "resent", "restarts", "reopened", "baud"};
	json_t *chip = json_object_get(result, "chip");

	copy_text(chip, "device_id", lane->device, sizeof(lane->device));
	copy_text(result, "device_id", lane->device, sizeof(lane->device));
	copy_text(result, "digest", lane->digest, sizeof(lane->digest));
	if (!lane->digest[0])
		copy_text(result, "id", lane->digest, sizeof(lane->digest));
	copy_text(result, "version", lane->version, sizeof(lane->version));
	copy_text(result, "board", lane->board, sizeof(lane->board));
	copy_text(result, "reason", lane->reason, sizeof(lane->reason));
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		if (json_object_get(result, sums[i]))
			json_object_set(lane->sums, sums[i], json_object_get(result, sums[i]));
	for (const char *const *key = (const char *const[]){"tests", "checks", NULL}; *key; key++)
		if (json_object_get(result, *key))
			json_object_set(lane->tests, *key, json_object_get(result, *key));
	if (number_of(result, "duration_ms") > lane->child.t_ms)
		lane->child.t_ms = number_of(result, "duration_ms");
}

static void on_event(void *ctx, json_t *event)
{
	struct hf_lane *lane = ctx;
	const char *name = json_string_value(json_object_get(event, "event"));
	json_t *own = json_copy(event);

	if (strcmp(name, "result") == 0) {
		take_result(lane, event);
		json_object_set_new(own, "event", json_string("step-result")); /* "result" is the batch's own last one */
	} else if (strcmp(name, "row") != 0) { /* a finding is no stage */
		snprintf(lane->stage, sizeof(lane->stage), "%.31s", name);
		copy_text(event, "text", lane->text, sizeof(lane->text));
		lane->left_ms = number_of(event, "left_ms");
		copy_text(event, "device_id", lane->device, sizeof(lane->device));
	}
	if (number_of(event, "total")) {
		if (lane->total == 0) {
			lane->off_from = number_of(event, "off");
			lane->off_t_ms = lane->child.t_ms;
		}
		lane->off = number_of(event, "off");
		lane->total = number_of(event, "total");
	}
	hf_batch_tell(lane->batch, lane, own);
}

unsigned hf_lane_percent(const struct hf_lane *lane)
{
	return lane->total ? (unsigned)(lane->off >= lane->total ? 100 : lane->off * 100 / lane->total) : 0;
}

uint64_t hf_lane_left_ms(const struct hf_lane *lane)
{
	const struct hf_batch *b = lane->batch;
	uint64_t so_far = lane->device_ms + lane->child.t_ms, mean = b->passed ? b->passed_ms / b->passed : 0;

	if (lane->left_ms)
		return lane->left_ms;
	if (mean > so_far)
		return mean - so_far;
	if (lane->total > lane->off && lane->off > lane->off_from)
		return (lane->total - lane->off) * (lane->child.t_ms - lane->off_t_ms) / (lane->off - lane->off_from);
	return 0;
}

/* ---- steps ---- */

struct args {
	char *item[ARGS];
	unsigned count;
};

/* execv takes strings that it does not change as if it did. */
static void add(struct args *a, const char *text)
{
	if (a->count < ARGS - 1)
		a->item[a->count++] = (char *)(uintptr_t)text;
}

static void add_file(struct args *a, const struct hf_job *job, enum hf_job_role role, const char *option)
{
	if (!job->file[role].known)
		return;
	if (option)
		add(a, option);
	add(a, job->file[role].path);
}

static void add_options(struct args *a, const struct hf_lane *lane, const struct hf_job_options *options)
{
	add(a, "--port");
	add(a, lane->port);
	add(a, "--json");
	for (unsigned i = 0; options && i < options->count; i++)
		add(a, options->text[i]);
	for (char *const *e = lane->batch->o->extra; e && *e; e++)
		add(a, *e);
}

static void make_args(const struct hf_lane *lane, struct args *a)
{
	const struct hf_job *job = job_of(lane);

	add(a, lane->batch->o->tool);
	switch (lane->step) {
	case HF_STEP_PROBE:
		add(a, "list");
		add(a, lane->port);
		add_file(a, job, HF_JOB_BOARD, "--board");
		add(a, "--json");
		break;
	case HF_STEP_FACTORY:
		add(a, "factory");
		add_file(a, job, HF_JOB_BOARD, "--board");
		add_file(a, job, HF_JOB_BOOT, "--boot");
		add_file(a, job, HF_JOB_KEYSET, "--keyset");
		add_file(a, job, HF_JOB_RECOVERY, "--recovery");
		add_file(a, job, HF_JOB_FIRST, "--package");
		add_options(a, lane, &job->factory);
		break;
	case HF_STEP_BURN:
		add(a, "burn");
		add_file(a, job, HF_JOB_PACKAGE, NULL);
		add_file(a, job, HF_JOB_BOARD, "--board");
		add_file(a, job, HF_JOB_KEYSET, "--keyset");
		add_options(a, lane, &job->burn);
		break;
	case HF_STEP_SERIAL:
		add(a, "config");
		add(a, "merge");
		add(a, "-");
		add_file(a, job, HF_JOB_BOARD, "--board");
		add_options(a, lane, NULL);
		break;
	case HF_STEP_TEST:
		a->count = 0;
		add(a, "/bin/sh");
		add(a, "-c");
		add(a, job->test);
		break;
	case HF_STEPS:
		break;
	}
}

static bool start_child(struct hf_lane *lane, char *const *env, const char *input)
{
	const struct hf_job *job = job_of(lane);
	bool test = lane->step == HF_STEP_TEST, probe = lane->step == HF_STEP_PROBE;
	struct args args = {.count = 0};
	char no_project[] = "HOLDFAST_PROJECT="; /* what lies around must not add to what was signed */
	char *const tool_env[] = {no_project, NULL};
	struct hf_child_options o = {.argv = args.item, .env = env ? env : tool_env, .input = input, .event = on_event, .ctx = lane};
	struct hf_diag diag;

	make_args(lane, &args);
	o.silence_ms = test ? job->test_limit_s * 1000 : probe ? PROBE_SILENCE : lane->batch->o->silence_ms;
	o.limit_ms = test || probe ? 0 : job->limit_s * 1000;
	o.whole = probe || lane->step == HF_STEP_SERIAL;
	o.talks = test;
	lane->off = lane->total = lane->left_ms = 0;
	lane->running = hf_child_start(&lane->child, &o, &diag) == HF_OK;
	if (!lane->running)
		snprintf(lane->reason, sizeof(lane->reason), "%.700s", diag.text);
	return lane->running;
}

static void fail(struct hf_lane *lane, enum hf_exit code)
{
	lane->code = code;
	hf_batch_done(lane->batch, lane, lane->batch->stop > 1 ? HF_VERDICT_STOPPED : HF_VERDICT_FAIL);
}

/* The books cannot be kept: this device has no number, and no other one is begun. */
static void fail_books(struct hf_lane *lane, enum hf_err err, const struct hf_diag *diag)
{
	struct hf_batch *b = lane->batch;

	snprintf(lane->reason, sizeof(lane->reason), "%.700s", diag->text);
	if (err == HF_ERR_IO)
		b->disk_full = true;
	if (err == HF_ERR_FULL)
		b->no_serials = true;
	if (err == HF_ERR_IO || err == HF_ERR_FULL)
		hf_batch_stop(b, diag->text);
	fail(lane, err == HF_ERR_IO ? HF_EXIT_DISK : HF_EXIT_SERIALS);
}

static bool take_number(struct hf_lane *lane)
{
	struct hf_ledger *l = lane->batch->ledger;
	uint32_t wanted = lane->number;
	bool leaves = job_of(lane)->serial_to_device || job_of(lane)->test[0];
	struct hf_diag diag;
	enum hf_err err;

	if (!lane->device[0]) {
		hf_diag_set(&diag, "the device has not told its unique id, so that no serial number can be given to it; try it alone with "
				   "`holdfast status`");
		err = HF_ERR_DENIED;
	} else {
		err = hf_ledger_reserve(l, lane->device, lane->scanned ? &wanted : NULL, &lane->number, &diag);
		lane->has_serial = !err;
		if (!err && leaves)
			err = hf_ledger_bind(l, lane->number, &diag);
	}
	if (err) {
		lane->has_serial = false;
		fail_books(lane, err, &diag);
	}
	return !err;
}

static void begin_step(struct hf_lane *lane);

/* The next step that the job has; HF_STEPS: that was all. */
static enum hf_step step_after(const struct hf_lane *lane, enum hf_step step)
{
	const struct hf_job *job = job_of(lane);

	while (++step < HF_STEPS) {
		if ((step == HF_STEP_FACTORY && job->operation != HF_JOB_BURN) ||
		    (step == HF_STEP_BURN && job->operation != HF_JOB_FACTORY) || (step == HF_STEP_SERIAL && lane->batch->ledger) ||
		    (step == HF_STEP_TEST && job->test[0]))
			break;
	}
	return step;
}

static void pass(struct hf_lane *lane)
{
	struct hf_diag diag;
	enum hf_err err = lane->has_serial ? hf_ledger_use(lane->batch->ledger, lane->number, &diag) : HF_OK;

	if (err) {
		fail_books(lane, err, &diag);
		return;
	}
	lane->code = HF_EXIT_OK;
	lane->reason[0] = 0;
	hf_batch_done(lane->batch, lane, HF_VERDICT_PASS);
}

static void advance(struct hf_lane *lane)
{
	lane->step = step_after(lane, lane->step);
	if (lane->step == HF_STEPS)
		pass(lane);
	else
		begin_step(lane);
}

static void begin_serial(struct hf_lane *lane)
{
	char serial[HF_SERIAL_TEXT], input[HF_SERIAL_TEXT + 32];

	if (!lane->has_serial && !take_number(lane))
		return;
	hf_serial_format(&lane->batch->ledger->range, lane->number, serial);
	if (!job_of(lane)->serial_to_device) {
		advance(lane);
		return;
	}
	snprintf(input, sizeof(input), "{\"serial\":\"%s\"}\n", serial);
	if (!start_child(lane, NULL, input))
		fail(lane, HF_EXIT_INTERNAL);
}

static void begin_test(struct hf_lane *lane)
{
	char serial[HF_SERIAL_TEXT] = "", env[5][HF_PORT_TEXT + 32], *list[6] = {env[0], env[1], env[2], env[3], env[4], NULL};

	if (lane->has_serial)
		hf_serial_format(&lane->batch->ledger->range, lane->number, serial);
	snprintf(env[0], sizeof(env[0]), "HF_SERIAL=%s", serial);
	snprintf(env[1], sizeof(env[1]), "HF_DEVICE_ID=%s", lane->device);
	snprintf(env[2], sizeof(env[2]), "HF_PORT=%s", lane->port);
	snprintf(env[3], sizeof(env[3]), "HF_VERSION=%s", lane->version);
	snprintf(env[4], sizeof(env[4]), "HF_DIGEST=%s", lane->digest);
	if (!start_child(lane, list, NULL))
		fail(lane, HF_EXIT_INTERNAL);
}

/* A package that was replaced while the batch runs is noticed before the next device gets it. */
static bool files_are_right(struct hf_lane *lane)
{
	struct hf_diag diag;

	if (hf_job_check_files(job_of(lane), &diag) == HF_OK)
		return true;
	lane->batch->job_changed = true;
	hf_batch_stop(lane->batch, diag.text);
	snprintf(lane->reason, sizeof(lane->reason), "%.700s", diag.text);
	fail(lane, HF_EXIT_JOB);
	return false;
}

static void begin_step(struct hf_lane *lane)
{
	lane->state = HF_LANE_WORK;
	snprintf(lane->stage, sizeof(lane->stage), "%s", hf_step_text(lane->step));
	lane->text[0] = 0;
	if ((lane->step == HF_STEP_FACTORY || lane->step == HF_STEP_BURN) && !files_are_right(lane))
		return;
	if (lane->step == HF_STEP_SERIAL)
		begin_serial(lane);
	else if (lane->step == HF_STEP_TEST)
		begin_test(lane);
	else if (!start_child(lane, NULL, NULL))
		fail(lane, HF_EXIT_INTERNAL);
}

/* ---- how they end ---- */

/* What may be otherwise the next time. Files, options, checks and a refusal stay what they are. */
static bool may_pass(const struct hf_lane *lane)
{
	if (lane->child.end != HF_CHILD_EXITED)
		return true;
	switch (lane->code) {
	case HF_EXIT_INTERNAL:
	case HF_EXIT_NO_DEVICE:
	case HF_EXIT_DEVICE:
	case HF_EXIT_BUSY:
	case HF_EXIT_LINE:
	case HF_EXIT_SILENT:
	case HF_EXIT_PORT_GONE:
	case HF_EXIT_INTERRUPTED: /* somebody has ended the child, and not us */
		return lane->step != HF_STEP_TEST;
	default:
		return false;
	}
}

static void say_reason(struct hf_lane *lane)
{
	const struct hf_child *c = &lane->child;
	size_t room = sizeof(lane->reason);
	const char *step = hf_step_text(lane->step);

	if (c->end == HF_CHILD_CRASHED)
		snprintf(lane->reason, room, "the process of its %s was ended by signal %d (%s): a defect of the tool, or somebody ended it",
			 step, c->code, strsignal(c->code));
	else if (c->end == HF_CHILD_HUNG && lane->step == HF_STEP_TEST)
		snprintf(lane->reason, room, "the test command took longer than its %u s and was ended", job_of(lane)->test_limit_s);
	else if (c->end == HF_CHILD_HUNG)
		snprintf(lane->reason, room, "the process of its %s said nothing for %u s and was ended", step, c->silence_ms / 1000);
	else if (c->end == HF_CHILD_LATE)
		snprintf(lane->reason, room, "its %s took longer than the job's limit of %u s and was stopped", step, job_of(lane)->limit_s);
	else if (c->end == HF_CHILD_FLOODED)
		snprintf(lane->reason, room, "the process of its %s wrote more than %u MiB and was ended", step, HF_CHILD_TOTAL >> 20);
	else if (lane->step == HF_STEP_TEST)
		snprintf(lane->reason, room, "the test command ended with %d%s%.600s", c->code, c->words[0] ? ": " : "", c->words);
	else if (c->words[0] && (lane->step == HF_STEP_SERIAL || !lane->reason[0]))
		snprintf(lane->reason, room, "%s", c->words);
	else if (!lane->reason[0])
		snprintf(lane->reason, room, "%s", hf_exit_text(lane->code));
}

static enum hf_exit code_of(const struct hf_lane *lane)
{
	const struct hf_child *c = &lane->child;

	if (c->end == HF_CHILD_EXITED)
		return lane->step == HF_STEP_TEST && c->code ? HF_EXIT_TESTS : (enum hf_exit)c->code;
	if (lane->step == HF_STEP_TEST)
		return HF_EXIT_TESTS;
	return c->end == HF_CHILD_LATE || c->end == HF_CHILD_HUNG ? HF_EXIT_SILENT : HF_EXIT_INTERNAL;
}

static void end_of_step(struct hf_lane *lane)
{
	struct hf_batch *b = lane->batch;
	char serial[HF_SERIAL_TEXT];

	lane->device_ms += lane->child.t_ms;
	lane->child.t_ms = 0;
	lane->malformed += lane->child.malformed;
	lane->code = code_of(lane);
	if (lane->code == HF_EXIT_OK && lane->child.end == HF_CHILD_EXITED) {
		lane->retries = 0;
		if (lane->step == HF_STEP_TEST)
			json_object_set_new(lane->tests, "command", json_string("passed"));
		if (lane->step == HF_STEP_SERIAL)
			hf_batch_tell(b, lane, json_pack("{s:s, s:s}", "event", "serial", "serial",
							 hf_serial_format(&b->ledger->range, lane->number, serial)));
		advance(lane);
		return;
	}
	say_reason(lane);
	if (lane->step == HF_STEP_TEST)
		json_object_set_new(lane->tests, "command", json_string("failed"));
	if (b->stop > 1 || !may_pass(lane) || lane->retries >= job_of(lane)->retries) {
		fail(lane, lane->code);
		return;
	}
	lane->retries++;
	lane->attempts++;
	lane->state = HF_LANE_PAUSE;
	lane->due_ms = hf_child_now_ms() + (lane->code == HF_EXIT_PORT_GONE ? PAUSE_REPLUG_MS : PAUSE_MS);
	hf_batch_tell(b, lane, json_pack("{s:s, s:s, s:s, s:i, s:i}", "event", "retry", "step", hf_step_text(lane->step), "reason",
					 lane->reason, "exit", (int)lane->code, "attempt", (int)lane->attempts));
	lane->reason[0] = 0;
}

/* ---- the device's beginning ---- */

static void forget(struct hf_lane *lane)
{
	json_decref(lane->tests);
	json_decref(lane->sums);
	lane->tests = json_object();
	lane->sums = json_object();
	lane->device[0] = lane->digest[0] = lane->version[0] = lane->board[0] = lane->reason[0] = lane->text[0] = 0;
	lane->has_serial = lane->scanned = false;
	lane->device_ms = lane->malformed = lane->retries = 0;
	lane->attempts = 1;
	lane->code = HF_EXIT_OK;
}

static void begin_device(struct hf_lane *lane)
{
	lane->verdict = HF_VERDICT_NONE;
	lane->step = HF_STEP_PROBE;
	lane->begin_ms = hf_child_now_ms();
	hf_chain_time(lane->begin);
	hf_batch_tell(lane->batch, lane, json_pack("{s:s}", "event", "device"));
	advance(lane);
}

static void found(struct hf_lane *lane)
{
	const struct hf_batch *b = lane->batch;
	const struct hf_passport *before = hf_passports_find(b->records, lane->device, b->job_id);

	for (unsigned i = 0; i < b->lanes; i++) {
		const struct hf_lane *other = &b->lane[i];

		if (other == lane || !hf_lane_busy(other) || !lane->device[0] || strcmp(other->device, lane->device) != 0)
			continue;
		snprintf(lane->reason, sizeof(lane->reason), "this device is under way on %s already: two ports lead to it", other->port);
		hf_batch_done(lane->batch, lane, HF_VERDICT_SKIPPED);
		return;
	}
	if (before && before->outcome == HF_OUTCOME_PASS && !b->o->again) {
		snprintf(lane->reason, sizeof(lane->reason), "it has passed in this job at %s already (%s); to do it again: --again",
			 before->time, before->serial[0] ? before->serial : "no serial number");
		hf_batch_done(lane->batch, lane, HF_VERDICT_SKIPPED);
		return;
	}
	if (before)
		hf_batch_note(b, lane, "device %s was done before, at %s: %s; it is done again", lane->device, before->time,
			      hf_outcome_text(before->outcome));
	if (b->o->scan)
		lane->state = HF_LANE_SCAN;
	else
		begin_device(lane);
}

/* `holdfast list PORT --json` */
static void read_probe(const struct hf_lane *lane, char *device, size_t device_room, char *board, size_t board_room)
{
	const struct hf_child *c = &lane->child;
	json_t *all = c->code == 0 && c->end == HF_CHILD_EXITED && c->out.text ? json_loads(c->out.text, 0, &(json_error_t){.line = 0})
										: NULL;
	json_t *port = json_array_get(json_object_get(all, "ports"), 0);

	copy_text(port, "device_id", device, device_room);
	copy_text(port, "board", board, board_room);
	json_decref(all);
}

/* Whoever does not tell an id may still be burned in one pass, where an operator has said that there is a device; a station that
 * goes on waits for somebody new. */
static void end_of_probe(struct hf_lane *lane)
{
	char device[HF_DEVICE_TEXT] = "", board[sizeof(lane->board)] = "";

	read_probe(lane, device, sizeof(device), board, sizeof(board));
	lane->child.t_ms = 0;
	lane->due_ms = hf_child_now_ms() + PROBE_EVERY_MS;
	if (lane->batch->o->continuous && (!device[0] || strcmp(device, lane->gone) == 0)) {
		if (!device[0])
			lane->gone[0] = 0; /* it was taken away; when it comes again, it has come again */
		return;
	}
	if (!hf_batch_may_start(lane->batch, NULL))
		return;
	forget(lane);
	strcpy(lane->device, device);
	strcpy(lane->board, board);
	found(lane);
}

static void look(struct hf_lane *lane)
{
	enum hf_step before = lane->step;

	if (hf_child_now_ms() < lane->due_ms || !hf_batch_may_start(lane->batch, lane))
		return;
	lane->step = HF_STEP_PROBE;
	if (!start_child(lane, NULL, NULL)) {
		lane->step = before;
		hf_batch_stop(lane->batch, lane->reason);
	}
}

bool hf_lane_scan(struct hf_lane *lane, uint32_t number, struct hf_diag *diag)
{
	const char *owner = hf_ledger_owner(lane->batch->ledger, number);
	char serial[HF_SERIAL_TEXT];

	hf_serial_format(&lane->batch->ledger->range, number, serial);
	if (owner && strcmp(owner, lane->device) != 0) {
		hf_diag_set(diag, "%s is the serial number of device %s already; scan another label", serial, owner);
		return false;
	}
	for (unsigned i = 0; i < lane->batch->lanes; i++) {
		const struct hf_lane *other = &lane->batch->lane[i];

		if (!other->scanned || other->number != number || !hf_lane_busy(other))
			continue;
		hf_diag_set(diag, "%s was scanned for the device on %s just now; scan another label", serial, other->port);
		return false;
	}
	lane->scanned = true;
	lane->number = number;
	begin_device(lane);
	return true;
}

bool hf_lane_busy(const struct hf_lane *lane)
{
	return lane->state == HF_LANE_WORK || lane->state == HF_LANE_PAUSE;
}

/* ---- a turn ---- */

static void turn_child(struct hf_lane *lane)
{
	if (lane->batch->stop > 1)
		hf_child_stop(&lane->child);
	if (lane->batch->stop > 2)
		hf_child_kill(&lane->child);
	if (!hf_child_turn(&lane->child))
		return;
	lane->running = false;
	if (lane->step == HF_STEP_PROBE)
		end_of_probe(lane);
	else
		end_of_step(lane);
}

void hf_lane_turn(struct hf_lane *lane)
{
	const struct hf_batch *b = lane->batch;

	if (lane->running) {
		turn_child(lane);
		return;
	}
	switch (lane->state) {
	case HF_LANE_EMPTY:
		if (b->stop)
			lane->state = HF_LANE_OVER;
		else
			look(lane);
		break;
	case HF_LANE_SCAN:
		if (b->stop || b->input_over)
			lane->state = HF_LANE_OVER;
		break;
	case HF_LANE_PAUSE:
		if (b->stop > 1)
			fail(lane, HF_EXIT_INTERRUPTED);
		else if (hf_child_now_ms() >= lane->due_ms)
			begin_step(lane);
		break;
	case HF_LANE_DONE:
		if (!b->o->continuous || b->stop)
			lane->state = HF_LANE_OVER;
		else
			look(lane);
		break;
	case HF_LANE_WORK:
	case HF_LANE_OVER:
		break;
	}
}

void hf_lane_free(struct hf_lane *lane)
{
	json_decref(lane->tests);
	json_decref(lane->sums);
	free(lane->child.out.text);
	lane->child.out.text = NULL;
}
