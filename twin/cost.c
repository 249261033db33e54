/* SPDX-License-Identifier: MIT
 *
 * Blocks are kept in a table of two ways that is a function of the code alone: losing a row costs time and changes no
 * figure. The caches' state does change figures, and is therefore part of snapshots.
 */
#include "cost.h"

#include <stdlib.h>

#include "../core/bytes.h"
#include "thumb.h"

#define FLASH_ADDR 0x08000000u
#define FLASH_SIZE 0x00100000u
#define LINE_SHIFT 4
#define LONGEST    4100u /* bytes of a block */
#define HEAD       HF_ART_ILINES
#define DETAILS    (1u << 18)
#define UNKNOWN    0x7fffffff /* of a register's change since the block's entry */

/* A load in the details: base, index, shift, and a 16-bit offset. */
static uint32_t pack_load(unsigned base, unsigned index, unsigned shift, int32_t offset)
{
	return (uint32_t)base << 28 | (uint32_t)index << 24 | (uint32_t)shift << 20 | (uint16_t)offset;
}

bool hf_cost_open(struct hf_cost *cost)
{
	cost->block = calloc(HF_COST_BLOCKS, sizeof(*cost->block));
	cost->details_cap = 4096;
	cost->detail = malloc(cost->details_cap * sizeof(*cost->detail));
	if (!cost->block || !cost->detail)
		return false;
	hf_cost_flush(cost);
	return true;
}

void hf_cost_close(struct hf_cost *cost)
{
	free(cost->block);
	free(cost->detail);
}

void hf_cost_flush(struct hf_cost *cost)
{
	memset(cost->block, 0, HF_COST_BLOCKS * sizeof(*cost->block)); /* size 0 is no block's */
	cost->details = 0;
}

/* None is longer than a page of the engine's, and one instruction that begins in it. */
void hf_cost_forget(struct hf_cost *cost, uint32_t addr, uint32_t size)
{
	uint32_t begin = addr < LONGEST ? 0 : addr - LONGEST;

	for (uint32_t pc = begin; pc < addr + size; pc += 2) {
		struct hf_block *b = &cost->block[(pc >> 1 ^ pc >> 14) & (HF_COST_BLOCKS - 1) & ~1u];

		for (unsigned way = 0; way < 2; way++)
			if (b[way].pc == pc && pc + b[way].size > addr)
				b[way].size = 0;
	}
}

static bool add_detail(struct hf_cost *cost, uint32_t value)
{
	if (cost->details == cost->details_cap) {
		uint32_t cap = cost->details_cap * 2;
		uint32_t *more = cap > DETAILS ? NULL : realloc(cost->detail, cap * sizeof(*more));

		if (!more)
			return false;
		cost->detail = more;
		cost->details_cap = cap;
	}
	cost->detail[cost->details++] = value;
	return true;
}

static bool in_flash(uint32_t addr)
{
	return addr - FLASH_ADDR < FLASH_SIZE;
}

struct scan {
	int32_t change[16]; /* of each register since the entry; UNKNOWN */
	bool pipelined;     /* the last instruction was a load or store */
	uint16_t loaded;    /* what it loaded */
};

/* The cycles of one instruction in its place. */
static uint32_t place(struct scan *scan, const struct hf_thumb *t, uint8_t flags)
{
	uint32_t cycles = t->cycles;
	bool single = t->kind == HF_THUMB_LOAD || t->kind == HF_THUMB_STORE;
	bool depends = !t->literal && (scan->loaded >> t->base & 1 || scan->loaded >> t->index & 1);

	if (t->kind == HF_THUMB_LOAD && scan->pipelined && !depends)
		cycles--;
	scan->pipelined = single;
	scan->loaded = t->kind == HF_THUMB_LOAD ? t->writes : 0;
	if (flags & BLOCK_RAM)
		cycles += t->accesses;
	return cycles;
}

static void track(struct scan *scan, const struct hf_thumb *t)
{
	for (unsigned r = 0; r < 15; r++)
		if (t->writes >> r & 1)
			scan->change[r] = UNKNOWN;
	if (t->step && t->base < 15 && !(t->writes >> t->base & 1) && scan->change[t->base] != UNKNOWN)
		scan->change[t->base] += t->step;
}

static void note_literal(struct hf_cost *cost, struct hf_block *b, const struct hf_thumb *t)
{
	uint32_t line = ((uint32_t)t->offset - FLASH_ADDR) >> LINE_SHIFT;

	if (!in_flash((uint32_t)t->offset) || b->literals == UINT8_MAX)
		return;
	if (b->literals && cost->detail[cost->details - 1] == line)
		return;
	b->literals += add_detail(cost, line);
}

