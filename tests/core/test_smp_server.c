/* SPDX-License-Identifier: MIT
 *
 * The device's side of SMP over an engine that is played here: what reaches the engine, and what comes back. The same
 * server over the real engine is in test_smp_upload.c.
 */
#include "smp_world.h"

/* {"off": 0, "data": h'01020304', "len": 8, "sha": h'aabb'} */
#define FIRST "a4 636f666600 646461746144 01020304 636c656e08 63736861 42aabb"

static void echo_gives_the_text_back(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 0, 0, "a1 6164 6568656c6c6f");
	assert_body("a1 6172 6568656c6c6f");
	ask(1, HF_SMP_READ, 0, 0, "bf 6164 60 ff");
	assert_body("a1 6172 60");
}

static void echo_that_does_not_fit_the_answer_is_refused(void **state)
{
	uint8_t packet[900] = { 0x0a, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0x61, 'd', 0x79, 0x03, 0x20 };
	size_t len = 14 + 0x320;
	struct hf_cbor_reader r;

	(void)state;
	store_be16(packet + 2, (uint16_t)(len - 8));
	memset(packet + 14, 'x', 0x320);
	answer_len = hf_smp_serve(&server, (struct hf_bytes){ packet, len }, answer, sizeof answer);
	assert_true(answer_len <= sizeof answer);
	hf_cbor_open_final(&r, (struct hf_bytes){ answer + 8, answer_len - 8 });
	assert_err(r, HF_ERR_TOO_LARGE);
}

static void reset_is_only_asked_for(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 0, 5, "a1 65666f726365 01");
	assert_body("a0");
	assert_true(server.reset_wanted);
}

static void parameters_are_the_callers(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 0, 6, "a0");
	assert_body("a2 686275665f73697a65 190400 696275665f636f756e74 04");
}

static void list_shows_the_running_image_without_reading_it(void **state)
{
	(void)state;
	ask(0, HF_SMP_READ, 1, 0, "a0");
	assert_body("a1 66696d61676573 81 a8"
		    "64736c6f74 00 6776657273696f6e 68312e32302e333030"
		    "6468617368 5820 1111111111111111111111111111111111111111111111111111111111111111"
		    "68626f6f7461626c65 f5 6770656e64696e67 f4 69636f6e6669726d6564 f5 66616374697665 f5"
		    "697065726d616e656e74 f4");
}

static void list_shows_both_slots_and_a_pending_trial(void **state)
{
	(void)state;
	update.state.slot[1].state = HF_SLOT_TRIAL;
	ask(0, HF_SMP_READ, 1, 0, "");
	assert_body("a1 66696d61676573 82 a8"
		    "64736c6f74 00 6776657273696f6e 68312e32302e333030"
		    "6468617368 5820 1111111111111111111111111111111111111111111111111111111111111111"
		    "68626f6f7461626c65 f5 6770656e64696e67 f4 69636f6e6669726d6564 f5 66616374697665 f5"
		    "697065726d616e656e74 f4 a8"
		    "64736c6f74 01 6776657273696f6e 68312e312e302d7263"
		    "6468617368 5820 2222222222222222222222222222222222222222222222222222222222222222"
		    "68626f6f7461626c65 f5 6770656e64696e67 f5 69636f6e6669726d6564 f4 66616374697665 f4"
		    "697065726d616e656e74 f4");
}

static void list_reads_the_other_slot_once(void **state)
{
	(void)state;
	update.state.slot[1].state = HF_SLOT_WRITTEN;
	ask(0, HF_SMP_READ, 1, 0, "a0");
	ask(0, HF_SMP_READ, 1, 0, "a0");
	assert_int_equal(engine.heads, 1);
	ask(0, HF_SMP_WRITE, 1, 5, "a0");
	ask(0, HF_SMP_READ, 1, 0, "a0");
	assert_int_equal(engine.heads, 2);
}

static void list_during_an_upload_leaves_the_engine_alone(void **state)
{
	(void)state;
	update.state.slot[1].state = HF_SLOT_WRITTEN;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	ask(0, HF_SMP_READ, 1, 0, "a0");
	assert_int_equal(engine.heads, 0);
}

