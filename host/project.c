/* SPDX-License-Identifier: MIT
 *
 * The keys of a project file. Unlike a board's, nearly all of them may be absent; a key that is there has to make sense, since a
 * wrong one would surface at three in the morning, in front of a gateway.
 *
 * Only the project file itself is read here. Whether the files that it names exist is the business of whoever opens them, and of
 * `holdfast project`, which shows it.
 */
#include "project.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define PARENTS_MAX   64u
#define BAUD_MAX      20000000u
#define DAY_S         86400u

struct reader {
	struct hf_conf conf;
	struct hf_project *project;
};

/* ---- what may be absent ---- */

static config_setting_t *optional(config_setting_t *group, const char *key)
{
	return config_setting_get_member(group, key);
}

/* *given may be NULL. */
static bool number(const struct reader *r, config_setting_t *group, const char *key, uint32_t min, uint32_t max,
		   uint32_t *out, bool *given)
{
	config_setting_t *item = optional(group, key);

	if (given)
		*given = item != NULL;
	return !item || hf_conf_number(&r->conf, item, key, min, max, out);
}

static bool yes_or_no(const struct reader *r, config_setting_t *group, const char *key, bool *out, bool *given)
{
	*given = optional(group, key) != NULL;
	return !*given || hf_conf_get_bool(&r->conf, group, key, out);
}

static bool choice(const struct reader *r, config_setting_t *group, const char *key, const char *const *choices, size_t count,
		   char *out, size_t room)
{
	unsigned chosen;

	if (!optional(group, key))
		return true;
	if (!hf_conf_get_choice(&r->conf, group, key, choices, count, &chosen))
		return false;
	snprintf(out, room, "%s", choices[chosen]);
	return true;
}

/* Any text but control characters: a file name may hold what it likes. */
static bool printable(const struct reader *r, const config_setting_t *item, const char *key, size_t room, const char **out)
{
	const char *text = config_setting_get_string(item);

	if (!text || !text[0])
		return hf_conf_bad(&r->conf, item, "'%s' has to be a text in quotes, and not an empty one", key);
	if (strlen(text) >= room)
		return hf_conf_bad(&r->conf, item, "'%s' has %zu bytes; at most %zu are allowed", key, strlen(text), room - 1);
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return hf_conf_bad(&r->conf, item, "'%s' holds a control character", key);
	}
	*out = text;
	return true;
}

static bool text(const struct reader *r, config_setting_t *group, const char *key, char *out, size_t room)
{
	config_setting_t *item = optional(group, key);
	const char *value;

	if (!item)
		return true;
	if (!printable(r, item, key, room, &value))
		return false;
	snprintf(out, room, "%s", value);
	return true;
}

/* A path, relative to the project file. */
static bool path_of(const struct reader *r, const config_setting_t *item, const char *key, char *out)
{
	const char *dir = r->project->dir, *value;
	int len;

	if (!printable(r, item, key, HF_PROJECT_PATH_BYTES, &value))
		return false;
	len = snprintf(out, HF_PROJECT_PATH_BYTES, "%s%s", value[0] == '/' ? "" : dir, value);
	return len < HF_PROJECT_PATH_BYTES ||
	       hf_conf_bad(&r->conf, item, "'%s' has %d bytes with its directory; at most %d are allowed", key, len,
			   HF_PROJECT_PATH_BYTES - 1);
}

static bool path(const struct reader *r, config_setting_t *group, const char *key, char *out)
{
	config_setting_t *item = optional(group, key);

	return !item || path_of(r, item, key, out);
}

/* ---- groups ---- */

static bool get_packages(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"firmware", "recovery", "boot", "way_back"};
	struct hf_project *p = r->project;
	config_setting_t *group;

	return !optional(root, "packages") ||
	       (hf_conf_get_group(&r->conf, root, "packages", keys, COUNT(keys), &group) &&
		path(r, group, "firmware", p->firmware) && path(r, group, "recovery", p->recovery) &&
		path(r, group, "boot", p->boot) && path(r, group, "way_back", p->way_back));
}

/* A port's name, or a list of names. They are no paths of the project: a serial adapter belongs to the machine. */
static bool get_ports(const struct reader *r, config_setting_t *group)
{
	config_setting_t *item = optional(group, "port");
	bool many = item && (config_setting_is_array(item) || config_setting_is_list(item));
	int count = many ? config_setting_length(item) : item != NULL;
	const char *value;

	if (many && (count < 1 || count > HF_PROJECT_PORTS))
		return hf_conf_bad(&r->conf, item, "'port' has to be a name, or a list of 1 to %d: [ \"/dev/ttyUSB*\" ]",
				   HF_PROJECT_PORTS);
	for (int i = 0; i < count; i++) {
		if (!printable(r, many ? config_setting_get_elem(item, (unsigned)i) : item, "port", HF_PROJECT_PATH_BYTES, &value))
			return false;
		snprintf(r->project->port[r->project->ports++], HF_PROJECT_PATH_BYTES, "%s", value);
	}
	return true;
}

