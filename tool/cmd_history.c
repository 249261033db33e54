/* SPDX-License-Identifier: MIT
 *
 * `holdfast history`: what a device has written down of its life, out of the device or out of a file that was read before.
 */
#include <stdlib.h>

#include "command.h"
#include "file.h"
#include "history_text.h"
#include "smp_health.h"
#include "upkeep.h"

#define UP_TEXT 24

struct history {
	struct hf_upkeep u;
	const char *out, *in;
	bool trouble;
	struct hf_diag diag;
};

/* "3d 04:05:06" since a start. */
static const char *up_text(uint32_t ms, char text[UP_TEXT])
{
	unsigned s = ms / 1000;

	if (s >= 86400)
		snprintf(text, UP_TEXT, "%ud %02u:%02u:%02u", s / 86400, s / 3600 % 24, s / 60 % 60, s % 60);
	else
		snprintf(text, UP_TEXT, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
	return text;
}

static void print_record(const struct hf_history_record *r)
{
	const char *colour = hf_out_colour(stdout, hf_history_is_trouble(r) ? HF_COLOUR_YELLOW : HF_COLOUR_NONE);
	char text[HF_HISTORY_TEXT_BYTES], up[UP_TEXT];

	printf("%s%6u  %12s  %s%s\n", colour, r->number, up_text(r->up_ms, up), hf_history_text(r, text),
	       hf_out_colour(stdout, HF_COLOUR_NONE));
}

/* A device that counted some slots, but of which no record is to be believed, is not the same as one that wrote none. */
static void show(const struct history *h, struct hf_bytes bytes)
{
	json_t *records = json_array();
	struct hf_history_record r;
	unsigned good = 0, shown = 0;
	size_t off = 0;

	if (!h->u.json && bytes.len >= HF_HISTORY_BYTES)
		printf("number   since start  what\n");
	while (hf_history_each(bytes, &off, &r)) {
		good++;
		if (h->trouble && !hf_history_is_trouble(&r))
			continue;
		shown++;
		if (h->u.json)
			json_array_append_new(records, hf_history_json(&r));
		else
			print_record(&r);
	}
	if (h->u.json) {
		hf_out_json(json_pack("{s:I, s:I, s:o}", "bytes", (json_int_t)bytes.len, "damaged",
				      (json_int_t)(bytes.len / HF_HISTORY_BYTES - good), "records", records));
		return;
	}
	json_decref(records);
	if (bytes.len == 0)
		printf("nothing is written down yet\n");
	else if (shown == 0)
		printf("%s\n", good ? "no alarm, nothing given up, no upload that failed" : "no record can be read");
	if (bytes.len / HF_HISTORY_BYTES > good)
		printf("%zu places hold no whole record: a power loss while one was written\n", bytes.len / HF_HISTORY_BYTES - good);
}

static enum hf_exit from_device(struct history *h)
{
	uint8_t *buf = malloc(HF_HISTORY_MAX);
	struct hf_smp_answer answer;
	size_t len = 0;
	enum hf_exit code;
	enum hf_err err;

	if (!buf) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	err = hf_smp_get_history(&h->u.client, h->u.port.patience_ms, buf, HF_HISTORY_MAX, &len, &answer);
	code = hf_upkeep_answer(&h->u, err, &answer, "reading its history");
	if (!err && answer.refusal == HF_ERR_UNSUPPORTED)
		hf_out_error("this firmware is older than the command, and keeps no history");
	if (code == HF_EXIT_OK && h->out) {
		err = hf_file_write(h->out, (struct hf_bytes){ buf, len }, 0, &h->diag);
		if (err)
			code = hf_out_fail(err, &h->diag);
	}
	if (code == HF_EXIT_OK)
		show(h, (struct hf_bytes){ buf, len });
	if (code == HF_EXIT_OK && h->out && !h->u.json)
		printf("%s: %zu bytes; `holdfast history --from %s` shows them again\n", h->out, len, h->out);
	free(buf);
	return code;
}

static enum hf_exit from_file(struct history *h)
{
	struct hf_buffer file;
	enum hf_err err = hf_file_read(h->in, HF_HISTORY_MAX, &file, &h->diag);

	if (err)
		return hf_out_fail(err, &h->diag);
	show(h, (struct hf_bytes){ file.ptr, file.len });
	hf_buffer_free(&file);
	return HF_EXIT_OK;
}

enum hf_exit hf_command_history(int argc, char **argv)
{
	struct history h = { 0 };
	const struct hf_arg options[] = {
		HF_PORT_ARGS(h.u.port),
		{ "out", 'o', HF_ARG_TEXT, "FILE", "keeps the records as they are, too", &h.out, NULL },
		{ "from", 0, HF_ARG_TEXT, "FILE", "shows such a file instead of asking a device", &h.in, NULL },
		{ "trouble", 0, HF_ARG_FLAG, NULL, "only alarms, what was given up, and uploads that failed", &h.trouble, NULL },
		{ "json", 0, HF_ARG_FLAG, NULL, "everything, as JSON", &h.u.json, NULL },
	};
	const struct hf_usage usage = {
		.command = "history",
		.summary = "shows what a device went through: starts, uploads, alarms, figures of each hour",
		.synopsis = "--port PORT [options]  |  --from FILE",
		.details = "The gateway writes it down by itself; when its room is full it begins anew, and `factory-reset` erases it. Times are\n"
			   "since the start before: the device has no clock.",
		.example = "holdfast history --port /dev/ttyUSB0 --trouble\n  holdfast history --port /dev/ttyUSB0 --out history.bin --json",
		.exits = HF_PORT_EXITS ", 6 the device refuses or keeps none, 7 interrupted, 13 the file cannot be written",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (h.in && h.out)
		return hf_args_wrong(&usage, "--from and --out do not go together");
	if (h.in)
		return from_file(&h);
	if (hf_upkeep_begin(&h.u, &usage, false, &code))
		code = from_device(&h);
	hf_upkeep_end(&h.u);
	return code;
}
