/* SPDX-License-Identifier: MIT
 *
 * The relocation table from one ELF, by its relocations (ld --emit-relocs). They are not the whole truth, so every step
 * refuses what it cannot be certain of, and lists what no relocation explains.
 *
 * What moves is what runs in the image: places and symbols by the address they run at. Neither a symbol's section nor
 * its value says enough alone. ld gives `_estack = ORIGIN(RAM) + LENGTH(RAM)` the first output section, which is in
 * flash, and `_sidata = LOADADDR(.data)` none (absolute). So the value decides: in the image (its end included) it
 * moves, far from the image it stays. Between, `_end + 0x100000` moves and the address of a configuration sector does
 * not: an absolute symbol is taken for a constant and listed, one that belongs to a section is refused.
 *
 * REL entries of a linked file have no addend: the place holds the result. So a word's relocation says whether it
 * moves, and a branch's true destination is decoded from the instruction.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "image_parts.h"

#define NEAR_BYTES   (16u << 20) /* no microcontroller's flash ends further away, no RAM or peripheral begins nearer */
#define WARNINGS_MAX 1000

/* AAELF32, table "relocation codes"; libc's <elf.h> lacks or renames some. */
enum arm_reloc {
	ARM_TARGET1 = 38,
	ARM_TARGET2 = 41,
};

enum kind {
	KIND_UNKNOWN, /* refused */
	KIND_NOTHING, /* changes no byte */
	KIND_WORD,    /* S + A in 32 bits */
	KIND_PART,    /* S + A in a field of an instruction, or in fewer bits: cannot be in the table */
	KIND_RELATIVE,
	KIND_BRANCH, /* KIND_RELATIVE, Thumb, with the 24-bit encoding: the linker may lead it over a veneer */
	KIND_UNWIND,
};

struct reloc_type {
	const char *name;
	enum kind kind;
};

static const struct reloc_type reloc_types[256] = {
	[R_ARM_NONE] = {"R_ARM_NONE", KIND_NOTHING},
	[R_ARM_PC24] = {"R_ARM_PC24", KIND_RELATIVE},
	[R_ARM_ABS32] = {"R_ARM_ABS32", KIND_WORD},
	[R_ARM_REL32] = {"R_ARM_REL32", KIND_RELATIVE},
	[R_ARM_ABS16] = {"R_ARM_ABS16", KIND_PART},
	[R_ARM_ABS12] = {"R_ARM_ABS12", KIND_PART},
	[7] = {"R_ARM_THM_ABS5", KIND_PART},
	[R_ARM_ABS8] = {"R_ARM_ABS8", KIND_PART},
	[10] = {"R_ARM_THM_CALL", KIND_BRANCH},
	[11] = {"R_ARM_THM_PC8", KIND_RELATIVE},
	[28] = {"R_ARM_CALL", KIND_RELATIVE},
	[29] = {"R_ARM_JUMP24", KIND_RELATIVE},
	[30] = {"R_ARM_THM_JUMP24", KIND_BRANCH},
	[ARM_TARGET1] = {"R_ARM_TARGET1", KIND_WORD},
	[40] = {"R_ARM_V4BX", KIND_NOTHING},
	[ARM_TARGET2] = {"R_ARM_TARGET2", KIND_UNWIND},
	[42] = {"R_ARM_PREL31", KIND_RELATIVE},
	[43] = {"R_ARM_MOVW_ABS_NC", KIND_PART},
	[44] = {"R_ARM_MOVT_ABS", KIND_PART},
	[45] = {"R_ARM_MOVW_PREL_NC", KIND_RELATIVE},
	[46] = {"R_ARM_MOVT_PREL", KIND_RELATIVE},
	[47] = {"R_ARM_THM_MOVW_ABS_NC", KIND_PART},
	[48] = {"R_ARM_THM_MOVT_ABS", KIND_PART},
	[49] = {"R_ARM_THM_MOVW_PREL_NC", KIND_RELATIVE},
	[50] = {"R_ARM_THM_MOVT_PREL", KIND_RELATIVE},
	[51] = {"R_ARM_THM_JUMP19", KIND_RELATIVE},
	[52] = {"R_ARM_THM_JUMP6", KIND_RELATIVE},
	[53] = {"R_ARM_THM_ALU_PREL_11_0", KIND_RELATIVE},
	[54] = {"R_ARM_THM_PC12", KIND_RELATIVE},
	[55] = {"R_ARM_ABS32_NOI", KIND_WORD},
	[56] = {"R_ARM_REL32_NOI", KIND_RELATIVE},
	[100] = {"R_ARM_GNU_VTENTRY", KIND_NOTHING},
	[101] = {"R_ARM_GNU_VTINHERIT", KIND_NOTHING},
	[102] = {"R_ARM_THM_JUMP11", KIND_RELATIVE},
	[103] = {"R_ARM_THM_JUMP8", KIND_RELATIVE},
	[132] = {"R_ARM_THM_ALU_ABS_G0_NC", KIND_PART},
	[133] = {"R_ARM_THM_ALU_ABS_G1_NC", KIND_PART},
	[134] = {"R_ARM_THM_ALU_ABS_G2_NC", KIND_PART},
	[135] = {"R_ARM_THM_ALU_ABS_G3", KIND_PART},
};

