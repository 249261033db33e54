/* SPDX-License-Identifier: MIT
 *
 * The reset may be lost, and so may its answer; a device that still waits for it is seen waiting. One that does not answer may
 * be starting, and is asked again until the time is over: what it does then it decides alone.
 */
#include "burn_private.h"

#include <string.h>

#include "version.h"

#define ONE_TRY_MS      1000u
#define RESET_AGAIN_MS  5000u
#define RESETS_MAX      4u

/* ---- activation ---- */

/* Both slots may hold it (it was installed once more): then the one that starts next counts, else the one that runs. */
static const struct hf_smp_image *find_ours(const struct burn *b, const struct hf_smp_images *images)
{
	const struct hf_smp_image *best = NULL;

	for (unsigned i = 0; i < images->count; i++) {
		const struct hf_smp_image *image = &images->image[i];

		if (image->hash_len != sizeof(b->r->id) || memcmp(image->hash, b->r->id, sizeof(b->r->id)) != 0)
			continue;
		if (!best || (image->pending && !best->pending) || (image->active && !best->active && !best->pending))
			best = image;
	}
	return best;
}

static void take_digest(struct burn *b, const struct hf_smp_image *image)
{
	b->r->digest_known = image->hash_len == sizeof(b->r->digest);
	if (b->r->digest_known)
		memcpy(b->r->digest, image->hash, sizeof(b->r->digest));
}

void hf_burn_read_digest(struct burn *b)
{
	struct hf_smp_images images;
	struct hf_smp_answer answer;

	if (hf_smp_get_images(&b->client, b->patience_ms, &images, &answer) != HF_OK || answer.refusal)
		return;
	for (unsigned i = 0; i < images.count; i++) {
		if (images.image[i].active)
			take_digest(b, &images.image[i]);
	}
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

bool hf_burn_activate(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_burn_spend(b, HF_TIME_VERIFY);
	hf_burn_tell(b, HF_BURN_ACTIVATE, "activating");
	err = hf_smp_test_image(&b->client, b->patience_ms, b->r->id, &answer);
	if (err)
		return hf_burn_lost(b, err, "we activate the new firmware");
	if (answer.refusal && !activated_before(b))
		return hf_burn_refused(b, &answer, "to activate the new firmware");
	return true;
}

static void reset(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_burn_spend(b, HF_TIME_RESET);
	hf_burn_tell(b, HF_BURN_RESET, "resetting");
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
		return "the watchdog had to stop it, three times; its log says why (--log), burn another version";
	case HF_RESET_FAULT:
		return "it crashed, or its self-test failed, three times; its log says why (--log), burn another version";
	default:
		return "its starts ended without a confirmation, three times; its log says why (--log)";
	}
}

bool hf_burn_other_runs(struct burn *b)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_status(&b->client, b->patience_ms, &b->r->after, &answer);
	char version[HF_VERSION_TEXT_BYTES];

	if (err || answer.refusal)
		b->r->after = b->r->status;
	hf_version_format(b->r->after.version, b->r->after.versions, version);
	return hf_burn_ends(b, HF_BURN_ROLLED_BACK, HF_ERR_REJECTED, "the new firmware was rolled back, and %s runs: %s", version,
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
		if (!t->seen_running)
			hf_burn_spend(b, HF_TIME_TRIAL);
		if (!t->seen_running && !ours->confirmed)
			hf_burn_tell(b, HF_BURN_TRIAL, "the new firmware runs, and tests itself");
		t->seen_running = true;
		*confirmed = ours->confirmed;
		take_digest(b, ours);
		return !ours->confirmed;
	}
	if (!ours || !ours->pending)
		return hf_burn_other_runs(b);
	if (t->resets == 0 || (hf_burn_now_ms(b) - t->reset_ms >= RESET_AGAIN_MS && t->resets < RESETS_MAX)) {
		t->resets++;
		reset(b);
		t->reset_ms = hf_burn_now_ms(b);
		if (t->resets == 1)
			hf_burn_tell(b, HF_BURN_RESET, "waiting for the new firmware to confirm itself");
	}
	return true;
}

bool hf_burn_await(struct burn *b)
{
	struct trial t = {.until_ms = hf_burn_now_ms(b) + b->confirm_ms};
	struct hf_smp_answer answer;
	bool confirmed = false;
	enum hf_err err;

	while (look(b, &t, &confirmed)) {
		if (hf_burn_now_ms(b) < t.until_ms && !hf_smp_stopped(&b->client)) {
			hf_serial_sleep_ms(b->client.serial, HF_BURN_POLL_MS);
			continue;
		}
		if (t.seen_running)
			return hf_burn_ends(b, HF_BURN_UNCONFIRMED, HF_ERR_TIMEOUT,
				    "the new firmware runs, but did not confirm itself within %u s: the device falls back by itself if it "
				    "does not; ask it with `holdfast status`, and see why with `holdfast monitor`", b->confirm_ms / 1000);
		return hf_burn_ends(b, HF_BURN_NO_ANSWER, HF_ERR_TIMEOUT,
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

