/* SPDX-License-Identifier: MIT
 *
 * Recovery is asked for by whatever the device can hear: a request, if its firmware answers; else boot listens for a moment at
 * each start, for a break and for ESC. The break is ours where we can pulse reset; where a person does, hf_smp_rate_find calls
 * with ESC until somebody answers.
 */
#include "flow_private.h"

#include <stdio.h>

#include "smp_maintain.h"

#define LOOK_MS   3000u
#define BREAK_MS  500u /* over the reset: boot looks at the line within 20 ms of its start */
#define LEAVES_MS 500u /* the answer to the request, and then the reset */

const char *hf_flow_how_to_wake(const struct hf_board *board, char *text, size_t room)
{
	if (board)
		snprintf(text, room, "hold the recovery pin (P%c%u, to %s), press reset or switch the power on, and let go when the light breathes",
			 'A' + board->recovery_pin.pin.port, board->recovery_pin.pin.pin, board->recovery_pin.active_low ? "ground" : "3.3 V");
	else
		snprintf(text, room, "hold the board's recovery pin, press reset or switch the power on, and let go when the light breathes");
	return text;
}

/* True: it is on its way. */
static bool ask_firmware(struct hf_flow *f, struct hf_smp_client *client, const struct hf_smp_status *status)
{
	struct hf_smp_answer answer;
	struct hf_diag diag = {""};
	enum hf_err err = f->o->unlock ? f->o->unlock(f->o->burn.ctx, client, status, &diag) : HF_OK;

	if (err) {
		hf_flow_say(f, "the firmware cannot be asked: %s", diag.text[0] ? diag.text : hf_err_text(err));
		return false;
	}
	err = hf_smp_enter_recovery(client, f->patience_ms, &answer);
	if (err || answer.refusal) {
		hf_flow_say(f, "the firmware does not go into recovery: %s", err ? hf_err_text(err) : answer.reason);
		return false;
	}
	hf_flow_say(f, "asked the firmware to restart into recovery");
	f->asked = true;
	hf_serial_sleep_ms(f->serial, LEAVES_MS);
	return true;
}

static bool find(struct hf_flow *f, struct hf_smp_client *client, struct hf_smp_status *status)
{
	struct hf_smp_rate rate = {.baud = f->o->burn.baud, .bauds = f->o->burn.bauds, .let_start = true};
	struct hf_smp_answer answer;

	hf_smp_client_init(client, f->serial);
	client->on_text = f->o->burn.on_text;
	client->stop = f->o->burn.stop;
	client->ctx = f->o->burn.ctx;
	return hf_smp_rate_find(client, &rate, f->patience_ms < LOOK_MS ? f->patience_ms : LOOK_MS) == HF_OK &&
	       hf_smp_get_status(client, LOOK_MS, status, &answer) == HF_OK && !answer.refusal;
}

/* Is recovery there, or coming? */
static bool by_request(struct hf_flow *f)
{
	struct hf_smp_client client;
	struct hf_smp_status status;

	return find(f, &client, &status) && (status.running >= HF_SLOTS || ask_firmware(f, &client, &status));
}

void hf_flow_leave(struct hf_flow *f)
{
	struct hf_smp_client client;
	struct hf_smp_status status;
	struct hf_smp_answer answer;

	if (f->asked && find(f, &client, &status) && status.running >= HF_SLOTS &&
	    hf_smp_reset(&client, LOOK_MS, &answer) == HF_OK && !answer.refusal)
		hf_flow_say(f, "recovery could do no more: it has started the firmware again");
}

/* True: the adapter's lines have restarted the device, with a break on the line. */
static bool by_lines(struct hf_flow *f)
{
	struct hf_rom rom = {.serial = f->serial, .lines = f->o->lines};
	bool done;

	if (!rom.lines.reset.output)
		return false;
	(void)!hf_serial_set_pins(f->serial, HF_SERIAL_BREAK, HF_SERIAL_BREAK);
	done = hf_rom_restart(&rom);
	hf_serial_sleep_ms(f->serial, BREAK_MS);
	(void)!hf_serial_set_pins(f->serial, HF_SERIAL_BREAK, 0);
	return done;
}

void hf_flow_wake(struct hf_flow *f)
{
	const bool answered = f->r->attempts == 0 || f->r->attempt[f->r->attempts - 1].end != HF_END_NOBODY;
	char how[256];

	if ((answered && by_request(f)) || hf_flow_stopped(f))
		return;
	if (by_lines(f)) {
		hf_flow_say(f, "reset the device by the adapter's lines, with a break on the line");
		return;
	}
	hf_flow_say(f, "press reset, or switch the power off and on: it is called meanwhile (up to %u s); or %s", f->patience_ms / 1000,
		    hf_flow_how_to_wake(f->o->burn.board, how, sizeof(how)));
}
