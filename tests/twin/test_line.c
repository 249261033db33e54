/* SPDX-License-Identifier: MIT
 *
 * The serial line between two ends of different opinions.
 */
#include "check.h"
#include "line.h"

#define ROOM 512

struct heard {
	struct hf_line_char c[ROOM];
	unsigned n;
};

/* Sends bytes back to back at one format to a receiver of another; returns when the last frame has ended and the
 * receiver is done. */
static void carry(struct hf_line *line, const struct hf_line_format *from, const uint8_t *data, unsigned len,
		  struct heard *heard)
{
	uint64_t now = 0;
	*heard = (struct heard){ 0 };
	for (unsigned i = 0; i < len; i++) {
		hf_line_send(line, now, from, data[i]);
		while (hf_line_busy(line, now)) {
			now = hf_line_next(line);
			while (hf_line_advance(line, now, &heard->c[heard->n]))
				assert_true(++heard->n < ROOM);
		}
	}
	for (uint64_t next = hf_line_next(line); next != HF_LINE_NEVER; next = hf_line_next(line))
		while (hf_line_advance(line, next, &heard->c[heard->n]))
			assert_true(++heard->n < ROOM);
}

static void carry_baud(uint32_t from_baud, uint32_t to_baud, const uint8_t *data, unsigned len, struct heard *heard)
{
	struct hf_line_format from = hf_line_format_of(from_baud, 8, 'N', 1);
	struct hf_line_format to = hf_line_format_of(to_baud, 8, 'N', 1);
	struct hf_line line;
	hf_line_init(&line, &to, 1);
	hf_line_listen(&line, true, &to);
	carry(&line, &from, data, len, heard);
}

static bool clean(const struct heard *heard, const uint8_t *data, unsigned len)
{
	bool same = heard->n == len;
	for (unsigned i = 0; same && i < len; i++)
		same = heard->c[i].data == data[i] && !heard->c[i].framing_error && !heard->c[i].noise;
	return same;
}

static void fill(uint8_t data[256])
{
	for (unsigned i = 0; i < 256; i++)
		data[i] = (uint8_t)i;
}

static void line_equal_ends_carry_every_byte(void **state)
{
	(void)state;
	uint8_t data[256];
	struct heard heard;
	fill(data);
	carry_baud(115200, 115200, data, 256, &heard);
	assert_true(clean(&heard, data, 256));
	carry_baud(921600, 921600, data, 256, &heard);
	assert_true(clean(&heard, data, 256));
}

static void line_within_three_percent_carries_every_byte(void **state)
{
	(void)state;
	uint8_t data[256];
	struct heard heard;
	fill(data);
	carry_baud(100000, 103000, data, 256, &heard);
	assert_true(clean(&heard, data, 256));
	carry_baud(100000, 97000, data, 256, &heard);
	assert_true(clean(&heard, data, 256));
}

static void line_six_percent_off_damages(void **state)
{
	(void)state;
	uint8_t data[256];
	struct heard heard;
	fill(data);
	carry_baud(100000, 106500, data, 256, &heard);
	assert_false(clean(&heard, data, 256));
	carry_baud(100000, 94000, data, 256, &heard);
	assert_false(clean(&heard, data, 256));
}

static void line_fast_receiver_hears_more_frames(void **state)
{
	(void)state;
	const uint8_t data[4] = { 0x55, 0x55, 0x55, 0x55 };
	struct heard heard;
	carry_baud(115200, 921600, data, 4, &heard);
	/* Each low bit of 8.7 us is a start bit and seven low bits to a receiver of 1.1 us a bit. */
	assert_int_equal(heard.n, 4 * 5);
	for (unsigned i = 0; i < heard.n; i++)
		assert_int_equal(heard.c[i].data, 0x80);
}

static void line_slow_receiver_hears_fewer_frames(void **state)
{
	(void)state;
	uint8_t data[64];
	struct heard heard;
	memset(data, 0x31, sizeof(data));
	carry_baud(921600, 115200, data, sizeof(data), &heard);
	assert_in_range(heard.n, 6, 9);
	assert_false(clean(&heard, data, heard.n));
}

