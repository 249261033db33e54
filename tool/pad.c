/* SPDX-License-Identifier: MIT
 *
 * The padding is a SHA-256 of a counter, over and over. It is never executed and holds no address, so the table keeps
 * its entries and only learns of more pages.
 */
#include "pad.h"

#include <stdlib.h>
#include <string.h>

#include "host_crypto.h"
#include "reloc.h"

#define HEAD_BYTES 8 /* format, page words, image bytes */

static uint32_t pages_of(uint32_t image_bytes)
{
	return (image_bytes + HF_RELOC_PAGE_BYTES - 1) / HF_RELOC_PAGE_BYTES;
}

/* The table's pages grow from old to new: their start indices are inserted, the entries move behind them. */
static bool grow_table(struct hf_image_content *c, uint32_t size)
{
	uint32_t old_starts = pages_of(c->image_bytes) + 1, new_starts = pages_of(size) + 1;
	uint32_t entry_bytes = c->table_bytes - HEAD_BYTES - 4 * old_starts;
	uint32_t bytes = HEAD_BYTES + 4 * new_starts + entry_bytes;
	uint8_t *table = malloc(bytes);

	if (!table)
		return false;
	memcpy(table, c->table, HEAD_BYTES + 4 * old_starts);
	store_le32(table + 4, size);
	for (uint32_t i = old_starts; i < new_starts; i++)
		store_le32(table + HEAD_BYTES + 4 * i, c->entries);
	memcpy(table + HEAD_BYTES + 4 * new_starts, c->table + HEAD_BYTES + 4 * old_starts, entry_bytes);
	free(c->table);
	c->table = table;
	c->table_bytes = bytes;
	return true;
}

static void fill(uint8_t *to, uint32_t len)
{
	uint8_t counter[4], block[HF_SHA256_BYTES];

	for (uint32_t at = 0; at < len; at += sizeof(block)) {
		store_le32(counter, at);
		hf_sha256_of((struct hf_bytes){counter, sizeof(counter)}, block);
		memcpy(to + at, block, len - at < sizeof(block) ? len - at : sizeof(block));
	}
}

enum hf_err hf_image_pad(struct hf_image_content *c, uint32_t size, struct hf_diag *diag)
{
	uint8_t *image;

	if (size < c->image_bytes || size % 4) {
		hf_diag_set(diag, "the image has %u bytes; it can be padded to a larger multiple of 4, not to %u",
			    c->image_bytes, size);
		return HF_ERR_RANGE;
	}
	image = realloc(c->image, size);
	if (image)
		c->image = image;
	if (!image || (c->table_bytes && !grow_table(c, size))) {
		hf_diag_set(diag, "out of memory");
		return HF_ERR_IO;
	}
	fill(c->image + c->image_bytes, size - c->image_bytes);
	c->image_bytes = size;
	return HF_OK;
}
