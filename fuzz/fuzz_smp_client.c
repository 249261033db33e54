/* SPDX-License-Identifier: MIT
 *
 * A device that answers anything, in either framing. Whatever it says: the client ends, within its patience, finds a line or
 * does without, and an upload succeeds only where the device said that it has all of it.
 *
 * Input: for each request u8 kind (no answer, garbage, another sequence number, an answer), u8 length, bytes of the body.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "smp_device.h"
#include "smp_health.h"
#include "smp_maintain.h"
#include "smp_upload.h"

struct peer {
	const uint8_t *data;
	size_t len;
	uint64_t now_ms;
	struct hf_smp_decoder decoder;
	struct hf_frame_decoder frames;
	bool binary; /* the request that was taken last */
	uint8_t packet[HF_SMP_CLIENT_PACKET];
	size_t packet_len;
	uint8_t out[4096];
	size_t out_len, out_pos;
	bool lost;
};

static void say(struct peer *p, const uint8_t *data, size_t len)
{
	if (len > sizeof(p->out) - p->out_len)
		len = sizeof(p->out) - p->out_len;
	memcpy(p->out + p->out_len, data, len);
	p->out_len += len;
}

static void answer(struct peer *p, const uint8_t *body, size_t len, uint8_t kind)
{
	uint8_t packet[HF_SMP_HEADER_BYTES + 256], line[HF_FRAME_BYTES(sizeof(packet))];
	struct hf_frame_encoder binary;
	struct hf_smp_encoder e;
	struct hf_smp_header h;
	size_t n;

	if (hf_smp_header_load((struct hf_bytes){p->packet, p->packet_len}, &h))
		abort();
	h.op++;
	h.len = (uint16_t)len;
	if (kind & 4)
		h.seq--;
	hf_smp_header_store(packet, &h);
	memcpy(packet + HF_SMP_HEADER_BYTES, body, len);
	hf_smp_encode_begin(&e, (struct hf_bytes){packet, HF_SMP_HEADER_BYTES + len});
	hf_frame_encode_begin(&binary, (struct hf_bytes){packet, HF_SMP_HEADER_BYTES + len});
	if (p->binary) {
		say(p, line, hf_frame_encode(&binary, line, sizeof(line)));
		return;
	}
	while ((n = hf_smp_encode_line(&e, line)) > 0)
		say(p, line, n);
}

static void take_request(struct peer *p)
{
	uint8_t kind;
	size_t len;

	if (p->len < 2)
		return;
	kind = p->data[0];
	len = p->data[1] < p->len - 2 ? p->data[1] : p->len - 2;
	if (kind % 4 == 1)
		say(p, p->data + 2, len);
	else if (kind % 4 != 0)
		answer(p, p->data + 2, len, kind);
	p->lost = (kind & 0xf8) == 0xf8;
	p->data += 2 + len;
	p->len -= 2 + len;
}

static enum hf_err peer_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct peer *p = ctx;
	size_t n = p->out_len - p->out_pos < cap ? p->out_len - p->out_pos : cap;

	if (p->lost)
		return HF_ERR_IO;
	p->now_ms += n ? 1 : timeout_ms;
	if (n == 0)
		return HF_ERR_TIMEOUT;
	memcpy(buf, p->out + p->out_pos, n);
	p->out_pos += n;
	if (p->out_pos == p->out_len)
		p->out_pos = p->out_len = 0;
	*len = n;
	return HF_OK;
}

static enum hf_err peer_write(void *ctx, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	struct peer *p = ctx;

	if (p->lost)
		return HF_ERR_IO;
	for (size_t i = 0; i < len; i++) {
		enum hf_frame_event event;
		enum hf_smp_event text = HF_SMP_NOTHING;

		(void)hf_frame_decode(&p->frames, (struct hf_bytes){bytes + i, 1}, &event);
		if (event == HF_FRAME_TEXT)
			text = hf_smp_decode(&p->decoder, bytes[i]);
		must(event != HF_FRAME_OVERSIZE && text != HF_SMP_OVERSIZE && (text != HF_SMP_TEXT || bytes[i] == 0x1b));
		p->binary = event == HF_FRAME_PACKET;
		p->packet_len = p->binary ? p->frames.len : p->decoder.len;
		if (p->binary || text == HF_SMP_PACKET)
			take_request(p);
	}
	return HF_OK;
}

static enum hf_err peer_reopen(void *ctx)
{
	struct peer *p = ctx;

	p->lost = false;
	return HF_OK;
}

static enum hf_err peer_set_line(void *ctx, const struct hf_serial_line *line)
{
	struct peer *p = ctx;

	return p->lost ? HF_ERR_IO : line->baud > 3000000 ? HF_ERR_UNSUPPORTED : HF_OK;
}

static uint64_t peer_now_ms(void *ctx)
{
	struct peer *p = ctx;

	return p->now_ms;
}