static void line_character_is_stamped_in_its_stop_bit(void **state)
{
	(void)state;
	const uint8_t data[1] = { 0xa5 };
	struct heard heard;
	carry_baud(100000, 100000, data, 1, &heard);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.c[0].t_ns, 9 * 10000 + 6250); /* third sample: 10 of 16 */
}

static void line_wrong_parity_is_told(void **state)
{
	(void)state;
	const uint8_t data[2] = { 0x01, 0x03 };
	struct hf_line_format even = hf_line_format_of(9600, 8, 'E', 1), odd = hf_line_format_of(9600, 8, 'O', 1);
	struct hf_line line;
	struct heard heard;
	hf_line_init(&line, &odd, 1);
	hf_line_listen(&line, true, &odd);
	carry(&line, &even, data, 2, &heard);
	assert_int_equal(heard.n, 2);
	assert_true(heard.c[0].parity_error && heard.c[1].parity_error);
	hf_line_init(&line, &even, 1);
	hf_line_listen(&line, true, &even);
	carry(&line, &even, data, 2, &heard);
	assert_int_equal(heard.n, 2);
	assert_false(heard.c[0].parity_error || heard.c[1].parity_error);
	assert_int_equal(heard.c[0].data, 0x101); /* the parity bit is the ninth */
	assert_int_equal(heard.c[1].data, 0x003);
}

static void line_noise_flips_about_the_share_asked_for(void **state)
{
	(void)state;
	uint8_t data[256];
	struct hf_line_format format = hf_line_format_of(115200, 8, 'N', 1);
	struct hf_line line;
	struct heard heard;
	unsigned damaged = 0;
	memset(data, 0xff, sizeof(data)); /* only the start bit is low: frames stay apart */
	hf_line_init(&line, &format, 7);
	hf_line_listen(&line, true, &format);
	hf_line_noise(&line, 0.01);
	carry(&line, &format, data, 256, &heard);
	for (unsigned i = 0; i < heard.n; i++)
		damaged += heard.c[i].data != 0xff || heard.c[i].framing_error;
	/* Ten bits a frame at 1 %: 24 of 256 expected. */
	assert_in_range(damaged + 256 - (heard.n < 256 ? heard.n : 256), 8, 50);
}

static void line_same_seed_same_noise(void **state)
{
	(void)state;
	uint8_t data[256];
	struct hf_line_format format = hf_line_format_of(115200, 8, 'N', 1);
	static struct heard heard[2];
	fill(data);
	for (unsigned i = 0; i < 2; i++) {
		struct hf_line line;
		hf_line_init(&line, &format, 99);
		hf_line_listen(&line, true, &format);
		hf_line_noise(&line, 0.02);
		carry(&line, &format, data, 256, &heard[i]);
	}
	assert_int_equal(heard[0].n, heard[1].n);
	for (unsigned i = 0; i < heard[0].n; i++) {
		assert_int_equal(heard[0].c[i].data, heard[1].c[i].data);
		assert_int_equal(heard[0].c[i].t_ns, heard[1].c[i].t_ns);
	}
}

