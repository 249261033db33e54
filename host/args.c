/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args_man.h"

#define MAX_OPTIONS 48
#define FIRST_VALUE 256 /* getopt's values of options: FIRST_VALUE + index */

bool hf_args_u32(const char *text, uint32_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, hex ? 16 : 10);
	if (errno || *end || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

bool hf_args_size(const char *text, uint32_t *out)
{
	size_t len = strlen(text);
	uint32_t unit = 1, value;
	char digits[16];

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len + 1);
	if (digits[len - 1] == 'K' || digits[len - 1] == 'k')
		unit = 1024;
	if (digits[len - 1] == 'M')
		unit = 1024 * 1024;
	if (unit > 1)
		digits[len - 1] = 0;
	if (!hf_args_u32(digits, &value) || value > UINT32_MAX / unit)
		return false;
	*out = value * unit;
	return true;
}

static const char *program(const struct hf_usage *usage)
{
	return usage->program ? usage->program : "holdfast";
}

enum hf_exit hf_args_wrong(const struct hf_usage *usage, const char *format, ...)
{
	struct hf_diag diag;
	va_list args;

	va_start(args, format);
	hf_diag_vset(&diag, format, args);
	va_end(args);
	hf_out_error("%s; see `%s %s --help`", diag.text, program(usage), usage->command);
	return HF_EXIT_USAGE;
}

#define OPTION_COLUMN 31
#define WIDTH_MIN     60
#define WIDTH_MAX     110 /* wider lines are hard to follow */

static unsigned width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col > WIDTH_MAX)
		return WIDTH_MAX;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

static unsigned print_word(const char *word, size_t len, unsigned at, unsigned indent)
{
	if (at > indent && at + 1 + len > width()) {
		printf("\n%*s", (int)indent, "");
		at = indent;
	} else if (at > indent) {
		putchar(' ');
		at++;
	}
	printf("%.*s", (int)len, word);
	return at + (unsigned)len;
}

/* A text whose first line begins at this column already, and its further ones there too. A line that begins with spaces is
 * laid out by hand and stays as it is; else only empty lines end one. */
static void print_text(const char *text, unsigned indent)
{
	unsigned at = indent;

	while (*text) {
		size_t line = strcspn(text, "\n"), word;
		bool by_hand = *text == ' ';

		if (by_hand) {
			printf("%.*s", (int)line, text);
			text += line;
		}
		for (; *text && *text != '\n'; text += word + strspn(text + word, " ")) {
			word = strcspn(text, " \n");
			at = print_word(text, word, at, indent);
		}
		if (*text == '\n' && (by_hand || text[1] == '\n' || text[1] == ' ' || at == indent)) {
			printf("\n%*s", text[1] && text[1] != '\n' ? (int)indent : 0, "");
			at = indent;
		}
		text += *text == '\n';
	}
	putchar('\n');
}

static void print_option(const struct hf_arg *arg)
{
	char left[48];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", arg->letter ? '-' : ' ', arg->letter ? arg->letter : ' ',
		 arg->letter ? ", " : "  ", arg->name, arg->value ? " " : "", arg->value ? arg->value : "");
	printf("  %-28s ", left);
	if (strlen(left) > OPTION_COLUMN - 3)
		printf("\n%*s", OPTION_COLUMN, "");
	print_text(arg->help, OPTION_COLUMN);
}

static void print_exits(const struct hf_usage *usage)
{
	char text[2048];

	snprintf(text, sizeof(text), "0 done, 1 input/output or internal error, 2 wrong usage%s%s", usage->exits ? ", " : "",
		 usage->exits ? usage->exits : "");
	print_text(text, 12);
}

static void print_help(const struct hf_usage *usage)
{
	static const struct hf_arg help = {"help", 'h', HF_ARG_FLAG, NULL, "this text", NULL, NULL};

	printf("%s %s: %s\n\nusage: %s %s %s\n", program(usage), usage->command, usage->summary, program(usage),
	       usage->command, usage->synopsis);
	if (usage->details) {
		putchar('\n');
		print_text(usage->details, 0);
	}
	printf("\noptions:\n");
	for (size_t i = 0; i < usage->args; i++) {
		if (usage->arg[i].help)
			print_option(&usage->arg[i]);
	}
	print_option(&help);
	printf("\nexample:\n  %s\n", usage->example);
	printf("\nexit codes: ");
	print_exits(usage);
}

