/* SPDX-License-Identifier: MIT
 *
 * Cuts the power at the flash operations of whole upgrades, on the twin, in the binaries that ship.
 *
 *   campaign --board F --factory BIN --keyset K --small P --hang P --elf ELF... [--lane K/N] [--words N] [--pairs N]
 *
 * A flow is run once, and its instants are kept as snapshots. Each case goes on from the last snapshot before its
 * operation, loses power there - before it, at a fraction of it, or with what it touched reading differently from then
 * on - and has to come back: firmware starts that the host verifies too and that is allowed to start, and the upgrade
 * done again ends with the new firmware confirmed. Words of the image's data, of which there are thousands alike, are cut
 * at every N-th (--words; 1: all); every other operation always.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "lab.h"

#define MOMENTS 4096u

struct moment {
	struct hf_twin_snapshot *snapshot;
	uint64_t op; /* operations done by then */
};

struct campaign {
	struct lab lab;
	struct lab_package small, hang;
	uint8_t old_id[HF_SHA256_BYTES];
	struct moment moment[MOMENTS];
	unsigned moments;
	unsigned lane, lanes, words, pairs;
	unsigned long cases, failed, words_left_out;
	uint32_t random;
};

enum kind { BEFORE, TORN, UNSTABLE, KINDS };

static const char *const kind_text[KINDS] = { "before", "torn at", "torn and unstable at" };

static uint64_t ops(struct campaign *c)
{
	struct hf_twin_counts counts;

	hf_twin_counts(c->lab.twin, &counts);
	return counts.flash_ops;
}

/* Keeps where the flow is: before bytes go to the device (what follows is its own doing), and every few operations. */
static void keep(void *ctx)
{
	struct campaign *c = ctx;
	uint64_t now = ops(c);

	if (c->moments > 0 && now < c->moment[c->moments - 1].op + 16 && c->lab.stop_on_flash &&
	    hf_twin_uart_queued(c->lab.twin, c->lab.board.maintenance.usart) == 0)
		return;
	if (c->moments == MOMENTS || hf_twin_save(c->lab.twin, &c->moment[c->moments].snapshot)) {
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

static void restore(struct campaign *c, const struct hf_twin_snapshot *snapshot)
{
	hf_twin_restore(c->lab.twin, snapshot);
	c->lab.entered = HF_SLOTS;
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
		keep(c);
}

/* What runs must verify, and be one of ours; *is_new says which. */
static const char *who_runs(struct campaign *c, const struct lab_package *p, bool *is_new)
{
	struct hf_image image;

	*is_new = false;
	if (!lab_slot(&c->lab, c->lab.entered, &image))
		return "firmware was started that does not verify";
	if (memcmp(image.id, c->old_id, sizeof c->old_id) == 0)
		return NULL;
	*is_new = memcmp(image.id, p->id, sizeof p->id) == 0;
	if (*is_new || memcmp(image.id, c->hang.id, sizeof c->hang.id) == 0)
		return NULL;
	return "firmware was started that nobody sent";
}

/* From a device without power: it has to start, and an upgrade to `small` has to end confirmed. */
static const char *come_back(struct campaign *c)
{
	bool is_new;
	const char *why;

	hf_twin_disarm_cut(c->lab.twin);
	(void)lab_run(&c->lab, 200 * LAB_MS);
	if (!lab_start(&c->lab))
		return "nothing starts";
	why = who_runs(c, &c->small, &is_new);
	if (why)
		return why;
	if (is_new)
		return lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? NULL : "the new firmware does not confirm itself";
	/* The old one; or the one that hangs, which must give way to it. */
	if (!lab_confirmed(&c->lab, c->old_id, 90000 * LAB_MS))
		return "the old firmware does not come back";
	why = lab_upgrade(&c->lab, &c->small);
	if (why)
		return why;
	return lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? NULL : "the repeated upgrade is not confirmed";
}

static uint16_t fraction(struct campaign *c)
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
		.fraction = kind == BEFORE ? 0 : fraction(c),
		.unstable = kind == UNSTABLE,
		.seed = c->random,
	});
}

