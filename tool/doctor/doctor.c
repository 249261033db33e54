/* SPDX-License-Identifier: MIT */
#include "doctor.h"

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "restarts.h"
#include "uuid.h"
#include "version.h"

#define PATIENCE_MS   10000u
#define QUESTIONS     4u
#define MOMENT_MS     5000u
#define YOUNG_MS      60000u /* a device that started so recently may be about to start again */
#define STARTS        10u    /* the last ones of the history that are looked at */
#define MANY_CRASHES  2u
#define MANY_POWER    5u

/* ---- what is there ---- */

static enum hf_row_state state_of(enum hf_peer peer)
{
	return peer == HF_PEER_FIRMWARE ? HF_ROW_PASSED : peer == HF_PEER_SMP ? HF_ROW_NOTE :
	       peer == HF_PEER_RECOVERY || peer == HF_PEER_ROM ? HF_ROW_WARNING : HF_ROW_FAILED;
}

static void tell_peer(struct hf_findings *f, const struct hf_doctor_device *d)
{
	const struct hf_probe *p = &d->probe;
	char advice[HF_ROW_TEXT_BYTES], next[HF_ROW_TEXT_BYTES], id[HF_UUID_TEXT_BYTES], version[HF_VERSION_TEXT_BYTES];

	if (p->peer == HF_PEER_FIRMWARE) {
		hf_uuid_format(p->device_id, id);
		hf_finding(f, HF_ROW_PASSED, "device", "", "%s %s runs %s in slot %c, answers at %u baud, started by: %s", p->status.board, id,
			   p->status.versions ? hf_version_format(p->status.version, p->status.versions, version) : "an unknown version",
			   'A' + (int)p->status.running, p->rate, hf_smp_reset_cause_text(p->status.reset_cause));
	} else if (p->peer == HF_PEER_RECOVERY) {
		hf_uuid_format(p->device_id, id);
		hf_finding(f, HF_ROW_WARNING, "device", "nobody asked for that? burn firmware: holdfast burn PACKAGE.suit",
			   "%s %s is in recovery, no firmware runs; answers at %u baud, started by: %s%s%s", p->status.board, id, p->rate,
			   hf_smp_reset_cause_text(p->status.reset_cause), d->restarts.log.reason[0] ? "; recovery runs because: " : "",
			   d->restarts.log.reason);
	} else {
		hf_probe_advice(p, advice, sizeof(advice));
		snprintf(next, sizeof(next), "`holdfast recover PACKAGE.suit --port %s --board FILE` leads through bringing a dead device back", d->port);
		hf_finding(f, state_of(p->peer), "device", p->peer == HF_PEER_SMP || p->peer == HF_PEER_GONE ? "" : next, "%s: %s", d->port,
			   advice[0] ? advice : hf_peer_text(p->peer));
	}
	if (p->echo || p->peer == HF_PEER_ECHO)
		hf_finding(f, p->peer == HF_PEER_ECHO ? HF_ROW_FAILED : HF_ROW_NOTE, "echo",
			   p->peer == HF_PEER_ECHO ? "TX and RX joined? RS-485: does the device have power, are A and B the right way round?" : "",
			   "our own bytes come back: a loop, or a half-duplex adapter that hears itself");
}

/* ---- restarts ---- */

/* For how long a device that answers is listened to: not at all where it has run for a while, or was reset on purpose; for
 * a moment where it was just switched on; and for all the time where something has stopped it. */
static uint32_t worth_listening_ms(const struct hf_doctor_device *d)
{
	uint32_t cause = d->probe.status.reset_cause;

	if (!hf_probe_is_holdfast(&d->probe))
		return d->listen_ms;
	if (!d->health_known || d->health.up_ms >= YOUNG_MS || cause == HF_RESET_REQUEST)
		return 0;
	if (d->probe.peer == HF_PEER_FIRMWARE && (cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT))
		return d->listen_ms;
	return d->listen_ms < MOMENT_MS ? d->listen_ms : MOMENT_MS;
}

