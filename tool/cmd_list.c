/* SPDX-License-Identifier: MIT
 *
 * `holdfast list`: every port, and what answers at its other end; a line a port, and below it a hint where something is in
 * the way.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "port.h"
#include "uuid.h"
#include "version.h"

#define COLUMNS 6
#define CELL    160

struct row {
	char cell[COLUMNS][CELL];
	char hint[512];
	enum hf_colour colour;
};

static const char *const titles[COLUMNS] = {"PORT", "ANSWERS", "SLOTS", "BOARD", "DEVICE", "ADAPTER"};

/* ---- one port, in words ---- */

static const char *slot_version(const struct hf_probe *p, unsigned slot)
{
	for (unsigned i = 0; i < p->images.count; i++) {
		if (p->images.image[i].slot == slot)
			return p->images.image[i].version;
	}
	return NULL;
}

static void put_slots(const struct hf_probe *p, char text[CELL])
{
	size_t used = 0;

	for (unsigned i = 0; i < HF_SLOTS && used < CELL; i++) {
		unsigned state = p->status.state.slot[i].state;
		const char *version = slot_version(p, i);

		used += (size_t)snprintf(text + used, CELL - used, "%s%c%s%s%s %s", i ? ", " : "", 'A' + (int)i,
					 p->status.running == i ? "*" : "", version ? " " : "", version ? version : "",
					 state ? hf_smp_slot_state_text(state) : version ? "unrecorded" : "empty");
	}
}

static void put_adapter(const struct hf_survey_port *port, char text[CELL])
{
	const char *base = strrchr(port->info.by_id, '/');

	if (base)
		snprintf(text, CELL, "%s", base + 1);
	else if (port->local)
		hf_ports_what(&port->info, text, CELL);
	else if (port->state != HF_SURVEY_FAILED)
		snprintf(text, CELL, "%s", strncmp(port->name, "lockstep:", 9) == 0 ? "digital twin" : "network");
}

static void put_answer(const struct hf_probe *p, struct row *row)
{
	char version[HF_VERSION_TEXT_BYTES] = "", *text = row->cell[1];

	row->colour = HF_COLOUR_NONE;
	switch (p->peer) {
	case HF_PEER_FIRMWARE:
		snprintf(text, CELL, "firmware %s", hf_version_format(p->status.version, p->status.versions, version));
		row->colour = HF_COLOUR_GREEN;
		break;
	case HF_PEER_ROM:
		snprintf(text, CELL, "ROM loader");
		row->colour = HF_COLOUR_YELLOW;
		break;
	case HF_PEER_SMP:
		snprintf(text, CELL, "other SMP %s", p->images.count ? p->images.image[0].version : "");
		break;
	default:
		snprintf(text, CELL, "%s", hf_peer_text(p->peer));
		row->colour = p->peer == HF_PEER_RECOVERY ? HF_COLOUR_YELLOW : p->peer == HF_PEER_NOTHING ? HF_COLOUR_DIM : HF_COLOUR_RED;
		break;
	}
}

static bool has_firmware(const struct hf_probe *p)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (p->status.state.slot[i].state == HF_SLOT_CONFIRMED)
			return true;
	}
	return false;
}

static void put_hint(const struct hf_survey_port *port, struct row *row)
{
	const struct hf_probe *p = &port->probe;

	if (port->why[0]) {
		snprintf(row->hint, sizeof(row->hint), "%s", port->why);
		return;
	}
	if (port->state == HF_SURVEY_PROBED)
		hf_probe_advice(p, row->hint, sizeof(row->hint));
	if (!row->hint[0] && port->state == HF_SURVEY_PROBED && p->peer == HF_PEER_RECOVERY && has_firmware(p))
		snprintf(row->hint, sizeof(row->hint), "`holdfast image reset --port %s` starts its firmware again", port->name);
	else if (!row->hint[0] && port->state == HF_SURVEY_PROBED && p->peer == HF_PEER_RECOVERY)
		snprintf(row->hint, sizeof(row->hint), "no firmware runs: `holdfast burn PACKAGE --port %s` brings it back", port->name);
	if (!row->hint[0] && port->info.modem_manager)
		snprintf(row->hint, sizeof(row->hint), "ModemManager may send to this port when it is plugged in: `holdfast doctor --fix` keeps it away");
}

static void make_row(const struct hf_survey_port *port, struct row *row)
{
	static const char *const states[HF_SURVEY_STATES] = {
		[HF_SURVEY_NEW] = "not asked", [HF_SURVEY_PROBED] = "", [HF_SURVEY_HELD] = "in use", [HF_SURVEY_DENIED] = "no permission",
		[HF_SURVEY_FAILED] = "cannot open",
	};
	const struct hf_probe *p = &port->probe;

	memset(row, 0, sizeof(*row));
	snprintf(row->cell[0], CELL, "%.*s", CELL - 1, port->name);
	snprintf(row->cell[1], CELL, "%s", states[port->state]);
	row->colour = port->state == HF_SURVEY_NEW ? HF_COLOUR_NONE : HF_COLOUR_RED;
	put_adapter(port, row->cell[5]);
	if (port->state == HF_SURVEY_PROBED) {
		put_answer(p, row);
		if (hf_probe_is_holdfast(p))
			put_slots(p, row->cell[2]);
		snprintf(row->cell[3], CELL, "%s", p->status.board);
		if (p->peer == HF_PEER_ROM && p->chip_id)
			snprintf(row->cell[3], CELL, "chip 0x%03x", p->chip_id);
		if (p->identified)
			hf_uuid_format(p->device_id, row->cell[4]);
	}
	put_hint(port, row);
}

