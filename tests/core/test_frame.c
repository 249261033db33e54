/* SPDX-License-Identifier: MIT
 *
 * The binary framing. The first frames were computed apart from this code (Python: binascii.crc32, COBS written out).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frame.h"
#include "hex.h"
#include "smp.h"

#define PACKET_MAX 1200
#define GUARD      0xa5

/* "image list": read, group 1, id 0, sequence 42, an empty map. */
static const char list_packet[] = "000000010001" "4200" "a0";
static const char list_frame[] = "00" "010101020103014206a0285a2130" "00";

/* "line": write, version 1, group 64, id 2, sequence 1, {"baud": 921600, "frame": 1}. */
static const char line_packet[] = "0a00001200400102" "a264626175641a000e1000656672616d6501";

struct seen {
	unsigned packets, oversize;
	size_t len;
	uint8_t packet[PACKET_MAX];
	size_t text_len;
	char text[4096];
};

struct rig {
	struct hf_frame_decoder d;
	struct seen seen;
	uint8_t buf[PACKET_MAX + 1]; /* the last one is a guard */
};

static void begin(struct rig *r, size_t cap)
{
	memset(r, 0, sizeof(*r));
	memset(r->buf, GUARD, sizeof(r->buf));
	hf_frame_decode_begin(&r->d, r->buf, cap);
}

static void take(struct rig *r, enum hf_frame_event event)
{
	struct seen *s = &r->seen;

	switch (event) {
	case HF_FRAME_PACKET:
	case HF_FRAME_OVERSIZE:
		s->packets += event == HF_FRAME_PACKET;
		s->oversize += event == HF_FRAME_OVERSIZE;
		s->len = r->d.len;
		memcpy(s->packet, r->d.buf, r->d.len);
		break;
	case HF_FRAME_TEXT:
		assert_true(s->text_len + r->d.text.len < sizeof(s->text));
		memcpy(s->text + s->text_len, r->d.text.ptr, r->d.text.len);
		s->text_len += r->d.text.len;
		break;
	case HF_FRAME_NOTHING:
		break;
	}
}

/* In blocks of `block` bytes. */
static void feed(struct rig *r, const void *data, size_t len, size_t block)
{
	const uint8_t *p = data;

	for (size_t at = 0; at < len; at += block) {
		size_t n = len - at < block ? len - at : block, used = 0;

		while (used < n) {
			enum hf_frame_event event;
			size_t took = hf_frame_decode(&r->d, (struct hf_bytes){p + at + used, n - used}, &event);

			assert_in_range(took, 1, n - used);
			used += took;
			take(r, event);
		}
	}
	assert_int_equal(r->buf[r->d.cap], GUARD);
}

static size_t encode(const uint8_t *packet, size_t len, uint8_t *out, size_t chunk)
{
	struct hf_frame_encoder e;
	size_t used = 0, n;

	hf_frame_encode_begin(&e, (struct hf_bytes){packet, len});
	while ((n = hf_frame_encode(&e, out + used, chunk)) > 0)
		used += n;
	assert_in_range(used, 2, HF_FRAME_BYTES(len));
	return used;
}

static void must_have(const struct rig *r, const uint8_t *packet, size_t len)
{
	assert_int_equal(r->seen.len, len);
	assert_memory_equal(r->seen.packet, packet, len);
}

static void frame_of_known_packet_is_byte_exact(void **state)
{
	uint8_t packet[64], want[64], got[HF_FRAME_BYTES(64)];
	size_t len = from_hex(list_packet, packet, sizeof(packet)), want_len = from_hex(list_frame, want, sizeof(want));
	struct rig r;

	(void)state;
	assert_int_equal(encode(packet, len, got, sizeof(got)), want_len);
	assert_memory_equal(got, want, want_len);
	begin(&r, sizeof(packet));
	feed(&r, want, want_len, want_len);
	assert_int_equal(r.seen.packets, 1);
	must_have(&r, packet, len);
}

