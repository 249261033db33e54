/* SPDX-License-Identifier: MIT
 *
 * Order is everything here. For a slot:
 *   everything that can be refused is refused -> UPLOAD_BEGUN -> per sector ERASE_BEGUN, erase, ERASE_DONE -> per segment:
 *   digest, program, SEGMENT -> head, verify all, WRITTEN
 * A record is appended after what it states was read back. So the journal never claims more than the flash holds, and a
 * power loss costs at most one segment. Programming again what was already programmed is harmless as long as the bytes
 * are the same, and they are: a resumption is keyed on the digest of the bytes that the slot will keep (not on the
 * manifest alone: a second signature over the same manifest has other bytes), and each segment is compared with its
 * signed digest before it is programmed.
 */
#include "update.h"

#include <string.h>

#define CONFIRM_SLOTS (HF_TWIN_DISTANCE + 1)
#define TRIAL_SLOTS   (HF_TRIAL_FREE_SLOTS + 2) /* the record of its activation, and the slot that boot's session loses */

static const uint8_t slot_prefix[HF_SLOT_PREFIX_BYTES] = { 0xd8, 0x6b, 0xa2 };

static void alive(struct hf_update *u)
{
	if (u->alive)
		u->alive(u->alive_ctx);
}

static enum hf_err append(struct hf_update *u, const struct hf_record *r)
{
	enum hf_err err = hf_journal_append(&u->journal, r);

	if (!err)
		hf_state_apply(&u->state, r);
	alive(u);
	return err;
}

static enum hf_err append_twice(struct hf_update *u, const struct hf_record *r)
{
	enum hf_err err = hf_journal_append_twice(&u->journal, r);

	if (!err)
		hf_state_apply(&u->state, r);
	alive(u);
	return err;
}

/* Moves the journal on where less than `wanted` slots are free. Memory may be worn: what counts is that `needed` are, and a
 * sector that cannot give them is left again. */
static enum hf_err make_room(struct hf_update *u, unsigned wanted, unsigned needed)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < 2 && !err && hf_journal_free(&u->journal) < wanted; i++) {
		alive(u);
		err = hf_state_take_over(&u->journal, &u->state);
		alive(u);
		wanted = needed;
	}
	if (err)
		u->worn = err;
	if (hf_journal_free(&u->journal) >= needed)
		return HF_OK;
	return err ? err : HF_ERR_FULL;
}

enum hf_err hf_update_open(struct hf_update *u)
{
	enum hf_err err;
	bool blank;

	u->phase = HF_UPDATE_IDLE;
	u->worn = HF_OK;
	u->running_known = u->running < HF_SLOTS &&
			   hf_slot_read_head(&u->env, u->running, &u->work, &u->running_image) == HF_OK;
	err = hf_state_load(&u->journal, u->env.flash, u->env.layout, &u->state, &blank);
	return err ? err : make_room(u, HF_UPLOAD_FREE_SLOTS, CONFIRM_SLOTS);
}

/* The slot that an upload may overwrite: not the running one; in recovery the one that is not confirmed, or the older. */
static unsigned target_slot(const struct hf_update *u)
{
	const struct hf_state *s = &u->state;

	if (u->running < HF_SLOTS)
		return !u->running;
	return s->slot[s->current].state == HF_SLOT_CONFIRMED ? !s->current : 0;
}

enum hf_err hf_update_begin(struct hf_update *u, uint32_t total)
{
	enum hf_err err;

	u->phase = HF_UPDATE_IDLE;
	u->slot = (uint8_t)target_slot(u);
	err = hf_policy_erase(&u->state, u->slot, u->running);
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

static struct hf_suit_device device_of(const struct hf_update *u)
{
	struct hf_suit_device device = {
		.vendor_id = u->env.layout->vendor_id,
		.class_id = u->env.layout->class_id,
		.device_id = u->env.device_id,
		.slot = u->slot,
	};

