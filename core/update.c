/* SPDX-License-Identifier: MIT
 *
 * The engine's entry: opening, the head and everything that can be refused, activation, confirmation. What writes firmware
 * into the slot, and in which order: update_write.c.
 */
#include "update_private.h"

#include <string.h>

#define CONFIRM_SLOTS (HF_TWIN_DISTANCE + 1)
#define TRIAL_SLOTS   (HF_TRIAL_FREE_SLOTS + 2) /* the record of its activation, and the slot that boot's session loses */

const uint8_t hf_update_prefix[HF_SLOT_PREFIX_BYTES] = { 0xd8, 0x6b, 0xa2 };

void hf_update_alive(struct hf_update *u)
{
	if (u->alive)
		u->alive(u->alive_ctx);
}

enum hf_err hf_update_append(struct hf_update *u, const struct hf_record *r)
{
	enum hf_err err = hf_journal_append(&u->journal, r);

	if (!err)
		hf_state_apply(&u->state, r);
	hf_update_alive(u);
	return err;
}

enum hf_err hf_update_append_twice(struct hf_update *u, const struct hf_record *r)
{
	enum hf_err err = hf_journal_append_twice(&u->journal, r);

	for (unsigned copy = 0; copy < 2 && !err; copy++)
		hf_state_apply(&u->state, r);
	hf_update_alive(u);
	return err;
}

enum hf_err hf_update_make_room(struct hf_update *u, unsigned wanted, unsigned needed)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < 2 && !err && hf_journal_free(&u->journal) < wanted; i++) {
		hf_update_alive(u);
		err = hf_state_take_over(&u->journal, &u->state);
		hf_update_alive(u);
		wanted = needed;
	}
	if (err)
		u->worn = err;
	if (hf_journal_free(&u->journal) >= needed)
		return HF_OK;
	return err ? err : HF_ERR_FULL;
}

void hf_update_done(struct hf_update *u)
{
	u->phase = HF_UPDATE_DONE;
	u->next = u->total;
}

enum hf_err hf_update_record(struct hf_update *u, const uint8_t head_id[HF_ID_BYTES])
{
	struct hf_record r = hf_state_image_record(HF_REC_UPLOAD_BEGUN, u->slot, u->image.component, u->image.sequence,
						   head_id, 0);

	return hf_update_append(u, &r);
}

struct hf_slot_fact hf_update_fact(const struct hf_image *image)
{
	struct hf_slot_fact fact = { .fact = HF_FACT_GOOD };

	fact.component = image->component;
	fact.grandfathered = image->grandfathered;
	fact.sequence = image->sequence;
	memcpy(fact.id, image->id, sizeof fact.id);
	return fact;
}

unsigned hf_update_running_app(const struct hf_update *u)
{
	return u->component == HF_COMPONENT_APP ? u->running : HF_PLACE_RECOVERY;
}

static bool read_head(struct hf_update *u, unsigned place, struct hf_image *image)
{
	return hf_slot_read_head(&u->env, place, &u->work, image) == HF_OK;
}

/* Learns what is where, by what it claims. */
static void look(struct hf_update *u)
{
	const struct hf_state *s = &u->state;

	u->running_known = read_head(u, u->running, &u->running_image);
	u->recovery = (struct hf_slot_fact){ .fact = HF_FACT_BAD, .why = HF_ERR_NOT_FOUND };
	if (read_head(u, HF_PLACE_RECOVERY, &u->recovery_image))
		u->recovery = hf_update_fact(&u->recovery_image);
	u->confirmed_known = hf_update_running_app(u) >= HF_SLOTS && s->slot[s->current].state == HF_SLOT_CONFIRMED &&
			     read_head(u, s->current, &u->confirmed_image);
}

static enum hf_err load_keyset(struct hf_update *u, bool journal)
{
	if (!u->trust)
		return HF_OK;
	u->env.keyset = &u->trust->keyset;
	return hf_trust_load(u->trust, journal ? &u->journal : NULL, u->factory_keyset);
}

enum hf_err hf_update_open(struct hf_update *u)
{
	enum hf_err err, keyset_err;
	bool blank;

