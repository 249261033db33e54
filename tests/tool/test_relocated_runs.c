/* SPDX-License-Identifier: MIT
 *
 * Relocated firmware is executed, by emulators that know nothing of relocation (run_flash.h). The image lies in one
 * slot, everything else is blank, so that a word that was missed leads nowhere. What counts as right is what the
 * linker's own, unrelocated output prints.
 */
#include "image_fixture.h"
#include "run_flash.h"

#define VECTORS 64u

struct line {
	char text[32];
};

/* The image alone in flash, with its vectors at 0, where a bootloader's VTOR would have them. */
static struct line run_at(const uint8_t *image, uint32_t len, uint32_t addr)
{
	uint8_t *flash = malloc(FLASH_BYTES);
	struct line line;

	assert_non_null(flash);
	memset(flash, 0xFF, FLASH_BYTES);
	memcpy(flash + (addr - FLASH_ADDR), image, len);
	memcpy(flash, image, VECTORS);
	run_flash(flash, line.text, sizeof(line.text));
	free(flash);
	return line;
}

static struct line run_as_linked(const char *name)
{
	struct hf_firmware fw = firmware(name, NULL);
	struct line line = run_at(fw.bytes, fw.len, fw.addr);

	hf_firmware_free(&fw);
	return line;
}

static struct line run_content(const struct hf_image_content *content, uint32_t addr)
{
	uint8_t *image = placed_at(content, addr);
	struct line line = run_at(image, content->image_bytes, addr);

	free(image);
	return line;
}

/* Neither is an address that the fixtures are linked at. */
static const uint32_t places[] = {0x08020A00, 0x08081000};

static void assert_runs_in_both_slots(struct hf_image_content *content, const char *right)
{
	for (size_t i = 0; i < countof(places); i++) {
		struct line line = run_content(content, places[i]);

		assert_string_equal(line.text, right);
	}
	hf_image_content_free(content);
}

static struct line right_line(const char *variant)
{
	char name[60];
	struct line line;

	snprintf(name, sizeof(name), "run_%s-a.elf", variant);
	line = run_as_linked(name);
	assert_int_equal(strlen(line.text), 14);
	assert_memory_equal(line.text, "check ", 6);
	return line;
}

static void from_two_links_runs_in_either_slot(void **state)
{
	static const char *const variants[] = {
		"none", "unwind", "ram_call", "copy_table", "beyond", "beyond_absolute", "constants",
	};

	(void)state;
	for (size_t i = 0; i < countof(variants); i++) {
		struct line right = right_line(variants[i]);
		char a[60], b[60];

		snprintf(a, sizeof(a), "run_%s-a.elf", variants[i]);
		snprintf(b, sizeof(b), "run_%s-b.elf", variants[i]);
		struct hf_image_content content = from_two(a, b);
		assert_runs_in_both_slots(&content, right.text);
	}
}

static void from_one_elf_runs_in_either_slot(void **state)
{
	static const char *const variants[] = {"none", "unwind", "constants"};

	(void)state;
	for (size_t i = 0; i < countof(variants); i++) {
		struct line right = right_line(variants[i]);
		char name[60];

		snprintf(name, sizeof(name), "run_%s-a.elf", variants[i]);
		struct hf_image_content content = from_one(name);
		assert_runs_in_both_slots(&content, right.text);
	}
}

/* What one ELF cannot know is warned of, and for good reason: it does not run right elsewhere. */
static void from_one_elf_warned_of_words_matter(void **state)
{
	static const char *const variants[] = {"copy_table", "beyond_absolute"};

	(void)state;
	for (size_t i = 0; i < countof(variants); i++) {
		struct line right = right_line(variants[i]);
		char name[60];

		snprintf(name, sizeof(name), "run_%s-a.elf", variants[i]);
		struct hf_image_content content = from_one(name);
		assert_int_not_equal(content.warning_count, 0);
		struct line line = run_content(&content, places[1]);
		assert_string_not_equal(line.text, right.text);
		hf_image_content_free(&content);
	}
}

/* The self-check would notice: with any one word but a fault handler's left out of the table, the line is another. */
static void any_word_that_is_left_out_is_noticed(void **state)
{
	struct hf_image_content content = from_two("run_none-a.elf", "run_none-b.elf");
	struct line right = right_line("none");
	uint8_t *listed = listed_words(&content), *image = placed_at(&content, places[1]);
	unsigned tried = 0;

	(void)state;
	for (uint32_t w = 1; w < content.image_bytes / 4; w++) {
		if (!listed[w] || (w > 1 && w < VECTORS / 4))
			continue;
		store_le32(image + 4 * w, load_le32(image + 4 * w) - places[1]);
		struct line line = run_at(image, content.image_bytes, places[1]);
		if (!strcmp(line.text, right.text))
			fail_msg("nobody noticed that the word at 0x%X was not relocated", 4 * w);
		store_le32(image + 4 * w, load_le32(image + 4 * w) + places[1]);
		tried++;
	}
	assert_true(tried >= 15);
	free(image);
	free(listed);
	hf_image_content_free(&content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_two_links_runs_in_either_slot),
		cmocka_unit_test(from_one_elf_runs_in_either_slot),
		cmocka_unit_test(from_one_elf_warned_of_words_matter),
		cmocka_unit_test(any_word_that_is_left_out_is_noticed),
	};

	return cmocka_run_group_tests_name("relocated_runs", tests, NULL, NULL);
}
