/* SPDX-License-Identifier: MIT
 *
 * Packages from the builder through core's parser and back: what was put in comes out, byte for byte and bit for bit,
 * and whatever a device would refuse is refused on the desk, each with its own error and a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "board.h"
#include "cbor_diag.h"
#include "crypto_mbed.h"
#include "flash_image.h"
#include "host_crypto.h"
#include "package.h"
#include "package_read.h"
#include "package_verify.h"

#define IMAGE_BYTES  40000u /* three segments, the last one short; ten pages */
#define PAGES(bytes) (((bytes) + HF_RELOC_PAGE_BYTES - 1) / HF_RELOC_PAGE_BYTES)

static struct hf_board reference, compact;
static struct hf_private_key key, foreign;
static uint8_t *image, *table;
static size_t table_bytes;

/* An image with vectors, and a table with the reset vector and every 50th word. */
static void make_content(uint32_t bytes)
{
	uint32_t pages = PAGES(bytes), entries = 0;
	uint8_t *entry;

	free(image);
	free(table);
	image = malloc(bytes);
	table = calloc(1, 16 + 4 * (pages + 1) + bytes / 50);
	assert_true(image && table);
	entry = table + 8 + 4 * (pages + 1);
	for (uint32_t i = 0; i < bytes; i++)
		image[i] = (uint8_t)(i * 2654435761u >> 13);
	store_le32(image, 0x20010000);
	store_le32(image + 4, 0x101);
	store_le16(table, HF_RELOC_FORMAT);
	store_le16(table + 2, HF_RELOC_PAGE_WORDS);
	store_le32(table + 4, bytes);
	for (uint32_t word = 0; word < bytes / 4; word++) {
		if (word % HF_RELOC_PAGE_WORDS == 0)
			store_le32(table + 8 + 4 * (word / HF_RELOC_PAGE_WORDS), entries);
		if (word % 50 == 1)
			store_le16(entry + 2 * entries++, (uint16_t)(word % HF_RELOC_PAGE_WORDS));
	}
	store_le32(table + 8 + 4 * pages, entries);
	table_bytes = ((size_t)(entry - table) + 2 * entries + 3) & ~(size_t)3;
}

static struct hf_package_spec make_spec(const struct hf_board *board)
{
	struct hf_package_spec spec = {
		.vendor_id = board->layout.vendor_id,
		.class_id = board->layout.class_id,
		.vendor_name = board->vendor_domain,
		.model_name = board->class_name,
		.description = "for the tests",
		.version = {3, {1, 1, 0}},
		.sequence = UINT64_C(2) << 32 | 0x01010000,
		.contents = 1,
	};

	spec.content[0].table = (struct hf_bytes){table, table_bytes};
	spec.content[0].image = (struct hf_bytes){image, load_le32(table + 4)};
	return spec;
}

static struct hf_buffer build_with(struct hf_package_spec *spec, const struct hf_private_key *signer)
{
	struct hf_buffer file;
	struct hf_diag diag = {""};

	if ((spec->contents == 1 && hf_package_place(spec, signer, &diag)) ||
	    hf_package_build(spec, signer, &file, &diag))
		fail_msg("%s", diag.text);
	return file;
}

static struct hf_buffer build(struct hf_package_spec *spec)
{
	return build_with(spec, &key);
}

static struct hf_keyset trust(const struct hf_private_key *signer)
{
	return hf_keyset_of_one(HF_ROLE_RELEASE, 1, signer->public_key);
}

/* Reads and verifies; `device` with what is known besides board and keyset. */
static enum hf_err check(struct hf_bytes file, const struct hf_board *board, struct hf_package_device device,
			 unsigned *unchecked, struct hf_diag *diag)
{
	const struct hf_keyset keyset = trust(&key);
	struct hf_package_target target[HF_PLACES];
	struct hf_package package;
	enum hf_err err = hf_package_read(file, &package, diag);

	device.board = board;
	if (!device.keyset)
		device.keyset = &keyset;
	return err ? err : hf_package_verify(&package, &device, target, unchecked, diag);
}

