/* SPDX-License-Identifier: MIT
 *
 * A request is read wholly before it is obeyed, so that one that turns out malformed has changed nothing. Unknown keys are
 * skipped, as mcumgr does. Errors are enum hf_err throughout and become SMP's numbers at the very end: version 0 clients
 * get the nearest `rc`, version 1 clients the exact value in our group, both the sentence.
 *
 * An upload is resumed by `sha`, as clients expect, but on its word nothing is trusted: after a restart the head is asked
 * for again, and the engine continues by the signed manifest's digest. A packet that arrives while no upload is under way
 * (the device restarted, the client did not notice) is answered with `off` 0: send the first one again.
 *
 * Commands are cases of a switch and not rows of a table, because a table of pointers costs relocations in the gateway.
 */
#include "smp_server.h"

#include <string.h>

#include "smp_body.h"

/* What requests carry, all commands together: numbers first, then strings. */
enum field { F_OFF, F_LEN, F_IMAGE, F_SLOT, F_CONFIRM, F_DATA, F_SHA, F_HASH, F_ECHO, FIELDS };

static const struct {
	char key[8];
	uint8_t major;
} fields[FIELDS] = {
	[F_OFF] = { "off", HF_CBOR_UINT },        [F_LEN] = { "len", HF_CBOR_UINT },
	[F_IMAGE] = { "image", HF_CBOR_UINT },    [F_SLOT] = { "slot", HF_CBOR_UINT },
	[F_CONFIRM] = { "confirm", HF_CBOR_SIMPLE }, [F_DATA] = { "data", HF_CBOR_BSTR },
	[F_SHA] = { "sha", HF_CBOR_BSTR },        [F_HASH] = { "hash", HF_CBOR_BSTR },
	[F_ECHO] = { "d", HF_CBOR_TSTR },
};

struct request {
	uint32_t set; /* 1 << F_* */
	uint32_t number[F_DATA];
	struct hf_bytes string[FIELDS - F_DATA];
};

static bool has(const struct request *req, enum field f)
{
	return req->set >> f & 1;
}

static struct hf_bytes string(const struct request *req, enum field f)
{
	return req->string[f - F_DATA];
}

static void read_field(struct hf_cbor_reader *r, struct request *req, unsigned f)
{
	if (has(req, f)) {
		hf_cbor_fail(r, HF_ERR_ENCODING);
		return;
	}
	req->set |= 1u << f;
	switch (fields[f].major) {
	case HF_CBOR_UINT: {
		uint64_t value = hf_smp_uint(r);

		if (value > UINT32_MAX)
			hf_cbor_fail(r, HF_ERR_RANGE);
		req->number[f] = (uint32_t)value;
		return;
	}
	case HF_CBOR_SIMPLE:
		req->number[f] = hf_cbor_bool(r);
		return;
	case HF_CBOR_BSTR:
		req->string[f - F_DATA] = hf_cbor_bstr(r);
		return;
	default:
		req->string[f - F_DATA] = hf_cbor_tstr(r);
	}
}

static unsigned find_field(struct hf_bytes key, uint32_t wanted)
{
	for (unsigned f = 0; f < FIELDS; f++) {
		if (wanted >> f & 1 && hf_smp_is(key, fields[f].key))
			return f;
	}
	return FIELDS;
}

/* Reads the fields in `wanted`; no body at all is an empty map. */
static enum hf_err parse(struct hf_bytes body, uint32_t wanted, struct request *req)
{
	struct hf_cbor_reader r;
	struct hf_smp_items it;

	memset(req, 0, sizeof *req);
	if (body.len == 0)
		return HF_OK;
	hf_cbor_open_final(&r, body);
	hf_smp_items_begin(&it, &r, HF_CBOR_MAP);
	while (hf_smp_items_next(&it)) {
		unsigned f = FIELDS;

		if (hf_cbor_peek(&r) == HF_CBOR_TSTR)
			f = find_field(hf_cbor_tstr(&r), wanted);
		else
			hf_smp_skip(&r);
		if (f < FIELDS)
			read_field(&r, req, f);
		else
			hf_smp_skip(&r);
	}
	return hf_cbor_close(&r);
}

static enum hf_err echo(struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct request req;
	enum hf_err err = parse(body, 1u << F_ECHO, &req);

	if (err)
		return err;
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "r");
	hf_cbor_put_text(w, string(&req, F_ECHO));
	return HF_OK;
}

