/* SPDX-License-Identifier: MIT */
#include "burn_show.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "uuid.h"
#include "version.h"

#define COUNT_MS 500u /* between two figures of a countdown */

/* ---- on the way ---- */

static void end_lines(struct hf_burn_show *s, uint64_t now_ms)
{
	if (s->progressing)
		hf_progress_end(&s->progress, now_ms * 1000000);
	s->progressing = false;
	if (s->counting)
		fputs("\r\033[K", stderr);
	s->counting = false;
}

/* left_ms 0: as the rate so far says. */
static void show_progress(struct hf_burn_show *s, const char *what, uint64_t done, uint64_t total, uint64_t skipped,
			  uint32_t left_ms, uint64_t now_ms)
{
	if (!s->progressing) {
		hf_progress_begin(&s->progress, what, done, total, now_ms * 1000000, s->quiet);
		hf_progress_left(&s->progress, left_ms);
		s->skipped = skipped;
		s->progressing = true;
		return;
	}
	if (skipped > s->skipped)
		hf_progress_skip(&s->progress, skipped - s->skipped);
	s->skipped = skipped;
	hf_progress_left(&s->progress, left_ms);
	hf_progress_update(&s->progress, done, now_ms * 1000000);
}

static void show_upload(struct hf_burn_show *s, const struct hf_burn_event *e)
{
	show_progress(s, "uploading", e->off, e->total, e->skipped, e->left_ms, e->now_ms);
}

void hf_burn_show_wait(struct hf_burn_show *s, const char *what, uint32_t left_ms, uint64_t now_ms)
{
	if (s->json || s->quiet || !isatty(STDERR_FILENO) || now_ms < s->counted_ms + COUNT_MS || left_ms == 0)
		return;
	s->counted_ms = now_ms;
	s->counting = true;
	fprintf(stderr, "\r             %s, %u s left\033[K", what, (left_ms + 999) / 1000);
	fflush(stderr);
}

/* False: this percent was told already. */
static bool next_percent(struct hf_burn_show *s, uint64_t done, uint64_t total)
{
	uint32_t percent = total ? (uint32_t)(done * 100 / total) : 0;
	bool is_new = percent != s->percent;

	s->percent = percent;
	return is_new;
}

static void tell_json(struct hf_burn_show *s, const struct hf_burn_event *e)
{
	bool is_new = next_percent(s, e->off, e->total);
	json_t *event;

	if (!e->text && (!is_new || e->stage != HF_BURN_UPLOAD))
		return;
	event = json_pack("{s:s, s:I}", "event", hf_burn_stage_text(e->stage), "t_ms", (json_int_t)(e->now_ms - s->begin_ms));
	if (e->text)
		json_object_set_new(event, "text", json_string(e->text));
	if (e->stage == HF_BURN_UPLOAD)
		json_object_update_new(event, json_pack("{s:I, s:I}", "off", (json_int_t)e->off, "total", (json_int_t)e->total));
	if (e->left_ms)
		json_object_set_new(event, "left_ms", json_integer(e->left_ms));
	hf_out_event(event);
}

void hf_burn_show_begin(struct hf_burn_show *s, uint64_t now_ms)
{
	if (!s->begun)
		s->begin_ms = now_ms;
	s->begun = true;
}

static void say(const struct hf_burn_show *s, uint64_t now_ms, const char *text)
{
	if (!s->quiet)
		printf("%s%8.3f s%s  %s\n", hf_out_colour(stdout, HF_COLOUR_DIM), (double)(now_ms - s->begin_ms) / 1000,
		       hf_out_colour(stdout, HF_COLOUR_NONE), text);
	fflush(stdout);
}

void hf_burn_show_say(struct hf_burn_show *s, const char *stage, uint64_t now_ms, const char *text, json_t *more)
{
	json_t *event;

	hf_burn_show_begin(s, now_ms);
	end_lines(s, now_ms);
	if (s->json) {
		event = json_pack("{s:s, s:I, s:s}", "event", stage, "t_ms", (json_int_t)(now_ms - s->begin_ms), "text", text);
		if (more)
			json_object_update(event, more);
		hf_out_event(event);
	} else {
		say(s, now_ms, text);
	}
	json_decref(more);
}

void hf_burn_show_row(struct hf_burn_show *s, const struct hf_row *row)
{
	if (s->json) {
		hf_out_event(hf_row_json(row));
	} else if (row->state == HF_ROW_FAILED || row->state == HF_ROW_WAIVED || (row->state == HF_ROW_WARNING && !s->quiet)) {
		end_lines(s, s->begin_ms);
		hf_row_print(row);
	}
}