	u->phase = HF_UPDATE_IDLE;
	u->worn = HF_OK;
	err = hf_state_load(&u->journal, u->env.flash, u->env.layout, &u->state, &blank);
	keyset_err = load_keyset(u, err == HF_OK);
	look(u);
	if (!err)
		err = hf_update_make_room(u, HF_UPLOAD_FREE_SLOTS, CONFIRM_SLOTS);
	return err ? err : keyset_err;
}

static unsigned target_slot(const struct hf_update *u)
{
	return hf_policy_target(&u->state, hf_update_running_app(u));
}

static bool holds_app(struct hf_update *u, unsigned slot)
{
	struct hf_image image;

	return read_head(u, slot, &image) && image.component == HF_COMPONENT_APP;
}

/* The slot that may be erased. From recovery it is the other one where what would stay has rotted, or is not there while
 * the journal knows of nothing (factory-new). */
static unsigned erasable_slot(struct hf_update *u)
{
	unsigned slot = target_slot(u);
	unsigned state = u->state.slot[slot].state;
	struct hf_image image;
	bool swap = false;

	if (hf_update_running_app(u) >= HF_SLOTS && u->state.slot[!slot].state == state) {
		if (state == HF_SLOT_CONFIRMED)
			swap = hf_slot_verify(&u->env, !slot, &u->work, &image) != HF_OK;
		else if (state == HF_SLOT_UNKNOWN)
			swap = holds_app(u, slot) && !holds_app(u, !slot);
	}
	return swap ? !slot : slot;
}

enum hf_err hf_update_begin(struct hf_update *u, uint32_t total)
{
	enum hf_err err;

	u->phase = HF_UPDATE_IDLE;
	u->slot = (uint8_t)erasable_slot(u);
	err = hf_policy_erase(&u->state, u->slot, hf_update_running_app(u));
	if (err)
		return err;
	u->phase = HF_UPDATE_HEAD;
	u->total = total;
	u->next = 0;
	u->head_len = 0;
	u->header_at = 0;
	return HF_OK;
}

static enum hf_err take_uri(void *ctx, const struct hf_params *params)
{
	struct hf_params *out = ctx;

	*out = *params;
	return params->uri.len != 0 ? HF_OK : HF_ERR_UNSUPPORTED;
}

static struct hf_suit_device device_of(const struct hf_update *u, unsigned place, unsigned component)
{
	const struct hf_image *base = hf_update_base(u, component);
	struct hf_suit_device device = {
		.vendor_id = u->env.layout->vendor_id,
		.class_id = u->env.layout->class_id,
		.device_id = u->env.device_id,
		.slot = place,
	};

	if (base) {
		device.versions = base->versions;
		memcpy(device.version, base->version, sizeof device.version);
	}
	return device;
}

/* What would `place` hold? */
static enum hf_err image_in(const struct hf_update *u, const struct hf_manifest *manifest, unsigned place,
			    struct hf_image *image)
{
	struct hf_suit_device device = device_of(u, place, HF_COMPONENT_APP);
	struct hf_params left;
	enum hf_err err = hf_suit_run(manifest, manifest->validate, &device, &(struct hf_suit_ops){ 0 }, &left);

	return err ? err : hf_image_from_params(manifest, &left, *hf_layout_place(u->env.layout, place), image);
}

/* Can the recovery that is to be staged move on to its partition? */
static enum hf_err check_move(const struct hf_update *u, const struct hf_manifest *manifest)
{
	struct hf_image there;
	enum hf_err err = image_in(u, manifest, HF_PLACE_RECOVERY, &there);

	if (err)
		return err;
	return there.table_bytes == 0 ? HF_ERR_SLOT : HF_OK;
}

/* Runs the manifest dry: what would it fetch, and what would the slot hold afterwards? */
static enum hf_err plan(struct hf_update *u, const struct hf_manifest *manifest)
{
	struct hf_params install = { 0 }, left;
	struct hf_suit_ops ops = { .ctx = &install, .fetch = take_uri };
	struct hf_suit_device device;
	enum hf_err err = image_in(u, manifest, u->slot, &u->image);

