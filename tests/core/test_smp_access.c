/* SPDX-License-Identifier: MIT
 *
 * Who may change a device, and the commands for a device that works, over a played engine.
 */
#include "smp_world.h"

static struct hf_smp_store store;

/* Everything that changes a device, with a request that would be obeyed. */
static const struct {
	unsigned group, id;
	const char *body;
} changing[] = {
	{ 0, 5, "a0" },
	{ 1, 0, "a1 67636f6e6669726d f5" },
	{ 1, 1, "a3 636f666600 646461746144 01020304 636c656e08" },
	{ 1, 5, "a0" },
	{ 64, 3, "a3 636f666600 646461746140 636c656e00" },
	{ 64, 4, "a3 636f666600 646461746140 636c656e00" },
	{ 64, 5, "a0" },
	{ 64, 7, "a0" },
	{ 64, 8, "a0" },
};

static void refused_everything(void)
{
	for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++) {
		assert_err(ask(1, HF_SMP_WRITE, changing[i].group, changing[i].id, changing[i].body), HF_ERR_DENIED);
		assert_rc(ask(0, HF_SMP_WRITE, changing[i].group, changing[i].id, changing[i].body), HF_SMP_RC_DENIED);
	}
	assert_untouched();
	assert_false(server.recovery_wanted);
}

static void obeyed_everything(void)
{
	for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++) {
		ask(1, HF_SMP_WRITE, changing[i].group, changing[i].id, changing[i].body);
		assert_int_equal(server.last_error, HF_OK);
	}
	assert_int_equal(engine.confirms + engine.begins + engine.erases + engine.rollbacks + engine.factories, 5);
	assert_int_equal(engine.keeps, 2);
	assert_true(server.reset_wanted);
}

static void open_access_lets_the_network_change(void **state)
{
	(void)state;
	server.network = true;
	obeyed_everything();
}

static void local_access_lets_the_maintenance_port_change(void **state)
{
	(void)state;
	server.access = HF_ACCESS_LOCAL;
	obeyed_everything();
}

static void local_access_refuses_the_network(void **state)
{
	(void)state;
	server.access = HF_ACCESS_LOCAL;
	server.network = true;
	refused_everything();
}

static void signed_access_without_a_session_refuses_everybody(void **state)
{
	(void)state;
	server.access = HF_ACCESS_SIGNED;
	refused_everything();
}

static void unknown_access_rule_refuses(void **state)
{
	(void)state;
	server.access = 77;
	refused_everything();
}

static void refused_peer_may_read_and_echo(void **state)
{
	(void)state;
	server.access = HF_ACCESS_SIGNED;
	ask(0, HF_SMP_WRITE, 0, 0, "a1 6164 6568656c6c6f");
	assert_body("a1 6172 6568656c6c6f");
	ask(1, HF_SMP_READ, 64, 1, "a0");
	ask(1, HF_SMP_READ, 1, 0, "a0");
	assert_int_equal(server.last_error, HF_OK);
}

/* ---- sessions ---- */

#define SITE    "53" /* what keys are, and signatures of theirs: repeated */
#define RELEASE "52"

static uint8_t signed_message[256];
static size_t signed_len;
static uint32_t clock_ms;
static enum hf_err random_err;

/* A signature is right if it begins with its key's first byte. */
static enum hf_err verify_played(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	assert_true(message.len <= sizeof signed_message);
	memcpy(signed_message, message.ptr, message.len);
	signed_len = message.len;
	if (alg != HF_ALG_ESP256)
		return HF_ERR_UNSUPPORTED;
	return signature.len > 0 && signature.ptr[0] == key.ptr[0] ? HF_OK : HF_ERR_SIGNATURE;
}

static const struct hf_crypto crypto_played = { .verify = verify_played };
static const uint8_t key_bytes[3] = { 0x54, 0x52, 0x53 };
static struct hf_keyset keyset;

static uint32_t now_played(void)
{
	return clock_ms;
}

static int random_byte = 0xa5;

static enum hf_err random_played(uint8_t *buf, size_t len)
{
	memset(buf, random_byte, len);
	return random_err;
}

static int setup_signed(void **state)
{
	static const uint8_t roles[3] = { HF_ROLE_ROOT, HF_ROLE_RELEASE, HF_ROLE_SITE };

	setup(state);
	memset(&store, 0, sizeof store);
	server.store = &store;
	server.access = HF_ACCESS_SIGNED;
	server.network = true;
	server.now_ms = now_played;
	server.random = random_played;
	clock_ms = 4294967000u; /* soon wraps */
	random_err = HF_OK;
	random_byte = 0xa5;
	keyset = (struct hf_keyset){ .number = 7, .keys = 3 };
	for (unsigned i = 0; i < 3; i++)
		keyset.key[i] = (struct hf_key){ roles[i], HF_ALG_ESP256, { &key_bytes[i], 1 } };
	update.env.keyset = &keyset;
	update.env.crypto = &crypto_played;
	return 0;
}