static void assert_check(const struct hf_buffer *file, const struct hf_board *board, struct hf_package_device device,
			 enum hf_err want, const char *sentence)
{
	struct hf_diag diag = {""};
	unsigned unchecked;
	enum hf_err err = check(hf_buffer_bytes(file), board, device, &unchecked, &diag);

	if (err != want)
		fail_msg("error %d, not %d: %s", err, want, diag.text);
	if (sentence && !strstr(diag.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, sentence);
}

static const struct hf_package_device anyone;

static int setup(void **state)
{
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT "/boards/reference.conf", &reference, &diag), HF_OK);
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT "/boards/compact.conf", &compact, &diag), HF_OK);
	assert_int_equal(hf_key_generate(&key, &diag), HF_OK);
	assert_int_equal(hf_key_generate(&foreign, &diag), HF_OK);
	make_content(IMAGE_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(image);
	free(table);
	return 0;
}

/* ---- what is built ---- */

static void package_of_the_same_spec_is_the_same_bytes(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer one = build(&spec), two = build(&spec), other = build_with(&spec, &foreign);

	(void)state;
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.ptr, two.ptr, one.len);
	assert_int_equal(one.len, other.len);
	assert_memory_not_equal(one.ptr, other.ptr, one.len);
	hf_buffer_free(&one);
	hf_buffer_free(&two);
	hf_buffer_free(&other);
}

static struct hf_params run_install(const struct hf_manifest *manifest, unsigned slot)
{
	const struct hf_suit_device device = {
		.vendor_id = reference.layout.vendor_id, .class_id = reference.layout.class_id, .slot = slot};
	const struct hf_suit_ops ops = {NULL, NULL, NULL, NULL};
	struct hf_params params;

	assert_int_equal(hf_suit_run(manifest, manifest->install, &device, &ops, &params), HF_OK);
	return params;
}

static void package_parses_authenticates_and_runs_in_core(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	const struct hf_keyset keyset = trust(&key);
	uint8_t id[32], digest[32];
	struct hf_envelope env;
	struct hf_manifest manifest;
	struct hf_params params;
	struct hf_bytes name, content;
	uint32_t size;
	size_t header;

	(void)state;
	assert_int_equal(hf_envelope_parse(hf_buffer_bytes(&file), &env), HF_OK);
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_mbed_crypto, id), HF_OK);
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, id), HF_OK);
	hf_sha256_of(env.manifest_item, digest);
	assert_memory_equal(id, digest, 32);
	assert_int_equal(hf_manifest_parse(&env, &manifest), HF_OK);
	assert_true(manifest.sequence == spec.sequence);
	assert_int_equal(manifest.versions, 3);
	assert_int_equal(manifest.version[1], 1);
	assert_true(manifest.install.len && manifest.text.len);
	assert_int_equal(env.payloads, 1);

	content = (struct hf_bytes){file.ptr + env.payload_begin, file.len - env.payload_begin};
	assert_int_equal(hf_payload_parse(content, &name, &size, &header), HF_OK);
	content = (struct hf_bytes){content.ptr + header, content.len - header};
	assert_int_equal(content.len, size);
	assert_int_equal(size, table_bytes + IMAGE_BYTES);
	assert_memory_equal(content.ptr, table, table_bytes);
	assert_memory_equal(content.ptr + table_bytes, image, IMAGE_BYTES);

	params = run_install(&manifest, 1);
	assert_int_equal(params.uri.len, 6);
	assert_memory_equal(params.uri.ptr, "#image", 6);
	assert_memory_equal(name.ptr, "#image", 6);
	assert_int_equal(params.size, size);
	assert_int_equal(params.table_bytes, table_bytes);
	hf_sha256_of(content, digest);
	assert_memory_equal(params.digest.ptr, digest, 32);
	assert_int_equal(params.segments.len, 3 * 32);
	for (size_t i = 0; i < 3; i++) {
		size_t at = i * HF_SEGMENT_BYTES, len = i == 2 ? size - at : HF_SEGMENT_BYTES;

		hf_sha256_of((struct hf_bytes){content.ptr + at, len}, digest);
		assert_memory_equal(params.segments.ptr + 32 * i, digest, 32);
	}
	hf_buffer_free(&file);
}

