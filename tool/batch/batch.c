/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_MS 100u /* times are looked at so often */
#define FDS     (2 * HF_BATCH_PORTS + 1)

/* ---- telling ---- */

void hf_batch_tell(const struct hf_batch *b, const struct hf_lane *lane, json_t *event)
{
	json_t *t = json_object_get(event, "t_ms");

	if (t && lane)
		json_object_set(event, "device_ms", t); /* the child's clock is the device's; this one's is the batch's */
	json_object_set_new(event, "t_ms", json_integer((json_int_t)(hf_child_now_ms() - b->begin_ms)));
	if (lane)
		json_object_set_new(event, "port", json_string(lane->port));
	if (lane && lane->device[0])
		json_object_set_new(event, "device_id", json_string(lane->device));
	b->o->tell(b->o->ctx, lane, event);
	json_decref(event);
}

void hf_batch_note(const struct hf_batch *b, const struct hf_lane *lane, const char *format, ...)
{
	struct hf_diag diag;
	va_list args;

	va_start(args, format);
	hf_diag_vset(&diag, format, args);
	va_end(args);
	hf_batch_tell(b, lane, json_pack("{s:s, s:s}", "event", "note", "text", diag.text));
}

void hf_batch_stop(struct hf_batch *b, const char *why)
{
	if (b->stop == 0) {
		b->stop = 1;
		snprintf(b->why, sizeof(b->why), "%s", why);
		hf_batch_tell(b, NULL, json_pack("{s:s, s:s}", "event", "stopping", "text", why));
	}
}

/* ---- the books ---- */

static json_t *make_record(const struct hf_batch *b, const struct hf_lane *lane, enum hf_lane_verdict verdict)
{
	static const enum hf_outcome outcomes[] = {[HF_VERDICT_PASS] = HF_OUTCOME_PASS, [HF_VERDICT_FAIL] = HF_OUTCOME_FAIL,
						   [HF_VERDICT_STOPPED] = HF_OUTCOME_STOPPED};
	char end[HF_CHAIN_TIME], serial[HF_SERIAL_TEXT] = "";
	json_t *record;

	if (lane->has_serial)
		hf_serial_format(&b->ledger->range, lane->number, serial);
	record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "outcome",
			   hf_outcome_text(outcomes[verdict]), "device_id", lane->device, "serial", serial, "digest", lane->digest,
			   "version", lane->version, "board", lane->board, "port", lane->port, "operator",
			   b->o->operator_name ? b->o->operator_name : "", "station", b->o->station, "job", b->job_id, "job_name",
			   b->o->job->name, "operation", hf_job_operation_text(b->o->job->operation));
	json_object_update_new(record, json_pack("{s:s, s:s, s:I, s:i, s:i, s:s, s:s, s:O, s:O}", "begin", lane->begin, "end",
						 hf_chain_time(end), "device_ms", (json_int_t)lane->device_ms, "attempts",
						 (int)lane->attempts, "exit", (int)lane->code, "stage",
						 verdict == HF_VERDICT_PASS ? "" : hf_step_text(lane->step), "reason", lane->reason,
						 "tests", lane->tests, "link", lane->sums));
	return record;
}

/* What could not be written is told in full: nothing is lost that the operator can copy. */
static void tell_unwritten(struct hf_batch *b, const struct hf_lane *lane, json_t *record, const struct hf_diag *diag)
{
	b->unrecorded++;
	b->disk_full = true;
	hf_batch_tell(b, lane, json_pack("{s:s, s:s, s:O}", "event", "unrecorded", "text", diag->text, "record", record));
	hf_batch_stop(b, diag->text);
}

static bool write_record(struct hf_batch *b, struct hf_lane *lane, enum hf_lane_verdict verdict)
{
	json_t *record = make_record(b, lane, verdict);
	struct hf_diag diag;
	bool written;

	json_incref(record);
	written = hf_passports_append(b->records, record, &diag) == HF_OK;
	if (!written) {
		json_object_del(record, "n");
		json_object_del(record, "prev");
		tell_unwritten(b, lane, record, &diag);
	}
	json_decref(record);
	return written;
}

