/* SPDX-License-Identifier: MIT
 *
 * Signed keyset files: who may say which keys come next. The signatures are played: one is a checksum over the algorithm, the
 * key and the message, which is built here by the standard's text and not by the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "keyset.h"

#define MARK_BYTES 8

static unsigned verifications;

static void mark(int alg, struct hf_bytes key, struct hf_bytes message, uint8_t out[MARK_BYTES])
{
	uint64_t h = 14695981039346656037u ^ (uint64_t)(int64_t)alg;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.ptr[i]) * 1099511628211u;
	for (size_t i = 0; i < message.len; i++)
		h = (h ^ message.ptr[i]) * 1099511628211u;
	store_le64(out, h);
}

static enum hf_err played_verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	uint8_t want[MARK_BYTES];

	verifications++;
	if (alg == HF_ALG_HSS_LMS)
		return HF_ERR_UNSUPPORTED;
	mark(alg, key, message, want);
	return signature.len == MARK_BYTES && memcmp(want, signature.ptr, MARK_BYTES) == 0 ? HF_OK : HF_ERR_SIGNATURE;
}

static const struct hf_crypto crypto = { .verify = played_verify };

static const uint8_t public_keys[10][4] = { "k0-", "k1-", "k2-", "k3-", "k4-", "k5-", "k6-", "k7-", "k8-", "k9-" };

static struct hf_bytes key_bytes(unsigned i)
{
	return (struct hf_bytes){ public_keys[i], sizeof public_keys[i] };
}

/* What a file is made of. Root keys by number, ended by -1; key 9 is always the release key. */
struct spec {
	uint32_t number;
	unsigned threshold; /* 0: not said */
	int root[9];
	int signer[10];
	int alg;           /* of the signatures; 0: ESP256 */
	const char *aad;   /* NULL: the right one */
	bool wrong_bytes;  /* the keyset is changed after it was signed */
};

static uint8_t keyset_bytes[1100];

static struct hf_bytes encode_keyset(const struct spec *s)
{
	struct hf_cbor_writer w;
	unsigned roots = 0;

	while (s->root[roots] >= 0)
		roots++;
	hf_cbor_begin(&w, keyset_bytes, sizeof keyset_bytes);
	hf_cbor_put_map(&w, s->threshold ? 5 : 4);
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_uint(&w, 2);
	hf_cbor_put_uint(&w, s->number);
	hf_cbor_put_uint(&w, 3);
	hf_cbor_put_array(&w, roots + 1);
	for (unsigned i = 0; i <= roots; i++) {
		unsigned key = i < roots ? (unsigned)s->root[i] : 9;

		hf_cbor_put_map(&w, 3);
		hf_cbor_put_uint(&w, 1);
		hf_cbor_put_uint(&w, i < roots ? HF_ROLE_ROOT : HF_ROLE_RELEASE);
		hf_cbor_put_uint(&w, 2);
		hf_cbor_put_int(&w, HF_ALG_ESP256);
		hf_cbor_put_uint(&w, 3);
		hf_cbor_put_bstr(&w, public_keys[key], sizeof public_keys[key]);
	}
	hf_cbor_put_uint(&w, 4);
	hf_cbor_put_array(&w, 1);
	hf_cbor_put_int(&w, HF_ALG_ESP256);
	if (s->threshold) {
		hf_cbor_put_uint(&w, 5);
		hf_cbor_put_uint(&w, s->threshold);
	}
	assert_int_equal(w.err, HF_OK);
	return (struct hf_bytes){ keyset_bytes, w.len };
}

