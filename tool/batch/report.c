/* SPDX-License-Identifier: MIT
 *
 * A device that was done several times counts once, by its last record; the table has all records.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

static const char *text_of(json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

static long long number_of(json_t *record, const char *key)
{
	return (long long)json_integer_value(json_object_get(record, key));
}

/* ---- loading ---- */

static const char *key_of(json_t *record, char key[HF_DEVICE_TEXT + 66])
{
	snprintf(key, HF_DEVICE_TEXT + 66, "%.63s %.64s", text_of(record, "device_id"), text_of(record, "job"));
	return key;
}

struct loading {
	struct hf_report *r;
	const char *job;
};

static bool keep(void *ctx, json_t *line, unsigned number)
{
	struct loading *l = ctx;
	char key[HF_DEVICE_TEXT + 66];

	(void)number;
	if (l->job && strncmp(text_of(line, "job"), l->job, strlen(l->job)) != 0)
		return true;
	json_object_set_new(l->r->last, key_of(line, key), json_integer((json_int_t)json_array_size(l->r->records)));
	return json_array_append(l->r->records, line) == 0;
}

enum hf_err hf_report_load(struct hf_report *r, const char *path, const char *job, struct hf_diag *diag)
{
	struct hf_passports p;
	struct loading l = {r, job};
	enum hf_err err;

	*r = (struct hf_report){.records = json_array(), .last = json_object()};
	snprintf(r->path, sizeof(r->path), "%s", path);
	err = hf_passports_read(&p, path, keep, &l, diag);
	memcpy(r->head, p.chain.head, sizeof(r->head));
	r->lines = p.chain.lines;
	r->torn = p.chain.torn;
	hf_passports_close(&p);
	if (err)
		hf_report_free(r);
	return err;
}

void hf_report_free(struct hf_report *r)
{
	json_decref(r->records);
	json_decref(r->last);
	r->records = r->last = NULL;
}

/* ---- sums ---- */

/* The same device in the same job comes again behind `i`. */
static bool is_replaced(const struct hf_report *r, size_t i)
{
	json_t *record = json_array_get(r->records, i);
	char key[HF_DEVICE_TEXT + 66];

	return *text_of(record, "device_id") && (size_t)json_integer_value(json_object_get(r->last, key_of(record, key))) != i;
}

struct hf_report_sums hf_report_sum(const struct hf_report *r)
{
	struct hf_report_sums s = {0};

	for (size_t i = 0; i < json_array_size(r->records); i++) {
		json_t *record = json_array_get(r->records, i);
		const char *outcome = text_of(record, "outcome");
		bool passed = strcmp(outcome, "pass") == 0;

		if (!s.from)
			s.from = text_of(record, "begin");
		s.to = text_of(record, "end");
		if (is_replaced(r, i))
			continue;
		s.passed += passed;
		s.failed += strcmp(outcome, "fail") == 0;
		s.stopped += strcmp(outcome, "stopped") == 0;
		s.first_time += passed && number_of(record, "attempts") <= 1;
		s.passed_ms += passed ? (unsigned long long)number_of(record, "device_ms") : 0;
	}
	return s;
}

/* ---- CSV ---- */

/* A cell that begins like a formula would be executed by a spreadsheet: it gets an apostrophe. */
static void put_cell(FILE *to, const char *text, const char *end)
{
	fprintf(to, "\"%s", *text && strchr("=+-@\t\r", *text) ? "'" : "");
	for (; *text; text++)
		fprintf(to, *text == '"' ? "\"\"" : "%c", *text);
	fprintf(to, "\"%s", end);
}

