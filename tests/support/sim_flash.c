/* SPDX-License-Identifier: MIT */
#include "sim_flash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static uint32_t next_random(struct sim_flash *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 17;
	f->random ^= f->random << 5;
	return f->random;
}

static uint32_t read_word(struct sim_flash *f, uint32_t index)
{
	uint32_t word = load_le32(f->mem + index * 4u);

	if (f->unstable[index])
		word ^= next_random(f) & f->unstable[index];
	return (word | f->turning[index]) & ~f->turns[f->session % 4][index];
}

static enum hf_err sim_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	struct sim_flash *f = ctx;
	uint8_t *out = buf;

	if (addr < f->base || !hf_range_ok(addr - f->base, len, f->size))
		return HF_ERR_RANGE;
	for (uint32_t at = addr - f->base; len > 0; at++, len--) {
		uint8_t word[4];

		/* A word is read at once where it is wholly wanted, as a bus does. */
		if (at % 4 == 0 && len >= 4) {
			store_le32(word, read_word(f, at / 4));
			memcpy(out, word, 4);
			out += 4;
			at += 3;
			len -= 3;
			continue;
		}
		store_le32(word, read_word(f, at / 4));
		*out++ = word[at % 4];
	}
	return HF_OK;
}

static void lose_power(struct sim_flash *f)
{
	assert(f->power_lost);
	f->cut_at = 0;
	longjmp(*f->power_lost, 1);
}

/* What becomes of bits that a cut operation was about to change: in each of the next four sessions, and so on, they read
 * as before or as done. */
static void unsettle(struct sim_flash *f, uint32_t index, uint32_t bits, bool to_zero)
{
	static const uint8_t done_in[SIM_CUTS] = {
		[SIM_CUT_OLD_NEW] = 0x0a, [SIM_CUT_NEW_OLD] = 0x05, [SIM_CUT_LATE] = 0x0c,
	};
	unsigned done = done_in[f->cut];

	if (f->cut == SIM_CUT_UNSTABLE)
		f->unstable[index] |= bits;
	if (done == 0)
		return;
	f->turning[index] |= bits;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t *zero = &f->turns[(f->session + 1 + i) % 4][index];

		*zero = (done >> i & 1) == to_zero ? *zero | bits : *zero & ~bits;
	}
}

static void tear_word(struct sim_flash *f, uint32_t index, uint32_t data)
{
	uint32_t old = load_le32(f->mem + index * 4u);
	uint32_t clears = old & ~data & ~f->stuck_one[index];

	store_le32(f->mem + index * 4u, old & ~(clears & next_random(f)));
	unsettle(f, index, clears, true);
}

/* From now on the word at `index`, or the sector that it begins, is worn. */
static void wear_out(struct sim_flash *f, uint32_t index, unsigned sector)
{
	const struct hf_span *s = &f->layout->sector[sector];

	if (f->operation != f->wear_at)
		return;
	switch (f->wear) {
	case SIM_WEAR_WORD:
		f->stuck_one[index] = 0xffffffffu;
		break;
	case SIM_WEAR_BITS:
		f->stuck_one[index] |= next_random(f) & next_random(f);
		break;
	case SIM_WEAR_REGION:
		memset(f->stuck_one + index / 64 * 64, 0xff, 256);
		break;
	case SIM_WEAR_ERASE_BITS:
		index = (s->addr - f->base + next_random(f) % s->size) / 4;
		f->stuck_zero[index] |= next_random(f);
		break;
	default:
		f->dead |= 1u << sector;
	}
	f->wear_at = 0;
}

static unsigned sector_of(const struct sim_flash *f, uint32_t index)
{
	unsigned i = 0;

	while (f->base + index * 4u - f->layout->sector[i].addr >= f->layout->sector[i].size)
		i++;
	return i;
}

static enum hf_err program_word(struct sim_flash *f, uint32_t index, uint32_t data)
{
	uint32_t stuck;

	f->operation++;
	if (f->busy)
		f->busy(f->busy_ctx);
	wear_out(f, index, sector_of(f, index));
	stuck = f->stuck_one[index];
	if (f->operation == f->cut_at) {
		if (f->cut != SIM_CUT_BEFORE)
			tear_word(f, index, data);
		lose_power(f);
	}
	f->words++;
	f->unstable[index] &= data;
	f->turning[index] &= data;
	for (unsigned i = 0; i < 4; i++)
		f->turns[i][index] &= data;
	store_le32(f->mem + index * 4u, load_le32(f->mem + index * 4u) & (data | stuck));
	return read_word(f, index) == data ? HF_OK : HF_ERR_FLASH_PROGRAM;
}

static enum hf_err sim_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	struct sim_flash *f = ctx;
	const uint8_t *p = data;

	assert(addr % 4 == 0 && len % 4 == 0);
	if (addr < f->base || !hf_range_ok(addr - f->base, len, f->size))
		return HF_ERR_RANGE;
	for (size_t i = 0; i < len; i += 4) {
		enum hf_err err = program_word(f, (uint32_t)(addr - f->base + i) / 4, load_le32(p + i));

		if (err)
			return err;
	}
	return HF_OK;
}

