/* SPDX-License-Identifier: MIT */
#include "cose_sign.h"

#include "cose.h"

static void put_protected(struct hf_cbor_writer *w, int alg)
{
	size_t mark = hf_cbor_wrap(w);

	hf_cbor_put_map(w, 1);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_int(w, alg);
	hf_cbor_unwrap(w, mark);
}

enum hf_err hf_cose_sign(struct hf_signer *signer, struct hf_bytes aad, struct hf_bytes payload, uint8_t *signature,
			 struct hf_diag *diag)
{
	uint8_t message[HF_COSE_SIGNED_MAX + 64];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, message, sizeof(message));
	hf_cbor_put_array(&w, 4);
	hf_cbor_put_tstr(&w, "Signature1");
	put_protected(&w, hf_signer_key(signer)->alg);
	hf_cbor_put_bstr(&w, aad.ptr, aad.len);
	hf_cbor_put_bstr(&w, payload.ptr, payload.len);
	if (w.err) {
		hf_diag_set(diag, "there are %zu bytes to be signed at once, more than a device takes", w.len);
		return HF_ERR_TOO_LARGE;
	}
	return hf_signer_sign(signer, (struct hf_bytes){message, w.len}, signature, diag);
}

void hf_cose_put(struct hf_cbor_writer *w, int alg, struct hf_bytes signature)
{
	size_t cose = hf_cbor_wrap(w);

	hf_cbor_put_tag(w, 18);
	hf_cbor_put_array(w, 4);
	put_protected(w, alg);
	hf_cbor_put_map(w, 0);
	hf_cbor_put_null(w);
	hf_cbor_put_bstr(w, signature.ptr, signature.len);
	hf_cbor_unwrap(w, cose);
}
