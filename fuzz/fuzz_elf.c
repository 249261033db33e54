/* SPDX-License-Identifier: MIT
 *
 * ELF files, whose headers, sections, symbols and relocations the mutator knows. Whatever is read packs, or is refused with a
 * sentence. A table that comes out is one that core reads, and it puts the image back as it was linked; from one link it
 * lists the words that relocations say, neither more nor less, and two links that differ in just these words give it again.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "image.h"
#include "mutate.h"
#include "reloc.h"

static const struct hf_layout board = {
	.sector = {{0x08000000, 0x40000}},
	.sectors = 1,
	.ram = {{0x20000000, 0x20000}},
};

static enum hf_err memory_read(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct hf_image_content *content = ctx;

	must(hf_range_ok(offset, len, content->table_bytes));
	memcpy(buf, content->table + offset, len);
	return HF_OK;
}

static void check(const struct hf_image_content *made, const struct hf_firmware *fw)
{
	struct hf_image_content content = *made;
	uint8_t *image = malloc(made->image_bytes);
	struct hf_reloc reloc;

	memcpy(image, made->image, made->image_bytes);
	must(hf_reloc_open(&reloc, memory_read, &content, made->table_bytes, made->image_bytes) == HF_OK);
	must(hf_reloc_check(&reloc) == HF_OK);
	must(hf_reloc_apply(&reloc, image, 0, made->image_bytes, fw->addr) == HF_OK);
	must(memcmp(image, fw->bytes, fw->len) == 0);
	free(image);
}

static void must_say(enum hf_err err, const struct hf_diag *diag)
{
	must(!err || strncmp(diag->text, "f: ", 3) == 0);
}

/* A word that holds an address of the image, by its relocation. */
static bool moves(const struct hf_firmware *fw, const struct hf_elf_reloc *r)
{
	const struct hf_elf_symbol *symbol = &fw->elf->symbol[r->symbol];

	return (r->type == R_ARM_ABS32 || r->type == 38 || r->type == 55) && symbol->section != SHN_UNDEF &&
	       symbol->value - fw->addr <= fw->len;
}

/* The canonical image differs from the linked one in the words that relocations name, and in no other. */
static void check_words(const struct hf_image_content *content, const struct hf_firmware *fw)
{
	uint8_t *named = calloc(fw->len / 4 + 1, 1);

	for (uint32_t i = 0; i < fw->elf->sections; i++) {
		const struct hf_elf_section *s = &fw->elf->section[i];
		struct hf_elf_reloc r;
		uint32_t load;

		if (!hf_elf_is_reloc_section(fw->elf, s) || fw->elf->section[s->info].type == SHT_ARM_EXIDX)
			continue;
		for (uint32_t k = 0; k < s->size / sizeof(Elf32_Rel); k++) {
			must(hf_elf_reloc_at(fw->elf, s, k, &r));
			if (!moves(fw, &r))
				continue;
			must(hf_elf_load_addr(fw->elf, &fw->elf->section[s->info], r.place, 4, &load));
			must(load % 4 == fw->addr % 4 && load - fw->addr < fw->len);
			named[(load - fw->addr) / 4] = 1;
		}
	}
	for (uint32_t i = 0; i + 4 <= fw->len; i += 4) {
		uint32_t linked = load_le32(fw->bytes + i), canonical = load_le32(content->image + i);

		must(canonical == (named[i / 4] ? linked - fw->addr : linked));
	}
	free(named);
}

