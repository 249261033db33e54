/* SPDX-License-Identifier: MIT
 *
 * Keysets: what is read, and what a device must not trust.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "keyset.h"

#define KEY_1 "a3 0101 0228 03 42 aabb"       /* release, ESP256 */
#define KEY_2 "a3 0100 02382d 03 41 cc"       /* root, HSS-LMS */
#define DIGEST_1 "5820 11111111 11111111 11111111 11111111 11111111 11111111 11111111 11111111"
#define DIGEST_2 "5820 22222222 22222222 22222222 22222222 22222222 22222222 22222222 22222222"
#define FULL "a7 0101 0207 0381" KEY_1 "0481 28 0502 0682" DIGEST_1 DIGEST_2 "20 4178"
#define PLAIN "a4 0101 0207 0381" KEY_1 "0481 28"

static uint8_t buf[1024];

static enum hf_err parse(const char *hex, struct hf_keyset *out, size_t *used)
{
	return hf_keyset_parse((struct hf_bytes){ buf, from_hex(hex, buf, sizeof(buf)) }, out, used);
}

static void keyset_with_one_key_is_read(void **state)
{
	struct hf_keyset k;
	size_t used = 0;

	(void)state;
	assert_int_equal(parse(PLAIN, &k, &used), HF_OK);
	assert_int_equal(used, from_hex(PLAIN, buf, sizeof(buf)));
	assert_int_equal(k.number, 7);
	assert_int_equal(k.keys, 1);
	assert_int_equal(k.key[0].role, HF_ROLE_RELEASE);
	assert_int_equal(k.key[0].alg, HF_ALG_ESP256);
	assert_int_equal(k.key[0].public_key.len, 2);
	assert_memory_equal(k.key[0].public_key.ptr, "\xaa\xbb", 2);
	assert_int_equal(k.algs, 1);
	assert_int_equal(k.alg[0], HF_ALG_ESP256);
}

static void keyset_without_threshold_needs_one_root_key(void **state)
{
	struct hf_keyset k;
	size_t used;

	(void)state;
	assert_int_equal(parse(PLAIN, &k, &used), HF_OK);
	assert_int_equal(k.threshold, 1);
	assert_int_equal(k.digests, 0);
}

static void keyset_with_threshold_and_digests_is_read(void **state)
{
	uint8_t one[HF_SHA256_BYTES], two[HF_SHA256_BYTES];
	struct hf_keyset k;
	size_t used = 0;

	(void)state;
	memset(one, 0x11, sizeof one);
	memset(two, 0x22, sizeof two);
	assert_int_equal(parse(FULL, &k, &used), HF_OK);
	assert_int_equal(used, from_hex(FULL, buf, sizeof(buf)));
	assert_int_equal(k.threshold, 2);
	assert_int_equal(k.digests, 2);
	assert_true(hf_keyset_grandfathers(&k, one));
	assert_true(hf_keyset_grandfathers(&k, two));
	two[31] ^= 1;
	assert_false(hf_keyset_grandfathers(&k, two));
}

static void erased_flash_behind_a_keyset_is_ignored(void **state)
{
	struct hf_keyset k;
	size_t used = 0;

	(void)state;
	assert_int_equal(parse(PLAIN "ffffffff", &k, &used), HF_OK);
	assert_int_equal(used, from_hex(PLAIN, buf, sizeof(buf)));
}

static void keyset_with_several_keys_is_read(void **state)
{
	struct hf_keyset k;
	size_t used;

	(void)state;
	assert_int_equal(parse("a4 0101 021affffffff 0383" KEY_1 KEY_2 KEY_1 "0482 28 382d", &k, &used), HF_OK);
	assert_int_equal(k.number, UINT32_MAX);
	assert_int_equal(k.keys, 3);
	assert_int_equal(k.key[1].role, HF_ROLE_ROOT);
	assert_int_equal(k.key[1].alg, HF_ALG_HSS_LMS);
	assert_int_equal(k.algs, 2);
	assert_int_equal(k.alg[1], HF_ALG_HSS_LMS);
}

static void members_with_negative_keys_are_ignored(void **state)
{
	struct hf_keyset k;
	size_t used = 0;
	const char *hex = "a6 0101 0207 0381 a4 0101 0228 03 42 aabb 20 4178 0481 28 20 458201a10203 390100 40";

	(void)state;
	assert_int_equal(parse(hex, &k, &used), HF_OK);
	assert_int_equal(used, from_hex(hex, buf, sizeof(buf)));
	assert_int_equal(k.keys, 1);
}

static void blank_page_has_no_keyset(void **state)
{
	struct hf_keyset k;
	size_t used;

	(void)state;
	assert_int_equal(parse("ffffffffffffffff", &k, &used), HF_ERR_KEYSET);
}

