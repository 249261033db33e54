/* SPDX-License-Identifier: MIT
 *
 * A twin with the test programs (fw/) in flash.
 */
#ifndef HF_TESTS_TWIN_PROBE_H
#define HF_TESTS_TWIN_PROBE_H

#include "check.h"
#include "fw/mailbox.h"
#include "twin.h"

/* Their numbers; fw/start.c has the same order. */
enum probe_program {
	NOTHING, CLOCK, SYSTICK, NESTING, MASKS, SVC_PSP, FAULTS, LOCKUP, PROGRAM, FLASH_ERRORS, WRONG_KEY, ERASE,
	ERASE_STALLED, WATCHDOG, BACKUP, WRITE_WORDS, READ_WORD, NEW_CODE, LOOPS, BUSY, ERASE_ALL_WAYS, RESET_ITSELF,
	REGISTERS, DATA_STALL, WORN, CALL,
};

#define PROBE_EVENTS 4096

struct probe {
	struct hf_twin *twin;
	struct hf_twin_event event[PROBE_EVENTS]; /* the first ones; text is copied into `text` */
	char text[PROBE_EVENTS][64];
	unsigned events;
	bool done;  /* fw_done was reached in this run */
};

/* config NULL: the default, but erases take a fiftieth of their time (128 KiB: 20 ms). The twin is off. */
void probe_open(struct probe *probe, const struct hf_twin_config *config);
void probe_close(struct probe *probe);
size_t probe_elf(void *buf, size_t cap); /* the program's file */
/* Which program runs at the next reset, and its arguments (up to 7). */
void probe_select(struct probe *probe, enum probe_program program, const uint32_t *arguments, unsigned count);
/* Powers up if need be and runs until the program is done, or the twin's clock shows limit_ns: false. */
bool probe_run(struct probe *probe, uint64_t limit_ns);
/* Runs to at_ns, whatever the program does and however often it is done; the power must stay on. */
void probe_run_to(struct probe *probe, uint64_t at_ns);
/* select, power on, run for at most 20 s; the program must finish. */
void probe_ask(struct probe *probe, enum probe_program program, const uint32_t *arguments, unsigned count);
uint32_t probe_answer(struct probe *probe, unsigned n); /* fails when there are fewer */
unsigned probe_answers(struct probe *probe);
uint32_t probe_word(struct probe *probe, uint32_t addr);
uint32_t probe_symbol(const char *name);
unsigned probe_count(const struct probe *probe, enum hf_twin_event_kind kind);
/* The nth event of a kind. */
const struct hf_twin_event *probe_event(const struct probe *probe, enum hf_twin_event_kind kind, unsigned n);
struct hf_twin_counts probe_counts(const struct probe *probe);

#endif
