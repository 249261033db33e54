/* SPDX-License-Identifier: MIT
 *
 * Listening to several ports at once. Each has a thread of its own behind the serial seam, so that one which is slow or gone
 * delays none of the others; what they say is written a line at a time. Nothing is ever sent.
 *
 * Times are the seam's, since the port was opened: in lockstep each twin goes through its own.
 */
#ifndef HF_MONITOR_H
#define HF_MONITOR_H

#include <stdio.h>

#include "out.h"
#include "serial.h"

#define HF_MONITOR_PORTS 128
#define HF_MONITOR_RATES 4

struct hf_monitor_options {
	const char *const *port; /* names for hf_serial_open, borrowed */
	const char *const *label; /* how each is called, NULL: by its port; the whole NULL: all by their ports */
	unsigned ports;
	const uint32_t *rate;    /* the first, and those to change to where nothing makes sense */
	unsigned rates;
	uint32_t for_ms;         /* 0: until `stop` */
	bool wait;               /* for ports that are not there, or vanish */
	bool smp, json;
	const char *log;         /* file that gets everything, too; NULL: none */
	bool (*stop)(void *ctx); /* asked by all threads */
	void *ctx;
};

/* Returns what to exit with; all has been said. */
enum hf_exit hf_monitor(const struct hf_monitor_options *options);

/* A port's short name, which none of the others has: "ttyUSB0", "gw1" for lockstep:/run/gw1.sock. Returns text. */
const char *hf_monitor_name(const struct hf_monitor_options *options, unsigned port, char *text, size_t room);

#endif
