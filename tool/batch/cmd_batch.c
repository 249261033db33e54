/* SPDX-License-Identifier: MIT
 *
 * `holdfast batch`: a signed job, done to many devices at once. The work is in batch.c and lane.c.
 */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "batch.h"
#include "command.h"
#include "interrupt.h"
#include "port.h"
#include "report.h"
#include "show.h"

#define SELF        "/proc/self/exe"
#define SILENCE_MS  300000u
#define PORTS_BYTES 65536u

struct batch_args {
	struct hf_args_list job_keys, ports, reports, site_keys, password_files;
	const char *ports_file, *operator_name, *station, *share, *ledger, *records, *silence, *tool;
	uint32_t at_once;
	bool all, continuous, again, take_over, json;
};

struct run {
	struct batch_args a;
	struct hf_job job;
	struct hf_ledger ledger;
	struct hf_passports records;
	char station[HF_STATION_TEXT], ledger_dir[600], records_path[600];
	uint32_t silence_ms;
	struct hf_serial_range range;
	struct hf_buffer ports_text;
	struct hf_survey survey;
	const char *port[HF_BATCH_PORTS];
	unsigned ports;
	char *extra[2 * HF_ARGS_LIST + 1];
	struct hf_show show;
	struct hf_batch batch;
	struct hf_diag diag;
};

static enum hf_exit fail(const struct run *r, enum hf_exit code)
{
	hf_out_error("%s", r->diag.text);
	return code;
}

/* ---- the job ---- */

static enum hf_exit open_job(struct run *r, const char *path)
{
	struct hf_job_keys keys = {.count = 0};
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < r->a.job_keys.count && !err; i++)
		err = hf_job_keys_add(&keys, r->a.job_keys.item[i], &r->diag);
	if (err)
		return fail(r, HF_EXIT_INPUT);
	err = hf_job_read(path, &keys, &r->job, &r->diag);
	if (!err)
		err = hf_job_check_files(&r->job, &r->diag);
	if (err)
		return fail(r, err == HF_ERR_IO && r->job.name[0] == 0 ? HF_EXIT_INPUT : HF_EXIT_JOB);
	return HF_EXIT_OK;
}

/* Beside the job, under its name without the ending. */
static void beside(const char *job, const char *ending, char *path, size_t room)
{
	const char *dot = strrchr(job, '.'), *slash = strrchr(job, '/');
	int len = dot && (!slash || dot > slash + 1) && dot != job ? (int)(dot - job) : (int)strlen(job);

	snprintf(path, room, "%.*s%s", len, job, ending);
}

/* ---- ports ---- */

static bool add_port(struct run *r, const char *name)
{
	for (unsigned i = 0; i < r->ports; i++)
		if (strcmp(r->port[i], name) == 0)
			return hf_diag_set(&r->diag, "the port %s is named twice", name), false;
	if (strlen(name) >= HF_PORT_TEXT || r->ports == HF_BATCH_PORTS)
		return hf_diag_set(&r->diag, "there are more than %d ports, or one has a name that is too long", HF_BATCH_PORTS), false;
	r->port[r->ports++] = name;
	return true;
}

/* One a line; # begins a comment. */
static bool add_file(struct run *r)
{
	char *line, *rest;

	if (hf_file_read(r->a.ports_file, PORTS_BYTES, &r->ports_text, &r->diag))
		return false;
	rest = (char *)r->ports_text.ptr;
	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, "#")] = 0;
		line += strspn(line, " \t");
		for (size_t len = strlen(line); len > 0 && isspace((unsigned char)line[len - 1]); len--)
			line[len - 1] = 0;
		if (*line && !add_port(r, line))
			return false;
	}
	return true;
}

/* Every port where a device or a chip's loader answers. */
static bool add_all(struct run *r)
{
	const struct hf_probe_how how = {.brief = true, .stop = hf_interrupted};

	if (hf_survey_all(&r->survey, &r->diag))
		return false;
	hf_survey_probe(&r->survey, &how, 0);
	for (size_t i = 0; i < r->survey.count; i++) {
		const struct hf_survey_port *p = &r->survey.port[i];
		bool device = p->state == HF_SURVEY_PROBED && (hf_probe_is_holdfast(&p->probe) || p->probe.peer == HF_PEER_ROM);

		if (device && !add_port(r, p->name))
			return false;
	}
	return true;
}

