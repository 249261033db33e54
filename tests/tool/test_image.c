/* SPDX-License-Identifier: MIT
 *
 * From links to content. The test firmware (image/fw.c) has each construct that moves and each that must not; its two
 * links are the truth that the way from one ELF is held to, and objcopy's binary is the truth for the bytes.
 */
#include "image_fixture.h"
#include "reloc.h"

static void two_links_content_placed_again_is_each_link(void **state)
{
	static const char *const variants[][2] = {
		{"none", "33"},
		{"ram_call", "34"},
		{"beyond", "35"},
		{"copy_table", "36"},
	};
	static const uint32_t bases[] = {BASE_A, BASE_B};

	(void)state;
	for (size_t i = 0; i < countof(variants); i++) {
		char a[40], b[40];

		snprintf(a, sizeof(a), "%s-a.elf", variants[i][0]);
		snprintf(b, sizeof(b), "%s-b.elf", variants[i][0]);
		struct hf_image_content c = from_two(a, b);
		assert_int_equal(c.entries, strtoul(variants[i][1], NULL, 10));
		assert_int_equal(c.link_addr, BASE_A);
		assert_int_equal(c.warning_count, 0);
		for (unsigned j = 0; j < 2; j++) {
			char name[40];
			snprintf(name, sizeof(name), "%s-%c.bin", variants[i][0], "ab"[j]);
			struct hf_buffer bin = fixture(name);
			uint8_t *placed = placed_at(&c, bases[j]);

			assert_int_equal(c.image_bytes, (bin.len + 3) / 4 * 4);
			assert_memory_equal(placed, bin.ptr, bin.len);
			free(placed);
			hf_buffer_free(&bin);
		}
		hf_image_content_free(&c);
	}
}

static void two_links_any_distance_gives_the_same_content(void **state)
{
	struct hf_image_content far = from_two("none-a.elf", "none-b.elf"),
				near = from_two("none-a.elf", "none-near.elf");
	struct hf_image_content back = from_two("none-b.elf", "none-a.elf");

	(void)state;
	assert_same_content(&far, &near);
	assert_same_content(&far, &back);
	assert_int_equal(back.link_addr, BASE_B);
	hf_image_content_free(&far);
	hf_image_content_free(&near);
	hf_image_content_free(&back);
}

static void one_elf_gives_the_content_of_two(void **state)
{
	static const char *const variants[] = {"none", "unwind", "MOVW_RAM", "RELATIVE_FLASH", "constants", "bare"};

	(void)state;
	for (size_t i = 0; i < countof(variants); i++) {
		char a[40], b[40];

		snprintf(a, sizeof(a), "%s-a.elf", variants[i]);
		snprintf(b, sizeof(b), "%s-b.elf", variants[i]);
		struct hf_image_content two = from_two(a, b), one = from_one(a), other = from_one(b);
		assert_same_content(&one, &two);
		assert_same_content(&other, &two);
		assert_int_equal(one.link_addr, BASE_A);
		assert_int_equal(other.link_addr, BASE_B);
		assert_int_equal(one.stack_pointer, 0x20020000);
		assert_int_equal(one.reset_vector - BASE_A, other.reset_vector - BASE_B);
		hf_image_content_free(&two);
		hf_image_content_free(&one);
		hf_image_content_free(&other);
	}
}

static enum hf_err memory_read(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct hf_image_content *c = ctx;

	assert_true(hf_range_ok(offset, len, c->table_bytes));
	memcpy(buf, c->table + offset, len);
	return HF_OK;
}

static void table_is_what_core_reads(void **state)
{
	struct hf_image_content c = from_two("copy_table-a.elf", "copy_table-b.elf");
	uint8_t *placed = placed_at(&c, 0x08080A00), *image = malloc(c.image_bytes);
	struct hf_reloc reloc;

	(void)state;
	memcpy(image, c.image, c.image_bytes);
	assert_int_equal(hf_reloc_open(&reloc, memory_read, &c, c.table_bytes, c.image_bytes), HF_OK);
	assert_int_equal(hf_reloc_check(&reloc), HF_OK);
	assert_int_equal(hf_reloc_apply(&reloc, image, 0, c.image_bytes, 0x08080A00), HF_OK);
	assert_memory_equal(image, placed, c.image_bytes);
	free(placed);
	free(image);
	hf_image_content_free(&c);
}

