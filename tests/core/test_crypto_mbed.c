/* SPDX-License-Identifier: MIT
 *
 * The device's crypto against OpenSSL, and against a signature that others made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto_mbed.h"
#include "host_crypto.h"
#include "sign.h"

static const uint8_t secret[HF_P256_SECRET_BYTES] = { [31] = 1 }; /* so that the public key is the generator */
static const uint8_t public_key[HF_P256_PUBLIC_BYTES] = {
	0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

static void digest_equals_openssl_for_every_length_and_split(void **state)
{
	uint8_t data[300], mine[HF_SHA256_BYTES], theirs[HF_SHA256_BYTES];
	struct hf_sha256 hash;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i + 3);
	for (size_t len = 0; len <= sizeof(data); len++) {
		hf_sha256_of((struct hf_bytes){ data, len }, theirs);
		for (size_t split = 0; split <= len; split += 7) {
			hf_mbed_crypto.sha256_start(&hash);
			hf_mbed_crypto.sha256_update(&hash, data, split);
			hf_mbed_crypto.sha256_update(&hash, data + split, len - split);
			hf_mbed_crypto.sha256_finish(&hash, mine);
			assert_memory_equal(mine, theirs, sizeof(mine));
		}
	}
}

/* The twin answers these calls natively, and continues states. */
static void state_has_the_layout_that_the_header_tells(void **state)
{
	static const uint8_t abc[] = { 'a', 'b', 'c' };
	struct hf_sha256 hash;
	uint8_t raw[sizeof(hash)];
	uint32_t total[2], words[8];

	(void)state;
	hf_mbed_crypto.sha256_start(&hash);
	hf_mbed_crypto.sha256_update(&hash, abc, sizeof(abc));
	memcpy(raw, &hash, sizeof(raw));
	memcpy(total, raw + 64, sizeof(total));
	memcpy(words, raw + 72, sizeof(words));
	assert_memory_equal(raw, abc, sizeof(abc));
	assert_int_equal(total[0], 3);
	assert_int_equal(total[1], 0);
	assert_int_equal(words[0], 0x6a09e667);
	assert_int_equal(words[7], 0x5be0cd19);
}

static void valid_signature_is_accepted_and_a_changed_one_refused(void **state)
{
	uint8_t text[] = "what was signed", signature[HF_P256_SIGNATURE_BYTES], key[HF_P256_PUBLIC_BYTES];
	struct hf_bytes message = { text, sizeof(text) }, sig = { signature, sizeof(signature) },
			pub = { key, sizeof(key) };

	(void)state;
	memcpy(key, public_key, sizeof(key));
	assert_int_equal(hf_sign_p256(secret, message, signature), HF_OK);
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_OK);
	assert_int_equal(hf_host_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_OK);
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit += 37) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(text); bit += 11) {
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	key[64] ^= 1; /* not on the curve */
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
}

static void key_or_signature_of_another_form_is_refused(void **state)
{
	uint8_t text[] = "x", signature[HF_P256_SIGNATURE_BYTES + 1] = { 0 }, key[HF_P256_PUBLIC_BYTES + 1];
	struct hf_bytes message = { text, sizeof(text) }, sig = { signature, 64 }, pub = { key, 65 };

	(void)state;
	memcpy(key, public_key, 65);
	assert_int_equal(hf_sign_p256(secret, message, signature), HF_OK);
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_OK);
	sig.len = 63;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	sig.len = 65;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	sig.len = 64;
	pub.len = 64;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	pub.len = 66;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	pub.len = 0;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	pub.len = 65;
	key[0] = 0x02; /* compressed */
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
	memset(signature, 0, sizeof(signature)); /* r = s = 0 */
	key[0] = 0x04;
	assert_int_equal(hf_mbed_crypto.verify(HF_ALG_ESP256, pub, message, sig), HF_ERR_SIGNATURE);
}

static void other_algorithms_are_unsupported(void **state)
{
	static const int algs[] = { HF_ALG_ES256, HF_ALG_EDDSA, -45, HF_ALG_SHA256, 0, 9 };
	uint8_t text[] = "x", signature[HF_P256_SIGNATURE_BYTES];
	struct hf_bytes message = { text, sizeof(text) };

	(void)state;
	assert_int_equal(hf_sign_p256(secret, message, signature), HF_OK);
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		assert_int_equal(hf_mbed_crypto.verify(algs[i], (struct hf_bytes){ public_key, sizeof(public_key) },
						       message, (struct hf_bytes){ signature, sizeof(signature) }),
				 HF_ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_equals_openssl_for_every_length_and_split),
		cmocka_unit_test(state_has_the_layout_that_the_header_tells),
		cmocka_unit_test(valid_signature_is_accepted_and_a_changed_one_refused),
		cmocka_unit_test(key_or_signature_of_another_form_is_refused),
		cmocka_unit_test(other_algorithms_are_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
