/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a keyset. What is accepted is within its limits and within the input, and does not depend on what
 * follows it.
 */
#include <stdlib.h>
#include <string.h>

#include "keyset.h"
#include "tree.h"

static void must_be_equal(const struct hf_keyset *a, const struct hf_keyset *b)
{
	must(a->number == b->number && a->keys == b->keys && a->algs == b->algs);
	must(memcmp(a->alg, b->alg, a->algs * sizeof(a->alg[0])) == 0);
	for (unsigned i = 0; i < a->keys; i++) {
		const struct hf_key *x = &a->key[i], *y = &b->key[i];
		must(x->role == y->role && x->alg == y->alg && x->public_key.len == y->public_key.len);
		must(memcmp(x->public_key.ptr, y->public_key.ptr, x->public_key.len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_keyset keyset, again;
	size_t used, used_again;

	if (hf_keyset_parse((struct hf_bytes){ data, len }, &keyset, &used) != HF_OK)
		return 0;
	must(used > 0 && used <= len);
	must(keyset.keys >= 1 && keyset.keys <= HF_KEYSET_MAX_KEYS);
	must(keyset.algs >= 1 && keyset.algs <= HF_KEYSET_MAX_ALGS);
	for (unsigned i = 0; i < keyset.keys; i++) {
		must(keyset.key[i].role <= HF_ROLE_SITE);
		must(keyset.key[i].public_key.ptr >= data);
		must(keyset.key[i].public_key.ptr + keyset.key[i].public_key.len <= data + used);
	}
	uint8_t *exact = malloc(used);
	memcpy(exact, data, used);
	must(hf_keyset_parse((struct hf_bytes){ exact, used }, &again, &used_again) == HF_OK);
	must(used_again == used);
	must_be_equal(&keyset, &again);
	for (size_t cut = 0; cut < used; cut++)
		must(hf_keyset_parse((struct hf_bytes){ exact, cut }, &again, &used_again) == HF_ERR_TRUNCATED);
	free(exact);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	static const struct tree_word word[] = {
		TREE_WORD("\xa3\x01\x01\x02\x28\x03\x41\x04"), TREE_WORD("\xa3\x01\x00\x02\x38\x2d\x03\x41\x01"), TREE_WORD("\x28"),
		TREE_WORD("\x38\x2d"), TREE_WORD("\x05\x01"), TREE_WORD("\x05\x02"), TREE_WORD("\x06\x81\x58\x20" "01234567890123456789012345678901"),
		TREE_WORD("\x58\x20" "01234567890123456789012345678901"), TREE_WORD("\x20\x41\x00"), TREE_WORD("\x38\x63\x40"),
	};
	static const struct tree_words words = {word, sizeof(word) / sizeof(word[0]), false};

	return tree_mutate_input(data, len, max, seed, &words);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return tree_cross_inputs((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}
