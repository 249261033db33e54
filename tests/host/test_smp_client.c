/* SPDX-License-Identifier: MIT
 *
 * Requests and uploads to a device in the same process, over a line that loses, damages and repeats bytes, and a device
 * that is slow, restarts, refuses (smp_peer.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "smp_peer.h"

/* ---- requests ---- */

static void parameters_are_read(void **state)
{
	struct hf_smp_parameters p;

	(void)state;
	assert_int_equal(hf_smp_get_parameters(&client, 5000, &p, &answer), HF_OK);
	assert_int_equal(p.buf_size, 1024);
	assert_int_equal(p.buf_count, 4);
	assert_int_equal(answer.refusal, HF_OK);
}

static void status_is_read_whole(void **state)
{
	struct hf_smp_status s;

	(void)state;
	update.state.floor = 7;
	update.state.current = 1;
	update.state.slot[1].state = HF_SLOT_REJECTED;
	update.state.slot[1].reason = HF_ERR_TIMEOUT;
	update.state.slot[1].failures = 3;
	update.state.slot[1].sequence = UINT64_MAX;
	memset(update.state.slot[1].id, 0x5a, sizeof(update.state.slot[1].id));
	update.journal.bad = 2;
	server.last_error = HF_ERR_SIGNATURE;
	assert_int_equal(hf_smp_get_status(&client, 5000, &s, &answer), HF_OK);
	assert_string_equal(s.board, "reference");
	assert_memory_equal(s.vendor_id, update.env.layout->vendor_id, 16);
	assert_memory_equal(s.class_id, update.env.layout->class_id, 16);
	assert_memory_equal(s.device_id, update.env.device_id, 16);
	assert_int_equal(s.running, 0);
	assert_int_equal(s.versions, 4);
	assert_int_equal(s.version[1], 2);
	assert_int_equal(s.version[3], -1);
	assert_int_equal(s.state.current, 1);
	assert_int_equal(s.reset_cause, HF_RESET_REQUEST);
	assert_int_equal(s.journal_free, 400);
	assert_int_equal(s.journal_bad, 2);
	assert_int_equal(s.state.floor, 7);
	assert_true(s.state.newest == update.state.newest);
	assert_int_equal(s.state.slot[1].state, HF_SLOT_REJECTED);
	assert_int_equal(s.state.slot[1].reason, HF_ERR_TIMEOUT);
	assert_int_equal(s.state.slot[1].failures, 3);
	assert_true(s.state.slot[1].sequence == UINT64_MAX);
	assert_memory_equal(s.state.slot[1].id, update.state.slot[1].id, HF_ID_BYTES);
	assert_int_equal(s.last_error, HF_ERR_SIGNATURE);
	assert_string_equal(s.last_error_text, hf_err_text(HF_ERR_SIGNATURE));
}

static void status_in_recovery_has_no_running_slot(void **state)
{
	struct hf_smp_status s;

	(void)state;
	update.running = HF_SLOTS;
	update.running_known = false;
	assert_int_equal(hf_smp_get_status(&client, 5000, &s, &answer), HF_OK);
	assert_int_equal(s.running, HF_SLOTS);
	assert_int_equal(s.versions, 0);
}

static void images_are_read(void **state)
{
	struct hf_smp_images images;

	(void)state;
	assert_int_equal(hf_smp_get_images(&client, 5000, &images, &answer), HF_OK);
	assert_int_equal(images.count, 2);
	assert_true(images.image[0].active && images.image[0].confirmed && !images.image[0].pending);
	assert_int_equal(images.image[0].hash[0], 0x11);
	assert_int_equal(images.image[0].hash_len, 32);
	assert_string_equal(images.image[1].version, "1.1.0");
	assert_int_equal(images.image[1].slot, 1);
	assert_false(images.image[1].active);
}

