/* SPDX-License-Identifier: MIT
 *
 * Journal sectors that hold anything at all, which the mutator makes of headers, records, barriers with right CRCs and epochs,
 * and of torn, blank and zeroed slots. Whatever they hold: a mount ends, boot's policy comes to a decision, and a take-over
 * makes a journal that says the same from then on. Where every word reads the same each time, so does the journal, and where
 * it is open, appending keeps what was read.
 *
 * Input: the two sectors; then marks of 4 bytes: u16 word, u8 how it reads from now on, u8 which of its bits.
 */
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "mutate.h"
#include "policy.h"
#include "sim_flash.h"

#define SECTOR 1024u
#define SLOTS  (SECTOR / HF_RECORD_BYTES)
#define MARKS  8u
#define CRC_AT 28u

static const struct hf_layout layout = {
	.name = "fuzz",
	.sectors = 2,
	.sector = { { 0x08000000, SECTOR }, { 0x08000400, SECTOR } },
	.journal = { { 0x08000000, SECTOR }, { 0x08000400, SECTOR } },
};

static void load(struct sim_flash *flash, struct hf_journal *j, struct hf_state *state)
{
	bool blank;

	must(hf_state_load(j, &flash->ops, &layout, state, &blank) == HF_OK);
}

static void decide(const struct hf_state *from, const uint8_t *data, size_t len, unsigned free_slots)
{
	struct hf_slot_fact fact[HF_PLACES] = { { 0 } };
	struct hf_state state = *from;

	for (unsigned i = 0; i < 10; i++) {
		struct hf_boot_decision d = hf_policy_boot(&state, fact, (enum hf_reset_cause)(len % 5),
							   (enum hf_boot_wish)(len % 3), free_slots);

		if (d.append)
			hf_state_apply(&state, &d.record);
		if (d.action != HF_BOOT_VERIFY)
			return;
		if (d.place < HF_PLACES) {
			struct hf_slot_fact *f = &fact[d.place];
			unsigned bits = len > d.place ? data[len - 1 - d.place] : 0;

			f->fact = bits & 1 ? HF_FACT_GOOD : HF_FACT_BAD;
			f->component = d.place == HF_PLACE_RECOVERY || bits & 2 ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
			f->grandfathered = (bits & 12) == 12;
			if (d.place < HF_SLOTS) {
				f->sequence = state.slot[d.place].sequence;
				memcpy(f->id, state.slot[d.place].id, HF_ID_BYTES);
			}
		}
	}
	abort();
}

/* A word that reads differently each time, or in every other session. */
static bool mark(struct sim_flash *flash, const uint8_t *marks, size_t len)
{
	unsigned n = 0;

	for (; len >= 4 && n < MARKS; len -= 4, marks += 4, n++) {
		uint32_t word = load_le16(marks) % (flash->size / 4), bits = marks[3] * 0x01010101u;

		switch (marks[2] % 4) {
		case 0:
			flash->unstable[word] |= bits;
			break;
		case 1:
			flash->turns[1][word] |= bits;
			break;
		case 2:
			flash->turns[2][word] |= bits;
			break;
		default:
			flash->turns[1][word] |= bits;
			flash->turns[3][word] |= bits;
		}
	}
	return n == 0;
}

