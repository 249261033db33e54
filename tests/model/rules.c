/* SPDX-License-Identifier: MIT
 *
 * The words are the policy's, the tests are not: what a place holds is asked of the world, what happened of its own counters
 * (world.h), and the journal's state only where a rule is about what the journal says.
 */
#include "rules.h"

#include "events.h"

static uint32_t security(enum image i)
{
	return image_specs[i].security;
}

static bool is_recovery(enum image i)
{
	return image_specs[i].component == HF_COMPONENT_RECOVERY;
}

/* Nothing below its component's floor starts, and nothing that keyset neither signs nor names. */
static bool allowed(const struct world *w, enum image i)
{
	uint32_t floor = is_recovery(i) ? hf_sequence_security(w->state.recovery.sequence) : w->state.floor;

	return i != NO_IMAGE && image_trusted(w, i) && security(i) >= floor;
}

static bool journal_means(const struct world *w, unsigned slot, enum image i)
{
	const struct hf_slot_journal *s = &w->state.slot[slot];

	return s->state != HF_SLOT_UNKNOWN && s->state != HF_SLOT_UPLOADING && s->sequence == image_sequence(i) &&
	       s->id[0] == i;
}

bool rules_confirmed_starts(const struct world *w, unsigned slot, bool torn_reads)
{
	enum image i = world_image(w, slot, torn_reads);

	return allowed(w, i) && image_signed(w, i) && w->state.slot[slot].state == HF_SLOT_CONFIRMED &&
	       journal_means(w, slot, i);
}

static bool failed(const struct world *w, unsigned place, enum image i)
{
	const struct hf_slot_journal *s = &w->state.slot[place % HF_SLOTS];

	return place < HF_SLOTS && journal_means(w, place, i) &&
	       (s->state == HF_SLOT_REJECTED || (s->state == HF_SLOT_TRIAL && s->failures > 0));
}

/* Starts only when all else does not. */
static bool is_last(const struct world *w, unsigned place, enum image i)
{
	return !image_signed(w, i) || failed(w, place, i);
}

static void app_starts(const struct world *before, enum hf_boot_wish wish, const struct hf_boot_decision *d, enum image i,
		       bool confirmed_waits)
{
	const struct world *w = &model.w;
	const struct hf_slot_journal *s = &w->state.slot[d->place];

	rule(d->place < HF_SLOTS, "firmware starts from a slot");
	rule(w->starts[d->place] <= HF_TRIAL_STARTS, "never more than three starts of a trial");
	if (d->append) {
		rule(s->state == HF_SLOT_TRIAL && s->starts >= 1 && s->starts <= HF_TRIAL_STARTS && journal_means(w, d->place, i),
		     "a recorded start is a trial's");
		rule(w->failures[d->place] < HF_TRIAL_STARTS, "what failed three times does not start again by itself");
	} else if (!rules_confirmed_starts(w, d->place, model.course.torn_reads)) {
		rule(!confirmed_waits, "nothing starts unrecorded where confirmed firmware is there");
	}
	if (is_last(w, d->place, i) && !(d->append && s->state == HF_SLOT_TRIAL))
		rule(wish == HF_WISH_LAST_RESORT || d->action == HF_BOOT_LAST_RESORT, "the last resort comes last");
	if (d->append && s->starts == 1 && before->state.slot[d->place].state != HF_SLOT_TRIAL)
		rule(!confirmed_waits, "what nobody activated does not go before confirmed firmware");
}

/* `hangs`: the last start ended in a failure, and nothing counts how often. */
static void recovery_starts(enum hf_boot_wish wish, const struct hf_boot_decision *d, enum image i, bool confirmed_waits, bool hangs)
{
	const struct world *w = &model.w;

	rule(is_recovery(i), "only a recovery is started as one");
	if (wish == HF_WISH_RECOVERY && !is_last(w, d->place, i))
		return;
	rule(!confirmed_waits, "nobody waits in recovery while confirmed firmware is there");
	for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
		enum image other = world_image(w, slot, model.course.torn_reads);

		if (allowed(w, other) && !is_recovery(other) && !hangs)
			rule(is_last(w, slot, other) && d->last_resort, "nobody waits in recovery while firmware is there");
	}
}

static bool anything(const struct world *w)
{
	for (unsigned p = 0; p < HF_PLACES; p++)
		if (allowed(w, world_image(w, p, model.course.torn_reads)))
			return true;
	return false;
}

