/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 24
#define BREAK     0xff

/* ---- reading ---- */

struct reader {
	const uint8_t *pos, *end;
};

static unsigned new_node(struct tree *t, uint8_t major)
{
	if (t->nodes == TREE_NODES)
		return TREE_NONE;
	t->node[t->nodes] = (struct tree_node){ .major = major };
	return t->nodes++;
}

static bool read_items(struct tree *t, struct reader *r, unsigned parent, uint64_t count, bool open, unsigned depth);

/* Content that is items throughout is kept as such; what was read of other content is forgotten. */
static void try_nested(struct tree *t, unsigned n, unsigned depth)
{
	struct reader inner = { t->node[n].text.ptr, t->node[n].text.ptr + t->node[n].text.len };
	unsigned before = t->nodes;

	t->node[n].nested = t->node[n].text.len > 0 && read_items(t, &inner, n, UINT64_MAX, false, depth + 1);
	if (!t->node[n].nested) {
		t->nodes = before;
		t->node[n].first = TREE_NONE;
	}
}

static unsigned needed(uint64_t value)
{
	return value < 24 ? 0 : value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
}

static bool read_head(struct reader *r, struct tree_node *n)
{
	unsigned info = *r->pos & 31, bytes = info < 24 ? 0 : 1u << (info - 24 & 3);

	n->major = *r->pos++ >> 5;
	n->value = info < 24 ? info : 0;
	if (info == 31 && n->major >= TREE_BSTR && n->major <= TREE_MAP) {
		n->open = true;
		return true;
	}
	if (info > 27 || (size_t)(r->end - r->pos) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		n->value = n->value << 8 | *r->pos++;
	n->wide = bytes == needed(n->value) ? 0 : (uint8_t)bytes;
	return true;
}

static unsigned read_item(struct tree *t, struct reader *r, unsigned depth)
{
	unsigned n = new_node(t, 0);
	struct tree_node *node = &t->node[n];

	if (n == TREE_NONE || depth > DEPTH_MAX || r->pos == r->end || !read_head(r, node))
		return TREE_NONE;
	if (node->open)
		return read_items(t, r, n, UINT64_MAX, true, depth + 1) ? n : TREE_NONE;
	switch (node->major) {
	case TREE_BSTR:
	case TREE_TSTR:
		if (node->value > (uint64_t)(r->end - r->pos))
			return TREE_NONE;
		node->text = (struct hf_bytes){ r->pos, (size_t)node->value };
		r->pos += node->value;
		if (node->major == TREE_BSTR)
			try_nested(t, n, depth);
		return n;
	case TREE_ARRAY:
	case TREE_MAP:
		if (node->value > (uint64_t)(r->end - r->pos))
			return TREE_NONE;
		return read_items(t, r, n, node->value * (node->major == TREE_MAP ? 2 : 1), false, depth + 1) ? n : TREE_NONE;
	case TREE_TAG:
		return read_items(t, r, n, 1, false, depth + 1) ? n : TREE_NONE;
	default:
		return n;
	}
}

/* `count` items, or all up to the end, or (open) up to a break. */
static bool read_items(struct tree *t, struct reader *r, unsigned parent, uint64_t count, bool open, unsigned depth)
{
	unsigned last = TREE_NONE, items = 0;

	for (; count > 0; count--, items++) {
		if (r->pos == r->end)
			return count > UINT32_MAX && !open;
		if (open && *r->pos == BREAK) {
			r->pos++;
			return t->node[parent].major != TREE_MAP || items % 2 == 0;
		}
		unsigned n = read_item(t, r, depth);

		if (n == TREE_NONE)
			return false;
		*(last ? &t->node[last].next : &t->node[parent].first) = n;
		last = n;
	}
	return true;
}

bool tree_parse(struct tree *t, struct hf_bytes in)
{
	struct reader r = { in.ptr, in.ptr + in.len };

	t->nodes = 0;
	t->pool_len = 0;
	(void)new_node(t, TREE_ROOT);
	return in.len > 0 && read_items(t, &r, 0, UINT64_MAX, false, 0) && r.pos == r.end;
}

/* ---- writing ---- */

struct writer {
	const struct tree *t;
	bool canonical;
	uint8_t *out;
	size_t cap, len;
	bool full;
};

static void put(struct writer *w, const void *data, size_t len)
{
	if (w->full || len > w->cap - w->len) {
		w->full = true;
		return;
	}
	if (len)
		memcpy(w->out + w->len, data, len);
	w->len += len;
}

static void put_head(struct writer *w, const struct tree_node *n, uint64_t value)
{
	unsigned bytes = needed(value), info;
	uint8_t head[9];

	if (!w->canonical && n->wide > bytes)
		bytes = n->wide;
	info = bytes == 0 ? (unsigned)value : bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27;
	if (!w->canonical && n->open)
		bytes = 0, info = 31;
	head[0] = (uint8_t)(n->major << 5 | info);
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		head[i] = (uint8_t)value;
	put(w, head, 1 + bytes);
}

static void put_item(struct writer *w, unsigned n, unsigned depth);

static void put_children(struct writer *w, unsigned n, unsigned depth)
{
	for (unsigned i = w->t->node[n].first; i != TREE_NONE && !w->full; i = w->t->node[i].next)
		put_item(w, i, depth);
}

/* The content first, and its header in front of it afterwards. */
static void put_nested(struct writer *w, unsigned n, unsigned depth)
{
	struct writer content = { w->t, w->canonical, w->out, w->cap, w->len, w->full };
	size_t len;

	put_children(&content, n, depth);
	len = content.len - w->len;
	if (content.full || len + 9 > w->cap - w->len) {
		w->full = true;
		return;
	}
	memmove(w->out + w->len + 9, w->out + w->len, len);
	const uint8_t *from = w->out + w->len + 9;
	put_head(w, &w->t->node[n], len);
	memmove(w->out + w->len, from, len);
	w->len += len;
}

/* `canonical`: of what is read; whether a byte string holds items is only a guess. */
static void put_item(struct writer *w, unsigned n, unsigned depth)
{
	static const uint8_t end = BREAK;
	const struct tree_node *node = &w->t->node[n];
	unsigned count = tree_children(w->t, n);

	if (depth > 2 * DEPTH_MAX) {
		w->full = true;
		return;
	}
	switch (node->major) {
	case TREE_BSTR:
		if (node->nested && !node->open && !w->canonical) {
			put_nested(w, n, depth + 1);
			return;
		}
		/* fall through */
	case TREE_TSTR:
		put_head(w, node, node->text.len);
		if (node->open)
			break;
		put(w, node->text.ptr, node->text.len);
		return;
	case TREE_ARRAY:
	case TREE_MAP:
		put_head(w, node, node->major == TREE_MAP ? count / 2 : count);
		break;
	default:
		put_head(w, node, node->value);
	}
	put_children(w, n, depth + 1);
	if (node->open && !w->canonical)
		put(w, &end, 1);
}

bool tree_write(const struct tree *t, bool canonical, uint8_t *out, size_t cap, size_t *len)
{
	struct writer w = { t, canonical, out, cap, 0, false };

	put_children(&w, 0, 0);
	*len = w.len;
	return !w.full;
}

bool tree_write_node(const struct tree *t, unsigned node, uint8_t *out, size_t cap, size_t *len)
{
	struct writer w = { t, false, out, cap, 0, false };

	put_item(&w, node, 0);
	*len = w.len;
	return !w.full;
}

/* ---- looking and changing ---- */

unsigned tree_children(const struct tree *t, unsigned node)
{
	unsigned count = 0;

	for (unsigned i = t->node[node].first; i != TREE_NONE; i = t->node[i].next)
		count++;
	return count;
}

unsigned tree_child(const struct tree *t, unsigned node, unsigned i)
{
	unsigned n = t->node[node].first;

	while (i-- > 0 && n != TREE_NONE)
		n = t->node[n].next;
	return n;
}

unsigned tree_value(const struct tree *t, unsigned map, int64_t key)
{
	uint8_t major = key < 0 ? TREE_NINT : TREE_UINT;
	uint64_t value = key < 0 ? ~(uint64_t)key : (uint64_t)key;

	for (unsigned i = t->node[map].first; i != TREE_NONE && t->node[i].next != TREE_NONE;
	     i = t->node[t->node[i].next].next)
		if (t->node[i].major == major && t->node[i].value == value)
			return t->node[i].next;
	return TREE_NONE;
}

static uint8_t *room(struct tree *t, size_t len)
{
	uint8_t *at = t->pool + t->pool_len;

	if (len > TREE_POOL - t->pool_len)
		return NULL;
	t->pool_len += len;
	return at;
}

bool tree_set(struct tree *t, unsigned node, const void *data, size_t len)
{
	uint8_t *at = room(t, len);

	if (!at)
		return false;
	if (len)
		memcpy(at, data, len);
	t->node[node].text = (struct hf_bytes){ at, len };
	t->node[node].nested = false;
	t->node[node].first = TREE_NONE;
	return true;
}

/* The link that leads to child i of a node, or to its end. */
static unsigned *link_to(struct tree *t, unsigned parent, unsigned i)
{
	unsigned *link = &t->node[parent].first;

	while (i-- > 0 && *link != TREE_NONE)
		link = &t->node[*link].next;
	return link;
}

/* A copy of a node and what is in it. Texts are borrowed from where they are. */
static unsigned copy(struct tree *t, const struct tree *from, unsigned n, unsigned depth)
{
	unsigned to = depth > DEPTH_MAX ? TREE_NONE : new_node(t, 0), *link;

	if (to == TREE_NONE)
		return TREE_NONE;
	t->node[to] = from->node[n];
	t->node[to].first = t->node[to].next = TREE_NONE;
	link = &t->node[to].first;
	for (unsigned i = from->node[n].first; i != TREE_NONE; i = from->node[i].next) {
		*link = copy(t, from, i, depth + 1);
		if (*link == TREE_NONE)
			break;
		link = &t->node[*link].next;
	}
	return to;
}

static void replace(struct tree *t, unsigned n, unsigned by)
{
	unsigned next = t->node[n].next;

	if (by == TREE_NONE)
		return;
	t->node[n] = t->node[by];
	t->node[n].next = next;
}

static bool holds_items(const struct tree_node *n)
{
	return n->first != TREE_NONE || n->major == TREE_ARRAY || n->major == TREE_MAP || n->nested;
}

/* One whose content is a row of items, where there is one. */
static unsigned pick_container(const struct tree *t, struct chance *c)
{
	for (unsigned tries = 0; tries < 16; tries++) {
		unsigned n = chance_below(c, t->nodes);

		if (t->node[n].major == TREE_ARRAY || t->node[n].major == TREE_MAP)
			return n;
	}
	return 0;
}

/* How many items belong together: pairs, and commands with their arguments. */
static unsigned stride_of(const struct tree *t, unsigned n, struct chance *c)
{
	bool pairs = t->node[n].major == TREE_MAP ||
		     (t->node[n].major == TREE_ARRAY && tree_children(t, n) % 2 == 0 && !chance_one_in(c, 8));

	return pairs ? 2 : 1;
}

/* Items that are read from encoded bytes, put in as a container's children number `at` and on. */
static void insert_word(struct tree *t, unsigned parent, unsigned at, const struct tree_word *word)
{
	struct reader r = { (const uint8_t *)word->bytes, (const uint8_t *)word->bytes + word->len };

	while (r.pos < r.end) {
		unsigned n = read_item(t, &r, 1), *link = link_to(t, parent, at++);

		if (n == TREE_NONE)
			return;
		t->node[n].next = *link;
		*link = n;
	}
}

static void drop(struct tree *t, unsigned parent, unsigned at, unsigned count)
{
	unsigned *link = link_to(t, parent, at);

	while (count-- > 0 && *link != TREE_NONE)
		*link = t->node[*link].next;
}

static void repeat(struct tree *t, unsigned parent, unsigned at, unsigned count, unsigned to)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned n = tree_child(t, parent, at + i), made = n ? copy(t, t, n, 0) : TREE_NONE;
		unsigned *link = link_to(t, parent, to + i);

		if (made == TREE_NONE)
			return;
		t->node[made].next = *link;
		*link = made;
	}
}

