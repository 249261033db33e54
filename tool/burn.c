/* SPDX-License-Identifier: MIT
 *
 * Every step may be the second of its kind: the tool may have been killed after any of them, the device may restart
 * between any two. So each asks the device where it is instead of remembering it: an upload continues where the device
 * says, an activation that is refused because the new firmware runs already is none that failed, and the reset is sent
 * again only while the device is still seen waiting for it (a reset too many would cost the trial one of its starts).
 */
#include "burn_private.h"

#include <stdio.h>
#include <string.h>

#include "package_verify.h"
#include "version.h"

#define PATIENCE_MS    60000u
#define CONFIRM_MS     120000u
#define PACKET_DEFAULT 256u /* for a device that does not tell: the least that mcumgr servers take */
#define TICK_MS        100u /* between two figures while nothing comes from the device */
#define ODD_BYTES      8u   /* that no text has: garbage */

uint64_t hf_burn_now_ms(const struct burn *b)
{
	return hf_serial_now_ms(b->client.serial);
}

void hf_burn_spend(struct burn *b, enum hf_time what)
{
	hf_account_enter(&b->r->account, what, hf_burn_now_ms(b));
}

/* ---- what is told ---- */

static uint32_t left_ms(const struct burn *b)
{
	uint64_t now = hf_burn_now_ms(b);

	switch (b->stage) {
	case HF_BURN_UPLOAD:
		return hf_forecast_left(&b->forecast, &b->r->account, b->r->upload.off, now);
	case HF_BURN_ACTIVATE:
		return hf_forecast_behind(&b->forecast, HF_TIME_VERIFY, b->stage_ms, now);
	case HF_BURN_RESET:
		return hf_forecast_behind(&b->forecast, HF_TIME_RESET, b->stage_ms, now);
	case HF_BURN_TRIAL:
		return hf_forecast_behind(&b->forecast, HF_TIME_TRIAL, b->stage_ms, now);
	default:
		return 0;
	}
}

static void put_event(struct burn *b, const char *text)
{
	struct hf_burn_event event = {
		.stage = b->stage,
		.now_ms = hf_burn_now_ms(b),
		.off = b->r->upload.off,
		.total = (uint32_t)b->o->package.len,
		.skipped = b->r->upload.skipped,
		.left_ms = left_ms(b),
		.text = text,
	};

	b->told_ms = event.now_ms;
	if (b->o->event)
		b->o->event(b->o->ctx, &event);
}

void hf_burn_tell(struct burn *b, enum hf_burn_stage stage, const char *format, ...)
{
	struct hf_diag text;
	va_list args;

	if (stage != b->stage)
		b->stage_ms = hf_burn_now_ms(b);
	b->stage = stage;
	va_start(args, format);
	hf_diag_vset(&text, format, args);
	va_end(args);
	put_event(b, text.text);
}

/* The device has answered in the upload. */
static void on_progress(void *ctx, uint32_t off)
{
	struct burn *b = ctx;
	struct hf_account *account = &b->r->account;
	const uint32_t losses = b->r->rate.finds + b->r->rate.falls + b->client.reopened;
	enum hf_time waited = off >= b->o->package.len ? HF_TIME_VERIFY : losses != b->losses ? HF_TIME_FIND : HF_TIMES;

	if (account->now == HF_TIME_HEAD) {
		if (off > 0 && off >= b->forecast.payload_at)
			hf_account_payload(account, b->client.written, hf_burn_now_ms(b));
	} else {
		hf_account_answered(account, b->client.written, b->r->rate.now, waited, hf_burn_now_ms(b));
	}
	b->losses = losses;
	if (b->r->upload.skipped != b->skipped)
		hf_forecast_begin(&b->forecast, account, off, hf_burn_now_ms(b));
	b->skipped = b->r->upload.skipped;
	put_event(b, NULL);
}

