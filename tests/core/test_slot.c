/* SPDX-License-Identifier: MIT
 *
 * Slots: a package is built and signed here, put into a flash that is an array, and read and verified as boot does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto_mbed.h"
#include "hex.h"
#include "host_crypto.h"
#include "handmade.h"
#include "slot.h"

#define FLASH_ADDR 0x08000000u
#define FLASH_SIZE 0x30000u
#define SLOT_SIZE  0x10000u
#define SLOT_A     0x08010000u
#define SLOT_B     0x08020000u
#define RECOVERY   0x08000000u

static uint8_t flash_bytes[FLASH_SIZE];
static unsigned reads_left;

static enum hf_err read_flash(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	assert_true(addr >= FLASH_ADDR && hf_range_ok(addr - FLASH_ADDR, len, FLASH_SIZE));
	if (reads_left-- == 0)
		return HF_ERR_IO;
	memcpy(buf, flash_bytes + (addr - FLASH_ADDR), len);
	return HF_OK;
}

static const struct hf_flash flash = { .read = read_flash };
static struct hf_layout layout;
static struct hf_slot_env env;
static struct hf_slot_work work;
static struct hf_image image;
static struct package package;

static int fresh(void **state)
{
	(void)state;
	memset(flash_bytes, 0xff, sizeof(flash_bytes));
	reads_left = ~0u;
	memset(&layout, 0, sizeof(layout));
	layout.slot[0] = (struct hf_span){ SLOT_A, SLOT_SIZE };
	layout.slot[1] = (struct hf_span){ SLOT_B, SLOT_SIZE };
	layout.recovery = (struct hf_span){ RECOVERY, SLOT_SIZE };
	layout.ram[0] = (struct hf_span){ 0x20000000, 0x20000 };
	layout.ram[1] = (struct hf_span){ 0x10000000, 0x10000 };
	memcpy(layout.vendor_id, package_vendor, 16);
	memcpy(layout.class_id, package_class, 16);
	env = (struct hf_slot_env){ &flash, &layout, &hf_host_crypto, &package_keyset, package_device };
	memset(&package, 0, sizeof(package));
	package.sequence = (UINT64_C(3) << 32) | 0x01020003;
	package.component = "app";
	package.image_offset = 2048;
	package_make_content(&package, 3 * 4096 + 200);
	return 0;
}

static uint8_t *at(uint32_t addr)
{
	return flash_bytes + (addr - FLASH_ADDR);
}

/* In a slot, or in the recovery partition. */
static enum hf_err verify_in(unsigned slot)
{
	package_make_head(&package);
	package_install(&package, flash_bytes, FLASH_ADDR, hf_layout_place(&layout, slot)->addr);
	return hf_slot_verify(&env, slot, &work, &image);
}

static void package_verifies_in_either_slot(void **state)
{
	uint8_t digest[HF_SHA256_BYTES];

	(void)state;
	hf_sha256_of((struct hf_bytes){ package.content, package.content_bytes }, digest);
	for (unsigned slot = 0; slot < 2; slot++) {
		uint32_t base = layout.slot[slot].addr;

		assert_int_equal(verify_in(slot), HF_OK);
		assert_true(image.sequence == package.sequence);
		assert_int_equal(image.versions, 3);
		assert_int_equal(image.version[2], 3);
		assert_memory_equal(image.digest, digest, sizeof(digest));
		assert_int_equal(image.table_bytes, package.table_bytes);
		assert_int_equal(image.image_addr, base + 2048);
		assert_int_equal(image.content_addr, base + 2048 - package.table_bytes);
		assert_int_equal(image.content_bytes, package.content_bytes);
		assert_int_equal(image.image_bytes, package.image_bytes);
	}
	/* the two images are not the same bytes */
	assert_memory_not_equal(at(SLOT_A + 2048), at(SLOT_B + 2048), package.image_bytes);
}

static void identity_is_the_digest_of_the_manifest_item(void **state)
{
	uint8_t digest[HF_SHA256_BYTES];
	struct hf_envelope envelope;

	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	assert_int_equal(hf_envelope_parse((struct hf_bytes){ package.head, package.head_bytes }, &envelope), HF_OK);
	hf_sha256_of(envelope.manifest_item, digest);
	assert_memory_equal(image.id, digest, sizeof(digest));
}

