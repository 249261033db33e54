/* SPDX-License-Identifier: MIT
 *
 * Findings, one a row: what `check`, `doctor` and the tests after an upgrade say, all in one look.
 *
 *   passed  link quality       no bit wrong in 262144 at 921600 baud
 *   FAILED  supply             2.61 V at the chip, 2.70 V are needed: check the power supply under load
 */
#ifndef HF_ROW_H
#define HF_ROW_H

#include "out.h"

enum hf_row_state {
	HF_ROW_PASSED,
	HF_ROW_FAILED,
	HF_ROW_WAIVED,  /* failed or not done, and somebody with a name takes it upon himself */
	HF_ROW_WARNING, /* works, but look at it */
	HF_ROW_NOTE,    /* neither good nor bad; also what could not be looked at, and why */
	HF_ROW_STATES
};

#define HF_ROW_TEXT_BYTES 512

struct hf_row {
	enum hf_row_state state;
	const char *name;              /* "link quality"; also its key in JSON, with _ for spaces */
	char text[HF_ROW_TEXT_BYTES];  /* what was found, with its figure */
	char next[HF_ROW_TEXT_BYTES];  /* what to do about it; "": nothing */
};

const char *hf_row_state_text(enum hf_row_state state); /* "passed", "failed", "waived", "warning", "note" */

/* To standard output, in colour on a terminal. */
void hf_row_print(const struct hf_row *row);

/* {"event": "row", "name", "state", "text", "next"}; given to the caller. */
json_t *hf_row_json(const struct hf_row *row);

#endif
