/* SPDX-License-Identifier: MIT
 *
 * Invariant: the records of one number all come from one content, so any good copy of a part is the part. A write that was
 * cut leaves parts without an end; the next one takes a number above all that is there, and the next take-over leaves the
 * rest behind.
 *
 * Nothing here needs room for the content: it is read, checked and carried over by the part. Parts mostly follow each other,
 * so each search begins where the last one ended.
 */
#include "longrec.h"

#include <string.h>

#include "crc32.h"

enum { OFF_KIND = 0, OFF_NUMBER = 1, OFF_INDEX = 2, OFF_LEN = 2, OFF_CRC = 4, OFF_CONTENT = 3 };

_Static_assert(OFF_CONTENT + HF_LONGREC_PART == HF_RECORD_DATA, "a part fills its record");

/* Reads all records of the kind. `below`: of the ends with a lower number, the highest goes to *out (its number 0: none). */
static enum hf_err survey(struct hf_journal *j, unsigned kind, unsigned below, struct hf_longrec *out, unsigned *highest)
{
	struct hf_record r;
	uint16_t slot = 1;
	enum hf_err err;

	*highest = 0;
	memset(out, 0, sizeof *out);
	while ((err = hf_journal_next(j, &slot, &r)) == HF_OK) {
		unsigned number = r.data[OFF_NUMBER];

		if ((r.type != HF_REC_PART && r.type != HF_REC_END) || r.data[OFF_KIND] != kind)
			continue;
		if (number > *highest)
			*highest = number;
		if (r.type != HF_REC_END || number >= below || number < out->number)
			continue;
		out->number = (uint8_t)number;
		out->len = load_le16(r.data + OFF_LEN);
		out->crc = load_le32(r.data + OFF_CRC);
	}
	out->kind = (uint8_t)kind;
	out->cursor = 1;
	return err == HF_ERR_NOT_FOUND ? HF_OK : err;
}

/* The part with this index, from any copy: at the cursor or behind it, then from the beginning. */
static enum hf_err find_part(struct hf_journal *j, struct hf_longrec *rec, unsigned index, struct hf_record *r)
{
	for (unsigned rounds = 0; rounds < 2; rounds++) {
		enum hf_err err;

		while ((err = hf_journal_next(j, &rec->cursor, r)) == HF_OK)
			if (r->type == HF_REC_PART && r->data[OFF_KIND] == rec->kind && r->data[OFF_NUMBER] == rec->number &&
			    r->data[OFF_INDEX] == index)
				return HF_OK;
		if (err != HF_ERR_NOT_FOUND)
			return err;
		rec->cursor = 1;
	}
	return HF_ERR_NOT_FOUND;
}

/* Is all of it there? */
static enum hf_err check(struct hf_journal *j, struct hf_longrec *rec)
{
	struct hf_record r;
	uint32_t crc = 0;

	for (unsigned done = 0; done < rec->len; done += HF_LONGREC_PART) {
		unsigned n = rec->len - done < HF_LONGREC_PART ? rec->len - done : HF_LONGREC_PART;
		enum hf_err err = find_part(j, rec, done / HF_LONGREC_PART, &r);

		if (err)
			return err;
		crc = hf_crc32(crc, r.data + OFF_CONTENT, n);
	}
	return crc == rec->crc ? HF_OK : HF_ERR_NOT_FOUND;
}

enum hf_err hf_longrec_find(struct hf_journal *j, enum hf_longrec_kind kind, struct hf_longrec *out)
{
	unsigned below = HF_LONGREC_NUMBERS + 1, highest;
	enum hf_err err;

	do {
		err = survey(j, kind, below, out, &highest);
		if (err)
			return err;
		if (out->number == 0)
			return HF_ERR_NOT_FOUND;
		below = out->number;
		err = check(j, out);
	} while (err == HF_ERR_NOT_FOUND);
	return !err && out->len == 0 ? HF_ERR_NOT_FOUND : err;
}

enum hf_err hf_longrec_read(struct hf_journal *j, struct hf_longrec *rec, uint32_t off, void *buf, size_t len)
{
	uint8_t *to = buf;

	if (!hf_range_ok(off, len, rec->len))
		return HF_ERR_RANGE;
	while (len > 0) {
		uint32_t in = off % HF_LONGREC_PART;
		size_t n = HF_LONGREC_PART - in < len ? HF_LONGREC_PART - in : len;
		struct hf_record r;
		enum hf_err err = find_part(j, rec, off / HF_LONGREC_PART, &r);

		if (err)
			return err;
		memcpy(to, r.data + OFF_CONTENT + in, n);
		to += n;
		off += (uint32_t)n;
		len -= n;
	}
	return HF_OK;
}

/* Are these the bytes of what was found? */
static enum hf_err compare(struct hf_journal *j, struct hf_longrec *rec, struct hf_bytes content, bool *same)
{
	uint8_t part[HF_LONGREC_PART];

	*same = rec->len == content.len;
	for (uint32_t off = 0; *same && off < rec->len; off += HF_LONGREC_PART) {
		size_t n = rec->len - off < HF_LONGREC_PART ? rec->len - off : HF_LONGREC_PART;
		enum hf_err err = hf_longrec_read(j, rec, off, part, n);

		if (err)
			return err;
		*same = memcmp(part, content.ptr + off, n) == 0;
	}
	return HF_OK;
}

