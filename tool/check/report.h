/* SPDX-License-Identifier: MIT
 *
 * How rows are made, counted and summed up into one sentence; for the checks and the tests alike.
 */
#ifndef HF_CHECK_REPORT_H
#define HF_CHECK_REPORT_H

#include "row.h"

struct hf_report {
	/* Set by the caller, the rest zero. */
	void (*row)(void *ctx, const struct hf_row *row); /* NULL: none */
	void *ctx;
	const char *noun;                    /* "check" */

	/* To be read. */
	unsigned count[HF_ROW_STATES];
	char failed[256];                    /* names of those that failed */
	char first[HF_ROW_TEXT_BYTES];       /* what the first of them says */
};

/* A row: what was found, and what to do ("": nothing). */
void hf_report_row(struct hf_report *r, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* "2 checks failed: supply, pilot; 2.61 V at the chip, ..."; "" where none failed. */
void hf_report_sentence(const struct hf_report *r, struct hf_diag *diag);

#endif