/* ---- the table ---- */

static void print_line(const char *const cell[COLUMNS], const size_t width[COLUMNS], enum hf_colour colour)
{
	unsigned last = COLUMNS - 1;

	while (width[last] == 0)
		last--;
	for (unsigned c = 0; c <= last; c++) {
		if (width[c])
			printf("%s%-*s%s%s", c == 1 ? hf_out_colour(stdout, colour) : "", c == last ? 0 : (int)width[c],
			       cell[c][0] ? cell[c] : "-", c == 1 ? hf_out_colour(stdout, HF_COLOUR_NONE) : "", c == last ? "\n" : "  ");
	}
}

static void print_table(const struct row *row, size_t rows)
{
	size_t width[COLUMNS] = {0};
	const char *cell[COLUMNS];

	for (size_t i = 0; i < rows; i++) {
		for (unsigned c = 0; c < COLUMNS; c++) {
			size_t len = strlen(row[i].cell[c]);

			width[c] = len > width[c] ? len : width[c];
		}
	}
	for (unsigned c = 0; c < COLUMNS; c++) {
		if (width[c] && width[c] < strlen(titles[c]))
			width[c] = strlen(titles[c]);
	}
	print_line(titles, width, HF_COLOUR_NONE);
	for (size_t i = 0; i < rows; i++) {
		for (unsigned c = 0; c < COLUMNS; c++)
			cell[c] = row[i].cell[c];
		print_line(cell, width, row[i].colour);
		if (row[i].hint[0])
			printf("    -> %s\n", row[i].hint);
	}
}

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static void put_info(json_t *to, const struct hf_port_info *info)
{
	json_t *holders = json_array();
	char usb_id[10];

	json_object_set_new(to, "by_id", text_or_null(info->by_id));
	json_object_set_new(to, "driver", text_or_null(info->driver));
	if (info->usb) {
		snprintf(usb_id, sizeof(usb_id), "%04x:%04x", info->vid, info->pid);
		json_object_set_new(to, "usb", json_pack("{s:s, s:o, s:o, s:o, s:s}", "id", usb_id, "manufacturer",
							 text_or_null(info->manufacturer), "product", text_or_null(info->product), "serial",
							 text_or_null(info->serial), "location", info->location));
	}
	json_object_set_new(to, "latency_ms", info->latency_ms < 0 ? json_null() : json_integer(info->latency_ms));
	json_object_set_new(to, "may_use", json_boolean(info->may_use));
	json_object_set_new(to, "group", text_or_null(info->group));
	for (unsigned i = 0; i < info->holders; i++)
		json_array_append_new(holders, json_pack("{s:i, s:o}", "pid", (int)info->holder[i].pid, "program",
							 text_or_null(info->holder[i].program)));
	json_object_set_new(to, "holders", holders);
	json_object_set_new(to, "modem_manager", json_boolean(info->modem_manager));
}

static json_t *json_slots(const struct hf_probe *p)
{
	json_t *slots = json_array();

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &p->status.state.slot[i];
		const char *version = slot_version(p, i);

		json_array_append_new(slots, json_pack("{s:s, s:o, s:i, s:i, s:b}", "state", hf_smp_slot_state_text(slot->state), "version",
						       text_or_null(version ? version : ""), "starts", slot->starts, "failures",
						       slot->failures, "running", p->status.running == i));
	}
	return slots;
}

static void put_probe(json_t *to, const struct hf_probe *p)
{
	char id[HF_UUID_TEXT_BYTES] = "", version[HF_VERSION_TEXT_BYTES] = "";

	json_object_set_new(to, "answers", json_string(hf_peer_text(p->peer)));
	json_object_set_new(to, "rate", p->rate ? json_integer(p->rate) : json_null());
	json_object_set_new(to, "echo", json_boolean(p->echo));
	json_object_set_new(to, "probe_ms", json_integer(p->probe_ms));
	if (p->identified)
		hf_uuid_format(p->device_id, id);
	json_object_set_new(to, "device_id", text_or_null(id));
	if (hf_probe_is_holdfast(p)) {
		json_object_set_new(to, "board", json_string(p->status.board));
		json_object_set_new(to, "version", text_or_null(hf_version_format(p->status.version, p->status.versions, version)));
		json_object_set_new(to, "slot", p->status.running < HF_SLOTS ? json_integer(p->status.running) : json_null());
		json_object_set_new(to, "slots", json_slots(p));
	}
	if (p->peer == HF_PEER_ROM) {
		json_object_set_new(to, "chip_id", json_integer(p->chip_id));
		json_object_set_new(to, "closed", json_boolean(p->closed));
	}
	if (p->text[0])
		json_object_set_new(to, "text", json_string(p->text));
}

