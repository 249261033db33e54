/* SPDX-License-Identifier: MIT
 *
 * Invariant: a slot of flash is only ever programmed with one content, so that programming that content again settles it
 * (the F4 has no ECC). The one exception is a slot of which at most the first word was begun (it reads blank behind
 * it): it can never become a record, and zeros may be put over it.
 *
 * A program operation that was cut leaves a word that may read differently each time: a record may read whole now and
 * broken tomorrow, or the other way round. Zeroing a slot that reads broken is not safe: cut in turn, it may leave a
 * record that reads whole once more, is believed, and breaks later. (A test with alternating reads found this: an append
 * cut in its last word, its voiding cut too.) Hence:
 * - mount() programs the last good record again as it was read: it is settled, for good;
 * - broken slots behind it are left alone, and a barrier record is appended which says that the n slots before it are
 *   dead, whatever they will read. Nothing is decided before the barrier stands. Slots are judged from the end backwards,
 *   so that a dead barrier kills nothing;
 * - the slot behind the last one that is not blank may be torn and read blank: the first append of a session zeroes it
 *   and goes one further. And the last one may be torn in its first word, and read blank tomorrow: mount() zeroes it, so
 *   that no slot is touched before the one in front of it is not blank for good;
 * - every slot further back was read back complete before the next one was begun, was settled by a mount, or is dead.
 *
 * Two sectors: a take-over erases the other one, writes and reads back all of it, and then commits with a record in the old
 * sector (`moved`), under the same discipline as any record; a header alone commits nothing, as it may be torn itself.
 * Before the old sector is erased, `released` in the new one says that the old one's word no longer counts, and its headers
 * are zeroed: half erased, it might read as before, but without `moved`; and a sector that is about to be filled anew might
 * be taken for whole by a `moved` or `released` that was torn. Both, because either may rot or find no room, with half an
 * erased sector behind it for years.
 *
 * Bad memory must not close the journal. An old sector that cannot be appended to (full to its end, or worn) cannot change
 * any more either: there `released` in the new sector is the commit. A sector that does not erase wholly is used around
 * what remains. And no slot of 32 bytes may hold up all the rest: the header stands at both ends of its sector.
 */
#include "journal.h"

#include <string.h>

#include "bytes.h"
#include "crc32.h"

enum {
	TYPE_VOID = 0x00,
	TYPE_HEADER = 0x01,
	TYPE_BARRIER = 0x02,
	TYPE_MOVED = 0x03,    /* data: the epoch of the sector that is live from here on */
	TYPE_RELEASED = 0x04, /* in the new sector: the old one counts for nothing any more */
	TYPE_BLANK = 0xff,
	DEAD_MAX = 0x7f,      /* of the flags: how many slots before this one are dead */
	CRC_OFFSET = 28,
	DATA_OFFSET = 2,
	BAD_IN_A_ROW = 16,   /* more than a row of cells holds: 512 bytes */
};

_Static_assert(DATA_OFFSET + HF_RECORD_DATA == CRC_OFFSET, "a record fills its slot");

static uint32_t slot_addr(const struct hf_journal *j, unsigned sector, unsigned slot)
{
	return j->sector[sector].addr + slot * HF_RECORD_BYTES;
}

static bool are(const uint8_t *raw, unsigned len, uint8_t value)
{
	for (unsigned i = 0; i < len; i++)
		if (raw[i] != value)
			return false;
	return true;
}

static bool all_are(const uint8_t *raw, uint8_t value)
{
	return are(raw, HF_RECORD_BYTES, value);
}

/* At most the first word was begun: such a slot can never become a record. */
static bool hardly_begun(const uint8_t *raw)
{
	return are(raw + HF_FLASH_WORD, HF_RECORD_BYTES - HF_FLASH_WORD, TYPE_BLANK);
}