	if (u->running_known) {
		device.versions = u->running_image.versions;
		memcpy(device.version, u->running_image.version, sizeof device.version);
	}
	return device;
}

/* Runs the manifest dry: what would it fetch, and what would the slot hold afterwards? */
static enum hf_err plan(struct hf_update *u, const struct hf_manifest *manifest)
{
	struct hf_suit_device device = device_of(u);
	struct hf_params install = { 0 }, left;
	struct hf_suit_ops ops = { .ctx = &install, .fetch = take_uri };
	enum hf_err err = hf_suit_run(manifest, manifest->install, &device, &ops, &left);

	if (err)
		return err;
	err = hf_suit_run(manifest, manifest->validate, &device, &(struct hf_suit_ops){ 0 }, &left);
	if (err)
		return err;
	err = hf_image_from_params(manifest, &left, u->env.layout->slot[u->slot], &u->image);
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
	crypto->sha256_update(&u->work.hash, slot_prefix, sizeof slot_prefix);
	crypto->sha256_update(&u->work.hash, u->stored.ptr, u->stored.len);
	crypto->sha256_finish(&u->work.hash, digest);
	memcpy(u->head_id, digest, HF_ID_BYTES);
}

/* Everything that can be refused without touching flash. */
static enum hf_err check_head(struct hf_update *u, const struct hf_envelope *env)
{
	uint8_t manifest_digest[HF_SHA256_BYTES];
	struct hf_manifest manifest;
	enum hf_err err = hf_envelope_authenticate(env, u->env.keyset, HF_ROLE_RELEASE, u->env.crypto, manifest_digest);

	if (err)
		return err;
	err = hf_manifest_parse(env, &manifest);
	if (err)
		return err;
	if (manifest.component.len != sizeof hf_component_app ||
	    memcmp(manifest.component.ptr, hf_component_app, sizeof hf_component_app) != 0)
		return HF_ERR_UNSUPPORTED;
	err = plan(u, &manifest);
	if (err)
		return err;
	memcpy(u->image.id, manifest_digest, sizeof u->image.id);
	if (HF_SLOT_PREFIX_BYTES + env->head.len > HF_SUIT_HEAD_MAX ||
	    HF_SLOT_PREFIX_BYTES + env->head.len > u->image.content_addr - u->env.layout->slot[u->slot].addr)
		return HF_ERR_TOO_LARGE;
	u->stored = env->head;
	hash_stored(u);
	return hf_policy_install(&u->state, u->slot, u->running, u->image.sequence, u->image.id);
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

	if (u->running >= HF_SLOTS)
		return HF_OK;
	rotten = hf_slot_verify(&u->env, u->running, &u->work, &image) != HF_OK;
	alive(u);
	return rotten && hf_slot_verify(&u->env, u->slot, &u->work, &image) == HF_OK ? HF_ERR_PROTECTED : HF_OK;
}

static void done(struct hf_update *u)
{
	u->phase = HF_UPDATE_DONE;
	u->next = u->total;
}

static enum hf_err record_upload(struct hf_update *u, const uint8_t head_id[HF_ID_BYTES])
{
	struct hf_record r = { .type = HF_REC_UPLOAD_BEGUN };

	r.data[0] = u->slot;
	store_le64(r.data + 1, u->image.sequence);
	memcpy(r.data + 9, head_id, HF_ID_BYTES);
	return append(u, &r);
}

static uint32_t segment_len(const struct hf_update *u, uint32_t index)
{
	uint32_t left = u->image.content_bytes - index * HF_SEGMENT_BYTES;

	return left < HF_SEGMENT_BYTES ? left : HF_SEGMENT_BYTES;
}

static uint32_t segment_count(const struct hf_update *u)
{
	return (uint32_t)(u->segments.len / HF_SHA256_BYTES);
}

/* May the upload that the journal speaks of be continued with this one? Only if no committed segment lies in a sector
 * whose erase is not on record (a record may have been lost to bad memory). */
static bool resumable(const struct hf_update *u)
{
	const struct hf_slot_journal *s = &u->state.slot[u->slot];
	const struct hf_layout *layout = u->env.layout;
	uint32_t begin = layout->slot[u->slot].addr;
	uint32_t end = u->image.content_addr + s->segments * HF_SEGMENT_BYTES;

	if (s->state != HF_SLOT_UPLOADING || s->sequence != u->image.sequence ||
	    memcmp(s->id, u->head_id, HF_ID_BYTES) != 0 || s->segments > segment_count(u))
		return false;
	for (unsigned i = 0; s->segments > 0 && i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];

		if (sector->addr < end && sector->addr + sector->size > begin && !(s->erase_done >> i & 1))
			return false;
	}
	return true;
}

