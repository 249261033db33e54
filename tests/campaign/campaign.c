/* SPDX-License-Identifier: MIT
 *
 * Plays faults in whole flows, on the twin, in the binaries that ship.
 *
 *   campaign --board F --packages DIR --layout NAME --elf ELF... [--quota N] [--each] [--whole] [--turn N] [--jobs N]
 *            [--quiet] [--flow NAME] [--fault NAME] [--first] [--out FILE] [--coverage FILE] [--replay CASE]
 *
 * A flow (flows.c) is run once without a fault, and its instants are kept (tape.h). Then the plan's cases (plan.h) are
 * played (play.h) by several processes (crew.h): N of each kind of fault, and with --each every instant of the kinds that
 * fault.c says so of (some hundred in slow flows, but for --whole). A case that failed is shrunk and told in one line,
 * which --replay plays again, alone and without what cases share. --out: the counts, as JSON. --coverage: appends which
 * branches were taken, for scripts/coverage.sh.
 */
#include "campaign.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crew.h"

struct run {
	struct campaign c;
	const char *only_flow, *replay;
	char place[64];
	struct plan_options plan;
	struct crew_options options;
	struct share *share;
	struct tally all;
	uint64_t cpu_ns;
	json_t *flows; /* what --out gets */
};

uint64_t campaign_ops(struct campaign *c)
{
	struct hf_twin_counts counts;

	hf_twin_counts(c->lab.twin, &counts);
	return counts.flash_ops;
}

void campaign_restore(struct campaign *c, const struct hf_twin_snapshot *snapshot)
{
	hf_twin_restore(c->lab.twin, snapshot);
	c->lab.entered = HF_PLACES;
	c->lab.in_begin = c->lab.in_end;
	c->lab.errors = 0;
	campaign_watch(c);
	hf_twin_power_on(c->lab.twin); /* a flow that begins without power */
}

/* ---- what came out ---- */

static json_t *tally_json(const struct tally *t)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "tried", (json_int_t)t->tried, "survived", (json_int_t)t->survived,
			 "shared", (json_int_t)t->shared, "failed", (json_int_t)t->failed, "bricked",
			 (json_int_t)t->bricked, "cpu_ms", (json_int_t)(t->us / 1000u));
}

/* Operations of the flow at which a case ends what the chip does. */
static size_t ops_cut(const struct plan *plan, const struct tape *t)
{
	uint8_t *cut = calloc(1, t->ops);
	size_t count = 0;

	if (!cut)
		exit(1);
	for (size_t i = 0; i < plan->count; i++)
		if (fault_table[plan->of[i].row].class == FAULT_CUT && plan->of[i].instant < t->ops)
			cut[plan->of[i].instant] = 1;
	for (size_t i = 0; i < t->ops; i++)
		count += cut[i];
	free(cut);
	return count;
}

/* The first case of a kind, as --replay takes it. */
static json_t *first_case(const struct run *run, const struct player *p, const struct plan *plan, unsigned row)
{
	char text[CASE_TEXT], line[CASE_TEXT + 128];
	struct test_case k;
	size_t i = 0;

	while (i + 1 < plan->count && plan->of[i].row != row)
		i++;
	case_expand(&k, row, plan->of[i].instant, plan->of[i].seed, &p->tape);
	case_print(&k, text);
	snprintf(line, sizeof line, "%s/%s %s", run->place, p->flow->name, text);
	return json_string(line);
}

static void add_flow(struct run *run, const struct player *p, const struct plan *plan, const struct crew_result *result)
{
	json_t *faults = json_array(), *flow;

	for (unsigned i = 0; i < fault_count(); i++) {
		json_t *row;

		if (result->row[i].tried == 0)
			continue;
		row = tally_json(&result->row[i]);
		json_object_set_new(row, "name", json_string(fault_table[i].name));
		json_object_set_new(row, "replay", first_case(run, p, plan, i));
		json_array_append_new(faults, row);
	}
	flow = json_pack("{s:s,s:I,s:I,s:I,s:o}", "name", p->flow->name, "operations", (json_int_t)p->tape.ops, "operations_cut",
			 (json_int_t)ops_cut(plan, &p->tape), "cpu_ms", (json_int_t)(result->cpu_ns / 1000000u), "faults", faults);
	json_array_append_new(run->flows, flow);
}

