/* SPDX-License-Identifier: MIT
 *
 * Three questions are asked of each state: does every event, in every course, keep the rules; does the device get to confirmed
 * firmware by itself where that is there (alone), whatever ends its runs; is there a way, by what technicians do, to newest
 * firmware that is confirmed (way_out). States from which there is one are remembered, so most searches end at once.
 */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

struct node {
	struct packed at;
	uint32_t from;
	uint8_t event;
	struct course course;
};

struct set {
	uint32_t *slot; /* node number + 1 */
	uint32_t mask;
};

static struct node *nodes;
static struct set known;
static uint32_t count, limit;

/* States with a way out: their hashes, 64 bits each. */
static uint64_t *good;
static uint32_t good_mask, good_count;

static struct found *stats;

static uint64_t hash(const struct packed *p)
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (unsigned i = 0; i < sizeof p->byte; i += 4) {
		uint32_t word;

		memcpy(&word, p->byte + i, 4);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h | 1;
}

/* ---- what was met already ---- */

/* False: it is known. */
static bool remember(const struct packed *p, uint32_t from, uint8_t event, const struct course *course)
{
	uint32_t i = (uint32_t)(hash(p) >> 8) & known.mask;

	for (; known.slot[i] != 0; i = (i + 1) & known.mask)
		if (memcmp(&nodes[known.slot[i] - 1].at, p, sizeof *p) == 0)
			return false;
	if (count == limit)
		return false;
	nodes[count] = (struct node){ *p, from, event, *course };
	known.slot[i] = ++count;
	return true;
}

static uint32_t good_slot(uint64_t h)
{
	uint32_t i = (uint32_t)(h >> 16) & good_mask;

	while (good[i] != 0 && good[i] != h)
		i = (i + 1) & good_mask;
	return i;
}

static bool is_good(const struct packed *p)
{
	return good[good_slot(hash(p))] != 0;
}

static void set_good(const struct packed *p)
{
	uint64_t h = hash(p);
	uint32_t i = good_slot(h);

	if (good[i] == 0 && good_count < good_mask / 4 * 3) {
		good[i] = h;
		good_count++;
	}
}

/* ---- telling ---- */

static const char *const cuts[CUTS] = {
	[CUT_NONE] = "", [CUT_BEFORE] = "cut before", [CUT_TORN] = "cut in", [CUT_TORN_HEAD] = "cut in (head stays)",
	[CUT_TORN_CONTENT] = "cut in (content stays)", [CUT_FAILS] = "memory fails at",
};
static const char *const rooms[ROOMS] = { "", ", journal nearly full", ", journal full" };
static const char *const modes[] = { "off", "firmware", "recovery", "stay" };

static const char *const said[8] = { "unknown", "uploading", "written", "trial", "confirmed", "rejected", "interrupted" };

static const char *word_name(uint8_t code)
{
	if (code == WORD_BLANK)
		return "-";
	if (code == WORD_GARBAGE)
		return "garbage";
	return image_specs[code % 8].name;
}

static void tell_world(const struct world *w)
{
	printf("#      ");
	for (unsigned i = 0; i < HF_PLACES; i++)
		printf(" %c[%s%s %s%s]", "ABR"[i], word_name(w->head[i]), w->head[i] >= WORD_TORN ? "?" : "",
		       word_name(w->content[i]), w->content[i] >= WORD_TORN ? "?" : "");
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &w->state.slot[i];

		printf(" %c: %s %s starts %u failures %u;", "AB"[i], said[s->state], s->id[0] < IMAGES && s->id[0] ?
		       image_specs[s->id[0]].name : "", s->starts, s->failures);
	}
	printf(" floor %u, %s", (unsigned)w->state.floor, modes[w->mode]);
	if (w->mode == MODE_APP || w->mode == MODE_RECOVERY)
		printf(" %s from %c", image_specs[w->image].name, "ABR"[w->place]);
	printf("%s%s\n", w->keyset ? ", second keyset" : "", w->dead ? ", journal dead" : "");
}

static void tell_step(uint8_t event, const struct course *c)
{
	printf("#    %s%s", events[event].name, rooms[c->room]);
	if (c->cut != CUT_NONE)
		printf(", %s operation %u%s", cuts[c->cut], c->cut_at, c->watchdog ? " by the watchdog" : "");
	printf("%s\n", c->torn_reads ? ", torn words read whole" : "");
}

static void tell(uint32_t at)
{
	uint32_t path[256];
	unsigned n = 0;
	struct world w;

	for (; at != UINT32_MAX && n < 256; at = nodes[at].from)
		path[n++] = at;
	while (n-- > 0) {
		const struct node *node = &nodes[path[n]];

		if (node->from != UINT32_MAX)
			tell_step(node->event, &node->course);
		world_unpack(&w, &node->at);
		tell_world(&w);
	}
}

