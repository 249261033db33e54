/* SPDX-License-Identifier: MIT
 *
 * Cuts the power at the flash operations of whole flows, on the twin, in the binaries that ship.
 *
 *   campaign --board F --packages DIR --layout NAME --elf ELF... [--lane K/N] [--words N] [--others N] [--pairs N]
 *            [--flow NAME]
 *
 * A flow (flows.c) is run once, and its instants are kept as snapshots. Each case goes on from the last snapshot before its
 * operation, loses power there - before it, at a fraction of it, or with what it touched reading differently from then
 * on - and has to come back as the flow demands. Of each flow, --words words of images' data and --others other
 * operations are cut, evenly spread (0: all).
 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 64u /* cuts, and their kinds, a child process plays */

enum kind { BEFORE, TORN, UNSTABLE, KINDS };

static const char *const kind_text[KINDS] = { "before", "torn at", "torn and unstable at" };

uint64_t campaign_ops(struct campaign *c)
{
	struct hf_twin_counts counts;

	hf_twin_counts(c->lab.twin, &counts);
	return counts.flash_ops;
}

/* Keeps where the flow is: when bytes went to the device (what follows is its own doing), and every few operations. */
static void keep(void *ctx, bool sent)
{
	struct campaign *c = ctx;
	uint64_t now = campaign_ops(c);

	if (!sent && now < c->moment[c->moments - 1].op + 16)
		return;
	if (c->moments == CAMPAIGN_MOMENTS || hf_twin_save(c->lab.twin, &c->moment[c->moments].snapshot)) {
		fprintf(stderr, "campaign: no room for snapshots\n");
		exit(1);
	}
	c->moment[c->moments++].op = now;
}

static void forget(struct campaign *c)
{
	for (unsigned i = 0; i < c->moments; i++)
		hf_twin_snapshot_free(c->moment[i].snapshot);
	c->moments = 0;
}

const char campaign_same[] = "as another case";

bool campaign_known(struct campaign *c, unsigned phase)
{
	(void)c;
	(void)phase;
	return false;
}

void campaign_restore(struct campaign *c, const struct hf_twin_snapshot *snapshot)
{
	hf_twin_restore(c->lab.twin, snapshot);
	c->lab.entered = HF_PLACES;
	c->lab.in_begin = c->lab.in_end;
	c->lab.errors = 0;
	hf_twin_power_on(c->lab.twin); /* a flow that begins without power */
}

static void record_flow(struct campaign *c, bool on)
{
	c->lab.moment = on ? keep : NULL;
	c->lab.moment_ctx = c;
	c->lab.stop_on_flash = on;
	if (on)
		keep(c, true);
}

uint16_t campaign_random(struct campaign *c)
{
	c->random = c->random * 1664525u + 1013904223u;
	return (uint16_t)(1 + (c->random >> 16) % 65535);
}

static const struct hf_twin_snapshot *before(const struct campaign *c, uint64_t op)
{
	unsigned i = c->moments;

	while (i > 1 && c->moment[i - 1].op > op)
		i--;
	return c->moment[i - 1].snapshot;
}

static void arm(struct campaign *c, uint64_t op, enum kind kind)
{
	hf_twin_arm_cut(c->lab.twin, &(struct hf_twin_cut){
		.when = HF_TWIN_CUT_OPERATION,
		.at = op,
		.fraction = kind == BEFORE ? 0 : campaign_random(c),
		.unstable = kind == UNSTABLE,
		.seed = c->random,
	});
}

static void judge(struct campaign *c, const struct flow *flow, uint64_t op, const char *kind, const char *why)
{
	c->cases++;
	if (!why && c->lab.errors)
		why = c->lab.error;
	if (!why)
		return;
	c->failed++;
	printf("# %s: cut %s operation %llu: %s\n", flow->name, kind, (unsigned long long)op, why);
	if (getenv("HF_CAMPAIGN_LOG"))
		lab_print_log(&c->lab);
}

static void one(struct campaign *c, const struct flow *flow, uint64_t op, enum kind kind)
{
	const char *why = NULL;

	campaign_restore(c, before(c, op));
	arm(c, op, kind);
	if (lab_run(&c->lab, 60000 * LAB_MS))
		why = "the operation did not come again";
	judge(c, flow, op, kind_text[kind], why ? why : flow->come_back(c));
}