static enum hf_err reset(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct request req;
	enum hf_err err = parse(body, 0, &req);

	if (err)
		return err;
	s->reset_wanted = true;
	hf_cbor_put_map(w, 0);
	return HF_OK;
}

static void put_number(struct hf_cbor_writer *w, const char *key, uint64_t value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_uint(w, value);
}

static void put_flag(struct hf_cbor_writer *w, const char *key, bool value)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_bool(w, value);
}

static void put_bytes(struct hf_cbor_writer *w, const char *key, const void *data, size_t len)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_bstr(w, data, len);
}

static void put_string(struct hf_cbor_writer *w, const char *key, const char *text)
{
	hf_cbor_put_tstr(w, key);
	hf_cbor_put_tstr(w, text);
}

static enum hf_err parameters(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	hf_cbor_put_map(w, 2);
	put_number(w, "buf_size", s->buf_size);
	put_number(w, "buf_count", s->buf_count);
	return HF_OK;
}

/* The image in a slot, if that can be said without disturbing an upload. */
static const struct hf_image *slot_image(struct hf_smp_server *s, unsigned slot)
{
	struct hf_update *u = s->update;

	if (slot == u->running && u->running_known)
		return &u->running_image;
	if (u->phase == HF_UPDATE_DONE && slot == u->slot)
		return &u->image;
	if (u->phase == HF_UPDATE_HEAD || u->phase == HF_UPDATE_PAYLOAD)
		return NULL; /* the engine's work space is taken */
	if (s->other_known && s->other == slot)
		return &s->other_image;
	s->other_known = hf_slot_read_head(&u->env, slot, &u->work, &s->other_image) == HF_OK;
	s->other = (uint8_t)slot;
	return s->other_known ? &s->other_image : NULL;
}

static size_t put_digits(char *out, uint32_t value)
{
	char digits[10];
	size_t n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
	} while ((value /= 10) != 0);
	while (n > 0)
		out[len++] = digits[--n];
	return len;
}

/* 1.2.3, or 1.2.3-rc.1 where a part is negative (draft-ietf-suit-update-management: -1 rc, -2 beta, -3 alpha). */
static void put_version(struct hf_cbor_writer *w, const struct hf_image *image)
{
	char text[HF_VERSION_PARTS * 12];
	size_t len = 0;

	for (unsigned i = 0; i < image->versions; i++) {
		int32_t part = image->version[i];
		const char *word = part == -1 ? "rc" : part == -2 ? "beta" : "alpha";

		if (i > 0)
			text[len++] = part < 0 ? '-' : '.';
		if (part >= 0)
			len += put_digits(text + len, (uint32_t)part);
		else
			for (; *word; word++)
				text[len++] = *word;
	}
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_text(w, (struct hf_bytes){ (const uint8_t *)text, len });
}

static void put_image(struct hf_smp_server *s, unsigned slot, const struct hf_image *image, struct hf_cbor_writer *w)
{
	uint8_t state = s->update->state.slot[slot].state;
	bool active = slot == s->update->running;

	hf_cbor_put_map(w, 8);
	put_number(w, "slot", slot);
	put_version(w, image);
	put_bytes(w, "hash", image->id, sizeof image->id);
	put_flag(w, "bootable", state != HF_SLOT_UPLOADING && state != HF_SLOT_REJECTED);
	put_flag(w, "pending", state == HF_SLOT_TRIAL && !active);
	put_flag(w, "confirmed", state == HF_SLOT_CONFIRMED);
	put_flag(w, "active", active);
	put_flag(w, "permanent", false);
}

static void put_images(struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	bool there[HF_SLOTS];
	size_t n = 0;

	for (unsigned i = 0; i < HF_SLOTS; i++) {
		there[i] = slot_image(s, i) != NULL;
		n += there[i];
	}
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "images");
	hf_cbor_put_array(w, n);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		/* Asked for again: what was read from flash is kept for one slot only. */
		const struct hf_image *image = there[i] ? slot_image(s, i) : NULL;

		if (image)
			put_image(s, i, image, w);
	}
}

static enum hf_err confirm(struct hf_smp_server *s, const struct request *req)
{
	struct hf_update *u = s->update;
	struct hf_bytes hash = string(req, F_HASH);

