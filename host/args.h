/* SPDX-License-Identifier: MIT
 *
 * Command lines: one table of options a command, so that all commands parse alike and describe themselves alike.
 */
#ifndef HF_ARGS_H
#define HF_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"

#define HF_ARGS_LIST 16

/* The values of an option that may be given several times; borrowed from argv. */
struct hf_args_list {
	const char *item[HF_ARGS_LIST];
	unsigned count;
};

enum hf_arg_kind {
	HF_ARG_FLAG, /* bool */
	HF_ARG_TEXT, /* const char * */
	HF_ARG_LIST, /* struct hf_args_list */
	HF_ARG_U32,  /* uint32_t: decimal, or hexadecimal with 0x */
	HF_ARG_SIZE, /* uint32_t: the same, or with K or M behind it */
};

struct hf_arg {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum hf_arg_kind kind;
	const char *value; /* what the help calls the value; NULL: takes none */
	const char *help;  /* NULL: for tests; the help does not show it */
	void *to;          /* as kind says; untouched where the option is absent */
	bool *given;       /* may be NULL; set to true where the option is present */
};

struct hf_usage {
	const char *program;   /* NULL: "holdfast" */
	const char *command;   /* "board" */
	const char *summary;   /* one line, begins with a small letter */
	const char *synopsis;  /* "FILE [options]" */
	const char *details;   /* paragraphs; may be NULL */
	const char *example;
	const char *exits;     /* exit codes beside 0, 1 and 2: "3 the board file is wrong"; may be NULL */
	const struct hf_arg *arg;
	size_t args;
	unsigned rest_min, rest_max; /* how many arguments that are not options */
};

struct hf_args_rest {
	char **item;
	unsigned count;
};

/* Parses. False: *exit_code is what to exit with, all has been said (--help, or a usage error). argv[0] is the
 * command's name; "--help" and "-h" are understood by every command. */
bool hf_args_parse(const struct hf_usage *usage, int argc, char **argv, struct hf_args_rest *rest,
		   enum hf_exit *exit_code);

/* A number as HF_ARG_SIZE reads it. */
bool hf_args_size(const char *text, uint32_t *out);
/* A number as HF_ARG_U32 reads it. */
bool hf_args_u32(const char *text, uint32_t *out);

/* Says that a command was used wrongly, and where help is; returns HF_EXIT_USAGE. */
enum hf_exit hf_args_wrong(const struct hf_usage *usage, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