struct scan {
	const struct hf_firmware *fw;
	const struct hf_elf *elf;
	uint8_t *marks;
	bool exact; /* two links whose bases are no multiple of 64 KiB apart */
	struct hf_image_content *content;
	struct hf_diag *diag;
};

/* One relocation, resolved. */
struct fixup {
	const struct reloc_type *type;
	const struct hf_elf_symbol *symbol;
	const char *symbol_name;
	uint32_t place;  /* where it runs */
	uint32_t load;   /* where flash holds it */
	uint32_t word;   /* the four bytes there; what is behind the image is 0 */
	unsigned number; /* of the type */
};

enum mobility { STAYS, MOVES, UNCERTAIN };

/* Where it runs, or what it points to: the image's end is an address of the image, too (_etext). */
static bool in_image(const struct hf_firmware *fw, uint32_t addr)
{
	return addr >= fw->addr && addr - fw->addr <= fw->len;
}

static bool near_image(const struct hf_firmware *fw, uint32_t addr)
{
	return addr + (uint64_t)NEAR_BYTES >= fw->addr && addr <= fw->addr + fw->len + (uint64_t)NEAR_BYTES;
}

static enum mobility mobility_of(const struct scan *s, const struct hf_elf_symbol *symbol)
{
	if (symbol->section == SHN_UNDEF)
		return STAYS; /* a weak one that nobody defined is 0, wherever the image lies */
	if (in_image(s->fw, symbol->value))
		return MOVES;
	if (symbol->section == SHN_ABS || !near_image(s->fw, symbol->value))
		return STAYS;
	return UNCERTAIN;
}

static enum hf_err refuse(struct scan *s, const struct fixup *f, const char *why)
{
	char unknown[16];
	const char *name = f->type->name;

	if (!name) {
		snprintf(unknown, sizeof(unknown), "type %u", f->number);
		name = unknown;
	}
	hf_diag_set(s->diag, "%s: %s at 0x%08X%s against %.60s (0x%08X) cannot be relocated: %s", s->fw->name, name,
		    f->load, hf_firmware_place(s->fw, f->load).text, f->symbol_name, f->symbol->value, why);
	return HF_ERR_UNSUPPORTED;
}

/* A warning is kept, unless there are so many that the ELF is not what it should be. */
static enum hf_err warn(struct scan *s, uint32_t addr, uint32_t value, bool code, const char *what)
{
	struct hf_image_content *content = s->content;
	struct hf_image_warning *w;

	if (content->warning_count >= WARNINGS_MAX) {
		hf_diag_set(
			s->diag,
			"%s: more than %u words look like addresses of the image and have no relocation; link all of "
			"it with --emit-relocs, or twice",
			s->fw->name, WARNINGS_MAX);
		return HF_ERR_UNSUPPORTED;
	}
	w = realloc(content->warnings, (content->warning_count + 1) * sizeof(*w));
	if (!w)
		return hf_image_no_memory(s->fw, s->diag);
	content->warnings = w;
	w += content->warning_count++;
	w->addr = addr;
	w->value = value;
	w->code = code;
	snprintf(w->text, sizeof(w->text), "0x%08X%s holds 0x%08X, %s", addr, hf_firmware_place(s->fw, addr).text,
		 value, what);
	return HF_OK;
}

