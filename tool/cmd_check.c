/* SPDX-License-Identifier: MIT
 *
 * `holdfast check`: the checks before an upgrade, without the upgrade; and the tests after one, by themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "check/backup.h"
#include "check/check_args.h"
#include "check/pilot.h"
#include "command.h"
#include "file.h"
#include "interrupt.h"
#include "load.h"
#include "port.h"
#include "uuid.h"
#include "version.h"

struct command {
	/* Arguments. */
	struct hf_port port;
	struct hf_check_args args;
	const char *keyset_file, *line, *reference, *record;
	bool after, json, as_pilot, show_limits, audit;

	/* Work. */
	struct hf_check_options check;
	struct hf_buffer package, keyset_bytes;
	struct hf_keyset keyset;
	struct hf_smp_client client;
	struct hf_smp_rate rate;
	struct hf_smp_status status;
	struct hf_check_result result;
	struct hf_after_result tests;
	json_t *rows; /* of the tests, for a pilot's record */
	uint64_t begin_ms;
	bool opened, ended; /* the port; all has been said */
};

static json_t *t_ms(const struct command *m)
{
	return json_integer(m->opened ? (json_int_t)(hf_serial_now_ms(&m->port.serial) - m->begin_ms) : 0);
}


static void on_row(void *ctx, const struct hf_row *row)
{
	struct command *m = ctx;

	if (m->rows)
		json_array_append_new(m->rows, hf_row_json(row));
	if (m->json) {
		json_t *event = hf_row_json(row);

		json_object_set_new(event, "t_ms", t_ms(m));
		hf_out_event(event);
	} else {
		hf_row_print(row);
	}
}

static json_t *counts(const unsigned count[HF_ROW_STATES])
{
	json_t *value = json_object();

	for (int i = 0; i < HF_ROW_STATES; i++)
		json_object_set_new(value, hf_row_state_text((enum hf_row_state)i), json_integer((json_int_t)count[i]));
	return value;
}

/* The last event, or the last line. */
static enum hf_exit ends(struct command *m, enum hf_exit code, const unsigned count[HF_ROW_STATES], const char *reason,
			 const char *backup)
{
	char device[HF_UUID_TEXT_BYTES];
	json_t *result;

	m->ended = true;
	if (!m->json) {
		if (code == HF_EXIT_OK)
			printf("%s%s%s\n", hf_out_colour(stdout, HF_COLOUR_GREEN), m->after ? "all tests passed" :
			       count[HF_ROW_WAIVED] ? "the upgrade may begin, with waivers" : "the upgrade may begin",
			       hf_out_colour(stdout, HF_COLOUR_NONE));
		else
			hf_out_error("%s", reason);
		return code;
	}
	hf_uuid_format(m->status.device_id, device);
	result = json_pack("{s:s, s:o, s:i, s:s, s:s, s:s, s:s, s:o}", "event", "result", "t_ms", t_ms(m), "exit", (int)code, "outcome",
			   code == HF_EXIT_OK ? m->after ? "tested" : "checked" : "failed", "reason", reason, "device_id", device, "board",
			   m->status.board, m->after ? "tests" : "checks", counts(count));
	if (backup[0])
		json_object_set_new(result, "backup", json_string(backup));
	hf_out_event(result);
	if (code != HF_EXIT_OK)
		hf_out_error("%s", reason);
	return code;
}

/* What went wrong before there was anything to report has been said; whoever reads events gets their last one all the same. */
static void end_event(struct command *m, enum hf_exit code)
{
	if (m->json && !m->ended)
		hf_out_event(json_pack("{s:s, s:o, s:i, s:s, s:s}", "event", "result", "t_ms", t_ms(m), "exit", (int)code, "outcome", "failed",
				       "reason", hf_exit_text(code)));
}

/* ---- the device ---- */

static bool find(struct command *m, enum hf_exit *code)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&m->client, &m->port.serial);
	m->client.stop = hf_interrupted;
	hf_interrupt_catch();
	m->rate.baud = m->port.rate;
	m->rate.bauds = m->port.rates;
	m->rate.offered_too = !m->port.board_known && !m->port.baud_given;
	err = hf_smp_rate_find(&m->client, &m->rate, m->port.patience_ms);
	if (!err)
		err = hf_smp_get_status(&m->client, m->port.patience_ms, &m->status, &answer);
	if (hf_interrupted(NULL) && err)
		*code = HF_EXIT_INTERRUPTED;
	else if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		*code = hf_port_nobody(&m->port);
	else
		*code = hf_port_answer(err, &answer, "asking for its status");
	return *code == HF_EXIT_OK;
}

/* ---- before ---- */

static enum hf_exit before(struct command *m)
{
	enum hf_exit code;

