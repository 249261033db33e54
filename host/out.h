/* SPDX-License-Identifier: MIT
 *
 * What the programs say: results to standard output, for people or as JSON; errors to standard error, one sentence
 * each.
 */
#ifndef HF_OUT_H
#define HF_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "diag.h"
#include "err.h"

/* Exit codes of every command (docs: man holdfast). */
enum hf_exit {
	HF_EXIT_OK = 0,
	HF_EXIT_INTERNAL = 1, /* an internal or input/output error */
	HF_EXIT_USAGE = 2,
	HF_EXIT_INPUT = 3,   /* a damaged or senseless input file */
	HF_EXIT_REFUSED = 4, /* sound, but not for this board, version or keyset */
	HF_EXIT_NO_DEVICE = 5,
	HF_EXIT_DEVICE = 6, /* the device refused, or reported an error */
	HF_EXIT_INTERRUPTED = 7,
};

/* The exit code that tells an error's kind. */
enum hf_exit hf_exit_of(enum hf_err err);

/* "holdfast: SENTENCE" on standard error. */
void hf_out_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void hf_out_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the diag, and returns the exit code for err. */
enum hf_exit hf_out_fail(enum hf_err err, const struct hf_diag *diag);

enum hf_colour { HF_COLOUR_NONE, HF_COLOUR_BOLD, HF_COLOUR_DIM, HF_COLOUR_RED, HF_COLOUR_GREEN, HF_COLOUR_YELLOW };

/* The escape sequence that begins a colour, or "" where stream is no terminal, NO_COLOR is set or TERM is dumb.
 * HF_COLOUR_NONE ends it. */
const char *hf_out_colour(FILE *stream, enum hf_colour colour);

/* Prints value (given) to standard output, indented, keys in the order of insertion. */
void hf_out_json(json_t *value);

/* A number, or a string where it is over 2^53 and many JSON readers would round it. */
json_t *hf_json_u64(uint64_t value);

/* Lower-case hexadecimal digits and a zero byte; text has room for 2 * len + 1. Returns text. */
const char *hf_out_hex(const uint8_t *bytes, size_t len, char *text);

/* Flushes standard output. False, after an error message, where something could not be written (a full disk). */
bool hf_out_flush(void);

#endif