static void test_of_a_hash_activates_it(void **state)
{
	static const uint8_t id[HF_SHA256_BYTES] = { 0x22, 0x22, 0x22, 0x22 };

	(void)state;
	ask(1, HF_SMP_WRITE, 1, 0, "a2 6468617368 5820 2222222200000000000000000000000000000000000000000000000000000000"
		"67636f6e6669726d f4");
	assert_int_equal(engine.activates, 1);
	assert_memory_equal(engine.id, id, sizeof id);
	assert_int_equal(engine.confirms, 0);
}

static void activation_that_the_engine_refuses_is_an_error(void **state)
{
	(void)state;
	engine.err = HF_ERR_SIGNATURE;
	assert_err(ask(1, HF_SMP_WRITE, 1, 0,
		       "a1 6468617368 5820 2222222200000000000000000000000000000000000000000000000000000000"),
		   HF_ERR_SIGNATURE);
	assert_rc(ask(0, HF_SMP_WRITE, 1, 0,
		      "a1 6468617368 5820 2222222200000000000000000000000000000000000000000000000000000000"),
		  HF_SMP_RC_DENIED);
	assert_int_equal(server.refused, 2);
}

static void confirm_without_a_hash_confirms_what_runs(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 0, "a1 67636f6e6669726d f5");
	assert_int_equal(engine.confirms, 1);
	ask(0, HF_SMP_WRITE, 1, 0, "a2 67636f6e6669726d f5 6468617368 5820"
		"1111111111111111111111111111111111111111111111111111111111111111");
	assert_int_equal(engine.confirms, 2);
	assert_int_equal(engine.activates, 0);
}

static void confirm_of_what_never_ran_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 1, 0, "a2 67636f6e6669726d f5 6468617368 5820"
		       "2222222222222222222222222222222222222222222222222222222222222222"),
		   HF_ERR_ORDER);
	assert_untouched();
}

static void state_without_hash_or_with_a_short_one_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 1, 0, "a0"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 0, "a1 6468617368 42aabb"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 0, "a2 6468617368 42aabb 67636f6e6669726d f5"), HF_ERR_RANGE);
	assert_untouched();
}

static void upload_begins_and_answers_the_offset(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	assert_body("a1 636f6666 04");
	assert_int_equal(engine.begins, 1);
	assert_int_equal(engine.total, 8);
	assert_int_equal(engine.len, 4);
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746144 05060708");
	assert_body("a2 636f6666 08 656d61746368 f5");
	assert_int_equal(engine.off, 4);
}

/* Who asks for it is told up to where data is wanted; others get the answer that they know. */
static void upload_tells_where_the_wanted_data_ends_if_asked(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, "a5 636f666600 646461746144 01020304 636c656e08 63736861 42aabb 647570746f f5");
	assert_body("a1 636f6666 04");
	update.phase = HF_UPDATE_PAYLOAD;
	engine.wanted_end = 7;
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746141 05");
	assert_body("a2 636f6666 05 647570746f 07");
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666605 646461746143 060708");
	assert_body("a2 636f6666 08 656d61746368 f5");
	update.phase = HF_UPDATE_IDLE;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	update.phase = HF_UPDATE_PAYLOAD;
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746141 05");
	assert_body("a1 636f6666 05");
}

static void upload_with_the_same_sha_goes_on(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	assert_body("a1 636f6666 04");
	assert_int_equal(engine.begins, 1);
}

static void upload_done_with_the_same_sha_stays_done(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746144 05060708");
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	assert_body("a2 636f6666 08 656d61746368 f5");
	assert_int_equal(engine.begins, 1);
}

static void upload_with_another_sha_or_length_begins_anew(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	ask(0, HF_SMP_WRITE, 1, 1, "a4 636f666600 646461746144 01020304 636c656e08 63736861 42aabc");
	assert_int_equal(engine.begins, 2);
	ask(0, HF_SMP_WRITE, 1, 1, "a4 636f666600 646461746144 01020304 636c656e09 63736861 42aabc");
	assert_int_equal(engine.begins, 3);
	ask(0, HF_SMP_WRITE, 1, 1, "a3 636f666600 646461746144 01020304 636c656e09");
	assert_int_equal(engine.begins, 4);
	ask(0, HF_SMP_WRITE, 1, 1, "a3 636f666600 646461746144 01020304 636c656e09");
	assert_int_equal(engine.begins, 5);
}

static void upload_after_a_restart_wants_the_first_packet(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746144 05060708");
	assert_body("a1 636f6666 00");
	assert_untouched();
}

