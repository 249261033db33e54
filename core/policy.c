/* SPDX-License-Identifier: MIT
 *
 * Decisions. The order in which boot looks for something to start:
 *   1. recovery, where it is wished;
 *   2. a trial that is wanted and still has starts left, of firmware or of a staged recovery;
 *   3. the firmware that was confirmed last;
 *   4. the other confirmed one;
 *   5. any other firmware that verifies and was not rejected: as a trial where the journal can count, else (factory-new,
 *      journal lost) the highest sequence number, and behind a failure recovery before it: it might hang for ever;
 *   6. recovery: its partition's, a staged one, one that is used up or grandfathered;
 *   7. firmware that failed its trial or is grandfathered, as the last resort.
 * Nothing below its component's floor is ever started. A slot counts as confirmed (rejected, ...) only while it holds the very
 * image that the journal speaks of; another image in it (burned by a probe) is of unknown merit.
 */
#include "policy.h"

#include <string.h>

#include "suit.h"

/* On the boards: header, reserve and `released`, a take-over's snapshot twice, and the largest keyset and configuration
 * twice leave the slots that an upload wants. */
#define SNAPSHOT_SLOTS 8u
_Static_assert(HF_JOURNAL_MAX_SLOTS - 2 - HF_JOURNAL_MAX_SLOTS / 8 - 1 - 2 * SNAPSHOT_SLOTS -
			       2 * (HF_LONGREC_SLOTS(HF_KEYSET_BYTES_MAX) + HF_LONGREC_SLOTS(HF_CONFIGURATION_MAX)) >=
		       HF_UPLOAD_FREE_SLOTS, "room for uploads");
_Static_assert(HF_STORE_SPARE_SLOTS >= HF_UPLOAD_MIN_SLOTS, "what is stored never keeps an upload from its room");

static bool same_id(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, HF_ID_BYTES) == 0;
}

/* Is this the image that the journal speaks of? */
static bool known(const struct hf_slot_journal *s, const struct hf_slot_fact *f)
{
	return s->state != HF_SLOT_UNKNOWN && s->state != HF_SLOT_UPLOADING && s->sequence == f->sequence &&
	       same_id(s->id, f->id);
}

/* The security version that the component has come to. */
static uint32_t floor_of(const struct hf_state *state, unsigned component)
{
	return component == HF_COMPONENT_RECOVERY ? hf_sequence_security(state->recovery.sequence) : state->floor;
}

static bool new_enough(const struct hf_state *state, const struct hf_slot_fact *f)
{
	return hf_sequence_security(f->sequence) >= floor_of(state, f->component);
}

static bool may_start(const struct hf_state *state, const struct hf_slot_fact *f)
{
	return f->fact == HF_FACT_GOOD && !f->grandfathered && new_enough(state, f);
}

/* Always true: "this is the decision". */
static bool decide(struct hf_boot_decision *d, enum hf_boot_action action, unsigned place)
{
	d->action = (uint8_t)action;
	d->place = (uint8_t)place;
	return true;
}

static void append(struct hf_boot_decision *d, enum hf_record_type type, unsigned slot, unsigned component,
		   uint64_t sequence, const uint8_t *id, unsigned note)
{
	d->append = true;
	d->record = hf_state_image_record(type, slot, component, sequence, id, (uint8_t)note);
}

static bool counts_as_failure(unsigned cause)
{
	return cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT;
}

/* One slot's trial; false: it has no say in this boot. */
static bool trial(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned cause, unsigned i,
		  struct hf_boot_decision *d)
{
	const struct hf_slot_journal *s = &state->slot[i];
	unsigned failures = s->failures + (s->starts > 0 && counts_as_failure(cause) ? 1u : 0u);
	enum hf_record_type type = HF_REC_REJECTED;

	if (s->state != HF_SLOT_TRIAL)
		return false;
	if (failures < HF_TRIAL_STARTS && s->starts < HF_TRIAL_STARTS) {
		if (fact[i].fact == HF_FACT_UNKNOWN)
			return decide(d, HF_BOOT_VERIFY, i);
		if (may_start(state, &fact[i]) && known(s, &fact[i])) {
			append(d, HF_REC_ATTEMPT, i, s->component, s->sequence, s->id, cause);
			return decide(d, HF_BOOT_START, i);
		}
		cause = HF_REASON_VERIFY;
	} else if (failures < HF_TRIAL_STARTS) {
		type = HF_REC_INTERRUPTED;
	}
	append(d, type, i, s->component, s->sequence, s->id, cause);
	return decide(d, HF_BOOT_VERIFY, HF_PLACES);
}

