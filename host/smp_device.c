/* SPDX-License-Identifier: MIT */
#include "smp_device.h"

#include <string.h>

#include "smp_body.h"
#include "smp_fields.h"

static void parameters_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_parameters *p = to;

	if (hf_smp_is(key, "buf_size"))
		p->buf_size = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "buf_count"))
		p->buf_count = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

enum hf_err hf_smp_get_parameters(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_parameters *out,
				  struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof(*out));
	return hf_smp_get(c, HF_SMP_OS, HF_SMP_OS_PARAMETERS, patience_ms, parameters_field, out, answer);
}

enum hf_err hf_smp_read_parameters(const struct hf_smp_answer *answer, struct hf_smp_parameters *out)
{
	struct hf_cbor_reader r;

	memset(out, 0, sizeof(*out));
	hf_cbor_open_final(&r, answer->body);
	hf_smp_fields(&r, parameters_field, out);
	return hf_cbor_close(&r) || answer->refusal ? HF_ERR_TYPE : HF_OK;
}

static void image_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_image *image = to;

	if (hf_smp_is(key, "slot")) {
		image->slot = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "version")) {
		(void)hf_smp_field_text(r, image->version, sizeof(image->version));
	} else if (hf_smp_is(key, "hash")) {
		struct hf_bytes hash = hf_cbor_bstr(r);

		image->hash_len = hash.len < sizeof(image->hash) ? hash.len : sizeof(image->hash);
		if (image->hash_len)
			memcpy(image->hash, hash.ptr, image->hash_len);
	} else if (hf_smp_is(key, "bootable")) {
		image->bootable = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "pending")) {
		image->pending = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "confirmed")) {
		image->confirmed = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "active")) {
		image->active = hf_cbor_bool(r);
	} else if (hf_smp_is(key, "permanent")) {
		image->permanent = hf_cbor_bool(r);
	} else {
		hf_smp_skip(r);
	}
}

static void images_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_images *images = to;
	struct hf_smp_image surplus;
	struct hf_smp_items it;

	if (!hf_smp_is(key, "images")) {
		hf_smp_skip(r);
		return;
	}
	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		bool room = images->count < HF_SMP_IMAGES;

		hf_smp_fields(r, image_field, room ? &images->image[images->count] : &surplus);
		images->count += room;
	}
}

enum hf_err hf_smp_get_images(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_images *out,
			      struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof(*out));
	return hf_smp_get(c, HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, patience_ms, images_field, out, answer);
}

static void slot_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_slot_journal *slot = to;

	if (hf_smp_is(key, "state"))
		slot->state = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "starts"))
		slot->starts = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "failures"))
		slot->failures = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "reason"))
		slot->reason = hf_smp_field_u8(r);
	else if (hf_smp_is(key, "seq"))
		slot->sequence = hf_smp_uint(r);
	else if (hf_smp_is(key, "id"))
		hf_smp_field_exact(r, slot->id, sizeof(slot->id));
	else
		hf_smp_skip(r);
}

static void journal_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_status *s = to;

	if (hf_smp_is(key, "free"))
		s->journal_free = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "records"))
		s->journal_records = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "bad"))
		s->journal_bad = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

static void error_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_status *s = to;

	if (hf_smp_is(key, "rc"))
		s->last_error = (enum hf_err)hf_smp_field_u8(r);
	else if (hf_smp_is(key, "text"))
		(void)hf_smp_field_text(r, s->last_error_text, sizeof(s->last_error_text));
	else
		hf_smp_skip(r);
}

static void read_slots(struct hf_cbor_reader *r, struct hf_smp_status *s)
{
	struct hf_smp_items it;
	unsigned n = 0;

	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		if (n == HF_SLOTS) {
			hf_cbor_fail(r, HF_ERR_RANGE);
			return;
		}
		hf_smp_fields(r, slot_field, &s->state.slot[n++]);
	}
}

