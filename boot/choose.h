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

struct hf_choose {
	struct hf_slot_env env; /* given by the caller, borrowed */

	/* To be read afterwards. */
	struct hf_journal journal;
	struct hf_state state;
	bool blank;                          /* there was no journal */
	enum hf_err journal_err;             /* it could not be read, or not be written */
	struct hf_slot_fact fact[HF_PLACES];
	struct hf_image image[HF_PLACES];    /* where the fact is HF_FACT_GOOD */

	struct hf_slot_work work;
};

/* What to start (policy.h): START, RECOVERY, LAST_RESORT or STAY. What it names verified, and its attempt is recorded where
 * one had to be; fact[].why says why others did not. */
struct hf_boot_decision hf_choose(struct hf_choose *c, enum hf_reset_cause cause, enum hf_boot_wish wish);

#endif
