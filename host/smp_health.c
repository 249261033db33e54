/* SPDX-License-Identifier: MIT */
#include "smp_health.h"

#include <string.h>

#include "smp_fields.h"

#define FRESH_STARTS 5u /* of reading a history that changes under the reader */

static void flash_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_health *h = to;

	if (hf_smp_is(key, "erases"))
		h->erases = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "slowest"))
		h->slowest_ms = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "worn"))
		h->worn = (enum hf_err)hf_smp_field_u8(r);
	else if (hf_smp_is(key, "bad"))
		h->bad = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

static void test_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_health *h = to;

	if (hf_smp_is(key, "done"))
		h->test_done = hf_cbor_bool(r);
	else if (hf_smp_is(key, "failed"))
		h->test_failed = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

static void work_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_health *h = to;

	if (hf_smp_is(key, "good"))
		h->good = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "bad"))
		h->bad_polls = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "late"))
		h->late = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "gap"))
		h->gap_ms = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "answer_us"))
		h->answer_us = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

static void rx_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_health *h = to;

	if (hf_smp_is(key, "overrun"))
		h->overrun = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "framing"))
		h->framing = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "noise"))
		h->noise = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

static bool group_field(struct hf_cbor_reader *r, struct hf_bytes key, struct hf_smp_health *h)
{
	if (hf_smp_is(key, "flash")) {
		hf_smp_fields(r, flash_field, h);
	} else if (hf_smp_is(key, "test")) {
		hf_smp_fields(r, test_field, h);
	} else if (hf_smp_is(key, "work")) {
		h->work_known = true;
		hf_smp_fields(r, work_field, h);
	} else if (hf_smp_is(key, "rx")) {
		hf_smp_fields(r, rx_field, h);
	} else {
		return false;
	}
	return true;
}

static void health_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_health *h = to;

	if (group_field(r, key, h))
		return;
	if (hf_smp_is(key, "up")) {
		h->up_ms = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "mv")) {
		h->supply_known = true;
		h->supply_mv = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "temp")) {
		h->temperature_known = true;
		h->temperature_dc = hf_cbor_int(r);
	} else if (hf_smp_is(key, "pll")) {
		h->pll = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "led")) {
		h->led = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "pin")) {
		h->pin_held = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "ways")) {
		h->ways = hf_smp_field_u32(r);
	} else {
		hf_smp_skip(r);
	}
}

enum hf_err hf_smp_get_health(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_health *out,
			      struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof *out);
	return hf_smp_get(c, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_HEALTH, patience_ms, health_field, out, answer);
}

static void read_version(struct hf_cbor_reader *r, struct hf_smp_place *p)
{
	struct hf_smp_items it;

	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		if (p->versions == HF_VERSION_PARTS) {
			hf_cbor_fail(r, HF_ERR_RANGE);
			return;
		}
		p->version[p->versions++] = hf_cbor_int(r);
	}
}

static void place_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_place *p = to;

	if (hf_smp_is(key, "place"))
		p->place = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "verdict"))
		p->verdict = (enum hf_err)hf_smp_field_u8(r);
	else if (hf_smp_is(key, "component"))
		p->component = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "version"))
		read_version(r, p);
	else if (hf_smp_is(key, "seq"))
		p->sequence = hf_smp_uint(r);
	else if (hf_smp_is(key, "hash"))
		hf_smp_field_exact(r, p->hash, sizeof p->hash);
	else
		hf_smp_skip(r);
}

static void put_number(struct hf_cbor_writer *w, const char *key, uint32_t value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_uint(w, value);
}

enum hf_err hf_smp_verify_place(struct hf_smp_client *c, uint32_t patience_ms, unsigned place, struct hf_smp_place *out,
				struct hf_smp_answer *answer)
{
	struct hf_cbor_writer w;
	uint8_t body[24];
	enum hf_err err;

	memset(out, 0, sizeof *out);
	out->verdict = HF_ERR_TYPE; /* until the device says so, nothing is good */
	hf_cbor_begin(&w, body, sizeof body);
	hf_cbor_put_map(&w, 1);
	put_number(&w, "place", place);
	err = hf_smp_command(c, HF_SMP_READ, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_VERIFY, (struct hf_bytes){ body, w.len },
			     patience_ms, place_field, out, answer);
	return !err && !answer->refusal && out->place != place ? HF_ERR_TYPE : err;
}

struct piece {
	uint32_t off, len;
	struct hf_bytes data;
};

static void piece_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct piece *p = to;

	if (hf_smp_is(key, "off"))
		p->off = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "len"))
		p->len = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "data"))
		p->data = hf_cbor_bstr(r);
	else
		hf_smp_skip(r);
}

/* The history grows while it is read, and is then left at that; where it shrinks it was erased. */
enum hf_err hf_smp_get_history(struct hf_smp_client *c, uint32_t patience_ms, uint8_t *buf, size_t cap, size_t *len,
			       struct hf_smp_answer *answer)
{
	struct piece piece;
	uint32_t total = 0;
	unsigned starts = 0;

	*len = 0;
	for (;;) {
		struct hf_cbor_writer w;
		uint8_t body[24];
		enum hf_err err;

		memset(&piece, 0, sizeof piece);
		hf_cbor_begin(&w, body, sizeof body);
		hf_cbor_put_map(&w, 1);
		put_number(&w, "off", (uint32_t)*len);
		err = hf_smp_command(c, HF_SMP_READ, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_HISTORY,
				     (struct hf_bytes){ body, w.len }, patience_ms, piece_field, &piece, answer);
		if (err || (answer->refusal && (answer->refusal != HF_ERR_RANGE || *len == 0)))
			return err;
		if (answer->refusal || piece.len < total) {
			if (++starts == FRESH_STARTS)
				return HF_ERR_TYPE;
			total = 0;
			*len = 0;
			continue;
		}
		if (*len == 0)
			total = piece.len;
		if (total > cap)
			return HF_ERR_TOO_LARGE;
		if (piece.off != *len || (piece.data.len == 0 && *len < total))
			return HF_ERR_TYPE;
		if (piece.data.len > total - *len)
			piece.data.len = total - *len;
		if (piece.data.len)
			memcpy(buf + *len, piece.data.ptr, piece.data.len);
		*len += piece.data.len;
		if (*len == total)
			return HF_OK;
	}
}

const char *hf_smp_led_text(unsigned stage)
{
	static const char *const texts[] = {
		"dark", "running (solid)", "trial (fast blink)", "upload (slow blink)", "degraded (solid with gaps)",
		"no firmware (two flashes)", "recovery (breathing)",
	};

	return stage < sizeof texts / sizeof texts[0] ? texts[stage] : "unknown";
}
