/* SPDX-License-Identifier: MIT
 *
 * The manifest: its members, and the walk over all sequences that makes a later run safe.
 *
 * Unknown members are refused, also where the standard would let a reader ignore them: a device that ignores a
 * condition it does not know would install what was not meant for it.
 */
#include <string.h>

#include "suit_private.h"

enum {
	MANIFEST_VERSION = 1,
	MANIFEST_SEQUENCE = 2,
	MANIFEST_COMMON = 3,
	MANIFEST_REFERENCE = 4,
	MANIFEST_SET_VERSION = 6,
	MANIFEST_VALIDATE = 7,
	MANIFEST_LOAD = 8,
	MANIFEST_INVOKE = 9,
	MANIFEST_FETCH = 16,
	MANIFEST_INSTALL = 20,
	MANIFEST_TEXT = 23,
};
enum { COMMON_COMPONENTS = 2, COMMON_SHARED = 4 };

#define MANIFEST_FORMAT   1
#define MANIFEST_REQUIRED 3 /* the first three members */

_Static_assert(offsetof(struct hf_manifest, text) == offsetof(struct hf_manifest, member[HF_SUIT_MEMBERS - 1]),
	       "members");

unsigned hf_suit_member(int32_t key)
{
	static const uint8_t keys[HF_SUIT_MEMBERS] = {
		0, MANIFEST_VALIDATE, MANIFEST_LOAD, MANIFEST_INVOKE, MANIFEST_FETCH, MANIFEST_INSTALL, MANIFEST_TEXT
	};
	unsigned i = HF_SUIT_MEMBERS - 1;

	while (i > 0 && keys[i] != key)
		i--;
	return i;
}

void hf_suit_digest(struct hf_cbor_reader *r, struct hf_bytes *digest)
{
	hf_cbor_expect(r, HF_CBOR_ARRAY, 2);
	hf_cbor_expect(r, HF_CBOR_NINT, -1 - HF_ALG_SHA256);
	hf_cbor_view(r, HF_CBOR_BSTR, digest);
	if (digest->len != HF_SHA256_BYTES)
		hf_cbor_fail(r, HF_ERR_RANGE);
}

void hf_suit_wrapped_digest(struct hf_cbor_reader *r, struct hf_bytes *digest)
{
	struct hf_cbor_reader inner;

	hf_cbor_enter(r, &inner);
	hf_suit_digest(&inner, digest);
	hf_cbor_leave(r, &inner);
}

uint8_t hf_suit_version(struct hf_cbor_reader *r, int32_t version[HF_VERSION_PARTS])
{
	uint32_t parts = hf_cbor_array(r);

	if (parts == 0 || parts > HF_VERSION_PARTS) {
		hf_cbor_fail(r, HF_ERR_RANGE);
		return 0;
	}
	for (uint32_t i = 0; i < parts; i++)
		version[i] = hf_cbor_int(r);
	return (uint8_t)parts;
}

/* [[* bstr]]: the one component's identifier, encoded. */
static void read_components(struct hf_cbor_reader *r, struct hf_bytes *component)
{
	hf_cbor_expect(r, HF_CBOR_ARRAY, 1);
	component->ptr = r->pos;
	for (uint32_t n = hf_cbor_array(r); n > 0; n--)
		(void)hf_cbor_bstr(r);
	component->len = (size_t)(r->pos - component->ptr);
}

static void read_common(struct hf_cbor_reader *outer, struct hf_manifest *out)
{
	struct hf_cbor_reader r;

	hf_cbor_enter(outer, &r);
	uint32_t members = hf_cbor_map(&r);
	hf_cbor_expect(&r, HF_CBOR_UINT, COMMON_COMPONENTS);
	read_components(&r, &out->component);
	if (members > 1) { /* more than two leave something behind */
		hf_cbor_expect(&r, HF_CBOR_UINT, COMMON_SHARED);
		hf_cbor_view(&r, HF_CBOR_BSTR, &out->shared);
	}
	if (members > 2)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	hf_cbor_leave(outer, &r);
}

static void read_set_version(struct hf_cbor_reader *outer, struct hf_manifest *out)
{
	struct hf_cbor_reader r;

	hf_cbor_enter(outer, &r);
	out->versions = hf_suit_version(&r, out->version);
	hf_cbor_leave(outer, &r);
}

static void read_optional(struct hf_cbor_reader *r, int32_t key, struct hf_manifest *out,
			  struct hf_bytes digest[HF_SUIT_SEVERABLE])
{
	unsigned member = hf_suit_member(key);

	if (key == MANIFEST_REFERENCE)
		(void)hf_cbor_tstr(r);
	else if (key == MANIFEST_SET_VERSION)
		read_set_version(r, out);
	else if (member == 0)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	else if (member >= HF_SUIT_UNSEVERABLE && hf_cbor_peek(r) == HF_CBOR_ARRAY)
		hf_suit_digest(r, &digest[member - HF_SUIT_UNSEVERABLE]);
	else
		hf_cbor_view(r, HF_CBOR_BSTR, &out->member[member]);
}

enum hf_err hf_suit_read_manifest(struct hf_bytes manifest, struct hf_manifest *out,
				  struct hf_bytes digest[HF_SUIT_SEVERABLE])
{
	struct hf_cbor_reader r;
	const uint8_t *last = NULL;

	memset(out, 0, sizeof(*out));
	memset(digest, 0, HF_SUIT_SEVERABLE * sizeof(*digest));
	hf_cbor_open_final(&r, manifest);
	uint32_t members = hf_cbor_map(&r);
	hf_cbor_expect(&r, HF_CBOR_UINT, MANIFEST_VERSION);
	hf_cbor_expect(&r, HF_CBOR_UINT, MANIFEST_FORMAT);
	hf_cbor_expect(&r, HF_CBOR_UINT, MANIFEST_SEQUENCE);
	out->sequence = hf_cbor_uint64(&r);
	hf_cbor_expect(&r, HF_CBOR_UINT, MANIFEST_COMMON);
	read_common(&r, out);
	if (members < MANIFEST_REQUIRED)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	for (; members > MANIFEST_REQUIRED && !r.err; members--)
		read_optional(&r, hf_cbor_key(&r, &last), out, digest);
	return hf_cbor_close(&r);
}

enum hf_err hf_manifest_parse(const struct hf_envelope *env, struct hf_manifest *out)
{
	struct hf_bytes digest[HF_SUIT_SEVERABLE];
	struct hf_cbor_reader r;
	enum hf_err err = hf_suit_read_manifest(env->manifest, out, digest);

	if (err)
		return err;
	out->head_bytes = (uint32_t)(HF_SUIT_PREFIX_BYTES + env->head.len);
	for (unsigned i = 0; i < HF_SUIT_SEVERABLE; i++) {
		if (digest[i].len == 0 || env->severed_item[i].len == 0)
			continue;
		hf_cbor_open_final(&r, env->severed_item[i]);
		hf_cbor_view(&r, HF_CBOR_BSTR, &out->member[HF_SUIT_UNSEVERABLE + i]);
	}
	for (unsigned i = 0; i < HF_SUIT_SEQUENCES && !err; i++) {
		if (out->member[i].ptr)
			err = hf_suit_walk(out->member[i], (enum hf_suit_section)(1 << i));
	}
	return err;
}
