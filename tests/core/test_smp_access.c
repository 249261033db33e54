/* SPDX-License-Identifier: MIT
 *
 * Who may change a device, and the commands for a device that works, over a played engine.
 */
#include "smp_world.h"

/* Everything that changes a device, with a request that would be obeyed. */
static const struct {
	unsigned group, id;
	const char *body;
} changing[] = {
	{ 0, 5, "a0" },
	{ 1, 0, "a1 67636f6e6669726d f5" },
	{ 1, 1, "a3 636f666600 646461746144 01020304 636c656e08" },
	{ 1, 5, "a0" },
	{ 64, 5, "a0" },
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
	assert_int_equal(engine.confirms + engine.begins + engine.erases + engine.rollbacks, 4);
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
	server.readback = true;
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup_readback)
	const struct CMUnitTest tests[] = {
		T(open_access_lets_the_network_change),
		T(local_access_lets_the_maintenance_port_change),
		T(local_access_refuses_the_network),
		T(signed_access_without_a_session_refuses_everybody),
		T(unknown_access_rule_refuses),
		T(refused_peer_may_read_and_echo),
		T(rollback_reaches_the_engine),
		T(recovery_is_only_asked_for),
		T(recovery_that_the_board_lacks_is_refused),
		T(read_without_the_boards_consent_is_refused),
		T(read_gives_the_slots_bytes),
		T(read_at_the_end_gives_what_is_left),
		T(read_of_more_than_an_answer_holds_is_cut),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
