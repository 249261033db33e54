/* SPDX-License-Identifier: MIT
 *
 * Opening copies the file, and turns every header into a struct of checked numbers: whatever is in the arrays
 * afterwards may be used without looking at the file's length again. libelf is not used: it is as large as what is
 * needed here, and maps what it does not understand to silence.
 *
 * Contents are taken section by section, and the segments only say where flash holds them: a linker may let the first
 * segment begin at the ELF header, and fills the gaps between sections, neither of which belongs into flash. A file
 * without section headers is loaded by segments.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"

#define FILE_MAX (256u << 20)

static uint8_t *at(const struct hf_elf *elf, uint32_t offset)
{
	return elf->file + offset;
}

static enum hf_err unsupported(struct hf_diag *diag, const char *is)
{
	hf_diag_set(diag, "it is %s; what is needed is a linked 32-bit little-endian ARM ELF file", is);
	return HF_ERR_UNSUPPORTED;
}

static enum hf_err cut_off(struct hf_diag *diag, const char *what, uint32_t offset, uint64_t len, size_t file)
{
	hf_diag_set(diag,
		    "%s at offset 0x%X, %" PRIu64 " bytes, lies behind the end of the file at 0x%zX: it is cut off",
		    what, offset, len, file);
	return HF_ERR_TRUNCATED;
}

static enum hf_err no_memory(struct hf_diag *diag)
{
	hf_diag_set(diag, "there is not enough memory to read it");
	return HF_ERR_TOO_LARGE;
}

static enum hf_err check_header(const struct hf_elf *elf, struct hf_diag *diag)
{
	if (elf->len < sizeof(Elf32_Ehdr))
		return cut_off(diag, "the ELF header", 0, sizeof(Elf32_Ehdr), elf->len);
	if (elf->file[EI_CLASS] != ELFCLASS32)
		return unsupported(diag, "a 64-bit ELF file");
	if (elf->file[EI_DATA] != ELFDATA2LSB)
		return unsupported(diag, "a big-endian ELF file");
	if (load_le16(at(elf, offsetof(Elf32_Ehdr, e_machine))) != EM_ARM)
		return unsupported(diag, "an ELF file for another processor");
	switch (load_le16(at(elf, offsetof(Elf32_Ehdr, e_type)))) {
	case ET_EXEC:
		return HF_OK;
	case ET_REL:
		return unsupported(diag, "an object file that was not linked yet");
	case ET_DYN:
		return unsupported(diag, "a position-independent or shared ELF file");
	default:
		return unsupported(diag, "no executable ELF file");
	}
}

static void load_section(struct hf_elf_section *s, const uint8_t *p)
{
	s->name = "";
	s->type = load_le32(p + offsetof(Elf32_Shdr, sh_type));
	s->flags = load_le32(p + offsetof(Elf32_Shdr, sh_flags));
	s->addr = load_le32(p + offsetof(Elf32_Shdr, sh_addr));
	s->offset = load_le32(p + offsetof(Elf32_Shdr, sh_offset));
	s->size = load_le32(p + offsetof(Elf32_Shdr, sh_size));
	s->link = load_le32(p + offsetof(Elf32_Shdr, sh_link));
	s->info = load_le32(p + offsetof(Elf32_Shdr, sh_info));
	s->entry_bytes = load_le32(p + offsetof(Elf32_Shdr, sh_entsize));
}

static void load_segment(struct hf_elf_segment *s, const uint8_t *p)
{
	s->type = load_le32(p + offsetof(Elf32_Phdr, p_type));
	s->offset = load_le32(p + offsetof(Elf32_Phdr, p_offset));
	s->vaddr = load_le32(p + offsetof(Elf32_Phdr, p_vaddr));
	s->paddr = load_le32(p + offsetof(Elf32_Phdr, p_paddr));
	s->file_bytes = load_le32(p + offsetof(Elf32_Phdr, p_filesz));
	s->memory_bytes = load_le32(p + offsetof(Elf32_Phdr, p_memsz));
}

/* A table of the header: its place is checked, *out is its first byte; *count 0 means that there is none. */
static enum hf_err find_table(const struct hf_elf *elf, size_t offset_at, size_t size_at, size_t count_at, size_t size,
			      const char *what, const uint8_t **out, uint32_t *count, struct hf_diag *diag)
{
	uint32_t offset = load_le32(at(elf, (uint32_t)offset_at));
	uint16_t entry = load_le16(at(elf, (uint32_t)size_at));

	*count = load_le16(at(elf, (uint32_t)count_at));
	*out = NULL;
	if (!*count || !offset) {
		*count = 0;
		return HF_OK;
	}
	if (entry != size) {
		hf_diag_set(diag, "an entry of %s has %u bytes instead of %zu", what, entry, size);
		return HF_ERR_ENCODING;
	}
	if (!hf_range_ok(offset, *count * size, elf->len))
		return cut_off(diag, what, offset, (uint64_t)*count * size, elf->len);
	*out = at(elf, offset);
	return HF_OK;
}

