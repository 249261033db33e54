/* SPDX-License-Identifier: MIT
 *
 * The flash of a board while a file is read into it: every byte is FF until a record or segment puts another there, and
 * none is put twice. Which bytes were put is remembered byte by byte, so that records may come in any order, and two
 * that claim one address are told apart from a gap.
 */
#ifndef HF_FLASH_MAP_H
#define HF_FLASH_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "layout.h"

struct hf_flash_map {
	struct hf_span flash;
	uint8_t *bytes; /* flash.size, on the heap */
	uint8_t *used;  /* flash.size: 1 where a byte was put */
	uint32_t low;   /* the lowest address put, and the one behind the highest; low == high: none yet */
	uint32_t high;
};

#define HF_FLASH_MAP_MAX (64u << 20)

/* HF_ERR_RANGE: no flash, or more than HF_FLASH_MAP_MAX; HF_ERR_TOO_LARGE: no memory. After an error it is closed. */
HF_MUST_USE enum hf_err hf_flash_map_open(struct hf_flash_map *map, struct hf_span flash);

void hf_flash_map_close(struct hf_flash_map *map);

/* True if [addr, addr + len) lies in flash. */
bool hf_flash_map_holds(const struct hf_flash_map *map, uint32_t addr, size_t len);

/* Puts bytes at an address where hf_flash_map_holds; false if one was put before: its address is in *clash, and the map
 * is unchanged. */
HF_MUST_USE bool hf_flash_map_put(struct hf_flash_map *map, uint32_t addr, const uint8_t *bytes, size_t len,
				  uint32_t *clash);

#endif
