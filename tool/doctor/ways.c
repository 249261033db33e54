/* SPDX-License-Identifier: MIT
 *
 * The ways into recovery, each with how to use it; and the proof that one is open, by going there and back.
 */
#include "doctor.h"

#include "smp_maintain.h"
#include "version.h"
#include "watch.h"

#define PATIENCE_MS 10000u
#define BANNER_MS   10000u
#define BACK_MS     30000u
#define SLICE_MS    100u
#define LED_BREATHING 6u /* docs/PROTOCOL.md, health: the light's stage "recovery" */

static const char *pin_text(struct hf_pin pin, char text[8])
{
	snprintf(text, 8, "P%c%u", 'A' + pin.port, pin.pin);
	return text;
}

/* State and sentence of a way that the device tells of, or does not. */
static void tell_way(struct hf_findings *f, const struct hf_doctor_device *d, uint32_t way, const char *name, const char *next)
{
	if (!d->health_known)
		hf_finding(f, HF_ROW_NOTE, name, next, "%s", hf_probe_is_holdfast(&d->probe) ? "this firmware does not tell; boot knows it" :
			   "the device does not answer; boot knows it");
	else if (d->health.ways & way)
		hf_finding(f, HF_ROW_PASSED, name, next, "open");
	else
		hf_finding(f, HF_ROW_WARNING, name, "use another way", "this device does not have it");
}

static void tell_pin(struct hf_findings *f, const struct hf_doctor_device *d)
{
	char where[64] = "the board's recovery pin (--board FILE names it)", next[256], pin[8];

	if (d->board)
		snprintf(where, sizeof(where), "%s to %s", pin_text(d->board->recovery_pin.pin, pin),
			 d->board->recovery_pin.active_low ? "ground" : "3.3 V");
	if (d->health_known && d->health.pin_held) {
		snprintf(next, sizeof(next), "let it go, or take the jumper off: %s", where);
		hf_finding(f, HF_ROW_WARNING, "way in: pin", next, "open, and held now: the next reset leads into recovery");
		return;
	}
	snprintf(next, sizeof(next), "hold %s, switch the power on or press reset, let go when the light breathes", where);
	tell_way(f, d, HF_WAY_PIN, "way in: pin", next);
}

static void tell_line(struct hf_findings *f, const struct hf_doctor_device *d)
{
	uint32_t baud = d->board ? d->board->maintenance.baud[0] : d->rates ? d->rate[0] : 0;
	char next[160];

	snprintf(next, sizeof(next), "send ESC over and over at %u baud, or hold a break, and press reset meanwhile", baud);
	tell_way(f, d, HF_WAY_LINE, "way in: line", next);
}

static void tell_request(struct hf_findings *f, const struct hf_doctor_device *d)
{
	char next[HF_ROW_TEXT_BYTES];

	snprintf(next, sizeof(next), "holdfast recovery --port %s; `holdfast doctor --try-recovery` proves it", d->port);
	if (!hf_probe_is_holdfast(&d->probe))
		hf_finding(f, HF_ROW_NOTE, "way in: request", "one of the other ways", "takes firmware that answers");
	else if (d->probe.peer == HF_PEER_RECOVERY)
		hf_finding(f, HF_ROW_PASSED, "way in: request", "", "recovery runs already");
	else
		tell_way(f, d, HF_WAY_REQUEST, "way in: request", next);
}

/* RM0090 and AN2606: the loader listens on USART1 at PA9 and PA10, on USART3 at PB10 and PB11 or PC10 and PC11. */
static bool loader_hears(const struct hf_board_uart *u)
{
	bool a = u->tx.port == 0 && u->tx.pin == 9 && u->rx.port == 0 && u->rx.pin == 10;
	bool bc = (u->tx.port == 1 || u->tx.port == 2) && u->tx.pin == 10 && u->rx.port == u->tx.port && u->rx.pin == 11;

	return (u->usart == 1 && a) || (u->usart == 3 && bc);
}

static void tell_rom(struct hf_findings *f, const struct hf_doctor_device *d)
{
	const struct hf_board *b = d->board;
	char next[HF_ROW_TEXT_BYTES];

	snprintf(next, sizeof(next), "BOOT0 to 3.3 V, press reset, then: holdfast status --via rom --port %s", d->port);
	if (d->probe.peer == HF_PEER_ROM)
		hf_finding(f, HF_ROW_PASSED, "way in: ROM", "", "the chip's own loader runs now%s", d->probe.closed ?
			   "; readout protection is on: it can only erase everything (holdfast factory --port ... --erase-everything)" : "");
	else if (!b)
		hf_finding(f, HF_ROW_NOTE, "way in: ROM", next, "open where BOOT0 can be reached; --board FILE tells more");
	else if (!loader_hears(&b->maintenance))
		hf_finding(f, HF_ROW_WARNING, "way in: ROM", "USB, or another serial port of the chip: USART1 at PA9 and PA10, USART3",
			   "the chip's loader does not listen on this board's maintenance port");
	else
		hf_finding(f, HF_ROW_PASSED, "way in: ROM", next, "below everything, by BOOT0%s", b->protect.rdp ?
			   "; the factory sets readout protection 1: it then can only erase everything, and start anew" : "");
}

