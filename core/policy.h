/* SPDX-License-Identifier: MIT
 *
 * The policy: what may be started, erased, activated, confirmed.
 *
 * Pure: (state, facts, event) -> (decision, records to append). Boot, recovery, gateway, tool and server share it, so
 * that they cannot disagree. The state is nothing but the fold of the journal (state.h).
 *
 * Sequence numbers are compared within a component. `running` is the place whose firmware runs and must not be erased
 * under itself; recovery runs from RAM, wherever it was started from, and passes HF_PLACE_RECOVERY (= HF_SLOTS).
 */
#ifndef HF_POLICY_H
#define HF_POLICY_H

#include "state.h"

#define HF_TRIAL_STARTS       3  /* starts without confirmation */
#define HF_TRIAL_FREE_SLOTS   16 /* journal slots without which no trial begins */
#define HF_UPLOAD_FREE_SLOTS  128 /* below this the gateway takes the journal over before an upload */
#define HF_UPLOAD_MIN_SLOTS   64  /* where that fails, an upload needs this many */

/* What is known of a place's content, by looking. */
enum hf_fact { HF_FACT_UNKNOWN = 0, HF_FACT_GOOD, HF_FACT_BAD };

struct hf_slot_fact {
	uint8_t fact;             /* enum hf_fact */
	enum hf_err why;          /* of HF_FACT_BAD */
	uint8_t component;        /* of HF_FACT_GOOD, all that follows; enum hf_component */
	bool grandfathered;
	uint64_t sequence;
	uint8_t id[HF_ID_BYTES];
};

/* Boot. Called again with more facts until it no longer asks. VERIFY place -> the caller verifies it and sets its fact.
 * VERIFY HF_PLACES -> nothing to verify, only a record to append, to apply to the state, and to call again. START place:
 * the caller appends `record` (if `append`), starts the watchdog and jumps; with component RECOVERY it is the trial of a
 * staged one. RECOVERY place: the same with a recovery that was wished or that is all there is; `last_resort`: it has
 * something to leave to. LAST_RESORT slot: all that is left is used up or grandfathered, and no recovery there: wait
 * 60 s, then start it, without a record. STAY: nothing may be started. An append that fails: call again with
 * `free_slots` 0. */
enum hf_boot_action { HF_BOOT_VERIFY, HF_BOOT_START, HF_BOOT_RECOVERY, HF_BOOT_LAST_RESORT, HF_BOOT_STAY };

#define HF_LAST_RESORT_MS 60000u

/* What is wanted of this start: RECOVERY: before all else. LAST_RESORT: recovery was idle; what is used up starts
 * instead of it (START). */
enum hf_boot_wish { HF_WISH_NONE, HF_WISH_RECOVERY, HF_WISH_LAST_RESORT };

struct hf_boot_decision {
	uint8_t action;           /* enum hf_boot_action */
	uint8_t place;
	bool append;
	bool last_resort;
	struct hf_record record;
};

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_PLACES],
				       enum hf_reset_cause cause, enum hf_boot_wish wish, unsigned free_slots);

/* May `slot` be erased while `running` runs? HF_OK, HF_ERR_TRIAL (what runs is not confirmed), HF_ERR_PROTECTED. */
HF_MUST_USE enum hf_err hf_policy_erase(const struct hf_state *state, unsigned slot, unsigned running);

/* The slot that an upload would go to: the one that does not run; from recovery, the one that is not confirmed, or not
 * confirmed last, or that an upload went to before, or of which the journal knows nothing good. */
unsigned hf_policy_target(const struct hf_state *state, unsigned running);

/* May `image` (component, sequence, id) be installed into `slot` while `running` runs? `recovery`: what the recovery
 * partition holds, by looking at its head; NULL: not known. `any_release`: whoever asks may
 * have firmware of an older release (from recovery everybody may), never of an older security version. HF_OK, HF_ERR_SECURITY_VERSION, HF_ERR_RELEASE,
 * HF_ERR_SAME_SEQUENCE, HF_ERR_TRIAL, HF_ERR_PROTECTED; HF_ERR_KEY (grandfathered). HF_ERR_REJECTED is not among them: a
 * rejected image may be installed again. */
HF_MUST_USE enum hf_err hf_policy_install(const struct hf_state *state, unsigned slot, unsigned running,
					  const struct hf_slot_fact *image, const struct hf_slot_fact *recovery,
					  bool any_release);

/* May the image in `slot` be activated, confirmed? *record is what to append on HF_OK (confirmed: twice). */
HF_MUST_USE enum hf_err hf_policy_activate(const struct hf_state *state, unsigned slot, unsigned running,
					   const struct hf_slot_fact *fact, struct hf_record *record);
HF_MUST_USE enum hf_err hf_policy_confirm(const struct hf_state *state, unsigned running, const struct hf_slot_fact *fact,
					  struct hf_record *record);

/* The slot that a manual roll-back goes to: the confirmed firmware that does not run, or, from recovery, that was not
 * confirmed last; also where power losses interrupted its trial. HF_ERR_NOT_FOUND: there is none. It is then verified and
 * activated like any other. */
HF_MUST_USE enum hf_err hf_policy_rollback(const struct hf_state *state, unsigned running, unsigned *slot);

/* May the staged recovery in `slot`, which runs, replace the recovery partition's? *record is what to append, twice, when
 * that is done. */
HF_MUST_USE enum hf_err hf_policy_replace(const struct hf_state *state, unsigned slot, const struct hf_slot_fact *fact,
					  struct hf_record *record);

#endif