static bool get_bauds(const struct reader *r, config_setting_t *group)
{
	config_setting_t *item = optional(group, "baud");
	bool many = item && (config_setting_is_array(item) || config_setting_is_list(item));
	int count = many ? config_setting_length(item) : item != NULL;
	struct hf_project *p = r->project;

	if (many && (count < 1 || count > HF_BOARD_BAUDS))
		return hf_conf_bad(&r->conf, item, "'baud' has to be a rate, or a list of 1 to %d: [921600, 115200]", HF_BOARD_BAUDS);
	for (int i = 0; i < count; i++) {
		if (!hf_conf_number(&r->conf, many ? config_setting_get_elem(item, (unsigned)i) : item, "baud", 1200, BAUD_MAX,
				    &p->baud[p->bauds++]))
			return false;
	}
	return true;
}

static bool get_line(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"port", "baud", "patience_s"};
	config_setting_t *group;

	return !optional(root, "line") ||
	       (hf_conf_get_group(&r->conf, root, "line", keys, COUNT(keys), &group) && get_ports(r, group) && get_bauds(r, group) &&
		number(r, group, "patience_s", 1, DAY_S, &r->project->patience_s, NULL));
}

static bool get_burn(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {
		"pilot", "backup", "confirm_s", "link_errors_ppm", "supply_mv_min", "supply_mv_max", "erase_ms_max",
		"slower_percent_max", "stress_s",
	};
	struct hf_project_burn *b = &r->project->burn;
	config_setting_t *group;

	if (!optional(root, "burn"))
		return true;
	if (!hf_conf_get_group(&r->conf, root, "burn", keys, COUNT(keys), &group) ||
	    !yes_or_no(r, group, "pilot", &b->pilot, &b->pilot_given) || !path(r, group, "backup", b->backup) ||
	    !number(r, group, "confirm_s", 1, DAY_S, &b->confirm_s, NULL) ||
	    !number(r, group, "link_errors_ppm", 0, 1000, &b->link_errors_ppm, &b->link_errors_given) ||
	    !number(r, group, "supply_mv_min", 1800, 3600, &b->supply_mv_min, NULL) ||
	    !number(r, group, "supply_mv_max", 1800, 3600, &b->supply_mv_max, NULL) ||
	    !number(r, group, "erase_ms_max", 100, 60000, &b->erase_ms_max, NULL) ||
	    !number(r, group, "slower_percent_max", 1, 1000, &b->slower_percent_max, NULL) ||
	    !number(r, group, "stress_s", 1, DAY_S, &b->stress_s, NULL))
		return false;
	return !b->supply_mv_min || !b->supply_mv_max || b->supply_mv_min < b->supply_mv_max ||
	       hf_conf_bad(&r->conf, optional(group, "supply_mv_min"), "'supply_mv_min' is %u and 'supply_mv_max' %u: no supply is "
			   "between them", b->supply_mv_min, b->supply_mv_max);
}

static bool get_batch(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"parallel", "retries", "stop_after", "records", "serials", "test"};
	struct hf_project_batch *b = &r->project->batch;
	config_setting_t *group;

	return !optional(root, "batch") ||
	       (hf_conf_get_group(&r->conf, root, "batch", keys, COUNT(keys), &group) &&
		number(r, group, "parallel", 1, 1024, &b->parallel, NULL) &&
		number(r, group, "retries", 0, 100, &b->retries, &b->retries_given) &&
		number(r, group, "stop_after", 0, 100000, &b->stop_after, &b->stop_after_given) &&
		path(r, group, "records", b->records) && path(r, group, "serials", b->serials) &&
		text(r, group, "test", b->test, sizeof(b->test)));
}

static bool get_probe(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"interface", "khz", "address", "verify", "erase"};
	static const char *const interfaces[] = {"swd", "jtag"}, *const erases[] = {"needed", "slot", "chip"};
	struct hf_project_probe *p = &r->project->probe;
	config_setting_t *group;

	return !optional(root, "probe") ||
	       (hf_conf_get_group(&r->conf, root, "probe", keys, COUNT(keys), &group) &&
		choice(r, group, "interface", interfaces, COUNT(interfaces), p->interface, sizeof(p->interface)) &&
		number(r, group, "khz", 1, 50000, &p->khz, NULL) &&
		number(r, group, "address", 0, UINT32_MAX, &p->address, &p->address_given) &&
		yes_or_no(r, group, "verify", &p->verify, &p->verify_given) &&
		choice(r, group, "erase", erases, COUNT(erases), p->erase, sizeof(p->erase)));
}