/* At the rate that it speaks at; where that is not known, at the first one that can be read. */
static enum hf_err listen_at_rates(const struct hf_doctor_device *d, uint32_t listen_ms, struct hf_restarts *out)
{
	unsigned rates = d->probe.rate || d->rates == 0 ? 1 : d->rates;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < rates && !err; i++) {
		struct hf_serial_line line = HF_SERIAL_8N1(d->probe.rate ? d->probe.rate : d->rates ? d->rate[i] : 115200);

		(void)!hf_serial_set_line(d->serial, &line);
		err = hf_restarts_listen(d->serial, listen_ms, d->stop, d->ctx, out);
		if (!out->garbled)
			break;
	}
	return err;
}

/* False: there was nothing to listen to. */
static bool listen_to(struct hf_findings *f, const struct hf_doctor_device *d, struct hf_restarts *out)
{
	uint32_t listen_ms = worth_listening_ms(d);

	memset(out, 0, sizeof(*out));
	if (listen_ms == 0)
		return false;
	if (listen_at_rates(d, listen_ms, out) == HF_ERR_IO)
		hf_finding(f, HF_ROW_FAILED, "port", "check the adapter and its cable", "%s vanished while it was listened to", d->port);
	return true;
}

/* ---- what it measures ---- */

static void tell_supply(struct hf_findings *f, const struct hf_doctor_device *d)
{
	const struct hf_smp_health *h = &d->health;
	uint32_t min = d->limits->at[HF_LIMIT_SUPPLY_MV_MIN], low = d->limits->at[HF_LIMIT_SUPPLY_MV_LOW],
		 max = d->limits->at[HF_LIMIT_SUPPLY_MV_MAX];
	bool bad = h->supply_mv < min || h->supply_mv > max;

	if (!h->supply_known) {
		hf_finding(f, HF_ROW_NOTE, "supply", "measure it at the board", "the device does not measure its supply");
		return;
	}
	hf_finding(f, bad ? HF_ROW_FAILED : h->supply_mv < low ? HF_ROW_WARNING : HF_ROW_PASSED, "supply",
		   bad ? "check the power supply under load, its cable and contacts, before anything is burned" :
		   h->supply_mv < low ? "check the power supply under load: an erase draws more" : "",
		   "%u.%02u V at the chip; %u.%02u V at least, %u.%02u V at most", h->supply_mv / 1000, h->supply_mv % 1000 / 10, min / 1000,
		   min % 1000 / 10, max / 1000, max % 1000 / 10);
}

static void tell_temperature(struct hf_findings *f, const struct hf_doctor_device *d)
{
	int32_t c = d->health.temperature_dc / 10;
	bool bad = c > (int32_t)d->limits->at[HF_LIMIT_HOT_C] || c < -(int32_t)d->limits->at[HF_LIMIT_COLD_C];

	if (d->health.temperature_known)
		hf_finding(f, bad ? HF_ROW_FAILED : HF_ROW_PASSED, "temperature", bad ? "let it cool down, or warm up, before anything is burned" : "",
			   "%d C at the chip", (int)c);
}

static void tell_receiver(struct hf_findings *f, const struct hf_smp_health *h, const char *when)
{
	if (h->overrun || h->framing || h->noise)
		hf_finding(f, HF_ROW_WARNING, "receiver", h->framing || h->noise ?
			   "cable, ground, disturbances; framing errors alone also come from a wrong rate" :
			   "the device was too busy: nothing to mend at the cable",
			   "the device received damaged characters %s: %u framing errors, %u noise, %u overruns", when, h->framing, h->noise, h->overrun);
	else
		hf_finding(f, HF_ROW_PASSED, "receiver", "", "the device received no damaged character %s", when);
}

static void tell_work(struct hf_findings *f, const struct hf_doctor_device *d)
{
	static const char *const tests[] = {"its work", "journal", "its own head", "memory"};
	const struct hf_smp_health *h = &d->health;
	char missing[96] = "";
	uint32_t polls = h->good + h->bad_polls;

	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (h->test_failed >> i & 1)
			hf_finding_add(missing, sizeof(missing), "%s%s", missing[0] ? ", " : "", tests[i]);
	}
	if (d->probe.peer != HF_PEER_FIRMWARE)
		return;
	if (!h->test_done)
		hf_finding(f, HF_ROW_NOTE, "self-test", "", "the firmware has not decided yet, %u s after its start", h->up_ms / 1000);
	else
		hf_finding(f, missing[0] ? HF_ROW_WARNING : HF_ROW_PASSED, "self-test", missing[0] ?
			   "its work: is what it talks to switched on and connected? else replace the device" : "",
			   missing[0] ? "the firmware misses: %s" : "passed%s", missing);
	if (h->work_known && polls > 0)
		hf_finding(f, h->bad_polls * 100 > polls * d->limits->at[HF_LIMIT_WORK_BAD_PERCENT] ? HF_ROW_WARNING : HF_ROW_PASSED, "work",
			   h->bad_polls * 100 > polls * d->limits->at[HF_LIMIT_WORK_BAD_PERCENT] ? "look at the Modbus line and at its slaves" : "",
			   "%u of %u polls answered since the start; longest gap %u ms", h->good, polls, h->gap_ms);
}

