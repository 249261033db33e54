/* SPDX-License-Identifier: MIT
 *
 * A thin binding: the state lies in hf_sha256's room, and Mbed TLS's results, which can only tell of misuse here, are
 * dropped. p256-m checks that the public key is a point of the curve at each call.
 */
#include "crypto_mbed.h"

#include <mbedtls/sha256.h>
#include <p256-m.h>

#include "lms.h"

#define P256_KEY_BYTES       65
#define P256_SIGNATURE_BYTES 64

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct hf_sha256), "SHA-256's state does not fit");

/* Named by port/mbedtls_config.h in place of Mbed TLS's own. */
void hf_mbed_zeroize(void *buf, size_t len);
int hf_mbed_no_random(uint8_t *output, size_t output_size);

void hf_mbed_zeroize(void *buf, size_t len)
{
	(void)buf; /* nothing that is verified is secret */
	(void)len;
}

/* p256-m wants random numbers to sign, which is never asked of it. */
int hf_mbed_no_random(uint8_t *output, size_t output_size)
{
	(void)output;
	(void)output_size;
	return -1;
}

__attribute__((noinline)) void hf_mbed_sha256_start(struct hf_sha256 *state)
{
	(void)mbedtls_sha256_starts((mbedtls_sha256_context *)state, 0);
}

__attribute__((noinline)) void hf_mbed_sha256_update(struct hf_sha256 *state, const void *data, size_t len)
{
	(void)mbedtls_sha256_update((mbedtls_sha256_context *)state, data, len);
}

__attribute__((noinline)) void hf_mbed_sha256_finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES])
{
	(void)mbedtls_sha256_finish((mbedtls_sha256_context *)state, digest);
}

static enum hf_err verify_p256(struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	struct hf_sha256 state;
	uint8_t digest[HF_SHA256_BYTES];

	if (key.len != P256_KEY_BYTES || key.ptr[0] != 0x04 || signature.len != P256_SIGNATURE_BYTES)
		return HF_ERR_SIGNATURE;
	hf_mbed_sha256_start(&state);
	hf_mbed_sha256_update(&state, message.ptr, message.len);
	hf_mbed_sha256_finish(&state, digest);
	if (p256_ecdsa_verify(signature.ptr, key.ptr + 1, digest, sizeof(digest)) != P256_SUCCESS)
		return HF_ERR_SIGNATURE;
	return HF_OK;
}

__attribute__((noinline)) enum hf_err hf_mbed_verify(int alg, struct hf_bytes key, struct hf_bytes message,
						     struct hf_bytes signature)
{
	if (alg == HF_ALG_ESP256)
		return verify_p256(key, message, signature);
	if (alg == HF_ALG_HSS_LMS)
		return hf_lms_verify(&hf_mbed_crypto, key, message, signature);
	return HF_ERR_UNSUPPORTED;
}

const struct hf_crypto hf_mbed_crypto = {
	.sha256_start = hf_mbed_sha256_start,
	.sha256_update = hf_mbed_sha256_update,
	.sha256_finish = hf_mbed_sha256_finish,
	.verify = hf_mbed_verify,
};
