/* SPDX-License-Identifier: MIT
 *
 * The ways into a device, best first, and what one way's failure means for the next.
 *
 * A table and not code, so that it can be read, and tested, row by row. Two rules stand behind it. A next way is only taken
 * for a failure that it can cure: a package that is refused is refused on every way, since boot asks the same questions; a
 * line that damages bytes damages recovery's, too. And a later way never undoes what an earlier one found out: what the
 * device or its owner forbids is not gone around.
 */
#ifndef HF_WAY_H
#define HF_WAY_H

#include "burn.h"

enum hf_way {
	HF_WAY_FIRMWARE, /* the firmware that runs */
	HF_WAY_RECOVERY,
	HF_WAY_ROM,      /* the chip's own loader */
	HF_WAYS          /* none */
};

/* Sets of ways. */
#define HF_WAY_BIT(way) (1u << (way))
#define HF_WAY_ALL      ((1u << HF_WAYS) - 1)

/* How a way ended. */
enum hf_way_end {
	HF_END_DONE,
	HF_END_NOBODY,      /* nothing answered */
	HF_END_LINE,        /* somebody speaks and cannot be understood */
	HF_END_SILENT,      /* it answered, and then no more */
	HF_END_PORT_GONE,
	HF_END_PACKAGE,     /* damaged */
	HF_END_REFUSED,     /* signature, keyset, vendor, class, device, version, policy */
	HF_END_DENIED,      /* the device takes changes only from a key's holder */
	HF_END_BUSY,        /* it has something else to do, or runs firmware that does not confirm itself */
	HF_END_MEMORY,      /* a sector does not erase, a word does not program */
	HF_END_SENSELESS,   /* answers that contradict the protocol */
	HF_END_CHECK,       /* a check before the upgrade */
	HF_END_ROLLED_BACK,
	HF_END_UNCONFIRMED, /* the new firmware runs, and does not confirm itself */
	HF_END_NO_ANSWER,   /* after the reset that starts it */
	HF_END_CLOSED,      /* readout protection: the loader can only erase everything */
	HF_END_INTERRUPTED,
	HF_ENDS
};

struct hf_way_next {
	enum hf_way way;  /* HF_WAYS: none */
	const char *why;  /* a sentence about going on, or about not doing so; never NULL but for HF_END_DONE */
};

struct hf_way_next hf_way_next(enum hf_way way, enum hf_way_end end);

/* How a burn ended; for the ROM way as well, whose errors are put into a result. */
enum hf_way_end hf_way_end_of(const struct hf_burn_result *r);

const char *hf_way_text(enum hf_way way);  /* "firmware", "recovery", "rom" */
const char *hf_way_name(enum hf_way way);  /* in a sentence: "the running firmware", "recovery", "the chip's ROM loader" */
const char *hf_way_end_text(enum hf_way_end end); /* "nobody" */

/* "auto", "firmware", "recovery", "rom"; "smp": the first two. False: none of them. */
bool hf_way_parse(const char *text, unsigned *ways);

#endif
