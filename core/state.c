/* SPDX-License-Identifier: MIT
 *
 * The fold of the journal: records in, state out; and the way back, for a take-over.
 *
 * Each record is a fact that was true when it was written, never a command. Records of a later format are passed over
 * where their flag allows it, else `unknown` stops every change until newer code reads them.
 */
#include "state.h"

#include <string.h>

#include "bytes.h"
#include "suit.h"

/* An image record. Its first byte: the place, and the component in bit 7. */
enum { OFF_SLOT = 0, OFF_SEQUENCE = 1, OFF_ID = 9, OFF_NOTE = 25 };

#define PLACE_BITS      3u
#define COMPONENT_SHIFT 7u

/* The snapshot of a slot has its component beside the reason, where no reason has a bit. */
#define SNAPSHOT_COMPONENT_SHIFT 6u

void hf_state_init(struct hf_state *state)
{
	memset(state, 0, sizeof *state);
}

/* The slot becomes one that holds this image; counters of another image's trials go. */
static void set_image(struct hf_slot_journal *s, const uint8_t *data)
{
	uint64_t sequence = load_le64(data + OFF_SEQUENCE);

	if (s->sequence != sequence || memcmp(s->id, data + OFF_ID, HF_ID_BYTES) != 0) {
		s->starts = 0;
		s->failures = 0;
		s->copies = 0;
		s->erase_done = 0;
		s->settled = 0;
	}
	s->component = data[OFF_SLOT] >> COMPONENT_SHIFT;
	s->sequence = sequence;
	memcpy(s->id, data + OFF_ID, HF_ID_BYTES);
}

static bool counts_as_failure(uint8_t cause)
{
	return cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT;
}

/* What a record makes of the slot's state. */
static const uint8_t state_after[] = {
	[HF_REC_ACTIVATED - HF_REC_ACTIVATED] = HF_SLOT_TRIAL,
	[HF_REC_ATTEMPT - HF_REC_ACTIVATED] = HF_SLOT_TRIAL,
	[HF_REC_CONFIRMED - HF_REC_ACTIVATED] = HF_SLOT_CONFIRMED,
	[HF_REC_REJECTED - HF_REC_ACTIVATED] = HF_SLOT_REJECTED,
	[HF_REC_INTERRUPTED - HF_REC_ACTIVATED] = HF_SLOT_INTERRUPTED,
};

static void confirm(struct hf_state *state, unsigned slot, uint8_t was)
{
	struct hf_slot_journal *s = &state->slot[slot];

	if (was != HF_SLOT_CONFIRMED)
		s->copies = 0;
	s->copies += s->copies < 2;
	s->starts = 0;
	s->failures = 0;
	state->current = (uint8_t)slot;
	if (s->sequence > state->newest)
		state->newest = s->sequence;
}

/* The course of a trial, 20 to 24. A start's record, and the one that ends a trial by power losses, also judge the start
 * before. */
static void apply_trial(struct hf_state *state, unsigned slot, unsigned type, const uint8_t *data)
{
	struct hf_slot_journal *s = &state->slot[slot];
	uint8_t was = s->state;

	set_image(s, data);
	s->state = state_after[type - HF_REC_ACTIVATED];
	if (type == HF_REC_ACTIVATED || (type == HF_REC_ATTEMPT && was != HF_SLOT_TRIAL))
		s->starts = 0;
	if (counts_as_failure(data[OFF_NOTE]) && (type == HF_REC_INTERRUPTED || (type == HF_REC_ATTEMPT && s->starts > 0)))
		s->failures++;
	if (type == HF_REC_ATTEMPT)
		s->starts++;
	if (type == HF_REC_REJECTED)
		s->reason = data[OFF_NOTE];
	if (type == HF_REC_CONFIRMED)
		confirm(state, slot, was);
}

/* What staged this recovery is released: its slot is of unknown merit from now on. */
static void apply_recovery(struct hf_state *state, const uint8_t *data)
{
	struct hf_recovery_journal *r = &state->recovery;
	unsigned from = data[OFF_SLOT] & PLACE_BITS;
	bool same = r->sequence == load_le64(data + OFF_SEQUENCE) && memcmp(r->id, data + OFF_ID, HF_ID_BYTES) == 0;

	if (!same)
		r->copies = 0;
	r->copies += r->copies < 2;
	r->sequence = load_le64(data + OFF_SEQUENCE);
	memcpy(r->id, data + OFF_ID, HF_ID_BYTES);
	if (from < HF_SLOTS && memcmp(state->slot[from].id, r->id, HF_ID_BYTES) == 0)
		memset(&state->slot[from], 0, sizeof state->slot[from]);
}

/* The floor follows the firmware that stays, so that an erase never leaves a slot that is there but may not start. */
static void apply_erase(struct hf_state *state, unsigned slot, const uint8_t *data)
{
	const struct hf_slot_journal *other = &state->slot[!slot];
	uint32_t stays = hf_sequence_security(other->sequence);

	state->slot[slot].erase_done &= ~(1u << (data[1] & 31));
	state->slot[slot].settled &= ~(1u << (data[1] & 31));
	if (other->state == HF_SLOT_CONFIRMED && stays > state->floor)
		state->floor = stays;
}

