/* SPDX-License-Identifier: MIT
 *
 * The dialogue is the upload's: the device's answer is always the next byte that it wants, other bytes are ignored, and
 * offset 0 where the sender was further means that the device has forgotten: send the first piece again.
 */
#include "smp_command.h"

#include <string.h>

#define KEPT_OVERHEAD 32u /* of an answer around the bytes that were read */

_Static_assert(HF_CONFIGURATION_MAX <= HF_KEYSET_FILE_MAX, "one buffer for both");

enum hf_err hf_smp_kept(struct hf_smp_server *s, enum hf_longrec_kind kind, struct hf_bytes body,
			struct hf_cbor_writer *w)
{
	uint8_t piece[512];
	struct hf_smp_request req;
	uint32_t total;
	size_t len;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_OFF, &req);

	_Static_assert(sizeof piece + KEPT_OVERHEAD <= HF_SMP_ANSWER_MAX - HF_SMP_HEADER_BYTES, "every answer fits");
	if (!err)
		err = hf_update_kept(s->update, kind, req.number[HF_SMP_F_OFF], piece, sizeof piece, &len, &total);
	if (err)
		return err;
	hf_cbor_put_map(w, 3);
	hf_smp_put_number(w, "off", req.number[HF_SMP_F_OFF]);
	hf_smp_put_number(w, "len", total);
	hf_smp_put_bytes(w, "data", piece, len);
	return HF_OK;
}

static uint32_t most(enum hf_longrec_kind kind)
{
	return kind == HF_LONGREC_KEYSET ? HF_KEYSET_FILE_MAX : HF_CONFIGURATION_MAX;
}

/* The first piece. The file that is under way already goes on: the sender lost our answer. */
static enum hf_err begin(struct hf_smp_store *st, enum hf_longrec_kind kind, const struct hf_smp_request *req)
{
	struct hf_bytes sha = hf_smp_string(req, HF_SMP_F_SHA);
	uint32_t total = req->number[HF_SMP_F_LEN];

	if (!hf_smp_has(req, HF_SMP_F_LEN) || (sha.len != 0 && sha.len != sizeof st->sha))
		return HF_ERR_RANGE;
	if (st->kind == kind && st->total == total && sha.len != 0 && st->sha_len == sha.len &&
	    memcmp(st->sha, sha.ptr, sha.len) == 0)
		return HF_OK;
	st->kind = 0;
	if (total > most(kind))
		return HF_ERR_TOO_LARGE;
	st->kind = (uint8_t)kind;
	st->total = total;
	st->next = 0;
	st->sha_len = (uint8_t)sha.len;
	if (sha.len)
		memcpy(st->sha, sha.ptr, sha.len);
	return HF_OK;
}

static enum hf_err take(struct hf_smp_store *st, uint32_t off, struct hf_bytes data)
{
	if (!hf_range_ok(off, data.len, st->total))
		return HF_ERR_RANGE;
	if (off <= st->next && data.len > st->next - off) {
		size_t skip = st->next - off;

		memcpy(st->data + st->next, data.ptr + skip, data.len - skip);
		st->next = off + (uint32_t)data.len;
	}
	return HF_OK;
}

/* The file is complete. Whatever comes of it, the next one begins anew. */
static enum hf_err finish(struct hf_smp_server *s)
{
	struct hf_smp_store *st = s->store;
	const struct hf_crypto *crypto = s->update->env.crypto;
	enum hf_longrec_kind kind = (enum hf_longrec_kind)st->kind;
	uint8_t digest[HF_SHA256_BYTES];
	struct hf_sha256 hash;

	st->kind = 0;
	if (st->sha_len) {
		crypto->sha256_start(&hash);
		crypto->sha256_update(&hash, st->data, st->total);
		crypto->sha256_finish(&hash, digest);
		if (memcmp(digest, st->sha, sizeof digest) != 0)
			return HF_ERR_DIGEST;
	}
	return hf_update_keep(s->update, kind, (struct hf_bytes){ st->data, st->total });
}

enum hf_err hf_smp_keep(struct hf_smp_server *s, enum hf_longrec_kind kind, struct hf_bytes body,
			struct hf_cbor_writer *w)
{
	const uint32_t wanted = 1u << HF_SMP_F_OFF | 1u << HF_SMP_F_DATA | 1u << HF_SMP_F_LEN | 1u << HF_SMP_F_SHA;
	struct hf_smp_store *st = s->store;
	struct hf_smp_request req;
	bool done = false;
	enum hf_err err = hf_smp_parse(body, wanted, &req);

	if (!err && (!hf_smp_has(&req, HF_SMP_F_OFF) || !hf_smp_has(&req, HF_SMP_F_DATA)))
		err = HF_ERR_RANGE;
	if (!err && req.number[HF_SMP_F_OFF] == 0)
		err = begin(st, kind, &req);
	if (!err && st->kind == kind) {
		err = take(st, req.number[HF_SMP_F_OFF], hf_smp_string(&req, HF_SMP_F_DATA));
		done = !err && st->next == st->total;
		if (done)
			err = finish(s);
	}
	if (err)
		return err;
	hf_cbor_put_map(w, done ? 2 : 1);
	hf_smp_put_number(w, "off", done ? st->total : st->kind == kind ? st->next : 0);
	if (done)
		hf_smp_put_flag(w, "match", true);
	return HF_OK;
}
