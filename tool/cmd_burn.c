/* SPDX-License-Identifier: MIT
 *
 * `holdfast burn`: a package onto a device, until it runs there and has confirmed itself. The work is in burn.c.
 */
#include <stdlib.h>
#include <string.h>

#include "burn_show.h"
#include "command.h"
#include "interrupt.h"
#include "load.h"
#include "port.h"
#include "rom_cli.h"
#include "session.h"

struct burning {
	struct hf_burn_show show;
	struct hf_site site;
	uint32_t patience_ms;
};

static void on_event(void *ctx, const struct hf_burn_event *e)
{
	struct burning *s = ctx;

	hf_burn_show_event(&s->show, e);
}

static void on_text(void *ctx, uint8_t byte)
{
	(void)ctx;
	if (byte == '\n' || (byte >= 0x20 && byte < 0x7f))
		fputc(byte, stderr);
}

static enum hf_err permit(void *ctx, struct hf_burn_door *door, struct hf_diag *diag)
{
	struct burning *s = ctx;

	return hf_site_open(&s->site, door->client, door->status->device_id, s->patience_ms, diag);
}

static enum hf_exit burn(struct hf_port *port, struct hf_burn_options *o, struct burning *s)
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
	s->show.port = port->name;
	hf_burn(&port->serial, o, r);
	code = hf_burn_exit(r);
	hf_burn_show_result(&s->show, r, code, NULL);
	free(r);
	return code;
}

static enum hf_exit run(const char *file, const char *keyset_file, struct hf_port *port, struct hf_burn_options *o,
			struct burning *s, const struct hf_usage *usage)
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
	struct burning s = {0};
	struct hf_rom_cli rom = {0};
	struct hf_rom_burn_args rom_args = {0};
	const char *keyset_file = NULL, *confirm = NULL, *line = NULL, *via = NULL;
	bool log = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		HF_SITE_ARGS(s.site),
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
		{"quiet", 'q', HF_ARG_FLAG, NULL, "only the result", &s.show.quiet, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &s.show.json, NULL},
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
			 "rolled back, 7 interrupted, 8 another program has the port, 10 somebody speaks there and cannot be understood "
			 "(rate, cable), 11 the device answers no more, 12 the port vanished",
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
		rom.json = s.show.json;
		rom.quiet = s.show.quiet;
		return hf_rom_cli_burn(&rom, &port, rest.item[0], &rom_args, &usage);
	}
	if (rom_args.slot || rom_args.new_journal || rom.lines)
		return hf_args_wrong(&usage, "--slot, --lines and --new-journal go with --via rom");
	if (log)
		o.on_text = on_text;
	return run(rest.item[0], keyset_file, &port, &o, &s, &usage);
}
