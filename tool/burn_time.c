/* SPDX-License-Identifier: MIT
 *
 * A rate of bytes so far knows nothing of a sector that still has to be erased. So what is left is planned from what the work
 * consists of: each erase, less what the device's buffers take from the line meanwhile; then the line's bytes or the flash's
 * words, whichever is slower; then what follows in a row. How long this device's erases keep the line waiting, and how its line
 * does against the plan, shows on the way and corrects the rest of it.
 */
#include "burn_time.h"

#include <stdio.h>

#include "slot.h"

#define ERASE_MS       150u  /* the shortest erase (16 KiB) takes 250; the longest programming (a segment) some 80 */
#define SHOWN_MS       50u

/* The reference device's and its chip's typical times, as the twin has them; _NS: and so much a byte. */
#define HEAD_MS       290u   /* signatures, UPLOAD_BEGUN */
#define SECTOR_16_MS  250u
#define SECTOR_64_MS  550u
#define SECTOR_128_MS 1000u
#define PROGRAM_NS    4400u
#define VERIFY_MS     215u   /* the last segment, the slot's head, the rest of the digest */
#define VERIFY_NS     480u
#define ACTIVATE_MS   135u
#define ACTIVATE_NS   300u
#define RESET_MS      620u   /* boot verifies, the new firmware starts */
#define RESET_NS      280u
#define TRIAL_MS      1520u
#define TESTS_MS      155u
#define TESTS_BITS    470400u /* on the line */
#define LEARNED_MS    500u   /* before, a comparison says little */

static const char *const texts[HF_TIMES] = {"find",    "checks", "line",  "head",  "erase", "wire",
					    "program", "verify", "reset", "trial", "tests"};

const char *hf_time_text(enum hf_time what)
{
	return what < HF_TIMES ? texts[what] : "?";
}

/* ---- the account ---- */

void hf_account_begin(struct hf_account *c, uint64_t now_ms)
{
	*c = (struct hf_account){.now = HF_TIME_FIND, .since_ms = now_ms};
}

void hf_account_enter(struct hf_account *c, enum hf_time what, uint64_t now_ms)
{
	c->ms[c->now] += (uint32_t)(now_ms - c->since_ms);
	c->since_ms = now_ms;
	c->now = what;
}

void hf_account_payload(struct hf_account *c, uint64_t written, uint64_t now_ms)
{
	hf_account_enter(c, HF_TIME_WIRE, now_ms);
	c->written = written;
	c->backlog_us = 0;
}

void hf_account_answered(struct hf_account *c, uint64_t written, uint32_t baud, enum hf_time waited, uint64_t now_ms)
{
	uint64_t passed_us = (now_ms - c->since_ms) * 1000, wire_us;
	uint32_t waited_ms;

	c->backlog_us += baud ? (written - c->written) * 10000000 / baud : passed_us;
	wire_us = c->backlog_us < passed_us ? c->backlog_us : passed_us;
	waited_ms = (uint32_t)((passed_us - wire_us) / 1000);
	if (waited >= HF_TIMES)
		waited = waited_ms >= ERASE_MS ? HF_TIME_ERASE : HF_TIME_PROGRAM;
	c->ms[waited] += waited_ms;
	c->erases += waited == HF_TIME_ERASE;
	c->ms[HF_TIME_WIRE] += (uint32_t)(passed_us / 1000) - waited_ms;
	c->backlog_us -= wire_us;
	c->written = written;
	c->since_ms = now_ms;
}

uint32_t hf_account_total(const struct hf_account *c)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < HF_TIMES; i++)
		sum += c->ms[i];
	return sum;
}

const char *hf_account_format(const struct hf_account *c, char *text, size_t room)
{
	int len = snprintf(text, room, "%.1f s", hf_account_total(c) / 1000.0);
	const char *mark = ": ";

	for (unsigned i = 0; i < HF_TIMES && len > 0 && (size_t)len < room; i++) {
		if (c->ms[i] < SHOWN_MS)
			continue;
		len += snprintf(text + len, room - (size_t)len, "%s%s %.1f", mark, texts[i], c->ms[i] / 1000.0);
		mark = ", ";
	}
	return text;
}

/* ---- what is left ---- */

/* How long the line waits for the erase of a sector. */
static uint32_t stall_ms(const struct hf_forecast *f, uint32_t size)
{
	uint64_t erase = size <= 16384 ? SECTOR_16_MS : size <= 65536 ? SECTOR_64_MS : SECTOR_128_MS;
	uint64_t meanwhile = f->baud ? (uint64_t)f->buffer_bytes * 10000 / f->baud : 0;

	/* The slowest one was most likely the largest: the others are slower by as much. */
	if (f->slowest_erase_ms > SECTOR_128_MS)
		erase = erase * f->slowest_erase_ms / SECTOR_128_MS;
	return (uint32_t)(erase > meanwhile ? erase - meanwhile : 0);
}