static bool store(const struct hf_usage *usage, const struct hf_arg *arg, const char *text)
{
	struct hf_args_list *list;

	if (arg->given)
		*arg->given = true;
	switch (arg->kind) {
	case HF_ARG_FLAG:
		*(bool *)arg->to = true;
		return true;
	case HF_ARG_TEXT:
		*(const char **)arg->to = text;
		return true;
	case HF_ARG_LIST:
		list = arg->to;
		if (list->count < HF_ARGS_LIST) {
			list->item[list->count++] = text;
			return true;
		}
		hf_args_wrong(usage, "--%s can be given %d times at most", arg->name, HF_ARGS_LIST);
		return false;
	case HF_ARG_U32:
		if (hf_args_u32(text, arg->to))
			return true;
		hf_args_wrong(usage, "--%s wants a number from 0 to 4294967295, not '%s'", arg->name, text);
		return false;
	case HF_ARG_SIZE:
		if (hf_args_size(text, arg->to))
			return true;
		hf_args_wrong(usage, "--%s wants a size like 65536, 64K or 1M, not '%s'", arg->name, text);
		return false;
	}
	return false;
}

static size_t make_tables(const struct hf_usage *usage, struct option *longs, char *shorts)
{
	size_t n = 0;

	assert(usage->args < MAX_OPTIONS);
	*shorts++ = ':';
	for (; n < usage->args; n++) {
		const struct hf_arg *arg = &usage->arg[n];

		longs[n] = (struct option){arg->name, arg->value ? required_argument : no_argument, NULL,
					   FIRST_VALUE + (int)n};
		if (arg->letter)
			*shorts++ = arg->letter;
		if (arg->letter && arg->value)
			*shorts++ = ':';
	}
	longs[n] = (struct option){"help", no_argument, NULL, 'h'};
	*shorts++ = 'h';
	*shorts = 0;
	return n;
}

/* The option that getopt's value stands for; NULL: none. */
static const struct hf_arg *find(const struct hf_usage *usage, int value)
{
	if (value >= FIRST_VALUE)
		return &usage->arg[value - FIRST_VALUE];
	for (size_t i = 0; i < usage->args; i++) {
		if (usage->arg[i].letter == value)
			return &usage->arg[i];
	}
	return NULL;
}

static bool parse_options(const struct hf_usage *usage, int argc, char **argv, enum hf_exit *exit_code)
{
	struct option longs[MAX_OPTIONS + 1] = {0};
	char shorts[2 * MAX_OPTIONS + 3];
	int value;

	make_tables(usage, longs, shorts);
	opterr = 0;
	optind = 0; /* begins anew, also in the middle of a word */
	*exit_code = HF_EXIT_USAGE;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct hf_arg *arg;

		if (value == 'h') {
			print_help(usage);
			*exit_code = HF_EXIT_OK;
			return false;
		}
		if (value == '?' || value == ':') {
			hf_args_wrong(usage,
				      value == ':' ? "'%s' wants a value" : "'%s' is no option of this command",
				      argv[optind - 1]);
			return false;
		}
		arg = find(usage, value);
		assert(arg);
		if (!store(usage, arg, optarg))
			return false;
	}
	return true;
}

bool hf_args_parse(const struct hf_usage *usage, int argc, char **argv, struct hf_args_rest *rest,
		   enum hf_exit *exit_code)
{
	if (argc == 2 && hf_args_describe(stdout, usage, argv[1])) {
		*exit_code = HF_EXIT_OK;
		return false;
	}
	if (!parse_options(usage, argc, argv, exit_code))
		return false;
	rest->item = argv + optind;
	rest->count = (unsigned)(argc - optind);
	if (rest->count < usage->rest_min)
		hf_args_wrong(usage, "an argument is missing: %s %s %s", program(usage), usage->command,
			      usage->synopsis);
	else if (rest->count > usage->rest_max)
		hf_args_wrong(usage, "'%s' is one argument too many", rest->item[usage->rest_max]);
	else
		return true;
	return false;
}
