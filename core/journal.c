/* SPDX-License-Identifier: MIT
 *
 * Invariant: between two sessions at most one slot is unstable, and it is the last one that does not read blank, or the
 * one behind it.
 *
 * A program operation that was cut leaves a word that may read differently each time; programming it again with what it
 * was meant to hold, or with zeros, settles it (the F4 has no ECC). Hence:
 * - mount() reads the last slot that is not blank into RAM once, decides on that copy, and programs it again (CRC good) or
 *   voids it with zeros (CRC bad), before anything is decided on it;
 * - the slot behind it may be torn and read blank now: the first append of a session voids it and goes one further;
 * - the same holds for the header of the other sector: a header that was cut may read blank today and valid tomorrow,
 *   and would then take the journal away from the records that are appended today. It is voided before the first append;
 * - a sector is used only after it was erased in this very session, and its header is written last.
 * Every slot further back was either read back complete before the next one was begun, or settled by a mount.
 *
 * Rejected: counting on "blank means free" (a half-programmed word may read FF), and a pointer to the end kept elsewhere
 * (it would need the same care itself).
 */
#include "journal.h"

#include <string.h>

#include "bytes.h"
#include "crc32.h"

enum {
	TYPE_VOID = 0x00,
	TYPE_HEADER = 0x01,
	CRC_OFFSET = 28,
	DATA_OFFSET = 2,
	BAD_IN_A_ROW = 3,
};

_Static_assert(DATA_OFFSET + HF_RECORD_DATA == CRC_OFFSET, "a record fills its slot");

static uint32_t slot_addr(const struct hf_journal *j, unsigned sector, unsigned slot)
{
	return j->sector[sector].addr + slot * HF_RECORD_BYTES;
}

