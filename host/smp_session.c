/* SPDX-License-Identifier: MIT */
#include "smp_session.h"

#include <string.h>

#include "cbor.h"
#include "cose_sign.h"
#include "smp_body.h"

#define DEVICE_ID_BYTES 16u

static enum hf_err read_session(struct hf_bytes body, struct hf_smp_session *out)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;
	bool nonce = false;

	hf_cbor_open_final(&r, body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r), value;

		if (r.err)
			break;
		if (hf_smp_is(key, "access")) {
			out->access = (uint32_t)hf_smp_uint(&r);
		} else if (hf_smp_is(key, "open")) {
			out->open = hf_cbor_bool(&r);
		} else if (hf_smp_is(key, "nonce")) {
			value = hf_cbor_bstr(&r);
			nonce = value.len == sizeof(out->nonce);
			if (nonce)
				memcpy(out->nonce, value.ptr, value.len);
		} else {
			hf_smp_skip(&r);
		}
	}
	return hf_cbor_close(&r) || !nonce ? HF_ERR_TYPE : HF_OK;
}

enum hf_err hf_smp_get_session(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_session *out,
			       struct hf_smp_answer *answer)
{
	static const uint8_t empty[1] = {0xa0};
	enum hf_err err = hf_smp_request(c, HF_SMP_READ, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_SESSION,
					 (struct hf_bytes){empty, sizeof(empty)}, patience_ms, answer);

	memset(out, 0, sizeof(*out));
	return err || answer->refusal ? err : read_session(answer->body, out);
}

enum hf_err hf_smp_open_session(struct hf_smp_client *c, uint32_t patience_ms, struct hf_signer *signer,
				const uint8_t device_id[16], const struct hf_smp_session *session,
				struct hf_smp_answer *answer, struct hf_diag *diag)
{
	static const struct hf_bytes aad = {(const uint8_t *)HF_SESSION_AAD, sizeof(HF_SESSION_AAD) - 1};
	uint8_t payload[DEVICE_ID_BYTES + HF_SESSION_NONCE_BYTES], signature[HF_SIGNATURE_MAX];
	uint8_t body[HF_SIGNATURE_MAX + 32];
	int alg = hf_signer_key(signer)->alg;
	struct hf_cbor_writer w;
	enum hf_err err;

	diag->text[0] = 0;
	memcpy(payload, device_id, DEVICE_ID_BYTES);
	memcpy(payload + DEVICE_ID_BYTES, session->nonce, sizeof(session->nonce));
	err = hf_cose_sign(signer, aad, (struct hf_bytes){payload, sizeof(payload)}, signature, diag);
	if (err)
		return err;
	hf_cbor_begin(&w, body, sizeof(body));
	hf_cbor_put_map(&w, 2);
	hf_cbor_put_tstr(&w, "alg");
	hf_cbor_put_int(&w, alg);
	hf_cbor_put_tstr(&w, "sig");
	hf_cbor_put_bstr(&w, signature, hf_signature_bytes(alg));
	return hf_smp_request(c, HF_SMP_WRITE, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_SESSION, (struct hf_bytes){body, w.len},
			      patience_ms, answer);
}
