/* SPDX-License-Identifier: MIT
 *
 * The upgrade on the device: a package's bytes in, firmware in a slot out.
 *
 * Streams a package (docs/FORMAT.md) into the slot that does not run. The head (everything before the payload) is
 * collected in RAM and checked wholly - signature, board, versions, policy - before anything is erased. The payload is
 * collected by the segment (16 KiB), compared with the segment's signed digest, and only then programmed, read back and
 * committed to the journal, while the next one is collected. The head is programmed last, the slot is verified as boot
 * would, and `written` recorded. A power loss anywhere continues at the last commit when the same package is sent again.
 *
 * Offsets are those in the package file. The device's answer is always "the next byte that I want": a sender obeys it,
 * also when it jumps (resumption, a payload for the other slot).
 */
#ifndef HF_UPDATE_H
#define HF_UPDATE_H

#include "policy.h"
#include "slot.h"
#include "trust.h"

#define HF_UPDATE_HEAD_MAX 8192u /* head, severed install and text, up to the payload's first byte */

enum hf_update_phase {
	HF_UPDATE_IDLE,
	HF_UPDATE_HEAD,     /* collecting the head */
	HF_UPDATE_PAYLOAD,
	HF_UPDATE_DONE,     /* written and verified in its slot */
};

struct hf_update {
	/* Given by the caller; all borrowed for good. */
	struct hf_slot_env env;
	unsigned running;                    /* the place whose firmware runs; HF_PLACE_RECOVERY (= HF_SLOTS): no slot's */
	uint8_t component;                   /* what the caller is: enum hf_component */
	struct hf_trust *trust;              /* env.keyset comes from here, is loaded and replaced; NULL: it is env's for good */
	struct hf_bytes factory_keyset;      /* begins with the factory's; with `trust` only */
	bool any_release;                    /* who uploads may install an older release; may change before each begin */
	void (*alive)(void *ctx);            /* called between flash operations: feed the watchdog, serve peers. NULL: nothing */
	void *alive_ctx;

	/* To be read. */
	struct hf_journal journal;
	struct hf_state state;
	uint8_t phase;                       /* enum hf_update_phase */
	uint8_t slot;                        /* target of the current upload */
	uint32_t next;                       /* file offset that is wanted next */
	uint32_t total;                      /* file size, as announced */
	struct hf_image image;               /* of the current upload, from PAYLOAD on */
	bool running_known;                  /* the head of what runs was read and is authentic */
	struct hf_image running_image;
	bool confirmed_known;                /* in recovery: the same of the firmware that was confirmed last */
	struct hf_image confirmed_image;
	struct hf_slot_fact recovery;        /* what the recovery partition holds, by its head */
	struct hf_image recovery_image;      /* where that is HF_FACT_GOOD */
	enum hf_err worn;                    /* the last failure of memory that could be gone around; HF_OK: none */

	/* Private. */
	bool history_erased;                 /* here, and not before this start */
	uint8_t head_id[HF_ID_BYTES];        /* what a resumption is keyed on */
	struct hf_bytes stored;              /* the part of the head that the slot keeps; in head[] */
	struct hf_bytes segments;            /* the signed segment digests; in head[] */
	struct hf_bytes wanted;              /* the payload's key (URI); in head[] */
	uint32_t head_len;                   /* bytes in head[] */
	uint32_t header_at;                  /* where in head[] the current payload's header begins; 0: not yet there */
	uint32_t payload_at;                 /* file offset of the payload's first byte */
	uint32_t fill;                       /* bytes in segment[] of the segment that is collected */
	uint32_t hashed;                     /* of these: in segment_hash */
	uint32_t held;                       /* bytes of the segment before, which is whole and right; 0: it is committed */
	uint32_t written;                    /* of these: programmed. Behind them segment[] holds the rest, fill <= written */
	struct hf_sha256 segment_hash;
	uint64_t local;                      /* bit n: the other slot holds segment n, too, by its digest */
	uint16_t segment_index;              /* number of segments committed */
	uint32_t kept;                       /* bit n: sector n holds already what it should, and stays */
	uint32_t judged;                     /* bit n: that was decided for sector n */
	uint32_t alike;                      /* bit n: not yet decided, but what can be looked at is as it should be */
	enum hf_err ahead_err;               /* of an erase ahead: the next data's answer */
	struct {
		struct hf_sha256 hash;       /* over the content's first `done` bytes, and `at` of the page */
		uint32_t done;
		uint16_t at, fill;
		uint8_t page[1024];          /* the bytes behind them, as they would be at address 0 */
	} ahead;                             /* update_hash.c */
	struct hf_slot_work work;
	uint8_t head[HF_UPDATE_HEAD_MAX];
	uint8_t segment[HF_SEGMENT_BYTES];
};

/* Mounts the journal (takes it over where it is blank, lost or nearly full), loads the keyset, learns what runs. env,
 * running, component, trust, alive are set by the caller before. A take-over that fails is an error only where too little
 * room is left to confirm. Without a keyset all but installing works: its error (hf_trust_load) is returned last. */
