/* SPDX-License-Identifier: MIT
 *
 * What the engine's two halves share: update.c decides, update_write.c writes.
 */
#ifndef HF_UPDATE_PRIVATE_H
#define HF_UPDATE_PRIVATE_H

#include "update.h"

/* What a slot begins with, in front of the stored head. */
extern const uint8_t hf_update_prefix[HF_SLOT_PREFIX_BYTES];

void hf_update_alive(struct hf_update *u);

#define HF_UPDATE_TURN_BYTES 4096u /* that are programmed before somebody else has his turn */

/* Append a record (twice), and tell the state. */
HF_MUST_USE enum hf_err hf_update_append(struct hf_update *u, const struct hf_record *r);
HF_MUST_USE enum hf_err hf_update_append_twice(struct hf_update *u, const struct hf_record *r);

/* Moves the journal on where less than `wanted` slots are free. Memory may be worn: what counts is that `needed` are, and
 * a sector that cannot give them is left again. */
HF_MUST_USE enum hf_err hf_update_make_room(struct hf_update *u, unsigned wanted, unsigned needed);

/* UPLOAD_BEGUN for u->slot. */
HF_MUST_USE enum hf_err hf_update_record(struct hf_update *u, const uint8_t head_id[HF_ID_BYTES]);

static inline uint32_t hf_update_segments(const struct hf_update *u)
{
	return (uint32_t)(u->segments.len / HF_SHA256_BYTES);
}

/* The phase becomes DONE. */
void hf_update_done(struct hf_update *u);

/* Erases what [addr, addr + len) touches, was not erased yet for this upload, and does not stay. */
HF_MUST_USE enum hf_err hf_update_prepare(struct hf_update *u, uint32_t addr, uint32_t len);

static inline uint32_t hf_update_segment_len(const struct hf_update *u, uint32_t index)
{
	uint32_t left = u->image.content_bytes - index * HF_SEGMENT_BYTES;

	return left < HF_SEGMENT_BYTES ? left : HF_SEGMENT_BYTES;
}

/* The segment that is collected now; the one before it may not be committed yet. */
static inline uint32_t hf_update_collected(const struct hf_update *u)
{
	return u->segment_index + (u->held > 0 ? 1u : 0u);
}

/* The digest of the segment that is collected (update_hash.c): from its first byte; whole, is it the signed one? */
void hf_update_hash_segment(struct hf_update *u);
HF_MUST_USE bool hf_update_segment_good(struct hf_update *u);

/* The content's digest, taken ahead (update_hash.c): from the start; a page more, if flash is idle and one is programmed;
 * a sector is erased; the end of it, HF_ERR_DIGEST. */
void hf_update_hash_begin(struct hf_update *u);
void hf_update_hash_load(struct hf_update *u);
void hf_update_hash_erased(struct hf_update *u, const struct hf_span *sector);
HF_MUST_USE enum hf_err hf_update_hash_check(struct hf_update *u);

/* Adds `base` to the addresses in buf, which holds content [off, off + len), none of it the table's; that is in flash. */
HF_MUST_USE enum hf_err hf_update_relocate(struct hf_update *u, uint8_t *buf, uint32_t off, uint32_t len, uint32_t base);

/* update_stay.c: may the sector stay as it is? It is decided once, when the first segment in it is wanted or whole. */
bool hf_update_stays(struct hf_update *u, unsigned sector);
/* Could it still turn out to stay? */
bool hf_update_may_stay(struct hf_update *u, unsigned sector);

/* update_local.c: which segments the other slot holds, hashed; forgets one, was it one?; u->next, behind what those will bring. */
void hf_update_local_find(struct hf_update *u);
bool hf_update_local_drop(struct hf_update *u, uint32_t index);
void hf_update_want(struct hf_update *u);
/* Is a segment from there next? Takes `least` bytes and more, as far as they come from there. */
bool hf_update_local_waits(const struct hf_update *u);
HF_MUST_USE enum hf_err hf_update_local_take(struct hf_update *u, uint32_t least);

/* Programs what is held up to `end` at least, and commits it when that is all. */
HF_MUST_USE enum hf_err hf_update_write_held(struct hf_update *u, uint32_t end);
/* The last bytes of a segment are collected. HF_ERR_DIGEST with phase IDLE: it is not what was signed. */
HF_MUST_USE enum hf_err hf_update_take_segment(struct hf_update *u);

/* Does [addr, addr + len) read blank, as far as it lies in the sector? HF_ERR_FLASH_ERASE if not. */
HF_MUST_USE enum hf_err hf_update_check_blank(struct hf_update *u, const struct hf_span *sector, uint32_t addr, uint32_t len);

/* Sectors that the journal knows to be blank have to read blank, too; else they are erased again. */
HF_MUST_USE enum hf_err hf_update_check_erased(struct hf_update *u);

/* Commits the segments that are there already, and says which bytes are wanted next. */
HF_MUST_USE enum hf_err hf_update_advance(struct hf_update *u);

/* Payload bytes at u->next, segment by segment. */
HF_MUST_USE enum hf_err hf_update_payload(struct hf_update *u, const uint8_t *data, size_t len);

/* All segments are committed: the head, verification, WRITTEN. */
HF_MUST_USE enum hf_err hf_update_finish(struct hf_update *u);

/* After a word that does not program, or a slot that does not verify, a resumption would meet the same again: the next
 * upload has to begin with an erase. Returns err. */
HF_MUST_USE enum hf_err hf_update_give_up(struct hf_update *u, enum hf_err err);

/* The slot that must not be erased under what runs; HF_PLACE_RECOVERY: none, as recovery runs from RAM, wherever it was
 * started from. */
unsigned hf_update_running_app(const struct hf_update *u);

/* What the policy looks at. */
struct hf_slot_fact hf_update_fact(const struct hf_image *image);

/* hf_update_activate for any slot. */
HF_MUST_USE enum hf_err hf_update_activate_slot(struct hf_update *u, unsigned slot, const uint8_t *id);

#endif