static void read_version(struct hf_cbor_reader *r, struct hf_smp_status *s)
{
	struct hf_smp_items it;

	hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
	while (hf_smp_items_next(&it)) {
		if (s->versions == HF_VERSION_PARTS) {
			hf_cbor_fail(r, HF_ERR_RANGE);
			return;
		}
		s->version[s->versions++] = hf_cbor_int(r);
	}
}

static bool who_field(struct hf_cbor_reader *r, struct hf_bytes key, struct hf_smp_status *s)
{
	if (hf_smp_is(key, "board"))
		(void)hf_smp_field_text(r, s->board, sizeof(s->board));
	else if (hf_smp_is(key, "vendor"))
		hf_smp_field_exact(r, s->vendor_id, sizeof(s->vendor_id));
	else if (hf_smp_is(key, "class"))
		hf_smp_field_exact(r, s->class_id, sizeof(s->class_id));
	else if (hf_smp_is(key, "uid"))
		hf_smp_field_exact(r, s->device_id, sizeof(s->device_id));
	else
		return false;
	return true;
}

static bool upload_field(struct hf_cbor_reader *r, struct hf_bytes key, struct hf_smp_status *s)
{
	if (hf_smp_is(key, "phase"))
		s->phase = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "target"))
		s->target = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "off"))
		s->off = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "len"))
		s->len = hf_smp_field_u32(r);
	else
		return false;
	return true;
}

static void status_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_status *s = to;

	if (who_field(r, key, s) || upload_field(r, key, s))
		return;
	if (hf_smp_is(key, "slot") && hf_cbor_peek(r) == HF_CBOR_SIMPLE)
		hf_cbor_null(r);
	else if (hf_smp_is(key, "slot"))
		s->running = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "version"))
		read_version(r, s);
	else if (hf_smp_is(key, "cause"))
		s->reset_cause = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "newest"))
		s->state.newest = hf_smp_uint(r);
	else if (hf_smp_is(key, "floor"))
		s->state.floor = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "current"))
		s->state.current = hf_smp_field_u8(r) & 1;
	else if (hf_smp_is(key, "journal"))
		hf_smp_fields(r, journal_field, s);
	else if (hf_smp_is(key, "slots"))
		read_slots(r, s);
	else if (hf_smp_is(key, "error"))
		hf_smp_fields(r, error_field, s);
	else
		hf_smp_skip(r);
}

enum hf_err hf_smp_get_status(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_status *out,
			      struct hf_smp_answer *answer)
{
	enum hf_err err;

	memset(out, 0, sizeof(*out));
	out->running = HF_SLOTS;
	err = hf_smp_get(c, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_STATUS, patience_ms, status_field, out, answer);
	return err == HF_OK && out->running > HF_SLOTS ? HF_ERR_TYPE : err;
}

static void counters_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_counters *c = to;

	if (hf_smp_is(key, "requests"))
		c->requests = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "refused"))
		c->refused = hf_smp_field_u32(r);
	else if (hf_smp_is(key, "dropped"))
		c->dropped = hf_smp_field_u32(r);
	else
		hf_smp_skip(r);
}

enum hf_err hf_smp_get_counters(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_counters *out,
				struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof(*out));
	return hf_smp_get(c, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_COUNTERS, patience_ms, counters_field, out, answer);
}

static void line_field(struct hf_cbor_reader *r, struct hf_bytes key, void *to)
{
	struct hf_smp_line_state *line = to;
	struct hf_smp_items it;

	if (hf_smp_is(key, "baud")) {
		line->baud = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "frame")) {
		line->framing = hf_smp_field_u32(r);
	} else if (hf_smp_is(key, "rates")) {
		hf_smp_items_begin(&it, r, HF_CBOR_ARRAY);
		while (hf_smp_items_next(&it)) {
			uint32_t rate = hf_smp_field_u32(r);

			if (line->rates < HF_SMP_RATES)
				line->rate[line->rates++] = rate;
		}
	} else {
		hf_smp_skip(r);
	}
}

enum hf_err hf_smp_get_line(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_line_state *out,
			    struct hf_smp_answer *answer)
{
	memset(out, 0, sizeof(*out));
	return hf_smp_get(c, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, patience_ms, line_field, out, answer);
}