static bool same(const struct hf_state *a, const struct hf_state *b)
{
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (a->slot[i].state != b->slot[i].state || a->slot[i].sequence != b->slot[i].sequence)
			return false;
	return a->newest == b->newest && a->floor == b->floor && a->current == b->current;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_record r = { .type = HF_REC_ACTIVATED };
	struct hf_state first, second;
	struct sim_flash flash;
	struct hf_journal j;
	enum hf_err err;
	bool stable;

	sim_flash_open(&flash, &layout);
	memcpy(flash.mem, data, len < flash.size ? len : flash.size);
	stable = len <= flash.size || mark(&flash, data + flash.size, len - flash.size);
	load(&flash, &j, &first);
	decide(&first, data, len, hf_journal_free(&j));
	sim_flash_power_on(&flash);
	load(&flash, &j, &second);
	must(!stable || memcmp(&first, &second, sizeof first) == 0);
	decide(&second, data, len, hf_journal_free(&j));
	first = second;
	if (hf_journal_free(&j) > 0) {
		err = hf_journal_append(&j, &r);
		must(!stable || err == HF_OK);
		if (!err)
			hf_state_apply(&first, &r);
		sim_flash_power_on(&flash);
		load(&flash, &j, &second);
		must(!stable || memcmp(&first, &second, sizeof first) == 0);
	}
	first = second;
	bool last = j.epoch == UINT32_MAX; /* none can follow it; four milliards of take-overs come before */
	err = hf_state_take_over(&j, &first);
	must(err == HF_OK || err == HF_ERR_UNSUPPORTED || err == HF_ERR_FULL || (last && err == HF_ERR_NOT_FOUND));
	for (unsigned i = 0; i < 3 && err == HF_OK; i++) {
		sim_flash_power_on(&flash);
		load(&flash, &j, &second);
		must(hf_journal_free(&j) > 0 && same(&first, &second));
	}
	sim_flash_close(&flash);
	return 0;
}

/* ---- the mutator ---- */

static const uint8_t types[] = {
	HF_REC_UPLOAD_BEGUN, HF_REC_ERASE_BEGUN, HF_REC_ERASE_DONE, HF_REC_SEGMENT, HF_REC_WRITTEN, HF_REC_ACTIVATED,
	HF_REC_ATTEMPT, HF_REC_CONFIRMED, HF_REC_REJECTED, HF_REC_INTERRUPTED, HF_REC_RECOVERY, HF_REC_CARRIED, HF_REC_SLOT,
	HF_REC_PROGRESS, HF_REC_PART, HF_REC_END,
};
enum { HEADER = 1, BARRIER = 2, MOVED = 3, RELEASED = 4 };

static uint8_t *slot_at(uint8_t *flash, unsigned sector, unsigned slot)
{
	return flash + sector * SECTOR + slot * HF_RECORD_BYTES;
}

/* As the header says, in either copy. */
static uint32_t epoch_of(uint8_t *flash, unsigned sector)
{
	const uint8_t *head = slot_at(flash, sector, 0);

	return load_le32((head[0] == HEADER ? head : slot_at(flash, sector, SLOTS - 1)) + 2);
}

static void seal(uint8_t *slot, uint32_t seed)
{
	store_le32(slot + CRC_AT, hf_crc32(slot[0] == HEADER ? 0 : seed, slot, CRC_AT));
}

static void put_header(struct chance *c, uint8_t *flash, unsigned sector)
{
	uint32_t epoch = chance_one_in(c, 4) ? (uint32_t)chance_number(c, 1) : 1 + chance_below(c, 3);
	unsigned copies = 1 + chance_below(c, 3);

	for (unsigned copy = 0; copy < 2; copy++) {
		uint8_t *slot = slot_at(flash, sector, copy ? SLOTS - 1 : 0);

		if (!(copies >> copy & 1))
			continue;
		memset(slot, 0, HF_RECORD_BYTES);
		slot[0] = HEADER;
		store_le32(slot + 2, epoch);
		slot[6] = chance_one_in(c, 16) ? 2 : HF_JOURNAL_FORMAT;
		seal(slot, 0);
	}
}

/* A record of the journal's own, or about an image of few sequences and ids, so that records belong to each other. */
static void put_record(struct chance *c, uint8_t *flash, unsigned sector, uint8_t *slot)
{
	uint8_t id[HF_ID_BYTES] = { (uint8_t)chance_below(c, 3) };
	struct hf_record r = hf_state_image_record(
		(enum hf_record_type)types[chance_below(c, sizeof types)], chance_below(c, 3), chance_below(c, 2),
		(uint64_t)chance_below(c, 3) << 32 | chance_below(c, 3), id, (uint8_t)chance_below(c, 6));

	if (chance_one_in(c, 4)) {
		r = (struct hf_record){ .type = (uint8_t)(BARRIER + chance_below(c, 3)), .flags = HF_RECORD_MAY_IGNORE };
		store_le32(r.data, epoch_of(flash, chance_below(c, 2)));
	} else if (chance_one_in(c, 4)) {
		for (unsigned i = 0; i < HF_RECORD_DATA; i++)
			r.data[i] = chance_one_in(c, 3) ? (uint8_t)chance_number(c, r.data[i]) : r.data[i];
	}
	slot[0] = r.type;
	slot[1] = r.flags | (chance_one_in(c, 3) ? (uint8_t)chance_below(c, 8) : 0);
	memcpy(slot + 2, r.data, HF_RECORD_DATA);
	seal(slot, epoch_of(flash, sector));
}