/* Bytes between the next two back quotes, or 0: there are none in this line. */
static size_t quoted(const char **at, uint8_t *out, size_t cap)
{
	const char *begin = strchr(*at, '`'), *end = begin ? strchr(begin + 1, '`') : NULL;
	char text[512];

	if (!end)
		return 0;
	assert_true((size_t)(end - begin) < sizeof(text));
	memcpy(text, begin + 1, (size_t)(end - begin - 1));
	text[end - begin - 1] = 0;
	*at = end + 1;
	return from_hex(text, out, cap);
}

static void frames_of_the_protocols_page_are_ours(void **state)
{
	static char line[4096];
	unsigned rows = 0;
	FILE *page = fopen(HF_SOURCE_ROOT "/docs/PROTOCOL.md", "r");

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page) && !strstr(line, "<!-- frames:"))
		;
	while (fgets(line, sizeof(line), page) && line[0] == '|') {
		uint8_t packet[128], want[128], got[128];
		const char *at = line;
		size_t len = quoted(&at, packet, sizeof(packet)), want_len = quoted(&at, want, sizeof(want));
		struct rig r;

		if (len == 0)
			continue;
		assert_int_equal(encode(packet, len, got, sizeof(got)), want_len);
		assert_memory_equal(got, want, want_len);
		begin(&r, sizeof(packet));
		feed(&r, want, want_len, 1);
		must_have(&r, packet, len);
		rows++;
	}
	fclose(page);
	assert_int_equal(rows, 3);
}

/* Contents that COBS treats differently: zeros, none, full blocks, and a mixture. */
static void fill(uint8_t *packet, size_t len, unsigned kind)
{
	uint32_t x = kind * 77u + (uint32_t)len;

	memcpy(packet, (uint8_t[]){2, 0, 0, 0, 0, 1, 0, 1}, HF_SMP_HEADER_BYTES);
	for (size_t i = HF_SMP_HEADER_BYTES; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		packet[i] = (uint8_t)(kind == 0 ? 0 : kind == 1 ? 1 + i % 255 : kind == 2 ? i % 255 : x >> 24);
	}
}

static void frame_of_any_length_and_content_comes_back(void **state)
{
	static const size_t blocks[] = {1, 7, 254, 5000};
	uint8_t packet[PACKET_MAX], wire[2][HF_FRAME_BYTES(PACKET_MAX)];
	struct rig r;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		for (size_t len = HF_SMP_HEADER_BYTES; len <= PACKET_MAX; len += len < 1040 ? 1 : 13) {
			fill(packet, len, kind);
			size_t n = encode(packet, len, wire[0], sizeof(wire[0]));

			assert_int_equal(encode(packet, len, wire[1], 1 + len % 9), n);
			assert_memory_equal(wire[0], wire[1], n);
			assert_null(memchr(wire[0] + 1, 0, n - 2));
			begin(&r, len);
			feed(&r, wire[0], n, blocks[len % 4]);
			assert_int_equal(r.seen.packets, 1);
			assert_int_equal(r.seen.text_len, 0);
			must_have(&r, packet, len);
		}
	}
}

/* A damaged frame and a good one behind it: the good one is taken, the damaged one never with other content, and no more
 * of it is text than the byte that was damaged. */
struct pair {
	uint8_t a[400], b[64];
	size_t a_len, b_len;
	uint8_t wire[HF_FRAME_BYTES(400)], wire_b[HF_FRAME_BYTES(64)];
	size_t len, len_b;
};

static void make_pair(struct pair *p, size_t a_len, unsigned kind)
{
	memset(p, 0, sizeof(*p));
	p->a_len = a_len;
	fill(p->a, a_len, kind);
	p->b_len = from_hex(line_packet, p->b, sizeof(p->b));
	p->len = encode(p->a, p->a_len, p->wire, sizeof(p->wire));
	p->len_b = encode(p->b, p->b_len, p->wire_b, sizeof(p->wire_b));
}

