/* SPDX-License-Identifier: MIT
 *
 * Everything that LMS hashes begins with the key's id and a number, so that both stay in place in one buffer, and a step
 * of a chain is one call of SHA-256 over one block. Mbed TLS's lms.c, which was tried first, feeds each step in five
 * pieces and keeps all chains' ends; this is half of its code, a fifth of its stack, and faster. The tests compare the
 * two.
 */
#include "lms.h"

#include <string.h>

#define TYPE_H10 6
#define TYPE_W8  4

#define NUMBER_AT 16 /* the buffer: id, q or r, two bytes that tell what is hashed, ... */
#define WHAT_AT   20
#define STEP_AT   22 /* in a chain: its step, the value */
#define VALUE_AT  23
#define NODES_AT  22 /* in the tree: a leaf's key, or two nodes */
#define BUF_BYTES (NODES_AT + 2 * HF_SHA256_BYTES)

enum { D_PUBLIC = 0x80, D_MESSAGE = 0x81, D_LEAF = 0x82, D_NODE = 0x83 };

static void put_what(uint8_t *buf, uint8_t what)
{
	buf[WHAT_AT] = buf[WHAT_AT + 1] = what;
}

static void hash_buf(const struct hf_crypto *crypto, const uint8_t *buf, size_t len, uint8_t *digest)
{
	struct hf_sha256 hash;

	crypto->sha256_start(&hash);
	crypto->sha256_update(&hash, buf, len);
	crypto->sha256_finish(&hash, digest);
}

/* The digits: the digest of the message, and the checksum (RFC 8554, 4.4). */
static void read_digits(const struct hf_crypto *crypto, uint8_t *buf, struct hf_bytes message, const uint8_t *c,
			uint8_t digit[HF_LMS_CHAINS])
{
	struct hf_sha256 hash;
	unsigned sum = 0;

	put_what(buf, D_MESSAGE);
	memcpy(buf + NODES_AT, c, HF_SHA256_BYTES);
	crypto->sha256_start(&hash);
	crypto->sha256_update(&hash, buf, NODES_AT + HF_SHA256_BYTES);
	crypto->sha256_update(&hash, message.ptr, message.len);
	crypto->sha256_finish(&hash, digit);
	for (unsigned i = 0; i < HF_SHA256_BYTES; i++)
		sum += HF_LMS_CHAIN_STEPS - digit[i];
	store_be16(digit + HF_SHA256_BYTES, (uint16_t)sum);
}

/* The one-time public key that follows from the signature goes to NODES_AT (4.6). */
static void one_time_key(const struct hf_crypto *crypto, uint8_t *buf, const uint8_t *chain,
			 const uint8_t digit[HF_LMS_CHAINS])
{
	struct hf_sha256 key;

	put_what(buf, D_PUBLIC);
	crypto->sha256_start(&key);
	crypto->sha256_update(&key, buf, NODES_AT);
	buf[WHAT_AT] = 0;
	for (unsigned i = 0; i < HF_LMS_CHAINS; i++, chain += HF_SHA256_BYTES) {
		buf[WHAT_AT + 1] = (uint8_t)i;
		memcpy(buf + VALUE_AT, chain, HF_SHA256_BYTES);
		for (unsigned step = digit[i]; step < HF_LMS_CHAIN_STEPS; step++) {
			buf[STEP_AT] = (uint8_t)step;
			hash_buf(crypto, buf, VALUE_AT + HF_SHA256_BYTES, buf + VALUE_AT);
		}
		crypto->sha256_update(&key, buf + VALUE_AT, HF_SHA256_BYTES);
	}
	crypto->sha256_finish(&key, buf + NODES_AT);
}

/* The tree's root that follows from a leaf's key at NODES_AT goes to the same place (5.4.2). */
static void root(const struct hf_crypto *crypto, uint8_t *buf, uint32_t leaf, const uint8_t *path)
{
	uint32_t r = HF_LMS_LEAVES + leaf;
	size_t len = NODES_AT + HF_SHA256_BYTES;
	uint8_t what = D_LEAF;

	for (;;) {
		uint8_t *node = buf + NODES_AT + (r > 1 && (r & 1) ? HF_SHA256_BYTES : 0);

		store_be32(buf + NUMBER_AT, r);
		put_what(buf, what);
		hash_buf(crypto, buf, len, node);
		if (r == 1)
			return;
		memcpy(buf + NODES_AT + (r & 1 ? 0 : HF_SHA256_BYTES), path, HF_SHA256_BYTES);
		path += HF_SHA256_BYTES;
		what = D_NODE;
		len = BUF_BYTES;
		r >>= 1;
	}
}

enum hf_err hf_lms_verify(const struct hf_crypto *crypto, struct hf_bytes key, struct hf_bytes message,
			  struct hf_bytes signature)
{
	static const uint8_t types[HF_LMS_PUBLIC_ID] = { 0, 0, 0, 1, 0, 0, 0, TYPE_H10, 0, 0, 0, TYPE_W8 };
	uint8_t buf[BUF_BYTES], digit[HF_LMS_CHAINS];
	uint32_t leaf;

	if (key.len != HF_LMS_PUBLIC_BYTES || signature.len != HF_LMS_SIGNATURE_BYTES ||
	    memcmp(key.ptr, types, sizeof(types)) != 0 || load_be32(signature.ptr) != 0 ||
	    load_be32(signature.ptr + HF_LMS_SIG_LEAF + 4) != TYPE_W8 ||
	    load_be32(signature.ptr + HF_LMS_SIG_TYPE) != TYPE_H10)
		return HF_ERR_SIGNATURE;
	leaf = load_be32(signature.ptr + HF_LMS_SIG_LEAF);
	if (leaf >= HF_LMS_LEAVES)
		return HF_ERR_SIGNATURE;
	memcpy(buf, key.ptr + HF_LMS_PUBLIC_ID, HF_LMS_ID_BYTES);
	store_be32(buf + NUMBER_AT, leaf);
	read_digits(crypto, buf, message, signature.ptr + HF_LMS_SIG_C, digit);
	one_time_key(crypto, buf, signature.ptr + HF_LMS_SIG_CHAINS, digit);
	root(crypto, buf, leaf, signature.ptr + HF_LMS_SIG_PATH);
	if (memcmp(buf + NODES_AT, key.ptr + HF_LMS_PUBLIC_ROOT, HF_SHA256_BYTES) != 0)
		return HF_ERR_SIGNATURE;
	return HF_OK;
}
