/* SPDX-License-Identifier: MIT
 *
 * A decoder of lengths, costs and addresses, not of meanings: what it does not know is a plain instruction of one cycle
 * that may change every register, so that a mistake makes an address unknown and never wrong.
 */
#include "thumb.h"

#define ALL_REGISTERS 0xffff
#define REFILL_DIRECT 1
#define REFILL_INDIRECT 2
#define DIVIDE_CYCLES 7

static unsigned bits(uint16_t word, unsigned low, unsigned count)
{
	return word >> low & ((1u << count) - 1);
}

static struct hf_thumb plain(unsigned bytes, uint16_t writes)
{
	return (struct hf_thumb){ .bytes = (uint8_t)bytes, .cycles = 1, .writes = writes, .base = HF_THUMB_NONE,
				  .index = HF_THUMB_NONE };
}

static struct hf_thumb branch(unsigned bytes, unsigned refill)
{
	struct hf_thumb t = plain(bytes, 0);

	t.kind = HF_THUMB_BRANCH;
	t.refill = (uint8_t)refill;
	return t;
}

/* One register (rt, which a load changes) at base + index << shift + offset. */
static struct hf_thumb access(unsigned bytes, bool load, unsigned rt, unsigned base, int32_t offset)
{
	struct hf_thumb t = plain(bytes, load ? (uint16_t)(1u << rt) : 0);

	t.kind = load ? HF_THUMB_LOAD : HF_THUMB_STORE;
	t.cycles = load ? 2 : 1;
	t.accesses = 1;
	t.base = (uint8_t)base;
	t.offset = offset;
	return t;
}

static struct hf_thumb literal(unsigned bytes, unsigned rt, uint32_t pc, int32_t offset)
{
	struct hf_thumb t = access(bytes, true, rt, HF_THUMB_NONE, (int32_t)(((pc + 4) & ~3u) + (uint32_t)offset));

	t.literal = true;
	return t;
}

static struct hf_thumb multiple(unsigned bytes, bool load, unsigned base, bool writeback, uint16_t list)
{
	unsigned count = (unsigned)__builtin_popcount(list);
	struct hf_thumb t = plain(bytes, load ? list : 0);

	if (writeback)
		t.writes |= (uint16_t)(1u << base);
	t.kind = HF_THUMB_MULTI;
	t.cycles = (uint8_t)(1 + count);
	t.accesses = (uint8_t)count;
	t.base = (uint8_t)base;
	if (load && list & 0x8000)
		t.refill = REFILL_INDIRECT;
	return t;
}

static struct hf_thumb narrow_special(uint16_t w)
{
	unsigned rd = bits(w, 0, 3) | bits(w, 7, 1) << 3;
	struct hf_thumb t;

	switch (bits(w, 8, 2)) {
	case 1: /* CMP */
		return plain(2, 0);
	case 3: /* BX, BLX */
		t = branch(2, REFILL_INDIRECT);
		t.writes = bits(w, 7, 1) ? 1u << 14 : 0;
		return t;
	default: /* ADD, MOV */
		if (rd == 15)
			return branch(2, REFILL_INDIRECT);
		return plain(2, (uint16_t)(1u << rd));
	}
}

static struct hf_thumb narrow_misc(uint16_t w)
{
	switch (bits(w, 8, 4)) {
	case 0x1: case 0x3: case 0x9: case 0xb: /* CBZ, CBNZ */
		return branch(2, REFILL_DIRECT);
	case 0x0: /* ADD SP, SUB SP */
		return plain(2, 1u << 13);
	case 0x2: case 0xa: /* extend, reverse */
		return plain(2, (uint16_t)(1u << bits(w, 0, 3)));
	case 0x4: case 0x5: /* PUSH */
		return multiple(2, false, 13, true, (uint16_t)(bits(w, 0, 8) | bits(w, 8, 1) << 14));
	case 0xc: case 0xd: /* POP */
		return multiple(2, true, 13, true, (uint16_t)(bits(w, 0, 8) | bits(w, 8, 1) << 15));
	default: /* CPS, IT, hints, BKPT */
		return plain(2, 0);
	}
}

