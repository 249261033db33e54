/* SPDX-License-Identifier: MIT
 *
 * Signing against RFC 6979's published vectors and against OpenSSL; verification against published signatures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../core/hex.h"
#include "crypto_mbed.h"
#include "host_crypto.h"
#include "key.h"
#include "sign.h"

/* RFC 6979, appendix A.2.5. */
static const char rfc6979_secret[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char rfc6979_public[] = "04"
				     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const struct {
	const char *message, *signature;
} rfc6979[] = {
	{"sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
	{"test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		 "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
};

static struct hf_bytes text_bytes(const char *text)
{
	return (struct hf_bytes){(const uint8_t *)text, strlen(text)};
}

static void signature_equals_rfc_6979_s_vectors(void **state)
{
	uint8_t secret[32], want[64], got[64];

	(void)state;
	from_hex(rfc6979_secret, secret, sizeof(secret));
	for (size_t i = 0; i < 2; i++) {
		from_hex(rfc6979[i].signature, want, sizeof(want));
		assert_int_equal(hf_sign_p256(secret, text_bytes(rfc6979[i].message), got), HF_OK);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void signature_of_rfc_6979_verifies_with_openssl_and_p256m(void **state)
{
	uint8_t public_key[65], signature[64];
	struct hf_bytes key = {public_key, sizeof(public_key)}, sig = {signature, sizeof(signature)};

	(void)state;
	from_hex(rfc6979_public, public_key, sizeof(public_key));
	from_hex(rfc6979[0].signature, signature, sizeof(signature));
	assert_int_equal(hf_host_crypto.verify(HF_ALG_ESP256, key, text_bytes("sample"), sig), HF_OK);
	assert_int_equal(hf_host_crypto.verify(HF_ALG_ES256, key, text_bytes("sample"), sig), HF_OK);
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, key, text_bytes("sample"), sig), HF_OK);
	assert_int_equal(hf_host_crypto.verify(HF_ALG_ESP256, key, text_bytes("Sample"), sig), HF_ERR_SIGNATURE);
}

static void signatures_by_random_keys_verify_everywhere_and_repeat(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		uint8_t message[100], signature[64], again[64];
		struct hf_private_key key;
		struct hf_bytes public_key = {key.public_key, sizeof(key.public_key)};
		struct hf_bytes m = {message, i * 4}, s = {signature, sizeof(signature)};
		struct hf_diag diag;

		memset(message, (int)i, sizeof(message));
		assert_int_equal(hf_key_generate(&key, &diag), HF_OK);
		assert_int_equal(hf_sign_p256(key.secret, m, signature), HF_OK);
		assert_int_equal(hf_sign_p256(key.secret, m, again), HF_OK);
		assert_memory_equal(signature, again, sizeof(again));
		assert_int_equal(hf_host_crypto.verify(HF_ALG_ESP256, public_key, m, s), HF_OK);
		assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, public_key, m, s), HF_OK);
		signature[i] ^= 1;
		assert_int_equal(hf_host_crypto.verify(HF_ALG_ESP256, public_key, m, s), HF_ERR_SIGNATURE);
		assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, public_key, m, s), HF_ERR_SIGNATURE);
	}
}

static void secret_out_of_range_is_refused(void **state)
{
	uint8_t secret[32] = {0}, signature[64];

	(void)state;
	assert_int_equal(hf_sign_p256(secret, text_bytes("x"), signature), HF_ERR_RANGE);
	memset(secret, 0xff, sizeof(secret));
	assert_int_equal(hf_sign_p256(secret, text_bytes("x"), signature), HF_ERR_RANGE);
}

/* RFC 8032, section 7.1, test 2. */
static void ed25519_verifies_rfc_8032_s_vector(void **state)
{
	uint8_t key[32], signature[64], message = 0x72;
	struct hf_bytes k = {key, sizeof(key)}, m = {&message, 1}, s = {signature, sizeof(signature)};

	(void)state;
	from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", key, sizeof(key));
	from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		 signature, sizeof(signature));
	assert_int_equal(hf_host_crypto.verify(HF_ALG_EDDSA, k, m, s), HF_OK);
	message ^= 1;
	assert_int_equal(hf_host_crypto.verify(HF_ALG_EDDSA, k, m, s), HF_ERR_SIGNATURE);
}

static void malformed_keys_and_signatures_are_refused(void **state)
{
	uint8_t key[65] = {4}, signature[64] = {0};
	struct hf_bytes m = text_bytes("x");

	(void)state;
	/* Not on the curve; zero signature; wrong lengths; unknown algorithm. */
	assert_int_equal(
		hf_host_crypto.verify(HF_ALG_ESP256, (struct hf_bytes){key, 65}, m, (struct hf_bytes){signature, 64}),
		HF_ERR_SIGNATURE);
	from_hex(rfc6979_public, key, sizeof(key));
	assert_int_equal(
		hf_host_crypto.verify(HF_ALG_ESP256, (struct hf_bytes){key, 65}, m, (struct hf_bytes){signature, 64}),
		HF_ERR_SIGNATURE);
	assert_int_equal(
		hf_host_crypto.verify(HF_ALG_ESP256, (struct hf_bytes){key, 64}, m, (struct hf_bytes){signature, 64}),
		HF_ERR_SIGNATURE);
	assert_int_equal(
		hf_host_crypto.verify(HF_ALG_ESP256, (struct hf_bytes){key, 65}, m, (struct hf_bytes){signature, 63}),
		HF_ERR_SIGNATURE);
	assert_int_equal(
		hf_host_crypto.verify(HF_ALG_EDDSA, (struct hf_bytes){key, 65}, m, (struct hf_bytes){signature, 64}),
		HF_ERR_SIGNATURE);
	assert_int_equal(hf_host_crypto.verify(-45, (struct hf_bytes){key, 65}, m,
					       (struct hf_bytes){signature, 64}),
			 HF_ERR_UNSUPPORTED);
}

static void sha256_in_pieces_equals_sha256_at_once(void **state)
{
	uint8_t data[300], whole[32], pieces[32], empty[32];
	struct hf_sha256 hash;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	hf_sha256_of((struct hf_bytes){data, sizeof(data)}, whole);
	hf_host_crypto.sha256_start(&hash);
	for (size_t at = 0, step = 1; at < sizeof(data); at += step, step = step % 67 + 1) {
		size_t n = sizeof(data) - at < step ? sizeof(data) - at : step;

		hf_host_crypto.sha256_update(&hash, data + at, n);
	}
	hf_host_crypto.sha256_finish(&hash, pieces);
	assert_memory_equal(whole, pieces, sizeof(whole));
	hf_sha256_of((struct hf_bytes){NULL, 0}, whole);
	from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", empty, sizeof(empty));
	assert_memory_equal(whole, empty, sizeof(empty));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_equals_rfc_6979_s_vectors),
		cmocka_unit_test(signature_of_rfc_6979_verifies_with_openssl_and_p256m),
		cmocka_unit_test(signatures_by_random_keys_verify_everywhere_and_repeat),
		cmocka_unit_test(secret_out_of_range_is_refused),
		cmocka_unit_test(ed25519_verifies_rfc_8032_s_vector),
		cmocka_unit_test(malformed_keys_and_signatures_are_refused),
		cmocka_unit_test(sha256_in_pieces_equals_sha256_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