	m->check.package = hf_buffer_bytes(&m->package);
	m->check.board = m->port.board_known ? &m->port.board : NULL;
	m->check.keyset = m->keyset_file ? &m->keyset : NULL;
	m->check.as_pilot = m->as_pilot;
	m->check.recovering = m->status.running >= HF_SLOTS;
	m->check.patience_ms = m->port.patience_ms;
	m->check.row = on_row;
	m->check.ctx = m;
	code = hf_check(&m->client, &m->rate, &m->status, &m->check, &m->result);
	if (code != HF_EXIT_PORT_GONE && code != HF_EXIT_SILENT)
		hf_smp_rate_restore(&m->client, &m->rate);
	return ends(m, code, m->result.count, m->result.diag.text, m->result.backup);
}

/* ---- after ---- */

/* A sentence in the tests' diag where it fails. */
static enum hf_exit record_pilot(struct command *m)
{
	struct hf_diag *diag = &m->tests.diag;
	enum hf_err err;

	if (!m->tests.digest_known) {
		hf_diag_set(diag, "no pilot's record was written: this firmware does not tell the digest of what runs");
		return HF_EXIT_DEVICE;
	}
	err = hf_pilot_write(m->record, &m->status, m->tests.digest, m->rows, m->args.waivers.by, diag);
	if (!err && !m->json)
		printf("the pilot's record is in %s\n", m->record);
	return !err ? HF_EXIT_OK : err == HF_ERR_IO ? HF_EXIT_DISK : HF_EXIT_TESTS;
}

static bool read_reference(struct command *m, struct hf_after_reference *reference, enum hf_exit *code)
{
	struct hf_backup *backup = calloc(1, sizeof(*backup));
	struct hf_diag diag = {"out of memory"};
	enum hf_err err = backup ? hf_backup_read(m->reference, backup, &diag) : HF_ERR_IO;

	if (!err && memcmp(backup->device_id, m->status.device_id, sizeof(backup->device_id)) != 0) {
		hf_diag_set(&diag, "%s is the backup of another device; compare with this one's", m->reference);
		err = HF_ERR_DEVICE;
	} else if (!err && !backup->reference.taken) {
		hf_diag_set(&diag, "%s has no measurements to compare with", m->reference);
		err = HF_ERR_TYPE;
	}
	if (err)
		*code = hf_out_fail(err, &diag);
	else
		*reference = backup->reference;
	if (backup)
		hf_backup_free(backup);
	free(backup);
	return !err;
}

static enum hf_exit after(struct command *m)
{
	struct hf_after_reference reference = {0};
	struct hf_after_options options = {
		.limits = &m->args.limits,
		.patience_ms = m->port.patience_ms,
		.row = on_row,
		.ctx = m,
	};
	struct hf_package package;
	struct hf_diag diag;
	enum hf_exit code = HF_EXIT_OK;

	if (m->package.len) {
		enum hf_err err = hf_package_read(hf_buffer_bytes(&m->package), &package, &diag);

		if (err)
			return hf_out_fail(err, &diag);
		options.digest = package.id;
	}
	if (m->reference && !read_reference(m, &reference, &code))
		return code;
	options.reference = &reference;
	m->rows = json_array();
	code = hf_after_test(&m->client, &m->rate, &options, &m->tests);
	if (code == HF_EXIT_OK && m->record)
		code = record_pilot(m);
	json_decref(m->rows);
	m->rows = NULL;
	return ends(m, code, m->tests.count, m->tests.diag.text, "");
}

/* ---- the limits ---- */

static enum hf_exit show_limits(const struct command *m)
{
	json_t *all = json_array();

	for (int i = 0; i < HF_LIMITS; i++) {
		const struct hf_limit_about *about = hf_limit_about((enum hf_limit)i);
		uint32_t value = m->args.limits.at[i];

		json_array_append_new(all, json_pack("{s:s, s:I, s:s, s:I, s:s}", "name", about->name, "value", (json_int_t)value, "unit",
						     about->unit, "default", (json_int_t)about->value, "why", about->why));
		if (!m->json)
			printf("%-28s %7u %-14s %s%s\n", about->name, value, about->unit, value == about->value ? "" : "(the project's) ",
			       about->why);
	}
	if (m->json)
		hf_out_json(json_pack("{s:O}", "limits", all));
	json_decref(all);
	return HF_EXIT_OK;
}

/* ---- the log of waivers ---- */

static enum hf_exit audit(const struct command *m)
{
	const char *path = m->args.waivers.log;
	char usual[HF_CHECK_PATH_BYTES];
	struct hf_diag diag;
	unsigned lines;
	enum hf_err err = HF_OK;

	if (!path) {
		err = hf_check_path("waivers.log", usual, &diag);
		path = usual;
	}
	if (!err)
		err = hf_waivers_verify_log(path, &lines, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	if (m->json)
		hf_out_json(json_pack("{s:s, s:I}", "file", path, "waivers", (json_int_t)lines));
	else
		printf("%s: %u waiver%s, and no line was changed or taken out between the first and the last\n", path, lines,
		       lines == 1 ? "" : "s");
	return HF_EXIT_OK;
}

/* ---- the command ---- */

static enum hf_exit load(struct command *m, const struct hf_args_rest *rest)
{
	struct hf_diag diag;
	enum hf_err err = HF_OK;