/* RFC 9052, 4.4, with the profile's external data. */
static void sign(const struct spec *s, struct hf_bytes keyset, unsigned key, uint8_t out[MARK_BYTES])
{
	const char *aad = s->aad ? s->aad : "holdfast keyset";
	uint8_t message[1200], header[8];
	struct hf_cbor_writer w;

	hf_cbor_begin(&w, header, sizeof header);
	hf_cbor_put_map(&w, 1);
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_int(&w, s->alg ? s->alg : HF_ALG_ESP256);
	size_t header_len = w.len;
	hf_cbor_begin(&w, message, sizeof message);
	hf_cbor_put_array(&w, 4);
	hf_cbor_put_tstr(&w, "Signature1");
	hf_cbor_put_bstr(&w, header, header_len);
	hf_cbor_put_bstr(&w, aad, strlen(aad));
	hf_cbor_put_bstr(&w, keyset.ptr, keyset.len);
	assert_int_equal(w.err, HF_OK);
	mark(s->alg ? s->alg : HF_ALG_ESP256, key_bytes(key), (struct hf_bytes){ message, w.len }, out);
}

static uint8_t file_bytes[4][2048]; /* several files at a time: their keysets borrow from them */

static struct hf_bytes make_file(unsigned place, const struct spec *s)
{
	struct hf_bytes keyset = encode_keyset(s);
	struct hf_cbor_writer w;
	unsigned signers = 0;

	while (s->signer[signers] >= 0)
		signers++;
	hf_cbor_begin(&w, file_bytes[place], sizeof file_bytes[place]);
	hf_cbor_put_array(&w, 2);
	hf_cbor_put_bstr(&w, keyset.ptr, keyset.len);
	hf_cbor_put_array(&w, signers);
	for (unsigned i = 0; i < signers; i++) {
		uint8_t signature[MARK_BYTES];
		size_t outer = hf_cbor_wrap(&w);

		hf_cbor_put_tag(&w, 18);
		hf_cbor_put_array(&w, 4);
		size_t inner = hf_cbor_wrap(&w);
		hf_cbor_put_map(&w, 1);
		hf_cbor_put_uint(&w, 1);
		hf_cbor_put_int(&w, s->alg ? s->alg : HF_ALG_ESP256);
		hf_cbor_unwrap(&w, inner);
		hf_cbor_put_map(&w, 0);
		hf_cbor_put_null(&w);
		sign(s, keyset, (unsigned)s->signer[i], signature);
		hf_cbor_put_bstr(&w, signature, sizeof signature);
		hf_cbor_unwrap(&w, outer);
	}
	assert_int_equal(w.err, HF_OK);
	if (s->wrong_bytes)
		file_bytes[place][3 + 4] ^= 1; /* the number, behind the file's and the keyset's heads */
	return (struct hf_bytes){ file_bytes[place], w.len };
}

static enum hf_err accept(const struct spec *old, const struct spec *new)
{
	struct hf_keyset_file now, next;

	assert_int_equal(hf_keyset_file_parse(make_file(0, old), &now), HF_OK);
	verifications = 0;
	enum hf_err err = hf_keyset_accept(&now.keyset, make_file(1, new), &crypto, &next);
	if (!err)
		assert_int_equal(next.keyset.number, new->number);
	return err;
}

static const struct spec one = { 5, 0, { 0, -1 }, { 0, -1 } };            /* root key 0 */
static const struct spec three = { 5, 2, { 0, 1, 2, -1 }, { 0, 1, -1 } }; /* two of root keys 0, 1, 2 */

static void successor_signed_by_the_root_key_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 0, -1 } }), HF_OK);
	assert_int_equal(verifications, 1);
	assert_int_equal(accept(&one, &(struct spec){ 4000000000u, 1, { 0, -1 }, { 0, -1 } }), HF_OK);
}

static void successor_without_a_higher_number_is_refused(void **state)
{
	(void)state;
	assert_int_equal(accept(&one, &(struct spec){ 5, 0, { 0, -1 }, { 0, -1 } }), HF_ERR_KEYSET_NUMBER);
	assert_int_equal(accept(&one, &(struct spec){ 4, 0, { 0, -1 }, { 0, -1 } }), HF_ERR_KEYSET_NUMBER);
	assert_int_equal(verifications, 0);
}

