/* SPDX-License-Identifier: MIT
 *
 * Keyset and configuration over SMP, over a played engine: pieces in and out, and what hostile offsets may not do.
 */
#include "smp_world.h"

static struct hf_smp_store store;

/* A digest that is the bytes' sum, 32 times. */
static void sum_start(struct hf_sha256 *state)
{
	state->opaque[0] = 0;
}

static void sum_update(struct hf_sha256 *state, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		state->opaque[0] += ((const uint8_t *)data)[i];
}

static void sum_finish(struct hf_sha256 *state, uint8_t digest[HF_SHA256_BYTES])
{
	memset(digest, (uint8_t)state->opaque[0], HF_SHA256_BYTES);
}

static const struct hf_crypto crypto = { sum_start, sum_update, sum_finish, NULL };

static int begin(void **state)
{
	setup(state);
	memset(&store, 0xee, sizeof store);
	store.kind = 0;
	server.store = &store;
	update.env.crypto = &crypto;
	return 0;
}

#define KEYSET 3
#define CONFIG 4
#define SHA_OF_10 "63736861 5820 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define FIRST     "a3 636f666600 646461746142 0102 636c656e04"
#define FIRST_SHA "a4 636f666600 646461746142 0102 636c656e04" SHA_OF_10
#define REST      "a2 636f666602 646461746142 0304"

static void file_in_pieces_is_stored_when_complete(void **state)
{
	(void)state;
	for (unsigned id = KEYSET; id <= CONFIG; id++) {
		unsigned before = engine.keeps;

		ask(1, HF_SMP_WRITE, 64, id, FIRST);
		assert_body("a1 636f6666 02");
		assert_int_equal(engine.keeps, before);
		ask(1, HF_SMP_WRITE, 64, id, REST);
		assert_body("a2 636f6666 04 656d61746368 f5");
		assert_int_equal(engine.keeps, before + 1);
		assert_int_equal(engine.kind, id == KEYSET ? HF_LONGREC_KEYSET : HF_LONGREC_CONFIGURATION);
		assert_int_equal(engine.len, 4);
		assert_memory_equal(engine.kept, "\1\2\3\4", 4);
	}
}

static void configuration_of_no_bytes_removes_it(void **state)
{
	(void)state;
	engine.len = 9;
	ask(1, HF_SMP_WRITE, 64, CONFIG, "a3 636f666600 646461746140 636c656e00");
	assert_body("a2 636f6666 00 656d61746368 f5");
	assert_int_equal(engine.keeps, 1);
	assert_int_equal(engine.len, 0);
}

static void file_with_its_digest_is_checked(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
	ask(1, HF_SMP_WRITE, 64, CONFIG, REST);
	assert_body("a2 636f6666 04 656d61746368 f5");
	assert_int_equal(engine.keeps, 1);
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
	assert_err(ask(1, HF_SMP_WRITE, 64, CONFIG, "a2 636f666602 646461746142 0305"), HF_ERR_DIGEST);
	assert_int_equal(engine.keeps, 1);
	ask(1, HF_SMP_WRITE, 64, CONFIG, REST); /* and it begins anew */
	assert_body("a1 636f6666 00");
}

static void repeated_pieces_change_nothing(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
	assert_body("a1 636f6666 02");
	ask(1, HF_SMP_WRITE, 64, CONFIG, "a2 636f666601 646461746142 ffff"); /* the known byte stays, the new one is taken */
	assert_body("a1 636f6666 03");
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
	assert_body("a1 636f6666 03");
	assert_memory_equal(store.data, "\1\2\377", 3);
}

static void piece_from_further_on_is_ignored(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST);
	ask(1, HF_SMP_WRITE, 64, CONFIG, "a2 636f666603 646461746141 04");
	assert_body("a1 636f6666 02");
	assert_untouched();
}

static void first_piece_without_a_digest_begins_anew(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, CONFIG, "a3 636f666600 646461746143 090909 636c656e04");
	ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST);
	assert_body("a1 636f6666 02");
	ask(1, HF_SMP_WRITE, 64, CONFIG, REST);
	assert_memory_equal(engine.kept, "\1\2\3\4", 4);
}