static void settle_blank(struct sim_flash *f, uint32_t first, uint32_t words)
{
	memset(f->mem + first * 4u, 0xff, words * 4u);
	memset(f->unstable + first, 0, words * 4u);
	memset(f->turning + first, 0, words * 4u);
	for (unsigned i = 0; i < 4; i++)
		memset(f->turns[i] + first, 0, words * 4u);
	for (uint32_t i = first; i < first + words; i++)
		if (f->stuck_zero[i])
			store_le32(f->mem + i * 4u, ~f->stuck_zero[i]);
}

static bool blank(const struct sim_flash *f, uint32_t first, uint32_t words)
{
	for (uint32_t i = first; i < first + words; i++)
		if (load_le32(f->mem + i * 4u) != 0xffffffffu)
			return false;
	return true;
}

/* Some words are as before, some are erased, the rest is between: how many, depends on how far the erase had come. A cut at
 * its very beginning leaves nearly all as it was, and that reads well. */
static void tear_sector(struct sim_flash *f, uint32_t first, uint32_t words)
{
	static const struct {
		uint8_t kept, erased; /* of 256 */
	} stages[] = { { 64, 64 }, { 236, 0 }, { 192, 8 }, { 8, 240 } };
	unsigned stage = next_random(f) >> 9 & 3;

	for (uint32_t i = first; i < first + words; i++) {
		uint32_t old = load_le32(f->mem + i * 4u);
		uint32_t sets = ~old & ~f->stuck_zero[i];
		unsigned dice = next_random(f) >> 7 & 255;

		if (dice < stages[stage].kept)
			continue;
		if (dice < stages[stage].kept + stages[stage].erased) {
			settle_blank(f, i, 1);
			continue;
		}
		store_le32(f->mem + i * 4u, old | (sets & next_random(f)));
		unsettle(f, i, sets, false);
	}
}

static enum hf_err sim_erase(void *ctx, uint32_t addr)
{
	struct sim_flash *f = ctx;

	for (unsigned i = 0; i < f->layout->sectors; i++) {
		const struct hf_span *s = &f->layout->sector[i];
		uint32_t first = (s->addr - f->base) / 4;

		if (s->addr != addr)
			continue;
		f->operation++;
		wear_out(f, first, i);
		if (f->operation == f->cut_at) {
			if (f->cut != SIM_CUT_BEFORE && !(f->dead >> i & 1))
				tear_sector(f, first, s->size / 4);
			lose_power(f);
		}
		f->erases++;
		if (f->dead >> i & 1)
			return HF_ERR_FLASH_ERASE;
		settle_blank(f, first, s->size / 4);
		return blank(f, first, s->size / 4) ? HF_OK : HF_ERR_FLASH_ERASE;
	}
	return HF_ERR_RANGE;
}

void sim_flash_open(struct sim_flash *f, const struct hf_layout *layout)
{
	const struct hf_span *last = &layout->sector[layout->sectors - 1];

	memset(f, 0, sizeof *f);
	f->ops = (struct hf_flash){ f, sim_read, sim_program, sim_erase };
	f->layout = layout;
	f->base = layout->sector[0].addr;
	f->size = last->addr + last->size - f->base;
	f->mem = malloc(f->size);
	f->unstable = calloc(1, f->size);
	f->turning = calloc(1, f->size);
	f->stuck_one = calloc(1, f->size);
	f->stuck_zero = calloc(1, f->size);
	assert(f->mem && f->unstable && f->turning && f->stuck_one && f->stuck_zero);
	for (unsigned i = 0; i < 4; i++) {
		f->turns[i] = calloc(1, f->size);
		assert(f->turns[i]);
	}
	memset(f->mem, 0xff, f->size);
	f->random = 0x2545f491;
}

void sim_flash_close(struct sim_flash *f)
{
	free(f->mem);
	free(f->unstable);
	free(f->turning);
	free(f->stuck_one);
	free(f->stuck_zero);
	for (unsigned i = 0; i < 4; i++)
		free(f->turns[i]);
}

void sim_flash_copy(struct sim_flash *to, const struct sim_flash *from)
{
	assert(to->size == from->size);
	memcpy(to->mem, from->mem, from->size);
	memcpy(to->unstable, from->unstable, from->size);
	memcpy(to->turning, from->turning, from->size);
	memcpy(to->stuck_one, from->stuck_one, from->size);
	memcpy(to->stuck_zero, from->stuck_zero, from->size);
	for (unsigned i = 0; i < 4; i++)
		memcpy(to->turns[i], from->turns[i], from->size);
	to->dead = from->dead;
	to->random = from->random;
	to->session = from->session;
	to->operation = 0;
	to->cut_at = 0;
	to->wear_at = 0;
}

void sim_flash_stick(struct sim_flash *f, uint32_t addr, uint32_t ones, uint32_t zeros)
{
	uint32_t index = (addr - f->base) / 4;

	assert(addr >= f->base && addr - f->base < f->size);
	f->stuck_one[index] = ones;
	f->stuck_zero[index] = zeros;
}

void sim_flash_power_on(struct sim_flash *f)
{
	f->session++;
}