static void tell_health(struct hf_findings *f, const struct hf_doctor_device *d)
{
	if (!d->health_known) {
		hf_finding(f, HF_ROW_NOTE, "health", "a newer firmware tells it", "this firmware does not tell supply, memory and line");
		return;
	}
	tell_supply(f, d);
	tell_temperature(f, d);
	if (!d->health.pll)
		hf_finding(f, HF_ROW_WARNING, "clock", "replace the device when it can be done", "the PLL does not lock: it runs at 16 MHz");
	tell_receiver(f, &d->health, "since its start");
	tell_work(f, d);
}

/* ---- memory ---- */

static void tell_memory(struct hf_findings *f, const struct hf_doctor_device *d)
{
	const struct hf_smp_status *s = &d->probe.status;
	const struct hf_smp_health *h = &d->health;
	uint32_t bad = d->health_known ? h->bad : s->journal_bad;
	bool failed = bad > d->limits->at[HF_LIMIT_JOURNAL_BAD] ||
		      (d->health_known && h->slowest_ms > d->limits->at[HF_LIMIT_ERASE_MS_MAX]);
	bool warning = bad > 0 || (d->health_known && (h->worn || h->slowest_ms > d->limits->at[HF_LIMIT_ERASE_SLOW_MS]));
	char text[HF_ROW_TEXT_BYTES] = "";

	hf_finding_add(text, sizeof(text), "journal: %u record%s, room for %u, %u bad slots", s->journal_records,
		       s->journal_records == 1 ? "" : "s", s->journal_free, bad);
	if (d->health_known && h->erases)
		hf_finding_add(text, sizeof(text), "; slowest of %u erases since the start: %u ms, a sound chip takes %u ms at most", h->erases,
			       h->slowest_ms, d->limits->at[HF_LIMIT_ERASE_SLOW_MS]);
	else if (d->health_known)
		hf_finding_add(text, sizeof(text), "; nothing was erased since the start");
	if (d->health_known && h->worn)
		hf_finding_add(text, sizeof(text), "; a failure was gone around: %s", hf_err_text(h->worn));
	hf_finding(f, failed ? HF_ROW_FAILED : warning ? HF_ROW_WARNING : HF_ROW_PASSED, "memory", failed ?
		   "replace the device: its flash is near its end" : warning ? "works; replace the device when it can be done" : "", "%s", text);
}

static void tell_place(struct hf_findings *f, struct hf_doctor_device *d, unsigned place, const char *name, bool needed)
{
	char version[HF_VERSION_TEXT_BYTES], next[HF_ROW_TEXT_BYTES];
	struct hf_smp_answer answer;
	struct hf_smp_place p;
	enum hf_err err = hf_smp_verify_place(&d->client, PATIENCE_MS, place, &p, &answer);

	if (err || answer.refusal)
		return; /* an old firmware, or a board without it */
	if (!p.verdict && place < HF_SLOTS && d->probe.status.state.slot[place].state == HF_SLOT_REJECTED) {
		hf_finding(f, HF_ROW_WARNING, name, "burn another version; this one hung or crashed in its trials", "holds %s, which is whole, but rejected",
			   p.versions ? hf_version_format(p.version, p.versions, version) : "an unknown version");
		return;
	}
	if (!p.verdict) {
		hf_finding(f, HF_ROW_PASSED, name, "", "holds %s, which verifies",
			   p.versions ? hf_version_format(p.version, p.versions, version) : "an unknown version");
		return;
	}
	if (p.verdict == HF_ERR_NOT_FOUND && !needed) {
		hf_finding(f, HF_ROW_NOTE, name, "", "is empty: until the next burn there is nothing to fall back to");
		return;
	}
	snprintf(next, sizeof(next), place == HF_PLACE_RECOVERY ? "burn a recovery package: holdfast burn RECOVERY.suit --port %s" :
		 "the next burn writes it anew; until then there is nothing to fall back to", d->port);
	hf_finding(f, needed ? HF_ROW_FAILED : HF_ROW_WARNING, name, next, "%s",
		   p.verdict == HF_ERR_NOT_FOUND ? "is empty" : hf_err_text(p.verdict));
}

