/* SPDX-License-Identifier: MIT
 *
 * One line at a time: cut it out, decode its hex digits into bytes, check length and checksum, then let the format's
 * own function act on the record. Nothing is repaired: a record that is not exactly what the format says ends the
 * reading, because what follows a damaged line is written to a device that has to start from it.
 */
#include <string.h>

#include "records.h"

#define RECORD_MAX 260 /* SREC: count, 255 bytes; HEX: count, address, type, 255 bytes, checksum */

struct reader {
	const uint8_t *next;
	const uint8_t *end;
	unsigned line; /* the current one, from 1 */
	struct hf_flash_map *map;
	struct hf_diag *diag;
	uint8_t record[RECORD_MAX];
	size_t len;
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool begins(struct hf_bytes text, size_t skip, size_t digits)
{
	if (text.len < skip + digits)
		return false;
	for (size_t i = skip; i < skip + digits; i++)
		if (hex_digit(text.ptr[i]) < 0)
			return false;
	return true;
}

bool hf_ihex_recognise(struct hf_bytes text)
{
	return begins(text, 1, 8) && text.ptr[0] == ':';
}

bool hf_srec_recognise(struct hf_bytes text)
{
	return begins(text, 1, 7) && text.ptr[0] == 'S';
}

/* The next line that is not empty, without its end; false at the end of the text. */
static bool next_line(struct reader *r, struct hf_bytes *line)
{
	while (r->next < r->end) {
		size_t left = (size_t)(r->end - r->next);
		const uint8_t *lf = memchr(r->next, '\n', left);
		size_t len = lf ? (size_t)(lf - r->next) : left;

		*line = (struct hf_bytes){r->next, len};
		r->next += lf ? len + 1 : len;
		r->line++;
		if (line->len && line->ptr[line->len - 1] == '\r')
			line->len--;
		if (line->len)
			return true;
	}
	return false;
}

static enum hf_err decode(struct reader *r, struct hf_bytes digits)
{
	if (digits.len % 2) {
		hf_diag_set(r->diag, "line %u has half a byte; it is cut off or damaged", r->line);
		return HF_ERR_ENCODING;
	}
	if (digits.len / 2 > RECORD_MAX) {
		hf_diag_set(r->diag, "line %u is longer than any record", r->line);
		return HF_ERR_ENCODING;
	}
	r->len = digits.len / 2;
	for (size_t i = 0; i < digits.len; i++) {
		int digit = hex_digit(digits.ptr[i]);

		if (digit < 0) {
			hf_diag_set(r->diag, "line %u has a character that is no hex digit", r->line);
			return HF_ERR_ENCODING;
		}
		r->record[i / 2] = (uint8_t)(i % 2 ? r->record[i / 2] | digit : digit << 4);
	}
	return HF_OK;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
	unsigned total = 0;

	for (size_t i = 0; i < len; i++)
		total += p[i];
	return (uint8_t)total;
}

static enum hf_err wrong_length(struct reader *r)
{
	hf_diag_set(r->diag, "line %u is not as long as its count says; it is cut off or damaged", r->line);
	return HF_ERR_ENCODING;
}

static enum hf_err wrong_checksum(struct reader *r, uint8_t is, uint8_t should)
{
	hf_diag_set(r->diag, "line %u has checksum %02X, its bytes make %02X: the file is damaged", r->line, is,
		    should);
	return HF_ERR_CRC;
}

static enum hf_err unknown_record(struct reader *r, const char *type)
{
	hf_diag_set(r->diag, "line %u is a record of the unknown type %s", r->line, type);
	return HF_ERR_UNSUPPORTED;
}

static enum hf_err put(struct reader *r, uint32_t addr, const uint8_t *bytes, size_t len)
{
	uint32_t clash;