/* What no relocation explains is listed: the word of LONG(LOADADDR(.data)), which two links know to move. */
static void one_elf_copy_table_is_listed_and_two_links_move_it(void **state)
{
	struct hf_image_content one = from_one("copy_table-a.elf"),
				two = from_two("copy_table-a.elf", "copy_table-b.elf");
	uint8_t *in_one = listed_words(&one), *in_two = listed_words(&two);

	(void)state;
	assert_int_equal(one.warning_count, 1);
	uint32_t word = (one.warnings[0].addr - BASE_A) / 4;
	assert_true(in_two[word] && !in_one[word]);
	assert_false(one.warnings[0].code);
	assert_non_null(strstr(one.warnings[0].text, "__copy_table"));
	in_one[word] = 1;
	assert_memory_equal(in_one, in_two, one.image_bytes / 4);
	free(in_one);
	free(in_two);
	hf_image_content_free(&one);
	hf_image_content_free(&two);
}

static void one_elf_absolute_symbol_outside_is_a_listed_constant(void **state)
{
	struct hf_image_content constants = from_one("constants-a.elf"), beyond = from_one("beyond_absolute-a.elf");

	(void)state;
	assert_int_equal(constants.warning_count, 2);
	assert_int_equal(constants.warnings[0].value, 0x080E0000);
	assert_int_equal(constants.warnings[1].value, 0x08020204);
	assert_non_null(strstr(constants.warnings[1].text, "looks_like_one"));
	assert_int_equal(beyond.warning_count, 1);
	assert_in_range(beyond.warnings[0].value, BASE_A + 0x100000, BASE_A + 0x101000);
	hf_image_content_free(&constants);
	hf_image_content_free(&beyond);
}

static const struct {
	const char *a, *b; /* b NULL: from one */
	enum hf_err err;
	const char *says[3];
} refusals[] = {
	{"ram_call-a.elf",
	 NULL,
	 HF_ERR_UNSUPPORTED,
	 {"R_ARM_THM_CALL at 0x080", "(from_ram+0x2) against fw_called_from_ram", "veneer"}},
	{"beyond-a.elf", NULL, HF_ERR_UNSUPPORTED, {"R_ARM_ABS32", "(fw_extra+0x", "_beyond (0x08120"}},
	{"unaligned-a.elf", NULL, HF_ERR_UNSUPPORTED, {"R_ARM_ABS32", "(fw_packed+0x1)", "target (0x0802"}},
	{"unaligned-a.elf", "unaligned-b.elf", HF_ERR_ENCODING, {"(fw_packed+0x0)", "0x81400", "unaligned"}},
	{"unwind_ram-a.elf", NULL, HF_ERR_UNSUPPORTED, {"unwind table .ARM.exidx", "0x2000001C", "-fno-unwind-tables"}},
	{"unwind_ram-a.elf", "unwind_ram-b.elf", HF_ERR_ENCODING, {"(.ARM.exidx+0x", "differ", "0x81400"}},
	{"MOVW_FLASH-a.elf",
	 NULL,
	 HF_ERR_UNSUPPORTED,
	 {"R_ARM_THM_MOVW_ABS_NC", "(fw_extra+0x0)", "-mword-relocations"}},
	{"MOVW_FLASH-a.elf", "MOVW_FLASH-b.elf", HF_ERR_ENCODING, {"(fw_extra+0x0)", "MOVW", "0x81400"}},
	{"MOVW_FLASH-a.elf",
	 "MOVW_FLASH-near.elf",
	 HF_ERR_UNSUPPORTED,
	 {"R_ARM_THM_MOV", "(fw_extra+0x", "fw_construct"}},
	{"MOVW_FLASH-a.hex", "MOVW_FLASH-near.hex", HF_ERR_UNSUPPORTED, {"64 KiB", "--emit-relocs", "0x08030400"}},
	{"RELATIVE_RAM-a.elf", NULL, HF_ERR_UNSUPPORTED, {"R_ARM_REL32", "(fw_construct+0x0)", "fw_result (0x2000"}},
	{"RELATIVE_RAM-a.elf", "RELATIVE_RAM-b.elf", HF_ERR_ENCODING, {"(fw_construct+0x0)", "differ", "0x81400"}},
	{"RELATIVE_WEAK-a.elf", NULL, HF_ERR_UNSUPPORTED, {"R_ARM_REL32", "(fw_construct+0x0)", "nobody"}},
	{"TYPE_INFO-a.elf", NULL, HF_ERR_UNSUPPORTED, {"R_ARM_TARGET2", "(fw_construct+0x0)", "exceptions"}},
	{"GOT_ENTRY-a.elf", NULL, HF_ERR_UNSUPPORTED, {"type 26", "(fw_construct+0x0)", "fw_extra"}},
	{"norelocs-a.elf", NULL, HF_ERR_UNSUPPORTED, {"norelocs-a.elf: ", "no relocations", "--emit-relocs"}},
	{"none-a.hex", NULL, HF_ERR_UNSUPPORTED, {"none-a.hex: ", "Intel HEX", "two links"}},
	{"none-a.elf", "none-a.elf", HF_ERR_RANGE, {"both linked at 0x08020200", "another", ""}},
	{"none-a.elf", "other-b.elf", HF_ERR_ENCODING, {"none-a.elf has 640", "other-b.elf has 648", "objects"}},
	{"id-a.elf", "id-b.elf", HF_ERR_ENCODING, {"(.note.gnu.build-id+0x10)", "build id", ""}},
	{"misplaced-a.elf", NULL, HF_ERR_RANGE, {"0x08020204", "multiple of 512", ""}},
};

