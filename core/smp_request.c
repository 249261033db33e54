/* SPDX-License-Identifier: MIT
 *
 * Requests in, answers' pairs out. One table of fields for all commands: a command names those that it takes, unknown keys
 * are skipped, as mcumgr does.
 */
#include "smp_command.h"

#include <string.h>

static const struct {
	char key[8];
	uint8_t major;
} fields[HF_SMP_FIELDS] = {
	[HF_SMP_F_OFF] = { "off", HF_CBOR_UINT },
	[HF_SMP_F_LEN] = { "len", HF_CBOR_UINT },
	[HF_SMP_F_IMAGE] = { "image", HF_CBOR_UINT },
	[HF_SMP_F_SLOT] = { "slot", HF_CBOR_UINT },
	[HF_SMP_F_CONFIRM] = { "confirm", HF_CBOR_SIMPLE },
	[HF_SMP_F_BAUD] = { "baud", HF_CBOR_UINT },
	[HF_SMP_F_FRAME] = { "frame", HF_CBOR_UINT },
	[HF_SMP_F_PLACE] = { "place", HF_CBOR_UINT },
	[HF_SMP_F_COUNT] = { "n", HF_CBOR_UINT },
	[HF_SMP_F_ALG] = { "alg", HF_CBOR_NINT },
	[HF_SMP_F_UPTO] = { "upto", HF_CBOR_SIMPLE },
	[HF_SMP_F_DATA] = { "data", HF_CBOR_BSTR },
	[HF_SMP_F_SHA] = { "sha", HF_CBOR_BSTR },
	[HF_SMP_F_SIG] = { "sig", HF_CBOR_BSTR },
	[HF_SMP_F_HASH] = { "hash", HF_CBOR_BSTR },
	[HF_SMP_F_ECHO] = { "d", HF_CBOR_TSTR },
};

static void read_field(struct hf_cbor_reader *r, struct hf_smp_request *req, unsigned f)
{
	if (hf_smp_has(req, f)) {
		hf_cbor_fail(r, HF_ERR_ENCODING);
		return;
	}
	req->set |= 1u << f;
	switch (fields[f].major) {
	case HF_CBOR_UINT: {
		uint64_t value = hf_smp_uint(r);

		if (value > UINT32_MAX)
			hf_cbor_fail(r, HF_ERR_RANGE);
		req->number[f] = (uint32_t)value;
		return;
	}
	case HF_CBOR_NINT:
		req->number[f] = (uint32_t)hf_cbor_int(r);
		return;
	case HF_CBOR_SIMPLE:
		req->number[f] = hf_cbor_bool(r);
		return;
	case HF_CBOR_BSTR:
		req->string[f - HF_SMP_NUMBERS] = hf_cbor_bstr(r);
		return;
	default:
		req->string[f - HF_SMP_NUMBERS] = hf_cbor_tstr(r);
	}
}

static unsigned find_field(struct hf_bytes key, uint32_t wanted)
{
	for (unsigned f = 0; f < HF_SMP_FIELDS; f++) {
		if (wanted >> f & 1 && hf_smp_is(key, fields[f].key))
			return f;
	}
	return HF_SMP_FIELDS;
}

enum hf_err hf_smp_parse(struct hf_bytes body, uint32_t wanted, struct hf_smp_request *req)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;

	memset(req, 0, sizeof *req);
	if (body.len == 0)
		return HF_OK;
	hf_cbor_open_final(&r, body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		unsigned f = HF_SMP_FIELDS;

		if (hf_cbor_peek(&r) == HF_CBOR_TSTR)
			f = find_field(hf_cbor_tstr(&r), wanted);
		else
			hf_smp_skip(&r);
		if (f < HF_SMP_FIELDS)
			read_field(&r, req, f);
		else
			hf_smp_skip(&r);
	}
	return hf_cbor_close(&r);
}

void hf_smp_put_number(struct hf_cbor_writer *w, const char *key, uint64_t value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_uint(w, value);
}

void hf_smp_put_flag(struct hf_cbor_writer *w, const char *key, bool value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_bool(w, value);
}

void hf_smp_put_bytes(struct hf_cbor_writer *w, const char *key, const void *data, size_t len)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_bstr(w, data, len);
}

void hf_smp_put_string(struct hf_cbor_writer *w, const char *key, const char *text)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_tstr(w, text);
}
