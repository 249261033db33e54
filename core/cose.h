/* SPDX-License-Identifier: MIT
 *
 * COSE_Sign1 (RFC 9052, sections 4.2 and 4.4) in the one form that this profile takes: tag 18, the algorithm as the only
 * header, and a detached payload. Nothing is copied; views borrow from the reader's buffer.
 */
#ifndef HF_COSE_H
#define HF_COSE_H

#include "cbor.h"
#include "keyset.h"

#define HF_COSE_PROTECTED_MAX 8u /* bytes of << { 1: alg } >>, its header included: the encoding is canonical */

struct hf_cose_sign1 {
	int32_t alg;
	struct hf_bytes protected_item; /* at most HF_COSE_PROTECTED_MAX bytes */
	struct hf_bytes bytes;          /* the signature itself */
};

/* Reads << COSE_Sign1 >>, a byte string that holds one. Errors stick in the reader. */
void hf_cose_read(struct hf_cbor_reader *r, struct hf_cose_sign1 *out);

/* Verifies a signature over Sig_structure = ["Signature1", protected, aad, payload]. aad and payload are given as they are
 * encoded there: byte strings with their headers, together at most HF_COSE_SIGNED_MAX bytes (HF_ERR_TOO_LARGE). Otherwise the
 * result is crypto->verify's. Takes some 1.2 KiB of stack. */
#define HF_COSE_SIGNED_MAX 1056u
HF_MUST_USE enum hf_err hf_cose_verify(const struct hf_crypto *crypto, const struct hf_key *key,
				       const struct hf_cose_sign1 *signature, struct hf_bytes aad_item,
				       struct hf_bytes payload_item);

#endif