static void check_damaged(const struct pair *p, const uint8_t *damaged, size_t len, size_t block)
{
	struct rig r;

	begin(&r, 512);
	feed(&r, damaged, len, block);
	feed(&r, p->wire_b, 1, 1); /* ends the other frame, if that lost no more than its end */
	if (r.seen.packets) {
		assert_int_equal(r.seen.packets, 1);
		must_have(&r, p->a, p->a_len);
	}
	r.seen.packets = 0;
	feed(&r, p->wire_b + 1, p->len_b - 1, block);
	assert_int_equal(r.seen.packets, 1);
	must_have(&r, p->b, p->b_len);
	assert_int_equal(r.seen.oversize, 0);
	assert_true(r.seen.text_len <= 2);
}

static void each_pair(void (*damage)(const struct pair *p))
{
	static const size_t lengths[] = {8, 9, 40, 253, 254, 255, 300};
	static struct pair p;

	for (unsigned kind = 0; kind < 4; kind++) {
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			make_pair(&p, lengths[i], kind);
			damage(&p);
		}
	}
}

static void flip_bits(const struct pair *p)
{
	uint8_t bad[sizeof(p->wire)];

	for (size_t bit = 0; bit < 8 * p->len; bit++) {
		memcpy(bad, p->wire, p->len);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_damaged(p, bad, p->len, bit % 2 ? p->len : 1);
	}
}

static void frame_with_any_bit_flipped_is_dropped(void **state)
{
	(void)state;
	each_pair(flip_bits);
}

static void lose_and_repeat(const struct pair *p)
{
	uint8_t bad[sizeof(p->wire) + 1];

	for (size_t at = 0; at < p->len; at++) {
		memcpy(bad, p->wire, at);
		memcpy(bad + at, p->wire + at + 1, p->len - at - 1);
		check_damaged(p, bad, p->len - 1, at % 2 ? p->len : 1);
		memcpy(bad, p->wire, at + 1);
		memcpy(bad + at + 1, p->wire + at, p->len - at);
		check_damaged(p, bad, p->len + 1, at % 2 ? p->len : 1);
	}
}

static void frame_with_any_byte_lost_or_repeated_is_dropped(void **state)
{
	(void)state;
	each_pair(lose_and_repeat);
}

static void insert_each(const struct pair *p)
{
	uint8_t bad[sizeof(p->wire) + 1];

	for (size_t at = 0; at <= p->len; at++) {
		for (unsigned byte = 0; byte < 256; byte += p->len > 100 ? 5 : 1) {
			memcpy(bad, p->wire, at);
			bad[at] = (uint8_t)byte;
			memcpy(bad + at + 1, p->wire + at, p->len - at);
			check_damaged(p, bad, p->len + 1, p->len);
		}
	}
}

static void frame_with_any_byte_inserted_is_dropped(void **state)
{
	(void)state;
	each_pair(insert_each);
}

static void truncate_each(const struct pair *p)
{
	for (size_t len = 0; len < p->len; len++)
		check_damaged(p, p->wire, len, 1);
}

static void frame_that_stops_anywhere_costs_only_itself(void **state)
{
	(void)state;
	each_pair(truncate_each);
}

static void text_and_console_frames_around_a_frame_are_given_out(void **state)
{
	static const char before[] = "a log line\r\n", console[] = "\x06\x09" "AAsAAAABAAFCAKD1Mw==\n";
	uint8_t packet[64], wire[HF_FRAME_BYTES(64)];
	size_t len = from_hex(line_packet, packet, sizeof(packet)), n = encode(packet, len, wire, sizeof(wire));

	(void)state;
	for (size_t block = 1; block < 40; block += 3) {
		struct rig r;

		begin(&r, sizeof(packet));
		feed(&r, before, strlen(before), block);
		feed(&r, wire, n, block);
		feed(&r, console, strlen(console), block);
		feed(&r, wire, n, block);
		assert_int_equal(r.seen.packets, 2);
		must_have(&r, packet, len);
		assert_int_equal(r.seen.text_len, strlen(before) + strlen(console));
		assert_memory_equal(r.seen.text, before, strlen(before));
		assert_memory_equal(r.seen.text + strlen(before), console, strlen(console));
		assert_int_equal(r.d.dropped, 0);
	}
}

