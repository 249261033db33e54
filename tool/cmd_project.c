/* SPDX-License-Identifier: MIT
 *
 * `holdfast project`: which project file counts here, what it says, and whether the files that it names are there and fit together.
 */
#include "cmd_project.h"

#include <dirent.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "board.h"
#include "command.h"
#include "load.h"
#include "package_verify.h"
#include "product.h"
#include "row.h"
#include "version.h"

struct look {
	const struct hf_project *project;
	bool json;
	unsigned failed;
	struct hf_board board;
	bool board_known;
	struct hf_buffer keyset_bytes;
	struct hf_keyset keyset;
	bool keyset_known;
};

static void say(struct look *l, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void say(struct look *l, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
{
	struct hf_row row = {.state = state, .name = name};
	va_list args;

	va_start(args, format);
	vsnprintf(row.text, sizeof(row.text), format, args);
	va_end(args);
	snprintf(row.next, sizeof(row.next), "%s", next);
	l->failed += state == HF_ROW_FAILED;
	if (l->json)
		hf_out_event(hf_row_json(&row));
	else
		hf_row_print(&row);
}

/* ---- files ---- */

static void look_at_board(struct look *l)
{
	struct hf_diag diag;

	if (!l->project->board[0]) {
		say(l, HF_ROW_WARNING, "board", "name one with board = \"FILE\"; then the commands know slots, rates and pins",
		    "the project names no board file");
		return;
	}
	l->board_known = hf_board_load(l->project->board, &l->board, &diag) == HF_OK;
	if (l->board_known)
		say(l, HF_ROW_PASSED, "board", "", "%s: %s, class %s, %s", l->project->board, l->board.name, l->board.class_name,
		    l->board.chip->name);
	else
		say(l, HF_ROW_FAILED, "board", "correct it; `holdfast board FILE` checks it alone", "%s", diag.text);
}

static void look_at_keyset(struct look *l)
{
	struct hf_diag diag;

	if (!l->project->keyset[0]) {
		say(l, HF_ROW_NOTE, "keyset", "", "none: signatures are left to the device");
		return;
	}
	l->keyset_known = hf_load_keyset(l->project->keyset, &l->keyset_bytes, &l->keyset, &diag) == HF_OK;
	if (l->keyset_known)
		say(l, HF_ROW_PASSED, "keyset", "", "%s: number %u, %u keys", l->project->keyset, l->keyset.number, l->keyset.keys);
	else
		say(l, HF_ROW_FAILED, "keyset", "`holdfast keyset show FILE` tells what a file is", "%s", diag.text);
}

static bool fits(struct look *l, const struct hf_package *package, struct hf_diag *diag)
{
	const struct hf_package_device device = {.board = &l->board, .keyset = &l->keyset};
	struct hf_package_target target[HF_PLACES];
	unsigned unchecked;

	return !l->board_known || !l->keyset_known || hf_package_verify(package, &device, target, &unchecked, diag) == HF_OK;
}

/* Returns whether the package is sound and fits; says so where name is not NULL. */
static bool look_at_package(struct look *l, const char *name, const char *file)
{
	char version[HF_VERSION_TEXT_BYTES];
	struct hf_buffer bytes = {0};
	struct hf_package package;
	struct hf_diag diag;
	bool good = hf_load_package(file, &bytes, &package, &diag) == HF_OK;

	if (good && !fits(l, &package, &diag)) {
		hf_diag_prefix(&diag, "%s: ", file);
		good = false;
	}
	if (good && name)
		say(l, HF_ROW_PASSED, name, "", "%s: version %s%s", file,
		    hf_version_format(package.manifest.version, package.manifest.versions, version),
		    l->board_known && l->keyset_known ? ", for this board, its signature by this keyset" : "");
	else if (!good && name)
		say(l, HF_ROW_FAILED, name, "`holdfast inspect FILE` shows what it is", "%s", diag.text);
	hf_buffer_free(&bytes);
	return good;
}

static void look_at_packages(struct look *l)
{
	if (l->project->firmware[0])
		look_at_package(l, "firmware", l->project->firmware);
	else
		say(l, HF_ROW_NOTE, "firmware", "", "none: commands are told the package each time");
	if (l->project->recovery[0])
		look_at_package(l, "recovery", l->project->recovery);
}

static bool is_package_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, ".suit") == 0;
}

static void look_at_way_back(struct look *l)
{
	const char *path = l->project->way_back;
	char file[HF_PROJECT_PATH_BYTES + 256];
	unsigned good = 0, bad = 0;
	struct dirent *entry;
	DIR *dir;

	if (!path[0])
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!is_package_name(entry->d_name))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		*(look_at_package(l, NULL, file) ? &good : &bad) += 1;
	}
	if (dir)
		closedir(dir);
	if (!dir)
		say(l, HF_ROW_FAILED, "way back", "make it, and keep the packages of older versions there", "%s is no directory", path);
	else if (!good || bad)
		say(l, good ? HF_ROW_WARNING : HF_ROW_FAILED, "way back", "keep the packages there that devices ran before",
		    "%s: %u good packages (*.suit), %u that this board would refuse", path, good, bad);
	else
		say(l, HF_ROW_PASSED, "way back", "", "%s: %u good packages", path, good);
}

static void look_at_file(struct look *l, const char *name, const char *path, bool directory)
{
	struct stat status;
	bool there = path[0] && stat(path, &status) == 0;

	if (!path[0])
		return;
	if (there && (directory ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode)))
		say(l, HF_ROW_PASSED, name, "", "%s", path);
	else if (directory && !there)
		say(l, HF_ROW_NOTE, name, "", "%s: will be made when it is needed", path);
	else
		say(l, HF_ROW_FAILED, name, "correct the path in the project file", "%s: %s", path,
		    there ? "something else than expected" : "is not there");
}

