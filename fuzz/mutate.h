/* SPDX-License-Identifier: MIT
 *
 * What the structure-aware mutators share. libFuzzer hands a mutator a seed and nothing else, so all chance comes from it:
 * the same seed and input give the same mutant.
 */
#ifndef HF_FUZZ_MUTATE_H
#define HF_FUZZ_MUTATE_H

#include "bytes.h"

/* libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed);

/* An oracle: aborts unless it holds. */
void must(bool holds);

struct chance {
	uint64_t state;
};

void chance_begin(struct chance *c, unsigned seed);
uint32_t chance_below(struct chance *c, uint32_t n); /* 0 .. n - 1; n 0: 0 */
bool chance_one_in(struct chance *c, uint32_t n);

/* A number that may be a limit: of a width, of what is `near`, or nothing special. */
uint64_t chance_number(struct chance *c, uint64_t near);

/* Inputs that are a row of steps, each of as many bytes as `measure` says (1 .. len). */
typedef size_t step_measure(const uint8_t *step, size_t len);

struct steps {
	step_measure *measure;
	size_t (*change)(struct chance *c, uint8_t *step, size_t len, size_t max); /* one step; returns its new length */
	size_t (*make)(struct chance *c, uint8_t *step, size_t max);               /* a new one; 0: none */
	unsigned bytes_one_in, most; /* of a fuzzer: how often bytes change instead; how many steps at a time */
};

/* Of a fuzzer that links steps.c and is no more than its steps. */
extern const struct steps fuzz_steps;

/* Changes, makes, drops, repeats or moves a step. Returns the new length. */
size_t steps_mutate(const struct steps *s, struct chance *c, uint8_t *data, size_t len, size_t max);

/* The first steps of the one, the last ones of the other. */
size_t steps_cross(const struct steps *s, struct chance *c, struct hf_bytes one, struct hf_bytes other, uint8_t *out,
		   size_t max);

/* Replaces [at, at + gone) by `by`; false: no room, or no such range. `by` may not lie in data. */
bool splice(uint8_t *data, size_t *len, size_t max, size_t at, size_t gone, struct hf_bytes by);

#endif