/* A header carries its epoch and is checked with seed 0; any other slot is seeded with the epoch. */
static bool crc_good(const uint8_t raw[HF_RECORD_BYTES], uint32_t seed)
{
	return hf_crc32(seed, raw, CRC_OFFSET) == load_le32(raw + CRC_OFFSET);
}

static void seal(uint8_t raw[HF_RECORD_BYTES], uint32_t seed)
{
	store_le32(raw + CRC_OFFSET, hf_crc32(seed, raw, CRC_OFFSET));
}

static enum hf_err read_slot(const struct hf_journal *j, unsigned sector, unsigned slot, uint8_t raw[HF_RECORD_BYTES])
{
	return j->flash->read(j->flash->ctx, slot_addr(j, sector, slot), raw, HF_RECORD_BYTES);
}

static enum hf_err program_slot(const struct hf_journal *j, unsigned sector, unsigned slot,
				const uint8_t raw[HF_RECORD_BYTES])
{
	return j->flash->program(j->flash->ctx, slot_addr(j, sector, slot), raw, HF_RECORD_BYTES);
}

static enum hf_err void_slot(const struct hf_journal *j, unsigned sector, unsigned slot)
{
	static const uint8_t zeros[HF_RECORD_BYTES];

	return program_slot(j, sector, slot, zeros);
}

/* The epoch that a header names; 0: it is no valid header. */
static uint32_t header_epoch(const uint8_t raw[HF_RECORD_BYTES])
{
	if (raw[0] != TYPE_HEADER || raw[DATA_OFFSET + 4] != HF_JOURNAL_FORMAT || !crc_good(raw, 0))
		return 0;
	return load_le32(raw + DATA_OFFSET);
}

static bool record_good(const struct hf_journal *j, const uint8_t raw[HF_RECORD_BYTES])
{
	return raw[0] != TYPE_VOID && raw[0] != TYPE_HEADER && raw[0] != TYPE_BLANK && crc_good(raw, j->epoch);
}

static bool is_alive(const struct hf_journal *j, unsigned slot)
{
	return j->alive[slot / 32] >> slot % 32 & 1;
}

static void set_alive(struct hf_journal *j, unsigned slot)
{
	j->alive[slot / 32] |= 1u << slot % 32;
}

/* Slots of a sector but its last one, which holds the header's second copy. */
static uint16_t slots_of(const struct hf_span *sector)
{
	uint32_t slots = sector->size / HF_RECORD_BYTES;

	return (uint16_t)((slots > HF_JOURNAL_MAX_SLOTS ? HF_JOURNAL_MAX_SLOTS : slots) - 1);
}

/* Where a header's two copies are. */
static unsigned header_slot(const struct hf_journal *j, unsigned sector, unsigned copy)
{
	return copy ? slots_of(&j->sector[sector]) : 0;
}

/* Slots that only barriers and `moved` may use: each cut that hits one of them costs two or three. */
static unsigned reserve_of(const struct hf_journal *j)
{
	return j->slots / 8u;
}

/* Chooses a sector to work on. */
static void select_sector(struct hf_journal *j, unsigned sector, uint32_t epoch)
{
	j->live = (uint8_t)sector;
	j->epoch = epoch;
	j->slots = slots_of(&j->sector[sector]);
	j->end = 1;
	j->bad = 0;
	j->fresh = true;
	j->released = false;
	j->moved_to = 0;
	j->stuck = HF_OK;
	memset(j->alive, 0, sizeof j->alive);
}

/* A good record: notes what it says to the journal itself. */
static void note(struct hf_journal *j, unsigned slot, const uint8_t raw[HF_RECORD_BYTES])
{
	set_alive(j, slot);
	if (raw[0] == TYPE_RELEASED)
		j->released = true;
	if (raw[0] == TYPE_MOVED)
		j->moved_to = load_le32(raw + DATA_OFFSET);
}

/* Judges all slots from the end backwards. *last gets the last good one (0: none), *unsettled how many behind it might
 * become good. Programs the last good one again; one that then reads otherwise is not good. Flash that cannot be
 * programmed at all must still be read: the gateway has to start. */