static enum hf_err word_moves(struct scan *s, const struct fixup *f)
{
	if (!near_image(s->fw, f->word))
		return refuse(
			s, f,
			"the word there is no address near the image; relocations and content do not belong together");
	if ((f->load - s->fw->addr) % 4)
		return refuse(s, f,
			      "the address is not aligned to 4 bytes; align the structure it is in, or pack a pair of "
			      "builds");
	s->marks[(f->load - s->fw->addr) / 4] = 1;
	return HF_OK;
}

static enum hf_err do_word(struct scan *s, const struct fixup *f)
{
	switch (mobility_of(s, f->symbol)) {
	case MOVES:
		return word_moves(s, f);
	case UNCERTAIN:
		return refuse(
			s, f,
			"the symbol is neither in the image nor far from it, so that nobody can say whether it moves; "
			"link twice");
	default:
		break;
	}
	if (f->symbol->section == SHN_ABS && near_image(s->fw, f->symbol->value))
		return warn(s, f->load, f->word, false, "an absolute symbol outside the image: taken for a constant");
	return HF_OK;
}

static enum hf_err do_part(struct scan *s, const struct fixup *f)
{
	if (mobility_of(s, f->symbol) == STAYS)
		return HF_OK;
	return refuse(
		s, f,
		"an address in an instruction's fields; compile with -mword-relocations (clang: -mno-movt), or pack "
		"a pair of builds");
}

/* The destination of a Thumb BL or B.W (ARMv7-M ARM, A7.7.12 and A7.7.18, encoding T4). */
static uint32_t branch_destination(const struct fixup *f)
{
	uint32_t high = f->word & 0xFFFF, low = f->word >> 16;
	uint32_t sign = high >> 10 & 1, i1 = !(sign ^ (low >> 13 & 1)), i2 = !(sign ^ (low >> 11 & 1));
	uint32_t offset = i1 << 23 | i2 << 22 | (high & 0x3FF) << 12 | (low & 0x7FF) << 1;

	return f->place + 4 + offset - (sign << 24);
}

static enum hf_err do_relative(struct scan *s, const struct fixup *f)
{
	bool place_moves = in_image(s->fw, f->place);
	enum mobility target = mobility_of(s, f->symbol);

	if (target == (place_moves ? MOVES : STAYS))
		return HF_OK;
	if (target == UNCERTAIN)
		return refuse(s, f, "nobody can say whether its target moves; link twice");
	if (f->type->kind != KIND_BRANCH)
		return refuse(s, f, "place and target do not move together");
	if (!place_moves)
		return refuse(
			s, f,
			"code outside the image reaches it over a veneer, whose address has no relocation; call it "
			"through a pointer, or link twice");
	/* To code in RAM over a veneer, which is in the image and holds an address that stays; or a weak NOP. */
	if (f->symbol->section == SHN_UNDEF || in_image(s->fw, branch_destination(f)))
		return HF_OK;
	return refuse(s, f, "place and target do not move together");
}

static enum hf_err do_fixup(struct scan *s, const struct fixup *f)
{
	switch (f->type->kind) {
	case KIND_NOTHING:
		return HF_OK;
	case KIND_WORD:
		return do_word(s, f);
	case KIND_PART:
		return do_part(s, f);
	case KIND_RELATIVE:
	case KIND_BRANCH:
		return do_relative(s, f);
	case KIND_UNWIND:
		return refuse(s, f, "an unwind table with type information; compile without exceptions");
	default:
		return refuse(s, f, "this type of relocation is unknown here; link twice");
	}
}

/* With two links the words themselves say what moves; a relocation that says so too must have been right, and one that
 * cannot be in the table may hide there: see image.c on MOVT. */
