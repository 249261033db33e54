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
	HF_EXIT_NO_DEVICE = 5, /* no such port, or nobody answers on it */
	HF_EXIT_DEVICE = 6, /* the device refused, or reported an error */
	HF_EXIT_INTERRUPTED = 7,
	HF_EXIT_BUSY = 8,       /* another program has the port */
	HF_EXIT_CHECK = 9,      /* a check before the upgrade failed: nothing was sent */
	HF_EXIT_LINE = 10,      /* somebody speaks there, but not so that it can be understood: a wrong rate, a bad cable */
	HF_EXIT_SILENT = 11,    /* a device that had answered answers no more */
	HF_EXIT_PORT_GONE = 12, /* the port itself has vanished */
	HF_EXIT_DISK = 13,      /* a file could not be written: a full disk, no permission */
	HF_EXIT_JOB = 14,       /* a job file that is not what was signed */
	HF_EXIT_SERIALS = 15,   /* serial numbers: another station has the range, or none is left */
	HF_EXIT_FAILURES = 16,  /* some devices of several failed */
	HF_EXIT_AMBIGUOUS = 17, /* more than one device could be meant: nothing was done */
	HF_EXIT_TESTS = 18,     /* the new firmware runs, but the tests after the upgrade failed */
};

/* What an exit code means, in a few words ("another program has the port"), for manuals and reports. */
const char *hf_exit_text(enum hf_exit code);

/* The exit code that tells an error's kind. */
enum hf_exit hf_exit_of(enum hf_err err);

/* "holdfast: SENTENCE" on standard error. */
void hf_out_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void hf_out_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void hf_out_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the diag, and returns the exit code for err. */
enum hf_exit hf_out_fail(enum hf_err err, const struct hf_diag *diag);

enum hf_colour {
	HF_COLOUR_NONE,
	HF_COLOUR_BOLD,
	HF_COLOUR_DIM,
	HF_COLOUR_RED,
	HF_COLOUR_GREEN,
	HF_COLOUR_YELLOW,
	HF_COLOUR_BLUE,
	HF_COLOUR_MAGENTA,
	HF_COLOUR_CYAN,
};

/* The escape sequence that begins a colour, or "" where stream is no terminal, NO_COLOR is set or TERM is dumb.
 * HF_COLOUR_NONE ends it. */
const char *hf_out_colour(FILE *stream, enum hf_colour colour);

/* Prints value (given) to standard output, indented, keys in the order of insertion. */
void hf_out_json(json_t *value);

/* Prints value (given) to standard output as one line, at once: an event of docs/EVENTS.md. */
void hf_out_event(json_t *value);

/* Whether the last event was a result; and the last error's sentence, "" without one. For main, which owes a reader of events a result
 * where a command ended before it had one. */
bool hf_out_ended(void);
const char *hf_out_last_error(void);

/* A number, or a string where it is over 2^53 and many JSON readers would round it. */
json_t *hf_json_u64(uint64_t value);

/* Lower-case hexadecimal digits and a zero byte; text has room for 2 * len + 1. Returns text. */
const char *hf_out_hex(const uint8_t *bytes, size_t len, char *text);

/* Flushes standard output. False, after an error message, where something could not be written (a full disk). */
bool hf_out_flush(void);

#endif
