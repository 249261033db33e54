/* SPDX-License-Identifier: MIT
 *
 * The examples of docs/FORMAT.md: the builder makes these bytes, and the device takes them. A block begins with a line
 * "```hex NAME"; what follows a ';' is for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto_mbed.h"
#include "file.h"
#include "handmade.h"
#include "hex.h"
#include "history.h"
#include "host_crypto.h"
#include "key.h"
#include "keyset_file.h"
#include "longrec.h"
#include "policy.h"
#include "package.h"
#include "table.h"
#include "uuid.h"

/* The private key 1; its public key is the generator of P-256. */
static const struct hf_private_key example_key = {
	.secret = { [31] = 1 },
	.public_key = {
		0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
		0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
		0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
		0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
	},
};

static uint8_t block_bytes[4096];

/* The bytes of a block. */
static struct hf_bytes block(const char *name)
{
	struct hf_buffer doc;
	struct hf_diag diag = { "" };
	char fence[64], text[16384];
	size_t len = 0;

	if (hf_file_read(HF_SOURCE_ROOT "/docs/FORMAT.md", 1 << 20, &doc, &diag) != HF_OK)
		fail_msg("%s", diag.text);
	snprintf(fence, sizeof(fence), "\n```hex %s\n", name);
	const char *at = strstr((const char *)doc.ptr, fence);
	assert_non_null(at);
	for (at += strlen(fence); strncmp(at, "```", 3) != 0; at++) {
		if (*at == ';')
			at += strcspn(at, "\n");
		assert_true(*at != 0 && len + 1 < sizeof(text));
		text[len++] = *at;
	}
	text[len] = 0;
	hf_buffer_free(&doc);
	return (struct hf_bytes){ block_bytes, from_hex(text, block_bytes, sizeof(block_bytes)) };
}

static void assert_block(const char *name, const uint8_t *bytes, size_t len)
{
	struct hf_bytes said = block(name);

	if (said.len != len || memcmp(said.ptr, bytes, len) != 0) {
		print_error("docs/FORMAT.md: block %s should be\n", name);
		for (size_t i = 0; i < len; i++)
			print_error("%02x%s", bytes[i], i % 32 == 31 || i + 1 == len ? "\n" : "");
		fail();
	}
}

static uint8_t image[] = {
	0x00, 0x10, 0x00, 0x20, 0x11, 0x00, 0x00, 0x00, 0x00, 0xbf, 0x00, 0xbf, 0x00, 0xbf, 0x00, 0xbf,
	0x01, 0x48, 0x00, 0x47, 0x00, 0xbf, 0x00, 0xbf, 0x11, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
};
static const uint32_t relocated_words[] = { 1, 6 };
static uint8_t table[64];

static struct hf_buffer build_example(void)
{
	static uint8_t vendor_id[HF_UUID_BYTES], class_id[HF_UUID_BYTES];
	struct hf_package_spec spec = {
		.vendor_id = vendor_id,
		.class_id = class_id,
		.vendor_name = "holdfast.example",
		.model_name = "gw-f407",
		.description = "An example",
		.version = { 3, { 1, 2, 3 } },
		.sequence = UINT64_C(1) << 32 | 0x01020003,
		.from = { { { 2, { 3, { 1, 0, 0 } } } }, 1 },
		.contents = 1,
	};
	struct hf_buffer file;
	struct hf_diag diag = { "" };

	hf_uuid_v5(hf_uuid_namespace_dns, "holdfast.example", vendor_id);
	hf_uuid_v5(vendor_id, "gw-f407", class_id);
	spec.content[0].table = (struct hf_bytes){ table, make_table(table, relocated_words, 2, sizeof(image)) };
	spec.content[0].image = (struct hf_bytes){ image, sizeof(image) };
	if (hf_package_place(&spec, &example_key, &diag) || hf_package_build(&spec, &example_key, &file, &diag))
		fail_msg("%s", diag.text);
	return file;
}

static void keyset_of_the_document_is_what_the_tool_makes(void **state)
{
	const struct hf_keyset keyset = hf_keyset_of_one(HF_ROLE_RELEASE, 1, example_key.public_key);
	struct hf_keyset read;
	uint8_t bytes[256];
	size_t len, used;

	(void)state;
	assert_int_equal(hf_keyset_encode(&keyset, bytes, sizeof(bytes), &len), HF_OK);
	assert_block("keyset", bytes, len);
	assert_int_equal(hf_keyset_parse(block("keyset"), &read, &used), HF_OK);
	assert_int_equal(used, len);
}

