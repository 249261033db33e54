/* SPDX-License-Identifier: MIT
 *
 * Headers and console framing of SMP. The frames were computed apart from this code (Python's binascii.crc_hqx and
 * base64), in the form that mcumgr's command line tool sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "smp.h"

/* "image list": read, group 1, id 0, sequence 42, an empty map. */
static const char list_packet[] = "000000010001" "4200" "a0";
static const char list_frame[] = "\x06\x09" "AAsAAAABAAFCAKD1Mw==\n";

/* "echo hello!": write, group 0, id 0. */
static const char echo_packet[] = "0200000a00000100" "a161646668656c6c6f21";
static const char echo_frame[] = "\x06\x09" "ABQCAAAKAAABAKFhZGZoZWxsbyEXVg==\n";

/* A packet of 112 bytes: header, then 00 01 02 ... 67. Two lines. */
static const char two_lines[] =
	"\x06\x09" "AHIKAABoAAEqAQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQU"
	"JDREVGR0hJSktMTU5PUFFS\n"
	"\x04\x14" "U1RVVldYWVpbXF1eX2BhYmNkZWZn9AE=\n";

/* 94 bytes with length and CRC: the CRC's second byte has a line of its own. */
static const char split_crc[] =
	"\x06\x09" "AFwDAABSAAEHACAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYW"
	"JjZGVmZ2hpamtsbW5vcHFQ\n"
	"\x04\x14" "kw==\n";

static size_t two_line_packet(uint8_t *out)
{
	from_hex("0a000068" "00012a01", out, 8);
	for (unsigned i = 0; i < 0x68; i++)
		out[8 + i] = (uint8_t)i;
	return 8 + 0x68;
}

struct seen {
	unsigned packets, oversize;
	size_t len;
	uint8_t packet[2048];
	char text[512];
	size_t text_len;
};

static void feed(struct hf_smp_decoder *d, struct seen *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		switch (hf_smp_decode(d, p[i])) {
		case HF_SMP_PACKET:
			s->packets++;
			s->len = d->len;
			memcpy(s->packet, d->buf, d->len);
			break;
		case HF_SMP_OVERSIZE:
			s->oversize++;
			s->len = d->len;
			memcpy(s->packet, d->buf, d->len);
			break;
		case HF_SMP_TEXT:
			if (s->text_len < sizeof s->text)
				s->text[s->text_len++] = (char)p[i];
			break;
		case HF_SMP_NOTHING:
			break;
		}
	}
}

static void feed_text(struct hf_smp_decoder *d, struct seen *s, const char *text)
{
	feed(d, s, text, strlen(text));
}

struct rig {
	struct hf_smp_decoder d;
	struct seen s;
	uint8_t buf[1024];
};

static struct rig *rig(void)
{
	static struct rig r;

	memset(&r, 0, sizeof r);
	hf_smp_decode_begin(&r.d, r.buf, sizeof r.buf);
	return &r;
}

static void assert_packet(const struct rig *r, const char *hex)
{
	uint8_t want[256];
	size_t len = from_hex(hex, want, sizeof want);

	assert_int_equal(r->s.packets, 1);
	assert_int_equal(r->s.len, len);
	assert_memory_equal(r->s.packet, want, len);
}

static size_t encode(const uint8_t *packet, size_t len, char *out, size_t cap)
{
	struct hf_smp_encoder e;
	size_t n, used = 0;

	hf_smp_encode_begin(&e, (struct hf_bytes){ packet, len });
	do {
		assert_true(cap - used >= HF_SMP_LINE_MAX);
		n = hf_smp_encode_line(&e, (uint8_t *)out + used);
		assert_true(n <= HF_SMP_LINE_MAX);
		used += n;
	} while (n > 0);
	return used;
}

static void crc16_of_known_data_is_xmodems(void **state)
{
	(void)state;
	assert_int_equal(hf_crc16(0, "123456789", 9), 0x31c3);
	assert_int_equal(hf_crc16(0, "A", 1), 0x58e5);
	assert_int_equal(hf_crc16(0, "", 0), 0);
	assert_int_equal(hf_crc16(hf_crc16(0, "1234", 4), "56789", 5), 0x31c3);
}

static void header_of_a_request_loads_and_stores(void **state)
{
	uint8_t packet[32], back[HF_SMP_HEADER_BYTES];
	size_t len = from_hex("0a000001004007fe" "a0", packet, sizeof packet);
	struct hf_smp_header h;

	(void)state;
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ packet, len }, &h), HF_OK);
	assert_int_equal(h.version, 1);
	assert_int_equal(h.op, HF_SMP_WRITE);
	assert_int_equal(h.len, 1);
	assert_int_equal(h.group, 64);
	assert_int_equal(h.seq, 7);
	assert_int_equal(h.id, 0xfe);
	hf_smp_header_store(back, &h);
	assert_memory_equal(back, packet, sizeof back);
}

