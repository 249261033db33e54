/* SPDX-License-Identifier: MIT
 *
 * What happens in a twin, as lines of JSON: {"t_ns": 123, "event": "reset", "cause": "watchdog"}.
 *
 *   power      on: true|false
 *   reset      cause: power, pin, software, watchdog
 *   watchdog   the reset that follows is the watchdog's
 *   start      what: boot, recovery, slot-a, slot-b; for the first time since the reset
 *   rom        on: the chip's ROM loader was entered, or starts code
 *   options    optcr: the option bytes changed
 *   cable      on: true|false: the maintenance UART's
 *   cut        op, kind: program|erase|none, addr, partition, fraction, unstable
 *   erase      partition, addr
 *   program    partition, addr, bytes, from_ns: words written in a row
 *   flash_error addr, flags
 *   led        state, period_ms, flashes
 *   uart       port, line
 *   modbus     gap_ms, from_ns: the longest time between two readings so far
 *   stall_error addr, us: the core waited for flash where it must not
 *   fault      addr, cfsr; lockup: addr
 *   misuse     text, addr: the firmware used the hardware wrongly
 *   script_error text: a command of a script that could not be done
 *   ready      socket, pty: where the twin can be reached
 *   end        status: as the command `status` answers
 *
 * Times of a line are never before those of the line above it, but for program, which is told when the row has ended.
 */
#ifndef HF_TWIN_EVENTS_H
#define HF_TWIN_EVENTS_H

#include <jansson.h>
#include <stdio.h>

#include "script.h"
#include "twin.h"

#define HF_EVENTS_LINE 512

struct hf_events {
	FILE *to;                       /* kept; NULL: nobody listens */
	const struct hf_layout *layout; /* kept */
	struct {
		enum hf_partition in;   /* HF_PARTITION_ANY: no row is going on */
		uint32_t addr;
		uint32_t bytes;
		uint64_t from_ns, to_ns;
	} row;
	char line[HF_EVENTS_LINE];
	unsigned line_len;
	bool skip;                      /* the rest of the line is a frame */
};

void hf_events_init(struct hf_events *events, FILE *to, const struct hf_layout *layout);

/* fields is an object, given; NULL: none. */
void hf_events_tell(struct hf_events *events, uint64_t at_ns, const char *event, json_t *fields);
/* Tells what the twin's library told, if it is of interest to people. Cuts are the caller's: it knows their details. */
void hf_events_twin(struct hf_events *events, const struct hf_twin_event *event);
/* A byte that the device sent on its maintenance UART: lines of text are told, SMP frames are not. */
void hf_events_uart(struct hf_events *events, const char *port, uint8_t byte, uint64_t at_ns);
/* Tells what is being collected, and flushes the file. False when something could not be written. */
bool hf_events_flush(struct hf_events *events);

/* The partition that addr lies in; HF_PARTITION_ANY when in none. */
enum hf_partition hf_partition_of(const struct hf_layout *layout, uint32_t addr);
/* The partition as one span (both sectors of the journal); size 0 when the board has none. */
struct hf_span hf_partition_span(const struct hf_layout *layout, enum hf_partition partition);

#endif
