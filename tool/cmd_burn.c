/* SPDX-License-Identifier: MIT
 *
 * `holdfast burn`: a package onto a device, until it runs there and has confirmed itself. The work is in burn.c and way/flow.c.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "rom_cli.h"
#include "way_cli.h"

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

/* What only one of the ways understands goes with that. */
static bool check_via(const struct hf_way_cli *c, const char *line, const struct hf_usage *usage)
{
	const struct hf_burn_options *o = &c->flow.burn;
	bool only_rom = c->flow.ways == HF_WAY_BIT(HF_WAY_ROM);

	if (only_rom && (c->keyset_file || line || o->no_activate || o->reinstall))
		hf_args_wrong(usage, "--via rom takes the keyset from the device and speaks to no firmware before: --keyset, --line, "
				     "--no-activate and --force-reinstall do not go with it");
	else if (!only_rom && (c->slot || c->flow.rom.new_journal || c->no_wait))
		hf_args_wrong(usage, "--slot, --new-journal and --no-wait go with --via rom");
	else
		return true;
	return false;
}

enum hf_exit hf_command_burn(int argc, char **argv)
{
	struct hf_way_cli c = {0};
	struct hf_burn_options *o = &c.flow.burn;
	const char *line = NULL, *via = "auto";
	const struct hf_arg options[] = {
		HF_WAY_CLI_ARGS(c),
		{"via", 0, HF_ARG_TEXT, "WAY", "`firmware`, `recovery` or `rom` only (default: auto, the first of them that is open, and the next "
		 "one where it may do better)", &via, NULL},
		{"as-pilot", 0, HF_ARG_FLAG, NULL, "this device is the pilot: its record is written to --pilot's file (default: PACKAGE.pilot.json) once all tests pass",
		 &c.as_pilot, NULL},
		{"no-activate", 0, HF_ARG_FLAG, NULL, "write and verify only", &o->no_activate, NULL},
		{"line", 0, HF_ARG_TEXT, "HOW", "upload at this rate, or `console`: as the device was found (default: auto, the "
		 "fastest binary line that proves good)", &line, NULL},
		{"slot", 0, HF_ARG_TEXT, "A|B", "with --via rom: which slot (default: A, unless only that is confirmed)", &c.slot, NULL},
		{"new-journal", 0, HF_ARG_FLAG, NULL, "with --via rom: give up what the device's journal says", &c.flow.rom.new_journal,
		 NULL},
		{"no-wait", 0, HF_ARG_FLAG, NULL, "with --via rom: leave once all is written, without waiting for the firmware", &c.no_wait, NULL},
		{"force-reinstall", 0, HF_ARG_FLAG, NULL, "even if the device runs this very firmware", &o->reinstall, NULL},
		{"allow-older", 0, HF_ARG_FLAG, NULL, "even an older release, with a site key (--key); never an older security version",
		 &o->any_release, NULL},
		{"no-verify", 0, HF_ARG_FLAG, NULL, NULL, &o->no_verify, NULL}, /* tests the device's own checks */
	};
	const struct hf_usage usage = {
		.command = "burn",
		.summary = "burns a package, and waits until the device has confirmed it",
		.synopsis = "[PACKAGE] --port PORT [options]",
		.details = "The cable may be pulled and the device may lose power meanwhile: the upload continues where it was, "
			   "and the device falls back to what it ran if the new firmware does not confirm itself. Without PACKAGE it is the "
			   "project file's firmware.\n\n"
			   "Before anything is sent come the checks of `holdfast check` (a pilot only where --pilot or the project file demands "
			   "one), after the confirmation its tests. A failed check stops the burn, unless it may be waived and is (--waive).\n\n"
			   "The ways in are tried in order: the running firmware, recovery, the chip's ROM loader (with --board). Where one fails and "
			   "the next may do better, that is taken, and it is said why; what is refused for its signature, board or version is refused "
			   "on all ways. Recovery is woken by a request, by the adapter's lines (--lines), or by you: the pin, or a reset.\n\n"
			   "The ROM loader's way revives a device where nothing else starts. The package goes into a slot (one of recovery into its "
			   "partition), is read back, and recorded in the device's journal, so that boot tries it with its usual three "
			   "starts; journal, floor, keyset and configuration are kept. What is right already is neither erased nor written, so "
			   "the same command continues what was cut. Then the firmware is waited for. " HF_ROM_CLI_ENTER,
		.example = "holdfast burn gateway-1.1.0.suit --port /dev/ttyUSB0 --keyset keys/release.keyset\n"
			   "  holdfast burn gateway-1.1.0.suit --port /dev/ttyUSB0 --via rom --board boards/reference.conf",
		.exits = "3 the package is damaged, 4 it is not for this device, 6 the device refused or rolled back, 7 interrupted, 9 a check failed: nothing was "
			 "sent, 13 a backup or record could not be written, 18 it runs, but a test failed, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	const char *package;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!parse_line(line, o))
		return hf_args_wrong(&usage, "--line wants auto, console or a rate as 460800, not '%s'", line);
	if (!hf_way_parse(via, &c.flow.ways))
		return hf_args_wrong(&usage, "--via wants auto, firmware, recovery or rom, not '%s'", via);
	if (o->any_release && c.site.keys.names.count == 0)
		return hf_args_wrong(&usage, "--allow-older needs a site key: --key KEY");
	if (!check_via(&c, line, &usage))
		return HF_EXIT_USAGE;
	if (!rest.count && !hf_product_open(&c.port.product, &code))
		return code;
	package = rest.count ? rest.item[0] : c.port.product.project.firmware;
	if (!package[0])
		return hf_args_wrong(&usage, "PACKAGE is missing, and no project file names one");
	if (hf_way_cli_open(&c, package, &usage, &code))
		code = hf_way_cli_burn(&c);
	else
		hf_burn_show_nothing(&c.show, code);
	hf_way_cli_close(&c);
	return code;
}