static bool all_are(const uint8_t *raw, uint8_t value)
{
	for (unsigned i = 0; i < HF_RECORD_BYTES; i++)
		if (raw[i] != value)
			return false;
	return true;
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

/* Programs a slot again as it was read, or voids it; says whether it holds what was read from now on. A slot that refuses
 * both is bad memory: it stays unreadable, and that is what its CRC says. Flash that cannot be programmed at all must
 * still be read: the gateway has to start. */
static bool settle(struct hf_journal *j, unsigned sector, unsigned slot, const uint8_t raw[HF_RECORD_BYTES], bool good)
{
	enum hf_err err = HF_ERR_FLASH_PROGRAM;

	if (good)
		err = program_slot(j, sector, slot, raw);
	if (err == HF_ERR_FLASH_PROGRAM) {
		good = false;
		err = void_slot(j, sector, slot);
	}
	if (err && err != HF_ERR_FLASH_PROGRAM)
		j->stuck = err;
	return good;
}

/* The epoch that a header names; 0: it is no valid header. */
static uint32_t header_epoch(const uint8_t raw[HF_RECORD_BYTES])
{
	if (raw[0] != TYPE_HEADER || raw[DATA_OFFSET + 4] != HF_JOURNAL_FORMAT || !crc_good(raw, 0))
		return 0;
	return load_le32(raw + DATA_OFFSET);
}

static enum hf_err mount_sector(struct hf_journal *j, unsigned sector)
{
	uint8_t raw[HF_RECORD_BYTES];
	enum hf_err err = read_slot(j, sector, 0, raw);
	uint32_t epoch;

	if (err || all_are(raw, 0xff))
		return err;
	epoch = header_epoch(raw);
	if (settle(j, sector, 0, raw, epoch != 0) && epoch > j->epoch) {
		j->epoch = epoch;
		j->live = (uint8_t)sector;
	}
	return HF_OK;
}

static enum hf_err find_end(struct hf_journal *j)
{
	uint8_t raw[HF_RECORD_BYTES];

	for (unsigned slot = j->slots - 1u; slot > 0; slot--) {
		enum hf_err err = read_slot(j, j->live, slot, raw);

		if (err)
			return err;
		if (all_are(raw, 0xff))
			continue;
		j->end = (uint16_t)(slot + 1);
		(void)settle(j, j->live, slot, raw, crc_good(raw, j->epoch));
		return HF_OK;
	}
	j->end = 1;
	return HF_OK;
}

static uint16_t slots_of(const struct hf_span *sector)
{
	uint32_t slots = sector->size / HF_RECORD_BYTES;

	return slots > UINT16_MAX ? UINT16_MAX : (uint16_t)slots;
}

enum hf_err hf_journal_mount(struct hf_journal *j, const struct hf_flash *flash, const struct hf_span sector[2])
{
	memset(j, 0, sizeof *j);
	j->flash = flash;
	j->sector[0] = sector[0];
	j->sector[1] = sector[1];
	j->fresh = true;
	for (unsigned i = 0; i < 2; i++) {
		enum hf_err err = mount_sector(j, i);

		if (err)
			return err;
	}
	if (j->epoch == 0)
		return HF_ERR_NOT_FOUND;
	j->slots = slots_of(&j->sector[j->live]);
	return find_end(j);
}

enum hf_err hf_journal_next(struct hf_journal *j, uint16_t *slot, struct hf_record *record)
{
	uint8_t raw[HF_RECORD_BYTES];

	if (*slot <= 1)
		j->bad = 0;
	for (; *slot < j->end; (*slot)++) {
		enum hf_err err = read_slot(j, j->live, *slot, raw);

		if (err)
			return err;
		if (all_are(raw, TYPE_VOID))
			continue;
		if (raw[0] == TYPE_VOID || raw[0] == TYPE_HEADER || !crc_good(raw, j->epoch)) {
			j->bad++;
			continue;
		}
		record->type = raw[0];
		record->flags = raw[1];
		memcpy(record->data, raw + DATA_OFFSET, HF_RECORD_DATA);
		(*slot)++;
		return HF_OK;
	}
	return HF_ERR_NOT_FOUND;
}

unsigned hf_journal_free(const struct hf_journal *j)
{
	unsigned used = j->end + (j->fresh ? 1u : 0u);

	return j->epoch != 0 && !j->stuck && used < j->slots ? j->slots - used : 0;
}

/* Before the first append of a session: see the top of this file. A slot that cannot be voided is bad memory, and the
 * session before may have passed over it: go on until one could. */
static enum hf_err begin_session(struct hf_journal *j)
{
	enum hf_err err = void_slot(j, !j->live, 0);

	if (err && err != HF_ERR_FLASH_PROGRAM)
		return err;
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
	return err ? err : HF_ERR_FULL;
}

static enum hf_err append_raw(struct hf_journal *j, const uint8_t raw[HF_RECORD_BYTES])
{
	enum hf_err err = HF_OK;

	if (j->epoch == 0)
		return HF_ERR_NOT_FOUND;
	if (j->stuck)
		return j->stuck;
	if (j->fresh) {
		err = begin_session(j);
		if (err)
			return err;
	}
	for (unsigned i = 0; i < BAD_IN_A_ROW; i++) {
		if (j->end >= j->slots)
			return HF_ERR_FULL;
		err = program_slot(j, j->live, j->end, raw);
		if (err && err != HF_ERR_FLASH_PROGRAM)
			return err;
		j->end++;
		if (!err)
			return HF_OK;
		err = void_slot(j, j->live, j->end - 1u);
		if (err && err != HF_ERR_FLASH_PROGRAM)
			return err;
		j->bad++;
		err = HF_ERR_FLASH_PROGRAM;
	}
	return err;
}

enum hf_err hf_journal_append(struct hf_journal *j, const struct hf_record *record)
{
	uint8_t raw[HF_RECORD_BYTES];

	raw[0] = record->type;
	raw[1] = record->flags;
	memcpy(raw + DATA_OFFSET, record->data, HF_RECORD_DATA);
	seal(raw, j->epoch);
	return append_raw(j, raw);
}

enum hf_err hf_journal_append_void(struct hf_journal *j)
{
	static const uint8_t zeros[HF_RECORD_BYTES];

	return append_raw(j, zeros);
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

static enum hf_err write_header(const struct hf_journal *j)
{
	uint8_t raw[HF_RECORD_BYTES] = { TYPE_HEADER };
	enum hf_err err;

	store_le32(raw + DATA_OFFSET, j->epoch);
	raw[DATA_OFFSET + 4] = HF_JOURNAL_FORMAT;
	seal(raw, 0);
	err = program_slot(j, j->live, 0, raw);
	if (err == HF_ERR_FLASH_PROGRAM) {
		/* Some words may stand: it must not become valid later on. */
		enum hf_err voided = void_slot(j, j->live, 0);

		(void)voided;
	}
	return err;
}

enum hf_err hf_journal_take_over(struct hf_journal *j, enum hf_err (*write)(void *ctx, struct hf_journal *to), void *ctx)
{
	struct hf_journal to = *j;
	enum hf_err err;

	to.live = j->epoch ? !j->live : 0;
	to.epoch = j->epoch + 1;
	to.slots = slots_of(&to.sector[to.live]);
	to.end = 1;
	to.fresh = false;
	to.bad = 0;
	to.stuck = HF_OK;
	err = j->flash->erase(j->flash->ctx, to.sector[to.live].addr);
	if (err)
		return err;
	err = write(ctx, &to);
	if (err)
		return err;
	err = write_header(&to);
	if (err)
		return err;
	/* From here on the new sector is live, whatever becomes of the old one: its epoch is lower. */
	err = j->flash->erase(j->flash->ctx, to.sector[!to.live].addr);
	*j = to;
	return err == HF_ERR_FLASH_ERASE ? HF_OK : err;
}
