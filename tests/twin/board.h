/* SPDX-License-Identifier: MIT
 *
 * A twin with the test programs (fw/) in flash.
 */
#ifndef HF_TESTS_TWIN_BOARD_H
#define HF_TESTS_TWIN_BOARD_H

#include "check.h"
#include "fw/mailbox.h"
#include "twin.h"

/* Their numbers; fw/start.c has the same order. */
enum board_program {
	NOTHING, CLOCK, SYSTICK, NESTING, MASKS, SVC_PSP, FAULTS, LOCKUP, PROGRAM, FLASH_ERRORS, WRONG_KEY, ERASE,
	ERASE_STALLED, WATCHDOG, BACKUP, WRITE_WORDS, READ_WORD, NEW_CODE, LOOPS, BUSY, ERASE_ALL_WAYS, RESET_ITSELF,
	REGISTERS, DATA_STALL,
};

#define BOARD_EVENTS 4096

struct board {
	struct hf_twin *twin;
	struct hf_twin_event event[BOARD_EVENTS]; /* the first ones; text is copied into `text` */
	char text[BOARD_EVENTS][64];
	unsigned events;
	bool done;  /* fw_done was reached in this run */
};

/* config NULL: the default, but erases take a fiftieth of their time (128 KiB: 20 ms). The twin is off. */
void board_open(struct board *board, const struct hf_twin_config *config);
void board_close(struct board *board);
/* Which program runs at the next reset, and its arguments (up to 7). */
void board_select(struct board *board, enum board_program program, const uint32_t *arguments, unsigned count);
/* Powers up if need be and runs until the program is done, or the twin's clock shows limit_ns: false. */
bool board_run(struct board *board, uint64_t limit_ns);
/* select, power on, run for at most 20 s; the program must finish. */
void board_ask(struct board *board, enum board_program program, const uint32_t *arguments, unsigned count);
uint32_t board_answer(struct board *board, unsigned n); /* fails when there are fewer */
unsigned board_answers(struct board *board);
uint32_t board_word(struct board *board, uint32_t addr);
uint32_t board_symbol(const char *name);
unsigned board_count(const struct board *board, enum hf_twin_event_kind kind);
/* The nth event of a kind. */
const struct hf_twin_event *board_event(const struct board *board, enum hf_twin_event_kind kind, unsigned n);
struct hf_twin_counts board_counts(const struct board *board);

#endif
