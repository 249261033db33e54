/* SPDX-License-Identifier: MIT
 *
 * Files travel between people who never meet, so that signatures are gathered from several of them. A device refuses a file
 * with one signature that is no root key's: so none such is ever let in.
 */
#include "keyset_file.h"

#include <stdlib.h>
#include <string.h>

#include "cose.h"
#include "cose_sign.h"
#include "host_crypto.h"

#define CBOR_MAP_MAJOR 5

enum hf_err hf_keyset_file_read(struct hf_bytes file, struct hf_keyset_file *out)
{
	size_t used;
	enum hf_err err;

	if (file.len == 0 || file.ptr[0] >> 5 != CBOR_MAP_MAJOR)
		return hf_keyset_file_parse(file, out);
	memset(out, 0, sizeof(*out));
	out->bytes = file;
	err = hf_keyset_parse(file, &out->keyset, &used);
	return !err && used != file.len ? HF_ERR_ENCODING : err;
}

unsigned hf_mask_bits(uint32_t mask)
{
	unsigned n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

bool hf_keyset_names(const struct hf_keyset *keyset, const struct hf_key *key)
{
	for (unsigned i = 0; i < keyset->keys; i++) {
		const struct hf_key *k = &keyset->key[i];

		if (k->alg == key->alg && k->public_key.len == key->public_key.len &&
		    memcmp(k->public_key.ptr, key->public_key.ptr, key->public_key.len) == 0)
			return true;
	}
	return false;
}

enum hf_err hf_keyset_count(const struct hf_keyset_file *file, const struct hf_keyset *previous, struct hf_keyset_count *out)
{
	uint32_t mask = 0;
	enum hf_err err = HF_OK;

	*out = (struct hf_keyset_count){.own_wanted = file->keyset.threshold, .old_wanted = previous ? previous->threshold : 0};
	if (file->count)
		err = hf_keyset_signers(file, &file->keyset, &hf_host_crypto, &mask);
	out->own = hf_mask_bits(mask);
	mask = 0;
	if (!err && file->count && previous)
		err = hf_keyset_signers(file, previous, &hf_host_crypto, &mask);
	out->old = hf_mask_bits(mask);
	return err;
}

/* ---- collecting ---- */

struct collection {
	const struct hf_keyset_signing *s;
	struct hf_cbor_writer items; /* << COSE_Sign1 >> one behind the other */
	uint32_t own, old;           /* root keys that have signed */
	unsigned count;
	uint8_t bytes[HF_KEYSET_FILE_MAX];
};

/* The file that the collection would make, into buf. */
static enum hf_err join(const struct collection *c, uint8_t *buf, size_t room, size_t *len)
{
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, buf, room);
	hf_cbor_put_array(&w, 2);
	hf_cbor_put_bstr(&w, c->s->file->bytes.ptr, c->s->file->bytes.len);
	hf_cbor_put_array(&w, c->count);
	hf_cbor_put_encoded(&w, (struct hf_bytes){c->bytes, c->items.len});
	*len = w.len;
	return c->items.err ? c->items.err : w.err;
}

/* Adds one signature, if a root key has made it that is not there yet. *stranger: none has. */
static enum hf_err add(struct collection *c, int alg, struct hf_bytes signature, bool *stranger, bool *known)
{
	uint8_t buf[2 * HF_KEYSET_FILE_MAX];
	struct collection one = {.s = c->s, .count = 1};
	struct hf_keyset_file file;
	uint32_t own, old = 0;
	size_t len;
	enum hf_err err;

	hf_cbor_begin(&one.items, one.bytes, sizeof(one.bytes));
	hf_cose_put(&one.items, alg, signature);
	err = join(&one, buf, sizeof(buf), &len);
	if (!err)
		err = hf_keyset_file_parse((struct hf_bytes){buf, len}, &file);
	if (!err)
		err = hf_keyset_signers(&file, &file.keyset, &hf_host_crypto, &own);
	if (!err && c->s->previous)
		err = hf_keyset_signers(&file, c->s->previous, &hf_host_crypto, &old);
	if (err)
		return err;
	*stranger = !own && !old;
	*known = (own & c->own) || (old & c->old);
	if (*stranger || *known)
		return HF_OK;
	c->own |= own;
	c->old |= old;
	c->count++;
	hf_cose_put(&c->items, alg, signature);
	return HF_OK;
}

static enum hf_err add_file(struct collection *c, const struct hf_keyset_file *file, struct hf_diag *diag)
{
	struct hf_cbor_reader r;

	if (file->bytes.len != c->s->file->bytes.len || memcmp(file->bytes.ptr, c->s->file->bytes.ptr, file->bytes.len) != 0) {
		hf_diag_set(diag, "these files hold different keysets (numbers %u and %u): signatures of one do not count for the "
				  "other", c->s->file->keyset.number, file->keyset.number);
		return HF_ERR_KEY;
	}
	hf_cbor_open_final(&r, file->signatures);
	for (unsigned i = 0; i < file->count; i++) {
		struct hf_cose_sign1 signature;
		bool stranger = false, known;
		enum hf_err err;

		hf_cose_read(&r, &signature);
		err = r.err ? r.err : add(c, signature.alg, signature.bytes, &stranger, &known);
		if (stranger) {
			hf_diag_set(diag, "signature %u is by no root key of this keyset%s; devices would refuse the file", i + 1,
				    c->s->previous ? " or its predecessor" : " (give its predecessor with --previous)");
			return HF_ERR_KEY;
		}
		if (err) {
			hf_diag_set(diag, "signature %u is damaged: %s", i + 1, hf_err_text(err));
			return err;
		}
	}
	return HF_OK;
}

