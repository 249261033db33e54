/* SPDX-License-Identifier: MIT
 *
 * The SUIT profile against envelopes that others made: the draft's Appendix B, libcsuit's files, corrupted copies.
 * Each file is accepted or refused at the step and with the error that the table says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "host_crypto.h"
#include "../support/shared.h"
#include "suit.h"

struct vector {
	const char *name;
	enum hf_err parse, authenticate, manifest; /* the manifest is parsed also where authentication fails */
	uint64_t sequence;
};

static const struct vector vectors[] = {
	{ "draft37_example0_signed", HF_OK, HF_OK, HF_OK, 0 },
	{ "draft37_example0_unsigned", HF_OK, HF_ERR_KEY, HF_OK, 0 },
	{ "draft37_example1_signed", HF_OK, HF_OK, HF_OK, 1 },
	{ "draft37_example1_unsigned", HF_OK, HF_ERR_KEY, HF_OK, 1 },
	{ "draft37_example2_signed", HF_OK, HF_OK, HF_OK, 2 },
	{ "draft37_example2_signed_severed", HF_OK, HF_OK, HF_OK, 2 },
	{ "draft37_example2_unsigned_severed", HF_OK, HF_ERR_KEY, HF_OK, 2 },
	{ "draft37_example3_signed", HF_OK, HF_OK, HF_OK, 3 },
	{ "draft37_example3_unsigned", HF_OK, HF_ERR_KEY, HF_OK, 3 },
	{ "libcsuit_exp0", HF_OK, HF_OK, HF_OK, 0 },
	{ "libcsuit_exp1", HF_OK, HF_OK, HF_OK, 1 },
	{ "libcsuit_exp2A", HF_OK, HF_OK, HF_OK, 2 },
	{ "libcsuit_exp2B", HF_OK, HF_OK, HF_OK, 2 },
	{ "libcsuit_exp3", HF_OK, HF_OK, HF_OK, 3 },
	/* COSE_Mac0, and two components */
	{ "libcsuit_expAF", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expAFS", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expAW", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	/* encryption (write, parameter 19) */
	{ "libcsuit_expEW", HF_OK, HF_OK, HF_ERR_UNSUPPORTED, 0 },
	/* dependencies, several components */
	{ "libcsuit_expS0", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expS2", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expS3", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expED", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	/* TEEP's envelopes, which have no tag */
	{ "libcsuit_expD", HF_ERR_TYPE, HF_OK, HF_OK, 0 },
	{ "libcsuit_expI", HF_ERR_TYPE, HF_OK, HF_OK, 0 },
	{ "libcsuit_expU", HF_ERR_TYPE, HF_OK, HF_OK, 0 },
	/* update management: several components, copy-params, wait, severed coswid, priorities */
	{ "libcsuit_expU0", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expU1", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	{ "libcsuit_expU2", HF_ERR_UNSUPPORTED, HF_OK, HF_OK, 0 },
	{ "libcsuit_expU3", HF_OK, HF_ERR_UNSUPPORTED, HF_ERR_UNSUPPORTED, 0 },
	/* corrupted copies */
	{ "neg_example0_alg_m6", HF_OK, HF_ERR_KEY, HF_OK, 0 },
	{ "neg_example0_badmanifest", HF_OK, HF_ERR_DIGEST, HF_OK, 0 },
	{ "neg_example0_badsig", HF_OK, HF_ERR_SIGNATURE, HF_OK, 0 },
	{ "neg_example0_trunc", HF_ERR_TRUNCATED, HF_OK, HF_OK, 0 },
	{ "neg_example2_badsevered_install", HF_OK, HF_ERR_DIGEST, HF_OK, 2 },
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static uint8_t file[65536];
static size_t file_len;
static uint8_t public_key[65];

static struct hf_bytes load(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "vectors/%s.suit", name);
	assert_true(shared_read(path, file, sizeof(file), &file_len));
	return (struct hf_bytes){ file, file_len };
}

static int setup(void **state)
{
	char text[256] = "";
	size_t len;

	(void)state;
	if (!shared_read("vectors/draft_pub.raw.hex", (uint8_t *)text, sizeof(text) - 1, &len))
		return -1;
	return from_hex(text, public_key, sizeof(public_key)) == sizeof(public_key) ? 0 : -1;
}

/* The draft's key under one algorithm; the draft signs with -7, libcsuit mostly with -9. */
static struct hf_keyset keyset_of(int16_t alg)
{
	return (struct hf_keyset){ .number = 1, .keys = 1, .algs = 1, .alg = { alg },
				   .key = { { HF_ROLE_RELEASE, alg, { public_key, sizeof(public_key) } } } };
}

/* With the algorithm that the file uses; -9 if with neither. */
static enum hf_err authenticate(const struct hf_envelope *env, const struct hf_crypto *crypto)
{
	const struct hf_keyset es256 = keyset_of(HF_ALG_ES256), esp256 = keyset_of(HF_ALG_ESP256);
	uint8_t digest[HF_SHA256_BYTES];
	enum hf_err err = hf_envelope_authenticate(env, &es256, HF_ROLE_RELEASE, crypto, digest);

	return err == HF_ERR_KEY ? hf_envelope_authenticate(env, &esp256, HF_ROLE_RELEASE, crypto, digest) : err;
}

static void every_vector_is_accepted_or_refused_as_foreseen(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		const struct vector *v = &vectors[i];
		struct hf_envelope env;
		struct hf_manifest manifest;
		struct hf_bytes buf = load(v->name);
		enum hf_err err = hf_envelope_parse(buf, &env);

		if (err != v->parse)
			print_error("%s: parse\n", v->name);
		assert_int_equal(err, v->parse);
		if (err)
			continue;
		err = authenticate(&env, &hf_host_crypto);
		if (err != v->authenticate)
			print_error("%s: authenticate\n", v->name);
		assert_int_equal(err, v->authenticate);
		err = hf_manifest_parse(&env, &manifest);
		if (err != v->manifest)
			print_error("%s: manifest\n", v->name);
		assert_int_equal(err, v->manifest);
		if (err)
			continue;
		assert_int_equal(manifest.sequence, v->sequence);
		assert_int_equal(env.payloads, 0);
		assert_int_equal(env.payload_begin, buf.len);
		assert_int_equal(manifest.head_bytes, 3 + env.head.len);
	}
}

/* What a device makes of -7 is its crypto's to say. */
static enum hf_err only_esp256(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	return alg == HF_ALG_ESP256 ? hf_host_crypto.verify(alg, key, message, signature) : HF_ERR_UNSUPPORTED;
}

static void algorithm_that_the_crypto_lacks_is_unsupported(void **state)
{
	struct hf_crypto device = hf_host_crypto;
	struct hf_envelope env;

	(void)state;
	device.verify = only_esp256;
	assert_int_equal(hf_envelope_parse(load("draft37_example0_signed"), &env), HF_OK);
	assert_int_equal(authenticate(&env, &device), HF_ERR_UNSUPPORTED);
	assert_int_equal(hf_envelope_parse(load("libcsuit_exp0"), &env), HF_OK);
	assert_int_equal(authenticate(&env, &device), HF_OK);
}

static void signature_by_a_key_of_another_role_is_refused(void **state)
{
	struct hf_keyset keyset = keyset_of(HF_ALG_ES256);
	struct hf_envelope env;
	uint8_t digest[HF_SHA256_BYTES];

	(void)state;
	assert_int_equal(hf_envelope_parse(load("draft37_example0_signed"), &env), HF_OK);
	keyset.key[0].role = HF_ROLE_SITE;
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, digest), HF_ERR_KEY);
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_SITE, &hf_host_crypto, digest), HF_OK);
}

