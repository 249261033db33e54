/* SPDX-License-Identifier: MIT */
#include "rom_cli.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "uuid.h"

const char *hf_rom_cli_stage_text(enum hf_rom_stage stage)
{
	static const char *const texts[] = {"connect", "check", "write", "record", "options", "start"};

	return texts[stage];
}

/* ---- events ---- */

static void end_progress(struct hf_rom_cli *c, uint64_t now_ms)
{
	if (c->progressing)
		hf_progress_end(&c->progress, now_ms * 1000000);
	c->progressing = false;
	if (c->waiting)
		fputc('\n', stderr);
	c->waiting = false;
}

static void show_progress(struct hf_rom_cli *c, const struct hf_rom_event *e)
{
	if (!c->progressing) {
		hf_progress_begin(&c->progress, "burning", e->done, e->total, e->now_ms * 1000000, c->quiet);
		c->skipped = e->skipped;
	}
	c->progressing = true;
	if (e->skipped > c->skipped)
		hf_progress_skip(&c->progress, e->skipped - c->skipped);
	c->skipped = e->skipped;
	hf_progress_update(&c->progress, e->done, e->now_ms * 1000000);
}

static void show_countdown(struct hf_rom_cli *c, const struct hf_rom_event *e)
{
	if (c->quiet || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\rwaiting for the ROM loader, %2u s left ", e->left_ms / 1000);
	c->waiting = true;
}

static void tell_json(struct hf_rom_cli *c, const struct hf_rom_event *e)
{
	unsigned percent = e->total ? (unsigned)(e->done * 100 / e->total) : 0;
	json_t *event;

	if (!e->text && (e->stage != HF_ROM_WRITE || percent == c->percent))
		return;
	c->percent = percent;
	event = json_pack("{s:s, s:I}", "event", hf_rom_cli_stage_text(e->stage), "t_ms", (json_int_t)(e->now_ms - c->begin_ms));
	if (e->text)
		json_object_set_new(event, "text", json_string(e->text));
	if (e->stage == HF_ROM_WRITE && e->total)
		json_object_update_new(event, json_pack("{s:I, s:I}", "off", (json_int_t)e->done, "total", (json_int_t)e->total));
	hf_out_event(event);
}

static void on_event(void *ctx, const struct hf_rom_event *e)
{
	struct hf_rom_cli *c = ctx;

	if (!c->begun)
		c->begin_ms = e->now_ms;
	c->begun = true;
	if (c->json) {
		tell_json(c, e);
	} else if (!e->text) {
		if (e->stage == HF_ROM_WRITE)
			show_progress(c, e);
		else
			show_countdown(c, e);
	} else {
		end_progress(c, e->now_ms);
		if (!c->quiet)
			printf("%s%8.3f s%s  %s\n", hf_out_colour(stdout, HF_COLOUR_DIM), (double)(e->now_ms - c->begin_ms) / 1000,
			       hf_out_colour(stdout, HF_COLOUR_NONE), e->text);
		fflush(stdout);
	}
}

/* ---- begin and end ---- */

static enum hf_exit exit_of(enum hf_err err)
{
	switch (err) {
	case HF_ERR_TIMEOUT:
	case HF_ERR_IO:
	case HF_ERR_CRC:
		return HF_EXIT_NO_DEVICE;
	case HF_ERR_BUSY:
		return HF_EXIT_INTERRUPTED;
	case HF_ERR_DENIED:
	case HF_ERR_KEYSET:
	case HF_ERR_ORDER:
		return HF_EXIT_DEVICE;
	default:
		return hf_exit_of(err);
	}
}

bool hf_rom_cli_open(struct hf_rom_cli *c, struct hf_port *port, const struct hf_usage *usage, enum hf_exit *code)
{
	struct hf_diag diag = {""};
	char uid[25];
	enum hf_err err;

	c->port = port;
	c->rom = (struct hf_rom){.serial = &port->serial, .event = on_event, .stop = hf_interrupted, .ctx = c};
	if (c->lines && !hf_rom_lines_parse(c->lines, &c->rom.lines)) {
		*code = hf_args_wrong(usage, "--lines wants something like " HF_ROM_LINES_HELP ", not '%s'", c->lines);
		return false;
	}
	port->loader_too = port->silent_too = true;
	if (!hf_port_open(port, usage, code))
		return false;
	c->rom.board = port->board_known ? &port->board : NULL;
	c->rom.baud = port->baud_given ? port->baud : HF_AN3155_BAUD;
	c->rom.wait_ms = port->patience_ms;
	hf_interrupt_catch();
	err = hf_rom_connect(&c->rom, &diag);
	if (err) {
		*code = hf_rom_cli_end(c, err, &diag, NULL);
		return false;
	}
	if (c->rom.link.readable)
		hf_rom_tell(&c->rom, HF_ROM_CONNECT, "found a chip 0x%03x, unique id %s, %u KiB of flash", c->rom.link.chip_id,
			    hf_out_hex(c->rom.uid, sizeof(c->rom.uid), uid), c->rom.flash_kib);
	else
		hf_rom_tell(&c->rom, HF_ROM_CONNECT, "found a chip 0x%03x, closed by its readout protection", c->rom.link.chip_id);
	return true;
}

static double seconds(const struct hf_rom_cli *c)
{
	return c->begun ? (double)(hf_serial_now_ms(c->rom.serial) - c->begin_ms) / 1000 : 0;
}

static void add_facts(json_t *result, const struct hf_rom_cli *c)
{
	const struct hf_rom *rom = &c->rom;

	json_object_set_new(result, "chip", hf_rom_cli_chip(rom));
	json_object_update_new(result, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sectors_kept",
						 (json_int_t)rom->count.kept, "sectors_erased", (json_int_t)rom->count.erased,
						 "bytes_written", (json_int_t)rom->count.written, "bytes_read",
						 (json_int_t)rom->count.read, "erased_again", (json_int_t)rom->count.again,
						 "resyncs", (json_int_t)rom->link.count.resyncs, "waits",
						 (json_int_t)rom->count.waits));
}

