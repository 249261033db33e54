/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

/* Of an oscillator's tolerance and the like. */
#define CLOCK_STEPS 64u

const struct fault fault_table[] = {
	/* name, class, parameter, share, extent */
	{ "before", FAULT_CUT, CUT_BEFORE, 30, FAULT_EACH },
	{ "torn", FAULT_CUT, CUT_TORN, 30, FAULT_EACH },
	{ "unstable", FAULT_CUT, CUT_UNSTABLE, 30, FAULT_EACH },
	{ "brown-out", FAULT_CUT, CUT_BROWN_OUT, 10, FAULT_SHARE },
	{ "watchdog", FAULT_CUT, CUT_WATCHDOG, 10, FAULT_SHARE },
	{ "reset-pin", FAULT_CUT, CUT_PIN, 10, FAULT_SHARE },
	{ "between", FAULT_BETWEEN, CUT_BEFORE, 1000, FAULT_SHARE },
	{ "watchdog-between", FAULT_BETWEEN, CUT_WATCHDOG, 1000, FAULT_SHARE },
	{ "twice", FAULT_REPEATED, 2, 5, FAULT_SHARE },
	{ "thrice", FAULT_REPEATED, 3, 3, FAULT_SHARE },
	{ "storm", FAULT_REPEATED, CASE_STEPS, 2, FAULT_SHARE },
	{ "endless", FAULT_REPEATED, 0, 2, FAULT_SHARE },
	{ "stuck-bits", FAULT_MEMORY, MEMORY_STUCK, 3, FAULT_SHARE },
	{ "worn-flagged", FAULT_MEMORY, MEMORY_WORN_FLAGGED, 3, FAULT_SHARE },
	{ "worn-silent", FAULT_MEMORY, MEMORY_WORN_SILENT, 3, FAULT_SHARE },
	{ "read-disturb", FAULT_MEMORY, MEMORY_DISTURB, 3, FAULT_SHARE },
	{ "unstable-sector", FAULT_MEMORY, MEMORY_UNSTABLE, 3, FAULT_SHARE },
	{ "line-flip", FAULT_LINE, HF_TWIN_LINE_FLIP, 2, FAULT_SHARE },
	{ "line-burst", FAULT_LINE, HF_TWIN_LINE_BURST, 2, FAULT_SHARE },
	{ "line-lost", FAULT_LINE, HF_TWIN_LINE_LOST, 2, FAULT_SHARE },
	{ "line-repeat", FAULT_LINE, HF_TWIN_LINE_REPEAT, 2, FAULT_SHARE },
	{ "line-noise", FAULT_LINE, HF_TWIN_LINE_NOISE, 2, FAULT_SHARE },
	{ "baud-drift", FAULT_LINE, HF_TWIN_LINE_DRIFT, 2, FAULT_SHARE },
	{ "line-stall", FAULT_LINE, HF_TWIN_LINE_STALL, 2, FAULT_SHARE },
	{ "disconnected", FAULT_PEER, PEER_GONE, 3, FAULT_SHARE },
	{ "liar", FAULT_PEER, PEER_LIES, 3, FAULT_SHARE },
	{ "lsi", FAULT_CLOCK, CLOCK_LSI, 2, FAULT_SHARE },
	{ "hsi", FAULT_CLOCK, CLOCK_HSI, 2, FAULT_SHARE },
	{ "slow-flash", FAULT_CLOCK, CLOCK_FLASH, 2, FAULT_SHARE },
	{ "flip-journal", FAULT_STORED, STORED_JOURNAL, 12, FAULT_ONCE },
	{ "flip-blank", FAULT_STORED, STORED_BLANK, 12, FAULT_HOURS },
	{ "flip-manifest", FAULT_STORED, STORED_HEAD, 12, FAULT_HALF },
	{ "flip-table", FAULT_STORED, STORED_TABLE, 12, FAULT_HALF },
	{ "flip-image", FAULT_STORED, STORED_IMAGE, 12, FAULT_HOURS },
	{ "flip-recovery", FAULT_STORED, STORED_RECOVERY, 12, FAULT_HOURS },
	{ "flip-many", FAULT_STORED, STORED_ALL, 5, FAULT_SHARE },
	{ NULL, FAULT_CUT, 0, 0, FAULT_SHARE },
};

unsigned fault_count(void)
{
	return sizeof fault_table / sizeof fault_table[0] - 1;
}

