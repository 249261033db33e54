/* SPDX-License-Identifier: MIT
 *
 * The line's figures: a clean line, lines with a known share of wrong bits, devices that are lost, old or odd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "link_quality.h"
#include "smp_peer.h"

static struct hf_link_quality q;
static struct hf_smp_link link_;

static int begin(void **state)
{
	setup(state);
	memset(&q, 0, sizeof(q));
	server.decoder = &sim.decoder;
	server.frames = &sim.frames;
	q.baud = sim.baud;
	return 0;
}

static void clean_line_has_no_error_and_a_bound(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_true(q.tested >= HF_LINK_BITS && q.tested < HF_LINK_BITS + 20000);
	assert_int_equal(q.errors + q.lost + q.damaged, 0);
	assert_int_equal(q.one_in, 0);
	assert_true(q.one_in_95 > 87000);
	assert_true(q.device_known);
	assert_int_equal(q.device_dropped, 0);
	hf_link_text(&q, text, sizeof(text));
	assert_non_null(strstr(text, "no bit wrong in 26"));
	assert_non_null(strstr(text, "at 921600 baud: less than 1 in 8"));
	assert_ptr_equal(client.serial, &sim.serial);
}

static void figures_are_the_lines(void **state)
{
	(void)state;
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_int_equal(q.trips, HF_LINK_TRIPS);
	/* 43 bytes of console framing there and back at 921600 baud, and 0.2 ms: about a millisecond. */
	assert_in_range(q.latency_us, 500, 2500);
	assert_in_range(q.bytes_per_s, 30000, 92160);
	assert_in_range(q.ms, 150, 1000);
	q.bits = HF_LINK_BITS_MIN;
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_true(q.tested < 30000 && q.one_in_95 < 10000);
}

/* Either framing, and three qualities of line: what was found is near what is there. */
static void errors_are_counted_as_they_are(void **state)
{
	static const uint32_t ppm[] = {100, 400, 1600}; /* wrong bytes in a million; a bit each */

	for (int binary = 0; binary < 2; binary++) {
		for (unsigned i = 0; i < 3; i++) {
			double found;

			teardown(state);
			begin(state);
			if (binary) {
				static const uint32_t rates[] = {921600};

				hf_smp_link_begin(&link_, rates, 1);
				sim.link = server.link = &link_;
				hf_smp_set_framing(&client, HF_SMP_FRAMING_BINARY);
			}
			sim.flip_ppm = ppm[i];
			q.bits = 4000000;
			assert_int_equal(hf_link_measure(&client, &q), HF_OK);
			found = (double)q.errors / (double)q.tested * 8e6;
			printf("# %s framing, %u ppm: %.0f found, %u lost of %u, %u on the way back\n", binary ? "binary" : "console",
			       ppm[i], found, q.lost, q.packets, q.damaged);
			assert_true(found > ppm[i] * 0.75 && found < ppm[i] * 1.25);
			assert_in_range(q.damaged, q.lost / 5, q.lost * 3 / 4);
			assert_true(q.one_in_95 < q.one_in && q.one_in_95 > q.one_in / 3);
			assert_true(q.device_dropped > 0);
		}
	}
}

static void bits_that_go_missing_are_losses(void **state)
{
	(void)state;
	sim.drop_ppm = 300;
	q.bits = 1000000;
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_true(q.lost > 5 && q.errors >= q.lost);
}

static void log_lines_between_are_no_errors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++)
		sim_say_later(&sim, "modbus: slave 2 does not answer\r\n", i * 7000);
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_int_equal(q.errors + q.lost, 0);
	assert_true(client.text_lines >= 30);
}

static void device_with_small_packets_is_measured(void **state)
{
	(void)state;
	server.buf_size = sim.packet_bytes = 256;
	server.buf_count = 1;
	assert_int_equal(hf_link_measure(&client, &q), HF_OK);
	assert_int_equal(q.errors + q.lost, 0);
}

static void silent_device_is_lost_in_time(void **state)
{
	(void)state;
	device.requests_ignored = 100000;
	assert_int_equal(hf_link_measure(&client, &q), HF_ERR_TIMEOUT);
	assert_true(sim.now_us < 20000000);
	assert_ptr_equal(client.serial, &sim.serial);
}

static void device_that_falls_silent_is_lost_in_time(void **state)
{
	(void)state;
	device.answers_left = 20;
	assert_int_equal(hf_link_measure(&client, &q), HF_ERR_TIMEOUT);
	assert_true(q.lost >= 10);
	assert_true(sim.now_us < 40000000);
}

static void port_that_goes_is_told(void **state)
{
	(void)state;
	sim.cable_is_usb = true;
	sim.cable_off_us = 100000;
	sim.cable_on_us = SIM_NEVER;
	assert_int_equal(hf_link_measure(&client, &q), HF_ERR_IO);
}

static bool at_once(void *ctx)
{
	(void)ctx;
	return sim.now_us > 50000;
}

static void interruption_ends_it(void **state)
{
	(void)state;
	client.stop = at_once;
	assert_int_not_equal(hf_link_measure(&client, &q), HF_OK);
	assert_true(sim.now_us < 1000000);
}

static void bounds_are_those_of_the_tables(void **state)
{
	(void)state;
	/* Upper limits of a Poisson mean, 95 %: 3.00, 4.74, 6.30, 15.71 (9 seen), 117.87 (100 seen). */
	assert_in_range(hf_link_one_in_95(1000000, 0), 333700, 333900);
	assert_in_range(hf_link_one_in_95(1000000, 1), 206000, 216000);
	assert_in_range(hf_link_one_in_95(1000000, 2), 156000, 161000);
	assert_in_range(hf_link_one_in_95(1000000, 9), 63000, 64500);
	assert_in_range(hf_link_one_in_95(1000000, 100), 8450, 8520);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, teardown)
	const struct CMUnitTest tests[] = {
		T(clean_line_has_no_error_and_a_bound),
		T(figures_are_the_lines),
		T(errors_are_counted_as_they_are),
		T(bits_that_go_missing_are_losses),
		T(log_lines_between_are_no_errors),
		T(device_with_small_packets_is_measured),
		T(silent_device_is_lost_in_time),
		T(device_that_falls_silent_is_lost_in_time),
		T(port_that_goes_is_told),
		T(interruption_ends_it),
		T(bounds_are_those_of_the_tables),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
