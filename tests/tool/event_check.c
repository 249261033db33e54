/* SPDX-License-Identifier: MIT
 *
 * Compares what a command has said on standard output with docs/EVENTS.md, so that neither can change without the other.
 *
 * Usage: event_check EVENTS.md COMMAND [OTHER-COMMAND...] < NDJSON
 * The others are those whose events COMMAND passes on. Each line is a sentence about what does not fit; the last one counts the events, and names those that were seen. Exit code 0: all fit.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 96
#define ROWS  256

struct row {
	char command[64], event[32]; /* the heading's text; Fields: command is "Fields" */
	char column[3][2048];        /* always, sometimes, when; Fields: type, meaning */
	bool seen;
};

static struct row rows[ROWS];
static unsigned count, wrong;

static void complain(unsigned line, const char *what, const char *event, const char *field)
{
	printf("line %u: %s%s%s%s%s\n", line, what, event ? " " : "", event ? event : "", field ? "." : "", field ? field : "");
	wrong++;
}

/* ---- the document ---- */

static void take_row(const char *heading, const char *text)
{
	struct row *row = &rows[count];
	const char *at = text + 1;
	unsigned column = 0;

	if (count == ROWS || strncmp(text, "| `", 3) != 0)
		return;
	*row = (struct row){.seen = false};
	snprintf(row->command, sizeof(row->command), "%.63s", heading);
	sscanf(text, "| `%31[^`]`", row->event);
	at = strchr(at, '|');
	while (at && column < 3) {
		const char *end = strchr(++at, '|');

		if (!end)
			break;
		snprintf(row->column[column++], sizeof(row->column[0]), "%.*s", (int)(end - at), at);
		at = end;
	}
	count++;
}

static void read_document(const char *path)
{
	static char text[8192], heading[64];
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		exit(2);
	}
	while (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = 0;
		if (strncmp(text, "## ", 3) == 0)
			snprintf(heading, sizeof(heading), "%.63s", text + 3);
		else
			take_row(heading, text);
	}
	fclose(f);
}

/* Whether "burn, recover" has "burn". */
static bool names(const char *heading, const char *command)
{
	size_t len = strlen(command);

	for (const char *at = heading; *at; at += strcspn(at, ",") + (strchr(at, ',') ? 1 : 0), at += strspn(at, " ")) {
		if (strncmp(at, command, len) == 0 && (at[len] == 0 || at[len] == ','))
			return true;
	}
	return false;
}

static struct row *find(const char *command, const char *event)
{
	for (unsigned i = 0; i < count; i++) {
		if (names(rows[i].command, command) && strcmp(rows[i].event, event) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool has(const char *column, const char *field)
{
	char quoted[128];

	snprintf(quoted, sizeof(quoted), "`%s`", field);
	return strstr(column, quoted) != NULL;
}

/* ---- an event ---- */

static const char *type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		return "null";
	}
	return "?";
}

static void check_type(unsigned line, const char *event, const char *key, const json_t *value)
{
	const struct row *field = find("Fields", key);

	if (!field)
		complain(line, "has no row in Fields:", event, key);
	else if (!strstr(field->column[0], type_of(value)))
		complain(line, "is of another type than documented:", event, key);
}

/* A command that could not begin. */
static bool is_not_begun(const json_t *event)
{
	const char *outcome = json_string_value(json_object_get(event, "outcome"));

	return outcome && strcmp(outcome, "not-begun") == 0 && json_object_size(event) == 5 && json_is_integer(json_object_get(event, "t_ms")) &&
	       json_is_integer(json_object_get(event, "exit")) && json_string_length(json_object_get(event, "reason")) > 0;
}

static void check_event(unsigned line, const json_t *event, const char *command, const char *const *also)
{
	const char *name = json_string_value(json_object_get(event, "event")), *key;
	struct row *row = name ? find(command, name) : NULL;
	char copy[2048], *rest = NULL;
	json_t *value;

	/* A batch passes on what runs for its devices, with port and device_id. */
	for (unsigned i = 0; name && !row && also[i]; i++)
		row = find(also[i], name);
	if (!row) {
		complain(line, "is not documented:", name ? name : "an object without event", NULL);
		return;
	}
	row->seen = true;
	json_object_foreach ((json_t *)(uintptr_t)event, key, value) {
		bool passed_on = also[0] && (strcmp(key, "port") == 0 || strcmp(key, "device_id") == 0 || strcmp(key, "device_ms") == 0);

		check_type(line, name, key, value);
		if (strcmp(key, "event") != 0 && !has(row->column[0], key) && !has(row->column[1], key) && !strstr(row->column[1], "any") &&
		    !passed_on)
			complain(line, "is not documented:", name, key);
	}
	snprintf(copy, sizeof(copy), "%s", row->column[0]);
	for (char *field = strtok_r(copy, "`, ", &rest); field; field = strtok_r(NULL, "`, ", &rest)) {
		if (!json_object_get(event, field))
			complain(line, "is missing:", name, field);
	}
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	const char *also[8] = {NULL};
	unsigned line = 0;
	bool ended = false;

	if (argc < 3 || argc > 9)
		return 2;
	for (int i = 3; i < argc; i++)
		also[i - 3] = argv[i];
	read_document(argv[1]);
	while (fgets(text, sizeof(text), stdin)) {
		json_error_t error;
		json_t *event = json_loads(text, 0, &error);

		line++;
		if (ended)
			complain(line, "comes behind the result", NULL, NULL);
		if (!json_is_object(event)) {
			complain(line, "is no JSON object", NULL, NULL);
		} else if (is_not_begun(event)) {
			ended = true;
		} else {
			const char *name = json_string_value(json_object_get(event, "event"));

			check_event(line, event, argv[2], also);
			ended = name && strcmp(name, "result") == 0;
		}
		json_decref(event);
	}
	if (!ended)
		complain(line, "is the last one, and no result", NULL, NULL);
	printf("%u events:", line);
	for (unsigned i = 0; i < count; i++) {
		if (rows[i].seen)
			printf(" %s", rows[i].event);
	}
	printf("\n");
	return wrong > 0;
}
