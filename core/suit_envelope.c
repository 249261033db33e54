/* SPDX-License-Identifier: MIT
 *
 * The envelope and its authentication (draft-ietf-suit-manifest-37, sections 5 and 8.2 to 8.3; RFC 9052, section 4.4).
 *
 * The chain is: signature -> digest array -> manifest -> digests of the severed members. Each link is checked, because a
 * changed manifest leaves the signature itself valid. Nothing of the manifest is read before both hold.
 */
#include <string.h>

#include "cbor.h"
#include "suit_private.h"

#define TAG_SUIT_ENVELOPE  107
#define TAG_COSE_SIGN1     18
#define COSE_HEADER_ALG    1
#define MAX_PAYLOADS       16

enum { ENVELOPE_AUTH = 2, ENVELOPE_MANIFEST = 3 };

#define SIGNATURE1_BEGIN "\x84\x6aSignature1" /* array of 4, context string */
#define MAX_PROTECTED    8  /* bytes of { 1: alg }, with their header */
#define MAX_SIGNED       64 /* of the whole Sig_structure */

/* A byte string with its header. */
static struct hf_bytes bstr_item(struct hf_cbor_reader *r, struct hf_bytes *content)
{
	struct hf_bytes item = { r->pos, 0 };

	*content = hf_cbor_bstr(r);
	item.len = (size_t)(r->pos - item.ptr);
	return item;
}

/* The one key that may come here. */
static void expect(struct hf_cbor_reader *r, int32_t key)
{
	if (hf_cbor_int(r) != key)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
}

/* The severed members, up to the first payload. Returns how many map entries are left. */
static uint32_t read_severed(struct hf_cbor_reader *r, uint32_t entries, struct hf_envelope *out)
{
	const uint8_t *last = NULL;
	struct hf_bytes content;

	while (entries > 0 && hf_cbor_peek(r) != HF_CBOR_TSTR) {
		int member = hf_suit_severable(hf_cbor_key(r, &last));
		struct hf_bytes item = bstr_item(r, &content);
		if (member == HF_SUIT_SEVERABLE)
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		if (r->err)
			return 0;
		out->severed_item[member] = item;
		entries--;
	}
	return entries;
}

enum hf_err hf_envelope_parse(struct hf_bytes buf, struct hf_envelope *out)
{
	struct hf_cbor_reader r;

	memset(out, 0, sizeof(*out));
	hf_cbor_open(&r, buf);
	if (hf_cbor_tag(&r) != TAG_SUIT_ENVELOPE)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	uint32_t entries = hf_cbor_map(&r);
	if (entries < 2 || entries > 2 + HF_SUIT_SEVERABLE + MAX_PAYLOADS)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	out->head.ptr = r.pos;
	expect(&r, ENVELOPE_AUTH);
	out->auth = hf_cbor_bstr(&r);
	expect(&r, ENVELOPE_MANIFEST);
	out->manifest_item = bstr_item(&r, &out->manifest);
	if (r.err)
		return r.err;
	out->head.len = (size_t)(r.pos - out->head.ptr);
	if (out->head.len > HF_SUIT_HEAD_MAX - HF_SUIT_PREFIX_BYTES)
		return HF_ERR_TOO_LARGE;
	out->payloads = read_severed(&r, entries - 2, out);
	out->payload_begin = (size_t)(r.pos - buf.ptr);
	return r.err;
}

enum hf_err hf_payload_parse(struct hf_bytes buf, struct hf_bytes *key, uint32_t *size, size_t *header_len)
{
	struct hf_cbor_reader r;
	bool whole = buf.len >= HF_SUIT_PAYLOAD_HEADER_MAX;

	if (whole)
		buf.len = HF_SUIT_PAYLOAD_HEADER_MAX;
	hf_cbor_open(&r, buf);
	*key = hf_cbor_tstr(&r);
	*size = hf_cbor_string_header(&r, HF_CBOR_BSTR);
	*header_len = (size_t)(r.pos - buf.ptr);
	return r.err == HF_ERR_TRUNCATED && whole ? HF_ERR_TOO_LARGE : r.err;
}

static void digest_of(const struct hf_crypto *crypto, struct hf_bytes data, uint8_t digest[HF_SHA256_BYTES])
{
	struct hf_sha256 state;

	crypto->sha256_start(&state);
	crypto->sha256_update(&state, data.ptr, data.len);
	crypto->sha256_finish(&state, digest);
}

/* COSE_Sign1 with a detached payload and the algorithm as its only header. */
struct signature {
	int32_t alg;
	struct hf_bytes protected_item;
	struct hf_bytes bytes;
};

static void read_signature(struct hf_cbor_reader *wrapper, struct signature *out)
{
	struct hf_cbor_reader r;
	struct hf_bytes header;

	hf_cbor_open_final(&r, hf_cbor_bstr(wrapper));
	if (hf_cbor_tag(&r) != TAG_COSE_SIGN1)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	if (hf_cbor_array(&r) != 4)
		hf_cbor_fail(&r, HF_ERR_ENCODING);
	out->protected_item = bstr_item(&r, &header);
	if (hf_cbor_map(&r) != 0)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	hf_cbor_null(&r);
	out->bytes = hf_cbor_bstr(&r);
	hf_cbor_fail(wrapper, hf_cbor_close(&r));

	hf_cbor_open_final(&r, header);
	if (hf_cbor_map(&r) != 1)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	expect(&r, COSE_HEADER_ALG);
	out->alg = hf_cbor_int(&r);
	hf_cbor_fail(wrapper, hf_cbor_close(&r));
}