static void note_load(struct hf_cost *cost, struct hf_block *b, const struct scan *scan, const struct hf_thumb *t)
{
	int32_t offset;

	if (t->base >= 13 || scan->change[t->base] == UNKNOWN || b->loads == UINT8_MAX)
		return;
	if (t->index < 15 && scan->change[t->index] != 0)
		return;
	offset = scan->change[t->base] + t->offset;
	if (offset < INT16_MIN || offset > INT16_MAX)
		return;
	if (!add_detail(cost, pack_load(t->base, t->index, t->shift, offset)))
		return;
	b->loads++;
	b->registers |= (uint16_t)(1u << t->base);
	if (t->index < 15)
		b->registers |= (uint16_t)(1u << t->index);
}

static struct hf_thumb decode_at(uint32_t pc, const uint8_t *code, uint32_t left)
{
	uint16_t first = load_le16(code);

	return hf_thumb_decode(pc, first, hf_thumb_is_wide(first) && left >= 4 ? load_le16(code + 2) : 0);
}

/* Bytes of a conditional branch, CBZ or CBNZ; else 0. */
static uint8_t conditional(const uint8_t *code, uint32_t left)
{
	uint16_t first = load_le16(code), second = left >= 4 ? load_le16(code + 2) : 0;

	if (((first & 0xf000) == 0xd000 && (first >> 8 & 15) < 14) || (first & 0xf500) == 0xb100)
		return 2;
	return (first & 0xf800) == 0xf000 && (second & 0xd000) == 0x8000 && (first >> 6 & 15) < 14 ? 4 : 0;
}

/* One pass for the sums and one half of the details: literals first, then loads. */
static void walk(struct hf_cost *cost, struct hf_block *b, const uint8_t *code, bool want_loads)
{
	struct scan scan = { .pipelined = false };
	uint32_t cycles = 0, insns = 0, off = 0;

	while (off + 2 <= b->size) {
		struct hf_thumb t = decode_at(b->pc + off, code + off, b->size - off);

		cycles += place(&scan, &t, b->flags);
		insns++;
		b->refill = t.refill;
		b->branch = conditional(code + off, b->size - off);
		if (t.kind == HF_THUMB_LOAD && t.literal && !want_loads)
			note_literal(cost, b, &t);
		if (t.kind == HF_THUMB_LOAD && !t.literal && want_loads)
			note_load(cost, b, &scan, &t);
		track(&scan, &t);
		off += t.bytes;
	}
	b->cycles = (uint16_t)(cycles > UINT16_MAX ? UINT16_MAX : cycles);
	b->insns = (uint16_t)insns;
}

struct hf_block *hf_cost_make(struct hf_cost *cost, uint32_t pc, uint32_t size, const uint8_t *code, uint8_t flags)
{
	uint32_t at = (pc >> 1 ^ pc >> 14) & (HF_COST_BLOCKS - 1);
	struct hf_block *b;

	if (cost->details > DETAILS - 1024)
		hf_cost_flush(cost);
	b = &cost->block[at];
	if (b->size && !cost->block[at ^ 1].size)
		b = &cost->block[at ^ 1];
	*b = (struct hf_block){ .pc = pc, .size = (uint16_t)size, .flags = flags, .details = cost->details };
	if (flags & BLOCK_RAM)
		b->check = hf_cost_check(code, size);
	walk(cost, b, code, false);
	walk(cost, b, code, true);
	if (flags & BLOCK_FLASH) {
		uint32_t first = (pc - FLASH_ADDR) >> LINE_SHIFT, last = (pc + size - 1 - FLASH_ADDR) >> LINE_SHIFT;

		b->first_line = (uint16_t)first;
		b->lines = (uint8_t)(last - first + 1);
		b->line_cycles = (uint8_t)(b->cycles / b->lines > UINT8_MAX ? UINT8_MAX : b->cycles / b->lines);
	}
	return b;
}

uint32_t hf_cost_check(const uint8_t *code, uint32_t size)
{
	uint64_t h = size;
	uint32_t i = 0;

	for (; i + 8 <= size; i += 8)
		h = (h ^ load_le64(code + i)) * 0x9e3779b97f4a7c15u;
	for (; i + 2 <= size; i += 2)
		h = (h ^ load_le16(code + i)) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32 ^ h);
}

/* ---- the accelerator ---- */

void hf_art_forget(const struct hf_art *art, struct hf_cost *cost)
{
	for (unsigned i = 0; i < art->used; i++)
		cost->line_slot[art->tag[i]] = 0;
}

void hf_art_reset_icache(struct hf_art *art, struct hf_cost *cost)
{
	hf_art_forget(art, cost);
	art->used = 0;
	art->next[HEAD] = art->prev[HEAD] = HEAD;
	art->buffer = UINT32_MAX;
}

void hf_art_reset_dcache(struct hf_art *art)
{
	for (unsigned i = 0; i < HF_ART_DLINES; i++)
		art->dtag[i] = UINT32_MAX;
	art->dbuffer = UINT32_MAX;
}

