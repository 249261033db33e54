/* SPDX-License-Identifier: MIT
 *
 * `holdfast project --import`: from a J-Flash project to ours.
 */
#include "cmd_project.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "project.h"
#include "project_new.h"

#define BOARD_NAME "board.conf"

struct import {
	bool json;
	json_t *left; /* "SECTION.Key" */
};

static void tell(void *ctx, const struct hf_jflash_line *line)
{
	struct import *im = ctx;

	if (!line->as) {
		char name[256];

		snprintf(name, sizeof(name), "%s%s%s", line->section, line->section[0] ? "." : "", line->key);
		json_array_append_new(im->left, json_string(name));
	} else if (im->json) {
		hf_out_event(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "event", "taken", "line", (int)line->number, "section",
				       line->section, "key", line->key, "value", line->value, "as", line->as));
	} else {
		printf("  line %-4u %s = %s -> %s\n", line->number, line->key, line->value, line->as);
	}
}

static void tell_left(const struct import *im)
{
	size_t i, column = 0;
	json_t *item;

	if (im->json) {
		hf_out_event(json_pack("{s:s, s:O}", "event", "left", "keys", im->left));
		return;
	}
	if (json_array_size(im->left))
		printf("Not taken, because Holdfast has no use for it, or says it elsewhere:");
	json_array_foreach (im->left, i, item) {
		size_t len = (size_t)json_string_length(item) + 2;
		bool wrap = i == 0 || column + len > 110;

		printf("%s%s", i ? "," : "", wrap ? "\n  " : " ");
		column = wrap ? 2 : column;
		column += len;
		printf("%s", json_string_value(item));
	}
	if (json_array_size(im->left))
		putchar('\n');
}

/* A product's name from a file's: what hf_conf_get_text lets through. */
static void name_product(const char *file, char *out, size_t room)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');
	size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);

	snprintf(out, room, "%.*s", (int)len, base);
	for (char *at = out; *at; at++) {
		if (!(isalnum((unsigned char)*at) && (unsigned char)*at < 128) && !strchr("._+-", *at))
			*at = ' ';
	}
}

struct made {
	const char *dir, *source;
	const struct hf_jflash *j;
	char project[HF_PROJECT_PATH_BYTES], board[HF_PROJECT_PATH_BYTES];
};

static bool as_text(const struct made *m, bool board, char **text, size_t *len)
{
	char product[HF_BOARD_NAME_BYTES];
	FILE *to = open_memstream(text, len);

	if (!to)
		return false;
	name_product(m->source, product, sizeof(product));
	if (board)
		hf_project_new_write_board(to, m->j, m->source);
	else
		hf_project_new_write(to, m->j, product, BOARD_NAME, m->source);
	return fclose(to) == 0;
}

static enum hf_err write_one(const struct made *m, bool board, struct hf_diag *diag)
{
	char *text = NULL;
	size_t len = 0;
	enum hf_err err = HF_ERR_IO;

	if (as_text(m, board, &text, &len))
		err = hf_file_write(board ? m->board : m->project, (struct hf_bytes){(uint8_t *)text, len}, HF_FILE_NEW, diag);
	else
		hf_diag_set(diag, "out of memory");
	free(text);
	return err;
}

static enum hf_exit end(const struct made *m, bool json)
{
	if (json) {
		hf_out_event(json_pack("{s:s, s:i, s:s, s:s, s:s, s:b, s:i, s:i}", "event", "result", "exit", (int)HF_EXIT_OK, "outcome",
				       "imported", "project", m->project, "board", m->board, "chip_known", m->j->chip != NULL, "taken",
				       (int)m->j->taken, "left", (int)m->j->left));
		return HF_EXIT_OK;
	}
	printf("Written: %s and %s.\n", m->project, m->board);
	printf("Fill in next, in %s: each <FILL IN> (%sname, vendor, class, the pins of both UARTs, light and recovery); look at the\n"
	       "partitions; then `holdfast project %s` checks all of it.\n", m->board, m->j->chip ? "" : "the chip and its memory, ", m->project);
	return HF_EXIT_OK;
}

static enum hf_exit make(const struct made *m, bool json)
{
	struct hf_diag diag;
	enum hf_err err = write_one(m, false, &diag);

	if (!err) {
		err = write_one(m, true, &diag);
		if (err)
			unlink(m->project); /* it is ours, from just now, and names a board file that is somebody else's */
	}
	if (!err)
		return end(m, json);
	if (err == HF_ERR_DENIED)
		hf_out_error("%s holds a project already, and it is kept; choose another directory with --out", m->dir);
	else
		hf_out_error("%s", diag.text);
	return err == HF_ERR_DENIED ? HF_EXIT_REFUSED : HF_EXIT_DISK;
}

enum hf_exit hf_project_import(const char *file, const char *dir, bool json)
{
	struct import im = {json, json_array()};
	struct hf_jflash j;
	char source[HF_PROJECT_PATH_BYTES];
	struct made m = {.dir = dir, .source = source, .j = &j};
	struct hf_buffer text;
	struct hf_diag diag;
	enum hf_err err = hf_conf_load(file, HF_JFLASH_FILE_MAX, "a J-Flash project", &text, &diag);
	enum hf_exit code;

	/* It goes into comments of the new files, which end with a line. */
	snprintf(source, sizeof(source), "%s", file);
	for (char *at = source; *at; at++)
		*at = (unsigned char)*at < 0x20 ? '?' : *at;
	if (!err)
		err = hf_jflash_parse((const char *)text.ptr, file, tell, &im, &j, &diag);
	hf_buffer_free(&text);
	if (!err && (size_t)snprintf(m.project, sizeof(m.project), "%s/" HF_PROJECT_NAME, dir) + sizeof(BOARD_NAME) > sizeof(m.project)) {
		hf_diag_set(&diag, "%s: the directory's name is too long", dir);
		err = HF_ERR_TOO_LARGE;
	}
	if (err) {
		code = err == HF_ERR_NOT_FOUND ? HF_EXIT_INPUT : hf_exit_of(err);
		hf_out_error("%s", diag.text);
	} else {
		snprintf(m.board, sizeof(m.board), "%s/" BOARD_NAME, dir);
		tell_left(&im);
		code = make(&m, json);
	}
	json_decref(im.left);
	return code;
}
