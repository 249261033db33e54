/* SPDX-License-Identifier: MIT
 *
 * A command is up to three parts, each of which is acknowledged: code, address, data. In one go (Read and Write in one piece
 * instead of three, which saves two trips through a slow adapter) only what holds no command, at whatever byte the loader
 * might begin to read it as one: after a refusal in the middle that is what it does with the rest.
 * Rejected: to send the next command while an answer is under way. The loader does not receive then.
 */
#include "an3155.h"

#include <string.h>

#include "an3155_line.h"
#include "bytes.h"

#define PROGRAM_MS  1500u  /* 256 bytes, 100 us each where it programs by bytes, and as slow as flash gets */
#define ERASE_MS    10000u /* 128 KiB by bytes: 4 s at most, and as slow as flash gets */
#define OPTIONS_MS  5000u
#define ALL_MS      60000u /* everything: 32 s at most */
#define RESTART_MS  50u
#define TRIES       6

#define UID_ADDR    0x1fff7a10u

enum part { PART_COMMAND, PART_ADDRESS, PART_DATA, PARTS };

struct piece {
	uint8_t bytes[HF_AN3155_BLOCK + 2];
	uint16_t len;
	uint32_t answer_ms;
};

static void piece_of(struct piece *p, const void *bytes, size_t len, uint32_t answer_ms)
{
	memcpy(p->bytes, bytes, len);
	p->len = (uint16_t)len;
	p->answer_ms = answer_ms;
}

static void command_piece(struct piece *p, uint8_t command)
{
	piece_of(p, (uint8_t[]){command, (uint8_t)~command}, 2, HF_AN3155_ANSWER_MS);
}

static void address_piece(struct piece *p, uint32_t addr)
{
	const uint8_t a[4] = {(uint8_t)(addr >> 24), (uint8_t)(addr >> 16), (uint8_t)(addr >> 8), (uint8_t)addr};

	piece_of(p, (uint8_t[]){a[0], a[1], a[2], a[3], a[0] ^ a[1] ^ a[2] ^ a[3]}, 5, HF_AN3155_ANSWER_MS);
}

static void data_piece(struct piece *p, const uint8_t *data, size_t len, uint32_t answer_ms)
{
	uint8_t sum = (uint8_t)(len - 1);

	p->bytes[0] = (uint8_t)(len - 1);
	memcpy(p->bytes + 1, data, len);
	for (size_t i = 0; i < len; i++)
		sum ^= data[i];
	p->bytes[1 + len] = sum;
	p->len = (uint16_t)(len + 2);
	p->answer_ms = answer_ms;
}

/* Would something happen if the loader took these bytes for commands? */
static bool holds_command(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if ((bytes[i] ^ bytes[i + 1]) != 0xff)
			continue;
		switch (bytes[i]) {
		case HF_AN3155_GO:
		case HF_AN3155_WRITE:
		case HF_AN3155_ERASE:
		case HF_AN3155_WRITE_PROTECT:
		case HF_AN3155_WRITE_UNPROTECT:
		case HF_AN3155_READOUT_PROTECT:
		case HF_AN3155_READOUT_UNPROTECT:
			return true;
		default:
			break;
		}
	}
	return false;
}

static enum hf_err part_by_part(struct hf_an3155 *rom, const struct piece *piece, unsigned pieces)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < pieces && !err; i++) {
		rom->refused = (uint8_t)i;
		err = hf_an3155_put(rom, piece[i].bytes, piece[i].len);
		if (!err)
			err = hf_an3155_answer(rom, piece[i].answer_ms + hf_an3155_wire_ms(rom, piece[i].len));
	}
	return err;
}

/* `whole` has room for all pieces. HF_ERR_DENIED becomes HF_ERR_CRC: what came behind the refusal was read as something
 * else, so the parts have to be tried one by one. */