static enum hf_err begin_payload(struct hf_update *u, uint32_t payload_at, uint32_t size)
{
	const struct hf_slot_journal *s = &u->state.slot[u->slot];
	enum hf_err err;

	if (size != u->image.content_bytes)
		return HF_ERR_DIGEST;
	if (already_there(u)) {
		done(u);
		return HF_OK;
	}
	err = make_room(u, HF_UPLOAD_FREE_SLOTS, HF_UPLOAD_MIN_SLOTS);
	if (err)
		return err;
	if (!resumable(u)) {
		err = check_fallback(u);
		if (!err)
			err = record_upload(u, u->head_id);
		if (err)
			return err;
	}
	u->phase = HF_UPDATE_PAYLOAD;
	u->payload_at = payload_at;
	u->segment_index = s->segments;
	u->fill = 0;
	u->next = payload_at + s->segments * HF_SEGMENT_BYTES;
	return HF_OK;
}

/* Reads [addr, addr + len) blank, as far as it lies in the sector? */
static enum hf_err check_blank(struct hf_update *u, const struct hf_span *sector, uint32_t addr, uint32_t len)
{
	const struct hf_flash *flash = u->env.flash;
	uint32_t end = addr + len < sector->addr + sector->size ? addr + len : sector->addr + sector->size;

	for (uint32_t at = addr > sector->addr ? addr : sector->addr; at < end; at += sizeof u->work.page) {
		uint32_t n = end - at < sizeof u->work.page ? end - at : sizeof u->work.page;
		enum hf_err err = flash->read(flash->ctx, at, u->work.page, n);

		if (err)
			return err;
		for (uint32_t i = 0; i < n; i++)
			if (u->work.page[i] != 0xff)
				return HF_ERR_FLASH_ERASE;
	}
	return HF_OK;
}

/* A sector that does not read blank as a whole will do where the upload does not need the words that failed. */
static enum hf_err erase_for_upload(struct hf_update *u, const struct hf_span *sector)
{
	const struct hf_image *image = &u->image;
	uint32_t head_bytes = (uint32_t)(HF_SLOT_PREFIX_BYTES + u->stored.len + HF_FLASH_WORD);
	enum hf_err err = u->env.flash->erase(u->env.flash->ctx, sector->addr);

	alive(u);
	if (err != HF_ERR_FLASH_ERASE || u->phase != HF_UPDATE_PAYLOAD)
		return err;
	u->worn = err;
	err = check_blank(u, sector, image->content_addr, image->content_bytes);
	return err ? err : check_blank(u, sector, u->env.layout->slot[u->slot].addr, head_bytes);
}

static enum hf_err erase_sector(struct hf_update *u, unsigned sector)
{
	struct hf_record r = { .type = HF_REC_ERASE_BEGUN };
	enum hf_err err;

	r.data[0] = u->slot;
	r.data[1] = (uint8_t)sector;
	err = append(u, &r);
	if (err)
		return err;
	err = erase_for_upload(u, &u->env.layout->sector[sector]);
	if (err)
		return err;
	r.type = HF_REC_ERASE_DONE;
	return append(u, &r);
}

/* Erases what [addr, addr + len) touches and this upload has not erased yet. */
static enum hf_err prepare(struct hf_update *u, uint32_t addr, uint32_t len)
{
	const struct hf_layout *layout = u->env.layout;

	for (unsigned i = 0; i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];
		enum hf_err err;

		if (sector->addr >= addr + len || sector->addr + sector->size <= addr ||
		    (u->state.slot[u->slot].erase_done >> i & 1))
			continue;
		err = erase_sector(u, i);
		if (err)
			return err;
	}
	return HF_OK;
}

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct hf_update *u = ctx;

	return u->env.flash->read(u->env.flash->ctx, u->image.content_addr + offset, buf, len);
}

