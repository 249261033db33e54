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
	struct hf_slot_fact fact[HF_SLOTS];
	struct hf_image image[HF_SLOTS];     /* where the fact is HF_FACT_GOOD */

	struct hf_slot_work work;
};

/* HF_BOOT_START: *slot verified, and its attempt is recorded where one had to be. HF_BOOT_LAST_RESORT: *slot verified,
 * but used its trial up; start it after HF_LAST_RESORT_MS. HF_BOOT_STAY: nothing may be started, fact[].why says it. */
enum hf_boot_action hf_choose_slot(struct hf_choose *c, enum hf_reset_cause cause, unsigned *slot);

#endif
