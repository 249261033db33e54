/* SPDX-License-Identifier: MIT
 *
 * Parameters: the argument of override-parameters. Unknown ones are refused; a value is checked where it is set, so that
 * conditions and the caller meet only what makes sense.
 */
#include "suit_private.h"

#define UUID_BYTES 16
#define VERSION_OPS 5 /* >, >=, =, <=, < */

static struct hf_bytes uuid(struct hf_cbor_reader *r)
{
	struct hf_bytes id = hf_cbor_bstr(r);

	if (id.len != UUID_BYTES)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return id;
}

/* << [comparison, version] >> */
static void version_match(struct hf_cbor_reader *outer, struct hf_params *params)
{
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, hf_cbor_bstr(outer));
	if (hf_cbor_array(&r) != 2)
		hf_cbor_fail(&r, HF_ERR_ENCODING);
	params->version_op = (uint8_t)hf_cbor_uint(&r, VERSION_OPS);
	if (params->version_op == 0)
		hf_cbor_fail(&r, HF_ERR_RANGE);
	params->version_parts = hf_suit_version(&r, params->version);
	hf_cbor_fail(outer, hf_cbor_close(&r));
}

static struct hf_bytes segments(struct hf_cbor_reader *r)
{
	struct hf_bytes digests = hf_cbor_bstr(r);

	if (digests.len == 0 || digests.len % HF_SHA256_BYTES != 0)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return digests;
}

static void number(struct hf_cbor_reader *r, struct hf_params *params, unsigned bit, uint32_t *value)
{
	*value = hf_cbor_uint(r, UINT32_MAX);
	params->set |= 1u << bit;
}

static void read_param(struct hf_cbor_reader *r, int32_t key, struct hf_params *params, bool *soft)
{
	switch (key) {
	case HF_PARAM_VENDOR:
		params->vendor = uuid(r);
		break;
	case HF_PARAM_CLASS:
		params->class_id = uuid(r);
		break;
	case HF_PARAM_DEVICE:
		params->device = uuid(r);
		break;
	case HF_PARAM_DIGEST:
		params->digest = hf_suit_wrapped_digest(r, hf_cbor_bstr(r));
		break;
	case HF_PARAM_SLOT:
		number(r, params, HF_SET_SLOT, &params->slot);
		break;
	case HF_PARAM_SOFT_FAILURE:
		*soft = hf_cbor_bool(r);
		break;
	case HF_PARAM_SIZE:
		number(r, params, HF_SET_SIZE, &params->size);
		break;
	case HF_PARAM_URI:
		params->uri = hf_cbor_tstr(r);
		break;
	case HF_PARAM_VERSION:
		version_match(r, params);
		params->set |= 1u << HF_SET_VERSION;
		break;
	case HF_PARAM_TABLE_BYTES:
		number(r, params, HF_SET_TABLE_BYTES, &params->table_bytes);
		break;
	case HF_PARAM_IMAGE_OFFSET:
		number(r, params, HF_SET_IMAGE_OFFSET, &params->image_offset);
		break;
	case HF_PARAM_SEGMENTS:
		params->segments = segments(r);
		break;
	default:
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
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
