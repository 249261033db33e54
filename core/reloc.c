/* SPDX-License-Identifier: MIT
 *
 * Relocation by page. A page's entries are read in small pieces through the caller's function, straight from flash, so
 * that no table needs to fit RAM. Every index is checked where it is used: an image is relocated while it is hashed,
 * which is before its table is known to be the signed one.
 */
#include "reloc.h"

#include "bytes.h"

#define HEADER_BYTES 8u
#define ENTRY_BYTES  2u
#define CHUNK        64u /* entries read at once */

static uint32_t start_offset(uint32_t page)
{
	return HEADER_BYTES + 4 * page;
}

static uint32_t entry_offset(const struct hf_reloc *reloc, uint32_t index)
{
	return start_offset(reloc->pages + 1) + ENTRY_BYTES * index;
}

static enum hf_err read_header(struct hf_reloc *reloc)
{
	uint8_t header[HEADER_BYTES], bound[4];
	enum hf_err err = reloc->read(reloc->ctx, 0, header, sizeof(header));

	if (err)
		return err;
	if (header[0] != HF_RELOC_FORMAT || header[1] != 0 || load_le16(header + 2) != HF_RELOC_PAGE_WORDS)
		return HF_ERR_UNSUPPORTED;
	if (load_le32(header + 4) != reloc->image_bytes)
		return HF_ERR_RANGE;
	err = reloc->read(reloc->ctx, start_offset(reloc->pages), bound, sizeof(bound));
	reloc->entries = load_le32(bound);
	return err;
}

enum hf_err hf_reloc_open(struct hf_reloc *reloc, hf_reloc_read *read, void *ctx, uint32_t table_bytes,
			  uint32_t image_bytes)
{
	*reloc = (struct hf_reloc){ .read = read, .ctx = ctx, .table_bytes = table_bytes, .image_bytes = image_bytes };
	if (image_bytes % 4 != 0)
		return HF_ERR_RANGE;
	if (table_bytes == 0)
		return HF_OK;
	reloc->pages = image_bytes / HF_RELOC_PAGE_BYTES + (image_bytes % HF_RELOC_PAGE_BYTES != 0);

	/* Both sums stay far below 2^32: an image has at most 2^20 pages. */
	uint32_t fixed = entry_offset(reloc, 0);
	if (table_bytes < fixed)
		return HF_ERR_RANGE;
	enum hf_err err = read_header(reloc);
	if (err)
		return err;
	if (reloc->entries > image_bytes / 4 || ((fixed + ENTRY_BYTES * reloc->entries + 3) & ~3u) != table_bytes)
		return HF_ERR_RANGE;
	return HF_OK;
}

/* Where a page's entries begin and how many they are. */
static enum hf_err page_entries(const struct hf_reloc *reloc, uint32_t page, uint32_t *first, uint32_t *count)
{
	uint8_t bounds[8];
	enum hf_err err = reloc->read(reloc->ctx, start_offset(page), bounds, sizeof(bounds));

	if (err)
		return err;
	uint32_t begin = load_le32(bounds), end = load_le32(bounds + 4);
	if ((page == 0 && begin != 0) || begin > end || end > reloc->entries)
		return HF_ERR_ENCODING;
	*first = begin;
	*count = end - begin;
	return HF_OK;
}

/* What of an image is in memory; len 0: nothing, the table is only checked. */
struct window {
	uint8_t *buf;
	uint32_t offset, len, delta;
};

/* Adds to the word at this offset in the image, if it is in the window. */
static void relocate(const struct window *w, uint32_t at)
{
	uint32_t in = at - w->offset; /* wraps to a large number in front of the window */

	if (in < w->len)
		store_le32(w->buf + in, load_le32(w->buf + in) + w->delta);
}

static enum hf_err relocate_page(const struct hf_reloc *reloc, uint32_t page, const struct window *w)
{
	uint32_t base = page * HF_RELOC_PAGE_BYTES;
	uint32_t words = (reloc->image_bytes - base) / 4, floor = 0;
	uint32_t index, count;
	uint8_t chunk[CHUNK * ENTRY_BYTES];
	enum hf_err err = page_entries(reloc, page, &index, &count);

	if (err)
		return err;
	if (words > HF_RELOC_PAGE_WORDS)
		words = HF_RELOC_PAGE_WORDS;
	while (count > 0) {
		uint32_t n = count < CHUNK ? count : CHUNK;
		err = reloc->read(reloc->ctx, entry_offset(reloc, index), chunk, n * ENTRY_BYTES);
		if (err)
			return err;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t word = load_le16(chunk + ENTRY_BYTES * i);
			if (word < floor || word >= words)
				return HF_ERR_ENCODING;
			floor = word + 1;
			relocate(w, base + 4 * word);
		}
		index += n;
		count -= n;
	}
	return HF_OK;
}

enum hf_err hf_reloc_check(const struct hf_reloc *reloc)
{
	const struct window nothing = { .len = 0 };
	uint32_t end = entry_offset(reloc, reloc->entries);
	uint8_t padding[2] = { 0, 0 };
	enum hf_err err = HF_OK;

	for (uint32_t page = 0; page < reloc->pages && !err; page++)
		err = relocate_page(reloc, page, &nothing);
	if (err || reloc->table_bytes == 0)
		return err;
	if (end < reloc->table_bytes)
		err = reloc->read(reloc->ctx, end, padding, sizeof(padding));
	return err ? err : padding[0] || padding[1] ? HF_ERR_ENCODING : HF_OK;
}

enum hf_err hf_reloc_apply(const struct hf_reloc *reloc, uint8_t *buf, uint32_t offset, uint32_t len, uint32_t delta)
{
	const struct window w = { buf, offset, len, delta };
	enum hf_err err = HF_OK;

	if (reloc->table_bytes == 0 || len == 0)
		return HF_OK;
	if ((offset | len) % 4 != 0 || !hf_range_ok(offset, len, reloc->image_bytes))
		return HF_ERR_RANGE;
	uint32_t last = (offset + len - 1) / HF_RELOC_PAGE_BYTES;
	for (uint32_t page = offset / HF_RELOC_PAGE_BYTES; page <= last && !err; page++)
		err = relocate_page(reloc, page, &w);
	return err;
}
