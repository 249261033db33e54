/* SPDX-License-Identifier: MIT
 *
 * Envelopes and manifests that nobody publishes: several signatures, members that do not belong, limits. The crypto
 * here takes 32 zeros for every digest, and a signature for valid if its first byte is the key's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "hex.h"
#include "suit.h"

static unsigned verified;

static void start(struct hf_sha256 *state)
{
	memset(state, 0, sizeof(*state));
}

static void update(struct hf_sha256 *state, const void *data, size_t len)
{
	(void)state;
	(void)data;
	(void)len;
}

static void finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES])
{
	(void)state;
	memset(digest, 0, HF_SHA256_BYTES);
}

/* Also sees to it that the right bytes are signed. */
static enum hf_err verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	uint8_t want[128];
	struct hf_cbor_writer w;
	size_t mark;

	verified++;
	hf_cbor_begin(&w, want, sizeof(want));
	hf_cbor_put_array(&w, 4);
	hf_cbor_put_tstr(&w, "Signature1");
	mark = hf_cbor_wrap(&w);
	hf_cbor_put_map(&w, 1);
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_int(&w, alg);
	hf_cbor_unwrap(&w, mark);
	hf_cbor_put_bstr(&w, NULL, 0);
	mark = hf_cbor_wrap(&w);
	hf_cbor_put_array(&w, 2);
	hf_cbor_put_int(&w, HF_ALG_SHA256);
	hf_cbor_put_bstr(&w, (const uint8_t[HF_SHA256_BYTES]){ 0 }, HF_SHA256_BYTES);
	hf_cbor_unwrap(&w, mark);
	assert_int_equal(message.len, w.len);
	assert_memory_equal(message.ptr, want, w.len);
	return signature.len && signature.ptr[0] == key.ptr[0] ? HF_OK : HF_ERR_SIGNATURE;
}

static const struct hf_crypto crypto = { start, update, finish, verify };
static const uint8_t keys[] = { 0xa1, 0xa2, 0xb1 };

/* Two ESP256 keys and one HSS-LMS key for releases. */
static struct hf_keyset keyset_of(uint8_t algs)
{
	return (struct hf_keyset){
		.keys = 3,
		.algs = algs,
		.alg = { HF_ALG_ESP256, HF_ALG_HSS_LMS },
		.key = { { HF_ROLE_RELEASE, HF_ALG_ESP256, { &keys[0], 1 } },
			 { HF_ROLE_RELEASE, HF_ALG_ESP256, { &keys[1], 1 } },
			 { HF_ROLE_RELEASE, HF_ALG_HSS_LMS, { &keys[2], 1 } } },
	};
}

#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST "822f5820" ZEROS
/* COSE_Sign1 with a signature of one byte, as a byte string: by ESP256, by HSS-LMS. */
#define SIGN_A1 "4a d2 84 43a10128 a0 f6 41a1"
#define SIGN_A2 "4a d2 84 43a10128 a0 f6 41a2"
#define SIGN_XX "4a d2 84 43a10128 a0 f6 41ee"
#define SIGN_B1 "4b d2 84 44a101382d a0 f6 41b1"

#define MANIFEST "a3 01 01 02 05 03 46 a1 02 81 81 41 00"

static uint8_t file[16384];

/* An envelope of these signatures, this manifest, and more members or payloads. */
static struct hf_bytes envelope(unsigned signatures, const char *signature_hex, const char *manifest_hex, unsigned more,
				const char *more_hex)
{
	uint8_t part[8192];
	struct hf_cbor_writer w;
	size_t outer, inner;

	hf_cbor_begin(&w, file, sizeof(file));
	hf_cbor_put_tag(&w, 107);
	hf_cbor_put_map(&w, 2 + more);
	hf_cbor_put_uint(&w, 2);
	outer = hf_cbor_wrap(&w);
	hf_cbor_put_array(&w, 1 + signatures);
	inner = hf_cbor_wrap(&w);
	hf_cbor_put_encoded(&w, (struct hf_bytes){ part, from_hex(DIGEST, part, sizeof(part)) });
	hf_cbor_unwrap(&w, inner);
	hf_cbor_put_encoded(&w, (struct hf_bytes){ part, from_hex(signature_hex, part, sizeof(part)) });
	hf_cbor_unwrap(&w, outer);
	hf_cbor_put_uint(&w, 3);
	hf_cbor_put_bstr(&w, part, from_hex(manifest_hex, part, sizeof(part)));
	hf_cbor_put_encoded(&w, (struct hf_bytes){ part, from_hex(more_hex, part, sizeof(part)) });
	assert_int_equal(w.err, HF_OK);
	return (struct hf_bytes){ file, w.len };
}