static json_t *json_port(const struct hf_survey_port *port, const struct row *row)
{
	static const char *const states[HF_SURVEY_STATES] = {
		[HF_SURVEY_NEW] = "not-asked", [HF_SURVEY_PROBED] = "asked", [HF_SURVEY_HELD] = "in-use", [HF_SURVEY_DENIED] = "denied",
		[HF_SURVEY_FAILED] = "failed",
	};
	json_t *all = json_pack("{s:s, s:s}", "port", port->name, "state", states[port->state]);

	if (port->local)
		put_info(all, &port->info);
	if (port->state == HF_SURVEY_PROBED)
		put_probe(all, &port->probe);
	json_object_set_new(all, "hint", text_or_null(row->hint));
	return all;
}

static enum hf_exit report(const struct hf_survey *s, bool json)
{
	struct row *row = calloc(s->count + 1, sizeof(*row));
	json_t *all = json_array();

	if (!row) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	for (size_t i = 0; i < s->count; i++) {
		make_row(&s->port[i], &row[i]);
		json_array_append_new(all, json_port(&s->port[i], &row[i]));
	}
	if (json)
		hf_out_json(json_pack("{s:O}", "ports", all));
	else if (s->count)
		print_table(row, s->count);
	json_decref(all);
	free(row);
	return HF_EXIT_OK;
}

/* ---- the command ---- */

/* HF_EXIT_NO_DEVICE: one that was named is not there; the others are looked at all the same. */
static enum hf_exit collect(struct hf_survey *s, const struct hf_args_rest *rest)
{
	enum hf_exit code = HF_EXIT_OK;
	struct hf_diag diag;

	if (rest->count == 0 && hf_survey_all(s, &diag) != HF_OK) {
		hf_out_error("%s", diag.text);
		return HF_EXIT_NO_DEVICE;
	}
	for (unsigned i = 0; i < rest->count; i++) {
		if (!hf_survey_add_even(s, rest->item[i]))
			code = HF_EXIT_NO_DEVICE;
	}
	if (s->count == 0) {
		hf_out_error("this machine has no serial port: plug the adapter in, or name a serial server (rfc2217:HOST:PORT)");
		code = HF_EXIT_NO_DEVICE;
	}
	return code;
}

enum hf_exit hf_command_list(int argc, char **argv)
{
	const char *board_file = NULL;
	uint32_t baud = 0;
	bool json = false, no_probe = false, baud_given = false;
	const struct hf_arg options[] = {
		{"board", 'b', HF_ARG_TEXT, "FILE", "the devices' board file, for their rates", &board_file, NULL},
		{"baud", 0, HF_ARG_U32, "RATE", "ask at this rate only (default: the board file's, else 921600 and 115200)", &baud, &baud_given},
		{"no-probe", 0, HF_ARG_FLAG, NULL, "open no port: only what this machine knows of them", &no_probe, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "everything, as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "list",
		.summary = "shows every serial port, and what answers at its other end",
		.synopsis = "[PORT...] [options]",
		.details = "Without PORT: all ports of this machine, and those that the variable HOLDFAST_PORTS names, separated by commas. A PORT is\n" HF_SERIAL_NAMES
			   ".\nAsking changes nothing in a device: one byte for the chip's ROM loader, one question at each rate. Opening a port raises\n"
			   "RTS and DTR, though, so a board whose reset is wired to them restarts. A port that another program has open is left\n"
			   "alone. An asterisk marks the slot that runs.",
		.example = "holdfast list\n  holdfast list /dev/ttyUSB0 rfc2217:10.0.0.7:2217 --json",
		.exits = "5 there is no such port, or none at all, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_max = 256,
	};
	struct hf_port rates = {0};
	struct hf_probe_how how;
	struct hf_survey s = {0};
	struct hf_args_rest rest;
	struct hf_diag diag;
	enum hf_exit code;
	enum hf_err err = HF_OK;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (board_file)
		err = hf_board_load(board_file, &rates.board, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	rates.board_known = board_file != NULL;
	rates.baud = baud;
	rates.baud_given = baud_given;
	hf_port_rates(&rates);
	hf_interrupt_catch();
	how = (struct hf_probe_how){.rate = rates.rate, .rates = rates.rates, .stop = hf_interrupted};
	code = collect(&s, &rest);
	if (no_probe)
		hf_survey_check(&s);
	else
		hf_survey_probe(&s, &how, 0);
	if (report(&s, json) != HF_EXIT_OK)
		code = HF_EXIT_INTERNAL;
	hf_survey_free(&s);
	return hf_interrupted(NULL) ? HF_EXIT_INTERRUPTED : code;
}
