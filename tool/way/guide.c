/* SPDX-License-Identifier: MIT
 *
 * What to try next follows from what was heard: silence is wires, power or the pin; damaged bytes are ground and rate; our own
 * bytes are a bridge; sound text without recovery is the way in. The loader comes last, and is listened for alone: it takes its
 * rate from the first byte after its reset, which must not be one of ours to somebody else.
 */
#include "guide.h"

#include <stdio.h>
#include <string.h>

#include "flow.h"
#include "port/led_stage.h"
#include "smp_maintain.h"
#include "uuid.h"
#include "version.h"

#define STEP_MS    20000u
#define BANNER_MS  2500u /* recovery says it every second while nobody speaks to it */
#define BREAK_MS   500u
#define ASK_MS     2000u
#define ODD_BYTES  8u

enum step { PIN, WIRES, RESETS, ADAPTER, BOOT0, STEPS };

static uint64_t now_ms(const struct hf_guide *g)
{
	return hf_serial_now_ms(g->serial);
}

static bool stopped(struct hf_guide *g)
{
	return g->stop && g->stop(g->ctx);
}

static void say(struct hf_guide *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct hf_guide *g, const char *format, ...)
{
	struct hf_diag text;
	va_list args;

	va_start(args, format);
	hf_diag_vset(&text, format, args);
	va_end(args);
	if (g->say)
		g->say(g->ctx, now_ms(g), text.text);
}

/* ---- ears ---- */

static void end_line(struct hf_guide *g)
{
	const char *at;

	g->line[g->line_len] = 0;
	at = strstr(g->line, "Waiting for Download");
	if (at)
		snprintf(g->banner, sizeof(g->banner), "%s", at);
	else if (g->line_len > 4)
		snprintf(g->said, sizeof(g->said), "%s", g->line);
	g->line_len = 0;
}

static void on_text(void *ctx, uint8_t byte)
{
	struct hf_guide *g = ctx;

	g->texts++;
	if (byte == '\n' || byte == '\r') {
		end_line(g);
	} else if (byte >= 0x20 && byte < 0x7f) {
		if (g->line_len < sizeof(g->line) - 1)
			g->line[g->line_len++] = (char)byte;
	} else {
		g->odd++;
		g->line_len = 0;
	}
}

static void begin(struct hf_guide *g)
{
	hf_smp_client_init(&g->client, g->serial);
	g->client.on_text = on_text;
	g->client.stop = g->stop;
	g->client.ctx = g->ctx;
	g->rate = (struct hf_smp_rate){.baud = g->baud, .bauds = g->bauds};
}

/* The client's context is the caller's, for `stop`; its text is ours. */
static bool on_stop(void *ctx)
{
	return stopped(ctx);
}

/* ---- who is there ---- */

static enum hf_guide_found take_status(struct hf_guide *g)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(&g->client, ASK_MS, &g->status, &answer);

	if (err == HF_ERR_IO)
		return HF_GUIDE_PORT_GONE;
	if (err == HF_ERR_TIMEOUT)
		return HF_GUIDE_NOTHING;
	if (err || answer.refusal)
		return HF_GUIDE_STRANGER;
	return g->status.running < HF_SLOTS ? HF_GUIDE_FIRMWARE : HF_GUIDE_RECOVERY;
}

static enum hf_guide_found look(struct hf_guide *g)
{
	const struct hf_probe_how how = {.rate = g->baud, .rates = g->bauds, .brief = true, .stop = g->stop, .ctx = g->ctx};
	struct hf_probe *probe = &(struct hf_probe){0};

	if (hf_probe(g->serial, &how, probe) != HF_OK)
		return HF_GUIDE_STOPPED;
	g->echo = probe->peer == HF_PEER_ECHO;
	if (probe->text[0])
		snprintf(g->said, sizeof(g->said), "%s", probe->text);
	switch (probe->peer) {
	case HF_PEER_FIRMWARE:
	case HF_PEER_RECOVERY:
		g->rate.now = g->rate.first = probe->rate;
		return take_status(g);
	case HF_PEER_SMP:
		return HF_GUIDE_STRANGER;
	case HF_PEER_ROM:
		return HF_GUIDE_LOADER;
	case HF_PEER_GONE:
		return HF_GUIDE_PORT_GONE;
	default:
		return HF_GUIDE_NOTHING;
	}
}

static uint32_t step_ms(const struct hf_guide *g)
{
	return g->step_ms ? g->step_ms : STEP_MS;
}

