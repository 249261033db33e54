/* SPDX-License-Identifier: MIT
 *
 * What the other slot holds need not be sent.
 *
 * After a small fix most of the firmware that runs is, word for word, what is uploaded. Which segments of it, is found out
 * once, before the first one is wanted: the other slot's are hashed, its own address taken off. What is found is a hint and no
 * more. Bytes from there go the way of bytes from the line: they are collected in RAM, compared with the signed digest there,
 * programmed, read back, committed; a power loss finds nothing that it would not find otherwise. A segment that turns out
 * different is asked for.
 *
 * Images are laid side by side, and not contents: a relocation table that has grown moves no segment of the image. Where code
 * has moved, nothing is found: three misses in a row end the search, so that firmware that is all new loses 20 ms by it.
 *
 * The last word always comes over the line: the answer to it is that all is verified.
 */
#include "update_private.h"

#include <string.h>

#define MISSES      3u
#define PIECE_BYTES 512u

struct there {
	const struct hf_update *u;
	const struct hf_image *image;
};

/* The firmware in the other slot, as far as it is known already. */
static const struct hf_image *image_there(const struct hf_update *u)
{
	if (u->image.component != HF_COMPONENT_APP)
		return NULL;
	if (hf_update_running_app(u) < HF_SLOTS)
		return u->running_known ? &u->running_image : NULL;
	return u->confirmed_known && u->state.current != u->slot ? &u->confirmed_image : NULL;
}

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	const struct there *t = ctx;

	return t->u->env.flash->read(t->u->env.flash->ctx, t->image->content_addr + offset, buf, len);
}

/* Takes the address off what of buf, content [at, at + len) there, is image. */
static enum hf_err strip(struct there *t, uint8_t *buf, uint32_t at, uint32_t len)
{
	uint32_t table = t->image->table_bytes, skip = at < table ? table - at : 0;
	struct hf_reloc reloc;
	enum hf_err err;

	if (table == 0 || skip >= len)
		return HF_OK;
	err = hf_reloc_open(&reloc, read_table, t, table, t->image->image_bytes);
	return err ? err : hf_reloc_apply(&reloc, buf + skip, at + skip - table, len - skip, 0 - t->image->image_addr);
}

/* Reads [off, off + len) of the content that is uploaded, where the other slot would have it. */
static enum hf_err read_there(const struct hf_update *u, uint32_t off, uint8_t *buf, uint32_t len)
{
	struct there t = { u, image_there(u) };
	uint32_t table = u->image.table_bytes, at;
	enum hf_err err;

	if (!t.image || (off < table && t.image->table_bytes != table))
		return HF_ERR_NOT_FOUND;
	at = off < table ? off : off - table + t.image->table_bytes;
	if (!hf_range_ok(at, len, t.image->content_bytes))
		return HF_ERR_RANGE;
	err = u->env.flash->read(u->env.flash->ctx, t.image->content_addr + at, buf, len);
	return err ? err : strip(&t, buf, at, len);
}

static bool same_there(struct hf_update *u, uint32_t index)
{
	const struct hf_crypto *crypto = u->env.crypto;
	uint32_t len = hf_update_segment_len(u, index);
	uint8_t digest[HF_SHA256_BYTES];

	crypto->sha256_start(&u->work.hash);
	for (uint32_t done = 0; done < len;) {
		uint32_t n = len - done < sizeof u->work.page ? len - done : sizeof u->work.page;

		if (read_there(u, index * HF_SEGMENT_BYTES + done, u->work.page, n))
			return false;
		crypto->sha256_update(&u->work.hash, u->work.page, n);
		done += n;
	}
	crypto->sha256_finish(&u->work.hash, digest);
	return memcmp(digest, u->segments.ptr + index * HF_SHA256_BYTES, sizeof digest) == 0;
}

void hf_update_local_find(struct hf_update *u)
{
	unsigned misses = 0;

	u->local = 0;
	if (!image_there(u))
		return;
	for (uint32_t i = u->segment_index; i < hf_update_segments(u) && i < 64 && misses < MISSES; i++) {
		bool same = same_there(u, i);

		u->local |= (uint64_t)same << i;
		misses = same ? 0 : misses + 1;
		hf_update_alive(u);
	}
}

static bool is_local(const struct hf_update *u, uint32_t index)
{
	return index < 64 && u->local >> index & 1;
}

bool hf_update_local_drop(struct hf_update *u, uint32_t index)
{
	bool was = is_local(u, index);

	if (was)
		u->local &= ~((uint64_t)1 << index);
	return was;
}

/* How many bytes of this segment come from the other slot. */
static uint32_t local_bytes(const struct hf_update *u, uint32_t index)
{
	if (index >= hf_update_segments(u) || !is_local(u, index))
		return 0;
	return hf_update_segment_len(u, index) - (index + 1 == hf_update_segments(u) ? HF_FLASH_WORD : 0);
}

/* Behind what is collected, and behind what will be out of the other slot. */
void hf_update_want(struct hf_update *u)
{
	uint32_t index = hf_update_collected(u), off = index * HF_SEGMENT_BYTES + u->fill;

	for (; local_bytes(u, index) > 0; index++) {
		uint32_t end = index * HF_SEGMENT_BYTES + local_bytes(u, index);

		off = off > end ? off : end;
	}
	u->next = u->payload_at + (off < u->image.content_bytes ? off : u->image.content_bytes);
}

uint32_t hf_update_wanted_end(const struct hf_update *u)
{
	uint32_t index;

	if (u->phase != HF_UPDATE_PAYLOAD || u->next < u->payload_at)
		return u->total;
	index = (u->next - u->payload_at) / HF_SEGMENT_BYTES + 1;
	while (index < hf_update_segments(u) && !is_local(u, index))
		index++;
	return index < hf_update_segments(u) ? u->payload_at + index * HF_SEGMENT_BYTES : u->total;
}

bool hf_update_local_waits(const struct hf_update *u)
{
	return u->phase == HF_UPDATE_PAYLOAD && u->fill < local_bytes(u, hf_update_collected(u));
}

/* A piece of the segment that is collected. */
static enum hf_err take_piece(struct hf_update *u, uint32_t *taken)
{
	uint32_t index = hf_update_collected(u), left = local_bytes(u, index) - u->fill;
	enum hf_err err;

	*taken = left < PIECE_BYTES ? left : PIECE_BYTES;
	err = hf_update_write_held(u, u->fill + *taken);
	if (err)
		return err;
	if (read_there(u, index * HF_SEGMENT_BYTES + u->fill, u->segment + u->fill, *taken)) {
		(void)hf_update_local_drop(u, index);
		hf_update_hash_segment(u);
		hf_update_want(u);
		return HF_OK;
	}
	u->fill += *taken;
	return u->fill < hf_update_segment_len(u, index) ? HF_OK : hf_update_take_segment(u);
}

enum hf_err hf_update_local_take(struct hf_update *u, uint32_t least)
{
	enum hf_err err = HF_OK;

	for (uint32_t done = 0, taken = 0; !err && done < least && hf_update_local_waits(u); done += taken) {
		err = take_piece(u, &taken);
		if (u->fill % HF_UPDATE_TURN_BYTES == 0)
			hf_update_alive(u);
	}
	return err;
}
