/* SPDX-License-Identifier: MIT
 *
 * What lies in flash after a flow, part by part: bits to be flipped one by one.
 */
#ifndef HF_CAMPAIGN_STORED_H
#define HF_CAMPAIGN_STORED_H

#include "lab.h"

enum stored_part {
	STORED_JOURNAL,  /* the used part of both sectors, and two slots behind */
	STORED_BLANK,    /* the rest of them */
	STORED_HEAD,     /* of a slot: wrapper and manifest */
	STORED_TABLE,
	STORED_IMAGE,
	STORED_RECOVERY, /* recovery's partition: all of it that is used */
	STORED_PARTS,
	STORED_ALL = STORED_PARTS,
};

#define STORED_REGIONS 24u

struct stored {
	struct {
		enum stored_part part;
		uint32_t addr, bytes;
	} region[STORED_REGIONS];
	unsigned regions;
};

void stored_survey(struct stored *s, struct lab *lab);
uint32_t stored_bits(const struct stored *s, unsigned part);
/* Where bit `n` of a part is; n counts modulo their number. */
void stored_bit(const struct stored *s, unsigned part, uint32_t n, uint32_t *addr, uint32_t *mask);

#endif
