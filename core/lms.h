/* SPDX-License-Identifier: MIT
 *
 * HSS-LMS signatures (RFC 8554) of one parameter set: one level, LMS_SHA256_M32_H10, LMOTS_SHA256_N32_W8.
 *
 * Key (60 bytes): u32 1 (levels), u32 6, u32 4, I[16], T1[32]. Signature (1456 bytes): u32 0 (signed public keys),
 * u32 q, u32 4, C[32], y[34][32], u32 6, path[10][32]. Numbers are big-endian.
 */
#ifndef HF_LMS_H
#define HF_LMS_H

#include "crypto.h"

#define HF_LMS_HEIGHT          10
#define HF_LMS_LEAVES          (1u << HF_LMS_HEIGHT)
#define HF_LMS_CHAINS          34  /* digits of a digest (32) and its checksum (2) */
#define HF_LMS_CHAIN_STEPS     255
#define HF_LMS_ID_BYTES        16  /* I */
#define HF_LMS_PUBLIC_BYTES    60
#define HF_LMS_SIGNATURE_BYTES 1456

/* Where things lie in a key and a signature. */
#define HF_LMS_PUBLIC_ID    12
#define HF_LMS_PUBLIC_ROOT  28
#define HF_LMS_SIG_LEAF     4
#define HF_LMS_SIG_C        12
#define HF_LMS_SIG_CHAINS   44
#define HF_LMS_SIG_TYPE     1132
#define HF_LMS_SIG_PATH     1136

/* HF_OK or HF_ERR_SIGNATURE, also for keys and signatures of another form. crypto gives SHA-256. */
HF_MUST_USE enum hf_err hf_lms_verify(const struct hf_crypto *crypto, struct hf_bytes key, struct hf_bytes message,
				      struct hf_bytes signature);

#endif