/* A packet that carries a console frame as its data. */
static size_t trojan(uint8_t *packet)
{
	static const char console[] = "\n\x06\x09" "AAsAAAABAAFCAKD1Mw==\n";

	fill(packet, HF_SMP_HEADER_BYTES, 0);
	memcpy(packet + HF_SMP_HEADER_BYTES, console, sizeof(console));
	return HF_SMP_HEADER_BYTES + sizeof(console);
}

static void console_frame_inside_a_frame_is_never_text(void **state)
{
	uint8_t packet[64], wire[HF_FRAME_BYTES(64)], bad[HF_FRAME_BYTES(64)];
	size_t len = trojan(packet), n = encode(packet, len, wire, sizeof(wire));
	struct rig r;

	(void)state;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(bad, wire, n);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		begin(&r, sizeof(packet));
		feed(&r, bad, n, 1 + bit % 5);
		assert_true(r.seen.text_len <= 2);
	}
	for (size_t at = 0; at < n; at++) { /* the end of it is lost, or its beginning damaged */
		begin(&r, sizeof(packet));
		feed(&r, wire, at, 3);
		assert_int_equal(r.seen.text_len, 0);
	}
}

static void frame_without_its_opening_is_taken(void **state)
{
	uint8_t packet[2][64], wire[2][HF_FRAME_BYTES(64)];
	size_t len[2], n[2];
	struct rig r;

	(void)state;
	len[0] = from_hex(list_packet, packet[0], sizeof(packet[0]));
	len[1] = from_hex(line_packet, packet[1], sizeof(packet[1]));
	for (unsigned i = 0; i < 2; i++) {
		n[i] = encode(packet[i], len[i], wire[i], sizeof(wire[i]));
		begin(&r, sizeof(packet[i]));
		feed(&r, "text\r\n", 6, 6);
		feed(&r, wire[i] + 1, n[i] - 1, 1);
		assert_int_equal(r.seen.packets, 1);
		assert_int_equal(r.seen.text_len, 6);
		must_have(&r, packet[i], len[i]);
	}
}

static void frame_that_is_idle_is_given_up_for_text(void **state)
{
	uint8_t packet[64], wire[HF_FRAME_BYTES(64)];
	size_t len = from_hex(line_packet, packet, sizeof(packet)), n = encode(packet, len, wire, sizeof(wire));

	(void)state;
	for (size_t cut = 1; cut < n; cut++) {
		struct rig r;

		begin(&r, sizeof(packet));
		assert_false(hf_frame_pending(&r.d));
		feed(&r, wire, cut, 1);
		assert_true(hf_frame_pending(&r.d));
		hf_frame_idle(&r.d);
		assert_false(hf_frame_pending(&r.d));
		assert_int_equal(r.d.dropped, cut > 1);
		feed(&r, "hello", 5, 5);
		assert_int_equal(r.seen.text_len, 5);
		feed(&r, wire, n, 1);
		assert_int_equal(r.seen.packets, 1);
		must_have(&r, packet, len);
	}
}

static void packet_longer_than_the_buffer_is_reported_with_its_beginning(void **state)
{
	uint8_t packet[PACKET_MAX], wire[HF_FRAME_BYTES(PACKET_MAX)];
	struct rig r;
	size_t n;

	(void)state;
	fill(packet, 600, 3);
	n = encode(packet, 600, wire, sizeof(wire));
	for (size_t cap = 590; cap < 612; cap++) {
		begin(&r, cap);
		feed(&r, wire, n, 100);
		assert_int_equal(r.seen.packets, cap >= 600);
		assert_int_equal(r.seen.oversize, cap < 600);
		must_have(&r, packet, cap < 600 ? cap : 600);
	}
	begin(&r, 0);
	feed(&r, wire, n, 100);
	assert_int_equal(r.seen.oversize, 1);
	assert_int_equal(r.seen.len, 0);
	assert_int_equal(r.d.dropped, 0);
}