static void every_demanded_algorithm_has_to_sign(void **state)
{
	struct hf_keyset keyset = keyset_of(HF_ALG_ES256);
	struct hf_envelope env;
	uint8_t digest[HF_SHA256_BYTES];

	(void)state;
	assert_int_equal(hf_envelope_parse(load("draft37_example0_signed"), &env), HF_OK);
	keyset.algs = 2;
	keyset.alg[1] = HF_ALG_HSS_LMS;
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, digest), HF_ERR_KEY);
	keyset.algs = 0; /* nothing demanded: such a keyset never comes from the parser, and must not open the door */
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, digest),
			 HF_ERR_KEYSET);
}

static void second_key_of_the_role_verifies_as_well(void **state)
{
	struct hf_keyset keyset = keyset_of(HF_ALG_ES256);
	struct hf_envelope env;
	uint8_t digest[HF_SHA256_BYTES], other[65];

	(void)state;
	memcpy(other, public_key, sizeof(other));
	other[64] ^= 1; /* not even on the curve */
	assert_int_equal(hf_envelope_parse(load("draft37_example0_signed"), &env), HF_OK);
	keyset.keys = 2;
	keyset.key[1] = keyset.key[0];
	keyset.key[0].public_key.ptr = other;
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, digest), HF_OK);
	keyset.keys = 1;
	assert_int_equal(hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &hf_host_crypto, digest),
			 HF_ERR_SIGNATURE);
}

