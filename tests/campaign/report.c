/* SPDX-License-Identifier: MIT
 *
 * Joins what the campaign counted for each board and layout: tables for people, and campaign.json.
 *
 *   campaign-report OUT.json COUNTS.json... [FIGURES.json]
 *
 * campaign.json is an array of figures like bench.json's; then one row a board, layout, flow and fault, which says how many
 * cases were tried, how many ended as others had, how many failed, and a case that plays the first of them again. Figures that
 * others have taken (scripts/mutants.sh) are such an array already, and are taken over as they are.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_GOAL    1000000.0
#define NAMES         64u

struct sums {
	json_int_t tried, shared, failed, bricked, cpu_ms;
};

struct table {
	const char *heading;
	struct {
		const char *name;
		struct sums sums;
	} row[NAMES];
	unsigned rows;
};

struct totals {
	struct sums all;
	struct table faults, flows, places;
	json_int_t operations, cut;
	double cpu_s;
	json_int_t began, ended; /* by the clock on the wall */
	json_t *cells;
	char place[16][48];
	unsigned places_used;
};

static json_int_t integer(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "?";
}

static void add(struct sums *to, json_t *row)
{
	to->tried += integer(row, "tried");
	to->shared += integer(row, "shared");
	to->failed += integer(row, "failed");
	to->bricked += integer(row, "bricked");
	to->cpu_ms += integer(row, "cpu_ms");
}

static void add_to(struct table *t, const char *name, json_t *row)
{
	unsigned i = 0;

	while (i < t->rows && strcmp(t->row[i].name, name) != 0)
		i++;
	if (i == NAMES)
		return;
	t->row[i].name = name;
	t->rows += i == t->rows;
	add(&t->row[i].sums, row);
}

static void add_cell(struct totals *t, const char *place, const char *flow, json_t *fault)
{
	char name[160];
	json_t *cell;

	snprintf(name, sizeof name, "campaign.%s.%s.%s", place, flow, text(fault, "name"));
	for (char *p = name; *p; p++)
		if (*p == '/' || *p == ' ')
			*p = *p == '/' ? '.' : '_';
	cell = json_pack("{s:s,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:s}", "name", name, "value", integer(fault, "tried"), "unit", "cases",
			 "better", "higher", "survived", integer(fault, "survived"), "shared", integer(fault, "shared"), "failed",
			 integer(fault, "failed"), "bricked", integer(fault, "bricked"), "replay", text(fault, "replay"));
	json_array_append_new(t->cells, cell);
}

static void add_counts(struct totals *t, json_t *counts)
{
	char *place = t->place[t->places_used++];
	json_t *flow, *fault;
	size_t i, j;

	snprintf(place, sizeof t->place[0], "%s/%s", text(counts, "board"), text(counts, "layout"));
	t->cpu_s += json_real_value(json_object_get(counts, "cpu_s"));
	if (t->began == 0 || integer(counts, "began") < t->began)
		t->began = integer(counts, "began");
	if (integer(counts, "ended") > t->ended)
		t->ended = integer(counts, "ended");
	json_array_foreach(json_object_get(counts, "flows"), i, flow) {
		t->operations += integer(flow, "operations");
		t->cut += integer(flow, "operations_cut");
		json_array_foreach(json_object_get(flow, "faults"), j, fault) {
			add(&t->all, fault);
			add_to(&t->faults, text(fault, "name"), fault);
			add_to(&t->flows, text(flow, "name"), fault);
			add_to(&t->places, place, fault);
			add_cell(t, place, text(flow, "name"), fault);
		}
	}
}

static void print(const struct table *t)
{
	printf("\n%-22s %10s %10s %10s %8s %8s %10s\n", t->heading, "tried", "survived", "as others", "failed", "bricked", "CPU s");
	for (unsigned i = 0; i < t->rows; i++) {
		const struct sums *s = &t->row[i].sums;

		printf("%-22s %10lld %10lld %10lld %8lld %8lld %10.1f\n", t->row[i].name, (long long)s->tried, (long long)(s->tried - s->failed),
		       (long long)s->shared, (long long)s->failed, (long long)s->bricked, (double)s->cpu_ms / 1000);
	}
}

