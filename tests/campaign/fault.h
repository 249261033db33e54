/* SPDX-License-Identifier: MIT
 *
 * The kinds of faults: a table, a row each; and cases, which are one fault or several in a row.
 *
 * A case is a line of text and nothing else: BOARD/LAYOUT/FLOW FAULT@INSTANT#SEED[+FAULT@INSTANT#SEED...]. What an instant
 * counts is the class's: operations or instructions of the flow, frames or bytes of the client, bits of what is stored, steps
 * of a tolerance. From the second step on it counts from the restart before. Everything random comes from the seed.
 */
#ifndef HF_CAMPAIGN_FAULT_H
#define HF_CAMPAIGN_FAULT_H

#include "stored.h"
#include "tape.h"

#define CASE_STEPS 24u
#define CASE_TEXT  (CASE_STEPS * 40u)

enum fault_class {
	FAULT_CUT,      /* the chip's work ends at an operation of flash */
	FAULT_BETWEEN,  /* ... or between two, at an instruction */
	FAULT_REPEATED, /* several of these, the next in the recovery from the one before */
	FAULT_MEMORY,   /* flash does not do what it is told, from the flow's begin on */
	FAULT_LINE,     /* bytes are damaged on the wire */
	FAULT_PEER,     /* the client vanishes, stalls or lies at one of its frames */
	FAULT_CLOCK,    /* oscillators and flash are off what they should be */
	FAULT_STORED,   /* bits of what is stored flip while the device is off, after the flow */
};

/* Which of a fault's instants the whole campaign (plan.h) plays. */
enum fault_extent {
	FAULT_SHARE, /* a share of them */
	FAULT_EACH,  /* each, in every flow */
	FAULT_ONCE,  /* each in the flow CASE_EVERY_FLOW; in the others a share */
	FAULT_HALF,  /* as FAULT_ONCE, but half of them in the first three turns (plan.h), half in the others */
	FAULT_HOURS, /* as FAULT_ONCE where it may take hours; else a share */
};

struct fault {
	const char *name; /* NULL ends the table */
	enum fault_class class;
	unsigned parameter; /* the class's: how a cut is, which line fault, which part of what is stored */
	unsigned share;     /* of the quota, in percent: what is quick is played often */
	enum fault_extent extent;
};

#define CASE_EVERY_FLOW "upgrade"

extern const struct fault fault_table[];
unsigned fault_count(void);
const struct fault *fault_named(const char *name, size_t len); /* NULL: none */

/* The cuts that a FAULT_REPEATED may consist of come first in the table. */
#define FAULT_CUTS 6u

struct step {
	uint8_t fault; /* row */
	uint32_t instant, seed;
};

struct test_case {
	unsigned steps;
	struct step step[CASE_STEPS];
};

/* How many instants a fault has in a flow. */
uint32_t fault_instants(const struct fault *f, const struct tape *t, const struct stored *s);

/* The steps of a case that the plan names by row, instant and seed. */
void case_expand(struct test_case *out, unsigned row, uint32_t instant, uint32_t seed, const struct tape *t);

void case_print(const struct test_case *k, char text[CASE_TEXT]);
bool case_parse(const char *text, struct test_case *out);

/* A number from a seed and a purpose, evenly spread. */
uint64_t case_random(uint32_t seed, uint32_t purpose);

#endif