static enum hf_err do_check(struct scan *s, const struct fixup *f)
{
	switch (f->type->kind) {
	case KIND_PART:
		return do_part(s, f);
	case KIND_UNKNOWN:
		return s->exact ? HF_OK : refuse(s, f, "this type is unknown; link the second at a less round address");
	case KIND_WORD:
		break;
	default:
		return HF_OK;
	}
	if (f->symbol->section == SHN_ABS || mobility_of(s, f->symbol) != MOVES)
		return HF_OK;
	if ((f->load - s->fw->addr) % 4 == 0 && s->marks[(f->load - s->fw->addr) / 4])
		return HF_OK;
	return refuse(s, f, "it is the same in both links; are they links of the same objects?");
}

typedef enum hf_err do_fn(struct scan *s, const struct fixup *f);

static enum hf_err resolve(struct scan *s, const struct hf_elf_section *target, const struct hf_elf_section *rel,
			   uint32_t i, struct fixup *f)
{
	struct hf_elf_reloc reloc;
	uint8_t bytes[4] = {0};
	uint32_t at, left;

	if (!hf_elf_reloc_at(s->elf, rel, i, &reloc)) {
		hf_diag_set(s->diag, "%s: relocation %u of %.60s names no symbol of the file", s->fw->name, i,
			    rel->name);
		return HF_ERR_ENCODING;
	}
	f->type = &reloc_types[reloc.type];
	f->number = reloc.type;
	f->symbol = &s->elf->symbol[reloc.symbol];
	f->symbol_name = *f->symbol->name ? f->symbol->name : "no symbol";
	f->place = reloc.place;
	if (!hf_elf_load_addr(s->elf, target, f->place, f->type->kind == KIND_WORD ? 4 : 1, &f->load)) {
		hf_diag_set(s->diag, "%s: relocation %u of %.60s is for 0x%08X, which is outside its section",
			    s->fw->name, i, rel->name, f->place);
		return HF_ERR_RANGE;
	}
	at = f->load - s->fw->addr;
	left = s->fw->len - at;
	memcpy(bytes, s->fw->bytes + at, left < 4 ? left : 4);
	f->word = load_le32(bytes);
	if (f->symbol->section == SHN_UNDEF && reloc.symbol && f->symbol->binding != STB_WEAK)
		return refuse(s, f, "the symbol is undefined");
	return HF_OK;
}

static enum hf_err walk_section(struct scan *s, const struct hf_elf_section *rel, do_fn *act)
{
	const struct hf_elf_section *target = &s->elf->section[rel->info];

	if (rel->type != SHT_REL || rel->entry_bytes != sizeof(Elf32_Rel) || rel->size % sizeof(Elf32_Rel)) {
		hf_diag_set(s->diag, "%s: %.60s are not relocations as AAELF32 has them for an executable", s->fw->name,
			    rel->name);
		return HF_ERR_ENCODING;
	}
	/* ld merges unwind entries, but not their relocations: check_unwind looks at the entries. */
	if (target->type == SHT_ARM_EXIDX)
		return HF_OK;
	for (uint32_t i = 0; i < rel->size / sizeof(Elf32_Rel); i++) {
		struct fixup f;
		enum hf_err err = resolve(s, target, rel, i, &f);

		if (!err)
			err = act(s, &f);
		if (err)
			return err;
	}
	return HF_OK;
}

static enum hf_err walk(struct scan *s, do_fn *act)
{
	for (uint32_t i = 0; i < s->elf->sections; i++) {
		const struct hf_elf_section *section = &s->elf->section[i];
		enum hf_err err;

		if (!hf_elf_is_reloc_section(s->elf, section))
			continue;
		err = walk_section(s, section, act);
		if (err)
			return err;
	}
	return HF_OK;
}

bool hf_image_has_relocs(const struct hf_firmware *fw)
{
	for (uint32_t i = 0; fw->elf && i < fw->elf->sections; i++)
		if (hf_elf_is_reloc_section(fw->elf, &fw->elf->section[i]))
			return true;
	return false;
}

enum hf_err hf_image_check_relocs(const struct hf_firmware *fw, uint8_t *marks, bool exact, struct hf_diag *diag)
{
	struct scan s = {.fw = fw, .elf = fw->elf, .marks = marks, .exact = exact, .diag = diag};