static void tell_done(const struct hf_batch *b, const struct hf_lane *lane)
{
	static const char *const verdicts[] = {"", "pass", "fail", "stopped", "skipped"};
	char serial[HF_SERIAL_TEXT] = "";

	if (lane->has_serial)
		hf_serial_format(&b->ledger->range, lane->number, serial);
	hf_batch_tell(b, lane, json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:I, s:i}", "event", "done", "outcome",
					 verdicts[lane->verdict], "exit", (int)lane->code, "reason", lane->reason, "serial", serial,
					 "version", lane->version, "digest", lane->digest, "attempts", (int)lane->attempts, "device_ms",
					 (json_int_t)lane->device_ms, "malformed", (int)lane->malformed));
}

static void check_failures(struct hf_batch *b)
{
	const struct hf_job *job = b->o->job;
	char why[128];

	if (!job->stop_after || b->failed < job->stop_after)
		return;
	snprintf(why, sizeof(why), "%u devices failed, and the job stops after %u: find the common cause before more are begun", b->failed,
		 job->stop_after);
	hf_batch_stop(b, why);
}

void hf_batch_done(struct hf_batch *b, struct hf_lane *lane, enum hf_lane_verdict verdict)
{
	lane->state = HF_LANE_DONE;
	lane->end_ms = hf_child_now_ms();
	strcpy(lane->gone, lane->device);
	if (verdict == HF_VERDICT_SKIPPED) {
		b->skipped++;
	} else if (!write_record(b, lane, verdict) && verdict == HF_VERDICT_PASS) {
		verdict = HF_VERDICT_FAIL; /* it is good, but nobody could prove it */
		lane->code = HF_EXIT_DISK;
		snprintf(lane->reason, sizeof(lane->reason), "the device is good, but its record could not be written: %.500s", b->why);
	}
	lane->verdict = verdict;
	b->passed += verdict == HF_VERDICT_PASS;
	b->failed += verdict == HF_VERDICT_FAIL;
	b->stopped += verdict == HF_VERDICT_STOPPED;
	if (verdict == HF_VERDICT_PASS)
		b->passed_ms += lane->device_ms;
	tell_done(b, lane);
	check_failures(b);
}

/* ---- who may begin ---- */

static unsigned count_busy(const struct hf_batch *b)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < b->lanes; i++)
		busy += hf_lane_busy(&b->lane[i]);
	return busy;
}

static unsigned count_children(const struct hf_batch *b)
{
	unsigned children = 0;

	for (unsigned i = 0; i < b->lanes; i++)
		children += b->lane[i].running;
	return children;
}

/* Devices that may still be begun: the quota's, and the serial numbers'. */
static unsigned room(const struct hf_batch *b)
{
	unsigned busy = count_busy(b), passed = b->passed_before + b->passed;
	unsigned quota = b->o->job->quota > passed ? b->o->job->quota - passed : 0;
	unsigned numbers = b->ledger ? b->ledger->left : quota, holding = 0;

	for (unsigned i = 0; i < b->lanes; i++)
		holding += hf_lane_busy(&b->lane[i]) && b->lane[i].has_serial;
	numbers += holding; /* theirs are not left any more, and they are busy */
	quota = numbers < quota ? numbers : quota;
	return quota > busy ? quota - busy : 0;
}

bool hf_batch_may_start(const struct hf_batch *b, const struct hf_lane *lane)
{
	unsigned at_once = b->o->at_once ? b->o->at_once : b->lanes;

	return !b->stop && room(b) > 0 && (!lane || count_children(b) < at_once);
}

/* ---- standard input ---- */

static struct hf_lane *waiting(struct hf_batch *b, unsigned port)
{
	for (unsigned i = port ? port - 1 : 0; i < (port ? port : b->lanes) && i < b->lanes; i++)
		if (b->lane[i].state == HF_LANE_SCAN && !b->lane[i].running)
			return &b->lane[i];
	return NULL;
}

