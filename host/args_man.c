/* SPDX-License-Identifier: MIT */
#include "args_man.h"

#include <ctype.h>
#include <string.h>

static const char *program(const struct hf_usage *usage)
{
	return usage->program ? usage->program : "holdfast";
}

/* ---- manual pages, with the macros of man(7), which groff and mandoc both know ---- */

static void put_escaped(FILE *to, char c)
{
	if (c == '\\')
		fputs("\\e", to);
	else if (c == '-')
		fputs("\\-", to);
	else if (c == '~')
		fputs("\\(ti", to);
	else if (c == '^')
		fputs("\\(ha", to);
	else
		fputc(c, to);
}

static void put_line(FILE *to, const char *line, size_t len, bool *bold)
{
	if (len && (line[0] == '.' || line[0] == '\''))
		fputs("\\&", to);
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '`') {
			*bold = !*bold;
			fputs(*bold ? "\\fB" : "\\fP", to);
		} else {
			put_escaped(to, line[i]);
		}
	}
	fputc('\n', to);
}

void hf_man_text(FILE *to, const char *text)
{
	bool bold = false, table = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool indented = text[0] == ' ';

		if (indented != table)
			fputs(indented ? ".nf\n" : ".fi\n", to);
		table = indented;
		if (len)
			put_line(to, text, len, &bold);
		else if (text[1])
			fputs(".PP\n", to);
		text += len + (text[len] == '\n');
	}
	fputs(bold ? "\\fP\n" : "", to);
	fputs(table ? ".fi\n" : "", to);
}

void hf_man_begin(FILE *to, const char *name, int number)
{
	fprintf(to, ".\\\" SPDX-License-Identifier: MIT\n.TH \"");
	for (const char *at = name; *at; at++)
		fputc(toupper((unsigned char)*at), to);
	fprintf(to, "\" %d \"\" \"Holdfast %s\" \"Holdfast\"\n.nh\n", number, HF_VERSION);
}

void hf_man_example(FILE *to, const char *text)
{
	fprintf(to, ".PP\n.nf\n.RS 4\n");
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n"), blank = strspn(at, " ");

		fputs("\\&", to);
		for (size_t i = blank < len ? blank : len; i < len; i++)
			put_escaped(to, at[i]);
		fputc('\n', to);
		at += len + (at[len] == '\n');
	}
	fprintf(to, ".RE\n.fi\n");
}

static void man_exit(FILE *to, unsigned code, const char *text, size_t len)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	fprintf(to, ".TP\n.B %u\n", code);
	hf_man_text(to, copy);
}

/* "3 the board file is wrong, 4 this, too": a number behind a comma begins the next. */
static const char *next_exit(const char *at, unsigned *code, size_t *len)
{
	const char *end = at;

	for (*code = 0; isdigit((unsigned char)*at); at++)
		*code = *code * 10 + (unsigned)(*at - '0');
	at += *at == ' ';
	for (end = at; *end && !(end[0] == ',' && end[1] == ' ' && isdigit((unsigned char)end[2])); end++)
		;
	*len = (size_t)(end - at);
	return at;
}

void hf_man_exits(FILE *to, const char *exits)
{
	fprintf(to, ".SH EXIT STATUS\n");
	for (unsigned i = HF_EXIT_OK; i <= HF_EXIT_USAGE; i++)
		man_exit(to, i, hf_exit_text((enum hf_exit)i), strlen(hf_exit_text((enum hf_exit)i)));
	while (exits && *exits) {
		unsigned code;
		size_t len;
		const char *text = next_exit(exits, &code, &len);

		man_exit(to, code, text, len);
		exits = text + len + (text[len] ? 2 : 0);
	}
}

