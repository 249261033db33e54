/* SPDX-License-Identifier: MIT
 *
 * Finding a device, getting to a fast line and staying on a good one: with devices that know the command and such that do not,
 * lines that carry a rate or do not, and peers that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "smp_peer.h"

static const uint32_t rates[] = {115200, 921600, 460800};
static struct hf_smp_link link_;
static struct hf_smp_rate rate;

static int setup_holdfast(void **state)
{
	setup(state);
	hf_smp_link_begin(&link_, rates, 3);
	server.link = &link_;
	sim.link = &link_;
	sim.baud = 115200;
	sim.rx_bytes = 16 * 1100;
	server.buf_count = 16;
	memset(&rate, 0, sizeof(rate));
	rate.baud = rates;
	rate.bauds = 3;
	return 0;
}

static void assert_settings(uint32_t baud, enum hf_smp_framing framing)
{
	assert_int_equal(sim.baud, baud);
	assert_int_equal(rate.now, baud);
	assert_int_equal(client.framing, framing);
	assert_int_equal(link_.rate[link_.index], baud);
}

static void find_and_raise(void)
{
	assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_OK);
	assert_int_equal(hf_smp_rate_raise(&client, &rate, 5000), HF_OK);
}

/* ---- finding ---- */

static void device_is_found_at_any_rate(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		teardown(NULL);
		setup_holdfast(NULL);
		link_.index = i; /* as a tool that was killed left it */
		assert_int_equal(hf_smp_rate_find(&client, &rate, 10000), HF_OK);
		assert_settings(rates[i], HF_SMP_FRAMING_CONSOLE);
		assert_true(sim.now_us < 1500000);
	}
}

static void nobody_is_found_when_patience_ends(void **state)
{
	(void)state;
	device.requests_ignored = 100000;
	assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_ERR_TIMEOUT);
	assert_in_range(sim.now_us, 5000000, 7000000);
}

/* What boot would see of us: the longest pause between two calls while nobody answers. */
static void boot_is_called_while_nobody_answers(void **state)
{
	(void)state;
	sim.serve = NULL; /* nothing that we send is a packet to it */
	sim.cable_off_us = 0;
	sim.cable_on_us = SIM_NEVER;
	uint64_t before = sim.bytes_to_device;
	assert_int_equal(hf_smp_rate_find(&client, &rate, 10000), HF_ERR_TIMEOUT);
	/* After the first round a call each 8 ms, some 8 s long. */
	assert_in_range(sim.bytes_to_device - before, 900, 3000);
}

/* ---- raising ---- */

static void line_is_raised_to_the_fastest_that_both_can(void **state)
{
	(void)state;
	find_and_raise();
	assert_settings(921600, HF_SMP_FRAMING_BINARY);
	assert_true(rate.known);
	assert_int_equal(rate.first, 115200);
	assert_int_equal(rate.proof_lost, 0);
	assert_true(sim.now_us < 400000);
	assert_true(sim.binary_packets >= 16);
	/* A device that heard the proof stays. */
	hf_serial_sleep_ms(&sim.serial, 5000);
	assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_OK);
	assert_int_equal(rate.now, 921600);
}

static void rates_of_one_side_only_are_not_used(void **state)
{
	static const uint32_t ours[] = {115200, 460800, 1000000};

	(void)state;
	rate.baud = ours;
	find_and_raise();
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	teardown(NULL);
	setup_holdfast(NULL);
	rate.bauds = 1;
	rate.offered_too = true;
	find_and_raise();
	assert_settings(921600, HF_SMP_FRAMING_BINARY);
}

static void rate_that_is_wanted_is_used_or_refused(void **state)
{
	(void)state;
	rate.wanted = 460800;
	find_and_raise();
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	teardown(NULL);
	setup_holdfast(NULL);
	rate.wanted = 230400;
	assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_OK);
	assert_int_equal(hf_smp_rate_raise(&client, &rate, 5000), HF_ERR_NOT_FOUND);
	assert_settings(115200, HF_SMP_FRAMING_CONSOLE);
}

