/* SPDX-License-Identifier: MIT
 *
 * Decisions. The order in which boot looks for something to start:
 *   1. a trial that is wanted and still has starts left;
 *   2. the firmware that was confirmed last;
 *   3. the other confirmed one;
 *   4. anything else that verifies and was not rejected: as a trial where the journal can count, else (factory-new,
 *      journal lost) the highest sequence number;
 *   5. what failed its trial, as the last resort.
 * Nothing below the floor is ever started. A slot counts as confirmed (rejected, ...) only while it holds the very image
 * that the journal speaks of; another image in it (burned by a probe) is of unknown merit.
 */
#include "policy.h"

#include <string.h>

#include "bytes.h"
#include "suit.h"

enum { OFF_SLOT = 0, OFF_SEQUENCE = 1, OFF_ID = 9, OFF_NOTE = 25 };

static void put_record(struct hf_record *r, uint8_t type, unsigned slot, uint64_t sequence, const uint8_t *id,
		       uint8_t note)
{
	*r = (struct hf_record){ .type = type };
	r->data[OFF_SLOT] = (uint8_t)slot;
	store_le64(r->data + OFF_SEQUENCE, sequence);
	memcpy(r->data + OFF_ID, id, HF_ID_BYTES);
	r->data[OFF_NOTE] = note;
}

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

static bool may_start(const struct hf_state *state, const struct hf_slot_fact *f)
{
	return f->fact == HF_FACT_GOOD && hf_sequence_security(f->sequence) >= state->floor;
}

/* Always true: "this is the decision". */
static bool decide(struct hf_boot_decision *d, enum hf_boot_action action, unsigned slot)
{
	d->action = (uint8_t)action;
	d->slot = (uint8_t)slot;
	return true;
}

static void append(struct hf_boot_decision *d, uint8_t type, unsigned slot, uint64_t sequence, const uint8_t *id,
		   uint8_t note)
{
	d->append = true;
	put_record(&d->record, type, slot, sequence, id, note);
}

static bool counts_as_failure(unsigned cause)
{
	return cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT;
}

/* One slot's trial; false: it has no say in this boot. */
static bool trial(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned cause, unsigned free_slots,
		  unsigned i, struct hf_boot_decision *d)
{
	const struct hf_slot_journal *s = &state->slot[i];
	unsigned failures = s->failures + (s->starts > 0 && counts_as_failure(cause) ? 1u : 0u);
	uint8_t type = HF_REC_REJECTED;

	if (s->state != HF_SLOT_TRIAL || state->unknown || free_slots < HF_TRIAL_FREE_SLOTS)
		return false;
	if (failures < HF_TRIAL_STARTS && s->starts < HF_TRIAL_STARTS) {
		if (fact[i].fact == HF_FACT_UNKNOWN)
			return decide(d, HF_BOOT_VERIFY, i);
		if (may_start(state, &fact[i]) && known(s, &fact[i])) {
			append(d, HF_REC_ATTEMPT, i, s->sequence, s->id, (uint8_t)cause);
			return decide(d, HF_BOOT_START, i);
		}
		cause = HF_REASON_VERIFY;
	} else if (failures < HF_TRIAL_STARTS) {
		type = HF_REC_INTERRUPTED;
	}
	append(d, type, i, s->sequence, s->id, (uint8_t)cause);
	return decide(d, HF_BOOT_VERIFY, HF_SLOTS);
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

/* The best of what is neither in a trial nor confirmed; HF_SLOTS: none. */
static unsigned best_other(const struct hf_state *state, const struct hf_slot_fact *fact, bool last_resort)
{
	unsigned best = HF_SLOTS;

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (!may_start(state, &fact[i]) || used_up(&state->slot[i], &fact[i]) != last_resort)
			continue;
		if (best == HF_SLOTS || fact[i].sequence > fact[best].sequence)
			best = i;
	}
	return best;
}

/* What is neither in a trial nor confirmed: everything is looked at first. */
static void others(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned cause, unsigned free_slots,
		   struct hf_boot_decision *d)
{
	unsigned best;

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (fact[i].fact == HF_FACT_UNKNOWN) {
			decide(d, HF_BOOT_VERIFY, i);
			return;
		}
	}
	best = best_other(state, fact, false);
	if (best < HF_SLOTS) {
		decide(d, HF_BOOT_START, best);
		if (free_slots >= HF_TRIAL_FREE_SLOTS && !state->unknown)
			append(d, HF_REC_ATTEMPT, best, fact[best].sequence, fact[best].id, (uint8_t)cause);
		return;
	}
	best = best_other(state, fact, true);
	decide(d, best < HF_SLOTS ? HF_BOOT_LAST_RESORT : HF_BOOT_STAY, best);
}

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_SLOTS],
				       enum hf_reset_cause cause, unsigned free_slots)
{
	struct hf_boot_decision d = { .append = false };

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		if (trial(state, fact, cause, free_slots, i, &d))
			return d;
	}
	if (!confirmed(state, fact, state->current, &d) && !confirmed(state, fact, !state->current, &d))
		others(state, fact, cause, free_slots, &d);
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

enum hf_err hf_policy_install(const struct hf_state *state, unsigned slot, unsigned running, uint64_t sequence,
			      const uint8_t id[HF_ID_BYTES])
{
	const struct hf_slot_journal *now = &state->slot[state->current];
	enum hf_err err = hf_policy_erase(state, slot, running);

	if (err)
		return err;
	/* The upload may be on its way into the slot that was confirmed last. */
	if (now->state != HF_SLOT_CONFIRMED)
		now = &state->slot[!state->current];
	if (hf_sequence_security(sequence) < state->floor ||
	    hf_sequence_security(sequence) < hf_sequence_security(state->newest))
		return HF_ERR_SECURITY_VERSION;
	if (now->state == HF_SLOT_CONFIRMED && hf_sequence_release(sequence) < hf_sequence_release(now->sequence))
		return HF_ERR_RELEASE;
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &state->slot[i];

		if (holds_image(s) && s->sequence == sequence && !same_id(s->id, id))
			return HF_ERR_SAME_SEQUENCE;
	}
	return HF_OK;
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
	if (s->state == HF_SLOT_UPLOADING)
		return HF_ERR_ORDER;
	if (hf_sequence_security(fact->sequence) < state->floor)
		return HF_ERR_SECURITY_VERSION;
	if (s->state == HF_SLOT_REJECTED && known(s, fact))
		return HF_ERR_REJECTED;
	put_record(record, HF_REC_ACTIVATED, slot, fact->sequence, fact->id, 0);
	return HF_OK;
}

enum hf_err hf_policy_confirm(const struct hf_state *state, unsigned running, const struct hf_slot_fact *fact,
			      struct hf_record *record)
{
	if (running >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	put_record(record, HF_REC_CONFIRMED, running, fact->sequence, fact->id, 0);
	if (state->slot[running].state == HF_SLOT_CONFIRMED && state->slot[running].copies >= 2 && state->current == running &&
	    known(&state->slot[running], fact))
		record->type = HF_REC_VOID;
	return HF_OK;
}
