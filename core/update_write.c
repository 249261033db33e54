/* SPDX-License-Identifier: MIT
 *
 * Order is everything here. For a slot:
 *   everything that can be refused is refused -> UPLOAD_BEGUN -> per sector ERASE_BEGUN, erase, ERASE_DONE -> per segment:
 *   digest, program, SEGMENT -> head, verify all, WRITTEN
 * While a segment is programmed, piece by piece, the next one is collected in the bytes of the same buffer that are done with,
 * and hashed in the waits for flash: so flash waits neither for the line nor for the digest. A segment is committed before
 * the next one is whole.
 * A record is appended after what it states was read back. So the journal never claims more than the flash holds, and a
 * power loss costs at most one segment. Programming again what was already programmed is harmless as long as the bytes
 * are the same, and they are: a resumption is keyed on the digest of the bytes that the slot will keep (not on the
 * manifest alone: a second signature over the same manifest has other bytes), and each segment is compared with its
 * signed digest before it is programmed.
 */
#include "update_private.h"

#include <string.h>

#define PIECE_BYTES 512u /* half of what the digest takes ahead at a time: it keeps up */

enum hf_err hf_update_check_blank(struct hf_update *u, const struct hf_span *sector, uint32_t addr, uint32_t len)
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

/* Of the slot, in whole words. */
static uint32_t head_bytes(const struct hf_update *u)
{
	uint32_t len = (uint32_t)(HF_SLOT_PREFIX_BYTES + u->stored.len);

	return (len + HF_FLASH_WORD - 1) / HF_FLASH_WORD * HF_FLASH_WORD;
}

/* A sector that does not read blank as a whole will do where the upload does not need the words that failed. */
static enum hf_err erase_for_upload(struct hf_update *u, const struct hf_span *sector)
{
	const struct hf_image *image = &u->image;
	enum hf_err err;

	hf_update_hash_erased(u, sector);
	err = u->env.flash->erase(u->env.flash->ctx, sector->addr);

	hf_update_alive(u);
	if (err != HF_ERR_FLASH_ERASE || u->phase != HF_UPDATE_PAYLOAD)
		return err;
	u->worn = err;
	err = hf_update_check_blank(u, sector, image->content_addr, image->content_bytes);
	return err ? err : hf_update_check_blank(u, sector, u->env.layout->slot[u->slot].addr, head_bytes(u));
}

/* A sector that was to stay, and reads differently now, takes committed segments with it. */
static bool holds_committed(const struct hf_update *u, const struct hf_span *sector)
{
	uint32_t begin = u->image.content_addr;

	return u->phase == HF_UPDATE_PAYLOAD && u->segment_index > 0 &&
	       sector->addr < begin + u->segment_index * HF_SEGMENT_BYTES &&
	       sector->addr + sector->size > begin;
}

static enum hf_err erase_sector(struct hf_update *u, unsigned sector)
{
	struct hf_record r = { .type = HF_REC_ERASE_BEGUN };
	enum hf_err err;

	if (holds_committed(u, &u->env.layout->sector[sector]))
		return HF_ERR_DIGEST;
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

static bool touches(const struct hf_span *sector, uint32_t addr, uint32_t len)
{
	return sector->addr < addr + len && sector->addr + sector->size > addr;
}

static bool erased(const struct hf_update *u, unsigned sector)
{
	return u->state.slot[u->slot].erase_done >> sector & 1;
}

enum hf_err hf_update_prepare(struct hf_update *u, uint32_t addr, uint32_t len)
{
	const struct hf_layout *layout = u->env.layout;

	for (unsigned i = 0; i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];
		enum hf_err err;

		if (!touches(sector, addr, len) || erased(u, i) || hf_update_stays(u, i))
			continue;
		err = erase_sector(u, i);
		if (err)
			return err;
	}
	return HF_OK;
}

enum hf_err hf_update_check_erased(struct hf_update *u)
{
	const struct hf_layout *layout = u->env.layout;

	for (unsigned i = 0; i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];
		enum hf_err err = erased(u, i) ? hf_update_check_blank(u, sector, sector->addr, sector->size) : HF_OK;

		if (err == HF_ERR_FLASH_ERASE)
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

enum hf_err hf_update_relocate(struct hf_update *u, uint8_t *buf, uint32_t off, uint32_t len, uint32_t base)
{
	struct hf_reloc reloc;
	enum hf_err err;

	if (u->image.table_bytes == 0)
		return HF_OK;
	err = hf_reloc_open(&reloc, read_table, u, u->image.table_bytes, u->image.image_bytes);
	return err ? err : hf_reloc_apply(&reloc, buf, off - u->image.table_bytes, len, base);
}

static uint32_t blank_bytes(const uint8_t *data, uint32_t len)
{
	uint32_t n = 0;

	while (n < len && load_le32(data + n) == 0xffffffff)
		n += HF_FLASH_WORD;
	return n;
}

static uint32_t solid_bytes(const uint8_t *data, uint32_t len)
{
	uint32_t n = 0;

	while (n < len && load_le32(data + n) != 0xffffffff)
		n += HF_FLASH_WORD;
	return n;
}

/* In pieces, between which the digest is taken ahead. */
static enum hf_err program_solid(struct hf_update *u, uint32_t addr, const uint8_t *data, uint32_t len)
{
	const struct hf_flash *flash = u->env.flash;
	enum hf_err err = HF_OK;

