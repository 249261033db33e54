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
#include "update_private.h"

#include <string.h>

static uint32_t segment_len(const struct hf_update *u, uint32_t index)
{
	uint32_t left = u->image.content_bytes - index * HF_SEGMENT_BYTES;

	return left < HF_SEGMENT_BYTES ? left : HF_SEGMENT_BYTES;
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

	hf_update_alive(u);
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
	err = hf_update_append(u, &r);
	if (err)
		return err;
	err = erase_for_upload(u, &u->env.layout->sector[sector]);
	if (err)
		return err;
	r.type = HF_REC_ERASE_DONE;
	return hf_update_append(u, &r);
}

enum hf_err hf_update_prepare(struct hf_update *u, uint32_t addr, uint32_t len)
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
	enum hf_err err = hf_update_prepare(u, u->image.content_addr + off, len);

	if (err)
		return err;
	if (off < u->image.table_bytes)
		table = u->image.table_bytes - off < len ? u->image.table_bytes - off : len;
	if (table > 0) {
		err = flash->program(flash->ctx, u->image.content_addr + off, u->segment, table);
		hf_update_alive(u);
	}
	if (!err && table < len && u->image.table_bytes > 0)
		err = relocate(u, off, table, len);
	if (!err && table < len)
		err = flash->program(flash->ctx, u->image.content_addr + off + table, u->segment + table, len - table);
	hf_update_alive(u);
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
	err = hf_update_append(u, &r);
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
	enum hf_err err = hf_update_prepare(u, addr, padded);

	if (err)
		return err;
	memcpy(u->work.head, hf_update_prefix, sizeof hf_update_prefix);
	memcpy(u->work.head + sizeof hf_update_prefix, u->stored.ptr, u->stored.len);
	memset(u->work.head + len, 0xff, padded - len);
	return flash->program(flash->ctx, addr, u->work.head, padded);
}

enum hf_err hf_update_finish(struct hf_update *u)
{
	struct hf_record r;
	struct hf_image there;
	enum hf_err err = program_head(u);

	if (err)
		return err;
	hf_update_alive(u);
	err = hf_slot_verify(&u->env, u->slot, &u->work, &there);
	if (err)
		return err;
	if (memcmp(there.id, u->image.id, sizeof there.id) != 0)
		return HF_ERR_DIGEST;
	r = hf_state_image_record(HF_REC_WRITTEN, u->slot, there.component, there.sequence, there.id, 0);
	err = hf_update_append(u, &r);
	if (!err)
		hf_update_done(u);
	return err;
}

enum hf_err hf_update_give_up(struct hf_update *u, enum hf_err err)
{
	static const uint8_t nobody[HF_ID_BYTES];

	u->phase = HF_UPDATE_IDLE;
	if (err != HF_OK) {
		enum hf_err recorded = hf_update_record(u, nobody);

		(void)recorded;
	}
	return err;
}

enum hf_err hf_update_payload(struct hf_update *u, const uint8_t *data, size_t len)
{
	while (len > 0 && u->phase == HF_UPDATE_PAYLOAD && u->segment_index < hf_update_segments(u)) {
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
			return hf_update_give_up(u, err);
	}
	return HF_OK;
}