static enum hf_exit open_ports(struct run *r)
{
	for (unsigned i = 0; i < r->a.ports.count; i++)
		if (!add_port(r, r->a.ports.item[i]))
			return fail(r, HF_EXIT_USAGE);
	if (r->a.ports_file && !add_file(r))
		return fail(r, HF_EXIT_INPUT);
	if (r->a.all && !add_all(r))
		return fail(r, HF_EXIT_NO_DEVICE);
	if (r->ports > 0)
		return HF_EXIT_OK;
	hf_diag_set(&r->diag, "no port %s; see what is there with `holdfast list`, and name ports with --port or --ports",
		    r->a.all ? "has a device at its end" : "was named");
	return fail(r, HF_EXIT_NO_DEVICE);
}

/* ---- the books ---- */

static enum hf_exit open_records(struct run *r)
{
	enum hf_err err = hf_passports_open(&r->records, r->records_path, &r->diag);

	if (!err && r->records.chain.torn)
		hf_out_warning("%s: its last line was not written completely when the station stopped; it was cut off, and its device is done "
			       "again", r->records_path);
	if (!err)
		return HF_EXIT_OK;
	return fail(r, err == HF_ERR_IO ? HF_EXIT_DISK : err == HF_ERR_BUSY ? HF_EXIT_BUSY : HF_EXIT_INPUT);
}

static enum hf_exit open_ledger(struct run *r)
{
	const struct hf_ledger_options o = {.dir = r->ledger_dir, .range = r->range, .station = r->station, .take_over = r->a.take_over};
	enum hf_err err;

	if (!r->job.has_serials)
		return HF_EXIT_OK;
	err = hf_ledger_open(&r->ledger, &o, &r->diag);
	if (!err)
		err = hf_passports_check(&r->records, &r->ledger, &r->diag);
	return err ? fail(r, err == HF_ERR_IO ? HF_EXIT_DISK : HF_EXIT_SERIALS) : HF_EXIT_OK;
}

/* False: diag says why, and that nothing is lost. */
static bool write_reports(struct run *r)
{
	struct hf_report report;
	enum hf_err err;

	if (r->a.reports.count == 0)
		return true;
	err = hf_report_load(&report, r->records_path, r->batch.job_id, &r->diag);
	for (unsigned i = 0; i < r->a.reports.count && !err; i++)
		err = hf_report_write(&report, r->a.reports.item[i], &r->diag);
	hf_report_free(&report);
	if (err) {
		struct hf_diag why = r->diag;

		hf_diag_set(&r->diag, "%.300s; nothing is lost, the records are in %.150s: make the report later with `holdfast job report "
				      "%.150s --out FILE`", why.text, r->records_path, r->records_path);
	}
	return !err;
}

/* ---- running ---- */

static unsigned stops(void *ctx)
{
	(void)ctx;
	return hf_interrupt_counted();
}

static void add_extra(struct run *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->a.site_keys.count; i++) {
		r->extra[n++] = (char *)(uintptr_t)"--key";
		r->extra[n++] = (char *)(uintptr_t)r->a.site_keys.item[i];
	}
	if (r->a.password_files.count) {
		r->extra[n++] = (char *)(uintptr_t)"--password-file";
		r->extra[n++] = (char *)(uintptr_t)r->a.password_files.item[0];
	}
}

static enum hf_exit work(struct run *r)
{
	const struct hf_batch_options o = {
		.job = &r->job,
		.tool = r->a.tool ? r->a.tool : SELF,
		.operator_name = r->a.operator_name,
		.station = r->station,
		.silence_ms = r->silence_ms,
		.at_once = r->a.at_once,
		.continuous = r->a.continuous,
		.again = r->a.again,
		.scan = r->job.has_serials && r->job.serial_scanned,
		.input = STDIN_FILENO,
		.extra = r->extra,
		.stops = stops,
		.tell = hf_show_event,
		.draw = hf_show_draw,
		.ctx = &r->show,
	};
	enum hf_exit code;
	bool reported;

