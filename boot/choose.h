/* SPDX-License-Identifier: MIT
 *
 * Choosing what to start: the journal's state, the slots as they are, and the policy's decisions carried out.
 *
 * What a power loss leaves: nothing, or one record more in the journal.
 */
#ifndef HF_CHOOSE_H
#define HF_CHOOSE_H

#include "core/policy.h"
#include "core/slot.h"
#include "core/trust.h"

struct hf_choose {
	struct hf_slot_env env; /* given by the caller, borrowed, but for the keyset: that is ours */
	struct hf_bytes factory; /* begins with the factory's keyset; borrowed */

	/* To be read afterwards. */
	struct hf_journal journal;
	struct hf_state state;
	bool blank;                          /* there was no journal */
	struct hf_trust trust;
	enum hf_err keyset_err;              /* nothing can be verified */
	enum hf_err journal_err;             /* it could not be read, or not be written */
	struct hf_slot_fact fact[HF_PLACES];
	struct hf_image image[HF_PLACES];    /* where the fact is HF_FACT_GOOD */

	struct hf_slot_work work;
};

/* What to start (policy.h): START, RECOVERY, LAST_RESORT or STAY. What it names verified, and its attempt is recorded where
 * one had to be; fact[].why says why others did not. */
struct hf_boot_decision hf_choose(struct hf_choose *c, enum hf_reset_cause cause, enum hf_boot_wish wish);

#endif