static enum hf_err in_one_go(struct hf_an3155 *rom, const struct piece *piece, unsigned pieces, const uint8_t *whole,
			     size_t len)
{
	enum hf_err err = hf_an3155_put(rom, whole, len);

	for (unsigned i = 0; i < pieces && !err; i++)
		err = hf_an3155_answer(rom, piece[i].answer_ms + hf_an3155_wire_ms(rom, len));
	return err == HF_ERR_DENIED ? HF_ERR_CRC : err;
}

static enum hf_err send_pieces(struct hf_an3155 *rom, const struct piece *piece, unsigned pieces, bool may_hurry)
{
	uint8_t whole[sizeof(rom->sent)];
	size_t len = 0;

	for (unsigned i = 0; i < pieces; i++) {
		memcpy(whole + len, piece[i].bytes, piece[i].len);
		len += piece[i].len;
	}
	if (may_hurry && rom->in_one_go && !holds_command(whole + 2, len - 2))
		return in_one_go(rom, piece, pieces, whole, len);
	return part_by_part(rom, piece, pieces);
}

/* Most of a long answer is let come before it is looked at: a system call a byte would be a waste. */
static void let_come(struct hf_an3155 *rom, size_t len)
{
	size_t here = (size_t)(rom->in_len - rom->in_at);

	if (len > here + 16)
		hf_serial_sleep_ms(rom->serial, hf_an3155_wire_ms(rom, len - here) * 7 / 8);
}

static enum hf_err receive(struct hf_an3155 *rom, uint8_t *buf, size_t len)
{
	uint64_t until = hf_an3155_now_ms(rom) + HF_AN3155_ANSWER_MS + 2 * (uint64_t)hf_an3155_wire_ms(rom, len);
	enum hf_err err = HF_OK;

	let_come(rom, len);
	for (size_t i = 0; i < len && !err; i++) {
		uint64_t now = hf_an3155_now_ms(rom);

		err = hf_an3155_get(rom, now < until ? (uint32_t)(until - now) : 0, &buf[i]);
	}
	if (err == HF_ERR_TIMEOUT)
		rom->count.timeouts++;
	return err;
}

/* What a refusal that comes again and again means. */
static enum hf_err refusal(const struct hf_an3155 *rom, enum hf_err of_data)
{
	return rom->refused == PART_COMMAND ? HF_ERR_DENIED : rom->refused == PART_ADDRESS ? HF_ERR_RANGE : of_data;
}

/* Sends a command, and receives what it answers, until both came through. */
static enum hf_err transact(struct hf_an3155 *rom, const struct piece *piece, unsigned pieces, uint8_t *buf, size_t len,
			    enum hf_err of_data)
{
	unsigned refusals = 0;
	enum hf_err err = HF_ERR_TIMEOUT;

	for (unsigned i = 0; i < TRIES && err; i++) {
		if (i > 0 && hf_an3155_resume(rom, HF_AN3155_ANSWER_MS) != HF_OK)
			return err == HF_ERR_IO ? err : HF_ERR_TIMEOUT;
		err = send_pieces(rom, piece, pieces, i == 0);
		if (!err && len)
			err = receive(rom, buf, len);
		if (err == HF_ERR_DENIED && ++refusals == 3)
			return refusal(rom, of_data);
	}
	return err == HF_ERR_DENIED ? HF_ERR_CRC : err;
}

static enum hf_err read_block(struct hf_an3155 *rom, uint32_t addr, uint8_t *buf, size_t len)
{
	struct piece piece[PARTS];
	uint8_t n = (uint8_t)(len - 1);

	command_piece(&piece[PART_COMMAND], HF_AN3155_READ);
	address_piece(&piece[PART_ADDRESS], addr);
	piece_of(&piece[PART_DATA], (uint8_t[]){n, (uint8_t)~n}, 2, HF_AN3155_ANSWER_MS);
	return transact(rom, piece, PARTS, buf, len, HF_ERR_CRC);
}

