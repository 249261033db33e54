/* SPDX-License-Identifier: MIT
 *
 * Everything that can be known is asked for by the policy, one fact at a time, so that a slot is hashed only when it
 * matters. A journal that cannot be written never keeps firmware from starting: the policy is then asked again as if
 * the journal were full.
 */
#include "choose.h"

#include <string.h>

/* Three places to verify, and a few records: the policy needs fewer, and must not keep us here. */
#define STEPS_MAX 16

static void look(struct hf_choose *c, unsigned place)
{
	struct hf_slot_fact *fact = &c->fact[place];
	struct hf_image *image = &c->image[place];

	fact->why = hf_slot_verify(&c->env, place, &c->work, image);
	fact->fact = fact->why == HF_OK ? HF_FACT_GOOD : HF_FACT_BAD;
	if (fact->fact != HF_FACT_GOOD)
		return;
	fact->component = image->component;
	fact->grandfathered = image->grandfathered;
	fact->sequence = image->sequence;
	memcpy(fact->id, image->id, sizeof fact->id);
}

static bool append(struct hf_choose *c, const struct hf_record *record)
{
	enum hf_err err = hf_journal_append(&c->journal, record);

	if (err) {
		c->journal_err = err;
		return false;
	}
	hf_state_apply(&c->state, record);
	return true;
}

static void load(struct hf_choose *c)
{
	c->journal_err = hf_state_load(&c->journal, c->env.flash, c->env.layout, &c->state, &c->blank);
	if (c->journal_err)
		hf_state_init(&c->state);
	c->keyset_err = hf_trust_load(&c->trust, c->journal_err ? NULL : &c->journal, c->factory);
	c->env.keyset = &c->trust.keyset;
	memset(c->fact, 0, sizeof c->fact);
}

struct hf_boot_decision hf_choose(struct hf_choose *c, enum hf_reset_cause cause, enum hf_boot_wish wish)
{
	load(c);
	for (unsigned i = 0; i < STEPS_MAX && !c->keyset_err; i++) {
		unsigned free_slots = c->journal_err ? 0 : hf_journal_free(&c->journal);
		struct hf_boot_decision d = hf_policy_boot(&c->state, c->fact, cause, wish, free_slots);

		if (d.append && !append(c, &d.record))
			continue;
		if (d.action != HF_BOOT_VERIFY)
			return d;
		if (d.place < HF_PLACES)
			look(c, d.place);
	}
	return (struct hf_boot_decision){ .action = HF_BOOT_STAY, .place = HF_PLACES };
}
