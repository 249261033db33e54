/* SPDX-License-Identifier: MIT
 *
 * Core's crypto by OpenSSL, for hosts. Verifies -9 (ESP256), -46 (HSS-LMS by core/lms.h), and the deprecated names -7 (ES256, P-256 only) and -8
 * (EdDSA: Ed25519, key of 32 bytes), which published vectors carry.
 */
#ifndef HF_HOST_CRYPTO_H
#define HF_HOST_CRYPTO_H

#include "crypto.h"

extern const struct hf_crypto hf_host_crypto;

void hf_sha256_of(struct hf_bytes data, uint8_t digest[HF_SHA256_BYTES]);

#endif
