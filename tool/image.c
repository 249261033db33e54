/* SPDX-License-Identifier: MIT
 *
 * Two links of the same objects are the whole truth about addresses: what moves with the base differs by the difference
 * of the bases, and nothing else differs, whatever construct made the word (a veneer's literal, LONG(LOADADDR()), an
 * absolute symbol). So that is the way for firmware that can be linked again; relocations are only a check on it. The
 * way from one ELF is in image_one.c. Both end in the same function, which subtracts the base, writes the table and
 * looks at the vectors.
 *
 * One thing hides from two links: `movt r8, #0x802` is the word 0x0802F6C0, and with the base 0x60000 higher it differs 
 * by just that, while its MOVW stays the same. With bases that are no multiple of 64 KiB apart, MOVW differs, too, and
 * never by what an address would. So with rounder bases there must be relocations, which know MOVT.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "file.h"
#include "flash_map.h"
#include "image_parts.h"
#include "records.h"
#include "reloc.h"
#include "slot.h"

#define FILE_LIMIT   (256u << 20)
#define VECTOR_BYTES 8 /* stack pointer and reset vector: the two that boot looks at */
#define TABLE_HEAD   8
#define MOVT_STEP    0x10000u /* what moves by a multiple of it changes MOVT and not MOVW */

const char *hf_image_format_name(enum hf_image_format format)
{
	static const char *const names[] = {
		[HF_IMAGE_RAW] = "raw binary",
		[HF_IMAGE_ELF] = "ELF",
		[HF_IMAGE_HEX] = "Intel HEX",
		[HF_IMAGE_SREC] = "SREC",
	};

	return names[format];
}

static struct hf_span flash_of(const struct hf_layout *layout)
{
	struct hf_span flash = {layout->sector[0].addr, 0};

	for (unsigned i = 0; i < layout->sectors; i++)
		flash.size += layout->sector[i].size;
	return flash;
}

static enum hf_image_format recognise(struct hf_bytes file)
{
	if (file.len >= SELFMAG && !memcmp(file.ptr, ELFMAG, SELFMAG))
		return HF_IMAGE_ELF;
	if (hf_ihex_recognise(file))
		return HF_IMAGE_HEX;
	if (hf_srec_recognise(file))
		return HF_IMAGE_SREC;
	return HF_IMAGE_RAW;
}

static enum hf_err load_raw(struct hf_flash_map *map, struct hf_bytes file, uint32_t addr, struct hf_diag *diag)
{
	uint32_t clash;

	if (!hf_flash_map_holds(map, addr, file.len)) {
		hf_diag_set(diag, "%zu bytes at 0x%08X are not within the board's flash at 0x%08X, %u bytes", file.len,
			    addr, map->flash.addr, map->flash.size);
		return HF_ERR_RANGE;
	}
	(void)!hf_flash_map_put(map, addr, file.ptr, file.len, &clash); /* nothing else was put */
	return HF_OK;
}

static enum hf_err load(struct hf_firmware *fw, struct hf_flash_map *map, struct hf_bytes file,
			const uint32_t *raw_addr, struct hf_diag *diag)
{
	enum hf_err err;

	switch (fw->format) {
	case HF_IMAGE_ELF:
		err = hf_elf_open(&fw->elf, file, diag);
		return err ? err : hf_elf_load(fw->elf, map, diag);
	case HF_IMAGE_HEX:
		return hf_ihex_read(map, file, diag);
	case HF_IMAGE_SREC:
		return hf_srec_read(map, file, diag);
	default:
		return load_raw(map, file, *raw_addr, diag);
	}
}

static enum hf_err check_format(const struct hf_firmware *fw, struct hf_bytes file, const uint32_t *raw_addr,
				struct hf_diag *diag)
{
	if (!file.len) {
		hf_diag_set(diag, "the file is empty");
		return HF_ERR_TRUNCATED;
	}
	if (fw->format == HF_IMAGE_RAW && !raw_addr) {
		hf_diag_set(diag, "it is neither ELF nor Intel HEX nor SREC; a raw binary needs its address: FILE@0x08020400");
		return HF_ERR_TYPE;
	}
	if (fw->format != HF_IMAGE_RAW && raw_addr) {
		hf_diag_set(diag, "it is no raw binary but %s, which has its own addresses: leave the address out",
			    hf_image_format_name(fw->format));
		return HF_ERR_TYPE;
	}
	return HF_OK;
}

