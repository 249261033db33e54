/* SPDX-License-Identifier: MIT
 *
 * Firmware of the field, which cannot be linked again: each ELF of the corpus packs from its relocations, and the table
 * is compared with what binutils' readelf says about the same file.
 */
#include <time.h>

#include "../support/shared.h"
#include "image_fixture.h"

#define LINKED_AT 0x08020000u

static const char *const names[] = {"gw_base", "gw_fix", "gw_feat", "gw_minor", "lua544", "lua544o"};

/* The corpus expects 192 KiB of RAM in one piece. */
static const struct hf_layout corpus_board = {
	.sector = {{0x08000000, 1 << 20}},
	.sectors = 1,
	.ram = {{0x20000000, 192 << 10}},
};

static void corpus_path(char *buf, size_t cap, const char *name)
{
	snprintf(buf, cap, "%s/corpus/%s.elf", shared_dir(), name);
}

struct packed {
	char path[4096];
	struct hf_firmware fw;
	struct hf_image_content content;
	uint8_t *listed;
};

static void pack(struct packed *p, const char *name)
{
	struct hf_diag diag;

	corpus_path(p->path, sizeof(p->path), name);
	if (hf_firmware_read(&p->fw, p->path, NULL, &corpus_board, &diag) ||
	    hf_image_from_one(&p->content, &p->fw, &corpus_board, &diag))
		fail_msg("%s", diag.text);
	p->listed = listed_words(&p->content);
}

static void unpack(struct packed *p)
{
	free(p->listed);
	hf_image_content_free(&p->content);
	hf_firmware_free(&p->fw);
}

/* Calls readelf on the file; the result is to be closed with pclose. */
static FILE *readelf(const char *option, const char *path)
{
	char command[5000];
	FILE *pipe;

	snprintf(command, sizeof(command), "arm-none-eabi-readelf -W %s '%s'", option, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	return pipe;
}

/* Where readelf says that .data's copy lies. */
static uint32_t data_load_addr(const char *path)
{
	FILE *pipe = readelf("-l", path);
	unsigned offset, vaddr, paddr, found = 0;
	char line[512];

	while (fgets(line, sizeof(line), pipe))
		if (sscanf(line, " LOAD %x %x %x", &offset, &vaddr, &paddr) == 3 && vaddr == 0x20000000)
			found = paddr;
	assert_int_equal(pclose(pipe), 0);
	assert_int_not_equal(found, 0);
	return found;
}

static void table_is_what_readelf_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		unsigned offset, info, value;
		char line[512], type[40];
		struct packed p;

		pack(&p, names[i]);
		uint32_t words = p.content.image_bytes / 4, data = data_load_addr(p.path);
		uint8_t *expected = calloc(words, 1);
		FILE *pipe = readelf("-r", p.path);

		while (fgets(line, sizeof(line), pipe)) {
			if (sscanf(line, "%x %x %39s %x", &offset, &info, type, &value) != 4 ||
			    strcmp(type, "R_ARM_ABS32"))
				continue;
			if (value < LINKED_AT || value > LINKED_AT + p.fw.len)
				continue;
			expected[((offset < 0x20000000 ? offset : offset - 0x20000000 + data) - LINKED_AT) / 4] = 1;
		}
		assert_int_equal(pclose(pipe), 0);
		assert_memory_equal(p.listed, expected, words);
		assert_true(p.content.entries > 1000);
		free(expected);
		unpack(&p);
	}
}

static void relocated_image_differs_in_the_listed_words_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct packed p;

		pack(&p, names[i]);
		uint8_t *here = placed_at(&p.content, LINKED_AT), *there = placed_at(&p.content, 0x08080E00);

		assert_memory_equal(here, p.fw.bytes, p.fw.len);
		for (uint32_t w = 0; w < p.content.image_bytes / 4; w++)
			assert_int_equal(load_le32(there + 4 * w) - load_le32(here + 4 * w),
					 p.listed[w] ? 0x08080E00 - LINKED_AT : 0);
		free(here);
		free(there);
		unpack(&p);
	}
}

static void word_that_looks_like_an_address_is_relocated_or_warned_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		unsigned warned = 0, code = 0;
		struct packed p;

		pack(&p, names[i]);
		for (uint32_t w = 0; w < p.fw.len / 4; w++) {
			uint32_t value = load_le32(p.fw.bytes + 4 * w);

			if (p.listed[w] || value < LINKED_AT || value > LINKED_AT + p.fw.len)
				continue;
			assert_true(warned < p.content.warning_count);
			assert_int_equal(p.content.warnings[warned].addr, LINKED_AT + 4 * w);
			code += p.content.warnings[warned++].code;
		}
		assert_int_equal(warned, p.content.warning_count);
		print_message("# %s: %u bytes, table %u bytes, %u words; %u words without relocation look like "
			      "addresses, %u of them "
			      "are instructions\n",
			      names[i], p.content.image_bytes, p.content.table_bytes, p.content.entries, warned, code);
		unpack(&p);
	}
}

static void packing_takes_a_fraction_of_a_second(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		clock_t begin = clock();
		struct packed p;

		pack(&p, names[i]);
		clock_t took = clock() - begin;
		unpack(&p);
		print_message("# %s: %ld us of CPU time\n", names[i], (long)(took * 1000000 / CLOCKS_PER_SEC));
		assert_true(took < CLOCKS_PER_SEC / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_what_readelf_says),
		cmocka_unit_test(relocated_image_differs_in_the_listed_words_only),
		cmocka_unit_test(word_that_looks_like_an_address_is_relocated_or_warned_of),
		cmocka_unit_test(packing_takes_a_fraction_of_a_second),
	};

	if (!shared_present("corpus/README"))
		return 0;
	return cmocka_run_group_tests_name("image_corpus", tests, NULL, NULL);
}