/* What a cut leaves: words before it are whole, one is between, those behind it as they were. */
static void tear(struct chance *c, uint8_t *slot)
{
	unsigned word = chance_below(c, 8);

	store_le32(slot + 4 * word, load_le32(slot + 4 * word) | (uint32_t)chance_number(c, 0));
	memset(slot + 4 * word + 4, 0xff, HF_RECORD_BYTES - 4 * word - 4);
}

static void change(struct chance *c, uint8_t *flash)
{
	unsigned sector = chance_below(c, 2), n = 1 + chance_below(c, SLOTS - 1);
	uint8_t *slot = slot_at(flash, sector, n);

	switch (chance_below(c, 10)) {
	case 0:
		put_header(c, flash, sector);
		break;
	case 1:
		tear(c, slot);
		break;
	case 2:
		memset(slot, 0, HF_RECORD_BYTES);
		break;
	case 3: /* nothing was written from here on */
		memset(slot, 0xff, HF_RECORD_BYTES * (SLOTS - n));
		break;
	case 4:
		memmove(slot, slot_at(flash, chance_below(c, 2), chance_below(c, SLOTS)), HF_RECORD_BYTES);
		if (chance_one_in(c, 2))
			seal(slot, epoch_of(flash, sector));
		break;
	case 5: /* a sector of records */
		for (unsigned i = 1; i <= n && i < SLOTS - 1; i++)
			put_record(c, flash, sector, slot_at(flash, sector, i));
		break;
	case 6:
		slot[2 + chance_below(c, HF_RECORD_DATA)] = (uint8_t)chance_number(c, 0);
		seal(slot, epoch_of(flash, sector));
		break;
	default:
		put_record(c, flash, sector, slot);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	struct chance c;

	chance_begin(&c, seed);
	if (max < 2 * SECTOR + 4 * MARKS || chance_one_in(&c, 16))
		return LLVMFuzzerMutate(data, len, max);
	if (len < 2 * SECTOR) {
		memset(data + len, 0xff, 2 * SECTOR - len);
		len = 2 * SECTOR;
		put_header(&c, data, chance_below(&c, 2));
	}
	for (unsigned n = 1 + chance_below(&c, 6); n > 0; n--)
		change(&c, data);
	len -= (len - 2 * SECTOR) % 4;
	if (chance_one_in(&c, 4)) {
		size_t marks = (len - 2 * SECTOR) / 4;
		uint8_t *at = data + 2 * SECTOR + 4 * chance_below(&c, (uint32_t)(marks < MARKS ? marks + 1 : MARKS));

		if (chance_one_in(&c, 2))
			return 2 * SECTOR;
		store_le16(at, (uint16_t)chance_below(&c, 2 * SECTOR / 4));
		at[2] = (uint8_t)chance_below(&c, 4);
		at[3] = (uint8_t)chance_number(&c, 0xff);
		len = at == data + len ? len + 4 : len;
	}
	return len;
}

/* One input's first sector with the other one's second. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	if (max < 2 * SECTOR || len1 < SECTOR || len2 < 2 * SECTOR)
		return 0;
	memcpy(out, data1 + (seed & 1 && len1 >= 2 * SECTOR ? SECTOR : 0), SECTOR);
	memcpy(out + SECTOR, data2 + (seed & 2 ? SECTOR : 0), SECTOR);
	return 2 * SECTOR;
}
