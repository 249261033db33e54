/* SPDX-License-Identifier: MIT
 *
 * Several signatures, by keys of both kinds: on packages, as the device checks them, and on keysets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "board.h"
#include "crypto_mbed.h"
#include "host_crypto.h"
#include "keyset_file.h"
#include "lms_state.h"
#include "package_sign.h"
#include "pkcs11.h"
#include "scratch.h"

#define ROOTS 3

static struct hf_board board;
static struct hf_private_key esp, other, root[ROOTS];
static struct hf_lms_key lms;
static uint8_t image[4096];

static int make_keys(void **state)
{
	uint8_t seed[HF_LMS_SEED_BYTES] = {1};
	struct hf_diag diag;
	bool failed = hf_key_generate(&esp, &diag) || hf_key_generate(&other, &diag);

	(void)state;
	for (unsigned i = 0; i < ROOTS; i++)
		failed = failed || hf_key_generate(&root[i], &diag);
	store_le32(image, 0x20010000);
	store_le32(image + 4, 0x101);
	return failed || hf_lms_key_derive(&lms, seed, NULL, NULL) ||
			       hf_board_load(HF_SOURCE_ROOT "/boards/reference.conf", &board, &diag)
		       ? -1
		       : 0;
}

static int forget_keys(void **state)
{
	(void)state;
	hf_lms_key_wipe(&lms);
	return 0;
}

/* An LMS key in the scratch directory. */
static struct hf_signer *lms_signer(void)
{
	static char path[600];
	const struct hf_signer_options options = {.secret = NULL};
	struct hf_signer *signer;
	struct stat info;
	struct hf_diag diag;

	snprintf(path, sizeof(path), "%s/lms.pem", scratch_dir);
	if (stat(path, &info) != 0) {
		assert_int_equal(hf_key_write_lms(path, &lms, HF_ROLE_RELEASE, NULL, false, &diag), HF_OK);
		assert_int_equal(hf_file_write(scratch("lms.pem.leaves"), (struct hf_bytes){lms.leaf[0], HF_LMS_NODES_BYTES}, 0,
					       &diag), HF_OK);
		assert_int_equal(hf_lms_state_create(scratch("lms.pem.state"), lms.public_key + HF_LMS_PUBLIC_ID, NULL, &diag),
				 HF_OK);
	}
	assert_int_equal(hf_signer_open(path, &options, &signer, &diag), HF_OK);
	return signer;
}

static uint32_t lms_used(void)
{
	struct hf_lms_state state;
	struct hf_diag diag;

	assert_int_equal(hf_lms_state_read(scratch("lms.pem.state"), &state, &diag), HF_OK);
	return state.next;
}

static struct hf_package_spec make_spec(void)
{
	struct hf_package_spec spec = {
		.vendor_id = board.layout.vendor_id,
		.class_id = board.layout.class_id,
		.vendor_name = board.vendor_domain,
		.model_name = board.class_name,
		.description = "for the tests",
		.version = {3, {1, 1, 0}},
		.contents = 1,
	};

	spec.content[0].image = (struct hf_bytes){image, sizeof(image)};
	return spec;
}

static struct hf_buffer build(const struct hf_package_signers *by)
{
	struct hf_package_spec spec = make_spec();
	struct hf_buffer file;
	struct hf_diag diag;

	assert_int_equal(hf_package_place_for(&spec, by, &diag), HF_OK);
	assert_int_equal(hf_package_build_by(&spec, by, &file, &diag), HF_OK);
	return file;
}

static struct hf_keyset keyset_of(unsigned algs)
{
	struct hf_keyset keyset = {.number = 1, .keys = 2, .threshold = 1, .algs = (uint8_t)algs,
				   .alg = {HF_ALG_ESP256, HF_ALG_HSS_LMS}};

	keyset.key[0] = (struct hf_key){HF_ROLE_RELEASE, HF_ALG_ESP256, {esp.public_key, sizeof(esp.public_key)}};
	keyset.key[1] = (struct hf_key){HF_ROLE_RELEASE, HF_ALG_HSS_LMS, {lms.public_key, sizeof(lms.public_key)}};
	return keyset;
}