static void open_session(void)
{
	ask(1, HF_SMP_READ, 64, 9, "a0");
	ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE);
	assert_body("a0");
}

static void session_signs_device_and_nonce_and_then_all_is_obeyed(void **state)
{
	uint8_t want[128];
	size_t len;

	(void)state;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_body("a3 66616363657373 02 646f70656e f4 656e6f6e6365 5820"
		    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5");
	refused_everything();
	ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE);
	assert_body("a0");
	/* ["Signature1", << {1: -9} >>, 'holdfast session', device id || nonce] */
	len = from_hex("84 6a 5369676e617475726531 43 a10128 50 686f6c64666173742073657373696f6e 5830"
		       "dd050600000000000000000000000000"
		       "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", want, sizeof want);
	assert_int_equal(signed_len, len);
	assert_memory_equal(signed_message, want, len);
	server.last_error = HF_OK;
	obeyed_everything();
}

static void session_by_a_key_of_another_role_is_refused(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" RELEASE), HF_ERR_SIGNATURE);
	keyset.key[2].role = HF_ROLE_ROOT;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE), HF_ERR_KEY);
	refused_everything();
}

static void nonce_is_good_for_one_attempt(void **state)
{
	(void)state;
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE), HF_ERR_ORDER);
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" RELEASE), HF_ERR_SIGNATURE);
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE), HF_ERR_ORDER);
	refused_everything();
}

/* The client takes the answer to any of its transmissions, and the device may have had them all by then. */
static void nonce_asked_for_again_is_the_same_until_it_is_used(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	random_byte = 0x5a;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_body("a3 66616363657373 02 646f70656e f4 656e6f6e6365 5820"
		    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5");
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" RELEASE), HF_ERR_SIGNATURE);
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_body("a3 66616363657373 02 646f70656e f4 656e6f6e6365 5820"
		    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

static void session_ends_after_ten_minutes(void **state)
{
	(void)state;
	open_session();
	clock_ms += HF_SESSION_MS - 1;
	ask(1, HF_SMP_WRITE, 1, 5, "a0");
	assert_int_equal(engine.erases, 1);
	clock_ms++;
	assert_err(ask(1, HF_SMP_WRITE, 1, 5, "a0"), HF_ERR_DENIED);
	clock_ms -= HF_SESSION_MS;
	assert_err(ask(1, HF_SMP_WRITE, 1, 5, "a0"), HF_ERR_DENIED);
	assert_int_equal(engine.erases, 1);
}

static void session_ends_with_its_keyset(void **state)
{
	(void)state;
	open_session();
	keyset.number++;
	assert_err(ask(1, HF_SMP_WRITE, 1, 5, "a0"), HF_ERR_DENIED);
	assert_untouched();
}

/* Whatever the board's rule is: a session's upload may be of an older release, and only a session's. */
static void session_lets_an_older_release_be_uploaded(void **state)
{
	(void)state;
	server.access = HF_ACCESS_OPEN;
	ask(1, HF_SMP_WRITE, 1, 1, "a3 636f666600 646461746144 01020304 636c656e08");
	assert_int_equal(engine.begins, 1);
	assert_false(update.any_release);
	open_session();
	ask(1, HF_SMP_WRITE, 1, 1, "a3 636f666600 646461746144 01020304 636c656e08");
	assert_int_equal(engine.begins, 2);
	assert_true(update.any_release);
	clock_ms += HF_SESSION_MS;
	ask(1, HF_SMP_WRITE, 1, 1, "a3 636f666600 646461746144 01020304 636c656e08");
	assert_int_equal(engine.begins, 3);
	assert_false(update.any_release);
}

static void session_without_random_numbers_is_refused(void **state)
{
	(void)state;
	random_err = HF_ERR_TIMEOUT;
	assert_err(ask(1, HF_SMP_READ, 64, 9, "a0"), HF_ERR_TIMEOUT);
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6728 63736967 41" SITE), HF_ERR_ORDER);
	server.random = NULL;
	assert_err(ask(1, HF_SMP_READ, 64, 9, "a0"), HF_ERR_UNSUPPORTED);
	refused_everything();
}

static void session_with_fields_missing_or_wrong_is_refused(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 9, "a0");
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a1 63736967 41" SITE), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a1 63616c6728"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c6760 63736967 41" SITE), HF_ERR_TYPE);
	/* None of them was an attempt; -46 is no algorithm of a site key here. */
	assert_err(ask(1, HF_SMP_WRITE, 64, 9, "a2 63616c67382d 63736967 41" SITE), HF_ERR_KEY);
	refused_everything();
}

/* ---- commands ---- */

static void factory_reset_reaches_the_engine(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, 7, "a0");
	assert_body("a0");
	assert_int_equal(engine.factories, 1);
	engine.err = HF_ERR_TRIAL;
	assert_err(ask(1, HF_SMP_WRITE, 64, 7, "a0"), HF_ERR_TRIAL);
}

static void rollback_reaches_the_engine(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, 5, "a0");
	assert_body("a0");
	assert_int_equal(engine.rollbacks, 1);
	engine.err = HF_ERR_NOT_FOUND;
	assert_err(ask(1, HF_SMP_WRITE, 64, 5, "a0"), HF_ERR_NOT_FOUND);
}

