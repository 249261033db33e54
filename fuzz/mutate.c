/* SPDX-License-Identifier: MIT */
#include "mutate.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 256
#define STEP_MAX  8192

void must(bool holds)
{
	if (!holds)
		abort();
}

void chance_begin(struct chance *c, unsigned seed)
{
	c->state = (seed + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t next(struct chance *c)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return (uint32_t)(c->state >> 21);
}

uint32_t chance_below(struct chance *c, uint32_t n)
{
	return n ? next(c) % n : 0;
}

bool chance_one_in(struct chance *c, uint32_t n)
{
	return chance_below(c, n) == 0;
}

uint64_t chance_number(struct chance *c, uint64_t near)
{
	uint64_t limit = UINT64_C(1) << chance_below(c, 64);

	switch (chance_below(c, 8)) {
	case 0:
		return chance_below(c, 24);
	case 1:
		return near + 1;
	case 2:
		return near - 1;
	case 3:
		return near + 4 * (uint64_t)chance_below(c, 9) - 16;
	case 4:
		return near ^ (UINT64_C(1) << chance_below(c, 32));
	case 5:
		return chance_below(c, 65536);
	default:
		return limit - chance_below(c, 3) + 1;
	}
}

bool splice(uint8_t *data, size_t *len, size_t max, size_t at, size_t gone, struct hf_bytes by)
{
	if (!hf_range_ok(at, gone, *len) || *len - gone > max || by.len > max - (*len - gone))
		return false;
	memmove(data + at + by.len, data + at + gone, *len - at - gone);
	if (by.len)
		memcpy(data + at, by.ptr, by.len);
	*len += by.len - gone;
	return true;
}

/* Where each step begins; the last entry is the end. */
static unsigned find_steps(const struct steps *s, struct hf_bytes in, size_t at[STEPS_MAX + 1])
{
	unsigned n = 0;
	size_t pos = 0;

	while (pos < in.len && n < STEPS_MAX) {
		size_t taken = s->measure(in.ptr + pos, in.len - pos);

		must(taken > 0 && taken <= in.len - pos);
		at[n++] = pos;
		pos += taken;
	}
	at[n] = pos;
	return n;
}

size_t steps_mutate(const struct steps *s, struct chance *c, uint8_t *data, size_t len, size_t max)
{
	static uint8_t step[STEP_MAX];
	size_t at[STEPS_MAX + 1], from, n = 0;
	unsigned count = find_steps(s, (struct hf_bytes){ data, len }, at), i = chance_below(c, count);
	unsigned to = chance_below(c, count + 1);

	if (count == 0 || chance_one_in(c, 4)) {
		n = s->make(c, step, sizeof(step));
		(void)splice(data, &len, max, at[to], 0, (struct hf_bytes){ step, n });
		return len;
	}
	from = at[i];
	n = at[i + 1] - from;
	if (n > sizeof(step))
		return LLVMFuzzerMutate(data, len, max);
	memcpy(step, data + from, n);
	switch (chance_below(c, 8)) {
	case 0: /* drop */
		(void)splice(data, &len, max, from, n, (struct hf_bytes){ NULL, 0 });
		break;
	case 1: /* repeat elsewhere */
		(void)splice(data, &len, max, at[to], 0, (struct hf_bytes){ step, n });
		break;
	case 2: /* move to the end */
		(void)splice(data, &len, max, from, n, (struct hf_bytes){ NULL, 0 });
		(void)splice(data, &len, max, len, 0, (struct hf_bytes){ step, n });
		break;
	default:
		(void)splice(data, &len, max, from, n, (struct hf_bytes){ step, s->change(c, step, n, sizeof(step)) });
	}
	return len;
}

size_t steps_cross(const struct steps *s, struct chance *c, struct hf_bytes one, struct hf_bytes other, uint8_t *out,
		   size_t max)
{
	size_t at[STEPS_MAX + 1], len = 0;
	size_t head = one.len, tail = 0;
	unsigned n = find_steps(s, one, at);

	head = at[chance_below(c, n + 1)];
	n = find_steps(s, other, at);
	tail = at[chance_below(c, n + 1)];
	(void)splice(out, &len, max, 0, 0, (struct hf_bytes){ one.ptr, head });
	(void)splice(out, &len, max, len, 0, (struct hf_bytes){ other.ptr + tail, other.len - tail });
	return len;
}