static void peer_sleep_ms(void *ctx, uint32_t ms)
{
	struct peer *p = ctx;

	p->now_ms += ms;
}

/* Everything else that a client can ask for. */
static void ask_on(struct hf_smp_client *c)
{
	static uint8_t buf[HF_HISTORY_MAX];
	struct hf_smp_health health;
	struct hf_smp_counters counters;
	struct hf_smp_line_state line;
	struct hf_smp_answer got;
	struct hf_smp_place place;
	uint8_t kept[300];
	size_t n;

	if (hf_smp_get_kept(c, 2000, HF_LONGREC_CONFIGURATION, kept, sizeof kept, &n, &got) == HF_OK)
		must(n <= sizeof kept);
	memset(kept, 7, sizeof kept);
	(void)!hf_smp_put_kept(c, 2000, HF_LONGREC_CONFIGURATION, (struct hf_bytes){kept, sizeof kept}, &got);
	(void)!hf_smp_get_health(c, 2000, &health, &got);
	if (hf_smp_verify_place(c, 2000, 0, &place, &got) == HF_OK && !got.refusal)
		must(place.versions <= HF_VERSION_PARTS);
	if (hf_smp_get_history(c, 2000, buf, sizeof buf, &n, &got) == HF_OK)
		must(n <= sizeof buf);
	if (hf_smp_read_place(c, 2000, 0, 0, kept, sizeof kept, &n, &got) == HF_OK)
		must(n <= sizeof kept);
	if (hf_smp_get_line(c, 2000, &line, &got) == HF_OK)
		must(line.rates <= HF_SMP_RATES);
	(void)!hf_smp_get_counters(c, 2000, &counters, &got);
	(void)!hf_smp_test_image(c, 2000, kept, &got);
	(void)!hf_smp_confirm_image(c, 2000, &got);
	(void)!hf_smp_roll_back(c, 2000, &got);
	(void)!hf_smp_factory_reset(c, 2000, &got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct hf_serial_ops ops = {
		.read = peer_read,
		.write = peer_write,
		.set_line = peer_set_line,
		.reopen = peer_reopen,
		.now_ms = peer_now_ms,
		.sleep_ms = peer_sleep_ms,
	};
	static const uint32_t bauds[] = {115200, 921600};
	static const uint8_t file[3000] = {1, 2, 3};
	struct peer peer = {.data = data, .len = len};
	struct hf_serial serial = {&ops, &peer};
	struct hf_smp_client client;
	struct hf_smp_answer got;
	struct hf_smp_status status;
	struct hf_smp_images images;
	struct hf_smp_parameters parameters;
	struct hf_smp_rate rate = {.baud = bauds, .bauds = 2, .offered_too = true};
	struct hf_smp_upload upload = {.file = {file, sizeof(file)}, .patience_ms = 20000, .rate = &rate};
	enum hf_err err;

	hf_smp_decode_begin(&peer.decoder, peer.packet, sizeof(peer.packet));
	hf_frame_decode_begin(&peer.frames, peer.packet, sizeof(peer.packet));
	hf_smp_client_init(&client, &serial);
	err = hf_smp_rate_find(&client, &rate, 2000);
	if (!err)
		err = hf_smp_rate_raise(&client, &rate, 5000);
	err = hf_smp_get_status(&client, 2000, &status, &got);
	must(err != HF_OK || got.refusal || (status.running <= HF_SLOTS && status.versions <= HF_VERSION_PARTS));
	err = hf_smp_get_images(&client, 2000, &images, &got);
	must(images.count <= HF_SMP_IMAGES);
	err = hf_smp_get_parameters(&client, 2000, &parameters, &got);
	upload.packet_bytes = err == HF_OK && parameters.buf_size ? parameters.buf_size : 256;
	upload.window = err == HF_OK ? parameters.buf_count : 1;
	err = hf_smp_upload(&client, &upload);
	must(err != HF_OK || upload.off == sizeof(file));
	ask_on(&client);
	hf_smp_rate_restore(&client, &rate);
	must(peer.now_ms < 900000);
	return 0;
}

static size_t measure(const uint8_t *s, size_t len)
{
	return len < 2 ? len : 2 + (s[1] < len - 2 ? s[1] : len - 2);
}

static size_t make(struct chance *c, uint8_t *s, size_t max)
{
	s[0] = chance_one_in(c, 6) ? (uint8_t)chance_below(c, 256) : 2;
	s[1] = (uint8_t)packet_make_body(c, &packet_answers, s + 2, max < 257 ? max - 2 : 255);
	return 2u + s[1];
}

static size_t change(struct chance *c, uint8_t *s, size_t len, size_t max)
{
	if (len < 3 || s[0] % 4 < 2)
		return make(c, s, max);
	s[1] = (uint8_t)packet_change_body(c, &packet_answers, s + 2, len - 2, max < 257 ? max - 2 : 255);
	return 2u + s[1];
}

const struct steps fuzz_steps = { measure, change, make, .bytes_one_in = 8, .most = 3 };
