/* SPDX-License-Identifier: MIT
 *
 * Everything is checked before a key is used, and what is not known is refused, with one exception: boot is frozen
 * when the first device ships, so a later keyset may carry members that an old boot is told to ignore. Those have
 * negative keys, and byte strings as values.
 */
#include "keyset.h"

#include "cbor.h"

enum { KEYSET_FORMAT = 1, KEYSET_NUMBER = 2, KEYSET_KEYS = 3, KEYSET_ALGS = 4 };
enum { KEY_ROLE = 1, KEY_ALG = 2, KEY_PUBLIC = 3 };

static int16_t read_alg(struct hf_cbor_reader *r)
{
	int32_t alg = hf_cbor_int(r);

	if (alg < INT16_MIN || alg > INT16_MAX)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (int16_t)alg;
}

/* The members that are left: byte strings that may be ignored. */
static void ignore_rest(struct hf_cbor_reader *r, uint32_t members)
{
	const uint8_t *last = NULL;

	for (; members > 0; members--) {
		if (hf_cbor_key(r, &last) >= 0)
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		(void)hf_cbor_bstr(r);
	}
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
	uint32_t others = begin_map(r, KEY_PUBLIC);

	hf_cbor_expect(r, HF_CBOR_UINT, KEY_ROLE);
	key->role = (uint8_t)hf_cbor_uint(r, HF_ROLE_SITE);
	hf_cbor_expect(r, HF_CBOR_UINT, KEY_ALG);
	key->alg = read_alg(r);
	hf_cbor_expect(r, HF_CBOR_UINT, KEY_PUBLIC);
	hf_cbor_view(r, HF_CBOR_BSTR, &key->public_key);
	ignore_rest(r, others);
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
	ignore_rest(&r, others);
	if (r.err)
		return r.err;
	*used = (size_t)(r.pos - buf.ptr);
	return HF_OK;
}
