/* SPDX-License-Identifier: MIT
 *
 * Keyset and configuration of a device: replaced, refused, cut, and what it means for firmware. Packages and keysets are
 * truly signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "sign.h"
#include "world.h"

#define ROOTS 3

static struct maker maker, next_maker; /* whose release keys are the old and the new one */
static struct hf_private_key root[ROOTS];
static struct package v0, v1, next_v1, next_recovery;
static struct device device;
static struct hf_trust trust;

static uint8_t factory_page[2048];

struct spec {
	uint32_t number;
	bool old_key, new_key; /* which release keys it has */
	const struct package *grandfathered;
};

static struct hf_key key_of(enum hf_role role, const struct hf_private_key *key)
{
	return (struct hf_key){ (uint8_t)role, HF_ALG_ESP256, { key->public_key, sizeof key->public_key } };
}

static size_t encode_keyset(const struct spec *s, uint8_t *buf, size_t cap)
{
	struct hf_keyset k = { .number = s->number, .algs = 1, .alg = { HF_ALG_ESP256 }, .threshold = 2 };
	size_t len;

	for (unsigned i = 0; i < ROOTS; i++)
		k.key[k.keys++] = key_of(HF_ROLE_ROOT, &root[i]);
	if (s->old_key)
		k.key[k.keys++] = key_of(HF_ROLE_RELEASE, &maker.key);
	if (s->new_key)
		k.key[k.keys++] = key_of(HF_ROLE_RELEASE, &next_maker.key);
	if (s->grandfathered)
		k.digest[k.digests++] = s->grandfathered->id;
	assert_int_equal(hf_keyset_encode(&k, buf, cap, &len), HF_OK);
	return len;
}

static void put_signature(struct hf_cbor_writer *w, struct hf_bytes keyset, const struct hf_private_key *key)
{
	static const uint8_t header[] = { 0xa1, 0x01, 0x28 };
	uint8_t message[1200], signature[HF_P256_SIGNATURE_BYTES];
	struct hf_cbor_writer m;
	size_t outer = hf_cbor_wrap(w);

	hf_cbor_begin(&m, message, sizeof message);
	hf_cbor_put_array(&m, 4);
	hf_cbor_put_tstr(&m, "Signature1");
	hf_cbor_put_bstr(&m, header, sizeof header);
	hf_cbor_put_bstr(&m, "holdfast keyset", 15);
	hf_cbor_put_bstr(&m, keyset.ptr, keyset.len);
	assert_int_equal(hf_sign_p256(key->secret, (struct hf_bytes){ message, m.len }, signature), HF_OK);
	hf_cbor_put_tag(w, 18);
	hf_cbor_put_array(w, 4);
	hf_cbor_put_bstr(w, header, sizeof header);
	hf_cbor_put_map(w, 0);
	hf_cbor_put_null(w);
	hf_cbor_put_bstr(w, signature, sizeof signature);
	hf_cbor_unwrap(w, outer);
}

/* Signed by the root keys 0 and 1. */
static struct hf_bytes make_file(const struct spec *s)
{
	static uint8_t file[4][2048];
	static unsigned place;
	uint8_t keyset[HF_KEYSET_BYTES_MAX];
	size_t len = encode_keyset(s, keyset, sizeof keyset);
	struct hf_cbor_writer w;

	place = (place + 1) % 4;
	hf_cbor_begin(&w, file[place], sizeof file[place]);
	hf_cbor_put_array(&w, 2);
	hf_cbor_put_bstr(&w, keyset, len);
	hf_cbor_put_array(&w, 2);
	put_signature(&w, (struct hf_bytes){ keyset, len }, &root[0]);
	put_signature(&w, (struct hf_bytes){ keyset, len }, &root[1]);
	assert_int_equal(w.err, HF_OK);
	return (struct hf_bytes){ file[place], w.len };
}

/* The gateway's start, once boot has started v0. */
static void open_gateway(void)
{
	sim_flash_power_on(&device.flash);
	device.update.trust = &trust;
	device.update.factory_keyset = (struct hf_bytes){ factory_page, sizeof factory_page };
	assert_int_equal(device_open_update(&device), HF_OK);
}

static struct device ready;