static void upload_that_the_engine_refuses_begins_anew_next_time(void **state)
{
	(void)state;
	engine.err = HF_ERR_DIGEST;
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, FIRST), HF_ERR_DIGEST);
	engine.err = HF_OK;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	assert_body("a1 636f6666 04");
	assert_int_equal(engine.begins, 2);
}

static void upload_with_fields_missing_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a0"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a1 646461746140"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a1 636f666600"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a2 636f666600 6464617461 40"), HF_ERR_RANGE);
	assert_untouched();
}

static void upload_with_a_longer_sha_than_any_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a4 636f666600 646461746144 01020304 636c656e08 63736861 5821"
		       "000000000000000000000000000000000000000000000000000000000000000000"),
		   HF_ERR_RANGE);
	assert_untouched();
	ask(1, HF_SMP_WRITE, 1, 1, "a4 636f666600 646461746144 01020304 636c656e08 63736861 5820"
	    "0000000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(engine.begins, 1);
}

static void upload_behind_the_announced_end_is_refused(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a2 636f666604 646461746145 0506070809"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a2 636f66661affffffff 646461746145 0506070809"), HF_ERR_RANGE);
	assert_int_equal(engine.writes, 1);
}

static void upload_of_another_image_number_is_refused(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 1, 1, "a4 65696d61676501 636f666600 646461746144 01020304 636c656e08"),
		   HF_ERR_NOT_FOUND);
	assert_untouched();
	ask(1, HF_SMP_WRITE, 1, 1, "a4 65696d61676500 636f666600 646461746144 01020304 636c656e08");
	assert_int_equal(engine.writes, 1);
}

static void upload_in_an_open_map_with_unknown_keys_is_taken(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 1,
	    "bf 636f6666 1800 6775706772616465 f4 636c656e 190008 6378787a 9f01 5f41004100ff bf6161fb3ff0000000000000ff ff"
	    "20 c11a00000000 6464617461 44 01020304 ff");
	assert_body("a1 636f6666 04");
	assert_int_equal(engine.total, 8);
}

static void erase_of_the_other_slot_reaches_the_engine(void **state)
{
	(void)state;
	ask(0, HF_SMP_WRITE, 1, 5, "");
	assert_body("a0");
	ask(0, HF_SMP_WRITE, 1, 5, "a1 64736c6f7401");
	assert_int_equal(engine.erases, 2);
	assert_err(ask(1, HF_SMP_WRITE, 1, 5, "a1 64736c6f7400"), HF_ERR_PROTECTED);
	assert_err(ask(1, HF_SMP_WRITE, 1, 5, "a1 64736c6f7402"), HF_ERR_NOT_FOUND);
	assert_int_equal(engine.erases, 2);
}

static void slot_info_gives_sizes_and_the_target(void **state)
{
	(void)state;
	ask(0, HF_SMP_READ, 1, 6, "");
	assert_body("a1 66696d61676573 81 a2 65696d616765 00 65736c6f7473 82"
		    "a2 64736c6f74 00 6473697a65 1a00060000"
		    "a3 64736c6f74 01 6473697a65 1a00060000 6f75706c6f61645f696d6167655f6964 00");
}

static void status_says_who_and_what_and_how_far(void **state)
{
	struct hf_cbor_reader r;
	struct hf_bytes key = { 0 };
	uint32_t n;

	(void)state;
	update.state.slot[1].sequence = UINT64_MAX;
	server.last_error = HF_ERR_CLASS;
	ask(0, HF_SMP_WRITE, 1, 1, FIRST);
	r = ask(1, HF_SMP_READ, 64, 0, "a0");
	n = hf_cbor_map(&r);
	assert_int_equal(n, 17);
	assert_int_equal(hf_cbor_tstr(&r).len, 5);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "reference", 9);
	for (uint32_t i = 1; i < n && !r.err; i++) {
		key = hf_cbor_tstr(&r);
		if (key.len == 3 && memcmp(key.ptr, "uid", 3) == 0)
			assert_memory_equal(hf_cbor_bstr(&r).ptr, device_id, 16);
		else if (key.len == 3 && memcmp(key.ptr, "off", 3) == 0)
			assert_int_equal(hf_cbor_uint(&r, UINT32_MAX), 4);
		else if (key.len == 5 && memcmp(key.ptr, "cause", 5) == 0)
			assert_int_equal(hf_cbor_uint(&r, 255), HF_RESET_WATCHDOG);
		else
			hf_cbor_skip(&r);
	}
	assert_memory_equal(key.ptr, "error", 5);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	assert_true(answer_len < HF_SMP_ANSWER_MAX - 64);
}

