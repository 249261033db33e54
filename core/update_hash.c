/* SPDX-License-Identifier: MIT
 *
 * Digests that are taken while flash is busy, since nothing else happens then.
 *
 * One is over the segment that is collected, as its bytes arrive. They lie in RAM, so this is done first.
 *
 * The other is over table and image, taken from flash as boot does, but while the upload is still going on: a full slot takes
 * a tenth of a second to hash, in which nothing else would happen.
 *
 * Flash cannot be read while it programs, so the work is cut in two. Between two operations a page of what is programmed is
 * read and the slot's address taken off (hf_update_hash_load); while flash is busy its bytes are hashed, a block at a time
 * (hf_update_idle). What is left is done at the end. An erase of anything that was hashed begins anew.
 */
#include "update_private.h"

#include <string.h>

#define BLOCK_BYTES 64u

void hf_update_hash_segment(struct hf_update *u)
{
	u->fill = 0;
	u->hashed = 0;
	u->env.crypto->sha256_start(&u->segment_hash);
}

static void hash_collected(struct hf_update *u, uint32_t len)
{
	u->env.crypto->sha256_update(&u->segment_hash, u->segment + u->hashed, len);
	u->hashed += len;
}

bool hf_update_segment_good(struct hf_update *u)
{
	uint8_t digest[HF_SHA256_BYTES];

	hash_collected(u, u->fill - u->hashed);
	u->env.crypto->sha256_finish(&u->segment_hash, digest);
	return memcmp(digest, u->segments.ptr + hf_update_collected(u) * HF_SHA256_BYTES, sizeof digest) == 0;
}

void hf_update_hash_begin(struct hf_update *u)
{
	u->ahead.done = 0;
	u->ahead.at = u->ahead.fill = 0;
	u->env.crypto->sha256_start(&u->ahead.hash);
}

void hf_update_hash_erased(struct hf_update *u, const struct hf_span *sector)
{
	uint32_t hashed = u->ahead.done + u->ahead.fill, begin = u->image.content_addr;

	if (hashed > 0 && sector->addr < begin + hashed && sector->addr + sector->size > begin)
		hf_update_hash_begin(u);
}

/* The next page, none of it both table and image; up to `ready` bytes of the content may be read. */
static enum hf_err load(struct hf_update *u, uint32_t ready)
{
	const struct hf_flash *flash = u->env.flash;
	uint32_t table = u->image.table_bytes, done = u->ahead.done;
	uint32_t n = ready - done < sizeof u->ahead.page ? ready - done : sizeof u->ahead.page;
	enum hf_err err;

	if (done < table && n > table - done)
		n = table - done;
	err = flash->read(flash->ctx, u->image.content_addr + done, u->ahead.page, n);
	if (!err && done >= table)
		err = hf_update_relocate(u, u->ahead.page, done, n, 0 - u->image.image_addr);
	if (err) /* a table that makes no sense is not the one that was signed */
		return err <= HF_ERR_CRC ? HF_ERR_DIGEST : err;
	u->ahead.at = 0;
	u->ahead.fill = (uint16_t)n;
	return HF_OK;
}

void hf_update_hash_load(struct hf_update *u)
{
	uint32_t ready = u->segment_index * HF_SEGMENT_BYTES, done = u->ahead.done;

	if (u->phase != HF_UPDATE_PAYLOAD || u->ahead.fill > 0)
		return;
	/* Of the segment that is programmed just now whole pages only: a page's reading costs more than its bytes. */
	if (u->held > 0 && ready + u->written >= done + sizeof u->ahead.page)
		ready += u->written;
	if (ready > u->image.content_bytes) /* the last segment is shorter */
		ready = u->image.content_bytes;
	if (done < ready && load(u, ready) != HF_OK)
		u->ahead.fill = 0; /* the end will tell */
}

static bool hash_some(struct hf_update *u, uint32_t len)
{
	uint32_t left = (uint32_t)u->ahead.fill - u->ahead.at, n = left < len ? left : len;

	if (n == 0)
		return false;
	u->env.crypto->sha256_update(&u->ahead.hash, u->ahead.page + u->ahead.at, n);
	u->ahead.at = (uint16_t)(u->ahead.at + n);
	if (u->ahead.at < u->ahead.fill)
		return true;
	u->ahead.done += u->ahead.fill;
	u->ahead.at = u->ahead.fill = 0;
	return true;
}

bool hf_update_idle(struct hf_update *u)
{
	if (u->phase != HF_UPDATE_PAYLOAD || u->fill - u->hashed < BLOCK_BYTES)
		return hash_some(u, BLOCK_BYTES);
	hash_collected(u, BLOCK_BYTES);
	return true;
}

enum hf_err hf_update_hash_check(struct hf_update *u)
{
	uint8_t digest[HF_SHA256_BYTES];

	for (;;) {
		enum hf_err err;

		(void)hash_some(u, sizeof u->ahead.page);
		if (u->ahead.done == u->image.content_bytes)
			break;
		err = load(u, u->image.content_bytes);
		if (err)
			return err;
	}
	u->env.crypto->sha256_finish(&u->ahead.hash, digest);
	return memcmp(digest, u->image.digest, sizeof digest) == 0 ? HF_OK : HF_ERR_DIGEST;
}