/* From the map to bytes, once everything was put. */
static enum hf_err take_bytes(struct hf_firmware *fw, const struct hf_flash_map *map, struct hf_diag *diag)
{
	if (map->low == map->high) {
		hf_diag_set(diag, "it holds nothing that is loaded into flash");
		return HF_ERR_TRUNCATED;
	}
	fw->addr = map->low;
	fw->len = map->high - map->low;
	fw->bytes = malloc(fw->len);
	if (!fw->bytes) {
		hf_diag_set(diag, "there is not enough memory to read it");
		return HF_ERR_TOO_LARGE;
	}
	memcpy(fw->bytes, map->bytes + (map->low - map->flash.addr), fw->len);
	return HF_OK;
}

enum hf_err hf_firmware_parse(struct hf_firmware *fw, const char *name, struct hf_bytes file, const uint32_t *raw_addr,
			      const struct hf_layout *layout, struct hf_diag *diag)
{
	struct hf_flash_map map = {0};
	enum hf_err err;

	*fw = (struct hf_firmware){.format = recognise(file), .name = strdup(name)};
	if (!fw->name) {
		err = hf_image_no_memory(fw, diag);
		goto fail;
	}
	err = check_format(fw, file, raw_addr, diag);
	if (err)
		goto fail_prefix;
	err = hf_flash_map_open(&map, flash_of(layout));
	if (err) {
		hf_diag_set(diag, "the board's flash of %u bytes is too large to read it into", flash_of(layout).size);
		goto fail_prefix;
	}
	err = load(fw, &map, file, raw_addr, diag);
	if (!err)
		err = take_bytes(fw, &map, diag);
	hf_flash_map_close(&map);
	if (!err)
		return HF_OK;
fail_prefix:
	hf_diag_prefix(diag, "%s: ", name);
fail:
	hf_firmware_free(fw);
	return err;
}

enum hf_err hf_firmware_read(struct hf_firmware *fw, const char *path, const uint32_t *raw_addr,
			     const struct hf_layout *layout, struct hf_diag *diag)
{
	struct hf_buffer file;
	enum hf_err err;

	*fw = (struct hf_firmware){0};
	err = hf_file_read(path, FILE_LIMIT, &file, diag);
	if (err)
		return err;
	err = hf_firmware_parse(fw, path, hf_buffer_bytes(&file), raw_addr, layout, diag);
	hf_buffer_free(&file);
	return err;
}

void hf_firmware_free(struct hf_firmware *fw)
{
	hf_elf_close(fw->elf);
	free(fw->bytes);
	free(fw->name);
	*fw = (struct hf_firmware){0};
}

uint32_t hf_firmware_word(const struct hf_firmware *fw, uint32_t i)
{
	uint8_t last[4] = {0xFF, 0xFF, 0xFF, 0xFF};

	if (fw->len - 4 * i >= 4)
		return load_le32(fw->bytes + 4 * (size_t)i);
	memcpy(last, fw->bytes + 4 * (size_t)i, fw->len % 4);
	return load_le32(last);
}

struct hf_place hf_firmware_place(const struct hf_firmware *fw, uint32_t addr)
{
	struct hf_place place = {""};
	char symbol[sizeof(place.text) - 4] = "";

	if (fw->elf)
		hf_elf_nearest(fw->elf, addr, symbol, sizeof(symbol));
	if (*symbol)
		snprintf(place.text, sizeof(place.text), " (%s)", symbol);
	return place;
}

enum hf_err hf_image_no_memory(const struct hf_firmware *fw, struct hf_diag *diag)
{
	hf_diag_set(diag, "%s: there is not enough memory", fw->name ? fw->name : "firmware");
	return HF_ERR_TOO_LARGE;
}

static bool in_ram(const struct hf_layout *layout, uint32_t sp)
{
	for (unsigned i = 0; i < HF_MAX_RAMS; i++)
		if (sp > layout->ram[i].addr && sp - layout->ram[i].addr <= layout->ram[i].size)
			return true;
	return false;
}

