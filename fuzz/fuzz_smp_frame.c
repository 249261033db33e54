/* SPDX-License-Identifier: MIT
 *
 * Any bytes on the console line. Whatever arrives: the decoder stays within its buffer, every packet that it gives out has
 * a right CRC and survives the way out and in again, and a good frame behind the noise is taken.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "smp.h"

#define CAP 300

/* Feeds a packet as lines; returns the last event that was one. */
static enum hf_smp_event send(struct hf_smp_decoder *d, struct hf_bytes packet)
{
	enum hf_smp_event last = HF_SMP_NOTHING;
	uint8_t line[HF_SMP_LINE_MAX];
	struct hf_smp_encoder e;
	size_t n;

	hf_smp_encode_begin(&e, packet);
	while ((n = hf_smp_encode_line(&e, line)) > 0) {
		must(n <= HF_SMP_LINE_MAX && line[n - 1] == '\n');
		for (size_t i = 0; i < n; i++) {
			enum hf_smp_event event = hf_smp_decode(d, line[i]);

			must(event != HF_SMP_TEXT);
			if (event != HF_SMP_NOTHING)
				last = event;
		}
	}
	return last;
}

static void send_again(const struct hf_smp_decoder *from)
{
	uint8_t buf[CAP];
	struct hf_smp_decoder d;

	hf_smp_decode_begin(&d, buf, sizeof buf);
	must(send(&d, (struct hf_bytes){ from->buf, from->len }) == HF_SMP_PACKET);
	must(d.len == from->len && memcmp(buf, from->buf, d.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t list[] = { 0, 0, 0, 1, 0, 1, 0x42, 0, 0xa0 };
	uint8_t *buf = malloc(CAP);
	struct hf_smp_decoder d;
	struct hf_smp_header h;

	hf_smp_decode_begin(&d, buf, CAP);
	for (size_t i = 0; i < len; i++) {
		enum hf_smp_event event = hf_smp_decode(&d, data[i]);

		must(d.len <= CAP);
		if (event != HF_SMP_PACKET)
			continue;
		must(d.len >= HF_SMP_HEADER_BYTES);
		must(hf_smp_header_load((struct hf_bytes){ buf, d.len }, &h) != HF_ERR_TRUNCATED);
		send_again(&d);
	}
	must(send(&d, (struct hf_bytes){ list, sizeof list }) == HF_SMP_PACKET);
	must(d.len == sizeof list && memcmp(buf, list, sizeof list) == 0);
	free(buf);
	return 0;
}

/* A step is a line. */
static size_t measure(const uint8_t *s, size_t len)
{
	const uint8_t *end = memchr(s, '\n', len);

	return end ? (size_t)(end - s) + 1 : len;
}

static size_t frame(const uint8_t *packet, size_t packet_len, uint8_t *out, size_t max)
{
	struct hf_smp_encoder e;
	size_t len = 0, n;

	hf_smp_encode_begin(&e, (struct hf_bytes){packet, packet_len});
	while (max - len >= HF_SMP_LINE_MAX && (n = hf_smp_encode_line(&e, out + len)) > 0)
		len += n;
	return len;
}

static size_t make(struct chance *c, uint8_t *s, size_t max)
{
	uint8_t packet[CAP + 20];

	return frame(packet, packet_make(c, packet, sizeof(packet)), s, max);
}

/* What is a packet of one line is another one then. */
static size_t change(struct chance *c, uint8_t *s, size_t len, size_t max)
{
	enum hf_smp_event event = HF_SMP_NOTHING;
	uint8_t packet[CAP + 20];
	struct hf_smp_decoder d;

	hf_smp_decode_begin(&d, packet, sizeof(packet));
	for (size_t i = 0; i < len && event != HF_SMP_PACKET; i++)
		event = hf_smp_decode(&d, s[i]);
	if (event != HF_SMP_PACKET)
		return LLVMFuzzerMutate(s, len, max);
	return frame(packet, packet_change(c, packet, d.len, sizeof(packet)), s, max);
}

const struct steps fuzz_steps = { measure, change, make, .bytes_one_in = 3, .most = 1 };
