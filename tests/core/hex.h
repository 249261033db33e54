/* SPDX-License-Identifier: MIT
 *
 * Hexadecimal text in tests; spaces and line ends are skipped.
 */
#ifndef HF_TESTS_HEX_H
#define HF_TESTS_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The number of bytes; what does not fit or is no digit ends the test program. */
static inline size_t from_hex(const char *text, uint8_t *out, size_t cap)
{
	size_t len = 0;

	while (*text) {
		if (*text == ' ' || *text == '\n' || *text == '\r') {
			text++;
			continue;
		}
		int high = hex_digit(text[0]), low = hex_digit(text[1]);
		if (high < 0 || low < 0 || len == cap)
			abort();
		out[len++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return len;
}

#endif