/* The same checks as boot's (core/slot.h), and that the table moves what has to move. */
static enum hf_err check_vectors(const struct hf_image_content *content, const struct hf_firmware *fw,
				 const uint8_t *marks, const struct hf_layout *layout, struct hf_diag *diag)
{
	uint32_t sp = content->stack_pointer, reset = content->reset_vector;

	if (sp % 4 || !in_ram(layout, sp)) {
		hf_diag_set(diag,
			    "%s: the word at 0x%08X, where the stack pointer should be, is 0x%08X, which is not in the "
			    "board's RAM: firmware begins with its vector table",
			    fw->name, fw->addr, sp);
		return HF_ERR_RANGE;
	}
	if (!(reset & 1) || reset < fw->addr || reset - fw->addr >= fw->len) {
		hf_diag_set(diag, "%s: the reset vector 0x%08X is not an odd address in the image (0x%08X, %u bytes)",
			    fw->name, reset, fw->addr, fw->len);
		return HF_ERR_RANGE;
	}
	if (marks && (marks[0] || !marks[1])) {
		hf_diag_set(diag, "%s: %s", fw->name,
			    marks[0] ? "the initial stack pointer would be relocated"
				     : "the reset vector would not be relocated");
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

/* Writes the table of core/reloc.h: head, index of each page's first entry, entries. */
static enum hf_err write_table(struct hf_image_content *content, const struct hf_firmware *fw, const uint8_t *marks,
			       struct hf_diag *diag)
{
	uint32_t words = content->image_bytes / 4;
	uint32_t pages = (words + HF_RELOC_PAGE_WORDS - 1) / HF_RELOC_PAGE_WORDS;
	uint32_t entries_at = TABLE_HEAD + 4 * (pages + 1), n = 0;

	for (uint32_t i = 0; i < words; i++)
		content->entries += marks[i];
	content->table_bytes = (entries_at + 2 * content->entries + 3) / 4 * 4;
	content->table = calloc(content->table_bytes, 1);
	if (!content->table)
		return hf_image_no_memory(fw, diag);
	content->table[0] = HF_RELOC_FORMAT;
	store_le16(content->table + 2, HF_RELOC_PAGE_WORDS);
	store_le32(content->table + 4, content->image_bytes);
	for (uint32_t i = 0; i < words; i++) {
		if (i % HF_RELOC_PAGE_WORDS == 0)
			store_le32(content->table + TABLE_HEAD + 4 * (i / HF_RELOC_PAGE_WORDS), n);
		if (marks[i])
			store_le16(content->table + entries_at + 2 * n++, (uint16_t)(i % HF_RELOC_PAGE_WORDS));
	}
	store_le32(content->table + TABLE_HEAD + 4 * pages, n);
	return HF_OK;
}

enum hf_err hf_image_finish(struct hf_image_content *content, const struct hf_firmware *fw, const uint8_t *marks,
			    const struct hf_layout *layout, struct hf_diag *diag)
{
	uint32_t words = hf_firmware_words(fw);
	enum hf_err err;

	if (fw->len < VECTOR_BYTES || fw->addr % HF_IMAGE_ALIGN) {
		hf_diag_set(
			diag,
			"%s: the image begins at 0x%08X and has %u bytes; it must begin at a multiple of %u, with its "
			"vector table",
			fw->name, fw->addr, fw->len, HF_IMAGE_ALIGN);
		return HF_ERR_RANGE;
	}
	content->link_addr = fw->addr;
	content->stack_pointer = hf_firmware_word(fw, 0);
	content->reset_vector = hf_firmware_word(fw, 1);
	err = check_vectors(content, fw, marks, layout, diag);
	if (err)
		return err;
	content->image_bytes = 4 * words;
	content->image = malloc(content->image_bytes);
	if (!content->image)
		return hf_image_no_memory(fw, diag);
	for (uint32_t i = 0; i < words; i++)
		store_le32(content->image + 4 * (size_t)i,
			   hf_firmware_word(fw, i) - (marks && marks[i] ? fw->addr : 0));
	return marks ? write_table(content, fw, marks, diag) : HF_OK;
}

static bool exact(const struct hf_firmware *a, const struct hf_firmware *b)
{
	return (b->addr - a->addr) % MOVT_STEP != 0;
}

static enum hf_err check_pair(const struct hf_firmware *a, const struct hf_firmware *b, struct hf_diag *diag)
{
	if (a->addr == b->addr) {
		hf_diag_set(diag, "%s and %s are both linked at 0x%08X; link the second at another address", a->name,
			    b->name, a->addr);
		return HF_ERR_RANGE;
	}
	if (a->len != b->len) {
		hf_diag_set(diag, "%s has %u bytes of flash, %s has %u: they are not two links of the same objects",
			    a->name, a->len, b->name, b->len);
		return HF_ERR_ENCODING;
	}
	if (!exact(a, b) && !(hf_image_has_relocs(a) && hf_image_has_relocs(b))) {
		hf_diag_set(diag,
			    "%s and %s are linked a multiple of 64 KiB apart, where an address in MOVW/MOVT can look like a "
			    "word: link with --emit-relocs, or the second at another address (0x%08X)",
			    a->name, b->name, b->addr + HF_IMAGE_ALIGN);
		return HF_ERR_UNSUPPORTED;
	}
	return HF_OK;
}

/* Marks what differs by the difference of the bases; anything else that differs is an error. */
static enum hf_err compare(uint8_t *marks, const struct hf_firmware *a, const struct hf_firmware *b,
			   struct hf_diag *diag)
{
	for (uint32_t i = 0; i < hf_firmware_words(a); i++) {
		uint32_t x = hf_firmware_word(a, i), y = hf_firmware_word(b, i), addr = a->addr + 4 * i;

		if (x == y)
			continue;
		if (y - x != b->addr - a->addr) {
			hf_diag_set(
				diag,
				"%s and %s differ at 0x%08X%s: 0x%08X and 0x%08X, and not by 0x%X as an address would: "
				"other objects, a build id or a time, an unaligned address, or one in MOVW/MOVT",
				a->name, b->name, addr, hf_firmware_place(a, addr).text, x, y, b->addr - a->addr);
			return HF_ERR_ENCODING;
		}
		marks[i] = 1;
	}
	return HF_OK;
}

enum hf_err hf_image_from_two(struct hf_image_content *content, const struct hf_firmware *a,
			      const struct hf_firmware *b, const struct hf_layout *layout, struct hf_diag *diag)
{
	uint8_t *marks = NULL;
	enum hf_err err;

	*content = (struct hf_image_content){0};
	err = check_pair(a, b, diag);
	if (err)
		return err;
	marks = calloc(hf_firmware_words(a), 1);
	if (!marks)
		return hf_image_no_memory(a, diag);
	err = compare(marks, a, b, diag);
	if (!err && a->elf)
		err = hf_image_check_relocs(a, marks, exact(a, b), diag);
	if (!err && b->elf)
		err = hf_image_check_relocs(b, marks, exact(a, b), diag);
	if (!err)
		err = hf_image_finish(content, a, marks, layout, diag);
	free(marks);
	if (err)
		hf_image_content_free(content);
	return err;
}

enum hf_err hf_image_fixed(struct hf_image_content *content, const struct hf_firmware *fw, struct hf_span slot,
			   const struct hf_layout *layout, struct hf_diag *diag)
{
	enum hf_err err;

	*content = (struct hf_image_content){0};
	if (fw->addr <= slot.addr || !hf_range_ok(fw->addr - slot.addr, hf_firmware_words(fw) * 4, slot.size) ||
	    (fw->addr - slot.addr) % HF_IMAGE_ALIGN) {
		hf_diag_set(diag,
			    "%s: it is linked at 0x%08X, %u bytes; for the slot at 0x%08X, %u bytes, it must begin a "
			    "multiple of %u behind the slot's beginning and end within it",
			    fw->name, fw->addr, fw->len, slot.addr, slot.size, HF_IMAGE_ALIGN);
		return HF_ERR_SLOT;
	}
	err = hf_image_finish(content, fw, NULL, layout, diag);
	if (err)
		hf_image_content_free(content);
	return err;
}

void hf_image_content_free(struct hf_image_content *content)
{
	free(content->table);
	free(content->image);
	free(content->warnings);
	*content = (struct hf_image_content){0};
}
