/* SPDX-License-Identifier: MIT
 *
 * Not Mbed TLS's signing: it keeps all one-time keys on the heap, makes the whole tree anew for each signature, and its
 * counter cannot be set, which is just what must come from a file here. The leaves (32 KiB) are kept in a file beside the
 * key; they are public and prove themselves, because the tree over them has to have the public key's root.
 *
 * A step of a chain hashes 55 bytes, which is one block with its padding; so the block is laid out once a chain.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* a single block of SHA-256: only the old interface has it */
#include "lms_key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "host_crypto.h"

#define TYPE_H10 6
#define TYPE_W8  4

#define NUMBER_AT 16
#define WHAT_AT   20
#define STEP_AT   22
#define VALUE_AT  23
#define BLOCK     64
#define C_INDEX   0xfffd /* in place of a chain's: the randomizer's */

enum { D_PUBLIC = 0x80, D_MESSAGE = 0x81, D_LEAF = 0x82, D_NODE = 0x83 };

static const uint8_t *id_of(const struct hf_lms_key *key)
{
	return key->public_key + HF_LMS_PUBLIC_ID;
}

/* id || number || what, what: the beginning of everything that is hashed. */
static void put_begin(const struct hf_lms_key *key, uint32_t number, uint16_t what, uint8_t begin[22])
{
	memcpy(begin, id_of(key), HF_LMS_ID_BYTES);
	store_be32(begin + NUMBER_AT, number);
	store_be16(begin + WHAT_AT, what);
}

/* x[q][i], or the secret part of C. */
static void put_secret(const struct hf_lms_key *key, uint32_t leaf, uint16_t index, uint8_t out[HF_SHA256_BYTES])
{
	uint8_t text[VALUE_AT + HF_LMS_SEED_BYTES];

	put_begin(key, leaf, index, text);
	text[STEP_AT] = 0xff;
	memcpy(text + VALUE_AT, key->seed, HF_LMS_SEED_BYTES);
	SHA256(text, sizeof(text), out);
	OPENSSL_cleanse(text, sizeof(text));
}

/* The value of chain `index` after `steps` steps. */
static void run_chain(const struct hf_lms_key *key, uint32_t leaf, unsigned index, unsigned steps,
		      uint8_t value[HF_SHA256_BYTES])
{
	uint8_t block[BLOCK] = {0};
	SHA256_CTX start, hash;

	SHA256_Init(&start);
	put_begin(key, leaf, (uint16_t)index, block);
	block[VALUE_AT + HF_SHA256_BYTES] = 0x80;
	store_be16(block + BLOCK - 2, 8 * (VALUE_AT + HF_SHA256_BYTES));
	put_secret(key, leaf, (uint16_t)index, block + VALUE_AT);
	for (unsigned step = 0; step < steps; step++) {
		block[STEP_AT] = (uint8_t)step;
		hash = start;
		SHA256_Transform(&hash, block);
		for (unsigned i = 0; i < 8; i++)
			store_be32(block + VALUE_AT + 4 * i, hash.h[i]);
	}
	memcpy(value, block + VALUE_AT, HF_SHA256_BYTES);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&hash, sizeof(hash));
}

static void make_leaf(const struct hf_lms_key *key, uint32_t leaf, uint8_t out[HF_SHA256_BYTES])
{
	uint8_t begin[22], ends[HF_LMS_CHAINS][HF_SHA256_BYTES];
	SHA256_CTX hash;

	for (unsigned i = 0; i < HF_LMS_CHAINS; i++)
		run_chain(key, leaf, i, HF_LMS_CHAIN_STEPS, ends[i]);
	SHA256_Init(&hash);
	put_begin(key, leaf, D_PUBLIC << 8 | D_PUBLIC, begin);
	SHA256_Update(&hash, begin, sizeof(begin));
	SHA256_Update(&hash, ends, sizeof(ends));
	SHA256_Final(out, &hash);
	SHA256_Init(&hash);
	put_begin(key, HF_LMS_LEAVES + leaf, D_LEAF << 8 | D_LEAF, begin);
	SHA256_Update(&hash, begin, sizeof(begin));
	SHA256_Update(&hash, out, HF_SHA256_BYTES);
	SHA256_Final(out, &hash);
}

