/* SPDX-License-Identifier: MIT */
#include "way_cli.h"

#include <stdlib.h>
#include <string.h>

#include "check/pilot.h"
#include "interrupt.h"

#define LINK_BITS 65536u

/* ---- what a burn asks us, and tells us ---- */

static void on_event(void *ctx, const struct hf_burn_event *e)
{
	struct hf_way_cli *c = ctx;

	hf_burn_show_event(&c->show, e);
}

static void on_say(void *ctx, enum hf_way way, uint64_t now_ms, const char *text)
{
	struct hf_way_cli *c = ctx;

	hf_way_show_say(&c->show, way, now_ms, text);
}

static void on_rom_event(void *ctx, const struct hf_rom_event *e)
{
	struct hf_way_cli *c = ctx;

	hf_way_show_rom(&c->show, e);
}

static void on_text(void *ctx, uint8_t byte)
{
	(void)ctx;
	if (byte == '\n' || (byte >= 0x20 && byte < 0x7f))
		fputc(byte, stderr);
}

static enum hf_err unlock(void *ctx, struct hf_smp_client *client, const struct hf_smp_status *status, struct hf_diag *diag)
{
	struct hf_way_cli *c = ctx;

	return hf_site_open(&c->site, client, status->device_id, c->port.patience_ms, diag);
}

/* ---- checks before, tests after ---- */

static void on_row(void *ctx, const struct hf_row *row)
{
	struct hf_way_cli *c = ctx;

	if (c->rows)
		json_array_append_new(c->rows, hf_row_json(row));
	hf_burn_show_row(&c->show, row);
}

/* Where nothing has gone wrong with the exit code, but with the file or the device. */
static enum hf_burn_outcome outcome_of(enum hf_exit code)
{
	switch (code) {
	case HF_EXIT_SILENT:
		return HF_BURN_SILENT;
	case HF_EXIT_PORT_GONE:
		return HF_BURN_PORT_GONE;
	case HF_EXIT_INTERRUPTED:
		return HF_BURN_INTERRUPTED;
	default:
		return HF_BURN_CHECK_FAILED;
	}
}

/* "10 checks passed, 1 warning; saved to FILE" */
static void tell_count(struct hf_way_cli *c, const char *what, const unsigned count[HF_ROW_STATES], const char *file)
{
	struct hf_diag text;
	char failed[32] = "", waived[32] = "";

	if (count[HF_ROW_FAILED])
		snprintf(failed, sizeof(failed), ", %u FAILED", count[HF_ROW_FAILED]);
	if (count[HF_ROW_WAIVED])
		snprintf(waived, sizeof(waived), ", %u waived", count[HF_ROW_WAIVED]);
	hf_diag_set(&text, "%u %s passed%s%s%s%s", count[HF_ROW_PASSED], what, failed, waived, file[0] ? "; configuration and history saved to " : "",
		    file);
	hf_burn_show_say(&c->show, what, hf_serial_now_ms(&c->port.serial), text.text, NULL);
}

static enum hf_err check(struct hf_way_cli *c, struct hf_burn_door *door, struct hf_diag *diag)
{
	struct hf_check_options *o = &c->check;
	enum hf_exit code;

	o->package = c->flow.burn.package;
	o->board = c->flow.burn.board;
	o->keyset = c->flow.burn.keyset;
	o->any_release = c->flow.burn.any_release;
	o->recovering = door->status->running >= HF_SLOTS;
	o->patience_ms = c->port.patience_ms;
	o->row = on_row;
	o->ctx = c;
	c->was_checked = true;
	code = hf_check(door->client, door->rate, door->status, o, &c->checked);
	if (c->checked.reference.health_known)
		door->slowest_erase_ms = c->checked.reference.health.slowest_ms;
	tell_count(c, "checks", c->checked.count, c->checked.backup);
	if (code == HF_EXIT_OK)
		return HF_OK;
	c->verdict = code;
	door->outcome = outcome_of(code);
	*diag = c->checked.diag;
	return code == HF_EXIT_SILENT ? HF_ERR_TIMEOUT : code == HF_EXIT_PORT_GONE ? HF_ERR_IO : HF_ERR_ABORT;
}

static enum hf_err permit(void *ctx, struct hf_burn_door *door, struct hf_diag *diag)
{
	struct hf_way_cli *c = ctx;
	enum hf_err err = unlock(c, door->client, door->status, diag);