static void header_with_a_wrong_length_is_refused(void **state)
{
	uint8_t packet[32];
	size_t len = from_hex("0a000001004007fe" "a0a0", packet, sizeof packet);
	struct hf_smp_header h;

	(void)state;
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ packet, len }, &h), HF_ERR_RANGE);
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ packet, 8 }, &h), HF_ERR_RANGE);
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ packet, 7 }, &h), HF_ERR_TRUNCATED);
	assert_int_equal(hf_smp_header_load((struct hf_bytes){ NULL, 0 }, &h), HF_ERR_TRUNCATED);
}

static void packet_encodes_as_mcumgr_sends_it(void **state)
{
	uint8_t packet[128];
	char out[600];
	size_t len;

	(void)state;
	len = encode(packet, from_hex(list_packet, packet, sizeof packet), out, sizeof out);
	assert_int_equal(len, strlen(list_frame));
	assert_memory_equal(out, list_frame, len);
	len = encode(packet, from_hex(echo_packet, packet, sizeof packet), out, sizeof out);
	assert_int_equal(len, strlen(echo_frame));
	assert_memory_equal(out, echo_frame, len);
	len = encode(packet, two_line_packet(packet), out, sizeof out);
	assert_int_equal(len, strlen(two_lines));
	assert_memory_equal(out, two_lines, len);
}

static void crc_split_over_lines_encodes_and_decodes(void **state)
{
	uint8_t packet[128];
	char out[600];
	size_t len = from_hex("0300005200010700", packet, sizeof packet);
	struct rig *r = rig();

	(void)state;
	for (; len < 90; len++)
		packet[len] = (uint8_t)(0x20 + len - 8);
	assert_int_equal(encode(packet, len, out, sizeof out), strlen(split_crc));
	assert_memory_equal(out, split_crc, strlen(split_crc));
	feed_text(&r->d, &r->s, split_crc);
	assert_int_equal(r->s.packets, 1);
	assert_int_equal(r->s.len, 90);
	assert_memory_equal(r->s.packet, packet, 90);
}

static void packets_of_every_length_survive_the_way(void **state)
{
	static char out[2048];
	uint8_t packet[1024];

	(void)state;
	for (size_t i = 0; i < sizeof packet; i++)
		packet[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 8; len <= sizeof packet; len++) {
		struct rig *r = rig();

		feed(&r->d, &r->s, out, encode(packet, len, out, sizeof out));
		assert_int_equal(r->s.packets, 1);
		assert_int_equal(r->s.len, len);
		assert_memory_equal(r->s.packet, packet, len);
		assert_int_equal(r->s.text_len, 0);
	}
}

static void log_lines_between_a_frames_lines_are_text(void **state)
{
	struct rig *r = rig();
	uint8_t want[128];
	const char *second = strchr(two_lines, '\n') + 1;

	(void)state;
	feed_text(&r->d, &r->s, "[1.234] hello\r\n");
	feed(&r->d, &r->s, two_lines, (size_t)(second - two_lines));
	feed_text(&r->d, &r->s, "[1.235] in between\r\n");
	feed_text(&r->d, &r->s, second);
	feed_text(&r->d, &r->s, "[1.236] bye\r\n");
	assert_int_equal(r->s.packets, 1);
	assert_int_equal(r->s.len, two_line_packet(want));
	assert_memory_equal(r->s.packet, want, r->s.len);
	r->s.text[r->s.text_len] = 0;
	assert_string_equal(r->s.text, "[1.234] hello\r\n[1.235] in between\r\n[1.236] bye\r\n");
	assert_int_equal(r->d.dropped, 0);
}

static void frame_behind_a_cut_log_line_is_taken(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed_text(&r->d, &r->s, "[0.001] reset by pow");
	feed_text(&r->d, &r->s, list_frame);
	assert_packet(r, list_packet);
}

static void frame_with_cr_lf_is_taken(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed(&r->d, &r->s, list_frame, strlen(list_frame) - 1);
	feed_text(&r->d, &r->s, "\r\n");
	assert_packet(r, list_packet);
}

static void base64_cut_anywhere_by_a_client_is_taken(void **state)
{
	size_t text = strlen(echo_frame) - 3;

	(void)state;
	for (size_t cut = 0; cut <= text; cut++) {
		struct rig *r = rig();

		feed(&r->d, &r->s, echo_frame, 2 + cut);
		feed_text(&r->d, &r->s, "\n\x04\x14");
		feed_text(&r->d, &r->s, echo_frame + 2 + cut);
		assert_packet(r, echo_packet);
	}
}