/* Parses and authenticates. */
static enum hf_err authenticate(struct hf_bytes buf, uint8_t algs)
{
	const struct hf_keyset keyset = keyset_of(algs);
	struct hf_envelope env;
	uint8_t digest[HF_SHA256_BYTES];
	enum hf_err err = hf_envelope_parse(buf, &env);

	verified = 0;
	return err ? err : hf_envelope_authenticate(&env, &keyset, HF_ROLE_RELEASE, &crypto, digest);
}

static void one_valid_signature_of_each_algorithm_is_enough(void **state)
{
	(void)state;
	assert_int_equal(authenticate(envelope(1, SIGN_A1, MANIFEST, 0, ""), 1), HF_OK);
	assert_int_equal(authenticate(envelope(1, SIGN_A2, MANIFEST, 0, ""), 1), HF_OK);
	assert_int_equal(authenticate(envelope(2, SIGN_XX SIGN_A2, MANIFEST, 0, ""), 1), HF_OK);
	assert_int_equal(authenticate(envelope(2, SIGN_A1 SIGN_B1, MANIFEST, 0, ""), 1), HF_OK);
	assert_int_equal(authenticate(envelope(2, SIGN_A1 SIGN_B1, MANIFEST, 0, ""), 2), HF_OK);
	assert_int_equal(authenticate(envelope(4, SIGN_XX SIGN_XX SIGN_B1 SIGN_A1, MANIFEST, 0, ""), 2), HF_OK);
}

static void missing_or_wrong_signature_is_refused(void **state)
{
	(void)state;
	assert_int_equal(authenticate(envelope(0, "", MANIFEST, 0, ""), 1), HF_ERR_KEY);
	assert_int_equal(authenticate(envelope(1, SIGN_XX, MANIFEST, 0, ""), 1), HF_ERR_SIGNATURE);
	assert_int_equal(authenticate(envelope(1, SIGN_B1, MANIFEST, 0, ""), 1), HF_ERR_KEY);
	assert_int_equal(authenticate(envelope(1, SIGN_A1, MANIFEST, 0, ""), 2), HF_ERR_KEY);
	assert_int_equal(authenticate(envelope(2, SIGN_XX SIGN_B1, MANIFEST, 0, ""), 2), HF_ERR_SIGNATURE);
}

static void number_of_verifications_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(authenticate(envelope(4, SIGN_XX SIGN_XX SIGN_XX SIGN_XX, MANIFEST, 0, ""), 1),
			 HF_ERR_SIGNATURE);
	assert_int_equal(verified, 8);
	assert_int_equal(authenticate(envelope(5, SIGN_A1 SIGN_A1 SIGN_A1 SIGN_A1 SIGN_A1, MANIFEST, 0, ""), 1),
			 HF_ERR_UNSUPPORTED);
	assert_int_equal(verified, 0);
}