	return walk(&s, do_check);
}

static uint32_t prel31(uint32_t place, uint32_t word)
{
	return place + (word & 0x7FFFFFFF) + (word << 1 & 0x80000000);
}

static enum hf_err check_unwind_word(struct scan *s, const struct hf_elf_section *section, uint32_t place,
				     uint32_t word)
{
	uint32_t target = prel31(place, word);

	if (in_image(s->fw, place) == in_image(s->fw, target))
		return HF_OK;
	hf_diag_set(
		s->diag,
		"%s: the unwind table %.40s has at 0x%08X an entry for 0x%08X; place and target do not move together: "
		"compile what runs in RAM with -fno-unwind-tables",
		s->fw->name, section->name, place, target);
	return HF_ERR_UNSUPPORTED;
}

/* An entry: the function (PREL31), then 1 (cannot unwind), inline instructions (bit 31) or a table (PREL31);
 * EHABI32, 6. */
static enum hf_err check_unwind(struct scan *s, const struct hf_elf_section *section)
{
	const uint8_t *p = s->elf->file + section->offset;

	for (uint32_t i = 0; i + 8 <= section->size; i += 8) {
		uint32_t function = load_le32(p + i), how = load_le32(p + i + 4);
		enum hf_err err = check_unwind_word(s, section, section->addr + i, function);

		if (!err && how != 1 && !(how >> 31))
			err = check_unwind_word(s, section, section->addr + i + 4, how);
		if (err)
			return err;
	}
	return HF_OK;
}

static enum hf_err check_all_unwind(struct scan *s)
{
	for (uint32_t i = 0; i < s->elf->sections; i++) {
		const struct hf_elf_section *section = &s->elf->section[i];
		enum hf_err err;

		if (section->type != SHT_ARM_EXIDX || !(section->flags & SHF_ALLOC))
			continue;
		err = check_unwind(s, section);
		if (err)
			return err;
	}
	return HF_OK;
}

/* What LONG(LOADADDR(.data)) makes has no relocation; nor has a word of code that looks like an address by chance. */
static enum hf_err list_unexplained(struct scan *s)
{
	for (uint32_t i = 0; i < hf_firmware_words(s->fw); i++) {
		uint32_t word = hf_firmware_word(s->fw, i), addr = s->fw->addr + 4 * i;
		enum hf_err err;
		bool code;

		if (s->marks[i] || !in_image(s->fw, word))
			continue;
		code = hf_elf_is_code(s->elf, addr);
		err = warn(s, addr, word, code,
			   code ? "an instruction that looks like an address of the image"
				: "which looks like an address of the image and has no relocation");
		if (err)
			return err;
	}
	return HF_OK;
}

static enum hf_err derive(struct scan *s)
{
	enum hf_err err;

	if (!hf_image_has_relocs(s->fw)) {
		hf_diag_set(s->diag, "%s: it has no relocations; link with --emit-relocs (gcc: -Wl,-q), or twice",
			    s->fw->name);
		return HF_ERR_UNSUPPORTED;
	}
	err = walk(s, do_fixup);
	if (!err)
		err = check_all_unwind(s);
	return err ? err : list_unexplained(s);
}

enum hf_err hf_image_from_one(struct hf_image_content *content, const struct hf_firmware *fw,
			      const struct hf_layout *layout, struct hf_diag *diag)
{
	struct scan s = {.fw = fw, .elf = fw->elf, .content = content, .diag = diag};
	enum hf_err err;

	*content = (struct hf_image_content){0};
	if (!fw->elf) {
		hf_diag_set(diag,
			    "%s: %s has no relocations; give two links at different addresses, an ELF, or pack a pair "
			    "of builds",
			    fw->name, hf_image_format_name(fw->format));
		return HF_ERR_UNSUPPORTED;
	}
	s.marks = calloc(hf_firmware_words(fw), 1);
	if (!s.marks)
		return hf_image_no_memory(fw, diag);
	err = derive(&s);
	if (!err)
		err = hf_image_finish(content, fw, s.marks, layout, diag);
	free(s.marks);
	if (err)
		hf_image_content_free(content);
	return err;
}