static void longer_lines_than_ours_are_taken(void **state)
{
	static char out[4096], joined[4096];
	uint8_t packet[600];
	size_t len, n = 0;
	struct rig *r = rig();

	(void)state;
	/* Every line carries 93 bytes, so that joining the base64 of all of them gives one valid long line. */
	memset(packet, 0x5a, sizeof packet);
	len = encode(packet, sizeof packet, out, sizeof out);
	for (size_t i = 0; i < len; i++) {
		if (out[i] == '\n' && i + 1 < len)
			i += 2;
		else
			joined[n++] = out[i];
	}
	feed(&r->d, &r->s, joined, n);
	assert_int_equal(r->s.packets, 1);
	assert_int_equal(r->s.len, sizeof packet);
	assert_memory_equal(r->s.packet, packet, sizeof packet);
}

static void frame_cut_at_every_byte_is_dropped_and_the_next_taken(void **state)
{
	(void)state;
	for (size_t cut = 0; cut + 1 < strlen(two_lines); cut++) {
		struct rig *r = rig();

		feed(&r->d, &r->s, two_lines, cut);
		feed_text(&r->d, &r->s, echo_frame);
		assert_packet(r, echo_packet);
		assert_int_equal(r->d.dropped, cut >= 2);
	}
}

static void every_single_bit_error_drops_the_frame_only(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * strlen(two_lines); bit++) {
		char bad[256];
		struct rig *r = rig();

		memcpy(bad, two_lines, sizeof two_lines);
		bad[bit / 8] ^= (char)(1 << bit % 8);
		feed(&r->d, &r->s, bad, strlen(two_lines));
		/* A flip in a line's end may leave the packet whole; then it must be the right one. */
		if (r->s.packets) {
			uint8_t want[128];

			assert_int_equal(r->s.packets, 1);
			assert_int_equal(r->s.len, two_line_packet(want));
			assert_memory_equal(r->s.packet, want, r->s.len);
			continue;
		}
		feed_text(&r->d, &r->s, echo_frame);
		assert_packet(r, echo_packet);
	}
}

static void wrong_crc_is_dropped_and_counted(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed_text(&r->d, &r->s, "\x06\x09" "AAsAAAABAAFCAKD1NA==\n");
	assert_int_equal(r->s.packets, 0);
	assert_int_equal(r->d.dropped, 1);
	feed_text(&r->d, &r->s, list_frame);
	assert_packet(r, list_packet);
}

static void base64_with_stray_bits_is_dropped(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed_text(&r->d, &r->s, "\x06\x09" "AAsAAAABAAFCAKD1Mx==\n");
	feed_text(&r->d, &r->s, "\x06\x09" "AAsAAAABAAFCAKD1M===\n");
	feed_text(&r->d, &r->s, "\x06\x09" "AAsAAAABAAFCAKD1=w==\n");
	assert_int_equal(r->s.packets, 0);
	assert_int_equal(r->d.dropped, 3);
}

static void continuation_without_a_beginning_is_skipped(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed_text(&r->d, &r->s, strchr(two_lines, '\n') + 1);
	assert_int_equal(r->s.packets, 0);
	assert_int_equal(r->s.text_len, 0);
	feed_text(&r->d, &r->s, list_frame);
	assert_packet(r, list_packet);
}

static void continuation_is_never_taken_for_a_beginning(void **state)
{
	struct rig *r = rig();

	(void)state;
	feed_text(&r->d, &r->s, "\x04\x14");
	feed_text(&r->d, &r->s, list_frame + 2);
	assert_int_equal(r->s.packets, 0);
	feed_text(&r->d, &r->s, list_frame);
	assert_packet(r, list_packet);
	feed_text(&r->d, &r->s, "\x04\x14");
	feed_text(&r->d, &r->s, list_frame + 2);
	assert_int_equal(r->s.packets, 1);
}

static void bytes_behind_the_announced_length_drop_the_frame(void **state)
{
	static const char *const longer[] = {
		"\x06\x09" "AAoAAAABAAFCAKD1Mw==\n",     /* a length of 10 for 11 */
		"\x06\x09" "AAsAAAABAAFCAKD1MwA=\n",     /* one byte behind the CRC */
		"\x06\x09" "AAsAAAABAAFCAKD1MwAA\n",     /* two */
		"\x06\x09" "AAkAAAABAAFCAKD1Mw==\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
		struct rig *r = rig();

		feed_text(&r->d, &r->s, longer[i]);
		assert_int_equal(r->s.packets, 0);
		assert_int_equal(r->d.dropped, 1);
	}
}