	add_extra(r);
	hf_interrupt_count();
	signal(SIGPIPE, SIG_IGN); /* who reads our words may leave; the devices under way are not his */
	hf_show_begin(&r->show, r->a.json);
	code = hf_batch_run(&r->batch, &o, r->job.has_serials ? &r->ledger : NULL, &r->records, r->port, r->ports);
	reported = write_reports(r);
	if (!reported)
		code = HF_EXIT_DISK;
	hf_show_end(&r->show, &r->batch, code, reported ? NULL : r->diag.text, &r->records.chain);
	for (unsigned i = 0; i < r->a.reports.count && reported && !r->a.json; i++)
		printf("report: %s\n", r->a.reports.item[i]);
	return code;
}

static enum hf_exit run(struct run *r, const char *job)
{
	enum hf_exit code = open_job(r, job);

	if (code == HF_EXIT_OK && r->job.operator_required && !r->a.operator_name) {
		hf_out_error("this job wants to know who works: give --operator NAME");
		code = HF_EXIT_USAGE;
	}
	r->range = r->job.range;
	if (code == HF_EXIT_OK && r->a.share) {
		unsigned share, shares;
		int used = 0;

		if (sscanf(r->a.share, "%u/%u%n", &share, &shares, &used) != 2 || r->a.share[used] || !r->job.has_serials ||
		    !hf_serial_split(&r->range, share, shares)) {
			hf_out_error("--share wants something like 1/2, the first half of the job's serial numbers, not '%s'", r->a.share);
			code = HF_EXIT_USAGE;
		}
	}
	if (code == HF_EXIT_OK)
		code = open_ports(r);
	if (code == HF_EXIT_OK)
		code = open_records(r);
	if (code == HF_EXIT_OK)
		code = open_ledger(r);
	if (code == HF_EXIT_OK)
		code = work(r);
	hf_ledger_close(&r->ledger);
	hf_passports_close(&r->records);
	hf_survey_free(&r->survey);
	hf_buffer_free(&r->ports_text);
	return code;
}

static bool check(struct run *r, const struct hf_usage *usage, enum hf_exit *code)
{
	*code = HF_EXIT_USAGE;
	r->silence_ms = SILENCE_MS;
	if (r->a.job_keys.count == 0)
		hf_args_wrong(usage, "--job-key is missing: which key may sign jobs for this station?");
	else if (r->a.silence && (!hf_duration_parse(r->a.silence, &r->silence_ms) || r->silence_ms == 0))
		hf_args_wrong(usage, "--silence wants a time as 300s or 5m, not '%s'", r->a.silence);
	else if (r->a.site_keys.count > 1 || r->a.password_files.count > 1)
		hf_args_wrong(usage, "--key and --password-file are given once");
	else if (r->a.ports.count + r->a.all + (r->a.ports_file != NULL) == 0)
		hf_args_wrong(usage, "a port is missing: --port, --ports or --all");
	else
		*code = HF_EXIT_OK;
	for (unsigned i = 0; i < r->a.reports.count && *code == HF_EXIT_OK; i++)
		if (!hf_report_name(r->a.reports.item[i]) || strcmp(r->a.reports.item[i], "-") == 0)
			*code = hf_args_wrong(usage, "--report wants a FILE.html or FILE.csv, not '%s'", r->a.reports.item[i]);
	return *code == HF_EXIT_OK;
}