const struct fault *fault_named(const char *name, size_t len)
{
	for (const struct fault *f = fault_table; f->name; f++)
		if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
			return f;
	return NULL;
}

uint64_t case_random(uint32_t seed, uint32_t purpose)
{
	uint64_t z = ((uint64_t)seed << 32 | purpose) + 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint32_t limited(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* A blank chip: nothing is stored yet, and what turns bad behind the burning is the field's (the other flows). */
static bool strikes_bare(const struct fault *f)
{
	if (f->class == FAULT_MEMORY)
		return f->parameter != MEMORY_DISTURB && f->parameter != MEMORY_UNSTABLE;
	return f->class != FAULT_STORED && !(f->class == FAULT_REPEATED && f->share <= 2);
}

uint32_t fault_instants(const struct fault *f, const struct tape *t, const struct stored *s)
{
	if (t->bare && !strikes_bare(f))
		return 0;
	switch (f->class) {
	case FAULT_CUT:
	case FAULT_REPEATED:
	case FAULT_MEMORY:
		return limited(t->ops);
	case FAULT_BETWEEN:
		return limited(t->instructions);
	case FAULT_LINE:
		return limited(t->sent);
	case FAULT_PEER:
		return t->frames;
	case FAULT_CLOCK:
		return CLOCK_STEPS;
	case FAULT_STORED:
		return stored_bits(s, f->parameter);
	}
	return 0;
}

/* The later cuts of one case: near the restart, where boot and firmware put things right, as often as later. */
static void add_cut(struct test_case *k, uint32_t seed, const struct tape *t)
{
	uint64_t r = case_random(seed, k->steps);
	uint32_t span = r >> 40 & 1 ? 60 : limited(t->ops) + 1;

	k->step[k->steps++] = (struct step){
		.fault = (uint8_t)(r % FAULT_CUTS),
		.instant = (uint32_t)(r >> 8) % span,
		.seed = (uint32_t)(r >> 16),
	};
}

void case_expand(struct test_case *out, unsigned row, uint32_t instant, uint32_t seed, const struct tape *t)
{
	const struct fault *f = &fault_table[row];
	uint64_t r = case_random(seed, 100);
	unsigned cuts;

	*out = (struct test_case){ .steps = 1, .step[0] = { (uint8_t)row, instant, seed } };
	if (f->class == FAULT_STORED && f->parameter == STORED_ALL) {
		out->steps = 2 + r % 15;
		for (unsigned i = 0; i < out->steps; i++)
			out->step[i] = (struct step){ (uint8_t)row, i ? (uint32_t)case_random(seed, i) : instant, seed };
	}
	if (f->class != FAULT_REPEATED)
		return;
	out->step[0].fault = (uint8_t)(r % FAULT_CUTS);
	cuts = f->parameter == CASE_STEPS ? 4 + (unsigned)(r >> 8) % (CASE_STEPS - 4) : f->parameter;
	while (out->steps < cuts)
		add_cut(out, seed, t);
	/* Always at the same instant of what follows a restart, so that nothing behind it is ever reached. */
	if (f->parameter == 0) {
		add_cut(out, seed, t);
		while (out->steps < CASE_STEPS) {
			out->step[out->steps] = out->step[1];
			out->step[out->steps].seed += out->steps;
			out->steps++;
		}
	}
}

void case_print(const struct test_case *k, char text[CASE_TEXT])
{
	size_t len = 0;

	for (unsigned i = 0; i < k->steps; i++)
		len += (size_t)snprintf(text + len, CASE_TEXT - len, "%s%s@%u#%x", i ? "+" : "", fault_table[k->step[i].fault].name,
					k->step[i].instant, k->step[i].seed);
}

bool case_parse(const char *text, struct test_case *out)
{
	out->steps = 0;
	do {
		size_t len = strcspn(text, "@");
		const struct fault *f = fault_named(text, len);
		struct step *s = &out->step[out->steps];
		char *end;

		if (!f || text[len] != '@' || out->steps == CASE_STEPS)
			return false;
		s->fault = (uint8_t)(f - fault_table);
		s->instant = (uint32_t)strtoul(text + len + 1, &end, 10);
		if (*end != '#')
			return false;
		s->seed = (uint32_t)strtoul(end + 1, &end, 16);
		text = end + (*end == '+');
		out->steps++;
		if (*end != '+')
			return *end == '\0';
	} while (true);
}
