/* SPDX-License-Identifier: MIT
 *
 * Relocation: one image, either slot.
 *
 * The component's content is table || canonical image. The canonical image is the image as if it were linked at 0; the
 * table lists the 32-bit words that hold an address inside the image. Installing adds the address where the image will
 * lie, verifying subtracts it again before hashing, so that one digest holds in both slots.
 *
 * Table, little-endian (docs/FORMAT.md):
 *   u8 format = 1, u8 0, u16 page words = 1024, u32 image bytes (multiple of 4),
 *   u32 start[pages + 1]          index of a page's first entry; start[0] = 0, ascending
 *   u16 entry[start[pages]]       word index within its page, strictly ascending
 *   padding of 0 to a multiple of 4
 * Paged, so that any page of the image can be relocated on its own, in any order, from the table in flash.
 */
#ifndef HF_RELOC_H
#define HF_RELOC_H

#include "flash.h"

#define HF_RELOC_FORMAT     1
#define HF_RELOC_PAGE_WORDS 1024u
#define HF_RELOC_PAGE_BYTES (HF_RELOC_PAGE_WORDS * 4u)

/* Reads table bytes; offset and length are within the table. Lets one implementation serve flash and memory. */
typedef enum hf_err hf_reloc_read(void *ctx, uint32_t offset, void *buf, size_t len);

struct hf_reloc {
	hf_reloc_read *read;
	void *ctx;
	uint32_t table_bytes;
	uint32_t image_bytes;
	uint32_t pages;
	uint32_t entries;
};

/* table_bytes == 0 is legal and means an image that is not relocated (a pair of fixed builds); image_bytes is then
 * taken as given. HF_ERR_ENCODING, HF_ERR_RANGE, HF_ERR_UNSUPPORTED (format), or what read returns. */
HF_MUST_USE enum hf_err hf_reloc_open(struct hf_reloc *reloc, hf_reloc_read *read, void *ctx, uint32_t table_bytes,
				      uint32_t image_bytes);

/* Checks all of the table: order, ranges, padding. */
HF_MUST_USE enum hf_err hf_reloc_check(const struct hf_reloc *reloc);

/* Adds delta to the listed words in buf, which holds image bytes [offset, offset + len); offset and len are multiples
 * of 4. To undo, pass the two's complement. buf is unspecified after an error (entries out of order or range). */
HF_MUST_USE enum hf_err hf_reloc_apply(const struct hf_reloc *reloc, uint8_t *buf, uint32_t offset, uint32_t len,
				       uint32_t delta);

#endif