void hf_art_restored(const struct hf_art *art, struct hf_cost *cost)
{
	for (unsigned i = 0; i < art->used; i++)
		cost->line_slot[art->tag[i]] = (uint8_t)(i + 1);
}

static void link_first(struct hf_art *art, uint8_t slot)
{
	uint8_t first = art->next[HEAD];

	art->next[slot] = first;
	art->prev[slot] = HEAD;
	art->prev[first] = slot;
	art->next[HEAD] = slot;
}

static void unlink_slot(struct hf_art *art, uint8_t slot)
{
	art->next[art->prev[slot]] = art->next[slot];
	art->prev[art->next[slot]] = art->prev[slot];
}

/* true: the line was there. */
static bool touch(struct hf_cost *cost, struct hf_art *art, uint16_t line)
{
	uint8_t slot = cost->line_slot[line];

	if (slot) {
		slot--;
		if (art->next[HEAD] != slot) {
			unlink_slot(art, slot);
			link_first(art, slot);
		}
		return true;
	}
	if (art->used < HF_ART_ILINES) {
		slot = art->used++;
	} else {
		slot = art->prev[HEAD];
		unlink_slot(art, slot);
		cost->line_slot[art->tag[slot]] = 0;
	}
	art->tag[slot] = line;
	cost->line_slot[line] = (uint8_t)(slot + 1);
	link_first(art, slot);
	return false;
}

uint32_t hf_cost_fetch(struct hf_cost *cost, struct hf_art *art, const struct hf_block *b)
{
	uint32_t follow = art->wait, penalty = 0, line = b->first_line;

	/* A line that follows in sequence is fetched while the one before is executed. */
	if (art->prefetch)
		follow = art->wait > b->line_cycles ? art->wait - b->line_cycles : 0;
	for (unsigned i = 0; i < b->lines; i++, line++) {
		if (line == art->buffer)
			continue;
		if (!art->icache || !touch(cost, art, (uint16_t)line))
			penalty += line == art->buffer + 1 ? follow : art->wait;
		art->buffer = line;
	}
	return penalty;
}

static uint32_t read_line(struct hf_art *art, uint32_t line)
{
	if (!art->dcache) {
		if (line == art->dbuffer)
			return 0;
		art->dbuffer = line;
		return art->wait;
	}
	for (unsigned i = 0; i < HF_ART_DLINES; i++) {
		if (art->dtag[i] != line)
			continue;
		memmove(&art->dtag[1], &art->dtag[0], i * sizeof(art->dtag[0]));
		art->dtag[0] = line;
		return 0;
	}
	memmove(&art->dtag[1], &art->dtag[0], (HF_ART_DLINES - 1) * sizeof(art->dtag[0]));
	art->dtag[0] = line;
	return art->wait;
}

uint32_t hf_cost_data(const struct hf_cost *cost, struct hf_art *art, const struct hf_block *b,
		      const uint32_t registers[16], uint32_t *flash_read)
{
	const uint32_t *detail = cost->detail + b->details;
	uint32_t penalty = 0, last = art->dcache ? art->dtag[0] : art->dbuffer;

	for (unsigned i = 0; i < b->literals; i++, last = *detail++) {
		if (*detail != last)
			penalty += read_line(art, *detail);
		*flash_read = FLASH_ADDR + (*detail << LINE_SHIFT);
	}
	for (unsigned i = 0; i < b->loads; i++, detail++) {
		unsigned index = *detail >> 24 & 15;
		uint32_t addr = registers[*detail >> 28] + (uint32_t)(int16_t)*detail, line;

		if (index < 15)
			addr += registers[index] << (*detail >> 20 & 3);
		if (!in_flash(addr))
			continue;
		*flash_read = addr;
		line = (addr - FLASH_ADDR) >> LINE_SHIFT;
		if (line != last)
			penalty += read_line(art, line);
		last = line;
	}
	return penalty;
}

uint32_t hf_cost_locate(uint32_t pc, uint32_t size, const uint8_t *code, const uint32_t registers[16], uint32_t addr,
			uint32_t *insns, uint32_t *cycles)
{
	uint32_t found = pc;
	bool hit = false;

	*insns = *cycles = 0;
	for (uint32_t off = 0; off + 2 <= size;) {
		struct hf_thumb t = decode_at(pc + off, code + off, size - off);

		if (!hit && t.accesses) {
			uint32_t at = (uint32_t)t.offset;

			if (!t.literal && t.base < 15)
				at += registers[t.base] + (t.index < 15 ? registers[t.index] << t.shift : 0);
			hit = addr - at < 4u * t.accesses || (t.kind == HF_THUMB_MULTI && at - addr <= 64);
			if (hit)
				found = pc + off;
		}
		if (hit) {
			++*insns;
			*cycles += t.cycles;
		}
		off += t.bytes;
	}
	return found;
}
