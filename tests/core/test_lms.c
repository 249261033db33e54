/* SPDX-License-Identifier: MIT
 *
 * HSS-LMS: signatures that others made (cisco's hash-sigs), changed ones, and Mbed TLS's verification beside core's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../support/shared.h"
#include "crypto_mbed.h"
#include "host_crypto.h"
#include "lms_key.h"
#include "lms_shim.h"

#define ROOM 4096

static uint8_t key[ROOM], sig[ROOM], text[64];
static size_t key_len, sig_len, text_len;

static void load(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "vectors/%s.pub", name);
	assert_true(shared_read(path, key, sizeof(key), &key_len));
	snprintf(path, sizeof(path), "vectors/%s.sig", name);
	assert_true(shared_read(path, sig, sizeof(sig), &sig_len));
	assert_true(shared_read("vectors/lms_msg.bin", text, sizeof(text), &text_len));
}

static enum hf_err by(const struct hf_crypto *crypto, size_t k, size_t m, size_t s)
{
	/* Copies of exactly this size, so that a sanitizer sees what is read behind the end. */
	uint8_t *key_copy = malloc(k + !k), *sig_copy = malloc(s + !s);
	enum hf_err err;

	memcpy(key_copy, key, k);
	memcpy(sig_copy, sig, s);
	err = crypto->verify(HF_ALG_HSS_LMS, (struct hf_bytes){ key_copy, k }, (struct hf_bytes){ text, m },
			     (struct hf_bytes){ sig_copy, s });
	free(key_copy);
	free(sig_copy);
	return err;
}

/* Mbed TLS's LMS behind the four bytes of one level. */
static enum hf_err by_mbed(void)
{
	mbedtls_lms_public_t lms;

	mbedtls_lms_public_init(&lms);
	if (key_len < 4 || sig_len < 4 || load_be32(key) != 1 || load_be32(sig) != 0 ||
	    mbedtls_lms_import_public_key(&lms, key + 4, key_len - 4) ||
	    mbedtls_lms_verify(&lms, text, text_len, sig + 4, sig_len - 4))
		return HF_ERR_SIGNATURE;
	return HF_OK;
}

/* What all three say, which must be the same. */
static enum hf_err verify(void)
{
	enum hf_err err = by(&hf_mbed_crypto, key_len, text_len, sig_len);

	assert_int_equal(by(&hf_host_crypto, key_len, text_len, sig_len), err);
	assert_int_equal(by_mbed(), err);
	return err;
}

static void signature_of_others_is_accepted(void **state)
{
	(void)state;
	load("lms_h10_8");
	assert_int_equal(key_len, HF_LMS_PUBLIC_BYTES);
	assert_int_equal(sig_len, HF_LMS_SIGNATURE_BYTES);
	assert_int_equal(verify(), HF_OK);
}

static void other_parameter_sets_are_refused(void **state)
{
	static const char *const names[] = { "lms_h10_4", "lms_h5_8-5_8" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		load(names[i]);
		assert_int_equal(verify(), HF_ERR_SIGNATURE);
	}
}

static void every_bit_of_the_key_counts(void **state)
{
	(void)state;
	load("lms_h10_8");
	for (size_t bit = 0; bit < 8 * key_len; bit++) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(by(&hf_host_crypto, key_len, text_len, sig_len), HF_ERR_SIGNATURE);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * key_len; bit += 29) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(), HF_ERR_SIGNATURE);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void every_byte_of_the_signature_counts(void **state)
{
	(void)state;
	load("lms_h10_8");
	for (size_t at = 0; at < sig_len; at++) {
		sig[at] ^= (uint8_t)(1 << at % 8);
		assert_int_equal(by(&hf_host_crypto, key_len, text_len, sig_len), HF_ERR_SIGNATURE);
		if (at % 13 == 0)
			assert_int_equal(verify(), HF_ERR_SIGNATURE);
		sig[at] ^= (uint8_t)(1 << at % 8);
	}
	assert_int_equal(verify(), HF_OK);
}

