/* SPDX-License-Identifier: MIT
 *
 * Damaged and hostile ELF files: a good one with one thing changed, and the sentence that must come of it.
 */
#include <elf.h>

#include "elf_file.h"
#include "image_fixture.h"

/* The offset of a section's header in the file. */
static uint32_t header_of(const struct hf_buffer *file, const char *name)
{
	struct hf_diag diag;
	struct hf_elf *elf;
	uint32_t i;

	assert_int_equal(hf_elf_open(&elf, hf_buffer_bytes(file), &diag), HF_OK);
	for (i = 0; i < elf->sections && strcmp(elf->section[i].name, name); i++)
		;
	assert_true(i < elf->sections);
	hf_elf_close(elf);
	return load_le32(file->ptr + offsetof(Elf32_Ehdr, e_shoff)) + i * (uint32_t)sizeof(Elf32_Shdr);
}

static uint32_t content_of(const struct hf_buffer *file, const char *name)
{
	return load_le32(file->ptr + header_of(file, name) + offsetof(Elf32_Shdr, sh_offset));
}

static uint32_t size_of(const struct hf_buffer *file, const char *name)
{
	return load_le32(file->ptr + header_of(file, name) + offsetof(Elf32_Shdr, sh_size));
}

static uint32_t segment_header(const struct hf_buffer *file, uint32_t i)
{
	return load_le32(file->ptr + offsetof(Elf32_Ehdr, e_phoff)) + i * (uint32_t)sizeof(Elf32_Phdr);
}

/* Packs the file from one ELF; the refusal must be `err` and say `what`. */
static void assert_refused(const struct hf_buffer *file, enum hf_err want, const char *what)
{
	struct hf_image_content c = {0};
	struct hf_diag diag = {""};
	struct hf_firmware fw;
	enum hf_err err = hf_firmware_parse(&fw, "f", hf_buffer_bytes(file), NULL, &board, &diag);

	if (!err)
		err = hf_image_from_one(&c, &fw, &board, &diag);
	hf_firmware_free(&fw);
	hf_image_content_free(&c);
	if (err != want)
		fail_msg("error %d instead of %d for \"%s\": %s", err, want, what, diag.text);
	assert_says(&diag, "f: ");
	assert_says(&diag, what);
}

static void other_machines_and_kinds_are_refused(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value;
		const char *says;
	} cases[] = {
		{EI_CLASS, ELFCLASS64, "a 64-bit ELF file"},
		{EI_DATA, ELFDATA2MSB, "a big-endian ELF file"},
		{offsetof(Elf32_Ehdr, e_machine), EM_386, "another processor"},
		{offsetof(Elf32_Ehdr, e_type), ET_REL, "not linked yet"},
		{offsetof(Elf32_Ehdr, e_type), ET_DYN, "position-independent"},
		{offsetof(Elf32_Ehdr, e_type), ET_CORE, "no executable"},
	};
	struct hf_buffer file = fixture("none-a.elf");

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		uint8_t was = file.ptr[cases[i].at];

		file.ptr[cases[i].at] = cases[i].value;
		assert_refused(&file, HF_ERR_UNSUPPORTED, cases[i].says);
		file.ptr[cases[i].at] = was;
	}
	hf_buffer_free(&file);
	file = fixture("none.o");
	assert_refused(&file, HF_ERR_UNSUPPORTED, "not linked yet");
	hf_buffer_free(&file);
}

static void every_truncation_is_refused(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	struct hf_diag diag;
	struct hf_elf *elf;

	(void)state;
	for (size_t len = 0; len < file.len; len++) {
		assert_int_equal(hf_elf_open(&elf, (struct hf_bytes){file.ptr, len}, &diag), HF_ERR_TRUNCATED);
		assert_null(elf);
	}
	file.len = 40;
	assert_refused(&file, HF_ERR_TRUNCATED, "the ELF header at offset 0x0, 52 bytes");
	hf_buffer_free(&file);
}

/* Places a value of 2 or 4 bytes, looks at the refusal, and puts back what was there. */
static void assert_refused_with(struct hf_buffer *file, uint32_t at, uint32_t value, size_t width, enum hf_err err,
				const char *says)
{
	uint8_t was[4], now[4];

	store_le32(now, value);
	memcpy(was, file->ptr + at, width);
	memcpy(file->ptr + at, now, width);
	assert_refused(file, err, says);
	memcpy(file->ptr + at, was, width);
}

