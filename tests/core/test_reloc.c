/* SPDX-License-Identifier: MIT
 *
 * Relocation against a naive model, for random tables and windows, and tables that must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reloc.h"
#include "table.h"

#define MAX_IMAGE (5 * 4096u)
#define MAX_WORDS (MAX_IMAGE / 4)
#define BASE      0x08020200u

static uint32_t words[MAX_WORDS], count;
static uint8_t table[65536], canonical[MAX_IMAGE], relocated[MAX_IMAGE], work[MAX_IMAGE];
static uint32_t table_bytes, image_bytes;
static uint64_t seed = 1;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

struct source {
	const uint8_t *bytes;
	uint32_t len;
	unsigned reads_left; /* then every read fails */
};

static enum hf_err read_source(void *ctx, uint32_t offset, void *buf, size_t len)
{
	struct source *s = ctx;

	if (s->reads_left-- == 0)
		return HF_ERR_IO;
	assert_true(hf_range_ok(offset, len, s->len)); /* what the contract promises */
	memcpy(buf, s->bytes + offset, len);
	return HF_OK;
}

static struct source source = { .reads_left = ~0u };

static enum hf_err open_table(struct hf_reloc *reloc)
{
	source = (struct source){ table, table_bytes, ~0u };
	return hf_reloc_open(reloc, read_source, &source, table_bytes, image_bytes);
}

/* An image of this size with one word in `every` relocated, on average; 0: none, 1: all. */
static void make_image(uint32_t bytes, uint32_t every)
{
	image_bytes = bytes;
	count = 0;
	for (uint32_t i = 0; i < bytes; i++)
		canonical[i] = (uint8_t)rnd();
	memcpy(relocated, canonical, bytes);
	for (uint32_t w = 0; w < bytes / 4; w++) {
		if (every == 0 || rnd() % every != 0)
			continue;
		words[count++] = w;
		store_le32(relocated + 4 * w, load_le32(relocated + 4 * w) + BASE);
	}
	table_bytes = make_table(table, words, count, image_bytes);
}

static const uint32_t sizes[] = { 4, 8, 4092, 4096, 4100, 8192, 3 * 4096 + 40, MAX_IMAGE };
static const uint32_t densities[] = { 0, 1, 2, 20, 500 };

static void whole_image_is_relocated_and_undone(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < sizeof(densities) / sizeof(densities[0]); k++) {
			make_image(sizes[i], densities[k]);
			assert_int_equal(open_table(&reloc), HF_OK);
			assert_int_equal(reloc.entries, count);
			assert_int_equal(hf_reloc_check(&reloc), HF_OK);
			memcpy(work, canonical, image_bytes);
			assert_int_equal(hf_reloc_apply(&reloc, work, 0, image_bytes, BASE), HF_OK);
			assert_memory_equal(work, relocated, image_bytes);
			assert_int_equal(hf_reloc_apply(&reloc, work, 0, image_bytes, 0 - BASE), HF_OK);
			assert_memory_equal(work, canonical, image_bytes);
		}
	}
}

static void any_window_is_relocated(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		if (round % 50 == 0)
			make_image(4 + rnd() % (MAX_IMAGE / 4) * 4, 1 + rnd() % 30);
		assert_int_equal(open_table(&reloc), HF_OK);
		uint32_t offset = rnd() % (image_bytes / 4) * 4, len = rnd() % ((image_bytes - offset) / 4 + 1) * 4;
		uint8_t *exact = malloc(len + 1);
		memcpy(exact, canonical + offset, len);
		assert_int_equal(hf_reloc_apply(&reloc, exact, offset, len, BASE), HF_OK);
		if (len)
			assert_memory_equal(exact, relocated + offset, len);
		free(exact);
	}
}

static void windows_at_page_boundaries_are_relocated(void **state)
{
	static const struct {
		uint32_t offset, len;
	} windows[] = { { 0, 4 },	{ 4092, 4 }, { 4096, 4 },    { 4092, 8 },
			{ 4088, 4104 }, { 8188, 4 }, { 4096, 4096 }, { 8192, 0 } };
	struct hf_reloc reloc;

	(void)state;
	make_image(8192, 1); /* every word */
	assert_int_equal(open_table(&reloc), HF_OK);
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		memcpy(work, canonical, image_bytes);
		assert_int_equal(
			hf_reloc_apply(&reloc, work + windows[i].offset, windows[i].offset, windows[i].len, BASE),
			HF_OK);
		assert_memory_equal(work, canonical, windows[i].offset);
		assert_memory_equal(work + windows[i].offset, relocated + windows[i].offset, windows[i].len);
		uint32_t end = windows[i].offset + windows[i].len;
		if (end < image_bytes)
			assert_memory_equal(work + end, canonical + end, image_bytes - end);
	}
}

static void window_outside_the_image_is_refused(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	make_image(4096, 10);
	assert_int_equal(open_table(&reloc), HF_OK);
	assert_int_equal(hf_reloc_apply(&reloc, work, 4096, 4, BASE), HF_ERR_RANGE);
	assert_int_equal(hf_reloc_apply(&reloc, work, 4092, 8, BASE), HF_ERR_RANGE);
	assert_int_equal(hf_reloc_apply(&reloc, work, 0xfffffffc, 8, BASE), HF_ERR_RANGE);
	assert_int_equal(hf_reloc_apply(&reloc, work, 2, 4, BASE), HF_ERR_RANGE);
	assert_int_equal(hf_reloc_apply(&reloc, work, 0, 6, BASE), HF_ERR_RANGE);
}