void hf_doctor_ways(struct hf_findings *f, const struct hf_doctor_device *d)
{
	tell_pin(f, d);
	tell_way(f, d, HF_WAY_RESETS, "way in: resets", "press reset three times, at most 5 s between two presses");
	tell_line(f, d);
	tell_request(f, d);
	tell_rom(f, d);
}

/* ---- the proof ---- */

struct ear {
	struct hf_watch watch;
	bool banner;
};

static void on_line(void *ctx, const char *text, uint64_t at_ms)
{
	struct ear *ear = ctx;

	(void)text;
	(void)at_ms;
	ear->banner |= ear->watch.log.stage == HF_LOG_RECOVERY;
}

static bool hear_banner(struct hf_doctor_device *d)
{
	uint64_t now_ms = hf_serial_now_ms(d->serial), end_ms = now_ms + BANNER_MS;
	struct ear ear = {.banner = false};
	uint8_t buf[256];
	size_t len;

	hf_watch_begin(&ear.watch, &(struct hf_watch_events){.line = on_line, .ctx = &ear});
	while (!ear.banner && now_ms < end_ms && !(d->stop && d->stop(d->ctx))) {
		enum hf_err err = hf_serial_read(d->serial, buf, sizeof(buf), SLICE_MS, &len);

		now_ms = hf_serial_now_ms(d->serial);
		hf_watch_take(&ear.watch, (struct hf_bytes){buf, len}, now_ms);
		if (err && err != HF_ERR_TIMEOUT)
			break;
	}
	return ear.banner;
}

/* Until the device answers, and is (or is no longer) in recovery. */
static bool await_place(struct hf_doctor_device *d, bool recovery, struct hf_smp_status *status)
{
	uint64_t end_ms = hf_serial_now_ms(d->serial) + BACK_MS;
	struct hf_smp_answer answer;

	while (hf_serial_now_ms(d->serial) < end_ms && !hf_smp_stopped(&d->client)) {
		enum hf_err err = hf_smp_get_status(&d->client, 1000, status, &answer);

		if (!err && !answer.refusal && (status->running >= HF_SLOTS) == recovery)
			return true;
		hf_serial_sleep_ms(d->serial, SLICE_MS);
	}
	return false;
}

static bool ask_for_recovery(struct hf_findings *f, struct hf_doctor_device *d)
{
	struct hf_smp_answer answer;
	struct hf_diag diag = {""};
	enum hf_err err = HF_OK;

	if (d->session)
		err = d->session(d->ctx, &d->client, d->probe.device_id, &diag);
	if (err) {
		hf_finding(f, HF_ROW_FAILED, "recovery tried", "--key KEY names the site key", "%s", diag.text);
		return false;
	}
	err = hf_smp_enter_recovery(&d->client, PATIENCE_MS, &answer);
	if (!err && !answer.refusal)
		return true;
	hf_finding(f, HF_ROW_FAILED, "recovery tried", err ? "check cable and power" :
		   answer.refusal == HF_ERR_DENIED ? "--key KEY names the site key that the device wants" : "", "the device %s%s",
		   err ? "does not answer to the request" : "refuses: ", err ? "" : answer.reason);
	return false;
}

void hf_doctor_try_recovery(struct hf_findings *f, struct hf_doctor_device *d)
{
	uint64_t begin_ms = hf_serial_now_ms(d->serial), banner_ms;
	char version[HF_VERSION_TEXT_BYTES];
	struct hf_smp_status status;
	struct hf_smp_health health;
	struct hf_smp_answer answer;
	bool light, back;

	if (d->probe.peer == HF_PEER_RECOVERY) {
		hf_finding(f, HF_ROW_NOTE, "recovery tried", "", "the device is in recovery now: nothing to prove");
		return;
	}
	if (!ask_for_recovery(f, d))
		return;
	if (!hear_banner(d)) {
		hf_finding(f, HF_ROW_FAILED, "recovery tried", "look at the SYS light: docs/RECOVERY.md, step 1",
			   "asked for, but 'Waiting for Download...' was not said within %u s", BANNER_MS / 1000);
		return;
	}
	banner_ms = hf_serial_now_ms(d->serial) - begin_ms;
	if (!await_place(d, true, &status)) {
		hf_finding(f, HF_ROW_FAILED, "recovery tried", "look at the SYS light: docs/RECOVERY.md, step 1",
			   "recovery said 'Waiting for Download...', but does not answer");
		return;
	}
	light = hf_smp_get_health(&d->client, PATIENCE_MS, &health, &answer) == HF_OK && !answer.refusal &&
		health.led == LED_BREATHING;
	back = hf_smp_reset(&d->client, PATIENCE_MS, &answer) == HF_OK && !answer.refusal && await_place(d, false, &status);
	if (!back)
		hf_finding(f, HF_ROW_FAILED, "recovery tried", "wait a minute: recovery goes away by itself; then holdfast status",
			   "recovery answered, but the firmware did not come back within %u s", BACK_MS / 1000);
	else
		hf_finding(f, HF_ROW_PASSED, "recovery tried", "",
			   "asked for; it said 'Waiting for Download...' after %.1f s, answered%s, and %s runs again after %.1f s",
			   (double)banner_ms / 1000, light ? ", its light breathes" : "",
			   status.versions ? hf_version_format(status.version, status.versions, version) : "the firmware",
			   (double)(hf_serial_now_ms(d->serial) - begin_ms) / 1000);
}
