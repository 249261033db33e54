/* SPDX-License-Identifier: MIT
 *
 * Every step may be the second of its kind: the tool may have been killed after any of them, the device may restart
 * between any two. So each asks the device where it is instead of remembering it: an upload continues where the device
 * says, an activation that is refused because the new firmware runs already is none that failed, and the reset is sent
 * again only while the device is still seen waiting for it (a reset too many would cost the trial one of its starts).
 */
#include "burn.h"

#include <stdio.h>
#include <string.h>

#include "version.h"

#define PATIENCE_MS     60000u
#define CONFIRM_MS      120000u
#define ONE_TRY_MS      1000u
#define POLL_MS         500u
#define RESET_AGAIN_MS  5000u
#define RESETS_MAX      4u
#define PACKET_DEFAULT  256u /* for a device that does not tell: the least that mcumgr servers take */

struct burn {
	const struct hf_burn_options *o;
	struct hf_burn_result *r;
	struct hf_smp_client client;
	struct hf_package package;
	bool package_known;
	uint32_t patience_ms, confirm_ms;
};

static uint64_t now_ms(const struct burn *b)
{
	return hf_serial_now_ms(b->client.serial);
}

static void tell(struct burn *b, enum hf_burn_stage stage, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct burn *b, enum hf_burn_stage stage, const char *format, ...)
{
	struct hf_burn_event event = {.stage = stage, .now_ms = now_ms(b), .off = b->r->upload.off};
	struct hf_diag text;
	va_list args;

	if (!b->o->event)
		return;
	va_start(args, format);
	hf_diag_vset(&text, format, args);
	va_end(args);
	event.total = (uint32_t)b->o->package.len;
	event.text = text.text;
	b->o->event(b->o->ctx, &event);
}

static void on_progress(void *ctx, uint32_t off)
{
	struct burn *b = ctx;
	struct hf_burn_event event = {.stage = HF_BURN_UPLOAD, .now_ms = now_ms(b), .off = off};

	event.skipped = b->r->upload.skipped;
	event.total = (uint32_t)b->o->package.len;
	if (b->o->event)
		b->o->event(b->o->ctx, &event);
}

static void on_text(void *ctx, uint8_t byte)
{
	struct burn *b = ctx;

	if (b->o->on_text)
		b->o->on_text(b->o->ctx, byte);
}

static bool on_stop(void *ctx)
{
	struct burn *b = ctx;

	return b->o->stop && b->o->stop(b->o->ctx);
}

