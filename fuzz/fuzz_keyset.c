/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a keyset. What is accepted is within its limits and within the input, and does not depend on what
 * follows it.
 */
#include <stdlib.h>
#include <string.h>

#include "keyset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool holds)
{
	if (!holds)
		abort();
}

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
