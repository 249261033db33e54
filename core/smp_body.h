/* SPDX-License-Identifier: MIT
 *
 * The CBOR of SMP's bodies as peers really write it.
 *
 * core/cbor.h takes the one canonical encoding, since a signature stands on it. Nothing is signed in an SMP body, and peers
 * differ: zcbor (Zephyr, MCUboot) and Jackson send maps and arrays of indefinite length, some pad numbers, and unknown keys
 * may hold anything. Containers and what is skipped are therefore read with these; the items in them with cbor.h.
 */
#ifndef HF_SMP_BODY_H
#define HF_SMP_BODY_H

#include "cbor.h"

struct hf_smp_items {
	struct hf_cbor_reader *r;
	uint32_t left;
	bool open; /* of indefinite length */
};

/* Enters a map (an item is then a pair) or an array. */
void hf_smp_items_begin(struct hf_smp_items *it, struct hf_cbor_reader *r, enum hf_cbor_major major);

/* Whether there is another item, which the caller then reads wholly. False at the end, and after an error in r. */
bool hf_smp_items_next(struct hf_smp_items *it);

/* Skips any well-formed item nested at most HF_CBOR_DEPTH deep; HF_ERR_UNSUPPORTED beyond. */
void hf_smp_skip(struct hf_cbor_reader *r);

/* An unsigned number, not necessarily in its shortest form. */
uint64_t hf_smp_uint(struct hf_cbor_reader *r);

/* Whether a text is this word. */
bool hf_smp_is(struct hf_bytes text, const char *word);

#endif