/* What a device says. */
static enum hf_err check(struct hf_bytes file, const struct hf_keyset *keyset)
{
	struct hf_envelope env;
	uint8_t id[HF_SHA256_BYTES];
	enum hf_err err = hf_envelope_parse(file, &env), host;

	assert_int_equal(err, HF_OK);
	err = hf_envelope_authenticate(&env, keyset, HF_ROLE_RELEASE, &hf_mbed_crypto, id);
	host = hf_envelope_authenticate(&env, keyset, HF_ROLE_RELEASE, &hf_host_crypto, id);
	assert_int_equal(err, host);
	return err;
}

/* Where a signature's bytes lie in the file. */
static size_t find_signature(const struct hf_buffer *file, size_t len)
{
	uint8_t header[3] = {0x58, (uint8_t)len, 0};
	size_t header_len = 2;

	if (len > 255) {
		header[0] = 0x59;
		store_be16(header + 1, (uint16_t)len);
		header_len = 3;
	}
	uint8_t *at = memmem(file->ptr, file->len, header, header_len);

	assert_non_null(at);
	return (size_t)(at - file->ptr) + header_len;
}

static void device_wants_all_that_the_keyset_demands(void **state)
{
	struct hf_signer *signer[] = {hf_signer_of_key(&esp), lms_signer()};
	const struct hf_package_signers one = {.signer = signer, .count = 1}, both = {.signer = signer, .count = 2};
	const struct hf_package_signers only_lms = {.signer = signer + 1, .count = 1};
	const struct hf_keyset esp_only = keyset_of(1), demands_both = keyset_of(2);
	struct hf_buffer file = build(&both);
	size_t at;

	(void)state;
	assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_OK);
	assert_int_equal(check(hf_buffer_bytes(&file), &esp_only), HF_OK);
	at = find_signature(&file, HF_LMS_SIGNATURE_BYTES);
	for (size_t i = 0; i < HF_LMS_SIGNATURE_BYTES; i += 97) {
		file.ptr[at + i] ^= 4;
		assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_ERR_SIGNATURE);
		assert_int_equal(check(hf_buffer_bytes(&file), &esp_only), HF_OK);
		file.ptr[at + i] ^= 4;
	}
	at = find_signature(&file, HF_P256_SIGNATURE_BYTES);
	file.ptr[at] ^= 4;
	assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_ERR_SIGNATURE);
	hf_buffer_free(&file);

	file = build(&one);
	assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_ERR_KEY);
	assert_int_equal(check(hf_buffer_bytes(&file), &esp_only), HF_OK);
	hf_buffer_free(&file);
	file = build(&only_lms);
	assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_ERR_KEY);
	hf_buffer_free(&file);
	hf_signer_close(signer[0]);
	hf_signer_close(signer[1]);
}

static void building_uses_one_one_time_key(void **state)
{
	struct hf_signer *signer[] = {hf_signer_of_key(&esp), lms_signer()};
	const struct hf_package_signers both = {.signer = signer, .count = 2};
	struct hf_package_spec spec = make_spec();
	struct hf_buffer file = build(&both);
	struct hf_diag diag;

	(void)state;
	hf_buffer_free(&file);
	assert_int_equal(lms_used(), 1);
	spec.content[0].image_offset = 512; /* no room for both signatures */
	assert_int_equal(hf_package_build_by(&spec, &both, &file, &diag), HF_ERR_TOO_LARGE);
	assert_int_equal(lms_used(), 1);
	hf_signer_close(signer[0]);
	hf_signer_close(signer[1]);
}