static bool confirmed(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned i,
		      struct hf_boot_decision *d)
{
	if (state->slot[i].state != HF_SLOT_CONFIRMED)
		return false;
	if (fact[i].fact == HF_FACT_UNKNOWN)
		return decide(d, HF_BOOT_VERIFY, i);
	return may_start(state, &fact[i]) && known(&state->slot[i], &fact[i]) && decide(d, HF_BOOT_START, i);
}

/* Power losses alone use nothing up: an interrupted image is as good as any other that was never confirmed. */
static bool used_up(const struct hf_slot_journal *s, const struct hf_slot_fact *f)
{
	return known(s, f) &&
	       (s->state == HF_SLOT_REJECTED || (s->state == HF_SLOT_TRIAL && s->failures > 0));
}

/* May it start as the last of all only? */
static bool last(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned place)
{
	return fact[place].grandfathered || (place < HF_SLOTS && used_up(&state->slot[place], &fact[place]));
}

/* The best firmware that is neither in a trial nor confirmed; HF_PLACES: none. Of last resorts, what has lost its keys only
 * comes first: it would wait for ever behind a later one that fails. */
static unsigned best_app(const struct hf_state *state, const struct hf_slot_fact *fact, bool last_resort)
{
	unsigned best = HF_PLACES;
	uint64_t rank, highest = 0;

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_fact *f = &fact[i];

		if (f->fact != HF_FACT_GOOD || f->component != HF_COMPONENT_APP || !new_enough(state, f) ||
		    last(state, fact, i) != last_resort)
			continue;
		rank = f->sequence | (uint64_t)f->grandfathered << 63;
		if (best == HF_PLACES || rank > highest) {
			best = i;
			highest = rank;
		}
	}
	return best;
}

/* A recovery to start: the partition's, else the first staged one. What may start last only is looked for after all else. */
static bool recovery(const struct hf_state *state, const struct hf_slot_fact *fact, bool last_too,
		     struct hf_boot_decision *d)
{
	for (unsigned i = HF_PLACES; i-- > 0;) {
		const struct hf_slot_fact *f = &fact[i];

		if (f->fact == HF_FACT_UNKNOWN)
			return decide(d, HF_BOOT_VERIFY, i);
		if (f->fact == HF_FACT_GOOD && f->component == HF_COMPONENT_RECOVERY && new_enough(state, f) &&
		    (last_too || !last(state, fact, i)))
			return decide(d, HF_BOOT_RECOVERY, i);
	}
	return false;
}

/* What is neither in a trial nor confirmed: all slots are looked at first. */
static bool others(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned cause, bool counts,
		   struct hf_boot_decision *d)
{
	unsigned best;

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (fact[i].fact == HF_FACT_UNKNOWN)
			return decide(d, HF_BOOT_VERIFY, i);
	}
	best = best_app(state, fact, false);
	if (best >= HF_SLOTS)
		return false;
	if (counts)
		append(d, HF_REC_ATTEMPT, best, HF_COMPONENT_APP, fact[best].sequence, fact[best].id, cause);
	else if (counts_as_failure(cause) && recovery(state, fact, false, d))
		return true;
	return decide(d, HF_BOOT_START, best);
}

/* No firmware may start by itself: recovery, or what is left. */
static void nothing(const struct hf_state *state, const struct hf_slot_fact *fact, enum hf_boot_wish wish,
		    struct hf_boot_decision *d)
{
	unsigned best = best_app(state, fact, true);

	d->last_resort = best < HF_SLOTS;
	if (d->last_resort && wish == HF_WISH_LAST_RESORT)
		decide(d, HF_BOOT_START, best);
	else if (!recovery(state, fact, false, d) && !recovery(state, fact, true, d))
		decide(d, d->last_resort ? HF_BOOT_LAST_RESORT : HF_BOOT_STAY, best);
}

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_PLACES],
				       enum hf_reset_cause cause, enum hf_boot_wish wish, unsigned free_slots)
{
	struct hf_boot_decision d = { .append = false };
	bool counts = free_slots >= HF_TRIAL_FREE_SLOTS && !state->unknown; /* can a trial's starts be counted? */

