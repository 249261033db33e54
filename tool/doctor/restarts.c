/* SPDX-License-Identifier: MIT */
#include "restarts.h"

#include <string.h>

#define SLICE_MS 200u

/* As port/stm32f407/reset.c words them; what to do when a device restarts for it again and again. */
static const struct {
	const char *cause, *next;
} causes[HF_RESTARTS_CAUSES] = {
	{"power", "measure the supply at the device while it starts: it sags, or a contact is loose; try another supply and cable"},
	{"pin", "something pulls the reset line: a stuck button, a debug probe that is plugged in, moisture"},
	{"request", "the firmware resets itself on purpose: see its last line, or burn the version before"},
	{"watchdog", "the firmware hangs: `holdfast recover PACKAGE.suit` with a good version leads through it"},
	{"fault", "the firmware crashes: note the numbers for its developers; `holdfast recover PACKAGE.suit` with a good version leads through it"},
	{"other", "`holdfast recover PACKAGE.suit` with a good version leads through it"},
};

static unsigned index_of(const char *cause)
{
	unsigned i = 0;

	while (i < HF_RESTARTS_CAUSES - 1 && strcmp(causes[i].cause, cause) != 0)
		i++;
	return i;
}

static void on_line(void *ctx, const char *text, uint64_t at_ms)
{
	struct hf_restarts_ear *ear = ctx;
	struct hf_restarts *r = ear->out;

	if (ear->watch.log.boots != r->starts) {
		r->last_ms = (uint32_t)(at_ms - ear->begin_ms);
		if (r->starts == 0)
			r->first_ms = r->last_ms;
		r->starts = ear->watch.log.boots;
		r->cause[index_of(ear->watch.log.cause)]++;
		memcpy(r->before, r->line, sizeof(r->before));
	}
	if (strstr(text, "the start before "))
		snprintf(r->crash, sizeof(r->crash), "%s", text);
	snprintf(r->line, sizeof(r->line), "%s", text);
}

void hf_restarts_begin(struct hf_restarts_ear *ear, struct hf_restarts *out, uint64_t now_ms)
{
	memset(out, 0, sizeof(*out));
	ear->out = out;
	ear->begin_ms = now_ms;
	hf_watch_begin(&ear->watch, &(struct hf_watch_events){.line = on_line, .ctx = ear});
}

void hf_restarts_take(struct hf_restarts_ear *ear, struct hf_bytes data, uint64_t now_ms)
{
	struct hf_restarts *r = ear->out;

	r->bytes += (uint32_t)data.len;
	for (size_t i = 0; i < data.len; i++)
		r->zeros += data.ptr[i] == 0;
	hf_watch_take(&ear->watch, data, now_ms);
	r->garbled = hf_watch_garbled(&ear->watch);
	r->log = ear->watch.log;
	r->listened_ms = (uint32_t)(now_ms - ear->begin_ms);
}

enum hf_err hf_restarts_listen(const struct hf_serial *serial, uint32_t listen_ms, bool (*stop)(void *ctx), void *ctx,
			       struct hf_restarts *out)
{
	uint64_t now_ms = hf_serial_now_ms(serial), end_ms = now_ms + listen_ms;
	struct hf_restarts_ear ear;
	enum hf_err err = HF_OK;
	uint8_t buf[512];
	size_t len;

	hf_restarts_begin(&ear, out, now_ms);
	while (now_ms < end_ms && out->starts < HF_RESTARTS_ENOUGH && !out->garbled && !(stop && stop(ctx))) {
		err = hf_serial_read(serial, buf, sizeof(buf), end_ms - now_ms < SLICE_MS ? (uint32_t)(end_ms - now_ms) : SLICE_MS,
				     &len);
		now_ms = hf_serial_now_ms(serial);
		hf_restarts_take(&ear, (struct hf_bytes){buf, len}, now_ms);
		if (err == HF_ERR_TIMEOUT)
			err = HF_OK;
		if (err)
			break;
	}
	hf_watch_flush(&ear.watch);
	return err;
}

static void tell_loop(struct hf_findings *f, const struct hf_restarts *r)
{
	char why[160] = "", text[HF_ROW_TEXT_BYTES] = "";
	unsigned most = 0;

	for (unsigned i = 0; i < HF_RESTARTS_CAUSES; i++) {
		if (r->cause[i])
			hf_finding_add(why, sizeof(why), "%s%s (%u)", why[0] ? ", " : "", causes[i].cause, r->cause[i]);
		if (r->cause[i] > r->cause[most])
			most = i;
	}
	if (r->crash[0])
		hf_finding_add(text, sizeof(text), "; it says '%.120s'", r->crash);
	else if (r->before[0])
		hf_finding_add(text, sizeof(text), "; its last words before a start are '%.120s'", r->before);
	hf_finding(f, HF_ROW_FAILED, "restarts", causes[most].next, "it restarts over and over: %u starts in %.1f s; boot gives as cause: %s%s",
		   r->starts, (double)(r->last_ms - r->first_ms) / 1000, why, text);
}

static void tell_rest(struct hf_findings *f, const struct hf_restarts *r, bool answers)
{
	double s = (double)r->listened_ms / 1000;

	if (r->bytes > 0 && r->zeros == r->bytes)
		hf_finding(f, HF_ROW_FAILED, "line at rest", "is the device powered? RX at its TX, ground connected, 3.3 V levels and no RS-232?",
			   "nothing but zeros came in %.1f s: the line to this computer is held low", s);
	else if (r->garbled)
		hf_finding(f, HF_ROW_FAILED, "line at rest", "give the rate (--baud), or the board's file (--board); check ground and cable",
			   "%u bytes came in %.1f s that make no sense: another rate, or disturbances", r->bytes, s);
	else if (r->log.stage == HF_LOG_RECOVERY && strcmp(r->log.reason, "asked for on this line") == 0)
		hf_finding(f, HF_ROW_WARNING, "line at rest",
			   "if nobody asked: an adapter without power, or none, pulls the device's RX low; let it be powered before the device",
			   "recovery runs because the line held a break, or sent ESC, when the device started");
	else if (!answers && r->bytes == 0)
		hf_finding(f, HF_ROW_NOTE, "line at rest", "", "nothing was said in %.1f s", s);
	else if (!answers)
		hf_finding(f, HF_ROW_NOTE, "line at rest", "", "heard in %.1f s, last: '%.160s'", s, r->line);
}

void hf_doctor_restarts(struct hf_findings *f, const struct hf_restarts *r, bool answers)
{
	if (r->starts >= 2)
		tell_loop(f, r);
	else if (r->starts == 1)
		hf_finding(f, HF_ROW_NOTE, "restarts", "", "it started once in %.1f s; boot gives as cause: %s",
			   (double)r->listened_ms / 1000, r->log.cause);
	else if (r->listened_ms)
		hf_finding(f, answers ? HF_ROW_PASSED : HF_ROW_NOTE, "restarts", "", "no start was heard in %.1f s",
			   (double)r->listened_ms / 1000);
	if (r->log.slow_boots)
		hf_finding(f, HF_ROW_WARNING, "clock", "replace the device when it can be done", "the PLL does not lock: it runs at 16 MHz");
	if (r->listened_ms)
		tell_rest(f, r, answers);
}
