/* SPDX-License-Identifier: MIT
 *
 * One seam for everything that is a serial line, and for its clock.
 *
 * Behind it: real ports (libserialport), pseudo-terminals (which libserialport refuses), raw TCP sockets, serial servers
 * (RFC 2217), the twin in lockstep, and whatever a test puts there. Whoever talks to a device asks the seam for the time
 * and sleeps in it, so that in lockstep a wait of a minute costs no minute and every run takes the same course.
 */
#ifndef HF_SERIAL_H
#define HF_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"

struct hf_serial_line {
	uint32_t baud;
	uint8_t data_bits;
	char parity; /* 'N', 'E', 'O' */
	uint8_t stop_bits;
};

#define HF_SERIAL_8N1(rate) ((struct hf_serial_line){.baud = (rate), .data_bits = 8, .parity = 'N', .stop_bits = 1})

enum hf_serial_pin { HF_SERIAL_RTS = 1, HF_SERIAL_DTR = 2, HF_SERIAL_BREAK = 4 };

/* What a backend implements. HF_ERR_IO always means that the line is gone (cable pulled, peer closed); reopen may bring
 * it back. */
struct hf_serial_ops {
	/* Waits for at least one byte; HF_ERR_TIMEOUT may come early (a signal), never late by more than a little. */
	enum hf_err (*read)(void *ctx, void *buf, size_t cap, uint32_t timeout_ms, size_t *len);
	/* Takes all of it, or HF_ERR_TIMEOUT, HF_ERR_IO. */
	enum hf_err (*write)(void *ctx, const void *data, size_t len);
	/* HF_ERR_UNSUPPORTED where the line has no such thing; NULL: the same. */
	enum hf_err (*set_line)(void *ctx, const struct hf_serial_line *line);
	enum hf_err (*set_pins)(void *ctx, unsigned mask, unsigned values);
	/* Closes what is left, and opens again with the last line settings. */
	enum hf_err (*reopen)(void *ctx);
	uint64_t (*now_ms)(void *ctx);
	void (*sleep_ms)(void *ctx, uint32_t ms);
	void (*close)(void *ctx); /* NULL: nothing to do */
};

struct hf_serial {
	const struct hf_serial_ops *ops;
	void *ctx;
};

/* What hf_serial_open takes, for the help of commands. */
#define HF_SERIAL_NAMES "a device (/dev/ttyUSB0, COM3), a pseudo-terminal, tcp:HOST:PORT, rfc2217:HOST:PORT (a serial server), or lockstep:SOCKET"

/* Opens a port by name. On an error *out is unspecified and diag has a sentence: HF_ERR_NOT_FOUND (no such port),
 * HF_ERR_DENIED (no permission), HF_ERR_BUSY (in use), HF_ERR_UNSUPPORTED (it cannot have this line setting), HF_ERR_RANGE (a name or line setting that makes no sense), HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_serial_open(const char *name, const struct hf_serial_line *line, struct hf_serial *out,
				       struct hf_diag *diag);
void hf_serial_close(struct hf_serial *s);

HF_MUST_USE enum hf_err hf_serial_read(const struct hf_serial *s, void *buf, size_t cap, uint32_t timeout_ms,
				       size_t *len);
HF_MUST_USE enum hf_err hf_serial_write(const struct hf_serial *s, const void *data, size_t len);
HF_MUST_USE enum hf_err hf_serial_set_line(const struct hf_serial *s, const struct hf_serial_line *line);
HF_MUST_USE enum hf_err hf_serial_set_pins(const struct hf_serial *s, unsigned mask, unsigned values);
HF_MUST_USE enum hf_err hf_serial_reopen(const struct hf_serial *s);
uint64_t hf_serial_now_ms(const struct hf_serial *s);
void hf_serial_sleep_ms(const struct hf_serial *s, uint32_t ms);

#endif