	if (wish == HF_WISH_RECOVERY && recovery(state, fact, false, &d))
		return d;
	for (unsigned i = 0; i < HF_SLOTS && counts; i++) {
		if (trial(state, fact, cause, i, &d))
			return d;
	}
	if (!confirmed(state, fact, state->current, &d) && !confirmed(state, fact, !state->current, &d) &&
	    !others(state, fact, cause, counts, &d))
		nothing(state, fact, wish, &d);
	return d;
}

/* Has the slot's state a valid sequence and id of a whole image? */
static bool holds_image(const struct hf_slot_journal *s)
{
	return s->state != HF_SLOT_UNKNOWN && s->state != HF_SLOT_UPLOADING;
}

/* Is what runs no trial? What was rejected runs as the last resort only: nothing else starts that could be lost. */
static bool decided(const struct hf_state *state, unsigned running)
{
	return state->slot[running].state == HF_SLOT_CONFIRMED || state->slot[running].state == HF_SLOT_REJECTED;
}

/* How much would be lost with the slot, as far as the journal knows. */
static unsigned worth(const struct hf_state *state, unsigned slot)
{
	static const uint8_t by_state[] = {
		[HF_SLOT_UPLOADING] = 0, [HF_SLOT_REJECTED] = 1,    [HF_SLOT_UNKNOWN] = 2, [HF_SLOT_WRITTEN] = 3,
		[HF_SLOT_TRIAL] = 4,     [HF_SLOT_INTERRUPTED] = 4, [HF_SLOT_CONFIRMED] = 5,
	};

	unsigned s = state->slot[slot].state;

	return by_state[s % sizeof by_state] * 2u + (s == HF_SLOT_CONFIRMED && slot == state->current);
}

unsigned hf_policy_target(const struct hf_state *state, unsigned running)
{
	if (running < HF_SLOTS)
		return !running;
	return worth(state, 0) <= worth(state, 1) ? 0 : 1;
}

enum hf_err hf_policy_erase(const struct hf_state *state, unsigned slot, unsigned running)
{
	if (slot >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (slot == running || state->unknown)
		return HF_ERR_PROTECTED;
	if (running < HF_SLOTS)
		return decided(state, running) ? HF_OK : HF_ERR_TRIAL;
	if (state->slot[slot].state == HF_SLOT_CONFIRMED && state->slot[!slot].state != HF_SLOT_CONFIRMED)
		return HF_ERR_PROTECTED;
	return HF_OK;
}

/* Is `image` too old to follow what has this sequence number? */
static enum hf_err check_order(const struct hf_slot_fact *image, uint64_t sequence, bool any_release)
{
	if (hf_sequence_security(image->sequence) < hf_sequence_security(sequence))
		return HF_ERR_SECURITY_VERSION;
	if (!any_release && hf_sequence_release(image->sequence) < hf_sequence_release(sequence))
		return HF_ERR_RELEASE;
	return HF_OK;
}

static enum hf_err check_same(const struct hf_slot_fact *image, uint64_t sequence, const uint8_t *id)
{
	return image->sequence == sequence && !same_id(image->id, id) ? HF_ERR_SAME_SEQUENCE : HF_OK;
}

/* The upload may be on its way into the slot that was confirmed last. */
static enum hf_err check_app(const struct hf_state *state, const struct hf_slot_fact *image, bool any_release)
{
	const struct hf_slot_journal *now = &state->slot[state->current];