/* ---- the rest ---- */

static void say_line(struct look *l)
{
	const struct hf_project *p = l->project;
	char text[HF_ROW_TEXT_BYTES] = "";

	for (unsigned i = 0; i < p->ports; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? ", " : "", p->port[i]);
	for (unsigned i = 0; i < p->bauds; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? ", " : " at ", p->baud[i]);
	say(l, HF_ROW_NOTE, "line", "", "%s%s", p->ports ? "" : "any port", text);
}

static void say_burn(struct look *l)
{
	const struct hf_project_burn *b = &l->project->burn;
	char text[HF_ROW_TEXT_BYTES] = "";
	const struct {
		const char *format;
		uint32_t value;
		bool given;
	} rows[] = {
		{"confirmed within %u s", b->confirm_s, b->confirm_s},
		{"at most %u wrong bits in a million", b->link_errors_ppm, b->link_errors_given},
		{"supply from %u mV", b->supply_mv_min, b->supply_mv_min},
		{"supply to %u mV", b->supply_mv_max, b->supply_mv_max},
		{"an erase in %u ms", b->erase_ms_max, b->erase_ms_max},
		{"at most %u %% slower", b->slower_percent_max, b->slower_percent_max},
		{"%u s of stress", b->stress_s, b->stress_s},
	};

	if (b->pilot_given)
		snprintf(text, sizeof(text), "%s", b->pilot ? "a pilot first" : "no pilot needed");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = strlen(text);

		if (rows[i].given)
			snprintf(text + at, sizeof(text) - at, "%s", at ? ", " : "");
		at = strlen(text);
		if (rows[i].given)
			snprintf(text + at, sizeof(text) - at, rows[i].format, rows[i].value);
	}
	if (text[0])
		say(l, HF_ROW_NOTE, "demands", "", "%s", text);
}

static void say_probe(struct look *l)
{
	const struct hf_project_probe *p = &l->project->probe;
	const char *interface = p->interface[0] ? p->interface : l->board_known ? l->board.interface : "";
	uint32_t khz = p->khz ? p->khz : l->board_known ? l->board.interface_khz : 0;

	if (interface[0] && khz)
		say(l, HF_ROW_NOTE, "probe", "", "%s at %u kHz, erase %s%s", interface, khz,
		    p->erase[0] ? p->erase : l->board_known ? hf_board_erase_name(l->board.erase) : "needed",
		    p->verify_given ? (p->verify ? ", verified" : ", not verified") : "");
}

static enum hf_exit show(const struct hf_project *project, bool json)
{
	struct look l = {.project = project, .json = json};
	enum hf_exit code;

	look_at_board(&l);
	look_at_keyset(&l);
	look_at_packages(&l);
	look_at_file(&l, "boot", project->boot, false);
	look_at_way_back(&l);
	say_line(&l);
	look_at_file(&l, "backup", project->burn.backup, true);
	say_burn(&l);
	look_at_file(&l, "records", project->batch.records, true);
	say_probe(&l);
	hf_buffer_free(&l.keyset_bytes);
	code = l.failed ? HF_EXIT_INPUT : HF_EXIT_OK;
	if (json)
		hf_out_event(json_pack("{s:s, s:i, s:s, s:s, s:s}", "event", "result", "exit", (int)code, "outcome",
				       l.failed ? "failed" : "passed", "project", project->file, "product", project->product));
	if (l.failed)
		hf_out_error("%s: %u of the files that it names cannot be used as they are", project->file, l.failed);
	return code;
}

static enum hf_exit run(struct hf_product *product, bool json)
{
	enum hf_exit code;

	if (!hf_product_open(product, &code))
		return code;
	if (product->known)
		return show(&product->project, json);
	hf_out_error("there is no " HF_PROJECT_NAME " here or above: write one (man 5 holdfast-project), or make one with "
		     "`holdfast project --import FILE.jflash`");
	return HF_EXIT_INPUT;
}

enum hf_exit hf_command_project(int argc, char **argv)
{
	struct hf_product product = {0};
	const char *import = NULL, *out = NULL;
	bool json = false;
	const struct hf_arg options[] = {
		HF_PRODUCT_ARGS(product),
		{"import", 0, HF_ARG_TEXT, "FILE", "make a project and a board file from a J-Flash project (*.jflash)", &import, NULL},
		{"out", 'o', HF_ARG_TEXT, "DIR", "with --import: where they go (default: here)", &out, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "events as JSON, one a line", &json, NULL},
	};
	const struct hf_usage usage = {
		.command = "project",
		.summary = "shows and checks a product's project file, or makes one",
		.synopsis = "[FILE] [options]",
		.details = "A project file says once what all commands would otherwise be told each time: board, keyset, packages, line, "
			   "demands. They find " HF_PROJECT_NAME " in the current directory or above; --project and $" HF_PROJECT_ENV
			   " name another, and any option of a command wins over it.",
		.example = "holdfast project\n  holdfast project --import line4.jflash --out line4",
		.exits = "3 the project, or a file that it names, is wrong",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 0,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	if (import) {
		if (rest.count || product.option)
			return hf_args_wrong(&usage, "--import makes a new project: no other can be given");
		return hf_project_import(import, out ? out : ".", json);
	}
	if (out)
		return hf_args_wrong(&usage, "--out is for --import");
	if (rest.count)
		product.option = rest.item[0];
	return run(&product, json);
}