/* The profile, as a person reads it: what the formats' document says. */
static void manifest_has_the_profile_s_shape(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package package;
	struct hf_buffer file;
	struct hf_diag diag;
	char *text = NULL, *at;
	size_t size = 0;
	FILE *to;
	static const char *const parts[] = {
		"1: 1,",
		"2: 8606777344,",
		"3: << {",
		"2: [",
		"[h'617070']",
		"4: << [",
		"20,",
		"1: h'c9287ba42dce5b99859212e278d51492',",
		"2: h'15b10ed292ce57108de6cc4880b4c73b',",
		"3: << [-16, h'",
		"14: 40",
		"1,",
		"15,",
		"2,",
		"15,",
		"20,",
		"24: h'01010101010101010101010101010101'",
		"24,",
		"15",
		"6: << [1, 1, 0] >>,",
		"7: << [",
		"20,",
		"-257: ",
		"-258: 1024",
		"3,",
		"15",
		"9: << [23, 2] >>,",
		"20: [-16, h'",
		"23: [-16, h'",
	};

	(void)state;
	memset(spec.device[0], 1, 16);
	spec.devices = 1;
	file = build(&spec);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	to = open_memstream(&text, &size);
	assert_int_equal(hf_cbor_diag(package.manifest.text, 0, to), HF_OK);
	fprintf(to, "----\n");
	assert_int_equal(hf_cbor_diag(package.envelope.manifest, 0, to), HF_OK);
	fclose(to);
	at = strstr(text, "----");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *next = strstr(at, parts[i]);

		if (!next)
			fail_msg("\"%s\" is not where it belongs in\n%s", parts[i], text);
		at = next + strlen(parts[i]);
	}
	assert_non_null(strstr(text, "\"en\": {"));
	assert_non_null(strstr(text, "1: \"for the tests\""));
	assert_non_null(strstr(text, "2: \"gw-f407\""));
	assert_non_null(strstr(text, "6: \"1.1.0\""));
	free(text);
	hf_buffer_free(&file);
}

static void image_is_placed_at_the_first_offset_that_fits(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package package;
	struct hf_buffer file = build(&spec);
	struct hf_diag diag;
	size_t end;

	(void)state;
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	end = HF_SLOT_PREFIX_BYTES + package.envelope.head.len + table_bytes;
	assert_true(spec.content[0].image_offset >= end);
	assert_true(spec.content[0].image_offset - end < HF_IMAGE_ALIGN);
	hf_buffer_free(&file);

	spec.content[0].image_offset -= HF_IMAGE_ALIGN;
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_TOO_LARGE);
	assert_non_null(strstr(diag.text, "link it at least"));
	assert_null(file.ptr);
}

static void spec_that_makes_no_package_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	char *text = calloc(1, 20000);
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	spec.contents = 0;
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_RANGE);
	spec = make_spec(&reference);
	spec.content[0].image.len -= 1;
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_RANGE);
	spec = make_spec(&reference);
	spec.version.parts = 0;
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_RANGE);

	memset(text, 'x', 7900);
	spec = make_spec(&reference);
	spec.description = text;
	assert_int_equal(hf_package_place(&spec, &key, &diag), HF_OK);
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_TOO_LARGE);
	memset(text, 'x', 19999);
	assert_int_equal(hf_package_build(&spec, &key, &file, &diag), HF_ERR_TOO_LARGE);
	assert_non_null(strstr(diag.text, "shorten the description"));
	free(text);
}