static void broken(uint32_t at, const char *what)
{
	if (!stats->broken)
		stats->broken = what;
	printf("# BROKEN: %s\n", what);
	tell(at);
}

/* ---- by itself ---- */

static const struct event *event_named(const char *name)
{
	for (unsigned i = 0; i < event_count; i++)
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	abort();
}

static void play(const struct event *e)
{
	model.course = (struct course){ .room = ROOM_ENOUGH };
	(void)event_apply(e);
	stats->steps++;
}

#define ALONE_STEPS 60u

/* Nobody does anything. Runs of what is not confirmed end as given; recovery takes its place and leaves as it may. Returns the slots in
 * which firmware was started; *confirmed: firmware that was confirmed runs in the end. */
static unsigned live_alone(const struct world *w, enum hf_reset_cause end, bool *confirmed)
{
	static const struct event *start, *move, *leave;
	struct event stop = { .arg = 0 };
	unsigned started = 0;

	if (!start) {
		start = event_named("start");
		move = event_named("recovery takes its place");
		leave = event_named("recovery leaves");
	}
	stop = *event_named("power fails");
	stop.arg = (uint8_t)end;
	*confirmed = false;
	model.w = *w;
	for (unsigned i = 0; i < ALONE_STEPS; i++) {
		struct world *now = &model.w;

		if (now->mode == MODE_STAY)
			break;
		if (now->mode == MODE_OFF) {
			play(start);
			continue;
		}
		if (now->mode == MODE_APP) {
			started |= 1u << now->place;
			*confirmed = now->state.slot[now->place].state == HF_SLOT_CONFIRMED && !now->last_resort;
			if (*confirmed)
				break;
			play(&stop);
		} else if (move->possible(now)) {
			play(move);
		} else if (leave->possible(now)) {
			play(leave);
		} else {
			break;
		}
	}
	return started;
}

/* Firmware in this slot that was good here, and is only named by the keyset. */
static bool named_only(const struct world *w, unsigned slot)
{
	enum image i = world_stable_image(w, slot);

	return i != NO_IMAGE && w->proven[slot] == i && !image_signed(w, i) && image_trusted(w, i) &&
	       image_specs[i].security >= w->state.floor;
}

static void check_alone(uint32_t at, const struct world *w)
{
	static const enum hf_reset_cause ends[] = { HF_RESET_POWER, HF_RESET_WATCHDOG };

	for (unsigned i = 0; i < 2; i++) {
		bool confirmed, waits = rules_confirmed_starts(w, 0, false) || rules_confirmed_starts(w, 1, false);
		unsigned started;

		if (w->mode != MODE_OFF || w->dead)
			return;
		started = live_alone(w, ends[i], &confirmed);
		if (model.broken) {
			broken(at, model.broken);
			return;
		}
		if (waits && !confirmed) {
			broken(at, "intact confirmed firmware comes to run by itself");
			return;
		}
		/* (Power losses use nothing up: what they end is started for ever.) */
		for (unsigned slot = 0; slot < HF_SLOTS && !confirmed; slot++) {
			bool same = world_stable_image(w, 0) == world_stable_image(w, 1) && started != 0;

			if (!named_only(w, slot) || (started >> slot & 1) || same || ends[i] == HF_RESET_POWER)
				continue;
			broken(at, "good firmware that the keyset names comes to run by itself where nothing else does");
			return;
		}
	}
}

/* ---- the way out ---- */

#define WAYS_MAX 4096u

static bool arrived(const struct world *w)
{
	return w->mode == MODE_APP && w->image == SECURE && w->state.slot[w->place].state == HF_SLOT_CONFIRMED &&
	       w->state.slot[w->place].copies >= 2 && w->state.newest == image_sequence(SECURE);
}

struct way {
	struct packed at;
	unsigned from;
};

static bool met(const struct way *ways, unsigned n, const struct packed *p)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(&ways[i].at, p, sizeof *p) == 0)
			return true;
	return false;
}

/* All that is possible and helps, from one state. True: out. */
static bool try_help(struct way *ways, unsigned at, unsigned *n)
{
	struct world w;

	world_unpack(&w, &ways[at].at);
	for (unsigned e = 0; e < event_count; e++) {
		struct packed next;

		if (!events[e].help || !events[e].possible(&w))
			continue;
		model.w = w;
		play(&events[e]);
		stats->escapes++;
		world_pack(&model.w, &next);
		if (arrived(&model.w) || is_good(&next)) {
			set_good(&next);
			for (unsigned i = at;; i = ways[i].from) {
				set_good(&ways[i].at);
				if (i == 0)
					return true;
			}
		}
		if (*n < WAYS_MAX && !met(ways, *n, &next))
			ways[(*n)++] = (struct way){ next, at };
	}
	return false;
}