static void malformed_signature_is_refused_beside_a_valid_one(void **state)
{
	static const struct {
		const char *hex;
		enum hf_err err;
	} cases[] = {
		{ "4a d1 84 43a10128 a0 f6 41a1", HF_ERR_UNSUPPORTED },       /* COSE_Mac0 */
		{ "4a d2 83 43a10128 a0 f6 41a1", HF_ERR_UNSUPPORTED },       /* three elements */
		{ "4c d2 84 43a10128 a10101 f6 41a1", HF_ERR_UNSUPPORTED },   /* an unprotected header */
		{ "4a d2 84 43a10128 a0 41 00 41a1", HF_ERR_TYPE },           /* an attached payload */
		{ "4c d2 84 45a201280400 a0 f6 41a1", HF_ERR_UNSUPPORTED },   /* a second protected header */
		{ "4a d2 84 43a10228 a0 f6 41a1", HF_ERR_UNSUPPORTED },       /* no algorithm */
		{ "4b d2 84 44a1013808 a0 f6 41a1", HF_ERR_ENCODING },        /* -9 in two bytes */
		{ "47 d2 84 40 a0 f6 41a1", HF_ERR_ENCODING },                /* nothing protected */
		{ "4b d2 84 43a10128 a0 f6 41a1 00", HF_ERR_ENCODING },       /* a byte behind */
		{ "49 d2 84 43a10128 a0 f6 41", HF_ERR_ENCODING },            /* cut */
		{ "00", HF_ERR_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char both[256];

		snprintf(both, sizeof(both), "%s %s", SIGN_A1, cases[i].hex);
		enum hf_err err = authenticate(envelope(2, both, MANIFEST, 0, ""), 1);
		if (err != cases[i].err)
			print_error("%s\n", cases[i].hex);
		assert_int_equal(err, cases[i].err);
		assert_int_equal(verified, 0);
	}
	/* more in the wrapper than it counts, and less */
	assert_int_equal(authenticate(envelope(0, SIGN_A1, MANIFEST, 0, ""), 1), HF_ERR_ENCODING);
	assert_int_equal(authenticate(envelope(2, SIGN_A1, MANIFEST, 0, ""), 1), HF_ERR_ENCODING);
}

static void severed_member_needs_its_digest_in_the_manifest(void **state)
{
	static const char named[] = "a4 01 01 02 05 03 46 a1 02 81 81 41 00 14" DIGEST;
	static const char inside[] = "a4 01 01 02 05 03 46 a1 02 81 81 41 00 14 43 82 010f";

	(void)state;
	assert_int_equal(authenticate(envelope(1, SIGN_A1, named, 1, "14 43 82 010f"), 1), HF_OK);
	assert_int_equal(authenticate(envelope(1, SIGN_A1, named, 0, ""), 1), HF_OK);
	assert_int_equal(authenticate(envelope(1, SIGN_A1, MANIFEST, 1, "14 43 82 010f"), 1), HF_ERR_DIGEST);
	assert_int_equal(authenticate(envelope(1, SIGN_A1, named, 1, "17 40"), 1), HF_ERR_DIGEST);
	assert_int_equal(authenticate(envelope(1, SIGN_A1, inside, 1, "14 43 82 010f"), 1), HF_ERR_DIGEST);
}

static void member_in_the_manifest_is_not_replaced_by_a_severed_one(void **state)
{
	struct hf_envelope env;
	struct hf_manifest manifest;

	(void)state;
	assert_int_equal(hf_envelope_parse(envelope(1, SIGN_A1, "a4 0101 0205 0346a10281814100 14 43 82010f", 1,
						    "14 45 84010f020f"), &env), HF_OK);
	assert_int_equal(hf_manifest_parse(&env, &manifest), HF_OK);
	assert_int_equal(manifest.install.len, 3);
}

static void member_that_does_not_belong_is_refused(void **state)
{
	static const struct {
		unsigned more;
		const char *hex;
		enum hf_err err;
	} cases[] = {
		{ 1, "04 40", HF_ERR_UNSUPPORTED }, { 1, "07 40", HF_ERR_UNSUPPORTED },
		{ 1, "08 40", HF_ERR_UNSUPPORTED }, { 1, "09 40", HF_ERR_UNSUPPORTED },
		{ 1, "0e 40", HF_ERR_UNSUPPORTED },
		{ 1, "20 40", HF_ERR_UNSUPPORTED }, { 1, "02 40", HF_ERR_UNSUPPORTED }, { 1, "14 80", HF_ERR_TYPE },
		{ 2, "17 40 14 40", HF_ERR_ENCODING }, { 2, "14 40 14 40", HF_ERR_ENCODING },
		{ 1, "f6 40", HF_ERR_TYPE },
		{ 1, "", HF_ERR_TRUNCATED }, { 20, "14 40", HF_ERR_UNSUPPORTED },
	};
	struct hf_envelope env;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum hf_err err = hf_envelope_parse(envelope(1, SIGN_A1, MANIFEST, cases[i].more, cases[i].hex), &env);
		if (err != cases[i].err)
			print_error("%s\n", cases[i].hex);
		assert_int_equal(err, cases[i].err);
	}
}

