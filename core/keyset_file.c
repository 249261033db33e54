/* SPDX-License-Identifier: MIT
 *
 * Signed keyset files: the step from one keyset to the next.
 *
 * The old root keys say who comes after them, and the new ones show that somebody holds them: a successor that nobody could
 * ever replace again is refused while its predecessor still stands. Signatures are tried in the file's order, and the
 * first that no root key has made ends it: so a stranger's file costs one signature's verifications, whatever its length.
 */
#include <string.h>

#include "cose.h"

enum hf_err hf_keyset_file_parse(struct hf_bytes file, struct hf_keyset_file *out)
{
	struct hf_cbor_reader r;
	size_t used;

	hf_cbor_open(&r, file);
	hf_cbor_expect(&r, HF_CBOR_ARRAY, 2);
	out->item.ptr = r.pos;
	hf_cbor_view(&r, HF_CBOR_BSTR, &out->bytes);
	out->item.len = (size_t)(r.pos - out->item.ptr);
	uint32_t count = hf_cbor_array(&r);
	out->signatures.ptr = r.pos;
	if (count == 0 || count > HF_KEYSET_MAX_SIGNATURES)
		hf_cbor_fail(&r, HF_ERR_RANGE);
	out->count = (uint8_t)count;
	for (uint32_t i = 0; i < count && !r.err; i++) {
		struct hf_cose_sign1 signature;

		hf_cose_read(&r, &signature);
	}
	out->signatures.len = (size_t)(r.pos - out->signatures.ptr);
	enum hf_err err = hf_cbor_close(&r);
	if (err)
		return err;
	if (out->bytes.len > HF_KEYSET_BYTES_MAX)
		return HF_ERR_TOO_LARGE;
	err = hf_keyset_parse(out->bytes, &out->keyset, &used);
	if (err == HF_ERR_TRUNCATED) /* the length was said: more bytes cure nothing */
		return HF_ERR_ENCODING;
	return !err && used != out->bytes.len ? HF_ERR_ENCODING : err;
}

static bool same_key(const struct hf_key *a, const struct hf_key *b)
{
	return a->alg == b->alg && a->public_key.len == b->public_key.len &&
	       memcmp(a->public_key.ptr, b->public_key.ptr, a->public_key.len) == 0;
}

static enum hf_err verify(const struct hf_keyset_file *file, const struct hf_cose_sign1 *signature,
			  const struct hf_key *key, const struct hf_crypto *crypto)
{
	uint8_t aad[sizeof(HF_KEYSET_AAD)] = { 0x40 | (sizeof(HF_KEYSET_AAD) - 1) };

	_Static_assert(sizeof(HF_KEYSET_AAD) - 1 < 24, "its length fits the head");
	_Static_assert(sizeof(HF_KEYSET_AAD) + 3 + HF_KEYSET_BYTES_MAX <= HF_COSE_SIGNED_MAX, "it can be verified");
	memcpy(aad + 1, HF_KEYSET_AAD, sizeof(HF_KEYSET_AAD) - 1);
	return hf_cose_verify(crypto, key, signature, (struct hf_bytes){ aad, sizeof(aad) }, file->item);
}

/* The root key of the keyset that made the signature; *key is NULL where none did. */
static enum hf_err find_signer(const struct hf_keyset_file *file, const struct hf_cose_sign1 *signature,
			       const struct hf_keyset *keyset, const struct hf_crypto *crypto,
			       const struct hf_key **key)
{
	*key = NULL;
	for (unsigned i = 0; i < keyset->keys; i++) {
		enum hf_err err;

		if (keyset->key[i].role != HF_ROLE_ROOT || keyset->key[i].alg != signature->alg)
			continue;
		err = verify(file, signature, &keyset->key[i], crypto);
		if (err == HF_OK)
			*key = &keyset->key[i];
		if (err != HF_ERR_SIGNATURE)
			return err;
	}
	return HF_OK;
}

/* The key's bit, where the keyset has it as a root key: that of its first place, so that it counts once. */
static uint32_t root_bit(const struct hf_keyset *keyset, const struct hf_key *key)
{
	for (unsigned i = 0; i < keyset->keys; i++)
		if (keyset->key[i].role == HF_ROLE_ROOT && same_key(&keyset->key[i], key))
			return 1u << i;
	return 0;
}

static bool enough(uint32_t mask, unsigned threshold)
{
	unsigned n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n >= threshold;
}

enum hf_err hf_keyset_signers(const struct hf_keyset_file *file, const struct hf_keyset *keyset,
			      const struct hf_crypto *crypto, uint32_t *mask)
{
	struct hf_cbor_reader r;

	*mask = 0;
	hf_cbor_open_final(&r, file->signatures);
	for (unsigned i = 0; i < file->count; i++) {
		struct hf_cose_sign1 signature;
		const struct hf_key *key;
		enum hf_err err;

		hf_cose_read(&r, &signature);
		err = r.err ? r.err : find_signer(file, &signature, keyset, crypto, &key);
		if (err)
			return err;
		if (key)
			*mask |= root_bit(keyset, key);
	}
	return HF_OK;
}

/* Both keysets' shares in one pass: most root keys are in both. */
static enum hf_err check_signatures(const struct hf_keyset *now, const struct hf_keyset_file *next,
				    const struct hf_crypto *crypto)
{
	struct hf_cbor_reader r;
	uint32_t old = 0, own = 0;

	hf_cbor_open_final(&r, next->signatures);
	for (unsigned i = 0; i < next->count; i++) {
		struct hf_cose_sign1 signature;
		const struct hf_key *key;
		enum hf_err err;

		hf_cose_read(&r, &signature);
		err = r.err ? r.err : find_signer(next, &signature, now, crypto, &key);
		if (!err && !key)
			err = find_signer(next, &signature, &next->keyset, crypto, &key);
		if (!err && !key)
			err = HF_ERR_SIGNATURE;
		if (err)
			return err;
		old |= root_bit(now, key);
		own |= root_bit(&next->keyset, key);
	}
	return enough(old, now->threshold) && enough(own, next->keyset.threshold) ? HF_OK : HF_ERR_THRESHOLD;
}

enum hf_err hf_keyset_accept(const struct hf_keyset *now, struct hf_bytes file, const struct hf_crypto *crypto,
			     struct hf_keyset_file *next)
{
	enum hf_err err = hf_keyset_file_parse(file, next);

	if (err)
		return err;
	return next->keyset.number <= now->number ? HF_ERR_KEYSET_NUMBER : check_signatures(now, next, crypto);
}
