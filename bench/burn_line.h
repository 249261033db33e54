/* SPDX-License-Identifier: MIT
 *
 * A twin's maintenance line in one process, with an adapter that holds back what it hears, as our tool sees it.
 */
#ifndef HF_BENCH_BURN_LINE_H
#define HF_BENCH_BURN_LINE_H

#include "adapter.h"
#include "rig.h"
#include "serial.h"

#define BURN_LINE_MS       1000000ull
#define BURN_LINE_IN_BYTES 65536u

struct burn_line {
	struct hf_rig *rig;
	struct hf_adapter adapter;
	uint64_t latency_ns;
	uint8_t heard[BURN_LINE_IN_BYTES]; /* a ring: what the adapter has handed over */
	unsigned begin, end;
};

/* A twin of the board with this flash, without power. Where something fails, the program ends with a sentence. */
void burn_line_open(struct burn_line *l, const struct hf_board *board, const struct hf_twin_config *twin,
		    struct hf_bytes flash, unsigned latency_ms);
void burn_line_close(struct burn_line *l);

struct hf_serial burn_line_serial(struct burn_line *l);
void burn_line_command(struct burn_line *l, const char *text); /* twin/script.h */
void burn_line_wait(struct burn_line *l, uint32_t ms);
uint64_t burn_line_now_ns(const struct burn_line *l);

_Noreturn void burn_line_die(const char *what, const char *why);

#endif