static void change_children(struct tree *t, struct chance *c, const struct tree_words *words)
{
	unsigned n = pick_container(t, c), stride = stride_of(t, n, c);
	unsigned groups = (tree_children(t, n) + stride - 1) / stride;
	unsigned at = chance_below(c, groups) * stride, to = chance_below(c, groups + 1) * stride;

	switch (chance_below(c, 5)) {
	case 0:
		drop(t, n, at, stride);
		break;
	case 1:
		repeat(t, n, at, stride, to);
		break;
	case 2: /* exchange */
		repeat(t, n, at, stride, 0);
		drop(t, n, at + stride, stride);
		break;
	default:
		if (words->count)
			insert_word(t, n, to, &words->word[chance_below(c, (uint32_t)words->count)]);
	}
}

static void change_text(struct tree *t, unsigned n, struct chance *c)
{
	static const uint16_t sizes[] = { 0, 1, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 512 };
	uint8_t *at = room(t, 2048);
	size_t len = t->node[n].text.len;

	if (!at || len > 2048)
		return;
	if (len)
		memcpy(at, t->node[n].text.ptr, len);
	if (chance_one_in(c, 4)) {
		size_t size = sizes[chance_below(c, sizeof(sizes) / sizeof(sizes[0]))];

		if (size > len)
			memset(at + len, (int)chance_below(c, 256), size - len);
		len = size;
	} else {
		len = LLVMFuzzerMutate(at, len, 2048);
	}
	t->node[n].text = (struct hf_bytes){ at, len };
	t->node[n].nested = false;
	t->node[n].first = TREE_NONE;
}