static bool write_out(const struct run *run, const char *file, time_t began)
{
	json_t *out = json_pack("{s:s,s:s,s:i,s:I,s:I,s:f,s:O,s:o}", "board", run->c.lab.board.layout.name, "layout",
				run->c.layout, "jobs", (int)run->options.jobs, "began", (json_int_t)began, "ended",
				(json_int_t)time(NULL), "cpu_s", (double)run->cpu_ns / 1e9, "flows", run->flows, "all",
				tally_json(&run->all));
	bool ok = out && json_dump_file(out, file, JSON_INDENT(1)) == 0;

	json_decref(out);
	if (!ok)
		fprintf(stderr, "campaign: %s cannot be written: %s\n", file, strerror(errno));
	return ok;
}

static void tell_flow(const struct run *run, const struct player *p, const struct crew_result *result)
{
	const struct tally *t = &result->all;

	printf("%s - %s, %s: %lu cases, %lu of them as others", t->failed ? "not ok" : "ok", run->place, p->flow->name, t->tried,
	       t->shared);
	if (t->failed)
		printf(", %lu failed, %lu of them bricked", t->failed, t->bricked);
	printf(" (%zu operations, %.0f cases a second and core)\n", p->tape.ops,
	       result->cpu_ns ? (double)t->tried * 1e9 / (double)result->cpu_ns : 0.0);
	fflush(stdout);
}

/* ---- flows ---- */

static void no_case(const struct run *run)
{
	fprintf(stderr, "campaign: '%s' is no case: BOARD/LAYOUT/FLOW FAULT@INSTANT#SEED\n", run->replay);
	exit(2);
}

static bool replay(struct run *run, struct player *p)
{
	const char *text = strrchr(run->replay, ' '); /* flows' names have blanks */
	struct test_case k;
	const char *why;

	if (!text || !case_parse(text + 1, &k))
		no_case(run);
	if (player_play(p, &k, &why) < FAILED) {
		printf("ok - %s\n", run->replay);
		return true;
	}
	printf("not ok - %s: %s\n", run->replay, why);
	lab_print_log(&run->c.lab);
	return false;
}

static bool play(struct run *run, struct player *p)
{
	struct crew_result result;
	struct plan plan;

	plan_make(&plan, &p->tape, &p->stored, p->flow->name, &run->plan);
	if (!crew_play(p, &plan, &run->options, &result)) {
		fprintf(stderr, "campaign: no process can be started: %s\n", strerror(errno));
		exit(1);
	}
	add_flow(run, p, &plan, &result);
	tell_flow(run, p, &result);
	run->all.tried += result.all.tried;
	run->all.survived += result.all.survived;
	run->all.shared += result.all.shared;
	run->all.failed += result.all.failed;
	run->all.bricked += result.all.bricked;
	run->all.us += result.all.us;
	run->cpu_ns += result.cpu_ns;
	plan_free(&plan);
	return result.all.failed == 0;
}

/* False: something failed. ready: NULL, or where the state at its end is kept. */
static bool one_flow(struct run *run, unsigned number, bool faults, struct hf_twin_snapshot **ready)
{
	const struct flow *flow = &campaign_flows[number];
	struct player p;
	const char *why = player_open(&p, &run->c, flow, number, run->replay ? NULL : run->share);
	bool ok = !why;

	if (why)
		printf("not ok - %s, %s: without any fault: %s\n", run->place, flow->name, why);
	else if (faults)
		ok = run->replay ? replay(run, &p) : play(run, &p);
	if (!why && ready) {
		campaign_restore(&run->c, p.tape.end);
		ok = hf_twin_save(run->c.lab.twin, ready) == HF_OK && ok;
	}
	player_close(&p);
	return ok;
}

static bool wanted(const struct run *run, const char *name)
{
	const char *blank = run->replay ? strrchr(run->replay, ' ') : NULL;
	size_t len = blank ? (size_t)(blank - run->replay) : 0;
	const char *slash = run->replay ? memchr(run->replay, '/', len) : NULL;

	slash = slash ? memchr(slash + 1, '/', len - (size_t)(slash + 1 - run->replay)) : NULL;
	if (run->replay && !slash)
		no_case(run);
	if (slash)
		return strncmp(slash + 1, name, strlen(name)) == 0 && strlen(name) == len - (size_t)(slash + 1 - run->replay);
	return !run->only_flow || strcmp(run->only_flow, name) == 0;
}