static void needs_and_texts_come_back(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_needs needs;
	struct hf_package_text text;
	struct hf_package package;
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	spec.devices = 3;
	for (unsigned i = 0; i < 3; i++)
		memset(spec.device[i], (int)i + 1, 16);
	assert_true(hf_version_conditions_parse(">=1.0.0,<1.2", &spec.from));
	file = build(&spec);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	hf_package_needs(&package, &needs);
	assert_true(needs.vendor_known && needs.class_known);
	assert_memory_equal(needs.class_id, reference.layout.class_id, 16);
	assert_int_equal(needs.devices, 3);
	assert_memory_equal(needs.device[2], spec.device[2], 16);
	assert_int_equal(needs.from.count, 2);
	assert_int_equal(needs.from.at[1].op, 5);
	assert_int_equal(needs.from.at[1].version.parts, 2);
	hf_package_text(&package, &text);
	assert_int_equal(text.description.len, 13);
	assert_memory_equal(text.model.ptr, "gw-f407", text.model.len);
	assert_memory_equal(text.version.ptr, "1.1.0", text.version.len);
	assert_int_equal(package.signatures, 1);
	assert_int_equal(package.alg[0], HF_ALG_ESP256);
	hf_buffer_free(&file);
}

/* ---- damage ---- */

static void package_cut_off_anywhere_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	struct hf_package package;
	struct hf_diag diag;

	(void)state;
	for (size_t len = 0; len < file.len; len += len < 2000 ? 1 : 97) {
		uint8_t *copy = malloc(len ? len : 1); /* of its exact size: a sanitizer sees a read behind it */

		memcpy(copy, file.ptr, len);
		diag.text[0] = 0;
		if (hf_package_read((struct hf_bytes){copy, len}, &package, &diag) == HF_OK)
			fail_msg("accepted with %zu bytes", len);
		if (!diag.text[0])
			fail_msg("no reason at %zu bytes", len);
		free(copy);
	}
	hf_buffer_free(&file);
}

static void flipped_bit_in_the_envelope_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file;
	struct hf_package package;
	struct hf_diag diag;
	unsigned damaged = 0, refused = 0;
	size_t head;

	(void)state;
	make_content(4096); /* small, so that all of the head's bits can be tried */
	spec = make_spec(&reference);
	file = build(&spec);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	head = package.payload[0].offset;
	for (size_t bit = 0; bit < 8 * head; bit++) {
		unsigned unchecked;
		enum hf_err err;

		file.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = check(hf_buffer_bytes(&file), &reference, anyone, &unchecked, &diag);
		if (!err)
			fail_msg("accepted with bit %zu of byte %zu flipped", bit % 8, bit / 8);
		damaged += err <= HF_ERR_DIGEST;
		refused += err == HF_ERR_SIGNATURE || err == HF_ERR_KEY;
		file.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(refused >= 512); /* the signature's own bits */
	assert_true(damaged + refused == 8 * head);
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
}

static void flipped_bit_in_the_payload_is_found_and_located(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	struct hf_package package;
	struct hf_diag diag;
	char place[64];
	size_t first;

	(void)state;
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	first = package.payload[0].offset;
	for (size_t at = first; at < file.len; at += 991) {
		size_t segment = (at - first) / HF_SEGMENT_BYTES;

		file.ptr[at] ^= 0x10;
		snprintf(place, sizeof(place), "segment %zu of 3", segment + 1);
		assert_check(&file, &reference, anyone, HF_ERR_DIGEST, place);
		file.ptr[at] ^= 0x10;
	}
	assert_check(&file, &reference, anyone, HF_OK, NULL);
	hf_buffer_free(&file);
}

static void bytes_behind_the_end_are_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	struct hf_package package;
	struct hf_diag diag;
	uint8_t *longer = malloc(file.len + 1);

	(void)state;
	memcpy(longer, file.ptr, file.len);
	longer[file.len] = 0xff;
	assert_int_equal(hf_package_read((struct hf_bytes){longer, file.len + 1}, &package, &diag), HF_ERR_ENCODING);
	assert_non_null(strstr(diag.text, "1 bytes behind the package's end"));
	free(longer);
	hf_buffer_free(&file);
}

/* ---- refusals ---- */

