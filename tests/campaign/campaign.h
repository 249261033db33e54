/* SPDX-License-Identifier: MIT
 *
 * What the campaign's engine (campaign.c) and its flows (flows.c) share.
 */
#ifndef HF_CAMPAIGN_H
#define HF_CAMPAIGN_H

#include "lab.h"
#include "witness.h"

/* What the fault may have harmed for good, for who judges how the device came back: nothing of it where only the power went, the
 * line was bad or the clocks were off. */
struct campaign_harm {
	bool stored; /* bits of what was stored are not what they were */
	bool memory; /* some words of flash do not do what they are told, now or from some erase on */
	bool resets; /* the chip was reset otherwise than by a loss of power: that counts against a trial, and may ask for recovery */
};

/* What the journal has said so far in this case: none of it may be lost. */
struct campaign_history {
	uint64_t newest;
	uint32_t floor;
	bool confirmed; /* some firmware is */
};

struct player;

struct campaign {
	struct lab lab;
	const char *layout;              /* of the images */
	struct lab_package small, hang;  /* firmware that is short; one that hangs */
	struct lab_package secure;       /* short, of a higher security version */
	struct lab_package later;        /* 1.1.0 of the gateway */
	struct lab_package secure_later; /* the same, of a higher security version */
	struct lab_package recovery;     /* the factory's successor */
	struct hf_buffer bare;           /* a factory's flash that is short: boot, keyset, `small` in slot A */
	struct hf_buffer next_keyset;    /* signed */
	struct hf_keyset_file next;      /* the same, taken apart */
	uint8_t old_id[HF_SHA256_BYTES]; /* of the factory's firmware, and recovery */
	uint8_t old_recovery_id[HF_SHA256_BYTES];
	const char *packages;            /* their folder; in it `hostile`, of what must be refused */
	char why[160];
	struct witness witness;
	struct campaign_harm harm;
	struct campaign_history history;
	const struct flow *flow;         /* that is played */
	struct player *player;           /* whose case is played; NULL: the flow runs without a fault */
};

/* Makes the laboratory and reads all packages, for images in the layout that this folder has (packages.c). Exits with a
 * sentence where something is missing. `elf`: lab_open. */
void campaign_open(struct campaign *c, const char *board, const char *dir, const char *const elf[]);

/* Each function: NULL, or a sentence that says what went wrong (static storage). */
struct flow {
	const char *name;                             /* NULL ends the table */
	const char *(*prepare)(struct campaign *c);   /* from the end of the first flow; not cut. NULL: nothing */
	const char *(*run)(struct campaign *c);       /* what is cut */
	const char *(*again)(struct campaign *c);     /* what a user does after the first cut, when a second one comes */
	const char *(*come_back)(struct campaign *c); /* from a device without power, after the cuts */
	/* Which contents of a kind (enum hf_longrec_kind) the journal may hold, from 0 on; ptr NULL: no more. Length 0: none. NULL:
	 * never any. */
	struct hf_bytes (*kept)(const struct campaign *c, unsigned kind, unsigned which);
	bool recovery; /* it may be wished for, or be all that is left */
	bool slow;     /* a case takes a tenth of a second or more: fewer are played */
	bool bare;     /* begins with a blank chip: there is nothing yet that could outlive harm to memory */
};

extern const struct flow campaign_flows[];

/* invariants.c: begins a case of c->flow where the twin is now; from then on every start is judged as soon as something runs,
 * and what is wrong becomes an error of the laboratory (lab.errors). */
void campaign_watch(struct campaign *c);
/* The same for one instant: NULL, or what is wrong. */
const char *campaign_judge(struct campaign *c);
/* Is it firmware, or recovery, of one of our packages? */
bool campaign_is_ours(const struct campaign *c, const uint8_t id[HF_SHA256_BYTES]);

/* For come_back and again, at an instant from which on all depends on nothing but what the chip keeps without power and on
 * `phase` (a number of the flow's own): the device has no power, or it was just told to reset and nobody has heard of it
 * since. True: how that ends is known from another case, and the function has to return campaign_same at once. */
bool campaign_known(struct campaign *c, unsigned phase);
extern const char campaign_same[];

/* Flash operations since the twin was made. */
uint64_t campaign_ops(struct campaign *c);
void campaign_restore(struct campaign *c, const struct hf_twin_snapshot *snapshot);

#endif
