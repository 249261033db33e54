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

static struct hf_record image_record(uint8_t type, unsigned slot, uint64_t sequence, const uint8_t *id, uint8_t note)
{
	struct hf_record r = { .type = type };

	r.data[OFF_SLOT] = (uint8_t)slot;
	store_le64(r.data + OFF_SEQUENCE, sequence);
	memcpy(r.data + OFF_ID, id, HF_ID_BYTES);
	r.data[OFF_NOTE] = note;
	return r;
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

static struct hf_boot_decision verify(unsigned slot)
{
	return (struct hf_boot_decision){ .action = HF_BOOT_VERIFY, .slot = (uint8_t)slot };
}

static struct hf_boot_decision start(unsigned slot)
{
	return (struct hf_boot_decision){ .action = HF_BOOT_START, .slot = (uint8_t)slot };
}

static struct hf_boot_decision append(struct hf_boot_decision d, struct hf_record r)
{
	d.append = true;
	d.record = r;
	return d;
}

static bool counts_as_failure(enum hf_reset_cause cause)
{
	return cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT;
}

/* One slot's trial; false: it has no say in this boot. */
static bool trial(const struct hf_state *state, const struct hf_slot_fact *fact, enum hf_reset_cause cause,
		  unsigned free_slots, unsigned i, struct hf_boot_decision *d)
{
	const struct hf_slot_journal *s = &state->slot[i];
	unsigned failures = s->failures + (s->starts > 0 && counts_as_failure(cause) ? 1u : 0u);

	if (s->state != HF_SLOT_TRIAL || state->unknown || free_slots < HF_TRIAL_FREE_SLOTS)
		return false;
	if (failures >= HF_TRIAL_STARTS) {
		*d = append(verify(HF_SLOTS), image_record(HF_REC_REJECTED, i, s->sequence, s->id, (uint8_t)cause));
		return true;
	}
	if (s->starts >= HF_TRIAL_STARTS) {
		*d = append(verify(HF_SLOTS), image_record(HF_REC_INTERRUPTED, i, s->sequence, s->id, (uint8_t)cause));
		return true;
	}
	if (fact[i].fact == HF_FACT_UNKNOWN) {
		*d = verify(i);
		return true;
	}
	if (may_start(state, &fact[i]) && known(s, &fact[i])) {
		*d = append(start(i), image_record(HF_REC_ATTEMPT, i, s->sequence, s->id, (uint8_t)cause));
		return true;
	}
	*d = append(verify(HF_SLOTS), image_record(HF_REC_REJECTED, i, s->sequence, s->id, HF_REASON_VERIFY));
	return true;
}

static bool confirmed(const struct hf_state *state, const struct hf_slot_fact *fact, unsigned i,
		      struct hf_boot_decision *d)
{
	if (state->slot[i].state != HF_SLOT_CONFIRMED)
		return false;
	if (fact[i].fact == HF_FACT_UNKNOWN) {
		*d = verify(i);
		return true;
	}
	if (!may_start(state, &fact[i]) || !known(&state->slot[i], &fact[i]))
		return false;
	*d = start(i);
	return true;
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

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_SLOTS],
				       enum hf_reset_cause cause, unsigned free_slots)
{
	struct hf_boot_decision d;
	unsigned best;

	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (trial(state, fact, cause, free_slots, i, &d))
			return d;
	if (confirmed(state, fact, state->current, &d) || confirmed(state, fact, !state->current, &d))
		return d;
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (fact[i].fact == HF_FACT_UNKNOWN)
			return verify(i);
	best = best_other(state, fact, false);
	if (best < HF_SLOTS) {
		d = start(best);
		if (free_slots < HF_TRIAL_FREE_SLOTS || state->unknown)
			return d;
		return append(d, image_record(HF_REC_ATTEMPT, best, fact[best].sequence, fact[best].id, (uint8_t)cause));
	}
	best = best_other(state, fact, true);
	if (best < HF_SLOTS)
		return (struct hf_boot_decision){ .action = HF_BOOT_LAST_RESORT, .slot = (uint8_t)best };
	return (struct hf_boot_decision){ .action = HF_BOOT_STAY, .slot = HF_SLOTS };
}

/* Has the slot's state a valid sequence and id of a whole image? */
static bool holds_image(const struct hf_slot_journal *s)
{
	return s->state != HF_SLOT_UNKNOWN && s->state != HF_SLOT_UPLOADING;
}

enum hf_err hf_policy_erase(const struct hf_state *state, unsigned slot, unsigned running)
{
	if (slot >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (slot == running || state->unknown)
		return HF_ERR_PROTECTED;
	if (running < HF_SLOTS)
		return state->slot[running].state == HF_SLOT_CONFIRMED ? HF_OK : HF_ERR_TRIAL;
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
	if (running < HF_SLOTS && state->slot[running].state != HF_SLOT_CONFIRMED)
		return HF_ERR_TRIAL;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	if (s->state == HF_SLOT_UPLOADING)
		return HF_ERR_ORDER;
	if (hf_sequence_security(fact->sequence) < state->floor)
		return HF_ERR_SECURITY_VERSION;
	if (s->state == HF_SLOT_REJECTED && known(s, fact))
		return HF_ERR_REJECTED;
	*record = image_record(HF_REC_ACTIVATED, slot, fact->sequence, fact->id, 0);
	return HF_OK;
}

enum hf_err hf_policy_confirm(const struct hf_state *state, unsigned running, const struct hf_slot_fact *fact,
			      struct hf_record *record)
{
	if (running >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (fact->fact != HF_FACT_GOOD)
		return fact->why;
	*record = image_record(HF_REC_CONFIRMED, running, fact->sequence, fact->id, 0);
	if (state->slot[running].state == HF_SLOT_CONFIRMED && state->current == running &&
	    known(&state->slot[running], fact))
		record->type = HF_REC_VOID;
	return HF_OK;
}