/* Adds the image's address to the words of segment[from, len) that the table lists. The table is in flash by now. */
static enum hf_err relocate(struct hf_update *u, uint32_t content_off, uint32_t from, uint32_t len)
{
	struct hf_reloc reloc;
	enum hf_err err = hf_reloc_open(&reloc, read_table, u, u->image.table_bytes, u->image.image_bytes);

	if (err)
		return err;
	return hf_reloc_apply(&reloc, u->segment + from, content_off + from - u->image.table_bytes, len - from,
			      u->image.image_addr);
}

static enum hf_err program_segment(struct hf_update *u)
{
	const struct hf_flash *flash = u->env.flash;
	uint32_t off = u->segment_index * HF_SEGMENT_BYTES;
	uint32_t len = u->fill;
	uint32_t table = 0; /* bytes of the table in this segment */
	enum hf_err err = prepare(u, u->image.content_addr + off, len);

	if (err)
		return err;
	if (off < u->image.table_bytes)
		table = u->image.table_bytes - off < len ? u->image.table_bytes - off : len;
	if (table > 0) {
		err = flash->program(flash->ctx, u->image.content_addr + off, u->segment, table);
		alive(u);
	}
	if (!err && table < len && u->image.table_bytes > 0)
		err = relocate(u, off, table, len);
	if (!err && table < len)
		err = flash->program(flash->ctx, u->image.content_addr + off + table, u->segment + table, len - table);
	alive(u);
	return err;
}

static enum hf_err commit_segment(struct hf_update *u)
{
	struct hf_record r = { .type = HF_REC_SEGMENT };
	enum hf_err err = program_segment(u);

	if (err)
		return err;
	r.data[0] = u->slot;
	store_le16(r.data + 1, u->segment_index);
	err = append(u, &r);
	u->segment_index++;
	u->fill = 0;
	return err;
}

static bool segment_good(struct hf_update *u)
{
	const struct hf_crypto *crypto = u->env.crypto;
	uint8_t digest[HF_SHA256_BYTES];

	crypto->sha256_start(&u->work.hash);
	crypto->sha256_update(&u->work.hash, u->segment, u->fill);
	crypto->sha256_finish(&u->work.hash, digest);
	return memcmp(digest, u->segments.ptr + u->segment_index * HF_SHA256_BYTES, sizeof digest) == 0;
}

/* The head goes last: until it is whole, the slot does not even parse. */
static enum hf_err program_head(struct hf_update *u)
{
	const struct hf_flash *flash = u->env.flash;
	uint32_t addr = u->env.layout->slot[u->slot].addr;
	uint32_t len = (uint32_t)(HF_SLOT_PREFIX_BYTES + u->stored.len);
	uint32_t padded = (len + HF_FLASH_WORD - 1) / HF_FLASH_WORD * HF_FLASH_WORD;
	enum hf_err err = prepare(u, addr, padded);

	if (err)
		return err;
	memcpy(u->work.head, slot_prefix, sizeof slot_prefix);
	memcpy(u->work.head + sizeof slot_prefix, u->stored.ptr, u->stored.len);
	memset(u->work.head + len, 0xff, padded - len);
	return flash->program(flash->ctx, addr, u->work.head, padded);
}

static enum hf_err finish(struct hf_update *u)
{
	struct hf_record r = { .type = HF_REC_WRITTEN };
	struct hf_image there;
	enum hf_err err = program_head(u);

	if (err)
		return err;
	alive(u);
	err = hf_slot_verify(&u->env, u->slot, &u->work, &there);
	if (err)
		return err;
	if (memcmp(there.id, u->image.id, sizeof there.id) != 0)
		return HF_ERR_DIGEST;
	r.data[0] = u->slot;
	store_le64(r.data + 1, there.sequence);
	memcpy(r.data + 9, there.id, HF_ID_BYTES);
	err = append(u, &r);
	if (!err)
		done(u);
	return err;
}