static enum hf_err read_segments(struct hf_elf *elf, struct hf_diag *diag)
{
	const uint8_t *table;
	enum hf_err err = find_table(elf, offsetof(Elf32_Ehdr, e_phoff), offsetof(Elf32_Ehdr, e_phentsize),
				     offsetof(Elf32_Ehdr, e_phnum), sizeof(Elf32_Phdr), "the program header table",
				     &table, &elf->segments, diag);

	if (err)
		return err;
	elf->segment = calloc(elf->segments + 1u, sizeof(*elf->segment));
	if (!elf->segment)
		return no_memory(diag);
	for (uint32_t i = 0; i < elf->segments; i++) {
		struct hf_elf_segment *s = &elf->segment[i];

		load_segment(s, table + i * sizeof(Elf32_Phdr));
		if (s->type != PT_LOAD)
			continue;
		if (!hf_range_ok(s->offset, s->file_bytes, elf->len))
			return cut_off(diag, "a segment", s->offset, s->file_bytes, elf->len);
		if (s->file_bytes > s->memory_bytes || s->paddr > UINT32_MAX - s->file_bytes ||
		    s->vaddr > UINT32_MAX - s->memory_bytes) {
			hf_diag_set(diag,
				    "segment %u at 0x%08X has impossible sizes: %u bytes in the file, %u in memory", i,
				    s->paddr, s->file_bytes, s->memory_bytes);
			return HF_ERR_RANGE;
		}
	}
	return HF_OK;
}

/* A string table must end with a zero byte; what is not printable in it must not reach a terminal. */
static enum hf_err clean_strings(struct hf_elf *elf, uint32_t index, struct hf_diag *diag)
{
	struct hf_elf_section *s = index < elf->sections ? &elf->section[index] : NULL;

	if (!s || s->type != SHT_STRTAB || !s->size || *at(elf, s->offset + s->size - 1)) {
		hf_diag_set(diag, "section %u should hold names and does not: the file is damaged", index);
		return HF_ERR_ENCODING;
	}
	for (uint8_t *p = at(elf, s->offset), *end = p + s->size; p < end; p++)
		if (*p && (*p < 0x20 || *p > 0x7E))
			*p = '?';
	return HF_OK;
}

static const char *string_at(const struct hf_elf *elf, uint32_t table, uint32_t offset)
{
	const struct hf_elf_section *s = &elf->section[table];

	return offset < s->size ? (const char *)at(elf, s->offset + offset) : "?";
}

static enum hf_err read_sections(struct hf_elf *elf, struct hf_diag *diag)
{
	uint32_t names = load_le16(at(elf, offsetof(Elf32_Ehdr, e_shstrndx)));
	const uint8_t *table;
	enum hf_err err = find_table(elf, offsetof(Elf32_Ehdr, e_shoff), offsetof(Elf32_Ehdr, e_shentsize),
				     offsetof(Elf32_Ehdr, e_shnum), sizeof(Elf32_Shdr), "the section header table",
				     &table, &elf->sections, diag);

