/* SPDX-License-Identifier: MIT
 *
 * One port's ear: bytes in; lines, SMP packets and stages out. Knows neither port nor clock, so that what it makes of a
 * stream is the same on every run.
 *
 * Both framings are taken out of the text, whichever is spoken: a line never holds a piece of a frame.
 */
#ifndef HF_MONITOR_WATCH_H
#define HF_MONITOR_WATCH_H

#include "device_log.h"
#include "frame.h"
#include "smp.h"

#define HF_WATCH_LINE   512
#define HF_WATCH_PACKET 4096u

/* Each may be NULL. */
struct hf_watch_events {
	/* A line has ended that began at at_ms and in which something can be read; the stage that it means is w->log's already. */
	void (*line)(void *ctx, const char *text, uint64_t at_ms);
	/* stage or percentage have changed; told before the line that says so. */
	void (*stage)(void *ctx, uint64_t at_ms);
	/* h and body of a packet, checked; body is borrowed. */
	void (*packet)(void *ctx, const struct hf_smp_header *h, struct hf_bytes body, uint64_t at_ms);
	void *ctx;
};

struct hf_watch {
	struct hf_watch_events events;
	struct hf_device_log log; /* to be read */

	/* Private. */
	struct hf_frame_decoder frames;
	struct hf_smp_decoder decoder;
	uint8_t packet[HF_WATCH_PACKET];
	char line[HF_WATCH_LINE + 1];
	size_t len;
	bool readable; /* something in the line is */
	uint64_t line_ms, heard_ms;
	uint32_t received, sense; /* bytes since the rate was set, and those of them that made sense */
};

/* events is copied. */
void hf_watch_begin(struct hf_watch *w, const struct hf_watch_events *events);

void hf_watch_take(struct hf_watch *w, struct hf_bytes data, uint64_t now_ms);

/* Time goes on, and nothing comes: a line that nobody ends is given out after a second. */
void hf_watch_idle(struct hf_watch *w, uint64_t now_ms);

/* What is there of a line is given out. */
void hf_watch_flush(struct hf_watch *w);

/* Most of what came makes no sense: the rate is wrong. Asked anew after hf_watch_new_rate(). */
bool hf_watch_garbled(const struct hf_watch *w);
void hf_watch_new_rate(struct hf_watch *w);

#endif
