/* SPDX-License-Identifier: MIT
 *
 * Command sequences: what they do, how failure goes on, what is refused. Sequences are hexadecimal CBOR; `SLOT0` is
 * [20, {5: 0}, 5, 15], which holds for slot 0 only, and so on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "suit_private.h"

#define SLOT0 "14a10500 050f"
#define SLOT1 "14a10501 050f"
#define URI_A "14a1156161"
#define URI_B "14a1156162"
#define FETCH "1502"
#define ABORT "0e0f"

/* The same as byte strings of whole sequences. */
#define SEQ_SLOT0_A "4c 86" SLOT0 URI_A
#define SEQ_SLOT1_B "4c 86" SLOT1 URI_B
#define SEQ_A       "46 82" URI_A
#define SEQ_ABORT   "43 82" ABORT

static const uint8_t id_1[16] = { 1 };
static const uint8_t id_2[16] = { 2 };
static const uint8_t id_3[16] = { 3 };

static struct {
	unsigned fetched, matched;
	enum hf_err fetch_result, match_result;
	struct hf_params params; /* what the last run left, or the last fetch saw */
} seen;

static enum hf_err on_fetch(void *ctx, const struct hf_params *params)
{
	(void)ctx;
	(void)params;
	seen.fetched++;
	return seen.fetch_result;
}

static enum hf_err on_match(void *ctx, const struct hf_params *params)
{
	(void)ctx;
	(void)params;
	seen.matched++;
	return seen.match_result;
}

static enum hf_err walk(const char *hex, enum hf_suit_section section)
{
	uint8_t buf[512];
	size_t len = from_hex(hex, buf, sizeof(buf));
	uint8_t *exact = malloc(len + 1);

	memcpy(exact, buf, len);
	enum hf_err err = hf_suit_walk((struct hf_bytes){ exact, len }, section);
	free(exact);
	return err;
}

/* Walks, then runs the sequence in this slot, of firmware 1.2. */
static enum hf_err run(const char *hex, uint32_t slot)
{
	static uint8_t buf[512];
	const struct hf_suit_device device = { .vendor_id = id_1, .class_id = id_2, .device_id = id_3, .slot = slot,
					       .versions = 2, .version = { 1, 2 } };
	const struct hf_suit_ops ops = { NULL, on_fetch, on_match, NULL };
	struct hf_manifest manifest = { .sequence = 1 };
	size_t len = from_hex(hex, buf, sizeof(buf));

	seen.fetched = seen.matched = 0;
	assert_int_equal(walk(hex, HF_SECTION_INSTALL), HF_OK);
	return hf_suit_run(&manifest, (struct hf_bytes){ buf, len }, &device, &ops, &seen.params);
}

