/* SPDX-License-Identifier: MIT
 *
 * The cycle model: what a basic block costs.
 *
 * A block's own cycles are added up once (thumb.h) and kept. What depends on history is charged each time it runs: the
 * flash lines it is fetched from, through the model of the accelerator (64 lines of 128 bits for instructions, 8 for
 * data, least recently used, prefetch of the next line), and the flash lines that its loads touch. The address of a
 * load is known when it is a literal, or when its registers still have the values from the block's entry (plus what the
 * block adds to them); other loads are charged as if from RAM. That misses loads whose address was computed or loaded
 * in the same block, and costs a tenth of the speed, where a hook on every load would cost a third.
 *
 * Code in RAM is fetched over the bus that its data comes over, and pays a cycle for each access.
 */
#ifndef HF_TWIN_COST_H
#define HF_TWIN_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HF_ART_ILINES 64
#define HF_ART_DLINES 8
#define HF_COST_BLOCKS 8192 /* a power of two */

enum {
	BLOCK_FLASH = 1,  /* fetched from flash */
	BLOCK_RAM = 2,    /* from RAM: its bytes may have changed */
	BLOCK_NATIVE = 4, /* the entry of a function that is answered natively */
	BLOCK_WATCHED = 8,
	BLOCK_ROM = 16,   /* the ROM loader's, which is a model: rom.c */
};

struct hf_block {
	uint32_t pc;
	uint32_t check;       /* of the bytes, for code in RAM */
	uint32_t details;     /* index: literals, then loads */
	uint16_t size;
	uint16_t insns;
	uint16_t cycles;      /* without wait states, and if it does not branch */
	uint16_t registers;   /* that the loads' addresses need */
	uint16_t first_line;
	uint8_t lines;
	uint8_t line_cycles;  /* cycles spent in one line, on average */
	uint8_t refill;
	uint8_t flags;
	uint8_t literals, loads;
	uint8_t branch;       /* bytes of the conditional branch at the end; 0: there is none */
};

struct hf_cost {
	struct hf_block *block; /* HF_COST_BLOCKS */
	uint32_t *detail;
	uint32_t details, details_cap;
	uint8_t line_slot[65536]; /* flash line -> slot of the instruction cache + 1; derived from hf_art */
};

/* State of the accelerator: plain, part of snapshots. */
struct hf_art {
	uint8_t wait;         /* ACR LATENCY */
	bool prefetch, icache, dcache;
	uint8_t used;         /* instruction lines in use */
	uint8_t next[HF_ART_ILINES + 1], prev[HF_ART_ILINES + 1]; /* ring, most recent first; last index: its head */
	uint16_t tag[HF_ART_ILINES];
	uint32_t dtag[HF_ART_DLINES]; /* line, most recent first; UINT32_MAX: none */
	uint32_t buffer;      /* line in the fetch buffer, which is all there is without cache */
	uint32_t dbuffer;
};

bool hf_cost_open(struct hf_cost *cost);
void hf_cost_close(struct hf_cost *cost);
/* Code has changed: forget all blocks; those that reach into [addr, addr + size). */
void hf_cost_flush(struct hf_cost *cost);
void hf_cost_forget(struct hf_cost *cost, uint32_t addr, uint32_t size);
void hf_art_reset_icache(struct hf_art *art, struct hf_cost *cost);
void hf_art_reset_dcache(struct hf_art *art);
/* art is replaced (snapshot): before, and after, to derive line_slot again. */
void hf_art_forget(const struct hf_art *art, struct hf_cost *cost);
void hf_art_restored(const struct hf_art *art, struct hf_cost *cost);

/* Makes the block's row. code: its bytes. */
struct hf_block *hf_cost_make(struct hf_cost *cost, uint32_t pc, uint32_t size, const uint8_t *code, uint8_t flags);
uint32_t hf_cost_check(const uint8_t *code, uint32_t size);

/* Cycles of waiting for instructions; of waiting for data, given the registers at its entry. flash_read receives the
 * address of a flash read, or is left alone. */
uint32_t hf_cost_fetch(struct hf_cost *cost, struct hf_art *art, const struct hf_block *block);
uint32_t hf_cost_data(const struct hf_cost *cost, struct hf_art *art, const struct hf_block *block,
		      const uint32_t registers[16], uint32_t *flash_read);

/* Which instruction of a block would access addr, with the registers as they are: its PC, or the block's if none.
 * cycles and insns receive those from it to the block's end. */
uint32_t hf_cost_locate(uint32_t pc, uint32_t size, const uint8_t *code, const uint32_t registers[16], uint32_t addr,
			uint32_t *insns, uint32_t *cycles);

static inline struct hf_block *hf_cost_find(struct hf_cost *cost, uint32_t pc, uint32_t size)
{
	uint32_t at = (pc >> 1 ^ pc >> 14) & (HF_COST_BLOCKS - 1);
	struct hf_block *block = &cost->block[at];

	if (block->pc == pc && block->size == size)
		return block;
	block = &cost->block[at ^ 1];
	return block->pc == pc && block->size == size ? block : NULL;
}

#endif
