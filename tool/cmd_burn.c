/* SPDX-License-Identifier: MIT
 *
 * `holdfast burn`: a package onto a device, until it runs there and has confirmed itself. The work is in burn.c.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "burn.h"
#include "command.h"
#include "interrupt.h"
#include "load.h"
#include "port.h"
#include "progress.h"
#include "rom_cli.h"
#include "session.h"
#include "version.h"

struct show {
	bool json, quiet;
	struct hf_progress progress;
	bool progressing;
	uint64_t begin_ms;
	bool begun;
	uint64_t skipped; /* as the progress knows it */
	uint32_t percent; /* last one that was told as JSON */
	struct hf_site site;
	uint32_t patience_ms;
};

static void end_progress(struct show *s, uint64_t now_ms)
{
	if (s->progressing)
		hf_progress_end(&s->progress, now_ms * 1000000);
	s->progressing = false;
}

static void begin_progress(struct show *s, const struct hf_burn_event *e)
{
	hf_progress_begin(&s->progress, "uploading", e->off, e->total, e->now_ms * 1000000, s->quiet);
	s->skipped = 0;
	s->progressing = true;
}

static void show_progress(struct show *s, const struct hf_burn_event *e)
{
	if (!s->progressing)
		begin_progress(s, e);
	hf_progress_skip(&s->progress, e->skipped - s->skipped);
	s->skipped = e->skipped;
	hf_progress_update(&s->progress, e->off, e->now_ms * 1000000);
}

static void on_event(void *ctx, const struct hf_burn_event *e)
{
	struct show *s = ctx;
	uint32_t percent = e->total ? (uint32_t)((uint64_t)e->off * 100 / e->total) : 0;

	if (!s->begun)
		s->begin_ms = e->now_ms;
	s->begun = true;
	if (s->json && !e->text && percent == s->percent)
		return;
	s->percent = percent;
	if (s->json) {
		json_t *event = json_pack("{s:s, s:I}", "event", hf_burn_stage_text(e->stage), "t_ms",
					  (json_int_t)(e->now_ms - s->begin_ms));

		if (e->text)
			json_object_set_new(event, "text", json_string(e->text));
		if (e->stage == HF_BURN_UPLOAD)
			json_object_update_new(event, json_pack("{s:I, s:I}", "off", (json_int_t)e->off, "total",
								(json_int_t)e->total));
		hf_out_event(event);
		return;
	}
	if (!e->text) {
		show_progress(s, e);
		return;
	}
	end_progress(s, e->now_ms);
	if (!s->quiet)
		printf("%s%8.3f s%s  %s\n", hf_out_colour(stdout, HF_COLOUR_DIM), (double)(e->now_ms - s->begin_ms) / 1000,
		       hf_out_colour(stdout, HF_COLOUR_NONE), e->text);
	fflush(stdout);
	if (e->stage == HF_BURN_UPLOAD)
		begin_progress(s, e);
}

static void on_text(void *ctx, uint8_t byte)
{
	(void)ctx;
	if (byte == '\n' || (byte >= 0x20 && byte < 0x7f))
		fputc(byte, stderr);
}

static enum hf_err permit(void *ctx, struct hf_smp_client *client, const struct hf_smp_status *status,
			  struct hf_diag *diag)
{
	struct show *s = ctx;

	return hf_site_open(&s->site, client, status->device_id, s->patience_ms, diag);
}

static enum hf_exit exit_of(const struct hf_burn_result *r)
{
	switch (r->outcome) {
	case HF_BURN_CONFIRMED:
	case HF_BURN_ALREADY:
	case HF_BURN_UPLOADED:
		return HF_EXIT_OK;
	case HF_BURN_BAD_PACKAGE:
		return HF_EXIT_INPUT;
	case HF_BURN_REFUSED:
		return hf_exit_of(r->err) == HF_EXIT_DEVICE ? HF_EXIT_DEVICE : HF_EXIT_REFUSED;
	case HF_BURN_NO_DEVICE:
	case HF_BURN_NO_ANSWER:
		return HF_EXIT_NO_DEVICE;
	case HF_BURN_DEVICE_REFUSED:
	case HF_BURN_ROLLED_BACK:
	case HF_BURN_UNCONFIRMED:
		return HF_EXIT_DEVICE;
	case HF_BURN_INTERRUPTED:
		return HF_EXIT_INTERRUPTED;
	}
	return HF_EXIT_INTERNAL;
}

static double kib_per_s(const struct hf_burn_result *r)
{
	uint64_t ms = r->uploaded_ms - r->upload_ms;

	return ms && r->uploaded_ms ? (double)r->upload.file.len / 1.024 / (double)ms : 0;
}

