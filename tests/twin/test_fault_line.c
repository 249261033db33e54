/* SPDX-License-Identifier: MIT
 *
 * Faults of a serial line, byte by byte, in both directions.
 */
#include "check.h"
#include "models.h"

static struct heard heard;

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	fake_open(all_models);
	hf_twin_uart_attach(fake_twin(), 1, hear, &heard);
	usart_begin(USART1, 1, UE_TE_RE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static void set_fault(const struct hf_twin_line_fault *fault)
{
	assert_int_equal(hf_twin_line_fault(fake_twin(), 1, fault), HF_OK);
}

/* What the device takes within `frames`, with the flags that SR showed. */
struct taken {
	uint8_t data[256];
	uint32_t flags[256];
	uint64_t at_ns[256];
	unsigned n;
};

static struct taken take(unsigned frames)
{
	static struct taken taken;
	uint64_t begin = fake_now();

	taken.n = 0;
	for (uint64_t t = begin; t < begin + frames * FRAME; t += BIT / 4) {
		fake_run(t);
		uint32_t sr = fake_read(USART1 + USART_SR);
		if ((sr & RXNE) == 0)
			continue;
		assert_true(taken.n < 256);
		taken.flags[taken.n] = sr & (PE | FE | NE | ORE);
		taken.data[taken.n] = (uint8_t)fake_read(USART1 + USART_DR);
		taken.at_ns[taken.n++] = t - begin;
	}
	return taken;
}

static struct taken feed(const char *text, unsigned frames)
{
	usart_feed(1, text, strlen(text));
	return take(frames);
}

/* The device sends a text, byte by byte, and the far end has some more time to hear it. */
static void say(const char *text)
{
	uint64_t now = fake_now();

	for (; *text; text++, now += 2 * FRAME) {
		fake_write(USART1 + USART_DR, (uint8_t)*text);
		fake_run(now + 2 * FRAME);
	}
	fake_run(now + 4 * FRAME);
}

static void flip_changes_one_bit_of_the_bytes_named(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_FLIP, .at = 2, .count = 2,
						.seed = 1 });
	struct taken t = feed("abcdef", 8);
	assert_int_equal(t.n, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(__builtin_popcount((unsigned)(t.data[i] ^ "abcdef"[i])), i == 2 || i == 3);
		assert_int_equal(t.flags[i], 0); /* without parity nothing tells */
	}
	assert_int_equal(feed("gh", 4).n, 2);
	say("ok");
	assert_memory_equal(heard.data, "ok", 2);
}

static void flip_to_the_far_end_leaves_the_other_direction(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .kind = HF_TWIN_LINE_FLIP, .at = 1, .seed = 1 });
	struct taken t = feed("xyz", 5);
	assert_memory_equal(t.data, "xyz", 3);
	say("abc");
	assert_int_equal(heard.n, 3);
	assert_int_equal(heard.data[0], 'a');
	assert_int_equal(__builtin_popcount((unsigned)(heard.data[1] ^ 'b')), 1);
	assert_int_equal(heard.data[2], 'c');
}

static void bytes_are_counted_from_when_the_fault_is_set(void **state)
{
	(void)state;
	(void)feed("before", 8);
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_LOST, .at = 1 });
	struct taken t = feed("abc", 5);
	assert_int_equal(t.n, 2);
	assert_memory_equal(t.data, "ac", 2);
}

static void seeds_choose_other_bits(void **state)
{
	unsigned differ = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 16; seed++) {
		struct hf_twin_line_fault fault = { .to_device = true, .kind = HF_TWIN_LINE_FLIP, .seed = seed };
		uint8_t first;

		set_fault(&fault);
		first = feed("U", 2).data[0];
		set_fault(&fault);
		assert_int_equal(feed("U", 2).data[0], first);
		fault.seed = seed + 100;
		set_fault(&fault);
		differ += feed("U", 2).data[0] != first;
	}
	assert_true(differ > 8);
}

static void burst_garbles_bytes_and_breaks_frames(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_BURST, .at = 1, .count = 20,
						.seed = 3 });
	struct taken t = feed("UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU", 40);
	unsigned wrong = 0, framing = 0;
	for (unsigned i = 0; i < t.n; i++) {
		wrong += t.data[i] != 'U';
		framing += (t.flags[i] & FE) != 0;
	}
	assert_true(wrong > 8 && framing > 2);
	assert_int_equal(t.data[0], 'U');
	assert_int_equal(feed("z", 3).data[0], 'z');
}

static void lost_bytes_take_their_time(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_LOST, .at = 1, .count = 3 });
	struct taken t = feed("abcdef", 8);
	assert_int_equal(t.n, 3);
	assert_memory_equal(t.data, "aef", 3);
	assert_in_range(t.at_ns[1] - t.at_ns[0], 4 * FRAME - BIT, 4 * FRAME + BIT);
	set_fault(&(struct hf_twin_line_fault){ .kind = HF_TWIN_LINE_LOST, .at = 0, .count = 2 });
	say("abc");
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.data[0], 'c');
}

static void line_may_be_lost_for_good_and_healed(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_LOST, .count = UINT32_MAX });
	assert_int_equal(feed("abcdefghij", 12).n, 0);
	set_fault(&(struct hf_twin_line_fault){ .kind = HF_TWIN_LINE_HEAL });
	assert_int_equal(feed("abc", 5).n, 3);
}

