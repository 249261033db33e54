/* SPDX-License-Identifier: MIT
 *
 * `holdfast status`: what a device is, what it runs, and how it is.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "health_show.h"
#include "interrupt.h"
#include "port.h"
#include "rom_cli.h"
#include "uuid.h"
#include "version.h"

static const char *const phases[] = {"idle", "receiving the head", "receiving", "written"};

static const char *phase_text(const struct hf_smp_status *s)
{
	return s->phase < sizeof(phases) / sizeof(phases[0]) ? phases[s->phase] : "unknown";
}

/* What was asked of the device. */
struct report {
	struct hf_smp_status status;
	struct hf_smp_counters counters;
	bool tells; /* its health; firmware that is older has a status all the same */
	struct hf_smp_health health;
	bool verify, verified;
	struct hf_smp_place place[HF_PLACES];
};

static json_t *json_slot(const struct hf_slot_journal *slot)
{
	char id[2 * HF_ID_BYTES + 1];

	return json_pack("{s:s, s:i, s:i, s:i, s:o, s:s}", "state", hf_smp_slot_state_text(slot->state), "starts",
			 slot->starts, "failures", slot->failures, "reason", slot->reason, "sequence",
			 hf_json_u64(slot->sequence), "id", hf_out_hex(slot->id, sizeof(slot->id), id));
}

static void put_json(const struct report *r)
{
	const struct hf_smp_status *s = &r->status;
	const struct hf_smp_counters *c = &r->counters;
	char device[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES];
	json_t *slots = json_array(), *all;

	hf_uuid_format(s->device_id, device);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		json_array_append_new(slots, json_slot(&s->state.slot[i]));
	all = json_pack("{s:s, s:s, s:s, s:s}", "board", s->board, "device_id", device, "version",
			hf_version_format(s->version, s->versions, version), "reset_cause",
			hf_smp_reset_cause_text(s->reset_cause));
	json_object_set_new(all, "slot", s->running < HF_SLOTS ? json_integer((json_int_t)s->running) : json_null());
	json_object_set_new(all, "newest", hf_json_u64(s->state.newest));
	json_object_set_new(all, "floor", json_integer((json_int_t)s->state.floor));
	json_object_set_new(all, "slots", slots);
	json_object_set_new(all, "upload", json_pack("{s:s, s:I, s:I}", "phase", phase_text(s), "off", (json_int_t)s->off,
						     "total", (json_int_t)s->len));
	json_object_set_new(all, "journal", json_pack("{s:I, s:I, s:I}", "free", (json_int_t)s->journal_free, "records",
						      (json_int_t)s->journal_records, "bad", (json_int_t)s->journal_bad));
	json_object_set_new(all, "smp", json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)c->requests, "refused",
						  (json_int_t)c->refused, "dropped", (json_int_t)c->dropped));
	json_object_set_new(all, "health", r->tells ? hf_health_json(&r->health) : json_null());
	if (r->verified)
		json_object_set_new(all, "verified", hf_health_json_places(r->place));
	json_object_set_new(all, "last_error", s->last_error ? json_string(s->last_error_text) : json_null());
	hf_out_json(all);
}

