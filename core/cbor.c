/* SPDX-License-Identifier: MIT
 *
 * One function, head(), looks at bytes of the input; all others stand on it. So there is one place where a read
 * behind the end, an indefinite length or a longer encoding than needed could slip through. After an error pos ==
 * end, and nothing is read any more.
 *
 * Rejected: an error code from each read. The checks between the reads made the parsers half as large again, and each
 * one is a place to forget.
 */
#include "cbor.h"

#include <string.h>

static void open_reader(struct hf_cbor_reader *r, struct hf_bytes buf, enum hf_err at_end)
{
	r->pos = buf.len ? buf.ptr : (const uint8_t *)"";
	r->end = r->pos + buf.len;
	r->err = HF_OK;
	r->at_end = at_end;
}

void hf_cbor_open(struct hf_cbor_reader *r, struct hf_bytes buf)
{
	open_reader(r, buf, HF_ERR_TRUNCATED);
}

void hf_cbor_open_final(struct hf_cbor_reader *r, struct hf_bytes buf)
{
	open_reader(r, buf, HF_ERR_ENCODING);
}

void hf_cbor_fail(struct hf_cbor_reader *r, enum hf_err err)
{
	if (r->err || !err)
		return;
	r->err = err;
	r->pos = r->end;
}

enum hf_err hf_cbor_close(struct hf_cbor_reader *r)
{
	if (r->pos != r->end)
		hf_cbor_fail(r, HF_ERR_ENCODING);
	return r->err;
}

enum hf_cbor_major hf_cbor_peek(const struct hf_cbor_reader *r)
{
	return r->pos == r->end ? HF_CBOR_NONE : (enum hf_cbor_major)(*r->pos >> 5);
}

/* The initial byte of the next item and its argument: of type `major`, shortest, definite. */
static uint64_t head(struct hf_cbor_reader *r, enum hf_cbor_major major)
{
	size_t left = (size_t)(r->end - r->pos);
	uint32_t high = 0, low = 0;

	if (left == 0) {
		hf_cbor_fail(r, r->at_end);
		return 0;
	}
	unsigned info = *r->pos & 31;
	if (*r->pos >> 5 != (int)major) {
		hf_cbor_fail(r, HF_ERR_TYPE);
		return 0;
	}
	if (info < 24) {
		r->pos++;
		return info;
	}
	if (info > 27) {
		hf_cbor_fail(r, HF_ERR_ENCODING);
		return 0;
	}
	if (major == HF_CBOR_SIMPLE) { /* floats, and simple values that nobody assigned */
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		return 0;
	}
	unsigned bytes = 1u << (info - 24);
	if (left <= bytes) {
		hf_cbor_fail(r, r->at_end);
		return 0;
	}
	for (unsigned i = 1; i <= bytes; i++) {
		high = high << 8 | low >> 24;
		low = low << 8 | r->pos[i];
	}
	if (bytes == 8 ? high == 0 : bytes == 1 ? low < 24 : low >> 4 * bytes == 0) {
		hf_cbor_fail(r, HF_ERR_ENCODING);
		return 0;
	}
	r->pos += 1 + bytes;
	return (uint64_t)high << 32 | low;
}

/* A head whose argument is at most max. */
static uint32_t head_upto(struct hf_cbor_reader *r, enum hf_cbor_major major, uint32_t max, enum hf_err too_large)
{
	uint64_t value = head(r, major);

	if (value > max) {
		hf_cbor_fail(r, too_large);
		return 0;
	}
	return (uint32_t)value;
}