static void device_that_has_forgotten_wants_the_first_piece(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, CONFIG, REST);
	assert_body("a1 636f6666 00");
	ask(1, HF_SMP_WRITE, 64, KEYSET, FIRST);
	ask(1, HF_SMP_WRITE, 64, CONFIG, REST); /* of the other one, which is not under way */
	assert_body("a1 636f6666 00");
	ask(1, HF_SMP_WRITE, 64, KEYSET, REST);
	assert_int_equal(engine.keeps, 1);
	assert_int_equal(engine.kind, HF_LONGREC_KEYSET);
}

static void refused_file_is_forgotten(void **state)
{
	(void)state;
	engine.err = HF_ERR_THRESHOLD;
	ask(1, HF_SMP_WRITE, 64, KEYSET, FIRST_SHA);
	assert_err(ask(1, HF_SMP_WRITE, 64, KEYSET, REST), HF_ERR_THRESHOLD);
	engine.err = HF_OK;
	ask(1, HF_SMP_WRITE, 64, KEYSET, REST);
	assert_body("a1 636f6666 00");
	ask(1, HF_SMP_WRITE, 64, KEYSET, FIRST_SHA);
	assert_body("a1 636f6666 02");
}

static void file_that_is_too_large_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 64, CONFIG, "a3 636f666600 646461746140 636c656e 190801"), HF_ERR_TOO_LARGE);
	ask(1, HF_SMP_WRITE, 64, CONFIG, "a3 636f666600 646461746140 636c656e 190800");
	assert_body("a1 636f6666 00");
	assert_err(ask(1, HF_SMP_WRITE, 64, KEYSET, "a3 636f666600 646461746140 636c656e 191001"), HF_ERR_TOO_LARGE);
	assert_err(ask(1, HF_SMP_WRITE, 64, KEYSET, "a3 636f666600 646461746140 636c656e 1affffffff"), HF_ERR_TOO_LARGE);
	ask(1, HF_SMP_WRITE, 64, KEYSET, "a3 636f666600 646461746140 636c656e 191000");
	assert_body("a1 636f6666 00");
}

static void hostile_offsets_are_refused(void **state)
{
	static const char *const bodies[] = {
		"a2 636f6666 05 646461746140",                     /* behind the end */
		"a2 636f6666 03 646461746142 0304",                /* over the end */
		"a2 636f6666 1affffffff 646461746142 0304",        /* wraps */
		"a2 636f6666 1b0000000100000000 646461746142 0304",
		"a3 636f666600 646461746145 0102030405 636c656e04", /* more than it says */
		"a2 636f666600 646461746142 0102",                 /* without its length */
		"a4 636f666600 646461746142 0102 636c656e04 63736861 42aabb",
		"a1 636f666600", "a1 646461746140", "a0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST_SHA);
		assert_err(ask(1, HF_SMP_WRITE, 64, CONFIG, bodies[i]), HF_ERR_RANGE);
	}
	assert_untouched();
}

static void largest_file_fits_and_its_neighbours_stay(void **state)
{
	static struct {
		struct hf_smp_store store;
		uint8_t guard[64];
	} guarded;
	uint8_t packet[1100], body[1090];
	struct hf_cbor_writer w;
	uint32_t off = 0;

	(void)state;
	memset(&guarded, 0, sizeof guarded);
	memset(guarded.guard, 0x5a, sizeof guarded.guard);
	server.store = &guarded.store;
	while (off < HF_KEYSET_FILE_MAX) {
		struct hf_smp_header h = { .version = 1, .op = HF_SMP_WRITE, .group = 64, .id = KEYSET };
		uint8_t data[1000];
		size_t n = HF_KEYSET_FILE_MAX - off < sizeof data ? HF_KEYSET_FILE_MAX - off : sizeof data;

		memset(data, (int)(off / 1000 + 1), sizeof data);
		hf_cbor_begin(&w, body, sizeof body);
		hf_cbor_put_map(&w, 3);
		hf_cbor_put_tstr(&w, "off");
		hf_cbor_put_uint(&w, off);
		hf_cbor_put_tstr(&w, "len");
		hf_cbor_put_uint(&w, HF_KEYSET_FILE_MAX);
		hf_cbor_put_tstr(&w, "data");
		hf_cbor_put_bstr(&w, data, n);
		h.len = (uint16_t)w.len;
		hf_smp_header_store(packet, &h);
		memcpy(packet + HF_SMP_HEADER_BYTES, body, w.len);
		answer_len = hf_smp_serve(&server, (struct hf_bytes){ packet, HF_SMP_HEADER_BYTES + w.len }, answer,
					  sizeof answer);
		off += (uint32_t)n;
	}
	assert_body("a2 636f6666 191000 656d61746368 f5");
	assert_int_equal(engine.len, HF_KEYSET_FILE_MAX);
	assert_int_equal(engine.kept[0], 1);
	assert_int_equal(engine.kept[HF_KEYSET_FILE_MAX - 1], 5);
	for (size_t i = 0; i < sizeof guarded.guard; i++)
		assert_int_equal(guarded.guard[i], 0x5a);
}

