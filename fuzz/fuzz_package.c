/* SPDX-License-Identifier: MIT
 *
 * Packages, as the host reads them. The first byte of the input says how the rest is meant:
 *   0  a file, as it is: mutations mostly fail at the first digest
 *   1  u16 length, a manifest, one payload: wrapped in an envelope with the right digest, so that what lies behind
 * the digest is reached, too 2  the same with a good signature, as an attacker with a signing key would: slow, and
 * all of verification is reached
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/board.h"
#include "cbor.h"
#include "cbor_diag.h"
#include "host_crypto.h"
#include "key.h"
#include "package_read.h"
#include "package_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct hf_board board;
static struct hf_private_key key;
static FILE *nowhere;

static void prepare(void)
{
	struct hf_diag diag;

	if (nowhere)
		return;
	nowhere = fopen("/dev/null", "w");
	if (!nowhere || hf_board_load(HF_SOURCE_ROOT "/boards/compact.conf", &board, &diag) ||
	    hf_key_generate(&key, &diag))
		abort();
}

static void must_say(enum hf_err err, const struct hf_diag *diag)
{
	if (err && !diag->text[0])
		abort();
}

static void look(struct hf_bytes file)
{
	const struct hf_keyset keyset = hf_keyset_of_one(HF_ROLE_RELEASE, 1, key.public_key);
	const struct hf_package_device device = {.board = &board, .keyset = &keyset, .sequence_known = true};
	struct hf_package_target target[HF_PLACES];
	struct hf_package_needs needs;
	struct hf_package_text text;
	struct hf_package package;
	struct hf_diag diag = {""};
	struct hf_params params;
	unsigned unchecked;
	enum hf_err err = hf_package_read(file, &package, &diag);

	must_say(err, &diag);
	if (err)
		return;
	hf_package_needs(&package, &needs);
	hf_package_text(&package, &text);
	for (unsigned slot = 0; slot < HF_SLOTS; slot++)
		(void)!hf_package_params(&package, slot, &params);
	diag.text[0] = 0;
	err = hf_package_verify(&package, &device, target, &unchecked, &diag);
	must_say(err, &diag);
	if (!err && (!target[0].payload || !target[1].payload))
		abort();
}

static void put_protected(struct hf_cbor_writer *w)
{
	size_t mark = hf_cbor_wrap(w);

	hf_cbor_put_map(w, 1);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_int(w, HF_ALG_ESP256);
	hf_cbor_unwrap(w, mark);
}

static void sign(struct hf_bytes digest, uint8_t signature[HF_P256_SIGNATURE_BYTES])
{
	uint8_t message[128];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, message, sizeof(message));
	hf_cbor_put_array(&w, 4);
	hf_cbor_put_tstr(&w, "Signature1");
	put_protected(&w);
	hf_cbor_put_bstr(&w, NULL, 0);
	hf_cbor_put_bstr(&w, digest.ptr, digest.len);
	if (w.err || hf_sign_p256(key.secret, (struct hf_bytes){message, w.len}, signature))
		abort();
}

static void put_digest(struct hf_cbor_writer *w, const uint8_t digest[HF_SHA256_BYTES])
{
	hf_cbor_put_array(w, 2);
	hf_cbor_put_int(w, HF_ALG_SHA256);
	hf_cbor_put_bstr(w, digest, HF_SHA256_BYTES);
}

static void put_wrapper(struct hf_cbor_writer *w, struct hf_bytes manifest_item, bool signed_well)
{
	uint8_t digest[HF_SHA256_BYTES], array[48], signature[HF_P256_SIGNATURE_BYTES] = {0};
	struct hf_cbor_writer d;
	size_t wrapper, cose;

	hf_sha256_of(manifest_item, digest);
	hf_cbor_begin(&d, array, sizeof(array));
	put_digest(&d, digest);
	if (signed_well)
		sign((struct hf_bytes){array, d.len}, signature);
	wrapper = hf_cbor_wrap(w);
	hf_cbor_put_array(w, 2);
	hf_cbor_put_bstr(w, array, d.len);
	cose = hf_cbor_wrap(w);
	hf_cbor_put_tag(w, 18);
	hf_cbor_put_array(w, 4);
	put_protected(w);
	hf_cbor_put_map(w, 0);
	hf_cbor_put_null(w);
	hf_cbor_put_bstr(w, signature, sizeof(signature));
	hf_cbor_unwrap(w, cose);
	hf_cbor_unwrap(w, wrapper);
}

static void look_wrapped(struct hf_bytes manifest, struct hf_bytes payload, bool signed_well)
{
	size_t room = manifest.len + payload.len + 512;
	uint8_t *item = malloc(room), *file = malloc(room);
	struct hf_cbor_writer m, w;

	hf_cbor_begin(&m, item, room);
	hf_cbor_put_bstr(&m, manifest.ptr, manifest.len);
	hf_cbor_begin(&w, file, room);
	hf_cbor_put_tag(&w, 107);
	hf_cbor_put_map(&w, 3);
	hf_cbor_put_uint(&w, 2);
	put_wrapper(&w, (struct hf_bytes){item, m.len}, signed_well);
	hf_cbor_put_uint(&w, 3);
	hf_cbor_put_encoded(&w, (struct hf_bytes){item, m.len});
	hf_cbor_put_tstr(&w, "#image");
	hf_cbor_put_bstr(&w, payload.ptr, payload.len);
	if (m.err || w.err)
		abort();
	look((struct hf_bytes){file, w.len});
	free(item);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t manifest;

	prepare();
	if (len < 3)
		return 0;
	if (data[0] == 0) {
		look((struct hf_bytes){data + 1, len - 1});
		(void)!hf_cbor_diag((struct hf_bytes){data + 1, len - 1}, 64, nowhere);
		return 0;
	}
	manifest = load_le16(data + 1);
	if (manifest > len - 3)
		manifest = len - 3;
	look_wrapped((struct hf_bytes){data + 3, manifest},
		     (struct hf_bytes){data + 3 + manifest, len - 3 - manifest}, data[0] == 2);
	return 0;
}