static void package_for_another_board_is_refused_naming_both(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	struct hf_board other = compact;

	(void)state;
	assert_check(&file, &compact, anyone, HF_ERR_CLASS,
		     "made for class gw-f407 of holdfast.example, and this board is class gw-f407-compact of "
		     "holdfast.example");
	other.layout.vendor_id[3] ^= 1;
	assert_check(&file, &other, anyone, HF_ERR_VENDOR, "made for class gw-f407 of holdfast.example");
	hf_buffer_free(&file);
}

static void package_with_a_foreign_signature_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build_with(&spec, &foreign);
	struct hf_keyset site = hf_keyset_of_one(HF_ROLE_SITE, 9, foreign.public_key);

	(void)state;
	assert_check(&file, &reference, anyone, HF_ERR_SIGNATURE,
		     "not signed by a release key of this keyset (number 1)");
	assert_check(&file, &reference, (struct hf_package_device){.keyset = &site}, HF_ERR_KEY, "(number 9)");
	hf_buffer_free(&file);
}

static void package_with_a_low_sequence_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file = build(&spec);
	const uint8_t other_id[32] = {1};
	struct hf_package_device device = {.sequence_known = true};

	(void)state;
	device.sequence = UINT64_C(3) << 32;
	assert_check(&file, &reference, device, HF_ERR_SECURITY_VERSION,
		     "security version 2, and the device's confirmed firmware has 3");
	device.sequence = UINT64_C(2) << 32 | 0x01010001;
	assert_check(&file, &reference, device, HF_ERR_RELEASE,
		     "release 1.1.0, older than the device's confirmed release 1.1.1");
	device.sequence = UINT64_C(2) << 32 | 0x01010000;
	assert_check(&file, &reference, device, HF_OK, NULL);
	device.firmware_id = other_id;
	assert_check(&file, &reference, device, HF_ERR_SAME_SEQUENCE, "other firmware has the same sequence number");
	device.sequence = UINT64_C(1) << 32 | 0x01000000;
	assert_check(&file, &reference, device, HF_OK, NULL);
	hf_buffer_free(&file);
}

static void package_from_other_versions_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_device device = {.version = {3, {0, 9, 9}}};
	struct hf_buffer file;

	(void)state;
	assert_true(hf_version_conditions_parse(">=1.0.0,<1.1.0", &spec.from));
	file = build(&spec);
	assert_check(&file, &reference, device, HF_ERR_VERSION,
		     "upgrades from versions >=1.0.0, <1.1.0 only, and this device runs 0.9.9");
	device.version = (struct hf_version){3, {1, 1, 0}};
	assert_check(&file, &reference, device, HF_ERR_VERSION, "runs 1.1.0");
	device.version = (struct hf_version){3, {1, 0, 7}};
	assert_check(&file, &reference, device, HF_OK, NULL);
	hf_buffer_free(&file);
	assert_true(hf_version_conditions_parse(">=2.0.0,<1.0.0", &spec.from));
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_VERSION, "which no version is");
	hf_buffer_free(&file);
}

static void package_for_other_devices_is_refused(void **state)
{
	static const uint8_t mine[16] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, other[16] = {3};
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_device device = {.id = other};
	struct hf_buffer file;

	(void)state;
	for (spec.devices = 1; spec.devices <= HF_PACKAGE_DEVICES; spec.devices++) {
		memset(spec.device[spec.devices - 1], 0x10 + (int)spec.devices, 16);
		memcpy(spec.device[0], mine, 16);
		file = build(&spec);
		device.id = other;
		assert_check(&file, &reference, device, HF_ERR_DEVICE, "and this one is 03000000-0000");
		device.id = mine;
		assert_check(&file, &reference, device, HF_OK, NULL);
		device.id = spec.device[spec.devices - 1];
		assert_check(&file, &reference, device, HF_OK, NULL);
		hf_buffer_free(&file);
	}
}

