/* SPDX-License-Identifier: MIT
 *
 * The crypto that core needs, handed to it as a struct of functions.
 *
 * core hashes and verifies, and never signs. The device gives Mbed TLS's SHA-256 and p256-m, the host the same or
 * OpenSSL; the twin answers the same functions natively in campaigns.
 */
#ifndef HF_CRYPTO_H
#define HF_CRYPTO_H

#include "bytes.h"
#include "err.h"

#define HF_SHA256_BYTES 32

/* COSE algorithm numbers. */
enum {
	HF_ALG_SHA256 = -16,
	HF_ALG_ES256 = -7,   /* deprecated name, hosts only */
	HF_ALG_EDDSA = -8,   /* deprecated name, hosts only */
	HF_ALG_ESP256 = -9,  /* ECDSA, P-256, SHA-256: key 04||X||Y (65 bytes), signature r||s (64 bytes) */
	HF_ALG_HSS_LMS = -46,
};

/* Room for any implementation's SHA-256 state; implementations assert that theirs fits. */
struct hf_sha256 {
	uint64_t opaque[16];
};

struct hf_crypto {
	void (*sha256_start)(struct hf_sha256 *state);
	void (*sha256_update)(struct hf_sha256 *state, const void *data, size_t len);
	void (*sha256_finish)(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES]);

	/* HF_OK, HF_ERR_SIGNATURE, or HF_ERR_UNSUPPORTED for an algorithm that this implementation lacks. `message` is
	 * what was signed (COSE's Sig_structure), not its digest. */
	enum hf_err (*verify)(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature);
};

#endif