static void device_crypto_verifies_the_same(void **state)
{
	(void)state;
	env.crypto = &hf_mbed_crypto;
	assert_int_equal(verify_in(1), HF_OK);
	*at(SLOT_B + 5000) ^= 1;
	assert_int_equal(hf_slot_verify(&env, 1, &work, &image), HF_ERR_DIGEST);
}

static void blank_slot_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_ERR_NOT_FOUND);
	layout.slot[0].size = 0;
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_ERR_NOT_FOUND);
}

static void every_bit_flip_of_the_head_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	for (size_t bit = 0; bit < 8 * package.head_bytes; bit++) {
		at(SLOT_A)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (hf_slot_read_head(&env, 0, &work, &image) == HF_OK)
			fail_msg("bit %zu", bit);
		at(SLOT_A)[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_OK);
}

static void every_flip_in_the_content_is_a_wrong_digest(void **state)
{
	uint32_t begin;

	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	begin = image.content_addr;
	for (uint32_t i = 0; i < package.content_bytes; i += i < package.table_bytes ? 1 : 97) {
		*at(begin + i) ^= (uint8_t)(1 << i % 8);
		enum hf_err err = hf_slot_verify(&env, 0, &work, &image);
		if (err != HF_ERR_DIGEST)
			fail_msg("byte %u: %s", i, hf_err_text(err));
		*at(begin + i) ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_OK);
}

static void head_that_was_not_wholly_written_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	for (uint32_t written = 0; written < package.head_bytes; written += 4) {
		memset(at(SLOT_A), 0xff, 2000);
		memcpy(at(SLOT_A), package.head, written);
		enum hf_err err = hf_slot_verify(&env, 0, &work, &image);
		assert_true(written == 0 ? err == HF_ERR_NOT_FOUND : err != HF_OK && err != HF_ERR_NOT_FOUND);
	}
}

static void image_of_the_other_slot_is_a_wrong_digest(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	memcpy(at(SLOT_B), at(SLOT_A), SLOT_SIZE);
	assert_int_equal(hf_slot_verify(&env, 1, &work, &image), HF_ERR_DIGEST);
}

static void image_that_was_not_relocated_is_a_wrong_digest(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	memcpy(at(SLOT_A + 2048), package.content + package.table_bytes, package.image_bytes);
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_ERR_DIGEST);
}

static void flaw_in_the_head_has_its_own_error(void **state)
{
	static const struct {
		enum package_flaw flaw;
		enum hf_err err;
	} cases[] = {
		{ FLAW_NO_DIGEST, HF_ERR_DIGEST }, /* image-match has nothing to match */
		{ FLAW_NO_SIZE, HF_ERR_UNSUPPORTED }, { FLAW_NO_OFFSET, HF_ERR_UNSUPPORTED },
		{ FLAW_NO_SIGNATURE, HF_ERR_KEY },
		{ FLAW_OTHER_KEY, HF_ERR_SIGNATURE }, { FLAW_OTHER_DIGEST, HF_ERR_DIGEST },
		{ FLAW_CLASS, HF_ERR_CLASS },
		{ FLAW_VENDOR, HF_ERR_VENDOR }, { FLAW_DEVICE, HF_ERR_DEVICE }, { FLAW_NONE, HF_OK },
	};

	(void)state;
	package.for_device = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		package.flaw = cases[i].flaw;
		enum hf_err err = verify_in(0);
		if (err != cases[i].err)
			print_error("flaw %d\n", cases[i].flaw);
		assert_int_equal(err, cases[i].err);
	}
}

static void unknown_device_id_matches_no_device_condition(void **state)
{
	(void)state;
	package.for_device = true;
	env.device_id = NULL;
	assert_int_equal(verify_in(0), HF_ERR_DEVICE);
}

static void other_component_is_unsupported(void **state)
{
	(void)state;
	package.component = "apq";
	assert_int_equal(verify_in(0), HF_ERR_UNSUPPORTED);
	package.component = "recoverz";
	assert_int_equal(verify_in(0), HF_ERR_UNSUPPORTED);
}