static void unknown_facts_of_the_device_are_reported_unchecked(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_device device = {.version = {3, {1, 0, 0}}, .sequence_known = true};
	struct hf_buffer file = build(&spec);
	struct hf_diag diag;
	unsigned unchecked = 99;

	(void)state;
	assert_int_equal(check(hf_buffer_bytes(&file), &reference, anyone, &unchecked, &diag), HF_OK);
	assert_int_equal(unchecked, HF_UNCHECKED_SEQUENCE);
	hf_buffer_free(&file);
	spec.devices = 1;
	assert_true(hf_version_conditions_parse(">0.9,<=1.0.5", &spec.from));
	file = build(&spec);
	assert_int_equal(check(hf_buffer_bytes(&file), &reference, anyone, &unchecked, &diag), HF_OK);
	assert_int_equal(unchecked, HF_UNCHECKED_SEQUENCE | HF_UNCHECKED_DEVICE | HF_UNCHECKED_VERSION);
	device.id = spec.device[0];
	assert_int_equal(check(hf_buffer_bytes(&file), &reference, device, &unchecked, &diag), HF_OK);
	assert_int_equal(unchecked, 0);
	hf_buffer_free(&file);
}

/* A device id that is demanded and never given: no device is meant, and the device's own id is not known either. */
static void package_that_no_device_fulfils_is_refused_without_knowing_the_device(void **state)
{
	static const uint8_t condition[] = {0x82, 0x18, 24, 15};
	const struct hf_keyset keyset = trust(&key);
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_device device = {.board = &reference, .keyset = &keyset};
	struct hf_buffer file = build(&spec);
	struct hf_package_target target[HF_PLACES];
	struct hf_package package;
	struct hf_diag diag;
	unsigned unchecked;

	(void)state;
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	package.manifest.install = (struct hf_bytes){condition, sizeof(condition)};
	assert_int_equal(hf_package_verify(&package, &device, target, &unchecked, &diag), HF_ERR_DEVICE);
	assert_non_null(strstr(diag.text, "a device id that it does not name"));
	hf_buffer_free(&file);
}

/* The bounds' neighbours are tried, as far as there are numbers. */
static void version_at_the_end_of_numbers_has_no_neighbour(void **state)
{
	static const int32_t ends[] = {INT32_MAX, INT32_MIN};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct hf_package_spec spec = make_spec(&reference);
		struct hf_buffer file;

		spec.from.count = 1;
		spec.from.at[0].op = i ? 5 : 1; /* lower than the lowest, higher than the highest */
		spec.from.at[0].version = (struct hf_version){4, {INT32_MAX, INT32_MAX, INT32_MAX, ends[i]}};
		if (i)
			spec.from.at[0].version = (struct hf_version){4, {INT32_MIN, INT32_MIN, INT32_MIN, ends[i]}};
		file = build(&spec);
		assert_check(&file, &reference, anyone, HF_ERR_VERSION, "which no version is");
		hf_buffer_free(&file);
	}
}

static void image_larger_than_a_slot_is_refused(void **state)
{
	struct hf_package_spec spec;
	struct hf_buffer file;

	(void)state;
	make_content(300 * 1024);
	spec = make_spec(&compact);
	file = build(&spec);
	assert_check(&file, &compact, anyone, HF_ERR_SLOT, "and slot A of this board has 256 KiB");
	hf_buffer_free(&file);
	spec = make_spec(&reference);
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_OK, NULL);
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
}

static void recovery_has_to_fit_its_partition_as_well_as_the_slots(void **state)
{
	const struct hf_keyset keyset = trust(&key);
	const struct hf_package_device device = {.board = &reference, .keyset = &keyset};
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_package_target target[HF_PLACES];
	struct hf_package package;
	struct hf_buffer file;
	struct hf_diag diag;
	unsigned unchecked;

	(void)state;
	spec.component = HF_COMPONENT_RECOVERY;
	file = build(&spec);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	assert_int_equal(hf_package_fact(&package).component, HF_COMPONENT_RECOVERY);
	assert_int_equal(hf_package_verify(&package, &device, target, &unchecked, &diag), HF_OK);
	assert_int_equal(target[HF_PLACE_RECOVERY].image.image_addr, 0x08010000 + spec.content[0].image_offset);
	assert_int_equal(target[HF_PLACE_B].image.image_addr, 0x08080000 + spec.content[0].image_offset);
	hf_buffer_free(&file);
	make_content(70 * 1024);
	spec = make_spec(&reference);
	spec.component = HF_COMPONENT_RECOVERY;
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_SLOT, "and the recovery partition of this board has 64 KiB");
	hf_buffer_free(&file);
	spec.component = HF_COMPONENT_APP;
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_OK, NULL);
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
}

