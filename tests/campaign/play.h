/* SPDX-License-Identifier: MIT
 *
 * Plays cases of one flow: strikes with the fault, then lets the device come back and the flow judge.
 */
#ifndef HF_CAMPAIGN_PLAY_H
#define HF_CAMPAIGN_PLAY_H

#include "fault.h"
#include "share.h"

/* The classes' parameters. */
enum cut_kind { CUT_BEFORE, CUT_TORN, CUT_UNSTABLE, CUT_BROWN_OUT, CUT_WATCHDOG, CUT_PIN };
enum memory_kind { MEMORY_STUCK, MEMORY_WORN_FLAGGED, MEMORY_WORN_SILENT, MEMORY_DISTURB, MEMORY_UNSTABLE };
enum peer_kind { PEER_GONE, PEER_LIES };
enum clock_kind { CLOCK_LSI, CLOCK_HSI, CLOCK_FLASH };

enum verdict { SURVIVED, SHARED, FAILED, BRICKED };

/* What strikes a device, while it does. */
struct strike {
	bool until_erase, erased; /* the power goes after an erase; it came to that */
	bool struck, was_reset; /* since a cut was armed: it came; and the device was reset by it */
	uint8_t peer;           /* enum peer_kind */
	unsigned frames, frame; /* of the client: sent so far, the one that is meddled with */
	uint32_t seed;
	uint8_t old[4096];      /* an earlier frame */
	size_t old_len;
};

struct player {
	struct campaign *c;
	const struct flow *flow;
	unsigned number;      /* of the flow: what is shared is shared within it */
	struct tape tape;
	struct stored stored; /* after the flow */
	struct share *share;  /* NULL: nothing is shared */
	struct strike strike;

	/* The case that is played. */
	uint64_t kind;        /* what besides flash and registers decides how it goes on */
	bool resting;         /* it was reset this very moment */
	uint64_t asked[16];   /* keys of states that it came through */
	unsigned asks;
};

/* Records the flow from where the twin is. NULL, or what went wrong. */
const char *player_open(struct player *p, struct campaign *c, const struct flow *flow, unsigned number,
			struct share *share);
void player_close(struct player *p);

/* *why: what went wrong (static storage), of FAILED and BRICKED. */
enum verdict player_play(struct player *p, const struct test_case *k, const char **why);

#endif
