/* SPDX-License-Identifier: MIT
 *
 * Any bytes as CBOR. What the reader accepts has one encoding only: written again by the writer, it is the same bytes.
 * Every view is within the input, and a cut item is never accepted. A second reader, which knows all of CBOR, agrees.
 */
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "tree.h"

/* Reads one head and writes it again. Items follow each other, so that nesting need not be followed. */
static void copy_item(struct hf_cbor_reader *r, struct hf_cbor_writer *w)
{
	switch (hf_cbor_peek(r)) {
	case HF_CBOR_UINT:
		hf_cbor_put_uint(w, hf_cbor_uint64(r));
		break;
	case HF_CBOR_NINT:
		hf_cbor_put_int(w, hf_cbor_int(r));
		break;
	case HF_CBOR_BSTR: {
		struct hf_bytes view = hf_cbor_bstr(r);
		hf_cbor_put_bstr(w, view.ptr, view.len);
		break;
	}
	case HF_CBOR_TSTR:
		hf_cbor_put_text(w, hf_cbor_tstr(r));
		break;
	case HF_CBOR_ARRAY:
		hf_cbor_put_array(w, hf_cbor_array(r));
		break;
	case HF_CBOR_MAP:
		hf_cbor_put_map(w, hf_cbor_map(r));
		break;
	case HF_CBOR_TAG:
		hf_cbor_put_tag(w, hf_cbor_tag(r));
		break;
	case HF_CBOR_SIMPLE:
		if (*r->pos == 0xf6) {
			hf_cbor_null(r);
			hf_cbor_put_null(w);
		} else {
			hf_cbor_put_bool(w, hf_cbor_bool(r));
		}
		break;
	case HF_CBOR_NONE:
		hf_cbor_fail(r, HF_ERR_ENCODING);
	}
}

static void copy_is_equal(struct hf_bytes item)
{
	struct hf_cbor_reader r;
	struct hf_cbor_writer w;
	uint8_t *out = malloc(item.len + 16);

	hf_cbor_open_final(&r, item);
	hf_cbor_begin(&w, out, item.len + 16);
	while (r.pos != r.end)
		copy_item(&r, &w);
	if (r.err == HF_OK) /* numbers that do not fit, and simple values without a meaning, are left out */
		must(w.err == HF_OK && w.len == item.len && memcmp(out, item.ptr, item.len) == 0);
	free(out);
}

/* What core takes is well-formed, and its one encoding. */
static void second_reader_agrees(struct hf_bytes item)
{
	static struct tree t;
	uint8_t *out = malloc(item.len + 16);
	size_t len = 0;

	must(tree_parse(&t, item) && tree_write(&t, true, out, item.len + 16, &len));
	must(len == item.len && memcmp(out, item.ptr, len) == 0);
	free(out);
}

static void cut_is_refused(struct hf_bytes item)
{
	struct hf_cbor_reader r;

	for (size_t cut = 0; cut < item.len; cut += 1 + item.len / 16) {
		hf_cbor_open(&r, (struct hf_bytes){ item.ptr, cut });
		must(hf_cbor_skip(&r).len == 0 && r.err == HF_ERR_TRUNCATED);
	}
}

/* The keys of a map, as a parser reads them. */
static void read_keys(const uint8_t *data, size_t len)
{
	struct hf_cbor_reader r;
	const uint8_t *last = NULL;
	int64_t before = -1;

	hf_cbor_open_final(&r, (struct hf_bytes){ data, len });
	for (uint32_t n = hf_cbor_map(&r); n > 0 && !r.err; n--) {
		int64_t key = hf_cbor_key(&r, &last);
		(void)hf_cbor_skip(&r);
		if (r.err)
			break;
		int64_t rank = key < 0 ? (INT64_C(1) << 40) - key : key;
		must(rank > before);
		before = rank;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hf_cbor_reader r;

	if (len == 0)
		return 0;
	hf_cbor_open(&r, (struct hf_bytes){ data, len });
	struct hf_bytes item = hf_cbor_skip(&r);
	must(r.pos >= data && r.pos <= data + len);
	if (r.err == HF_OK) {
		must(item.ptr == data && item.len > 0 && item.len <= len);
		copy_is_equal(item);
		second_reader_agrees(item);
		cut_is_refused(item);
	} else {
		must(item.len == 0 && r.pos == data + len);
	}
	read_keys(data, len);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	static const struct tree_word word[] = {
		TREE_WORD("\x01"), TREE_WORD("\x20"), TREE_WORD("\x40"), TREE_WORD("\x61" "a"), TREE_WORD("\x80"), TREE_WORD("\xa0"),
		TREE_WORD("\xf6"), TREE_WORD("\xc1\x00"), TREE_WORD("\x81\x81\x81\x81\x81\x81\x81\x81\x00"), TREE_WORD("\x01\x02"),
		TREE_WORD("\x39\x01\x00\x00"), TREE_WORD("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"), TREE_WORD("\xfb\0\0\0\0\0\0\0\0"),
	};
	static const struct tree_words words = {word, sizeof(word) / sizeof(word[0]), false};

	return tree_mutate_input(data, len, max, seed, &words);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return tree_cross_inputs((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}