/* Calls, at all rates, until somebody answers. */
static enum hf_guide_found call(struct hf_guide *g)
{
	enum hf_err err = hf_smp_rate_find(&g->client, &g->rate, step_ms(g));

	if (stopped(g))
		return HF_GUIDE_STOPPED;
	if (err)
		return err == HF_ERR_IO ? HF_GUIDE_PORT_GONE : HF_GUIDE_NOTHING;
	return take_status(g);
}

static enum hf_guide_found greet_loader(struct hf_guide *g)
{
	struct hf_an3155 link = {.serial = g->serial, .baud = HF_AN3155_BAUD, .stop = g->stop, .stop_ctx = g->ctx};
	enum hf_an3155_peer peer;
	enum hf_err err = hf_an3155_connect(&link, step_ms(g), NULL, NULL, &peer);

	if (stopped(g))
		return HF_GUIDE_STOPPED;
	if (!err)
		return HF_GUIDE_LOADER;
	return err == HF_ERR_IO ? HF_GUIDE_PORT_GONE : HF_GUIDE_NOTHING;
}

/* ---- what to do ---- */

static void reset_by_lines(struct hf_guide *g, bool loader)
{
	struct hf_rom rom = {.serial = g->serial, .lines = g->lines};

	if (loader) {
		(void)!hf_rom_enter_loader(&rom);
		return;
	}
	(void)!hf_serial_set_pins(g->serial, HF_SERIAL_BREAK, HF_SERIAL_BREAK);
	(void)!hf_rom_restart(&rom);
	hf_serial_sleep_ms(g->serial, BREAK_MS);
	(void)!hf_serial_set_pins(g->serial, HF_SERIAL_BREAK, 0);
}

static void say_wires(struct hf_guide *g)
{
	if (g->echo)
		say(g, "only our own bytes come back: TX and RX are joined somewhere, or no device is behind a half-duplex adapter; part them, then "
		       "pin and reset again");
	else if (g->odd >= ODD_BYTES && g->odd * 4 > g->texts)
		say(g, "bytes arrive, but damaged: connect ground, take a shorter cable or another adapter (the board's rates are tried by "
		       "themselves), then pin and reset again");
	else if (g->said[0])
		say(g, "the device speaks (\"%s\"), but its recovery does not start: hold the pin over the whole reset, until the light breathes",
		    g->said);
	else
		say(g, "nothing at all was heard: is the light on? Check the power; swap TX and RX at the adapter and connect ground; then pin and "
		       "reset again");
}

static void ask(struct hf_guide *g, enum step step)
{
	char how[256];

	g->steps++;
	switch (step) {
	case PIN:
		say(g, "%s", hf_flow_how_to_wake(g->board, how, sizeof(how)));
		break;
	case WIRES:
		say_wires(g);
		break;
	case RESETS:
		say(g, "without the pin: press reset three times, with at most 5 s between two presses, and wait");
		break;
	case ADAPTER:
		say(g, "try another cable, another adapter, another USB port, and measure the supply at the board; then pin and reset again");
		break;
	default:
		say(g, "the last way in: set BOOT0 high and press reset; the chip's own loader is listened for (it hears USART1 and USART3 only)");
	}
}

static enum hf_guide_found try_step(struct hf_guide *g, enum step step)
{
	enum hf_guide_found found;
	bool by_lines = g->lines.reset.output && (step == PIN || step == BOOT0);

	if (by_lines) {
		say(g, step == PIN ? "resetting the device by the adapter's lines, with a break on the line" :
				     "resetting the chip into its own loader by the adapter's lines");
		reset_by_lines(g, step == BOOT0);
	} else {
		ask(g, step);
	}
	if (step == BOOT0)
		return greet_loader(g);
	found = call(g);
	return found == HF_GUIDE_NOTHING && step == PIN && !stopped(g) ? look(g) : found;
}

/* ---- all of it ---- */

/* Firmware that runs is alive: recovery is asked for. */
static enum hf_guide_found ask_firmware(struct hf_guide *g)
{
	char version[HF_VERSION_TEXT_BYTES];
	struct hf_smp_answer answer;

