/* SPDX-License-Identifier: MIT
 *
 * What can happen to a device: rows of a table. Each goes in every course: undisturbed, and cut (or failed by memory) at each
 * of its operations.
 */
#ifndef HF_MODEL_EVENTS_H
#define HF_MODEL_EVENTS_H

#include "world.h"

struct event {
	const char *name;
	bool (*possible)(const struct world *w);
	void (*happen)(const struct event *e);
	bool writes;     /* it has operations that can be cut */
	bool starts;     /* boot: with more or less room in the journal */
	bool rots;       /* memory fails by itself */
	bool help;       /* what a technician does, or what happens by itself: ways out are made of these */
	uint8_t arg;     /* image, place or cause */
	uint8_t flag;
};

extern const struct event events[];
extern const unsigned event_count;

/* The event in model.course, on model.w. False: it was cut. */
bool event_apply(const struct event *e);

#endif