static bool way_out(const struct packed *from)
{
	static struct way ways[WAYS_MAX];
	unsigned n = 1;

	if (is_good(from))
		return true;
	ways[0] = (struct way){ *from, 0 };
	for (unsigned i = 0; i < n; i++)
		if (try_help(ways, i, &n))
			return true;
	return false;
}

/* ---- the search ---- */

static bool torn(const struct world *w)
{
	for (unsigned p = 0; p < HF_PLACES; p++)
		if (w->head[p] >= WORD_TORN || w->content[p] >= WORD_TORN)
			return true;
	return false;
}

/* One event in one course. Returns its operations. */
static unsigned step(uint32_t at, const struct world *w, uint8_t event, const struct course *course)
{
	struct packed next;
	unsigned operations;

	model.w = *w;
	model.course = *course;
	model.broken = NULL;
	memset(model.cut_erase, 0, sizeof model.cut_erase);
	memset(model.cut_program, 0, sizeof model.cut_program);
	(void)event_apply(&events[event]);
	operations = model.operations;
	stats->steps++;
	rules_step(w, &model.w, &events[event]);
	if (model.broken) {
		broken(at, model.broken);
		tell_step(event, course);
		tell_world(&model.w);
		return operations;
	}
	world_pack(&model.w, &next);
	(void)remember(&next, at, event, course);
	return operations;
}

static bool cut_fits(enum cut cut, bool erase, bool program)
{
	if (cut == CUT_TORN)
		return erase || program;
	return (cut != CUT_TORN_HEAD && cut != CUT_TORN_CONTENT) || erase;
}

static void step_cut(uint32_t at, const struct world *w, uint8_t event, struct course course, unsigned operations)
{
	bool erase[64], program[64];

	memcpy(erase, model.cut_erase, sizeof erase);
	memcpy(program, model.cut_program, sizeof program);
	for (unsigned n = 1; n <= operations && n < 64 && !stats->broken; n++) {
		for (unsigned cut = CUT_BEFORE; cut < CUTS; cut++) {
			course.cut_at = (uint8_t)n;
			course.cut = (uint8_t)cut;
			course.watchdog = false;
			if (!cut_fits((enum cut)cut, erase[n], program[n]))
				continue;
			(void)step(at, w, event, &course);
			course.watchdog = true;
			if (cut != CUT_FAILS && w->mode != MODE_OFF)
				(void)step(at, w, event, &course);
		}
	}
}

static void expand(uint32_t at)
{
	struct world w;

	world_unpack(&w, &nodes[at].at);
	for (unsigned e = 0; e < event_count && !stats->broken; e++) {
		if (!events[e].possible(&w))
			continue;
		for (unsigned variant = 0; variant < (events[e].writes ? 2 * ROOMS : 1) && !stats->broken; variant++) {
			struct course course = { .room = (uint8_t)(variant / 2), .torn_reads = variant % 2 };
			unsigned operations;

			if ((course.torn_reads && !torn(&w)) || (course.room && !events[e].starts))
				continue;
			operations = step(at, &w, (uint8_t)e, &course);
			if (events[e].writes)
				step_cut(at, &w, (uint8_t)e, course, operations);
		}
	}
}

static void check(uint32_t at)
{
	struct world w;

	world_unpack(&w, &nodes[at].at);
	model.broken = NULL;
	check_alone(at, &w);
	if (!stats->broken && !w.dead && !way_out(&nodes[at].at))
		broken(at, "there is a way to newest firmware that is confirmed");
}

static void reserve(unsigned long max)
{
	uint32_t size = 1u << 16;

	while (size < max * 2)
		size *= 2;
	limit = (uint32_t)max;
	count = 0;
	good_count = 0;
	nodes = malloc(max * sizeof *nodes);
	known = (struct set){ calloc(size, sizeof *known.slot), size - 1 };
	good = calloc(size, sizeof *good);
	good_mask = size - 1;
	if (!nodes || !known.slot || !good)
		abort();
}

void search(const struct world *from, unsigned worlds, unsigned depth, unsigned long max, struct found *out)
{
	uint32_t begin = 0;

	memset(out, 0, sizeof *out);
	stats = out;
	reserve(max);
	for (unsigned i = 0; i < worlds; i++) {
		struct packed p;

		world_pack(&from[i], &p);
		(void)remember(&p, UINT32_MAX, 0, &(struct course){ 0 });
	}
	while (out->depth < depth && begin < count && !out->broken) {
		uint32_t end = count;

		for (; begin < end && !out->broken && count < limit; begin++) {
			check(begin);
			expand(begin);
		}
		if (begin < end || out->broken)
			break;
		out->depth++;
		printf("# depth %u: %u states, %u new\n", out->depth, count, count - end);
		fflush(stdout);
	}
	/* What was met last was led to by the rules; now the two questions about it. */
	for (uint32_t i = begin; i < count && !out->broken; i++)
		check(i);
	out->whole = begin == count;
	out->states = count;
	free(nodes);
	free(known.slot);
	free(good);
}