	if (hash.len == 0)
		return hf_update_confirm(u);
	if (hash.len != HF_SHA256_BYTES)
		return HF_ERR_RANGE;
	/* An image that never ran cannot be confirmed: only a trial shows that it works. */
	if (!u->running_known || memcmp(hash.ptr, u->running_image.id, HF_SHA256_BYTES) != 0)
		return HF_ERR_ORDER;
	return hf_update_confirm(u);
}

static enum hf_err set_state(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct request req;
	enum hf_err err = parse(body, 1u << F_HASH | 1u << F_CONFIRM, &req);

	if (err)
		return err;
	s->other_known = false;
	if (req.number[F_CONFIRM])
		err = confirm(s, &req);
	else if (string(&req, F_HASH).len != HF_SHA256_BYTES)
		err = HF_ERR_RANGE;
	else
		err = hf_update_activate(s->update, string(&req, F_HASH).ptr);
	if (err)
		return err;
	put_images(s, w);
	return HF_OK;
}

/* Whether the first packet belongs to the upload that is under way or done. */
static bool same_upload(const struct hf_smp_server *s, const struct request *req)
{
	struct hf_bytes sha = string(req, F_SHA);

	return s->update->phase != HF_UPDATE_IDLE && s->sha_len && sha.len == s->sha_len &&
	       memcmp(sha.ptr, s->sha, sha.len) == 0 && req->number[F_LEN] == s->update->total;
}

static enum hf_err begin_upload(struct hf_smp_server *s, const struct request *req)
{
	struct hf_bytes sha = string(req, F_SHA);
	enum hf_err err;

	if (!has(req, F_LEN) || sha.len > sizeof s->sha)
		return HF_ERR_RANGE;
	if (same_upload(s, req))
		return HF_OK;
	s->other_known = false;
	s->sha_len = 0;
	err = hf_update_begin(s->update, req->number[F_LEN]);
	if (err)
		return err;
	if (sha.len)
		memcpy(s->sha, sha.ptr, sha.len);
	s->sha_len = (uint8_t)sha.len;
	return HF_OK;
}

static enum hf_err take_data(struct hf_smp_server *s, const struct request *req)
{
	struct hf_update *u = s->update;
	struct hf_bytes data = string(req, F_DATA);

	if (u->phase == HF_UPDATE_IDLE || u->phase == HF_UPDATE_DONE)
		return HF_OK;
	if (!hf_range_ok(req->number[F_OFF], data.len, u->total))
		return HF_ERR_RANGE;
	return hf_update_write(u, req->number[F_OFF], data.ptr, data.len);
}

static enum hf_err upload(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	const uint32_t wanted = 1u << F_OFF | 1u << F_DATA | 1u << F_LEN | 1u << F_SHA | 1u << F_IMAGE;
	const struct hf_update *u = s->update;
	struct request req;
	enum hf_err err = parse(body, wanted, &req);

	if (err)
		return err;
	if (!has(&req, F_OFF) || !has(&req, F_DATA))
		return HF_ERR_RANGE;
	if (req.number[F_IMAGE] != 0)
		return HF_ERR_NOT_FOUND;
	if (req.number[F_OFF] == 0)
		err = begin_upload(s, &req);
	if (!err)
		err = take_data(s, &req);
	if (err)
		return err;
	bool done = u->phase == HF_UPDATE_DONE;
	hf_cbor_put_map(w, done ? 2 : 1);
	put_number(w, "off", done ? u->total : u->phase == HF_UPDATE_IDLE ? 0 : u->next);
	if (done)
		put_flag(w, "match", true);
	return HF_OK;
}

static enum hf_err erase(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct request req;
	enum hf_err err = parse(body, 1u << F_SLOT, &req);

	if (err)
		return err;
	if (has(&req, F_SLOT) && req.number[F_SLOT] >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (has(&req, F_SLOT) && req.number[F_SLOT] == s->update->running)
		return HF_ERR_PROTECTED;
	s->other_known = false;
	err = hf_update_erase(s->update);
	if (!err)
		hf_cbor_put_map(w, 0);
	return err;
}

static enum hf_err slot_info(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "images");
	hf_cbor_put_array(w, 1);
	hf_cbor_put_map(w, 2);
	put_number(w, "image", 0);
	hf_cbor_put_tstr(w, "slots");
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		bool target = i != s->update->running;

		hf_cbor_put_map(w, target ? 3 : 2);
		put_number(w, "slot", i);
		put_number(w, "size", s->update->env.layout->slot[i].size);
		if (target)
			put_number(w, "upload_image_id", 0);
	}
	return HF_OK;
}