enum hf_exit hf_command_batch(int argc, char **argv)
{
	static struct run r;
	struct batch_args *a = &r.a;
	const struct hf_arg options[] = {
		{"job-key", 0, HF_ARG_LIST, "FILE", "a public key that may sign jobs, or a keyset, whose site and release keys may",
		 &a->job_keys, NULL},
		{"port", 'p', HF_ARG_LIST, "PORT", "a port to work on, as other commands take it; several at once", &a->ports, NULL},
		{"ports", 0, HF_ARG_TEXT, "FILE", "more of them, one a line", &a->ports_file, NULL},
		{"all", 0, HF_ARG_FLAG, NULL, "every port where a device answers now", &a->all, NULL},
		{"operator", 0, HF_ARG_TEXT, "NAME", "who works; goes into the records", &a->operator_name, NULL},
		{"continuous", 0, HF_ARG_FLAG, NULL, "a port that is done waits for its next device (default: each port once)",
		 &a->continuous, NULL},
		{"again", 0, HF_ARG_FLAG, NULL, "also devices that have passed in this job already", &a->again, NULL},
		{"records", 0, HF_ARG_TEXT, "FILE", "where the records are (default: JOB.records)", &a->records, NULL},
		{"report", 'r', HF_ARG_LIST, "FILE", "write a report at the end: FILE.html, FILE.csv", &a->reports, NULL},
		{"ledger", 0, HF_ARG_TEXT, "DIR", "where the serial numbers are accounted for, shared by all stations (default: JOB.serials)",
		 &a->ledger, NULL},
		{"station", 0, HF_ARG_TEXT, "NAME", "this station's name (default: the machine's)", &a->station, NULL},
		{"share", 0, HF_ARG_TEXT, "K/N", "this station has the Kth of N parts of the serial numbers", &a->share, NULL},
		{"take-over", 0, HF_ARG_FLAG, NULL, "take over serial numbers of a station or machine that has stopped for ever", &a->take_over,
		 NULL},
		{"at-once", 0, HF_ARG_U32, "N", "at most so many devices at once (default: all ports)", &a->at_once, NULL},
		{"silence", 0, HF_ARG_TEXT, "TIME", "a device's process that says nothing for so long is ended (default: 300s)", &a->silence,
		 NULL},
		{"key", 0, HF_ARG_LIST, "KEY", "a site key, for devices that take changes only from its holder", &a->site_keys, NULL},
		{"password-file", 0, HF_ARG_LIST, "FILE", "its first line is that key's password or PIN", &a->password_files, NULL},
		{"child", 0, HF_ARG_TEXT, "PROGRAM", NULL, &a->tool, NULL}, /* plays the tool in tests */
		{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &a->json, NULL},
	};
	const struct hf_usage usage = {
		.command = "batch",
		.summary = "burns many devices at once, as a signed job says",
		.synopsis = "JOB --job-key FILE --port PORT... [options]",
		.details = "Each port has a process of its own: a device that fails, hangs or vanishes does not disturb the others. What was done to each\n"
			   "device is a line of the records, on the disk before PASS is shown. After any stop, a power cut of the station included, run\n"
			   "the same command: devices that have passed are passed over, and no serial number is given twice or lost.\n\n"
			   "Where the job says that serial numbers are scanned, each line of standard input is one: it goes to the next port that\n"
			   "waits for a label, or, as `3 HF-000123`, to the third port.\n\n"
			   "Ctrl-C: no new device is begun. Again: those under way are stopped so that they can be continued.",
		.example = "holdfast batch line-3.job --job-key keys/site.pub.pem --all --operator Li --report line-3.html\n"
			   "  holdfast batch line-3.job --job-key keys/release.keyset --ports ports.txt --continuous",
		.exits = "3 a file is wrong, 5 no port, 7 interrupted, 8 the records are in use by another batch, 13 a record, serial number or "
			 "report could not be written, 14 the job is not what was signed, 15 another station has the serial numbers, or none is "
			 "left, 16 devices failed",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code) || !check(&r, &usage, &code))
		return code;
	gethostname(r.station, sizeof(r.station) - 1);
	if (a->station)
		snprintf(r.station, sizeof(r.station), "%s", a->station);
	beside(rest.item[0], ".records", r.records_path, sizeof(r.records_path));
	beside(rest.item[0], ".serials", r.ledger_dir, sizeof(r.ledger_dir));
	if (a->records)
		snprintf(r.records_path, sizeof(r.records_path), "%s", a->records);
	if (a->ledger)
		snprintf(r.ledger_dir, sizeof(r.ledger_dir), "%s", a->ledger);
	return run(&r, rest.item[0]);
}