static void judge(struct campaign *c, const char *flow, uint64_t op, const char *kind, const char *why)
{
	c->cases++;
	if (!why && c->lab.errors)
		why = c->lab.error;
	if (!why)
		return;
	c->failed++;
	printf("# %s: cut %s operation %llu: %s\n", flow, kind, (unsigned long long)op, why);
	if (getenv("HF_CAMPAIGN_LOG"))
		lab_print_log(&c->lab);
}

static void one(struct campaign *c, const char *flow, uint64_t op, enum kind kind)
{
	const char *why = NULL;

	restore(c, before(c, op));
	arm(c, op, kind);
	if (lab_run(&c->lab, 60000 * LAB_MS))
		why = "the operation did not come again";
	judge(c, flow, op, kind_text[kind], why ? why : come_back(c));
}

/* A second cut some operations after the first one, while the device recovers. */
static void pair(struct campaign *c, const char *flow, uint64_t first, uint64_t last)
{
	uint64_t op = first + fraction(c) % (last - first);
	const char *why = NULL;

	restore(c, before(c, op));
	arm(c, op, (enum kind)(fraction(c) % KINDS));
	if (lab_run(&c->lab, 60000 * LAB_MS))
		why = "the operation did not come again";
	if (!why) {
		uint16_t further = fraction(c);

		arm(c, ops(c) + 1 + further % (further & 1 ? 60 : 2500), (enum kind)(fraction(c) % KINDS));
		hf_twin_power_on(c->lab.twin);
		c->lab.entered = HF_SLOTS;
		if (lab_run(&c->lab, 3000 * LAB_MS) && lab_run(&c->lab, 1))
			(void)lab_upgrade(&c->lab, &c->small); /* until the power goes, if it does */
		hf_twin_power_off(c->lab.twin);
	}
	judge(c, flow, op, "twice, first at", why ? why : come_back(c));
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

	for (unsigned s = 0; s < HF_SLOTS; s++) {
		const struct hf_span *slot = &c->lab.board.layout.slot[s];

		if (addr > slot->addr && addr < slot->addr + slot->size)
			return i > 0 && trace.addr[i - 1] + 4 == addr;
	}
	return false;
}

static void cut_flow(struct campaign *c, const char *flow, uint64_t first, uint64_t last)
{
	unsigned long cases = c->cases, failed = c->failed;
	uint64_t words = 0, left_out = 0;

	for (uint64_t op = first; op < last; op++) {
		if (is_data_word(c, op) && words++ % c->words != 0) {
			left_out++;
			continue;
		}
		if (op % c->lanes != c->lane)
			continue;
		for (int kind = BEFORE; kind < KINDS; kind++)
			one(c, flow, op, (enum kind)kind);
	}
	for (unsigned i = c->lane; i < c->pairs; i += c->lanes)
		pair(c, flow, first, last);
	printf("%s - %s, %s: %lu cases, operations %llu to %llu, %llu words of data left out\n",
	       c->failed == failed ? "ok" : "not ok", c->lab.board.layout.name, flow, c->cases - cases,
	       (unsigned long long)first, (unsigned long long)last, (unsigned long long)left_out);
	fflush(stdout);
	c->words_left_out += left_out;
	forget(c);
}

static void fail_flow(struct campaign *c, const char *flow, const char *why)
{
	c->failed++;
	printf("not ok - %s, %s: without any cut: %s\n", c->lab.board.layout.name, flow, why);
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
	trace.first = ops(c);
	record_flow(c, true);
	return trace.first;
}

/* The first start in the field: the journal is made, 1.0.0 confirms itself. */
static struct hf_twin_snapshot *flow_factory(struct campaign *c)
{
	struct hf_twin_snapshot *ready = NULL;
	uint64_t first = begin_flow(c);
	bool good = lab_start(&c->lab) && lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS);
	uint64_t last = ops(c);

	record_flow(c, false);
	if (!good || hf_twin_save(c->lab.twin, &ready)) {
		fail_flow(c, "first start", "1.0.0 does not confirm itself");
		return NULL;
	}
	cut_flow(c, "first start", first, last);
	return ready;
}

