/* SPDX-License-Identifier: MIT */
#include "tape.h"

#include <stdio.h>
#include <stdlib.h>

#define MOMENT_OPS 1u /* saving one takes microseconds, getting to the next a millisecond */
#define LONG_OPS   4000u /* after so many, only every sixteenth is saved */
#define MOMENT_NS  (20 * LAB_MS)

struct recorder {
	struct tape *tape;
	struct campaign *c;
};

static void *more(void *list, size_t count, size_t size)
{
	if (count & (count - 1))
		return list;
	list = realloc(list, (count ? 2 * count : 1) * size);
	if (!list) {
		fprintf(stderr, "campaign: no memory for what a flow does\n");
		exit(1);
	}
	return list;
}

static void keep(struct tape *t, struct campaign *c)
{
	struct hf_twin_counts counts;
	struct tape_moment m;

	hf_twin_counts(c->lab.twin, &counts);
	m = (struct tape_moment){ .op = counts.flash_ops, .instructions = counts.instructions, .ns = hf_twin_now_ns(c->lab.twin) };
	if (hf_twin_save(c->lab.twin, &m.snapshot)) {
		fprintf(stderr, "campaign: no memory for a snapshot\n");
		exit(1);
	}
	t->moment = more(t->moment, t->moments, sizeof *t->moment);
	t->moment[t->moments++] = m;
}

static void at_moment(void *ctx, bool sent)
{
	struct recorder *r = ctx;
	const struct tape_moment *last = &r->tape->moment[r->tape->moments - 1];

	if (sent || campaign_ops(r->c) >= last->op + (r->tape->ops < LONG_OPS ? MOMENT_OPS : 16 * MOMENT_OPS) || hf_twin_now_ns(r->c->lab.twin) >= last->ns + MOMENT_NS)
		keep(r->tape, r->c);
}

static bool in_image(const struct campaign *c, uint32_t addr)
{
	for (unsigned i = 0; i < HF_PLACES; i++) {
		const struct hf_span *place = hf_layout_place(&c->lab.board.layout, i);

		if (addr > place->addr && addr < place->addr + place->size)
			return true;
	}
	return false;
}

static void on_event(void *ctx, const struct hf_twin_event *e)
{
	struct recorder *r = ctx;
	struct tape *t = r->tape;

	if (e->kind == HF_TWIN_EV_FLASH) {
		struct tape_op op = { .addr = e->a, .erase = e->b == UINT32_MAX };

		op.data = !op.erase && t->ops > 0 && t->op[t->ops - 1].addr + 4 == op.addr && (t->bare || in_image(r->c, op.addr));
		t->op = more(t->op, t->ops, sizeof *t->op);
		t->op[t->ops++] = op;
	}
	lab_event(&r->c->lab, e);
}

const char *tape_record(struct tape *t, struct campaign *c, const struct flow *flow)
{
	struct recorder r = { t, c };
	struct hf_twin_counts counts;
	const char *why;

	c->witness.armed = false;
	why = flow->prepare ? flow->prepare(c) : NULL;
	*t = (struct tape){ .bare = flow->bare, .slow = flow->slow };
	if (why)
		return why;
	witness_begin(&c->witness);
	keep(t, c);
	hf_twin_counts(c->lab.twin, &counts);
	t->first_op = counts.flash_ops;
	t->first_instruction = counts.instructions;
	c->lab.frames = 0;
	c->lab.sent = 0;
	c->lab.errors = 0;
	c->lab.moment = at_moment;
	c->lab.moment_ctx = &r;
	c->lab.stop_on_flash = true;
	hf_twin_on_event(c->lab.twin, on_event, &r);
	why = flow->run(c);
	if (!why)
		why = witness_end(&c->witness);
	hf_twin_on_event(c->lab.twin, lab_event, &c->lab);
	c->lab.moment = NULL;
	c->lab.stop_on_flash = false;
	hf_twin_counts(c->lab.twin, &counts);
	t->instructions = counts.instructions - t->first_instruction;
	t->frames = c->lab.frames;
	t->sent = c->lab.sent;
	if (!why && c->lab.errors)
		why = c->lab.error;
	if (!why && t->ops == 0)
		why = "it does nothing to flash";
	if (!why && hf_twin_save(c->lab.twin, &t->end))
		why = "no memory for a snapshot";
	return why;
}

void tape_free(struct tape *t)
{
	for (size_t i = 0; i < t->moments; i++)
		hf_twin_snapshot_free(t->moment[i].snapshot);
	hf_twin_snapshot_free(t->end);
	free(t->moment);
	free(t->op);
	*t = (struct tape){ 0 };
}

const struct hf_twin_snapshot *tape_begin(const struct tape *t)
{
	return t->moment[0].snapshot;
}

const struct hf_twin_snapshot *tape_before_op(const struct tape *t, uint64_t op)
{
	size_t low = 0, high = t->moments;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->moment[middle].op <= op + t->first_op)
			low = middle;
		else
			high = middle;
	}
	return t->moment[low].snapshot;
}

const struct hf_twin_snapshot *tape_before_instruction(const struct tape *t, uint64_t instruction)
{
	size_t low = 0, high = t->moments;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->moment[middle].instructions <= instruction + t->first_instruction)
			low = middle;
		else
			high = middle;
	}
	return t->moment[low].snapshot;
}