	if (rest->count) {
		err = hf_file_read(rest->item[0], HF_PACKAGE_FILE_MAX, &m->package, &diag);
		m->check.package_file = rest->item[0];
	}
	if (!err && m->keyset_file)
		err = hf_load_keyset(m->keyset_file, &m->keyset_bytes, &m->keyset, &diag);
	return err ? hf_out_fail(err, &diag) : HF_EXIT_OK;
}

static bool parse_line(struct command *m)
{
	m->rate.console = m->line && strcmp(m->line, "console") == 0;
	return !m->line || m->rate.console || strcmp(m->line, "auto") == 0 || hf_args_u32(m->line, &m->rate.wanted);
}

static enum hf_exit run(struct command *m, const struct hf_usage *usage, const struct hf_args_rest *rest)
{
	enum hf_exit code = HF_EXIT_OK;

	if (!hf_product_open(&m->port.product, &code))
		return code;
	hf_product_default(&m->keyset_file, m->port.product.project.keyset);
	if (!hf_check_args_take(&m->args, m->port.product.known ? &m->port.product.project : NULL,
				rest->count ? rest->item[0] : NULL, m->as_pilot, usage, &m->check, &code))
		return code;
	if (m->show_limits)
		return show_limits(m);
	if (m->audit)
		return audit(m);
	code = load(m, rest);
	if (code == HF_EXIT_OK && hf_port_open(&m->port, usage, &code)) {
		m->opened = true;
		m->begin_ms = hf_serial_now_ms(&m->port.serial);
		if (find(m, &code))
			code = m->after ? after(m) : before(m);
		end_event(m, code);
		hf_port_close(&m->port);
	} else {
		end_event(m, code);
	}
	hf_buffer_free(&m->package);
	hf_buffer_free(&m->keyset_bytes);
	return code;
}

enum hf_exit hf_command_check(int argc, char **argv)
{
	static struct command m;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(m.port),
		HF_CHECK_ARGS(m.args),
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the keyset that the device trusts: check the signature, too", &m.keyset_file, NULL},
		{"as-pilot", 0, HF_ARG_FLAG, NULL, "this device is the pilot", &m.as_pilot, NULL},
		{"line", 0, HF_ARG_TEXT, "HOW", "test the line at this rate, or `console`: as the device was found (default: auto, the "
		 "fastest that proves good)", &m.line, NULL},
		{"after", 0, HF_ARG_FLAG, NULL, "make the tests after an upgrade instead; with PACKAGE, that this is what runs", &m.after,
		 NULL},
		{"reference", 0, HF_ARG_TEXT, "BACKUP", "with --after: compare with what was measured before; the backup has it", &m.reference,
		 NULL},
		{"record-pilot", 0, HF_ARG_TEXT, "FILE", "with --after: write the pilot's record where all tests pass", &m.record, NULL},
		{"limits", 0, HF_ARG_FLAG, NULL, "show what has to be reached, and why; no device is asked", &m.show_limits, NULL},
		{"audit", 0, HF_ARG_FLAG, NULL, "check that no line of the log of waivers was changed; no device is asked", &m.audit, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &m.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "check",
		.summary = "makes the checks before an upgrade, or the tests after it, and changes nothing",
		.synopsis = "[PACKAGE] --port PORT [options] | --limits | --audit",
		.details = "Five checks: configuration and history saved to a file; the package whole and fit for this device; a pilot done; line, "
			   "memory and supply good enough; a way back that works. A failed one stops `burn`, unless somebody with a name "
			   "waives it, which is recorded. Those that prevent a brick cannot be waived: package, compatibility, memory, supply, "
			   "recovery, fallback. Where neither --pilot nor the project file is "
			   "given, burning demands no pilot; this command does.\n\n"
			   "Tests after: what runs verifies and has confirmed itself, its self-test, light, Modbus and configuration are right; "
			   "line and Modbus are as quick as before; a short stress. Without PACKAGE, what needs one is left out.",
		.example = "holdfast check gateway-1.1.0.suit --port /dev/ttyUSB0 --pilot pilot-1.1.0.json --way-back packages/\n"
			   "  holdfast check gateway-1.1.0.suit --port /dev/ttyUSB0 --waive pilot='this is the pilot line' --by 'R. Berg'\n"
			   "  holdfast check gateway-1.1.0.suit --port /dev/ttyUSB0 --after --record-pilot pilot-1.1.0.json",
		.exits = "3 a file cannot be used, 4 it is another device's, 6 the device reports an error, 7 interrupted, 9 a check failed, 13 a "
			 "file could not be written, 18 a test failed, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (!m.after && (m.reference || m.record))
		return hf_args_wrong(&usage, "--reference and --record-pilot go with --after");
	if (m.after && (m.args.pilot || m.args.backup || m.args.way_back.count || m.args.waivers.items.count || m.as_pilot))
		return hf_args_wrong(&usage, "--backup, --pilot, --as-pilot, --way-back and --waive are for before an upgrade: leave --after out");
	if (!parse_line(&m))
		return hf_args_wrong(&usage, "--line wants auto, console or a rate as 460800, not '%s'", m.line);
	return run(&m, &usage, &rest);
}