/* After a word that does not program, or a slot that does not verify, a resumption would meet the same again: the next
 * upload has to begin with an erase. */
static enum hf_err give_up(struct hf_update *u, enum hf_err err)
{
	static const uint8_t nobody[HF_ID_BYTES];

	u->phase = HF_UPDATE_IDLE;
	if (err != HF_OK) {
		enum hf_err recorded = record_upload(u, nobody);

		(void)recorded;
	}
	return err;
}

static enum hf_err take_payload(struct hf_update *u, const uint8_t *data, size_t len)
{
	while (len > 0 && u->phase == HF_UPDATE_PAYLOAD && u->segment_index < segment_count(u)) {
		uint32_t want = segment_len(u, u->segment_index) - u->fill;
		uint32_t part = len < want ? (uint32_t)len : want;
		enum hf_err err;

		memcpy(u->segment + u->fill, data, part);
		u->fill += part;
		u->next += part;
		data += part;
		len -= part;
		if (part < want)
			break;
		if (!segment_good(u)) {
			u->phase = HF_UPDATE_IDLE;
			return HF_ERR_DIGEST;
		}
		err = commit_segment(u);
		if (err)
			return give_up(u, err);
	}
	return HF_OK;
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

		err = take_payload(u, data + skip, len - skip);
		if (err)
			return err;
	}
	if (u->phase == HF_UPDATE_PAYLOAD && u->segment_index == segment_count(u)) {
		err = finish(u);
		if (err)
			return give_up(u, err);
	}
	return HF_OK;
}

enum hf_err hf_update_activate(struct hf_update *u, const uint8_t id[HF_SHA256_BYTES])
{
	unsigned slot = target_slot(u);
	struct hf_slot_fact fact = { 0 };
	struct hf_record record;
	struct hf_image image;
	enum hf_err err = hf_slot_verify(&u->env, slot, &u->work, &image);

	if (err)
		return err;
	if (id && memcmp(id, image.id, sizeof image.id) != 0)
		return HF_ERR_NOT_FOUND;
	fact.fact = HF_FACT_GOOD;
	fact.sequence = image.sequence;
	memcpy(fact.id, image.id, HF_ID_BYTES);
	err = hf_policy_activate(&u->state, slot, u->running, &fact, &record);
	if (err)
		return err;
	if (u->state.slot[slot].state == HF_SLOT_TRIAL && u->state.slot[slot].starts == 0)
		return HF_OK;
	err = make_room(u, 2 * HF_TRIAL_FREE_SLOTS, TRIAL_SLOTS);
	return err ? err : append(u, &record);
}

enum hf_err hf_update_confirm(struct hf_update *u)
{
	struct hf_slot_fact fact = { .why = HF_ERR_NOT_FOUND };
	struct hf_record record;
	enum hf_err err;

	if (u->running_known) {
		fact.fact = HF_FACT_GOOD;
		fact.sequence = u->running_image.sequence;
		memcpy(fact.id, u->running_image.id, HF_ID_BYTES);
	}
	err = hf_policy_confirm(&u->state, u->running, &fact, &record);
	if (err || record.type == HF_REC_VOID)
		return err;
	err = make_room(u, 2 * HF_TWIN_DISTANCE, CONFIRM_SLOTS);
	return err ? err : append_twice(u, &record);
}

enum hf_err hf_update_erase(struct hf_update *u)
{
	static const uint8_t nobody[HF_ID_BYTES];
	const struct hf_layout *layout = u->env.layout;
	const struct hf_span *span;
	enum hf_err err;

	u->phase = HF_UPDATE_IDLE;
	u->slot = (uint8_t)target_slot(u);
	span = &layout->slot[u->slot];
	err = hf_policy_erase(&u->state, u->slot, u->running);
	if (!err)
		err = check_fallback(u);
	if (err)
		return err;
	err = make_room(u, HF_UPLOAD_FREE_SLOTS, HF_UPLOAD_MIN_SLOTS);
	if (err)
		return err;
	u->image.sequence = 0;
	err = record_upload(u, nobody);
	return err ? err : prepare(u, span->addr, span->size);
}
