/* SPDX-License-Identifier: MIT
 *
 * Keys in files, and the keysets that trust them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../core/hex.h"
#include "file.h"
#include "key.h"
#include "scratch.h"

/* Of RFC 6979, as `openssl pkey` writes it. */
static const char rfc6979_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
				  "MDECAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
				  "AwEH\n"
				  "-----END EC PRIVATE KEY-----\n";
static const char p384_pem[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtdJWTBPVpKnQQEPCaLVN4zdvu24LB5go\n"
			       "6q8dj+7wnHitZ10+/sPNP3CiUcqaEaFVapjk/3Himw6KbWBg00DzrNWjWwYXVm96\n"
			       "UvUr3UX2pmVv/YabSLdRYUs4WYAUi1eL\n"
			       "-----END PUBLIC KEY-----\n";

static void put(const char *name, const char *text)
{
	struct hf_diag diag;

	assert_int_equal(
		hf_file_write(scratch(name), (struct hf_bytes){(const uint8_t *)text, strlen(text)}, 0, &diag),
		HF_OK);
}

static void make(struct hf_private_key *key)
{
	struct hf_diag diag;

	assert_int_equal(hf_key_generate(key, &diag), HF_OK);
}

static void private_key_survives_its_file(void **state)
{
	struct hf_private_key key, back;
	struct hf_diag diag;
	struct stat info;

	(void)state;
	make(&key);
	assert_int_equal(hf_key_write_private(scratch("k.pem"), &key, HF_ROLE_UNKNOWN, NULL, false, &diag), HF_OK);
	assert_int_equal(stat(scratch("k.pem"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(hf_key_read_private(scratch("k.pem"), NULL, &back, &diag), HF_OK);
	assert_memory_equal(&key, &back, sizeof(key));
}

static void private_key_is_never_replaced_unless_told_to(void **state)
{
	struct hf_private_key key, other, back;
	struct hf_diag diag;

	(void)state;
	make(&key);
	make(&other);
	assert_int_equal(hf_key_write_private(scratch("k.pem"), &key, HF_ROLE_UNKNOWN, NULL, false, &diag), HF_OK);
	assert_int_equal(hf_key_write_private(scratch("k.pem"), &other, HF_ROLE_UNKNOWN, NULL, false, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_key_read_private(scratch("k.pem"), NULL, &back, &diag), HF_OK);
	assert_memory_equal(&key, &back, sizeof(key));
	assert_int_equal(hf_key_write_private(scratch("k.pem"), &other, HF_ROLE_UNKNOWN, NULL, true, &diag), HF_OK);
	assert_int_equal(hf_key_read_private(scratch("k.pem"), NULL, &back, &diag), HF_OK);
	assert_memory_equal(&other, &back, sizeof(key));
}

static void encrypted_key_opens_with_its_password_only(void **state)
{
	struct hf_private_key key, back;
	struct hf_buffer file;
	struct hf_diag diag;

	(void)state;
	make(&key);
	assert_int_equal(hf_key_write_private(scratch("k.pem"), &key, HF_ROLE_UNKNOWN, "correct horse", false, &diag), HF_OK);
	assert_int_equal(hf_file_read(scratch("k.pem"), 10000, &file, &diag), HF_OK);
	assert_non_null(strstr((const char *)file.ptr, "BEGIN ENCRYPTED PRIVATE KEY"));
	hf_buffer_free(&file);
	assert_int_equal(hf_key_read_private(scratch("k.pem"), "correct horse", &back, &diag), HF_OK);
	assert_memory_equal(&key, &back, sizeof(key));
	assert_int_equal(hf_key_read_private(scratch("k.pem"), "wrong", &back, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "the password is wrong"));
	assert_int_equal(hf_key_read_private(scratch("k.pem"), NULL, &back, &diag), HF_ERR_DENIED);
	assert_non_null(strstr(diag.text, "--password-file"));
}

static void key_in_another_form_gets_its_public_half(void **state)
{
	static const char want[] = "04"
				   "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				   "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
	struct hf_private_key key;
	uint8_t public_key[65];
	struct hf_diag diag;

	(void)state;
	put("k.pem", rfc6979_pem);
	assert_int_equal(hf_key_read_private(scratch("k.pem"), NULL, &key, &diag), HF_OK);
	from_hex(want, public_key, sizeof(public_key));
	assert_memory_equal(key.public_key, public_key, sizeof(public_key));
}

static void public_key_survives_its_file(void **state)
{
	struct hf_public_key public_key, any;
	struct hf_private_key key;
	uint8_t back[65];
	struct hf_diag diag;

	(void)state;
	make(&key);
	public_key = hf_key_public_of(key.public_key, HF_ALG_ESP256, HF_ROLE_SITE);
	assert_int_equal(hf_key_write_public(scratch("k.pub.pem"), &public_key, false, &diag), HF_OK);
	assert_int_equal(hf_key_read_public(scratch("k.pub.pem"), back, &diag), HF_OK);
	assert_memory_equal(back, key.public_key, sizeof(back));
	assert_int_equal(hf_key_write_public(scratch("k.pub.pem"), &public_key, false, &diag), HF_ERR_DENIED);
	assert_int_equal(hf_key_read_any_public(scratch("k.pub.pem"), &any, &diag), HF_OK);
	assert_int_equal(any.alg, HF_ALG_ESP256);
	assert_int_equal(any.role, HF_ROLE_SITE);
	assert_memory_equal(any.bytes, key.public_key, 65);
}

static void files_that_are_no_such_key_are_refused(void **state)
{
	struct hf_private_key key;
	uint8_t public_key[65];
	struct hf_diag diag;

	(void)state;
	put("junk", "no key at all\n");
	put("p384", p384_pem);
	put("empty", "");
	assert_int_equal(hf_key_read_private(scratch("junk"), NULL, &key, &diag), HF_ERR_ENCODING);
	assert_non_null(strstr(diag.text, "not a private key"));
	assert_int_equal(hf_key_read_private(scratch("p384"), NULL, &key, &diag), HF_ERR_ENCODING);
	assert_int_equal(hf_key_read_private(scratch("empty"), NULL, &key, &diag), HF_ERR_ENCODING);
	assert_int_equal(hf_key_read_public(scratch("p384"), public_key, &diag), HF_ERR_UNSUPPORTED);
	assert_int_equal(hf_key_read_public(scratch("junk"), public_key, &diag), HF_ERR_ENCODING);
	assert_int_equal(hf_key_read_public(scratch("absent"), public_key, &diag), HF_ERR_IO);
}

static void keyset_of_one_parses_as_core_reads_it(void **state)
{
	struct hf_private_key key;
	struct hf_keyset one, back;
	uint8_t buf[256];
	size_t len, used;

	(void)state;
	make(&key);
	one = hf_keyset_of_one(HF_ROLE_RELEASE, 7, key.public_key);
	assert_int_equal(hf_keyset_encode(&one, buf, sizeof(buf), &len), HF_OK);
	assert_int_equal(hf_keyset_parse((struct hf_bytes){buf, len}, &back, &used), HF_OK);
	assert_int_equal(used, len);
	assert_int_equal(back.number, 7);
	assert_int_equal(back.keys, 1);
	assert_int_equal(back.algs, 1);
	assert_int_equal(back.alg[0], HF_ALG_ESP256);
	assert_int_equal(back.key[0].role, HF_ROLE_RELEASE);
	assert_memory_equal(back.key[0].public_key.ptr, key.public_key, 65);
	assert_int_equal(hf_keyset_encode(&one, buf, len - 1, &len), HF_ERR_TOO_LARGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(private_key_survives_its_file),
		TEST(private_key_is_never_replaced_unless_told_to),
		TEST(encrypted_key_opens_with_its_password_only),
		TEST(key_in_another_form_gets_its_public_half),
		TEST(public_key_survives_its_file),
		TEST(files_that_are_no_such_key_are_refused),
		TEST(keyset_of_one_parses_as_core_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