/* The erases of the sectors that begin in the payload's bytes from `done` on; *count is how many. */
static uint32_t stalls_ms(const struct hf_forecast *f, uint32_t done, uint32_t len, unsigned *count)
{
	const struct hf_span *slot = f->layout ? hf_layout_place(f->layout, f->place) : NULL;
	uint32_t ms = 0;

	*count = slot ? 0 : (len - done + 131071) / 131072;
	for (unsigned i = 0; slot && i < f->layout->sectors; i++) {
		const struct hf_span *s = &f->layout->sector[i];

		if (s->addr < slot->addr + done || s->addr >= slot->addr + slot->size || s->addr - slot->addr >= len)
			continue;
		ms += stall_ms(f, s->size);
		(*count)++;
	}
	return slot ? ms : *count * stall_ms(f, 131072);
}

/* A device erases ahead where it can: those that the line has waited for already do not come again. */
static uint32_t erases_ms(const struct hf_forecast *f, const struct hf_account *a, uint32_t done, uint32_t len)
{
	unsigned all, behind;
	uint32_t all_ms = stalls_ms(f, 0, len, &all), behind_ms = stalls_ms(f, done, len, &behind);
	uint32_t left = all > a->erases ? all - a->erases : 0, each = all ? all_ms / all : 0;

	if (a->erases && each > 0)
		each = a->ms[HF_TIME_ERASE] / a->erases;
	return left < behind ? left * each : a->erases ? behind * each : behind_ms;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Bytes, the line's or the flash's. */
static uint32_t bytes_ms(const struct hf_forecast *f, uint32_t off)
{
	uint64_t bytes = f->total > off ? f->total - off : 0;
	uint64_t wire = f->baud ? bytes * (f->binary ? 103 : 140) / 100 * 10000 / f->baud : 0;

	return (uint32_t)larger(wire, bytes * PROGRAM_NS / 1000000);
}

static uint32_t typical_ms(const struct hf_forecast *f, enum hf_time what)
{
	uint64_t len = f->total;

	if (f->no_activate && what != HF_TIME_TESTS)
		return 0;
	switch (what) {
	case HF_TIME_VERIFY:
		return (uint32_t)(ACTIVATE_MS + len * ACTIVATE_NS / 1000000);
	case HF_TIME_RESET:
		return (uint32_t)(RESET_MS + len * RESET_NS / 1000000);
	case HF_TIME_TRIAL:
		return TRIAL_MS;
	case HF_TIME_TESTS:
		return !f->tests ? 0 : TESTS_MS + (f->baud ? (uint32_t)(TESTS_BITS * UINT64_C(1000) / f->baud) : 0);
	default:
		return 0;
	}
}

uint32_t hf_forecast_behind(const struct hf_forecast *f, enum hf_time what, uint64_t since_ms, uint64_t now_ms)
{
	uint32_t left = typical_ms(f, what);
	uint64_t passed = now_ms - since_ms;

	left = passed < left ? left - (uint32_t)passed : 0;
	for (int next = what + 1; next < HF_TIMES; next++)
		left += typical_ms(f, (enum hf_time)next);
	return left;
}

void hf_forecast_begin(struct hf_forecast *f, const struct hf_account *a, uint32_t off, uint64_t now_ms)
{
	f->began_ms = now_ms;
	f->waited_ms = a->ms[HF_TIME_ERASE] + a->ms[HF_TIME_HEAD];
	f->began_at = off;
}

/* The bytes' time, corrected by how it was so far: the more of it there was, the more that says. */
static uint32_t corrected_ms(const struct hf_forecast *f, const struct hf_account *a, uint32_t off, uint64_t now_ms)
{
	uint64_t plan = bytes_ms(f, off), all = bytes_ms(f, f->began_at), done = all > plan ? all - plan : 0;
	uint64_t waited = a->ms[HF_TIME_ERASE] + a->ms[HF_TIME_HEAD] - f->waited_ms, passed = now_ms - f->began_ms;

	passed = passed > waited ? passed - waited : 0;
	if (done < LEARNED_MS)
		return (uint32_t)plan;
	return (uint32_t)((plan * (all - done) + plan * passed / done * done) / all);
}

uint32_t hf_forecast_left(const struct hf_forecast *f, const struct hf_account *a, uint32_t off, uint64_t now_ms)
{
	uint32_t len = f->total - f->payload_at, done = off > f->payload_at ? off - f->payload_at : 0;
	uint64_t silent = now_ms - a->since_ms, left = hf_forecast_behind(f, HF_TIME_VERIFY, now_ms, now_ms);
	uint32_t erases;

	if (off >= f->total)
		return (uint32_t)left;
	left += VERIFY_MS + (uint64_t)len * VERIFY_NS / 1000000;
	if (off == 0 || off < f->payload_at)
		return (uint32_t)(left + (silent < HEAD_MS ? HEAD_MS - silent : 0) + erases_ms(f, a, 0, len) + bytes_ms(f, off));
	/* A sector is needed once a segment for it is complete. Silence that lasts is its erase under way. */
	erases = erases_ms(f, a, done > HF_SEGMENT_BYTES ? done - HF_SEGMENT_BYTES : 0, len);
	return (uint32_t)(left + (erases > silent ? erases - silent : 0) + corrected_ms(f, a, off, now_ms));
}