/* The signed ones that are accepted. */
static const char *const accepted[] = { "draft37_example0_signed", "draft37_example1_signed", "draft37_example2_signed",
					"draft37_example2_signed_severed", "draft37_example3_signed", "libcsuit_exp0",
					"libcsuit_exp3" };

static void every_bit_flip_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		struct hf_bytes buf = load(accepted[i]);

		for (size_t bit = 0; bit < 8 * buf.len; bit++) {
			struct hf_envelope env;

			file[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (hf_envelope_parse(buf, &env) == HF_OK && authenticate(&env, &hf_host_crypto) == HF_OK) {
				print_error("%s: bit %zu\n", accepted[i], bit);
				fail();
			}
			file[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void every_truncation_is_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		struct hf_bytes buf = load(accepted[i]);

		for (size_t len = 0; len < buf.len; len++) {
			struct hf_envelope env;
			uint8_t *copy =
				malloc(len + 1); /* exactly as long, so that a sanitizer sees a read behind it */

			memcpy(copy, buf.ptr, len);
			assert_int_equal(hf_envelope_parse((struct hf_bytes){ copy, len }, &env), HF_ERR_TRUNCATED);
			free(copy);
		}
	}
}

static const uint8_t vendor_id[16] = { 0xfa, 0x6b, 0x4a, 0x53, 0xd5, 0xad, 0x5f, 0xdf,
				       0xbe, 0x9d, 0xe6, 0x63, 0xe4, 0xd4, 0x1f, 0xfe };
static const uint8_t class_id[16] = { 0x14, 0x92, 0xaf, 0x14, 0x25, 0x69, 0x5e, 0x48,
				      0xbf, 0x42, 0x9b, 0x2d, 0x51, 0xf2, 0xab, 0x45 };

static struct hf_manifest manifest_of(const char *name)
{
	struct hf_envelope env;
	struct hf_manifest manifest;

	assert_int_equal(hf_envelope_parse(load(name), &env), HF_OK);
	assert_int_equal(hf_manifest_parse(&env, &manifest), HF_OK);
	return manifest;
}

struct calls {
	unsigned fetched, matched, invoked;
	struct hf_bytes uri;
};

static enum hf_err count_fetch(void *ctx, const struct hf_params *params)
{
	struct calls *calls = ctx;

	calls->fetched++;
	calls->uri = params->uri;
	return HF_OK;
}

static enum hf_err count_match(void *ctx, const struct hf_params *params)
{
	(void)params;
	((struct calls *)ctx)->matched++;
	return HF_OK;
}

static enum hf_err count_invoke(void *ctx, const struct hf_params *params)
{
	(void)params;
	((struct calls *)ctx)->invoked++;
	return HF_OK;
}

static void example_1_fetches_validates_for_its_board_only(void **state)
{
	struct calls calls = { 0 };
	const struct hf_suit_ops ops = { &calls, count_fetch, count_match, count_invoke };
	struct hf_suit_device device = { .vendor_id = vendor_id, .class_id = class_id };
	struct hf_params params;

	(void)state;
	struct hf_manifest m = manifest_of("draft37_example1_signed");
	assert_int_equal(m.component.len, 3);
	assert_memory_equal(m.component.ptr, "\x81\x41\x00", 3);
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_OK);
	assert_int_equal(calls.fetched, 1);
	assert_int_equal(calls.matched, 1);
	assert_int_equal(calls.invoked, 0);
	assert_int_equal(calls.uri.len, 27);
	assert_memory_equal(calls.uri.ptr, "http://example.com/file.bin", 27);
	assert_int_equal(params.size, 34768);
	assert_int_equal(hf_suit_run(&m, m.validate, &device, &ops, &params), HF_OK);
	assert_int_equal(calls.matched, 2);
	assert_int_equal(params.uri.len, 0); /* parameters are fresh */

	device.class_id = vendor_id;
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_ERR_CLASS);
	device.vendor_id = class_id;
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_ERR_VENDOR);
	device.vendor_id = NULL;
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_ERR_VENDOR);
	assert_int_equal(calls.fetched, 1);
}