	hf_version_format(g->status.version, g->status.versions, version);
	say(g, "this gateway is alive: it runs %s in slot %c; asking it into recovery", g->status.versions ? version : "firmware",
	    'A' + (int)g->status.running);
	if (hf_smp_enter_recovery(&g->client, ASK_MS, &answer) != HF_OK || answer.refusal)
		return HF_GUIDE_FIRMWARE;
	hf_serial_sleep_ms(g->serial, BREAK_MS);
	return call(g);
}

static void explain(struct hf_guide *g)
{
	switch (g->found) {
	case HF_GUIDE_STRANGER:
		hf_diag_set(&g->diag, "something answers there that is no Holdfast gateway: check the port (`holdfast list`)");
		break;
	case HF_GUIDE_PORT_GONE:
		hf_diag_set(&g->diag, "the port vanished, and did not come back: plug the adapter in again, and run the same command");
		break;
	case HF_GUIDE_STOPPED:
		hf_diag_set(&g->diag, "interrupted: nothing in the device was changed; the same command looks again");
		break;
	case HF_GUIDE_FIRMWARE:
		hf_diag_set(&g->diag, "the firmware runs and does not go into recovery: burn it as usual (`holdfast burn`), or hold the pin over a "
				      "reset");
		break;
	default:
		hf_diag_set(&g->diag, "no sign of recovery and none of the chip's loader: power, wires, adapter, pin and BOOT0 were tried; what "
				      "is left is the debug probe, or another device%s%s%s", g->said[0] ? " (it last said \"" : "", g->said,
			    g->said[0] ? "\")" : "");
	}
}

enum hf_guide_found hf_guide_find(struct hf_guide *g)
{
	unsigned rounds = g->rounds ? g->rounds : 1;

	begin(g);
	g->client.stop = on_stop;
	g->client.ctx = g;
	say(g, "looking what is there");
	g->found = look(g);
	for (unsigned i = 0; i < rounds * STEPS && g->found == HF_GUIDE_NOTHING; i++)
		g->found = try_step(g, (enum step)(i % STEPS));
	if (g->found == HF_GUIDE_FIRMWARE)
		g->found = ask_firmware(g);
	if (g->found != HF_GUIDE_RECOVERY && g->found != HF_GUIDE_LOADER)
		explain(g);
	return g->found;
}

/* ---- the proofs ---- */

static void put_row(struct hf_guide *g, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void put_row(struct hf_guide *g, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
{
	struct hf_row row = {.state = state, .name = name};
	va_list args;

	va_start(args, format);
	vsnprintf(row.text, sizeof(row.text), format, args);
	va_end(args);
	snprintf(row.next, sizeof(row.next), "%s", next);
	if (g->row)
		g->row(g->ctx, &row);
}

/* It is said while nobody speaks to it. */
static void hear_banner(struct hf_guide *g)
{
	uint64_t until = now_ms(g) + BANNER_MS;
	struct hf_smp_answer answer;

	while (!g->banner[0] && now_ms(g) < until && !stopped(g) && hf_smp_receive(&g->client, until, &answer) != HF_ERR_IO)
		;
	if (g->banner[0])
		put_row(g, HF_ROW_PASSED, "serial line", "", "\"%s\"", g->banner);
	else
		put_row(g, HF_ROW_WARNING, "serial line", "it answers all the same; look at the line with `holdfast monitor`",
			"\"Waiting for Download...\" was not heard");
}

static void see_light(struct hf_guide *g)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_health(&g->client, ASK_MS, &g->health, &answer);

	g->health_known = !err && !answer.refusal;
	if (!g->health_known)
		put_row(g, HF_ROW_NOTE, "light", "look whether it breathes, 3 s a breath", "this recovery does not tell");
	else
		put_row(g, g->health.led == HF_STAGE_RECOVERY ? HF_ROW_PASSED : HF_ROW_WARNING, "light",
			g->health.led == HF_STAGE_RECOVERY ? "" : "look at it: another one means that something else is going on", "%s",
			hf_smp_led_text(g->health.led));
}

void hf_guide_prove(struct hf_guide *g)
{
	char id[HF_UUID_TEXT_BYTES];

	if (g->found == HF_GUIDE_LOADER) {
		put_row(g, HF_ROW_PASSED, "ROM loader", "", "the chip's own loader answers, at %u baud with even parity", HF_AN3155_BAUD);
		return;
	}
	hf_uuid_format(g->status.device_id, id);
	hear_banner(g);
	put_row(g, HF_ROW_PASSED, "smp", "", "recovery of a %s answers at %u baud, device %s", g->status.board, g->rate.now, id);
	see_light(g);
}