static int reset(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static void assert_uri(const char *uri)
{
	assert_int_equal(seen.params.uri.len, strlen(uri));
	if (*uri)
		assert_memory_equal(seen.params.uri.ptr, uri, strlen(uri));
}

static void try_each_takes_the_first_that_holds(void **state)
{
	(void)state;
	assert_int_equal(run("82 0f82" SEQ_SLOT0_A SEQ_SLOT1_B, 0), HF_OK);
	assert_uri("a");
	assert_int_equal(run("82 0f82" SEQ_SLOT0_A SEQ_SLOT1_B, 1), HF_OK);
	assert_uri("b");
	assert_int_equal(run("84 0f83" SEQ_A SEQ_SLOT0_A SEQ_SLOT1_B FETCH, 1), HF_OK);
	assert_uri("a");
	assert_int_equal(seen.fetched, 1);
}

static void try_each_without_match_fails_with_its_last_error(void **state)
{
	(void)state;
	assert_int_equal(run("86" URI_A "0f82" SEQ_ABORT SEQ_SLOT1_B FETCH, 0), HF_ERR_SLOT);
	assert_int_equal(run("86" URI_A "0f82" SEQ_SLOT1_B SEQ_ABORT FETCH, 0), HF_ERR_ABORT);
	assert_int_equal(seen.fetched, 0);
}

static void try_each_with_nil_goes_on_without_match(void **state)
{
	(void)state;
	assert_int_equal(run("84 0f83" SEQ_ABORT SEQ_SLOT1_B "f6" URI_A, 0), HF_OK);
	assert_uri("a");
	assert_int_equal(run("84 0f83" SEQ_SLOT0_A SEQ_ABORT "f6" "1502", 0), HF_OK); /* nil is skipped, too */
	assert_int_equal(seen.fetched, 1);
}

static void try_each_with_hard_failure_does_not_go_on(void **state)
{
	(void)state;
	/* [20, {13: false}, 14, 15]: soft-failure is switched off */
	assert_int_equal(run("82 0f82 47 84 14a10df4" ABORT SEQ_A, 0), HF_ERR_ABORT);
	assert_uri("");
}

static void run_sequence_fails_hard_unless_told_to_be_soft(void **state)
{
	(void)state;
	assert_int_equal(run("84 1820" SEQ_A FETCH, 0), HF_OK);
	assert_int_equal(seen.fetched, 1);
	assert_int_equal(run("86" URI_A "1820" SEQ_ABORT FETCH, 0), HF_ERR_ABORT);
	assert_int_equal(seen.fetched, 0);
	assert_int_equal(run("86" URI_A "1820 47 84 14a10df5" ABORT FETCH, 0), HF_OK);
	assert_int_equal(seen.fetched, 1);
	/* soft inside does not make what follows soft */
	assert_int_equal(run("88" URI_A "1820 47 84 14a10df5" ABORT ABORT FETCH, 0), HF_ERR_ABORT);
	assert_int_equal(seen.fetched, 0);
}

static void run_sequence_that_fails_ends_the_alternative_around_it_hard(void **state)
{
	(void)state;
	assert_int_equal(run("82 0f82 47 82 1820" SEQ_ABORT SEQ_A, 0), HF_ERR_ABORT);
	assert_uri("");
}

static void nested_try_each_without_match_is_a_failed_directive(void **state)
{
	(void)state;
	assert_int_equal(run("82 0f82 4b 82 0f82" SEQ_ABORT SEQ_ABORT SEQ_A, 0), HF_ERR_ABORT);
	assert_uri("");
}

static void nesting_up_to_the_limit_runs_and_beyond_is_refused(void **state)
{
	/* SEQ_A in run-sequences in each other: << [32, << ... >>] >> */
	static const char *const deep[] = {
		"82 1820" SEQ_A,
		"82 1820 4a 82 1820" SEQ_A,
		"82 1820 4e 82 1820 4a 82 1820" SEQ_A,
		"82 1820 52 82 1820 4e 82 1820 4a 82 1820" SEQ_A,
		"82 1820 56 82 1820 52 82 1820 4e 82 1820 4a 82 1820" SEQ_A,
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(run(deep[i], 0), HF_OK);
		assert_uri("a");
	}
	assert_int_equal(HF_SUIT_NESTING, 4);
	assert_int_equal(walk(deep[4], HF_SECTION_INSTALL), HF_ERR_UNSUPPORTED);
}

static void failed_directive_is_never_soft(void **state)
{
	(void)state;
	seen.fetch_result = HF_ERR_DIGEST; /* an error that a condition might give */
	assert_int_equal(run("82 0f82 48 84" URI_A FETCH SEQ_A, 0), HF_ERR_DIGEST);
	assert_int_equal(seen.fetched, 1);
}

static void fetch_without_uri_is_refused(void **state)
{
	(void)state;
	assert_int_equal(run("82" FETCH, 0), HF_ERR_UNSUPPORTED);
	assert_int_equal(seen.fetched, 0);
}

/* [20, {3: << [-16, 32 bytes] >>}] */
#define DIGEST "14a103 5824 822f5820 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void image_match_is_soft_for_a_mismatch_only(void **state)
{
	(void)state;
	assert_int_equal(run("82 030f", 0), HF_ERR_DIGEST); /* no digest to match */
	assert_int_equal(seen.matched, 0);
	assert_int_equal(run("84" DIGEST "030f", 0), HF_OK);
	seen.match_result = HF_ERR_DIGEST;
	assert_int_equal(run("86" DIGEST "0f82 43 82 030f" SEQ_A FETCH, 0), HF_OK);
	assert_int_equal(seen.fetched, 1);
	seen.match_result = HF_ERR_IO;
	assert_int_equal(run("86" DIGEST "0f82 43 82 030f" SEQ_A FETCH, 0), HF_ERR_IO);
	assert_int_equal(seen.fetched, 0);
}

static void identifiers_are_compared(void **state)
{
	(void)state;
	assert_int_equal(run("84 14a10150 01000000000000000000000000000000 010f", 0), HF_OK);
	assert_int_equal(run("84 14a10150 01000000000000000000000000000001 010f", 0), HF_ERR_VENDOR);
	assert_int_equal(run("84 14a10250 02000000000000000000000000000000 020f", 0), HF_OK);
	assert_int_equal(run("84 14a10250 02000000000000000000000000000001 020f", 0), HF_ERR_CLASS);
	assert_int_equal(run("84 14a1181850 03000000000000000000000000000000 1818 0f", 0), HF_OK);
	assert_int_equal(run("84 14a1181850 03000000000000000000000000000001 1818 0f", 0), HF_ERR_DEVICE);
	assert_int_equal(run("82 010f", 0), HF_ERR_VENDOR); /* never set */
	assert_int_equal(run("82 020f", 0), HF_ERR_CLASS);
	assert_int_equal(run("82 18180f", 0), HF_ERR_DEVICE);
	assert_int_equal(run("82 050f", 0), HF_ERR_SLOT);
	assert_int_equal(run("82 181c0f", 0), HF_ERR_VERSION);
}

static void versions_are_compared(void **state)
{
	/* Running is 1.2; [20, {28: << [op, version] >>}, 28, 15]. */
	static const struct {
		const char *match;
		bool holds;
	} cases[] = {
		{ "45 8201 820101", true }, { "45 8201 820102", false }, { "45 8201 820103", false }, /* > */
		{ "45 8202 820101", true }, { "45 8202 820102", true }, { "45 8202 820103", false },  /* >= */
		{ "45 8203 820101", false }, { "45 8203 820102", true }, { "45 8203 820103", false }, /* = */
		{ "45 8204 820101", false }, { "45 8204 820102", true }, { "45 8204 820103", true },  /* <= */
		{ "45 8205 820101", false }, { "45 8205 820102", false }, { "45 8205 820103", true }, /* < */
		{ "46 8203 83010200", true },   /* missing parts are 0 */
		{ "46 8205 83010201", true }, { "46 8203 83010220", false }, { "46 8201 83010220", true }, /* -1 */
		{ "44 8201 8101", true }, { "44 8203 8101", false }, { "44 8205 8102", true },
		{ "47 8203 8401020000", true },
	};
	char hex[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(hex, sizeof(hex), "84 14a1181c %s 181c0f", cases[i].match);
		enum hf_err err = run(hex, 0);
		if (err != (cases[i].holds ? HF_OK : HF_ERR_VERSION))
			print_error("%s\n", cases[i].match);
		assert_int_equal(err, cases[i].holds ? HF_OK : HF_ERR_VERSION);
	}
}

static void version_condition_without_known_version_fails(void **state)
{
	uint8_t buf[64];
	const struct hf_suit_device device = { .slot = 0 };
	const struct hf_suit_ops ops = { 0 };
	struct hf_manifest manifest = { 0 };
	struct hf_params params;
	size_t len = from_hex("84 14a1181c 44 8204 8109 181c0f", buf, sizeof(buf)); /* <= 9 */

	(void)state;
	assert_int_equal(hf_suit_run(&manifest, (struct hf_bytes){ buf, len }, &device, &ops, &params), HF_ERR_VERSION);
}

static void own_parameters_are_read(void **state)
{
	(void)state;
	assert_int_equal(run("82 14a4 0e 1910 00 390100 04 390101 190200 390102 5820"
			     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0), HF_OK);
	assert_int_equal(seen.params.set, 1u << HF_SET_SIZE | 1u << HF_SET_TABLE_BYTES | 1u << HF_SET_IMAGE_OFFSET);
	assert_int_equal(seen.params.size, 0x1000);
	assert_int_equal(seen.params.table_bytes, 4);
	assert_int_equal(seen.params.image_offset, 0x200);
	assert_int_equal(seen.params.segments.len, 32);
}

static void last_override_counts(void **state)
{
	(void)state;
	assert_int_equal(run("84" URI_A URI_B, 0), HF_OK);
	assert_uri("b");
}

static void component_index_is_the_one_component(void **state)
{
	(void)state;
	assert_int_equal(run("82 0c00", 0), HF_OK);
	assert_int_equal(run("82 0cf5", 0), HF_OK);
	assert_int_equal(walk("82 0c01", HF_SECTION_INSTALL), HF_ERR_UNSUPPORTED);
	assert_int_equal(walk("82 0cf4", HF_SECTION_INSTALL), HF_ERR_UNSUPPORTED);
	assert_int_equal(walk("82 0c8100", HF_SECTION_INSTALL), HF_ERR_TYPE);
}

static void shared_sequence_runs_before_the_section(void **state)
{
	static const uint8_t shared[] = { 0x82, 0x14, 0xa1, 0x05, 0x00 }, section[] = { 0x82, 0x05, 0x0f };
	const struct hf_manifest manifest = { .shared = { shared, sizeof(shared) } };
	struct hf_suit_device device = { .slot = 0 };
	const struct hf_suit_ops ops = { 0 };
	struct hf_params params;

	(void)state;
	assert_int_equal(hf_suit_run(&manifest, (struct hf_bytes){ section, sizeof(section) }, &device, &ops, &params),
			 HF_OK);
	device.slot = 1;
	assert_int_equal(hf_suit_run(&manifest, (struct hf_bytes){ section, sizeof(section) }, &device, &ops, &params),
			 HF_ERR_SLOT);
	/* an absent section still runs the shared one */
	assert_int_equal(hf_suit_run(&manifest, (struct hf_bytes){ NULL, 0 }, &device, &ops, &params), HF_OK);
	assert_int_equal(params.set, 1u << HF_SET_SLOT);
}

static void walk_refuses_what_the_profile_does_not_know(void **state)
{
	static const struct {
		const char *hex;
		enum hf_err err;
	} cases[] = {
		/* form */
		{ "", HF_ERR_ENCODING }, { "80", HF_ERR_ENCODING }, { "81 01", HF_ERR_ENCODING },
		{ "82 01", HF_ERR_ENCODING },
		{ "83 181c 0f", HF_ERR_ENCODING }, { "82 010f 00", HF_ERR_ENCODING }, { "a1 010f", HF_ERR_TYPE }, { "82 6101 0f", HF_ERR_TYPE },
		{ "9f 010f ff", HF_ERR_ENCODING },
		/* a condition's argument: reporting bits */
		{ "82 0110", HF_ERR_RANGE }, { "82 01f6", HF_ERR_TYPE }, { "82 0120", HF_ERR_TYPE },
		/* codes: use-before, check-content, write, copy, not-match, battery, authorized, wait, swap,
		 * multiple, custom */
		{ "82 040f", HF_ERR_UNSUPPORTED }, { "82 060f", HF_ERR_UNSUPPORTED }, { "82 120f", HF_ERR_UNSUPPORTED },
		{ "82 160f", HF_ERR_UNSUPPORTED }, { "82 18190f", HF_ERR_UNSUPPORTED },
		{ "82 181a0f", HF_ERR_UNSUPPORTED },
		{ "82 181b0f", HF_ERR_UNSUPPORTED }, { "82 181d0f", HF_ERR_UNSUPPORTED },
		{ "82 181f0f", HF_ERR_UNSUPPORTED },
		{ "82 1822a0", HF_ERR_UNSUPPORTED }, { "82 1823a0", HF_ERR_UNSUPPORTED },
		{ "82 2000", HF_ERR_UNSUPPORTED },
		{ "82 39010000", HF_ERR_UNSUPPORTED }, { "82 000f", HF_ERR_UNSUPPORTED },
		{ "82 1a7fffffff 0f", HF_ERR_UNSUPPORTED },
		/* try-each: at least two sequences, nil only last */
		{ "82 0f81" SEQ_A, HF_ERR_ENCODING }, { "82 0f80", HF_ERR_ENCODING },
		{ "82 0f82" SEQ_A "f6", HF_ERR_TYPE },
		{ "82 0f83 f6" SEQ_A SEQ_A, HF_ERR_TYPE }, { "82 0f83" SEQ_A SEQ_A "f5", HF_ERR_TYPE },
		{ "82 0f82" SEQ_A "40", HF_ERR_ENCODING },
		{ "82 0f82" SEQ_A "41 80", HF_ERR_ENCODING }, { "82 0f83" SEQ_A SEQ_A, HF_ERR_ENCODING },
		/* the alternative that would not be run is walked as well */
		{ "82 0f82" SEQ_A "43 82 040f", HF_ERR_UNSUPPORTED },
		{ "82 1820 43 82 040f", HF_ERR_UNSUPPORTED }, { "82 1820 82010f", HF_ERR_TYPE },
		{ "82 1820 44 82010f00", HF_ERR_ENCODING },
		/* parameters: none, unknown, out of order, twice */
		{ "82 14a0", HF_ERR_ENCODING }, { "82 14a1 0400", HF_ERR_UNSUPPORTED },
		{ "82 14a1 0cf5", HF_ERR_UNSUPPORTED },
		{ "82 14a1 1240", HF_ERR_UNSUPPORTED }, { "82 14a1 1340", HF_ERR_UNSUPPORTED },
		{ "82 14a1 1600", HF_ERR_UNSUPPORTED },
		{ "82 14a1 39010300", HF_ERR_UNSUPPORTED }, { "82 14a2 0e00 0500", HF_ERR_ENCODING },
		{ "82 14a2 0500 0500", HF_ERR_ENCODING },
		/* parameters: type and range */
		{ "82 14a1 014f 000000000000000000000000000000", HF_ERR_RANGE }, { "82 14a1 0140", HF_ERR_RANGE },
		{ "82 14a1 0101", HF_ERR_TYPE },
		{ "82 14a1 01d87044 01020304", HF_ERR_TYPE }, { "82 14a1 03 44 822f4100", HF_ERR_RANGE },
		{ "82 14a1 03 44 82304100", HF_ERR_UNSUPPORTED },
		{ "82 14a1 03 43 812f00", HF_ERR_UNSUPPORTED }, { "82 14a1 0520", HF_ERR_TYPE },
		{ "82 14a1 0e1b0000000100000000", HF_ERR_RANGE },
		{ "82 14a1 0d00", HF_ERR_TYPE }, { "82 14a1 1541 61", HF_ERR_TYPE },
		{ "82 14a1 181c 44 82068101", HF_ERR_RANGE },
		{ "82 14a1 181c 44 82008101", HF_ERR_RANGE }, { "82 14a1 181c 43 820180", HF_ERR_RANGE },
		{ "82 14a1 181c 48 82018501010101 01", HF_ERR_RANGE },
		{ "82 14a1 181c 44 83018101", HF_ERR_UNSUPPORTED }, { "82 14a1 390102 40", HF_ERR_RANGE },
		{ "82 14a1 390102 4100", HF_ERR_RANGE },
		/* soft where nothing is around */
		{ "82 14a1 0df5", HF_ERR_UNSUPPORTED },
		/* nothing to invoke while installing */
		{ "82 1702", HF_ERR_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum hf_err err = walk(cases[i].hex, HF_SECTION_INSTALL);

		if (err != cases[i].err)
			print_error("%s\n", cases[i].hex);
		assert_int_equal(err, cases[i].err);
	}
}

static void section_decides_what_may_stand_in_it(void **state)
{
	static const enum hf_suit_section sections[] = { HF_SECTION_SHARED, HF_SECTION_VALIDATE, HF_SECTION_LOAD,
							 HF_SECTION_INVOKE, HF_SECTION_FETCH, HF_SECTION_INSTALL };

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		enum hf_suit_section s = sections[i];
		bool fetches = s == HF_SECTION_FETCH || s == HF_SECTION_INSTALL;
		bool own = s == HF_SECTION_VALIDATE || s == HF_SECTION_INSTALL;

		assert_int_equal(walk("82 1502", s), fetches ? HF_OK : HF_ERR_UNSUPPORTED);
		assert_int_equal(walk("82 1702", s), s == HF_SECTION_INVOKE ? HF_OK : HF_ERR_UNSUPPORTED);
		assert_int_equal(walk("82 14a1 390100 04", s), own ? HF_OK : HF_ERR_UNSUPPORTED);
		assert_int_equal(walk("82 14a1 0500", s), HF_OK);
	}
}

static void every_cut_sequence_is_refused(void **state)
{
	uint8_t buf[256];
	size_t len = from_hex("8a 0f83" SEQ_SLOT0_A SEQ_SLOT1_B "f6 1820" SEQ_A DIGEST "030f 14a1181c 45 8201 820101",
			      buf, sizeof(buf));

	(void)state;
	assert_int_equal(hf_suit_walk((struct hf_bytes){ buf, len }, HF_SECTION_INSTALL), HF_OK);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, buf, cut);
		assert_int_equal(hf_suit_walk((struct hf_bytes){ exact, cut }, HF_SECTION_INSTALL), HF_ERR_ENCODING);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(try_each_takes_the_first_that_holds, reset),
		cmocka_unit_test_setup(try_each_without_match_fails_with_its_last_error, reset),
		cmocka_unit_test_setup(try_each_with_nil_goes_on_without_match, reset),
		cmocka_unit_test_setup(try_each_with_hard_failure_does_not_go_on, reset),
		cmocka_unit_test_setup(run_sequence_fails_hard_unless_told_to_be_soft, reset),
		cmocka_unit_test_setup(run_sequence_that_fails_ends_the_alternative_around_it_hard, reset),
		cmocka_unit_test_setup(nested_try_each_without_match_is_a_failed_directive, reset),
		cmocka_unit_test_setup(nesting_up_to_the_limit_runs_and_beyond_is_refused, reset),
		cmocka_unit_test_setup(failed_directive_is_never_soft, reset),
		cmocka_unit_test_setup(fetch_without_uri_is_refused, reset),
		cmocka_unit_test_setup(image_match_is_soft_for_a_mismatch_only, reset),
		cmocka_unit_test_setup(identifiers_are_compared, reset),
		cmocka_unit_test_setup(versions_are_compared, reset),
		cmocka_unit_test_setup(version_condition_without_known_version_fails, reset),
		cmocka_unit_test_setup(own_parameters_are_read, reset),
		cmocka_unit_test_setup(last_override_counts, reset),
		cmocka_unit_test_setup(component_index_is_the_one_component, reset),
		cmocka_unit_test_setup(shared_sequence_runs_before_the_section, reset),
		cmocka_unit_test_setup(walk_refuses_what_the_profile_does_not_know, reset),
		cmocka_unit_test_setup(section_decides_what_may_stand_in_it, reset),
		cmocka_unit_test_setup(every_cut_sequence_is_refused, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