enum hf_err hf_an3155_read(struct hf_an3155 *rom, uint32_t addr, void *buf, size_t len)
{
	enum hf_err err = HF_OK;

	for (size_t done = 0; done < len && !err;) {
		size_t n = len - done < HF_AN3155_BLOCK ? len - done : HF_AN3155_BLOCK;

		err = read_block(rom, addr + (uint32_t)done, (uint8_t *)buf + done, n);
		done += n;
	}
	return err;
}

static bool all_ones(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0xff)
			return false;
	}
	return true;
}

enum hf_err hf_an3155_read_twice(struct hf_an3155 *rom, uint32_t addr, void *buf, size_t len)
{
	uint8_t again[HF_AN3155_BLOCK];
	enum hf_err err = HF_OK;

	for (size_t done = 0; done < len && !err;) {
		size_t n = len - done < HF_AN3155_BLOCK ? len - done : HF_AN3155_BLOCK;
		uint8_t *to = (uint8_t *)buf + done;
		bool sure = false;

		err = read_block(rom, addr + (uint32_t)done, to, n);
		for (unsigned i = 0; i < TRIES && !err && !sure; i++) {
			sure = all_ones(to, n);
			if (!sure)
				err = read_block(rom, addr + (uint32_t)done, again, n);
			if (!sure && !err)
				sure = memcmp(to, again, n) == 0;
			if (!sure && !err)
				memcpy(to, again, n);
		}
		if (!err && !sure)
			err = HF_ERR_CRC;
		done += n;
	}
	return err;
}

static void write_pieces(struct piece piece[PARTS], uint32_t addr, const void *data, size_t len, uint32_t answer_ms)
{
	command_piece(&piece[PART_COMMAND], HF_AN3155_WRITE);
	address_piece(&piece[PART_ADDRESS], addr);
	data_piece(&piece[PART_DATA], data, len, answer_ms);
}

enum hf_err hf_an3155_write(struct hf_an3155 *rom, uint32_t addr, const void *data, size_t len)
{
	struct piece piece[PARTS];

	if (len == 0 || len > HF_AN3155_BLOCK || len % 4 || addr % 4)
		return HF_ERR_RANGE;
	write_pieces(piece, addr, data, len, PROGRAM_MS);
	return transact(rom, piece, PARTS, NULL, 0, HF_ERR_FLASH_PROGRAM);
}

enum hf_err hf_an3155_erase(struct hf_an3155 *rom, unsigned sector)
{
	const uint8_t high = (uint8_t)(sector >> 8), low = (uint8_t)sector;
	struct piece piece[2];
	enum hf_err err;

	command_piece(&piece[0], HF_AN3155_ERASE);
	piece_of(&piece[1], (uint8_t[]){0, 0, high, low, high ^ low}, 5, ERASE_MS);
	err = transact(rom, piece, 2, NULL, 0, HF_ERR_FLASH_ERASE);
	return err == HF_ERR_RANGE ? HF_ERR_FLASH_ERASE : err; /* what is refused is the sector */
}

enum hf_err hf_an3155_go(struct hf_an3155 *rom, uint32_t addr)
{
	struct piece piece[2];

	command_piece(&piece[PART_COMMAND], HF_AN3155_GO);
	address_piece(&piece[PART_ADDRESS], addr);
	return transact(rom, piece, 2, NULL, 0, HF_ERR_CRC);
}

/* ---- commands that end in a restart ---- */

static enum hf_err greet_again(struct hf_an3155 *rom, uint32_t wait_ms)
{
	if (wait_ms == 0)
		return HF_OK;
	hf_serial_sleep_ms(rom->serial, RESTART_MS);
	return hf_an3155_resume(rom, wait_ms);
}