static void damaged_headers_are_refused(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	uint32_t text = header_of(&file, ".text"), symtab = header_of(&file, ".symtab");
	uint32_t strtab = content_of(&file, ".strtab") + size_of(&file, ".strtab") - 1;
	uint32_t rel = header_of(&file, ".rel.text");

	(void)state;
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_phentsize), 56, 2, HF_ERR_ENCODING,
			    "program header table has 56");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_shentsize), 64, 2, HF_ERR_ENCODING,
			    "section header table has 64");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_phoff), 0xFFFFFFF0, 4, HF_ERR_TRUNCATED,
			    "program header table at");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_shoff), 0xFFFFFFF0, 4, HF_ERR_TRUNCATED,
			    "section header table at");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_shnum), 0xFFFF, 2, HF_ERR_TRUNCATED,
			    "section header table at");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_shstrndx), 0xFFFF, 2, HF_ERR_ENCODING,
			    "section 65535 should hold");
	assert_refused_with(&file, offsetof(Elf32_Ehdr, e_shstrndx), 1, 2, HF_ERR_ENCODING,
			    "section 1 should hold names");
	assert_refused_with(&file, text + offsetof(Elf32_Shdr, sh_size), 0xFFFFFFFF, 4, HF_ERR_TRUNCATED,
			    "a section at");
	assert_refused_with(&file, text + offsetof(Elf32_Shdr, sh_offset), 0x7FFFFFFF, 4, HF_ERR_TRUNCATED,
			    "a section at");
	assert_refused_with(&file, symtab + offsetof(Elf32_Shdr, sh_entsize), 8, 4, HF_ERR_ENCODING,
			    "entries of 8 bytes");
	assert_refused_with(&file, symtab + offsetof(Elf32_Shdr, sh_link), 0x1000, 4, HF_ERR_ENCODING,
			    "section 4096 should");
	assert_refused_with(&file, strtab, 'x', 1, HF_ERR_ENCODING, "should hold names");
	assert_refused_with(&file, rel + offsetof(Elf32_Shdr, sh_entsize), 12, 4, HF_ERR_ENCODING, ".rel.text are not");
	assert_refused_with(&file, rel + offsetof(Elf32_Shdr, sh_type), SHT_RELA, 4, HF_ERR_ENCODING,
			    ".rel.text are not");
	assert_refused_with(&file, rel + offsetof(Elf32_Shdr, sh_size), 12, 4, HF_ERR_ENCODING, ".rel.text are not");
	hf_buffer_free(&file);
}

static void impossible_addresses_are_refused(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	uint32_t first = segment_header(&file, 0), data = segment_header(&file, 1);
	uint32_t section = header_of(&file, ".data");

	(void)state;
	assert_int_equal(load_le32(file.ptr + data + offsetof(Elf32_Phdr, p_vaddr)), 0x20000000);
	assert_refused_with(&file, first + offsetof(Elf32_Phdr, p_filesz), 0xFFFFFF, 4, HF_ERR_TRUNCATED,
			    "a segment at");
	assert_refused_with(&file, first + offsetof(Elf32_Phdr, p_memsz), 1, 4, HF_ERR_RANGE, "impossible sizes");
	assert_refused_with(&file, first + offsetof(Elf32_Phdr, p_paddr), 0xFFFFFFF0, 4, HF_ERR_RANGE,
			    "impossible sizes");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_memsz), 0xFFFFFFFF, 4, HF_ERR_RANGE,
			    "impossible sizes");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_paddr), BASE_A + 0x44, 4, HF_ERR_RANGE,
			    ".data is loaded at 0x08020244");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_paddr), BASE_A + 0x44, 4, HF_ERR_RANGE,
			    "there already");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_paddr), 0x20000000, 4, HF_ERR_RANGE,
			    "outside the board's flash");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_paddr), 0x080FFFFC, 4, HF_ERR_RANGE,
			    "outside the board's flash");
	assert_refused_with(&file, data + offsetof(Elf32_Phdr, p_type), PT_NOTE, 4, HF_ERR_RANGE,
			    ".data at 0x20000000");
	assert_refused_with(&file, section + offsetof(Elf32_Shdr, sh_offset), 0, 4, HF_ERR_RANGE,
			    "no segment holds it");
	hf_buffer_free(&file);
	file = fixture("inram-a.elf");
	assert_refused(&file, HF_ERR_RANGE, ".vectors is loaded at 0x20010000");
	hf_buffer_free(&file);
}

