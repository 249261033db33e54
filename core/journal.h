/* SPDX-License-Identifier: MIT
 *
 * The journal: an append-only log in two flash sectors, which survives a power loss at any instant.
 *
 * A slot of 32 bytes: u8 type (00 and FF are none), u8 flags, 26 bytes of data, CRC32 over the 28 bytes before it, seeded
 * with the sector's epoch, so that stale content of an earlier life never counts. The first and the last slot of a sector are
 * its header. Flags: bit 7: a reader that does not know the type may skip the record; bits 0-6: that many slots before this
 * one are dead. The disciplines, and why each is there, are told in journal.c.
 *
 * What a power loss leaves: after mount(), either the record that was being appended is there for good, or it is gone
 * for good; all earlier ones are there. (Where mount() finds no room or no working flash to settle that, hf_journal_free is 0
 * afterwards, and what was under way stays open until the next take-over.)
 */
#ifndef HF_JOURNAL_H
#define HF_JOURNAL_H

#include <stdbool.h>

#include "flash.h"
#include "layout.h"

#define HF_RECORD_BYTES 32u
#define HF_RECORD_DATA  26u
#define HF_JOURNAL_FORMAT 1

#define HF_RECORD_MAY_IGNORE 0x80u /* flag: a reader that does not know the type may skip the record */

struct hf_record {
	uint8_t type;
	uint8_t flags;
	uint8_t data[HF_RECORD_DATA];
};

/* What a mount found torn, and did about it. */
enum hf_repair {
	HF_REPAIR_ZEROED = 1u << 0,   /* a slot of which a word at most was begun: zeros over it */
	HF_REPAIR_UNDONE = 1u << 1,   /* a take-over had not been committed: the sector that it filled counts for nothing */
	HF_REPAIR_FINISHED = 1u << 2, /* one had been: the sector that was given up is released */
};

struct hf_repairs {
	uint8_t done; /* HF_REPAIR_* */
	uint8_t torn; /* slots that a barrier has declared dead; at most 127 count */
};

#define HF_JOURNAL_MAX_SLOTS 512u /* of a larger sector, the rest is not used */

struct hf_journal {
	const struct hf_flash *flash;
	struct hf_span sector[2];
	uint32_t epoch;     /* of the live sector; 0: none, the journal is blank or lost */
	uint16_t end;       /* first slot behind the last one that is not blank */
	uint16_t slots;     /* of the live sector */
	uint8_t live;
	bool fresh;         /* nothing was appended since mount: the slot behind the end is not trusted yet */
	bool released;      /* the other sector counts for nothing */
	uint32_t moved_to;  /* the epoch that this sector was given up for; 0: it was not */
	uint16_t bad;       /* slots that hold neither a record nor zeros */
	enum hf_err stuck;  /* not HF_OK: the journal can be read, but not appended (why) */
	struct hf_repairs repairs; /* of the mount */
	uint32_t alive[HF_JOURNAL_MAX_SLOTS / 32]; /* a bit a slot: a good record that no barrier declares dead */
};

/* Finds the live sector and settles whatever a power loss left unstable (programs, never erases). HF_ERR_NOT_FOUND: no
 * live sector (factory-new, or both lost); the journal can be read as empty, and take_over makes a new one. Other
 * errors are the flash's. */
HF_MUST_USE enum hf_err hf_journal_mount(struct hf_journal *j, const struct hf_flash *flash,
					 const struct hf_span sector[2]);

/* Reads the record at *slot or behind it, and moves *slot behind it; start with 1. HF_ERR_NOT_FOUND at the end. */
HF_MUST_USE enum hf_err hf_journal_next(struct hf_journal *j, uint16_t *slot, struct hf_record *record);

/* What lies in a slot before the end, as the mount has judged it; for who wants to know what happened here. */
enum hf_journal_slot {
	HF_JOURNAL_NOTHING, /* zeros, or blank */
	HF_JOURNAL_DEAD,    /* neither a record nor zeros: torn, or bad memory; record->type is what it says of itself */
	HF_JOURNAL_BARRIER, /* what is dead before it was found so by a mount: a power loss tore it */
	HF_JOURNAL_OWN,     /* another record of the journal's own */
	HF_JOURNAL_RECORD,
};
HF_MUST_USE enum hf_err hf_journal_look(const struct hf_journal *j, unsigned slot, enum hf_journal_slot *is,
					struct hf_record *record);

/* Is anything in the sector that is not live? After a take-over that came to its end nothing is. */
HF_MUST_USE enum hf_err hf_journal_other(const struct hf_journal *j, bool *dirty);

/* Slots that can still be appended. */
unsigned hf_journal_free(const struct hf_journal *j);

/* Appends one record, and returns once it was read back. A slot that fails is declared dead and the next one is taken.
 * HF_ERR_FULL, HF_ERR_NOT_FOUND (no live sector), or the flash's error after sixteen bad slots in a row. */
HF_MUST_USE enum hf_err hf_journal_append(struct hf_journal *j, const struct hf_record *record);

/* Appends a record twice, in slots at least HF_TWIN_DISTANCE apart: for what must not be lost. */
#define HF_TWIN_DISTANCE 8u
HF_MUST_USE enum hf_err hf_journal_append_twice(struct hf_journal *j, const struct hf_record *record);

/* Uses up a slot without saying anything, to keep two records apart. */
HF_MUST_USE enum hf_err hf_journal_append_void(struct hf_journal *j);

/* Moves to the other sector: erases it, appends what `write` gives (it calls hf_journal_append on the journal that it is
 * handed) and its header, commits, erases the old one. After a power loss or an error before the commit the old sector is
 * live, after it the new one. Works from a journal that is closed, too. Bad memory may leave the new sector without room
 * (hf_journal_free): then take over again, back into the other one. */
HF_MUST_USE enum hf_err hf_journal_take_over(struct hf_journal *j, enum hf_err (*write)(void *ctx, struct hf_journal *to),
					     void *ctx);

#endif
