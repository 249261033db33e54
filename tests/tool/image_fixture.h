/* SPDX-License-Identifier: MIT
 *
 * What the tests of image reading share: the board, files of the directory that tests/tool/image/build.sh fills
 * (environment HF_FIXTURES), and a decoder of relocation tables that shares no line with core's.
 */
#ifndef IMAGE_FIXTURE_H
#define IMAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "diag.h"
#include "file.h"
#include "image.h"

#define BASE_A 0x08020200u
#define BASE_B 0x080A1600u

#define countof(a) (sizeof(a) / sizeof((a)[0]))

/* The reference board's flash, in one piece: where its sectors end does not matter here. */
static const struct hf_layout board = {
	.sector = {{0x08000000, 1 << 20}},
	.sectors = 1,
	.slot = {{0x08020000, 0x60000}, {0x08080000, 0x60000}},
	.ram = {{0x20000000, 128 << 10}, {0x10000000, 64 << 10}},
};

__attribute__((unused)) static struct hf_buffer fixture(const char *name)
{
	const char *dir = getenv("HF_FIXTURES");
	struct hf_buffer file;
	struct hf_diag diag;
	char path[4096];

	assert_non_null(dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (hf_file_read(path, 64 << 20, &file, &diag))
		fail_msg("%s", diag.text);
	return file;
}

__attribute__((unused)) static struct hf_firmware firmware(const char *name, const uint32_t *raw_addr)
{
	struct hf_buffer file = fixture(name);
	struct hf_firmware fw;
	struct hf_diag diag;

	if (hf_firmware_parse(&fw, name, hf_buffer_bytes(&file), raw_addr, &board, &diag))
		fail_msg("%s", diag.text);
	hf_buffer_free(&file);
	return fw;
}

__attribute__((unused)) static struct hf_image_content from_two(const char *name_a, const char *name_b)
{
	struct hf_firmware a = firmware(name_a, NULL), b = firmware(name_b, NULL);
	struct hf_image_content content;
	struct hf_diag diag;

	if (hf_image_from_two(&content, &a, &b, &board, &diag))
		fail_msg("%s", diag.text);
	hf_firmware_free(&a);
	hf_firmware_free(&b);
	return content;
}

__attribute__((unused)) static struct hf_image_content from_one(const char *name)
{
	struct hf_firmware fw = firmware(name, NULL);
	struct hf_image_content content;
	struct hf_diag diag;

	if (hf_image_from_one(&content, &fw, &board, &diag))
		fail_msg("%s", diag.text);
	hf_firmware_free(&fw);
	return content;
}

/* A byte a word of the image, 1 where the table lists it; to be freed. Every rule of the format is asserted. */
__attribute__((unused)) static uint8_t *listed_words(const struct hf_image_content *c)
{
	uint32_t words = c->image_bytes / 4, pages = (words + 1023) / 1024, count = 0;
	const uint8_t *starts = c->table + 8, *entries = starts + 4 * (pages + 1);
	uint8_t *listed = calloc(words, 1);

	assert_non_null(listed);
	assert_int_equal(load_le32(c->table), 1 | 1024u << 16);
	assert_int_equal(load_le32(c->table + 4), c->image_bytes);
	assert_int_equal(c->image_bytes % 4, 0);
	assert_int_equal(load_le32(starts), 0);
	for (uint32_t page = 0; page < pages; page++) {
		uint32_t from = load_le32(starts + 4 * page), to = load_le32(starts + 4 * page + 4);
		int before = -1;

		assert_true(from <= to);
		for (uint32_t i = from; i < to; i++, count++) {
			int entry = load_le16(entries + 2 * i);

			assert_true(entry > before && entry < 1024 && page * 1024 + (uint32_t)entry < words);
			listed[page * 1024 + (uint32_t)entry] = 1;
			before = entry;
		}
	}
	assert_int_equal(count, c->entries);
	assert_int_equal(c->table_bytes, (size_t)(entries + 2 * count - c->table + 3) / 4 * 4);
	if (count % 2)
		assert_int_equal(load_le16(entries + 2 * count), 0);
	return listed;
}

/* The image as it would lie at an address; to be freed. */
__attribute__((unused)) static uint8_t *placed_at(const struct hf_image_content *c, uint32_t base)
{
	uint8_t *listed = listed_words(c), *image = malloc(c->image_bytes);

	assert_non_null(image);
	for (uint32_t i = 0; i < c->image_bytes / 4; i++)
		store_le32(image + 4 * i, load_le32(c->image + 4 * i) + (listed[i] ? base : 0));
	free(listed);
	return image;
}

__attribute__((unused)) static void assert_same_content(const struct hf_image_content *x,
							const struct hf_image_content *y)
{
	assert_int_equal(x->table_bytes, y->table_bytes);
	assert_memory_equal(x->table, y->table, x->table_bytes);
	assert_int_equal(x->image_bytes, y->image_bytes);
	assert_memory_equal(x->image, y->image, x->image_bytes);
}

__attribute__((unused)) static void assert_says(const struct hf_diag *diag, const char *what)
{
	if (!strstr(diag->text, what))
		fail_msg("\"%s\" does not say \"%s\"", diag->text, what);
}

#endif