static void status_without_running_firmware_says_null(void **state)
{
	struct hf_cbor_reader r;

	(void)state;
	update.running = HF_SLOTS;
	update.running_known = false;
	r = ask(1, HF_SMP_READ, 64, 0, "a0");
	hf_cbor_map(&r);
	for (unsigned i = 0; i < 8; i++)
		hf_cbor_skip(&r);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "slot", 4);
	hf_cbor_null(&r);
	assert_int_equal(r.err, HF_OK);
}

static void counters_count(void **state)
{
	struct hf_smp_decoder decoder = { .dropped = 9 };

	(void)state;
	server.decoder = &decoder;
	ask(0, HF_SMP_READ, 9, 9, "a0");
	ask(0, HF_SMP_READ, 64, 1, "a0");
	assert_body("a3 687265717565737473 02 6772656675736564 01 6764726f70706564 09");
}

static void line_is_unknown_where_it_cannot_change(void **state)
{
	static const uint32_t rates[] = { 921600, 115200 };
	struct hf_smp_link link;

	(void)state;
	assert_rc(ask(1, HF_SMP_READ, 64, 2, "a0"), HF_SMP_RC_UNSUPPORTED);
	hf_smp_link_begin(&link, rates, 2);
	server.link = &link;
	ask(1, HF_SMP_READ, 64, 2, "a0");
	assert_body("a3 6462617564 1a000e1000 656672616d65 00 657261746573 82 1a000e1000 1a0001c200");
	ask(1, HF_SMP_WRITE, 64, 2, "a2 6462617564 1a0001c200 656672616d65 01");
	assert_body("a2 6462617564 1a0001c200 656672616d65 01");
	assert_true(hf_smp_link_sent(&link, 0));
	assert_err(ask(1, HF_SMP_WRITE, 64, 2, "a1 6462617564 01"), HF_ERR_RANGE);
	assert_untouched();
}

static void unknown_command_is_rc_8_in_both_versions(void **state)
{
	(void)state;
	assert_rc(ask(0, HF_SMP_READ, 0, 99, "a0"), HF_SMP_RC_UNSUPPORTED);
	assert_rc(ask(1, HF_SMP_READ, 9, 0, "a0"), HF_SMP_RC_UNSUPPORTED);
	assert_rc(ask(1, HF_SMP_READ, 1, 5, "a0"), HF_SMP_RC_UNSUPPORTED);
	assert_untouched();
}

static void later_version_is_rc_13(void **state)
{
	(void)state;
	assert_rc(ask(2, HF_SMP_WRITE, 0, 5, "a0"), HF_SMP_RC_TOO_NEW);
	assert_rc(ask(3, HF_SMP_WRITE, 1, 1, FIRST), HF_SMP_RC_TOO_NEW);
	assert_untouched();
}

static void answers_and_short_packets_get_no_answer(void **state)
{
	(void)state;
	ask_raw("0b00000100000000a0");
	assert_int_equal(answer_len, 0);
	ask_raw("0900000100000000a0");
	assert_int_equal(answer_len, 0);
	ask_raw("0c00000100000000a0");
	assert_int_equal(answer_len, 0);
	ask_raw("0a000001000000");
	assert_int_equal(answer_len, 0);
}

static void length_that_is_not_the_bodys_is_refused(void **state)
{
	struct hf_cbor_reader r;

	(void)state;
	ask_raw("0a00000200000500a0");
	hf_cbor_open_final(&r, (struct hf_bytes){ answer + 8, answer_len - 8 });
	assert_err(r, HF_ERR_RANGE);
	assert_untouched();
}

