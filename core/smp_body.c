/* SPDX-License-Identifier: MIT
 *
 * Everything stands on head(), which knows the long forms and the indefinite lengths that cbor.c refuses. Errors stick in
 * the same reader, so that both kinds of calls mix.
 */
#include "smp_body.h"

#include <string.h>

#define INDEFINITE UINT64_MAX /* number of items in an open container */
#define BREAK      0xff

struct item {
	enum hf_cbor_major major;
	bool open; /* of indefinite length */
	uint64_t value;
};

static struct item fail(struct hf_cbor_reader *r, enum hf_err err)
{
	hf_cbor_fail(r, err);
	return (struct item){ HF_CBOR_NONE, false, 0 };
}

static struct item head(struct hf_cbor_reader *r)
{
	struct item item = { hf_cbor_peek(r), false, 0 };

	if (item.major == HF_CBOR_NONE)
		return fail(r, r->at_end);
	unsigned info = *r->pos & 31;
	unsigned bytes = info < 24 ? 0 : 1u << ((info - 24) & 3);
	if (info == 31 && item.major >= HF_CBOR_BSTR && item.major <= HF_CBOR_MAP) {
		r->pos++;
		item.open = true;
		return item;
	}
	if (info > 27)
		return fail(r, HF_ERR_ENCODING);
	if ((size_t)(r->end - r->pos) <= bytes)
		return fail(r, r->at_end);
	item.value = info;
	for (unsigned i = 1; i <= bytes; i++)
		item.value = (i == 1 ? 0 : item.value << 8) | r->pos[i];
	r->pos += 1 + bytes;
	return item;
}

void hf_smp_items_begin(struct hf_smp_items *it, struct hf_cbor_reader *r, enum hf_cbor_major major)
{
	it->r = r;
	it->left = 0;
	it->open = false;
	if (!r->err && hf_cbor_peek(r) != HF_CBOR_NONE && hf_cbor_peek(r) != major) {
		hf_cbor_fail(r, HF_ERR_TYPE);
		return;
	}
	struct item item = head(r);
	size_t left = (size_t)(r->end - r->pos);

	it->open = item.open;
	if (!it->open && item.value > left / (major == HF_CBOR_MAP ? 2 : 1))
		hf_cbor_fail(r, r->at_end);
	else if (!it->open)
		it->left = (uint32_t)item.value;
}

bool hf_smp_items_next(struct hf_smp_items *it)
{
	struct hf_cbor_reader *r = it->r;

	if (r->err)
		return false;
	if (!it->open) {
		if (it->left == 0)
			return false;
		it->left--;
		return true;
	}
	if (r->pos == r->end) {
		hf_cbor_fail(r, r->at_end);
		return false;
	}
	if (*r->pos != BREAK)
		return true;
	r->pos++;
	it->open = false;
	return false;
}

/* What an item holds inside: a number of items, or INDEFINITE; content of definite strings is skipped at once. */
static uint64_t step(struct hf_cbor_reader *r)
{
	struct item item = head(r);

	switch (item.major) {
	case HF_CBOR_BSTR:
	case HF_CBOR_TSTR:
		if (item.open)
			return INDEFINITE; /* chunks, which are items */
		if (item.value > (size_t)(r->end - r->pos))
			hf_cbor_fail(r, r->at_end);
		else
			r->pos += item.value;
		return 0;
	case HF_CBOR_ARRAY:
	case HF_CBOR_MAP:
		if (item.open)
			return INDEFINITE;
		if (item.value > (size_t)(r->end - r->pos)) {
			hf_cbor_fail(r, r->at_end);
			return 0;
		}
		return item.major == HF_CBOR_MAP ? 2 * item.value : item.value;
	case HF_CBOR_TAG:
		return 1;
	default:
		return 0;
	}
}

void hf_smp_skip(struct hf_cbor_reader *r)
{
	uint64_t pending[HF_CBOR_DEPTH + 1]; /* items to come at each depth */
	unsigned depth = 0;

	for (pending[0] = 1;;) {
		if (pending[depth] == INDEFINITE && r->pos != r->end && *r->pos == BREAK) {
			r->pos++;
			pending[depth] = 0;
		}
		if (pending[depth] == 0) {
			if (depth == 0)
				return;
			depth--;
			continue;
		}
		if (pending[depth] != INDEFINITE)
			pending[depth]--;
		uint64_t inside = step(r);
		if (r->err)
			return;
		if (inside == 0)
			continue;
		if (depth == HF_CBOR_DEPTH) {
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
			return;
		}
		pending[++depth] = inside;
	}
}

uint64_t hf_smp_uint(struct hf_cbor_reader *r)
{
	if (hf_cbor_peek(r) > HF_CBOR_UINT && hf_cbor_peek(r) != HF_CBOR_NONE) {
		hf_cbor_fail(r, HF_ERR_TYPE);
		return 0;
	}
	return head(r).value;
}

bool hf_smp_is(struct hf_bytes text, const char *word)
{
	size_t i = 0;

	while (i < text.len && word[i] && text.ptr[i] == (uint8_t)word[i])
		i++;
	return i == text.len && word[i] == 0;
}
