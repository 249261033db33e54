/* SPDX-License-Identifier: MIT
 *
 * The command language's own three parts: commands and scripts (script.c), the faults of script_fault.c, and the words that
 * both are made of (script_words.c).
 */
#ifndef HF_TWIN_SCRIPT_WORDS_H
#define HF_TWIN_SCRIPT_WORDS_H

#include "script.h"

#define HF_WORDS 24

struct hf_words {
	char *word[HF_WORDS];
	unsigned count;
	unsigned at;
	struct hf_diag *diag;
};

/* In place; false: there are too many. */
bool hf_words_split(struct hf_words *w, char *text);
const char *hf_words_peek(const struct hf_words *w); /* "" at the end */
bool hf_words_accept(struct hf_words *w, const char *word);
/* The sentence for the word that is next, where `wanted` should be; HF_ERR_ENCODING. */
enum hf_err hf_words_wrong(struct hf_words *w, const char *wanted);
HF_MUST_USE enum hf_err hf_words_time(struct hf_words *w, uint64_t *ns);
HF_MUST_USE enum hf_err hf_words_number(struct hf_words *w, uint64_t *number);
HF_MUST_USE enum hf_err hf_words_word32(struct hf_words *w, uint32_t *number);
HF_MUST_USE enum hf_err hf_words_share(struct hf_words *w, double *share); /* from 0 to 1 */

/* ---- script_fault.c: what follows the command's first word ---- */

HF_MUST_USE enum hf_err hf_script_unstable(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_worn(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_disturb(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_lsi(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_hsi(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_line(struct hf_words *w, struct hf_command *c);
HF_MUST_USE enum hf_err hf_script_flash_speed(struct hf_words *w, struct hf_command *c); /* after "flash speed" */

#endif
