/* SPDX-License-Identifier: MIT */
#include "smp_fields.h"

#include <string.h>

struct hf_bytes hf_smp_field_text(struct hf_cbor_reader *r, char *to, size_t room)
{
	struct hf_bytes text = hf_cbor_tstr(r);
	size_t n = text.len < room - 1 ? text.len : room - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
	to[n] = 0;
	return text;
}

uint32_t hf_smp_field_u32(struct hf_cbor_reader *r)
{
	uint64_t value = hf_smp_uint(r);

	if (value > UINT32_MAX)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (uint32_t)value;
}

uint8_t hf_smp_field_u8(struct hf_cbor_reader *r)
{
	uint32_t value = hf_smp_field_u32(r);

	if (value > UINT8_MAX)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (uint8_t)value;
}

void hf_smp_field_exact(struct hf_cbor_reader *r, uint8_t *to, size_t len)
{
	struct hf_bytes bytes = hf_cbor_bstr(r);

	if (bytes.len != len)
		hf_cbor_fail(r, HF_ERR_TYPE);
	else
		memcpy(to, bytes.ptr, len);
}

void hf_smp_fields(struct hf_cbor_reader *r, hf_smp_field *field, void *to)
{
	struct hf_smp_items it;

	hf_smp_items_begin(&it, r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(r);

		if (!r->err)
			field(r, key, to);
	}
}

enum hf_err hf_smp_ask(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id, struct hf_bytes body,
		       uint32_t patience_ms, struct hf_smp_answer *answer)
{
	static const uint8_t empty[1] = { 0xa0 };

	if (body.len == 0)
		body = (struct hf_bytes){ empty, sizeof empty };
	return hf_smp_request(c, op, group, id, body, patience_ms, answer);
}

enum hf_err hf_smp_command(struct hf_smp_client *c, enum hf_smp_op op, unsigned group, unsigned id, struct hf_bytes body,
			   uint32_t patience_ms, hf_smp_field *field, void *to, struct hf_smp_answer *answer)
{
	enum hf_err err = hf_smp_ask(c, op, group, id, body, patience_ms, answer);
	struct hf_cbor_reader r;

	if (err || answer->refusal)
		return err;
	hf_cbor_open_final(&r, answer->body);
	hf_smp_fields(&r, field, to);
	return hf_cbor_close(&r) ? HF_ERR_TYPE : HF_OK;
}

enum hf_err hf_smp_get(struct hf_smp_client *c, unsigned group, unsigned id, uint32_t patience_ms, hf_smp_field *field,
		       void *to, struct hf_smp_answer *answer)
{
	return hf_smp_command(c, HF_SMP_READ, group, id, (struct hf_bytes){ NULL, 0 }, patience_ms, field, to, answer);
}
