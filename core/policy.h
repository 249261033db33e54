/* SPDX-License-Identifier: MIT
 *
 * The policy: what may be started, erased, activated, confirmed.
 *
 * Pure: (state, facts, event) -> (decision, records to append). Boot, recovery, gateway, tool and server share it, so
 * that they cannot disagree. The state is nothing but the fold of the journal's records in order (hf_state_apply).
 */
#ifndef HF_POLICY_H
#define HF_POLICY_H

#include "journal.h"

#define HF_TRIAL_STARTS       3  /* starts without confirmation */
#define HF_TRIAL_FREE_SLOTS   16 /* journal slots without which no trial begins */
#define HF_UPLOAD_FREE_SLOTS  128 /* below this the gateway takes the journal over before an upload */
#define HF_ID_BYTES           16 /* an image's id in records: the first bytes of its manifest's digest */

enum hf_record_type {
	HF_REC_VOID = 0x00,
	HF_REC_HEADER = 0x01,
	HF_REC_UPLOAD_BEGUN = 0x10,  /* slot, sequence, head id (what the resumption is keyed on) */
	HF_REC_ERASE_BEGUN = 0x11,   /* slot, sector index */
	HF_REC_ERASE_DONE = 0x12,    /* slot, sector index */
	HF_REC_SEGMENT = 0x13,       /* slot, segment index: committed */
	HF_REC_WRITTEN = 0x14,       /* slot, sequence, id */
	HF_REC_ACTIVATED = 0x20,     /* slot, sequence, id: a trial is wanted */
	HF_REC_ATTEMPT = 0x21,       /* slot, sequence, id, cause of the reset before */
	HF_REC_CONFIRMED = 0x22,     /* slot, sequence, id; twice */
	HF_REC_REJECTED = 0x23,      /* slot, sequence, id, reason (enum hf_err) */
	HF_REC_INTERRUPTED = 0x24,   /* slot, sequence, id: starts used up by power losses */
	HF_REC_FLOOR = 0x25,         /* take-over only: a confirmed image that is no longer there */
};

enum hf_reset_cause {
	HF_RESET_POWER = 0,    /* power-on or brown-out */
	HF_RESET_PIN = 1,
	HF_RESET_REQUEST = 2,  /* software, deliberately */
	HF_RESET_WATCHDOG = 3,
	HF_RESET_FAULT = 4,    /* software, from a fault handler or a failed self-test */
};

enum hf_slot_state {
	HF_SLOT_UNKNOWN = 0,   /* the journal says nothing of it (factory-new, or journal lost) */
	HF_SLOT_UPLOADING,
	HF_SLOT_WRITTEN,
	HF_SLOT_TRIAL,         /* activated, not yet confirmed */
	HF_SLOT_CONFIRMED,
	HF_SLOT_REJECTED,
	HF_SLOT_INTERRUPTED,
};

struct hf_slot_journal {
	uint8_t state;            /* enum hf_slot_state */
	uint8_t starts;           /* of this trial */
	uint8_t failures;         /* watchdog and fault resets during this image's trials */
	uint8_t reason;           /* of a rejection, enum hf_err */
	uint64_t sequence;
	uint8_t id[HF_ID_BYTES];  /* of the image; while uploading: of its head */
	uint32_t erase_begun;     /* bit n: sector n of the board was begun to be erased for this upload */
	uint32_t erase_done;
	uint16_t segments;        /* committed, counted from 0 without gap */
};

struct hf_state {
	struct hf_slot_journal slot[HF_SLOTS];
	uint64_t newest;          /* highest confirmed sequence; 0: none */
	uint32_t floor;           /* lowest security version that may start */
	uint16_t records;
	bool unknown;             /* a record of a later format that must not be ignored was met */
};

void hf_state_init(struct hf_state *state);
void hf_state_apply(struct hf_state *state, const struct hf_record *record);

/* Mounts and folds. A journal that is blank or lost gives the initial state and HF_OK; *blank says so. */
HF_MUST_USE enum hf_err hf_state_load(struct hf_journal *j, const struct hf_flash *flash, const struct hf_layout *layout,
				      struct hf_state *state, bool *blank);

/* What is known of a slot's content, by looking. */
enum hf_fact { HF_FACT_UNKNOWN = 0, HF_FACT_GOOD, HF_FACT_BAD };

struct hf_slot_fact {
	uint8_t fact;             /* enum hf_fact */
	enum hf_err why;          /* of HF_FACT_BAD */
	uint64_t sequence;        /* of HF_FACT_GOOD */
	uint8_t id[HF_ID_BYTES];
};

/* Boot. Called again with more facts until it no longer asks: VERIFY slot -> the caller verifies it and sets its fact.
 * START slot: the caller appends `record` (if `append`; on an error it calls again with `free_slots` 0), starts the
 * watchdog and jumps. `append` with VERIFY: append first, apply it, call again. STAY: nothing may be started. */
enum hf_boot_action { HF_BOOT_VERIFY, HF_BOOT_START, HF_BOOT_STAY };

struct hf_boot_decision {
	uint8_t action;           /* enum hf_boot_action */
	uint8_t slot;
	bool append;
	struct hf_record record;
};

struct hf_boot_decision hf_policy_boot(const struct hf_state *state, const struct hf_slot_fact fact[HF_SLOTS],
				       enum hf_reset_cause cause, unsigned free_slots);

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