	for (uint32_t at = 0; at < len && !err; at += PIECE_BYTES) {
		hf_update_hash_load(u);
		err = flash->program(flash->ctx, addr + at, data + at, len - at < PIECE_BYTES ? len - at : PIECE_BYTES);
	}
	return err;
}

/* Words that are blank are not programmed, only looked at: no upload of this content has ever begun to program them. */
static enum hf_err program(struct hf_update *u, uint32_t addr, const uint8_t *data, uint32_t len)
{
	enum hf_err err = HF_OK;

	for (uint32_t at = 0; at < len && !err;) {
		uint32_t blank = blank_bytes(data + at, len - at);
		uint32_t solid = solid_bytes(data + at + blank, len - at - blank);
		const struct hf_span here = { addr + at, blank };

		if (blank > 0 && hf_update_check_blank(u, &here, here.addr, blank))
			return HF_ERR_FLASH_PROGRAM;
		if (solid > 0)
			err = program_solid(u, addr + at + blank, data + at + blank, solid);
		at += blank + solid;
	}
	return err;
}

static enum hf_err record_segment(struct hf_update *u)
{
	struct hf_record r = { .type = HF_REC_SEGMENT };
	enum hf_err err;

	r.data[0] = u->slot;
	store_le16(r.data + 1, u->segment_index);
	err = hf_update_append(u, &r);
	u->segment_index++;
	u->held = 0;
	return err;
}

enum hf_err hf_update_write_held(struct hf_update *u, uint32_t end)
{
	uint32_t addr = u->image.content_addr + u->segment_index * HF_SEGMENT_BYTES;
	enum hf_err err = HF_OK;

	if (u->held == 0)
		return HF_OK;
	while (u->written < u->held && u->written < end && !err) {
		uint32_t left = u->held - u->written, n = left < PIECE_BYTES ? left : PIECE_BYTES;

		err = program(u, addr + u->written, u->segment + u->written, n);
		u->written += n;
	}
	return err || u->written < u->held ? err : record_segment(u);
}

/* The segment that was collected is whole and right: what has to be done before it may be programmed in pieces. The table is
 * in flash before the first word behind it is relocated. */
static enum hf_err hold(struct hf_update *u)
{
	uint32_t off = u->segment_index * HF_SEGMENT_BYTES;
	uint32_t addr = u->image.content_addr + off;
	uint32_t len = u->fill;
	uint32_t table = 0; /* bytes of the table in this segment */
	enum hf_err err = HF_OK;

	if (off < u->image.table_bytes) {
		table = u->image.table_bytes - off < len ? u->image.table_bytes - off : len;
		err = hf_update_prepare(u, addr, len);
		if (!err)
			err = program(u, addr, u->segment, table);
	}
	if (!err && table < len)
		err = hf_update_relocate(u, u->segment + table, off + table, len - table, u->image.image_addr);
	if (!err)
		err = hf_update_prepare(u, addr, len);
	u->held = len;
	u->written = table;
	hf_update_hash_segment(u);
	return err;
}

bool hf_update_ahead(struct hf_update *u)
{
	const struct hf_layout *layout = u->env.layout;
	uint32_t done = u->segment_index * HF_SEGMENT_BYTES;

	if (u->phase != HF_UPDATE_PAYLOAD || u->ahead_err || done >= u->image.content_bytes)
		return false;
	if (u->held > 0 || hf_update_local_waits(u)) {
		u->ahead_err = hf_update_local_waits(u) ? hf_update_local_take(u, HF_UPDATE_TURN_BYTES)
							: hf_update_write_held(u, u->written + HF_UPDATE_TURN_BYTES);
		hf_update_alive(u);
		return true;
	}
	for (unsigned i = 0; i < layout->sectors; i++) {
		const struct hf_span *sector = &layout->sector[i];

		if (erased(u, i) || (!touches(sector, u->image.content_addr + done, u->image.content_bytes - done) &&
				     !touches(sector, layout->slot[u->slot].addr, head_bytes(u))))
			continue;
		if (hf_update_may_stay(u, i)) {
			if (u->kept >> i & 1)
				continue;
			return false; /* it is not known yet; those behind it can wait, too */
		}
		u->ahead_err = erase_sector(u, i);
		return true;
	}
	return false;
}

static bool segment_stays(struct hf_update *u, uint32_t index)
{
	uint32_t addr = u->image.content_addr + index * HF_SEGMENT_BYTES;
	uint32_t len = hf_update_segment_len(u, index);

	for (unsigned i = 0; i < u->env.layout->sectors; i++)
		if (touches(&u->env.layout->sector[i], addr, len) && (erased(u, i) || !hf_update_stays(u, i)))
			return false;
	return true;
}

/* What is held stays so while the next segment is collected; where there is none, or it is there already, it is written. */
enum hf_err hf_update_advance(struct hf_update *u)
{
	for (;;) {
		uint32_t index = hf_update_collected(u);
		bool last = index == hf_update_segments(u), stays = !last && segment_stays(u, index);
		enum hf_err err = last || stays ? hf_update_write_held(u, HF_SEGMENT_BYTES) : HF_OK;

		if (!err && stays)
			err = record_segment(u);
		if (err)
			return err;
		if (!stays)
			break;
	}
	hf_update_want(u);
	return HF_OK;
}

/* The head goes last: until it is whole, the slot does not even parse. Read back, it is what was authenticated. */
static enum hf_err program_head(struct hf_update *u)
{
	uint32_t addr = u->env.layout->slot[u->slot].addr;
	uint32_t len = (uint32_t)(HF_SLOT_PREFIX_BYTES + u->stored.len);
	uint32_t padded = head_bytes(u);
	enum hf_err err = hf_update_prepare(u, addr, padded);