void hf_burn_show_work(struct hf_burn_show *s, const char *stage, uint64_t done, uint64_t total, uint64_t skipped, uint64_t now_ms)
{
	hf_burn_show_begin(s, now_ms);
	if (!s->json)
		show_progress(s, "burning", done, total, skipped, 0, now_ms);
	else if (next_percent(s, done, total))
		hf_out_event(json_pack("{s:s, s:I, s:I, s:I}", "event", stage, "t_ms", (json_int_t)(now_ms - s->begin_ms), "off",
				       (json_int_t)done, "total", (json_int_t)total));
}

void hf_burn_show_event(struct hf_burn_show *s, const struct hf_burn_event *e)
{
	hf_burn_show_begin(s, e->now_ms);
	if (s->json) {
		tell_json(s, e);
	} else if (e->text) {
		end_lines(s, e->now_ms);
		say(s, e->now_ms, e->text);
		if (e->stage == HF_BURN_UPLOAD)
			show_upload(s, e);
	} else if (e->stage == HF_BURN_UPLOAD) {
		show_upload(s, e);
	} else {
		/* Behind the upload there is nothing to count but time. */
		hf_burn_show_wait(s, "the device goes on by itself", e->left_ms, e->now_ms);
	}
}

/* ---- at the end ---- */

enum hf_exit hf_burn_exit(const struct hf_burn_result *r)
{
	static const enum hf_exit exits[HF_BURN_OUTCOMES] = {
		[HF_BURN_CONFIRMED] = HF_EXIT_OK,         [HF_BURN_ALREADY] = HF_EXIT_OK,
		[HF_BURN_UPLOADED] = HF_EXIT_OK,          [HF_BURN_BAD_PACKAGE] = HF_EXIT_INPUT,
		[HF_BURN_REFUSED] = HF_EXIT_REFUSED,      [HF_BURN_NO_DEVICE] = HF_EXIT_NO_DEVICE,
		[HF_BURN_LINE] = HF_EXIT_LINE,            [HF_BURN_SILENT] = HF_EXIT_SILENT,
		[HF_BURN_PORT_GONE] = HF_EXIT_PORT_GONE,  [HF_BURN_CHECK_FAILED] = HF_EXIT_CHECK,
		[HF_BURN_DEVICE_REFUSED] = HF_EXIT_DEVICE, [HF_BURN_ROLLED_BACK] = HF_EXIT_DEVICE,
		[HF_BURN_UNCONFIRMED] = HF_EXIT_DEVICE,   [HF_BURN_NO_ANSWER] = HF_EXIT_SILENT,
		[HF_BURN_INTERRUPTED] = HF_EXIT_INTERRUPTED, [HF_BURN_CLOSED] = HF_EXIT_DEVICE,
	};

	if (r->outcome == HF_BURN_REFUSED && hf_exit_of(r->err) == HF_EXIT_DEVICE)
		return HF_EXIT_DEVICE;
	return r->outcome < HF_BURN_OUTCOMES ? exits[r->outcome] : HF_EXIT_INTERNAL;
}

static double kib_per_s(const struct hf_burn_result *r)
{
	uint64_t ms = r->uploaded_ms - r->upload_ms;

	return ms && r->uploaded_ms ? (double)r->upload.file.len / 1.024 / (double)ms : 0;
}

json_t *hf_burn_where_json(const struct hf_account *account)
{
	json_t *where = json_object();

	for (int i = 0; i < HF_TIMES; i++)
		json_object_set_new(where, hf_time_text((enum hf_time)i), json_integer(account->ms[i]));
	return where;
}

static void add_line(json_t *result, const struct hf_burn_result *r)
{
	json_object_update_new(result, json_pack("{s:I, s:s, s:I, s:I, s:I, s:I}", "baud", (json_int_t)r->upload_baud, "framing",
						 r->binary ? "binary" : "console", "proof_packets",
						 (json_int_t)r->rate.proof_sent, "proof_lost", (json_int_t)r->rate.proof_lost,
						 "falls", (json_int_t)r->rate.falls, "finds", (json_int_t)r->rate.finds));
}

static void add_device(json_t *result, const struct hf_burn_result *r)
{
	char version[HF_VERSION_TEXT_BYTES], id[HF_UUID_TEXT_BYTES];

	hf_version_format(r->after.version, r->after.versions, version);
	hf_uuid_format(r->after.device_id, id);
	json_object_update_new(result, json_pack("{s:s, s:s, s:i, s:s}", "board", r->after.board, "version", version, "slot",
						 (int)r->after.running, "device_id", id));
}

