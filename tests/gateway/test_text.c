/* SPDX-License-Identifier: MIT
 *
 * Text without stdio, and the four functions of memory, compared with the C library's.
 */
#include "check.h"

#include <stdlib.h>

#include "port/text.h"

/* port/stm32f407/mem.c, under names that do not hide the library's. */
void *hf_test_memcpy(void *restrict to, const void *restrict from, size_t len);
void *hf_test_memmove(void *to, const void *from, size_t len);
void *hf_test_memset(void *to, int value, size_t len);
int hf_test_memcmp(const void *a, const void *b, size_t len);

static void assert_text(const struct hf_text *t, const char *want)
{
	assert_int_equal(t->len, strlen(want));
	assert_memory_equal(t->buf, want, t->len);
}

static void numbers_are_written_in_full(void **state)
{
	char buf[64];
	struct hf_text t = hf_text_begin(buf, sizeof buf);

	(void)state;
	hf_text_add_number(&t, 0);
	hf_text_add(&t, " ");
	hf_text_add_number(&t, UINT32_MAX);
	hf_text_add(&t, " ");
	hf_text_add_hex(&t, 0x0800beef);
	assert_text(&t, "0 4294967295 0x0800beef");
}

static void versions_are_written_as_people_write_them(void **state)
{
	char buf[64];
	struct hf_text t = hf_text_begin(buf, sizeof buf);

	(void)state;
	hf_text_add_version(&t, (const int32_t[]){ 1, 20, 3 }, 3);
	hf_text_add(&t, " ");
	hf_text_add_version(&t, (const int32_t[]){ 2, 0, -1, 4 }, 4);
	hf_text_add(&t, " ");
	hf_text_add_version(&t, (const int32_t[]){ 3, -3 }, 2);
	assert_text(&t, "1.20.3 2.0-rc.4 3-alpha");
}

static void text_that_does_not_fit_is_cut_off(void **state)
{
	char buf[8] = "........";
	struct hf_text t = hf_text_begin(buf, 5);

	(void)state;
	hf_text_add(&t, "abc");
	hf_text_add(&t, "defgh");
	hf_text_add_number(&t, 1);
	assert_text(&t, "abcde");
	assert_memory_equal(buf + 5, "...", 3);
}

static void memory_functions_agree_with_the_library(void **state)
{
	uint8_t a[96], b[96], pattern[96];

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t to = (size_t)rand() % 32, from = (size_t)rand() % 32, len = (size_t)rand() % 64;

		for (unsigned k = 0; k < sizeof pattern; k++)
			pattern[k] = (uint8_t)rand();
		memcpy(a, pattern, sizeof a);
		memcpy(b, pattern, sizeof b);
		memmove(a + to, a + from, len);
		hf_test_memmove(b + to, b + from, len);
		assert_memory_equal(a, b, sizeof a);
		hf_test_memcpy(b + to, pattern + from, len);
		memcpy(a + to, pattern + from, len);
		assert_memory_equal(a, b, sizeof a);
		hf_test_memset(b + to, (int)i, len);
		memset(a + to, (int)i, len);
		assert_memory_equal(a, b, sizeof a);
		b[from] ^= (uint8_t)(i & 1);
		int want = memcmp(a + to, b + to, len), got = hf_test_memcmp(a + to, b + to, len);
		assert_int_equal((want > 0) - (want < 0), (got > 0) - (got < 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_in_full),
		cmocka_unit_test(versions_are_written_as_people_write_them),
		cmocka_unit_test(text_that_does_not_fit_is_cut_off),
		cmocka_unit_test(memory_functions_agree_with_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
