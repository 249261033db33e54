/* SPDX-License-Identifier: MIT
 *
 * Recovery as it ships, on the twin: every way in, out, and what a peer may do to it. In each test whatever runs from RAM
 * never waits for flash.
 */
#include "bench.h"

#include "frame.h"
#include "led_pin.h"

#define BANNER "Waiting for Download... recovery "

static int set_up(void **state)
{
	(void)state;
	bench_open("full.bin");
	return 0;
}

static int set_up_empty(void **state)
{
	(void)state;
	bench_open("new.bin");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bench_close();
	return 0;
}

static void start(void)
{
	bench_do("power on");
}

/* The gateway runs, has confirmed itself, and the resets before are forgotten. */
static void start_settled(void)
{
	start();
	bench_await("self-test passed", 10 * S);
	bench_run(5 * S);
	bench_listen();
}

/* The proof that recovery is there. */
static void assert_recovery(const char *reason)
{
	bench_await(BANNER, 2 * S);
	bench_await(reason, 2 * S);
	bench_await_breathing();
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
	bench_listen();
	bench_run(10 * S);
	assert_in_range(bench_heard_times(BANNER), 9, 11);
}

/* ---- ways in ---- */

static void pin_held_at_power_on_leads_in(void **state)
{
	(void)state;
	bench_do("press recovery for 1s");
	start();
	assert_recovery("the recovery pin was held, reset: power, uid 3500");
}

static void three_resets_lead_in(void **state)
{
	(void)state;
	start_settled();
	for (unsigned i = 0; i < 3; i++) {
		bench_do("reset");
		bench_run(700 * MS);
	}
	assert_recovery("reset was pressed three times");
}

static void two_resets_do_not(void **state)
{
	(void)state;
	start_settled();
	for (unsigned i = 0; i < 2; i++) {
		bench_do("reset");
		bench_run(700 * MS);
	}
	bench_await("self-test passed", 10 * S);
	assert_false(bench_heard(BANNER));
}

static void resets_far_apart_do_not(void **state)
{
	(void)state;
	start_settled();
	for (unsigned i = 0; i < 4; i++) {
		bench_do("reset");
		bench_run(7 * S);
	}
	assert_false(bench_heard(BANNER));
	assert_int_equal(bench.entered, HF_PLACE_A);
}

static void escape_on_the_line_leads_in(void **state)
{
	(void)state;
	start_settled();
	bench_do("reset");
	for (unsigned i = 0; i < 100; i++) {
		bench_type("\x1b", 1);
		bench_run(MS);
	}
	assert_recovery("asked for on this line");
}

static void break_on_the_line_leads_in(void **state)
{
	(void)state;
	start_settled();
	bench_do("reset");
	bench_do("break on for 100ms");
	assert_recovery("asked for on this line");
}

