/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a signed keyset file. What is read lies within the input and does not change when more is known; nobody gets
 * in whose signatures do not verify, and where each would, the thresholds still count distinct keys.
 */
#include <stdlib.h>
#include <string.h>

#include "keyset.h"
#include "tree.h"

static enum hf_err answer;
static unsigned asked;

static enum hf_err played_verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	unsigned sum = 0;

	(void)alg;
	asked++;
	must(message.len > 12 && memcmp(message.ptr, "\x84\x6aSignature1", 12) == 0);
	for (size_t i = 0; i < key.len; i++)
		sum += key.ptr[i];
	for (size_t i = 0; i < signature.len; i++)
		sum += signature.ptr[i];
	return answer == HF_OK || sum % 2 ? answer : HF_ERR_SIGNATURE;
}

static const struct hf_crypto crypto = { .verify = played_verify };

static bool within(struct hf_bytes part, const uint8_t *data, size_t len)
{
	return part.ptr >= data && hf_range_ok((size_t)(part.ptr - data), part.len, len);
}

static unsigned roots(const struct hf_keyset *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->keys; i++)
		n += k->key[i].role == HF_ROLE_ROOT;
	return n;
}

static void check_parts(const struct hf_keyset_file *f, const uint8_t *data, size_t len)
{
	must(within(f->bytes, data, len) && within(f->item, data, len) && within(f->signatures, data, len));
	must(f->bytes.len <= HF_KEYSET_BYTES_MAX && f->count >= 1 && f->count <= HF_KEYSET_MAX_SIGNATURES);
	must(f->keyset.threshold >= 1 && f->keyset.digests <= HF_KEYSET_MAX_DIGESTS);
	for (unsigned i = 0; i < f->keyset.digests; i++)
		must(within((struct hf_bytes){ f->keyset.digest[i], HF_SHA256_BYTES }, data, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_keyset_file file, next;
	struct hf_keyset older;
	uint32_t mask;

	if (hf_keyset_file_parse((struct hf_bytes){ data, len }, &file) != HF_OK)
		return 0;
	check_parts(&file, data, len);
	for (size_t cut = 0; cut < len; cut++)
		must(hf_keyset_file_parse((struct hf_bytes){ data, cut }, &next) != HF_OK);

	/* Its own predecessor, but for the number. */
	older = file.keyset;
	must(hf_keyset_accept(&older, (struct hf_bytes){ data, len }, &crypto, &next) == HF_ERR_KEYSET_NUMBER);
	if (older.number == 0)
		return 0;
	older.number--;
	answer = HF_ERR_SIGNATURE;
	asked = 0;
	must(hf_keyset_accept(&older, (struct hf_bytes){ data, len }, &crypto, &next) == HF_ERR_SIGNATURE);
	must(asked <= 2 * roots(&older)); /* a stranger's file costs one signature's verifications */
	answer = HF_OK;
	if (hf_keyset_accept(&older, (struct hf_bytes){ data, len }, &crypto, &next) == HF_OK) {
		must(roots(&older) >= older.threshold && file.count >= older.threshold);
		must(hf_keyset_signers(&next, &older, &crypto, &mask) == HF_OK && mask != 0);
		must(mask >> older.keys == 0);
	}
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	static const struct tree_word word[] = {
		TREE_WORD("\xa3\x01\x01\x02\x28\x03\x41\x04"), TREE_WORD("\xa3\x01\x00\x02\x38\x2d\x03\x41\x01"), TREE_WORD("\x28"),
		TREE_WORD("\x38\x2d"), TREE_WORD("\x05\x01"), TREE_WORD("\x05\x02"), TREE_WORD("\x06\x81\x58\x20" "01234567890123456789012345678901"),
		TREE_WORD("\x58\x20" "01234567890123456789012345678901"), TREE_WORD("\x20\x41\x00"), TREE_WORD("\x38\x63\x40"),
		TREE_WORD("\x4a\xd2\x84\x43\xa1\x01\x28\xa0\xf6\x41\x01"), TREE_WORD("\x4c\xd2\x84\x44\xa1\x01\x38\x2d\xa0\xf6\x41\x01"),
	};
	static const struct tree_words words = {word, sizeof(word) / sizeof(word[0]), false};

	return tree_mutate_input(data, len, max, seed, &words);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return tree_cross_inputs((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}