	if (!err && u->image.component == HF_COMPONENT_RECOVERY)
		err = check_move(u, manifest);
	if (err)
		return err;
	device = device_of(u, u->slot, u->image.component);
	err = hf_suit_run(manifest, manifest->install, &device, &ops, &left);
	if (err)
		return err;
	if (install.segments.len !=
	    (u->image.content_bytes + HF_SEGMENT_BYTES - 1) / HF_SEGMENT_BYTES * HF_SHA256_BYTES)
		return HF_ERR_UNSUPPORTED;
	u->segments = install.segments;
	u->wanted = install.uri;
	return HF_OK;
}

static void hash_stored(struct hf_update *u)
{
	const struct hf_crypto *crypto = u->env.crypto;
	uint8_t digest[HF_SHA256_BYTES];

	crypto->sha256_start(&u->work.hash);
	crypto->sha256_update(&u->work.hash, hf_update_prefix, sizeof hf_update_prefix);
	crypto->sha256_update(&u->work.hash, u->stored.ptr, u->stored.len);
	crypto->sha256_finish(&u->work.hash, digest);
	memcpy(u->head_id, digest, HF_ID_BYTES);
}

/* Everything that can be refused without touching flash. */
static enum hf_err check_head(struct hf_update *u, const struct hf_envelope *env)
{
	uint8_t manifest_digest[HF_SHA256_BYTES];
	struct hf_manifest manifest;
	struct hf_slot_fact image;
	enum hf_err err = hf_envelope_authenticate(env, u->env.keyset, HF_ROLE_RELEASE, u->env.crypto, manifest_digest);

	if (err)
		return err;
	err = hf_manifest_parse(env, &manifest);
	if (err)
		return err;
	err = plan(u, &manifest);
	if (err)
		return err;
	memcpy(u->image.id, manifest_digest, sizeof u->image.id);
	if (HF_SLOT_PREFIX_BYTES + env->head.len > HF_SUIT_HEAD_MAX ||
	    HF_SLOT_PREFIX_BYTES + env->head.len > u->image.content_addr - u->env.layout->slot[u->slot].addr)
		return HF_ERR_TOO_LARGE;
	u->stored = env->head;
	hash_stored(u);
	image = hf_update_fact(&u->image);
	return hf_policy_install(&u->state, u->slot, hf_update_running_app(u), &image, &u->recovery, u->any_release);
}

/* Is it there already? A sender that lost our last answer asks again. */
static bool already_there(struct hf_update *u)
{
	const struct hf_slot_journal *s = &u->state.slot[u->slot];
	struct hf_image there;

	if (s->state != HF_SLOT_WRITTEN && s->state != HF_SLOT_TRIAL && s->state != HF_SLOT_CONFIRMED &&
	    s->state != HF_SLOT_INTERRUPTED)
		return false;
	if (s->sequence != u->image.sequence || memcmp(s->id, u->image.id, HF_ID_BYTES) != 0)
		return false;
	return hf_slot_verify(&u->env, u->slot, &u->work, &there) == HF_OK &&
	       memcmp(there.id, u->image.id, sizeof there.id) == 0;
}

/* What runs may have rotted in flash since it was started: then a slot that still starts must not be erased. After a reset
 * it runs, and the rotten one is the target. */
static enum hf_err check_fallback(struct hf_update *u)
{
	struct hf_image image;
	bool rotten;

	if (hf_update_running_app(u) >= HF_SLOTS)
		return HF_OK;
	rotten = hf_slot_verify(&u->env, u->running, &u->work, &image) != HF_OK;
	hf_update_alive(u);
	return rotten && hf_slot_verify(&u->env, u->slot, &u->work, &image) == HF_OK ? HF_ERR_PROTECTED : HF_OK;
}

/* May the upload that the journal speaks of be continued with this one? Only if no committed segment lies in a sector
 * whose erase is not on record (a record may have been lost to bad memory), and which could not stay as it was. */
static bool resumable(const struct hf_update *u)
{
	const struct hf_slot_journal *s = &u->state.slot[u->slot];
	const struct hf_layout *layout = u->env.layout;
	uint32_t begin = layout->slot[u->slot].addr;
	uint32_t end = u->image.content_addr + s->segments * HF_SEGMENT_BYTES;

	if (s->state != HF_SLOT_UPLOADING || s->sequence != u->image.sequence ||
	    memcmp(s->id, u->head_id, HF_ID_BYTES) != 0 || s->segments > hf_update_segments(u))
		return false;
	for (unsigned i = 0; s->segments > 0 && i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];

		if (sector->addr < end && sector->addr + sector->size > begin && !((s->erase_done | s->settled) >> i & 1))
			return false;
	}
	return true;
}