/* "HF-000123", or "3 HF-000123" for the third port: 3, and *line moves behind it. */
static unsigned take_port(const char **line)
{
	unsigned port = 0;
	int used = 0;

	if (sscanf(*line, "%3u%n", &port, &used) != 1 || (*line)[used] != ' ')
		return 0;
	*line += used + strspn(*line + used, " ");
	return port;
}

static void refuse(const struct hf_batch *b, const struct hf_lane *lane, const char *line, const char *why)
{
	hf_batch_tell(b, lane, json_pack("{s:s, s:s, s:s}", "event", "refused", "input", line, "text", why));
}

static void take_input(struct hf_batch *b, const char *line)
{
	unsigned port = take_port(&line);
	struct hf_lane *lane = waiting(b, port);
	struct hf_diag diag;
	uint32_t number;

	if (!*line)
		return;
	if (!hf_serial_parse(&b->ledger->range, line, &number, &diag))
		refuse(b, NULL, line, diag.text);
	else if (!lane)
		refuse(b, NULL, line, port ? "that port does not wait for a label now; scan it again when it does"
					   : "no port waits for a label now; scan it again when one does");
	else if (!hf_lane_scan(lane, number, &diag))
		refuse(b, lane, line, diag.text);
}

/* Lines from a file or a pipe wait until a port wants them; who types is answered at once. */
static bool has_to_wait(struct hf_batch *b, const char *line)
{
	unsigned port = take_port(&line);

	if (isatty(b->o->input))
		return false;
	return !waiting(b, port) && (port == 0 || (port <= b->lanes && b->lane[port - 1].state != HF_LANE_OVER));
}

static void use_input(struct hf_batch *b)
{
	char line[sizeof(b->line)], *end;

	while (!b->stop && (end = memchr(b->line, '\n', b->line_len))) {
		size_t len = (size_t)(end - b->line), from = 0, to = len;

		while (from < to && isspace((unsigned char)b->line[from]))
			from++;
		while (to > from && isspace((unsigned char)b->line[to - 1]))
			to--;
		memcpy(line, b->line + from, to - from);
		line[to - from] = 0;
		if (has_to_wait(b, line))
			return;
		b->inputs++;
		b->line_len -= (unsigned)len + 1;
		memmove(b->line, end + 1, b->line_len);
		take_input(b, line);
	}
	if (b->line_len == sizeof(b->line) - 1)
		b->line_len = 0; /* no serial number is as long as that */
}

static void read_input(struct hf_batch *b)
{
	ssize_t n = read(b->o->input, b->line + b->line_len, sizeof(b->line) - 1 - b->line_len);

	if (n < 0 && errno == EINTR)
		return;
	b->input_closed = n <= 0;
	b->line_len += n > 0 ? (unsigned)n : 0;
	if (n <= 0 && b->line_len > 0)
		b->line[b->line_len++] = '\n'; /* a last line without an end */
}

static bool wants_input(const struct hf_batch *b)
{
	return b->o->scan && !b->input_closed && !b->stop && !memchr(b->line, '\n', b->line_len);
}

/* ---- the loop ---- */

static void wait_for_something(struct hf_batch *b, struct pollfd *fds)
{
	unsigned n = 0;
	bool input = wants_input(b);

	for (unsigned i = 0; i < b->lanes; i++)
		if (b->lane[i].running)
			n += hf_child_fds(&b->lane[i].child, fds + n);
	if (input)
		fds[n] = (struct pollfd){.fd = b->o->input, .events = POLLIN};
	if (poll(fds, n + input, TURN_MS) > 0 && input && fds[n].revents)
		read_input(b);
	if (b->o->scan)
		use_input(b);
	b->input_over = b->input_closed && b->line_len == 0;
}

