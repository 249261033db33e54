/* SPDX-License-Identifier: MIT
 *
 * `holdfast job`: makes, signs and shows jobs of `holdfast batch`, and reads what a batch has left: records and serial numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "args_man.h"
#include "command.h"
#include "job.h"
#include "keys.h"
#include "port.h"
#include "report.h"

/* ---- make ---- */

struct make_args {
	struct hf_job job;
	const char *file[HF_JOB_ROLES];
	const char *name, *operation, *out, *serials, *test, *test_limit, *limit;
	struct hf_args_list burn, factory;
	bool to_device, scan, force;
};

/* "HF-000001..HF-000500": everything before the last digits is the prefix. */
static bool parse_range(const char *text, struct hf_serial_range *r)
{
	const char *dots = strstr(text, "..");
	size_t len = dots ? (size_t)(dots - text) : 0, digits = 0;

	while (digits < len && digits < 9 && text[len - 1 - digits] >= '0' && text[len - 1 - digits] <= '9')
		digits++;
	if (!digits || len - digits == 0 || len - digits >= HF_SERIAL_PREFIX || strlen(dots + 2) != len ||
	    memcmp(text, dots + 2, len - digits) != 0 || strspn(dots + 2 + len - digits, "0123456789") != digits)
		return false;
	memcpy(r->prefix, text, len - digits);
	r->digits = (uint32_t)digits;
	r->first = (uint32_t)strtoul(text + len - digits, NULL, 10);
	r->last = (uint32_t)strtoul(dots + 2 + len - digits, NULL, 10);
	return r->last >= r->first;
}

static bool take_list(const struct hf_args_list *list, struct hf_job_options *out)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (out->count == HF_JOB_OPTIONS || strlen(list->item[i]) >= HF_JOB_TEXT)
			return false;
		strcpy(out->text[out->count++], list->item[i]);
	}
	return true;
}

static bool take_operation(const char *text, struct hf_job *job)
{
	for (job->operation = HF_JOB_BURN; job->operation <= HF_JOB_FACTORY_BURN; job->operation++)
		if (strcmp(text, hf_job_operation_text(job->operation)) == 0)
			return true;
	return false;
}

static enum hf_exit fill(struct make_args *a, const struct hf_usage *usage)
{
	struct hf_job *job = &a->job;
	uint32_t ms;

	if (!a->name || !a->out || strlen(a->name) >= sizeof(job->name))
		return hf_args_wrong(usage, "--name and --out are needed, a name of at most %zu characters", sizeof(job->name) - 1);
	strcpy(job->name, a->name);
	if (!take_operation(a->operation ? a->operation : "burn", job))
		return hf_args_wrong(usage, "--operation is burn, factory or factory+burn, not '%s'", a->operation);
	if (a->serials && !parse_range(a->serials, &job->range))
		return hf_args_wrong(usage, "--serials wants something like HF-000001..HF-000500, not '%s'", a->serials);
	if ((a->to_device || a->scan) && !a->serials)
		return hf_args_wrong(usage, "--serial-to-device and --scan go with --serials");
	job->has_serials = a->serials != NULL;
	job->serial_to_device = a->to_device;
	job->serial_scanned = a->scan;
	job->test_limit_s = 60;
	if (a->test_limit && (!a->test || !hf_duration_parse(a->test_limit, &ms) || ms < 1000))
		return hf_args_wrong(usage, "--test-limit wants a time as 60s, and a --test");
	if (a->test_limit)
		job->test_limit_s = ms / 1000;
	if (a->limit && (!hf_duration_parse(a->limit, &ms) || ms < 1000))
		return hf_args_wrong(usage, "--limit wants a time as 600s or 10m, not '%s'", a->limit);
	job->limit_s = a->limit ? ms / 1000 : 1800;
	if (a->test && strlen(a->test) >= sizeof(job->test))
		return hf_args_wrong(usage, "the test command is longer than %zu characters: put it into a script", sizeof(job->test) - 1);
	if (a->test)
		strcpy(job->test, a->test);
	if (!take_list(&a->burn, &job->burn) || !take_list(&a->factory, &job->factory))
		return hf_args_wrong(usage, "a job passes on at most %d options", HF_JOB_OPTIONS);
	for (unsigned role = 0; role < HF_JOB_ROLES; role++) {
		job->file[role].known = a->file[role] != NULL;
		if (a->file[role])
			snprintf(job->file[role].name, sizeof(job->file[role].name), "%s", a->file[role]);
	}
	return HF_EXIT_OK;
}