static void print(const struct report *r)
{
	const struct hf_smp_status *s = &r->status;
	const struct hf_smp_counters *c = &r->counters;
	const char *bold = hf_out_colour(stdout, HF_COLOUR_BOLD), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);
	char device[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES];

	hf_uuid_format(s->device_id, device);
	hf_version_format(s->version, s->versions, version);
	printf("%s%s%s  %s\n", bold, s->board, plain, device);
	if (s->running < HF_SLOTS)
		printf("  runs        %s in slot %c, started by: %s\n", s->versions ? version : "an unknown version",
		       'A' + (int)s->running, hf_smp_reset_cause_text(s->reset_cause));
	else
		printf("  runs        recovery, started by: %s\n", hf_smp_reset_cause_text(s->reset_cause));
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &s->state.slot[i];

		printf("  slot %c      %s", 'A' + (int)i, slot->state ? hf_smp_slot_state_text(slot->state) : "nothing recorded");
		if (slot->starts || slot->failures)
			printf(", %u starts, %u of them failed", slot->starts, slot->failures);
		printf("\n");
	}
	if (s->phase != 0)
		printf("  upload      %s, %u of %u bytes\n", phase_text(s), s->off, s->len);
	printf("  journal     %u record%s, room for %u%s\n", s->journal_records,
	       s->journal_records == 1 ? "" : "s", s->journal_free,
	       s->journal_bad ? ", bad slots were met: replace the device in time" : "");
	if (r->verified)
		hf_health_print_places(r->place);
	if (r->tells)
		hf_health_print(&r->health);
	else
		printf("  health      this firmware does not tell: it is older than the command\n");
	printf("  line        %u requests, %u refused, %u damaged frames\n", c->requests, c->refused, c->dropped);
	if (s->last_error)
		printf("  last error  %s\n", s->last_error_text);
}

static enum hf_exit ask(const struct hf_port *port, struct hf_smp_client *client, struct report *r)
{
	struct hf_smp_answer answer;
	enum hf_exit code = hf_port_answer(hf_smp_get_counters(client, port->patience_ms, &r->counters, &answer), &answer,
					   "asking for its counters");
	enum hf_err err;

	if (code != HF_EXIT_OK)
		return code;
	err = hf_smp_get_health(client, port->patience_ms, &r->health, &answer);
	r->tells = !err && !answer.refusal;
	if (err || (answer.refusal && answer.refusal != HF_ERR_UNSUPPORTED))
		return hf_port_answer(err, &answer, "asking for its health");
	if (!r->verify || !r->tells)
		return HF_EXIT_OK;
	err = hf_health_verify(client, port->patience_ms, r->place, &answer);
	code = hf_port_answer(err, &answer, "verifying what it holds");
	r->verified = code == HF_EXIT_OK;
	return code;
}

enum hf_exit hf_command_status(int argc, char **argv)
{
	struct hf_port port = {0};
	struct hf_rom_cli rom = {0};
	const char *via = NULL;
	struct report report = {0};
	bool json = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(port),
		{"via", 0, HF_ARG_TEXT, "WAY", "`rom`: asks the chip's ROM loader what the chip is, and for its option bytes", &via, NULL},
		HF_ROM_CLI_ARGS(rom),
		{"verify", 0, HF_ARG_FLAG, NULL, "has the device verify slots and recovery as at a start, which takes a second or two",
		 &report.verify, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "everything, as JSON", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "status",
		.summary = "asks a device what it runs and how it is",
		.synopsis = "[--port PORT | --device ID] [options]",
		.details = HF_ROM_CLI_ENTER,
		.example = "holdfast status --port /dev/ttyUSB0\n  holdfast status --port /dev/ttyUSB0 --verify\n  holdfast status --port /dev/ttyUSB0 --via rom",
		.exits = "6 it reports an error, 7 interrupted, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	struct hf_smp_client client;
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (via && strcmp(via, "smp") != 0 && strcmp(via, "rom") != 0)
		return hf_args_wrong(&usage, "--via wants smp or rom, not '%s'", via);
	rom.json = json;
	if (via && strcmp(via, "rom") == 0)
		return hf_rom_cli_status(&rom, &port, &usage);
	if (!hf_port_open(&port, &usage, &code))
		return code;
	hf_smp_client_init(&client, &port.serial);
	client.stop = hf_interrupted;
	hf_interrupt_catch();
	if (hf_port_find(&port, &client, &report.status, &code))
		code = ask(&port, &client, &report);
	if (code == HF_EXIT_OK && json)
		put_json(&report);
	else if (code == HF_EXIT_OK)
		print(&report);
	hf_port_close(&port);
	return code;
}
