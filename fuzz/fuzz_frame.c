/* SPDX-License-Identifier: MIT
 *
 * Any bytes on the line, as the binary framing sees them. Whatever arrives, and in whatever blocks: the decoder stays within
 * its buffer, the course is the same byte by byte, every packet that it gives out survives the way out and in again, and a
 * good frame behind the noise is taken. The same bytes as a packet come back from a frame.
 */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "packet.h"
#include "smp.h"

#define CAP 300

struct course {
	struct hf_frame_decoder d;
	uint8_t *buf;
	uint32_t packets, text, sum;
};

static void send_again(const uint8_t *packet, size_t len)
{
	uint8_t *wire = malloc(HF_FRAME_BYTES(len)), *buf = malloc(len ? len : 1);
	struct hf_frame_decoder d;
	struct hf_frame_encoder e;
	enum hf_frame_event event;
	size_t n;

	hf_frame_encode_begin(&e, (struct hf_bytes){packet, len});
	n = hf_frame_encode(&e, wire, HF_FRAME_BYTES(len));
	must(hf_frame_encode(&e, wire, 1) == 0);
	hf_frame_decode_begin(&d, buf, len);
	must(hf_frame_decode(&d, (struct hf_bytes){wire, n}, &event) == n);
	must(event == HF_FRAME_PACKET && d.len == len && memcmp(buf, packet, len) == 0);
	free(wire);
	free(buf);
}

static void note(struct course *c, enum hf_frame_event event)
{
	if (event == HF_FRAME_TEXT) {
		for (size_t i = 0; i < c->d.text.len; i++)
			c->sum = c->sum * 31 + c->d.text.ptr[i];
		c->text += (uint32_t)c->d.text.len;
	}
	if (event != HF_FRAME_PACKET)
		return;
	must(c->d.len >= HF_SMP_HEADER_BYTES && c->d.len <= CAP);
	send_again(c->buf, c->d.len);
	c->packets++;
}

static void run(struct course *c, const uint8_t *data, size_t len, size_t block)
{
	for (size_t at = 0; at < len; at += block) {
		size_t n = len - at < block ? len - at : block, used = 0;

		while (used < n) {
			enum hf_frame_event event;
			size_t took = hf_frame_decode(&c->d, (struct hf_bytes){data + at + used, n - used}, &event);

			must(took > 0 && took <= n - used);
			used += took;
			note(c, event);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t list[] = {0, 1, 1, 1, 2, 1, 3, 1, 0x42, 6, 0xa0, 0x28, 0x5a, 0x21, 0x30, 0};
	struct course c[2] = {0};

	for (unsigned i = 0; i < 2; i++) {
		c[i].buf = malloc(CAP);
		hf_frame_decode_begin(&c[i].d, c[i].buf, CAP);
		run(&c[i], data, len, i ? 1 : len ? 1 + data[0] % 64u : 1);
	}
	must(c[0].packets == c[1].packets && c[0].text == c[1].text && c[0].sum == c[1].sum &&
	     c[0].d.dropped == c[1].d.dropped && hf_frame_pending(&c[0].d) == hf_frame_pending(&c[1].d));
	hf_frame_idle(&c[0].d);
	uint32_t before = c[0].packets;
	run(&c[0], list, sizeof(list), 4);
	must(c[0].packets == before + 1 && c[0].d.len == 9);
	before = c[1].packets; /* and without the pause, unless what came before swallows it up to its first zero */
	run(&c[1], list, sizeof(list), 4);
	must(c[1].packets > before);
	if (len >= HF_SMP_HEADER_BYTES)
		send_again(data, len);
	for (unsigned i = 0; i < 2; i++)
		free(c[i].buf);
	return 0;
}

/* A step is a frame with both its zeros, or what lies between frames. */
static size_t measure(const uint8_t *s, size_t len)
{
	const uint8_t *end = len > 1 ? memchr(s + 1, 0, len - 1) : NULL;

	if (!end)
		return len;
	return (size_t)(end - s) + (s[0] == 0);
}

static size_t frame(const uint8_t *packet, size_t packet_len, uint8_t *out, size_t max)
{
	struct hf_frame_encoder e;

	hf_frame_encode_begin(&e, (struct hf_bytes){packet, packet_len});
	return hf_frame_encode(&e, out, max);
}

static size_t make(struct chance *c, uint8_t *s, size_t max)
{
	uint8_t packet[CAP + 20];

	return frame(packet, packet_make(c, packet, sizeof(packet)), s, max);
}

/* What is a frame has another packet in it. */
static size_t change(struct chance *c, uint8_t *s, size_t len, size_t max)
{
	uint8_t packet[CAP + 20];
	struct hf_frame_decoder d;
	enum hf_frame_event event;

	hf_frame_decode_begin(&d, packet, sizeof(packet));
	(void)hf_frame_decode(&d, (struct hf_bytes){s, len}, &event);
	if (event != HF_FRAME_PACKET)
		return LLVMFuzzerMutate(s, len, max);
	return frame(packet, packet_change(c, packet, d.len, sizeof(packet)), s, max);
}

const struct steps fuzz_steps = { measure, change, make, .bytes_one_in = 3, .most = 1 };
