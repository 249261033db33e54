/* SPDX-License-Identifier: MIT
 *
 * The envelope and its authentication (draft-ietf-suit-manifest-37, sections 5 and 8.2 to 8.3; RFC 9052, section 4.4).
 *
 * The chain is: signature -> digest array -> manifest -> digests of the severed members. Each link is checked,
 * because a changed manifest leaves the signature itself valid. Nothing of the manifest is read before both hold.
 */
#include <string.h>

#include "cbor.h"
#include "cose.h"
#include "suit_private.h"

#define TAG_SUIT_ENVELOPE  107
#define MAX_PAYLOADS       16

enum { ENVELOPE_AUTH = 2, ENVELOPE_MANIFEST = 3 };

/* A byte string with its header. */
static void bstr_item(struct hf_cbor_reader *r, struct hf_bytes *item, struct hf_bytes *content)
{
	item->ptr = r->pos;
	hf_cbor_view(r, HF_CBOR_BSTR, content);
	item->len = (size_t)(r->pos - item->ptr);
}

/* The severed members, up to the first payload. Returns how many map entries are left. */
static uint32_t read_severed(struct hf_cbor_reader *r, uint32_t entries, struct hf_envelope *out)
{
	const uint8_t *last = NULL;
	struct hf_bytes item, content;

	while (entries > 0 && hf_cbor_peek(r) != HF_CBOR_TSTR) {
		unsigned member = hf_suit_member(hf_cbor_key(r, &last));
		bstr_item(r, &item, &content);
		if (member < HF_SUIT_UNSEVERABLE)
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		if (r->err)
			return 0;
		out->severed_item[member - HF_SUIT_UNSEVERABLE] = item;
		entries--;
	}
	return entries;
}

/* Members 2 and 3, with `more` members at most behind them; *entries gets their number. */
static enum hf_err read_head(struct hf_cbor_reader *r, unsigned more, struct hf_envelope *out, uint32_t *entries)
{
	memset(out, 0, sizeof(*out));
	hf_cbor_expect(r, HF_CBOR_TAG, TAG_SUIT_ENVELOPE);
	*entries = hf_cbor_map(r) - 2;
	if (*entries > more) /* or less than two at all */
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	out->head.ptr = r->pos;
	hf_cbor_expect(r, HF_CBOR_UINT, ENVELOPE_AUTH);
	hf_cbor_view(r, HF_CBOR_BSTR, &out->auth);
	hf_cbor_expect(r, HF_CBOR_UINT, ENVELOPE_MANIFEST);
	bstr_item(r, &out->manifest_item, &out->manifest);
	if (r->err)
		return r->err;
	out->head.len = (size_t)(r->pos - out->head.ptr);
	return out->head.len > HF_SUIT_HEAD_MAX - HF_SUIT_PREFIX_BYTES ? HF_ERR_TOO_LARGE : HF_OK;
}

enum hf_err hf_envelope_parse_slot(struct hf_bytes buf, struct hf_envelope *out)
{
	struct hf_cbor_reader r;
	uint32_t entries;

	hf_cbor_open(&r, buf);
	return read_head(&r, 0, out, &entries);
}

enum hf_err hf_envelope_parse(struct hf_bytes buf, struct hf_envelope *out)
{
	struct hf_cbor_reader r;
	uint32_t entries;
	enum hf_err err;

	hf_cbor_open(&r, buf);
	err = read_head(&r, HF_SUIT_SEVERABLE + MAX_PAYLOADS, out, &entries);
	if (err)
		return err;
	out->payloads = read_severed(&r, entries, out);
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
	if (r.err)
		return r.err == HF_ERR_TRUNCATED && whole ? HF_ERR_TOO_LARGE : r.err;
	*header_len = (size_t)(r.pos - buf.ptr);
	return HF_OK;
}