static void every_bit_of_the_message_counts(void **state)
{
	(void)state;
	load("lms_h10_8");
	for (size_t bit = 0; bit < 8 * text_len; bit++) {
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(), HF_ERR_SIGNATURE);
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	text_len--;
	assert_int_equal(verify(), HF_ERR_SIGNATURE);
}

static void every_other_length_is_refused(void **state)
{
	static const struct hf_crypto *const both[] = { &hf_mbed_crypto, &hf_host_crypto };

	(void)state;
	load("lms_h10_8");
	for (unsigned i = 0; i < 2; i++) {
		for (size_t len = 0; len <= sig_len + 64; len++)
			if (len != sig_len)
				assert_int_equal(by(both[i], key_len, text_len, len), HF_ERR_SIGNATURE);
		for (size_t len = 0; len <= key_len + 64; len++)
			if (len != key_len)
				assert_int_equal(by(both[i], len, text_len, sig_len), HF_ERR_SIGNATURE);
	}
}

static void leaf_outside_the_tree_is_refused(void **state)
{
	(void)state;
	load("lms_h10_8");
	for (unsigned bit = 10; bit < 32; bit++) {
		store_be32(sig + HF_LMS_SIG_LEAF, 1u << bit);
		assert_int_equal(verify(), HF_ERR_SIGNATURE);
	}
	store_be32(sig + HF_LMS_SIG_LEAF, UINT32_MAX);
	assert_int_equal(verify(), HF_ERR_SIGNATURE);
}

/* Gives Mbed TLS the id that it would choose at random. */
static int give_id(void *ctx, unsigned char *out, size_t len)
{
	memcpy(out, ctx, len);
	return 0;
}

static void key_of_a_seed_and_its_signatures_are_mbed_tls_s(void **state)
{
	static const uint32_t leaves[] = { 0, 1, 511, 512, 1022, 1023 };
	uint8_t seed[HF_LMS_SEED_BYTES], theirs[64];
	struct hf_lms_key mine;
	mbedtls_lms_private_t secret;
	mbedtls_lms_public_t public_half;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(i * 5 + 1);
	assert_int_equal(hf_lms_key_derive(&mine, seed, NULL, NULL), HF_OK);
	mbedtls_lms_private_init(&secret);
	mbedtls_lms_public_init(&public_half);
	assert_int_equal(mbedtls_lms_generate_private_key(&secret, MBEDTLS_LMS_SHA256_M32_H10, MBEDTLS_LMOTS_SHA256_N32_W8,
							  give_id, mine.public_key + HF_LMS_PUBLIC_ID, seed, sizeof(seed)),
			 0);
	assert_int_equal(mbedtls_lms_calculate_public_key(&public_half, &secret), 0);
	assert_int_equal(mbedtls_lms_export_public_key(&public_half, theirs, sizeof(theirs), &len), 0);
	assert_memory_equal(mine.public_key + 4, theirs, HF_LMS_PUBLIC_BYTES - 4);
	mbedtls_lms_private_free(&secret);

	memcpy(key, mine.public_key, key_len = HF_LMS_PUBLIC_BYTES);
	memcpy(text, "which leaf?", text_len = 11);
	sig_len = HF_LMS_SIGNATURE_BYTES;
	for (unsigned i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		assert_int_equal(hf_lms_key_sign(&mine, leaves[i], (struct hf_bytes){ text, text_len }, sig), HF_OK);
		assert_int_equal(load_be32(sig + HF_LMS_SIG_LEAF), leaves[i]);
		assert_int_equal(verify(), HF_OK);
	}
	assert_int_equal(hf_lms_key_sign(&mine, HF_LMS_LEAVES, (struct hf_bytes){ text, text_len }, sig), HF_ERR_RANGE);
	hf_lms_key_wipe(&mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_of_others_is_accepted),
		cmocka_unit_test(other_parameter_sets_are_refused),
		cmocka_unit_test(every_bit_of_the_key_counts),
		cmocka_unit_test(every_byte_of_the_signature_counts),
		cmocka_unit_test(every_bit_of_the_message_counts),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(leaf_outside_the_tree_is_refused),
		cmocka_unit_test(key_of_a_seed_and_its_signatures_are_mbed_tls_s),
	};

	if (!shared_present("vectors/lms_h10_8.sig"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