static int make_world(void **state)
{
	struct hf_diag diag;

	(void)state;
	maker_open(&maker, &layouts[0]);
	maker_open(&next_maker, &layouts[0]);
	for (unsigned i = 0; i < ROOTS; i++)
		assert_int_equal(hf_key_generate(&root[i], &diag), HF_OK);
	maker_pack(&maker, 0, 1, 6000, &v0);
	maker_pack(&maker, 1, 1, 6000, &v1);
	maker_pack(&next_maker, 1, 1, 6000, &next_v1);
	maker_pack_recovery(&next_maker, 1, 1, 6000, &next_recovery);
	memset(factory_page, 0xff, sizeof factory_page);
	(void)encode_keyset(&(struct spec){ .number = 1, .old_key = true }, factory_page, sizeof factory_page);
	device_open(&ready, &maker);
	ready.known[0] = &v0;
	device_install_factory(&ready, &v0);
	device_boot(&ready);
	assert_int_equal(device_confirm(&ready), HF_OK);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	device_close(&ready);
	hf_buffer_free(&v0.file);
	hf_buffer_free(&v1.file);
	hf_buffer_free(&next_v1.file);
	hf_buffer_free(&next_recovery.file);
	return 0;
}

/* A device that runs v0, confirmed, with the factory's keyset. */
static int start(void **state)
{
	(void)state;
	device_open(&device, &maker);
	sim_flash_copy(&device.flash, &ready.flash);
	device.running = 0;
	open_gateway();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	device_close(&device);
	return 0;
}

static enum hf_err keep(struct hf_bytes file)
{
	return hf_update_keep(&device.update, HF_LONGREC_KEYSET, file);
}

static const struct spec both_keys = { .number = 2, .old_key = true, .new_key = true };
static const struct spec new_key_only = { .number = 3, .new_key = true };
static const struct spec new_key_and_v0 = { .number = 3, .new_key = true, .grandfathered = &v0 };

static void factory_keyset_counts_at_first(void **state)
{
	(void)state;
	assert_int_equal(trust.keyset.number, 1);
	assert_false(trust.replaced);
	assert_int_equal(device_upload(&device, &next_v1), HF_ERR_SIGNATURE);
}

static void keyset_with_a_new_key_counts_at_once_and_after_a_restart(void **state)
{
	(void)state;
	assert_int_equal(keep(make_file(&both_keys)), HF_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(device.update.env.keyset->number, 2);
		assert_int_equal(trust.keyset.keys, ROOTS + 2);
		assert_true(trust.replaced);
		open_gateway();
	}
	assert_int_equal(device_upload(&device, &next_v1), HF_OK);
	assert_int_equal(device_upload(&device, &v1), HF_OK);
}

static void keyset_under_which_nothing_starts_is_refused(void **state)
{
	unsigned long before = device.flash.operation;

	(void)state;
	assert_int_equal(keep(make_file(&new_key_only)), HF_ERR_LOCKOUT);
	assert_int_equal(device.flash.operation, before);
	assert_int_equal(trust.keyset.number, 1);
	open_gateway();
	assert_int_equal(trust.keyset.number, 1);
}

/* The one that runs is revoked: it may stay, and nothing by its key is installed any more. */
static void revoked_firmware_that_is_named_is_grandfathered(void **state)
{
	struct hf_image image;

	(void)state;
	assert_int_equal(keep(make_file(&new_key_and_v0)), HF_OK);
	assert_int_equal(hf_slot_verify(&device.update.env, 0, &device.update.work, &image), HF_OK);
	assert_true(image.grandfathered);
	assert_int_equal(device_upload(&device, &v1), HF_ERR_SIGNATURE);
	assert_int_equal(device_upload(&device, &v0), HF_ERR_KEY);
	assert_int_equal(device_upload(&device, &next_v1), HF_OK);
	assert_int_equal(hf_slot_verify(&device.update.env, 1, &device.update.work, &image), HF_OK);
	assert_false(image.grandfathered);
}

static void firmware_that_has_rotted_is_no_way_back(void **state)
{
	(void)state;
	device.flash.mem[layouts[0].slot[0].addr - 0x08000000 + 5000] ^= 1;
	/* Nothing starts under the old one either: nothing is lost. */
	assert_int_equal(keep(make_file(&new_key_and_v0)), HF_OK);
	device.flash.mem[layouts[0].slot[0].addr - 0x08000000 + 5000] ^= 1;
	open_gateway();
	assert_true(device.update.running_image.grandfathered);
}

