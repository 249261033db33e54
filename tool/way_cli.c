/* SPDX-License-Identifier: MIT */
#include "way_cli.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"

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

static enum hf_err permit(void *ctx, struct hf_burn_door *door, struct hf_diag *diag)
{
	struct hf_way_cli *c = ctx;

	return unlock(c, door->client, door->status, diag);
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

bool hf_way_cli_open(struct hf_way_cli *c, const char *package, const struct hf_usage *usage, enum hf_exit *code)
{
	struct hf_burn_options *o = &c->flow.burn;

	*code = HF_EXIT_USAGE;
	if (!check_arguments(c, usage))
		return false;
	c->port.loader_too = (c->flow.ways & HF_WAY_BIT(HF_WAY_ROM)) != 0 && c->port.board_file;
	c->opened = read_files(c, package, code) && hf_port_open(&c->port, usage, code);
	if (!c->opened)
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
	free(c->result);
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
	return hf_way_show_result(&c->show, c->result, HF_EXIT_OK, NULL);
}