	return err || c->flow.burn.no_verify ? err : check(c, door, diag);
}

static void record_pilot(struct hf_way_cli *c, struct hf_burn_result *r)
{
	enum hf_err err = HF_ERR_NOT_FOUND;

	hf_diag_set(&r->diag, "no pilot's record was written: this firmware does not tell the digest of what runs");
	if (c->tested.digest_known)
		err = hf_pilot_write(c->checks.pilot, &r->after, c->tested.digest, c->rows, c->checks.waivers.by, &r->diag);
	if (err)
		c->verdict = err == HF_ERR_IO ? HF_EXIT_DISK : HF_EXIT_TESTS;
	else
		hf_diag_set(&r->diag, "%s", "");
}

static void after(void *ctx, struct hf_smp_client *client, struct hf_smp_rate *rate, struct hf_burn_result *r)
{
	struct hf_way_cli *c = ctx;
	const struct hf_after_options o = {
		.digest = r->id,
		.reference = c->was_checked ? &c->checked.reference : NULL,
		.limits = &c->checks.limits,
		.patience_ms = c->port.patience_ms,
		.row = on_row,
		.ctx = c,
	};

	c->rows = json_array();
	c->was_tested = true;
	c->verdict = hf_after_test(client, rate, &o, &c->tested);
	tell_count(c, "tests", c->tested.count, "");
	if (c->verdict != HF_EXIT_OK)
		r->diag = c->tested.diag;
	else if (c->as_pilot)
		record_pilot(c, r);
	if (c->tested.digest_known) {
		r->digest_known = true;
		memcpy(r->digest, c->tested.digest, sizeof(r->digest));
	}
}

static json_t *counts(const unsigned count[HF_ROW_STATES])
{
	json_t *value = json_object();

	for (int i = 0; i < HF_ROW_STATES; i++)
		json_object_set_new(value, hf_row_state_text((enum hf_row_state)i), json_integer((json_int_t)count[i]));
	return value;
}

static json_t *findings(const struct hf_way_cli *c)
{
	json_t *facts = json_object();

	if (c->was_checked)
		json_object_set_new(facts, "checks", counts(c->checked.count));
	if (c->was_checked && c->checked.backup[0])
		json_object_set_new(facts, "backup", json_string(c->checked.backup));
	if (c->was_tested)
		json_object_set_new(facts, "tests", counts(c->tested.count));
	return facts;
}

/* ---- arguments ---- */

static bool parse_slot(const char *text, unsigned *place)
{
	*place = HF_ROM_ANY_SLOT;
	if (!text)
		return true;
	if (strlen(text) != 1 || !strchr("AaBb", *text))
		return false;
	*place = *text == 'A' || *text == 'a' ? HF_PLACE_A : HF_PLACE_B;
	return true;
}

static bool check_arguments(struct hf_way_cli *c, const struct hf_usage *usage)
{
	struct hf_flow_options *f = &c->flow;

	if (c->confirm && !hf_duration_parse(c->confirm, &f->burn.confirm_ms)) {
		hf_args_wrong(usage, "--confirm-within wants a time as 120s, 500ms or 2m, not '%s'", c->confirm);
		return false;
	}
	if (c->lines && !hf_rom_lines_parse(c->lines, &f->lines)) {
		hf_args_wrong(usage, "--lines wants something like " HF_ROM_LINES_HELP ", not '%s'", c->lines);
		return false;
	}
	if (!parse_slot(c->slot, &f->rom.place)) {
		hf_args_wrong(usage, "--slot wants A or B, not '%s'", c->slot);
		return false;
	}
	return true;
}

/* Burning tests the line less long than `check` does: the rate has just been proved, and an upload copes with losses. */
static bool take_checks(struct hf_way_cli *c, const char *package, const struct hf_usage *usage, enum hf_exit *code)
{
	const struct hf_project *project = c->port.product.known ? &c->port.product.project : NULL;

	if (!hf_check_args_take(&c->checks, project, package, c->as_pilot, usage, &c->check, code))
		return false;
	if (!c->checks.link_bits)
		c->checks.limits.at[HF_LIMIT_LINK_BITS] = LINK_BITS;
	c->check.package_file = package;
	c->check.as_pilot = c->as_pilot;
	c->check.rescue = c->rescue;
	if (c->as_pilot)
		c->check.pilot = NULL;
	return true;
}

/* ---- begin and end ---- */

