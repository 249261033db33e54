/* SPDX-License-Identifier: MIT
 *
 * Descriptions of a target as J-Flash writes them (*.jflash): sections and `Key = Value` lines. Holdfast takes from them what it has
 * a use for - chip, interface, speed, address, verify, erase, supply - and tells of every other line that it was left.
 *
 * The keys are those that J-Flash's own files have (see seeds in fuzz/corpus/jflash), and a few plain ones for descriptions that
 * people write: Device, Interface, Speed, Verify, Erase. Sections and keys are compared without regard to case.
 */
#ifndef HF_JFLASH_H
#define HF_JFLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "chip.h"
#include "diag.h"
#include "err.h"

#define HF_JFLASH_FILE_MAX   1048576u
#define HF_JFLASH_TEXT_BYTES 128

struct hf_jflash {
	char device[HF_JFLASH_TEXT_BYTES]; /* as it was called there; "": not named */
	const struct hf_chip *chip;        /* NULL: none that is known here */
	char interface[8];                 /* "swd", "jtag", "" */
	uint32_t khz;                      /* 0: not given */
	uint32_t address;
	bool address_given;
	bool verify, verify_given;
	char erase[8];                     /* "needed", "chip", "" */
	uint32_t supply_mv_min, supply_mv_max; /* 0: not watched */
	char image[HF_JFLASH_TEXT_BYTES];  /* the file that was burned; "": none */
	unsigned taken, left;              /* lines */
};

/* A line; all borrowed for the call. */
struct hf_jflash_line {
	unsigned number;
	const char *section, *key, *value; /* section "": none yet */
	const char *as;                    /* what it was taken as, in our words; NULL: it was left */
};

/* Parses a description's text; `file` is its name for the sentences. `tell` (may be NULL) is called for every line that has a key.
 * HF_ERR_ENCODING: a line is neither a section, a comment nor KEY = VALUE; HF_ERR_RANGE: a value of a key that is taken makes no
 * sense; HF_ERR_NOT_FOUND: nothing in it could be taken. *out is unspecified after an error. */
HF_MUST_USE enum hf_err hf_jflash_parse(const char *text, const char *file, void (*tell)(void *ctx, const struct hf_jflash_line *line),
					void *ctx, struct hf_jflash *out, struct hf_diag *diag);

#endif