static void lengths_below_a_header_are_dropped(void **state)
{
	(void)state;
	for (size_t len = 0; len < HF_SMP_HEADER_BYTES; len++) {
		struct hf_smp_encoder e;
		uint8_t packet[8] = { 0 }, line[HF_SMP_LINE_MAX];
		struct rig *r = rig();

		hf_smp_encode_begin(&e, (struct hf_bytes){ packet, len });
		feed(&r->d, &r->s, line, hf_smp_encode_line(&e, line));
		assert_int_equal(r->s.packets, 0);
		assert_int_equal(r->d.dropped, 1);
	}
}

static void packet_of_exactly_the_buffer_fits_and_one_more_is_oversize(void **state)
{
	static char out[2048];
	static uint8_t small[100], guard[128];
	uint8_t packet[101];
	struct hf_smp_decoder d;
	struct seen s = { 0 };

	(void)state;
	memset(packet, 0x77, sizeof packet);
	memset(guard, 0xee, sizeof guard);
	hf_smp_decode_begin(&d, guard, sizeof small);
	feed(&d, &s, out, encode(packet, 100, out, sizeof out));
	assert_int_equal(s.packets, 1);
	feed(&d, &s, out, encode(packet, 101, out, sizeof out));
	assert_int_equal(s.packets, 1);
	assert_int_equal(s.oversize, 1);
	assert_int_equal(s.len, 100);
	for (size_t i = 100; i < sizeof guard; i++)
		assert_int_equal(guard[i], 0xee);
}

static void oversize_with_a_wrong_crc_is_dropped(void **state)
{
	static char out[2048];
	uint8_t packet[200], buf[100];
	struct hf_smp_decoder d;
	struct seen s = { 0 };
	size_t len;

	(void)state;
	memset(packet, 0x77, sizeof packet);
	hf_smp_decode_begin(&d, buf, sizeof buf);
	len = encode(packet, sizeof packet, out, sizeof out);
	out[20] ^= 1;
	feed(&d, &s, out, len);
	assert_int_equal(s.packets + s.oversize, 0);
	assert_int_equal(d.dropped, 1);
}

static void every_error_has_a_number_for_old_clients(void **state)
{
	(void)state;
	assert_int_equal(hf_smp_rc(HF_OK), HF_SMP_RC_OK);
	for (int err = 1; err < 256; err++) {
		assert_int_not_equal(hf_smp_rc((enum hf_err)err), HF_SMP_RC_OK);
		assert_true(hf_smp_rc((enum hf_err)err) <= HF_SMP_RC_DENIED);
	}
	assert_int_equal(hf_smp_rc(HF_ERR_DIGEST), HF_SMP_RC_CORRUPT);
	assert_int_equal(hf_smp_rc(HF_ERR_CLASS), HF_SMP_RC_DENIED);
	assert_int_equal(hf_smp_rc(HF_ERR_BUSY), HF_SMP_RC_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc16_of_known_data_is_xmodems),
		cmocka_unit_test(header_of_a_request_loads_and_stores),
		cmocka_unit_test(header_with_a_wrong_length_is_refused),
		cmocka_unit_test(packet_encodes_as_mcumgr_sends_it),
		cmocka_unit_test(crc_split_over_lines_encodes_and_decodes),
		cmocka_unit_test(packets_of_every_length_survive_the_way),
		cmocka_unit_test(log_lines_between_a_frames_lines_are_text),
		cmocka_unit_test(frame_behind_a_cut_log_line_is_taken),
		cmocka_unit_test(frame_with_cr_lf_is_taken),
		cmocka_unit_test(base64_cut_anywhere_by_a_client_is_taken),
		cmocka_unit_test(longer_lines_than_ours_are_taken),
		cmocka_unit_test(frame_cut_at_every_byte_is_dropped_and_the_next_taken),
		cmocka_unit_test(every_single_bit_error_drops_the_frame_only),
		cmocka_unit_test(wrong_crc_is_dropped_and_counted),
		cmocka_unit_test(base64_with_stray_bits_is_dropped),
		cmocka_unit_test(continuation_without_a_beginning_is_skipped),
		cmocka_unit_test(continuation_is_never_taken_for_a_beginning),
		cmocka_unit_test(bytes_behind_the_announced_length_drop_the_frame),
		cmocka_unit_test(lengths_below_a_header_are_dropped),
		cmocka_unit_test(packet_of_exactly_the_buffer_fits_and_one_more_is_oversize),
		cmocka_unit_test(oversize_with_a_wrong_crc_is_dropped),
		cmocka_unit_test(every_error_has_a_number_for_old_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
