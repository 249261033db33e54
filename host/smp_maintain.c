/* SPDX-License-Identifier: MIT
 *
 * Files go in pieces; the device's answer is the offset that it wants next, and that rules, as in an upload. One piece is
 * under way at a time: a keyset is a few kilobytes.
 */
#include "smp_maintain.h"

#include <string.h>

#include "cbor.h"
#include "host_crypto.h"
#include "smp_body.h"

#define PIECE_BYTES 320u /* with its overhead a packet that every device takes */
#define RESTARTS    20u

static unsigned command_of(enum hf_longrec_kind kind)
{
	return kind == HF_LONGREC_KEYSET ? HF_SMP_HOLDFAST_KEYSET : HF_SMP_HOLDFAST_CONFIG;
}

static enum hf_err ask(struct hf_smp_client *c, enum hf_smp_op op, unsigned id, const struct hf_cbor_writer *body,
		       uint32_t patience_ms, struct hf_smp_answer *answer)
{
	static const uint8_t empty[1] = { 0xa0 };

	return hf_smp_request(c, op, HF_SMP_HOLDFAST, id,
			      body ? (struct hf_bytes){ body->buf, body->len } : (struct hf_bytes){ empty, 1 }, patience_ms,
			      answer);
}

/* What answers carry: off, len, data, match. */
struct piece {
	uint32_t off, len;
	struct hf_bytes data;
	bool match;
};

static enum hf_err read_piece(const struct hf_smp_answer *answer, struct piece *out)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;

	memset(out, 0, sizeof *out);
	hf_cbor_open_final(&r, answer->body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		struct hf_bytes key = hf_cbor_tstr(&r);
		uint64_t number;

		if (r.err)
			break;
		if (hf_smp_is(key, "data")) {
			out->data = hf_cbor_bstr(&r);
		} else if (hf_smp_is(key, "match")) {
			out->match = hf_cbor_bool(&r);
		} else if (hf_smp_is(key, "off") || hf_smp_is(key, "len")) {
			number = hf_smp_uint(&r);
			if (number > UINT32_MAX)
				return HF_ERR_TYPE;
			if (hf_smp_is(key, "off"))
				out->off = (uint32_t)number;
			else
				out->len = (uint32_t)number;
		} else {
			hf_smp_skip(&r);
		}
	}
	return hf_cbor_close(&r) ? HF_ERR_TYPE : HF_OK;
}

static void put_number(struct hf_cbor_writer *w, const char *key, uint32_t value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_uint(w, value);
}

enum hf_err hf_smp_get_kept(struct hf_smp_client *c, uint32_t patience_ms, enum hf_longrec_kind kind, uint8_t *buf,
			    size_t cap, size_t *len, struct hf_smp_answer *answer)
{
	struct piece piece;
	uint32_t total = 0;

	*len = 0;
	do {
		struct hf_cbor_writer w;
		uint8_t body[32];
		enum hf_err err;

		hf_cbor_begin(&w, body, sizeof body);
		hf_cbor_put_map(&w, 1);
		put_number(&w, "off", (uint32_t)*len);
		err = ask(c, HF_SMP_READ, command_of(kind), &w, patience_ms, answer);
		if (err || answer->refusal)
			return err;
		err = read_piece(answer, &piece);
		if (err)
			return err;
		if (*len == 0)
			total = piece.len;
		if (total > cap)
			return HF_ERR_TOO_LARGE;
		if (piece.off != *len || piece.len != total || piece.data.len > total - *len ||
		    (piece.data.len == 0 && *len < total))
			return HF_ERR_TYPE;
		if (piece.data.len)
			memcpy(buf + *len, piece.data.ptr, piece.data.len);
		*len += piece.data.len;
	} while (*len < total);
	return HF_OK;
}

static enum hf_err send_piece(struct hf_smp_client *c, uint32_t patience_ms, enum hf_longrec_kind kind,
			      struct hf_bytes content, const uint8_t sha[HF_SHA256_BYTES], uint32_t off,
			      struct hf_smp_answer *answer)
{
	size_t n = content.len - off < PIECE_BYTES ? content.len - off : PIECE_BYTES;
	uint8_t body[PIECE_BYTES + 96];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, body, sizeof body);
	hf_cbor_put_map(&w, off == 0 ? 4 : 2);
	if (off == 0) {
		put_number(&w, "len", (uint32_t)content.len);
		hf_cbor_put_tstr(&w, "sha");
		hf_cbor_put_bstr(&w, sha, HF_SHA256_BYTES);
	}
	put_number(&w, "off", off);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, content.ptr + off, n);
	return ask(c, HF_SMP_WRITE, command_of(kind), &w, patience_ms, answer);
}

enum hf_err hf_smp_put_kept(struct hf_smp_client *c, uint32_t patience_ms, enum hf_longrec_kind kind,
			    struct hf_bytes content, struct hf_smp_answer *answer)
{
	static const uint8_t nothing[1];
	uint8_t sha[HF_SHA256_BYTES];
	struct hf_sha256 hash;
	unsigned restarts = 0;
	struct piece piece = { 0 };

	if (content.len == 0)
		content.ptr = nothing;
	hf_host_crypto.sha256_start(&hash);
	hf_host_crypto.sha256_update(&hash, content.ptr, content.len);
	hf_host_crypto.sha256_finish(&hash, sha);
	for (;;) {
		uint32_t off = piece.off;
		enum hf_err err = send_piece(c, patience_ms, kind, content, sha, off, answer);

		if (err || answer->refusal)
			return err;
		err = read_piece(answer, &piece);
		if (err)
			return err;
		if (piece.match)
			return HF_OK;
		if (piece.off > content.len)
			return HF_ERR_TYPE;
		if (piece.off <= off && ++restarts > RESTARTS)
			return HF_ERR_TIMEOUT;
	}
}

enum hf_err hf_smp_roll_back(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return ask(c, HF_SMP_WRITE, HF_SMP_HOLDFAST_ROLLBACK, NULL, patience_ms, answer);
}

enum hf_err hf_smp_enter_recovery(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return ask(c, HF_SMP_WRITE, HF_SMP_HOLDFAST_RECOVERY, NULL, patience_ms, answer);
}

enum hf_err hf_smp_factory_reset(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return ask(c, HF_SMP_WRITE, HF_SMP_HOLDFAST_FACTORY, NULL, patience_ms, answer);
}

enum hf_err hf_smp_read_place(struct hf_smp_client *c, uint32_t patience_ms, unsigned place, uint32_t off, uint8_t *buf,
			      size_t cap, size_t *len, struct hf_smp_answer *answer)
{
	struct hf_cbor_writer w;
	struct piece piece;
	uint8_t body[48];
	enum hf_err err;

	hf_cbor_begin(&w, body, sizeof body);
	hf_cbor_put_map(&w, 3);
	put_number(&w, "n", cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX);
	put_number(&w, "off", off);
	put_number(&w, "place", place);
	err = ask(c, HF_SMP_READ, HF_SMP_HOLDFAST_READ, &w, patience_ms, answer);
	if (err || answer->refusal)
		return err;
	err = read_piece(answer, &piece);
	if (err)
		return err;
	if (piece.off != off || piece.data.len > cap)
		return HF_ERR_TYPE;
	if (piece.data.len)
		memcpy(buf, piece.data.ptr, piece.data.len);
	*len = piece.data.len;
	return HF_OK;
}