static void flow_upgrade(struct campaign *c, const struct hf_twin_snapshot *ready)
{
	uint64_t first, last;
	const char *why;

	restore(c, ready);
	first = begin_flow(c);
	why = lab_upgrade(&c->lab, &c->small);
	if (!why && !lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS))
		why = "not confirmed";
	last = ops(c);
	record_flow(c, false);
	if (why)
		fail_flow(c, "upgrade", why);
	else
		cut_flow(c, "upgrade", first, last);
}

static void flow_rollback(struct campaign *c, const struct hf_twin_snapshot *ready)
{
	uint64_t first, last;
	const char *why;

	restore(c, ready);
	why = lab_upgrade(&c->lab, &c->hang);
	first = begin_flow(c);
	if (!why && !lab_run(&c->lab, 60000 * LAB_MS))
		why = "the power went";
	if (!why && !lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS))
		why = "1.0.0 does not come back";
	last = ops(c);
	record_flow(c, false);
	if (why)
		fail_flow(c, "roll-back", why);
	else
		cut_flow(c, "roll-back", first, last);
}

/* Fills the journal with records that say nothing, until the gateway has to take it over at its next start. */
static enum hf_err poke_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	return hf_twin_poke(((struct lab *)ctx)->twin, addr, data, len);
}

static const char *fill_journal(struct campaign *c)
{
	struct hf_record nothing = { .type = 0x7e, .flags = HF_RECORD_MAY_IGNORE };
	struct hf_flash flash = lab_flash(&c->lab);
	struct hf_journal j;

	flash.program = poke_program;
	if (hf_journal_mount(&j, &flash, c->lab.board.layout.journal))
		return "the journal cannot be read";
	while (hf_journal_free(&j) >= HF_UPLOAD_FREE_SLOTS)
		if (hf_journal_append(&j, &nothing))
			return "the journal cannot be filled";
	return NULL;
}

static void flow_take_over(struct campaign *c, const struct hf_twin_snapshot *ready)
{
	uint64_t first, last;
	const char *why;

	restore(c, ready);
	hf_twin_power_off(c->lab.twin);
	why = fill_journal(c);
	first = begin_flow(c);
	if (!why && !(lab_start(&c->lab) && lab_run(&c->lab, 5000 * LAB_MS)))
		why = "it does not start";
	last = ops(c);
	record_flow(c, false);
	if (!why && last < first + 32)
		why = "the journal was not taken over";
	if (why)
		fail_flow(c, "take-over", why);
	else
		cut_flow(c, "take-over", first, last);
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
	struct hf_twin_snapshot *ready;
	struct hf_image image;
	unsigned elfs = 0;

	for (int i = 1; i + 1 < argc && elfs < 16; i++)
		if (strcmp(argv[i], "--elf") == 0)
			elf[elfs++] = argv[i + 1];
	lab_open(&c.lab, argument(argc, argv, "--board", NULL), argument(argc, argv, "--factory", NULL),
		 argument(argc, argv, "--keyset", NULL), elf, true);
	lab_package_read(&c.lab, argument(argc, argv, "--small", NULL), &c.small);
	lab_package_read(&c.lab, argument(argc, argv, "--hang", NULL), &c.hang);
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.lanes = 1;
	sscanf(argument(argc, argv, "--lane", "0/1"), "%u/%u", &c.lane, &c.lanes);
	c.words = (unsigned)atoi(argument(argc, argv, "--words", "1"));
	c.pairs = (unsigned)atoi(argument(argc, argv, "--pairs", "100"));
	c.random = 1 + c.lane;
	hf_twin_on_event(c.lab.twin, with_trace, &c);
	if (!lab_slot(&c.lab, 0, &image)) {
		fprintf(stderr, "campaign: slot A of the factory's flash does not verify\n");
		return 1;
	}
	memcpy(c.old_id, image.id, sizeof c.old_id);
	ready = flow_factory(&c);
	if (ready) {
		flow_upgrade(&c, ready);
		flow_rollback(&c, ready);
		flow_take_over(&c, ready);
		hf_twin_snapshot_free(ready);
	}
	printf("# %s: %lu cases, %lu failed\n", c.lab.board.layout.name, c.cases, c.failed);
	lab_close(&c.lab);
	return c.failed || !ready ? 1 : 0;
}
