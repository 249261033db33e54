/* SPDX-License-Identifier: MIT
 *
 * What the gateway writes into its history (core/history.h): starts, uploads, confirmations, what was given up, alarms, and
 * figures each hour. Pure but for the flash that the history is in.
 *
 * Nothing is written before the self-test has decided: until then records wait, and a trial that fails leaves none; the
 * firmware that runs after it tells. A full history is erased only where nothing is under way.
 */
#ifndef HF_DIARY_H
#define HF_DIARY_H

#include "core/blackbox.h"
#include "core/history.h"
#include "core/update.h"

#define HF_DIARY_WAITING  8u       /* records that can wait; the oldest is dropped for another */
#define HF_DIARY_HOUR_MS  3600000u
#define HF_DIARY_LOW_MV   2700u    /* flash is written by the word from here on (RM0090, table 7) */
#define HF_DIARY_FINE_MV  2800u    /* and only from here on another alarm may come */

/* What this start is: enum hf_reset_cause, crashes in a row; a crash before it (kind 0: none). */
struct hf_diary_start {
	uint8_t cause;
	uint8_t crashes;
	uint8_t crash_kind; /* enum hf_fault */
	uint32_t crash_pc;
	const struct hf_blackbox_port *port; /* borrowed, during the call; NULL: nothing is known of starts before */
};

struct hf_diary_input {
	uint32_t now_ms;
	bool judged, healthy;  /* the self-test has decided; and has passed */
	uint8_t test_failed;   /* HF_TEST_* */
	bool quiet;            /* no upload moves, nobody waits: an erase may take its seconds */
	uint8_t last_error;    /* enum hf_err of the last refusal */
	uint16_t supply_mv;    /* 0: not known */
	int16_t temperature_dc;
	uint32_t good, bad, late; /* polls since the start */
	uint32_t gap_ms;       /* longest between two good ones since the last hour */
};

struct hf_diary {
	/* To be read. */
	struct hf_history history; /* opened in the first turn after the self-test */
	enum hf_err err;           /* why nothing is written; HF_OK */

	/* Private. */
	const struct hf_update *update;
	bool open, renewed;
	bool confirmed, judged, low;
	uint8_t phase;
	uint8_t worn;
	uint8_t slot; /* of the upload that moves */
	uint32_t hour_at_ms;
	uint32_t good, bad, late; /* at the hour's begin */
	uint8_t waiting;
	struct hf_history_record wait[HF_DIARY_WAITING];
};

/* update is kept, and opened. */
void hf_diary_begin(struct hf_diary *d, const struct hf_update *update, const struct hf_diary_start *start,
		    uint32_t now_ms);

/* Is all that was to be written in flash? */
bool hf_diary_has_told(const struct hf_diary *d);

/* Once a turn of the main loop. Takes 0.2 ms where something is written, a second or two where the history is erased. True:
 * an hour is over, and gap_ms begins anew. */
bool hf_diary_turn(struct hf_diary *d, const struct hf_diary_input *in);

#endif
