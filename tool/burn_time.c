/* SPDX-License-Identifier: MIT
 *
 * The device does two things at once: it takes bytes by DMA while its flash is busy. A rate of bytes so far knows nothing of
 * a sector that still has to be erased, so what is left is planned from what the work consists of: the bytes on the line, and
 * beside them the erases and the words, whichever is longer; then what follows in a row. How this device and this line
 * compare with the plan shows on the way, and stretches what is left of it.
 */
#include "burn_time.h"

#include <stdio.h>

#define ERASE_MS       150u  /* the shortest erase (16 KiB) takes 250; the longest programming (a segment) some 80 */
#define SHOWN_MS       50u

/* The reference device's and its chip's typical times. */
#define HEAD_MS        180u  /* signatures, UPLOAD_BEGUN */
#define SECTOR_MS_16   250u
#define SECTOR_MS_64   550u
#define SECTOR_MS_128  1000u
#define WORD_NS        17500u /* programmed and read back, per word */
#define VERIFY_NS      500u   /* the rest of the digest, per byte */
#define ACTIVATE_MS    400u
#define RESET_MS       900u   /* boot verifies, the new firmware starts */
#define TRIAL_MS       2000u
#define TESTS_MS       4000u
#define LEARNED_MS     500u   /* before, a stretch says little */

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

static uint32_t sector_ms(const struct hf_forecast *f, uint32_t size)
{
	uint32_t typical = size <= 16384 ? SECTOR_MS_16 : size <= 65536 ? SECTOR_MS_64 : SECTOR_MS_128;

	/* The slowest one was most likely the largest: the others are slower by as much. */
	if (f->slowest_erase_ms > SECTOR_MS_128)
		return (uint32_t)((uint64_t)typical * f->slowest_erase_ms / SECTOR_MS_128);
	return typical;
}

/* The sectors that begin behind the payload's byte `done` and within its `len` bytes. */
static uint32_t erases_ms(const struct hf_forecast *f, uint32_t done, uint32_t len)
{
	const struct hf_span *slot = f->layout ? hf_layout_place(f->layout, f->place) : NULL;
	uint32_t ms = 0;

	if (!slot)
		return (uint32_t)((uint64_t)(len - done) * sector_ms(f, 131072) / 131072);
	for (unsigned i = 0; i < f->layout->sectors; i++) {
		const struct hf_span *s = &f->layout->sector[i];
		uint32_t at = s->addr - slot->addr;

		if (s->addr >= slot->addr && at < slot->size && at < len && (at >= done || done == 0))
			ms += sector_ms(f, s->size);
	}
	return ms;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* By the plan: from `off` until the device has it all and has verified it. */
static uint32_t upload_ms(const struct hf_forecast *f, uint32_t off)
{
	uint32_t len = f->total - f->payload_at, done = off > f->payload_at ? off - f->payload_at : 0;
	uint64_t on_line = (uint64_t)(f->total - off) * (f->binary ? 104 : 140) / 100;
	uint32_t wire = f->baud ? (uint32_t)(on_line * 10000 / f->baud) : 0;
	uint32_t device = erases_ms(f, done, len) + (uint32_t)((uint64_t)(len - done) / 4 * WORD_NS / 1000000);

	if (off >= f->total)
		return 0;
	return larger(wire, device) + (off < f->payload_at || off == 0 ? HEAD_MS : 0) +
	       (uint32_t)((uint64_t)len * VERIFY_NS / 1000000);
}

void hf_forecast_begin(struct hf_forecast *f, uint32_t off, uint64_t now_ms)
{
	f->began_ms = now_ms;
	f->planned_ms = upload_ms(f, off);
}

static uint32_t typical_ms(const struct hf_forecast *f, enum hf_time what)
{
	switch (what) {
	case HF_TIME_VERIFY:
		return f->no_activate ? 0 : ACTIVATE_MS;
	case HF_TIME_RESET:
		return f->no_activate ? 0 : RESET_MS;
	case HF_TIME_TRIAL:
		return f->no_activate ? 0 : TRIAL_MS;
	case HF_TIME_TESTS:
		return f->tests ? TESTS_MS : 0;
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

uint32_t hf_forecast_left(const struct hf_forecast *f, uint32_t off, uint64_t now_ms)
{
	uint64_t plan = upload_ms(f, off), passed = now_ms - f->began_ms;
	uint64_t done = f->planned_ms > plan ? f->planned_ms - plan : 0;

	/* What was done took `passed`; the more of it there is, the more it says of the rest. */
	if (passed >= LEARNED_MS && done >= LEARNED_MS && f->planned_ms)
		plan = (plan * (f->planned_ms - done) + plan * passed / done * done) / f->planned_ms;
	return (uint32_t)plan + hf_forecast_behind(f, HF_TIME_VERIFY, now_ms, now_ms);
}