static void activation_and_erase_report_the_exact_refusal(void **state)
{
	uint8_t hash[32];

	(void)state;
	memset(hash, 0x33, sizeof(hash));
	assert_int_equal(hf_smp_test_image(&client, 5000, hash, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_NOT_FOUND);
	assert_string_equal(answer.reason, hf_err_text(HF_ERR_NOT_FOUND));
	memset(hash, 0x22, sizeof(hash));
	assert_int_equal(hf_smp_test_image(&client, 5000, hash, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_int_equal(hf_smp_erase_image(&client, 5000, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_TRIAL);
}

static void reset_is_acknowledged(void **state)
{
	(void)state;
	assert_int_equal(hf_smp_reset(&client, 5000, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_true(server.reset_wanted);
}

static void request_is_repeated_until_it_is_answered(void **state)
{
	struct hf_smp_counters counters;

	(void)state;
	device.requests_ignored = 3;
	assert_int_equal(hf_smp_get_counters(&client, 60000, &counters, &answer), HF_OK);
	assert_int_equal(client.sent, 4);
	assert_int_equal(client.timeouts, 3);
	assert_true(sim.now_us >= 7000000 && sim.now_us < 7500000); /* 1 + 2 + 4 s */
}

static void request_to_nobody_ends_when_patience_does(void **state)
{
	struct hf_smp_counters counters;

	(void)state;
	device.requests_ignored = 1000;
	assert_int_equal(hf_smp_get_counters(&client, 10000, &counters, &answer), HF_ERR_TIMEOUT);
	assert_in_range(sim.now_us, 10000000, 10100000);
}

static void late_answer_is_not_taken_for_another_requests(void **state)
{
	struct hf_smp_parameters p;
	struct hf_smp_counters counters;

	(void)state;
	device.cost_us = 1500000; /* answers come after the first repetition */
	assert_int_equal(hf_smp_get_parameters(&client, 20000, &p, &answer), HF_OK);
	assert_int_equal(hf_smp_get_counters(&client, 20000, &counters, &answer), HF_OK);
	assert_true(counters.requests >= 2);
	assert_int_equal(p.buf_size, 1024);
}

/* The repetition is answered, too, but not what was asked later in the same words. */
static void late_answer_is_taken_for_its_own_request_alone(void **state)
{
	struct hf_smp_counters counters;

	(void)state;
	device.cost_us = 1200000;
	assert_int_equal(hf_smp_get_counters(&client, 20000, &counters, &answer), HF_OK);
	assert_int_equal(counters.requests, 1);
	assert_int_equal(hf_smp_get_counters(&client, 20000, &counters, &answer), HF_OK);
	assert_true(counters.requests >= 3);
}

static void device_slower_than_every_repetition_is_heard(void **state)
{
	struct hf_smp_counters counters;

	(void)state;
	device.cost_us = 9000000;
	assert_int_equal(hf_smp_get_counters(&client, 60000, &counters, &answer), HF_OK);
	assert_int_equal(counters.requests, 1);
}

static char text[256];
static size_t text_len;

static void collect(void *ctx, uint8_t byte)
{
	(void)ctx;
	if (text_len < sizeof(text) - 1)
		text[text_len++] = (char)byte;
}

static void log_lines_reach_the_listener(void **state)
{
	struct hf_smp_parameters p;

	(void)state;
	text_len = 0;
	client.on_text = collect;
	sim_say(&sim, "[0.001] hello\r\n[0.002] cut o");
	assert_int_equal(hf_smp_get_parameters(&client, 5000, &p, &answer), HF_OK);
	text[text_len] = 0;
	assert_string_equal(text, "[0.001] hello\r\n[0.002] cut o");
}

static bool stop_now(void *ctx)
{
	(void)ctx;
	return true;
}

static void stop_ends_a_wait(void **state)
{
	struct hf_smp_parameters p;

	(void)state;
	device.requests_ignored = 1000;
	client.stop = stop_now;
	assert_int_equal(hf_smp_get_parameters(&client, 60000, &p, &answer), HF_ERR_TIMEOUT);
	assert_true(sim.now_us < 1000000);
}

/* Answers of devices that are not ours: MCUboot and Zephyr. */
static const char *foreign_answer;

static size_t serve_foreign(void *ctx, const struct hf_smp_decoder *packet, bool oversize, uint8_t *out, size_t cap,
			    uint64_t *cost_us)
{
	size_t len = from_hex(foreign_answer, out + 8, cap - 8);

	(void)ctx;
	(void)oversize;
	(void)cost_us;
	memcpy(out, packet->buf, 8);
	out[0] = 1;
	store_be16(out + 2, (uint16_t)len);
	return 8 + len;
}

static void answers_of_zephyr_and_mcuboot_are_understood(void **state)
{
	struct hf_smp_images images;
	struct hf_smp_status status;

	(void)state;
	sim.serve = serve_foreign;
	foreign_answer = "bf 66696d61676573 9f bf 64736c6f74 00 6776657273696f6e 65312e302e30 6468617368 43010203"
			 "68626f6f7461626c65 f5 66616374697665 f5 ff ff 6b73706c6974537461747573 00 ff";
	assert_int_equal(hf_smp_get_images(&client, 5000, &images, &answer), HF_OK);
	assert_int_equal(images.count, 1);
	assert_string_equal(images.image[0].version, "1.0.0");
	assert_int_equal(images.image[0].hash_len, 3);
	foreign_answer = "bf 627263 08 ff";
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_UNSUPPORTED);
	foreign_answer = "bf 63657272 bf 6567726f7570 01 627263 1817 ff ff";
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_OK);
	assert_int_not_equal(answer.refusal, HF_OK);
	assert_string_equal(answer.reason, "error 23 of group 1");
}

static void answer_of_another_shape_is_a_type_error(void **state)
{
	struct hf_smp_status status;

	(void)state;
	sim.serve = serve_foreign;
	foreign_answer = "a1 65626f617264 01";
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_ERR_TYPE);
	foreign_answer = "a1 63756964 41aa";
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_ERR_TYPE);
	foreign_answer = "a1 65736c6f7473 83 a0 a0 a0";
	assert_int_equal(hf_smp_get_status(&client, 5000, &status, &answer), HF_ERR_TYPE);
}

/* ---- uploads ---- */

static void upload_over_a_clean_line_sends_nothing_twice(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	/* Behind the head the device wants what the head's packet brought already: that packet's rest goes twice. */
	assert_true(u.bytes_sent < FILE_BYTES + 4 * 1024);
	assert_int_equal(u.restarts, 0);
	assert_int_equal(sim.overflows, 0);
}

static void upload_with_a_window_uses_the_line(void **state)
{
	struct hf_smp_upload u = uploading();
	uint64_t one_by_one_us;

	(void)state;
	device.cost_us = 5000;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	uint64_t windowed_us = sim.now_us;
	teardown(NULL);
	setup(NULL);
	device.cost_us = 5000;
	u = uploading();
	u.window = 1;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	one_by_one_us = sim.now_us;
	assert_true(windowed_us * 10 < one_by_one_us * 8);
	/* 100,000 bytes as base64 at 921600 baud. */
	assert_true(windowed_us < 1.1 * FILE_BYTES * 127 / 93 * 10 / 0.9216);
}

static void upload_to_a_slow_eraser_waits_and_overruns_nothing(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.erase_us = 4000000;
	sim.rx_bytes = 4 * 1440; /* what the device promised to take: buf_count packets, as lines */
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_int_equal(sim.overflows, 0);
	/* Six erases of 4 s, at most four probes of 64 bytes each; nothing else goes twice. */
	assert_true(u.bytes_sent < FILE_BYTES + 4 * 1024 + 6 * 4 * 64);
	assert_int_equal(u.skipped, 0);
	assert_true(client.timeouts >= 12);
}

static void upload_over_a_bad_line_completes(void **state)
{
	static const uint32_t ppm[] = {10, 100, 300};

	(void)state;
	for (unsigned i = 0; i < 3 * 5; i++) {
		struct hf_smp_upload u = uploading();

		teardown(NULL);
		setup(NULL);
		sim.random = i + 1;
		sim.drop_ppm = ppm[i / 5];
		sim.flip_ppm = ppm[i / 5];
		sim.repeat_ppm = ppm[i / 5];
		assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
		assert_complete(&u);
		if (ppm[i / 5] >= 100)
			assert_true(u.resent > 0);
		assert_true(sim.now_us < 12000000); /* long packets only would take 40 s at 300 ppm */
	}
}

static void upload_survives_a_cable_pull(void **state)
{
	(void)state;
	for (int usb = 0; usb < 2; usb++) {
		struct hf_smp_upload u = uploading();

		teardown(NULL);
		setup(NULL);
		sim.cable_is_usb = usb;
		sim.cable_off_us = 300000;
		sim.cable_on_us = 20300000;
		assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
		assert_complete(&u);
		assert_int_equal(sim.reopens, usb);
		assert_true(sim.now_us < 35000000);
		assert_true(u.bytes_sent < FILE_BYTES + 16 * 1024);
	}
}

static void upload_gives_up_when_the_cable_stays_away(void **state)
{
	(void)state;
	for (int usb = 0; usb < 2; usb++) {
		struct hf_smp_upload u = uploading();

		teardown(NULL);
		setup(NULL);
		sim.cable_is_usb = usb;
		sim.cable_off_us = 300000;
		u.patience_ms = 10000;
		assert_int_equal(hf_smp_upload(&client, &u), usb ? HF_ERR_IO : HF_ERR_TIMEOUT);
		assert_in_range(sim.now_us, 10000000, 20000000);
	}
}

static void upload_continues_where_the_device_was_after_a_restart(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.restart_at = 60000;
	device.restarts_left = 1;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_int_equal(u.restarts, 1);
	assert_true(u.skipped >= 2 * SEGMENT);
	assert_true(u.bytes_sent < FILE_BYTES + SEGMENT + 16 * 1024);
}

static void upload_of_a_file_that_is_partly_there_skips_it(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	memcpy(device.kept, file, sizeof(file));
	device.committed = 4 * SEGMENT;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_true(u.skipped >= 4 * SEGMENT - 8 * 1024);
	assert_true(u.bytes_sent < FILE_BYTES - 3 * SEGMENT);
}

/* A device that has most of it says so, and needs time for that: nothing goes in vain, and nobody gets impatient. */
static void upload_sends_only_what_the_device_lacks(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.has = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5;
	device.erase_us = 250000;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_true(u.skipped > 4 * SEGMENT);
	/* Head, segment 3, a byte; and what went out behind the head before the first answer. */
	assert_in_range(u.bytes_sent, HEAD_BYTES + SEGMENT, HEAD_BYTES + SEGMENT + 4 * 1024);
	assert_int_equal(client.timeouts, 0);
	assert_int_equal(u.restarts, 0);
}

static void upload_to_a_device_that_keeps_restarting_ends(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.restart_at = 60000;
	device.restarts_left = 100000;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_TIMEOUT);
	assert_true(u.restarts > 3 && u.restarts < 50);
}

static void upload_to_a_device_that_never_gets_ahead_ends(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.stubborn = true;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_TIMEOUT);
	assert_in_range(sim.now_us, 60000000, 62000000);
}