static void damaged_relocations_are_refused(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	uint32_t rel = content_of(&file, ".rel.vectors"); /* the first is for _estack, the second for reset_handler */
	uint32_t reset = content_of(&file, ".vectors") + 4;

	(void)state;
	assert_refused_with(&file, rel, 0x08030000, 4, HF_ERR_RANGE, "relocation 0 of .rel.vectors is for 0x08030000");
	assert_refused_with(&file, rel + 8, BASE_A + 0x3E, 4, HF_ERR_RANGE,
			    "relocation 1 of .rel.vectors is for 0x0802023E");
	assert_refused_with(&file, rel + 4, 0xFFFFFF02, 4, HF_ERR_ENCODING,
			    "relocation 0 of .rel.vectors names no symbol");
	assert_refused_with(&file, rel + 12, 200, 1, HF_ERR_UNSUPPORTED, "type 200 at 0x08020204 (vectors+0x4)");
	assert_refused_with(&file, rel + 12, R_ARM_NONE, 1, HF_ERR_RANGE, "the reset vector would not be relocated");
	assert_refused_with(&file, rel + 8, BASE_A, 4, HF_ERR_UNSUPPORTED, "no address near the image");
	assert_refused_with(&file, reset, 0x20000001, 4, HF_ERR_UNSUPPORTED, "no address near the image");
	hf_buffer_free(&file);
}

/* The offset in the file of the instruction in flash that calls a function in RAM over a veneer. */
static uint32_t call_over_veneer(const struct hf_buffer *file)
{
	struct hf_diag diag;
	struct hf_elf *elf;
	uint32_t at = 0;

	assert_int_equal(hf_elf_open(&elf, hf_buffer_bytes(file), &diag), HF_OK);
	for (uint32_t i = 0; i < elf->sections; i++) {
		const struct hf_elf_section *rel = &elf->section[i];
		struct hf_elf_reloc reloc;

		for (uint32_t j = 0; !strcmp(rel->name, ".rel.text") && j < rel->size / 8; j++)
			if (hf_elf_reloc_at(elf, rel, j, &reloc) &&
			    !strcmp(elf->symbol[reloc.symbol].name, "in_ram_near"))
				at = elf->section[rel->info].offset + reloc.place - elf->section[rel->info].addr;
	}
	hf_elf_close(elf);
	assert_int_not_equal(at, 0);
	return at;
}

/* BL .-0x40 stays in the image, as a veneer in front of the call would; BL .+0x100004 and .-0x3FFFFC do not. */
static void branch_destinations_are_decoded(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	uint32_t call = call_over_veneer(&file);
	struct hf_image_content c;
	struct hf_firmware fw;
	struct hf_diag diag;

	(void)state;
	store_le32(file.ptr + call, 0xFFDEF7FF);
	assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&file), NULL, &board, &diag), HF_OK);
	if (hf_image_from_one(&c, &fw, &board, &diag))
		fail_msg("%s", diag.text);
	hf_image_content_free(&c);
	hf_firmware_free(&fw);
	assert_refused_with(&file, call, 0xF800F100, 4, HF_ERR_UNSUPPORTED, "in_ram_near (0x2000");
	assert_refused_with(&file, call, 0xF800F400, 4, HF_ERR_UNSUPPORTED, "do not move together");
	hf_buffer_free(&file);
}

/* A strong symbol that nobody defined: ld refuses it, --unresolved-symbols=ignore-all does not. */
static void undefined_strong_symbol_is_refused(void **state)
{
	struct hf_buffer file = fixture("none-a.elf");
	struct hf_diag diag;
	struct hf_elf *elf;
	uint32_t i, info;

	(void)state;
	assert_int_equal(hf_elf_open(&elf, hf_buffer_bytes(&file), &diag), HF_OK);
	for (i = 0; i < elf->symbols && strcmp(elf->symbol[i].name, "nobody_defines"); i++)
		;
	assert_true(i < elf->symbols);
	assert_int_equal(elf->symbol[i].binding, STB_WEAK);
	hf_elf_close(elf);
	info = content_of(&file, ".symtab") + i * (uint32_t)sizeof(Elf32_Sym) + offsetof(Elf32_Sym, st_info);
	assert_refused_with(&file, info, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), 1, HF_ERR_UNSUPPORTED,
			    "against nobody_defines (0x00000000) cannot be relocated: the symbol is undefined");
	hf_buffer_free(&file);
}

