/* SPDX-License-Identifier: MIT
 *
 * Whether a byte string holds CBOR cannot be known without the format, only tried: it is shown as CBOR where it is
 * exactly one array, map or tag in its only encoding, so that what is printed means the same bytes in either case.
 */
#include "cbor_diag.h"

#include <inttypes.h>

#include "cbor.h"

#define DEPTH_MAX 24
#define SHOWN     16 /* bytes of a string that is cut off */

struct printer {
	FILE *to;
	size_t limit;
	unsigned depth;
};

static void print_item(struct printer *p, struct hf_cbor_reader *r);

static void newline(const struct printer *p)
{
	fputc('\n', p->to);
	for (unsigned i = 0; i < p->depth; i++)
		fputs("  ", p->to);
}

static void print_hex(const struct printer *p, struct hf_bytes bytes)
{
	size_t shown = p->limit && bytes.len > p->limit ? SHOWN : bytes.len;

	fputs("h'", p->to);
	for (size_t i = 0; i < shown; i++)
		fprintf(p->to, "%02x", bytes.ptr[i]);
	fputs("'", p->to);
	if (shown < bytes.len)
		fprintf(p->to, " / the first %zu of %zu bytes /", shown, bytes.len);
}

static void print_text(const struct printer *p, struct hf_bytes text)
{
	fputc('"', p->to);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			fprintf(p->to, "\\%c", text.ptr[i]);
		else if (text.ptr[i] < 32)
			fprintf(p->to, "\\u%04x", text.ptr[i]);
		else
			fputc(text.ptr[i], p->to);
	}
	fputc('"', p->to);
}

static bool is_cbor(struct hf_bytes bytes)
{
	struct hf_cbor_reader r;
	enum hf_cbor_major major;

	hf_cbor_open_final(&r, bytes);
	major = hf_cbor_peek(&r);
	if (bytes.len < 2 || (major != HF_CBOR_ARRAY && major != HF_CBOR_MAP && major != HF_CBOR_TAG))
		return false;
	(void)hf_cbor_skip(&r);
	return hf_cbor_close(&r) == HF_OK;
}

static void print_bytes(struct printer *p, struct hf_bytes bytes)
{
	struct hf_cbor_reader r;

	if (!is_cbor(bytes) || p->depth >= DEPTH_MAX) {
		print_hex(p, bytes);
		return;
	}
	fputs("<< ", p->to);
	hf_cbor_open_final(&r, bytes);
	print_item(p, &r);
	fputs(" >>", p->to);
}

/* Whether all of an array's elements are short enough for one line. */
static bool is_flat(struct hf_cbor_reader r, uint32_t items)
{
	const uint8_t *begin = r.pos;

	for (; items; items--) {
		enum hf_cbor_major major = hf_cbor_peek(&r);

		if (major != HF_CBOR_UINT && major != HF_CBOR_NINT && major != HF_CBOR_BSTR)
			return false;
		(void)hf_cbor_skip(&r);
	}
	return r.pos - begin <= 40;
}

static void print_array(struct printer *p, struct hf_cbor_reader *r)
{
	uint32_t items = hf_cbor_array(r);
	bool flat = is_flat(*r, items);

	fputc('[', p->to);
	p->depth++;
	for (uint32_t i = 0; i < items && !r->err; i++) {
		if (i)
			fputs(flat ? ", " : ",", p->to);
		if (!flat)
			newline(p);
		print_item(p, r);
	}
	p->depth--;
	if (!flat)
		newline(p);
	fputc(']', p->to);
}

static void print_map(struct printer *p, struct hf_cbor_reader *r)
{
	uint32_t pairs = hf_cbor_map(r);

	fputc('{', p->to);
	p->depth++;
	for (uint32_t i = 0; i < pairs && !r->err; i++) {
		if (i)
			fputc(',', p->to);
		newline(p);
		print_item(p, r);
		fputs(": ", p->to);
		print_item(p, r);
	}
	p->depth--;
	if (pairs)
		newline(p);
	fputc('}', p->to);
}

static void print_simple(struct printer *p, struct hf_cbor_reader *r)
{
	struct hf_bytes item = hf_cbor_skip(r);

	if (item.len == 1 && (item.ptr[0] == 0xf4 || item.ptr[0] == 0xf5))
		fputs(item.ptr[0] == 0xf5 ? "true" : "false", p->to);
	else if (item.len == 1 && item.ptr[0] == 0xf6)
		fputs("null", p->to);
	else if (item.len == 1)
		fprintf(p->to, "simple(%u)", item.ptr[0] & 31u);
}

/* -1 - n, for any n of 64 bits. */
static void print_negative(struct printer *p, struct hf_cbor_reader *r)
{
	struct hf_bytes item = hf_cbor_skip(r);
	uint64_t n = 0;

	if (r->err)
		return;
	if (item.len == 1)
		n = item.ptr[0] & 31u;
	for (size_t i = 1; i < item.len; i++)
		n = n << 8 | item.ptr[i];
	if (n == UINT64_MAX)
		fputs("-18446744073709551616", p->to);
	else
		fprintf(p->to, "-%" PRIu64, n + 1);
}

static void print_tag(struct printer *p, struct hf_cbor_reader *r)
{
	fprintf(p->to, "%" PRIu32 "(", hf_cbor_tag(r));
	print_item(p, r);
	fputc(')', p->to);
}

static void print_item(struct printer *p, struct hf_cbor_reader *r)
{
	if (p->depth > DEPTH_MAX) {
		hf_cbor_fail(r, HF_ERR_UNSUPPORTED);
		return;
	}
	switch (hf_cbor_peek(r)) {
	case HF_CBOR_UINT:
		fprintf(p->to, "%" PRIu64, hf_cbor_uint64(r));
		break;
	case HF_CBOR_NINT:
		print_negative(p, r);
		break;
	case HF_CBOR_BSTR:
		print_bytes(p, hf_cbor_bstr(r));
		break;
	case HF_CBOR_TSTR:
		print_text(p, hf_cbor_tstr(r));
		break;
	case HF_CBOR_ARRAY:
		print_array(p, r);
		break;
	case HF_CBOR_MAP:
		print_map(p, r);
		break;
	case HF_CBOR_TAG:
		p->depth++;
		print_tag(p, r);
		p->depth--;
		break;
	case HF_CBOR_SIMPLE:
		print_simple(p, r);
		break;
	case HF_CBOR_NONE:
		hf_cbor_fail(r, r->at_end);
		break;
	}
}

enum hf_err hf_cbor_diag(struct hf_bytes data, size_t limit_bytes, FILE *to)
{
	struct printer p = {.to = to, .limit = limit_bytes};
	struct hf_cbor_reader r;

	hf_cbor_open_final(&r, data);
	do {
		print_item(&p, &r);
		fputc('\n', to);
	} while (!r.err && r.pos < r.end);
	return r.err;
}