/* Signed, whole, and yet nothing that boot would start. */
static void image_that_boot_would_not_start_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	struct hf_buffer file;

	(void)state;
	store_le32(image, 0x30000000);
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_RANGE, "its stack pointer is not in the board's RAM");
	hf_buffer_free(&file);
	store_le32(image, 0x20010000);
	store_le32(image + 4, IMAGE_BYTES + 1);
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_RANGE, "its reset vector is not in the image");
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
}

static void table_that_is_wrong_is_refused(void **state)
{
	struct hf_package_spec spec = make_spec(&reference);
	uint8_t *entries = table + 8 + 4 * (PAGES(IMAGE_BYTES) + 1);
	struct hf_buffer file;

	(void)state;
	store_le16(entries + 2, 1); /* twice the same word */
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_ENCODING, "its table is wrong");
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
	spec = make_spec(&reference);
	store_le32(table + 4, IMAGE_BYTES + 4);
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_RANGE, "its table is wrong");
	hf_buffer_free(&file);
	make_content(IMAGE_BYTES);
}

/* ---- pairs of fixed builds ---- */

static struct hf_package_spec make_pair(uint8_t *second)
{
	struct hf_package_spec spec = make_spec(&reference);

	memcpy(second, image, IMAGE_BYTES);
	store_le32(image + 4, 0x08020000 + 0x800 + 0x101);
	store_le32(second + 4, 0x08080000 + 0xa00 + 0x101);
	spec.contents = 2;
	spec.content[0] = (struct hf_package_content){{NULL, 0}, {image, IMAGE_BYTES}, 0x800};
	spec.content[1] = (struct hf_package_content){{NULL, 0}, {second, IMAGE_BYTES}, 0xa00};
	return spec;
}

static void pair_of_builds_gives_each_slot_its_own(void **state)
{
	uint8_t *second = malloc(IMAGE_BYTES);
	struct hf_package_spec spec = make_pair(second);
	struct hf_buffer file = build(&spec);
	const struct hf_keyset keyset = trust(&key);
	const struct hf_package_device device = {.board = &reference, .keyset = &keyset};
	struct hf_package_target target[HF_PLACES];
	struct hf_package package;
	unsigned unchecked;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	assert_int_equal(package.payloads, 2);
	assert_int_equal(hf_package_verify(&package, &device, target, &unchecked, &diag), HF_OK);
	assert_ptr_equal(target[0].payload, &package.payload[0]);
	assert_ptr_equal(target[1].payload, &package.payload[1]);
	assert_memory_equal(target[0].payload->key.ptr, "#image-a", 8);
	assert_memory_equal(target[1].payload->key.ptr, "#image-b", 8);
	assert_int_equal(target[0].image.image_addr, 0x08020800);
	assert_int_equal(target[1].image.image_addr, 0x08080a00);
	assert_int_equal(target[1].image.table_bytes, 0);
	file.ptr[package.payload[1].offset + 20000] ^= 1;
	assert_check(&file, &reference, anyone, HF_ERR_DIGEST, "segment 2 of 3");
	hf_buffer_free(&file);
	free(second);
	make_content(IMAGE_BYTES);
}