	if (err)
		return err;
	memcpy(u->work.head, hf_update_prefix, sizeof hf_update_prefix);
	memcpy(u->work.head + sizeof hf_update_prefix, u->stored.ptr, u->stored.len);
	memset(u->work.head + len, 0xff, padded - len);
	err = program(u, addr, u->work.head, padded);
	hf_update_alive(u);
	if (!err)
		err = u->env.flash->read(u->env.flash->ctx, addr, u->work.page, padded);
	if (err)
		return err;
	return memcmp(u->work.page, u->work.head, padded) == 0 ? HF_OK : HF_ERR_FLASH_PROGRAM;
}

/* The head is not authenticated a second time: it is byte for byte the one that was. */
enum hf_err hf_update_finish(struct hf_update *u)
{
	struct hf_record r;
	enum hf_err err = program_head(u);

	if (err)
		return err;
	hf_update_alive(u);
	err = hf_update_hash_check(u);
	if (!err)
		err = hf_slot_check_vectors(&u->env, &u->image);
	if (err)
		return err;
	r = hf_state_image_record(HF_REC_WRITTEN, u->slot, u->image.component, u->image.sequence, u->image.id, 0);
	err = hf_update_append(u, &r);
	if (!err)
		hf_update_done(u);
	return err;
}

enum hf_err hf_update_give_up(struct hf_update *u, enum hf_err err)
{
	static const uint8_t nobody[HF_ID_BYTES];

	u->phase = HF_UPDATE_IDLE;
	u->image.sequence = 0;
	if (err != HF_OK) {
		enum hf_err recorded = hf_update_record(u, nobody);

		(void)recorded;
	}
	return err;
}

/* As many bytes as one piece may bring, once there is room for them. */
static enum hf_err collect(struct hf_update *u, const uint8_t *data, size_t len, uint32_t *taken)
{
	uint32_t left = hf_update_segment_len(u, hf_update_collected(u)) - u->fill;
	uint32_t part = left < PIECE_BYTES ? left : PIECE_BYTES;
	enum hf_err err;

	*taken = len < part ? (uint32_t)len : part;
	err = hf_update_write_held(u, u->fill + *taken);
	if (err)
		return err;
	memcpy(u->segment + u->fill, data, *taken);
	u->fill += *taken;
	u->next += *taken;
	return HF_OK;
}

enum hf_err hf_update_take_segment(struct hf_update *u)
{
	uint32_t index = hf_update_collected(u);
	enum hf_err err = hf_update_write_held(u, HF_SEGMENT_BYTES);

	if (err)
		return err;
	if (hf_update_segment_good(u)) {
		err = hold(u);
		return err ? err : hf_update_advance(u);
	}
	if (hf_update_local_drop(u, index)) { /* flash reads differently now */
		hf_update_hash_segment(u);
		hf_update_want(u);
		return HF_OK;
	}
	u->phase = HF_UPDATE_IDLE;
	return HF_ERR_DIGEST;
}

/* Over what of data, which begins at `at`, is not wanted any more. False: none of it is. */
static bool skip(const struct hf_update *u, uint32_t at, const uint8_t **data, size_t *len)
{
	if (u->next < at || u->next - at >= *len || hf_update_collected(u) == hf_update_segments(u))
		return false;
	*data += u->next - at;
	*len -= u->next - at;
	return true;
}

static enum hf_err take_payload(struct hf_update *u, const uint8_t *data, size_t len)
{
	for (;;) {
		uint32_t taken, at = u->next;
		enum hf_err err = hf_update_local_take(u, UINT32_MAX);

		if (err || !skip(u, at, &data, &len))
			return err;
		err = collect(u, data, len, &taken);
		if (err)
			return err;
		at = u->next - taken;
		if (u->fill == hf_update_segment_len(u, hf_update_collected(u)))
			err = hf_update_take_segment(u);
		if (err || !skip(u, at, &data, &len))
			return err;
	}
}

enum hf_err hf_update_payload(struct hf_update *u, const uint8_t *data, size_t len)
{
	enum hf_err err = take_payload(u, data, len);

	hf_update_alive(u);
	return err && u->phase != HF_UPDATE_IDLE ? hf_update_give_up(u, err) : err;
}