/* Another kind of item, as far as its content allows. */
static void change_kind(struct tree *t, unsigned n, struct chance *c)
{
	struct tree_node *node = &t->node[n];

	if (node->major <= TREE_NINT || node->major == TREE_SIMPLE) {
		node->major = chance_one_in(c, 3) ? TREE_SIMPLE : chance_below(c, 2);
		if (node->major == TREE_SIMPLE)
			node->value = 20 + chance_below(c, 4);
	} else if (node->major == TREE_BSTR || node->major == TREE_TSTR) {
		node->nested = false;
		node->first = TREE_NONE;
		node->major = node->major == TREE_BSTR ? TREE_TSTR : TREE_BSTR;
	} else if (node->major == TREE_ARRAY || node->major == TREE_MAP) {
		node->major = node->major == TREE_ARRAY ? TREE_MAP : TREE_ARRAY;
	}
}

static void wrap(struct tree *t, unsigned n, struct chance *c)
{
	unsigned inner = copy(t, t, n, 0);

	if (inner == TREE_NONE)
		return;
	unsigned next = t->node[n].next;
	t->node[n] = (struct tree_node){ .major = chance_one_in(c, 2) ? TREE_BSTR : TREE_ARRAY, .first = inner, .next = next };
	t->node[n].nested = t->node[n].major == TREE_BSTR;
}