static enum hf_err begin_payload(struct hf_update *u, uint32_t payload_at, uint32_t size)
{
	const struct hf_slot_journal *s = &u->state.slot[u->slot];
	struct hf_image there;
	bool resumed;
	enum hf_err err;

	if (size != u->image.content_bytes)
		return HF_ERR_DIGEST;
	if (already_there(u)) {
		hf_update_done(u);
		return HF_OK;
	}
	err = hf_update_make_room(u, HF_UPLOAD_FREE_SLOTS, HF_UPLOAD_MIN_SLOTS);
	if (err)
		return err;
	resumed = resumable(u);
	/* Of an upload that got no further than its head, the slot may be whole still. */
	if (!resumed || read_head(u, u->slot, &there))
		err = check_fallback(u);
	if (!err && !resumed)
		err = hf_update_record(u, u->head_id);
	if (err)
		return err;
	u->phase = HF_UPDATE_PAYLOAD;
	hf_update_hash_begin(u);
	u->payload_at = payload_at;
	u->segment_index = s->segments;
	u->kept = 0;
	u->judged = 0;
	u->alike = 0;
	u->ahead_err = HF_OK;
	u->held = 0;
	hf_update_hash_segment(u);
	err = u->segment_index == 0 ? hf_update_check_erased(u) : HF_OK;
	if (!err) {
		hf_update_local_find(u);
		err = hf_update_advance(u);
	}
	return err ? hf_update_give_up(u, err) : HF_OK;
}

/* A payload's header, gathered in head[] from header_at on: ours, or one to jump over. */
static enum hf_err take_payload_header(struct hf_update *u)
{
	struct hf_bytes buf = { u->head + u->header_at, u->head_len - u->header_at };
	uint32_t file_at = u->next - (uint32_t)buf.len; /* of the header's first byte */
	struct hf_bytes key;
	uint32_t size;
	size_t header;
	enum hf_err err = hf_payload_parse(buf, &key, &size, &header);

	if (err == HF_ERR_TRUNCATED && u->next < u->total)
		return u->head_len < sizeof u->head ? HF_OK : HF_ERR_TOO_LARGE;
	if (err)
		return err;
	if (!hf_range_ok(file_at + header, size, u->total))
		return HF_ERR_TRUNCATED;
	if (key.len == u->wanted.len && memcmp(key.ptr, u->wanted.ptr, key.len) == 0)
		return begin_payload(u, file_at + (uint32_t)header, size);
	u->head_len = u->header_at;
	u->next = file_at + (uint32_t)header + size;
	return u->next < u->total ? HF_OK : HF_ERR_NOT_FOUND;
}

static enum hf_err take_head(struct hf_update *u)
{
	struct hf_envelope env;
	enum hf_err err;

	if (u->header_at == 0) {
		err = hf_envelope_parse((struct hf_bytes){ u->head, u->head_len }, &env);
		if (err == HF_ERR_TRUNCATED && u->next < u->total)
			return u->head_len < sizeof u->head ? HF_OK : HF_ERR_TOO_LARGE;
		if (err)
			return err;
		if (env.payloads == 0)
			return HF_ERR_NOT_FOUND;
		err = check_head(u, &env);
		if (err)
			return err;
		u->header_at = (uint32_t)env.payload_begin;
	}
	return take_payload_header(u);
}

enum hf_err hf_update_write(struct hf_update *u, uint32_t off, const uint8_t *data, size_t len)
{
	enum hf_err err = HF_OK;