	if (err)
		return err;
	elf->section = calloc(elf->sections + 1u, sizeof(*elf->section));
	if (!elf->section)
		return no_memory(diag);
	for (uint32_t i = 0; i < elf->sections; i++) {
		struct hf_elf_section *s = &elf->section[i];

		load_section(s, table + i * sizeof(Elf32_Shdr));
		if (s->type == SHT_NULL || s->type == SHT_NOBITS)
			continue;
		if (!hf_range_ok(s->offset, s->size, elf->len))
			return cut_off(diag, "a section", s->offset, s->size, elf->len);
	}
	if (!elf->sections)
		return HF_OK;
	err = clean_strings(elf, names, diag);
	if (err)
		return err;
	for (uint32_t i = 0; i < elf->sections; i++)
		elf->section[i].name = string_at(elf, names, load_le32(table + i * sizeof(Elf32_Shdr)));
	return HF_OK;
}

static const struct hf_elf_section *find_section(const struct hf_elf *elf, uint32_t type)
{
	for (uint32_t i = 0; i < elf->sections; i++)
		if (elf->section[i].type == type)
			return &elf->section[i];
	return NULL;
}

static enum hf_err read_symbols(struct hf_elf *elf, struct hf_diag *diag)
{
	const struct hf_elf_section *s = find_section(elf, SHT_SYMTAB);
	enum hf_err err;

	if (!s)
		return HF_OK;
	if (s->entry_bytes != sizeof(Elf32_Sym) || s->size % sizeof(Elf32_Sym)) {
		hf_diag_set(diag, "the symbol table has entries of %u bytes instead of %zu", s->entry_bytes,
			    sizeof(Elf32_Sym));
		return HF_ERR_ENCODING;
	}
	err = clean_strings(elf, s->link, diag);
	if (err)
		return err;
	elf->symbols = s->size / (uint32_t)sizeof(Elf32_Sym);
	elf->symbol = calloc(elf->symbols + 1u, sizeof(*elf->symbol));
	if (!elf->symbol)
		return no_memory(diag);
	for (uint32_t i = 0; i < elf->symbols; i++) {
		const uint8_t *p = at(elf, s->offset + i * (uint32_t)sizeof(Elf32_Sym));
		struct hf_elf_symbol *symbol = &elf->symbol[i];
		uint8_t info = p[offsetof(Elf32_Sym, st_info)];

		symbol->name = string_at(elf, s->link, load_le32(p + offsetof(Elf32_Sym, st_name)));
		symbol->value = load_le32(p + offsetof(Elf32_Sym, st_value));
		symbol->section = load_le16(p + offsetof(Elf32_Sym, st_shndx));
		symbol->type = ELF32_ST_TYPE(info);
		symbol->binding = ELF32_ST_BIND(info);
		if (symbol->type == STT_SECTION && symbol->section < elf->sections)
			symbol->name = elf->section[symbol->section].name;
	}
	return HF_OK;
}

struct by_value {
	uint32_t value, index;
};