static void upload_refused_for_good_ends_at_once(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.refuse_at = 2000;
	device.refusals_left = 1;
	device.refusal = HF_ERR_CLASS;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_CLASS);
	assert_int_equal(u.refusal.refusal, HF_ERR_CLASS);
	assert_string_equal(u.refusal.reason, hf_err_text(HF_ERR_CLASS));
	assert_int_equal(u.retries, 0);
}

static void upload_with_one_damaged_segment_is_tried_again(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.refuse_at = 40000;
	device.refusals_left = 2;
	device.refusal = HF_ERR_DIGEST;
	assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
	assert_complete(&u);
	assert_int_equal(u.retries, 2);
}

static void upload_of_a_damaged_file_ends_with_the_devices_reason(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	device.refuse_at = 40000;
	device.refusals_left = 1000;
	device.refusal = HF_ERR_DIGEST;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_DIGEST);
	assert_in_range(u.retries, 3, 6); /* getting a little ahead of the last time starts the count anew */
}

static void upload_of_any_length_and_packet_size_completes(void **state)
{
	static const uint32_t lengths[] = {1, 2, 1023, 1024, 1025, 2999, 3000, 3001, 19384, 19385};
	static const uint32_t packets[] = {100, 128, 500, 1024};

	(void)state;
	for (unsigned i = 0; i < 10 * 4; i++) {
		struct hf_smp_upload u = uploading();

		teardown(NULL);
		setup(NULL);
		u.file.len = lengths[i / 4];
		u.packet_bytes = packets[i % 4];
		sim.packet_bytes = u.packet_bytes;
		assert_int_equal(hf_smp_upload(&client, &u), HF_OK);
		assert_int_equal(u.off, u.file.len);
		assert_memory_equal(device.kept, file, u.file.len);
	}
}