/* Recovery is a way back, too: it brings firmware in that the new key has signed. */
static void keyset_under_which_recovery_starts_is_accepted(void **state)
{
	struct device other;

	(void)state;
	device_open(&other, &next_maker);
	device_install_factory_recovery(&other, &next_recovery);
	memcpy(device.flash.mem + (layouts[0].recovery.addr - 0x08000000),
	       other.flash.mem + (layouts[0].recovery.addr - 0x08000000), layouts[0].recovery.size);
	device_close(&other);
	assert_int_equal(keep(make_file(&new_key_only)), HF_OK);
	open_gateway();
	assert_int_equal(device.update.recovery.fact, HF_FACT_GOOD);
	assert_false(device.update.running_known);
	device.flash.mem[layouts[0].recovery.addr - 0x08000000 + 3000] ^= 1;
	assert_int_equal(keep(make_file(&(struct spec){ .number = 4, .old_key = true })), HF_OK); /* v0 starts again */
	device.flash.mem[layouts[0].recovery.addr - 0x08000000 + 3000] ^= 1;
	assert_int_equal(keep(make_file(&(struct spec){ .number = 5 })), HF_ERR_LOCKOUT);
}

static void older_keyset_is_refused_and_the_same_one_changes_nothing(void **state)
{
	unsigned long before;

	(void)state;
	assert_int_equal(keep(make_file(&new_key_and_v0)), HF_OK);
	before = device.flash.operation;
	assert_int_equal(keep(make_file(&new_key_and_v0)), HF_OK);
	assert_int_equal(keep(make_file(&both_keys)), HF_ERR_KEYSET_NUMBER);
	assert_int_equal(keep(make_file(&new_key_only)), HF_ERR_KEYSET_NUMBER);
	assert_int_equal(device.flash.operation, before);
	assert_int_equal(trust.keyset.number, 3);
}

static void factory_keyset_sent_again_changes_nothing(void **state)
{
	unsigned long before = device.flash.operation;

	(void)state;
	assert_int_equal(keep(make_file(&(struct spec){ .number = 1, .old_key = true })), HF_OK);
	assert_int_equal(device.flash.operation, before);
	assert_false(trust.replaced);
}

static void forged_keyset_changes_nothing(void **state)
{
	struct hf_bytes file = make_file(&both_keys);
	uint8_t forged[2048];
	unsigned long before = device.flash.operation;

	(void)state;
	memcpy(forged, file.ptr, file.len);
	for (size_t i = 0; i < file.len; i++) {
		forged[i] ^= 0x04;
		assert_int_not_equal(keep((struct hf_bytes){ forged, file.len }), HF_OK);
		forged[i] ^= 0x04;
	}
	assert_int_equal(device.flash.operation, before);
	assert_int_equal(trust.keyset.number, 1);
}

static void keyset_during_an_upload_has_to_wait(void **state)
{
	(void)state;
	assert_int_equal(hf_update_begin(&device.update, (uint32_t)v1.file.len), HF_OK);
	assert_int_equal(keep(make_file(&both_keys)), HF_ERR_BUSY);
	assert_int_equal(device_upload(&device, &v1), HF_OK);
	assert_int_equal(keep(make_file(&both_keys)), HF_OK);
}

static void device_without_a_place_for_it_refuses_a_keyset(void **state)
{
	(void)state;
	device.update.trust = NULL;
	assert_int_equal(keep(make_file(&both_keys)), HF_ERR_UNSUPPORTED);
}

static void newer_factory_keyset_outdoes_the_journals(void **state)
{
	uint8_t kept[sizeof factory_page];

	(void)state;
	memcpy(kept, factory_page, sizeof kept);
	assert_int_equal(keep(make_file(&both_keys)), HF_OK);
	(void)encode_keyset(&(struct spec){ .number = 7, .old_key = true }, factory_page, sizeof factory_page);
	open_gateway();
	assert_int_equal(trust.keyset.number, 7);
	assert_false(trust.replaced);
	memset(factory_page, 0xff, sizeof factory_page); /* and a page that was lost does not hide it */
	open_gateway();
	assert_int_equal(trust.keyset.number, 2);
	memcpy(factory_page, kept, sizeof kept);
}

static void device_without_any_keyset_goes_on_and_installs_nothing(void **state)
{
	uint8_t kept[sizeof factory_page];

	(void)state;
	memcpy(kept, factory_page, sizeof kept);
	memset(factory_page, 0xff, sizeof factory_page);
	assert_int_equal(device_open_update(&device), HF_ERR_KEYSET);
	assert_true(hf_journal_free(&device.update.journal) > 0);
	assert_int_equal(hf_update_begin(&device.update, (uint32_t)v1.file.len), HF_OK);
	assert_int_equal(hf_update_write(&device.update, 0, v1.file.ptr, v1.file.len), HF_ERR_KEYSET);
	memcpy(factory_page, kept, sizeof kept);
}

