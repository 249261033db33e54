/* SPDX-License-Identifier: MIT
 *
 * Waivers: a failed check that somebody with a name takes upon himself, with a reason, on record.
 *
 * The log is a file of lines of JSON, each with the SHA-256 of the line before it: a line that was changed or taken out is
 * noticed. It is appended to, under a lock, and flushed to the disk before the waiver counts.
 */
#ifndef HF_CHECK_WAIVER_H
#define HF_CHECK_WAIVER_H

#include <jansson.h>
#include <stdbool.h>

#include "args.h"
#include "diag.h"
#include "err.h"

struct hf_waivers {
	struct hf_args_list items; /* "NAME=REASON", borrowed */
	const char *by;            /* borrowed; hf_waivers_check sets the login name where it is NULL */
	const char *log;           /* file, borrowed; NULL: the usual one (hf_check_path) */

	/* Private. */
	char name[64];
};

/* Are they well-formed, do the names exist, may these checks be waived at all? HF_ERR_RANGE with a sentence that says what
 * may be waived. `names` of rows use a blank or a dash alike. */
HF_MUST_USE enum hf_err hf_waivers_check(struct hf_waivers *w, struct hf_diag *diag);

/* May this row be waived at all? */
bool hf_waivers_may(const char *row);

/* The reason with which this row is waived; NULL: it is not. */
const char *hf_waivers_reason(const struct hf_waivers *w, const char *row);

/* Appends {"time", "check", "reason", "by", "finding", "device_id", "digest", "prev"}. HF_ERR_IO: it could not be written;
 * HF_ERR_DIGEST,
 * HF_ERR_ENCODING: the log was changed. */
HF_MUST_USE enum hf_err hf_waivers_log(const struct hf_waivers *w, const char *row, const char *finding, const char *device_id,
				       const char *digest, struct hf_diag *diag);

/* Checks a whole log: *lines it has. HF_ERR_DIGEST, HF_ERR_ENCODING with file and line. */
HF_MUST_USE enum hf_err hf_waivers_verify_log(const char *path, unsigned *lines, struct hf_diag *diag);

#endif