static void check_stops(struct hf_batch *b)
{
	static const char *const texts[] = {
		"no new device is begun, those under way finish; Ctrl-C again stops them so that they can be continued",
		"those under way are stopped; each can be continued with the same command; Ctrl-C again ends them at once",
		"all are ended at once; the devices can be continued with the same command"};
	unsigned asked = b->o->stops ? b->o->stops(b->o->ctx) : 0;

	if (asked <= b->asked)
		return;
	b->asked = asked < 3 ? asked : 3;
	b->interrupted = true;
	if (!b->why[0])
		strcpy(b->why, "interrupted");
	hf_batch_tell(b, NULL, json_pack("{s:s, s:s}", "event", "interrupted", "text", texts[b->asked - 1]));
	b->stop = b->asked > b->stop ? b->asked : b->stop;
}

/* Nobody works, and nobody will: why? */
static void check_end(struct hf_batch *b)
{
	const struct hf_job *job = b->o->job;
	char why[128];

	if (b->stop || count_busy(b) > 0 || room(b) > 0)
		return;
	if (b->passed_before + b->passed >= job->quota) {
		snprintf(why, sizeof(why), "the job's quota of %u devices is reached", job->quota);
	} else {
		b->no_serials = true;
		snprintf(why, sizeof(why), "all serial numbers of this station are used; a new range is a new job");
	}
	hf_batch_stop(b, why);
}

static bool is_over(const struct hf_batch *b)
{
	for (unsigned i = 0; i < b->lanes; i++)
		if (b->lane[i].state != HF_LANE_OVER || b->lane[i].running)
			return false;
	return true;
}

static enum hf_exit exit_of(const struct hf_batch *b)
{
	if (b->disk_full)
		return HF_EXIT_DISK;
	if (b->job_changed)
		return HF_EXIT_JOB;
	if (b->failed > 0)
		return HF_EXIT_FAILURES;
	if (b->interrupted)
		return HF_EXIT_INTERRUPTED;
	return b->no_serials ? HF_EXIT_SERIALS : HF_EXIT_OK;
}

static void begin(struct hf_batch *b, const char *const *ports, unsigned count)
{
	json_t *list = json_array();

	hf_out_hex(b->o->job->id, sizeof(b->o->job->id), b->job_id);
	b->begin_ms = hf_child_now_ms();
	b->passed_before = hf_passports_passed(b->records, b->job_id);
	for (b->lanes = 0; b->lanes < count && b->lanes < HF_BATCH_PORTS; b->lanes++) {
		struct hf_lane *lane = &b->lane[b->lanes];

		*lane = (struct hf_lane){.batch = b, .index = b->lanes, .state = HF_LANE_EMPTY, .child.out.fd = -1, .child.err.fd = -1};
		snprintf(lane->port, sizeof(lane->port), "%s", ports[b->lanes]);
		json_array_append_new(list, json_string(lane->port));
	}
	hf_batch_tell(b, NULL, json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:i}", "event", "begin", "job", b->job_id, "name",
					 b->o->job->name, "operation", hf_job_operation_text(b->o->job->operation), "ports", list,
					 "quota", (int)b->o->job->quota, "passed_before", (int)b->passed_before));
}

enum hf_exit hf_batch_run(struct hf_batch *b, const struct hf_batch_options *o, struct hf_ledger *ledger,
			  struct hf_passports *records, const char *const *ports, unsigned count)
{
	struct pollfd *fds = calloc(FDS, sizeof(*fds));

	*b = (struct hf_batch){.o = o, .ledger = ledger, .records = records};
	if (!fds) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	begin(b, ports, count);
	while (!is_over(b)) {
		for (unsigned i = 0; i < b->lanes; i++)
			hf_lane_turn(&b->lane[i]);
		check_end(b);
		if (o->draw)
			o->draw(o->ctx, b);
		wait_for_something(b, fds);
		check_stops(b);
	}
	for (unsigned i = 0; i < b->lanes; i++)
		hf_lane_free(&b->lane[i]);
	free(fds);
	return exit_of(b);
}
