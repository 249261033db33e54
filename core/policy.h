/* SPDX-License-Identifier: MIT
 *
 * The policy: what may be started, erased, activated, confirmed.
 *
 * Pure: (state, facts, event) -> (decision, records to append). Boot, recovery, gateway, tool and server share it, so
 * that they cannot disagree. The state is nothing but the fold of the journal (state.h).
 */
#ifndef HF_POLICY_H
#define HF_POLICY_H

#include "state.h"

#define HF_TRIAL_STARTS       3  /* starts without confirmation */
#define HF_TRIAL_FREE_SLOTS   16 /* journal slots without which no trial begins */
#define HF_UPLOAD_FREE_SLOTS  128 /* below this the gateway takes the journal over before an upload */
#define HF_UPLOAD_MIN_SLOTS   64  /* where that fails, an upload needs this many */

/* What is known of a slot's content, by looking. */
enum hf_fact { HF_FACT_UNKNOWN = 0, HF_FACT_GOOD, HF_FACT_BAD };

struct hf_slot_fact {
	uint8_t fact;             /* enum hf_fact */
	enum hf_err why;          /* of HF_FACT_BAD */
	uint64_t sequence;        /* of HF_FACT_GOOD */
	uint8_t id[HF_ID_BYTES];
};

/* Boot. Called again with more facts until it no longer asks: VERIFY slot -> the caller verifies it and sets its fact.
 * VERIFY HF_SLOTS -> nothing to verify, only a record to append, to apply to the state, and to call again. START slot: the
 * caller appends `record` (if `append`), starts the watchdog and jumps. An append that fails: call again with `free_slots`
 * 0. LAST_RESORT slot: all that is left used up its trial; wait 60 s (recovery idle), then start it, without a record.
 * STAY: nothing may be started. */
enum hf_boot_action { HF_BOOT_VERIFY, HF_BOOT_START, HF_BOOT_LAST_RESORT, HF_BOOT_STAY };

#define HF_LAST_RESORT_MS 60000u

struct hf_boot_decision {
	uint8_t action;           /* enum hf_boot_action */
	uint8_t slot;
	bool append;
	struct hf_record record;
};

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_SLOTS],
				       enum hf_reset_cause cause, unsigned free_slots);

/* May `slot` be erased while `running` (HF_SLOTS: none) runs? HF_OK, HF_ERR_TRIAL (what runs is not confirmed),
 * HF_ERR_PROTECTED. */
HF_MUST_USE enum hf_err hf_policy_erase(const struct hf_state *state, unsigned slot, unsigned running);

/* May firmware with this sequence and id be installed into `slot` while `running` (HF_SLOTS: none) runs? HF_OK,
 * HF_ERR_SECURITY_VERSION, HF_ERR_RELEASE, HF_ERR_SAME_SEQUENCE, HF_ERR_TRIAL, HF_ERR_PROTECTED, HF_ERR_REJECTED is not
 * among them: a rejected image may be installed again. */
HF_MUST_USE enum hf_err hf_policy_install(const struct hf_state *state, unsigned slot, unsigned running,
					  uint64_t sequence, const uint8_t id[HF_ID_BYTES]);

/* May the image in `slot` be activated, confirmed? *record is what to append on HF_OK (confirmed: twice). */
HF_MUST_USE enum hf_err hf_policy_activate(const struct hf_state *state, unsigned slot, unsigned running,
					   const struct hf_slot_fact *fact, struct hf_record *record);
HF_MUST_USE enum hf_err hf_policy_confirm(const struct hf_state *state, unsigned running, const struct hf_slot_fact *fact,
					  struct hf_record *record);

#endif
