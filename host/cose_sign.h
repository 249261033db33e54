/* SPDX-License-Identifier: MIT
 *
 * COSE_Sign1 as core reads it (core/cose.h): tag 18, the algorithm as the only header, a detached payload.
 */
#ifndef HF_COSE_SIGN_H
#define HF_COSE_SIGN_H

#include "cbor.h"
#include "signer.h"

/* Signs ["Signature1", << { 1: alg } >>, aad, payload]; aad and payload are contents of byte strings. signature has room for
 * HF_SIGNATURE_MAX. Errors are hf_signer_sign's, and HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_cose_sign(struct hf_signer *signer, struct hf_bytes aad, struct hf_bytes payload,
				     uint8_t *signature, struct hf_diag *diag);

/* Writes << COSE_Sign1 >>. */
void hf_cose_put(struct hf_cbor_writer *w, int alg, struct hf_bytes signature);

#endif