static void upload_with_senseless_parameters_is_refused(void **state)
{
	struct hf_smp_upload u = uploading();

	(void)state;
	u.file.len = 0;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_RANGE);
	u = uploading();
	u.packet_bytes = 60;
	assert_int_equal(hf_smp_upload(&client, &u), HF_ERR_RANGE);
	assert_int_equal(sim.bytes_to_device, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(parameters_are_read),
		T(status_is_read_whole),
		T(status_in_recovery_has_no_running_slot),
		T(images_are_read),
		T(activation_and_erase_report_the_exact_refusal),
		T(reset_is_acknowledged),
		T(request_is_repeated_until_it_is_answered),
		T(request_to_nobody_ends_when_patience_does),
		T(late_answer_is_not_taken_for_another_requests),
		T(late_answer_is_taken_for_its_own_request_alone),
		T(device_slower_than_every_repetition_is_heard),
		T(log_lines_reach_the_listener),
		T(stop_ends_a_wait),
		T(answers_of_zephyr_and_mcuboot_are_understood),
		T(answer_of_another_shape_is_a_type_error),
		T(upload_over_a_clean_line_sends_nothing_twice),
		T(upload_with_a_window_uses_the_line),
		T(upload_to_a_slow_eraser_waits_and_overruns_nothing),
		T(upload_over_a_bad_line_completes),
		T(upload_survives_a_cable_pull),
		T(upload_gives_up_when_the_cable_stays_away),
		T(upload_continues_where_the_device_was_after_a_restart),
		T(upload_of_a_file_that_is_partly_there_skips_it),
		T(upload_sends_only_what_the_device_lacks),
		T(upload_to_a_device_that_keeps_restarting_ends),
		T(upload_to_a_device_that_never_gets_ahead_ends),
		T(upload_refused_for_good_ends_at_once),
		T(upload_with_one_damaged_segment_is_tried_again),
		T(upload_of_a_damaged_file_ends_with_the_devices_reason),
		T(upload_of_any_length_and_packet_size_completes),
		T(upload_with_senseless_parameters_is_refused),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