/* ---- signing ---- */

static bool is_root(const struct hf_keyset *keyset, const struct hf_public_key *key, unsigned *at)
{
	for (unsigned i = 0; keyset && i < keyset->keys; i++) {
		const struct hf_key *k = &keyset->key[i];

		if (k->role == HF_ROLE_ROOT && k->alg == key->alg && k->public_key.len == key->len &&
		    memcmp(k->public_key.ptr, key->bytes, key->len) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

static enum hf_err check_signer(const struct collection *c, struct hf_signer *signer, struct hf_diag *diag)
{
	const struct hf_public_key *key = hf_signer_key(signer);
	unsigned own = 0, old = 0;
	bool in_own = is_root(&c->s->file->keyset, key, &own), in_old = is_root(c->s->previous, key, &old);

	if (!in_own && !in_old) {
		hf_diag_set(diag, "%s: this is no root key of keyset %u%s", hf_signer_name(signer), c->s->file->keyset.number,
			    c->s->previous ? " or of its predecessor" : "; if it is one of its predecessor, give that with --previous");
		return HF_ERR_KEY;
	}
	if ((in_own && c->own >> own & 1) || (in_old && c->old >> old & 1)) {
		hf_diag_set(diag, "%s: this key has signed the keyset already", hf_signer_name(signer));
		return HF_ERR_KEY;
	}
	return HF_OK;
}

static enum hf_err check_room(const struct collection *c, struct hf_diag *diag)
{
	size_t len = c->s->file->bytes.len + c->items.len + 16;

	for (unsigned i = 0; i < c->s->signers; i++)
		len += hf_signature_bytes(hf_signer_key(c->s->signer[i])->alg) + 32;
	if (len <= HF_KEYSET_FILE_MAX && c->count + c->s->signers <= HF_KEYSET_MAX_SIGNATURES)
		return HF_OK;
	hf_diag_set(diag, "with these signatures the keyset file would have %zu bytes and %u signatures; a device takes %u and %u",
		    len, c->count + c->s->signers, HF_KEYSET_FILE_MAX, HF_KEYSET_MAX_SIGNATURES);
	return HF_ERR_TOO_LARGE;
}

static enum hf_err add_signer(struct collection *c, struct hf_signer *signer, struct hf_diag *diag)
{
	static const struct hf_bytes aad = {(const uint8_t *)HF_KEYSET_AAD, sizeof(HF_KEYSET_AAD) - 1};
	uint8_t signature[HF_SIGNATURE_MAX];
	int alg = hf_signer_key(signer)->alg;
	bool stranger = false, known = false;
	enum hf_err err = check_signer(c, signer, diag);

	if (!err)
		err = hf_cose_sign(signer, aad, c->s->file->bytes, signature, diag);
	if (err)
		return err;
	err = add(c, alg, (struct hf_bytes){signature, hf_signature_bytes(alg)}, &stranger, &known);
	if (!err && !stranger && !known)
		return HF_OK;
	hf_diag_set(diag, "%s: its signature does not count: %s", hf_signer_name(signer), hf_err_text(err ? err : HF_ERR_SIGNATURE));
	return HF_ERR_SIGNATURE;
}

static enum hf_err collect(struct collection *c, struct hf_diag *diag)
{
	const struct hf_keyset_signing *s = c->s;
	enum hf_err err = HF_OK;

	if (s->file->count)
		err = add_file(c, s->file, diag);
	for (unsigned i = 0; i < s->mores && !err; i++)
		err = add_file(c, &s->more[i], diag);
	for (unsigned i = 0; i < s->signers && !err; i++)
		err = check_signer(c, s->signer[i], diag);
	if (!err)
		err = check_room(c, diag);
	for (unsigned i = 0; i < s->signers && !err; i++)
		err = add_signer(c, s->signer[i], diag);
	if (!err && c->count == 0) {
		hf_diag_set(diag, "there is no signature yet: give a root key with --key");
		err = HF_ERR_KEY;
	}
	return err;
}

static enum hf_err no_memory(struct hf_diag *diag)
{
	hf_diag_set(diag, "out of memory");
	return HF_ERR_IO;
}

enum hf_err hf_keyset_sign(const struct hf_keyset_signing *s, struct hf_buffer *out, struct hf_diag *diag)
{
	struct collection *c = calloc(1, sizeof(*c));
	enum hf_err err;

	*out = (struct hf_buffer){malloc(HF_KEYSET_FILE_MAX), 0};
	if (!c || !out->ptr) {
		err = no_memory(diag);
	} else {
		c->s = s;
		hf_cbor_begin(&c->items, c->bytes, sizeof(c->bytes));
		err = collect(c, diag);
		if (!err)
			err = join(c, out->ptr, HF_KEYSET_FILE_MAX, &out->len);
	}
	if (err)
		hf_buffer_free(out);
	free(c);
	return err;
}
