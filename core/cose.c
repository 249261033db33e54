/* SPDX-License-Identifier: MIT
 *
 * Firmware and keysets are signed in the same form, so both are read and verified here. What is signed differs in the
 * external data, so that a signature over the one never counts for the other.
 */
#include "cose.h"

#include <string.h>

#define TAG_COSE_SIGN1    18
#define COSE_HEADER_ALG   1
#define SIGNATURE1_BEGIN  "\x84\x6aSignature1" /* array of 4, context string */
#define SIGNATURE1_BYTES  (sizeof(SIGNATURE1_BEGIN) - 1)

void hf_cose_read(struct hf_cbor_reader *outer, struct hf_cose_sign1 *out)
{
	struct hf_cbor_reader r, header;
	struct hf_bytes content;

	hf_cbor_enter(outer, &r);
	hf_cbor_expect(&r, HF_CBOR_TAG, TAG_COSE_SIGN1);
	hf_cbor_expect(&r, HF_CBOR_ARRAY, 4);
	out->protected_item.ptr = r.pos;
	hf_cbor_view(&r, HF_CBOR_BSTR, &content);
	out->protected_item.len = (size_t)(r.pos - out->protected_item.ptr);
	hf_cbor_expect(&r, HF_CBOR_MAP, 0);
	hf_cbor_null(&r);
	hf_cbor_view(&r, HF_CBOR_BSTR, &out->bytes);
	hf_cbor_leave(outer, &r);

	hf_cbor_open_final(&header, content);
	hf_cbor_expect(&header, HF_CBOR_MAP, 1);
	hf_cbor_expect(&header, HF_CBOR_UINT, COSE_HEADER_ALG);
	out->alg = hf_cbor_int(&header);
	hf_cbor_leave(outer, &header);
}

enum hf_err hf_cose_verify(const struct hf_crypto *crypto, const struct hf_key *key,
			   const struct hf_cose_sign1 *signature, struct hf_bytes aad_item, struct hf_bytes payload_item)
{
	uint8_t message[SIGNATURE1_BYTES + HF_COSE_PROTECTED_MAX + HF_COSE_SIGNED_MAX];
	const struct hf_bytes part[] = { signature->protected_item, aad_item, payload_item };
	size_t len = SIGNATURE1_BYTES;

	if (aad_item.len > HF_COSE_SIGNED_MAX || payload_item.len > HF_COSE_SIGNED_MAX - aad_item.len ||
	    signature->protected_item.len > HF_COSE_PROTECTED_MAX)
		return HF_ERR_TOO_LARGE;
	memcpy(message, SIGNATURE1_BEGIN, SIGNATURE1_BYTES);
	for (unsigned i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		memcpy(message + len, part[i].ptr, part[i].len);
		len += part[i].len;
	}
	return crypto->verify(key->alg, key->public_key, (struct hf_bytes){ message, len }, signature->bytes);
}
