/* SPDX-License-Identifier: MIT
 *
 * The device's answer is always the next byte that it wants. Offset 0 after more than that means that it was reset and has
 * forgotten; it is then sent from the beginning, a few times.
 */
#include "smp_kept.h"

#include <string.h>

#include "host_crypto.h"
#include "smp_body.h"

#define PIECE_BYTES 256u /* small enough for every device's buffers, in either framing */
#define RESTARTS    8u

struct piece {
	uint32_t off, len;
	struct hf_bytes data;
	bool off_known, len_known;
};

static uint32_t get_u32(struct hf_cbor_reader *r)
{
	uint64_t value = hf_smp_uint(r);

	if (value > UINT32_MAX)
		hf_cbor_fail(r, HF_ERR_RANGE);
	return (uint32_t)value;
}

static enum hf_err read_piece(struct hf_bytes body, struct piece *out)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;

	*out = (struct piece){0};
	hf_cbor_open_final(&r, body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r);

		if (r.err)
			break;
		if (hf_smp_is(key, "off")) {
			out->off = get_u32(&r);
			out->off_known = true;
		} else if (hf_smp_is(key, "len")) {
			out->len = get_u32(&r);
			out->len_known = true;
		} else if (hf_smp_is(key, "data")) {
			out->data = hf_cbor_bstr(&r);
		} else {
			hf_smp_skip(&r);
		}
	}
	return hf_cbor_close(&r) || !out->off_known ? HF_ERR_TYPE : HF_OK;
}

enum hf_err hf_smp_kept_read(struct hf_smp_client *c, unsigned id, uint32_t patience_ms, uint8_t *buf, size_t cap, size_t *len,
			     struct hf_smp_answer *answer)
{
	struct piece piece;

	*len = 0;
	do {
		uint8_t request[32];
		struct hf_cbor_writer w;
		enum hf_err err;

		hf_cbor_begin(&w, request, sizeof(request));
		hf_cbor_put_map(&w, 1);
		hf_cbor_put_tstr(&w, "off");
		hf_cbor_put_uint(&w, *len);
		err = hf_smp_request(c, HF_SMP_READ, HF_SMP_HOLDFAST, id, (struct hf_bytes){request, w.len}, patience_ms, answer);
		if (err || answer->refusal)
			return err;
		err = read_piece(answer->body, &piece);
		if (err || piece.off != *len || !piece.len_known || (piece.data.len == 0 && *len < piece.len))
			return HF_ERR_TYPE;
		if (!hf_range_ok(*len, piece.data.len, cap) || piece.len > cap)
			return HF_ERR_TOO_LARGE;
		memcpy(buf + *len, piece.data.ptr, piece.data.len);
		*len += piece.data.len;
	} while (*len < piece.len);
	return HF_OK;
}

static size_t put_piece(uint8_t *to, size_t room, struct hf_bytes content, uint32_t off)
{
	size_t n = content.len - off < PIECE_BYTES ? content.len - off : PIECE_BYTES;
	uint8_t digest[HF_SHA256_BYTES];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, to, room);
	hf_cbor_put_map(&w, off == 0 ? 4 : 2);
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, off);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, content.ptr + off, n);
	if (off == 0) {
		hf_sha256_of(content, digest);
		hf_cbor_put_tstr(&w, "len");
		hf_cbor_put_uint(&w, content.len);
		hf_cbor_put_tstr(&w, "sha");
		hf_cbor_put_bstr(&w, digest, sizeof(digest));
	}
	return w.len;
}

enum hf_err hf_smp_kept_write(struct hf_smp_client *c, unsigned id, uint32_t patience_ms, struct hf_bytes content,
			      struct hf_smp_answer *answer)
{
	uint8_t request[PIECE_BYTES + 128];
	uint32_t off = 0;
	unsigned restarts = 0;

	do {
		size_t len = put_piece(request, sizeof(request), content, off);
		struct piece piece;
		enum hf_err err = hf_smp_request(c, HF_SMP_WRITE, HF_SMP_HOLDFAST, id, (struct hf_bytes){request, len},
						 patience_ms, answer);

		if (err || answer->refusal)
			return err;
		err = read_piece(answer->body, &piece);
		if (err || piece.off > content.len)
			return HF_ERR_TYPE;
		if (piece.off <= off && content.len > 0 && restarts++ == RESTARTS)
			return HF_ERR_TIMEOUT; /* it forgets each time */
		off = piece.off;
	} while (off < content.len);
	return HF_OK;
}