/* RFC 9052's Sig_structure: ["Signature1", protected, h'', payload]. The canonical { 1: alg } and digest array that were
 * read are as short as the message's room supposes. */
static enum hf_err verify(const struct hf_crypto *crypto, const struct hf_key *key, const struct signature *signature,
			  struct hf_bytes payload_item)
{
	uint8_t message[MAX_SIGNED];
	const size_t begin = sizeof(SIGNATURE1_BEGIN) - 1;
	size_t len = begin + signature->protected_item.len;

	_Static_assert(sizeof(SIGNATURE1_BEGIN) - 1 + MAX_PROTECTED + 1 + HF_SUIT_DIGEST_ITEM <= MAX_SIGNED, "message");
	memcpy(message, SIGNATURE1_BEGIN, begin);
	memcpy(message + begin, signature->protected_item.ptr, signature->protected_item.len);
	message[len++] = 0x40; /* no external data */
	memcpy(message + len, payload_item.ptr, payload_item.len);
	len += payload_item.len;
	return crypto->verify(key->alg, key->public_key, (struct hf_bytes){ message, len }, signature->bytes);
}

static enum hf_err try_keys(const struct signature *signature, struct hf_bytes digest_item,
			    const struct hf_keyset *keyset, enum hf_role role, const struct hf_crypto *crypto)
{
	enum hf_err err = HF_ERR_KEY;

	for (unsigned i = 0; i < keyset->keys; i++) {
		const struct hf_key *key = &keyset->key[i];
		if (key->role != role || key->alg != signature->alg)
			continue;
		err = verify(crypto, key, signature, digest_item);
		if (err != HF_ERR_SIGNATURE)
			break;
	}
	return err;
}

/* Whether a key of the role verifies one of the signatures that were made with this algorithm. `wrapper` is a copy, at
 * the first signature; all of it is read, and has to be well-formed. */
static enum hf_err check_alg(struct hf_cbor_reader wrapper, uint32_t signatures, struct hf_bytes digest_item, int alg,
			     const struct hf_keyset *keyset, enum hf_role role, const struct hf_crypto *crypto)
{
	struct signature signature;
	enum hf_err result = HF_ERR_KEY;

	for (; signatures > 0; signatures--) {
		read_signature(&wrapper, &signature);
		if (wrapper.err)
			return wrapper.err;
		if (signature.alg == alg && (result == HF_ERR_KEY || result == HF_ERR_SIGNATURE))
			result = try_keys(&signature, digest_item, keyset, role, crypto);
	}
	enum hf_err err = hf_cbor_close(&wrapper);
	return err ? err : result;
}

/* The severed members are what the manifest says; those that it does not name are nobody's. */
static enum hf_err check_severed(const struct hf_envelope *env, const struct hf_crypto *crypto)
{
	struct hf_manifest manifest;
	struct hf_bytes want[HF_SUIT_SEVERABLE];
	uint8_t digest[HF_SHA256_BYTES];
	enum hf_err err = hf_suit_read_manifest(env->manifest, &manifest, want);

	for (unsigned i = 0; i < HF_SUIT_SEVERABLE && !err; i++) {
		if (env->severed_item[i].len == 0)
			continue;
		digest_of(crypto, env->severed_item[i], digest);
		if (want[i].len == 0 || memcmp(digest, want[i].ptr, sizeof(digest)) != 0)
			err = HF_ERR_DIGEST;
	}
	return err;
}

enum hf_err hf_envelope_authenticate(const struct hf_envelope *env, const struct hf_keyset *keyset, enum hf_role role,
				     const struct hf_crypto *crypto, uint8_t manifest_digest[HF_SHA256_BYTES])
{
	struct hf_cbor_reader r;
	struct hf_bytes content;

	hf_cbor_open_final(&r, env->auth);
	uint32_t signatures = hf_cbor_array(&r) - 1;
	struct hf_bytes digest_item = bstr_item(&r, &content);
	struct hf_bytes digest = hf_suit_wrapped_digest(&r, content);
	if (signatures > HF_SUIT_SIGNATURES) /* or no element at all */
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	if (r.err)
		return r.err;

	digest_of(crypto, env->manifest_item, manifest_digest);
	if (memcmp(manifest_digest, digest.ptr, HF_SHA256_BYTES) != 0)
		return HF_ERR_DIGEST;

	enum hf_err err = keyset->algs ? HF_OK : HF_ERR_KEYSET;
	for (unsigned i = 0; i < keyset->algs && !err; i++)
		err = check_alg(r, signatures, digest_item, keyset->alg[i], keyset, role, crypto);
	return err ? err : check_severed(env, crypto);
}