/* The root; path, unless NULL, gets what leaf needs to reach it. level is as large as the leaves, and is used up. */
static void climb(const struct hf_lms_key *key, uint8_t (*level)[HF_SHA256_BYTES], uint32_t leaf, uint8_t *path,
		  uint8_t root[HF_SHA256_BYTES])
{
	for (uint32_t width = HF_LMS_LEAVES; width > 1; width /= 2, leaf /= 2) {
		if (path) {
			memcpy(path, level[leaf ^ 1], HF_SHA256_BYTES);
			path += HF_SHA256_BYTES;
		}
		for (uint32_t i = 0; i < width / 2; i++) {
			uint8_t text[22 + 2 * HF_SHA256_BYTES];

			put_begin(key, width / 2 + i, D_NODE << 8 | D_NODE, text);
			memcpy(text + 22, level[2 * i], 2 * HF_SHA256_BYTES);
			SHA256(text, sizeof(text), level[i]);
		}
	}
	memcpy(root, level[0], HF_SHA256_BYTES);
}

static bool find_root(const struct hf_lms_key *key, const void *leaves, uint32_t leaf, uint8_t *path,
		      uint8_t root[HF_SHA256_BYTES])
{
	uint8_t(*level)[HF_SHA256_BYTES] = malloc(HF_LMS_NODES_BYTES);

	if (!level)
		return false;
	memcpy(level, leaves, HF_LMS_NODES_BYTES);
	climb(key, level, leaf, path, root);
	free(level);
	return true;
}

/* The id is no secret and must differ between keys, so it follows from the seed as well. */
static void put_public(struct hf_lms_key *key)
{
	static const char what[] = "holdfast lms id";
	uint8_t digest[HF_SHA256_BYTES];
	SHA256_CTX hash;

	SHA256_Init(&hash);
	SHA256_Update(&hash, what, sizeof(what));
	SHA256_Update(&hash, key->seed, sizeof(key->seed));
	SHA256_Final(digest, &hash);
	store_be32(key->public_key, 1);
	store_be32(key->public_key + 4, TYPE_H10);
	store_be32(key->public_key + 8, TYPE_W8);
	memcpy(key->public_key + HF_LMS_PUBLIC_ID, digest, HF_LMS_ID_BYTES);
}

static enum hf_err make_leaves(struct hf_lms_key *key, hf_lms_progress *progress, void *ctx)
{
	key->leaf = malloc(HF_LMS_NODES_BYTES);
	if (!key->leaf)
		return HF_ERR_IO;
	for (uint32_t i = 0; i < HF_LMS_LEAVES; i++) {
		if (progress)
			progress(ctx, i, HF_LMS_LEAVES);
		make_leaf(key, i, key->leaf[i]);
	}
	if (progress)
		progress(ctx, HF_LMS_LEAVES, HF_LMS_LEAVES);
	return HF_OK;
}

enum hf_err hf_lms_key_derive(struct hf_lms_key *key, const uint8_t seed[HF_LMS_SEED_BYTES], hf_lms_progress *progress,
			      void *ctx)
{
	*key = (struct hf_lms_key){.leaf = NULL};
	memcpy(key->seed, seed, sizeof(key->seed));
	put_public(key);
	enum hf_err err = make_leaves(key, progress, ctx);

	if (!err && !find_root(key, key->leaf, 0, NULL, key->public_key + HF_LMS_PUBLIC_ROOT))
		err = HF_ERR_IO;
	return err;
}

static bool has_root(const struct hf_lms_key *key, const void *leaves)
{
	uint8_t root[HF_SHA256_BYTES];

	return find_root(key, leaves, 0, NULL, root) &&
	       memcmp(root, key->public_key + HF_LMS_PUBLIC_ROOT, sizeof(root)) == 0;
}

