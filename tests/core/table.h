/* SPDX-License-Identifier: MIT
 *
 * Makes relocation tables for tests, written after docs/FORMAT.md and not after the reader.
 */
#ifndef HF_TESTS_TABLE_H
#define HF_TESTS_TABLE_H

#include "bytes.h"

/* words: ascending word indices. Returns the table's length; buf needs 8 + 4 (pages + 1) + 2 n + 3 bytes. */
static inline uint32_t make_table(uint8_t *buf, const uint32_t *words, uint32_t n, uint32_t image_bytes)
{
	uint32_t pages = (image_bytes + 4095) / 4096, at = 8 + 4 * (pages + 1), i = 0;

	buf[0] = 1;
	buf[1] = 0;
	store_le16(buf + 2, 1024);
	store_le32(buf + 4, image_bytes);
	for (uint32_t page = 0; page <= pages; page++) {
		while (i < n && words[i] / 1024 < page)
			i++;
		store_le32(buf + 8 + 4 * page, page == pages ? n : i);
	}
	for (i = 0; i < n; i++, at += 2)
		store_le16(buf + at, (uint16_t)(words[i] % 1024));
	while (at % 4 != 0)
		buf[at++] = 0;
	return at;
}

#endif
