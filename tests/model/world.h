/* SPDX-License-Identifier: MIT
 *
 * The world around the policy, as small as it can be: two slots and the recovery partition of one sector and two words each (the head, the
 * content), a few images, a journal that is the fold of its records, and a program that runs, or none.
 *
 * A world is a plain struct; struct packed is its canonical form, by which states are told apart. What is touched while boot
 * or the engine works on it can be cut at each operation: model_cut.
 */
#ifndef HF_MODEL_WORLD_H
#define HF_MODEL_WORLD_H

#include <setjmp.h>

#include "policy.h"
#include "slot.h"
#include "suit.h"

/* Apps, then recoveries. The twin has NEXT's sequence number, and is other firmware. */
enum image { NO_IMAGE, OLDER, FIRST, NEXT, NEXT_TWIN, SECURE, RECOVERY_1, RECOVERY_2, IMAGES };
#define APPS_END RECOVERY_1

struct image_spec {
	const char *name;
	uint8_t component;
	uint8_t security, release;
	bool revoked;       /* the second keyset has no key for it */
	bool grandfathered; /* ... but names it */
};
extern const struct image_spec image_specs[IMAGES];

static inline uint64_t image_sequence(enum image i)
{
	return (uint64_t)image_specs[i].security << 32 | image_specs[i].release;
}

/* What a word holds: nothing, an image's, or one that may read as blank or as an image's; garbage. */
enum { WORD_BLANK = 0, WORD_GARBAGE = 8, WORD_TORN = 16 };

enum mode { MODE_OFF, MODE_APP, MODE_RECOVERY, MODE_STAY };
enum request { REQUEST_NONE, REQUEST_NORMAL, REQUEST_RECOVERY, REQUEST_LAST_RESORT };

struct world {
	struct hf_state state;             /* what the journal says */
	bool blank;                        /* there is no journal */
	bool dead;                         /* its memory takes nothing any more */
	uint8_t keyset;                    /* 0: the factory's */
	uint8_t head[HF_PLACES], content[HF_PLACES];

	uint8_t mode;                      /* enum mode */
	uint8_t cause;                     /* OFF: enum hf_reset_cause of what ended the last run */
	uint8_t request;                   /* OFF: enum request, in the backup registers */
	uint8_t place;                     /* what runs was started from here */
	uint8_t image;                     /* what runs */
	bool moving;                       /* a recovery from a slot has not tried yet to take its place */
	bool wished;                       /* recovery: it is not the last that there is */
	bool last_resort;                  /* as handed over */

	/* What really happened, told apart from what the journal says. */
	uint8_t starts[HF_SLOTS];          /* recorded starts without confirmation, since it was activated or given up */
	uint8_t failures[HF_SLOTS];        /* its recorded starts that ended by watchdog or fault, and boot noticed; at most 3 */
	uint8_t proven[HF_SLOTS];          /* enum image: confirmed in this slot, and not found wanting since */
};

struct packed {
	uint8_t byte[36];
};

void world_pack(const struct world *w, struct packed *p);
void world_unpack(struct world *w, const struct packed *p);

/* How an event goes. */
enum cut { CUT_NONE, CUT_BEFORE, CUT_TORN, CUT_TORN_HEAD, CUT_TORN_CONTENT, CUT_FAILS, CUTS };

/* How much room boot finds in the journal. */
enum room { ROOM_ENOUGH, ROOM_LITTLE, ROOM_NONE, ROOMS };

struct course {
	uint8_t cut;       /* enum cut */
	uint8_t cut_at;    /* operation, from 1 */
	uint8_t room;      /* enum room */
	bool torn_reads;   /* torn words read as if they were done */
	bool watchdog;     /* the cut is a reset by the watchdog */
};

/* The world that everything in this file works on, and how. */
struct model {
	struct world w;
	struct course course;
	unsigned operations;      /* so far */
	bool cut_erase[64];       /* operation number n was an erase, */
	bool cut_program[64];     /* or a word */
	jmp_buf lost;
	const char *broken;       /* the rule that was broken; NULL: none */
	unsigned looks[HF_PLACES];
	unsigned records;         /* appended */
	uint8_t upload;           /* enum image that is offered */
	bool any_release;
};
extern struct model model;

extern const struct hf_layout model_layout;
extern const struct hf_flash model_flash;
extern const struct hf_crypto model_crypto;

/* What runs ends. */
void world_turn_off(enum hf_reset_cause cause, enum request request);

void rule(bool holds, const char *text);

/* What a place holds, as it reads in this course; NO_IMAGE: nothing whole. Stable: torn words count as garbage. */
enum image world_image(const struct world *w, unsigned place, bool torn_reads);
enum image world_stable_image(const struct world *w, unsigned place);

/* May this image start under the keyset: by its keys; by them or by its name? */
bool image_signed(const struct world *w, enum image i);
bool image_trusted(const struct world *w, enum image i);

/* The journal's snapshot, by the real hf_state_take_over and hf_state_load on real slots of memory. */
void takeover_check(struct hf_state *state);

#endif