static enum hf_err scan(struct hf_journal *j, unsigned *unsettled, unsigned *last)
{
	uint8_t raw[HF_RECORD_BYTES];
	unsigned slot = j->slots;

	*unsettled = 0;
	*last = 0;
	while (--slot > 0) {
		enum hf_err err = read_slot(j, j->live, slot, raw);

		if (err)
			return err;
		if (all_are(raw, TYPE_BLANK))
			continue;
		if (j->end == 1) {
			j->end = (uint16_t)(slot + 1);
			if (hardly_begun(raw)) {
				j->repairs.done |= HF_REPAIR_ZEROED;
				err = void_slot(j, j->live, slot);
				if (err && err != HF_ERR_FLASH_PROGRAM)
					j->stuck = err;
			}
		}
		if (all_are(raw, TYPE_VOID) || hardly_begun(raw))
			continue;
		if (record_good(j, raw) && *last == 0) {
			err = program_slot(j, j->live, slot, raw);
			if (err && err != HF_ERR_FLASH_PROGRAM)
				j->stuck = err;
			if (err != HF_ERR_FLASH_PROGRAM)
				*last = slot;
		}
		if (!record_good(j, raw) || *last == 0) {
			j->bad++;
			*unsettled += *last == 0;
			continue;
		}
		note(j, slot, raw);
		slot = slot > (raw[1] & DEAD_MAX) ? slot - (raw[1] & DEAD_MAX) : 1;
	}
	return HF_OK;
}

/* Before the first append of a session: the slot behind the end may be torn and read blank. One that cannot be zeroed is
 * bad memory, and the session before may have passed over it: go on until one could. */
static enum hf_err begin_session(struct hf_journal *j)
{
	enum hf_err err = HF_ERR_FULL;

	for (unsigned i = 0; i <= BAD_IN_A_ROW && j->end < j->slots; i++) {
		err = void_slot(j, j->live, j->end);
		if (err && err != HF_ERR_FLASH_PROGRAM)
			return err;
		j->end++;
		if (!err) {
			j->fresh = false;
			return HF_OK;
		}
	}
	return err;
}

/* Appends raw, unsealed, to the live sector; `dead` slots before it no longer count. `limit`: slots that may be used. */
static enum hf_err append_raw(struct hf_journal *j, uint8_t raw[HF_RECORD_BYTES], unsigned first_dead, unsigned limit)
{
	enum hf_err err = HF_OK;

	if (j->epoch == 0)
		return HF_ERR_NOT_FOUND;
	if (j->stuck)
		return j->stuck;
	if (j->end + (j->fresh ? 1u : 0u) >= limit)
		return HF_ERR_FULL;
	if (j->fresh)
		err = begin_session(j);
	for (unsigned i = 0; i < BAD_IN_A_ROW && !err; i++) {
		unsigned slot = j->end;
		unsigned dead = first_dead ? slot - first_dead : 0;

		if (slot >= limit || dead > DEAD_MAX)
			return HF_ERR_FULL;
		raw[1] = (uint8_t)((raw[1] & HF_RECORD_MAY_IGNORE) | dead);
		seal(raw, j->epoch);
		err = program_slot(j, j->live, slot, raw);
		if (err && err != HF_ERR_FLASH_PROGRAM)
			return err;
		j->end++;
		if (!err) {
			note(j, slot, raw);
			return HF_OK;
		}
		/* Left as it is: the record that follows declares it dead. */
		j->bad++;
		if (!first_dead)
			first_dead = slot;
		err = HF_OK;
	}
	return err ? err : HF_ERR_FLASH_PROGRAM;
}

static enum hf_err append_own(struct hf_journal *j, uint8_t type, uint32_t value)
{
	uint8_t raw[HF_RECORD_BYTES] = { type };

	store_le32(raw + DATA_OFFSET, value);
	return append_raw(j, raw, 0, j->slots);
}

