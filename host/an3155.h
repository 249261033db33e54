/* SPDX-License-Identifier: MIT
 *
 * A client of the STM32's ROM loader on a UART (ST's AN3155), over the serial seam.
 *
 * The protocol has no time-outs, no frame numbers, a checksum of one XORed byte, and none at all on what is read. So here
 * every wait has a limit, the chip's own where the chip works; a command that was damaged or lost is repeated, which is
 * harmless for each of them (a word programmed twice holds what it should, a sector erased twice is blank); a loader that
 * was left in mid-frame is brought back to where commands begin; and one that restarted is greeted again. What remains is
 * for the caller: an acknowledged write proves nothing until it was read back.
 *
 * Errors of all commands: HF_ERR_TIMEOUT (no answer any more: the loader is gone, or the cable), HF_ERR_IO (the port is
 * gone), HF_ERR_DENIED (the loader refuses this command: readout protection), HF_ERR_RANGE (it refuses the address),
 * HF_ERR_CRC (the line damages too much), and where the data was refused HF_ERR_FLASH_PROGRAM, HF_ERR_FLASH_ERASE.
 */
#ifndef HF_AN3155_H
#define HF_AN3155_H

#include "serial.h"

#define HF_AN3155_BAUD  115200u
#define HF_AN3155_BLOCK 256u /* that one Read or Write carries */

#define HF_SERIAL_8E1(rate) ((struct hf_serial_line){.baud = (rate), .data_bits = 8, .parity = 'E', .stop_bits = 1})

enum hf_an3155_command {
	HF_AN3155_GET = 0x00,
	HF_AN3155_GET_ID = 0x02,
	HF_AN3155_READ = 0x11,
	HF_AN3155_GO = 0x21,
	HF_AN3155_WRITE = 0x31,
	HF_AN3155_ERASE = 0x44,
	HF_AN3155_WRITE_PROTECT = 0x63,
	HF_AN3155_WRITE_UNPROTECT = 0x73,
	HF_AN3155_READOUT_PROTECT = 0x82,
	HF_AN3155_READOUT_UNPROTECT = 0x92,
};

/* What is at the line's other end. */
enum hf_an3155_peer {
	HF_AN3155_SILENCE,   /* nothing answers */
	HF_AN3155_LOADER,
	HF_AN3155_ECHO,      /* our own bytes come back, and nothing else */
	HF_AN3155_NONSENSE,  /* something talks, and it is no loader at this rate */
	HF_AN3155_NO_PARITY, /* a loader that takes 0x7F and refuses every command: parity is not what it should be */
};

struct hf_an3155_counts {
	uint32_t timeouts, nacks, resyncs;
	uint32_t restarts; /* of the device, seen by its loader waiting for 0x7F again */
};

struct hf_an3155 {
	/* Set by the caller, the rest zero. Kept. */
	const struct hf_serial *serial;
	uint32_t baud;
	bool (*stop)(void *ctx); /* asked while nothing is under way; NULL: never */
	void *stop_ctx;

	/* To be read. */
	uint8_t version;         /* of the loader's protocol: 0x31 is 3.1 */
	uint16_t chip_id;        /* 0x413: STM32F405/407 */
	bool readable;           /* Read is not refused: no readout protection */
	bool in_one_go;          /* whole commands are sent without waiting for each part's acknowledgement */
	bool echo;               /* the line returns what we send; it is taken off */
	struct hf_an3155_counts count;

	/* Private. */
	uint8_t in[512];
	uint16_t in_len, in_at;
	uint8_t sent[512];       /* whose echo is awaited */
	uint16_t sent_len, sent_at;
	uint8_t refused;         /* which part of the last command was */
};

/* Sends 0x7F at 8E1 until a loader answers, for at most wait_ms, and learns what it is. `waiting`, if not NULL, is called
 * about once a second with what is left. HF_OK (*peer is HF_AN3155_LOADER), HF_ERR_TIMEOUT with what *peer says,
 * HF_ERR_IO. Works on a loader that was greeted before, too, and on one that was left in mid-command. */
HF_MUST_USE enum hf_err hf_an3155_connect(struct hf_an3155 *rom, uint32_t wait_ms,
					  void (*waiting)(void *ctx, uint32_t left_ms), void *ctx,
					  enum hf_an3155_peer *peer);

/* Is there a loader that was greeted before, at this rate? Asks for some 0.3 s; changes the line's settings, not *rom. */
bool hf_an3155_answers_at(struct hf_an3155 *rom, uint32_t baud);

/* Brings loader and client together again after an error: greets one that restarted. The port is reopened where it is
 * gone. HF_ERR_TIMEOUT after wait_ms, or when `stop` says so. */
HF_MUST_USE enum hf_err hf_an3155_resume(struct hf_an3155 *rom, uint32_t wait_ms);

/* Measures the line with 4 KiB in the chip's RAM, there and back, before anything depends on it, and finds out
 * whether whole commands may be sent in one go. *errors: how many of the blocks needed a second try. */
#define HF_AN3155_TEST_BLOCKS 16u
HF_MUST_USE enum hf_err hf_an3155_test_line(struct hf_an3155 *rom, uint32_t ram_addr, unsigned *errors);

/* Any length, any address. */
HF_MUST_USE enum hf_err hf_an3155_read(struct hf_an3155 *rom, uint32_t addr, void *buf, size_t len);

/* Reads until two readings agree; what reads all ones is believed at once (noise does not make ones of a block). */
HF_MUST_USE enum hf_err hf_an3155_read_twice(struct hf_an3155 *rom, uint32_t addr, void *buf, size_t len);

/* addr and len are multiples of 4, len at most HF_AN3155_BLOCK. */
HF_MUST_USE enum hf_err hf_an3155_write(struct hf_an3155 *rom, uint32_t addr, const void *data, size_t len);

/* One sector, by its number. */
HF_MUST_USE enum hf_err hf_an3155_erase(struct hf_an3155 *rom, unsigned sector);

/* Starts what has its vector table at addr. */
HF_MUST_USE enum hf_err hf_an3155_go(struct hf_an3155 *rom, uint32_t addr);

/* Option bytes: 16 bytes at once. The chip restarts by that, and with BOOT0 still high the loader is greeted again, for
 * up to wait_ms (0: it is not, nobody will answer); the caller reads back what has become of them. *done: the loader has
 * said that they are written; without that, the power may have failed in the middle, which leaves anything. */
#define HF_AN3155_OPTIONS_ADDR  0x1fffc000u
#define HF_AN3155_OPTIONS_BYTES 16u
HF_MUST_USE enum hf_err hf_an3155_write_options(struct hf_an3155 *rom,
						const uint8_t options[HF_AN3155_OPTIONS_BYTES], uint32_t wait_ms,
						bool *done);

/* Readout protection off, which erases all of the flash first; the chip restarts. */
HF_MUST_USE enum hf_err hf_an3155_readout_unprotect(struct hf_an3155 *rom, uint32_t wait_ms);

#endif
