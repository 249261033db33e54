/* SPDX-License-Identifier: MIT
 *
 * A linked ARM ELF file, as far as packing needs it (ELF 1.2; ELF for the Arm Architecture, AAELF32): what is loaded
 * where, symbols and relocations. Everything is range-checked once, when the file is opened; names are printable
 * afterwards.
 *
 * Two addresses: where a byte runs (sections and symbols have that one), and where flash holds it (load address; only
 * segments know it). They differ for .data and for code that runs in RAM.
 */
#ifndef HF_ELF_FILE_H
#define HF_ELF_FILE_H

#include "bytes.h"
#include "diag.h"
#include "flash_map.h"

struct hf_elf_section {
	const char *name;
	uint32_t type, flags, addr, offset, size, link, info, entry_bytes;
};

struct hf_elf_segment {
	uint32_t type, offset, vaddr, paddr, file_bytes, memory_bytes;
};

struct hf_elf_symbol {
	const char *name;
	uint32_t value;
	uint16_t section; /* index, or SHN_UNDEF, SHN_ABS, ... */
	uint8_t type, binding;
};

struct hf_elf_reloc {
	uint32_t place;  /* where it runs */
	uint32_t symbol; /* index: below elf->symbols */
	uint8_t type;
};

struct hf_elf {
	uint8_t *file; /* a copy */
	size_t len;
	struct hf_elf_section *section;
	struct hf_elf_segment *segment;
	struct hf_elf_symbol *symbol;
	uint32_t *by_value; /* indices of symbols that name an address, by address: see hf_elf_nearest */
	uint32_t sections, segments, symbols, named;
};

/* file is borrowed; *out is the caller's, to be closed. HF_ERR_TRUNCATED, HF_ERR_UNSUPPORTED (not a linked
 * little-endian 32-bit ARM file), HF_ERR_ENCODING, HF_ERR_RANGE, HF_ERR_TOO_LARGE. After an error *out is NULL. */
HF_MUST_USE enum hf_err hf_elf_open(struct hf_elf **out, struct hf_bytes file, struct hf_diag *diag);

void hf_elf_close(struct hf_elf *elf); /* NULL is fine */

/* Puts everything that is loaded at its load address. HF_ERR_RANGE (outside flash, overlaps, in no segment). */
HF_MUST_USE enum hf_err hf_elf_load(const struct hf_elf *elf, struct hf_flash_map *map, struct hf_diag *diag);

/* Does a relocation section belong to a section that is loaded? Then reloc entries are 0 .. size / 8 - 1. */
bool hf_elf_is_reloc_section(const struct hf_elf *elf, const struct hf_elf_section *section);

/* Entry i of such a section; false if it names no symbol of the file. */
HF_MUST_USE bool hf_elf_reloc_at(const struct hf_elf *elf, const struct hf_elf_section *rel, uint32_t i,
				 struct hf_elf_reloc *out);

/* From where `len` bytes of a section run to where flash holds them; false if no segment loads them. */
HF_MUST_USE bool hf_elf_load_addr(const struct hf_elf *elf, const struct hf_elf_section *section, uint32_t addr,
				  uint32_t len, uint32_t *load_addr);

/* Writes "main+0x12" (or ".text+0x12" where no symbol precedes it, or "" where nothing is known) for what flash holds
 * at load_addr. buf is always terminated. */
void hf_elf_nearest(const struct hf_elf *elf, uint32_t load_addr, char *buf, size_t cap);

/* Do the mapping symbols ($t, $d) say that instructions lie at load_addr? False where they say nothing. */
bool hf_elf_is_code(const struct hf_elf *elf, uint32_t load_addr);

#endif