HF_MUST_USE enum hf_err hf_update_open(struct hf_update *u);

/* Begins or resumes the upload of a file of `total` bytes: afterwards u->next is 0, the head is wanted. HF_ERR_TRIAL,
 * HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_update_begin(struct hf_update *u, uint32_t total);

/* Takes data at file offset `off`; bytes other than those wanted next are ignored without error. On HF_OK u->next says
 * what is wanted; phase is DONE when all is written and verified. An error before PAYLOAD has changed nothing in flash; an
 * error in it (HF_ERR_DIGEST: the segment is not what was signed) leaves what is committed, and the phase IDLE. */
HF_MUST_USE enum hf_err hf_update_write(struct hf_update *u, uint32_t off, const uint8_t *data, size_t len);

/* Up to which offset data from u->next on is wanted, as far as that is known: what lies behind it, it may have itself. */
uint32_t hf_update_wanted_end(const struct hf_update *u);

/* For the time when no data waits: programs a piece of what was collected or what the other slot holds, or erases a
 * sector that the upload will need, which takes seconds. False: nothing to do. An error is the answer to the next data. */
bool hf_update_ahead(struct hf_update *u);

/* For the time when flash is busy: some 20 us of work that the upload's end would wait for otherwise; false: there is none.
 * Touches no flash. May be called from within the flash operations that this engine does, and at no other time between
 * its calls. */
bool hf_update_idle(struct hf_update *u);

/* Verifies the image with this id (manifest digest; NULL: whatever the other slot holds) and records the wish for a trial;
 * the next reset starts it. */
HF_MUST_USE enum hf_err hf_update_activate(struct hf_update *u, const uint8_t id[HF_SHA256_BYTES]);

/* Wishes a trial of the confirmed firmware in the other slot (in recovery: in the one that was not confirmed last).
 * HF_ERR_NOT_FOUND: none is confirmed there; else as hf_update_activate. */
HF_MUST_USE enum hf_err hf_update_rollback(struct hf_update *u);

/* Erases the other slot (what hf_update_erase refuses is refused, and nothing has changed), the configuration, the history.
 * Keyset, floor and newest stay, and what runs. A power loss leaves some of it: to be done again. */
HF_MUST_USE enum hf_err hf_update_factory(struct hf_update *u);

/* The running firmware found itself healthy. Idempotent. */
HF_MUST_USE enum hf_err hf_update_confirm(struct hf_update *u);

/* Erases the slot that does not run, if the policy allows. */
HF_MUST_USE enum hf_err hf_update_erase(struct hf_update *u);

/* For a recovery that was started from a slot: makes the recovery partition hold it, and records that. Until the
 * partition's copy verifies, and from then on, too, the slot's is there to be started again: call it at every such start,
 * it begins anew where it was cut, and does nothing where all is done. HF_ERR_NOT_FOUND: it does not run from a slot.
 * HF_ERR_SLOT: firmware for one place only; HF_ERR_TOO_LARGE; HF_ERR_SECURITY_VERSION; the flash's errors. Afterwards
 * reset. */
HF_MUST_USE enum hf_err hf_update_install_recovery(struct hf_update *u);

/* What version conditions on a package of this component compare with: the firmware that runs, in recovery what was
 * confirmed last; the recovery partition's. NULL: not known. */
static inline const struct hf_image *hf_update_base(const struct hf_update *u, unsigned component)
{
	if (component == HF_COMPONENT_RECOVERY)
		return u->recovery.fact == HF_FACT_GOOD ? &u->recovery_image : NULL;
	if (u->component == HF_COMPONENT_RECOVERY || u->running >= HF_SLOTS)
		return u->confirmed_known ? &u->confirmed_image : NULL;
	return u->running_known ? &u->running_image : NULL;
}

/* Checks and stores a signed keyset file, or the configuration (any bytes; none: removes it); what a power loss leaves:
 * hf_state_store. The keyset counts from its return on. One that is trusted already is accepted without effect.
 * hf_keyset_accept's and hf_state_store's errors; HF_ERR_BUSY (an upload is under way, which the old keyset let in),
 * HF_ERR_LOCKOUT (neither the firmware that runs or is confirmed, nor recovery, verifies or is grandfathered under it, and
 * something does under the old one), HF_ERR_UNSUPPORTED (no `trust` was given). */
HF_MUST_USE enum hf_err hf_update_keep(struct hf_update *u, enum hf_longrec_kind kind, struct hf_bytes content);

/* Reads back at `off` what is kept: *len bytes, at most cap, into buf, of *total. A keyset comes without signatures. None
 * is there: *total 0. HF_ERR_RANGE: off > *total. */
HF_MUST_USE enum hf_err hf_update_kept(struct hf_update *u, enum hf_longrec_kind kind, uint32_t off, uint8_t *buf,
				       size_t cap, size_t *len, uint32_t *total);

#endif
