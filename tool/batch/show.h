/* SPDX-License-Identifier: MIT
 *
 * What a batch says: a live table on a terminal, a line an event elsewhere, NDJSON (docs/EVENTS.md) with --json; and at the
 * end what has to be known of every device that did not pass.
 */
#ifndef HF_BATCH_SHOW_H
#define HF_BATCH_SHOW_H

#include "batch.h"

struct hf_show {
	bool json, table;
	json_t *left;       /* "done" events of those that did not pass, and what could not be recorded */
	char message[512];
	uint64_t drawn_ms;
	unsigned inputs;    /* as the prompt knows them */
	bool prompted;
};

void hf_show_begin(struct hf_show *s, bool json);
void hf_show_event(void *ctx, const struct hf_lane *lane, json_t *event);
void hf_show_draw(void *ctx, const struct hf_batch *b);
/* The last words. trouble: a sentence about what failed behind the batch; NULL: nothing did. Errors go to standard error as one
 * sentence. */
void hf_show_end(struct hf_show *s, const struct hf_batch *b, enum hf_exit code, const char *trouble, const struct hf_chain *records);

#endif
