/* SPDX-License-Identifier: MIT
 *
 * libFuzzer's mutator for inputs that are a row of steps, and nothing else.
 */
#include "mutate.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	struct chance c;

	chance_begin(&c, seed);
	if (chance_one_in(&c, fuzz_steps.bytes_one_in))
		return LLVMFuzzerMutate(data, len, max);
	for (unsigned n = 1 + chance_below(&c, fuzz_steps.most); n > 0; n--)
		len = steps_mutate(&fuzz_steps, &c, data, len, max);
	return len;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	struct chance c;

	chance_begin(&c, seed);
	return steps_cross(&fuzz_steps, &c, (struct hf_bytes){ data1, len1 }, (struct hf_bytes){ data2, len2 }, out, max);
}