enum hf_err hf_smp_read_line(const struct hf_smp_answer *answer, struct hf_smp_line_state *out)
{
	struct hf_cbor_reader r;

	memset(out, 0, sizeof(*out));
	hf_cbor_open_final(&r, answer->body);
	hf_smp_fields(&r, line_field, out);
	return hf_cbor_close(&r) || answer->refusal ? HF_ERR_TYPE : HF_OK;
}

enum hf_err hf_smp_set_line(struct hf_smp_client *c, uint32_t wait_ms, uint32_t baud, enum hf_smp_framing framing,
			    struct hf_smp_line_state *out, struct hf_smp_answer *answer)
{
	struct hf_cbor_writer w;
	uint8_t body[32];

	memset(out, 0, sizeof(*out));
	hf_cbor_begin(&w, body, sizeof(body));
	hf_cbor_put_map(&w, baud ? 2 : 1);
	if (baud) {
		hf_cbor_put_tstr(&w, "baud");
		hf_cbor_put_uint(&w, baud);
	}
	hf_cbor_put_tstr(&w, "frame");
	hf_cbor_put_uint(&w, framing);
	return hf_smp_command(c, HF_SMP_WRITE, HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_LINE, (struct hf_bytes){body, w.len}, wait_ms,
		       line_field, out, answer);
}

static enum hf_err set_state(struct hf_smp_client *c, uint32_t patience_ms, const uint8_t *hash, bool confirm,
			     struct hf_smp_answer *answer)
{
	struct hf_cbor_writer w;
	uint8_t body[64];

	hf_cbor_begin(&w, body, sizeof(body));
	hf_cbor_put_map(&w, hash ? 2 : 1);
	if (hash) {
		hf_cbor_put_tstr(&w, "hash");
		hf_cbor_put_bstr(&w, hash, HF_SHA256_BYTES);
	}
	hf_cbor_put_tstr(&w, "confirm");
	hf_cbor_put_bool(&w, confirm);
	return hf_smp_ask(c, HF_SMP_WRITE, HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, (struct hf_bytes){body, w.len}, patience_ms,
		   answer);
}

enum hf_err hf_smp_test_image(struct hf_smp_client *c, uint32_t patience_ms, const uint8_t *hash,
			      struct hf_smp_answer *answer)
{
	return set_state(c, patience_ms, hash, false, answer);
}

enum hf_err hf_smp_confirm_image(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return set_state(c, patience_ms, NULL, true, answer);
}

enum hf_err hf_smp_erase_image(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return hf_smp_ask(c, HF_SMP_WRITE, HF_SMP_IMAGE, HF_SMP_IMAGE_ERASE, (struct hf_bytes){NULL, 0}, patience_ms, answer);
}

enum hf_err hf_smp_reset(struct hf_smp_client *c, uint32_t patience_ms, struct hf_smp_answer *answer)
{
	return hf_smp_ask(c, HF_SMP_WRITE, HF_SMP_OS, HF_SMP_OS_RESET, (struct hf_bytes){NULL, 0}, patience_ms, answer);
}

const char *hf_smp_slot_state_text(unsigned state)
{
	static const char *const texts[] = {
		[HF_SLOT_UNKNOWN] = "unknown",     [HF_SLOT_UPLOADING] = "uploading",
		[HF_SLOT_WRITTEN] = "written",     [HF_SLOT_TRIAL] = "trial",
		[HF_SLOT_CONFIRMED] = "confirmed", [HF_SLOT_REJECTED] = "rejected",
		[HF_SLOT_INTERRUPTED] = "interrupted",
	};

	return state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown";
}

const char *hf_smp_reset_cause_text(unsigned cause)
{
	static const char *const texts[] = {
		[HF_RESET_POWER] = "power-on",       [HF_RESET_PIN] = "reset pin",
		[HF_RESET_REQUEST] = "request",      [HF_RESET_WATCHDOG] = "watchdog",
		[HF_RESET_FAULT] = "fault",
	};

	return cause < sizeof(texts) / sizeof(texts[0]) ? texts[cause] : "unknown";
}
