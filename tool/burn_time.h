/* SPDX-License-Identifier: MIT
 *
 * Where a burn's time goes, and how much of it is left.
 *
 * Every millisecond counts once. While bytes are on the line it is the line's, whatever the device does meanwhile; what the
 * line had to wait for is an erase where the silence was as long as one, else programming. So "erase 1.3" is what a device
 * that erases at once would have saved, and not the sum of all its erases.
 */
#ifndef HF_BURN_TIME_H
#define HF_BURN_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

enum hf_time {
	HF_TIME_FIND,    /* the device, waking it, waiting until it is calm */
	HF_TIME_CHECKS,  /* before anything is changed, a session for a key included */
	HF_TIME_LINE,    /* to the fastest one that proves good, and back */
	HF_TIME_HEAD,    /* the package's, and its signatures on the device */
	HF_TIME_ERASE,
	HF_TIME_WIRE,
	HF_TIME_PROGRAM,
	HF_TIME_VERIFY,  /* the whole, before it is written, and again when it is activated */
	HF_TIME_RESET,   /* until the new firmware answers */
	HF_TIME_TRIAL,   /* until it has confirmed itself */
	HF_TIME_TESTS,
	HF_TIMES
};

const char *hf_time_text(enum hf_time what); /* "find": in a sentence, and as a key */

/* ---- the account ---- */

struct hf_account {
	uint32_t ms[HF_TIMES];
	unsigned erases;     /* that the line has waited for */

	/* Private. */
	enum hf_time now;
	uint64_t since_ms;   /* up to here all is accounted for */
	uint64_t written;    /* bytes on the line, as last seen */
	uint64_t backlog_us; /* that the line still needs for what was written */
};

void hf_account_begin(struct hf_account *c, uint64_t now_ms);
/* From now on time is spent with `what`. */
void hf_account_enter(struct hf_account *c, enum hf_time what, uint64_t now_ms);
/* The payload goes over the line: from now on hf_account_answered splits the time. */
void hf_account_payload(struct hf_account *c, uint64_t written, uint64_t now_ms);
/* The device has answered, and `written` bytes were sent so far at `baud` (0: unknown, then all is the line's). What the line
 * waited for goes to `waited`; HF_TIMES: to an erase or to programming, by its length. */
void hf_account_answered(struct hf_account *c, uint64_t written, uint32_t baud, enum hf_time waited, uint64_t now_ms);
/* The sum. */
uint32_t hf_account_total(const struct hf_account *c);

/* "4.9 s: line 0.1, head 0.2, erase 1.3, wire 3.1, verify 0.2": what took less than 50 ms is left out. Returns text. */
const char *hf_account_format(const struct hf_account *c, char *text, size_t room);

/* ---- what is left ---- */

/* Set by the caller, then read only. */
struct hf_forecast {
	uint32_t total;              /* bytes of the package */
	uint32_t payload_at;         /* where its payload begins; 0: unknown */
	uint32_t baud;               /* 0: unknown */
	bool binary;
	const struct hf_layout *layout; /* NULL: unknown: sectors of 128 KiB */
	unsigned place;              /* that is written */
	uint32_t buffer_bytes;       /* that the device takes while it erases */
	uint32_t slowest_erase_ms;   /* that the device has seen of itself; 0: it does not tell */
	bool no_activate;
	bool tests;                  /* follow */

	/* Private. */
	uint64_t began_ms;
	uint32_t began_at, waited_ms;
};

/* The upload begins at `off`, or comes to it without having sent what is before. */
void hf_forecast_begin(struct hf_forecast *f, const struct hf_account *a, uint32_t off, uint64_t now_ms);
/* From the package's byte `off` to the end of all: milliseconds. `a` tells what was seen so far. */
uint32_t hf_forecast_left(const struct hf_forecast *f, const struct hf_account *a, uint32_t off, uint64_t now_ms);
/* The same once the upload is done: from `what` on, which began at since_ms. */
uint32_t hf_forecast_behind(const struct hf_forecast *f, enum hf_time what, uint64_t since_ms, uint64_t now_ms);

#endif