static const char *const columns[] = {"outcome", "device_id", "serial", "version", "digest", "board", "port", "operator", "station",
				      "begin", "end", "stage", "reason", "job", "job_name", "operation"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void put_csv(FILE *to, const struct hf_report *r)
{
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(to, "%s,", columns[c]);
	fprintf(to, "attempts,exit,device_ms,tests,hash\r\n");
	for (size_t i = 0; i < json_array_size(r->records); i++) {
		json_t *record = json_array_get(r->records, i);
		char *tests = json_dumps(json_object_get(record, "tests"), JSON_COMPACT | JSON_ENCODE_ANY);

		for (size_t c = 0; c < COLUMNS; c++)
			put_cell(to, text_of(record, columns[c]), ",");
		fprintf(to, "%lld,%lld,%lld,", number_of(record, "attempts"), number_of(record, "exit"), number_of(record, "device_ms"));
		put_cell(to, tests ? tests : "", ",");
		put_cell(to, text_of(record, "hash"), "\r\n");
		free(tests);
	}
}

/* ---- HTML ---- */

static void put_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;color:#1c2126;background:#fff;margin:2rem auto;max-width:78rem;padding:0 1rem}"
	"h1{font-size:1.5rem;margin:0 0 .2rem}p.sub{color:#59636e;margin:0 0 1.4rem}"
	".sums{display:flex;flex-wrap:wrap;gap:.5rem 2.4rem;margin:0 0 1rem}.sums div{min-width:6rem}"
	".sums b{display:block;font-size:1.9rem;line-height:1.15;font-weight:650}.sums span{color:#59636e}"
	".bar{display:flex;height:1.6rem;border-radius:4px;overflow:hidden;background:#e6e9ec;margin:0 0 1.6rem}"
	".bar i{display:block;-webkit-print-color-adjust:exact;print-color-adjust:exact}"
	".pass i,.bar .pass{background:#1a7f37}.bar .fail{background:#c9252d}.bar .stopped{background:#b7791f}"
	"table{border-collapse:collapse;width:100%;font-size:.83rem}th{text-align:left;border-bottom:2px solid #1c2126;padding:.35rem .5rem}"
	"td{border-bottom:1px solid #d5dadf;padding:.35rem .5rem;vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}td.s{white-space:nowrap}"
	"code{font:.8rem ui-monospace,monospace;white-space:nowrap}td.w{overflow-wrap:anywhere;min-width:6rem}"
	".o{font-weight:700;white-space:nowrap}.o.pass{color:#1a7f37}.o.fail{color:#c9252d}.o.stopped{color:#8a5a10}"
	"tr.old{color:#7b8590}footer{margin-top:1.6rem;color:#59636e;font-size:.84rem;overflow-wrap:anywhere}"
	"@media print{body{margin:0;max-width:none;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}"
	"@page{size:A4 landscape;margin:12mm}}";

static void put_bar(FILE *to, const struct hf_report_sums *s)
{
	const struct {
		const char *name;
		unsigned count;
	} parts[] = {{"pass", s->passed}, {"fail", s->failed}, {"stopped", s->stopped}};
	unsigned all = s->passed + s->failed + s->stopped;

	fprintf(to, "<div class=\"bar\" role=\"img\" aria-label=\"%u passed, %u failed, %u stopped\">", s->passed, s->failed, s->stopped);
	for (size_t i = 0; i < 3 && all; i++)
		if (parts[i].count)
			fprintf(to, "<i class=\"%s\" style=\"width:%.3f%%\" title=\"%u %s\"></i>", parts[i].name,
				100.0 * parts[i].count / all, parts[i].count, parts[i].name);
	fprintf(to, "</div>\n");
}

static void put_sum(FILE *to, const char *value, const char *what)
{
	fprintf(to, "<div><b>%s</b><span>%s</span></div>", value, what);
}

static void put_sums(FILE *to, const struct hf_report_sums *s)
{
	unsigned all = s->passed + s->failed + s->stopped;
	char text[32];

	fprintf(to, "<div class=\"sums\">");
	snprintf(text, sizeof(text), "%u", all);
	put_sum(to, text, all == 1 ? "device" : "devices");
	snprintf(text, sizeof(text), "%u", s->passed);
	put_sum(to, text, "passed");
	snprintf(text, sizeof(text), "%u", s->failed);
	put_sum(to, text, "failed");
	if (s->stopped) {
		snprintf(text, sizeof(text), "%u", s->stopped);
		put_sum(to, text, "stopped");
	}
	snprintf(text, sizeof(text), "%.1f %%", all ? 100.0 * s->first_time / all : 0);
	put_sum(to, text, "passed at the first attempt");
	snprintf(text, sizeof(text), "%.1f s", s->passed ? (double)s->passed_ms / 1000 / s->passed : 0);
	put_sum(to, text, "mean time of a device");
	fprintf(to, "</div>\n");
}

static void put_time(FILE *to, const char *time)
{
	if (strlen(time) == HF_CHAIN_TIME - 4)
		fprintf(to, "%.10s %.8s", time, time + 11);
	else
		put_text(to, time);
}

static void put_row(FILE *to, const struct hf_report *r, size_t i)
{
	json_t *record = json_array_get(r->records, i);
	const char *outcome = text_of(record, "outcome"), *reason = text_of(record, "reason");

	fprintf(to, "<tr%s><td class=\"n\">%lld</td><td class=\"o %s\">%s</td><td class=\"s\">", is_replaced(r, i) ? " class=\"old\"" : "",
		number_of(record, "n"), strcmp(outcome, "pass") == 0 ? "pass" : strcmp(outcome, "fail") == 0 ? "fail" : "stopped",
		strcmp(outcome, "pass") == 0 ? "PASS" : strcmp(outcome, "fail") == 0 ? "FAIL" : "stopped");
	put_text(to, text_of(record, "serial"));
	fprintf(to, "</td><td><code>");
	put_text(to, text_of(record, "device_id"));
	fprintf(to, "</code></td><td>");
	put_text(to, text_of(record, "version"));
	fprintf(to, "</td><td><code title=\"");
	put_text(to, text_of(record, "digest"));
	fprintf(to, "\">%.12s</code></td><td class=\"s\">", text_of(record, "digest"));
	put_time(to, text_of(record, "end"));
	fprintf(to, "</td><td class=\"n\">%.1f</td><td class=\"n\">%lld</td><td>", (double)number_of(record, "device_ms") / 1000,
		number_of(record, "attempts"));
	put_text(to, text_of(record, "operator"));
	fprintf(to, "</td><td class=\"w\">");
	if (*reason) {
		put_text(to, text_of(record, "stage"));
		fprintf(to, "%s", text_of(record, "stage")[0] ? ": " : "");
	}
	put_text(to, reason);
	fprintf(to, "</td></tr>\n");
}

/* The job's, where all records are one job's. */
static const char *name_of(const struct hf_report *r)
{
	json_t *first = json_array_get(r->records, 0);

	for (size_t i = 1; i < json_array_size(r->records); i++)
		if (strcmp(text_of(first, "job"), text_of(json_array_get(r->records, i), "job")) != 0)
			return "several jobs";
	return first ? text_of(first, "job_name") : "no devices yet";
}

static void put_html(FILE *to, const struct hf_report *r)
{
	struct hf_report_sums s = hf_report_sum(r);
	json_t *first = json_array_get(r->records, 0);

	fprintf(to, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		    "content=\"width=device-width\"><title>Batch report: ");
	put_text(to, name_of(r));
	fprintf(to, "</title><style>%s</style></head><body>\n<h1>", style);
	put_text(to, name_of(r));
	fprintf(to, "</h1><p class=\"sub\">Batch report of station ");
	put_text(to, first ? text_of(first, "station") : "?");
	fprintf(to, ", operation %s, ", first ? text_of(first, "operation") : "?");
	put_time(to, s.from ? s.from : "?");
	fprintf(to, " to ");
	put_time(to, s.to ? s.to : "?");
	fprintf(to, " (UTC)</p>\n");
	put_sums(to, &s);
	put_bar(to, &s);
	fprintf(to, "<table><thead><tr><th class=\"n\">line</th><th>outcome</th><th>serial</th><th>device id</th><th>version</th>"
		    "<th>digest</th><th>end (UTC)</th><th class=\"n\">seconds</th><th class=\"n\">attempts</th><th>operator</th>"
		    "<th>reason</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < json_array_size(r->records); i++)
		put_row(to, r, i);
	fprintf(to, "</tbody></table>\n<footer>%zu record%s of <code>", json_array_size(r->records),
		json_array_size(r->records) == 1 ? "" : "s");
	put_text(to, r->path);
	fprintf(to, "</code>, whose chain of hashes was whole when this was written; its last hash is <code>%s</code>. Check it with "
		    "<code>holdfast job verify RECORDS --head HASH</code>. A device in grey was done again later.</footer></body></html>\n",
		r->head);
}

/* ---- files ---- */

static char *print(const struct hf_report *r, void (*put)(FILE *to, const struct hf_report *r))
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	put(to, r);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

char *hf_report_html(const struct hf_report *r)
{
	return print(r, put_html);
}

char *hf_report_csv(const struct hf_report *r)
{
	return print(r, put_csv);
}

static bool ends(const char *path, const char *with)
{
	size_t len = strlen(path), end = strlen(with);

	return len > end && strcmp(path + len - end, with) == 0;
}

static bool is_html(const char *path)
{
	return ends(path, ".html") || ends(path, ".htm");
}

bool hf_report_name(const char *path)
{
	return is_html(path) || ends(path, ".csv") || strcmp(path, "-") == 0;
}

enum hf_err hf_report_write(const struct hf_report *r, const char *path, struct hf_diag *diag)
{
	char *text;
	enum hf_err err;

	if (!hf_report_name(path)) {
		hf_diag_set(diag, "%s: a report is FILE.html or FILE.csv", path);
		return HF_ERR_UNSUPPORTED;
	}
	text = is_html(path) ? hf_report_html(r) : hf_report_csv(r);
	if (!text) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	err = hf_file_write(path, (struct hf_bytes){(const uint8_t *)text, strlen(text)}, 0, diag);
	free(text);
	return err;
}