static void report_json(const struct hf_burn_result *r)
{
	char id[2 * HF_SHA256_BYTES + 1], version[HF_VERSION_TEXT_BYTES];
	json_t *result;

	hf_out_hex(r->id, sizeof(r->id), id);
	hf_version_format(r->after.version, r->after.versions, version);
	result = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s}", "event", "result", "outcome",
			   hf_burn_outcome_text(r->outcome), "exit", (int)exit_of(r), "error", (int)r->err, "reason",
			   r->diag.text, "id", id);
	json_object_update_new(result, json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "duration_ms",
						 (json_int_t)(r->end_ms - r->begin_ms), "upload_ms",
						 (json_int_t)(r->uploaded_ms - r->upload_ms), "bytes_sent",
						 (json_int_t)r->upload.bytes_sent, "bytes_skipped",
						 (json_int_t)r->upload.skipped, "kib_per_s", kib_per_s(r), "resent",
						 (json_int_t)r->upload.resent, "restarts", (json_int_t)r->upload.restarts,
						 "retries", (json_int_t)r->upload.retries, "timeouts",
						 (json_int_t)r->timeouts, "reopened", (json_int_t)r->reopened));
	if (r->uploaded_ms)
		json_object_update_new(result, json_pack("{s:I, s:s, s:I, s:I, s:I, s:I}", "baud",
							 (json_int_t)r->upload_baud, "framing",
							 r->binary ? "binary" : "console", "proof_packets",
							 (json_int_t)r->rate.proof_sent, "proof_lost",
							 (json_int_t)r->rate.proof_lost, "falls", (json_int_t)r->rate.falls,
							 "finds", (json_int_t)r->rate.finds));
	if (r->status_known)
		json_object_update_new(result, json_pack("{s:s, s:s, s:i}", "board", r->after.board, "version", version,
							 "slot", (int)r->after.running));
	hf_out_event(result);
}

static void report(const struct show *s, const struct hf_burn_result *r)
{
	const char *green = hf_out_colour(stdout, HF_COLOUR_GREEN), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);
	char version[HF_VERSION_TEXT_BYTES];
	double seconds = (double)(r->end_ms - r->begin_ms) / 1000;

	hf_version_format(r->after.version, r->after.versions, version);
	if (r->outcome == HF_BURN_ALREADY)
		printf("%sdone%s: %s runs and is confirmed already; nothing was sent\n", green, plain, version);
	else if (r->outcome == HF_BURN_UPLOADED)
		printf("%sdone%s: written to slot %c and verified in %.1f s (%.1f KiB/s); not activated\n", green, plain,
		       'A' + (int)r->slot, seconds, kib_per_s(r));
	else
		printf("%sdone%s: %s runs in slot %c and has confirmed itself, after %.1f s\n", green, plain, version,
		       'A' + (int)r->after.running, seconds);
	if (!s->quiet && r->upload.resent + r->upload.restarts + r->reopened > 0)
		printf("  on the way: %u losses, %u restarts of the device, %u reconnections, %u times a lower rate\n",
		       r->upload.resent, r->upload.restarts, r->reopened, r->rate.falls);
}

static enum hf_exit burn(struct hf_port *port, struct hf_burn_options *o, struct show *s)
{
	struct hf_burn_result *r = malloc(sizeof(*r));
	enum hf_exit code;

	if (!r) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	o->board = port->board_known ? &port->board : NULL;
	o->baud = port->rate;
	o->bauds = port->rates;
	o->offered_rates = !port->board_known && !port->baud_given;
	o->patience_ms = port->patience_ms;
	o->event = on_event;
	o->stop = hf_interrupted;
	o->ctx = s;
	hf_interrupt_catch();
	hf_burn(&port->serial, o, r);
	end_progress(s, r->end_ms);
	code = exit_of(r);
	if (s->json)
		report_json(r);
	if (code != HF_EXIT_OK)
		hf_out_error("%s", r->diag.text);
	else if (!s->json)
		report(s, r);
	free(r);
	return code;
}

static enum hf_exit run(const char *file, const char *keyset_file, struct hf_port *port, struct hf_burn_options *o,
			struct show *s, const struct hf_usage *usage)
{
	struct hf_buffer package = {0}, keyset_bytes = {0};
	enum hf_exit code = HF_EXIT_OK;
	struct hf_keyset keyset;
	struct hf_diag diag;
	enum hf_err err = hf_file_read(file, HF_PACKAGE_FILE_MAX, &package, &diag);

	if (!err && keyset_file) {
		err = hf_load_keyset(keyset_file, &keyset_bytes, &keyset, &diag);
		o->keyset = &keyset;
	}
	if (err) {
		code = hf_out_fail(err, &diag);
	} else if (hf_port_open(port, usage, &code)) {
		o->package = hf_buffer_bytes(&package);
		o->permit = permit;
		s->patience_ms = port->patience_ms;
		code = burn(port, o, s);
		hf_site_close(&s->site);
		hf_port_close(port);
	}
	hf_buffer_free(&keyset_bytes);
	hf_buffer_free(&package);
	return code;
}