static void digest_of(const struct hf_crypto *crypto, struct hf_bytes data, uint8_t digest[HF_SHA256_BYTES])
{
	struct hf_sha256 state;

	crypto->sha256_start(&state);
	crypto->sha256_update(&state, data.ptr, data.len);
	crypto->sha256_finish(&state, digest);
}

/* The content of the authentication wrapper. */
struct wrapper {
	struct hf_bytes digest;      /* of the manifest */
	struct hf_bytes digest_item; /* what is signed, HF_SUIT_DIGEST_ITEM bytes */
	uint32_t signatures;
	struct hf_cose_sign1 signature[HF_SUIT_SIGNATURES];
};

static enum hf_err read_wrapper(struct hf_bytes auth, struct wrapper *out)
{
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, auth);
	out->signatures = hf_cbor_array(&r) - 1;
	out->digest_item.ptr = r.pos;
	hf_suit_wrapped_digest(&r, &out->digest);
	out->digest_item.len = HF_SUIT_DIGEST_ITEM;
	if (out->signatures > HF_SUIT_SIGNATURES) { /* or no element at all */
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
		return r.err;
	}
	for (uint32_t i = 0; i < out->signatures; i++)
		hf_cose_read(&r, &out->signature[i]);
	return hf_cbor_close(&r);
}

/* Whether a key of the role verifies one of the signatures that were made with this algorithm. */
static enum hf_err check_alg(const struct wrapper *w, int alg, const struct hf_keyset *keyset, enum hf_role role,
			     const struct hf_crypto *crypto)
{
	static const uint8_t no_aad[] = { 0x40 };
	enum hf_err result = HF_ERR_KEY;

	for (unsigned i = 0; i < w->signatures; i++) {
		for (unsigned k = 0; k < keyset->keys; k++) {
			const struct hf_key *key = &keyset->key[k];
			if (w->signature[i].alg != alg || key->alg != alg || key->role != role)
				continue;
			result = hf_cose_verify(crypto, key, &w->signature[i],
						(struct hf_bytes){ no_aad, sizeof(no_aad) }, w->digest_item);
			if (result != HF_ERR_SIGNATURE)
				return result;
		}
	}
	return result;
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

static enum hf_err check_signatures(const struct wrapper *w, const struct hf_keyset *keyset, enum hf_role role,
				    const struct hf_crypto *crypto)
{
	enum hf_err err = keyset->algs == 0 ? HF_ERR_KEYSET : HF_OK; /* would let everything in */

	for (unsigned i = 0; i < keyset->algs && !err; i++)
		err = check_alg(w, keyset->alg[i], keyset, role, crypto);
	return err;
}

enum hf_err hf_envelope_trust(const struct hf_envelope *env, const struct hf_keyset *keyset, enum hf_role role,
			      const struct hf_crypto *crypto, uint8_t manifest_digest[HF_SHA256_BYTES],
			      bool *grandfathered)
{
	struct wrapper w;
	enum hf_err err = read_wrapper(env->auth, &w);

	*grandfathered = false;
	if (err)
		return err;
	digest_of(crypto, env->manifest_item, manifest_digest);
	if (memcmp(manifest_digest, w.digest.ptr, HF_SHA256_BYTES) != 0)
		return HF_ERR_DIGEST;
	err = check_signatures(&w, keyset, role, crypto);
	if (err && hf_keyset_grandfathers(keyset, manifest_digest)) {
		*grandfathered = true;
		err = HF_OK;
	}
	return err;
}

enum hf_err hf_envelope_authenticate(const struct hf_envelope *env, const struct hf_keyset *keyset, enum hf_role role,
				     const struct hf_crypto *crypto, uint8_t manifest_digest[HF_SHA256_BYTES])
{
	bool grandfathered;
	enum hf_err err = hf_envelope_trust(env, keyset, role, crypto, manifest_digest, &grandfathered);

	if (!err && grandfathered)
		err = HF_ERR_KEY;
	return err ? err : check_severed(env, crypto);
}
