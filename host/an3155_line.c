/* SPDX-License-Identifier: MIT
 *
 * The loader's receiver is one byte deep and it has no time-outs, so the one danger is that client and loader disagree about
 * where a command begins: data that is read as commands could erase the chip. So nothing is sent while the loader works,
 * and after any surprise the line has to be quiet first. Then it is brought back by 0x7F, which wakes one that
 * restarted, and which twice is no command for one that is ready; and by FF where it still waits for the rest of a frame:
 * FF ends every frame without harm (no address and no sector count fits its checksum with FF alone, and FF programs nothing),
 * where the FF 00 that is often seen could complete an erase of everything. FF never comes first: one that has just
 * started would take its rate from it, and listen to nothing more before its next reset. At worst the greeting clears a
 * bit of the block that was being written.
 */
#include "an3155_line.h"

#include <string.h>

#define ACK        0x79
#define NACK       0x1f
#define GREET      0x7f
#define FILL       0xff
#define FILL_BYTES 270u /* longer than any frame */

#define PROBE_MS   150u
#define QUIET_MS   60u
#define REOPEN_MS  250u

uint64_t hf_an3155_now_ms(const struct hf_an3155 *rom)
{
	return hf_serial_now_ms(rom->serial);
}

uint32_t hf_an3155_wire_ms(const struct hf_an3155 *rom, size_t bytes)
{
	return (uint32_t)(bytes * 11 * 1000 / rom->baud + 1);
}

bool hf_an3155_stopped(const struct hf_an3155 *rom)
{
	return rom->stop && rom->stop(rom->stop_ctx);
}

static enum hf_err fill_in(struct hf_an3155 *rom, uint32_t timeout_ms)
{
	uint64_t until = hf_an3155_now_ms(rom) + timeout_ms;
	enum hf_err err = HF_ERR_TIMEOUT;
	size_t len = 0;

	rom->in_at = rom->in_len = 0;
	while (err == HF_ERR_TIMEOUT && hf_an3155_now_ms(rom) < until)
		err = hf_serial_read(rom->serial, rom->in, sizeof(rom->in), (uint32_t)(until - hf_an3155_now_ms(rom)), &len);
	rom->in_len = (uint16_t)len;
	return err;
}

static enum hf_err get_raw(struct hf_an3155 *rom, uint32_t timeout_ms, uint8_t *byte)
{
	enum hf_err err = rom->in_at < rom->in_len ? HF_OK : fill_in(rom, timeout_ms);

	if (!err)
		*byte = rom->in[rom->in_at++];
	return err;
}

enum hf_err hf_an3155_get(struct hf_an3155 *rom, uint32_t timeout_ms, uint8_t *byte)
{
	enum hf_err err = HF_OK;

	while (!err && rom->sent_at < rom->sent_len) {
		err = get_raw(rom, timeout_ms, byte);
		if (!err && *byte != rom->sent[rom->sent_at++]) {
			rom->sent_len = 0;
			return HF_ERR_CRC;
		}
	}
	return err ? err : get_raw(rom, timeout_ms, byte);
}

enum hf_err hf_an3155_put(struct hf_an3155 *rom, const uint8_t *bytes, size_t len)
{
	rom->sent_at = rom->sent_len = 0;
	if (rom->echo && len <= sizeof(rom->sent)) {
		memcpy(rom->sent, bytes, len);
		rom->sent_len = (uint16_t)len;
	}
	return hf_serial_write(rom->serial, bytes, len);
}

/* Drops what comes until nothing has come for a while. */
static enum hf_err drain(struct hf_an3155 *rom)
{
	uint64_t until = hf_an3155_now_ms(rom) + HF_AN3155_ANSWER_MS + hf_an3155_wire_ms(rom, 2 * sizeof(rom->in));
	enum hf_err err;

	rom->sent_len = 0;
	do
		err = fill_in(rom, QUIET_MS);
	while (!err && hf_an3155_now_ms(rom) < until);
	rom->in_at = rom->in_len = 0;
	return err == HF_ERR_IO ? err : HF_OK;
}