/* The answer to the last part may be lost in the restart: what counts is what is read back. */
static enum hf_err transact_and_restart(struct hf_an3155 *rom, const struct piece *piece, unsigned pieces,
					uint32_t wait_ms, bool *done)
{
	enum hf_err err = HF_ERR_DENIED;

	for (unsigned i = 0; i < 3 && err == HF_ERR_DENIED; i++) {
		if (i > 0 && hf_an3155_resume(rom, HF_AN3155_ANSWER_MS) != HF_OK)
			return HF_ERR_TIMEOUT;
		err = part_by_part(rom, piece, pieces);
	}
	*done = !err;
	if (err == HF_ERR_DENIED)
		return refusal(rom, HF_ERR_FLASH_PROGRAM);
	if (err == HF_ERR_IO && wait_ms == 0)
		return err;
	return greet_again(rom, wait_ms);
}

enum hf_err hf_an3155_write_options(struct hf_an3155 *rom, const uint8_t options[HF_AN3155_OPTIONS_BYTES],
				    uint32_t wait_ms, bool *done)
{
	struct piece piece[PARTS];

	write_pieces(piece, HF_AN3155_OPTIONS_ADDR, options, HF_AN3155_OPTIONS_BYTES, OPTIONS_MS);
	return transact_and_restart(rom, piece, PARTS, wait_ms, done);
}

enum hf_err hf_an3155_readout_unprotect(struct hf_an3155 *rom, uint32_t wait_ms)
{
	struct piece piece[2] = {{.len = 0}};
	bool done;

	command_piece(&piece[0], HF_AN3155_READOUT_UNPROTECT);
	piece[1].answer_ms = ALL_MS;
	return transact_and_restart(rom, piece, 2, wait_ms, &done);
}

/* ---- the beginning ---- */

/* A list: its length less one, that many bytes, and an acknowledgement. Takes the first `cap` of them. */
static enum hf_err ask_list(struct hf_an3155 *rom, enum hf_an3155_command command, uint8_t *list, size_t cap, size_t *count)
{
	struct piece piece;
	unsigned refusals = 0;
	enum hf_err err = HF_ERR_TIMEOUT;

	command_piece(&piece, (uint8_t)command);
	for (unsigned i = 0; i < TRIES && err; i++) {
		uint8_t n = 0, byte;

		if (i > 0 && hf_an3155_resume(rom, HF_AN3155_ANSWER_MS) != HF_OK)
			return HF_ERR_TIMEOUT;
		*count = 0;
		err = part_by_part(rom, &piece, 1);
		if (!err)
			err = hf_an3155_get(rom, HF_AN3155_ANSWER_MS, &n);
		for (unsigned k = 0; k <= n && !err; k++) {
			err = hf_an3155_get(rom, HF_AN3155_ANSWER_MS, &byte);
			if (!err && *count < cap)
				list[(*count)++] = byte;
		}
		if (!err)
			err = hf_an3155_answer(rom, HF_AN3155_ANSWER_MS) ? HF_ERR_CRC : HF_OK;
		if (err == HF_ERR_DENIED && ++refusals == 3)
			return err;
	}
	return err;
}

/* Asks until two answers agree: a chip's number that was damaged on the way must not choose what is done to it. */
static enum hf_err learn(struct hf_an3155 *rom)
{
	uint8_t commands[12], id[2] = {0, 0}, again[2] = {1, 0}, word[4];
	size_t count = 0;
	enum hf_err err = ask_list(rom, HF_AN3155_GET, commands, sizeof(commands), &count);

	if (!err && count == 0)
		err = HF_ERR_CRC;
	if (!err)
		rom->version = commands[0];
	for (unsigned i = 0; i < TRIES && !err && memcmp(id, again, 2) != 0; i++) {
		memcpy(again, id, 2);
		err = ask_list(rom, HF_AN3155_GET_ID, id, sizeof(id), &count);
		if (!err && count != 2)
			err = HF_ERR_CRC;
	}
	if (!err && memcmp(id, again, 2) != 0)
		err = HF_ERR_CRC;
	if (err)
		return err;
	rom->chip_id = (uint16_t)(id[0] << 8 | id[1]);
	err = hf_an3155_read(rom, UID_ADDR, word, sizeof(word));
	rom->readable = !err;
	return err == HF_ERR_DENIED ? HF_OK : err;
}