/* ---- the history of its starts ---- */

static void tell_starts(struct hf_findings *f, const unsigned by[8], unsigned starts, unsigned supply_alarms)
{
	unsigned crashes = by[HF_RESET_WATCHDOG] + by[HF_RESET_FAULT];
	char text[160] = "";

	for (unsigned i = 0; i < 8; i++) {
		if (by[i])
			hf_finding_add(text, sizeof(text), "%s%s (%u)", text[0] ? ", " : "", hf_smp_reset_cause_text(i), by[i]);
	}
	if (crashes >= MANY_CRASHES)
		hf_finding(f, HF_ROW_WARNING, "starts", "`holdfast history` tells more; burn the version before, or a newer one",
			   "it crashed or hung: causes of the last %u starts: %s", starts, text);
	else if (supply_alarms)
		hf_finding(f, HF_ROW_WARNING, "starts", "supply under load, its cable, loose contacts; `holdfast history` tells when",
			   supply_alarms == 1 ? "the supply was too low once; causes of the last %u starts: %s" :
						"the supply was too low several times; causes of the last %u starts: %s", starts, text);
	else if (by[HF_RESET_POWER] >= MANY_POWER)
		hf_finding(f, HF_ROW_WARNING, "starts", "if nobody switched it off so often: supply, its cable, loose contacts",
			   "it lost its power often (brown-outs count as that): causes of the last %u starts: %s", starts, text);
	else
		hf_finding(f, HF_ROW_PASSED, "starts", "", "cause%s of the last %u: %s", starts == 1 ? "" : "s", starts, text);
}

/* The last starts, and what happened in them. */
struct past {
	unsigned by[8], starts, supply_alarms;
	unsigned flash_errors;
	enum hf_err flash; /* the latest */
	uint8_t slot;      /* of the latest, HF_HISTORY_NO_SLOT: not in one */
};

static void tell_wear(struct hf_findings *f, const struct past *p)
{
	char place[16] = "";

	if (p->flash_errors == 0)
		return;
	if (p->slot < HF_SLOTS)
		snprintf(place, sizeof(place), " in slot %c", 'A' + p->slot);
	hf_finding(f, HF_ROW_WARNING, "wear", "burn once more; if that fails, too, replace the device",
		   "flash failed %u time%s in the last %u start%s, at last%s: %s", p->flash_errors, p->flash_errors == 1 ? "" : "s", p->starts,
		   p->starts == 1 ? "" : "s", place, hf_err_text(p->flash));
}

static void note_flash(struct past *p, unsigned err, uint8_t slot)
{
	if (err != HF_ERR_FLASH_ERASE && err != HF_ERR_FLASH_PROGRAM)
		return;
	if (p->flash_errors++ == 0) { /* the history is read backwards */
		p->flash = (enum hf_err)err;
		p->slot = slot;
	}
}

static void note(struct past *p, const struct hf_history_record *r)
{
	if (r->type == HF_HISTORY_START) {
		p->by[r->detail & 7]++;
		p->starts++;
	} else if (r->type == HF_HISTORY_UPLOADED) {
		note_flash(p, r->detail, r->slot);
	} else if (r->type == HF_HISTORY_ALARM && (r->detail & 0xff) == HF_ALARM_SUPPLY) {
		p->supply_alarms++;
	} else if (r->type == HF_HISTORY_ALARM && (r->detail & 0xff) == HF_ALARM_FLASH) {
		note_flash(p, r->detail >> 8, HF_HISTORY_NO_SLOT);
	}
}