static void constructs_that_cannot_move_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(refusals); i++) {
		struct hf_firmware a = firmware(refusals[i].a, NULL), b = {0};
		struct hf_image_content content;
		struct hf_diag diag = {""};
		enum hf_err err;

		if (refusals[i].b) {
			b = firmware(refusals[i].b, NULL);
			err = hf_image_from_two(&content, &a, &b, &board, &diag);
		} else {
			err = hf_image_from_one(&content, &a, &board, &diag);
		}
		if (err != refusals[i].err)
			fail_msg("%s: error %d instead of %d (%s)", refusals[i].a, err, refusals[i].err, diag.text);
		for (unsigned j = 0; j < 3; j++)
			assert_says(&diag, refusals[i].says[j]);
		assert_null(content.table);
		assert_null(content.image);
		assert_null(content.warnings);
		hf_firmware_free(&a);
		hf_firmware_free(&b);
	}
}

/* A relocation that says "moves" where the links do not differ: the second is no link of the same objects. */
static void two_links_relocation_of_an_equal_word_is_refused(void **state)
{
	struct hf_firmware a = firmware("none-a.elf", NULL), b = firmware("norelocs-a.elf", NULL);
	struct hf_image_content content;
	struct hf_diag diag;

	(void)state;
	b.addr = BASE_B;
	assert_int_equal(hf_image_from_two(&content, &a, &b, &board, &diag), HF_ERR_UNSUPPORTED);
	assert_says(&diag, "the same in both links");
	assert_int_equal(hf_image_from_two(&content, &b, &a, &board, &diag), HF_ERR_UNSUPPORTED);
	assert_says(&diag, "the same in both links");
	hf_firmware_free(&a);
	hf_firmware_free(&b);
}

static void two_links_other_formats_give_the_same_content(void **state)
{
	static const char *const pairs[][2] = {
		{"none-a.hex", "none-b.hex"},
		{"none-a.srec", "none-b.srec"},
		{"none-a.elf", "none-b.srec"},
		{"norelocs-a.elf", "none-b.hex"},
	};
	struct hf_image_content want = from_two("none-a.elf", "none-b.elf"), got;
	uint32_t bases[] = {BASE_A, BASE_B};
	struct hf_diag diag;

	(void)state;
	for (size_t i = 0; i < countof(pairs); i++) {
		got = from_two(pairs[i][0], pairs[i][1]);
		assert_same_content(&got, &want);
		hf_image_content_free(&got);
	}
	struct hf_firmware a = firmware("none-a.bin", &bases[0]), b = firmware("none-b.bin", &bases[1]);
	assert_int_equal(hf_image_from_two(&got, &a, &b, &board, &diag), HF_OK);
	assert_same_content(&got, &want);
	hf_firmware_free(&a);
	hf_firmware_free(&b);
	hf_image_content_free(&got);
	hf_image_content_free(&want);
}

static void fixed_build_for_its_slot_is_as_linked(void **state)
{
	static const char *const names[] = {"none-a.elf", "none-a.hex", "none-a.srec"};
	struct hf_buffer bin = fixture("none-a.bin");
	struct hf_diag diag;

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct hf_firmware fw = firmware(names[i], NULL);
		struct hf_image_content c;

		assert_int_equal(hf_image_fixed(&c, &fw, board.slot[0], &board, &diag), HF_OK);
		assert_null(c.table);
		assert_int_equal(c.table_bytes, 0);
		assert_int_equal(c.link_addr, BASE_A);
		assert_memory_equal(c.image, bin.ptr, bin.len);
		hf_image_content_free(&c);
		hf_firmware_free(&fw);
	}
	hf_buffer_free(&bin);
}

static void fixed_build_outside_its_slot_is_refused(void **state)
{
	const struct hf_span slots[] = {
		{0x08080000, 0x60000},	   /* the other one */
		{0x08020200, 0x60000},	   /* no room for the manifest */
		{0x08020100, 0x60000},	   /* not a multiple of 512 behind */
		{0x08020000, 0x200 + 636}, /* ends within the image */
	};
	struct hf_firmware fw = firmware("none-a.elf", NULL);
	struct hf_image_content c;
	struct hf_diag diag;

	(void)state;
	for (size_t i = 0; i < countof(slots); i++) {
		assert_int_equal(hf_image_fixed(&c, &fw, slots[i], &board, &diag), HF_ERR_SLOT);
		assert_says(&diag, "none-a.elf: it is linked at 0x08020200, 640 bytes");
		assert_null(c.image);
	}
	assert_int_equal(hf_image_fixed(&c, &fw, (struct hf_span){0x08020000, 0x200 + 640}, &board, &diag), HF_OK);
	hf_image_content_free(&c);
	hf_firmware_free(&fw);
}