static void image_without_table_is_left_alone(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	make_image(4096, 10);
	table_bytes = 0;
	assert_int_equal(open_table(&reloc), HF_OK);
	assert_int_equal(hf_reloc_check(&reloc), HF_OK);
	memcpy(work, canonical, image_bytes);
	assert_int_equal(hf_reloc_apply(&reloc, work, 0, image_bytes, BASE), HF_OK);
	assert_memory_equal(work, canonical, image_bytes);
}

static void image_of_odd_size_is_refused(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	make_image(4096, 10);
	image_bytes = 4095;
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	table_bytes = 0;
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
}

static void wrong_header_or_size_is_refused(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	make_image(8192, 10);
	table[0] = 2;
	assert_int_equal(open_table(&reloc), HF_ERR_UNSUPPORTED);
	make_image(8192, 10);
	table[1] = 1;
	assert_int_equal(open_table(&reloc), HF_ERR_UNSUPPORTED);
	make_image(8192, 10);
	store_le16(table + 2, 512);
	assert_int_equal(open_table(&reloc), HF_ERR_UNSUPPORTED);
	make_image(8192, 10);
	store_le32(table + 4, 8196);
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	make_image(8192, 10);
	table_bytes += 4;
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	make_image(8192, 10);
	table_bytes -= 4;
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	for (table_bytes = 4; table_bytes < 20; table_bytes += 4)
		assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	make_image(8192, 10);
	store_le32(table + 16, 0xffffffff); /* entries: 4 + 2 n wraps */
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	make_image(8192, 10);
	store_le32(table + 16, 0x80000000 + count);
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
	image_bytes = 0xfffffffc; /* the largest image that 32 bits count: its table does not fit */
	store_le32(table + 4, image_bytes);
	assert_int_equal(open_table(&reloc), HF_ERR_RANGE);
}

/* Table of 3 words in 2 pages: 8 header, starts at 8, 12, 16, entries at 20, 22, 24, padding at 26. */
static void make_small(struct hf_reloc *reloc)
{
	static const uint32_t small[] = { 5, 6, 1030 };

	image_bytes = 4096 + 64;
	table_bytes = make_table(table, small, 3, image_bytes);
	assert_int_equal(table_bytes, 28);
	assert_int_equal(open_table(reloc), HF_OK);
	assert_int_equal(hf_reloc_check(reloc), HF_OK);
}

static void wrong_entries_are_refused(void **state)
{
	static const struct {
		uint32_t at;
		uint16_t value;
	} changes[] = {
		{ 20, 6 },    /* twice the same */
		{ 20, 7 },    /* descending */
		{ 22, 1024 }, /* behind the page */
		{ 24, 16 },   /* behind the image */
		{ 8, 1 },     /* first page does not begin at 0 */
		{ 12, 4 },    /* first page ends behind all */
		{ 12, 0xffff },
		{ 26, 1 },    /* padding */
		{ 26, 0x100 },
	};
	struct hf_reloc reloc;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make_small(&reloc);
		store_le16(table + changes[i].at, changes[i].value);
		assert_int_equal(hf_reloc_check(&reloc), HF_ERR_ENCODING);
		if (changes[i].at != 26) /* padding is nobody's business while relocating */
			assert_int_equal(hf_reloc_apply(&reloc, work, 0, image_bytes, BASE), HF_ERR_ENCODING);
	}
}

/* Three pages whose middle one ends before it begins. */
static void page_that_ends_before_it_begins_is_refused(void **state)
{
	static const uint32_t small[] = { 5, 6, 1030 };
	struct hf_reloc reloc;

	(void)state;
	image_bytes = 3 * 4096;
	table_bytes = make_table(table, small, 3, image_bytes);
	store_le32(table + 12, 3);
	store_le32(table + 16, 1);
	assert_int_equal(open_table(&reloc), HF_OK);
	assert_int_equal(hf_reloc_check(&reloc), HF_ERR_ENCODING);
	assert_int_equal(hf_reloc_apply(&reloc, work, 4096, 4096, BASE), HF_ERR_ENCODING);
}

static void read_error_comes_through(void **state)
{
	struct hf_reloc reloc;

	(void)state;
	make_small(&reloc);
	for (unsigned n = 0; n < 2; n++) {
		source = (struct source){ table, table_bytes, n };
		assert_int_equal(hf_reloc_open(&reloc, read_source, &source, table_bytes, image_bytes), HF_ERR_IO);
	}
	for (unsigned n = 0;; n++) {
		assert_int_equal(open_table(&reloc), HF_OK);
		source.reads_left = n;
		enum hf_err err = hf_reloc_check(&reloc);
		if (err == HF_OK) {
			assert_in_range(n, 5, 10);
			break;
		}
		assert_int_equal(err, HF_ERR_IO);
	}
	for (unsigned n = 0; n < 4; n++) {
		assert_int_equal(open_table(&reloc), HF_OK);
		source.reads_left = n;
		assert_int_equal(hf_reloc_apply(&reloc, work, 0, image_bytes, BASE), HF_ERR_IO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_image_is_relocated_and_undone),
		cmocka_unit_test(any_window_is_relocated),
		cmocka_unit_test(windows_at_page_boundaries_are_relocated),
		cmocka_unit_test(window_outside_the_image_is_refused),
		cmocka_unit_test(image_without_table_is_left_alone),
		cmocka_unit_test(image_of_odd_size_is_refused),
		cmocka_unit_test(wrong_header_or_size_is_refused),
		cmocka_unit_test(wrong_entries_are_refused),
		cmocka_unit_test(page_that_ends_before_it_begins_is_refused),
		cmocka_unit_test(read_error_comes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
