/* SPDX-License-Identifier: MIT */
#include "stored.h"

#include <string.h>

static void add(struct stored *s, enum stored_part part, uint32_t addr, uint32_t bytes)
{
	if (bytes == 0 || s->regions == STORED_REGIONS)
		return;
	s->region[s->regions].part = part;
	s->region[s->regions].addr = addr;
	s->region[s->regions++].bytes = bytes;
}

/* Bytes up to the last one that is not erased. */
static uint32_t used(struct lab *lab, uint32_t addr, uint32_t size)
{
	static uint8_t bytes[HF_TWIN_FLASH_SIZE];

	if (size > sizeof bytes || hf_twin_peek(lab->twin, addr, bytes, size))
		return 0;
	while (size > 0 && bytes[size - 1] == 0xff)
		size--;
	return (size + 3) & ~3u;
}

static void add_journal(struct stored *s, struct lab *lab, const struct hf_span *sector)
{
	/* The last slot is a copy of the header. */
	uint32_t last = sector->size - 32, len = used(lab, sector->addr, last) + 64;

	len = len < last ? len : last;
	add(s, STORED_JOURNAL, sector->addr, len);
	add(s, STORED_BLANK, sector->addr + len, last - len);
	add(s, STORED_JOURNAL, sector->addr + last, 32);
}

static void add_slot(struct stored *s, struct lab *lab, unsigned place)
{
	const struct hf_span *span = hf_layout_place(&lab->board.layout, place);
	struct hf_image image;
	uint32_t head;

	if (!lab_slot(lab, place, &image))
		return;
	/* Between the head and what it describes flash is blank. */
	head = used(lab, span->addr, image.content_addr - span->addr);
	add(s, STORED_HEAD, span->addr, head);
	add(s, STORED_TABLE, image.content_addr, image.table_bytes);
	add(s, STORED_IMAGE, image.image_addr, image.image_bytes & ~3u);
}

void stored_survey(struct stored *s, struct lab *lab)
{
	const struct hf_layout *layout = &lab->board.layout;

	s->regions = 0;
	for (unsigned i = 0; i < 2; i++)
		add_journal(s, lab, &layout->journal[i]);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		add_slot(s, lab, i);
	add(s, STORED_RECOVERY, layout->recovery.addr, used(lab, layout->recovery.addr, layout->recovery.size));
}

uint32_t stored_bits(const struct stored *s, unsigned part)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < s->regions; i++)
		if (part == STORED_ALL || s->region[i].part == part)
			bits += s->region[i].bytes * 8;
	return bits;
}

void stored_bit(const struct stored *s, unsigned part, uint32_t n, uint32_t *addr, uint32_t *mask)
{
	uint32_t bits = stored_bits(s, part);

	n = bits ? n % bits : 0;
	*addr = HF_TWIN_FLASH_ADDR;
	*mask = 0;
	for (unsigned i = 0; bits && i < s->regions; i++) {
		if (part != STORED_ALL && s->region[i].part != part)
			continue;
		if (n < s->region[i].bytes * 8) {
			*addr = s->region[i].addr + n / 32 * 4;
			*mask = 1u << n % 32;
			return;
		}
		n -= s->region[i].bytes * 8;
	}
}