/* A recovery that may be started without more ado? */
static bool recovery_waits(const struct world *w)
{
	for (unsigned p = 0; p < HF_PLACES; p++) {
		enum image i = world_image(w, p, model.course.torn_reads);

		if (allowed(w, i) && is_recovery(i) && !is_last(w, p, i))
			return true;
	}
	return false;
}

void rules_start(const struct world *before, enum hf_boot_wish wish, const struct hf_boot_decision *d,
		 const struct hf_slot_fact fact[HF_PLACES], bool counts)
{
	const struct world *w = &model.w;
	bool torn = model.course.torn_reads;
	bool hangs = !counts && (before->cause == HF_RESET_WATCHDOG || before->cause == HF_RESET_FAULT);
	bool confirmed_waits = rules_confirmed_starts(before, 0, torn) || rules_confirmed_starts(before, 1, torn);
	enum image i = d->place < HF_PLACES ? world_image(w, d->place, torn) : NO_IMAGE;

	for (unsigned p = 0; p < HF_PLACES; p++)
		rule(model.looks[p] <= 1, "nothing is hashed twice in one start");
	rule(model.records <= 3, "a start ends after a few records");
	if (d->action == HF_BOOT_STAY) {
		rule(!anything(w), "boot stays only where nothing may be started");
		return;
	}
	rule(fact[d->place].fact == HF_FACT_GOOD && allowed(w, i), "what starts verifies and is allowed");
	if (w->mode == MODE_RECOVERY && d->action == HF_BOOT_RECOVERY)
		recovery_starts(wish, d, i, confirmed_waits, hangs);
	else if (!is_recovery(i))
		app_starts(before, wish, d, i, confirmed_waits);
	else
		rule(d->append && w->starts[d->place] <= HF_TRIAL_STARTS, "a staged recovery starts as a trial, three times");
	rule(!hangs || confirmed_waits || is_recovery(i) || !recovery_waits(w), "what nobody counts does not fail for ever");
	if (confirmed_waits && wish != HF_WISH_RECOVERY)
		rule(d->action == HF_BOOT_START, "intact confirmed firmware starts, or a trial of another");
}

void rules_upload_begins(const struct world *before, enum image image)
{
	(void)image;
	if (before->mode == MODE_APP)
		rule(before->state.slot[before->place].state == HF_SLOT_CONFIRMED ||
		     before->state.slot[before->place].state == HF_SLOT_REJECTED, "nothing is uploaded during a trial");
}

void rules_upload_accepted(const struct world *before, enum image image, bool any_release, unsigned slot, bool done)
{
	const struct hf_state *s = &before->state;
	enum image there = world_image(&model.w, slot, model.course.torn_reads);

	rule(!done || there == image, "an upload that is done has written its image");
	rule(image_signed(before, image), "revoked keys never install");
	if (is_recovery(image)) {
		rule(image_sequence(image) >= s->recovery.sequence, "recovery never goes back");
		return;
	}
	rule(security(image) >= s->floor && security(image) >= hf_sequence_security(s->newest),
	     "the security version never goes back");
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *j = &s->slot[i];

		if (j->state == HF_SLOT_UNKNOWN || j->state == HF_SLOT_UPLOADING || j->component != HF_COMPONENT_APP)
			continue;
		rule(j->sequence != image_sequence(image) || j->id[0] == image, "one sequence number names one image");
	}
	if (before->mode == MODE_APP && !any_release && s->slot[before->place].state == HF_SLOT_CONFIRMED)
		rule(image_sequence(image) >= image_sequence((enum image)before->image), "no older release, unless the site wants it");
}

void rules_confirmed(void)
{
	const struct world *w = &model.w;

	rule(w->state.slot[w->place].state == HF_SLOT_CONFIRMED && w->state.slot[w->place].copies >= 2 &&
	     w->state.current == w->place, "what is confirmed is confirmed twice, and the current one");
}

static bool recovery_in(const struct world *w, unsigned place)
{
	enum image i = world_stable_image(w, place);

	return is_recovery(i) && allowed(w, i);
}

void rules_step(const struct world *before, const struct world *after, const struct event *e)
{
	rule(after->state.newest >= before->state.newest, "the newest never goes down");
	rule(after->state.floor >= before->state.floor, "the floor never goes down");
	rule(hf_sequence_security(after->state.recovery.sequence) >= hf_sequence_security(before->state.recovery.sequence),
	     "recovery's floor never goes down");
	if (e->rots)
		return;
	rule(!recovery_in(before, HF_PLACE_RECOVERY) || recovery_in(after, HF_PLACE_RECOVERY) || recovery_in(after, 0) ||
	     recovery_in(after, 1), "recovery is never lost once it is there");
}
