/* SPDX-License-Identifier: MIT
 *
 * The words of a command; each function says what it wanted where it does not find it.
 */
#include "script_words.h"

#include <stdlib.h>
#include <string.h>

bool hf_words_split(struct hf_words *w, char *text)
{
	for (char *word = strtok_r(text, " \t\r", &text); word != NULL; word = strtok_r(NULL, " \t\r", &text)) {
		if (w->count == HF_WORDS)
			return false;
		w->word[w->count++] = word;
	}
	return true;
}

const char *hf_words_peek(const struct hf_words *w)
{
	return w->at < w->count ? w->word[w->at] : "";
}

bool hf_words_accept(struct hf_words *w, const char *word)
{
	if (strcmp(hf_words_peek(w), word) != 0)
		return false;
	w->at++;
	return true;
}

enum hf_err hf_words_wrong(struct hf_words *w, const char *wanted)
{
	if (w->at < w->count)
		hf_diag_set(w->diag, "'%s' was given where %s belongs", w->word[w->at], wanted);
	else if (w->count > 0)
		hf_diag_set(w->diag, "after '%s' %s is missing", w->word[w->count - 1], wanted);
	else
		hf_diag_set(w->diag, "a command is missing");
	return HF_ERR_ENCODING;
}

enum hf_err hf_words_time(struct hf_words *w, uint64_t *ns)
{
	if (!hf_script_time(hf_words_peek(w), ns))
		return hf_words_wrong(w, "a time such as 500ms or 1.5s");
	w->at++;
	return HF_OK;
}

enum hf_err hf_words_number(struct hf_words *w, uint64_t *number)
{
	const char *text = hf_words_peek(w);
	char *end;
	if (*text < '0' || *text > '9')
		return hf_words_wrong(w, "a number");
	*number = strtoull(text, &end, 0);
	if (*end != 0)
		return hf_words_wrong(w, "a number");
	w->at++;
	return HF_OK;
}

enum hf_err hf_words_word32(struct hf_words *w, uint32_t *number)
{
	uint64_t value = 0;
	enum hf_err err = hf_words_number(w, &value);
	if (err == HF_OK && value > UINT32_MAX) {
		w->at--;
		err = hf_words_wrong(w, "a number of 32 bits");
	}
	*number = err == HF_OK ? (uint32_t)value : 0;
	return err;
}

/* A share from 0 to 1. */
enum hf_err hf_words_share(struct hf_words *w, double *share)
{
	const char *text = hf_words_peek(w);
	char *end;
	if ((*text < '0' || *text > '9') && *text != '.')
		return hf_words_wrong(w, "a share from 0 to 1");
	*share = strtod(text, &end);
	if (*end != 0 || !(*share >= 0 && *share <= 1))
		return hf_words_wrong(w, "a share from 0 to 1");
	w->at++;
	return HF_OK;
}
