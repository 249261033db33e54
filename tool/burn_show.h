/* SPDX-License-Identifier: MIT
 *
 * What a burn says while it goes on and at its end: to people, or as events (docs/EVENTS.md).
 */
#ifndef HF_BURN_SHOW_H
#define HF_BURN_SHOW_H

#include "burn.h"
#include "out.h"
#include "progress.h"
#include "row.h"

struct hf_burn_show {
	/* Set by the caller. */
	bool json, quiet;
	const char *port; /* its name */
	const char *done; /* what success is, in place of the usual sentence; NULL: that */

	/* Private. */
	struct hf_progress progress;
	bool progressing, counting;
	uint64_t begin_ms;
	bool begun;
	uint64_t skipped; /* as the progress knows it */
	uint32_t percent; /* last one that was told as JSON */
	uint64_t counted_ms;
};

/* Times count from now on; without it from the first event on. */
void hf_burn_show_begin(struct hf_burn_show *s, uint64_t now_ms);
/* For hf_burn_options.event. */
void hf_burn_show_event(struct hf_burn_show *s, const struct hf_burn_event *event);
/* A sentence of the caller's own, as the events' are: `stage` is its name in JSON, `more` (given; NULL: none) is added there. */
void hf_burn_show_say(struct hf_burn_show *s, const char *stage, uint64_t now_ms, const char *text, json_t *more);
/* Work of another kind than an upload: so much of it is done. */
void hf_burn_show_work(struct hf_burn_show *s, const char *stage, uint64_t done, uint64_t total, uint64_t skipped, uint64_t now_ms);
/* On a terminal: something is waited for. */
void hf_burn_show_wait(struct hf_burn_show *s, const char *what, uint32_t left_ms, uint64_t now_ms);

/* A finding of the checks or tests. For people, only what is not as it should be: a burn is no inspection. */
void hf_burn_show_row(struct hf_burn_show *s, const struct hf_row *row);

/* What to exit with. */
enum hf_exit hf_burn_exit(const struct hf_burn_result *r);

/* Ends the display, and says the result: as an event "result", to which `facts` (given; NULL: none) are added, or for people. */
void hf_burn_show_result(struct hf_burn_show *s, const struct hf_burn_result *r, enum hf_exit code, json_t *facts);

/* Nothing was begun: the port, a file or an argument is in the way, and that has been said. In JSON the last event is a result even
 * then, with the outcome "not-begun". */
void hf_burn_show_nothing(const struct hf_burn_show *s, enum hf_exit code);

/* {"find": 12, ...}: an hf_account in milliseconds. Given to the caller. */
json_t *hf_burn_where_json(const struct hf_account *account);

#endif