/* Its predecessor is the keyset of the example key as root key, with number 1. */
static void keyset_file_of_the_document_is_what_the_tool_makes(void **state)
{
	struct hf_bytes public_key = { example_key.public_key, sizeof(example_key.public_key) };
	struct hf_keyset keyset = { .number = 2, .keys = 2, .algs = 1, .threshold = 1, .digests = 1 };
	struct hf_keyset old = hf_keyset_of_one(HF_ROLE_ROOT, 1, example_key.public_key);
	struct hf_signer *signer = hf_signer_of_key(&example_key);
	struct hf_keyset_file file, next;
	struct hf_keyset_signing signing = { .file = &file, .signer = &signer, .signers = 1 };
	struct hf_diag diag = { "" };
	struct hf_buffer package = build_example(), signed_file;
	struct hf_envelope env;
	uint8_t bytes[512], id[HF_SHA256_BYTES];
	size_t len;

	(void)state;
	old.threshold = 1;
	assert_int_equal(hf_envelope_parse(hf_buffer_bytes(&package), &env), HF_OK);
	hf_sha256_of(env.manifest_item, id);
	keyset.key[0] = (struct hf_key){ HF_ROLE_ROOT, HF_ALG_ESP256, public_key };
	keyset.key[1] = (struct hf_key){ HF_ROLE_RELEASE, HF_ALG_ESP256, public_key };
	keyset.alg[0] = HF_ALG_ESP256;
	keyset.digest[0] = id;
	assert_int_equal(hf_keyset_encode(&keyset, bytes, sizeof(bytes), &len), HF_OK);
	assert_int_equal(hf_keyset_file_read((struct hf_bytes){ bytes, len }, &file), HF_OK);
	if (hf_keyset_sign(&signing, &signed_file, &diag))
		fail_msg("%s", diag.text);
	assert_block("keyset-file", signed_file.ptr, signed_file.len);
	assert_int_equal(hf_keyset_accept(&old, block("keyset-file"), &hf_mbed_crypto, &next), HF_OK);
	assert_true(hf_keyset_grandfathers(&next.keyset, id));
	hf_signer_close(signer);
	hf_buffer_free(&signed_file);
	hf_buffer_free(&package);
}

static uint8_t journal_bytes[2048];

static enum hf_err read_journal(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, journal_bytes + addr, len);
	return HF_OK;
}

static enum hf_err program_journal(void *ctx, uint32_t addr, const void *data, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		journal_bytes[addr + i] &= ((const uint8_t *)data)[i];
	return memcmp(journal_bytes + addr, data, len) == 0 ? HF_OK : HF_ERR_FLASH_PROGRAM;
}

static enum hf_err erase_journal(void *ctx, uint32_t addr)
{
	(void)ctx;
	memset(journal_bytes + addr, 0xff, sizeof(journal_bytes) / 2);
	return HF_OK;
}

static enum hf_err write_nothing(void *ctx, struct hf_journal *to)
{
	(void)ctx;
	(void)to;
	return HF_OK;
}

/* The sector of a new journal: epoch 1. */
static void configuration_of_the_document_is_what_the_journal_holds(void **state)
{
	static const char text[] = "baud=9600\nslaves=1,2,3\nx\n";
	const struct hf_flash flash = { NULL, read_journal, program_journal, erase_journal };
	const struct hf_span sector[2] = { { 0, 1024 }, { 1024, 1024 } };
	struct hf_longrec_new content = { HF_LONGREC_CONFIGURATION, { (const uint8_t *)text, sizeof(text) - 1 } };
	struct hf_longrec found;
	struct hf_journal j;
	char got[sizeof(text)];

	(void)state;
	memset(journal_bytes, 0xff, sizeof(journal_bytes));
	assert_int_equal(hf_journal_mount(&j, &flash, sector), HF_ERR_NOT_FOUND);
	assert_int_equal(hf_journal_take_over(&j, write_nothing, NULL), HF_OK);
	assert_int_equal(hf_longrec_append(&j, &content, 0), HF_OK);
	assert_block("configuration", journal_bytes + 2 * HF_RECORD_BYTES, 3 * HF_RECORD_BYTES);
	assert_int_equal(hf_longrec_find(&j, HF_LONGREC_CONFIGURATION, &found), HF_OK);
	assert_int_equal(hf_longrec_read(&j, &found, 0, got, sizeof(text) - 1), HF_OK);
	assert_memory_equal(got, text, sizeof(text) - 1);
}