static void signature_that_comes_later_has_room(void **state)
{
	struct hf_signer *first = hf_signer_of_key(&esp), *later = lms_signer();
	const struct hf_package_signers leaves_room = {.signer = &first, .count = 1, .later = {HF_ALG_HSS_LMS}, .laters = 1};
	const struct hf_package_signers tight = {.signer = &first, .count = 1};
	const struct hf_keyset demands_both = keyset_of(2);
	struct hf_buffer file = build(&leaves_room), more;
	struct hf_package package;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(check(hf_buffer_bytes(&file), &demands_both), HF_ERR_KEY);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	assert_int_equal(hf_package_add_signatures(&package, &later, 1, &more, &diag), HF_OK);
	assert_int_equal(check(hf_buffer_bytes(&more), &demands_both), HF_OK);
	hf_buffer_free(&file);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&more), &package, &diag), HF_OK);
	assert_int_equal(package.signatures, 2);
	assert_int_equal(hf_package_add_signatures(&package, &later, 1, &file, &diag), HF_ERR_KEY);
	assert_int_equal(hf_package_add_signatures(&package, &first, 1, &file, &diag), HF_ERR_KEY);
	assert_int_equal(lms_used(), 1);
	hf_buffer_free(&more);

	file = build(&tight);
	assert_int_equal(hf_package_read(hf_buffer_bytes(&file), &package, &diag), HF_OK);
	assert_int_equal(hf_package_add_signatures(&package, &later, 1, &more, &diag), HF_ERR_TOO_LARGE);
	assert_int_equal(lms_used(), 1);
	hf_buffer_free(&file);
	hf_signer_close(first);
	hf_signer_close(later);
}

static void fifth_signature_is_refused(void **state)
{
	struct hf_signer *first = hf_signer_of_key(&esp), *next = hf_signer_of_key(&other);
	const struct hf_package_signers four = {.signer = &first, .count = 1,
						.later = {HF_ALG_ESP256, HF_ALG_ESP256, HF_ALG_ESP256, HF_ALG_ESP256}, .laters = 4};
	struct hf_package_spec spec = make_spec();
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_package_place_for(&spec, &four, &diag), HF_ERR_RANGE);
	hf_signer_close(first);
	hf_signer_close(next);
}

/* ---- keysets ---- */

static struct hf_keyset keyset_with_roots(uint32_t number, unsigned first, unsigned roots, unsigned threshold)
{
	struct hf_keyset keyset = keyset_of(1);

	keyset.number = number;
	keyset.threshold = (uint8_t)threshold;
	for (unsigned i = first; i < first + roots; i++)
		keyset.key[keyset.keys++] = (struct hf_key){HF_ROLE_ROOT, HF_ALG_ESP256, {root[i].public_key, 65}};
	return keyset;
}

static struct hf_keyset_file bare(const struct hf_keyset *keyset, uint8_t buf[HF_KEYSET_BYTES_MAX])
{
	struct hf_keyset_file file;
	size_t len;

	assert_int_equal(hf_keyset_encode(keyset, buf, HF_KEYSET_BYTES_MAX, &len), HF_OK);
	assert_int_equal(hf_keyset_file_read((struct hf_bytes){buf, len}, &file), HF_OK);
	assert_int_equal(file.count, 0);
	return file;
}

static void device_takes_a_keyset_of_two_signers(void **state)
{
	const struct hf_keyset old = keyset_with_roots(1, 0, 2, 2), new = keyset_with_roots(2, 1, 2, 1);
	uint8_t buf[HF_KEYSET_BYTES_MAX];
	struct hf_keyset_file file = bare(&new, buf), next;
	struct hf_signer *signer[] = {hf_signer_of_key(&root[0]), hf_signer_of_key(&root[1])};
	struct hf_keyset_signing signing = {.file = &file, .previous = &old, .signer = signer, .signers = 1};
	struct hf_keyset_count count;
	struct hf_buffer one, both;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_keyset_sign(&signing, &one, &diag), HF_OK);
	assert_int_equal(hf_keyset_accept(&old, hf_buffer_bytes(&one), &hf_mbed_crypto, &next), HF_ERR_THRESHOLD);
	assert_int_equal(hf_keyset_file_read(hf_buffer_bytes(&one), &file), HF_OK);
	assert_int_equal(hf_keyset_count(&file, &old, &count), HF_OK);
	assert_int_equal(count.old, 1);
	assert_int_equal(count.old_wanted, 2);
	assert_int_equal(count.own, 0); /* root 0 goes */
	assert_int_equal(count.own_wanted, 1);
	assert_int_equal(hf_keyset_sign(&signing, &both, &diag), HF_ERR_KEY); /* again */
	signing.signer = signer + 1;
	assert_int_equal(hf_keyset_sign(&signing, &both, &diag), HF_OK);
	assert_int_equal(hf_keyset_accept(&old, hf_buffer_bytes(&both), &hf_mbed_crypto, &next), HF_OK);
	assert_int_equal(next.keyset.number, 2);
	hf_buffer_free(&one);
	hf_buffer_free(&both);
	hf_signer_close(signer[0]);
	hf_signer_close(signer[1]);
}