static void figure(json_t *out, const char *name, double value, const char *unit, const char *better, const double *goal,
		   const char *how)
{
	json_t *row = json_pack("{s:s,s:f,s:s,s:s}", "name", name, "value", value, "unit", unit, "better", better);

	if (goal) {
		json_object_set_new(row, "goal", json_real(*goal));
		json_object_set_new(row, "met", json_boolean(better[0] == 'l' ? value <= *goal : value >= *goal));
	}
	json_object_set_new(row, "how", json_string(how));
	json_array_append_new(out, row);
	printf("%-28s %14.8g %-10s %s\n", name, value, unit, how);
}

static json_t *figures(const struct totals *t)
{
	static const double goal = CASES_GOAL, none = 0;
	json_t *out = json_array();

	printf("\n");
	figure(out, "campaign.faults", (double)t->all.tried, "cases", "higher", &goal, "distinct cases: board, layout, flow, fault, instant, seed");
	figure(out, "campaign.bricked", (double)t->all.bricked, "cases", "lower", &none, "nothing started afterwards");
	figure(out, "campaign.failed", (double)t->all.failed, "cases", "lower", &none, "an invariant did not hold; bricked ones included");
	figure(out, "campaign.shared", t->all.tried ? (double)t->all.shared / (double)t->all.tried : 0, "ratio", "higher", NULL,
	       "of the cases: reached a state from which another had ended well");
	figure(out, "campaign.operations_cut", t->operations ? (double)t->cut / (double)t->operations : 0, "ratio", "higher", NULL,
	       "of all flash operations of all flows: some case ends the chip's work there");
	figure(out, "campaign.cases_per_core_s", t->cpu_s > 0 ? (double)t->all.tried / t->cpu_s : 0, "1/s", "higher", NULL,
	       "by the CPU time of this machine");
	figure(out, "campaign.minutes", (double)(t->ended - t->began) / 60, "min", "lower", NULL, "the clock on the wall of this machine");
	return out;
}

/* The first of them is what all others are about. */
static void take_over(json_t *out, json_t *rows)
{
	json_t *first = json_array_get(rows, 0);

	printf("%-28s %14.8g %-10s %s\n", text(first, "name"), json_number_value(json_object_get(first, "value")),
	       text(first, "unit"), text(first, "how"));
	json_array_extend(out, rows);
}

int main(int argc, char **argv)
{
	static struct totals t = { .faults = { .heading = "fault" }, .flows = { .heading = "flow" }, .places = { .heading = "board/layout" } };
	json_t *counts[16], *out;
	json_error_t error;
	int ok;

	if (argc < 3 || argc > 2 + 16) {
		fprintf(stderr, "usage: campaign-report OUT.json COUNTS.json...\n");
		return 2;
	}
	t.cells = json_array();
	for (int i = 2; i < argc; i++) {
		counts[i - 2] = json_load_file(argv[i], 0, &error);
		if (!counts[i - 2]) {
			fprintf(stderr, "campaign-report: %s: %s\n", argv[i], error.text);
			return 1;
		}
		if (!json_is_array(counts[i - 2]))
			add_counts(&t, counts[i - 2]);
	}
	print(&t.faults);
	print(&t.flows);
	print(&t.places);
	out = figures(&t);
	for (int i = 2; i < argc; i++)
		if (json_is_array(counts[i - 2]))
			take_over(out, counts[i - 2]);
	json_array_extend(out, t.cells);
	ok = json_dump_file(out, argv[1], JSON_INDENT(1)) == 0;
	if (!ok)
		fprintf(stderr, "campaign-report: %s cannot be written: %s\n", argv[1], strerror(errno));
	else
		printf("\ncampaign: written to %s\n", argv[1]);
	for (int i = 2; i < argc; i++)
		json_decref(counts[i - 2]);
	json_decref(t.cells);
	json_decref(out);
	return ok ? 0 : 1;
}
