/* SPDX-License-Identifier: MIT
 *
 * Signing: ECDSA on P-256 with SHA-256, deterministic (RFC 6979), so that the same package and key give the same
 * bytes.
 */
#ifndef HF_SIGN_H
#define HF_SIGN_H

#include "bytes.h"
#include "err.h"

#define HF_P256_SECRET_BYTES    32
#define HF_P256_PUBLIC_BYTES    65 /* 04 || X || Y */
#define HF_P256_SIGNATURE_BYTES 64 /* r || s */

/* Signs a message (not its digest). HF_ERR_RANGE: the secret is no private key of P-256. HF_ERR_IO: the system gives
 * no random numbers, which blind the computation and do not appear in its result. */
HF_MUST_USE enum hf_err hf_sign_p256(const uint8_t secret[HF_P256_SECRET_BYTES], struct hf_bytes message,
				     uint8_t signature[HF_P256_SIGNATURE_BYTES]);

#endif
