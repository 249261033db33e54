/* SPDX-License-Identifier: MIT
 *
 * The CBOR reader and writer against RFC 8949 appendix A, as far as the profile goes, and against what it must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cbor.h"
#include "hex.h"

struct sample {
	const char *hex;
	uint64_t value;
};

static struct hf_cbor_reader reader(const uint8_t *buf, size_t len)
{
	struct hf_cbor_reader r;

	hf_cbor_open(&r, (struct hf_bytes){ buf, len });
	return r;
}

static void assert_written(const struct hf_cbor_writer *w, const char *hex)
{
	uint8_t want[256];
	size_t len = from_hex(hex, want, sizeof(want));

	assert_int_equal(w->err, HF_OK);
	assert_int_equal(w->len, len);
	assert_memory_equal(w->buf, want, len);
}

/* RFC 8949 appendix A: unsigned and negative integers. */
static const struct sample uints[] = {
	{ "00", 0 }, { "01", 1 }, { "0a", 10 }, { "17", 23 }, { "1818", 24 }, { "1819", 25 }, { "1864", 100 },
	{ "1903e8", 1000 }, { "1a000f4240", 1000000 }, { "1b000000e8d4a51000", 1000000000000 },
	{ "1bffffffffffffffff", UINT64_MAX }, { "18ff", 255 }, { "190100", 256 }, { "19ffff", 65535 },
	{ "1a00010000", 65536 }, { "1affffffff", UINT32_MAX }, { "1b0000000100000000", UINT64_C(1) << 32 },
};
static const struct {
	const char *hex;
	int64_t value;
} nints[] = {
	{ "20", -1 }, { "29", -10 }, { "37", -24 }, { "3818", -25 }, { "3863", -100 }, { "3903e7", -1000 },
	{ "390100", -257 },
	{ "3a7fffffff", INT32_MIN },
};

static void uint_of_appendix_a_reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
		uint8_t buf[16], out[16];
		size_t len = from_hex(uints[i].hex, buf, sizeof(buf));
		struct hf_cbor_reader r = reader(buf, len);
		struct hf_cbor_writer w;

		assert_true(hf_cbor_uint64(&r) == uints[i].value);
		assert_int_equal(hf_cbor_close(&r), HF_OK);
		hf_cbor_begin(&w, out, sizeof(out));
		hf_cbor_put_uint(&w, uints[i].value);
		assert_written(&w, uints[i].hex);
	}
}

static void int_of_appendix_a_reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(nints) / sizeof(nints[0]); i++) {
		uint8_t buf[16], out[16];
		size_t len = from_hex(nints[i].hex, buf, sizeof(buf));
		struct hf_cbor_reader r = reader(buf, len);
		struct hf_cbor_writer w;

		assert_int_equal(hf_cbor_int(&r), nints[i].value);
		assert_int_equal(hf_cbor_close(&r), HF_OK);
		hf_cbor_begin(&w, out, sizeof(out));
		hf_cbor_put_int(&w, nints[i].value);
		assert_written(&w, nints[i].hex);
	}
}

static void int64_minimum_writes(void **state)
{
	uint8_t out[16];
	struct hf_cbor_writer w;

	(void)state;
	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_int(&w, INT64_MIN);
	assert_written(&w, "3b7fffffffffffffff");
}