static void recovery_verifies_in_its_partition_and_staged_in_a_slot(void **state)
{
	(void)state;
	package.component = "recovery";
	for (unsigned place = 0; place < HF_PLACES; place++) {
		assert_int_equal(verify_in(place), HF_OK);
		assert_int_equal(image.component, HF_COMPONENT_RECOVERY);
		assert_int_equal(image.image_addr, hf_layout_place(&layout, place)->addr + 2048);
	}
}

static void app_in_the_recovery_partition_is_unsupported(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	assert_int_equal(image.component, HF_COMPONENT_APP);
	assert_int_equal(verify_in(HF_PLACE_RECOVERY), HF_ERR_UNSUPPORTED);
}

static void board_without_recovery_partition_has_none(void **state)
{
	(void)state;
	package.component = "recovery";
	assert_int_equal(verify_in(HF_PLACE_RECOVERY), HF_OK);
	layout.recovery.size = 0;
	assert_int_equal(hf_slot_verify(&env, HF_PLACE_RECOVERY, &work, &image), HF_ERR_NOT_FOUND);
}

static void envelope_with_more_than_the_head_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	*at(SLOT_A + 2) = 0xa3;
	assert_int_equal(hf_slot_read_head(&env, 0, &work, &image), HF_ERR_ENCODING);
}

static void unaligned_or_overlapping_content_is_refused(void **state)
{
	(void)state;
	package.image_offset = 2048 + 256;
	assert_int_equal(verify_in(0), HF_ERR_RANGE);
	package.image_offset = 2048 + 4;
	assert_int_equal(verify_in(0), HF_ERR_RANGE);
	package.image_offset = 512; /* the table would lie in the head */
	package_make_head(&package);
	memcpy(at(SLOT_A), package.head, package.head_bytes);
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_ERR_RANGE);
	package.image_offset = 0;
	package_make_head(&package);
	memcpy(at(SLOT_A), package.head, package.head_bytes);
	assert_int_equal(hf_slot_verify(&env, 0, &work, &image), HF_ERR_RANGE);
}

static void content_that_ends_with_the_slot_fits_and_one_more_word_does_not(void **state)
{
	(void)state;
	package.image_offset = SLOT_SIZE - 2048;
	package_make_content(&package, 2048);
	assert_int_equal(verify_in(0), HF_OK);
	fresh(NULL);
	package.image_offset = SLOT_SIZE - 2048;
	package_make_content(&package, 2052);
	assert_int_equal(verify_in(0), HF_ERR_TOO_LARGE);
}

static void vectors_outside_ram_or_image_are_refused(void **state)
{
	static const struct {
		uint32_t stack, reset; /* canonical */
		enum hf_err err;
	} cases[] = {
		{ 0x20000000, 0x41, HF_ERR_RANGE }, { 0x20000004, 0x41, HF_OK }, { 0x20020000, 0x41, HF_OK },
		{ 0x20020004, 0x41, HF_ERR_RANGE },
		{ 0x10010000, 0x41, HF_OK }, { 0x10000000, 0x41, HF_ERR_RANGE }, { 0x20001002, 0x41, HF_ERR_RANGE },
		{ 0xffffffff, 0x41, HF_ERR_RANGE }, { 0, 0x41, HF_ERR_RANGE }, { 0x20001000, 0x40, HF_ERR_RANGE },
		{ 0x20001000, 0x1fff, HF_OK }, { 0x20001000, 0x2001, HF_ERR_RANGE },
		{ 0x20001000, 0xffffffff, HF_ERR_RANGE },
	};

	(void)state;
	package_make_content(&package, 8192);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_le32(package.content + package.table_bytes, cases[i].stack);
		store_le32(package.content + package.table_bytes + 4, cases[i].reset);
		enum hf_err err = verify_in(0);
		if (err != cases[i].err)
			print_error("%08x %08x\n", cases[i].stack, cases[i].reset);
		assert_int_equal(err, cases[i].err);
	}
}

static void every_read_error_comes_through(void **state)
{
	(void)state;
	assert_int_equal(verify_in(0), HF_OK);
	for (unsigned n = 0;; n++) {
		reads_left = n;
		enum hf_err err = hf_slot_verify(&env, 0, &work, &image);
		if (err == HF_OK) {
			assert_in_range(n, 10, 100);
			break;
		}
		assert_int_equal(err, HF_ERR_IO);
	}
}