static void successor_below_the_old_threshold_is_refused(void **state)
{
	(void)state;
	assert_int_equal(accept(&three, &(struct spec){ 6, 1, { 0, -1 }, { 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&three, &(struct spec){ 6, 1, { 0, -1 }, { 0, 2, -1 } }), HF_OK);
	assert_int_equal(accept(&three, &(struct spec){ 6, 2, { 0, 1, 2, -1 }, { 2, 1, -1 } }), HF_OK);
}

static void signature_given_twice_counts_once(void **state)
{
	(void)state;
	assert_int_equal(accept(&three, &(struct spec){ 6, 1, { 0, -1 }, { 0, 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&three, &(struct spec){ 6, 1, { 0, -1 }, { 0, 0, 1, -1 } }), HF_OK);
}

static void root_key_named_twice_counts_once(void **state)
{
	const struct spec twice = { 5, 2, { 0, 0, 1, -1 }, { 0, -1 } };

	(void)state;
	assert_int_equal(accept(&twice, &(struct spec){ 6, 1, { 0, -1 }, { 0, 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&twice, &(struct spec){ 6, 1, { 0, -1 }, { 0, 1, -1 } }), HF_OK);
	assert_int_equal(accept(&one, &(struct spec){ 6, 2, { 0, 0, -1 }, { 0, 0, -1 } }), HF_ERR_THRESHOLD);
}

static void successor_that_its_own_root_keys_have_not_signed_is_refused(void **state)
{
	(void)state;
	assert_int_equal(accept(&one, &(struct spec){ 6, 1, { 3, -1 }, { 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&one, &(struct spec){ 6, 2, { 0, 3, -1 }, { 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&one, &(struct spec){ 6, 2, { 0, 3, -1 }, { 3, 0, -1 } }), HF_OK);
	assert_int_equal(accept(&one, &(struct spec){ 6, 1, { -1 }, { 0, -1 } }), HF_ERR_THRESHOLD); /* it has none */
}

static void root_keys_can_be_replaced_wholly(void **state)
{
	(void)state;
	assert_int_equal(accept(&three, &(struct spec){ 6, 2, { 3, 4, -1 }, { 0, 3, 4, 2, -1 } }), HF_OK);
	assert_int_equal(accept(&three, &(struct spec){ 6, 2, { 3, 4, -1 }, { 3, 4, 2, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&three, &(struct spec){ 6, 2, { 3, 4, -1 }, { 0, 3, 2, -1 } }), HF_ERR_THRESHOLD);
}

static void keyset_without_root_keys_has_no_successor(void **state)
{
	const struct spec none = { 5, 0, { -1 }, { 9, -1 } };

	(void)state;
	assert_int_equal(accept(&none, &(struct spec){ 6, 0, { 0, -1 }, { 0, -1 } }), HF_ERR_THRESHOLD);
	assert_int_equal(accept(&none, &(struct spec){ 6, 0, { 0, -1 }, { 9, 0, -1 } }), HF_ERR_SIGNATURE);
}

/* The release key may sign firmware, and no keysets. */
static void signature_by_no_root_key_ends_it(void **state)
{
	(void)state;
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 9, -1 } }), HF_ERR_SIGNATURE);
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 0, 9, -1 } }), HF_ERR_SIGNATURE);
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 5, 6, 7, 0, 5, 6, 7, 8, -1 } }), HF_ERR_SIGNATURE);
	assert_int_equal(verifications, 2); /* a stranger's file costs one signature's */
}

static void signature_over_something_else_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 0, -1 }, .aad = "" }), HF_ERR_SIGNATURE);
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 0, -1 }, .aad = "holdfast session" }),
			 HF_ERR_SIGNATURE);
	assert_int_equal(accept(&one, &(struct spec){ 6, 0, { 0, -1 }, { 0, -1 }, .alg = HF_ALG_ES256 }),
			 HF_ERR_SIGNATURE);
	struct spec changed = { 6, 0, { 0, -1 }, { 0, -1 }, .wrong_bytes = true };
	assert_int_equal(accept(&one, &changed), HF_ERR_SIGNATURE);
	changed.wrong_bytes = false;
	assert_int_equal(accept(&one, &changed), HF_OK);
}