/* What was written is read back as a batch will read it, so that no job leaves here that is refused there. */
static enum hf_exit write_job(struct make_args *a)
{
	static struct hf_job check;
	struct hf_diag diag;
	enum hf_err err = hf_job_write(&a->job, a->out, a->force ? 0 : HF_FILE_NEW, &diag);

	if (!err) {
		err = hf_job_read(a->out, NULL, &check, &diag);
		if (!err)
			err = hf_job_check_files(&check, &diag);
		if (err)
			remove(a->out);
	}
	if (err) {
		hf_out_error("%s", diag.text);
		return err == HF_ERR_IO ? HF_EXIT_INTERNAL : HF_EXIT_INPUT;
	}
	printf("%s: a job for %u devices; read it, then sign it: holdfast job sign %s --key KEY\n", a->out, a->job.quota, a->out);
	return HF_EXIT_OK;
}

static enum hf_exit make(int argc, char **argv)
{
	static struct make_args a;
	struct hf_job *job = &a.job;
	const struct hf_arg options[] = {
		{"name", 0, HF_ARG_TEXT, "TEXT", "what people call the job", &a.name, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the job file", &a.out, NULL},
		{"force", 0, HF_ARG_FLAG, NULL, "even if FILE exists", &a.force, NULL},
		{"operation", 0, HF_ARG_TEXT, "WHAT", "burn (default), factory (through the chip's ROM loader), or factory+burn", &a.operation,
		 NULL},
		{"package", 0, HF_ARG_TEXT, "FILE", "the package to burn", &a.file[HF_JOB_PACKAGE], NULL},
		{"board", 'b', HF_ARG_TEXT, "FILE", "the devices' board file", &a.file[HF_JOB_BOARD], NULL},
		{"keyset", 0, HF_ARG_TEXT, "FILE", "the keyset that devices trust; for factory, the one they get", &a.file[HF_JOB_KEYSET], NULL},
		{"boot", 0, HF_ARG_TEXT, "FILE", "factory: boot", &a.file[HF_JOB_BOOT], NULL},
		{"recovery", 0, HF_ARG_TEXT, "FILE", "factory: the package of recovery", &a.file[HF_JOB_RECOVERY], NULL},
		{"first", 0, HF_ARG_TEXT, "FILE", "factory: the first firmware, for slot A", &a.file[HF_JOB_FIRST], NULL},
		{"burn-option", 0, HF_ARG_LIST, "TEXT", "passed on to `holdfast burn`, one word each time: --burn-option=--line "
		 "--burn-option=460800", &a.burn, NULL},
		{"factory-option", 0, HF_ARG_LIST, "TEXT", "passed on to `holdfast factory`", &a.factory, NULL},
		{"quota", 0, HF_ARG_U32, "N", "so many devices may pass (default: 1000)", &job->quota, NULL},
		{"retries", 0, HF_ARG_U32, "N", "attempts a device after the first (default: 2)", &job->retries, NULL},
		{"stop-after", 0, HF_ARG_U32, "N", "begin no new device after so many failed (default: 0, never)", &job->stop_after, NULL},
		{"limit", 0, HF_ARG_TEXT, "TIME", "an attempt takes at most so long, by the device's clock (default: 30m)", &a.limit, NULL},
		{"serials", 0, HF_ARG_TEXT, "A..B", "serial numbers to give, as HF-000001..HF-000500", &a.serials, NULL},
		{"scan", 0, HF_ARG_FLAG, NULL, "they are scanned or typed, one a device (default: allocated)", &a.scan, NULL},
		{"serial-to-device", 0, HF_ARG_FLAG, NULL, "write them into the devices' configuration as well", &a.to_device, NULL},
		{"test", 0, HF_ARG_TEXT, "COMMAND", "run by the shell for each device at the end; exit code 0: passed", &a.test, NULL},
		{"test-limit", 0, HF_ARG_TEXT, "TIME", "it takes at most so long (default: 60s)", &a.test_limit, NULL},
		{"operator-required", 0, HF_ARG_FLAG, NULL, "a batch has to say who works", &job->operator_required, NULL},
	};
	const struct hf_usage usage = {
		.command = "job make",
		.summary = "makes a job for `holdfast batch`",
		.synopsis = "--name TEXT --package FILE --out JOB [options]",
		.details = "A job is a text that people can read and edit, until it is signed. It names every file with its SHA-256; files are looked for\n"
			   "from the job's own directory, so that both can be moved together.",
		.example = "holdfast job make --name \"line 3\" --package gateway-1.1.0.suit --board boards/reference.conf \\\n"
			   "      --serials HF-000001..HF-000500 --serial-to-device --quota 500 --out line-3.job",
		.exits = "3 an input file is wrong",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	job->quota = 1000;
	job->retries = 2;
	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	code = fill(&a, &usage);
	return code == HF_EXIT_OK ? write_job(&a) : code;
}

/* ---- sign ---- */

static enum hf_exit sign(int argc, char **argv)
{
	static struct hf_keys keys;
	const char *out = NULL;
	const struct hf_arg options[] = {
		HF_KEYS_ARGS(keys, "the key that signs, a site or release key (a file or a pkcs11: URI)"),
		{"out", 'o', HF_ARG_TEXT, "FILE", "the signed job (default: replaces JOB)", &out, NULL},
	};
	const struct hf_usage usage = {
		.command = "job sign",
		.summary = "signs a job, so that stations take it",
		.synopsis = "JOB --key KEY [options]",
		.details = "Every file that the job names is compared with its digest first. A signature that is there already is replaced.",
		.example = "holdfast job sign line-3.job --key keys/site.pem",
		.exits = "3 the job, one of its files or the key is wrong",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	struct hf_diag diag;
	char id[HF_KEY_ID_TEXT];
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (keys.names.count != 1)
		return hf_args_wrong(&usage, keys.names.count ? "one key signs a job" : "--key is missing");
	err = hf_keys_open(&keys, &diag);
	if (!err)
		err = hf_job_sign(rest.item[0], out ? out : rest.item[0], keys.signer[0], &diag);
	code = err ? hf_keys_fail(err, &diag) : HF_EXIT_OK;
	if (!err)
		printf("%s: signed by key %s; stations take it with --job-key and that key's public half\n", out ? out : rest.item[0],
		       hf_key_id(hf_public_key_bytes(hf_signer_key(keys.signer[0])), id));
	hf_keys_close(&keys);
	return code;
}

/* ---- show ---- */

static json_t *job_json(const struct hf_job *job)
{
	json_t *all, *files = json_object();
	char hex[65], first[HF_SERIAL_TEXT], last[HF_SERIAL_TEXT];

	for (unsigned role = 0; role < HF_JOB_ROLES; role++)
		if (job->file[role].known)
			json_object_set_new(files, hf_job_role_text(role), json_pack("{s:s, s:s}", "file", job->file[role].path, "sha256",
										     hf_out_hex(job->file[role].sha256, 32, hex)));
	all = json_pack("{s:s, s:s, s:s, s:o, s:i, s:i, s:i, s:i, s:b, s:s, s:b, s:s}", "job", hf_out_hex(job->id, 32, hex), "name",
			job->name, "operation", hf_job_operation_text(job->operation), "files", files, "quota", (int)job->quota,
			"retries", (int)job->retries, "stop_after", (int)job->stop_after, "limit_s", (int)job->limit_s,
			"operator_required", job->operator_required, "test", job->test, "signed", job->is_signed, "signed_by", job->key_id);
	if (job->has_serials)
		json_object_set_new(all, "serials", json_pack("{s:s, s:s, s:b, s:b}", "first",
							      hf_serial_format(&job->range, job->range.first, first), "last",
							      hf_serial_format(&job->range, job->range.last, last), "scanned",
							      job->serial_scanned, "to_device", job->serial_to_device));
	return all;
}

static void print_job(const struct hf_job *job)
{
	char hex[65], first[HF_SERIAL_TEXT], last[HF_SERIAL_TEXT];

	printf("%s: \"%s\"\n  id         %s\n  operation  %s\n", job->path, job->name, hf_out_hex(job->id, 32, hex),
	       hf_job_operation_text(job->operation));
	for (unsigned role = 0; role < HF_JOB_ROLES; role++)
		if (job->file[role].known)
			printf("  %-10s %s\n             sha256 %s\n", hf_job_role_text(role), job->file[role].path,
			       hf_out_hex(job->file[role].sha256, 32, hex));
	printf("  quota      %u devices, %u retries each", job->quota, job->retries);
	if (job->stop_after)
		printf(", stops after %u failures", job->stop_after);
	printf("\n");
	if (job->has_serials)
		printf("  serials    %s to %s, %s%s\n", hf_serial_format(&job->range, job->range.first, first),
		       hf_serial_format(&job->range, job->range.last, last), job->serial_scanned ? "scanned" : "allocated",
		       job->serial_to_device ? ", written into the devices" : "");
	if (job->test[0])
		printf("  test       %s (at most %u s)\n", job->test, job->test_limit_s);
	if (job->operator_required)
		printf("  operator   has to be named\n");
	printf("  signature  %s%s\n", !job->is_signed ? "none: a batch does not take it" : job->key_id[0] ? "good, by key " :
	       "not looked at: --job-key FILE says whose is trusted", job->key_id);
}

static enum hf_exit show(int argc, char **argv)
{
	struct hf_args_list names = {.count = 0};
	bool json = false;
	const struct hf_arg options[] = {
		{"job-key", 0, HF_ARG_LIST, "FILE", "look at the signature, too: a public key, or a keyset", &names, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "job show",
		.summary = "shows a job; with --job-key, whether a station would take it",
		.synopsis = "JOB [options]",
		.example = "holdfast job show line-3.job --job-key keys/site.pub.pem",
		.exits = "3 it cannot be read, 14 it is not what was signed, or one of its files is not",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	static struct hf_job job;
	struct hf_job_keys keys = {.count = 0};
	struct hf_args_rest rest;
	struct hf_diag diag;
	enum hf_exit code;
	enum hf_err err = HF_OK;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	for (unsigned i = 0; i < names.count && !err; i++)
		err = hf_job_keys_add(&keys, names.item[i], &diag);
	code = HF_EXIT_INPUT;
	if (!err) {
		err = hf_job_read(rest.item[0], names.count ? &keys : NULL, &job, &diag);
		code = err == HF_ERR_IO || !names.count ? HF_EXIT_INPUT : HF_EXIT_JOB;
	}
	if (!err && names.count)
		err = hf_job_check_files(&job, &diag);
	if (err) {
		hf_out_error("%s", diag.text);
		return code;
	}
	if (json)
		hf_out_json(job_json(&job));
	else
		print_job(&job);
	return HF_EXIT_OK;
}

/* ---- records ---- */

static enum hf_exit load(struct hf_report *r, const char *path, const char *job)
{
	struct hf_diag diag;
	enum hf_err err = hf_report_load(r, path, job, &diag);

	if (!err)
		return HF_EXIT_OK;
	hf_out_error("%s", diag.text);
	return HF_EXIT_INPUT;
}

static enum hf_exit report(int argc, char **argv)
{
	struct hf_args_list outs = {.count = 0};
	const char *job = NULL;
	const struct hf_arg options[] = {
		{"out", 'o', HF_ARG_LIST, "FILE", "FILE.html or FILE.csv; several at once (default: CSV to standard output)", &outs, NULL},
		{"job", 0, HF_ARG_TEXT, "ID", "only this job's records: the first digits of its id", &job, NULL},
	};
	const struct hf_usage usage = {
		.command = "job report",
		.summary = "makes a report of a batch's records",
		.synopsis = "RECORDS [--out FILE] [options]",
		.example = "holdfast job report line-3.records --out line-3.html --out line-3.csv",
		.exits = "3 the records are damaged or were edited, 13 the report could not be written",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	struct hf_report r;
	struct hf_diag diag;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (outs.count == 0)
		outs = (struct hf_args_list){{"-"}, 1};
	for (unsigned i = 0; i < outs.count; i++)
		if (!hf_report_name(outs.item[i]))
			return hf_args_wrong(&usage, "--out wants a FILE.html or FILE.csv, not '%s'", outs.item[i]);
	code = load(&r, rest.item[0], job);
	if (code != HF_EXIT_OK)
		return code;
	for (unsigned i = 0; i < outs.count && code == HF_EXIT_OK; i++) {
		if (hf_report_write(&r, outs.item[i], &diag) != HF_OK) {
			hf_out_error("%s", diag.text);
			code = HF_EXIT_DISK;
		}
	}
	hf_report_free(&r);
	return code;
}

static enum hf_exit verify(int argc, char **argv)
{
	const char *head = NULL;
	bool json = false;
	const struct hf_arg options[] = {
		{"head", 0, HF_ARG_TEXT, "HASH", "the last hash, as a batch or report has told it: shows whether lines were taken away at the end",
		 &head, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "job verify",
		.summary = "says whether records are whole: no line changed, taken away or put in",
		.synopsis = "RECORDS [options]",
		.details = "Each record holds the hash of the one before. What a chain alone cannot show is that its last lines were taken away, or that\n"
			   "somebody has written the whole file anew: --head compares its end with a hash that was noted elsewhere.",
		.example = "holdfast job verify line-3.records",
		.exits = "3 a line is broken: it is named",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	struct hf_report_sums sums;
	struct hf_report r;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	code = load(&r, rest.item[0], NULL);
	if (code != HF_EXIT_OK)
		return code;
	if (r.torn)
		hf_out_warning("%s: the last line was not written completely (a power cut); the next batch cuts it off", rest.item[0]);
	sums = hf_report_sum(&r);
	if (head && strncmp(head, r.head, strlen(head)) != 0) {
		hf_out_error("%s: it ends with %s, and not with %s: lines are missing at its end, or were added", rest.item[0], r.head, head);
		code = HF_EXIT_INPUT;
	} else if (json) {
		hf_out_json(json_pack("{s:b, s:i, s:s, s:i, s:i, s:i, s:i}", "whole", 1, "records", (int)json_array_size(r.records), "head",
				      r.head, "passed", (int)sums.passed, "failed", (int)sums.failed, "stopped", (int)sums.stopped, "torn",
				      (int)r.torn));
	} else {
		printf("%s: %zu records, whole; %u devices passed, %u failed\n  last hash %s\n", rest.item[0], json_array_size(r.records),
		       sums.passed, sums.failed, r.head);
	}
	hf_report_free(&r);
	return code;
}

/* ---- serial numbers ---- */

static void print_numbers(const struct hf_ledger *l)
{
	static const char *const states[] = {"free", "reserved", "bound", "used"};
	struct hf_ledger_count c = hf_ledger_count(l);
	char serial[HF_SERIAL_TEXT];

	printf("%s: station '%s' since %s\n  %u used, %u bound to a device that has not passed yet, %u reserved, %u free\n", l->chain.path,
	       l->station, l->since, c.used, c.bound, c.reserved, c.free);
	for (uint32_t i = 0; i <= l->range.last - l->range.first; i++)
		if (l->number[i].state != HF_SERIAL_FREE)
			printf("  %s  %-8s  %s\n", hf_serial_format(&l->range, l->range.first + i, serial), states[l->number[i].state],
			       l->number[i].device);
}

static enum hf_exit serials(int argc, char **argv)
{
	const struct hf_usage usage = {
		.command = "job serials",
		.summary = "shows which serial numbers a station's ledger has given to whom",
		.synopsis = "LEDGER",
		.example = "holdfast job serials line-3.serials/HF--000001-000500.ledger",
		.exits = "3 it cannot be read, or is damaged",
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	struct hf_ledger l;
	struct hf_diag diag;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (hf_ledger_look(&l, rest.item[0], &diag) != HF_OK) {
		hf_out_error("%s", diag.text);
		return HF_EXIT_INPUT;
	}
	print_numbers(&l);
	hf_ledger_close(&l);
	return HF_EXIT_OK;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	enum hf_exit (*run)(int argc, char **argv);
} parts[] = {
	{"make", make},
	{"sign", sign},
	{"show", show},
	{"report", report},
	{"verify", verify},
	{"serials", serials},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

enum hf_exit hf_command_job(int argc, char **argv)
{
	const struct hf_usage usage = {
		.command = "job",
		.summary = "makes, signs and shows jobs for batches; reports of what they did",
		.synopsis = "make|sign|show|report|verify|serials [arguments]",
		.details = "  make     makes a job\n"
			   "  sign     signs it, so that stations take it\n"
			   "  show     shows it, and whether its signature is good\n"
			   "  report   makes a report of a batch's records: HTML, CSV\n"
			   "  verify   says whether records are whole\n"
			   "  serials  shows which serial numbers were given to whom\n\n"
			   "`holdfast job PART --help` explains a part.",
		.example = "holdfast job show line4.job",
		.exits = "3 a file is wrong, 4 a key may not sign this, 14 the job is not what was signed, 15 serial numbers",
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	for (size_t i = 0; i < PARTS && argc == 2 && hf_args_is_completion(argv[1]); i++) {
		char *with[] = {argv[0], argv[1], NULL};

		parts[i].run(2, with);
	}
	for (size_t i = 0; i < PARTS && argc > 1; i++) {
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argc - 1, argv + 1);
	}
	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	return hf_args_wrong(&usage, "it wants make, sign, show, report, verify or serials");
}
