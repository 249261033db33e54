/* SPDX-License-Identifier: MIT
 *
 * The image group, as every mcumgr client speaks it.
 *
 * An upload is resumed by `sha`, as clients expect, but on its word nothing is trusted: after a restart the head is asked
 * for again, and the engine continues by the signed manifest's digest. A packet that arrives while no upload is under way
 * (the device restarted, the client did not notice) is answered with `off` 0: send the first one again.
 */
#include "smp_command.h"

#include <string.h>

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
	hf_smp_put_number(w, "slot", slot);
	put_version(w, image);
	hf_smp_put_bytes(w, "hash", image->id, sizeof image->id);
	hf_smp_put_flag(w, "bootable", state != HF_SLOT_UPLOADING && state != HF_SLOT_REJECTED);
	hf_smp_put_flag(w, "pending", state == HF_SLOT_TRIAL && !active);
	hf_smp_put_flag(w, "confirmed", state == HF_SLOT_CONFIRMED);
	hf_smp_put_flag(w, "active", active);
	hf_smp_put_flag(w, "permanent", false);
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

enum hf_err hf_smp_image_state(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	(void)body;
	put_images(s, w);
	return HF_OK;
}

static enum hf_err confirm(struct hf_smp_server *s, const struct hf_smp_request *req)
{
	struct hf_update *u = s->update;
	struct hf_bytes hash = hf_smp_string(req, HF_SMP_F_HASH);

	if (hash.len == 0)
		return hf_update_confirm(u);
	if (hash.len != HF_SHA256_BYTES)
		return HF_ERR_RANGE;
	/* An image that never ran cannot be confirmed: only a trial shows that it works. */
	if (!u->running_known || memcmp(hash.ptr, u->running_image.id, HF_SHA256_BYTES) != 0)
		return HF_ERR_ORDER;
	return hf_update_confirm(u);
}

enum hf_err hf_smp_image_set_state(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_HASH | 1u << HF_SMP_F_CONFIRM, &req);

	if (err)
		return err;
	s->other_known = false;
	if (req.number[HF_SMP_F_CONFIRM])
		err = confirm(s, &req);
	else if (hf_smp_string(&req, HF_SMP_F_HASH).len != HF_SHA256_BYTES)
		err = HF_ERR_RANGE;
	else
		err = hf_update_activate(s->update, hf_smp_string(&req, HF_SMP_F_HASH).ptr);
	if (err)
		return err;
	put_images(s, w);
	return HF_OK;
}

/* Whether the first packet belongs to the upload that is under way or done. */
static bool same_upload(const struct hf_smp_server *s, const struct hf_smp_request *req)
{
	struct hf_bytes sha = hf_smp_string(req, HF_SMP_F_SHA);

	return s->update->phase != HF_UPDATE_IDLE && s->sha_len && sha.len == s->sha_len &&
	       memcmp(sha.ptr, s->sha, sha.len) == 0 && req->number[HF_SMP_F_LEN] == s->update->total;
}

static enum hf_err begin_upload(struct hf_smp_server *s, const struct hf_smp_request *req)
{
	struct hf_bytes sha = hf_smp_string(req, HF_SMP_F_SHA);
	enum hf_err err;

	if (!hf_smp_has(req, HF_SMP_F_LEN) || sha.len > sizeof s->sha)
		return HF_ERR_RANGE;
	s->upto = req->number[HF_SMP_F_UPTO];
	if (same_upload(s, req))
		return HF_OK;
	s->other_known = false;
	s->sha_len = 0;
	s->update->any_release = hf_smp_in_session(s); /* site keys are for that */
	err = hf_update_begin(s->update, req->number[HF_SMP_F_LEN]);
	if (err)
		return err;
	if (sha.len)
		memcpy(s->sha, sha.ptr, sha.len);
	s->sha_len = (uint8_t)sha.len;
	return HF_OK;
}

static enum hf_err take_data(struct hf_smp_server *s, const struct hf_smp_request *req)
{
	struct hf_update *u = s->update;
	struct hf_bytes data = hf_smp_string(req, HF_SMP_F_DATA);

	if (u->phase == HF_UPDATE_IDLE || u->phase == HF_UPDATE_DONE)
		return HF_OK;
	if (!hf_range_ok(req->number[HF_SMP_F_OFF], data.len, u->total))
		return HF_ERR_RANGE;
	return hf_update_write(u, req->number[HF_SMP_F_OFF], data.ptr, data.len);
}

enum hf_err hf_smp_image_upload(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	const uint32_t wanted = 1u << HF_SMP_F_OFF | 1u << HF_SMP_F_DATA | 1u << HF_SMP_F_LEN |
				1u << HF_SMP_F_SHA | 1u << HF_SMP_F_IMAGE | 1u << HF_SMP_F_UPTO;
	const struct hf_update *u = s->update;
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, wanted, &req);

	if (err)
		return err;
	if (!hf_smp_has(&req, HF_SMP_F_OFF) || !hf_smp_has(&req, HF_SMP_F_DATA))
		return HF_ERR_RANGE;
	if (req.number[HF_SMP_F_IMAGE] != 0)
		return HF_ERR_NOT_FOUND;
	if (req.number[HF_SMP_F_OFF] == 0)
		err = begin_upload(s, &req);
	if (!err)
		err = take_data(s, &req);
	if (err)
		return err;
	bool done = u->phase == HF_UPDATE_DONE, upto = s->upto && u->phase == HF_UPDATE_PAYLOAD;
	hf_cbor_put_map(w, done || upto ? 2 : 1);
	hf_smp_put_number(w, "off", done ? u->total : u->phase == HF_UPDATE_IDLE ? 0 : u->next);
	if (done)
		hf_smp_put_flag(w, "match", true);
	if (upto)
		hf_smp_put_number(w, "upto", hf_update_wanted_end(u));
	return HF_OK;
}

enum hf_err hf_smp_image_erase(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	struct hf_smp_request req;
	enum hf_err err = hf_smp_parse(body, 1u << HF_SMP_F_SLOT, &req);

	if (err)
		return err;
	if (hf_smp_has(&req, HF_SMP_F_SLOT) && req.number[HF_SMP_F_SLOT] >= HF_SLOTS)
		return HF_ERR_NOT_FOUND;
	if (hf_smp_has(&req, HF_SMP_F_SLOT) && req.number[HF_SMP_F_SLOT] == s->update->running)
		return HF_ERR_PROTECTED;
	s->other_known = false;
	err = hf_update_erase(s->update);
	if (!err)
		hf_cbor_put_map(w, 0);
	return err;
}

enum hf_err hf_smp_image_slots(struct hf_smp_server *s, struct hf_bytes body, struct hf_cbor_writer *w)
{
	(void)body;
	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "images");
	hf_cbor_put_array(w, 1);
	hf_cbor_put_map(w, 2);
	hf_smp_put_number(w, "image", 0);
	hf_cbor_put_tstr(w, "slots");
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		bool target = i != s->update->running;

		hf_cbor_put_map(w, target ? 3 : 2);
		hf_smp_put_number(w, "slot", i);
		hf_smp_put_number(w, "size", s->update->env.layout->slot[i].size);
		if (target)
			hf_smp_put_number(w, "upload_image_id", 0);
	}
	return HF_OK;
}