static void console_only_changes_nothing(void **state)
{
	(void)state;
	rate.console = true;
	find_and_raise();
	assert_settings(115200, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(sim.binary_packets, 0);
}

static void device_without_the_command_stays_as_it_was(void **state)
{
	(void)state;
	server.link = NULL;
	sim.link = NULL;
	find_and_raise();
	assert_false(rate.known);
	assert_int_equal(client.framing, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(sim.baud, 115200);
	rate.wanted = 921600;
	assert_int_equal(hf_smp_rate_raise(&client, &rate, 5000), HF_ERR_NOT_FOUND);
}

static void noisy_rate_is_left_for_a_lower_one(void **state)
{
	(void)state;
	sim.noisy_from = 500000;
	sim.flip_ppm = 2000; /* a quarter of the proof's packets arrive */
	find_and_raise();
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	assert_int_equal(rate.proof_lost, 0);
	assert_true(sim.now_us < 6000000);
}

static void dead_rate_is_left_for_a_lower_one(void **state)
{
	(void)state;
	sim.noisy_from = 500000;
	sim.drop_ppm = 1000000;
	find_and_raise();
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	assert_true(sim.now_us < 6000000);
}

static void constant_noise_takes_the_rate_that_carries_most(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 6; seed++) {
		teardown(NULL);
		setup_holdfast(NULL);
		sim.random = seed;
		sim.flip_ppm = 600; /* one packet of four: 16 will hardly ever come through */
		assert_int_equal(hf_smp_rate_find(&client, &rate, 20000), HF_OK);
		assert_int_equal(hf_smp_rate_raise(&client, &rate, 20000), HF_OK);
		assert_settings(sim.baud, HF_SMP_FRAMING_BINARY);
		assert_true(rate.now >= 460800 && rate.proof_lost > 0);
	}
}

static enum hf_err set_only_115200(void *ctx, const struct hf_serial_line *line)
{
	(void)ctx;
	if (line->baud != 115200)
		return HF_ERR_UNSUPPORTED;
	sim.baud = line->baud;
	return HF_OK;
}

static void port_that_cannot_change_gets_the_framing_only(void **state)
{
	struct hf_serial_ops ops = *sim.serial.ops;

	(void)state;
	ops.set_line = set_only_115200;
	sim.serial.ops = &ops;
	find_and_raise();
	assert_settings(115200, HF_SMP_FRAMING_BINARY);
	teardown(NULL);
	setup_holdfast(NULL);
	ops = *sim.serial.ops;
	ops.set_line = NULL; /* as a TCP port */
	sim.serial.ops = &ops;
	rate.bauds = 0;
	find_and_raise();
	assert_int_equal(client.framing, HF_SMP_FRAMING_BINARY);
	assert_int_equal(sim.baud, 115200);
}

/* ---- after that ---- */

static void line_is_restored_for_whoever_comes_next(void **state)
{
	(void)state;
	find_and_raise();
	hf_smp_rate_restore(&client, &rate);
	assert_settings(115200, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(link_.framing, HF_SMP_FRAMING_CONSOLE);
}

static void device_that_restarted_is_found_and_raised_again(void **state)
{
	(void)state;
	find_and_raise();
	sim_restart(&sim, 400000);
	uint64_t before = sim.now_us;
	assert_int_equal(hf_smp_rate_again(&client, &rate, 20000), HF_OK);
	assert_settings(921600, HF_SMP_FRAMING_BINARY);
	assert_true(sim.now_us - before < 1500000);
	assert_int_equal(rate.finds, 1);
}

static void line_never_rises_above_what_was_bad(void **state)
{
	(void)state;
	find_and_raise();
	assert_int_equal(hf_smp_rate_lower(&client, &rate, 20000), HF_OK);
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	assert_int_equal(rate.falls, 1);
	sim_restart(&sim, 400000);
	assert_int_equal(hf_smp_rate_again(&client, &rate, 20000), HF_OK);
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	assert_int_equal(hf_smp_rate_lower(&client, &rate, 20000), HF_OK);
	assert_settings(115200, HF_SMP_FRAMING_BINARY);
	assert_int_equal(hf_smp_rate_lower(&client, &rate, 20000), HF_ERR_NOT_FOUND);
	assert_settings(115200, HF_SMP_FRAMING_BINARY);
}

static void peer_that_vanishes_anywhere_ends_the_wait(void **state)
{
	(void)state;
	for (unsigned answers = 0; answers < 24; answers++) {
		enum hf_err err;

		teardown(NULL);
		setup_holdfast(NULL);
		assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_OK);
		device.answers_left = answers + 1;
		err = hf_smp_rate_raise(&client, &rate, 5000);
		assert_true(err == HF_OK || err == HF_ERR_TIMEOUT);
		assert_true(sim.now_us < 16000000);
	}
}

/* ---- liars ---- */

static struct {
	const char *read, *write; /* bodies of the answers to `line` */
	bool garble_echo;
} lie;

static size_t serve_lies(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap,
			 uint64_t *cost_us)
{
	bool line = load_be16(packet->buf + 4) == HF_SMP_HOLDFAST && packet->buf[7] == HF_SMP_HOLDFAST_LINE;
	const char *body = (packet->buf[0] & 7) == HF_SMP_WRITE ? lie.write : lie.read;
	struct hf_bytes bytes = {packet->buf, packet->len};
	size_t len;

	(void)ctx;
	(void)oversize;
	(void)cost_us;
	if (!line || !body) {
		len = hf_smp_serve(&server, bytes, out, cap);
		if (lie.garble_echo && len > 40)
			out[30] ^= 1;
		return len;
	}
	len = from_hex(body, out + 8, cap - 8);
	memcpy(out, packet->buf, 8);
	out[0] |= 1;
	store_be16(out + 2, (uint16_t)len);
	return 8 + len;
}

static void lies_about_the_line_leave_a_line_that_works(void **state)
{
	static const char *const reads[] = {
		NULL,
		"a0",
		"a1 657261746573 80",
		"a1 657261746573 82 00 1affffffff",               /* rates that are none */
		"a1 657261746573 81 3903e8",
		"a1 657261746573 81 6161",
		"a2 6462617564 1a0001c200 657261746573 82 1a0001c200 1a00070800",
		"a1 627263 01",
		"80",
	};
	static const char *const writes[] = {
		NULL,
		"a0",
		"a2 6462617564 1a00070800 656672616d65 00", /* another than was asked for */
		"a1 656672616d65 01",
		"a1 627263 03",
		"a1 63657272 a2 6567726f7570 1840 627263 04",
		"80",
	};
	struct hf_smp_parameters p;

	(void)state;
	for (unsigned i = 0; i < 9 * 7; i++) {
		teardown(NULL);
		setup_holdfast(NULL);
		sim.serve = serve_lies;
		lie.read = reads[i / 7];
		lie.write = writes[i % 7];
		assert_int_equal(hf_smp_rate_find(&client, &rate, 5000), HF_OK);
		assert_int_equal(hf_smp_rate_raise(&client, &rate, 20000), HF_OK);
		assert_int_equal(hf_smp_get_parameters(&client, 20000, &p, &answer), HF_OK);
		assert_true(sim.now_us < 20000000);
	}
}

static void echoes_of_other_text_prove_nothing(void **state)
{
	(void)state;
	sim.serve = serve_lies;
	lie.read = lie.write = NULL;
	lie.garble_echo = true;
	find_and_raise();
	lie.garble_echo = false;
	assert_settings(115200, HF_SMP_FRAMING_CONSOLE);
}

/* ---- uploads over it ---- */

static struct hf_smp_upload raised_upload(void)
{
	struct hf_smp_upload u = uploading();
	struct hf_smp_parameters p;

	find_and_raise();
	assert_int_equal(hf_smp_get_parameters(&client, 5000, &p, &answer), HF_OK);
	u.packet_bytes = p.buf_size;
	u.window = p.buf_count;
	u.rate = &rate;
	return u;
}

static void upload_in_binary_uses_the_line(void **state)
{
	struct hf_smp_upload u = raised_upload();
	uint64_t before = sim.now_us;

	(void)state;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_true(sim.now_us - before < 1.10 * FILE_BYTES * 10 / 0.9216);
	assert_int_equal(client.timeouts, 0);
}

static void upload_goes_down_when_packets_get_lost(void **state)
{
	struct hf_smp_upload u = raised_upload();

	(void)state;
	sim.noisy_from = 500000; /* from now on */
	sim.flip_ppm = 3000;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_settings(460800, HF_SMP_FRAMING_BINARY);
	assert_int_equal(rate.falls, 1);
	assert_true(sim.now_us < 15000000);
}

static void upload_survives_restarts_to_the_first_rate(void **state)
{
	struct hf_smp_upload u = raised_upload();
	uint64_t before = sim.now_us;

	(void)state;
	device.restart_at = 60000;
	device.restarts_left = 3;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_settings(921600, HF_SMP_FRAMING_BINARY);
	assert_int_equal(u.restarts, 3);
	assert_true(sim.now_us - before < 3 * 3500000 + 2000000);
}

static void upload_survives_a_restart_into_a_device_without_the_command(void **state)
{
	struct hf_smp_upload u = raised_upload();

	(void)state;
	device.restart_at = 60000;
	device.restarts_left = 1;
	device.forgets_line = true;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_int_equal(client.framing, HF_SMP_FRAMING_CONSOLE);
	assert_int_equal(rate.now, 115200);
}

static void upload_notices_a_restart_by_what_the_device_says(void **state)
{
	struct hf_smp_upload u;

	(void)state;
	rate.wanted = 115200; /* the first: text can be read */
	u = raised_upload();
	device.restart_at = 60000;
	device.restarts_left = 1;
	device.says = "boot: recovery\r\n";
	u.patience_ms = 20000;
	uint64_t before = sim.now_us;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	/* The data, 0.5 s of start, a segment again, and little more. */
	assert_true(sim.now_us - before < (FILE_BYTES + SEGMENT + 8192) * 10 / 0.1152 + 500000 + 400000);
}

static void upload_over_a_line_that_turns_bad_everywhere_ends_or_completes(void **state)
{
	struct hf_smp_upload u;

	(void)state;
	for (unsigned seed = 1; seed < 6; seed++) {
		enum hf_err err;

		teardown(NULL);
		setup_holdfast(NULL);
		u = raised_upload();
		sim.random = seed;
		sim.flip_ppm = seed * 1000;
		sim.drop_ppm = seed * 200;
		u.patience_ms = 30000;
		err = hf_smp_upload(&client, &u);
		if (err == HF_OK)
			assert_complete(&u);
		else
			assert_int_equal(err, HF_ERR_TIMEOUT);
		if (seed < 3)
			assert_int_equal(err, HF_OK);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup_holdfast, teardown)
	const struct CMUnitTest tests[] = {
		T(device_is_found_at_any_rate),
		T(nobody_is_found_when_patience_ends),
		T(boot_is_called_while_nobody_answers),
		T(line_is_raised_to_the_fastest_that_both_can),
		T(rates_of_one_side_only_are_not_used),
		T(rate_that_is_wanted_is_used_or_refused),
		T(console_only_changes_nothing),
		T(device_without_the_command_stays_as_it_was),
		T(noisy_rate_is_left_for_a_lower_one),
		T(dead_rate_is_left_for_a_lower_one),
		T(constant_noise_takes_the_rate_that_carries_most),
		T(port_that_cannot_change_gets_the_framing_only),
		T(line_is_restored_for_whoever_comes_next),
		T(device_that_restarted_is_found_and_raised_again),
		T(line_never_rises_above_what_was_bad),
		T(peer_that_vanishes_anywhere_ends_the_wait),
		T(lies_about_the_line_leave_a_line_that_works),
		T(echoes_of_other_text_prove_nothing),
		T(upload_in_binary_uses_the_line),
		T(upload_goes_down_when_packets_get_lost),
		T(upload_survives_restarts_to_the_first_rate),
		T(upload_survives_a_restart_into_a_device_without_the_command),
		T(upload_notices_a_restart_by_what_the_device_says),
		T(upload_over_a_line_that_turns_bad_everywhere_ends_or_completes),
	};
#undef T

	return cmocka_run_group_tests_name("smp_rate", tests, NULL, NULL);
}