/* A second cut some operations after the first one, while the device recovers. */
static void pair(struct campaign *c, const struct flow *flow, uint64_t first, uint64_t last)
{
	uint64_t op = first + campaign_random(c) % (last - first);
	const char *why = NULL;

	campaign_restore(c, before(c, op));
	arm(c, op, (enum kind)(campaign_random(c) % KINDS));
	if (lab_run(&c->lab, 60000 * LAB_MS))
		why = "the operation did not come again";
	if (!why) {
		uint16_t further = campaign_random(c);

		arm(c, campaign_ops(c) + 1 + further % (further & 1 ? 60 : 2500), (enum kind)(campaign_random(c) % KINDS));
		hf_twin_power_on(c->lab.twin);
		c->lab.entered = HF_PLACES;
		if (lab_run(&c->lab, 3000 * LAB_MS) && lab_run(&c->lab, 1))
			(void)flow->again(c); /* until the power goes, if it does */
		hf_twin_power_off(c->lab.twin);
	}
	judge(c, flow, op, "twice, first at", why ? why : flow->come_back(c));
}

/* Was this operation, of the flow as it ran, a word of an image's data? Such words come in long runs; all else is short. */
struct trace {
	uint32_t *addr;
	uint64_t first;
	size_t count, cap;
};

static struct trace trace;

static void on_operation(struct campaign *c, uint32_t addr)
{
	(void)c;
	if (trace.count == trace.cap) {
		trace.cap = trace.cap ? 2 * trace.cap : 4096;
		trace.addr = realloc(trace.addr, trace.cap * sizeof *trace.addr);
		if (!trace.addr)
			exit(1);
	}
	trace.addr[trace.count++] = addr;
}

static bool is_data_word(const struct campaign *c, uint64_t op)
{
	uint64_t i = op - trace.first;
	uint32_t addr = i < trace.count ? trace.addr[i] : 0;

	for (unsigned s = 0; s < HF_PLACES; s++) {
		const struct hf_span *slot = hf_layout_place(&c->lab.board.layout, s);

		if (addr > slot->addr && addr < slot->addr + slot->size)
			return i > 0 && trace.addr[i - 1] + 4 == addr;
	}
	return false;
}

/* Every how many-th of `count` is taken to have `wanted` (0: all). */
static uint64_t stride(uint64_t count, unsigned wanted)
{
	return wanted > 0 && count > wanted ? count / wanted : 1;
}

/* What is to be cut in a flow: operations, or OP_PAIR + n. */
#define OP_PAIR (1ull << 63)

struct work {
	uint64_t *op;
	size_t count;
	uint64_t left_out;
};

static void want(struct work *w, uint64_t op)
{
	if (w->count % 1024 == 0) {
		w->op = realloc(w->op, (w->count + 1024) * sizeof *w->op);
		if (!w->op)
			exit(1);
	}
	w->op[w->count++] = op;
}

static struct work plan(struct campaign *c, uint64_t first, uint64_t last)
{
	uint64_t count[2] = { 0, 0 }, step[2], chosen = 0;
	struct work w = { NULL, 0, 0 };

	for (uint64_t op = first; op < last; op++)
		count[is_data_word(c, op)]++;
	step[0] = stride(count[0], c->others);
	step[1] = stride(count[1], c->words);
	count[0] = count[1] = 0;
	for (uint64_t op = first; op < last; op++) {
		bool word = is_data_word(c, op);

		if (count[word]++ % step[word] != 0)
			w.left_out++;
		else if (chosen++ % c->lanes == c->lane)
			want(&w, op);
	}
	for (unsigned i = c->lane; i < c->pairs; i += c->lanes)
		want(&w, OP_PAIR + i);
	return w;
}

static void play_batch(struct campaign *c, const struct flow *flow, const struct work *w, size_t begin, uint64_t first,
		       uint64_t last)
{
	for (size_t i = begin; i < w->count && i < begin + BATCH; i++) {
		c->random = (uint32_t)(w->op[i] * 2654435761u) + 1; /* the same case in any batch and lane */
		if (w->op[i] >= OP_PAIR) {
			pair(c, flow, first, last);
			continue;
		}
		for (int kind = BEFORE; kind < KINDS; kind++)
			one(c, flow, w->op[i], (enum kind)kind);
	}
}

/* In a child: after some thousands of cases in one process the engine broke, on a write to address 0, probably because it
 * keeps what it has translated until its room is used up. A child that dies counts as a failure. */
static void fork_batch(struct campaign *c, const struct flow *flow, const struct work *w, size_t begin, uint64_t first,
		       uint64_t last)
{
	unsigned long counts[2] = { 0, 0 };
	int pipe_fd[2], status;
	ssize_t n;
	pid_t child;

	fflush(stdout);
	if (pipe(pipe_fd) != 0 || (child = fork()) < 0) {
		perror("campaign: a batch cannot be started");
		exit(1);
	}
	if (child == 0) {
		c->cases = c->failed = 0;
		play_batch(c, flow, w, begin, first, last);
		fflush(stdout);
		n = write(pipe_fd[1], (unsigned long[]){ c->cases, c->failed }, sizeof counts);
		_exit(n == (ssize_t)sizeof counts ? 0 : 1);
	}
	close(pipe_fd[1]);
	n = read(pipe_fd[0], counts, sizeof counts);
	close(pipe_fd[0]);
	if (waitpid(child, &status, 0) != child || status != 0 || n != (ssize_t)sizeof counts) {
		printf("# %s: the batch from operation %llu on died, status 0x%x\n", flow->name,
		       (unsigned long long)w->op[begin], (unsigned)status);
		counts[0] = counts[1] = 1;
	}
	c->cases += counts[0];
	c->failed += counts[1];
}