static void look_at_history(struct hf_findings *f, struct hf_doctor_device *d)
{
	uint8_t *bytes = malloc(HF_HISTORY_MAX);
	struct hf_history_record r;
	struct hf_smp_answer answer;
	struct past past = {0};
	size_t len = 0;

	if (!bytes || hf_smp_get_history(&d->client, PATIENCE_MS, bytes, HF_HISTORY_MAX, &len, &answer) || answer.refusal)
		len = 0;
	for (size_t at = len / HF_HISTORY_BYTES; at > 0 && past.starts < STARTS; at--) {
		if (hf_history_load(bytes + (at - 1) * HF_HISTORY_BYTES, &r))
			note(&past, &r);
	}
	free(bytes);
	if (past.starts > 0) {
		tell_starts(f, past.by, past.starts, past.supply_alarms);
		tell_wear(f, &past);
	}
}

/* ---- all of it ---- */

static void look_at_link(struct hf_findings *f, struct hf_doctor_device *d)
{
	struct hf_smp_health after = {0};
	struct hf_smp_answer answer;

	hf_doctor_link(f, d);
	if (!d->health_known || hf_smp_get_health(&d->client, PATIENCE_MS, &after, &answer) || answer.refusal)
		return;
	after.overrun -= d->health.overrun;
	after.framing -= d->health.framing;
	after.noise -= d->health.noise;
	/* Each change of the rate, to and fro, may cost a character: the adapter and the device do not change at once. */
	after.framing -= after.framing <= 2 * d->rates ? after.framing : 0;
	if (after.overrun || after.framing || after.noise)
		tell_receiver(f, &after, "while the link was measured");
}

static void look_at_holdfast(struct hf_findings *f, struct hf_doctor_device *d)
{
	struct hf_serial_line line = HF_SERIAL_8N1(d->probe.rate);
	struct hf_smp_answer answer;

	(void)!hf_serial_set_line(d->serial, &line);
	hf_smp_client_init(&d->client, d->serial);
	d->client.stop = d->stop;
	d->client.ctx = d->ctx;
	d->health_known = hf_smp_get_health(&d->client, PATIENCE_MS, &d->health, &answer) == HF_OK && !answer.refusal;
	if (!d->restarts.listened_ms && listen_to(f, d, &d->restarts))
		hf_doctor_restarts(f, &d->restarts, true);
	tell_health(f, d);
	tell_memory(f, d);
	look_at_history(f, d);
	tell_place(f, d, 0, "slot A", d->probe.status.running == 0);
	tell_place(f, d, 1, "slot B", d->probe.status.running == 1);
	tell_place(f, d, HF_PLACE_RECOVERY, "recovery", true);
	look_at_link(f, d);
}

static bool nobody(const struct hf_doctor_device *d)
{
	return state_of(d->probe.peer) == HF_ROW_FAILED && d->probe.peer != HF_PEER_GONE;
}

/* Behind a bad line one question is not enough. */
static bool ask_who_is_there(struct hf_doctor_device *d, unsigned *lost)
{
	const struct hf_probe_how how = {.rate = d->rate, .rates = d->rates, .brief = true, .stop = d->stop, .ctx = d->ctx};

	for (unsigned i = 0; i < QUESTIONS && (i == 0 || nobody(d)); i++) {
		if (hf_probe(d->serial, &how, &d->probe) != HF_OK)
			return false;
		*lost += nobody(d);
	}
	return true;
}

void hf_doctor_device(struct hf_findings *f, struct hf_doctor_device *d)
{
	bool listened = false;
	unsigned lost = 0;

	if (!ask_who_is_there(d, &lost))
		return;
	if (nobody(d)) {
		listened = listen_to(f, d, &d->restarts);
		if (d->restarts.bytes > 0 && d->restarts.starts < HF_RESTARTS_ENOUGH && !ask_who_is_there(d, &lost))
			return;
	}
	tell_peer(f, d);
	if (lost > 0 && hf_probe_is_holdfast(&d->probe))
		hf_finding(f, HF_ROW_WARNING, "answers", "see restarts and link below", "%u questions were lost before one was answered", lost);
	if (listened)
		hf_doctor_restarts(f, &d->restarts, hf_probe_is_holdfast(&d->probe));
	if (hf_probe_is_holdfast(&d->probe))
		look_at_holdfast(f, d);
	if (d->stop && d->stop(d->ctx))
		return;
	hf_doctor_ways(f, d);
	if (d->try_recovery && hf_probe_is_holdfast(&d->probe))
		hf_doctor_try_recovery(f, d);
}
