/* SPDX-License-Identifier: MIT
 *
 * Which sectors need no erase, because they hold already what they should.
 *
 * Two witnesses are needed, never one: the journal (the sector is as it was when firmware in it had been written
 * completely, so that no word in it is torn), and the content (each segment that reaches into it has the digest that was
 * signed). The new relocation table has to be in flash first, since it says which words of the content are addresses; so
 * neither a sector with the head nor one with the table ever stays. Rejected: comparing against the old table, before
 * anything is erased, since what was found then would have to be remembered across a power loss.
 *
 * The first segment may reach in from a sector that does not stay. It is sent, then, and what of it lies in this sector is
 * compared in RAM; programming it again where it is equal changes nothing.
 */
#include "update_private.h"

#include <string.h>

static const struct hf_span *span_of(const struct hf_update *u, unsigned sector)
{
	return &u->env.layout->sector[sector];
}

static bool table_there(const struct hf_update *u)
{
	return hf_update_collected(u) * HF_SEGMENT_BYTES >= u->image.table_bytes;
}

static bool candidate(const struct hf_update *u, unsigned sector)
{
	const struct hf_image *image = &u->image;
	uint32_t addr = span_of(u, sector)->addr;

	return u->phase == HF_UPDATE_PAYLOAD && (u->state.slot[u->slot].settled >> sector & 1) &&
	       addr >= image->content_addr + image->table_bytes && addr < image->content_addr + image->content_bytes;
}

/* Hashes a segment as it lies in flash, the image's address taken off. */
static bool equal_in_flash(struct hf_update *u, uint32_t index)
{
	const struct hf_crypto *crypto = u->env.crypto;
	uint32_t off = index * HF_SEGMENT_BYTES;
	uint32_t len = hf_update_segment_len(u, index);
	uint8_t digest[HF_SHA256_BYTES];

	crypto->sha256_start(&u->work.hash);
	for (uint32_t done = 0; done < len;) {
		uint32_t n = len - done < sizeof u->work.page ? len - done : sizeof u->work.page;

		if (u->env.flash->read(u->env.flash->ctx, u->image.content_addr + off + done, u->work.page, n) ||
		    hf_update_relocate(u, u->work.page, off + done, n, 0 - u->image.image_addr))
			return false;
		crypto->sha256_update(&u->work.hash, u->work.page, n);
		done += n;
	}
	crypto->sha256_finish(&u->work.hash, digest);
	return memcmp(digest, u->segments.ptr + index * HF_SHA256_BYTES, sizeof digest) == 0;
}

/* What of the segment in RAM, whole and relocated, lies in the sector. */
static bool equal_in_ram(struct hf_update *u, const struct hf_span *sector)
{
	uint32_t begin = u->image.content_addr + u->segment_index * HF_SEGMENT_BYTES;
	uint32_t from = sector->addr > begin ? sector->addr - begin : 0;
	uint32_t to = sector->addr + sector->size - begin < u->fill ? sector->addr + sector->size - begin : u->fill;

	for (uint32_t at = from; at < to;) {
		uint32_t n = to - at < sizeof u->work.page ? to - at : sizeof u->work.page;

		if (u->env.flash->read(u->env.flash->ctx, begin + at, u->work.page, n) ||
		    memcmp(u->work.page, u->segment + at, n) != 0)
			return false;
		at += n;
	}
	return true;
}

/* Compares the segments from the one under way on that reach into the sector, or those only that lie in it wholly. */
static bool equal(struct hf_update *u, unsigned index, bool wholly)
{
	const struct hf_span *sector = span_of(u, index);
	uint32_t content = u->image.content_addr;
	uint32_t i = (sector->addr - content) / HF_SEGMENT_BYTES;

	if (i < u->segment_index)
		i = u->segment_index;
	for (; i < hf_update_segments(u); i++) {
		uint32_t begin = content + i * HF_SEGMENT_BYTES, end = begin + hf_update_segment_len(u, i);

		if (begin - sector->addr >= sector->size && begin >= sector->addr)
			return true;
		if (wholly && (begin < sector->addr || end - sector->addr > sector->size))
			continue;
		if (i == u->segment_index && u->fill > 0 && !wholly ? !equal_in_ram(u, sector) : !equal_in_flash(u, i))
			return false;
		hf_update_alive(u);
	}
	return true;
}

bool hf_update_stays(struct hf_update *u, unsigned sector)
{
	uint32_t bit = 1u << sector;

	if (!(u->judged & bit)) {
		u->judged |= bit;
		if (candidate(u, sector) && table_there(u) && equal(u, sector, false))
			u->kept |= bit;
	}
	return u->kept & bit;
}

bool hf_update_may_stay(struct hf_update *u, unsigned sector)
{
	uint32_t bit = 1u << sector;

	if (u->judged & bit)
		return u->kept & bit;
	if (!candidate(u, sector))
		return false;
	if (!table_there(u) || (u->alike & bit))
		return true;
	if (equal(u, sector, true))
		u->alike |= bit;
	else
		u->judged |= bit;
	return u->alike & bit;
}
