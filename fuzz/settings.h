/* SPDX-License-Identifier: MIT
 *
 * Files in libconfig's format, changed as a tree of settings: numbers to their limits, texts to other texts, settings away,
 * twice and elsewhere.
 */
#ifndef HF_FUZZ_SETTINGS_H
#define HF_FUZZ_SETTINGS_H

#include "mutate.h"

/* The whole of a mutator, with a share of plain bytes. `texts`: values that strings may have, NULL at the end. */
size_t settings_mutate_input(uint8_t *data, size_t len, size_t max, unsigned seed, const char *const *texts);

/* A group or setting of the other one in the place of the same of this one. */
size_t settings_cross_inputs(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed);

/* What libconfig makes of a text, written again; NULL: it is none. To be freed. */
char *settings_again(const char *text);

#endif
