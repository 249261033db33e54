/* SPDX-License-Identifier: MIT */
#include "text.h"

static void add_char(struct hf_text *t, char c)
{
	if (t->len < t->cap)
		t->buf[t->len++] = c;
}

void hf_text_add(struct hf_text *t, const char *s)
{
	while (*s)
		add_char(t, *s++);
}

void hf_text_add_number(struct hf_text *t, uint32_t value)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	while (n > 0)
		add_char(t, digits[--n]);
}

static void add_digit(struct hf_text *t, uint32_t digit)
{
	add_char(t, (char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
}

void hf_text_add_hex(struct hf_text *t, uint32_t value)
{
	hf_text_add(t, "0x");
	for (int shift = 28; shift >= 0; shift -= 4)
		add_digit(t, value >> shift & 15);
}

void hf_text_add_bytes(struct hf_text *t, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		add_digit(t, p[i] >> 4);
		add_digit(t, p[i] & 15);
	}
}

void hf_text_add_version(struct hf_text *t, const int32_t *part, unsigned parts)
{
	for (unsigned i = 0; i < parts; i++) {
		if (part[i] < 0) {
			hf_text_add(t, part[i] == -1 ? "-rc" : part[i] == -2 ? "-beta" : "-alpha");
			continue;
		}
		if (i > 0)
			add_char(t, '.');
		hf_text_add_number(t, (uint32_t)part[i]);
	}
}