static struct hf_thumb narrow_access(uint32_t pc, uint16_t w)
{
	unsigned rt = bits(w, 0, 3), rn = bits(w, 3, 3), imm = bits(w, 6, 5);
	struct hf_thumb t;

	switch (w >> 12) {
	case 0x4:
		return literal(2, bits(w, 8, 3), pc, (int32_t)bits(w, 0, 8) * 4);
	case 0x5:
		t = access(2, bits(w, 9, 3) >= 3, rt, rn, 0);
		t.index = (uint8_t)bits(w, 6, 3);
		return t;
	case 0x6:
		return access(2, bits(w, 11, 1), rt, rn, (int32_t)imm * 4);
	case 0x7:
		return access(2, bits(w, 11, 1), rt, rn, (int32_t)imm);
	case 0x8:
		return access(2, bits(w, 11, 1), rt, rn, (int32_t)imm * 2);
	default:
		return access(2, bits(w, 11, 1), bits(w, 8, 3), 13, (int32_t)bits(w, 0, 8) * 4);
	}
}

static struct hf_thumb decode_narrow(uint32_t pc, uint16_t w)
{
	unsigned operation;

	switch (w >> 11) {
	case 0x05: /* CMP #imm */
		return plain(2, 0);
	case 0x04: case 0x06: case 0x07: case 0x14: case 0x15:
		return plain(2, (uint16_t)(1u << bits(w, 8, 3)));
	case 0x08:
		if (bits(w, 10, 1))
			return narrow_special(w);
		operation = bits(w, 6, 4);
		return plain(2, operation == 8 || operation == 10 || operation == 11 ? 0
										     : (uint16_t)(1u << bits(w, 0, 3)));
	case 0x09: case 0x0a: case 0x0b: case 0x0c: case 0x0d: case 0x0e: case 0x0f:
	case 0x10: case 0x11: case 0x12: case 0x13:
		return narrow_access(pc, w);
	case 0x16: case 0x17:
		return narrow_misc(w);
	case 0x18:
		return multiple(2, false, bits(w, 8, 3), true, (uint16_t)bits(w, 0, 8));
	case 0x19:
		return multiple(2, true, bits(w, 8, 3), true, (uint16_t)bits(w, 0, 8));
	case 0x1a: case 0x1b:
		return bits(w, 8, 4) >= 0xe ? plain(2, 0) : branch(2, REFILL_DIRECT);
	case 0x1c:
		return branch(2, REFILL_DIRECT);
	default: /* shifts, ADD and SUB of three registers */
		return plain(2, (uint16_t)(1u << bits(w, 0, 3)));
	}
}

static void indexed(struct hf_thumb *t, uint16_t second)
{
	int32_t offset = (int32_t)bits(second, 0, 8);

	if (!bits(second, 9, 1))
		offset = -offset;
	t->offset = bits(second, 10, 1) ? offset : 0;
	t->step = bits(second, 8, 1) ? offset : 0;
}

/* LDR, STR of a byte, half-word or word. */
static struct hf_thumb wide_single(uint32_t pc, uint16_t first, uint16_t second)
{
	unsigned rn = bits(first, 0, 4), rt = bits(second, 12, 4);
	bool load = bits(first, 4, 1);
	struct hf_thumb t;

	if (load && rt == 15 && bits(first, 5, 2) != 2)
		return plain(4, 0); /* PLD, PLI */
	if (rn == 15) {
		int32_t offset = (int32_t)bits(second, 0, 12);

		t = literal(4, rt, pc, bits(first, 7, 1) ? offset : -offset);
	} else {
		t = access(4, load, rt, rn, 0);
		if (bits(first, 7, 1)) {
			t.offset = (int32_t)bits(second, 0, 12);
		} else if (bits(second, 11, 1)) {
			indexed(&t, second);
		} else {
			t.index = (uint8_t)bits(second, 0, 4);
			t.shift = (uint8_t)bits(second, 4, 2);
		}
	}
	if (load && rt == 15)
		t.refill = REFILL_INDIRECT;
	return t;
}