static void packet_of_the_greatest_length_comes_back(void **state)
{
	static uint8_t packet[HF_SMP_PACKET_MAX + 1], wire[HF_FRAME_BYTES(HF_SMP_PACKET_MAX + 1)], buf[sizeof(packet)];
	enum hf_frame_event event;
	struct hf_frame_decoder d;

	(void)state;
	fill(packet, sizeof(packet), 1);
	hf_frame_decode_begin(&d, buf, sizeof(buf));
	size_t n = encode(packet, HF_SMP_PACKET_MAX, wire, sizeof(wire));
	assert_int_equal(hf_frame_decode(&d, (struct hf_bytes){wire, n}, &event), n);
	assert_int_equal(event, HF_FRAME_PACKET);
	assert_int_equal(d.len, HF_SMP_PACKET_MAX);
	assert_memory_equal(buf, packet, d.len);
}

static void bytes_without_end_are_skipped_and_the_next_frame_is_taken(void **state)
{
	uint8_t noise[1000], packet[64], wire[HF_FRAME_BYTES(64)];
	size_t len = from_hex(line_packet, packet, sizeof(packet)), n = encode(packet, len, wire, sizeof(wire));
	struct rig r;

	(void)state;
	memset(noise, 0xff, sizeof(noise));
	begin(&r, sizeof(packet));
	feed(&r, "", 1, 1);
	for (unsigned i = 0; i < 200; i++)
		feed(&r, noise, sizeof(noise), 77);
	feed(&r, wire, n, n);
	assert_int_equal(r.d.dropped, 1);
	assert_int_equal(r.seen.packets, 1);
	must_have(&r, packet, len);
}

static void frame_shorter_than_a_header_is_dropped(void **state)
{
	uint8_t packet[8] = {2, 0, 0, 0, 0, 1, 0}, wire[HF_FRAME_BYTES(8)];
	struct rig r;

	(void)state;
	for (size_t len = 0; len < HF_SMP_HEADER_BYTES; len++) {
		size_t n = encode(packet, len, wire, sizeof(wire));

		begin(&r, 64);
		feed(&r, wire, n, n);
		assert_int_equal(r.seen.packets + r.seen.oversize, 0);
		assert_int_equal(r.d.dropped, 1);
	}
}

static void buffer_may_change_between_packets(void **state)
{
	uint8_t packet[64], wire[HF_FRAME_BYTES(64)], queue[4][64];
	size_t len = from_hex(line_packet, packet, sizeof(packet)), n = encode(packet, len, wire, sizeof(wire));
	struct hf_frame_decoder d;
	enum hf_frame_event event;

	(void)state;
	hf_frame_decode_begin(&d, queue[0], sizeof(queue[0]));
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(hf_frame_decode(&d, (struct hf_bytes){wire, n}, &event), n);
		assert_int_equal(event, HF_FRAME_PACKET);
		d.buf = queue[(i + 1) % 4];
	}
	for (unsigned i = 0; i < 4; i++)
		assert_memory_equal(queue[i], packet, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_of_known_packet_is_byte_exact),
		cmocka_unit_test(frames_of_the_protocols_page_are_ours),
		cmocka_unit_test(frame_of_any_length_and_content_comes_back),
		cmocka_unit_test(frame_with_any_bit_flipped_is_dropped),
		cmocka_unit_test(frame_with_any_byte_lost_or_repeated_is_dropped),
		cmocka_unit_test(frame_with_any_byte_inserted_is_dropped),
		cmocka_unit_test(frame_that_stops_anywhere_costs_only_itself),
		cmocka_unit_test(text_and_console_frames_around_a_frame_are_given_out),
		cmocka_unit_test(console_frame_inside_a_frame_is_never_text),
		cmocka_unit_test(frame_without_its_opening_is_taken),
		cmocka_unit_test(frame_that_is_idle_is_given_up_for_text),
		cmocka_unit_test(packet_longer_than_the_buffer_is_reported_with_its_beginning),
		cmocka_unit_test(packet_of_the_greatest_length_comes_back),
		cmocka_unit_test(bytes_without_end_are_skipped_and_the_next_frame_is_taken),
		cmocka_unit_test(frame_shorter_than_a_header_is_dropped),
		cmocka_unit_test(buffer_may_change_between_packets),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
