/* SPDX-License-Identifier: MIT
 *
 * `holdfast recover`: a dead gateway back to life. First recovery (or the chip's loader) is brought up, with a person's hands and
 * our eyes; then a package is burned through it, and it counts only once the device has confirmed it. The work is in way/guide.c
 * and way/flow.c.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "guide.h"
#include "interrupt.h"
#include "rom_cli.h"
#include "uuid.h"
#include "version.h"
#include "way_cli.h"

#define ROUNDS_BY_HAND 6u /* 10 minutes: somebody is walking to the cabinet and back */

struct recovering {
	struct hf_way_cli c;
	struct hf_guide guide;
	bool yes;
};

static void on_say(void *ctx, uint64_t now_ms, const char *text)
{
	struct recovering *r = ctx;

	hf_burn_show_say(&r->c.show, "guide", now_ms, text, NULL);
}

static void on_row(void *ctx, const struct hf_row *row)
{
	struct recovering *r = ctx;

	if (r->c.show.json)
		hf_out_event(hf_row_json(row));
	else
		hf_row_print(row);
}

static enum hf_exit exit_of(enum hf_guide_found found)
{
	switch (found) {
	case HF_GUIDE_RECOVERY:
	case HF_GUIDE_LOADER:
		return HF_EXIT_OK;
	case HF_GUIDE_STRANGER:
	case HF_GUIDE_FIRMWARE:
		return HF_EXIT_DEVICE;
	case HF_GUIDE_PORT_GONE:
		return HF_EXIT_PORT_GONE;
	case HF_GUIDE_STOPPED:
		return HF_EXIT_INTERRUPTED;
	default:
		return HF_EXIT_NO_DEVICE;
	}
}

/* ---- without a package, or without success: that was all ---- */

static void add_device(json_t *result, const struct hf_guide *g)
{
	char id[HF_UUID_TEXT_BYTES];

	if (g->found != HF_GUIDE_RECOVERY)
		return;
	hf_uuid_format(g->status.device_id, id);
	json_object_update_new(result, json_pack("{s:s, s:s}", "device_id", id, "board", g->status.board));
}

static enum hf_exit report(struct recovering *r)
{
	static const char *const outcomes[] = {"nothing", "recovery", "firmware", "loader", "stranger", "port-gone", "interrupted"};
	const struct hf_guide *g = &r->guide;
	enum hf_exit code = exit_of(g->found);
	uint64_t now_ms = hf_serial_now_ms(&r->c.port.serial);

	if (r->c.show.json) {
		json_t *result = json_pack("{s:s, s:I, s:s, s:i, s:s, s:s, s:i}", "event", "result", "t_ms",
					   (json_int_t)(now_ms - r->c.show.begin_ms), "outcome", outcomes[g->found], "exit", (int)code,
					   "reason", g->diag.text, "serial_port", r->c.port.name, "steps", (int)g->steps);

		add_device(result, g);
		hf_out_event(result);
	} else if (code == HF_EXIT_OK) {
		printf("%s is up; burn firmware with the same command and its PACKAGE%s\n",
		       g->found == HF_GUIDE_RECOVERY ? "recovery" : "the chip's own loader",
		       g->found == HF_GUIDE_RECOVERY ? "; recovery leaves when nobody speaks to it for a minute" : " (and --board FILE)");
	}
	if (code != HF_EXIT_OK)
		hf_out_error("%s", g->diag.text);
	return code;
}

static void print_slots(const struct hf_smp_status *s)
{
	for (unsigned i = 0; i < HF_SLOTS; i++)
		printf("  slot %c   %s\n", 'A' + (int)i, hf_smp_slot_state_text(s->state.slot[i].state));
	if (s->last_error)
		printf("  the last thing that it refused: %s\n", s->last_error_text);
}

/* ---- and with one ---- */

