/* SPDX-License-Identifier: MIT
 *
 * A byte of flash and a byte of "was put" for each address: two megabytes for a chip of one. A list of ranges would be
 * smaller, and would need merging and searching; a flash is small enough not to.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "flash_map.h"

enum hf_err hf_flash_map_open(struct hf_flash_map *map, struct hf_span flash)
{
	*map = (struct hf_flash_map){.flash = flash};
	if (!flash.size || flash.size > HF_FLASH_MAP_MAX || flash.addr > UINT32_MAX - flash.size)
		return HF_ERR_RANGE;
	map->bytes = malloc(flash.size);
	map->used = calloc(flash.size, 1);
	if (!map->bytes || !map->used) {
		hf_flash_map_close(map);
		return HF_ERR_TOO_LARGE;
	}
	memset(map->bytes, 0xFF, flash.size);
	return HF_OK;
}

void hf_flash_map_close(struct hf_flash_map *map)
{
	free(map->bytes);
	free(map->used);
	*map = (struct hf_flash_map){0};
}

bool hf_flash_map_holds(const struct hf_flash_map *map, uint32_t addr, size_t len)
{
	return addr >= map->flash.addr && hf_range_ok(addr - map->flash.addr, len, map->flash.size);
}

bool hf_flash_map_put(struct hf_flash_map *map, uint32_t addr, const uint8_t *bytes, size_t len, uint32_t *clash)
{
	uint32_t at = addr - map->flash.addr;

	if (!len)
		return true;
	const uint8_t *taken = memchr(map->used + at, 1, len);
	if (taken) {
		*clash = map->flash.addr + (uint32_t)(taken - map->used);
		return false;
	}
	memcpy(map->bytes + at, bytes, len);
	memset(map->used + at, 1, len);
	if (map->low == map->high) {
		map->low = addr;
		map->high = addr + (uint32_t)len;
	}
	if (addr < map->low)
		map->low = addr;
	if (addr + len > map->high)
		map->high = addr + (uint32_t)len;
	return true;
}