static void cut_flow(struct campaign *c, const struct flow *flow, uint64_t first, uint64_t last)
{
	unsigned long cases = c->cases, failed = c->failed;
	struct work w = plan(c, first, last);

	for (size_t i = 0; i < w.count; i += BATCH)
		fork_batch(c, flow, &w, i, first, last);
	printf("%s - %s, %s, %s: %lu cases, operations %llu to %llu, %llu left out\n",
	       c->failed == failed ? "ok" : "not ok", c->lab.board.layout.name, c->layout, flow->name, c->cases - cases,
	       (unsigned long long)first, (unsigned long long)last, (unsigned long long)w.left_out);
	fflush(stdout);
	free(w.op);
	forget(c);
}

static void fail_flow(struct campaign *c, const struct flow *flow, const char *why)
{
	c->failed++;
	printf("not ok - %s, %s, %s: without any cut: %s\n", c->lab.board.layout.name, c->layout, flow->name, why);
	if (getenv("HF_CAMPAIGN_LOG"))
		lab_print_log(&c->lab);
	forget(c);
}

static void with_trace(void *ctx, const struct hf_twin_event *e)
{
	struct campaign *c = ctx;

	if (e->kind == HF_TWIN_EV_FLASH && c->lab.stop_on_flash)
		on_operation(c, e->a);
	lab_event(&c->lab, e);
}

static uint64_t begin_flow(struct campaign *c)
{
	trace.count = 0;
	trace.first = campaign_ops(c);
	record_flow(c, true);
	return trace.first;
}

/* True: it ran. after: NULL, or where the state at its end is kept. */
static bool play(struct campaign *c, const struct flow *flow, bool cut, struct hf_twin_snapshot **after)
{
	const char *why = flow->prepare ? flow->prepare(c) : NULL;
	uint64_t first = begin_flow(c), last;

	if (!why)
		why = flow->run(c);
	last = campaign_ops(c);
	record_flow(c, false);
	if (!why && c->lab.errors)
		why = c->lab.error;
	if (!why && last == first)
		why = "it does nothing to flash";
	if (!why && after && hf_twin_save(c->lab.twin, after))
		why = "no room for snapshots";
	if (why) {
		fail_flow(c, flow, why);
		return false;
	}
	if (cut)
		cut_flow(c, flow, first, last);
	else
		forget(c);
	return true;
}

static const char *argument(int argc, char **argv, const char *name, const char *otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	if (!otherwise) {
		fprintf(stderr, "campaign: %s is missing\n", name);
		exit(2);
	}
	return otherwise;
}

int main(int argc, char **argv)
{
	static struct campaign c;
	const char *elf[17] = { NULL };
	struct hf_twin_snapshot *ready = NULL;
	const char *only;
	unsigned elfs = 0;

	for (int i = 1; i + 1 < argc && elfs < 16; i++)
		if (strcmp(argv[i], "--elf") == 0)
			elf[elfs++] = argv[i + 1];
	campaign_open(&c, argument(argc, argv, "--board", NULL), argument(argc, argv, "--packages", NULL), elf);
	c.layout = argument(argc, argv, "--layout", NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.lanes = 1;
	sscanf(argument(argc, argv, "--lane", "0/1"), "%u/%u", &c.lane, &c.lanes);
	c.words = (unsigned)atoi(argument(argc, argv, "--words", "0"));
	c.others = (unsigned)atoi(argument(argc, argv, "--others", "0"));
	c.pairs = (unsigned)atoi(argument(argc, argv, "--pairs", "100"));
	only = argument(argc, argv, "--flow", "");
	hf_twin_on_event(c.lab.twin, with_trace, &c);
	/* The first flow leaves what all others begin with. */
	if (play(&c, &campaign_flows[0], !only[0] || strcmp(only, campaign_flows[0].name) == 0, &ready)) {
		for (unsigned i = 1; campaign_flows[i].name; i++) {
			if (only[0] && strcmp(only, campaign_flows[i].name) != 0)
				continue;
			campaign_restore(&c, ready);
			play(&c, &campaign_flows[i], true, NULL);
		}
		hf_twin_snapshot_free(ready);
	}
	printf("# %s, %s: %lu cases, %lu failed\n", c.lab.board.layout.name, c.layout, c.cases, c.failed);
	lab_close(&c.lab);
	return c.failed || !ready ? 1 : 0;
}