/* The first flow leaves what all others begin with. */
static bool all_flows(struct run *run)
{
	struct hf_twin_snapshot *ready = NULL;
	bool ok = one_flow(run, 0, wanted(run, campaign_flows[0].name), &ready);

	for (unsigned i = 1; ready && campaign_flows[i].name && (ok || !run->options.first); i++) {
		if (!wanted(run, campaign_flows[i].name))
			continue;
		run->c.flow = &campaign_flows[i];
		campaign_restore(&run->c, ready);
		ok = one_flow(run, i, true, NULL) && ok;
	}
	hf_twin_snapshot_free(ready);
	return ok && ready;
}

/* ---- arguments ---- */

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

static bool flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

static void open_laboratory(struct campaign *c, int argc, char **argv)
{
	const char *elf[17] = { NULL };
	unsigned elfs = 0;

	for (int i = 1; i + 1 < argc && elfs < 16; i++)
		if (strcmp(argv[i], "--elf") == 0)
			elf[elfs++] = argv[i + 1];
	campaign_open(c, argument(argc, argv, "--board", NULL), argument(argc, argv, "--packages", NULL), elf);
	c->layout = argument(argc, argv, "--layout", NULL);
	if (argument(argc, argv, "--coverage", "")[0])
		lab_coverage(&c->lab, elf, argument(argc, argv, "--coverage", ""));
}

static void check_flow(const char *name)
{
	for (const struct flow *f = campaign_flows; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return;
	fprintf(stderr, "campaign: there is no flow '%s'; there are", name);
	for (const struct flow *f = campaign_flows; f->name; f++)
		fprintf(stderr, "%s '%s'", f == campaign_flows ? "" : ",", f->name);
	fprintf(stderr, "\n");
	exit(2);
}

static void read_arguments(struct run *run, int argc, char **argv)
{
	const char *fault = argument(argc, argv, "--fault", "");

	run->plan.quota = (unsigned)strtoul(argument(argc, argv, "--quota", "24"), NULL, 10);
	run->plan.turn = (unsigned)strtoul(argument(argc, argv, "--turn", "0"), NULL, 10);
	run->plan.whole = flag(argc, argv, "--whole");
	run->plan.each = run->plan.whole || flag(argc, argv, "--each");
	run->only_flow = argument(argc, argv, "--flow", "");
	run->only_flow = run->only_flow[0] ? run->only_flow : NULL;
	if (run->only_flow)
		check_flow(run->only_flow);
	run->replay = argument(argc, argv, "--replay", "");
	run->replay = run->replay[0] ? run->replay : NULL;
	run->plan.only = fault[0] ? fault_named(fault, strlen(fault)) : NULL;
	if (fault[0] && !run->plan.only) {
		fprintf(stderr, "campaign: there is no fault '%s'; there are", fault);
		for (const struct fault *f = fault_table; f->name; f++)
			fprintf(stderr, " %s", f->name);
		fprintf(stderr, "\n");
		exit(2);
	}
	run->options.jobs = (unsigned)strtoul(argument(argc, argv, "--jobs", "2"), NULL, 10);
	run->options.jobs = run->options.jobs < 1 ? 1 : run->options.jobs > 16 ? 16 : run->options.jobs;
	run->options.first = flag(argc, argv, "--first");
	run->options.quiet = !isatty(STDERR_FILENO) || flag(argc, argv, "--quiet");
	run->options.told = 20;
	run->options.place = run->place;
}

int main(int argc, char **argv)
{
	static struct run run;
	const char *out = argument(argc, argv, "--out", "");
	time_t began = time(NULL);
	bool ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_arguments(&run, argc, argv);
	open_laboratory(&run.c, argc, argv);
	snprintf(run.place, sizeof run.place, "%s/%s", run.c.lab.board.layout.name, run.c.layout);
	run.share = share_open();
	run.flows = json_array();
	if (!run.share || !run.flows) {
		fprintf(stderr, "campaign: no memory\n");
		return 1;
	}
	ok = all_flows(&run);
	if (!run.replay)
		printf("# %s: %lu cases, %lu of them as others, %lu failed, %lu bricked\n", run.place, run.all.tried, run.all.shared,
		       run.all.failed, run.all.bricked);
	if (out[0])
		ok = write_out(&run, out, began) && ok;
	json_decref(run.flows);
	lab_close(&run.c.lab);
	return ok ? 0 : 1;
}