static int compare_values(const void *a, const void *b)
{
	const struct by_value *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Names an address: neither a constant nor a file's name. Mapping symbols are kept: hf_elf_is_code wants them. */
static bool names_address(const struct hf_elf *elf, const struct hf_elf_symbol *symbol)
{
	return symbol->section != SHN_UNDEF && symbol->section < elf->sections && symbol->type <= STT_FUNC &&
	       *symbol->name;
}

static bool is_mapping(const struct hf_elf_symbol *symbol)
{
	return symbol->name[0] == '$';
}

static enum hf_err sort_symbols(struct hf_elf *elf, struct hf_diag *diag)
{
	struct by_value *sorted = calloc(elf->symbols + 1u, sizeof(*sorted));
	uint32_t n = 0;

	elf->by_value = calloc(elf->symbols + 1u, sizeof(*elf->by_value));
	if (!sorted || !elf->by_value) {
		free(sorted);
		return no_memory(diag);
	}
	for (uint32_t i = 0; i < elf->symbols; i++) {
		const struct hf_elf_symbol *symbol = &elf->symbol[i];

		if (names_address(elf, symbol))
			sorted[n++] = (struct by_value){symbol->value & (symbol->type == STT_FUNC ? ~1u : ~0u), i};
	}
	qsort(sorted, n, sizeof(*sorted), compare_values);
	for (uint32_t i = 0; i < n; i++)
		elf->by_value[i] = sorted[i].index;
	elf->named = n;
	free(sorted);
	return HF_OK;
}

enum hf_err hf_elf_open(struct hf_elf **out, struct hf_bytes file, struct hf_diag *diag)
{
	struct hf_elf *elf;
	enum hf_err err;

	*out = NULL;
	if (file.len > FILE_MAX) {
		hf_diag_set(diag, "it has %zu bytes: no firmware is that large", file.len);
		return HF_ERR_TOO_LARGE;
	}
	elf = calloc(1, sizeof(*elf));
	if (!elf || !(elf->file = malloc(file.len + 1))) {
		hf_elf_close(elf);
		return no_memory(diag);
	}
	memcpy(elf->file, file.ptr, file.len);
	elf->len = file.len;
	if ((err = check_header(elf, diag)) || (err = read_segments(elf, diag)) || (err = read_sections(elf, diag)) ||
	    (err = read_symbols(elf, diag)) || (err = sort_symbols(elf, diag))) {
		hf_elf_close(elf);
		return err;
	}
	*out = elf;
	return HF_OK;
}

void hf_elf_close(struct hf_elf *elf)
{
	if (!elf)
		return;
	free(elf->by_value);
	free(elf->symbol);
	free(elf->section);
	free(elf->segment);
	free(elf->file);
	free(elf);
}

static bool is_loaded(const struct hf_elf_section *s)
{
	return s->flags & SHF_ALLOC && s->type != SHT_NOBITS && s->type != SHT_NULL && s->size;
}

static enum hf_err put(struct hf_flash_map *map, uint32_t addr, const uint8_t *bytes, uint32_t len, const char *what,
		       struct hf_diag *diag)
{
	uint32_t clash;

	if (!hf_flash_map_holds(map, addr, len)) {
		hf_diag_set(diag, "%.60s is loaded at 0x%08X, %u bytes, outside the board's flash at 0x%08X, %u bytes",
			    what, addr, len, map->flash.addr, map->flash.size);
		return HF_ERR_RANGE;
	}
	if (!hf_flash_map_put(map, addr, bytes, len, &clash)) {
		hf_diag_set(diag, "%.60s is loaded at 0x%08X, %u bytes, over what is there already at 0x%08X", what,
			    addr, len, clash);
		return HF_ERR_RANGE;
	}
	return HF_OK;
}

static enum hf_err load_sections(const struct hf_elf *elf, struct hf_flash_map *map, struct hf_diag *diag)
{
	for (uint32_t i = 0; i < elf->sections; i++) {
		const struct hf_elf_section *s = &elf->section[i];
		enum hf_err err;
		uint32_t addr;

		if (!is_loaded(s))
			continue;
		if (!hf_elf_load_addr(elf, s, s->addr, s->size, &addr)) {
			hf_diag_set(diag,
				    "section %.60s at 0x%08X, %u bytes, should be loaded, but no segment holds it",
				    s->name, s->addr, s->size);
			return HF_ERR_RANGE;
		}
		err = put(map, addr, at(elf, s->offset), s->size, s->name, diag);
		if (err)
			return err;
	}
	return HF_OK;
}

enum hf_err hf_elf_load(const struct hf_elf *elf, struct hf_flash_map *map, struct hf_diag *diag)
{
	char name[24];

	if (elf->sections)
		return load_sections(elf, map, diag);
	for (uint32_t i = 0; i < elf->segments; i++) {
		const struct hf_elf_segment *s = &elf->segment[i];
		enum hf_err err;

		if (s->type != PT_LOAD || !s->file_bytes)
			continue;
		snprintf(name, sizeof(name), "segment %u", i);
		err = put(map, s->paddr, at(elf, s->offset), s->file_bytes, name, diag);
		if (err)
			return err;
	}
	return HF_OK;
}

bool hf_elf_is_reloc_section(const struct hf_elf *elf, const struct hf_elf_section *section)
{
	return (section->type == SHT_REL || section->type == SHT_RELA) && section->info < elf->sections &&
	       is_loaded(&elf->section[section->info]);
}

bool hf_elf_reloc_at(const struct hf_elf *elf, const struct hf_elf_section *rel, uint32_t i, struct hf_elf_reloc *out)
{
	const uint8_t *p = at(elf, rel->offset + i * (uint32_t)sizeof(Elf32_Rel));
	uint32_t info = load_le32(p + offsetof(Elf32_Rel, r_info));

	out->place = load_le32(p + offsetof(Elf32_Rel, r_offset));
	out->symbol = ELF32_R_SYM(info);
	out->type = ELF32_R_TYPE(info);
	return out->symbol < elf->symbols;
}

bool hf_elf_load_addr(const struct hf_elf *elf, const struct hf_elf_section *section, uint32_t addr, uint32_t len,
		      uint32_t *load_addr)
{
	uint32_t offset;

	if (!is_loaded(section) || addr < section->addr || !hf_range_ok(addr - section->addr, len, section->size))
		return false;
	offset = section->offset + (addr - section->addr);
	for (uint32_t i = 0; i < elf->segments; i++) {
		const struct hf_elf_segment *s = &elf->segment[i];

		if (s->type == PT_LOAD && offset >= s->offset && hf_range_ok(offset - s->offset, len, s->file_bytes)) {
			*load_addr = s->paddr + (offset - s->offset);
			return true;
		}
	}
	return false;
}

/* The section whose bytes flash holds at load_addr, and where they run. */
static const struct hf_elf_section *section_at(const struct hf_elf *elf, uint32_t load_addr, uint32_t *addr)
{
	for (uint32_t i = 0; i < elf->segments; i++) {
		const struct hf_elf_segment *s = &elf->segment[i];
		uint32_t offset = load_addr - s->paddr + s->offset;

		if (s->type != PT_LOAD || load_addr < s->paddr || load_addr - s->paddr >= s->file_bytes)
			continue;
		for (uint32_t j = 0; j < elf->sections; j++) {
			const struct hf_elf_section *section = &elf->section[j];

			if (is_loaded(section) && offset >= section->offset &&
			    offset - section->offset < section->size) {
				*addr = section->addr + (offset - section->offset);
				return section;
			}
		}
	}
	return NULL;
}

static uint32_t symbol_addr(const struct hf_elf_symbol *symbol)
{
	return symbol->type == STT_FUNC ? symbol->value & ~1u : symbol->value;
}

/* How many of by_value begin at addr or below. */
static uint32_t count_up_to(const struct hf_elf *elf, uint32_t addr)
{
	uint32_t low = 0, high = elf->named;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_addr(&elf->symbol[elf->by_value[middle]]) <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last symbol of a section at or below addr; mapping symbols only, or all others. */
static const struct hf_elf_symbol *last_symbol(const struct hf_elf *elf, const struct hf_elf_section *section,
					       uint32_t addr, bool mapping)
{
	for (uint32_t i = count_up_to(elf, addr); i-- > 0;) {
		const struct hf_elf_symbol *symbol = &elf->symbol[elf->by_value[i]];

		if (symbol_addr(symbol) < section->addr)
			break;
		if (&elf->section[symbol->section] == section && is_mapping(symbol) == mapping)
			return symbol;
	}
	return NULL;
}

void hf_elf_nearest(const struct hf_elf *elf, uint32_t load_addr, char *buf, size_t cap)
{
	uint32_t addr;
	const struct hf_elf_section *section = section_at(elf, load_addr, &addr);
	const struct hf_elf_symbol *symbol = section ? last_symbol(elf, section, addr, false) : NULL;

	if (symbol)
		snprintf(buf, cap, "%.60s+0x%X", symbol->name, addr - symbol_addr(symbol));
	else if (section)
		snprintf(buf, cap, "%.60s+0x%X", section->name, addr - section->addr);
	else
		snprintf(buf, cap, "%s", "");
}

bool hf_elf_is_code(const struct hf_elf *elf, uint32_t load_addr)
{
	uint32_t addr;
	const struct hf_elf_section *section = section_at(elf, load_addr, &addr);
	const struct hf_elf_symbol *symbol = section ? last_symbol(elf, section, addr, true) : NULL;

	return symbol && (symbol->name[1] == 't' || symbol->name[1] == 'a');
}