/* "auto", "console" or a rate. */
static bool parse_line(const char *text, struct hf_burn_options *o)
{
	char *end;
	unsigned long rate;

	if (!text || strcmp(text, "auto") == 0)
		return true;
	o->console_only = strcmp(text, "console") == 0;
	if (o->console_only)
		return true;
	rate = strtoul(text, &end, 10);
	o->upload_baud = (uint32_t)rate;
	return *text >= '1' && *text <= '9' && !*end && rate <= 20000000;
}

enum hf_exit hf_command_burn(int argc, char **argv)
{
	struct hf_port port = {0};
	struct hf_burn_options o = {0};
	struct show show = {0};
	struct hf_rom_cli rom = {0};
	struct hf_rom_burn_args rom_args = {0};
	const char *keyset_file = NULL, *confirm = NULL, *line = NULL, *via = NULL;
	bool log = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		HF_SITE_ARGS(show.site),
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the keyset that the device trusts: check the signature, too",
		 &keyset_file, NULL},
		{"no-activate", 0, HF_ARG_FLAG, NULL, "write and verify only", &o.no_activate, NULL},
		{"line", 0, HF_ARG_TEXT, "HOW", "upload at this rate, or `console`: as the device was found (default: auto, the "
		 "fastest binary line that proves good)", &line, NULL},
		{"confirm-within", 0, HF_ARG_TEXT, "TIME", "how long the new firmware may take to confirm itself "
		 "(default: 120s)", &confirm, NULL},
		{"via", 0, HF_ARG_TEXT, "WAY", "`rom`: through the chip's ROM loader, into a device where nothing else starts (default: "
		 "smp, through the firmware or recovery that runs)", &via, NULL},
		{"slot", 0, HF_ARG_TEXT, "A|B", "with --via rom: which slot (default: A, unless only that is confirmed)", &rom_args.slot,
		 NULL},
		HF_ROM_CLI_ARGS(rom),
		{"new-journal", 0, HF_ARG_FLAG, NULL, "with --via rom: give up what the device's journal says", &rom_args.new_journal,
		 NULL},
		{"force-reinstall", 0, HF_ARG_FLAG, NULL, "even if the device runs this very firmware", &o.reinstall, NULL},
		{"no-verify", 0, HF_ARG_FLAG, NULL, NULL, &o.no_verify, NULL}, /* tests the device's own checks */
		{"log", 0, HF_ARG_FLAG, NULL, "show what the device says meanwhile", &log, NULL},
		{"quiet", 'q', HF_ARG_FLAG, NULL, "only the result", &show.quiet, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &show.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "burn",
		.summary = "burns a package, and waits until the device has confirmed it",
		.synopsis = "PACKAGE --port PORT [options]",
		.details = "The cable may be pulled and the device may lose power meanwhile: the upload continues where it was, "
			   "and the device falls back to what it ran if the new firmware does not confirm itself.\n\n"
			   "--via rom revives a device where nothing else starts. The package goes into a slot (one of recovery into its "
			   "partition), is read back, and recorded in the device's journal, so that boot tries it with its usual three "
			   "starts; journal, floor, keyset and configuration are kept. What is right already is neither erased nor written, so "
			   "the same command continues what was cut. " HF_ROM_CLI_ENTER,
		.example = "holdfast burn gateway-1.1.0.suit --port /dev/ttyUSB0 --keyset keys/release.keyset\n"
			   "  holdfast burn gateway-1.1.0.suit --port /dev/ttyUSB0 --via rom --board boards/reference.conf",
		.exits = "3 the package is damaged, 4 it is not for this device, 5 no device answers, 6 the device refused or "
			 "rolled back, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (confirm && !hf_duration_parse(confirm, &o.confirm_ms))
		return hf_args_wrong(&usage, "--confirm-within wants a time as 120s, 500ms or 2m, not '%s'", confirm);
	if (!parse_line(line, &o))
		return hf_args_wrong(&usage, "--line wants auto, console or a rate as 460800, not '%s'", line);
	if (via && strcmp(via, "smp") != 0 && strcmp(via, "rom") != 0)
		return hf_args_wrong(&usage, "--via wants smp or rom, not '%s'", via);
	if (via && strcmp(via, "rom") == 0) {
		if (keyset_file || line || confirm || o.no_activate || o.reinstall || log)
			return hf_args_wrong(&usage, "--via rom takes the keyset from the device and speaks to no firmware: --keyset, --line, "
						     "--confirm-within, --no-activate, --force-reinstall and --log do not go with it");
		rom.json = show.json;
		rom.quiet = show.quiet;
		return hf_rom_cli_burn(&rom, &port, rest.item[0], &rom_args, &usage);
	}
	if (rom_args.slot || rom_args.new_journal || rom.lines)
		return hf_args_wrong(&usage, "--slot, --lines and --new-journal go with --via rom");
	if (log)
		o.on_text = on_text;
	return run(rest.item[0], keyset_file, &port, &o, &show, &usage);
}