static void wrong_keyset_is_refused(void **state)
{
	static const struct {
		const char *hex;
		enum hf_err err;
	} cases[] = {
		{ "00", HF_ERR_TYPE }, { "a0", HF_ERR_UNSUPPORTED },
		{ "a4 0102 0207 0381" KEY_1 "0481 28", HF_ERR_UNSUPPORTED },      /* format 2 */
		{ "a3 0101 0207 0381" KEY_1, HF_ERR_UNSUPPORTED },                /* nothing demanded */
		{ "a4 0101 0207 0380 0481 28", HF_ERR_RANGE },                    /* no key */
		{ "a4 0101 0207 0381" KEY_1 "0480", HF_ERR_RANGE },               /* no algorithm */
		{ "a4 0101 0207 0381" KEY_1 "0483 28 382d 382e", HF_ERR_RANGE },  /* too many */
		{ "a4 0101 0207 0389" KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 KEY_1 "0481 28", HF_ERR_RANGE },
		{ "a4 0207 0101 0381" KEY_1 "0481 28", HF_ERR_UNSUPPORTED },      /* order */
		{ "a4 0101 0101 0381" KEY_1 "0481 28", HF_ERR_UNSUPPORTED },      /* twice */
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0700", HF_ERR_UNSUPPORTED }, /* a member that must be known */
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0500", HF_ERR_RANGE },       /* nobody has to sign */
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0509", HF_ERR_RANGE },       /* more than can */
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0540", HF_ERR_TYPE },
		{ "a6 0101 0207 0381" KEY_1 "0481 28 0501 0501", HF_ERR_ENCODING }, /* twice */
		{ "a6 0101 0207 0381" KEY_1 "0481 28 0681" DIGEST_1 "0501", HF_ERR_ENCODING }, /* order */
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0680", HF_ERR_RANGE },
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0685" DIGEST_1 DIGEST_1 DIGEST_1 DIGEST_1 DIGEST_1, HF_ERR_RANGE },
		{ "a5 0101 0207 0381" KEY_1 "0481 28 0681 42 aabb", HF_ERR_RANGE },
		{ "a4 0101 0207 0381 a4 0101 0228 03 42 aabb 0501 0481 28", HF_ERR_UNSUPPORTED }, /* not a key's member */
		{ "a6 0101 0207 0381" KEY_1 "0481 28 39010040 20 40", HF_ERR_ENCODING },
		{ "a5 0101 0207 0381" KEY_1 "0481 28 20 00", HF_ERR_TYPE },       /* ignored ones are byte strings */
		{ "a4 0101 021b0000000100000000 0381" KEY_1 "0481 28", HF_ERR_RANGE },
		{ "a4 0101 0207 0381 a3 0103 0228 03 42 aabb 0481 28", HF_ERR_RANGE },       /* role */
		{ "a4 0101 0207 0381 a3 0101 0239ffff 03 42 aabb 0481 28", HF_ERR_RANGE },   /* algorithm */
		{ "a4 0101 0207 0381 a3 0101 0228 03 62 6161 0481 28", HF_ERR_TYPE },        /* key */
		{ "a4 0101 0207 0381 a4 0101 0228 03 42 aabb 0400 0481 28", HF_ERR_UNSUPPORTED },
		{ "a4 0101 0207 0381 a2 0101 0228 0481 28", HF_ERR_UNSUPPORTED },
		{ "a4 0101 021807 0381" KEY_1 "0481 28", HF_ERR_ENCODING },                  /* 7 in two bytes */
		{ "bf 0101 0207 0381" KEY_1 "0481 28 ff", HF_ERR_ENCODING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hf_keyset k;
		size_t used;
		enum hf_err err = parse(cases[i].hex, &k, &used);

		if (err != cases[i].err)
			print_error("%s\n", cases[i].hex);
		assert_int_equal(err, cases[i].err);
	}
}

static void every_cut_keyset_is_truncated(void **state)
{
	size_t len = from_hex(FULL, buf, sizeof(buf)), used;
	struct hf_keyset k;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, buf, cut);
		assert_int_equal(hf_keyset_parse((struct hf_bytes){ exact, cut }, &k, &used), HF_ERR_TRUNCATED);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyset_with_one_key_is_read),
		cmocka_unit_test(keyset_without_threshold_needs_one_root_key),
		cmocka_unit_test(keyset_with_threshold_and_digests_is_read),
		cmocka_unit_test(erased_flash_behind_a_keyset_is_ignored),
		cmocka_unit_test(keyset_with_several_keys_is_read),
		cmocka_unit_test(members_with_negative_keys_are_ignored),
		cmocka_unit_test(blank_page_has_no_keyset),
		cmocka_unit_test(wrong_keyset_is_refused),
		cmocka_unit_test(every_cut_keyset_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