static enum hf_err count_records(struct hf_journal *j, const struct hf_longrec *rec, unsigned *records)
{
	struct hf_record r;
	uint16_t slot = 1;
	enum hf_err err;

	*records = 0;
	while ((err = hf_journal_next(j, &slot, &r)) == HF_OK)
		*records += (r.type == HF_REC_PART || r.type == HF_REC_END) && r.data[OFF_KIND] == rec->kind &&
			    r.data[OFF_NUMBER] == rec->number;
	return err == HF_ERR_NOT_FOUND ? HF_OK : err;
}

enum hf_err hf_longrec_holds(struct hf_journal *j, const struct hf_longrec_new *content, bool *same, unsigned *copies)
{
	struct hf_longrec rec;
	unsigned records = 0;
	enum hf_err err = hf_longrec_find(j, content->kind, &rec);

	*same = err == HF_ERR_NOT_FOUND && content->content.len == 0;
	*copies = 0;
	if (err)
		return err == HF_ERR_NOT_FOUND ? HF_OK : err;
	err = compare(j, &rec, content->content, same);
	if (!err && *same)
		err = count_records(j, &rec, &records);
	*copies = records / HF_LONGREC_SLOTS(rec.len);
	return err;
}

static enum hf_err append(struct hf_journal *to, uint8_t type, unsigned kind, unsigned number, struct hf_record *r)
{
	r->type = type;
	r->flags = 0;
	r->data[OFF_KIND] = (uint8_t)kind;
	r->data[OFF_NUMBER] = (uint8_t)number;
	return hf_journal_append(to, r);
}

static enum hf_err append_end(struct hf_journal *to, unsigned kind, unsigned number, size_t len, uint32_t crc)
{
	struct hf_record r = { 0 };

	store_le16(r.data + OFF_LEN, (uint16_t)len);
	store_le32(r.data + OFF_CRC, crc);
	return append(to, HF_REC_END, kind, number, &r);
}

static enum hf_err append_copy(struct hf_journal *to, const struct hf_longrec_new *content, unsigned number)
{
	struct hf_bytes left = content->content;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; left.len > 0 && !err; i++) {
		size_t n = left.len < HF_LONGREC_PART ? left.len : HF_LONGREC_PART;
		struct hf_record r = { 0 };

		r.data[OFF_INDEX] = (uint8_t)i;
		memcpy(r.data + OFF_CONTENT, left.ptr, n);
		err = append(to, HF_REC_PART, content->kind, number, &r);
		left.ptr += n;
		left.len -= n;
	}
	if (err)
		return err;
	return append_end(to, content->kind, number, content->content.len,
			  hf_crc32(0, content->content.ptr, content->content.len));
}

enum hf_err hf_longrec_append(struct hf_journal *j, const struct hf_longrec_new *content, unsigned spare)
{
	unsigned copy = HF_LONGREC_SLOTS((unsigned)content->content.len);
	unsigned distance = copy < HF_TWIN_DISTANCE ? HF_TWIN_DISTANCE : copy;
	struct hf_longrec last;
	unsigned number, begin;
	enum hf_err err = survey(j, content->kind, 0, &last, &number);

	if (err)
		return err;
	if (number >= HF_LONGREC_NUMBERS || hf_journal_free(j) < distance + copy + spare)
		return HF_ERR_FULL;
	begin = j->end;
	err = append_copy(j, content, number + 1);
	while (!err && j->end < begin + HF_TWIN_DISTANCE)
		err = hf_journal_append_void(j);
	return err ? err : append_copy(j, content, number + 1);
}

static enum hf_err carry_one(struct hf_journal *from, struct hf_journal *to, struct hf_longrec *rec)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i * HF_LONGREC_PART < rec->len && !err; i++) {
		struct hf_record r;

		err = find_part(from, rec, i, &r);
		if (!err)
			err = append(to, HF_REC_PART, rec->kind, 1, &r);
	}
	return err ? err : append_end(to, rec->kind, 1, rec->len, rec->crc);
}

enum hf_err hf_longrec_carry(struct hf_journal *from, struct hf_journal *to, const struct hf_longrec_new *replace,
			     unsigned spare)
{
	for (unsigned kind = 1; kind <= HF_LONGREC_KINDS; kind++) {
		bool replaced = replace && replace->kind == kind;
		struct hf_longrec rec = { .len = replaced ? (uint16_t)replace->content.len : 0 };
		enum hf_err err = replaced ? HF_OK : hf_longrec_find(from, (enum hf_longrec_kind)kind, &rec);

		if (err && err != HF_ERR_NOT_FOUND)
			return err;
		if (err || rec.len == 0)
			continue;
		if (!replaced && spare > 0 && hf_journal_free(to) < HF_LONGREC_SLOTS(rec.len) + spare)
			continue;
		err = replaced ? append_copy(to, replace, 1) : carry_one(from, to, &rec);
		if (err)
			return err;
	}
	return HF_OK;
}
