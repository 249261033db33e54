/* SPDX-License-Identifier: MIT
 *
 * Values from libconfig files, strictly: every one is asked for by name, type and range, and what nobody asks for is
 * refused.
 *
 * A reader stops at the first fault. Each function returns false after it has set the sentence, with file and line,
 * so a group reads as a chain of &&.
 */
#ifndef HF_CONF_H
#define HF_CONF_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "file.h"

/* What a file that was made, and not yet finished, has where a value is missing. */
#define HF_CONF_FILL_IN "<FILL IN>"

struct hf_conf {
	const char *file;
	struct hf_diag *diag;
};

/* Reads a file that has to be text, and not more of it than limit_bytes; `what`: "a board file". HF_ERR_IO, HF_ERR_TOO_LARGE,
 * HF_ERR_ENCODING. *text is empty after an error. */
HF_MUST_USE enum hf_err hf_conf_load(const char *path, size_t limit_bytes, const char *what, struct hf_buffer *text,
				     struct hf_diag *diag);

/* Parses text into *config, which the caller destroys, also after an error. libconfig would follow @include directives to any
 * file of the machine; they are refused before it sees them. HF_ERR_ENCODING, HF_ERR_RANGE (an @include). */
HF_MUST_USE enum hf_err hf_conf_parse(const char *text, const char *file, const char *what, config_t *config,
				      struct hf_diag *diag);

/* Sets the sentence for what stands at `at` (NULL: the file as a whole). Always false. */
bool hf_conf_bad(const struct hf_conf *c, const config_setting_t *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether a group has none but these keys. */
bool hf_conf_known_keys(const struct hf_conf *c, config_setting_t *group, const char *const *keys, size_t count);

/* The setting of this name, of any type. */
bool hf_conf_get(const struct hf_conf *c, config_setting_t *group, const char *key, config_setting_t **out);

/* A group that has none but these keys. */
bool hf_conf_get_group(const struct hf_conf *c, config_setting_t *group, const char *key, const char *const *keys,
		       size_t count, config_setting_t **out);

/* A whole number; of a setting, and by name. */
bool hf_conf_number(const struct hf_conf *c, const config_setting_t *item, const char *key, uint32_t min,
		    uint32_t max, uint32_t *out);
bool hf_conf_get_number(const struct hf_conf *c, config_setting_t *group, const char *key, uint32_t min, uint32_t max,
			uint32_t *out);

bool hf_conf_get_bool(const struct hf_conf *c, config_setting_t *group, const char *key, bool *out);

/* A text that is not empty, of letters, digits and the characters in `more`: texts go into generated C and messages.
 */
bool hf_conf_get_text(const struct hf_conf *c, config_setting_t *group, const char *key, const char *more, char *out,
		      size_t room);

/* One of some words; *out is its index. */
bool hf_conf_get_choice(const struct hf_conf *c, config_setting_t *group, const char *key, const char *const *choices,
			size_t count, unsigned *out);

#endif