enum hf_exit hf_rom_cli_end(struct hf_rom_cli *c, enum hf_err err, const struct hf_diag *diag, json_t *facts)
{
	enum hf_exit code = err && hf_interrupted(NULL) ? HF_EXIT_INTERRUPTED : exit_of(err);

	end_progress(c, hf_serial_now_ms(c->rom.serial));
	if (c->json) {
		json_t *result = json_pack("{s:s, s:i, s:i, s:s, s:I}", "event", "result", "exit", (int)code, "error", (int)err,
					   "reason", err ? diag->text : "", "duration_ms", (json_int_t)(seconds(c) * 1000));

		add_facts(result, c);
		if (facts)
			json_object_update(result, facts);
		hf_out_event(result);
	}
	json_decref(facts);
	if (err)
		hf_out_error("%s", diag->text);
	else if (!c->json)
		printf("%sdone%s after %.1f s: %u sectors written, %u were right already%s\n", hf_out_colour(stdout, HF_COLOUR_GREEN),
		       hf_out_colour(stdout, HF_COLOUR_NONE), seconds(c), c->rom.count.erased, c->rom.count.kept,
		       c->rom.count.waits + c->rom.count.misread + c->rom.link.count.timeouts ? "; the line had troubles" : "");
	hf_port_close(c->port);
	return code;
}

void hf_rom_cli_start(struct hf_rom_cli *c)
{
	if (c->rom.lines.reset.output && hf_rom_restart(&c->rom))
		hf_rom_tell(&c->rom, HF_ROM_START, "started the device");
	else
		hf_rom_tell(&c->rom, HF_ROM_START, "set BOOT0 low and reset the device: it starts; then ask it with `holdfast status`");
}

/* ---- what the chip is ---- */

json_t *hf_rom_cli_chip(const struct hf_rom *rom)
{
	char uid[25], id[HF_UUID_TEXT_BYTES];
	json_t *chip = json_pack("{s:i, s:i, s:i}", "id", (int)rom->link.chip_id, "loader", (int)rom->link.version, "rdp",
				 (int)rom->options.rdp);

	if (!rom->link.readable)
		return chip;
	hf_uuid_format(rom->device_id, id);
	json_object_update_new(chip, json_pack("{s:s, s:s, s:i, s:i, s:b, s:i}", "unique_id",
					       hf_out_hex(rom->uid, sizeof(rom->uid), uid), "device_id", id, "flash_kib",
					       (int)rom->flash_kib, "bor", (int)rom->options.bor, "watchdog_by_software",
					       rom->options.watchdog_by_software, "write_protected", (int)rom->options.protected));
	return chip;
}

static void print_options(const struct hf_rom *rom)
{
	const struct hf_rom_options *o = &rom->options;

	printf("  readout     %s\n", hf_rom_rdp_text(o->rdp));
	if (!rom->link.readable)
		return;
	printf("  brown-out   %s\n", hf_rom_bor_text(o->bor));
	printf("  watchdog    started by %s\n", o->watchdog_by_software ? "software" : "hardware");
	printf("  write-protected sectors:");
	for (unsigned i = 0; i < 12; i++) {
		if (o->protected >> i & 1)
			printf(" %u", i);
	}
	printf("%s\n", o->protected ? "" : " none");
}

enum hf_exit hf_rom_cli_status(struct hf_rom_cli *c, struct hf_port *port, const struct hf_usage *usage)
{
	char uid[25], id[HF_UUID_TEXT_BYTES];
	const struct hf_rom *rom = &c->rom;
	enum hf_exit code;

	c->quiet = !c->json;
	if (!hf_rom_cli_open(c, port, usage, &code))
		return code;
	if (c->json)
		return hf_rom_cli_end(c, HF_OK, NULL, NULL);
	end_progress(c, 0);
	printf("chip 0x%03x in its ROM loader, protocol %u.%u\n", rom->link.chip_id, rom->link.version >> 4, rom->link.version & 15);
	if (rom->link.readable) {
		hf_uuid_format(rom->device_id, id);
		printf("  unique id   %s\n  device id   %s\n  flash       %u KiB\n", hf_out_hex(rom->uid, sizeof(rom->uid), uid), id,
		       rom->flash_kib);
	}
	print_options(rom);
	hf_port_close(port);
	return HF_EXIT_OK;
}