static void history_of_the_document_is_what_the_gateway_writes(void **state)
{
	static const int32_t version[] = { 1, 1, 0 };
	static const uint8_t id[] = { 0x8a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71 };
	struct hf_history_record r[3] = {
		{ .type = HF_HISTORY_START, .slot = 1, .detail = HF_RESET_REQUEST, .number = 7, .up_ms = 95 },
		{ .type = HF_HISTORY_CONFIRMED, .slot = 1, .number = 8, .up_ms = 1604 },
		{ .type = HF_HISTORY_HOUR, .slot = HF_HISTORY_NO_SLOT, .detail = 3291, .number = 9, .up_ms = 3600095 },
	};
	uint8_t bytes[sizeof r / sizeof r[0]][HF_HISTORY_BYTES];

	(void)state;
	hf_history_put_firmware(&r[0], version, 3, id);
	hf_history_put_firmware(&r[1], version, 3, id);
	store_le32(r[2].data, 35971);
	store_le32(r[2].data + 4, 26);
	store_le16(r[2].data + 10, 412);
	store_le16(r[2].data + 12, 314);
	for (unsigned i = 0; i < 3; i++)
		hf_history_store(bytes[i], &r[i]);
	assert_block("history", bytes[0], sizeof bytes);
}

static void table_of_the_document_relocates_its_words(void **state)
{
	static const uint32_t words[] = { 1, 3, 1025 };
	uint8_t bytes[64];

	(void)state;
	assert_block("table", bytes, make_table(bytes, words, 3, 4104));
}

static void package_of_the_document_is_what_the_tool_makes(void **state)
{
	struct hf_buffer file = build_example();

	(void)state;
	assert_block("package", file.ptr, file.len);
	hf_buffer_free(&file);
}

static uint8_t flash_bytes[0x2000];

static enum hf_err read_flash(void *ctx, uint32_t addr, void *buf, size_t len)
{
	(void)ctx;
	assert_true(addr >= 0x08020000 && hf_range_ok(addr - 0x08020000, len, sizeof(flash_bytes)));
	memcpy(buf, flash_bytes + (addr - 0x08020000), len);
	return HF_OK;
}

/* Puts the package into a slot as the document says, and lets boot's code look at it. */
static void package_of_the_document_verifies_in_a_slot(void **state)
{
	static struct package p;
	static struct hf_slot_work work;
	const struct hf_flash flash = { .read = read_flash };
	struct hf_layout layout = { .slot = { { 0x08020000, sizeof(flash_bytes) } },
				    .ram = { { 0x20000000, 0x20000 } } };
	struct hf_keyset keyset;
	struct hf_envelope env;
	struct hf_image found;
	struct hf_bytes key, file;
	uint32_t size;
	size_t used, header;
	uint8_t keyset_bytes[256];

	(void)state;
	file = block("keyset");
	memcpy(keyset_bytes, file.ptr, file.len);
	assert_int_equal(hf_keyset_parse((struct hf_bytes){ keyset_bytes, file.len }, &keyset, &used), HF_OK);
	hf_uuid_v5(hf_uuid_namespace_dns, "holdfast.example", layout.vendor_id);
	hf_uuid_v5(layout.vendor_id, "gw-f407", layout.class_id);

	file = block("package");
	assert_int_equal(hf_envelope_parse(file, &env), HF_OK);
	assert_int_equal(env.payloads, 1);
	assert_int_equal(
		hf_payload_parse((struct hf_bytes){ file.ptr + env.payload_begin, file.len - env.payload_begin }, &key,
				 &size, &header),
		HF_OK);
	assert_int_equal(env.payload_begin + header + size, file.len);
	memcpy(p.head, "\xd8\x6b\xa2", 3);
	memcpy(p.head + 3, env.head.ptr, env.head.len);
	p.head_bytes = (uint32_t)(3 + env.head.len);
	memcpy(p.content, file.ptr + file.len - size, size);
	p.content_bytes = size;
	p.image_bytes = sizeof(image);
	p.table_bytes = size - p.image_bytes;
	p.image_offset = 512;
	memset(flash_bytes, 0xff, sizeof(flash_bytes));
	package_install(&p, flash_bytes, 0x08020000, 0x08020000);

	const struct hf_slot_env slot_env = { &flash, &layout, &hf_mbed_crypto, &keyset, NULL };
	assert_int_equal(hf_slot_verify(&slot_env, 0, &work, &found), HF_OK);
	assert_true(found.sequence == (UINT64_C(1) << 32 | 0x01020003));
	assert_int_equal(found.image_addr, 0x08020200);
	assert_int_equal(load_le32(flash_bytes + 0x200 + 4 * relocated_words[1]), 0x08020211);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyset_of_the_document_is_what_the_tool_makes),
		cmocka_unit_test(keyset_file_of_the_document_is_what_the_tool_makes),
		cmocka_unit_test(configuration_of_the_document_is_what_the_journal_holds),
		cmocka_unit_test(history_of_the_document_is_what_the_gateway_writes),
		cmocka_unit_test(table_of_the_document_relocates_its_words),
		cmocka_unit_test(package_of_the_document_is_what_the_tool_makes),
		cmocka_unit_test(package_of_the_document_verifies_in_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