	if (now->state != HF_SLOT_CONFIRMED)
		now = &state->slot[!state->current];
	if (!new_enough(state, image) || check_order(image, state->newest, true))
		return HF_ERR_SECURITY_VERSION;
	return now->state == HF_SLOT_CONFIRMED ? check_order(image, now->sequence, any_release) : HF_OK;
}

static enum hf_err check_recovery(const struct hf_state *state, const struct hf_slot_fact *image,
				  const struct hf_slot_fact *there)
{
	const struct hf_recovery_journal *r = &state->recovery;
	enum hf_err err = HF_OK;

	if (r->copies > 0)
		err = check_order(image, r->sequence, false);
	if (!err && r->copies > 0)
		err = check_same(image, r->sequence, r->id);
	if (!err && there && there->fact == HF_FACT_GOOD)
		err = check_order(image, there->sequence, false);
	if (!err && there && there->fact == HF_FACT_GOOD)
		err = check_same(image, there->sequence, there->id);
	return err;
}

enum hf_err hf_policy_install(const struct hf_state *state, unsigned slot, unsigned running,
			      const struct hf_slot_fact *image, const struct hf_slot_fact *recovery, bool any_release)
{
	enum hf_err err = hf_policy_erase(state, slot, running);

	if (err)
		return err;
	if (image->grandfathered)
		return HF_ERR_KEY;
	err = image->component == HF_COMPONENT_RECOVERY ? check_recovery(state, image, recovery)
							: check_app(state, image, any_release || running >= HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS && !err; i++) {
		const struct hf_slot_journal *s = &state->slot[i];

		if (holds_image(s) && s->component == image->component)
			err = check_same(image, s->sequence, s->id);
	}
	return err;
}

enum hf_err hf_policy_activate(const struct hf_state *state, unsigned slot, unsigned running,
			       const struct hf_slot_fact *fact, struct hf_record *record)
{
	const struct hf_slot_journal *s = &state->slot[slot];

	if (slot >= HF_SLOTS || slot == running)
		return HF_ERR_NOT_FOUND;
	if (state->unknown)
		return HF_ERR_PROTECTED;
	if (running < HF_SLOTS && !decided(state, running))
		return HF_ERR_TRIAL;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	if (fact->grandfathered)
		return HF_ERR_KEY;
	if (s->state == HF_SLOT_UPLOADING)
		return HF_ERR_ORDER;
	if (!new_enough(state, fact))
		return HF_ERR_SECURITY_VERSION;
	if (s->state == HF_SLOT_REJECTED && known(s, fact))
		return HF_ERR_REJECTED;
	*record = hf_state_image_record(HF_REC_ACTIVATED, slot, fact->component, fact->sequence, fact->id, 0);
	return HF_OK;
}

enum hf_err hf_policy_confirm(const struct hf_state *state, unsigned running, const struct hf_slot_fact *fact,
			      struct hf_record *record)
{
	if (running >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	if (fact->component != HF_COMPONENT_APP)
		return HF_ERR_UNSUPPORTED;
	*record = hf_state_image_record(HF_REC_CONFIRMED, running, fact->component, fact->sequence, fact->id, 0);
	if (state->slot[running].state == HF_SLOT_CONFIRMED && state->slot[running].copies >= 2 && state->current == running &&
	    known(&state->slot[running], fact))
		record->type = HF_REC_VOID;
	return HF_OK;
}

enum hf_err hf_policy_rollback(const struct hf_state *state, unsigned running, unsigned *slot)
{
	const struct hf_slot_journal *s;

	*slot = running < HF_SLOTS ? !running : !state->current;
	s = &state->slot[*slot];
	if (s->state == HF_SLOT_CONFIRMED || (s->state == HF_SLOT_INTERRUPTED && s->copies > 0))
		return HF_OK;
	return HF_ERR_NOT_FOUND;
}

enum hf_err hf_policy_replace(const struct hf_state *state, unsigned slot, const struct hf_slot_fact *fact,
			      struct hf_record *record)
{
	const struct hf_recovery_journal *r = &state->recovery;

	if (slot >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (state->unknown)
		return HF_ERR_PROTECTED;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	if (fact->component != HF_COMPONENT_RECOVERY)
		return HF_ERR_UNSUPPORTED;
	if (state->slot[slot].state == HF_SLOT_UPLOADING) /* its last word may be torn, and read right today only */
		return HF_ERR_ORDER;
	if (!new_enough(state, fact))
		return HF_ERR_SECURITY_VERSION;
	*record = hf_state_image_record(HF_REC_RECOVERY, slot, HF_COMPONENT_RECOVERY, fact->sequence, fact->id, 0);
	if (r->copies >= 2 && r->sequence == fact->sequence && same_id(r->id, fact->id) &&
	    state->slot[slot].state == HF_SLOT_UNKNOWN)
		record->type = HF_REC_VOID;
	return HF_OK;
}