static void firmware_leads_in_when_asked(void **state)
{
	struct hf_smp_answer answer;

	(void)state;
	start_settled();
	assert_int_equal(hf_smp_request(&bench.client, HF_SMP_WRITE, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_RECOVERY,
					(struct hf_bytes){ (const uint8_t *)"\xa0", 1 }, 5000, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	assert_recovery("the firmware asked for it, reset: request");
}

static void no_firmware_leads_in(void **state)
{
	(void)state;
	start();
	assert_recovery("no valid firmware");
}

/* ---- ways out ---- */

static void idle_recovery_leaves_for_the_firmware(void **state)
{
	(void)state;
	bench_do("press recovery for 1s");
	start();
	bench_await(BANNER, 2 * S);
	bench_run(59 * S);
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
	bench_await("nobody asks for anything, leaving", 3 * S);
	bench_await("self-test passed", 10 * S);
	assert_int_equal(bench.entered, HF_PLACE_A);
}

static void held_pin_keeps_it_there(void **state)
{
	(void)state;
	bench_do("press recovery");
	start();
	bench_run(100 * S);
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
	bench_do("release recovery");
	bench_await_place(HF_PLACE_A, 62 * S);
}

/* An adapter without power pulls the line low for ever: that is no request. */
static void dead_line_does_not_park_the_gateway(void **state)
{
	(void)state;
	bench_do("break on");
	start();
	bench_await(BANNER, 2 * S);
	bench_await("leaving", 2 * S);
	bench_await("self-test passed", 10 * S);
	assert_int_equal(bench.entered, HF_PLACE_A);
	bench_run(30 * S);
	assert_int_equal(bench.entered, HF_PLACE_A);
}

static void nothing_to_leave_to_keeps_it_there(void **state)
{
	(void)state;
	start();
	bench_run(200 * S);
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
	assert_int_equal(bench.resets, 1);
}

static void peer_that_talks_keeps_it_there(void **state)
{
	(void)state;
	bench_do("press recovery for 1s");
	start();
	bench_run(2 * S);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(bench_status().running, HF_SLOTS);
		bench_run(40 * S);
	}
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
}

/* ---- uploads ---- */

static void empty_device_gets_firmware_and_starts_it(void **state)
{
	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	bench_burn("v1.1.0.suit");
	bench_await("self-test passed, confirmed", 10 * S);
	assert_int_equal(bench.entered, HF_PLACE_A);
}

/* The tool's reset means "start it", though somebody forgot to let the button go. */
static void firmware_starts_after_an_upload_though_the_pin_is_held(void **state)
{
	(void)state;
	bench_do("press recovery");
	start();
	bench_await(BANNER, 2 * S);
	bench_burn("v1.1.0.suit");
	bench_await("self-test passed, confirmed", 10 * S);
	assert_int_equal(bench.entered, HF_PLACE_B);
}

static void light_blinks_slowly_during_an_upload(void **state)
{
	struct hf_buffer file = bench_file("v1.1.0.suit");
	struct hf_smp_answer answer;
	struct hf_cbor_writer w;
	uint8_t body[1400];

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	/* The head and some of the payload, then nothing: it counts as under way for ten seconds. */
	hf_cbor_begin(&w, body, sizeof body);
	hf_cbor_put_map(&w, 3);
	hf_cbor_put_tstr(&w, "off");
	hf_cbor_put_uint(&w, 0);
	hf_cbor_put_tstr(&w, "len");
	hf_cbor_put_uint(&w, file.len);
	hf_cbor_put_tstr(&w, "data");
	hf_cbor_put_bstr(&w, file.ptr, 1200);
	assert_int_equal(hf_smp_request(&bench.client, HF_SMP_WRITE, HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD,
					(struct hf_bytes){ body, w.len }, 5000, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	hf_buffer_free(&file);
	bench_run(6 * S);
	assert_int_equal(hf_twin_led(bench.twin)->state, HF_LED_BLINKING);
	assert_in_range(hf_twin_led(bench.twin)->period_ms, 900, 1100);
	bench_run(5 * S);
	bench_await_breathing();
}

static void successor_takes_its_place(void **state)
{
	(void)state;
	start_settled();
	bench_burn("recovery-0.2.0.suit");
	bench_await("starting recovery: staged", 5 * S);
	bench_await("has taken its predecessor's place", 10 * S);
	bench_await("self-test passed", 10 * S);
	assert_int_equal(bench.entered, HF_PLACE_A);
	bench_listen();
	bench_do("press recovery for 1s");
	bench_do("reset");
	bench_await("boot: recovery 0.2.0 verified", 2 * S);
	bench_await_place(HF_PLACE_RECOVERY, 2 * S);
}

/* ---- the line ---- */

/* A board with one rate has to do with it. */
static uint32_t last_rate(void)
{
	return bench.board.maintenance.baud[bench.board.maintenance.bauds - 1];
}

static void adapter_that_is_slower_gets_through(void **state)
{
	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	bench_set_baud(last_rate());
	assert_int_equal(bench_status().running, HF_SLOTS);
	bench_listen();
	bench_await(BANNER, 2 * S); /* now readable here */
	bench_burn("v1.1.0.suit");
	bench_set_baud(bench.board.maintenance.baud[0]);
	bench_await("self-test passed, confirmed", 10 * S);
}

static void rate_of_a_peer_that_is_gone_falls_back(void **state)
{
	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	bench_set_baud(last_rate());
	(void)bench_status();
	bench_set_baud(bench.board.maintenance.baud[0]);
	bench_run(20 * S);
	bench_listen();
	bench_await(BANNER, 2 * S);
}

static void set_line(uint32_t baud, enum hf_smp_framing framing)
{
	struct hf_smp_line_state line;
	struct hf_smp_answer answer;

	assert_int_equal(hf_smp_set_line(&bench.client, 2000, baud, framing, &line, &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_OK);
	if (baud)
		bench_set_baud(baud);
	hf_smp_set_framing(&bench.client, framing);
}

static void binary_framing_and_another_rate_are_agreed_on(void **state)
{
	struct hf_smp_parameters parameters;
	struct hf_smp_answer answer;

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	set_line(last_rate(), HF_SMP_FRAMING_BINARY);
	assert_int_equal(hf_smp_get_parameters(&bench.client, 1000, &parameters, &answer), HF_OK);
	assert_in_range(parameters.buf_size * parameters.buf_count, 80 * 1024, 90 * 1024);
	bench_burn("v1.1.0.suit");
	bench_set_baud(bench.board.maintenance.baud[0]);
	bench_await("self-test passed, confirmed", 10 * S);
}

static void settings_that_nobody_proves_fall_back_within_a_second(void **state)
{
	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	set_line(last_rate(), HF_SMP_FRAMING_BINARY);
	bench_set_baud(bench.board.maintenance.baud[0]);
	hf_smp_set_framing(&bench.client, HF_SMP_FRAMING_CONSOLE);
	bench_run(1100 * MS);
	bench_listen();
	bench_await(BANNER, 2 * S);
	assert_int_equal(bench_status().running, HF_SLOTS);
}

static void noise_slows_an_upload_and_does_not_stop_it(void **state)
{
	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	bench_do("noise 0.00001");
	bench_burn("v1.1.0.suit");
	bench_do("noise 0");
	bench_await("self-test passed, confirmed", 10 * S);
}

/* ---- peers that stop, repeat or lie ---- */

static void assert_talks_still(void)
{
	unsigned resets = bench.resets;

	assert_int_equal(bench_status().running, HF_SLOTS);
	bench_listen();
	bench_await(BANNER, 3 * S);
	assert_int_equal(bench.resets, resets);
	assert_int_equal(bench.entered, HF_PLACE_RECOVERY);
}

/* An echo request, framed. Returns its length. */
static size_t framed_echo(enum hf_smp_framing framing, uint8_t *out, size_t cap)
{
	static const uint8_t packet[] = { 2, 0, 0, 9, 0, 0, 7, 0, 0xa1, 0x61, 'd', 0x65, 'h', 'e', 'l', 'l', 'o' };
	struct hf_bytes bytes = { packet, sizeof packet };
	struct hf_frame_encoder frame;
	struct hf_smp_encoder console;
	size_t n = 0, len;

	if (framing == HF_SMP_FRAMING_BINARY) {
		hf_frame_encode_begin(&frame, bytes);
		return hf_frame_encode(&frame, out, cap);
	}
	hf_smp_encode_begin(&console, bytes);
	while ((len = hf_smp_encode_line(&console, out + n)) > 0)
		n += len;
	return n;
}

static void peer_may_stop_in_any_frame(void **state)
{
	uint8_t frame[256];

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	for (unsigned framing = 0; framing < 2; framing++) {
		size_t len = framed_echo((enum hf_smp_framing)framing, frame, sizeof frame);

		for (size_t stop = 1; stop < len; stop++) {
			bench_type(frame, stop);
			bench_run(150 * MS);
		}
		assert_talks_still();
	}
}

static void bytes_lost_and_repeated_cost_their_frame_only(void **state)
{
	uint8_t frame[256], damaged[257];

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	for (unsigned framing = 0; framing < 2; framing++) {
		size_t len = framed_echo((enum hf_smp_framing)framing, frame, sizeof frame);

		for (size_t at = 0; at < len; at++) {
			memcpy(damaged, frame, at);
			memcpy(damaged + at, frame + at + 1, len - at - 1);
			bench_type(damaged, len - 1); /* one is lost */
			memcpy(damaged, frame, at + 1);
			memcpy(damaged + at + 1, frame + at, len - at);
			bench_type(damaged, len + 1); /* one comes twice */
			bench_run(20 * MS);
		}
		assert_talks_still();
	}
}

static void any_bytes_are_survived(void **state)
{
	static uint8_t noise[65536];
	uint32_t random = 12345;

	(void)state;
	for (size_t i = 0; i < sizeof noise; i++) {
		random = random * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(random >> 24);
	}
	start();
	bench_await(BANNER, 2 * S);
	bench_type(noise, sizeof noise);
	bench_run(2 * S);
	assert_talks_still();
}

static void lie(unsigned group, unsigned id, const void *body, size_t len, enum hf_err want)
{
	struct hf_smp_answer answer;

	assert_int_equal(hf_smp_request(&bench.client, HF_SMP_WRITE, (enum hf_smp_group)group, id,
					(struct hf_bytes){ body, len }, 5000, &answer), HF_OK);
	if (answer.refusal != want)
		fail_msg("group %u id %u: error %d, not %d: %s", group, id, answer.refusal, want, answer.reason);
	assert_true(want == HF_OK || answer.reason[0]);
}

#define LIE(group, id, body, want) lie(group, id, body, sizeof(body) - 1, want)

static void lies_get_an_error_and_change_nothing(void **state)
{
	struct hf_twin_counts before, after;

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	bench_run(2 * S);
	hf_twin_counts(bench.twin, &before);
	LIE(HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD, "\xa1\x63off\x00", HF_ERR_RANGE); /* without data */
	LIE(HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD, "\xa3\x63off\x00\x64" "data\x41\x00\x63len\x1a\xff\xff\xff\xff",
	    HF_ERR_TYPE); /* no envelope */
	LIE(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, "\xa1\x64hash\x41\x00", HF_ERR_RANGE);
	LIE(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, "\xa1\x67" "confirm\xf5", HF_ERR_NOT_FOUND); /* nothing runs */
	LIE(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, "\xa1\x64" "baud\x19\x12\x34", HF_ERR_RANGE);
	hf_twin_counts(bench.twin, &after);
	assert_int_equal(after.flash_ops, before.flash_ops);
	assert_talks_still();
	bench_burn("v1.1.0.suit");
	bench_await("self-test passed, confirmed", 10 * S);
}

static void packet_that_is_too_long_is_answered(void **state)
{
	static uint8_t body[5000], line[HF_SMP_LINE_MAX];
	static uint8_t packet[HF_SMP_HEADER_BYTES + sizeof body];
	const struct hf_smp_header header = { .op = HF_SMP_WRITE, .len = sizeof body, .group = HF_SMP_IMAGE, .seq = 9,
					      .id = HF_SMP_IMAGE_UPLOAD };
	struct hf_smp_encoder encoder;
	struct hf_smp_answer answer;
	size_t len;

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	hf_smp_header_store(packet, &header);
	hf_smp_encode_begin(&encoder, (struct hf_bytes){ packet, sizeof packet });
	while ((len = hf_smp_encode_line(&encoder, line)) > 0)
		bench_type(line, len);
	assert_int_equal(hf_smp_receive(&bench.client, hf_rig_now_ns(bench.rig) / MS + 2000, &answer), HF_OK);
	assert_int_equal(answer.header.seq, 9);
	assert_int_equal(answer.rc, HF_SMP_RC_MESSAGE_SIZE);
	assert_talks_still();
}

/* ---- what fails in the device ---- */

static void worn_memory_is_told_in_a_sentence(void **state)
{
	struct hf_smp_answer answer;
	uint32_t word = bench.board.layout.slot[0].addr + 0x1800; /* of the content, and no longer erased */
	char flip[32], stick[32];

	(void)state;
	snprintf(flip, sizeof flip, "flip 0x%08x 0xffffffff", word);
	snprintf(stick, sizeof stick, "stick 0x%08x 0xffffffff", word);
	start();
	bench_await(BANNER, 2 * S);
	bench_run(S);
	bench_do(flip);
	bench_do(stick);
	bench_listen();
	assert_int_not_equal(bench_upload("v1.1.0.suit", &answer), HF_OK);
	assert_int_equal(answer.refusal, HF_ERR_FLASH_ERASE);
	assert_true(answer.reason[0]);
	bench_await("recovery: refused: ", S);
	assert_talks_still();
}

/* `b .`, `bx lr` in the place of code: what a stray pointer may leave. */
static void assert_watchdog_bites(const char *function, const char *code)
{
	start();
	bench_await(BANNER, 2 * S);
	assert_int_equal(hf_twin_poke(bench.twin, bench_symbol(function), code, 2), HF_OK);
	bench_run(25 * S);
	assert_in_range(bench.resets, 2, 3);
	assert_int_equal(bench.cause, HF_TWIN_RESET_IWDG);
}

static void main_loop_that_hangs_is_bitten(void **state)
{
	(void)state;
	assert_watchdog_bites("hf_stay_turn", "\xfe\xe7");
}

static void interrupts_that_are_gone_are_bitten(void **state)
{
	(void)state;
	assert_watchdog_bites("hf_live_systick", "\x70\x47");
}

/* Painted once the banner is out, so that what the start itself took is seen only where it was more. */
static void stack_has_room_left(void **state)
{
	uint32_t begin = bench_symbol("hf_stack_begin"), end = bench_symbol("hf_stack_end"), at, word = 0x5ac35ac3;

	(void)state;
	start();
	bench_await(BANNER, 2 * S);
	for (at = begin; at + 4 <= hf_twin_register(bench.twin, 17); at += 4)
		assert_int_equal(hf_twin_poke(bench.twin, at, &word, sizeof word), HF_OK);
	bench_burn("v1.1.0.suit");
	for (at = begin; at < end && word == 0x5ac35ac3; at += 4)
		assert_int_equal(hf_twin_peek(bench.twin, at, &word, sizeof word), HF_OK);
	print_message("# stack: %u of %u bytes\n", end - at, end - begin);
	assert_true(at - begin >= 1024);
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define E(f) cmocka_unit_test_setup_teardown(f, set_up_empty, tear_down)
	const struct CMUnitTest tests[] = {
		T(pin_held_at_power_on_leads_in),
		T(three_resets_lead_in),
		T(two_resets_do_not),
		T(resets_far_apart_do_not),
		T(escape_on_the_line_leads_in),
		T(break_on_the_line_leads_in),
		T(firmware_leads_in_when_asked),
		E(no_firmware_leads_in),
		T(idle_recovery_leaves_for_the_firmware),
		T(held_pin_keeps_it_there),
		T(dead_line_does_not_park_the_gateway),
		E(nothing_to_leave_to_keeps_it_there),
		T(peer_that_talks_keeps_it_there),
		E(empty_device_gets_firmware_and_starts_it),
		T(firmware_starts_after_an_upload_though_the_pin_is_held),
		E(light_blinks_slowly_during_an_upload),
		T(successor_takes_its_place),
		E(adapter_that_is_slower_gets_through),
		E(rate_of_a_peer_that_is_gone_falls_back),
		E(binary_framing_and_another_rate_are_agreed_on),
		E(settings_that_nobody_proves_fall_back_within_a_second),
		E(noise_slows_an_upload_and_does_not_stop_it),
		E(peer_may_stop_in_any_frame),
		E(bytes_lost_and_repeated_cost_their_frame_only),
		E(any_bytes_are_survived),
		E(lies_get_an_error_and_change_nothing),
		E(packet_that_is_too_long_is_answered),
		E(worn_memory_is_told_in_a_sentence),
		E(main_loop_that_hangs_is_bitten),
		E(interrupts_that_are_gone_are_bitten),
		E(stack_has_room_left),
	};
#undef T
#undef E

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("recovery on the twin", tests, NULL, NULL);
}