/* A line that is measured looks at every sample; else frames in step are taken at a glance. */
static void line_taken_at_a_glance_is_as_sampled(void **state)
{
	(void)state;
	uint64_t random = 7, glances = 0;
	for (unsigned n = 0; n < 20000; n++) {
		uint64_t r = hf_line_random(&random);
		uint32_t baud = r & 1 ? 115200 : 921600;
		char parity = "NEO"[r >> 1 & 3 ? (r >> 1 & 3) - 1 : 0];
		struct hf_line_format to = hf_line_format_of(baud, (uint8_t)(7 + (r >> 4 & 1)), parity, 1);
		struct hf_line_format from = to;
		from.bit_ps = to.bit_ps * (900 + (r >> 8) % 200) / 1000;
		from.stop_halves = (uint8_t)(1 + (r >> 20 & 3));
		from.data_bits = (uint8_t)(to.data_bits + ((r >> 24 & 15) == 0));
		struct hf_line a, b;
		hf_line_init(&a, &to, r);
		hf_line_listen(&a, (r >> 28 & 31) != 0, &to);
		hf_line_send(&a, 1000, &from, (uint16_t)(r >> 32 & 0xff));
		struct hf_line_damage damage = { .flipped = (r >> 40 & 7) == 0 ? (uint32_t)hf_line_random(&random) & 0xfff : 0 };
		hf_line_damage(&a, &damage);
		b = a;
		hf_line_measure(&b, true);
		uint64_t next = hf_line_next(&a);
		assert_int_equal(next, hf_line_next(&b));
		struct hf_line_char ca, cb;
		while (next != HF_LINE_NEVER) {
			bool heard = hf_line_advance(&a, next, &ca);
			glances += heard;
			assert_int_equal(heard, hf_line_advance(&b, next, &cb));
			if (heard) {
				assert_int_equal(ca.t_ns, cb.t_ns);
				assert_int_equal(ca.data, cb.data);
				assert_int_equal(ca.framing_error, cb.framing_error);
				assert_int_equal(ca.parity_error, cb.parity_error);
				assert_int_equal(ca.noise, cb.noise);
			}
			assert_int_equal(a.level, b.level);
			assert_int_equal(a.receiving, b.receiving);
			assert_int_equal(a.sent_low, b.sent_low);
			assert_int_equal(a.next_edge, b.next_edge);
			next = hf_line_next(&a);
			assert_int_equal(next, hf_line_next(&b));
		}
	}
	assert_true(glances > 10000);
}

static void line_break_is_one_framing_error(void **state)
{
	(void)state;
	struct hf_line_format format = hf_line_format_of(10000, 8, 'N', 1);
	struct hf_line line;
	struct hf_line_char c;
	hf_line_init(&line, &format, 1);
	hf_line_listen(&line, true, &format);
	hf_line_break(&line, 0, true);
	assert_true(hf_line_advance(&line, 5 * MS, &c));
	assert_int_equal(c.data, 0);
	assert_true(c.framing_error);
	assert_false(hf_line_advance(&line, 100 * MS, &c));
}

static void line_cut_in_mid_frame_reads_idle_from_there(void **state)
{
	(void)state;
	struct hf_line_format format = hf_line_format_of(10000, 8, 'N', 1);
	struct hf_line line;
	struct hf_line_char c;
	hf_line_init(&line, &format, 1);
	hf_line_listen(&line, true, &format);
	hf_line_send(&line, 0, &format, 0x00);
	assert_false(hf_line_advance(&line, 500000, &c)); /* start and four bits are through */
	hf_line_cut(&line, 500000, true);
	assert_true(hf_line_advance(&line, 2 * MS, &c));
	assert_int_equal(c.data, 0xf0);
	assert_false(c.framing_error);
	hf_line_send(&line, 3 * MS, &format, 0x55);
	assert_false(hf_line_advance(&line, 5 * MS, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_equal_ends_carry_every_byte),
		cmocka_unit_test(line_within_three_percent_carries_every_byte),
		cmocka_unit_test(line_six_percent_off_damages),
		cmocka_unit_test(line_fast_receiver_hears_more_frames),
		cmocka_unit_test(line_slow_receiver_hears_fewer_frames),
		cmocka_unit_test(line_character_is_stamped_in_its_stop_bit),
		cmocka_unit_test(line_wrong_parity_is_told),
		cmocka_unit_test(line_noise_flips_about_the_share_asked_for),
		cmocka_unit_test(line_same_seed_same_noise),
		cmocka_unit_test(line_taken_at_a_glance_is_as_sampled),
		cmocka_unit_test(line_break_is_one_framing_error),
		cmocka_unit_test(line_cut_in_mid_frame_reads_idle_from_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
