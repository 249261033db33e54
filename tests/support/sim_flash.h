/* SPDX-License-Identifier: MIT
 *
 * Flash in memory that behaves as badly as core/flash.h allows, for tests on the host.
 *
 * A cut ends the session with a longjmp, as a power loss ends it on the device: nothing behind it runs. What the cut
 * operation touched can read differently from then on, until it is programmed with zeros, programmed again with the
 * same, or erased. Words that no longer program, bits and sectors that no longer erase are there from the beginning or come
 * at any operation.
 */
#ifndef HF_SIM_FLASH_H
#define HF_SIM_FLASH_H

#include <setjmp.h>

#include "flash.h"
#include "layout.h"

enum sim_cut {
	SIM_CUT_NONE,
	SIM_CUT_BEFORE,   /* the operation does not begin */
	SIM_CUT_TORN,     /* it is done in part, and stays as it is */
	SIM_CUT_UNSTABLE, /* done in part, and what it touched reads differently each time */
	SIM_CUT_OLD_NEW,  /* reads as before in the next session, as if done in the one after that, and so on */
	SIM_CUT_NEW_OLD,  /* the other way round */
	SIM_CUT_LATE,     /* as before in the next two sessions, as if done in the two after them, and so on */
	SIM_CUTS,
};

/* What wears out. Bits are chosen at random. */
enum sim_wear {
	SIM_WEAR_WORD,        /* a word does not program: all of its bits stay 1 (an erase: its sector's first) */
	SIM_WEAR_BITS,        /* some bits of a word stay 1 */
	SIM_WEAR_REGION,      /* 256 bytes do not program */
	SIM_WEAR_ERASE_BITS,  /* some bits of a word stay 0 when it is erased */
	SIM_WEAR_ERASE,       /* the sector does not erase any more */
	SIM_WEARS,
};

struct sim_flash {
	struct hf_flash ops;       /* hand &ops to core */
	const struct hf_layout *layout;
	uint32_t base, size;
	uint8_t *mem;
	uint32_t *unstable;        /* a mask a word */
	uint32_t *turns[4];        /* a mask a word: bits that read 0 in sessions with this number modulo 4 */
	uint32_t *turning;         /* a mask a word: bits that read 1 in the other sessions */
	uint32_t random;
	unsigned session;

	unsigned long operation;   /* operations so far: a word or a sector each */
	unsigned long cut_at;      /* operation number that is cut, from 1; 0: none. A cut is good for once */
	enum sim_cut cut;
	jmp_buf *power_lost;
	unsigned long erases, words;

	void (*busy)(void *ctx);   /* called while a word is programmed, as a driver's hook is; NULL: nothing */
	void *busy_ctx;

	uint32_t *stuck_one;       /* a mask a word: bits that no program clears any more */
	uint32_t *stuck_zero;      /* a mask a word: bits that no erase sets any more */
	uint32_t dead;             /* bit n: erases of sector n do nothing, and are reported as failed */
	unsigned long wear_at;     /* from this operation number on, what it touches is worn; 0: none. Good for once */
	enum sim_wear wear;
};

void sim_flash_open(struct sim_flash *f, const struct hf_layout *layout);
void sim_flash_close(struct sim_flash *f);

/* The word programs no more, or (zeros) erases no more, in these bits. 0: it is healed. */
void sim_flash_stick(struct sim_flash *f, uint32_t addr, uint32_t ones, uint32_t zeros);

/* Copies contents, instability and wear; both have the same layout. */
void sim_flash_copy(struct sim_flash *to, const struct sim_flash *from);

/* A new session: power is back. */
void sim_flash_power_on(struct sim_flash *f);

#endif