/* Settles the selected sector: what reads good is good from now on, what does not is dead. A barrier that finds no room or
 * no working flash leaves the journal readable, and closed. */
static enum hf_err settle(struct hf_journal *j)
{
	uint8_t barrier[HF_RECORD_BYTES] = { TYPE_BARRIER, HF_RECORD_MAY_IGNORE };
	unsigned last, unsettled;
	enum hf_err err = scan(j, &unsettled, &last);

	if (err || !unsettled || j->stuck)
		return err;
	j->repairs.torn = (uint8_t)unsettled;
	j->stuck = append_raw(j, barrier, last + 1, j->slots);
	return HF_OK;
}

/* Zeros over what a header says, which will never be good again: any one of its words is enough, so that one that does not
 * program any more saves none. */
static void void_headers(const struct hf_journal *j, unsigned sector)
{
	static const uint8_t zeros[HF_FLASH_WORD], word[] = { 0, 4, CRC_OFFSET };

	for (unsigned copy = 0; copy < 2; copy++)
		for (unsigned i = 0; i < sizeof word; i++)
			(void)j->flash->program(j->flash->ctx, slot_addr(j, sector, header_slot(j, sector, copy)) + word[i],
						zeros, sizeof zeros);
}

/* The other sector's word must not count any more, whatever is left of it when its erase is cut. `released` says so, and its
 * headers go: either is enough, and either may fail in bad memory, or rot later. */
static void release(struct hf_journal *j)
{
	if (j->epoch != 0 && !j->released)
		(void)append_own(j, TYPE_RELEASED, 0);
	void_headers(j, !j->live);
}

/* Both headers are good: is the sector with the higher epoch live, or the remains of a take-over that never was? */
static enum hf_err choose(struct hf_journal *j, const uint32_t epoch[2])
{
	unsigned higher = epoch[1] > epoch[0];
	uint32_t newer = epoch[higher], older = epoch[!higher];
	unsigned last, unsettled;
	enum hf_err err;

	select_sector(j, higher, newer);
	err = scan(j, &unsettled, &last);
	if (err)
		return err;
	if (!j->released) {
		select_sector(j, !higher, older);
		err = settle(j);
		if (err)
			return err;
		if (j->moved_to != newer) {
			j->repairs.done |= HF_REPAIR_UNDONE;
			/* A torn `moved` is dead by one barrier only. (Without room for it, `released` would have been the
			 * commit: then it is not known yet what the other sector will say.) */
			if (hf_journal_free(j) > 0)
				void_headers(j, higher);
			return HF_OK;
		}
	}
	select_sector(j, higher, newer);
	err = settle(j);
	/* What says so stands once only, and there may be years until the next take-over. */
	j->repairs.done |= HF_REPAIR_FINISHED;
	if (!err)
		release(j);
	return err;
}

/* *epoch gets 0 if neither copy of the header is good. One that is good is programmed again, in both places: it may be
 * torn, as a first header has no other sector to commit it, and the other copy may be missing. */
static enum hf_err read_header(const struct hf_journal *j, unsigned sector, uint32_t *epoch)
{
	unsigned last = slots_of(&j->sector[sector]), slot = 0;
	uint8_t raw[HF_RECORD_BYTES];

	do {
		enum hf_err err = read_slot(j, sector, slot, raw);

		if (err)
			return err;
		*epoch = header_epoch(raw);
		if (*epoch != 0 && program_slot(j, sector, slot, raw) != HF_ERR_FLASH_PROGRAM) {
			(void)program_slot(j, sector, last - slot, raw);
			return HF_OK;
		}
		slot = last - slot;
	} while (slot != 0);
	*epoch = 0;
	return HF_OK;
}

enum hf_err hf_journal_mount(struct hf_journal *j, const struct hf_flash *flash, const struct hf_span sector[2])
{
	uint32_t epoch[2];