/* Sets the result, with a sentence if there is none yet. */
static bool ends(struct burn *b, enum hf_burn_outcome outcome, enum hf_err err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool ends(struct burn *b, enum hf_burn_outcome outcome, enum hf_err err, const char *format, ...)
{
	va_list args;

	b->r->outcome = hf_smp_stopped(&b->client) ? HF_BURN_INTERRUPTED : outcome;
	b->r->err = err;
	va_start(args, format);
	hf_diag_vset(&b->r->diag, format, args);
	va_end(args);
	if (b->r->outcome == HF_BURN_INTERRUPTED)
		hf_diag_set(&b->r->diag, "interrupted; run the same command again to continue");
	return false;
}

static bool lost(struct burn *b, enum hf_err err, const char *doing)
{
	return ends(b, HF_BURN_NO_DEVICE, err,
		    err == HF_ERR_IO ? "the port is gone while %s, and did not come back within %u s: check the cable"
				     : "the device does not answer while %s (%u s): check port, cable and power",
		    doing, b->patience_ms / 1000);
}

static bool refused_by_device(struct burn *b, const struct hf_smp_answer *answer, const char *what)
{
	return ends(b, HF_BURN_DEVICE_REFUSED, answer->refusal, "the device refuses %s: %s", what, answer->reason);
}

/* ---- before anything is sent ---- */

static bool check_package(struct burn *b)
{
	enum hf_err err;

	tell(b, HF_BURN_CHECK, "checking the package");
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

static bool connect(struct burn *b)
{
	struct hf_smp_status *s = &b->r->status;
	char version[HF_VERSION_TEXT_BYTES];
	struct hf_smp_answer answer;
	enum hf_err err;

	tell(b, HF_BURN_CONNECT, "looking for the device");
	err = hf_smp_rate_find(&b->client, &b->r->rate, b->patience_ms);
	if (!err)
		err = hf_smp_get_status(&b->client, b->patience_ms, s, &answer);
	if (err)
		return err == HF_ERR_TYPE ? ends(b, HF_BURN_DEVICE_REFUSED, err, "the device's status makes no sense")
					  : lost(b, err, "we look for it");
	if (answer.refusal)
		return ends(b, HF_BURN_DEVICE_REFUSED, answer.refusal,
			    "the device speaks SMP but is no Holdfast (%s): check the port", answer.reason);
	b->r->status_known = true;
	b->r->after = *s;
	hf_version_format(s->version, s->versions, version);
	if (s->running < HF_SLOTS)
		tell(b, HF_BURN_CONNECT, "found a %s that runs %s in slot %c", s->board,
		     s->versions ? version : "an unknown version", 'A' + (int)s->running);
	else
		tell(b, HF_BURN_CONNECT, "found a %s in recovery", s->board);
	return true;
}

static bool permit(struct burn *b)
{
	enum hf_err err = HF_OK;
	struct hf_diag diag;

	if (b->o->permit)
		err = b->o->permit(b->o->ctx, &b->client, &b->r->status, &diag);
	if (!err)
		return true;
	return ends(b, err == HF_ERR_TIMEOUT || err == HF_ERR_IO ? HF_BURN_NO_DEVICE : HF_BURN_DEVICE_REFUSED, err, "%s",
		    diag.text);
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
	uint64_t until = now_ms(b) + b->patience_ms;
	struct hf_smp_answer answer;
	enum hf_err err = HF_OK;

	while (hf_policy_erase(&s->state, hf_burn_target(s), s->running) == HF_ERR_TRIAL) {
		if (runs_already(b, s, HF_SLOT_TRIAL) || refused_anyway(b) || now_ms(b) >= until ||
		    hf_smp_stopped(&b->client))
			return true; /* what follows will say so */
		if (now_ms(b) + b->patience_ms == until)
			tell(b, HF_BURN_CONNECT, "waiting until the firmware that runs has confirmed itself");
		hf_serial_sleep_ms(b->client.serial, POLL_MS);
		err = hf_smp_get_status(&b->client, b->patience_ms, s, &answer);
		if (err || answer.refusal)
			return lost(b, err ? err : answer.refusal, "we wait for it to confirm itself");
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
	enum hf_err err = hf_smp_rate_raise(&b->client, rate, b->patience_ms);

	if (err == HF_ERR_NOT_FOUND)
		return ends(b, HF_BURN_NO_DEVICE, err, "the device cannot be talked to at %u baud: leave the rate to the tool",
			    rate->wanted);
	if (err)
		return lost(b, err, "we look for the fastest line");
	b->r->upload_baud = rate->now;
	b->r->binary = b->client.framing == HF_SMP_FRAMING_BINARY;
	if (b->r->binary && rate->now)
		tell(b, HF_BURN_CONNECT, "the line runs at %u baud in binary: %u of %u test packets were lost", rate->now,
		     rate->proof_lost, rate->proof_sent);
	return true;
}

static bool upload(struct burn *b)
{
	struct hf_smp_upload *u = &b->r->upload;
	struct hf_smp_parameters p;
	struct hf_smp_answer answer;
	enum hf_err err;

	if (!prepare_line(b))
		return false;
	p = b->r->rate.parameters;
	err = p.buf_size ? HF_OK : hf_smp_get_parameters(&b->client, b->patience_ms, &p, &answer);
	if (err)
		return lost(b, err, "we ask it for its parameters");
	*u = (struct hf_smp_upload){
		.file = b->o->package,
		.packet_bytes = p.buf_size ? p.buf_size : PACKET_DEFAULT,
		.window = p.buf_count,
		.patience_ms = b->patience_ms,
		.rate = &b->r->rate,
		.progress = on_progress,
		.ctx = b,
	};
	b->r->upload_ms = now_ms(b);
	tell(b, HF_BURN_UPLOAD, "uploading to slot %c", 'A' + (int)b->r->slot);
	err = hf_smp_upload(&b->client, u);
	b->r->uploaded_ms = now_ms(b);
	if ((err != HF_ERR_TIMEOUT && err != HF_ERR_IO) || hf_smp_stopped(&b->client))
		hf_smp_rate_restore(&b->client, &b->r->rate);
	if (err == HF_OK)
		return true;
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		return lost(b, err, "we upload");
	if (u->refusal.refusal)
		return refused_by_device(b, &u->refusal, "the package");
	return ends(b, HF_BURN_DEVICE_REFUSED, err, "the device's answer to the upload makes no sense: %s", hf_err_text(err));
}

/* ---- activation ---- */

static const struct hf_smp_image *find_ours(const struct burn *b, const struct hf_smp_images *images)
{
	for (unsigned i = 0; i < images->count; i++) {
		const struct hf_smp_image *image = &images->image[i];

		if (image->hash_len == sizeof(b->r->id) && memcmp(image->hash, b->r->id, sizeof(b->r->id)) == 0)
			return image;
	}
	return NULL;
}

/* Does it run, or did it run? An activation that was carried out may be answered by a device that has restarted since. */
static bool activated_before(struct burn *b)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;
	const struct hf_smp_image *ours;

	if (hf_smp_get_images(&b->client, b->patience_ms, &images, &answer) != HF_OK || answer.refusal)
		return false;
	ours = find_ours(b, &images);
	return ours && (ours->active || ours->pending);
}

static bool activate(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	tell(b, HF_BURN_ACTIVATE, "activating");
	err = hf_smp_test_image(&b->client, b->patience_ms, b->r->id, &answer);
	if (err)
		return lost(b, err, "we activate the new firmware");
	if (answer.refusal && !activated_before(b))
		return refused_by_device(b, &answer, "to activate the new firmware");
	return true;
}

static void reset(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	tell(b, HF_BURN_RESET, "resetting");
	err = hf_smp_reset(&b->client, ONE_TRY_MS - 1, &answer);
	(void)err; /* the answer may be lost; what follows looks at what the device does */
}

/* ---- the trial ---- */

static const char *why_rolled_back(const struct hf_slot_journal *slot)
{
	if (slot->state == HF_SLOT_INTERRUPTED)
		return "it was restarted before it could confirm itself; burn it again";
	if (slot->state != HF_SLOT_REJECTED)
		return "the device does not say why";
	switch (slot->reason) {
	case HF_REASON_VERIFY:
		return "it did not verify at its start";
	case HF_RESET_WATCHDOG:
		return "the watchdog had to stop it, three times";
	case HF_RESET_FAULT:
		return "it crashed, or its self-test failed, three times";
	default:
		return "its starts ended without a confirmation, three times";
	}
}

static bool rolled_back(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(&b->client, b->patience_ms, &b->r->after, &answer);
	char version[HF_VERSION_TEXT_BYTES];

	if (err || answer.refusal)
		b->r->after = b->r->status;
	hf_version_format(b->r->after.version, b->r->after.versions, version);
	return ends(b, HF_BURN_ROLLED_BACK, HF_ERR_REJECTED, "the new firmware was rolled back, and %s runs: %s", version,
		    why_rolled_back(&b->r->after.state.slot[b->r->slot]));
}

struct trial {
	uint64_t until_ms, reset_ms;
	unsigned resets;
	bool seen_running;
};

/* One look. True: it goes on. A device that still waits for its reset gets one: the first, or again what was lost. */
static bool look(struct burn *b, struct trial *t, bool *confirmed)
{
	const struct hf_smp_image *ours;
	struct hf_smp_images images;
	struct hf_smp_answer answer;

	if (hf_smp_get_images(&b->client, ONE_TRY_MS, &images, &answer) != HF_OK || answer.refusal)
		return true;
	ours = find_ours(b, &images);
	if (ours && ours->active) {
		if (!t->seen_running && !ours->confirmed)
			tell(b, HF_BURN_TRIAL, "the new firmware runs, and tests itself");
		t->seen_running = true;
		*confirmed = ours->confirmed;
		return !ours->confirmed;
	}
	if (!ours || !ours->pending)
		return rolled_back(b);
	if (t->resets == 0 || (now_ms(b) - t->reset_ms >= RESET_AGAIN_MS && t->resets < RESETS_MAX)) {
		t->resets++;
		reset(b);
		t->reset_ms = now_ms(b);
		if (t->resets == 1)
			tell(b, HF_BURN_TRIAL, "waiting for the new firmware to confirm itself");
	}
	return true;
}

static bool await_confirmation(struct burn *b)
{
	struct trial t = {.until_ms = now_ms(b) + b->confirm_ms};
	struct hf_smp_answer answer;
	bool confirmed = false;
	enum hf_err err;

	while (look(b, &t, &confirmed)) {
		if (now_ms(b) < t.until_ms && !hf_smp_stopped(&b->client)) {
			hf_serial_sleep_ms(b->client.serial, POLL_MS);
			continue;
		}
		if (t.seen_running)
			return ends(b, HF_BURN_UNCONFIRMED, HF_ERR_TIMEOUT,
				    "the new firmware runs, but did not confirm itself within %u s", b->confirm_ms / 1000);
		return ends(b, HF_BURN_NO_ANSWER, HF_ERR_TIMEOUT,
			    "no answer since the reset (%u s): the device decides alone between old and new firmware; "
			    "ask it with `holdfast status`", b->confirm_ms / 1000);
	}
	if (!confirmed)
		return false;
	err = hf_smp_get_status(&b->client, b->patience_ms, &b->r->after, &answer);
	if (err || answer.refusal)
		b->r->after = b->r->status;
	return true;
}

/* ---- all of it ---- */

static bool run(struct burn *b)
{
	if (b->o->package.len == 0 || b->o->package.len > UINT32_MAX)
		return ends(b, HF_BURN_BAD_PACKAGE, HF_ERR_RANGE, "a package of %zu bytes is none", b->o->package.len);
	if (!check_package(b) || !connect(b) || !wait_for_calm(b))
		return false;
	b->r->outcome = HF_BURN_ALREADY;
	if (!b->o->reinstall && runs_already(b, &b->r->status, HF_SLOT_CONFIRMED))
		return true;
	b->r->outcome = HF_BURN_CONFIRMED;
	if (runs_already(b, &b->r->status, HF_SLOT_TRIAL)) {
		b->r->slot = b->r->status.running;
		return await_confirmation(b);
	}
	if (!check_device(b) || !permit(b) || !upload(b))
		return false;
	b->r->outcome = HF_BURN_UPLOADED;
	if (b->o->no_activate)
		return true;
	if (!b->package_known)
		return ends(b, HF_BURN_BAD_PACKAGE, HF_ERR_DIGEST,
			    "the device took a package that we cannot read; it was not activated");
	b->r->outcome = HF_BURN_CONFIRMED;
	return activate(b) && await_confirmation(b);
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
	};
	result->begin_ms = now_ms(&b);
	if (run(&b))
		result->err = HF_OK;
	result->end_ms = now_ms(&b);
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
		[HF_BURN_DEVICE_REFUSED] = "device-refused",
		[HF_BURN_ROLLED_BACK] = "rolled-back", [HF_BURN_UNCONFIRMED] = "unconfirmed",
		[HF_BURN_NO_ANSWER] = "no-answer",     [HF_BURN_INTERRUPTED] = "interrupted",
	};

	return texts[outcome];
}

const char *hf_burn_stage_text(enum hf_burn_stage stage)
{
	static const char *const texts[] = {
		[HF_BURN_CHECK] = "check",       [HF_BURN_CONNECT] = "connect", [HF_BURN_UPLOAD] = "upload",
		[HF_BURN_ACTIVATE] = "activate", [HF_BURN_RESET] = "reset",     [HF_BURN_TRIAL] = "trial",
	};

	return texts[stage];
}
