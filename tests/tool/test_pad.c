/* SPDX-License-Identifier: MIT
 *
 * Padding: the size is exact, the table stays valid and relocates the same words, the bytes are the same every time.
 */
#include "image_fixture.h"
#include "pad.h"
#include "reloc.h"

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	memcpy(buf, (const uint8_t *)ctx + offset, len);
	return HF_OK;
}

static void padded_image_has_its_size_and_a_valid_table(void **state)
{
	static const uint32_t sizes[] = {16384, 16388, 65536, 262144, 389120};

	(void)state;
	for (size_t i = 0; i < countof(sizes); i++) {
		struct hf_image_content plain = from_two("none-a.elf", "none-b.elf");
		struct hf_image_content padded = from_two("none-a.elf", "none-b.elf");
		struct hf_reloc reloc;
		struct hf_diag diag;

		assert_int_equal(hf_image_pad(&padded, sizes[i], &diag), HF_OK);
		assert_int_equal(padded.image_bytes, sizes[i]);
		assert_memory_equal(padded.image, plain.image, plain.image_bytes);
		assert_int_equal(
			hf_reloc_open(&reloc, read_table, padded.table, padded.table_bytes, padded.image_bytes),
			HF_OK);
		assert_int_equal(hf_reloc_check(&reloc), HF_OK);
		assert_int_equal(reloc.entries, plain.entries);

		/* Relocated by both tables, the words in front of the padding are equal. */
		assert_int_equal(hf_reloc_apply(&reloc, padded.image, 0, sizes[i], 0x08020000), HF_OK);
		assert_int_equal(hf_reloc_open(&reloc, read_table, plain.table, plain.table_bytes, plain.image_bytes),
				 HF_OK);
		assert_int_equal(hf_reloc_apply(&reloc, plain.image, 0, plain.image_bytes, 0x08020000), HF_OK);
		assert_memory_equal(padded.image, plain.image, plain.image_bytes);
		hf_image_content_free(&plain);
		hf_image_content_free(&padded);
	}
}

static void padding_is_the_same_every_time_and_spreads(void **state)
{
	struct hf_image_content one = from_two("none-a.elf", "none-b.elf"),
				two = from_two("none-a.elf", "none-b.elf");
	uint32_t from = one.image_bytes, counts[256] = {0};
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_image_pad(&one, 262144, &diag), HF_OK);
	assert_int_equal(hf_image_pad(&two, 262144, &diag), HF_OK);
	assert_memory_equal(one.image, two.image, 262144);
	for (uint32_t i = from; i < 262144; i++)
		counts[one.image[i]]++;
	for (unsigned i = 0; i < 256; i++)
		assert_in_range(counts[i], (262144 - from) / 256 * 8 / 10, (262144 - from) / 256 * 12 / 10);
	hf_image_content_free(&one);
	hf_image_content_free(&two);
}

static void padding_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
	struct hf_image_content c = from_two("none-a.elf", "none-b.elf");
	uint32_t bytes = c.image_bytes;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_image_pad(&c, bytes - 4, &diag), HF_ERR_RANGE);
	assert_int_equal(hf_image_pad(&c, bytes + 2, &diag), HF_ERR_RANGE);
	assert_int_equal(c.image_bytes, bytes);
	assert_int_equal(hf_image_pad(&c, bytes, &diag), HF_OK);
	assert_int_equal(c.image_bytes, bytes);
	hf_image_content_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_image_has_its_size_and_a_valid_table),
		cmocka_unit_test(padding_is_the_same_every_time_and_spreads),
		cmocka_unit_test(padding_that_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