/* A person may still say no. */
static bool agreed(const struct recovering *r)
{
	char answer[16] = "";

	if (r->yes || r->c.show.json || !isatty(STDIN_FILENO))
		return true;
	printf("burn now? [Y/n] ");
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return answer[0] != 'n' && answer[0] != 'N';
}

static enum hf_exit burn(struct recovering *r)
{
	if (!agreed(r)) {
		hf_out_error("nothing was changed");
		return HF_EXIT_INTERRUPTED;
	}
	r->c.flow.ways = r->guide.found == HF_GUIDE_LOADER ? HF_WAY_BIT(HF_WAY_ROM) : HF_WAY_BIT(HF_WAY_RECOVERY) | HF_WAY_BIT(HF_WAY_ROM);
	return hf_way_cli_burn(&r->c);
}

static enum hf_exit run(struct recovering *r, bool package)
{
	struct hf_guide *g = &r->guide;
	bool by_hand = !r->yes && !r->c.show.json && isatty(STDIN_FILENO);

	g->serial = &r->c.port.serial;
	g->board = r->c.flow.burn.board;
	g->baud = r->c.port.rate;
	g->bauds = r->c.port.rates;
	g->lines = r->c.flow.lines;
	g->step_ms = r->c.port.patience ? r->c.port.patience_ms : 0;
	g->rounds = by_hand ? ROUNDS_BY_HAND : 1;
	g->say = on_say;
	g->row = on_row;
	g->stop = hf_interrupted;
	g->ctx = r;
	hf_burn_show_begin(&r->c.show, hf_serial_now_ms(g->serial));
	hf_guide_find(g);
	if (exit_of(g->found) != HF_EXIT_OK)
		return report(r);
	hf_guide_prove(g);
	if (package)
		return burn(r);
	if (g->found == HF_GUIDE_RECOVERY && !r->c.show.json)
		print_slots(&g->status);
	return report(r);
}

enum hf_exit hf_command_recover(int argc, char **argv)
{
	static struct recovering r;
	const struct hf_arg options[] = {
		HF_WAY_CLI_ARGS(r.c),
		{"yes", 'y', HF_ARG_FLAG, NULL, "burn without asking, and give up after one round of things to try", &r.yes, NULL},
		{"no-wait", 0, HF_ARG_FLAG, NULL, "through the chip's loader: leave once all is written", &r.c.no_wait, NULL},
	};
	const struct hf_usage usage = {
		.command = "recover",
		.summary = "brings a dead gateway back: says what to do with pin and power, watches, burns, verifies",
		.synopsis = "[PACKAGE] --port PORT --board FILE [options]",
		.details = "One thing to do at a time: the recovery pin, wires, three resets, adapter and supply, BOOT0. What was done shows by itself; "
			   "nothing has to be typed. The signs that recovery is there are its line \"Waiting for Download...\", its answer to SMP, and "
			   "the breathing light, as the device reports it. Then PACKAGE is burned through it, or through the chip's own loader, and "
			   "the device has to start it and to confirm it. Without PACKAGE it ends where recovery is up. --patience is the time for each "
			   "thing to do (default: 20s).\n\n"
			   "A gateway that is alive is asked into recovery. docs/RECOVERY.md is the same on paper.",
		.example = "holdfast recover gateway-1.1.0.suit --port /dev/ttyUSB0 --board boards/reference.conf",
		.exits = "3 the package is damaged, 4 it is not for this device, 6 the device refused, 7 interrupted, 9 a check failed, 18 it runs, "
			 "but a test failed, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	const char *package;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	package = rest.count ? rest.item[0] : NULL;
	r.c.flow.ways = HF_WAY_ALL;
	r.c.rescue = true;
	r.c.port.loader_too = r.c.port.silent_too = true;
	if (hf_way_cli_open(&r.c, package, &usage, &code))
		code = run(&r, package != NULL);
	else
		hf_burn_show_nothing(&r.c.show, code);
	hf_way_cli_close(&r.c);
	return code;
}