static void change_node(struct tree *t, struct chance *c, const struct tree_words *words)
{
	unsigned n = 1 + chance_below(c, t->nodes - 1);
	struct tree_node *node = &t->node[n];

	if (chance_one_in(c, words->loose ? 12 : 64)) {
		if (node->major == TREE_ARRAY || node->major == TREE_MAP)
			node->open = !node->open;
		else
			node->wide = (uint8_t)(1u << chance_below(c, 4));
		return;
	}
	switch (chance_below(c, 16)) {
	case 0:
		change_kind(t, n, c);
		return;
	case 1:
		wrap(t, n, c);
		return;
	case 2: /* in the place of another one */
		replace(t, 1 + chance_below(c, t->nodes - 1), copy(t, t, n, 0));
		return;
	case 3:
		if (node->first != TREE_NONE)
			replace(t, n, copy(t, t, node->first, 0));
		return;
	}
	if (holds_items(node) && node->major != TREE_TAG)
		change_children(t, c, words);
	else if (node->major == TREE_BSTR || node->major == TREE_TSTR)
		change_text(t, n, c);
	else
		node->value = chance_number(c, node->value);
	if (node->major == TREE_SIMPLE)
		node->value = chance_one_in(c, 8) ? node->value & 31 : 20 + chance_below(c, 3);
}