/* A second link whose words in the table have moved with it. */
static void check_two(const struct hf_image_content *one, const struct hf_firmware *fw, struct hf_firmware *other)
{
	struct hf_image_content two;
	struct hf_diag diag = {""};

	for (uint32_t i = 0; i + 4 <= fw->len; i += 4) {
		uint32_t word = load_le32(fw->bytes + i);

		store_le32(other->bytes + i, word != load_le32(one->image + i) ? word + 0x10200 : word);
	}
	if (hf_image_from_two(&two, fw, other, &board, &diag))
		return;
	must(two.table_bytes == one->table_bytes && memcmp(two.table, one->table, one->table_bytes) == 0);
	must(two.image_bytes == one->image_bytes && memcmp(two.image, one->image, one->image_bytes) == 0);
	hf_image_content_free(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_diag diag = {""};
	struct hf_firmware fw, other;
	struct hf_image_content content;
	enum hf_err err = hf_firmware_parse(&fw, "f", (struct hf_bytes){data, len}, NULL, &board, &diag);

	must_say(err, &diag);
	if (err)
		return 0;
	must(hf_firmware_parse(&other, "g", (struct hf_bytes){data, len}, NULL, &board, &diag) == HF_OK);
	hf_elf_close(other.elf);
	other.elf = NULL;
	other.addr += 0x10200;
	err = hf_image_from_one(&content, &fw, &board, &diag);
	must_say(err, &diag);
	if (!err) {
		check(&content, &fw);
		if (fw.elf)
			check_words(&content, &fw);
		check_two(&content, &fw, &other);
		hf_image_content_free(&content);
	}
	/* A second link whose words moved as if it were one: every word that looks like an address of the image. */
	memcpy(other.bytes, fw.bytes, fw.len);
	for (uint32_t i = 0; i + 4 <= fw.len; i += 4)
		if (load_le32(fw.bytes + i) - fw.addr <= fw.len)
			store_le32(other.bytes + i, load_le32(fw.bytes + i) + 0x10200);
	if (!hf_image_from_two(&content, &fw, &other, &board, &diag)) {
		check(&content, &fw);
		hf_image_content_free(&content);
	}
	err = hf_image_fixed(&content, &fw, (struct hf_span){fw.addr & ~0x1ffu, 0x20000}, &board, &diag);
	must_say(err, &diag);
	if (!err) {
		must(content.table_bytes == 0 && content.image_bytes >= fw.len && memcmp(content.image, fw.bytes, fw.len) == 0);
		hf_image_content_free(&content);
	}
	hf_firmware_free(&other);
	hf_firmware_free(&fw);
	return 0;
}

/* ---- the mutator ---- */

struct file {
	uint8_t *data;
	size_t len, max;
	struct chance *c;
};

/* A table of the file, as far as it lies in it. */
struct rows {
	size_t at, count, bytes;
};

static struct rows rows_in(const struct file *f, size_t at, size_t count, size_t bytes)
{
	if (at >= f->len)
		return (struct rows){0, 0, bytes};
	return (struct rows){at, count < (f->len - at) / bytes ? count : (f->len - at) / bytes, bytes};
}

static struct rows sections_of(const struct file *f)
{
	return rows_in(f, load_le32(f->data + offsetof(Elf32_Ehdr, e_shoff)),
		       load_le16(f->data + offsetof(Elf32_Ehdr, e_shnum)), sizeof(Elf32_Shdr));
}

static struct rows segments_of(const struct file *f)
{
	return rows_in(f, load_le32(f->data + offsetof(Elf32_Ehdr, e_phoff)),
		       load_le16(f->data + offsetof(Elf32_Ehdr, e_phnum)), sizeof(Elf32_Phdr));
}

static uint8_t *row(const struct file *f, struct rows r, size_t i)
{
	return f->data + r.at + i * r.bytes;
}

/* A section header of this type; NULL: none. */
static uint8_t *section_of_type(const struct file *f, uint32_t type)
{
	struct rows r = sections_of(f);
	size_t begin = chance_below(f->c, (uint32_t)r.count);

	for (size_t i = 0; i < r.count; i++) {
		uint8_t *s = row(f, r, (begin + i) % r.count);

		if (load_le32(s + offsetof(Elf32_Shdr, sh_type)) == type)
			return s;
	}
	return NULL;
}

static struct rows content_of(const struct file *f, const uint8_t *section, size_t bytes)
{
	return rows_in(f, load_le32(section + offsetof(Elf32_Shdr, sh_offset)),
		       load_le32(section + offsetof(Elf32_Shdr, sh_size)) / bytes, bytes);
}

/* Where something begins or ends, or just beside it. */
static uint32_t address(const struct file *f)
{
	static const uint32_t beside[] = {0, 0, 0, 0, 1, 2, 4, 0xffffffff, 0xfffffffc, 0x1000000, 0x100000, 0x200};
	struct rows s = sections_of(f), p = segments_of(f);
	uint32_t value = 0x08000000, size = 0;

	if (s.count && !chance_one_in(f->c, 4)) {
		const uint8_t *at = row(f, s, chance_below(f->c, (uint32_t)s.count));

		value = load_le32(at + offsetof(Elf32_Shdr, sh_addr));
		size = load_le32(at + offsetof(Elf32_Shdr, sh_size));
	} else if (p.count && !chance_one_in(f->c, 4)) {
		const uint8_t *at = row(f, p, chance_below(f->c, (uint32_t)p.count));

		value = load_le32(at + offsetof(Elf32_Phdr, p_paddr));
		size = load_le32(at + offsetof(Elf32_Phdr, p_filesz));
	} else if (chance_one_in(f->c, 2)) {
		value = 0x20020000;
	}
	value += chance_one_in(f->c, 3) ? size : chance_one_in(f->c, 2) ? chance_below(f->c, size / 4 + 1) * 4 : 0;
	return value + beside[chance_below(f->c, sizeof(beside) / sizeof(beside[0]))];
}

static void change_field(const struct file *f, uint8_t *at)
{
	store_le32(at, chance_one_in(f->c, 2) ? address(f) : (uint32_t)chance_number(f->c, load_le32(at)));
}

static void change_symbol(const struct file *f, uint8_t *symbol)
{
	static const uint16_t indices[] = {SHN_UNDEF, SHN_ABS, SHN_COMMON, 1, 3, 7};

	switch (chance_below(f->c, 4)) {
	case 0:
		store_le16(symbol + offsetof(Elf32_Sym, st_shndx), indices[chance_below(f->c, 6)]);
		break;
	case 1:
		symbol[offsetof(Elf32_Sym, st_info)] = (uint8_t)(chance_below(f->c, 3) << 4 | chance_below(f->c, 5));
		break;
	default:
		store_le32(symbol + offsetof(Elf32_Sym, st_value), address(f));
	}
}

static void change_reloc(const struct file *f, uint8_t *reloc)
{
	static const uint8_t types[] = {2, 2, 2, 3, 5, 8, 10, 30, 38, 40, 41, 42, 43, 44, 47, 48, 51, 55, 100, 102, 132, 200};
	uint32_t info = load_le32(reloc + offsetof(Elf32_Rel, r_info));

	switch (chance_below(f->c, 3)) {
	case 0:
		store_le32(reloc + offsetof(Elf32_Rel, r_offset), address(f));
		break;
	case 1:
		info = (info & ~0xffu) | types[chance_below(f->c, sizeof(types))];
		break;
	default:
		info = (info & 0xff) | chance_below(f->c, 70) << 8;
	}
	store_le32(reloc + offsetof(Elf32_Rel, r_info), info);
}

/* The relocations go to the file's end, where there is room for one more. */
static void add_reloc(struct file *f, uint8_t *section)
{
	struct rows r = content_of(f, section, sizeof(Elf32_Rel));
	size_t begin = (f->len + 3) / 4 * 4, bytes = r.count * r.bytes;

	if (r.count == 0 || begin > f->max || f->max - begin < bytes + r.bytes)
		return;
	memset(f->data + f->len, 0, begin - f->len);
	memcpy(f->data + begin, f->data + r.at, bytes);
	memcpy(f->data + begin + bytes, row(f, r, chance_below(f->c, (uint32_t)r.count)), r.bytes);
	f->len = begin + bytes + r.bytes;
	store_le32(section + offsetof(Elf32_Shdr, sh_offset), (uint32_t)begin);
	store_le32(section + offsetof(Elf32_Shdr, sh_size), (uint32_t)(bytes + r.bytes));
	change_reloc(f, f->data + begin + bytes);
}

static void change(struct file *f)
{
	static const uint8_t shdr[] = {offsetof(Elf32_Shdr, sh_addr), offsetof(Elf32_Shdr, sh_size), offsetof(Elf32_Shdr, sh_flags),
				       offsetof(Elf32_Shdr, sh_type), offsetof(Elf32_Shdr, sh_info), offsetof(Elf32_Shdr, sh_offset),
				       offsetof(Elf32_Shdr, sh_link), offsetof(Elf32_Shdr, sh_entsize)};
	unsigned what = chance_below(f->c, 10);
	struct rows r = what == 0 ? segments_of(f) : sections_of(f);
	uint8_t *at = r.count ? row(f, r, chance_below(f->c, (uint32_t)r.count)) : NULL;
	uint8_t *section = section_of_type(f, what < 5 ? SHT_SYMTAB : what < 8 ? SHT_REL : SHT_PROGBITS);
	struct rows content = section ? content_of(f, section, what < 5 ? sizeof(Elf32_Sym) : what < 8 ? sizeof(Elf32_Rel) : 4)
				      : (struct rows){0, 0, 4};
	uint8_t *inside = content.count ? row(f, content, chance_below(f->c, (uint32_t)content.count)) : NULL;

	if (what == 0 && at)
		change_field(f, at + 4 * chance_below(f->c, 6));
	else if (what <= 2 && at)
		change_field(f, at + shdr[chance_below(f->c, chance_one_in(f->c, 2) ? 2 : sizeof(shdr))]);
	else if (what < 5 && inside)
		change_symbol(f, inside);
	else if (what < 7 && inside)
		change_reloc(f, inside);
	else if (what == 7 && section)
		add_reloc(f, section);
	else if (inside)
		store_le32(inside, address(f));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	struct chance c;
	struct file f = {data, len, max, &c};

	chance_begin(&c, seed);
	if (len < sizeof(Elf32_Ehdr) || chance_one_in(&c, 8))
		return LLVMFuzzerMutate(data, len, max);
	for (unsigned n = 1 + chance_below(&c, 4); n > 0; n--)
		change(&f);
	return f.len;
}