/* Bytes that are left, as far as 32 bits count them. */
static uint32_t left(const struct hf_cbor_reader *r)
{
	size_t n = (size_t)(r->end - r->pos);

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* A head whose argument counts items of at least `unit` bytes, which must all be in the input. */
static uint32_t head_count(struct hf_cbor_reader *r, enum hf_cbor_major major, uint32_t unit)
{
	uint64_t count = head(r, major);

	if (count > left(r) / unit) {
		hf_cbor_fail(r, r->at_end);
		return 0;
	}
	return (uint32_t)count;
}

uint64_t hf_cbor_uint64(struct hf_cbor_reader *r)
{
	return head(r, HF_CBOR_UINT);
}

uint32_t hf_cbor_uint(struct hf_cbor_reader *r, uint32_t max)
{
	return head_upto(r, HF_CBOR_UINT, max, HF_ERR_RANGE);
}

int32_t hf_cbor_int(struct hf_cbor_reader *r)
{
	bool negative = hf_cbor_peek(r) == HF_CBOR_NINT;
	int32_t value = (int32_t)head_upto(r, negative ? HF_CBOR_NINT : HF_CBOR_UINT, INT32_MAX, HF_ERR_RANGE);

	return negative && !r->err ? -1 - value : value;
}

void hf_cbor_view(struct hf_cbor_reader *r, enum hf_cbor_major major, struct hf_bytes *out)
{
	out->len = head_count(r, major, 1);
	out->ptr = r->pos;
	r->pos += out->len;
}

struct hf_bytes hf_cbor_bstr(struct hf_cbor_reader *r)
{
	struct hf_bytes view;

	hf_cbor_view(r, HF_CBOR_BSTR, &view);
	return view;
}

struct hf_bytes hf_cbor_tstr(struct hf_cbor_reader *r)
{
	struct hf_bytes view;

	hf_cbor_view(r, HF_CBOR_TSTR, &view);
	return view;
}

uint32_t hf_cbor_string_header(struct hf_cbor_reader *r, enum hf_cbor_major major)
{
	return head_upto(r, major, UINT32_MAX, HF_ERR_TOO_LARGE);
}

uint32_t hf_cbor_array(struct hf_cbor_reader *r)
{
	return head_count(r, HF_CBOR_ARRAY, 1);
}

uint32_t hf_cbor_map(struct hf_cbor_reader *r)
{
	return head_count(r, HF_CBOR_MAP, 2);
}

uint32_t hf_cbor_tag(struct hf_cbor_reader *r)
{
	return head_upto(r, HF_CBOR_TAG, UINT32_MAX, HF_ERR_UNSUPPORTED);
}

bool hf_cbor_bool(struct hf_cbor_reader *r)
{
	uint32_t value = head_upto(r, HF_CBOR_SIMPLE, 21, HF_ERR_TYPE);

	if (value < 20)
		hf_cbor_fail(r, HF_ERR_TYPE);
	return value == 21;
}

void hf_cbor_null(struct hf_cbor_reader *r)
{
	if (head(r, HF_CBOR_SIMPLE) != 22)
		hf_cbor_fail(r, HF_ERR_TYPE);
}

void hf_cbor_expect(struct hf_cbor_reader *r, enum hf_cbor_major major, uint32_t argument)
{
	if (head(r, major) != argument)
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
}

void hf_cbor_enter(struct hf_cbor_reader *outer, struct hf_cbor_reader *inner)
{
	struct hf_bytes content;

	hf_cbor_view(outer, HF_CBOR_BSTR, &content);
	hf_cbor_open_final(inner, content);
}

void hf_cbor_leave(struct hf_cbor_reader *outer, struct hf_cbor_reader *inner)
{
	hf_cbor_fail(outer, hf_cbor_close(inner));
}

/* No encoded item is the beginning of another one, so two keys differ within the shorter one's length, and comparing as
 * many bytes as the new key has decides. What is compared behind the old key's end lies before the new key's end. */
void hf_cbor_ascend(struct hf_cbor_reader *r, const uint8_t **last, const uint8_t *key)
{
	if (r->err)
		return;
	if (*last && memcmp(*last, key, (size_t)(r->pos - key)) >= 0)
		hf_cbor_fail(r, HF_ERR_ENCODING);
	*last = key;
}

int32_t hf_cbor_key(struct hf_cbor_reader *r, const uint8_t **last)
{
	const uint8_t *key = r->pos;
	int32_t value = hf_cbor_int(r);

	hf_cbor_ascend(r, last, key);
	return value;
}

/* Reads one head of any type, and the content of a string. Returns how many items it holds. */
static uint64_t step(struct hf_cbor_reader *r)
{
	enum hf_cbor_major major = hf_cbor_peek(r);
	struct hf_bytes content;

	switch (major) {
	case HF_CBOR_BSTR:
	case HF_CBOR_TSTR:
		hf_cbor_view(r, major, &content);
		return 0;
	case HF_CBOR_ARRAY:
		return hf_cbor_array(r);
	case HF_CBOR_MAP:
		return 2 * (uint64_t)hf_cbor_map(r);
	case HF_CBOR_TAG:
		(void)head(r, major);
		return 1;
	default:
		(void)head(r, major);
		return 0;
	}
}

struct hf_bytes hf_cbor_skip(struct hf_cbor_reader *r)
{
	struct hf_bytes item = { r->pos, 0 };
	uint64_t pending[HF_CBOR_DEPTH + 1]; /* items to come at each depth */
	unsigned depth = 0;

	pending[0] = 1;
	for (;;) {
		while (pending[depth] == 0) {
			if (depth-- == 0) {
				item.len = r->err ? 0 : (size_t)(r->pos - item.ptr);
				return item;
			}
		}
		pending[depth]--;
		uint64_t inside = step(r);
		if (r->err)
			return (struct hf_bytes){ r->pos, 0 };
		if (inside == 0)
			continue;
		if (depth == HF_CBOR_DEPTH) {
			hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
			return (struct hf_bytes){ r->pos, 0 };
		}
		pending[++depth] = inside;
	}
}

void hf_cbor_begin(struct hf_cbor_writer *w, uint8_t *buf, size_t cap)
{
	w->buf = buf;
	w->cap = buf ? cap : 0;
	w->len = 0;
	w->err = HF_OK;
}

/* Appends len bytes; once something did not fit, nothing more is written. */
static void append(struct hf_cbor_writer *w, const void *data, size_t len)
{
	if (w->buf && !w->err) {
		if (!hf_range_ok(w->len, len, w->cap))
			w->err = HF_ERR_TOO_LARGE;
		else if (len)
			memcpy(w->buf + w->len, data, len);
	}
	w->len += len;
}

static size_t encode_head(uint8_t out[9], enum hf_cbor_major major, uint64_t value)
{
	unsigned bytes = value < 24	       ? 0
			 : value <= UINT8_MAX  ? 1
			 : value <= UINT16_MAX ? 2
			 : value <= UINT32_MAX ? 4
					       : 8;
	unsigned info = bytes == 0 ? (unsigned)value : bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27;

	out[0] = (uint8_t)(major << 5 | info);
	for (unsigned i = bytes; i > 0; i--) {
		out[i] = (uint8_t)value;
		value >>= 8;
	}
	return 1 + bytes;
}

static void put_head(struct hf_cbor_writer *w, enum hf_cbor_major major, uint64_t value)
{
	uint8_t buf[9];

	append(w, buf, encode_head(buf, major, value));
}

void hf_cbor_put_uint(struct hf_cbor_writer *w, uint64_t value)
{
	put_head(w, HF_CBOR_UINT, value);
}

void hf_cbor_put_int(struct hf_cbor_writer *w, int64_t value)
{
	if (value < 0)
		put_head(w, HF_CBOR_NINT, ~(uint64_t)value);
	else
		put_head(w, HF_CBOR_UINT, (uint64_t)value);
}

void hf_cbor_put_bstr_header(struct hf_cbor_writer *w, size_t len)
{
	put_head(w, HF_CBOR_BSTR, len);
}

void hf_cbor_put_bstr(struct hf_cbor_writer *w, const void *data, size_t len)
{
	put_head(w, HF_CBOR_BSTR, len);
	append(w, data, len);
}

void hf_cbor_put_text(struct hf_cbor_writer *w, struct hf_bytes text)
{
	put_head(w, HF_CBOR_TSTR, text.len);
	append(w, text.ptr, text.len);
}

void hf_cbor_put_tstr(struct hf_cbor_writer *w, const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	hf_cbor_put_text(w, (struct hf_bytes){ (const uint8_t *)text, len });
}

void hf_cbor_put_array(struct hf_cbor_writer *w, size_t elements)
{
	put_head(w, HF_CBOR_ARRAY, elements);
}

void hf_cbor_put_map(struct hf_cbor_writer *w, size_t pairs)
{
	put_head(w, HF_CBOR_MAP, pairs);
}

void hf_cbor_put_tag(struct hf_cbor_writer *w, uint32_t tag)
{
	put_head(w, HF_CBOR_TAG, tag);
}

void hf_cbor_put_bool(struct hf_cbor_writer *w, bool value)
{
	put_head(w, HF_CBOR_SIMPLE, value ? 21 : 20);
}

void hf_cbor_put_null(struct hf_cbor_writer *w)
{
	put_head(w, HF_CBOR_SIMPLE, 22);
}

void hf_cbor_put_encoded(struct hf_cbor_writer *w, struct hf_bytes item)
{
	append(w, item.ptr, item.len);
}

size_t hf_cbor_wrap(struct hf_cbor_writer *w)
{
	return w->len;
}

void hf_cbor_unwrap(struct hf_cbor_writer *w, size_t mark)
{
	uint8_t buf[9];
	size_t content = w->len - mark;
	size_t header = encode_head(buf, HF_CBOR_BSTR, content);

	append(w, buf, header); /* makes the room, or finds that there is none */
	if (w->buf && !w->err) {
		memmove(w->buf + mark + header, w->buf + mark, content);
		memcpy(w->buf + mark, buf, header);
	}
}