static void man_option(FILE *to, const struct hf_arg *arg)
{
	fprintf(to, ".TP\n");
	if (arg->letter)
		fprintf(to, "\\fB\\-%c\\fP, ", arg->letter);
	fprintf(to, "\\fB\\-\\-");
	for (const char *at = arg->name; *at; at++)
		put_escaped(to, *at);
	fprintf(to, "\\fP%s", arg->value ? " \\fI" : "");
	for (const char *at = arg->value ? arg->value : ""; *at; at++)
		put_escaped(to, *at);
	fprintf(to, "%s\n", arg->value ? "\\fP" : "");
	hf_man_text(to, arg->help);
}

static void page_name(const struct hf_usage *usage, char *out, size_t room)
{
	snprintf(out, room, "%s-%s", program(usage), usage->command);
	for (char *at = out; *at; at++)
		*at = *at == ' ' ? '-' : *at;
}

void hf_args_man(FILE *to, const struct hf_usage *usage)
{
	static const struct hf_arg help = {"help", 'h', HF_ARG_FLAG, NULL, "explains the command, and ends", NULL, NULL};
	char name[64];

	page_name(usage, name, sizeof(name));
	hf_man_begin(to, name, 1);
	fprintf(to, ".SH NAME\n%s \\- ", name);
	hf_man_text(to, usage->summary);
	fprintf(to, ".SH SYNOPSIS\n.B %s %s\n", program(usage), usage->command);
	hf_man_text(to, usage->synopsis);
	if (usage->details) {
		fprintf(to, ".SH DESCRIPTION\n");
		hf_man_text(to, usage->details);
	}
	fprintf(to, ".SH OPTIONS\n");
	for (size_t i = 0; i < usage->args; i++) {
		if (usage->arg[i].help)
			man_option(to, &usage->arg[i]);
	}
	man_option(to, &help);
	hf_man_exits(to, usage->exits);
	fprintf(to, ".SH EXAMPLES\n");
	hf_man_example(to, usage->example);
	fprintf(to, ".SH SEE ALSO\n.BR %s (1)\n", program(usage));
}

/* ---- completion ---- */

enum completed { NOTHING, FILES, DIRECTORIES, PORTS, WORDS };

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What the help calls a value says what completes it. */
static enum completed completed(const char *value)
{
	if (begins(value, "FILE") || begins(value, "PACKAGE") || begins(value, "KEY") || begins(value, "SOCKET"))
		return FILES;
	if (begins(value, "DIR"))
		return DIRECTORIES;
	if (begins(value, "PORT"))
		return PORTS;
	return strchr(value, '|') ? WORDS : NOTHING;
}

/* The words of "make|sign|show [arguments]" or of "list | test HASH | confirm"; none where the synopsis does not begin so. */
static void words(FILE *to, const char *synopsis)
{
	bool first = true;
	const char *at = synopsis;

	if (!strchr(at, '|') || !islower((unsigned char)at[0]))
		return;
	while (*at) {
		size_t len = strcspn(at, " |");

		fprintf(to, "%s%.*s", first ? "" : " ", (int)len, at);
		first = false;
		at += len;
		at += strcspn(at, "|[");
		if (*at != '|')
			return;
		at += 1 + strspn(at + 1, " ");
	}
}

static void function_name(FILE *to, const struct hf_usage *usage)
{
	fputc('_', to);
	for (const char *at = program(usage); *at; at++)
		fputc(isalnum((unsigned char)*at) ? *at : '_', to);
	fputc('_', to);
	for (const char *at = usage->command; *at; at++)
		fputc(isalnum((unsigned char)*at) ? *at : '_', to);
}

static void bash_case(FILE *to, const struct hf_arg *arg)
{
	static const char *const how[] = {
		[NOTHING] = "", [FILES] = "_holdfast_files; ", [DIRECTORIES] = "_holdfast_directories; ", [PORTS] = "_holdfast_ports; ",
	};
	enum completed kind = completed(arg->value);

	fprintf(to, "\t--%s", arg->name);
	if (arg->letter)
		fprintf(to, "|-%c", arg->letter);
	fprintf(to, ") ");
	if (kind == WORDS) {
		fprintf(to, "_holdfast_words '");
		for (const char *at = arg->value; *at; at++)
			fputc(*at == '|' ? ' ' : *at, to);
		fprintf(to, "'; ");
	} else {
		fputs(how[kind], to);
	}
	fprintf(to, "return ;;\n");
}