/* LDRD, STRD, exclusive accesses, table branches. */
static struct hf_thumb wide_dual(uint32_t pc, uint16_t first, uint16_t second)
{
	unsigned rn = bits(first, 0, 4);
	bool load = bits(first, 4, 1);
	struct hf_thumb t;

	if ((first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000) {
		t = rn == 15 ? literal(4, 15, pc, 0) : access(4, true, 15, rn, 0);
		if (rn != 15)
			t.index = (uint8_t)bits(second, 0, 4);
		t.shift = (uint8_t)bits(second, 4, 1);
		t.refill = REFILL_INDIRECT;
		return t;
	}
	if (!bits(first, 8, 1) && !bits(first, 5, 1)) { /* LDREX, STREX and their like */
		t = access(4, load, bits(second, 12, 4), rn, 0);
		t.writes = ALL_REGISTERS;
		return t;
	}
	if (rn == 15)
		t = literal(4, bits(second, 12, 4), pc, (int32_t)bits(second, 0, 8) * (bits(first, 7, 1) ? 4 : -4));
	else
		t = access(4, load, bits(second, 12, 4), rn, 0);
	if (load)
		t.writes |= (uint16_t)(1u << bits(second, 8, 4));
	t.cycles = load ? 3 : 2;
	t.accesses = 2;
	if (rn != 15) {
		int32_t offset = (int32_t)bits(second, 0, 8) * (bits(first, 7, 1) ? 4 : -4);

		t.offset = bits(first, 8, 1) ? offset : 0;
		t.step = bits(first, 5, 1) ? offset : 0;
	}
	return t;
}

static struct hf_thumb wide_branch(uint16_t first, uint16_t second)
{
	struct hf_thumb t;

	switch (second >> 12 & 5) {
	case 0: /* conditional branch, or system instruction */
		if (bits(first, 7, 3) != 7)
			return branch(4, REFILL_DIRECT);
		t = plain(4, (first & 0xfff0) == 0xf3e0 ? (uint16_t)(1u << bits(second, 8, 4)) : 0); /* MRS */
		t.cycles = 2;
		return t;
	case 1:
		return branch(4, REFILL_DIRECT);
	default: /* BL */
		t = branch(4, REFILL_DIRECT);
		t.writes = 1u << 14;
		return t;
	}
}

static struct hf_thumb wide_multiply(uint16_t first, uint16_t second)
{
	unsigned rd = bits(second, 8, 4), low = bits(second, 12, 4);
	struct hf_thumb t = plain(4, (uint16_t)(1u << rd));

	if (bits(first, 7, 1)) {
		if ((first & 0xffd0) == 0xfb90)
			t.cycles = DIVIDE_CYCLES;
		else
			t.writes |= (uint16_t)(1u << low);
	} else if ((first & 0xfff0) == 0xfb00 && low != 15) {
		t.cycles = 2; /* MLA, MLS */
	}
	return t;
}

static struct hf_thumb decode_wide(uint32_t pc, uint16_t first, uint16_t second)
{
	uint16_t rd = (uint16_t)(1u << bits(second, 8, 4));
	struct hf_thumb t;

	if ((first & 0xfe40) == 0xe800)
		return multiple(4, bits(first, 4, 1), bits(first, 0, 4), bits(first, 5, 1), second);
	if ((first & 0xfe40) == 0xe840)
		return wide_dual(pc, first, second);
	if ((first & 0xfe00) == 0xea00 || (first & 0xff00) == 0xfa00)
		return plain(4, rd);
	if ((first & 0xf800) == 0xf000)
		return second & 0x8000 ? wide_branch(first, second) : plain(4, rd);
	if ((first & 0xfe00) == 0xf800)
		return wide_single(pc, first, second);
	if ((first & 0xff00) == 0xfb00)
		return wide_multiply(first, second);
	t = plain(4, ALL_REGISTERS); /* coprocessor */
	return t;
}

struct hf_thumb hf_thumb_decode(uint32_t pc, uint16_t first, uint16_t second)
{
	struct hf_thumb t;

	t = hf_thumb_is_wide(first) ? decode_wide(pc, first, second) : decode_narrow(pc, first);
	t.writes &= 0x7fff; /* the PC is no base */
	return t;
}