static void number_out_of_range_is_refused(void **state)
{
	uint8_t buf[16];
	struct hf_cbor_reader r;

	(void)state;
	r = reader(buf, from_hex("1818", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_uint(&r, 23), 0);
	assert_int_equal(r.err, HF_ERR_RANGE);
	r = reader(buf, from_hex("1a80000000", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_int(&r), 0);
	assert_int_equal(r.err, HF_ERR_RANGE);
	r = reader(buf, from_hex("3a80000000", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_int(&r), 0);
	assert_int_equal(r.err, HF_ERR_RANGE);
	r = reader(buf, from_hex("3bffffffffffffffff", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_int(&r), 0);
	assert_int_equal(r.err, HF_ERR_RANGE);
}

static void string_of_appendix_a_reads_and_writes(void **state)
{
	uint8_t buf[16], out[16];
	struct hf_cbor_reader r;
	struct hf_cbor_writer w;
	struct hf_bytes view;

	(void)state;
	r = reader(buf, from_hex("4401020304", buf, sizeof(buf)));
	view = hf_cbor_bstr(&r);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	assert_int_equal(view.len, 4);
	assert_ptr_equal(view.ptr, buf + 1);
	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_bstr(&w, view.ptr, view.len);
	assert_written(&w, "4401020304");

	r = reader(buf, from_hex("6449455446", buf, sizeof(buf)));
	view = hf_cbor_tstr(&r);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	assert_int_equal(view.len, 4);
	assert_memory_equal(view.ptr, "IETF", 4);
	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_tstr(&w, "IETF");
	assert_written(&w, "6449455446");

	r = reader(buf, from_hex("40", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_bstr(&r).len, 0);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
}

static void simple_of_appendix_a_reads_and_writes(void **state)
{
	uint8_t buf[16], out[16];
	struct hf_cbor_reader r;
	struct hf_cbor_writer w;

	(void)state;
	r = reader(buf, from_hex("f4f5f6", buf, sizeof(buf)));
	assert_false(hf_cbor_bool(&r));
	assert_true(hf_cbor_bool(&r));
	hf_cbor_null(&r);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_bool(&w, false);
	hf_cbor_put_bool(&w, true);
	hf_cbor_put_null(&w);
	assert_written(&w, "f4f5f6");

	r = reader(buf, from_hex("f7", buf, sizeof(buf))); /* undefined */
	hf_cbor_null(&r);
	assert_int_equal(r.err, HF_ERR_TYPE);
	r = reader(buf, from_hex("f6", buf, sizeof(buf)));
	(void)hf_cbor_bool(&r);
	assert_int_equal(r.err, HF_ERR_TYPE);
	r = reader(buf, from_hex("f0", buf, sizeof(buf)));
	(void)hf_cbor_bool(&r);
	assert_int_equal(r.err, HF_ERR_TYPE);
}

/* {"a": 1, "b": [2, 3]} and 32("http://www.example.com") */
static void nested_item_of_appendix_a_reads_and_writes(void **state)
{
	uint8_t buf[64], out[64];
	struct hf_cbor_reader r;
	struct hf_cbor_writer w;

	(void)state;
	r = reader(buf, from_hex("a26161016162820203", buf, sizeof(buf)));
	assert_int_equal(hf_cbor_map(&r), 2);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "a", 1);
	assert_int_equal(hf_cbor_uint(&r, 9), 1);
	assert_memory_equal(hf_cbor_tstr(&r).ptr, "b", 1);
	assert_int_equal(hf_cbor_array(&r), 2);
	assert_int_equal(hf_cbor_uint(&r, 9), 2);
	assert_int_equal(hf_cbor_uint(&r, 9), 3);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_map(&w, 2);
	hf_cbor_put_tstr(&w, "a");
	hf_cbor_put_uint(&w, 1);
	hf_cbor_put_tstr(&w, "b");
	hf_cbor_put_array(&w, 2);
	hf_cbor_put_uint(&w, 2);
	hf_cbor_put_uint(&w, 3);
	assert_written(&w, "a26161016162820203");

	hf_cbor_begin(&w, out, sizeof(out));
	hf_cbor_put_tag(&w, 32);
	hf_cbor_put_tstr(&w, "http://www.example.com");
	assert_written(&w, "d82076687474703a2f2f7777772e6578616d706c652e636f6d");
	r = reader(out, w.len);
	assert_int_equal(hf_cbor_tag(&r), 32);
	assert_int_equal(hf_cbor_tstr(&r).len, 22);
	assert_int_equal(hf_cbor_close(&r), HF_OK);
}

static void skip_of_every_item_returns_its_bytes(void **state)
{
	static const char *const items[] = {
		"00",
		"1bffffffffffffffff",
		"3bffffffffffffffff",
		"f4",
		"f5",
		"f6",
		"f7",
		"f0",
		"c074323031332d30332d32315432303a30343a30305a",
		"c11a514b67b0",
		"d74401020304",
		"d818456449455446",
		"40",
		"60",
		"62225c",
		"62c3bc",
		"80",
		"83010203",
		"8301820203820405",
		"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
		"a0",
		"a201020304",
		"a26161016162820203",
		"826161a161626163",
		"a56161614161626142616361436164614461656145",
		"8181818181818180",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		uint8_t buf[64];
		size_t len = from_hex(items[i], buf, sizeof(buf) - 1);

		buf[len] = 0x00; /* one more item, which must stay */
		struct hf_cbor_reader r = reader(buf, len + 1);
		struct hf_bytes item = hf_cbor_skip(&r);
		assert_int_equal(r.err, HF_OK);
		assert_ptr_equal(item.ptr, buf);
		assert_int_equal(item.len, len);
		for (size_t cut = 0; cut < len; cut++) {
			r = reader(buf, cut);
			(void)hf_cbor_skip(&r);
			assert_int_equal(r.err, HF_ERR_TRUNCATED);
			hf_cbor_open_final(&r, (struct hf_bytes){ buf, cut });
			(void)hf_cbor_skip(&r);
			assert_int_equal(r.err, HF_ERR_ENCODING);
		}
	}
}

static void item_outside_the_profile_is_refused(void **state)
{
	static const struct {
		const char *hex;
		enum hf_err err;
	} items[] = {
		/* longer than needed */
		{ "1800", HF_ERR_ENCODING }, { "1817", HF_ERR_ENCODING }, { "190000", HF_ERR_ENCODING },
		{ "1900ff", HF_ERR_ENCODING },
		{ "1a0000ffff", HF_ERR_ENCODING }, { "1b00000000ffffffff", HF_ERR_ENCODING },
		{ "580101", HF_ERR_ENCODING },
		{ "980100", HF_ERR_ENCODING }, { "3817", HF_ERR_ENCODING },
		/* reserved, indefinite, break */
		{ "1c", HF_ERR_ENCODING }, { "1d", HF_ERR_ENCODING }, { "1e", HF_ERR_ENCODING },
		{ "1f", HF_ERR_ENCODING },
		{ "5f42010243030405ff", HF_ERR_ENCODING }, { "9fff", HF_ERR_ENCODING }, { "bfff", HF_ERR_ENCODING },
		{ "ff", HF_ERR_ENCODING },
		/* floats and unassigned simple values */
		{ "f90000", HF_ERR_UNSUPPORTED }, { "fa47c35000", HF_ERR_UNSUPPORTED },
		{ "fb3ff199999999999a", HF_ERR_UNSUPPORTED },
		{ "f8ff", HF_ERR_UNSUPPORTED },
		/* deeper than HF_CBOR_DEPTH */
		{ "818181818181818180", HF_OK }, { "81818181818181818100", HF_ERR_UNSUPPORTED },
		{ "a100a100a100a100a100a100a100a100a10000", HF_ERR_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		uint8_t buf[64];
		struct hf_cbor_reader r = reader(buf, from_hex(items[i].hex, buf, sizeof(buf)));

		(void)hf_cbor_skip(&r);
		if (r.err != items[i].err)
			print_error("%s\n", items[i].hex);
		assert_int_equal(r.err, items[i].err);
	}
}

static void count_larger_than_the_input_is_refused(void **state)
{
	static const char *const items[] = { "9a00ffffff00",	       "9bffffffffffffffff00", "ba7fffffff0000",
					     "bb80000000000000000000", "5affffffff00",	       "7bffffffffffffffff00" };

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		uint8_t buf[64];
		struct hf_cbor_reader r = reader(buf, from_hex(items[i], buf, sizeof(buf)));

		(void)hf_cbor_skip(&r);
		assert_int_equal(r.err, HF_ERR_TRUNCATED);
	}
}

static void error_sticks_and_reads_yield_nothing(void **state)
{
	uint8_t buf[16];
	struct hf_cbor_reader r = reader(buf, from_hex("01420102830102030a", buf, sizeof(buf)));

	(void)state;
	assert_int_equal(hf_cbor_tstr(&r).len, 0);
	assert_int_equal(r.err, HF_ERR_TYPE);
	assert_int_equal(hf_cbor_uint64(&r), 0);
	assert_int_equal(hf_cbor_int(&r), 0);
	assert_int_equal(hf_cbor_bstr(&r).len, 0);
	assert_int_equal(hf_cbor_array(&r), 0);
	assert_int_equal(hf_cbor_map(&r), 0);
	assert_int_equal(hf_cbor_tag(&r), 0);
	assert_false(hf_cbor_bool(&r));
	assert_int_equal(hf_cbor_skip(&r).len, 0);
	assert_int_equal(hf_cbor_peek(&r), HF_CBOR_NONE);
	assert_int_equal(hf_cbor_close(&r), HF_ERR_TYPE);
}

static void close_with_input_left_is_refused(void **state)
{
	uint8_t buf[16];
	struct hf_cbor_reader r = reader(buf, from_hex("0001", buf, sizeof(buf)));

	(void)state;
	(void)hf_cbor_uint64(&r);
	assert_int_equal(hf_cbor_close(&r), HF_ERR_ENCODING);
}

static void empty_view_without_pointer_is_no_item(void **state)
{
	struct hf_cbor_reader r = reader(NULL, 0);

	(void)state;
	assert_int_equal(hf_cbor_peek(&r), HF_CBOR_NONE);
	(void)hf_cbor_uint64(&r);
	assert_int_equal(r.err, HF_ERR_TRUNCATED);
}

static void key_order_is_canonical_or_refused(void **state)
{
	/* Maps with integer keys, the values 0. */
	static const struct {
		const char *hex;
		enum hf_err err;
	} maps[] = {
		{ "a401000200181800200000", HF_ERR_ENCODING /* trailing */ }, { "a40100020018180019010000", HF_OK },
		{ "a41400390100003901010039010200", HF_OK }, { "a2200001 00", HF_ERR_ENCODING },
		{ "a2010001 00", HF_ERR_ENCODING },
		{ "a2020001 00", HF_ERR_ENCODING }, { "a2190100001818 00", HF_ERR_ENCODING },
		{ "a2390101003901 0000", HF_ERR_ENCODING },
		{ "a217001818 00", HF_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		uint8_t buf[64];
		struct hf_cbor_reader r = reader(buf, from_hex(maps[i].hex, buf, sizeof(buf)));
		const uint8_t *last = NULL;

		for (uint32_t n = hf_cbor_map(&r); n > 0; n--) {
			(void)hf_cbor_key(&r, &last);
			(void)hf_cbor_uint64(&r);
		}
		if (hf_cbor_close(&r) != maps[i].err)
			print_error("%s\n", maps[i].hex);
		assert_int_equal(r.err, maps[i].err);
	}
}

static void writer_without_room_counts_on(void **state)
{
	uint8_t out[8];
	struct hf_cbor_writer w;

	(void)state;
	memset(out, 0xee, sizeof(out));
	hf_cbor_begin(&w, out, 4);
	hf_cbor_put_uint(&w, 1000);
	assert_int_equal(w.err, HF_OK);
	hf_cbor_put_uint(&w, 1000);
	assert_int_equal(w.err, HF_ERR_TOO_LARGE);
	hf_cbor_put_null(&w); /* would fit, but must not be written behind a gap */
	assert_int_equal(w.len, 7);
	assert_int_equal(out[3], 0xee);
	hf_cbor_begin(&w, NULL, 0);
	hf_cbor_put_bstr(&w, NULL, 0);
	hf_cbor_put_bstr(&w, out, sizeof(out));
	assert_int_equal(w.len, 10);
	assert_int_equal(w.err, HF_OK);
}

static void wrap_gives_the_bytes_of_a_string(void **state)
{
	static const size_t lengths[] = { 0, 1, 22, 23, 24, 255, 256, 65535, 65536 };
	static uint8_t content[65536], plain[65600], wrapped[65600];

	(void)state;
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct hf_cbor_writer a, b, counted;

		hf_cbor_begin(&a, plain, sizeof(plain));
		hf_cbor_put_null(&a);
		hf_cbor_put_bstr(&a, content, lengths[i]);
		hf_cbor_begin(&b, wrapped, sizeof(wrapped));
		hf_cbor_begin(&counted, NULL, 0);
		struct hf_cbor_writer *each[] = { &b, &counted };
		for (size_t k = 0; k < 2; k++) {
			hf_cbor_put_null(each[k]);
			size_t mark = hf_cbor_wrap(each[k]);
			hf_cbor_put_encoded(each[k], (struct hf_bytes){ content, lengths[i] });
			hf_cbor_unwrap(each[k], mark);
		}
		assert_int_equal(a.len, b.len);
		assert_int_equal(a.len, counted.len);
		assert_memory_equal(plain, wrapped, a.len);

		hf_cbor_begin(&b, wrapped, a.len - 1); /* one byte too little */
		hf_cbor_put_null(&b);
		size_t mark = hf_cbor_wrap(&b);
		hf_cbor_put_encoded(&b, (struct hf_bytes){ content, lengths[i] });
		hf_cbor_unwrap(&b, mark);
		assert_int_equal(b.err, HF_ERR_TOO_LARGE);
		assert_int_equal(b.len, a.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uint_of_appendix_a_reads_and_writes),
		cmocka_unit_test(int_of_appendix_a_reads_and_writes),
		cmocka_unit_test(int64_minimum_writes),
		cmocka_unit_test(number_out_of_range_is_refused),
		cmocka_unit_test(string_of_appendix_a_reads_and_writes),
		cmocka_unit_test(simple_of_appendix_a_reads_and_writes),
		cmocka_unit_test(nested_item_of_appendix_a_reads_and_writes),
		cmocka_unit_test(skip_of_every_item_returns_its_bytes),
		cmocka_unit_test(item_outside_the_profile_is_refused),
		cmocka_unit_test(count_larger_than_the_input_is_refused),
		cmocka_unit_test(error_sticks_and_reads_yield_nothing),
		cmocka_unit_test(close_with_input_left_is_refused),
		cmocka_unit_test(empty_view_without_pointer_is_no_item),
		cmocka_unit_test(key_order_is_canonical_or_refused),
		cmocka_unit_test(writer_without_room_counts_on),
		cmocka_unit_test(wrap_gives_the_bytes_of_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