static void put_who(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_slot_env *env = &s->update->env;

	put_string(w, "board", env->layout->name);
	put_bytes(w, "vendor", env->layout->vendor_id, sizeof env->layout->vendor_id);
	put_bytes(w, "class", env->layout->class_id, sizeof env->layout->class_id);
	put_bytes(w, "uid", env->device_id, 16);
}

static void put_running(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	unsigned versions = u->running_known ? u->running_image.versions : 0;

	hf_cbor_put_tstr(w, "slot");
	if (u->running < HF_SLOTS)
		hf_cbor_put_uint(w, u->running);
	else
		hf_cbor_put_null(w);
	hf_cbor_put_tstr(w, "version");
	hf_cbor_put_array(w, versions);
	for (unsigned i = 0; i < versions; i++)
		hf_cbor_put_int(w, u->running_image.version[i]);
	put_number(w, "cause", s->reset_cause);
}

static void put_upload(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;
	bool idle = u->phase == HF_UPDATE_IDLE;

	put_number(w, "phase", u->phase);
	put_number(w, "target", idle ? 0 : u->slot);
	put_number(w, "off", idle ? 0 : u->next);
	put_number(w, "len", idle ? 0 : u->total);
}

static void put_journal(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	const struct hf_update *u = s->update;

	put_number(w, "newest", u->state.newest);
	put_number(w, "floor", u->state.floor);
	put_number(w, "current", u->state.current);
	hf_cbor_put_tstr(w, "journal");
	hf_cbor_put_map(w, 3);
	put_number(w, "free", hf_journal_free(&u->journal));
	put_number(w, "records", u->state.records);
	put_number(w, "bad", u->journal.bad);
	hf_cbor_put_tstr(w, "slots");
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *slot = &u->state.slot[i];

		hf_cbor_put_map(w, 6);
		put_number(w, "state", slot->state);
		put_number(w, "starts", slot->starts);
		put_number(w, "failures", slot->failures);
		put_number(w, "reason", slot->reason);
		put_number(w, "seq", slot->sequence);
		put_bytes(w, "id", slot->id, sizeof slot->id);
	}
}

static enum hf_err status(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	hf_cbor_put_map(w, 17);
	put_who(s, w);     /* 4 */
	put_running(s, w); /* 3 */
	put_upload(s, w);  /* 4 */
	put_journal(s, w); /* 5 */
	hf_cbor_put_tstr(w, "error");
	hf_cbor_put_map(w, 2);
	put_number(w, "rc", s->last_error);
	put_string(w, "text", hf_err_text((enum hf_err)s->last_error));
	return HF_OK;
}

static enum hf_err counters(const struct hf_smp_server *s, struct hf_cbor_writer *w)
{
	hf_cbor_put_map(w, 3);
	put_number(w, "requests", s->requests);
	put_number(w, "refused", s->refused);
	put_number(w, "dropped", s->decoder ? s->decoder->dropped : 0);
	return HF_OK;
}

#define COMMAND(group, id, op) ((uint32_t)(group) << 16 | (uint32_t)(id) << 8 | (op))

/* False: there is no such command. */
static bool dispatch(struct hf_smp_server *s, const struct hf_smp_header *h, struct hf_bytes body,
		     struct hf_cbor_writer *w, enum hf_err *err)
{
	switch (COMMAND(h->group, h->id, h->op)) {
	case COMMAND(HF_SMP_OS, HF_SMP_OS_ECHO, HF_SMP_READ):
	case COMMAND(HF_SMP_OS, HF_SMP_OS_ECHO, HF_SMP_WRITE):
		*err = echo(body, w);
		return true;
	case COMMAND(HF_SMP_OS, HF_SMP_OS_RESET, HF_SMP_WRITE):
		*err = reset(s, body, w);
		return true;
	case COMMAND(HF_SMP_OS, HF_SMP_OS_PARAMETERS, HF_SMP_READ):
		*err = parameters(s, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, HF_SMP_READ):
		put_images(s, w);
		*err = HF_OK;
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_STATE, HF_SMP_WRITE):
		*err = set_state(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_UPLOAD, HF_SMP_WRITE):
		*err = upload(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_ERASE, HF_SMP_WRITE):
		*err = erase(s, body, w);
		return true;
	case COMMAND(HF_SMP_IMAGE, HF_SMP_IMAGE_SLOTS, HF_SMP_READ):
		*err = slot_info(s, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_STATUS, HF_SMP_READ):
		*err = status(s, w);
		return true;
	case COMMAND(HF_SMP_HOLDFAST, HF_SMP_HOLDFAST_COUNTERS, HF_SMP_READ):
		*err = counters(s, w);
		return true;
	}
	return false;
}