static void on_text(void *ctx, uint8_t byte)
{
	struct burn *b = ctx;

	b->texts++;
	b->odd += byte >= 0x7f || (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t');
	if (b->o->on_text)
		b->o->on_text(b->o->ctx, byte);
}

/* Is asked all the time: so that what is left counts down also where the device says nothing for a while. */
static bool on_stop(void *ctx)
{
	struct burn *b = ctx;

	if (b->stage >= HF_BURN_UPLOAD && !b->over && hf_burn_now_ms(b) >= b->told_ms + TICK_MS)
		put_event(b, NULL);
	return b->o->stop && b->o->stop(b->o->ctx);
}

/* ---- how it ends ---- */

const char *hf_burn_runs_text(const struct burn *b, char *text, size_t room)
{
	const struct hf_smp_status *s = &b->r->status;
	char version[HF_VERSION_TEXT_BYTES];

	if (s->running >= HF_SLOTS)
		snprintf(text, room, "stays in recovery");
	else if (s->versions)
		snprintf(text, room, "runs %s", hf_version_format(s->version, s->versions, version));
	else
		snprintf(text, room, "runs what it ran before");
	return text;
}

static unsigned percent(const struct burn *b)
{
	return b->o->package.len ? (unsigned)((uint64_t)b->r->upload.off * 100 / b->o->package.len) : 0;
}

static void say_interrupted(struct burn *b)
{
	struct hf_diag *diag = &b->r->diag;
	char runs[80];

	hf_burn_runs_text(b, runs, sizeof(runs));
	if (b->stage < HF_BURN_UPLOAD)
		hf_diag_set(diag, "interrupted: nothing was sent%s%s; run the same command again", b->r->status_known ? ", and the device " : "",
			    b->r->status_known ? runs : "");
	else if (b->stage == HF_BURN_UPLOAD && !b->r->upload_done)
		hf_diag_set(diag, "interrupted: the upload stands at %u %%; the same command goes on from there; the device %s meanwhile",
			    percent(b), runs);
	else if (b->stage < HF_BURN_RESET)
		hf_diag_set(diag, "interrupted: all is written and verified; the same command activates it; the device %s meanwhile", runs);
	else
		hf_diag_set(diag, "interrupted: the new firmware is on trial, and the device decides alone whether it stays; the same command "
				  "waits for that, `holdfast status` tells");
}

bool hf_burn_ends(struct burn *b, enum hf_burn_outcome outcome, enum hf_err err, const char *format, ...)
{
	va_list args;

	b->over = true;
	b->r->outcome = hf_smp_stopped(&b->client) ? HF_BURN_INTERRUPTED : outcome;
	b->r->err = err;
	va_start(args, format);
	hf_diag_vset(&b->r->diag, format, args);
	va_end(args);
	if (b->r->outcome == HF_BURN_INTERRUPTED)
		say_interrupted(b);
	return false;
}

/* Nobody ever answered. */
static bool not_found(struct burn *b, enum hf_err err)
{
	const uint32_t find_ms = b->o->find_ms ? b->o->find_ms : b->patience_ms;

	if (err == HF_ERR_IO)
		return hf_burn_ends(b, HF_BURN_PORT_GONE, err,
				    "the port is gone, and did not come back within %u s: check the adapter and its cable, then run the same "
				    "command again", find_ms / 1000);
	if (b->odd >= ODD_BYTES && b->odd * 4 > b->texts)
		return hf_burn_ends(b, HF_BURN_LINE, err,
				    "somebody speaks there, but not so that it can be understood (%u s): another rate, or a bad cable: leave "
				    "--baud away, or give the board file; a chip in its ROM loader that was spoken to at a wrong rate sounds like that, "
				    "too: reset it", find_ms / 1000);
	return hf_burn_ends(b, HF_BURN_NO_DEVICE, err, "no device answers (%u s): check port, cable, TX and RX, and power%s", find_ms / 1000,
			    b->texts ? "; somebody there writes text, but answers nothing" : "");
}

bool hf_burn_lost(struct burn *b, enum hf_err err, const char *doing)
{
	const unsigned patience = b->patience_ms / 1000;
	char runs[80], where[96] = "nothing was sent";

	if (!b->r->status_known)
		return not_found(b, err);
	hf_burn_runs_text(b, runs, sizeof(runs));
	if (b->r->upload_done)
		snprintf(where, sizeof(where), "all is written");
	else if (b->stage == HF_BURN_UPLOAD)
		snprintf(where, sizeof(where), "the upload stands at %u %%", percent(b));
	if (err == HF_ERR_IO)
		return hf_burn_ends(b, HF_BURN_PORT_GONE, err,
				    "the port vanished while %s, and did not come back within %u s; %s, and the device %s: plug the adapter in "
				    "again, then the same command goes on from there", doing, patience, where, runs);
	return hf_burn_ends(b, HF_BURN_SILENT, err,
			    "the device answers no more while %s (%u s); %s, and it %s as soon as it has power: check power and cable, then "
			    "the same command goes on from there", doing, patience, where, runs);
}

/* What to do about a device's no. */
static const char *remedy(enum hf_err refusal)
{
	switch (refusal) {
	case HF_ERR_DIGEST:
	case HF_ERR_TRUNCATED:
	case HF_ERR_ENCODING:
		return ": the package is damaged, fetch it again";
	case HF_ERR_SIGNATURE:
	case HF_ERR_KEY:
		return ": take the package from those who sign for this device";
	case HF_ERR_VENDOR:
	case HF_ERR_CLASS:
	case HF_ERR_DEVICE:
		return ": use a package for it";
	case HF_ERR_VERSION:
		return ": install a version between first";
	case HF_ERR_SECURITY_VERSION:
		return ": use a newer package";
	case HF_ERR_TOO_LARGE:
		return ": the firmware has to be smaller, or is for another board";
	case HF_ERR_FLASH_ERASE:
	case HF_ERR_FLASH_PROGRAM:
		return ": its memory is worn there, and what it ran is not touched; run the same command once more, and if it says the same, replace the device";
	default:
		return "";
	}
}

bool hf_burn_refused(struct burn *b, const struct hf_smp_answer *answer, const char *what)
{
	return hf_burn_ends(b, HF_BURN_DEVICE_REFUSED, answer->refusal, "the device refuses %s: %s%s", what, answer->reason,
			    remedy(answer->refusal));
}

/* ---- before anything is sent ---- */

static bool check_package(struct burn *b)
{
	enum hf_err err;

	if (!b->o->await_only)
		hf_burn_tell(b, HF_BURN_CHECK, "checking the package");
	if (b->o->no_verify) {
		b->package_known = hf_package_read(b->o->package, &b->package, NULL) == HF_OK;
	} else {
		err = hf_burn_check_package(b->o, &b->package, &b->r->diag);
		b->r->err = err;
		b->r->outcome = err == HF_ERR_KEY || err == HF_ERR_SIGNATURE ? HF_BURN_REFUSED : HF_BURN_BAD_PACKAGE;
		if (err)
			return false;
		b->package_known = true;
	}
	if (b->package_known)
		memcpy(b->r->id, b->package.id, sizeof(b->r->id));
	return true;
}

/* What to say where the device was not at the rate that was meant first. */
static const char *at_other_rate(const struct burn *b, char *text, size_t room)
{
	uint32_t now = b->r->rate.now;

	text[0] = 0;
	if (b->o->bauds > 0 && now && now != b->o->baud[0])
		snprintf(text, room, ", at %u baud, and not at %u", now, b->o->baud[0]);
	return text;
}

static bool connect(struct burn *b)
{
	struct hf_smp_status *s = &b->r->status;
	char version[HF_VERSION_TEXT_BYTES], rate[64];
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_burn_tell(b, HF_BURN_CONNECT, b->o->await_only ? "waiting for the firmware" : "looking for the device");
	err = hf_smp_rate_find(&b->client, &b->r->rate, b->o->find_ms ? b->o->find_ms : b->patience_ms);
	if (!err)
		err = hf_smp_get_status(&b->client, b->patience_ms, s, &answer);
	if (err)
		return err == HF_ERR_TYPE ? hf_burn_ends(b, HF_BURN_DEVICE_REFUSED, err, "the device's status makes no sense: is tool or firmware too old?")
					  : hf_burn_lost(b, err, "we look for it");
	if (answer.refusal)
		return hf_burn_ends(b, HF_BURN_DEVICE_REFUSED, answer.refusal,
			    "the device speaks SMP but is no Holdfast (%s): check the port", answer.reason);
	b->r->status_known = true;
	b->r->after = *s;
	if ((b->o->in_firmware && s->running >= HF_SLOTS) || (b->o->in_recovery && s->running < HF_SLOTS))
		return hf_burn_ends(b, HF_BURN_NO_DEVICE, HF_ERR_NOT_FOUND, s->running < HF_SLOTS ?
				    "the device runs its firmware, and not recovery, which alone is wanted" :
				    "the device is in recovery, and only its firmware's way is wanted: leave --via away");
	hf_version_format(s->version, s->versions, version);
	if (s->running < HF_SLOTS)
		hf_burn_tell(b, HF_BURN_CONNECT, "found a %s that runs %s in slot %c%s", s->board,
			     s->versions ? version : "an unknown version", 'A' + (int)s->running, at_other_rate(b, rate, sizeof(rate)));
	else
		hf_burn_tell(b, HF_BURN_CONNECT, "found a %s in recovery%s", s->board, at_other_rate(b, rate, sizeof(rate)));
	return true;
}

static bool permit(struct burn *b)
{
	struct hf_burn_door door = {
		.client = &b->client,
		.rate = &b->r->rate,
		.status = &b->r->status,
		.outcome = HF_BURN_DEVICE_REFUSED,
	};
	enum hf_err err = HF_OK;
	struct hf_diag diag = {""};

	if (!b->o->permit)
		return true;
	hf_burn_spend(b, HF_TIME_CHECKS);
	err = b->o->permit(b->o->ctx, &door, &diag);
	b->forecast.slowest_erase_ms = door.slowest_erase_ms;
	if (!err)
		return true;
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return hf_burn_lost(b, err, "it is looked at");
	return hf_burn_ends(b, door.outcome, err, "%s", diag.text);
}

/* Is the package what runs? */
static bool runs_already(const struct burn *b, const struct hf_smp_status *s, unsigned state)
{
	return b->package_known && s->running < HF_SLOTS && s->state.slot[s->running].state == state &&
	       memcmp(s->state.slot[s->running].id, b->r->id, HF_ID_BYTES) == 0;
}

/* Would it be refused even once all is calm? Then there is nothing to wait for. */
static bool refused_anyway(struct burn *b)
{
	enum hf_err err;

	if (b->o->no_verify)
		return false;
	err = hf_burn_check_device(b->o, &b->package, &b->r->status, NULL);
	return err != HF_OK && err != HF_ERR_TRIAL;
}

/* Firmware that runs on trial (or for the first time in its life) forbids an upload; it needs a moment. */
static bool wait_for_calm(struct burn *b)
{
	struct hf_smp_status *s = &b->r->status;
	uint64_t until = hf_burn_now_ms(b) + b->patience_ms;
	struct hf_smp_answer answer;
	enum hf_err err = HF_OK;

	while (hf_policy_erase(&s->state, hf_burn_target(s), s->running) == HF_ERR_TRIAL) {
		if (runs_already(b, s, HF_SLOT_TRIAL) || refused_anyway(b) || hf_burn_now_ms(b) >= until ||
		    hf_smp_stopped(&b->client))
			return true; /* what follows will say so */
		if (hf_burn_now_ms(b) + b->patience_ms == until)
			hf_burn_tell(b, HF_BURN_CONNECT, "waiting until the firmware that runs has confirmed itself");
		hf_serial_sleep_ms(b->client.serial, HF_BURN_POLL_MS);
		err = hf_smp_get_status(&b->client, b->patience_ms, s, &answer);
		if (err || answer.refusal)
			return hf_burn_lost(b, err ? err : answer.refusal, "we wait for it to confirm itself");
	}
	return true;
}

static bool check_device(struct burn *b)
{
	enum hf_err err;

	b->r->slot = hf_burn_target(&b->r->status);
	if (b->o->no_verify)
		return true;
	err = hf_burn_check_device(b->o, &b->package, &b->r->status, &b->r->diag);
	b->r->err = err;
	b->r->outcome = HF_BURN_REFUSED;
	return err == HF_OK;
}

/* ---- the upload ---- */

/* To the line that the upload will have, and proved before anything is erased. */
static bool prepare_line(struct burn *b)
{
	struct hf_smp_rate *rate = &b->r->rate;
	bool raised = b->client.framing == HF_SMP_FRAMING_BINARY; /* in `permit` */
	enum hf_err err = raised ? HF_OK : hf_smp_rate_raise(&b->client, rate, b->patience_ms);

	if (err == HF_ERR_NOT_FOUND)
		return hf_burn_ends(b, HF_BURN_LINE, err, "the device cannot be talked to at %u baud: leave the rate to the tool",
			    rate->wanted);
	if (err)
		return hf_burn_lost(b, err, "we look for the fastest line");
	b->r->upload_baud = rate->now;
	b->r->binary = b->client.framing == HF_SMP_FRAMING_BINARY;
	if (b->r->binary && rate->now)
		hf_burn_tell(b, HF_BURN_CONNECT, "the line runs at %u baud in binary: %u of %u test packets were lost", rate->now,
		     rate->proof_lost, rate->proof_sent);
	return true;
}

/* What the work will consist of. */
static void plan(struct burn *b)
{
	struct hf_forecast *f = &b->forecast;
	const struct hf_package_payload *payload = NULL;
	struct hf_params params;

	if (b->package_known && hf_package_params(&b->package, b->r->slot, &params) == HF_OK)
		payload = hf_package_find(&b->package, params.uri);
	f->payload_at = payload ? (uint32_t)payload->offset : 0;
	f->total = payload ? (uint32_t)(payload->offset + payload->bytes.len) : (uint32_t)b->o->package.len;
	f->baud = b->r->rate.now;
	f->binary = b->r->binary;
	f->layout = b->o->board ? &b->o->board->layout : NULL;
	f->place = b->r->slot;
	f->no_activate = b->o->no_activate;
	f->tests = b->o->tests;
	f->buffer_bytes = b->r->rate.parameters.buf_size * b->r->rate.parameters.buf_count;
	hf_forecast_begin(f, &b->r->account, 0, hf_burn_now_ms(b));
}

static bool upload(struct burn *b)
{
	struct hf_smp_upload *u = &b->r->upload;
	struct hf_smp_parameters p;
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_burn_spend(b, HF_TIME_LINE);
	if (!prepare_line(b))
		return false;
	p = b->r->rate.parameters;
	err = p.buf_size ? HF_OK : hf_smp_get_parameters(&b->client, b->patience_ms, &p, &answer);
	if (err)
		return hf_burn_lost(b, err, "we ask it for its parameters");
	*u = (struct hf_smp_upload){
		.file = b->o->package,
		.packet_bytes = p.buf_size ? p.buf_size : PACKET_DEFAULT,
		.head_bytes = b->package_known && b->package.payloads ? (uint32_t)b->package.payload[0].offset : 0,
		.window = p.buf_count,
		.patience_ms = b->patience_ms,
		.rate = &b->r->rate,
		.progress = on_progress,
		.ctx = b,
	};
	b->r->upload_ms = hf_burn_now_ms(b);
	hf_burn_spend(b, HF_TIME_HEAD);
	plan(b);
	if (b->r->status.running < HF_SLOTS)
		hf_burn_tell(b, HF_BURN_UPLOAD, "uploading to slot %c", 'A' + (int)b->r->slot);
	else
		hf_burn_tell(b, HF_BURN_UPLOAD, "uploading; recovery chooses the slot");
	err = hf_smp_upload(&b->client, u);
	b->r->uploaded_ms = hf_burn_now_ms(b);
	b->r->upload_done = err == HF_OK;
	hf_burn_spend(b, HF_TIME_LINE);
	if ((err != HF_ERR_TIMEOUT && err != HF_ERR_IO) || hf_smp_stopped(&b->client))
		hf_smp_rate_restore(&b->client, &b->r->rate);
	if (err == HF_OK)
		return true;
	if (u->refusal.refusal != err && (err == HF_ERR_TIMEOUT || err == HF_ERR_IO))
		return hf_burn_lost(b, err, "we upload");
	if (u->refusal.refusal) /* which may be a time-out of the device's flash */
		return hf_burn_refused(b, &u->refusal, "the package");
	return hf_burn_ends(b, HF_BURN_DEVICE_REFUSED, err, "the device's answer to the upload makes no sense: %s", hf_err_text(err));
}

/* ---- all of it ---- */

static bool run(struct burn *b)
{
	if (b->o->package.len == 0 || b->o->package.len > UINT32_MAX)
		return hf_burn_ends(b, HF_BURN_BAD_PACKAGE, HF_ERR_RANGE, "a package of %zu bytes is none", b->o->package.len);
	if (!check_package(b) || !connect(b) || !wait_for_calm(b))
		return false;
	b->r->outcome = HF_BURN_ALREADY;
	if (!b->o->reinstall && runs_already(b, &b->r->status, HF_SLOT_CONFIRMED)) {
		hf_burn_read_digest(b);
		return true;
	}
	b->r->outcome = HF_BURN_CONFIRMED;
	if (runs_already(b, &b->r->status, HF_SLOT_TRIAL)) {
		b->r->slot = b->r->status.running;
		hf_burn_spend(b, HF_TIME_TRIAL);
		hf_burn_tell(b, HF_BURN_TRIAL, "it runs already, on trial: waiting for it to confirm itself");
		return hf_burn_await(b);
	}
	if (b->o->await_only)
		return hf_burn_other_runs(b);
	if (!check_device(b) || !permit(b) || !upload(b))
		return false;
	b->r->outcome = HF_BURN_UPLOADED;
	if (b->o->no_activate)
		return true;
	if (!b->package_known)
		return hf_burn_ends(b, HF_BURN_BAD_PACKAGE, HF_ERR_DIGEST,
			    "the device took a package that we cannot read; it was not activated");
	b->r->outcome = HF_BURN_CONFIRMED;
	return hf_burn_activate(b) && hf_burn_await(b);
}

enum hf_burn_outcome hf_burn(const struct hf_serial *serial, const struct hf_burn_options *options,
			     struct hf_burn_result *result)
{
	struct burn b = {
		.o = options,
		.r = result,
		.patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS,
		.confirm_ms = options->confirm_ms ? options->confirm_ms : CONFIRM_MS,
	};

	memset(result, 0, sizeof(*result));
	hf_smp_client_init(&b.client, serial);
	b.client.on_text = on_text;
	b.client.stop = on_stop;
	b.client.ctx = &b;
	result->rate = (struct hf_smp_rate){
		.baud = options->baud,
		.bauds = options->bauds,
		.offered_too = options->offered_rates,
		.console = options->console_only,
		.wanted = options->upload_baud,
		.let_start = options->let_start,
	};
	result->begin_ms = hf_burn_now_ms(&b);
	hf_account_begin(&result->account, result->begin_ms);
	if (run(&b))
		result->err = HF_OK;
	b.over = true;
	result->end_ms = hf_burn_now_ms(&b);
	hf_account_enter(&result->account, HF_TIME_TESTS, result->end_ms); /* what the caller may do now */
	result->timeouts = b.client.timeouts;
	result->reopened = b.client.reopened;
	result->dropped = hf_smp_dropped(&b.client);
	result->rate.baud = NULL;
	result->upload.rate = NULL;
	result->upload.progress = NULL;
	result->upload.ctx = NULL;
	return result->outcome;
}

const char *hf_burn_outcome_text(enum hf_burn_outcome outcome)
{
	static const char *const texts[] = {
		[HF_BURN_CONFIRMED] = "confirmed",     [HF_BURN_ALREADY] = "already-there",
		[HF_BURN_UPLOADED] = "uploaded",       [HF_BURN_BAD_PACKAGE] = "bad-package",
		[HF_BURN_REFUSED] = "refused",         [HF_BURN_NO_DEVICE] = "no-device",
		[HF_BURN_LINE] = "bad-line",           [HF_BURN_SILENT] = "silent",
		[HF_BURN_CLOSED] = "closed",
		[HF_BURN_PORT_GONE] = "port-gone",     [HF_BURN_CHECK_FAILED] = "check-failed",
		[HF_BURN_DEVICE_REFUSED] = "device-refused",
		[HF_BURN_ROLLED_BACK] = "rolled-back", [HF_BURN_UNCONFIRMED] = "unconfirmed",
		[HF_BURN_NO_ANSWER] = "no-answer",     [HF_BURN_INTERRUPTED] = "interrupted",
	};

	return outcome < HF_BURN_OUTCOMES ? texts[outcome] : "?";
}

const char *hf_burn_stage_text(enum hf_burn_stage stage)
{
	static const char *const texts[] = {
		[HF_BURN_CHECK] = "check",       [HF_BURN_CONNECT] = "connect", [HF_BURN_UPLOAD] = "upload",
		[HF_BURN_ACTIVATE] = "activate", [HF_BURN_RESET] = "reset",     [HF_BURN_TRIAL] = "trial",
	};

	return texts[stage];
}