static void recovery_is_only_asked_for(void **state)
{
	(void)state;
	ask(1, HF_SMP_WRITE, 64, 8, "a0");
	assert_body("a0");
	assert_true(server.recovery_wanted && server.reset_wanted);
}

static void recovery_that_the_board_lacks_is_refused(void **state)
{
	static struct hf_layout without;

	(void)state;
	without = layout;
	without.recovery.size = 0;
	update.env.layout = &without;
	assert_err(ask(1, HF_SMP_WRITE, 64, 8, "a0"), HF_ERR_NOT_FOUND);
	assert_untouched();
}

static void read_without_the_boards_consent_is_refused(void **state)
{
	(void)state;
	server.readback = false;
	assert_err(ask(1, HF_SMP_READ, 64, 6, "a2 65706c61636500 636f666600"), HF_ERR_DENIED);
}

static void read_gives_the_slots_bytes(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 6, "a3 65706c61636501 636f66661903fe 616e04");
	assert_body("a2 636f66661903fe 6464617461 44 fe ff 00 01");
	assert_int_equal(engine.read_addr, 0x080803fe);
	ask(1, HF_SMP_READ, 64, 6, "a3 65706c61636502 636f666600 616e02");
	assert_int_equal(engine.read_addr, 0x08010000);
}

static void read_at_the_end_gives_what_is_left(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 6, "a3 65706c61636500 636f66661a0005fffd 616e10");
	assert_body("a2 636f66661a0005fffd 6464617461 43 fd fe ff");
	ask(1, HF_SMP_READ, 64, 6, "a2 65706c61636500 636f66661a00060000");
	assert_body("a2 636f66661a00060000 6464617461 40");
	assert_err(ask(1, HF_SMP_READ, 64, 6, "a2 65706c61636500 636f66661a00060001"), HF_ERR_RANGE);
	assert_err(ask(1, HF_SMP_READ, 64, 6, "a1 65706c61636503"), HF_ERR_NOT_FOUND);
}

static void read_of_more_than_an_answer_holds_is_cut(void **state)
{
	(void)state;
	ask(1, HF_SMP_READ, 64, 6, "a3 65706c61636500 636f666600 616e1affffffff");
	assert_true(answer_len <= sizeof answer && answer_len > sizeof answer - 32);
	assert_int_equal(server.last_error, HF_OK);
}

static int setup_readback(void **state)
{
	setup(state);
	memset(&store, 0, sizeof store);
	server.store = &store;
	server.readback = true;
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup_readback)
#define S(f) cmocka_unit_test_setup(f, setup_signed)
	const struct CMUnitTest tests[] = {
		T(open_access_lets_the_network_change),
		T(local_access_lets_the_maintenance_port_change),
		T(local_access_refuses_the_network),
		T(signed_access_without_a_session_refuses_everybody),
		T(unknown_access_rule_refuses),
		T(refused_peer_may_read_and_echo),
		S(session_signs_device_and_nonce_and_then_all_is_obeyed),
		S(session_by_a_key_of_another_role_is_refused),
		S(nonce_is_good_for_one_attempt),
		S(nonce_asked_for_again_is_the_same_until_it_is_used),
		S(session_ends_after_ten_minutes),
		S(session_ends_with_its_keyset),
		S(session_lets_an_older_release_be_uploaded),
		S(session_without_random_numbers_is_refused),
		S(session_with_fields_missing_or_wrong_is_refused),
		T(factory_reset_reaches_the_engine),
		T(rollback_reaches_the_engine),
		T(recovery_is_only_asked_for),
		T(recovery_that_the_board_lacks_is_refused),
		T(read_without_the_boards_consent_is_refused),
		T(read_gives_the_slots_bytes),
		T(read_at_the_end_gives_what_is_left),
		T(read_of_more_than_an_answer_holds_is_cut),
	};
#undef T
#undef S

	return cmocka_run_group_tests(tests, NULL, NULL);
}