/* SMP's own errors: the same in both versions. */
static void put_rc(struct hf_smp_server *s, struct hf_cbor_writer *w, enum hf_smp_rc rc, const char *why)
{
	s->refused++;
	hf_cbor_begin(w, w->buf, w->cap);
	hf_cbor_put_map(w, 2);
	put_number(w, "rc", rc);
	put_string(w, "rsn", why);
}

static void put_error(struct hf_smp_server *s, struct hf_cbor_writer *w, unsigned version, enum hf_err err)
{
	s->last_error = (uint8_t)err;
	if (version == 0) {
		put_rc(s, w, hf_smp_rc(err), hf_err_text(err));
		return;
	}
	s->refused++;
	hf_cbor_begin(w, w->buf, w->cap);
	hf_cbor_put_map(w, 2);
	hf_cbor_put_tstr(w, "err");
	hf_cbor_put_map(w, 2);
	put_number(w, "group", HF_SMP_HOLDFAST);
	put_number(w, "rc", err);
	put_string(w, "rsn", hf_err_text(err));
}

static size_t finish(struct hf_smp_header h, const struct hf_cbor_writer *w, uint8_t *out)
{
	h.op++; /* the response to a read or write */
	h.len = (uint16_t)w->len;
	hf_smp_header_store(out, &h);
	return HF_SMP_HEADER_BYTES + w->len;
}

/* Loads the header and opens the answer's body. False: no answer is due. */
static bool begin(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap, struct hf_smp_header *h,
		  struct hf_cbor_writer *w, enum hf_err *err)
{
	*err = hf_smp_header_load(packet, h);
	if (*err == HF_ERR_TRUNCATED || (h->op != HF_SMP_READ && h->op != HF_SMP_WRITE))
		return false;
	s->requests++;
	if (cap > HF_SMP_HEADER_BYTES + (size_t)UINT16_MAX)
		cap = HF_SMP_HEADER_BYTES + (size_t)UINT16_MAX;
	hf_cbor_begin(w, out + HF_SMP_HEADER_BYTES, cap - HF_SMP_HEADER_BYTES);
	return true;
}

size_t hf_smp_serve(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap)
{
	struct hf_smp_header h;
	struct hf_cbor_writer w;
	enum hf_err err;

	if (!begin(s, packet, out, cap, &h, &w, &err))
		return 0;
	struct hf_bytes body = { packet.ptr + HF_SMP_HEADER_BYTES, packet.len - HF_SMP_HEADER_BYTES };
	if (err) {
		put_error(s, &w, h.version > HF_SMP_VERSION_MAX ? 0 : h.version, err);
	} else if (h.version > HF_SMP_VERSION_MAX) {
		h.version = HF_SMP_VERSION_MAX;
		put_rc(s, &w, HF_SMP_RC_TOO_NEW, "this version of SMP is not known here");
	} else if (!dispatch(s, &h, body, &w, &err)) {
		put_rc(s, &w, HF_SMP_RC_UNSUPPORTED, "there is no such command");
	} else if (err || w.err) {
		put_error(s, &w, h.version, err ? err : w.err);
	}
	return finish(h, &w, out);
}

size_t hf_smp_serve_oversize(struct hf_smp_server *s, struct hf_bytes packet, uint8_t *out, size_t cap)
{
	struct hf_smp_header h;
	struct hf_cbor_writer w;
	enum hf_err err;

	if (!begin(s, packet, out, cap, &h, &w, &err))
		return 0;
	put_error(s, &w, h.version > HF_SMP_VERSION_MAX ? 0 : h.version, HF_ERR_TOO_LARGE);
	return finish(h, &w, out);
}
