/* SPDX-License-Identifier: MIT
 *
 * Parameters: the argument of override-parameters. Unknown ones are refused; a value is checked where it is set, so
 * that conditions and the caller meet only what makes sense. A table says where each goes: boot has no room for a
 * case each.
 */
#include "suit_private.h"

#define UUID_BYTES  16
#define VERSION_OPS 5 /* >, >=, =, <=, < */

enum kind { UUID, DIGEST, SEGMENTS, URI, NUMBER, VERSION, SOFT };

/* Numbers stand in hf_params in the order of their bits. */
#define AT(member) offsetof(struct hf_params, member)
_Static_assert(AT(size) == AT(slot) + 4 * HF_SET_SIZE && AT(table_bytes) == AT(slot) + 4 * HF_SET_TABLE_BYTES &&
	       AT(image_offset) == AT(slot) + 4 * HF_SET_IMAGE_OFFSET, "numbers and bits");

static const struct {
	int16_t key;
	uint8_t kind; /* enum kind */
	uint8_t at;   /* of the value in hf_params */
} known[] = {
	{ HF_PARAM_VENDOR, UUID, AT(vendor) },
	{ HF_PARAM_CLASS, UUID, AT(class_id) },
	{ HF_PARAM_DIGEST, DIGEST, AT(digest) },
	{ HF_PARAM_SLOT, NUMBER, AT(slot) },
	{ HF_PARAM_SOFT_FAILURE, SOFT, 0 },
	{ HF_PARAM_SIZE, NUMBER, AT(size) },
	{ HF_PARAM_URI, URI, AT(uri) },
	{ HF_PARAM_DEVICE, UUID, AT(device) },
	{ HF_PARAM_VERSION, VERSION, 0 },
	{ HF_PARAM_TABLE_BYTES, NUMBER, AT(table_bytes) },
	{ HF_PARAM_IMAGE_OFFSET, NUMBER, AT(image_offset) },
	{ HF_PARAM_SEGMENTS, SEGMENTS, AT(segments) },
};

/* << [comparison, version] >> */
static void version_match(struct hf_cbor_reader *outer, struct hf_params *params)
{
	struct hf_cbor_reader r;

	hf_cbor_enter(outer, &r);
	hf_cbor_expect(&r, HF_CBOR_ARRAY, 2);
	params->version_op = (uint8_t)hf_cbor_uint(&r, VERSION_OPS);
	if (params->version_op == 0)
		hf_cbor_fail(&r, HF_ERR_RANGE);
	params->version_parts = hf_suit_version(&r, params->version);
	params->set |= 1u << HF_SET_VERSION;
	hf_cbor_leave(outer, &r);
}

/* A view: text, or bytes of the length that the kind demands. */
static void read_view(struct hf_cbor_reader *r, unsigned kind, struct hf_bytes *v)
{
	hf_cbor_view(r, kind == URI ? HF_CBOR_TSTR : HF_CBOR_BSTR, v);
	if (kind == UUID ? v->len != UUID_BYTES : kind == SEGMENTS && (v->len == 0 || v->len % HF_SHA256_BYTES != 0))
		hf_cbor_fail(r, HF_ERR_RANGE);
}

static void read_param(struct hf_cbor_reader *r, int32_t key, struct hf_params *params, bool *soft)
{
	unsigned i = 0;

	while (known[i].key != key) {
		if (++i == sizeof(known) / sizeof(known[0])) {
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
			return;
		}
	}
	uint8_t *to = (uint8_t *)params + known[i].at;
	switch (known[i].kind) {
	case SOFT:
		*soft = hf_cbor_bool(r);
		break;
	case VERSION:
		version_match(r, params);
		break;
	case NUMBER:
		*(uint32_t *)to = hf_cbor_uint(r, UINT32_MAX);
		params->set |= 1u << (known[i].at - AT(slot)) / 4;
		break;
	case DIGEST:
		hf_suit_wrapped_digest(r, (struct hf_bytes *)to);
		break;
	default:
		read_view(r, known[i].kind, (struct hf_bytes *)to);
	}
}

void hf_suit_read_params(struct hf_cbor_reader *r, unsigned section, struct hf_params *params, bool *soft)
{
	const uint8_t *last = NULL;
	uint32_t count = hf_cbor_map(r);

	if (count == 0)
		hf_cbor_fail(r, HF_ERR_ENCODING);
	for (; count > 0 && !r->err; count--) {
		int32_t key = hf_cbor_key(r, &last);
		if (key < 0 && !(section & (HF_SECTION_VALIDATE | HF_SECTION_INSTALL)))
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		read_param(r, key, params, soft);
	}
}
