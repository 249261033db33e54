/* SPDX-License-Identifier: MIT
 *
 * What a device says of its own accord: is it silent, unreadable, or does it start over and over, and what does boot say
 * about that. For devices that do not answer, or have only just started. Only listens.
 */
#ifndef HF_DOCTOR_RESTARTS_H
#define HF_DOCTOR_RESTARTS_H

#include "findings.h"
#include "serial.h"
#include "watch.h"

#define HF_RESTARTS_CAUSES 6 /* kinds of them; "other" is the last */
#define HF_RESTARTS_ENOUGH 4 /* starts; then it is plain */

struct hf_restarts {
	uint32_t listened_ms;
	uint32_t bytes, zeros;   /* heard; of them 00, which is also what a line held low looks like */
	bool garbled;            /* most of it makes no sense */
	unsigned starts;         /* boot's banners */
	unsigned cause[HF_RESTARTS_CAUSES];
	uint32_t first_ms, last_ms; /* when the first and the last start was heard */
	struct hf_device_log log;
	char line[HF_WATCH_LINE + 1];   /* the last one of the device; "": none */
	char before[HF_WATCH_LINE + 1]; /* the last line before the last start: what it came to; "": none */
	char crash[HF_WATCH_LINE + 1];  /* where a start before crashed, as firmware or recovery say it */
};

/* Listens for so long, or until it has heard HF_RESTARTS_ENOUGH starts, or that nothing makes sense at this rate. HF_ERR_IO: the port is gone; what was heard
 * counts. */
HF_MUST_USE enum hf_err hf_restarts_listen(const struct hf_serial *serial, uint32_t listen_ms, bool (*stop)(void *ctx),
					   void *ctx, struct hf_restarts *out);

/* As listened to before, so that tests and a recorded log go the same way. */
struct hf_restarts_ear {
	struct hf_restarts *out;
	struct hf_watch watch;
	uint64_t begin_ms;
};
void hf_restarts_begin(struct hf_restarts_ear *ear, struct hf_restarts *out, uint64_t now_ms);
void hf_restarts_take(struct hf_restarts_ear *ear, struct hf_bytes data, uint64_t now_ms);

/* The rows "restarts" and "line at rest". answers: the device answers requests. */
void hf_doctor_restarts(struct hf_findings *f, const struct hf_restarts *r, bool answers);

#endif