static void lms_root_key_signs_keysets(void **state)
{
	struct hf_keyset old = keyset_with_roots(1, 0, 1, 2), new;
	uint8_t buf[HF_KEYSET_BYTES_MAX];
	struct hf_keyset_file file, next;
	struct hf_signer *signer[] = {hf_signer_of_key(&root[0]), lms_signer()};
	struct hf_keyset_signing signing = {.file = &file, .previous = &old, .signer = signer, .signers = 2};
	struct hf_buffer both;
	struct hf_diag diag;

	(void)state;
	old.key[old.keys++] = (struct hf_key){HF_ROLE_ROOT, HF_ALG_HSS_LMS, {lms.public_key, HF_LMS_PUBLIC_BYTES}};
	old.key[1].public_key = (struct hf_bytes){other.public_key, 65}; /* the same LMS key has one role */
	old.key[1].alg = HF_ALG_ESP256;
	new = old;
	new.number = 2;
	file = bare(&new, buf);
	assert_int_equal(hf_keyset_sign(&signing, &both, &diag), HF_OK);
	assert_true(both.len <= HF_KEYSET_FILE_MAX);
	assert_int_equal(hf_keyset_accept(&old, hf_buffer_bytes(&both), &hf_mbed_crypto, &next), HF_OK);
	hf_buffer_free(&both);
	hf_signer_close(signer[0]);
	hf_signer_close(signer[1]);
}

static void strangers_sign_no_keyset(void **state)
{
	const struct hf_keyset old = keyset_with_roots(1, 0, 2, 1), new = keyset_with_roots(2, 0, 2, 1);
	const struct hf_keyset theirs = keyset_with_roots(2, 2, 1, 1);
	uint8_t buf[HF_KEYSET_BYTES_MAX], their_buf[HF_KEYSET_BYTES_MAX];
	struct hf_keyset_file file = bare(&new, buf), their_file = bare(&theirs, their_buf);
	struct hf_signer *signer[] = {hf_signer_of_key(&root[2]), hf_signer_of_key(&esp)};
	struct hf_keyset_signing signing = {.file = &file, .previous = &old, .signer = signer, .signers = 1};
	struct hf_keyset_signing their_signing = {.file = &their_file, .signer = signer, .signers = 1};
	struct hf_buffer out, signed_by_them;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_keyset_sign(&signing, &out, &diag), HF_ERR_KEY);
	assert_non_null(strstr(diag.text, "no root key"));
	signing.signer = signer + 1; /* a release key */
	assert_int_equal(hf_keyset_sign(&signing, &out, &diag), HF_ERR_KEY);
	signing.signers = 0;
	assert_int_equal(hf_keyset_sign(&signing, &out, &diag), HF_ERR_KEY);
	assert_non_null(strstr(diag.text, "no signature yet"));
	assert_int_equal(hf_keyset_sign(&their_signing, &signed_by_them, &diag), HF_OK);
	assert_int_equal(hf_keyset_file_read(hf_buffer_bytes(&signed_by_them), &their_file), HF_OK);
	signing.more = &their_file;
	signing.mores = 1;
	assert_int_equal(hf_keyset_sign(&signing, &out, &diag), HF_ERR_KEY);
	assert_non_null(strstr(diag.text, "different keysets"));
	hf_buffer_free(&signed_by_them);
	hf_signer_close(signer[0]);
	hf_signer_close(signer[1]);
}