/* The builds of the two slots exchanged: the reset vector of each lies in the other slot. */
static void pair_of_builds_for_the_wrong_slots_is_refused(void **state)
{
	uint8_t *second = malloc(IMAGE_BYTES);
	struct hf_package_spec spec = make_pair(second);
	struct hf_package_content first = spec.content[0];
	struct hf_buffer file;

	(void)state;
	spec.content[0] = spec.content[1];
	spec.content[1] = first;
	file = build(&spec);
	assert_check(&file, &reference, anyone, HF_ERR_RANGE, "boot would not start this image from slot A");
	hf_buffer_free(&file);
	free(second);
	make_content(IMAGE_BYTES);
}

/* ---- the flash that installations are rehearsed on ---- */

static void flash_image_keeps_flash_s_rules(void **state)
{
	const uint32_t word = 0x12345678, more = 0xffffffff;
	struct hf_flash_image flash;
	uint32_t back = 0;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_flash_image_open(&flash, &reference.layout, &diag), HF_OK);
	assert_int_equal(flash.flash.program(&flash, 0x08020004, &word, 4), HF_OK);
	assert_int_equal(flash.flash.read(&flash, 0x08020004, &back, 4), HF_OK);
	assert_int_equal(back, word);
	assert_int_equal(flash.flash.program(&flash, 0x08020004, &more, 4), HF_ERR_FLASH_PROGRAM);
	assert_int_equal(flash.flash.program(&flash, 0x08020002, &word, 4), HF_ERR_RANGE);
	assert_int_equal(flash.flash.program(&flash, 0x080ffffc, &word, 8), HF_ERR_RANGE);
	assert_int_equal(flash.flash.program(&flash, 0x07fffffc, &word, 4), HF_ERR_RANGE);
	assert_int_equal(flash.flash.read(&flash, 0x080ffffd, &back, 4), HF_ERR_RANGE);
	assert_int_equal(flash.flash.erase(&flash, 0x08020004), HF_ERR_RANGE);
	assert_int_equal(flash.flash.erase(&flash, 0x08020000), HF_OK);
	assert_int_equal(flash.flash.read(&flash, 0x08020004, &back, 4), HF_OK);
	assert_int_equal(back, 0xffffffff);
	hf_flash_image_close(&flash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(package_of_the_same_spec_is_the_same_bytes),
		cmocka_unit_test(package_parses_authenticates_and_runs_in_core),
		cmocka_unit_test(manifest_has_the_profile_s_shape),
		cmocka_unit_test(image_is_placed_at_the_first_offset_that_fits),
		cmocka_unit_test(spec_that_makes_no_package_is_refused),
		cmocka_unit_test(needs_and_texts_come_back),
		cmocka_unit_test(package_cut_off_anywhere_is_refused),
		cmocka_unit_test(flipped_bit_in_the_envelope_is_refused),
		cmocka_unit_test(flipped_bit_in_the_payload_is_found_and_located),
		cmocka_unit_test(bytes_behind_the_end_are_refused),
		cmocka_unit_test(package_for_another_board_is_refused_naming_both),
		cmocka_unit_test(package_with_a_foreign_signature_is_refused),
		cmocka_unit_test(package_with_a_low_sequence_is_refused),
		cmocka_unit_test(package_from_other_versions_is_refused),
		cmocka_unit_test(package_for_other_devices_is_refused),
		cmocka_unit_test(unknown_facts_of_the_device_are_reported_unchecked),
		cmocka_unit_test(package_that_no_device_fulfils_is_refused_without_knowing_the_device),
		cmocka_unit_test(version_at_the_end_of_numbers_has_no_neighbour),
		cmocka_unit_test(image_larger_than_a_slot_is_refused),
		cmocka_unit_test(recovery_has_to_fit_its_partition_as_well_as_the_slots),
		cmocka_unit_test(image_that_boot_would_not_start_is_refused),
		cmocka_unit_test(table_that_is_wrong_is_refused),
		cmocka_unit_test(pair_of_builds_gives_each_slot_its_own),
		cmocka_unit_test(pair_of_builds_for_the_wrong_slots_is_refused),
		cmocka_unit_test(flash_image_keeps_flash_s_rules),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