	if (u->phase == HF_UPDATE_IDLE)
		return HF_ERR_ORDER;
	while (!err && u->phase == HF_UPDATE_HEAD && off <= u->next && len > u->next - off) {
		uint32_t skip = u->next - off;
		size_t part = len - skip;

		/* Small steps, so that bytes of the payload never have to fit into head[]. */
		if (part > HF_SUIT_PAYLOAD_HEADER_MAX)
			part = HF_SUIT_PAYLOAD_HEADER_MAX;
		if (part > sizeof u->head - u->head_len)
			part = sizeof u->head - u->head_len;
		memcpy(u->head + u->head_len, data + skip, part);
		u->head_len += (uint32_t)part;
		u->next += (uint32_t)part;
		err = take_head(u);
	}
	if (err) {
		u->phase = HF_UPDATE_IDLE;
		return err;
	}
	if (u->phase == HF_UPDATE_PAYLOAD && off <= u->next && len > u->next - off) {
		uint32_t skip = u->next - off;

		err = u->ahead_err ? hf_update_give_up(u, u->ahead_err) : hf_update_payload(u, data + skip, len - skip);
		if (err)
			return err;
	}
	if (u->phase == HF_UPDATE_PAYLOAD && u->segment_index == hf_update_segments(u)) {
		err = hf_update_finish(u);
		if (err)
			return hf_update_give_up(u, err);
	}
	return HF_OK;
}

enum hf_err hf_update_activate_slot(struct hf_update *u, unsigned slot, const uint8_t *id)
{
	struct hf_slot_fact fact;
	struct hf_record record;
	struct hf_image image;
	enum hf_err err = hf_slot_verify(&u->env, slot, &u->work, &image);

	if (err)
		return err;
	if (id && memcmp(id, image.id, sizeof image.id) != 0)
		return HF_ERR_NOT_FOUND;
	fact = hf_update_fact(&image);
	err = hf_policy_activate(&u->state, slot, hf_update_running_app(u), &fact, &record);
	if (err)
		return err;
	if (u->state.slot[slot].state == HF_SLOT_TRIAL && u->state.slot[slot].starts == 0)
		return HF_OK;
	err = hf_update_make_room(u, 2 * HF_TRIAL_FREE_SLOTS, TRIAL_SLOTS);
	return err ? err : hf_update_append(u, &record);
}

enum hf_err hf_update_activate(struct hf_update *u, const uint8_t id[HF_SHA256_BYTES])
{
	unsigned slot = target_slot(u);

	/* In recovery either may be meant; where both are said to hold it, the one that an upload goes to. */
	if (hf_update_running_app(u) >= HF_SLOTS && id && memcmp(u->state.slot[slot].id, id, HF_ID_BYTES) != 0 &&
	    memcmp(u->state.slot[!slot].id, id, HF_ID_BYTES) == 0)
		slot = !slot;
	return hf_update_activate_slot(u, slot, id);
}

enum hf_err hf_update_confirm(struct hf_update *u)
{
	struct hf_slot_fact fact = { .why = HF_ERR_NOT_FOUND };
	struct hf_record record;
	enum hf_err err;

	if (u->running_known)
		fact = hf_update_fact(&u->running_image);
	err = hf_policy_confirm(&u->state, hf_update_running_app(u), &fact, &record);
	if (err || record.type == HF_REC_VOID)
		return err;
	err = hf_update_make_room(u, 2 * HF_TWIN_DISTANCE, CONFIRM_SLOTS);
	return err ? err : hf_update_append_twice(u, &record);
}

enum hf_err hf_update_erase(struct hf_update *u)
{
	static const uint8_t nobody[HF_ID_BYTES];
	const struct hf_layout *layout = u->env.layout;
	const struct hf_span *span;
	enum hf_err err;

	u->phase = HF_UPDATE_IDLE;
	u->slot = (uint8_t)erasable_slot(u);
	span = &layout->slot[u->slot];
	err = hf_policy_erase(&u->state, u->slot, hf_update_running_app(u));
	if (!err)
		err = check_fallback(u);
	if (err)
		return err;
	err = hf_update_make_room(u, HF_UPLOAD_FREE_SLOTS, HF_UPLOAD_MIN_SLOTS);
	if (err)
		return err;
	u->image.sequence = 0;
	u->image.component = HF_COMPONENT_APP;
	err = hf_update_record(u, nobody);
	if (!err)
		err = hf_update_check_erased(u);
	return err ? err : hf_update_prepare(u, span->addr, span->size);
}
