/* SPDX-License-Identifier: MIT */
#include "flash_image.h"

#include <stdlib.h>
#include <string.h>

static enum hf_err flash_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	const struct hf_flash_image *image = ctx;

	if (addr < image->addr || !hf_range_ok(addr - image->addr, len, image->size))
		return HF_ERR_RANGE;
	memcpy(buf, image->bytes + (addr - image->addr), len);
	return HF_OK;
}

static enum hf_err flash_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	struct hf_flash_image *image = ctx;
	const uint8_t *from = data;
	uint8_t *to;

	if (addr < image->addr || !hf_range_ok(addr - image->addr, len, image->size) || addr % HF_FLASH_WORD ||
	    len % HF_FLASH_WORD)
		return HF_ERR_RANGE;
	to = image->bytes + (addr - image->addr);
	for (size_t i = 0; i < len; i++) {
		to[i] &= from[i];
		if (to[i] != from[i])
			return HF_ERR_FLASH_PROGRAM;
	}
	return HF_OK;
}

static enum hf_err flash_erase(void *ctx, uint32_t addr)
{
	struct hf_flash_image *image = ctx;

	for (unsigned i = 0; i < image->layout->sectors; i++) {
		const struct hf_span *sector = &image->layout->sector[i];

		if (sector->addr == addr) {
			memset(image->bytes + (addr - image->addr), 0xff, sector->size);
			return HF_OK;
		}
	}
	return HF_ERR_RANGE;
}

enum hf_err hf_flash_image_open(struct hf_flash_image *image, const struct hf_layout *layout, struct hf_diag *diag)
{
	const struct hf_span *last = &layout->sector[layout->sectors - 1];

	*image = (struct hf_flash_image){.layout = layout, .addr = layout->sector[0].addr};
	image->size = last->addr + last->size - image->addr;
	image->flash = (struct hf_flash){image, flash_read, flash_program, flash_erase};
	image->bytes = malloc(image->size);
	if (image->bytes) {
		memset(image->bytes, 0xff, image->size);
		return HF_OK;
	}
	hf_diag_set(diag, "out of memory");
	return HF_ERR_IO;
}

void hf_flash_image_close(struct hf_flash_image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}

enum hf_err hf_flash_image_put(struct hf_flash_image *image, struct hf_span span, uint32_t addr,
			       struct hf_bytes bytes)
{
	if (addr < span.addr || !hf_range_ok(addr - span.addr, bytes.len, span.size))
		return HF_ERR_RANGE;
	memcpy(image->bytes + (addr - image->addr), bytes.ptr, bytes.len);
	return HF_OK;
}

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	memcpy(buf, (const uint8_t *)ctx + offset, len);
	return HF_OK;
}

enum hf_err hf_flash_image_install(struct hf_flash_image *image, unsigned place, const struct hf_package *package,
				   const struct hf_image *facts, struct hf_bytes content)
{
	static const uint8_t prefix[HF_SLOT_PREFIX_BYTES] = {0xd8, 0x6b, 0xa2};
	const struct hf_span span = *hf_layout_place(image->layout, place);
	struct hf_bytes head = package->envelope.head;
	uint8_t *placed = image->bytes + (facts->content_addr - image->addr);
	struct hf_reloc reloc;
	enum hf_err err;

	if (content.len != facts->content_bytes)
		return HF_ERR_RANGE;
	err = hf_flash_image_put(image, span, span.addr, (struct hf_bytes){prefix, sizeof(prefix)});
	if (!err)
		err = hf_flash_image_put(image, span, span.addr + sizeof(prefix), head);
	if (!err)
		err = hf_flash_image_put(image, span, facts->content_addr, content);
	if (!err)
		err = hf_reloc_open(&reloc, read_table, placed, facts->table_bytes, facts->image_bytes);
	if (!err)
		err = hf_reloc_check(&reloc);
	return err ? err
		   : hf_reloc_apply(&reloc, placed + facts->table_bytes, 0, facts->image_bytes, facts->image_addr);
}
