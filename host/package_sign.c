/* SPDX-License-Identifier: MIT
 *
 * The signatures stand in front of the signed manifest and are not covered by it, so one can be added without touching
 * anything else. What limits them is room: the manifest says where the image begins in its slot, and the head lies before
 * it.
 */
#include "package_sign.h"

#include <stdlib.h>
#include <string.h>

#include "cose.h"
#include "cose_sign.h"
#include "host_crypto.h"
#include "package_verify.h"
#include "update.h"

#define SIGNATURE_ITEM_MAX (HF_SIGNATURE_MAX + 32)

struct wrapper {
	struct hf_bytes digest;     /* what is signed: content of the first byte string */
	struct hf_bytes rest;       /* the wrapper's items as they are encoded, without the array's header */
	uint32_t signatures;
	struct hf_cose_sign1 signature[HF_SUIT_SIGNATURES];
};

/* hf_package_read has checked all of it. */
static void read_wrapper(const struct hf_package *package, struct wrapper *out)
{
	struct hf_bytes auth = package->envelope.auth;
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, auth);
	out->signatures = hf_cbor_array(&r) - 1;
	out->rest = (struct hf_bytes){r.pos, auth.len - (size_t)(r.pos - auth.ptr)};
	out->digest = hf_cbor_bstr(&r);
	for (uint32_t i = 0; i < out->signatures; i++)
		hf_cose_read(&r, &out->signature[i]);
}

static bool signed_by(const struct wrapper *w, const struct hf_public_key *public_key)
{
	static const uint8_t no_aad[] = {0x40};
	const struct hf_key key = {HF_ROLE_RELEASE, public_key->alg, hf_public_key_bytes(public_key)};
	uint8_t item[64];
	struct hf_cbor_writer payload;

	hf_cbor_begin(&payload, item, sizeof(item));
	hf_cbor_put_bstr(&payload, w->digest.ptr, w->digest.len);
	for (uint32_t i = 0; i < w->signatures && !payload.err; i++)
		if (w->signature[i].alg == key.alg &&
		    hf_cose_verify(&hf_host_crypto, &key, &w->signature[i], (struct hf_bytes){no_aad, sizeof(no_aad)},
				   (struct hf_bytes){item, payload.len}) == HF_OK)
			return true;
	return false;
}

bool hf_package_signed_by(const struct hf_package *package, const struct hf_public_key *key)
{
	struct wrapper w;

	read_wrapper(package, &w);
	return signed_by(&w, key);
}

/* The envelope's keys 2 and 3. signature: `count` encoded items one behind the other. */
static void put_head(struct hf_cbor_writer *out, const struct hf_package *package, const struct wrapper *w, unsigned count,
		     struct hf_bytes added)
{
	size_t mark;

	hf_cbor_put_uint(out, 2);
	mark = hf_cbor_wrap(out);
	hf_cbor_put_array(out, 1 + w->signatures + count);
	hf_cbor_put_encoded(out, w->rest);
	hf_cbor_put_encoded(out, added);
	hf_cbor_unwrap(out, mark);
	hf_cbor_put_uint(out, 3);
	hf_cbor_put_encoded(out, package->envelope.manifest_item);
}

/* Bytes that the slots' images leave for prefix and head. */
static uint32_t room(const struct hf_package *package)
{
	uint32_t least = HF_SUIT_HEAD_MAX;

	for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
		struct hf_params params;

		if (hf_package_params(package, slot, &params) == HF_OK && params.image_offset - params.table_bytes < least)
			least = params.image_offset - params.table_bytes;
	}
	return least;
}

/* Bytes of the head once they have all signed. */
static size_t head_bytes(const struct hf_package *package, const struct wrapper *w, struct hf_signer *const *signer,
			 unsigned count)
{
	static const uint8_t nothing[HF_SIGNATURE_MAX];
	uint8_t items[HF_SUIT_SIGNATURES * SIGNATURE_ITEM_MAX], head[2 * HF_SUIT_HEAD_MAX];
	struct hf_cbor_writer added, out;

	hf_cbor_begin(&added, items, sizeof(items));
	for (unsigned i = 0; i < count; i++) {
		int alg = hf_signer_key(signer[i])->alg;

		hf_cose_put(&added, alg, (struct hf_bytes){nothing, hf_signature_bytes(alg)});
	}
	hf_cbor_begin(&out, head, sizeof(head));
	put_head(&out, package, w, count, (struct hf_bytes){items, added.len});
	return out.len;
}

static enum hf_err check(const struct hf_package *package, const struct wrapper *w, struct hf_signer *const *signer,
			 unsigned count, struct hf_diag *diag)
{
	size_t head, grown;

	if (w->signatures + count > HF_SUIT_SIGNATURES) {
		hf_diag_set(diag, "the package has %u signatures, and a device takes %d", w->signatures, HF_SUIT_SIGNATURES);
		return HF_ERR_TOO_LARGE;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!signed_by(w, hf_signer_key(signer[i])))
			continue;
		hf_diag_set(diag, "%s: the package is signed by this key already", hf_signer_name(signer[i]));
		return HF_ERR_KEY;
	}
	head = head_bytes(package, w, signer, count);
	grown = head - package->envelope.head.len;
	if (head + HF_SLOT_PREFIX_BYTES <= room(package) && package->envelope.payload_begin + grown <= HF_UPDATE_HEAD_MAX)
		return HF_OK;
	hf_diag_set(diag, "there is no room for this signature in front of the package's image; pack it again with --room-for, once "
			  "for each signature that is added later");
	return HF_ERR_TOO_LARGE;
}

static enum hf_err join(const struct hf_package *package, const struct wrapper *w, unsigned count, struct hf_bytes added,
			struct hf_buffer *out)
{
	const struct hf_bytes file = package->file, head = package->envelope.head;
	const uint8_t *rest = head.ptr + head.len;
	size_t room_bytes = file.len + added.len + 16;
	struct hf_cbor_writer w_out;

	out->ptr = malloc(room_bytes);
	if (!out->ptr)
		return HF_ERR_IO;
	hf_cbor_begin(&w_out, out->ptr, room_bytes);
	hf_cbor_put_encoded(&w_out, (struct hf_bytes){file.ptr, (size_t)(head.ptr - file.ptr)});
	put_head(&w_out, package, w, count, added);
	hf_cbor_put_encoded(&w_out, (struct hf_bytes){rest, file.len - (size_t)(rest - file.ptr)});
	out->len = w_out.len;
	return w_out.err;
}

enum hf_err hf_package_add_signatures(const struct hf_package *package, struct hf_signer *const *signer, unsigned count,
				      struct hf_buffer *out, struct hf_diag *diag)
{
	uint8_t items[HF_SUIT_SIGNATURES * SIGNATURE_ITEM_MAX], signature[HF_SIGNATURE_MAX];
	struct hf_cbor_writer added;
	struct wrapper w;
	enum hf_err err;

	*out = (struct hf_buffer){0};
	read_wrapper(package, &w);
	err = check(package, &w, signer, count, diag);
	hf_cbor_begin(&added, items, sizeof(items));
	for (unsigned i = 0; i < count && !err; i++) {
		int alg = hf_signer_key(signer[i])->alg;

		err = hf_cose_sign(signer[i], (struct hf_bytes){NULL, 0}, w.digest, signature, diag);
		hf_cose_put(&added, alg, (struct hf_bytes){signature, hf_signature_bytes(alg)});
	}
	if (err)
		return err;
	err = join(package, &w, count, (struct hf_bytes){items, added.len}, out);
	if (err) {
		hf_diag_set(diag, "out of memory");
		hf_buffer_free(out);
	}
	return err;
}