enum hf_err hf_an3155_answer(struct hf_an3155 *rom, uint32_t timeout_ms)
{
	uint8_t byte;
	enum hf_err err = hf_an3155_get(rom, timeout_ms, &byte);

	if (err == HF_ERR_TIMEOUT)
		rom->count.timeouts++;
	if (err)
		return err;
	if (byte == NACK)
		rom->count.nacks++;
	return byte == ACK ? HF_OK : byte == NACK ? HF_ERR_DENIED : HF_ERR_CRC;
}

/* ---- where commands begin ---- */

static enum hf_err probe(struct hf_an3155 *rom, enum hf_an3155_peer *peer)
{
	const uint8_t greeting = GREET;
	uint8_t byte = 0;
	enum hf_err err = hf_an3155_put(rom, &greeting, 1);

	*peer = HF_AN3155_SILENCE;
	if (!err)
		err = hf_an3155_get(rom, PROBE_MS + hf_an3155_wire_ms(rom, 4), &byte);
	if (!err && byte == GREET && !rom->echo) {
		*peer = HF_AN3155_ECHO;
		err = hf_an3155_get(rom, PROBE_MS, &byte);
		rom->echo = !err && (byte == ACK || byte == NACK);
	}
	if (err)
		return err == HF_ERR_IO ? err : HF_OK;
	*peer = byte == ACK || byte == NACK ? HF_AN3155_LOADER : HF_AN3155_NONSENSE;
	if (byte == ACK)
		rom->count.restarts++;
	return HF_OK;
}

/* Twice: the first one may have been the first half of a command. */
static enum hf_err probe_twice(struct hf_an3155 *rom, enum hf_an3155_peer *peer)
{
	enum hf_err err = probe(rom, peer);

	return !err && *peer == HF_AN3155_SILENCE ? probe(rom, peer) : err;
}

/* Ends whatever frame the loader is in. It begins with a greeting: a loader that has just started must not take its rate
 * from FF. */
static enum hf_err send_fill(struct hf_an3155 *rom)
{
	uint8_t fill[FILL_BYTES];
	enum hf_err err;

	memset(fill, FILL, sizeof(fill));
	fill[0] = GREET;
	err = hf_an3155_put(rom, fill, sizeof(fill));
	return err ? err : drain(rom);
}

enum hf_err hf_an3155_align(struct hf_an3155 *rom, bool in_frame, enum hf_an3155_peer *peer)
{
	enum hf_err err = drain(rom);

	if (!err)
		err = probe_twice(rom, peer);
	if (err || *peer == HF_AN3155_LOADER || *peer == HF_AN3155_ECHO || !in_frame)
		return err;
	err = send_fill(rom);
	return err ? err : probe_twice(rom, peer);
}

enum hf_err hf_an3155_set_line(struct hf_an3155 *rom, uint32_t baud)
{
	const struct hf_serial_line line = HF_SERIAL_8E1(baud);
	enum hf_err err = hf_serial_set_line(rom->serial, &line);

	return err == HF_ERR_UNSUPPORTED ? HF_OK : err; /* where the line has no settings, none are wrong */
}

enum hf_err hf_an3155_back_at_the_port(struct hf_an3155 *rom, enum hf_err err)
{
	if (err != HF_ERR_IO)
		return err;
	hf_serial_sleep_ms(rom->serial, REOPEN_MS);
	err = hf_serial_reopen(rom->serial);
	return err ? err : hf_an3155_set_line(rom, rom->baud);
}

enum hf_err hf_an3155_resume(struct hf_an3155 *rom, uint32_t wait_ms)
{
	enum hf_an3155_peer peer = HF_AN3155_SILENCE;
	uint64_t until = hf_an3155_now_ms(rom) + wait_ms;
	enum hf_err err = HF_ERR_TIMEOUT;

	rom->count.resyncs++;
	for (unsigned i = 0; peer != HF_AN3155_LOADER; i++) {
		if (i > 1 && (hf_an3155_now_ms(rom) >= until || hf_an3155_stopped(rom)))
			return err ? err : HF_ERR_TIMEOUT;
		err = hf_an3155_align(rom, i % 8 == 1, &peer);
		if (err)
			err = hf_an3155_back_at_the_port(rom, err);
	}
	return err;
}