static void malformed_bodies_are_refused(void **state)
{
	static const struct {
		const char *body;
		enum hf_err err;
	} bad[] = {
		{ "a4 636f666600 646461746144 01020304 636c656e08", HF_ERR_ENCODING }, /* ends too early */
		{ "a2 636f666600 646461746144 01020304 636c656e08", HF_ERR_ENCODING }, /* something behind */
		{ "bf 636f666600 646461746144 01020304 636c656e08", HF_ERR_ENCODING }, /* never ends */
		{ "ff", HF_ERR_TYPE },
		{ "80", HF_ERR_TYPE },
		{ "f6", HF_ERR_TYPE },
		{ "bb ffffffffffffffff", HF_ERR_ENCODING },
		{ "ba ffffffff", HF_ERR_ENCODING },
		{ "a3 636f66666130 646461746144 01020304 636c656e08", HF_ERR_TYPE },   /* off: text */
		{ "a3 636f666620 646461746144 01020304 636c656e08", HF_ERR_TYPE },     /* off: negative */
		{ "a3 636f666600 646461746164 30313233 636c656e08", HF_ERR_TYPE },     /* data: text */
		{ "a3 636f66661b0000000100000000 646461746144 01020304 636c656e08", HF_ERR_RANGE },
		{ "a4 636f666600 636f666600 646461746144 01020304 636c656e08", HF_ERR_ENCODING }, /* off twice */
		{ "a3 636f666600 64646174615affffffff 01020304 636c656e08", HF_ERR_ENCODING },
		{ "a4 636f666600 6161 818181818181818181818101 646461746144 01020304 636c656e08", HF_ERR_UNSUPPORTED },
		{ "a4 636f666600 6161 fe 646461746144 01020304 636c656e08", HF_ERR_ENCODING },
		{ "a4 636f666600 6161 ff 646461746144 01020304 636c656e08", HF_ERR_ENCODING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_err(ask(1, HF_SMP_WRITE, 1, 1, bad[i].body), bad[i].err);
		assert_untouched();
	}
}

static void oversize_packet_is_answered_by_its_header(void **state)
{
	uint8_t packet[16];
	struct hf_cbor_reader r;

	(void)state;
	from_hex("0a0008000001 4d01", packet, sizeof packet);
	answer_len = hf_smp_serve_oversize(&server, (struct hf_bytes){ packet, 8 }, answer, sizeof answer);
	assert_int_equal(answer[6], 0x4d);
	hf_cbor_open_final(&r, (struct hf_bytes){ answer + 8, answer_len - 8 });
	assert_err(r, HF_ERR_TOO_LARGE);
	from_hex("020008000001 4d01", packet, sizeof packet);
	answer_len = hf_smp_serve_oversize(&server, (struct hf_bytes){ packet, 8 }, answer, sizeof answer);
	hf_cbor_open_final(&r, (struct hf_bytes){ answer + 8, answer_len - 8 });
	assert_rc(r, HF_SMP_RC_MESSAGE_SIZE);
	assert_untouched();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(echo_gives_the_text_back),
		T(echo_that_does_not_fit_the_answer_is_refused),
		T(reset_is_only_asked_for),
		T(parameters_are_the_callers),
		T(list_shows_the_running_image_without_reading_it),
		T(list_shows_both_slots_and_a_pending_trial),
		T(list_reads_the_other_slot_once),
		T(list_during_an_upload_leaves_the_engine_alone),
		T(test_of_a_hash_activates_it),
		T(activation_that_the_engine_refuses_is_an_error),
		T(confirm_without_a_hash_confirms_what_runs),
		T(confirm_of_what_never_ran_is_refused),
		T(state_without_hash_or_with_a_short_one_is_refused),
		T(upload_begins_and_answers_the_offset),
		T(upload_tells_where_the_wanted_data_ends_if_asked),
		T(upload_with_the_same_sha_goes_on),
		T(upload_done_with_the_same_sha_stays_done),
		T(upload_with_another_sha_or_length_begins_anew),
		T(upload_after_a_restart_wants_the_first_packet),
		T(upload_that_the_engine_refuses_begins_anew_next_time),
		T(upload_with_fields_missing_is_refused),
		T(upload_with_a_longer_sha_than_any_is_refused),
		T(upload_behind_the_announced_end_is_refused),
		T(upload_of_another_image_number_is_refused),
		T(upload_in_an_open_map_with_unknown_keys_is_taken),
		T(erase_of_the_other_slot_reaches_the_engine),
		T(slot_info_gives_sizes_and_the_target),
		T(status_says_who_and_what_and_how_far),
		T(status_without_running_firmware_says_null),
		T(counters_count),
		T(line_is_unknown_where_it_cannot_change),
		T(unknown_command_is_rc_8_in_both_versions),
		T(later_version_is_rc_13),
		T(answers_and_short_packets_get_no_answer),
		T(length_that_is_not_the_bodys_is_refused),
		T(malformed_bodies_are_refused),
		T(oversize_packet_is_answered_by_its_header),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