enum hf_err hf_lms_key_load(struct hf_lms_key *key, struct hf_bytes stored, hf_lms_progress *progress, void *ctx,
			    bool *fresh)
{
	enum hf_err err;

	*fresh = stored.len != HF_LMS_NODES_BYTES || !has_root(key, stored.ptr);
	if (!*fresh) {
		key->leaf = malloc(HF_LMS_NODES_BYTES);
		if (!key->leaf)
			return HF_ERR_IO;
		memcpy(key->leaf, stored.ptr, HF_LMS_NODES_BYTES);
		return HF_OK;
	}
	err = make_leaves(key, progress, ctx);
	return !err && !has_root(key, key->leaf) ? HF_ERR_KEY : err;
}

/* The digits that are signed: the digest of C and the message, and its checksum (RFC 8554, 4.4). */
static void put_digits(const struct hf_lms_key *key, uint32_t leaf, struct hf_bytes message, const uint8_t *c,
		       uint8_t digit[HF_LMS_CHAINS])
{
	uint8_t begin[22];
	SHA256_CTX hash;
	unsigned sum = 0;

	SHA256_Init(&hash);
	put_begin(key, leaf, D_MESSAGE << 8 | D_MESSAGE, begin);
	SHA256_Update(&hash, begin, sizeof(begin));
	SHA256_Update(&hash, c, HF_SHA256_BYTES);
	SHA256_Update(&hash, message.ptr, message.len);
	SHA256_Final(digit, &hash);
	for (unsigned i = 0; i < HF_SHA256_BYTES; i++)
		sum += HF_LMS_CHAIN_STEPS - digit[i];
	store_be16(digit + HF_SHA256_BYTES, (uint16_t)sum);
}

/* C: not to be foreseen, and bound to the message, so that no second message gets the same one. */
static void put_randomizer(const struct hf_lms_key *key, uint32_t leaf, struct hf_bytes message, uint8_t *c)
{
	uint8_t secret[HF_SHA256_BYTES];
	SHA256_CTX hash;

	put_secret(key, leaf, C_INDEX, secret);
	SHA256_Init(&hash);
	SHA256_Update(&hash, secret, sizeof(secret));
	SHA256_Update(&hash, message.ptr, message.len);
	SHA256_Final(c, &hash);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(&hash, sizeof(hash));
}

enum hf_err hf_lms_key_sign(const struct hf_lms_key *key, uint32_t leaf, struct hf_bytes message,
			    uint8_t signature[HF_LMS_SIGNATURE_BYTES])
{
	uint8_t made[HF_LMS_SIGNATURE_BYTES] = {0}, digit[HF_LMS_CHAINS], root[HF_SHA256_BYTES];
	uint8_t *c = made + HF_LMS_SIG_C;

	if (leaf >= HF_LMS_LEAVES)
		return HF_ERR_RANGE;
	store_be32(made + HF_LMS_SIG_LEAF, leaf);
	store_be32(made + HF_LMS_SIG_LEAF + 4, TYPE_W8);
	store_be32(made + HF_LMS_SIG_TYPE, TYPE_H10);
	put_randomizer(key, leaf, message, c);
	put_digits(key, leaf, message, c, digit);
	for (unsigned i = 0; i < HF_LMS_CHAINS; i++)
		run_chain(key, leaf, i, digit[i], made + HF_LMS_SIG_CHAINS + HF_SHA256_BYTES * i);
	if (!find_root(key, key->leaf, leaf, made + HF_LMS_SIG_PATH, root))
		return HF_ERR_IO;
	if (hf_lms_verify(&hf_host_crypto, (struct hf_bytes){key->public_key, HF_LMS_PUBLIC_BYTES}, message,
			  (struct hf_bytes){made, sizeof(made)}) != HF_OK)
		return HF_ERR_KEY; /* and what was made stays here */
	memcpy(signature, made, sizeof(made));
	return HF_OK;
}

void hf_lms_key_wipe(struct hf_lms_key *key)
{
	free(key->leaf);
	OPENSSL_cleanse(key, sizeof(*key));
}