void hf_args_bash(FILE *to, const struct hf_usage *usage)
{
	function_name(to, usage);
	fprintf(to, "()\n{\n\tcase $prev in\n");
	for (size_t i = 0; i < usage->args; i++) {
		if (usage->arg[i].help && usage->arg[i].value)
			bash_case(to, &usage->arg[i]);
	}
	fprintf(to, "\tesac\n\tcase $cur in\n\t-*) _holdfast_words '");
	for (size_t i = 0; i < usage->args; i++) {
		if (usage->arg[i].help)
			fprintf(to, "--%s ", usage->arg[i].name);
	}
	fprintf(to, "--help' ;;\n\t*) ");
	if (strchr(usage->synopsis, '|') && islower((unsigned char)usage->synopsis[0])) {
		fprintf(to, "_holdfast_words '");
		words(to, usage->synopsis);
		fprintf(to, "' ");
	} else if (usage->rest_max) {
		fprintf(to, "_holdfast_files ");
	}
	fprintf(to, ";;\n\tesac\n}\n\n");
}

static void zsh_text(FILE *to, const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == '\'')
			fputs("'\\''", to);
		else if (strchr("[]:\\", *at))
			fprintf(to, "\\%c", *at);
		else
			fputc(*at == '\n' ? ' ' : *at, to);
	}
}

static void zsh_value(FILE *to, const char *value)
{
	fputc(':', to);
	zsh_text(to, value);
	fputc(':', to);
	switch (completed(value)) {
	case FILES:
		fputs("_files", to);
		break;
	case DIRECTORIES:
		fputs("_files -/", to);
		break;
	case PORTS:
		fputs("_holdfast_ports", to);
		break;
	case WORDS:
		fputc('(', to);
		for (const char *at = value; *at; at++)
			fputc(*at == '|' ? ' ' : *at, to);
		fputc(')', to);
		break;
	case NOTHING:
		fputc(' ', to);
	}
}

void hf_args_zsh(FILE *to, const struct hf_usage *usage)
{
	function_name(to, usage);
	fprintf(to, "() {\n\t_arguments '(- *)'{-h,--help}'[explains the command]'");
	for (size_t i = 0; i < usage->args; i++) {
		const struct hf_arg *arg = &usage->arg[i];

		if (!arg->help)
			continue;
		fprintf(to, " \\\n\t\t'%s--%s[", arg->kind == HF_ARG_LIST ? "*" : "", arg->name);
		zsh_text(to, arg->help);
		fputc(']', to);
		if (arg->value)
			zsh_value(to, arg->value);
		fputc('\'', to);
	}
	if (strchr(usage->synopsis, '|') && islower((unsigned char)usage->synopsis[0])) {
		fprintf(to, " \\\n\t\t'*: :(");
		words(to, usage->synopsis);
		fprintf(to, ")'");
	} else if (usage->rest_max) {
		fprintf(to, " \\\n\t\t'*:file:_files'");
	}
	fprintf(to, "\n}\n\n");
}

bool hf_args_is_completion(const char *word)
{
	return strcmp(word, HF_ARGS_BASH) == 0 || strcmp(word, HF_ARGS_ZSH) == 0;
}

bool hf_args_describe(FILE *to, const struct hf_usage *usage, const char *word)
{
	if (strcmp(word, HF_ARGS_MAN) == 0)
		hf_args_man(to, usage);
	else if (strcmp(word, HF_ARGS_BASH) == 0)
		hf_args_bash(to, usage);
	else if (strcmp(word, HF_ARGS_ZSH) == 0)
		hf_args_zsh(to, usage);
	else
		return false;
	return true;
}