static void report_json(const struct hf_burn_show *s, const struct hf_burn_result *r, enum hf_exit code, json_t *facts)
{
	char id[2 * HF_SHA256_BYTES + 1], digest[2 * HF_SHA256_BYTES + 1];
	json_t *result;

	hf_out_hex(r->id, sizeof(r->id), id);
	result = json_pack("{s:s, s:I, s:s, s:i, s:i, s:s, s:s}", "event", "result", "t_ms", (json_int_t)(r->end_ms - s->begin_ms),
			   "outcome", hf_burn_outcome_text(r->outcome), "exit", (int)code, "error", (int)r->err, "reason",
			   r->diag.text, "id", id);
	json_object_update_new(result, json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "duration_ms",
						 (json_int_t)(r->end_ms - r->begin_ms), "upload_ms",
						 (json_int_t)(r->uploaded_ms - r->upload_ms), "bytes_sent",
						 (json_int_t)r->upload.bytes_sent, "bytes_skipped",
						 (json_int_t)r->upload.skipped, "kib_per_s", kib_per_s(r), "resent",
						 (json_int_t)r->upload.resent, "restarts", (json_int_t)r->upload.restarts,
						 "retries", (json_int_t)r->upload.retries, "timeouts",
						 (json_int_t)r->timeouts, "reopened", (json_int_t)r->reopened));
	json_object_update_new(result, json_pack("{s:o}", "where_ms", hf_burn_where_json(&r->account)));
	if (s->port)
		json_object_set_new(result, "serial_port", json_string(s->port));
	if (r->uploaded_ms)
		add_line(result, r);
	if (r->status_known)
		add_device(result, r);
	if (r->digest_known)
		json_object_set_new(result, "digest", json_string(hf_out_hex(r->digest, sizeof(r->digest), digest)));
	if (facts)
		json_object_update(result, facts);
	hf_out_event(result);
}

static void report(const struct hf_burn_show *s, const struct hf_burn_result *r)
{
	const char *green = hf_out_colour(stdout, HF_COLOUR_GREEN), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);
	char version[HF_VERSION_TEXT_BYTES], hex[2 * HF_SHA256_BYTES + 1], where[192];
	double seconds = (double)(r->end_ms - r->begin_ms) / 1000;

	hf_version_format(r->after.version, r->after.versions, version);
	if (s->done)
		printf("%sdone%s: %s, after %.1f s\n", green, plain, s->done, seconds);
	else if (r->outcome == HF_BURN_ALREADY)
		printf("%sdone%s: %s runs and is confirmed already; nothing was sent\n", green, plain, version);
	else if (r->outcome == HF_BURN_UPLOADED)
		printf("%sdone%s: written to slot %c and verified in %.1f s (%.1f KiB/s); not activated\n", green, plain,
		       'A' + (int)r->slot, seconds, kib_per_s(r));
	else
		printf("%sdone%s: %s runs in slot %c and has confirmed itself, after %.1f s\n", green, plain, version,
		       'A' + (int)r->after.running, seconds);
	if (s->quiet)
		return;
	if (r->digest_known)
		printf("  digest   %s, as the device has it\n", hf_out_hex(r->digest, sizeof(r->digest), hex));
	if (r->outcome != HF_BURN_ALREADY)
		printf("  time     %s\n", hf_account_format(&r->account, where, sizeof(where)));
	if (r->upload.resent + r->upload.restarts + r->reopened > 0)
		printf("  on the way: %u losses, %u restarts of the device, %u reconnections, %u times a lower rate\n",
		       r->upload.resent, r->upload.restarts, r->reopened, r->rate.falls);
}

void hf_burn_show_result(struct hf_burn_show *s, const struct hf_burn_result *r, enum hf_exit code, json_t *facts)
{
	hf_burn_show_begin(s, r->begin_ms);
	end_lines(s, r->end_ms);
	if (s->json)
		report_json(s, r, code, facts);
	json_decref(facts);
	if (code != HF_EXIT_OK)
		hf_out_error("%s", r->diag.text);
	else if (!s->json)
		report(s, r);
}

void hf_burn_show_nothing(const struct hf_burn_show *s, enum hf_exit code)
{
	static const struct hf_burn_result none;
	json_t *facts;

	if (!s->json || code == HF_EXIT_OK)
		return;
	facts = json_pack("{s:s, s:s}", "outcome", "not-begun", "reason", hf_exit_text(code));
	report_json(s, &none, code, facts);
	json_decref(facts);
}
