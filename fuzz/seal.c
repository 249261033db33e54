/* SPDX-License-Identifier: MIT */
#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "host_crypto.h"
#include "suit.h"

#define ITEM_MAX     (128u << 10)
#define SEGMENTS_MAX 16
#define PAYLOADS_MAX 4

const struct hf_private_key seal_key = {
	.secret = { [31] = 1 },
	.public_key = { 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
			0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
			0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
			0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 },
};

/* What mutations put in: commands, parameters, members of manifest and envelope, whole and in pairs. */
static const struct tree_word words[] = {
	TREE_WORD("\x01\x0f"), TREE_WORD("\x02\x0f"), TREE_WORD("\x03\x0f"), TREE_WORD("\x05\x0f"), TREE_WORD("\x0e\x0f"),
	TREE_WORD("\x18\x18\x0f"), TREE_WORD("\x18\x1c\x0f"), TREE_WORD("\x0c\x00"), TREE_WORD("\x0c\xf5"),
	TREE_WORD("\x15\x02"), TREE_WORD("\x17\x02"), TREE_WORD("\x18\x20\x43\x82\x03\x0f"),
	TREE_WORD("\x18\x20\x44\x82\x18\x18\x0f"),
	TREE_WORD("\x0f\x82\x43\x82\x03\x0f\x43\x82\x05\x0f"),
	TREE_WORD("\x0f\x83\x43\x82\x0e\x0f\x43\x82\x05\x0f\xf6"),
	TREE_WORD("\x0f\x82\x47\x84\x14\xa1\x05\x00\x05\x0f\x47\x84\x14\xa1\x05\x01\x05\x0f"),
	TREE_WORD("\x14\xa1\x05\x00"), TREE_WORD("\x14\xa1\x05\x01"), TREE_WORD("\x14\xa1\x0d\xf4"), TREE_WORD("\x14\xa1\x0d\xf5"),
	TREE_WORD("\x14\xa1\x0e\x19\x04\x00"), TREE_WORD("\x14\xa1\x15\x66#image"),
	TREE_WORD("\x14\xa1\x18\x1c\x46\x82\x03\x83\x01\x00\x00"), TREE_WORD("\x14\xa1\x18\x1c\x44\x82\x02\x81\x01"),
	TREE_WORD("\x14\xa2\x39\x01\x00\x04\x39\x01\x01\x19\x04\x00"),
	TREE_WORD("\x05\x01"), TREE_WORD("\x0d\xf5"), TREE_WORD("\x0e\x00"), TREE_WORD("\x15\x66#image"),
	TREE_WORD("\x18\x18\x50\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x18\x1c\x45\x82\x01\x82\x01\x00"), TREE_WORD("\x18\x1c\x4a\x82\x02\x84\x01\x00\x00\x1a\x7f\xff\xff\xff"),
	TREE_WORD("\x14\xa1\x18\x1c\x4a\x82\x04\x84\x01\x00\x00\x3a\x7f\xff\xff\xff"), TREE_WORD("\x39\x01\x00\x00"), TREE_WORD("\x39\x01\x00\x04"),
	TREE_WORD("\x39\x01\x01\x19\x02\x00"), TREE_WORD("\x39\x01\x01\x19\x10\x00"),
	TREE_WORD("\x39\x01\x02\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x03\x58\x24\x82\x2f\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x04\x61u"), TREE_WORD("\x06\x43\x82\x01\x02"), TREE_WORD("\x06\x44\x83\x01\x02\x20"),
	TREE_WORD("\x07\x43\x82\x03\x0f"), TREE_WORD("\x08\x43\x82\x03\x0f"), TREE_WORD("\x09\x43\x82\x17\x02"),
	TREE_WORD("\x10\x43\x82\x15\x02"), TREE_WORD("\x14\x43\x82\x15\x02"), TREE_WORD("\x17\x41\xa0"),
	TREE_WORD("\x14\x82\x2f\x58\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TREE_WORD("\x66#image\x44\x01\x02\x03\x04"),
	TREE_WORD("\x4a\xd2\x84\x43\xa1\x01\x28\xa0\xf6\x41\x00"), TREE_WORD("\x4c\xd2\x84\x44\xa1\x01\x38\x2d\xa0\xf6\x41\x00"),
	TREE_WORD("\x81\x48recovery"), TREE_WORD("\x81\x43""app"), TREE_WORD("\x01"), TREE_WORD("\xf6"), TREE_WORD("\x40"),
};
static const struct tree_words suit_words = { words, sizeof(words) / sizeof(words[0]), false };

static bool is_bytes(const struct tree *t, unsigned n)
{
	return n && t->node[n].major == TREE_BSTR && !t->node[n].open;
}

static bool is_nested(const struct tree *t, unsigned n)
{
	return is_bytes(t, n) && t->node[n].nested;
}

/* The byte string in [-16, bytes]; TREE_NONE: it is none. */
static unsigned digest_in(const struct tree *t, unsigned array)
{
	unsigned alg = t->node[array].first;

	if (!array || t->node[array].major != TREE_ARRAY || !alg || t->node[alg].major != TREE_NINT)
		return TREE_NONE;
	return is_bytes(t, t->node[alg].next) ? t->node[alg].next : TREE_NONE;
}

static void set_number(struct tree *t, unsigned n, uint64_t value)
{
	if (n && t->node[n].major == TREE_UINT)
		t->node[n].value = value;
}

static void set_digest_of(struct tree *t, unsigned array, struct hf_bytes data)
{
	unsigned n = digest_in(t, array);
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of(data, digest);
	if (n)
		(void)tree_set(t, n, digest, sizeof(digest));
}

/* ---- payloads ---- */

static void describe_payload(struct tree *t, unsigned map, struct hf_bytes payload)
{
	unsigned wrapped = tree_value(t, map, HF_PARAM_DIGEST), segments = tree_value(t, map, HF_PARAM_SEGMENTS);
	size_t count = (payload.len + HF_SEGMENT_BYTES - 1) / HF_SEGMENT_BYTES;
	uint8_t digests[SEGMENTS_MAX * HF_SHA256_BYTES];

	if (is_nested(t, wrapped)) {
		set_digest_of(t, t->node[wrapped].first, payload);
		set_number(t, tree_value(t, map, HF_PARAM_SIZE), payload.len);
	}
	if (!is_bytes(t, segments) || count > SEGMENTS_MAX || count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t at = i * HF_SEGMENT_BYTES, left = payload.len - at;

		hf_sha256_of((struct hf_bytes){ payload.ptr + at, left < HF_SEGMENT_BYTES ? left : HF_SEGMENT_BYTES },
			     digests + i * HF_SHA256_BYTES);
	}
	(void)tree_set(t, segments, digests, count * HF_SHA256_BYTES);
}

/* Alternatives and payloads follow each other in the same order. */
static void describe_payloads(struct tree *t, unsigned envelope)
{
	static uint8_t content[PAYLOADS_MAX][ITEM_MAX];
	struct hf_bytes payload[PAYLOADS_MAX];
	unsigned count = 0, digests = 0, segments = 0;

	for (unsigned i = t->node[envelope].first; i && t->node[i].next && count < PAYLOADS_MAX; i = t->node[t->node[i].next].next) {
		unsigned value = t->node[i].next;

		if (t->node[i].major != TREE_TSTR || !is_bytes(t, value))
			continue;
		payload[count] = t->node[value].text;
		if (t->node[value].nested) {
			size_t len, head = 1;

			if (!tree_write_node(t, value, content[count], ITEM_MAX, &len) || len == 0)
				continue;
			head += (content[count][0] & 31) < 24 ? 0 : 1u << ((content[count][0] & 31) - 24);
			payload[count] = (struct hf_bytes){ content[count] + head, len - head };
		}
		count++;
	}
	for (unsigned n = 0; n < t->nodes && count; n++) {
		if (t->node[n].major != TREE_MAP)
			continue;
		if (is_nested(t, tree_value(t, n, HF_PARAM_DIGEST)))
			describe_payload(t, n, payload[digests++ % count]);
		else if (tree_value(t, n, HF_PARAM_SEGMENTS))
			describe_payload(t, n, payload[segments++ % count]);
	}
}

/* ---- signatures ---- */

/* ECDSA with secret 1 and nonce 1: r is the base point's x, and s = hash + r modulo the order. Any nonce makes a valid
 * signature; this one makes it at the cost of a sum, where a real signer takes the time of a hundred runs. */
void seal_sign(struct hf_bytes message, uint8_t signature[HF_P256_SIGNATURE_BYTES])
{
	static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
					   0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	const uint8_t *r = seal_key.public_key + 1;
	uint8_t hash[HF_SHA256_BYTES], *s = signature + 32;
	int sum = 0;

	hf_sha256_of(message, hash);
	memcpy(signature, r, 32);
	for (int i = 31; i >= 0; i--, sum >>= 8)
		s[i] = (uint8_t)(sum += hash[i] + r[i]);
	if (sum == 0 && memcmp(s, order, 32) < 0)
		return;
	sum = 0;
	for (int i = 31; i >= 0; i--, sum >>= 8)
		s[i] = (uint8_t)(sum += s[i] - order[i]);
}

/* Writes into a nested COSE_Sign1's last element. */
static void sign_one(struct tree *t, unsigned wrapped, struct hf_bytes signed_items)
{
	unsigned tag = t->node[wrapped].first, array = tag ? t->node[tag].first : TREE_NONE;
	unsigned header = tree_child(t, array, 0), signature = tree_child(t, array, 3);
	uint8_t message[2048] = "\x84\x6aSignature1", made[HF_P256_SIGNATURE_BYTES];
	size_t len = 12, header_len;

	if (!is_nested(t, wrapped) || t->node[tag].major != TREE_TAG || !array || !is_nested(t, header) || !is_bytes(t, signature))
		return;
	unsigned alg = tree_value(t, t->node[header].first, 1);
	if (!alg || t->node[alg].major != TREE_NINT || t->node[alg].value != -1 - HF_ALG_ESP256)
		return;
	if (!tree_write_node(t, header, message + len, 64, &header_len) || signed_items.len > 1900)
		return;
	len += header_len;
	memcpy(message + len, signed_items.ptr, signed_items.len);
	len += signed_items.len;
	seal_sign((struct hf_bytes){ message, len }, made);
	(void)tree_set(t, signature, made, sizeof(made));
}

static void seal_wrapper(struct tree *t, unsigned wrapper, unsigned manifest)
{
	static uint8_t item[ITEM_MAX];
	unsigned array = t->node[wrapper].first, digest = tree_child(t, array, 0);
	size_t len;

	if (!is_nested(t, wrapper) || !array || !is_nested(t, digest))
		return;
	if (manifest && tree_write_node(t, manifest, item, sizeof(item), &len))
		set_digest_of(t, t->node[digest].first, (struct hf_bytes){ item, len });
	item[0] = 0x40; /* no external data */
	if (!tree_write_node(t, digest, item + 1, 256, &len))
		return;
	for (unsigned n = t->node[digest].next; n; n = t->node[n].next)
		sign_one(t, n, (struct hf_bytes){ item, 1 + len });
}

void seal_package(struct tree *t)
{
	static const uint8_t severable[] = { 16, 20, 23 };
	static uint8_t item[ITEM_MAX];
	unsigned tag = t->node[0].first, envelope = tag ? t->node[tag].first : TREE_NONE;
	size_t len;

	if (!envelope || t->node[envelope].major != TREE_MAP)
		return;
	unsigned manifest = tree_value(t, envelope, 3);
	describe_payloads(t, envelope);
	for (unsigned i = 0; is_nested(t, manifest) && i < sizeof(severable); i++) {
		unsigned member = tree_value(t, envelope, severable[i]);

		if (member && tree_write_node(t, member, item, sizeof(item), &len))
			set_digest_of(t, tree_value(t, t->node[manifest].first, severable[i]), (struct hf_bytes){ item, len });
	}
	if (is_bytes(t, tree_value(t, envelope, 2)))
		seal_wrapper(t, tree_value(t, envelope, 2), manifest);
}

void seal_keyset(struct tree *t)
{
	static uint8_t item[2048] = "\x4f" HF_KEYSET_AAD;
	unsigned array = t->node[0].first, keyset = tree_child(t, array, 0), signatures = tree_child(t, array, 1);
	size_t len;

	if (!array || t->node[array].major != TREE_ARRAY || !keyset || !signatures)
		return;
	if (!tree_write_node(t, keyset, item + 16, 1800, &len))
		return;
	for (unsigned n = t->node[signatures].first; n; n = t->node[n].next)
		sign_one(t, n, (struct hf_bytes){ item, 16 + len });
}

/* ---- mutators ---- */

static size_t write_sealed(struct tree *t, struct chance *c, uint8_t *out, size_t max)
{
	size_t len;

	if (!chance_one_in(c, 12))
		seal_package(t);
	return tree_write(t, false, out, max, &len) ? len : 0;
}

size_t seal_mutate_package(uint8_t *data, size_t len, size_t max, unsigned seed)
{
	static struct tree t;
	struct chance c;
	size_t made;

	chance_begin(&c, seed);
	if (chance_one_in(&c, 8) || !tree_parse(&t, (struct hf_bytes){ data, len }))
		return LLVMFuzzerMutate(data, len, max);
	tree_mutate(&t, &c, &suit_words);
	uint8_t *out = malloc(max);
	must(out != NULL);
	made = write_sealed(&t, &c, out, max);
	if (made)
		memcpy(data, out, made);
	free(out);
	return made ? made : len;
}

size_t seal_cross_packages(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed)
{
	static struct tree t, from;
	struct chance c;

	chance_begin(&c, seed);
	if (!tree_parse(&t, one) || !tree_parse(&from, other))
		return 0;
	tree_cross(&t, &from, &c);
	return write_sealed(&t, &c, out, max);
}