	memset(j, 0, sizeof *j);
	j->flash = flash;
	j->sector[0] = sector[0];
	j->sector[1] = sector[1];
	for (unsigned i = 0; i < 2; i++) {
		enum hf_err err = read_header(j, i, &epoch[i]);

		if (err)
			return err;
	}
	if (epoch[0] != 0 && epoch[1] != 0)
		return choose(j, epoch);
	if (epoch[0] == 0 && epoch[1] == 0)
		return HF_ERR_NOT_FOUND;
	select_sector(j, epoch[1] != 0, epoch[0] | epoch[1]);
	return settle(j);
}

enum hf_err hf_journal_next(struct hf_journal *j, uint16_t *slot, struct hf_record *record)
{
	uint8_t raw[HF_RECORD_BYTES];

	for (; *slot < j->end; (*slot)++) {
		enum hf_err err;

		if (!is_alive(j, *slot))
			continue;
		err = read_slot(j, j->live, *slot, raw);
		if (err)
			return err;
		if (!record_good(j, raw)) {
			j->bad++;
			continue;
		}
		if (raw[0] <= TYPE_RELEASED)
			continue;
		record->type = raw[0];
		record->flags = raw[1] & HF_RECORD_MAY_IGNORE;
		memcpy(record->data, raw + DATA_OFFSET, HF_RECORD_DATA);
		(*slot)++;
		return HF_OK;
	}
	return HF_ERR_NOT_FOUND;
}

enum hf_err hf_journal_look(const struct hf_journal *j, unsigned slot, enum hf_journal_slot *is, struct hf_record *record)
{
	uint8_t raw[HF_RECORD_BYTES];
	enum hf_err err = read_slot(j, j->live, slot, raw);

	if (err)
		return err;
	record->type = raw[0];
	record->flags = raw[1];
	memcpy(record->data, raw + DATA_OFFSET, HF_RECORD_DATA);
	if (is_alive(j, slot) && record_good(j, raw))
		*is = raw[0] == TYPE_BARRIER ? HF_JOURNAL_BARRIER : raw[0] <= TYPE_RELEASED ? HF_JOURNAL_OWN : HF_JOURNAL_RECORD;
	else
		*is = all_are(raw, TYPE_VOID) || all_are(raw, TYPE_BLANK) ? HF_JOURNAL_NOTHING : HF_JOURNAL_DEAD;
	return HF_OK;
}

enum hf_err hf_journal_other(const struct hf_journal *j, bool *dirty)
{
	uint8_t raw[HF_RECORD_BYTES];
	enum hf_err err = HF_OK;

	*dirty = false;
	for (unsigned slot = 0; slot <= slots_of(&j->sector[!j->live]) && !*dirty && !err; slot++) {
		err = read_slot(j, !j->live, slot, raw);
		*dirty = !err && !all_are(raw, TYPE_BLANK);
	}
	return err;
}

unsigned hf_journal_free(const struct hf_journal *j)
{
	unsigned used = j->end + (j->fresh ? 1u : 0u) + reserve_of(j);

	return j->epoch != 0 && !j->stuck && used < j->slots ? j->slots - used : 0;
}

enum hf_err hf_journal_append(struct hf_journal *j, const struct hf_record *record)
{
	uint8_t raw[HF_RECORD_BYTES];

	raw[0] = record->type;
	raw[1] = record->flags;
	memcpy(raw + DATA_OFFSET, record->data, HF_RECORD_DATA);
	return append_raw(j, raw, 0, j->slots - reserve_of(j));
}

enum hf_err hf_journal_append_void(struct hf_journal *j)
{
	enum hf_err err = HF_OK;

	if (hf_journal_free(j) == 0)
		return HF_ERR_FULL;
	if (j->fresh)
		err = begin_session(j);
	if (err)
		return err;
	err = void_slot(j, j->live, j->end);
	j->end++;
	return err == HF_ERR_FLASH_PROGRAM ? HF_OK : err;
}

enum hf_err hf_journal_append_twice(struct hf_journal *j, const struct hf_record *record)
{
	enum hf_err err;
	unsigned until;

