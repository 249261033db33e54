/* SPDX-License-Identifier: MIT */
#include "firmware.h"

#include <string.h>

#include "../core/bytes.h"

enum {
	EHDR_BYTES = 52,
	PHDR_BYTES = 32,
	SHDR_BYTES = 40,
	SYM_BYTES = 16,
	ET_EXEC = 2,
	EM_ARM = 40,
	PT_LOAD = 1,
	SHT_SYMTAB = 2,
	STT_FUNC = 2,
};

enum hf_err hf_firmware_open(struct hf_firmware *firmware, const void *elf, size_t len)
{
	const uint8_t *p = elf;

	if (len < EHDR_BYTES || memcmp(p, "\177ELF\1\1", 6) != 0 || load_le16(p + 16) != ET_EXEC ||
	    load_le16(p + 18) != EM_ARM || load_le16(p + 42) != PHDR_BYTES)
		return HF_ERR_ENCODING;
	*firmware = (struct hf_firmware){ .elf = p, .len = len, .entry = load_le32(p + 24),
					  .segments_at = load_le32(p + 28), .segments = load_le16(p + 44),
					  .sections_at = load_le32(p + 32), .sections = load_le16(p + 48) };
	if (!hf_range_ok(firmware->segments_at, (size_t)firmware->segments * PHDR_BYTES, len))
		return HF_ERR_TRUNCATED;
	if (firmware->sections && (load_le16(p + 46) != SHDR_BYTES ||
				   !hf_range_ok(firmware->sections_at, (size_t)firmware->sections * SHDR_BYTES, len)))
		return HF_ERR_TRUNCATED;
	return HF_OK;
}

bool hf_firmware_segment(const struct hf_firmware *firmware, uint32_t i, struct hf_firmware_segment *segment)
{
	const uint8_t *p = firmware->elf + firmware->segments_at + (size_t)i * PHDR_BYTES;
	uint32_t offset = load_le32(p + 4);

	segment->run_addr = load_le32(p + 8);
	segment->load_addr = load_le32(p + 12);
	segment->len = load_le32(p + 16);
	if (load_le32(p) != PT_LOAD || !segment->len || !hf_range_ok(offset, segment->len, firmware->len))
		return false;
	segment->bytes = firmware->elf + offset;
	return true;
}

static bool named(const struct hf_firmware *firmware, uint32_t strings, uint32_t offset, const char *name)
{
	const uint8_t *p = firmware->elf + firmware->sections_at + (size_t)strings * SHDR_BYTES;
	uint32_t at = load_le32(p + 16), size = load_le32(p + 20);
	size_t len = strlen(name) + 1;

	return hf_range_ok(at, size, firmware->len) && hf_range_ok(offset, len, size) &&
	       memcmp(firmware->elf + at + offset, name, len) == 0;
}

enum hf_err hf_firmware_symbol(const struct hf_firmware *firmware, const char *name, uint32_t *addr)
{
	for (uint32_t s = 0; s < firmware->sections; s++) {
		const uint8_t *p = firmware->elf + firmware->sections_at + (size_t)s * SHDR_BYTES;
		uint32_t at = load_le32(p + 16), size = load_le32(p + 20), strings = load_le32(p + 24);

		if (load_le32(p + 4) != SHT_SYMTAB || !hf_range_ok(at, size, firmware->len) ||
		    strings >= firmware->sections)
			continue;
		for (uint32_t off = 0; off + SYM_BYTES <= size; off += SYM_BYTES) {
			const uint8_t *symbol = firmware->elf + at + off;

			if (load_le16(symbol + 14) == 0 || !named(firmware, strings, load_le32(symbol), name))
				continue;
			*addr = load_le32(symbol + 4);
			if ((symbol[12] & 15) == STT_FUNC)
				*addr &= ~1u;
			return HF_OK;
		}
	}
	return HF_ERR_NOT_FOUND;
}
