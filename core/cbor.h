/* SPDX-License-Identifier: MIT
 *
 * CBOR (RFC 8949), read and written without memory of its own.
 *
 * The reader takes definite lengths and shortest encodings only, so that a value has one encoding and a digest one
 * meaning. Its first error sticks: every later read changes nothing and yields 0, an empty view or a count of 0. So a
 * parser reads straight on, loops stay bounded by counts that fit the input, and err is tested once, before a value is
 * trusted. The writer's error sticks too, and it goes on counting, so that one pass over no buffer gives the size.
 */
#ifndef HF_CBOR_H
#define HF_CBOR_H

#include "bytes.h"
#include "err.h"

/* Major types; HF_CBOR_NONE: there is no next item (end of the input, or an error before). */
enum hf_cbor_major {
	HF_CBOR_UINT = 0,
	HF_CBOR_NINT = 1,
	HF_CBOR_BSTR = 2,
	HF_CBOR_TSTR = 3,
	HF_CBOR_ARRAY = 4,
	HF_CBOR_MAP = 5,
	HF_CBOR_TAG = 6,
	HF_CBOR_SIMPLE = 7,
	HF_CBOR_NONE = 8,
};

#define HF_CBOR_DEPTH 8 /* arrays and maps in each other that hf_cbor_skip follows */

struct hf_cbor_reader {
	const uint8_t *pos; /* next item; == end after an error */
	const uint8_t *end;
	enum hf_err err;    /* the first one */
	enum hf_err at_end; /* what a read behind the end means */
};

/* Input that may still grow: running out of it is HF_ERR_TRUNCATED. The views that are read borrow from buf. */
void hf_cbor_open(struct hf_cbor_reader *r, struct hf_bytes buf);

/* Input whose length is known to be final, as the content of a byte string: running out of it is HF_ERR_ENCODING. */
void hf_cbor_open_final(struct hf_cbor_reader *r, struct hf_bytes buf);

/* Records err, if it is one, unless there is one already. */
void hf_cbor_fail(struct hf_cbor_reader *r, enum hf_err err);

/* The error; at its absence HF_ERR_ENCODING if input is left. */
HF_MUST_USE enum hf_err hf_cbor_close(struct hf_cbor_reader *r);

/* The type of the next item, which stays unread. */
enum hf_cbor_major hf_cbor_peek(const struct hf_cbor_reader *r);

/* Each reads one item; HF_ERR_TYPE if it is of another type, HF_ERR_RANGE if the number does not fit. Counts are
 * checked to fit the rest of the input. Text is not checked to be UTF-8. */
uint64_t hf_cbor_uint64(struct hf_cbor_reader *r);
uint32_t hf_cbor_uint(struct hf_cbor_reader *r, uint32_t max);
int32_t hf_cbor_int(struct hf_cbor_reader *r);
struct hf_bytes hf_cbor_bstr(struct hf_cbor_reader *r);
struct hf_bytes hf_cbor_tstr(struct hf_cbor_reader *r);
uint32_t hf_cbor_array(struct hf_cbor_reader *r); /* elements */
uint32_t hf_cbor_map(struct hf_cbor_reader *r);   /* pairs */
uint32_t hf_cbor_tag(struct hf_cbor_reader *r);
bool hf_cbor_bool(struct hf_cbor_reader *r);
void hf_cbor_null(struct hf_cbor_reader *r);

/* The same as bstr and tstr, for code that has to be small: the view is not returned. */
void hf_cbor_view(struct hf_cbor_reader *r, enum hf_cbor_major major, struct hf_bytes *out);

/* Demands an item with this argument (a number's value, a count, a tag, a simple value): HF_ERR_TYPE if it is of
 * another type, HF_ERR_UNSUPPORTED if it says something else. A negative integer n has the argument -1 - n. */
void hf_cbor_expect(struct hf_cbor_reader *r, enum hf_cbor_major major, uint32_t argument);

/* Reads the content of a byte string by a reader of its own, and gives the error of that one to the outer one. */
void hf_cbor_enter(struct hf_cbor_reader *outer, struct hf_cbor_reader *inner);
void hf_cbor_leave(struct hf_cbor_reader *outer, struct hf_cbor_reader *inner);

/* The header of a byte or text string whose content may lie behind the end of the input: its length. */
uint32_t hf_cbor_string_header(struct hf_cbor_reader *r, enum hf_cbor_major major);

/* Demands that the key which was read last, and begins at `key`, follows *last in canonical order; *last becomes it.
 * Begin a map with *last = NULL. */
void hf_cbor_ascend(struct hf_cbor_reader *r, const uint8_t **last, const uint8_t *key);

/* hf_cbor_int and hf_cbor_ascend: the next key of a map whose keys are integers. */
int32_t hf_cbor_key(struct hf_cbor_reader *r, const uint8_t **last);

/* Skips an item of any type, HF_ERR_UNSUPPORTED if it is nested deeper than HF_CBOR_DEPTH. Map keys may be in any
 * order (SMP's are). Returns the item's bytes. */
struct hf_bytes hf_cbor_skip(struct hf_cbor_reader *r);

struct hf_cbor_writer {
	uint8_t *buf;    /* NULL: count only */
	size_t cap;
	size_t len;      /* bytes that the whole needs; more than cap after HF_ERR_TOO_LARGE */
	enum hf_err err; /* HF_OK or HF_ERR_TOO_LARGE; counting alone leaves HF_OK */
};

/* buf NULL: nothing is written, len gets the size. */
void hf_cbor_begin(struct hf_cbor_writer *w, uint8_t *buf, size_t cap);

/* Each appends one item. Map keys are the caller's to order. */
void hf_cbor_put_uint(struct hf_cbor_writer *w, uint64_t value);
void hf_cbor_put_int(struct hf_cbor_writer *w, int64_t value);
void hf_cbor_put_bstr(struct hf_cbor_writer *w, const void *data, size_t len);
void hf_cbor_put_tstr(struct hf_cbor_writer *w, const char *text); /* ends with 0 */
void hf_cbor_put_text(struct hf_cbor_writer *w, struct hf_bytes text);
void hf_cbor_put_array(struct hf_cbor_writer *w, size_t elements);
void hf_cbor_put_map(struct hf_cbor_writer *w, size_t pairs);
void hf_cbor_put_tag(struct hf_cbor_writer *w, uint32_t tag);
void hf_cbor_put_bool(struct hf_cbor_writer *w, bool value);
void hf_cbor_put_null(struct hf_cbor_writer *w);

/* The header of a byte string whose content is sent or stored by other means. */
void hf_cbor_put_bstr_header(struct hf_cbor_writer *w, size_t len);

/* Appends bytes that are CBOR already. */
void hf_cbor_put_encoded(struct hf_cbor_writer *w, struct hf_bytes item);

/* What is put between the two calls becomes the content of one byte string (its header is inserted at the end, so
 * that content moves by up to 9 bytes). Pairs may be nested. */
size_t hf_cbor_wrap(struct hf_cbor_writer *w);
void hf_cbor_unwrap(struct hf_cbor_writer *w, size_t mark);

#endif
