/* SPDX-License-Identifier: MIT
 *
 * Core's crypto by Mbed TLS 3.6: SHA-256, ECDSA on P-256 (p256-m) and LMS. For the device, and for hosts that want the
 * very same code.
 *
 * Signature algorithms are ESP256 (-9) and HSS-LMS (-46; one level, SHA-256, height 10, w = 8: key of 60 bytes, signature
 * of 1456); HF_ERR_UNSUPPORTED for any other. The four functions are never inlined
 * and keep their names in the ELF file: the twin may answer a call natively. What it needs to know of the state is
 * its layout: u8 block[64], u32 total[2] (bytes hashed, low word first; block holds the last total % 64 of them), u32
 * state[8].
 */
#ifndef HF_CRYPTO_MBED_H
#define HF_CRYPTO_MBED_H

#include "crypto.h"

void hf_mbed_sha256_start(struct hf_sha256 *state);
void hf_mbed_sha256_update(struct hf_sha256 *state, const void *data, size_t len);
void hf_mbed_sha256_finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES]);
HF_MUST_USE enum hf_err hf_mbed_verify(int alg, struct hf_bytes key, struct hf_bytes message,
				       struct hf_bytes signature);

extern const struct hf_crypto hf_mbed_crypto;

#endif
