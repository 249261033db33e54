/* SPDX-License-Identifier: MIT
 *
 * What the two halves of a burn share: burn.c up to the upload's end, burn_trial.c from there to the confirmation.
 */
#ifndef HF_BURN_PRIVATE_H
#define HF_BURN_PRIVATE_H

#include "burn.h"

#define HF_BURN_POLL_MS 500u

struct burn {
	const struct hf_burn_options *o;
	struct hf_burn_result *r;
	struct hf_smp_client client;
	struct hf_package package;
	bool package_known;
	uint32_t patience_ms, confirm_ms;
	uint32_t texts, odd; /* bytes beside SMP; and those of them that no text has */
	struct hf_forecast forecast;
	enum hf_burn_stage stage;
	uint64_t stage_ms;   /* when it began */
	uint64_t told_ms;    /* the last event */
	uint32_t losses;     /* of the line, as last seen */
	uint64_t skipped;    /* the same */
	bool over;           /* there is a result */
};

uint64_t hf_burn_now_ms(const struct burn *b);
void hf_burn_tell(struct burn *b, enum hf_burn_stage stage, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Time is spent with this from now on. */
void hf_burn_spend(struct burn *b, enum hf_time what);

/* Set the result with a sentence, and return false. */
bool hf_burn_ends(struct burn *b, enum hf_burn_outcome outcome, enum hf_err err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool hf_burn_lost(struct burn *b, enum hf_err err, const char *doing);
bool hf_burn_refused(struct burn *b, const struct hf_smp_answer *answer, const char *what);

/* "1.0.0", "an unknown version", "nothing" (recovery): what the device ran when it was found, and runs meanwhile. */
const char *hf_burn_runs_text(const struct burn *b, char *text, size_t room);

/* Activates what was uploaded, and waits for its confirmation. False: the result says why. */
bool hf_burn_activate(struct burn *b);
bool hf_burn_await(struct burn *b);

/* Not the package's firmware runs: says why. */
bool hf_burn_other_runs(struct burn *b);

/* Sets the result's digest out of the device's list. */
void hf_burn_read_digest(struct burn *b);

#endif