static void what_is_kept_is_read_in_pieces(void **state)
{
	uint8_t got[1500];
	size_t off = 0;

	(void)state;
	engine.len = sizeof got;
	for (size_t i = 0; i < engine.len; i++)
		engine.kept[i] = (uint8_t)(i * 11);
	while (off < sizeof got) {
		char body[64];
		struct hf_bytes data;

		snprintf(body, sizeof body, "a1 636f6666 19%04x", (unsigned)off);
		struct hf_cbor_reader r = ask(1, HF_SMP_READ, 64, CONFIG, body);
		assert_int_equal(hf_cbor_map(&r), 3);
		(void)hf_cbor_tstr(&r);
		assert_int_equal(hf_cbor_uint(&r, UINT32_MAX), off);
		(void)hf_cbor_tstr(&r);
		assert_int_equal(hf_cbor_uint(&r, UINT32_MAX), sizeof got);
		(void)hf_cbor_tstr(&r);
		data = hf_cbor_bstr(&r);
		assert_int_equal(hf_cbor_close(&r), HF_OK);
		assert_true(data.len > 0 && data.len <= sizeof got - off);
		memcpy(got + off, data.ptr, data.len);
		off += data.len;
	}
	assert_memory_equal(got, engine.kept, sizeof got);
	ask(1, HF_SMP_READ, 64, KEYSET, "a1 636f6666 1905dc");
	assert_body("a3 636f6666 1905dc 636c656e 1905dc 6464617461 40");
	assert_int_equal(engine.kind, HF_LONGREC_KEYSET);
	assert_err(ask(1, HF_SMP_READ, 64, KEYSET, "a1 636f6666 1905dd"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, KEYSET, "a1 636f6666 1affffffff"), HF_ERR_RANGE);
}

static void nothing_kept_is_read_as_nothing(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, CONFIG, "a0");
	assert_body("a3 636f6666 00 636c656e 00 6464617461 40");
}

static void device_without_a_store_has_no_such_command(void **state)
{
	(void)state;
	server.store = NULL;
	assert_rc(ask(1, HF_SMP_WRITE, 64, KEYSET, FIRST), HF_SMP_RC_UNSUPPORTED);
	assert_rc(ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST), HF_SMP_RC_UNSUPPORTED);
	assert_untouched();
}

static void access_rule_is_asked_before_anything_is_taken(void **state)
{
	(void)state;
	server.access = HF_ACCESS_LOCAL;
	server.network = true;
	assert_err(ask(1, HF_SMP_WRITE, 64, KEYSET, FIRST), HF_ERR_DENIED);
	assert_err(ask(1, HF_SMP_WRITE, 64, CONFIG, FIRST), HF_ERR_DENIED);
	assert_int_equal(store.kind, 0);
	ask(1, HF_SMP_READ, 64, CONFIG, "a0");
	assert_body("a3 636f6666 00 636c656e 00 6464617461 40");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(file_in_pieces_is_stored_when_complete),
		TEST(configuration_of_no_bytes_removes_it),
		TEST(file_with_its_digest_is_checked),
		TEST(repeated_pieces_change_nothing),
		TEST(piece_from_further_on_is_ignored),
		TEST(first_piece_without_a_digest_begins_anew),
		TEST(device_that_has_forgotten_wants_the_first_piece),
		TEST(refused_file_is_forgotten),
		TEST(file_that_is_too_large_is_refused),
		TEST(hostile_offsets_are_refused),
		TEST(largest_file_fits_and_its_neighbours_stay),
		TEST(what_is_kept_is_read_in_pieces),
		TEST(nothing_kept_is_read_as_nothing),
		TEST(device_without_a_store_has_no_such_command),
		TEST(access_rule_is_asked_before_anything_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
