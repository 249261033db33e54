/* SPDX-License-Identifier: MIT */
#include "smp_blackbox.h"

#include <stdio.h>
#include <string.h>

#include "smp_device.h"
#include "smp_fields.h"

#define LAST_FIELDS 3u

/* At most `room` numbers; further ones are read over. Returns how many there are. */
static unsigned read_numbers(struct hf_cbor_reader *r, uint32_t *to, unsigned room)
{
	struct hf_smp_items it;
	unsigned n = 0;

	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		uint32_t value = hf_smp_field_u32(r);

		if (n < room)
			to[n++] = value;
	}
	return n;
}

static void journal_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_blackbox *b = to;
	uint32_t last[LAST_FIELDS] = { 0 };

	if (hf_smp_is(key, "done")) {
		b->now.done = hf_smp_field_u8(r);
	} else if (hf_smp_is(key, "now")) {
		b->now.torn = hf_smp_field_u8(r);
	} else if (hf_smp_is(key, "torn")) {
		b->box.torn = (uint16_t)hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "worn")) {
		b->box.worn = (uint16_t)hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "last")) {
		read_numbers(r, last, LAST_FIELDS);
		b->box.last_slot = (uint16_t)last[0];
		b->box.last_type = (uint8_t)last[1];
		b->box.since = (uint16_t)last[2];
	} else if (hf_smp_is(key, "dirty")) {
		b->box.dirty = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "live")) {
		b->live = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "stuck")) {
		b->stuck = (enum hf_err)hf_smp_field_u8(r);
	} else {
		hf_smp_skip(r);
	}
}

/* One element of `slots`, or of `kept`. */
struct element {
	struct hf_smp_blackbox *b;
	unsigned i;
};

static void slot_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct element *e = to;
	struct hf_blackbox_slot *s = &e->b->box.slot[e->i];

	if (hf_smp_is(key, "begun"))
		s->begun = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "again"))
		s->again = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "starts"))
		s->starts = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "segments"))
		e->b->segments[e->i] = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "copies"))
		e->b->copies[e->i] = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "component"))
		e->b->component[e->i] = hf_smp_field_u8(r);
	else
		hf_smp_skip(r);
}

static void kept_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct element *e = to;
	struct hf_blackbox_content *c = &e->b->box.content[e->i];

	if (hf_smp_is(key, "copies"))
		c->copies = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "parts"))
		c->parts = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "cut"))
		c->cut = hf_smp_field_u8(r);
	else
		hf_smp_skip(r);
}

static void recovery_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_blackbox *b = to;

	if (hf_smp_is(key, "seq"))
		b->recovery_sequence = hf_smp_uint(r);
	else if (hf_smp_is(key, "copies"))
		b->recovery_copies = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "starts"))
		b->box.recovery_starts = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "rc"))
		b->recovery_err = (enum hf_err)hf_smp_field_u8(r);
	else
		hf_smp_skip(r);
}

static void read_elements(struct hf_cbor_reader *r, struct hf_smp_blackbox *b, hf_smp_field *field, unsigned room)
{
	struct element e = { .b = b };
	struct hf_smp_items it;

	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		if (e.i < room)
			hf_smp_fields(r, field, &e);
		else
			hf_smp_skip(r);
		e.i++;
	}
}

static void blackbox_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_blackbox *b = to;

	if (hf_smp_is(key, "starts"))
		b->starts = read_numbers(r, b->port.start, HF_STARTS);
	else if (hf_smp_is(key, "crash"))
		read_numbers(r, b->port.crash, sizeof b->port.crash / sizeof b->port.crash[0]);
	else if (hf_smp_is(key, "crashes"))
		b->port.crashes = (uint16_t)hf_smp_field_u32(r);
	else if (hf_smp_is(key, "journal"))
		hf_smp_fields(r, journal_field, b);
	else if (hf_smp_is(key, "slots"))
		read_elements(r, b, slot_field, HF_SLOTS);
	else if (hf_smp_is(key, "recovery"))
		hf_smp_fields(r, recovery_field, b);
	else if (hf_smp_is(key, "kept"))
		read_elements(r, b, kept_field, HF_LONGREC_KINDS);
	else if (hf_smp_is(key, "unknown"))
		b->unknown = hf_cbor_bool(r);
	else
		hf_smp_skip(r);
}

enum hf_err hf_smp_get_blackbox(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_blackbox *out,
				struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof *out);
	return hf_smp_get(c, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_BLACKBOX, patience_ms, blackbox_field, out, answer);
}

const char *hf_start_cause_text(uint32_t start)
{
	return start & HF_START_BROWN_OUT ? "brown-out" : hf_smp_reset_cause_text(HF_START_CAUSE(start));
}

const char *hf_repairs_text(uint32_t start, char text[HF_REPAIRS_TEXT_BYTES])
{
	unsigned torn = HF_START_TORN(start), done = HF_START_DONE(start);
	int n = 0;

	text[0] = 0;
	if (torn)
		n += snprintf(text + n, HF_REPAIRS_TEXT_BYTES - (size_t)n, ", declared %u torn journal slot%s dead", torn,
			      torn == 1 ? "" : "s");
	if (done & HF_REPAIR_ZEROED)
		n += snprintf(text + n, HF_REPAIRS_TEXT_BYTES - (size_t)n, ", zeroed a journal slot torn in its first word");
	if (done & HF_REPAIR_UNDONE)
		n += snprintf(text + n, HF_REPAIRS_TEXT_BYTES - (size_t)n, ", undid a journal take-over that was cut before its end");
	if (done & HF_REPAIR_FINISHED)
		n += snprintf(text + n, HF_REPAIRS_TEXT_BYTES - (size_t)n, ", finished a journal take-over that was cut behind its commit");
	if (start & HF_START_NO_JOURNAL)
		snprintf(text + n, HF_REPAIRS_TEXT_BYTES - (size_t)n, ", could not use the journal");
	if (text[0])
		memmove(text, text + 2, strlen(text + 2) + 1);
	return text;
}