/* What a new upload finds. After an erase for nobody, sectors are blank, and no word in them was begun since. After firmware
 * that was written completely, what its sectors hold is whole. After an upload that ended early both may be torn. */
static void apply_upload(struct hf_slot_journal *s, const uint8_t *data)
{
	uint32_t done = s->erase_done, settled = s->settled;
	bool nobody = load_le64(s->id) == 0;

	if (s->state != HF_SLOT_UPLOADING) {
		settled |= done;
		nobody = false;
	}
	memset(s, 0, sizeof *s);
	set_image(s, data);
	s->state = HF_SLOT_UPLOADING;
	if (nobody)
		s->erase_done = done;
	if (load_le64(s->id) != 0)
		s->settled = settled;
}

/* Until now the id was that of the upload's head. */
static void apply_written(struct hf_slot_journal *s, const uint8_t *data)
{
	uint32_t done = s->erase_done, settled = s->settled;

	set_image(s, data);
	s->erase_done = done;
	s->settled = settled;
	s->state = HF_SLOT_WRITTEN;
}

/* A take-over's snapshot: the slot's state in 26 bytes. */
static void apply_snapshot(struct hf_slot_journal *s, const uint8_t *data)
{
	memset(s, 0, sizeof *s);
	s->state = data[0] >> 1 & 7;
	s->starts = data[0] >> 4 & 3;
	s->failures = data[0] >> 6 & 3;
	s->reason = data[1] & ~(1u << SNAPSHOT_COMPONENT_SHIFT);
	s->component = data[1] >> SNAPSHOT_COMPONENT_SHIFT & 1;
	s->copies = s->state == HF_SLOT_CONFIRMED ? 2 : 0;
	s->sequence = load_le64(data + 2);
	memcpy(s->id, data + 10, HF_ID_BYTES);
}

static void apply_progress(struct hf_slot_journal *s, const uint8_t *data)
{
	s->erase_done = load_le32(data + 5);
	s->segments = load_le16(data + 9);
	s->settled = load_le32(data + 11);
}

static void apply_carried(struct hf_state *state, const uint8_t *data)
{
	uint64_t newest = load_le64(data);
	uint32_t floor = load_le32(data + 8);

	if (newest > state->newest)
		state->newest = newest;
	if (floor > state->floor)
		state->floor = floor;
	state->current = data[12] & 1;
}

/* A take-over would leave behind what it does not know. */
static void apply_long(struct hf_state *state, const struct hf_record *record)
{
	if ((record->data[0] == 0 || record->data[0] > HF_LONGREC_KINDS) && !(record->flags & HF_RECORD_MAY_IGNORE))
		state->unknown = true;
}

void hf_state_apply(struct hf_state *state, const struct hf_record *record)
{
	const uint8_t *data = record->data;
	unsigned slot = data[OFF_SLOT] & 1;
	struct hf_slot_journal *s = &state->slot[slot];

	state->records++;
	switch (record->type) {
	case HF_REC_UPLOAD_BEGUN:
		apply_upload(s, data);
		break;
	case HF_REC_ERASE_BEGUN:
		apply_erase(state, slot, data);
		break;
	case HF_REC_ERASE_DONE:
		s->erase_done |= 1u << (data[1] & 31);
		s->settled &= ~(1u << (data[1] & 31));
		break;
	case HF_REC_SEGMENT:
		if (load_le16(data + 1) == s->segments)
			s->segments++;
		break;
	case HF_REC_WRITTEN:
		apply_written(s, data);
		break;
	case HF_REC_ACTIVATED:
	case HF_REC_ATTEMPT:
	case HF_REC_CONFIRMED:
	case HF_REC_REJECTED:
	case HF_REC_INTERRUPTED:
		apply_trial(state, slot, record->type, data);
		break;
	case HF_REC_RECOVERY:
		apply_recovery(state, data);
		break;
	case HF_REC_CARRIED:
		apply_carried(state, data);
		break;
	case HF_REC_SLOT:
		apply_snapshot(s, data);
		break;
	case HF_REC_PROGRESS:
		apply_progress(s, data);
		break;
	case HF_REC_PART:
	case HF_REC_END:
		apply_long(state, record);
		break;
	default:
		if (!(record->flags & HF_RECORD_MAY_IGNORE))
			state->unknown = true;
	}
}

struct hf_record hf_state_image_record(enum hf_record_type type, unsigned place, unsigned component, uint64_t sequence,
				       const uint8_t id[HF_ID_BYTES], uint8_t note)
{
	struct hf_record r = { .type = (uint8_t)type };

	r.data[OFF_SLOT] = (uint8_t)(place | component << COMPONENT_SHIFT);
	store_le64(r.data + OFF_SEQUENCE, sequence);
	memcpy(r.data + OFF_ID, id, HF_ID_BYTES);
	r.data[OFF_NOTE] = note;
	return r;
}