static void signers_of_a_file_are_told(void **state)
{
	struct hf_keyset_file file;
	uint32_t mask;

	(void)state;
	assert_int_equal(hf_keyset_file_parse(make_file(0, &(struct spec){ 6, 2, { 0, 1, 2, -1 }, { 2, 5, 0, -1 } }), &file),
			 HF_OK);
	assert_int_equal(file.count, 3);
	assert_int_equal(hf_keyset_signers(&file, &file.keyset, &crypto, &mask), HF_OK);
	assert_int_equal(mask, 0x5);
}

static void malformed_files_are_refused(void **state)
{
	struct hf_bytes good = make_file(0, &one);
	uint8_t bad[sizeof file_bytes[0] + 1];
	struct hf_keyset_file file;
	size_t item;

	(void)state;
	assert_int_equal(hf_keyset_file_parse(good, &file), HF_OK);
	item = file.item.len;
	memcpy(bad, good.ptr, good.len);
	bad[good.len] = 0;
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, good.len + 1 }, &file), HF_ERR_ENCODING);
	bad[0] = 0x83;
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, good.len }, &file), HF_ERR_UNSUPPORTED);
	bad[0] = 0x82;
	bad[1 + item] = 0x80;
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, 1 + item + 1 }, &file), HF_ERR_RANGE);
	bad[1 + item] = 0x89;
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, good.len }, &file), HF_ERR_RANGE);
	bad[1 + item] = 0x81;
	bad[3] = 0xa5; /* the keyset promises a member more than its bytes have */
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, good.len }, &file), HF_ERR_ENCODING);
	bad[3] = 0xa3;
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bad, good.len }, &file), HF_ERR_UNSUPPORTED);
}

static void keyset_that_is_too_long_is_refused(void **state)
{
	static uint8_t bytes[1200] = { 0x82, 0x59, 0x04, 0x01 }; /* 1025 bytes */
	struct hf_keyset_file file;
	struct hf_bytes tail = make_file(0, &one);

	(void)state;
	assert_int_equal(hf_keyset_file_parse(tail, &file), HF_OK);
	size_t behind = 1 + file.item.len;
	memcpy(bytes + 4 + 1025, tail.ptr + behind, tail.len - behind);
	assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ bytes, 4 + 1025 + tail.len - behind }, &file),
			 HF_ERR_TOO_LARGE);
}

static void every_cut_file_is_truncated(void **state)
{
	struct hf_bytes good = make_file(0, &three);
	struct hf_keyset_file file;

	(void)state;
	for (size_t cut = 0; cut < good.len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, good.ptr, cut);
		assert_int_equal(hf_keyset_file_parse((struct hf_bytes){ exact, cut }, &file), HF_ERR_TRUNCATED);
		free(exact);
	}
}

static void algorithm_that_the_device_lacks_is_said(void **state)
{
	struct hf_keyset_file now, next;
	const struct spec lms = { 6, 0, { 0, -1 }, { 0, -1 }, .alg = HF_ALG_HSS_LMS };

	(void)state;
	assert_int_equal(hf_keyset_file_parse(make_file(0, &one), &now), HF_OK);
	now.keyset.key[0].alg = HF_ALG_HSS_LMS;
	assert_int_equal(hf_keyset_accept(&now.keyset, make_file(1, &lms), &crypto, &next), HF_ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(successor_signed_by_the_root_key_is_accepted),
		cmocka_unit_test(successor_without_a_higher_number_is_refused),
		cmocka_unit_test(successor_below_the_old_threshold_is_refused),
		cmocka_unit_test(signature_given_twice_counts_once),
		cmocka_unit_test(root_key_named_twice_counts_once),
		cmocka_unit_test(successor_that_its_own_root_keys_have_not_signed_is_refused),
		cmocka_unit_test(root_keys_can_be_replaced_wholly),
		cmocka_unit_test(keyset_without_root_keys_has_no_successor),
		cmocka_unit_test(signature_by_no_root_key_ends_it),
		cmocka_unit_test(signature_over_something_else_does_not_count),
		cmocka_unit_test(signers_of_a_file_are_told),
		cmocka_unit_test(malformed_files_are_refused),
		cmocka_unit_test(keyset_that_is_too_long_is_refused),
		cmocka_unit_test(every_cut_file_is_truncated),
		cmocka_unit_test(algorithm_that_the_device_lacks_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