/* Boot's last page holds the bare keyset; a signed one in the journal is kept without its signatures, too. */
static void largest_keyset_fits_boots_last_page(void **state)
{
	struct hf_keyset keyset = {.number = UINT32_MAX, .keys = HF_KEYSET_MAX_KEYS, .algs = 2, .threshold = HF_KEYSET_MAX_KEYS,
				   .digests = HF_KEYSET_MAX_DIGESTS, .alg = {HF_ALG_ESP256, HF_ALG_HSS_LMS}};
	uint8_t buf[HF_KEYSET_BYTES_MAX];
	struct hf_keyset back;
	size_t len, used;

	(void)state;
	for (unsigned i = 0; i < HF_KEYSET_MAX_KEYS; i++)
		keyset.key[i] = (struct hf_key){HF_ROLE_ROOT, HF_ALG_ESP256, {esp.public_key, HF_P256_PUBLIC_BYTES}};
	for (unsigned i = 0; i < HF_KEYSET_MAX_DIGESTS; i++)
		keyset.digest[i] = image;
	assert_int_equal(hf_keyset_encode(&keyset, buf, sizeof(buf), &len), HF_OK);
	assert_int_equal(hf_keyset_parse((struct hf_bytes){buf, len}, &back, &used), HF_OK);
	assert_int_equal(back.threshold, HF_KEYSET_MAX_KEYS);
	assert_int_equal(back.digests, HF_KEYSET_MAX_DIGESTS);
	assert_true(len <= HF_KEYSET_BYTES_MAX);
	assert_true(HF_KEYSET_BYTES_MAX <= board.layout.keyset.size);
	assert_int_equal(len, 740);
}

/* ---- tokens' names ---- */

static void uri_is_taken_apart(void **state)
{
	struct hf_pkcs11_uri uri;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_pkcs11_uri_parse("pkcs11:token=My%20token;object=k;id=%01%fF;serial=7;type=private"
					     "?module-path=/m.so&pin-source=file:/p;q", &uri, &diag), HF_OK);
	assert_string_equal(uri.token, "My token");
	assert_string_equal(uri.object, "k");
	assert_string_equal(uri.serial, "7");
	assert_int_equal(uri.id_len, 2);
	assert_int_equal(uri.id[0], 1);
	assert_int_equal(uri.id[1], 0xff);
	assert_string_equal(uri.module, "/m.so");
	assert_string_equal(uri.pin_source, "/p;q");
	assert_int_equal(hf_pkcs11_uri_parse("pkcs11:", &uri, &diag), HF_OK);
	assert_string_equal(uri.token, "");
}

static void uri_that_is_not_understood_is_refused(void **state)
{
	static const char *const bad[] = {
		"token=x", "pkcs11:token", "pkcs11:token=%", "pkcs11:token=%1", "pkcs11:token=%zz", "pkcs11:colour=red",
		"pkcs11:type=cert", "pkcs11:token=x?module-name=y",
	};
	char text[400] = "pkcs11:token=";
	struct hf_pkcs11_uri uri;
	struct hf_diag diag;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hf_pkcs11_uri_parse(bad[i], &uri, &diag), HF_ERR_ENCODING);
	memset(text + strlen(text), 'x', 300);
	assert_int_equal(hf_pkcs11_uri_parse(text, &uri, &diag), HF_ERR_ENCODING);
	assert_int_equal(hf_pkcs11_uri_parse("pkcs11:token=x?pin-value=1", &uri, &diag), HF_ERR_DENIED);
	assert_null(strstr(diag.text, "pin-value=1"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(device_wants_all_that_the_keyset_demands),
		TEST(building_uses_one_one_time_key),
		TEST(signature_that_comes_later_has_room),
		TEST(fifth_signature_is_refused),
		TEST(device_takes_a_keyset_of_two_signers),
		TEST(lms_root_key_signs_keysets),
		TEST(strangers_sign_no_keyset),
		TEST(largest_keyset_fits_boots_last_page),
		TEST(uri_is_taken_apart),
		TEST(uri_that_is_not_understood_is_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, forget_keys);
}