enum hf_err hf_state_load(struct hf_journal *j, const struct hf_flash *flash, const struct hf_layout *layout,
			  struct hf_state *state, bool *blank)
{
	struct hf_record record;
	uint16_t slot = 1;
	enum hf_err err;

	hf_state_init(state);
	err = hf_journal_mount(j, flash, layout->journal);
	*blank = err == HF_ERR_NOT_FOUND;
	if (err)
		return *blank ? HF_OK : err;
	while ((err = hf_journal_next(j, &slot, &record)) == HF_OK)
		hf_state_apply(state, &record);
	return err == HF_ERR_NOT_FOUND ? HF_OK : err;
}

static struct hf_record carried(const struct hf_state *state)
{
	struct hf_record r = { .type = HF_REC_CARRIED };

	store_le64(r.data, state->newest);
	store_le32(r.data + 8, state->floor);
	r.data[12] = state->current;
	return r;
}

static struct hf_record snapshot(const struct hf_slot_journal *s, unsigned slot)
{
	struct hf_record r = { .type = HF_REC_SLOT };

	r.data[0] = (uint8_t)(slot | (s->state & 7u) << 1 | (s->starts & 3u) << 4 | (s->failures & 3u) << 6);
	r.data[1] = (uint8_t)(s->reason | s->component << SNAPSHOT_COMPONENT_SHIFT);
	store_le64(r.data + 2, s->sequence);
	memcpy(r.data + 10, s->id, HF_ID_BYTES);
	return r;
}

static struct hf_record progress(const struct hf_slot_journal *s, unsigned slot)
{
	struct hf_record r = { .type = HF_REC_PROGRESS };

	r.data[0] = (uint8_t)slot;
	store_le32(r.data + 5, s->erase_done);
	store_le16(r.data + 9, s->segments);
	store_le32(r.data + 11, s->settled);
	return r;
}

static enum hf_err write_once(const struct hf_state *state, struct hf_journal *to)
{
	const struct hf_recovery_journal *recovery = &state->recovery;
	struct hf_record r = carried(state);
	enum hf_err err = hf_journal_append(to, &r);

	if (!err && recovery->copies > 0) {
		r = hf_state_image_record(HF_REC_RECOVERY, HF_PLACE_RECOVERY, HF_COMPONENT_RECOVERY, recovery->sequence,
					  recovery->id, 0);
		err = hf_journal_append(to, &r);
	}
	for (unsigned i = 0; i < HF_SLOTS && !err; i++) {
		r = snapshot(&state->slot[i], i);
		err = hf_journal_append(to, &r);
		if (err || (state->slot[i].erase_done | state->slot[i].settled) == 0)
			continue;
		r = progress(&state->slot[i], i);
		err = hf_journal_append(to, &r);
	}
	return err;
}

/* What a take-over writes, and from where. */
struct succession {
	const struct hf_state *state;
	struct hf_journal *from;
	const struct hf_longrec_new *replace; /* NULL: nothing */
};

/* All of it twice: the copies of one record lie as far apart as the whole is long, plus what fills up to the distance that
 * any other doubled record has. Memory may be so worn that it does not take the long contents twice: then once. */
static enum hf_err write_all(void *ctx, struct hf_journal *to)
{
	const struct succession *s = ctx;
	enum hf_err err = write_once(s->state, to);

	if (!err)
		err = hf_longrec_carry(s->from, to, s->replace, 0);
	while (!err && to->end < 1 + HF_TWIN_DISTANCE)
		err = hf_journal_append_void(to);
	if (!err)
		err = write_once(s->state, to);
	if (!err)
		err = hf_longrec_carry(s->from, to, s->replace, HF_STORE_SPARE_SLOTS);
	return !err && s->replace && hf_journal_free(to) < HF_STORE_SPARE_SLOTS ? HF_ERR_FULL : err;
}

enum hf_err hf_state_take_over(struct hf_journal *j, struct hf_state *state)
{
	struct succession s = { .state = state, .from = j };

	return state->unknown ? HF_ERR_UNSUPPORTED : hf_journal_take_over(j, write_all, &s);
}

enum hf_err hf_state_store(struct hf_journal *j, struct hf_state *state, const struct hf_longrec_new *content)
{
	static const size_t most[] = { [HF_LONGREC_KEYSET] = HF_KEYSET_BYTES_MAX,
				       [HF_LONGREC_CONFIGURATION] = HF_CONFIGURATION_MAX };
	struct succession s = { .state = state, .from = j, .replace = content };
	unsigned copies;
	bool same;
	enum hf_err err;

	if (state->unknown)
		return HF_ERR_UNSUPPORTED;
	if (content->content.len > most[content->kind])
		return HF_ERR_TOO_LARGE;
	err = hf_longrec_holds(j, content, &same, &copies);
	if (err || (same && (copies >= 2 || content->content.len == 0)))
		return err;
	if (hf_longrec_append(j, content, HF_STORE_SPARE_SLOTS) == HF_OK)
		return HF_OK;
	return hf_journal_take_over(j, write_all, &s);
}