static bool read_files(struct hf_way_cli *c, const char *package, enum hf_exit *code)
{
	struct hf_diag diag;
	enum hf_err err = package ? hf_file_read(package, HF_PACKAGE_FILE_MAX, &c->package, &diag) : HF_OK;

	if (!err && c->keyset_file) {
		err = hf_load_keyset(c->keyset_file, &c->keyset_bytes, &c->keyset, &diag);
		c->flow.burn.keyset = &c->keyset;
	}
	if (err)
		*code = hf_out_fail(err, &diag);
	return !err;
}

/* --baud is the loader's rate where only that is spoken to; its firmware has its own. */
static void give_rate_to_loader(struct hf_way_cli *c)
{
	if (c->flow.ways != HF_WAY_BIT(HF_WAY_ROM) || !c->port.baud_given)
		return;
	c->flow.rom_baud = c->port.baud;
	c->port.baud_given = false;
	hf_port_rates(&c->port);
}

/* What no option said, and the product's project does. */
static bool take_project(struct hf_way_cli *c, enum hf_exit *code)
{
	const struct hf_project *project = &c->port.product.project;

	if (!hf_product_open(&c->port.product, code))
		return false;
	if (c->flow.ways != HF_WAY_BIT(HF_WAY_ROM)) /* through the loader, the keyset is the device's own */
		hf_product_default(&c->keyset_file, project->keyset);
	if (!c->confirm && project->burn.confirm_s)
		c->flow.burn.confirm_ms = project->burn.confirm_s * 1000;
	return true;
}

bool hf_way_cli_open(struct hf_way_cli *c, const char *package, const struct hf_usage *usage, enum hf_exit *code)
{
	struct hf_burn_options *o = &c->flow.burn;

	*code = HF_EXIT_USAGE;
	c->show.port = c->port.name;
	if (!check_arguments(c, usage) || !take_project(c, code))
		return false;
	c->port.loader_too |= (c->flow.ways & HF_WAY_BIT(HF_WAY_ROM)) != 0 && c->port.board_file;
	c->opened = read_files(c, package, code) && hf_port_open(&c->port, usage, code);
	if (!c->opened || !take_checks(c, package, usage, code))
		return false;
	if (c->flow.ways == HF_WAY_BIT(HF_WAY_ROM) && !c->port.board_known) {
		*code = hf_args_wrong(usage, "--via rom needs the board file: --board FILE");
		return false;
	}
	give_rate_to_loader(c);
	o->package = hf_buffer_bytes(&c->package);
	o->board = c->port.board_known ? &c->port.board : NULL;
	o->baud = c->port.rate;
	o->bauds = c->port.rates;
	o->offered_rates = !c->port.board_known && !c->port.baud_given;
	o->patience_ms = c->port.patience_ms;
	o->permit = permit;
	o->event = on_event;
	o->on_text = c->log ? on_text : NULL;
	o->stop = hf_interrupted;
	o->ctx = c;
	c->flow.unlock = unlock;
	c->flow.after = o->no_verify ? NULL : after;
	o->tests = !o->no_verify;
	c->flow.say = on_say;
	c->flow.rom_event = on_rom_event;
	c->flow.no_wait = c->no_wait;
	c->show.port = c->port.name;
	hf_interrupt_catch();
	return true;
}

void hf_way_cli_close(struct hf_way_cli *c)
{
	if (c->opened)
		hf_port_close(&c->port);
	hf_site_close(&c->site);
	hf_buffer_free(&c->keyset_bytes);
	hf_buffer_free(&c->package);
	json_decref(c->rows);
	free(c->result);
}

/* What checks or tests have to say counts for the way that was taken in the end, and not for one that was given up. */
static enum hf_exit verdict(const struct hf_way_cli *c)
{
	enum hf_burn_outcome outcome = c->result->burn.outcome;

	return outcome == HF_BURN_CHECK_FAILED || (outcome == HF_BURN_CONFIRMED && c->was_tested) ? c->verdict : HF_EXIT_OK;
}

enum hf_exit hf_way_cli_burn(struct hf_way_cli *c)
{
	c->result = malloc(sizeof(*c->result));
	if (!c->result) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	hf_burn_show_begin(&c->show, hf_serial_now_ms(&c->port.serial));
	hf_flow_burn(&c->port.serial, &c->flow, c->result);
	return hf_way_show_result(&c->show, c->result, verdict(c), findings(c));
}
