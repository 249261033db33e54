/* SPDX-License-Identifier: MIT
 *
 * The manifest: its members, and the walk over all sequences that makes a later run safe.
 *
 * Unknown members are refused, also where the standard would let a reader ignore them: a device that ignores a condition
 * it does not know would install what was not meant for it.
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

#define MANIFEST_FORMAT 1

unsigned hf_suit_severable(int32_t key)
{
	return key == MANIFEST_FETCH ? HF_SUIT_FETCH : key == MANIFEST_INSTALL ? HF_SUIT_INSTALL :
	       key == MANIFEST_TEXT ? HF_SUIT_TEXT : HF_SUIT_SEVERABLE;
}

struct hf_bytes hf_suit_digest(struct hf_cbor_reader *r)
{
	if (hf_cbor_array(r) != 2)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	if (hf_cbor_int(r) != HF_ALG_SHA256)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	struct hf_bytes digest = hf_cbor_bstr(r);
	if (digest.len != HF_SHA256_BYTES)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return digest;
}

struct hf_bytes hf_suit_wrapped_digest(struct hf_cbor_reader *r, struct hf_bytes content)
{
	struct hf_cbor_reader inner;

	hf_cbor_open_final(&inner, content);
	struct hf_bytes digest = hf_suit_digest(&inner);
	hf_cbor_fail(r, hf_cbor_close(&inner));
	return digest;
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
static struct hf_bytes read_components(struct hf_cbor_reader *r)
{
	if (hf_cbor_array(r) != 1)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	struct hf_bytes component = { r->pos, 0 };
	for (uint32_t n = hf_cbor_array(r); n > 0; n--)
		(void)hf_cbor_bstr(r);
	component.len = (size_t)(r->pos - component.ptr);
	return component;
}

static void read_common(struct hf_cbor_reader *outer, struct hf_manifest *out)
{
	struct hf_cbor_reader r;
	const uint8_t *last = NULL;

	hf_cbor_open_final(&r, hf_cbor_bstr(outer));
	uint32_t members = hf_cbor_map(&r);
	if (members < 1 || members > 2 || hf_cbor_key(&r, &last) != COMMON_COMPONENTS)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	out->component = read_components(&r);
	if (members == 2) {
		if (hf_cbor_key(&r, &last) != COMMON_SHARED)
			hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
		out->shared = hf_cbor_bstr(&r);
	}
	hf_cbor_fail(outer, hf_cbor_close(&r));
}

static void read_set_version(struct hf_cbor_reader *outer, struct hf_manifest *out)
{
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, hf_cbor_bstr(outer));
	out->versions = hf_suit_version(&r, out->version);
	hf_cbor_fail(outer, hf_cbor_close(&r));
}

/* A severable member: here, or its digest. */
static struct hf_bytes read_severable(struct hf_cbor_reader *r, struct hf_bytes *digest)
{
	if (hf_cbor_peek(r) == HF_CBOR_BSTR)
		return hf_cbor_bstr(r);
	*digest = hf_suit_digest(r);
	return (struct hf_bytes){ NULL, 0 };
}

static void read_member(struct hf_cbor_reader *r, int32_t key, struct hf_manifest *out,
			struct hf_bytes digest[HF_SUIT_SEVERABLE])
{
	switch (key) {
	case MANIFEST_VERSION:
		if (hf_cbor_uint(r, UINT32_MAX) != MANIFEST_FORMAT)
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		break;
	case MANIFEST_SEQUENCE:
		out->sequence = hf_cbor_uint64(r);
		break;
	case MANIFEST_COMMON:
		read_common(r, out);
		break;
	case MANIFEST_REFERENCE:
		(void)hf_cbor_tstr(r);
		break;
	case MANIFEST_SET_VERSION:
		read_set_version(r, out);
		break;
	case MANIFEST_VALIDATE:
		out->validate = hf_cbor_bstr(r);
		break;
	case MANIFEST_LOAD:
		out->load = hf_cbor_bstr(r);
		break;
	case MANIFEST_INVOKE:
		out->invoke = hf_cbor_bstr(r);
		break;
	case MANIFEST_FETCH:
		out->fetch = read_severable(r, &digest[HF_SUIT_FETCH]);
		break;
	case MANIFEST_INSTALL:
		out->install = read_severable(r, &digest[HF_SUIT_INSTALL]);
		break;
	case MANIFEST_TEXT:
		out->text = read_severable(r, &digest[HF_SUIT_TEXT]);
		break;
	default:
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
	}
}

enum hf_err hf_suit_read_manifest(struct hf_bytes manifest, struct hf_manifest *out,
				  struct hf_bytes digest[HF_SUIT_SEVERABLE])
{
	struct hf_cbor_reader r;
	const uint8_t *last = NULL;
	int32_t key = 0;

	memset(out, 0, sizeof(*out));
	memset(digest, 0, HF_SUIT_SEVERABLE * sizeof(*digest));
	hf_cbor_open_final(&r, manifest);
	uint32_t members = hf_cbor_map(&r);
	for (uint32_t i = 0; i < members && !r.err; i++) {
		key = hf_cbor_key(&r, &last);
		if (i < MANIFEST_COMMON && key != (int32_t)i + 1) /* 1, 2, 3 are not optional */
			hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
		read_member(&r, key, out, digest);
	}
	if (members < MANIFEST_COMMON)
		hf_cbor_fail(&r, HF_ERR_UNSUPPORTED);
	return hf_cbor_close(&r);
}

/* A severed member's content from the envelope, where the manifest holds its digest. */
static struct hf_bytes unsever(struct hf_bytes inside, struct hf_bytes digest, struct hf_bytes item)
{
	struct hf_cbor_reader r;

	if (digest.len == 0 || item.len == 0)
		return inside;
	hf_cbor_open_final(&r, item);
	return hf_cbor_bstr(&r);
}

enum hf_err hf_manifest_parse(const struct hf_envelope *env, struct hf_manifest *out)
{
	struct hf_bytes digest[HF_SUIT_SEVERABLE];
	enum hf_err err = hf_suit_read_manifest(env->manifest, out, digest);

	if (err)
		return err;
	out->head_bytes = (uint32_t)(HF_SUIT_PREFIX_BYTES + env->head.len);
	out->fetch = unsever(out->fetch, digest[HF_SUIT_FETCH], env->severed_item[HF_SUIT_FETCH]);
	out->install = unsever(out->install, digest[HF_SUIT_INSTALL], env->severed_item[HF_SUIT_INSTALL]);
	out->text = unsever(out->text, digest[HF_SUIT_TEXT], env->severed_item[HF_SUIT_TEXT]);

	const struct hf_bytes sequence[] = { out->shared, out->validate, out->load, out->invoke, out->fetch, out->install };
	for (unsigned i = 0; i < sizeof(sequence) / sizeof(sequence[0]) && !err; i++) {
		if (sequence[i].ptr)
			err = hf_suit_walk(sequence[i], (enum hf_suit_section)(1 << i));
	}
	return err;
}
