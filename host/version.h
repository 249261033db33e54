/* SPDX-License-Identifier: MIT
 *
 * Versions of firmware, and the conditions on them that a package may carry.
 */
#ifndef HF_VERSION_H
#define HF_VERSION_H

#include <stdbool.h>

#include "suit.h"

#define HF_VERSION_TEXT_BYTES 56
#define HF_CONDITIONS_MAX     4

struct hf_version {
	uint8_t parts; /* 0: none */
	int32_t part[HF_VERSION_PARTS];
};

struct hf_version_condition {
	uint8_t op; /* as SUIT's version comparison: 1 >, 2 >=, 3 =, 4 <=, 5 < */
	struct hf_version version;
};

struct hf_version_conditions {
	struct hf_version_condition at[HF_CONDITIONS_MAX]; /* all have to hold */
	unsigned count;
};

/* "1.2.3": one to four decimal numbers. */
bool hf_version_parse(const char *text, struct hf_version *out);
const char *hf_version_format(const int32_t *part, unsigned parts, char text[HF_VERSION_TEXT_BYTES]);

/* ">=1.0.0,<2.0.0"; without an operator: exactly this version. */
bool hf_version_conditions_parse(const char *text, struct hf_version_conditions *out);
const char *hf_version_op_text(unsigned op); /* ">=" */

/* The release number of a version: major << 24 | minor << 16 | patch. False: it has not three parts, or one that does
 * not fit (255, 255, 65535). */
bool hf_version_release(const struct hf_version *version, uint32_t *release);

#endif