static void payloads_come_last_and_are_not_looked_into(void **state)
{
	struct hf_envelope env;
	struct hf_bytes key, buf = envelope(1, SIGN_A1, MANIFEST, 3, "14 40 6123 5a7fffffff");
	uint32_t size;
	size_t header;

	(void)state;
	assert_int_equal(hf_envelope_parse(buf, &env), HF_OK);
	assert_int_equal(env.payloads, 2);
	assert_int_equal(env.payload_begin, buf.len - 7);
	assert_int_equal(hf_payload_parse((struct hf_bytes){ buf.ptr + buf.len - 7, 7 }, &key, &size, &header), HF_OK);
	assert_int_equal(key.len, 1);
	assert_int_equal(key.ptr[0], '#');
	assert_int_equal(size, 0x7fffffff);
	assert_int_equal(header, 7);
	for (size_t cut = 0; cut < 7; cut++) {
		struct hf_bytes begin = { buf.ptr + buf.len - 7, cut };
		assert_int_equal(hf_payload_parse(begin, &key, &size, &header), HF_ERR_TRUNCATED);
	}
}

static void payload_header_is_bounded(void **state)
{
	uint8_t buf[HF_SUIT_PAYLOAD_HEADER_MAX + 8];
	struct hf_bytes key, view = { buf, sizeof(buf) };
	uint32_t size;
	size_t header;

	(void)state;
	memset(buf, 'x', sizeof(buf));
	buf[0] = 0x78;
	buf[1] = HF_SUIT_PAYLOAD_HEADER_MAX - 3;
	buf[HF_SUIT_PAYLOAD_HEADER_MAX - 1] = 0x43;
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_OK);
	assert_int_equal(header, HF_SUIT_PAYLOAD_HEADER_MAX);
	assert_int_equal(size, 3);
	buf[1]++;
	buf[HF_SUIT_PAYLOAD_HEADER_MAX] = 0x43;
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_ERR_TOO_LARGE);
	view.len = HF_SUIT_PAYLOAD_HEADER_MAX - 1; /* too little to know */
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_ERR_TRUNCATED);
	view = (struct hf_bytes){ buf, from_hex("6123 5b0000000100000000", buf, sizeof(buf)) };
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_ERR_TOO_LARGE);
	view = (struct hf_bytes){ buf, from_hex("4123 41", buf, sizeof(buf)) };
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_ERR_TYPE);
	view = (struct hf_bytes){ buf, from_hex("6123 61", buf, sizeof(buf)) };
	assert_int_equal(hf_payload_parse(view, &key, &size, &header), HF_ERR_TYPE);
}

/* A manifest that is made longer by its reference. */
static struct hf_bytes envelope_of(size_t reference)
{
	static char hex[20000];
	size_t at = (size_t)snprintf(hex, sizeof(hex), "a4 0101 0205 0346a10281814100 04 79%04zx ", reference);

	for (size_t i = 0; i < reference; i++)
		at += (size_t)snprintf(hex + at, sizeof(hex) - at, "61");
	return envelope(1, SIGN_A1, hex, 0, "");
}

static void head_is_bounded(void **state)
{
	struct hf_envelope env;
	struct hf_manifest manifest;

	(void)state;
	assert_int_equal(hf_envelope_parse(envelope_of(3000), &env), HF_OK);
	size_t largest = 3000 + (HF_SUIT_HEAD_MAX - 3 - env.head.len);
	assert_int_equal(hf_envelope_parse(envelope_of(largest), &env), HF_OK);
	assert_int_equal(hf_manifest_parse(&env, &manifest), HF_OK);
	assert_int_equal(manifest.head_bytes, HF_SUIT_HEAD_MAX);
	assert_int_equal(hf_envelope_parse(envelope_of(largest + 1), &env), HF_ERR_TOO_LARGE);
}

