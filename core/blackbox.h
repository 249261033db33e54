/* SPDX-License-Identifier: MIT
 *
 * The black box: what happened to a device at its last starts, and what lies in its journal that nobody finished.
 *
 * Boot keeps a word for each of the last HF_STARTS starts, where the port lets it (backup registers: without a battery
 * they last as long as the power does). What must last longer is in flash, and is only looked at here: slots that a
 * barrier declares dead, erases without an end, contents without an end, a sector that a take-over left dirty. Nothing
 * here changes anything.
 */
#ifndef HF_BLACKBOX_H
#define HF_BLACKBOX_H

#include "state.h"

#define HF_STARTS 6u

/* A start's word; 0: none is known. */
#define HF_START_CAUSE(w)    ((w) & 7u)        /* enum hf_reset_cause */
#define HF_START_REASON(w)   ((w) >> 4 & 7u)   /* why recovery: enum hf_recovery_reason (port/stm32f407/reset.h) */
#define HF_START_PLACE(w)    ((w) >> 8 & 3u)   /* what was started: HF_PLACE_* + 1; 0: nothing, or boot did not come so far */
#define HF_START_DONE(w)     ((w) >> 10 & 7u)  /* boot's repairs: HF_REPAIR_* */
#define HF_START_TORN(w)     ((w) >> 16 & 0xffu)
#define HF_START_ROW(w)      ((w) >> 24)       /* starts in a row that did not settle, this one included; at most 255 */
#define HF_START_BROWN_OUT   (1u << 3)         /* the supply sagged, and was not gone */
#define HF_START_NO_JOURNAL  (1u << 13)        /* boot could not read it, or not append */
#define HF_START_SETTLED     (1u << 14)        /* what was started has run for some seconds */
#define HF_START_TOLD        (1u << 15)        /* the history has it */

/* What boot hands over of its mount, in a start's word. */
static inline uint32_t hf_start_repairs(const struct hf_repairs *r)
{
	return (uint32_t)r->done << 10 | (uint32_t)r->torn << 16;
}

/* What the port knows when a program has started. */
struct hf_blackbox_port {
	uint32_t start[HF_STARTS]; /* this one, and those before */
	uint32_t crash[5];         /* the last one that is known: enum hf_fault, PC, LR, CFSR, BFAR; zeros: none */
	uint16_t crashes;          /* in a row */
};

/* Keyset or configuration, index: enum hf_longrec_kind - 1. */
struct hf_blackbox_content {
	uint8_t copies;  /* of the newest that came to its end; 2 are wanted */
	uint8_t parts;   /* of one that is newer and has no end: its write was cut */
	uint8_t cut;     /* writes before the newest content that have no end */
	uint8_t number;  /* private: of what is being read, and whether it has an end */
	bool ended;
};

struct hf_blackbox_slot {
	uint32_t begun;  /* bit n: the erase of sector n was begun, and is not done */
	uint32_t again;  /* bit n: it was begun in vain before, and begun again */
	uint8_t starts;  /* of a staged recovery that has not taken its predecessor's place yet */
};

struct hf_blackbox {
	bool dirty;         /* the journal's other sector is not blank: a take-over was cut, or it does not erase */
	uint16_t torn;      /* slots that a power loss has torn, as barriers say */
	uint16_t worn;      /* dead slots that did not program */
	uint16_t last_slot; /* of the dead ones the last; 0: there is none */
	uint8_t last_type;  /* what it was to be: enum hf_record_type */
	uint16_t since;     /* records behind it */
	uint8_t recovery_starts; /* that the recovery which was replaced last has taken for it; 0: none was */
	struct hf_blackbox_slot slot[HF_SLOTS];
	struct hf_blackbox_content content[HF_LONGREC_KINDS];
};

/* Reads the journal, which is mounted, wholly. The flash's errors; *out holds then what was read until there. */
HF_MUST_USE enum hf_err hf_blackbox_look(const struct hf_journal *j, struct hf_blackbox *out);

#endif