static void example_0_invokes(void **state)
{
	struct calls calls = { 0 };
	const struct hf_suit_ops ops = { &calls, count_fetch, count_match, count_invoke };
	const struct hf_suit_device device = { .vendor_id = vendor_id, .class_id = class_id };
	struct hf_params params;

	(void)state;
	struct hf_manifest m = manifest_of("draft37_example0_signed");
	assert_int_equal(hf_suit_run(&m, m.invoke, &device, &ops, &params), HF_OK);
	assert_int_equal(calls.invoked, 1);
}

static void example_2_has_its_severed_members_from_the_envelope(void **state)
{
	(void)state;
	struct hf_manifest whole = manifest_of("draft37_example2_signed");
	assert_int_equal(whole.install.len, 0x3c);
	assert_int_equal(whole.text.len, 0x20b);
	struct hf_manifest severed = manifest_of("draft37_example2_signed_severed");
	assert_int_equal(severed.install.len, 0);
	assert_int_equal(severed.text.len, 0);
}

static void example_3_chooses_by_slot(void **state)
{
	struct calls calls = { 0 };
	const struct hf_suit_ops ops = { &calls, count_fetch, count_match, count_invoke };
	struct hf_suit_device device = { .vendor_id = vendor_id, .class_id = class_id, .slot = 0 };
	struct hf_params params;

	(void)state;
	struct hf_manifest m = manifest_of("draft37_example3_signed");
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_OK);
	assert_int_equal(params.size, 34768);
	assert_int_equal(params.digest.ptr[1], 0x11);
	assert_memory_equal(calls.uri.ptr, "http://example.com/file1.bin", 28);
	device.slot = 1;
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_OK);
	assert_int_equal(params.size, 76834);
	assert_int_equal(params.digest.ptr[1], 0x23);
	assert_memory_equal(calls.uri.ptr, "http://example.com/file2.bin", 28);
	device.slot = 2;
	assert_int_equal(hf_suit_run(&m, m.install, &device, &ops, &params), HF_ERR_SLOT);
	assert_int_equal(calls.fetched, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_accepted_or_refused_as_foreseen),
		cmocka_unit_test(algorithm_that_the_crypto_lacks_is_unsupported),
		cmocka_unit_test(signature_by_a_key_of_another_role_is_refused),
		cmocka_unit_test(every_demanded_algorithm_has_to_sign),
		cmocka_unit_test(second_key_of_the_role_verifies_as_well),
		cmocka_unit_test(every_bit_flip_is_refused),
		cmocka_unit_test(every_truncation_is_truncated),
		cmocka_unit_test(example_1_fetches_validates_for_its_board_only),
		cmocka_unit_test(example_0_invokes),
		cmocka_unit_test(example_2_has_its_severed_members_from_the_envelope),
		cmocka_unit_test(example_3_chooses_by_slot),
	};

	return shared_present("vectors/README") ? cmocka_run_group_tests(tests, setup, NULL) : 0;
}