static void manifest_outside_the_profile_is_refused(void **state)
{
	static const struct {
		const char *hex;
		enum hf_err err;
	} cases[] = {
		{ MANIFEST, HF_OK },
		{ "a3 01 02 02 05 03 46 a1 02 81 81 41 00", HF_ERR_UNSUPPORTED }, /* version 2 */
		{ "a2 01 01 02 05", HF_ERR_ENCODING },                            /* no common */
		{ "a2 01 01 03 46 a1 02 81 81 41 00", HF_ERR_UNSUPPORTED },       /* no sequence number */
		{ "a3 02 05 01 01 03 46 a1 02 81 81 41 00", HF_ERR_UNSUPPORTED }, /* order */
		{ "a3 01 01 02 20 03 46 a1 02 81 81 41 00", HF_ERR_TYPE },        /* a negative sequence number */
		{ "a3 01 01 02 05 03 46 a1 02 81 81 41 00 00", HF_ERR_ENCODING },
		{ "a3 01 01 02 05 03 4a a1 02 82 81 41 00 81 41 01", HF_ERR_ENCODING },
		{ "a3 01 01 02 05 03 49 a1 02 82 81 4100 814101", HF_ERR_UNSUPPORTED }, /* two components */
		{ "a3 01 01 02 05 03 43 a1 02 80", HF_ERR_UNSUPPORTED },                /* none */
		{ "a3 01 01 02 05 03 48 a2 01 a0 02 81 81 4100", HF_ERR_UNSUPPORTED },  /* dependencies */
		{ "a3 01 01 02 05 03 48 a2 02 81 81 4100 0540", HF_ERR_UNSUPPORTED },
		{ "a3 01 01 02 05 03 4b a3 02 81 81 4100 04 43 82010f", HF_ERR_UNSUPPORTED }, /* says three, has two */
		{ "a3 01 01 02 05 03 4b a2 02 81 81 4100 04 43 82010f", HF_OK },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 05 40", HF_ERR_UNSUPPORTED },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 0e 40", HF_ERR_UNSUPPORTED }, /* coswid */
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 20 40", HF_ERR_UNSUPPORTED },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 01 01", HF_ERR_UNSUPPORTED }, /* twice */
		{ "a5 01 01 02 05 03 46 a1 02 81 81 41 00 09 43 821702 07 43 82010f", HF_ERR_ENCODING },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 07 40", HF_ERR_ENCODING }, /* an empty sequence */
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 07 82 010f", HF_ERR_TYPE },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 06 46 85 0102030405", HF_ERR_RANGE },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 06 41 80", HF_ERR_RANGE },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 06 45 84 01020304", HF_OK },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 07 82 2f 40", HF_ERR_TYPE }, /* 7 cannot be severed */
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 14 82 2f 40", HF_ERR_RANGE },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 14 82 30 5820" ZEROS, HF_ERR_UNSUPPORTED },
		{ "a4 01 01 02 05 03 46 a1 02 81 81 41 00 14" DIGEST, HF_OK },
	};
	struct hf_envelope env;
	struct hf_manifest manifest;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(hf_envelope_parse(envelope(1, SIGN_A1, cases[i].hex, 0, ""), &env), HF_OK);
		enum hf_err err = hf_manifest_parse(&env, &manifest);
		if (err != cases[i].err)
			print_error("%s\n", cases[i].hex);
		assert_int_equal(err, cases[i].err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_valid_signature_of_each_algorithm_is_enough),
		cmocka_unit_test(missing_or_wrong_signature_is_refused),
		cmocka_unit_test(number_of_verifications_is_bounded),
		cmocka_unit_test(malformed_signature_is_refused_beside_a_valid_one),
		cmocka_unit_test(severed_member_needs_its_digest_in_the_manifest),
		cmocka_unit_test(member_in_the_manifest_is_not_replaced_by_a_severed_one),
		cmocka_unit_test(member_that_does_not_belong_is_refused),
		cmocka_unit_test(payloads_come_last_and_are_not_looked_into),
		cmocka_unit_test(payload_header_is_bounded),
		cmocka_unit_test(head_is_bounded),
		cmocka_unit_test(manifest_outside_the_profile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