	if (hf_journal_free(j) < HF_TWIN_DISTANCE + 1)
		return HF_ERR_FULL;
	err = hf_journal_append(j, record);
	until = j->end - 1u + HF_TWIN_DISTANCE;
	while (!err && j->end < until)
		err = hf_journal_append_void(j);
	return err ? err : hf_journal_append(j, record);
}

/* One copy is enough: the other one's slot may be bad memory. */
static enum hf_err write_header(const struct hf_journal *j)
{
	uint8_t raw[HF_RECORD_BYTES] = { TYPE_HEADER };
	enum hf_err err[2];

	store_le32(raw + DATA_OFFSET, j->epoch);
	raw[DATA_OFFSET + 4] = HF_JOURNAL_FORMAT;
	seal(raw, 0);
	for (unsigned copy = 0; copy < 2; copy++)
		err[copy] = program_slot(j, j->live, header_slot(j, j->live, copy), raw);
	return err[0] ? err[1] : HF_OK;
}

/* Erases the sector to begin anew in it. What does not read blank all the same is bad memory: zeros over it, so that
 * nothing old is taken for new, and the rest can be used. *end gets the slot behind the last of it. */
static enum hf_err clear(struct hf_journal *to, uint16_t *end)
{
	uint8_t raw[HF_RECORD_BYTES];
	enum hf_err err = to->flash->erase(to->flash->ctx, to->sector[to->live].addr);

	if (err != HF_ERR_FLASH_ERASE)
		return err;
	for (unsigned slot = 0; slot <= to->slots; slot++) {
		err = read_slot(to, to->live, slot, raw);
		if (err)
			return err;
		if (all_are(raw, TYPE_BLANK))
			continue;
		(void)void_slot(to, to->live, slot);
		to->bad++;
		if (slot < to->slots)
			*end = (uint16_t)(slot + 1);
	}
	return HF_OK;
}

/* The new sector, complete but for the commit. */
static enum hf_err fill(struct hf_journal *to, enum hf_err (*write)(void *ctx, struct hf_journal *to), void *ctx,
			uint16_t *end)
{
	enum hf_err err = clear(to, end);

	if (!err)
		err = write(ctx, to);
	if (!err)
		err = write_header(to);
	return err;
}

/* The old sector says that it was given up. One that cannot be appended to says nothing any more at all: then the new one
 * may say it. */
static enum hf_err commit(struct hf_journal *j, struct hf_journal *to)
{
	if (j->epoch != 0 && append_own(j, TYPE_MOVED, to->epoch) == HF_OK)
		return HF_OK;
	return append_own(to, TYPE_RELEASED, 0);
}

/* Takes over into this sector. */
static enum hf_err take_over(struct hf_journal *j, unsigned sector,
			     enum hf_err (*write)(void *ctx, struct hf_journal *to), void *ctx)
{
	struct hf_journal to = *j;
	uint16_t end = 0;
	enum hf_err err;

	select_sector(&to, sector, j->epoch + 1);
	to.fresh = false;
	err = fill(&to, write, ctx, &end);
	if (!err)
		err = commit(j, &to);
	if (err) {
		void_headers(&to, sector);
		return err;
	}
	/* What fails from here on fails in the new sector; the old one is only cleaned early, and is erased again before
	 * it is used. */
	*j = to;
	release(j);
	if (j->end < end)
		j->end = end; /* as the next mount will see it */
	if (j->released)
		err = j->flash->erase(j->flash->ctx, j->sector[!j->live].addr);
	return err == HF_ERR_FLASH_ERASE ? HF_OK : err;
}

enum hf_err hf_journal_take_over(struct hf_journal *j, enum hf_err (*write)(void *ctx, struct hf_journal *to), void *ctx)
{
	enum hf_err err;

	release(j);
	err = take_over(j, j->epoch != 0 && !j->live, write, ctx);
	/* Without a live sector either will do. */
	return err && j->epoch == 0 ? take_over(j, 1, write, ctx) : err;
}