	if (!len)
		return HF_OK;
	if (!hf_flash_map_holds(r->map, addr, len)) {
		hf_diag_set(r->diag, "line %u puts %zu bytes at 0x%08X, outside the board's flash at 0x%08X, %u bytes",
			    r->line, len, addr, r->map->flash.addr, r->map->flash.size);
		return HF_ERR_RANGE;
	}
	if (!hf_flash_map_put(r->map, addr, bytes, len, &clash)) {
		hf_diag_set(r->diag, "line %u puts a byte at 0x%08X, where an earlier line has put one", r->line,
			    clash);
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

/* Behind the end record only empty lines may follow. */
static enum hf_err at_end(struct reader *r)
{
	struct hf_bytes line;

	if (!next_line(r, &line))
		return HF_OK;
	hf_diag_set(r->diag, "line %u follows the end record: two files in one, or damage", r->line);
	return HF_ERR_ENCODING;
}

static enum hf_err no_end(struct reader *r)
{
	hf_diag_set(r->diag, "the end record is missing after line %u: the file is cut off", r->line);
	return HF_ERR_TRUNCATED;
}

/* Intel HEX: count, address (2, big-endian), type, data, checksum (the sum of all is 0). */
enum ihex_type {
	IHEX_DATA = 0,
	IHEX_END = 1,
	IHEX_SEGMENT = 2,
	IHEX_START_SEGMENT = 3,
	IHEX_LINEAR = 4,
	IHEX_START_LINEAR = 5,
};

struct ihex_base {
	uint32_t addr;
	bool segmented; /* offsets are 16 bits and wrap: such a record is refused */
	bool ended;
};

static enum hf_err ihex_data(struct reader *r, const struct ihex_base *base)
{
	uint32_t offset = load_be16(r->record + 1);
	uint8_t count = r->record[0];

	if (base->segmented && offset + count > 0x10000) {
		hf_diag_set(r->diag, "line %u runs over the end of its 64 KiB segment", r->line);
		return HF_ERR_RANGE;
	}
	if (base->addr + offset < base->addr) {
		hf_diag_set(r->diag, "line %u runs over the end of the address space", r->line);
		return HF_ERR_RANGE;
	}
	return put(r, base->addr + offset, r->record + 4, count);
}

static enum hf_err ihex_record(struct reader *r, struct ihex_base *base)
{
	static const uint8_t counts[] = {
		[IHEX_END] = 0,	   [IHEX_SEGMENT] = 2,	    [IHEX_START_SEGMENT] = 4,
		[IHEX_LINEAR] = 2, [IHEX_START_LINEAR] = 4,
	};
	char name[] = "00";
	uint8_t type = r->record[3];

	if (type == IHEX_DATA)
		return ihex_data(r, base);
	if (type > IHEX_START_LINEAR) {
		name[0] = "0123456789ABCDEF"[type >> 4];
		name[1] = "0123456789ABCDEF"[type & 15];
		return unknown_record(r, name);
	}
	if (r->record[0] != counts[type])
		return wrong_length(r);
	if (type == IHEX_SEGMENT || type == IHEX_LINEAR) {
		base->segmented = type == IHEX_SEGMENT;
		base->addr = (uint32_t)load_be16(r->record + 4) << (base->segmented ? 4 : 16);
	}
	base->ended = type == IHEX_END;
	return HF_OK;
}

enum hf_err hf_ihex_read(struct hf_flash_map *map, struct hf_bytes text, struct hf_diag *diag)
{
	struct reader r = {.next = text.ptr, .end = text.ptr + text.len, .map = map, .diag = diag};
	struct ihex_base base = {0};
	struct hf_bytes line;

	while (next_line(&r, &line)) {
		enum hf_err err;

		if (line.ptr[0] != ':') {
			hf_diag_set(diag, "line %u does not begin with a colon", r.line);
			return HF_ERR_ENCODING;
		}
		err = decode(&r, (struct hf_bytes){line.ptr + 1, line.len - 1});
		if (err)
			return err;
		if (r.len < 5 || r.len != r.record[0] + 5u)
			return wrong_length(&r);
		if (sum(r.record, r.len))
			return wrong_checksum(&r, r.record[r.len - 1], (uint8_t)-sum(r.record, r.len - 1));
		err = ihex_record(&r, &base);
		if (err)
			return err;
		if (base.ended)
			return at_end(&r);
	}
	return no_end(&r);
}

/* SREC: 'S', type, count (of what follows), address (2, 3 or 4, big-endian), data, checksum (the complement of the
 * sum). */
struct srec_state {
	uint32_t data_records;
	bool ended;
};

static enum hf_err srec_record(struct reader *r, struct srec_state *state, uint8_t type)
{
	static const uint8_t addr_bytes[] = {2, 2, 3, 4, 0, 2, 3, 4, 3, 2};
	char name[] = {'S', (char)type, 0};
	unsigned digit = (unsigned)(type - '0');
	uint32_t addr = 0;

	if (digit > 9 || digit == 4)
		return unknown_record(r, name);
	if (r->record[0] < addr_bytes[digit] + 1)
		return wrong_length(r);
	for (size_t i = 0; i < addr_bytes[digit]; i++)
		addr = addr << 8 | r->record[1 + i];
	if (digit >= 1 && digit <= 3) {
		state->data_records++;
		return put(r, addr, r->record + 1 + addr_bytes[digit], r->record[0] - addr_bytes[digit] - 1u);
	}
	if ((digit == 5 || digit == 6) && addr != (state->data_records & (digit == 5 ? 0xFFFF : 0xFFFFFF))) {
		hf_diag_set(r->diag, "line %u counts %u data records, but %u came: the file is damaged", r->line, addr,
			    state->data_records);
		return HF_ERR_ENCODING;
	}
	state->ended = digit >= 7;
	return HF_OK;
}

enum hf_err hf_srec_read(struct hf_flash_map *map, struct hf_bytes text, struct hf_diag *diag)
{
	struct reader r = {.next = text.ptr, .end = text.ptr + text.len, .map = map, .diag = diag};
	struct srec_state state = {0};
	struct hf_bytes line;

	while (next_line(&r, &line)) {
		enum hf_err err;

		if (line.ptr[0] != 'S' || line.len < 2) {
			hf_diag_set(diag, "line %u does not begin with S and a digit", r.line);
			return HF_ERR_ENCODING;
		}
		err = decode(&r, (struct hf_bytes){line.ptr + 2, line.len - 2});
		if (err)
			return err;
		if (r.len < 4 || r.len != r.record[0] + 1u)
			return wrong_length(&r);
		if (sum(r.record, r.len) != 0xFF)
			return wrong_checksum(&r, r.record[r.len - 1], (uint8_t)~sum(r.record, r.len - 1));
		err = srec_record(&r, &state, line.ptr[1]);
		if (err)
			return err;
		if (state.ended)
			return at_end(&r);
	}
	return no_end(&r);
}
