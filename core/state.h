/* SPDX-License-Identifier: MIT
 *
 * What the journal says: the fold of its records, in order.
 *
 * Newest and floor are derived: from `confirmed` records, and from what was erased since.
 */
#ifndef HF_STATE_H
#define HF_STATE_H

#include "longrec.h"

#define HF_ID_BYTES 16 /* an image's id in records: the first bytes of its manifest's digest */

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
	HF_REC_REJECTED = 0x23,      /* slot, sequence, id, reason (enum hf_reset_cause or HF_REASON_VERIFY) */
	HF_REC_INTERRUPTED = 0x24,   /* slot, sequence, id, cause of the reset before: starts used up by power losses */
	HF_REC_RECOVERY = 0x25,      /* slot, sequence, id; twice: the recovery partition holds this image, copied there from
				      * `slot` (HF_PLACE_RECOVERY: from nowhere), where it counts for nothing any more */

	/* A take-over's snapshot, each twice. */
	HF_REC_CARRIED = 0x30,       /* newest and floor, current slot */
	HF_REC_SLOT = 0x31,          /* a slot's state, counters, sequence, id */
	HF_REC_PROGRESS = 0x32,      /* an unfinished upload's sectors and segments */

	/* 0x40 and 0x41: contents of several slots, longrec.h. */
};

enum hf_reset_cause {
	HF_RESET_POWER = 0,    /* power-on or brown-out */
	HF_RESET_PIN = 1,
	HF_RESET_REQUEST = 2,  /* software, deliberately */
	HF_RESET_WATCHDOG = 3,
	HF_RESET_FAULT = 4,    /* software, from a fault handler or a failed self-test */
};

#define HF_REASON_VERIFY 0x80 /* rejected because it did not verify at its start */

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
	uint8_t component;        /* enum hf_component */
	uint8_t starts;           /* of this trial */
	uint8_t failures;         /* watchdog and fault resets during this image's trials */
	uint8_t reason;           /* of a rejection, as in its record */
	uint8_t copies;           /* of the confirmation, as far as they count: 2 are wanted */
	uint64_t sequence;
	uint8_t id[HF_ID_BYTES];  /* of the image; while uploading: of its head */
	uint32_t erase_done;      /* bit n: sector n of the board was erased for this upload, or for none and never written since */
	uint32_t settled;         /* bit n: sector n is as it was when firmware in it had been written completely */
	uint16_t segments;        /* committed, counted from 0 without gap */
};

struct hf_recovery_journal {
	uint64_t sequence;
	uint8_t id[HF_ID_BYTES];
	uint8_t copies;           /* of the record, as far as they count: 2 are wanted; 0: there is none */
};

struct hf_state {
	struct hf_slot_journal slot[HF_SLOTS];
	struct hf_recovery_journal recovery; /* what replaced the factory's; copies 0: nothing did */
	uint64_t newest;          /* highest confirmed sequence; 0: none */
	uint32_t floor;           /* lowest security version that may start */
	uint8_t current;          /* the slot that was confirmed last */
	uint16_t records;
	bool unknown;             /* a record of a later format that must not be ignored was met */
};

void hf_state_init(struct hf_state *state);
void hf_state_apply(struct hf_state *state, const struct hf_record *record);

/* A record about an image: all of 10, 14, 20 to 25. */
struct hf_record hf_state_image_record(enum hf_record_type type, unsigned place, unsigned component, uint64_t sequence,
				       const uint8_t id[HF_ID_BYTES], uint8_t note);

/* Mounts and folds. A journal that is blank or lost gives the initial state and HF_OK; *blank says so. */
HF_MUST_USE enum hf_err hf_state_load(struct hf_journal *j, const struct hf_flash *flash, const struct hf_layout *layout,
				      struct hf_state *state, bool *blank);

/* Begins a new journal sector with a snapshot of the state, and with the keyset and configuration that are there. What a power loss leaves: the old sector, or the new one.
 * HF_ERR_UNSUPPORTED where a record that must not be ignored is unknown: the snapshot would lose it. */
HF_MUST_USE enum hf_err hf_state_take_over(struct hf_journal *j, struct hf_state *state);

/* Stores the keyset or the configuration (len 0: removes it), twice: by records where there is room, else by a take-over. At
 * least HF_STORE_SPARE_SLOTS stay free, so that neither can keep an upgrade from its room. What is there already, twice, is
 * not written again. What a power loss leaves: the content before, or the new one.
 * HF_ERR_TOO_LARGE; HF_ERR_FULL: the journal is too small or too worn for it. The content before is there then. */
#define HF_STORE_SPARE_SLOTS 64u
HF_MUST_USE enum hf_err hf_state_store(struct hf_journal *j, struct hf_state *state,
				       const struct hf_longrec_new *content);

#endif