static enum hf_err fixed_with_vectors(uint32_t stack, uint32_t reset, struct hf_diag *diag)
{
	uint32_t addr = BASE_A;
	struct hf_firmware fw = firmware("none-a.bin", &addr);
	struct hf_image_content c;
	enum hf_err err;

	store_le32(fw.bytes, stack);
	store_le32(fw.bytes + 4, reset);
	err = hf_image_fixed(&c, &fw, board.slot[0], &board, diag);
	hf_image_content_free(&c);
	hf_firmware_free(&fw);
	return err;
}

static void vectors_that_boot_would_refuse_are_refused(void **state)
{
	struct hf_diag diag;

	(void)state;
	assert_int_equal(fixed_with_vectors(0x20020000, BASE_A + 0x41, &diag), HF_OK);
	assert_int_equal(fixed_with_vectors(0x10010000, BASE_A + 0x41, &diag), HF_OK);
	assert_int_equal(fixed_with_vectors(0x20020004, BASE_A + 0x41, &diag), HF_ERR_RANGE);
	assert_says(&diag, "0x20020004");
	assert_int_equal(fixed_with_vectors(0x20000000, BASE_A + 0x41, &diag), HF_ERR_RANGE);
	assert_int_equal(fixed_with_vectors(0x20001002, BASE_A + 0x41, &diag), HF_ERR_RANGE);
	assert_int_equal(fixed_with_vectors(0x20001000, BASE_A + 0x40, &diag), HF_ERR_RANGE);
	assert_says(&diag, "reset vector 0x08020240");
	assert_int_equal(fixed_with_vectors(0x20001000, BASE_A + 641, &diag), HF_ERR_RANGE);
	assert_int_equal(fixed_with_vectors(0x20001000, BASE_A - 1, &diag), HF_ERR_RANGE);
}

static void image_of_no_vectors_is_refused(void **state)
{
	uint32_t addr = BASE_A;
	struct hf_firmware fw;
	struct hf_image_content c;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(
		hf_firmware_parse(&fw, "tiny", (struct hf_bytes){(const uint8_t *)"1234567", 7}, &addr, &board, &diag),
		HF_OK);
	assert_int_equal(hf_image_fixed(&c, &fw, board.slot[0], &board, &diag), HF_ERR_RANGE);
	assert_says(&diag, "7 bytes");
	hf_firmware_free(&fw);
}

static void length_is_padded_with_erased_bytes(void **state)
{
	uint32_t addr = BASE_A;
	uint8_t bytes[14] = {0, 0, 1, 0x20, 9, 2, 2, 8, 1, 2, 3, 4, 5, 6};
	struct hf_firmware fw;
	struct hf_image_content c;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_firmware_parse(&fw, "odd", (struct hf_bytes){bytes, 14}, &addr, &board, &diag), HF_OK);
	assert_int_equal(hf_image_fixed(&c, &fw, board.slot[0], &board, &diag), HF_OK);
	assert_int_equal(c.image_bytes, 16);
	assert_memory_equal(c.image, bytes, 14);
	assert_memory_equal(c.image + 14, "\xFF\xFF", 2);
	hf_image_content_free(&c);
	hf_firmware_free(&fw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_links_content_placed_again_is_each_link),
		cmocka_unit_test(two_links_any_distance_gives_the_same_content),
		cmocka_unit_test(one_elf_gives_the_content_of_two),
		cmocka_unit_test(table_is_what_core_reads),
		cmocka_unit_test(one_elf_copy_table_is_listed_and_two_links_move_it),
		cmocka_unit_test(one_elf_absolute_symbol_outside_is_a_listed_constant),
		cmocka_unit_test(constructs_that_cannot_move_are_refused_by_name),
		cmocka_unit_test(two_links_relocation_of_an_equal_word_is_refused),
		cmocka_unit_test(two_links_other_formats_give_the_same_content),
		cmocka_unit_test(fixed_build_for_its_slot_is_as_linked),
		cmocka_unit_test(fixed_build_outside_its_slot_is_refused),
		cmocka_unit_test(vectors_that_boot_would_refuse_are_refused),
		cmocka_unit_test(image_of_no_vectors_is_refused),
		cmocka_unit_test(length_is_padded_with_erased_bytes),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