static void keyset_cut_at_every_operation_is_old_or_new(void **state)
{
	struct hf_bytes file = make_file(&new_key_and_v0);
	unsigned long cases = 0;
	bool whole = false;

	(void)state;
	for (unsigned long at = 1; !whole; at += SHARE) {
		for (int cut = SIM_CUT_BEFORE; cut < SIM_CUTS; cut++) {
			jmp_buf lost;

			device_close(&device);
			start(NULL);
			device.flash.power_lost = &lost;
			device.flash.operation = 0;
			device.flash.cut_at = at;
			device.flash.cut = (enum sim_cut)cut;
			if (setjmp(lost) == 0) {
				assert_int_equal(keep(file), HF_OK);
				whole = true;
			}
			device.flash.cut_at = 0;
			open_gateway();
			assert_true(trust.keyset.number == 1 || trust.keyset.number == 3);
			assert_true(device.update.running_known);
			assert_int_equal(keep(file), HF_OK);
			open_gateway();
			assert_int_equal(trust.keyset.number, 3);
			open_gateway();
			assert_int_equal(trust.keyset.number, 3);
			cases++;
		}
	}
	print_message("# %lu cuts\n", cases);
}

static enum hf_err configure(const uint8_t *bytes, size_t len)
{
	return hf_update_keep(&device.update, HF_LONGREC_CONFIGURATION, (struct hf_bytes){ bytes, len });
}

static uint32_t configuration_bytes(void)
{
	uint8_t byte;
	uint32_t total;
	size_t len;

	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_CONFIGURATION, 0, &byte, 1, &len, &total), HF_OK);
	return total;
}

static void configuration_is_read_as_it_was_written(void **state)
{
	uint8_t bytes[700], got[700];
	uint32_t total;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(configuration_bytes(), 0);
	assert_int_equal(configure(bytes, sizeof bytes), HF_OK);
	assert_int_equal(keep(make_file(&both_keys)), HF_OK);
	assert_int_equal(device_upload(&device, &v1), HF_OK);
	open_gateway();
	for (uint32_t off = 0; off < sizeof bytes; off += 99) {
		size_t want = sizeof bytes - off < 99 ? sizeof bytes - off : 99;

		assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_CONFIGURATION, off, got, 99, &len, &total), HF_OK);
		assert_int_equal(total, sizeof bytes);
		assert_int_equal(len, want);
		assert_memory_equal(got, bytes + off, len);
	}
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_CONFIGURATION, 700, got, 99, &len, &total), HF_OK);
	assert_int_equal(len, 0);
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_CONFIGURATION, 701, got, 99, &len, &total), HF_ERR_RANGE);
	assert_int_equal(configure(NULL, 0), HF_OK);
	open_gateway();
	assert_int_equal(configuration_bytes(), 0);
	assert_int_equal(trust.keyset.number, 2);
}

static void keyset_is_read_as_it_is_trusted(void **state)
{
	uint8_t got[HF_KEYSET_BYTES_MAX], want[HF_KEYSET_BYTES_MAX];
	size_t want_len = encode_keyset(&both_keys, want, sizeof want), len;
	uint32_t total;

	(void)state;
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_KEYSET, 0, got, sizeof got, &len, &total), HF_OK);
	assert_memory_equal(got, factory_page, len);
	assert_int_equal(keep(make_file(&both_keys)), HF_OK);
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_KEYSET, 0, got, sizeof got, &len, &total), HF_OK);
	assert_int_equal(total, want_len);
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_KEYSET, 10, got, 5, &len, &total), HF_OK);
	assert_int_equal(len, 5);
	assert_memory_equal(got, want + 10, len);
	assert_int_equal(hf_update_kept(&device.update, HF_LONGREC_KEYSET, total + 1, got, 5, &len, &total), HF_ERR_RANGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(factory_keyset_counts_at_first),
		TEST(keyset_with_a_new_key_counts_at_once_and_after_a_restart),
		TEST(keyset_under_which_nothing_starts_is_refused),
		TEST(revoked_firmware_that_is_named_is_grandfathered),
		TEST(firmware_that_has_rotted_is_no_way_back),
		TEST(keyset_under_which_recovery_starts_is_accepted),
		TEST(older_keyset_is_refused_and_the_same_one_changes_nothing),
		TEST(factory_keyset_sent_again_changes_nothing),
		TEST(forged_keyset_changes_nothing),
		TEST(keyset_during_an_upload_has_to_wait),
		TEST(device_without_a_place_for_it_refuses_a_keyset),
		TEST(newer_factory_keyset_outdoes_the_journals),
		TEST(device_without_any_keyset_goes_on_and_installs_nothing),
		TEST(keyset_cut_at_every_operation_is_old_or_new),
		TEST(configuration_is_read_as_it_was_written),
		TEST(keyset_is_read_as_it_is_trusted),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
