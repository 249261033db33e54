/* SPDX-License-Identifier: MIT
 *
 * CBOR as a tree that can be changed: every length, count and nested byte string is right again when it is written. Knows
 * all that RFC 8949 allows (longer heads, indefinite lengths), and shares no line with core/cbor.c, so that it is a second
 * witness to what core accepts.
 *
 * A byte string whose content is well-formed CBOR throughout is taken for a sequence of items, since that is what most
 * byte strings of an envelope are; written again, it is the same bytes in any case.
 */
#ifndef HF_FUZZ_TREE_H
#define HF_FUZZ_TREE_H

#include "mutate.h"

#define TREE_NODES 8192
#define TREE_POOL  (256u << 10)
#define TREE_NONE  0 /* node 0 is the root, which is nobody's child: it holds the items of the input */

enum { TREE_UINT, TREE_NINT, TREE_BSTR, TREE_TSTR, TREE_ARRAY, TREE_MAP, TREE_TAG, TREE_SIMPLE, TREE_ROOT };

struct tree_node {
	uint8_t major;
	uint8_t wide;   /* bytes of the argument, where they are more than it needs; 0: as many as it needs */
	bool open;      /* of indefinite length */
	bool nested;    /* a byte string that holds items */
	uint64_t value; /* number, tag, simple value */
	struct hf_bytes text;
	unsigned first, next; /* child, sibling */
};

struct tree {
	struct tree_node node[TREE_NODES];
	unsigned nodes;
	uint8_t pool[TREE_POOL]; /* contents that were made here */
	size_t pool_len;
};

/* Takes apart one or more items; texts are borrowed. False: not well-formed, or too large. */
bool tree_parse(struct tree *t, struct hf_bytes in);

/* Writes it; *len gets the length. False: no room. `canonical` ignores `wide` and `open`, and takes contents of byte strings
 * as they were read. */
bool tree_write(const struct tree *t, bool canonical, uint8_t *out, size_t cap, size_t *len);

/* One node (its head included). */
bool tree_write_node(const struct tree *t, unsigned node, uint8_t *out, size_t cap, size_t *len);

/* Gives a string node this content; false: the pool is full. */
bool tree_set(struct tree *t, unsigned node, const void *data, size_t len);

/* Child number i, or the value of an integer key or a text key in a map; TREE_NONE: there is none. */
unsigned tree_child(const struct tree *t, unsigned node, unsigned i);
unsigned tree_value(const struct tree *t, unsigned map, int64_t key);
unsigned tree_children(const struct tree *t, unsigned node);

/* Items that a format knows, encoded: a pair of a map, a command with its argument, one value. */
struct tree_word {
	const char *bytes;
	size_t len;
};
#define TREE_WORD(text) { text, sizeof(text) - 1 }

struct tree_words {
	const struct tree_word *word;
	size_t count;
	bool loose; /* longer heads, indefinite lengths and unordered keys are legal here: make more of them */
};

/* Changes a node or a few. */
void tree_mutate(struct tree *t, struct chance *c, const struct tree_words *words);

/* Puts a node of `from` in the place of one of t. */
void tree_cross(struct tree *t, const struct tree *from, struct chance *c);

/* For fuzzers whose input is CBOR: the whole of a mutator, with a share of plain bytes, and of a crossover. */
size_t tree_mutate_input(uint8_t *data, size_t len, size_t max, unsigned seed, const struct tree_words *words);
size_t tree_cross_inputs(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed);

#endif