/* What is worth telling wins. */
static void remember(enum hf_an3155_peer seen, enum hf_an3155_peer *peer)
{
	if (seen > *peer)
		*peer = seen;
}

enum hf_err hf_an3155_connect(struct hf_an3155 *rom, uint32_t wait_ms, void (*waiting)(void *ctx, uint32_t left_ms),
			      void *ctx, enum hf_an3155_peer *peer)
{
	uint64_t begin = hf_an3155_now_ms(rom), told = begin;
	enum hf_err err = hf_an3155_set_line(rom, rom->baud);

	*peer = HF_AN3155_SILENCE;
	for (unsigned i = 0;; i++) {
		enum hf_an3155_peer seen = HF_AN3155_SILENCE;

		if (!err)
			err = hf_an3155_align(rom, i % 16 == 1, &seen);
		if (!err && seen == HF_AN3155_LOADER) {
			err = learn(rom);
			if (!err) {
				*peer = HF_AN3155_LOADER;
				return HF_OK;
			}
			seen = err == HF_ERR_DENIED ? HF_AN3155_NO_PARITY : HF_AN3155_NONSENSE;
		}
		remember(seen, peer);
		if (hf_an3155_now_ms(rom) - begin >= wait_ms || hf_an3155_stopped(rom))
			return err == HF_ERR_IO ? err : HF_ERR_TIMEOUT;
		if (waiting && hf_an3155_now_ms(rom) - told >= 1000) {
			told = hf_an3155_now_ms(rom);
			waiting(ctx, (uint32_t)(wait_ms - (told - begin)));
		}
		err = err == HF_ERR_IO ? hf_an3155_back_at_the_port(rom, err) : HF_OK;
	}
}

bool hf_an3155_answers_at(struct hf_an3155 *rom, uint32_t baud)
{
	struct hf_an3155 there = {.serial = rom->serial, .baud = baud};
	enum hf_an3155_peer peer = HF_AN3155_SILENCE;

	return hf_an3155_set_line(&there, baud) == HF_OK && hf_an3155_align(&there, false, &peer) == HF_OK && peer == HF_AN3155_LOADER;
}

/* ---- the line ---- */

static void pattern(unsigned block, uint8_t bytes[HF_AN3155_BLOCK])
{
	uint32_t x = 0x9e3779b9u * (block + 1);

	for (unsigned i = 0; i < HF_AN3155_BLOCK; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static uint32_t troubles(const struct hf_an3155 *rom)
{
	return rom->count.timeouts + rom->count.nacks + rom->count.resyncs;
}

enum hf_err hf_an3155_test_line(struct hf_an3155 *rom, uint32_t ram_addr, unsigned *errors)
{
	uint8_t out[HF_AN3155_BLOCK], in[HF_AN3155_BLOCK];
	enum hf_err err = HF_OK;

	*errors = 0;
	rom->in_one_go = true;
	for (unsigned i = 0; i < HF_AN3155_TEST_BLOCKS && !err; i++) {
		uint32_t before = troubles(rom);

		pattern(i, out);
		err = hf_an3155_write(rom, ram_addr + i * HF_AN3155_BLOCK, out, sizeof(out));
		if (!err)
			err = hf_an3155_read(rom, ram_addr + i * HF_AN3155_BLOCK, in, sizeof(in));
		if (err || (troubles(rom) == before && memcmp(in, out, sizeof(in)) == 0))
			continue;
		if (i < 2 && rom->in_one_go)
			rom->in_one_go = false; /* it does not keep pace; that is no fault of the line */
		else
			++*errors;
	}
	return err;
}
