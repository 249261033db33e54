/* SPDX-License-Identifier: MIT
 *
 * The four functions of the C library that compilers call by themselves, and core with them.
 *
 * They are ours and not newlib's because the gateway's must run from RAM while flash is busy, and a linker script can
 * place one object file of ours as a whole. Words where alignment allows it, bytes elsewhere: boot hashes what memcpy
 * has brought. The compiler must not turn these loops into calls of themselves (meson.build says so).
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* Words that may alias whatever the caller has there; the core loads them from any address. */
typedef uint32_t __attribute__((may_alias)) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) loose_word;

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	for (; ((uintptr_t)d & 3) != 0 && len > 0; len--)
		*d++ = *s++;
	for (; len >= 16; len -= 16, d += 16, s += 16) { /* a loop's turn costs more than a word */
		const loose_word *w = (const loose_word *)s;
		uint32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];

		((word *)d)[0] = w0;
		((word *)d)[1] = w1;
		((word *)d)[2] = w2;
		((word *)d)[3] = w3;
	}
	for (; len >= 4; len -= 4, d += 4, s += 4)
		*(word *)d = *(const loose_word *)s;
	while (len--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= len)
		return memcpy(to, from, len);
	while (len--)
		d[len] = s[len];
	return to;
}

void *memset(void *to, int value, size_t len)
{
	uint8_t *d = to;

	if (((uintptr_t)d & 3) == 0) {
		word w = (uint8_t)value * 0x01010101u;

		for (; len >= 4; len -= 4, d += 4)
			*(word *)d = w;
	}
	while (len--)
		*d++ = (uint8_t)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;

	for (; len; len--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}
