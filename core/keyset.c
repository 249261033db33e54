/* SPDX-License-Identifier: MIT
 *
 * Everything is checked before a key is used, and what is not known is refused, with one exception: boot is frozen
 * when the first device ships, so a later keyset may carry members that an old boot is told to ignore. Those have
 * negative keys, and byte strings as values.
 */
#include "keyset.h"

#include <string.h>

#include "cbor.h"

enum {
	KEYSET_FORMAT = 1,
	KEYSET_NUMBER = 2,
	KEYSET_KEYS = 3,
	KEYSET_ALGS = 4,
	KEYSET_THRESHOLD = 5,
	KEYSET_DIGESTS = 6,
};
enum { KEY_ROLE = 1, KEY_ALG = 2, KEY_PUBLIC = 3 };

static int16_t read_alg(struct hf_cbor_reader *r)
{
	int32_t alg = hf_cbor_int(r);

	if (alg < INT16_MIN || alg > INT16_MAX)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (int16_t)alg;
}

/* A member that is left: a byte string that may be ignored. */
static void ignore_member(struct hf_cbor_reader *r, int32_t key)
{
	struct hf_bytes content;

	if (key >= 0)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	hf_cbor_view(r, HF_CBOR_BSTR, &content);
}

/* The header of a map with at least so many members. Returns how many more there are. */
static uint32_t begin_map(struct hf_cbor_reader *r, uint32_t known)
{
	uint32_t members = hf_cbor_map(r);

	if (members < known) {
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		return 0;
	}
	return members - known;
}

static uint8_t begin_array(struct hf_cbor_reader *r, uint32_t max)
{
	uint32_t elements = hf_cbor_array(r);

	if (elements == 0 || elements > max) {
		hf_cbor_fail(r, HF_ERR_RANGE);
		return 0;
	}
	return (uint8_t)elements;
}

static void read_key(struct hf_cbor_reader *r, struct hf_key *key)
{
	const uint8_t *last = NULL;
	uint32_t others = begin_map(r, KEY_PUBLIC);

	hf_cbor_expect(r, HF_CBOR_UINT, KEY_ROLE);
	key->role = (uint8_t)hf_cbor_uint(r, HF_ROLE_SITE);
	hf_cbor_expect(r, HF_CBOR_UINT, KEY_ALG);
	key->alg = read_alg(r);
	hf_cbor_expect(r, HF_CBOR_UINT, KEY_PUBLIC);
	hf_cbor_view(r, HF_CBOR_BSTR, &key->public_key);
	for (; others > 0; others--)
		ignore_member(r, hf_cbor_key(r, &last));
}

static void read_digests(struct hf_cbor_reader *r, struct hf_keyset *out)
{
	out->digests = begin_array(r, HF_KEYSET_MAX_DIGESTS);
	for (unsigned i = 0; i < out->digests; i++) {
		struct hf_bytes digest;

		hf_cbor_view(r, HF_CBOR_BSTR, &digest);
		if (digest.len != HF_SHA256_BYTES)
			hf_cbor_fail(r, HF_ERR_RANGE);
		out->digest[i] = digest.ptr;
	}
}

/* What follows the members that every keyset has. */
static void read_others(struct hf_cbor_reader *r, uint32_t others, struct hf_keyset *out)
{
	const uint8_t *last = NULL;

	out->threshold = 1;
	out->digests = 0;
	for (; others > 0; others--) {
		int32_t key = hf_cbor_key(r, &last);

		if (key == KEYSET_THRESHOLD) {
			out->threshold = (uint8_t)hf_cbor_uint(r, HF_KEYSET_MAX_KEYS);
			if (out->threshold == 0)
				hf_cbor_fail(r, HF_ERR_RANGE);
		} else if (key == KEYSET_DIGESTS) {
			read_digests(r, out);
		} else {
			ignore_member(r, key);
		}
	}
}

enum hf_err hf_keyset_parse(struct hf_bytes buf, struct hf_keyset *out, size_t *used)
{
	struct hf_cbor_reader r;

	if (buf.len > 0 && buf.ptr[0] == 0xff)
		return HF_ERR_KEYSET;
	hf_cbor_open(&r, buf);
	uint32_t others = begin_map(&r, KEYSET_ALGS);
	hf_cbor_expect(&r, HF_CBOR_UINT, KEYSET_FORMAT);
	hf_cbor_expect(&r, HF_CBOR_UINT, HF_KEYSET_FORMAT);
	hf_cbor_expect(&r, HF_CBOR_UINT, KEYSET_NUMBER);
	out->number = hf_cbor_uint(&r, UINT32_MAX);
	hf_cbor_expect(&r, HF_CBOR_UINT, KEYSET_KEYS);
	out->keys = begin_array(&r, HF_KEYSET_MAX_KEYS);
	for (unsigned i = 0; i < out->keys; i++)
		read_key(&r, &out->key[i]);
	hf_cbor_expect(&r, HF_CBOR_UINT, KEYSET_ALGS);
	out->algs = begin_array(&r, HF_KEYSET_MAX_ALGS);
	for (unsigned i = 0; i < out->algs; i++)
		out->alg[i] = read_alg(&r);
	read_others(&r, others, out);
	if (r.err)
		return r.err;
	*used = (size_t)(r.pos - buf.ptr);
	return HF_OK;
}

bool hf_keyset_grandfathers(const struct hf_keyset *keyset, const uint8_t manifest_digest[HF_SHA256_BYTES])
{
	for (unsigned i = 0; i < keyset->digests; i++)
		if (memcmp(keyset->digest[i], manifest_digest, HF_SHA256_BYTES) == 0)
			return true;
	return false;
}
