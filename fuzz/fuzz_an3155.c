/* SPDX-License-Identifier: MIT
 *
 * A ROM loader that answers anything, at any length, or not at all. Whatever it says: the client ends within its limits, and
 * believes no more than it was told.
 *
 * Input: for each write of the client u8 kind (silence, so many acknowledgements, a refusal, a list, a block, bytes of the
 * input), then what the kind takes.
 */
#include <stdlib.h>
#include <string.h>

#include "an3155.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LIMIT_MS (60 * 60 * 1000ull)

struct peer {
	const uint8_t *data;
	size_t len;
	uint64_t now_ms;
	uint8_t out[4096];
	size_t out_len, out_pos;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t take(struct peer *p)
{
	if (p->len == 0)
		return 0;
	p->len--;
	return *p->data++;
}

static void say(struct peer *p, uint8_t byte, unsigned times)
{
	for (; times && p->out_len < sizeof(p->out); times--)
		p->out[p->out_len++] = byte;
}

static enum hf_err peer_write(void *ctx, const void *data, size_t len)
{
	struct peer *p = ctx;
	uint8_t kind = take(p);

	(void)data;
	(void)len;
	p->now_ms++;
	if (p->out_pos == p->out_len)
		p->out_pos = p->out_len = 0;
	switch (kind & 7) {
	case 1:
	case 2:
		say(p, 0x79, 1 + (kind >> 3) % 4);
		break;
	case 3:
		say(p, 0x1f, 1);
		break;
	case 4: /* a chip's id */
		say(p, 0x79, 1);
		say(p, 1, 1);
		say(p, 4, 1);
		say(p, 0x13, 1);
		say(p, 0x79, 1);
		break;
	case 5: /* what was read, all at once */
		say(p, 0x79, 3);
		say(p, kind >> 3 & 1 ? 0xff : take(p), 256);
		break;
	case 6:
		for (unsigned n = kind >> 3; n; n--)
			say(p, take(p), 1);
		break;
	case 7:
		return HF_ERR_IO;
	default:
		break;
	}
	return HF_OK;
}

static enum hf_err peer_read(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len)
{
	struct peer *p = ctx;

	*len = p->out_len - p->out_pos < cap ? p->out_len - p->out_pos : cap;
	memcpy(buf, p->out + p->out_pos, *len);
	p->out_pos += *len;
	if (*len)
		return HF_OK;
	p->now_ms += timeout_ms ? timeout_ms : 1;
	return HF_ERR_TIMEOUT;
}

static enum hf_err peer_set_line(void *ctx, const struct hf_serial_line *line)
{
	(void)ctx;
	must(line->parity == 'E');
	return HF_OK;
}

static enum hf_err peer_reopen(void *ctx)
{
	return take(ctx) & 1 ? HF_OK : HF_ERR_IO;
}

static uint64_t peer_now(void *ctx)
{
	return ((struct peer *)ctx)->now_ms;
}

static void peer_sleep(void *ctx, uint32_t ms)
{
	((struct peer *)ctx)->now_ms += ms;
}

static const struct hf_serial_ops ops = {
	.read = peer_read,
	.write = peer_write,
	.set_line = peer_set_line,
	.reopen = peer_reopen,
	.now_ms = peer_now,
	.sleep_ms = peer_sleep,
};

static void session(struct hf_an3155 *rom)
{
	uint8_t data[600], options[HF_AN3155_OPTIONS_BYTES] = {0};
	enum hf_an3155_peer peer;
	unsigned errors;
	bool done;

	if (hf_an3155_connect(rom, 2000, NULL, NULL, &peer)) {
		must(peer != HF_AN3155_LOADER);
		return;
	}
	must(peer == HF_AN3155_LOADER);
	if (hf_an3155_test_line(rom, 0x20003000, &errors) == HF_OK)
		must(errors <= HF_AN3155_TEST_BLOCKS);
	memset(data, 0x5a, sizeof(data));
	(void)!hf_an3155_read(rom, 0x08000000, data, sizeof(data));
	(void)!hf_an3155_read_twice(rom, 0x08000001, data, sizeof(data));
	(void)!hf_an3155_write(rom, 0x08000000, data, HF_AN3155_BLOCK);
	(void)!hf_an3155_erase(rom, 3);
	(void)!hf_an3155_write_options(rom, options, 2000, &done);
	(void)!hf_an3155_readout_unprotect(rom, 2000);
	(void)!hf_an3155_go(rom, 0x08000000);
	(void)hf_an3155_answers_at(rom, 57600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct peer peer = {.data = data, .len = len};
	const struct hf_serial serial = {&ops, &peer};
	struct hf_an3155 rom = {.serial = &serial, .baud = HF_AN3155_BAUD};

	session(&rom);
	must(peer.now_ms < LIMIT_MS);
	return 0;
}