static void names_from_the_file_are_printable(void **state)
{
	struct hf_buffer file = fixture("beyond-a.elf");
	uint8_t *name = memmem(file.ptr, file.len, "_beyond", sizeof("_beyond"));

	(void)state;
	assert_non_null(name);
	memcpy(name, "_\033[2J\x07\xFF", 7);
	assert_refused(&file, HF_ERR_UNSUPPORTED, "against _?[2J?? (0x0812");
	hf_buffer_free(&file);
}

/* A file without section headers is loaded by its segments, and is good enough for one of two links. */
static void file_without_sections_loads_by_segments(void **state)
{
	struct hf_buffer file = fixture("none-a.elf"), bin = fixture("none-a.bin");
	struct hf_firmware fw, other = firmware("none-b.elf", NULL);
	struct hf_image_content c, want = from_two("none-a.elf", "none-b.elf");
	struct hf_diag diag;

	(void)state;
	memset(file.ptr + offsetof(Elf32_Ehdr, e_shoff), 0, 4);
	memset(file.ptr + offsetof(Elf32_Ehdr, e_shnum), 0, 4);
	assert_refused(&file, HF_ERR_UNSUPPORTED, "it has no relocations");
	assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&file), NULL, &board, &diag), HF_OK);
	assert_int_equal(fw.len, bin.len);
	assert_memory_equal(fw.bytes, bin.ptr, bin.len);
	assert_int_equal(hf_image_from_two(&c, &fw, &other, &board, &diag), HF_OK);
	assert_same_content(&c, &want);
	hf_image_content_free(&c);
	hf_image_content_free(&want);
	hf_firmware_free(&fw);
	hf_firmware_free(&other);
	hf_buffer_free(&file);
	hf_buffer_free(&bin);
}

/* ld may let the first segment begin with the ELF header, below the base: it must not get into the image. */
static void elf_header_in_the_first_segment_is_left_out(void **state)
{
	struct hf_firmware fw = firmware("header-a.elf", NULL), plain = firmware("none-a.elf", NULL);

	(void)state;
	assert_true(fw.elf->segment[0].paddr < BASE_A);
	assert_int_equal(fw.addr, BASE_A);
	assert_int_equal(fw.len, plain.len);
	assert_memory_equal(fw.bytes, plain.bytes, plain.len);
	hf_firmware_free(&fw);
	hf_firmware_free(&plain);
}

static void flash_that_is_absurd_is_refused(void **state)
{
	static const struct hf_span spans[] = {{0x08000000, 0}, {0x08000000, 65 << 20}, {0xFFFF0000, 0x20000}};
	struct hf_buffer file = fixture("none-a.elf");

	(void)state;
	for (size_t i = 0; i < countof(spans); i++) {
		struct hf_layout layout = {.sector = {spans[i]}, .sectors = 1};
		struct hf_firmware fw;
		struct hf_diag diag;

		assert_int_equal(hf_firmware_parse(&fw, "f", hf_buffer_bytes(&file), NULL, &layout, &diag),
				 HF_ERR_RANGE);
		assert_says(&diag, "the board's flash");
	}
	hf_buffer_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_machines_and_kinds_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(damaged_headers_are_refused),
		cmocka_unit_test(impossible_addresses_are_refused),
		cmocka_unit_test(damaged_relocations_are_refused),
		cmocka_unit_test(branch_destinations_are_decoded),
		cmocka_unit_test(undefined_strong_symbol_is_refused),
		cmocka_unit_test(names_from_the_file_are_printable),
		cmocka_unit_test(file_without_sections_loads_by_segments),
		cmocka_unit_test(elf_header_in_the_first_segment_is_left_out),
		cmocka_unit_test(flash_that_is_absurd_is_refused),
	};

	return cmocka_run_group_tests_name("elf_file", tests, NULL, NULL);
}
