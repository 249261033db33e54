/* SPDX-License-Identifier: MIT
 *
 * Progress for people, on standard error: a bar with percent, rate and time left on a terminal, a line every few seconds
 * elsewhere. The caller gives the time, so that figures are right in virtual time as well.
 */
#ifndef HF_PROGRESS_H
#define HF_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct hf_progress {
	const char *what;
	uint64_t total, base, done;
	uint64_t begin_ns, drawn_ns;
	uint32_t left_ms; /* as the caller knows it; 0: by the rate so far */
	bool terminal;
	bool quiet;
};

/* `what` ("uploading") is kept. `done` is where a resumed transfer begins: it counts for the percentage, not for the
 * rate. quiet: nothing is ever printed. */
void hf_progress_begin(struct hf_progress *p, const char *what, uint64_t done, uint64_t total, uint64_t now_ns,
		       bool quiet);
void hf_progress_update(struct hf_progress *p, uint64_t done, uint64_t now_ns);

/* How long it will still take: shown from now on instead of what the rate so far says. */
void hf_progress_left(struct hf_progress *p, uint32_t left_ms);

/* `bytes` of what is reported done next were passed over: they count for the percentage, not for the rate. */
void hf_progress_skip(struct hf_progress *p, uint64_t bytes);

/* Ends the bar's line, with what has been reached. */
void hf_progress_end(struct hf_progress *p, uint64_t now_ns);

/* One line of the bar, without colour and line end; what begin, update and end print. For tests and other displays.
 */
void hf_progress_line(const struct hf_progress *p, uint64_t now_ns, char *text, unsigned room);

#endif