static struct hf_params params_of(uint32_t size, uint32_t table, uint32_t offset)
{
	static const uint8_t digest[HF_SHA256_BYTES];

	return (struct hf_params){ .set = 1u << HF_SET_SIZE | 1u << HF_SET_TABLE_BYTES | 1u << HF_SET_IMAGE_OFFSET,
				   .digest = { digest, sizeof(digest) }, .size = size, .table_bytes = table,
				   .image_offset = offset };
}

static void parameters_that_wrap_are_refused(void **state)
{
	static const struct {
		uint32_t size, table, offset;
		enum hf_err err;
	} cases[] = {
		{ 0x1000, 0x100, 0x600, HF_OK },
		{ 0x1000, 0, 0x400, HF_OK },
		{ 0x1000, 0x102, 0x600, HF_ERR_RANGE },
		{ 0x1002, 0x100, 0x600, HF_ERR_RANGE },
		{ 0x100, 0x100, 0x600, HF_ERR_RANGE },
		{ 0x104, 0x100, 0x600, HF_ERR_RANGE },
		{ 0x108, 0x100, 0x600, HF_OK },
		{ 0x100, 0xfffffffc, 0x600, HF_ERR_RANGE },
		{ 0xfffffffc, 0x100, 0x600, HF_ERR_TOO_LARGE },
		{ 0x1000, 0x100, 0xfffffe00, HF_ERR_TOO_LARGE },
		{ 0xfffffffc, 0, 0xfffffe00, HF_ERR_TOO_LARGE },
		{ 0, 0, 0x600, HF_ERR_RANGE },
		{ 0x1000, 0x100, 0x400, HF_ERR_RANGE }, /* the table would begin at 0x300, in the head */
	};
	const struct hf_manifest manifest = { .sequence = 1,
					      .component = { hf_component_app, sizeof(hf_component_app) },
					      .head_bytes = 0x320 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hf_params params = params_of(cases[i].size, cases[i].table, cases[i].offset);
		enum hf_err err =
			hf_image_from_params(&manifest, &params, (struct hf_span){ SLOT_A, SLOT_SIZE }, &image);
		if (err != cases[i].err)
			print_error("size %x table %x offset %x\n", cases[i].size, cases[i].table, cases[i].offset);
		assert_int_equal(err, cases[i].err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(package_verifies_in_either_slot, fresh),
		cmocka_unit_test_setup(identity_is_the_digest_of_the_manifest_item, fresh),
		cmocka_unit_test_setup(device_crypto_verifies_the_same, fresh),
		cmocka_unit_test_setup(blank_slot_is_not_found, fresh),
		cmocka_unit_test_setup(every_bit_flip_of_the_head_is_refused, fresh),
		cmocka_unit_test_setup(every_flip_in_the_content_is_a_wrong_digest, fresh),
		cmocka_unit_test_setup(head_that_was_not_wholly_written_is_refused, fresh),
		cmocka_unit_test_setup(image_of_the_other_slot_is_a_wrong_digest, fresh),
		cmocka_unit_test_setup(image_that_was_not_relocated_is_a_wrong_digest, fresh),
		cmocka_unit_test_setup(flaw_in_the_head_has_its_own_error, fresh),
		cmocka_unit_test_setup(unknown_device_id_matches_no_device_condition, fresh),
		cmocka_unit_test_setup(other_component_is_unsupported, fresh),
		cmocka_unit_test_setup(recovery_verifies_in_its_partition_and_staged_in_a_slot, fresh),
		cmocka_unit_test_setup(app_in_the_recovery_partition_is_unsupported, fresh),
		cmocka_unit_test_setup(board_without_recovery_partition_has_none, fresh),
		cmocka_unit_test_setup(envelope_with_more_than_the_head_is_refused, fresh),
		cmocka_unit_test_setup(unaligned_or_overlapping_content_is_refused, fresh),
		cmocka_unit_test_setup(content_that_ends_with_the_slot_fits_and_one_more_word_does_not, fresh),
		cmocka_unit_test_setup(vectors_outside_ram_or_image_are_refused, fresh),
		cmocka_unit_test_setup(every_read_error_comes_through, fresh),
		cmocka_unit_test_setup(parameters_that_wrap_are_refused, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