static int compare_keys(const struct tree *t, unsigned a, unsigned b)
{
	uint8_t x[64], y[64];
	size_t n, m;

	if (!tree_write_node(t, a, x, sizeof(x), &n) || !tree_write_node(t, b, y, sizeof(y), &m))
		return 0;
	int order = memcmp(x, y, n < m ? n : m);
	return order ? order : n < m ? -1 : n > m;
}

/* Insertion sort of the pairs, by their keys' encodings: maps are short. */
static void sort_map(struct tree *t, unsigned n)
{
	unsigned pairs = tree_children(t, n) / 2;

	for (unsigned i = 1; i < pairs; i++) {
		for (unsigned k = i; k > 0; k--) {
			unsigned *link = link_to(t, n, 2 * (k - 1)), a = *link, b = t->node[t->node[a].next].next;

			if (compare_keys(t, a, b) <= 0)
				break;
			unsigned after = t->node[t->node[b].next].next;
			*link = b;
			t->node[t->node[b].next].next = a;
			t->node[t->node[a].next].next = after;
		}
	}
}

void tree_mutate(struct tree *t, struct chance *c, const struct tree_words *words)
{
	unsigned changes = 1 + chance_below(c, chance_one_in(c, 4) ? 8 : 2);

	if (t->nodes < 2)
		return;
	while (changes-- > 0) {
		if (chance_one_in(c, 3))
			change_children(t, c, words);
		else
			change_node(t, c, words);
	}
	if (words->loose || chance_one_in(c, 16))
		return;
	for (unsigned n = 0; n < t->nodes; n++)
		if (t->node[n].major == TREE_MAP)
			sort_map(t, n);
}

void tree_cross(struct tree *t, const struct tree *from, struct chance *c)
{
	if (t->nodes < 2 || from->nodes < 2)
		return;
	for (unsigned tries = 0; tries < 16; tries++) {
		unsigned n = 1 + chance_below(c, t->nodes - 1), by = 1 + chance_below(c, from->nodes - 1);

		if (t->node[n].major != from->node[by].major || t->node[n].nested != from->node[by].nested)
			continue;
		replace(t, n, copy(t, from, by, 0));
		return;
	}
}

size_t tree_mutate_input(uint8_t *data, size_t len, size_t max, unsigned seed, const struct tree_words *words)
{
	static struct tree t;
	struct chance c;
	size_t out_len;

	chance_begin(&c, seed);
	if (chance_one_in(&c, 6) || !tree_parse(&t, (struct hf_bytes){ data, len }))
		return LLVMFuzzerMutate(data, len, max);
	tree_mutate(&t, &c, words);
	uint8_t *out = malloc(max + 16);
	must(out != NULL);
	if (tree_write(&t, false, out, max, &out_len) && out_len > 0) {
		memcpy(data, out, out_len);
		len = out_len;
	}
	free(out);
	return len;
}

size_t tree_cross_inputs(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed)
{
	static struct tree t, from;
	struct chance c;
	size_t len;

	chance_begin(&c, seed);
	if (!tree_parse(&t, one) || !tree_parse(&from, other))
		return 0;
	tree_cross(&t, &from, &c);
	return tree_write(&t, false, out, max, &len) ? len : 0;
}