static void repeated_byte_comes_again(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_REPEAT, .at = 1, .count = 2 });
	struct taken t = feed("abc", 8);
	assert_int_equal(t.n, 5);
	assert_memory_equal(t.data, "abbbc", 5);
	assert_in_range(t.at_ns[2] - t.at_ns[1], FRAME - BIT, FRAME + BIT);
	set_fault(&(struct hf_twin_line_fault){ .kind = HF_TWIN_LINE_REPEAT, .at = 1 });
	say("abc");
	assert_int_equal(heard.n, 4);
	assert_memory_equal(heard.data, "abbc", 4);
	assert_int_equal(hf_twin_uart_queued(fake_twin(), 1), 0);
}

static void noise_damages_its_share_for_good(void **state)
{
	uint8_t text[200];
	unsigned wrong = 0;

	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_NOISE, .ppm = 100000, .seed = 5 });
	memset(text, 'U', sizeof(text));
	for (unsigned round = 0; round < 5; round++) {
		usart_feed(1, text, sizeof(text));
		struct taken t = take(210);
		for (unsigned i = 0; i < t.n; i++)
			wrong += t.data[i] != 'U' || t.flags[i] != 0;
		wrong += 200 - t.n;
	}
	assert_in_range(wrong, 60, 160); /* of a thousand */
}

/* The receiver of 8N1 follows about 4 % (half a bit in ten and a half), and no 7 %. */
static void drift_is_followed_until_it_is_too_much(void **state)
{
	static const struct {
		int32_t ppm;
		bool heard;
	} rows[] = { { 20000, true }, { -20000, true }, { 35000, true }, { -70000, false }, { 70000, false } };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned wrong = 0;
		set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_DRIFT, .at = 2, .count = 8,
							.ppm = rows[i].ppm });
		struct taken t = feed("\x55\xaa\x55\xaa\x0f\xf0\x01\x80\xff\x7f", 20);
		for (unsigned j = 0; j < t.n; j++)
			wrong += t.data[j] != (uint8_t)"\x55\xaa\x55\xaa\x0f\xf0\x01\x80\xff\x7f"[j] || t.flags[j] != 0;
		assert_int_equal(wrong == 0 && t.n == 10, rows[i].heard);
		assert_int_equal(feed("z", 4).data[0], 'z');
	}
}

static void stalled_peer_is_silent_for_so_long(void **state)
{
	(void)state;
	set_fault(&(struct hf_twin_line_fault){ .to_device = true, .kind = HF_TWIN_LINE_STALL, .at = 1, .count = 3 });
	struct taken t = feed("abc", 40);
	assert_int_equal(t.n, 3);
	assert_memory_equal(t.data, "abc", 3);
	assert_in_range(t.at_ns[1] - t.at_ns[0], 3 * MS + FRAME - BIT, 3 * MS + FRAME + BIT);
	assert_in_range(t.at_ns[2] - t.at_ns[1], FRAME - BIT, FRAME + BIT);
}

static void faults_add_up_and_are_four_at_most(void **state)
{
	struct hf_twin_line_fault lost = { .to_device = true, .kind = HF_TWIN_LINE_LOST, .count = 1 };

	(void)state;
	for (lost.at = 0; lost.at < 4; lost.at++)
		set_fault(&lost);
	assert_int_equal(hf_twin_line_fault(fake_twin(), 1, &lost), HF_ERR_FULL);
	struct taken t = feed("abcdef", 8);
	assert_int_equal(t.n, 2);
	assert_memory_equal(t.data, "ef", 2);
	for (lost.at = 0; lost.at < 4; lost.at++)
		set_fault(&lost); /* those before are over */
}

static void what_no_line_can_do_is_refused(void **state)
{
	struct hf_twin_line_fault fault = { .to_device = true, .kind = HF_TWIN_LINE_DRIFT, .ppm = -1000000 };

	(void)state;
	assert_int_equal(hf_twin_line_fault(fake_twin(), 1, &fault), HF_ERR_RANGE);
	fault.kind = HF_TWIN_LINE_NOISE;
	fault.ppm = -1;
	assert_int_equal(hf_twin_line_fault(fake_twin(), 1, &fault), HF_ERR_RANGE);
	fault.ppm = 1;
	assert_int_equal(hf_twin_line_fault(fake_twin(), 4, &fault), HF_ERR_RANGE);
	fault.kind = HF_TWIN_LINE_STALL;
	fault.to_device = false;
	assert_int_equal(hf_twin_line_fault(fake_twin(), 1, &fault), HF_ERR_RANGE);
}

/* As the chip: the shift register goes on, and the next sample is taken by the new clock. */
static void clock_that_changes_within_a_frame_does_not_lose_it(void **state)
{
	(void)state;
	for (unsigned bit = 1; bit < 9; bit++) {
		uint64_t now = fake_now();

		usart_feed(1, "\x35", 1);
		fake_run(now + bit * BIT);
		fake_clock(HF_CLOCK_PCLK2, bit & 1 ? 16320000 : 16000000);
		struct taken t = take(3);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.data[0], 0x35);
		assert_int_equal(t.flags[0], 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(flip_changes_one_bit_of_the_bytes_named),
		TEST(flip_to_the_far_end_leaves_the_other_direction),
		TEST(bytes_are_counted_from_when_the_fault_is_set),
		TEST(seeds_choose_other_bits),
		TEST(burst_garbles_bytes_and_breaks_frames),
		TEST(lost_bytes_take_their_time),
		TEST(line_may_be_lost_for_good_and_healed),
		TEST(repeated_byte_comes_again),
		TEST(noise_damages_its_share_for_good),
		TEST(drift_is_followed_until_it_is_too_much),
		TEST(stalled_peer_is_silent_for_so_long),
		TEST(faults_add_up_and_are_four_at_most),
		TEST(what_no_line_can_do_is_refused),
		TEST(clock_that_changes_within_a_frame_does_not_lose_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