/* The board's file, or the board itself: then this file is the board's. */
static bool get_board(const struct reader *r, config_setting_t *root)
{
	config_setting_t *item = optional(root, "board");
	struct hf_board board;

	if (!item)
		return true;
	if (!config_setting_is_group(item))
		return path_of(r, item, "board", r->project->board);
	snprintf(r->project->board, sizeof(r->project->board), "%s", r->project->file);
	return hf_board_read(&r->conf, item, &board);
}

static bool get_project(const struct reader *r, config_setting_t *root)
{
	static const char *const keys[] = {"format", "product", "board", "keyset", "packages", "line", "burn", "batch", "probe"};
	struct hf_project *p = r->project;
	uint32_t format;

	return hf_conf_known_keys(&r->conf, root, keys, COUNT(keys)) &&
	       hf_conf_get_number(&r->conf, root, "format", HF_PROJECT_FORMAT, HF_PROJECT_FORMAT, &format) &&
	       hf_conf_get_text(&r->conf, root, "product", " ._+-", p->product, sizeof(p->product)) && get_board(r, root) &&
	       path(r, root, "keyset", p->keyset) && get_packages(r, root) && get_line(r, root) && get_burn(r, root) &&
	       get_batch(r, root) && get_probe(r, root);
}

/* ---- the whole ---- */

static bool set_file(struct hf_project *p, const char *file, struct hf_diag *diag)
{
	const char *slash = strrchr(file, '/');

	if (strlen(file) >= sizeof(p->file)) {
		hf_diag_set(diag, "%s: the name of a project file may have %zu bytes at most", file, sizeof(p->file) - 1);
		return false;
	}
	snprintf(p->file, sizeof(p->file), "%s", file);
	snprintf(p->dir, sizeof(p->dir), "%.*s", slash ? (int)(slash - file + 1) : 0, file);
	return true;
}

enum hf_err hf_project_parse(const char *text, const char *file, struct hf_project *out, struct hf_diag *diag)
{
	const struct reader r = {{file, diag}, out};
	enum hf_err err;
	config_t config;

	*out = (struct hf_project){0};
	if (!set_file(out, file, diag))
		return HF_ERR_RANGE;
	err = hf_conf_parse(text, file, "a project file", &config, diag);
	if (!err && !get_project(&r, config_root_setting(&config)))
		err = HF_ERR_RANGE;
	config_destroy(&config);
	return err;
}

enum hf_err hf_project_load(const char *file, struct hf_project *out, struct hf_diag *diag)
{
	struct hf_buffer text;
	enum hf_err err = hf_conf_load(file, HF_PROJECT_FILE_MAX, "a project file", &text, diag);

	if (!err)
		err = hf_project_parse((const char *)text.ptr, file, out, diag);
	hf_buffer_free(&text);
	return err;
}

/* ---- which one counts ---- */

static enum hf_err named(const char *name, const char *by, char *path, struct hf_diag *diag)
{
	if (access(name, F_OK) != 0) {
		hf_diag_set(diag, "%s, which %s names as the project file: %s", name, by, strerror(errno));
		return HF_ERR_IO;
	}
	if (snprintf(path, HF_PROJECT_PATH_BYTES, "%s", name) < HF_PROJECT_PATH_BYTES)
		return HF_OK;
	hf_diag_set(diag, "%s: the name of a project file may have %d bytes at most", name, HF_PROJECT_PATH_BYTES - 1);
	return HF_ERR_TOO_LARGE;
}

static bool root_directory(const char *dir)
{
	struct stat here, root;

	return stat(dir, &here) != 0 || stat("/", &root) != 0 || (here.st_dev == root.st_dev && here.st_ino == root.st_ino);
}

static enum hf_err search(char *path, struct hf_diag *diag)
{
	char dir[3 * PARENTS_MAX + 3] = "./";
	struct stat status;

	path[0] = 0;
	for (unsigned i = 0; i < PARENTS_MAX; i++) {
		snprintf(path, HF_PROJECT_PATH_BYTES, "%s" HF_PROJECT_NAME, i ? dir : "");
		if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
			if (status.st_uid == geteuid() || status.st_uid == 0)
				return HF_OK;
			hf_diag_set(diag, "%s belongs to another user, and a project file names commands: use it with --project %s, or "
				    "none with " HF_PROJECT_ENV "=", path, path);
			return HF_ERR_DENIED;
		}
		if (root_directory(dir))
			break;
		snprintf(dir + (i ? strlen(dir) : 0), sizeof(dir) - (i ? strlen(dir) : 0), "../");
	}
	path[0] = 0;
	return HF_OK;
}

enum hf_err hf_project_find(const char *option, char *path, struct hf_diag *diag)
{
	const char *env = getenv(HF_PROJECT_ENV);

	path[0] = 0;
	if (option)
		return named(option, "--project", path, diag);
	if (env)
		return env[0] ? named(env, HF_PROJECT_ENV, path, diag) : HF_OK;
	return search(path, diag);
}
