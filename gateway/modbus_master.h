/* SPDX-License-Identifier: MIT
 *
 * The Modbus master: polls its slaves one after the other at a fixed pace. Pure: milliseconds, characters and "sent" go
 * in; what is to be sent comes out. Driven by interrupts alone, so that readings go on while flash is busy.
 */
#ifndef HF_MODBUS_MASTER_H
#define HF_MODBUS_MASTER_H

#include <stdbool.h>

#include "modbus_frame.h"

#define HF_MODBUS_SLAVES_MAX 4u
#define HF_MODBUS_POLL_MS    100u /* from one request to the next, whatever slave; unless it is set */
#define HF_MODBUS_ANSWER_MS  60u  /* for an answer to begin */
#define HF_MODBUS_LATE_MS    2u
#define HF_MODBUS_SILENCE_MS 4u   /* ends a frame: more than 3.5 characters at 19200 baud and above */

struct hf_modbus_slave_status {
	uint8_t address;
	uint8_t last; /* enum hf_modbus_result of the last poll */
	uint32_t good;
	uint32_t bad;
	uint32_t at_ms; /* of the last good reading */
	uint16_t value[HF_MODBUS_VALUES_MAX];
};

enum hf_modbus_phase { HF_MODBUS_REST, HF_MODBUS_SENDING, HF_MODBUS_LISTENING };

struct hf_modbus_master {
	struct hf_modbus_slave_status slave[HF_MODBUS_SLAVES_MAX];
	uint8_t slaves;
	uint16_t first, count;  /* the registers that are read of each */
	uint16_t poll_ms;

	/* Counted since the beginning. */
	uint32_t polls;         /* requests begun, answered or not: the proof of life */
	uint32_t good, bad;
	uint32_t late;          /* polls that began more than HF_MODBUS_LATE_MS after their time */
	uint32_t longest_ms;    /* between two good readings */
	uint32_t recent_ms;     /* the same since somebody set it to 0 */
	uint32_t answers_ms;    /* from requests' ends to the ends of good answers, all together */
	uint32_t good_at_ms;

	uint8_t phase;          /* enum hf_modbus_phase */
	uint8_t turn;           /* index of the slave that is asked */
	uint8_t answer_len;
	uint32_t poll_at_ms;
	uint32_t sent_at_ms;
	uint32_t since_ms;      /* of the phase, or of the last character in it */
	uint8_t request[HF_MODBUS_REQUEST_BYTES];
	uint8_t answer[HF_MODBUS_ANSWER_MAX];
};

/* Slaves 1 to `slaves`; the first request is due at once. */
void hf_modbus_master_begin(struct hf_modbus_master *m, unsigned slaves, uint16_t first, uint16_t count, uint32_t now_ms);

/* Other slaves, another pace; the counters of all go on. False: a poll is under way, to be tried again after it. Not while
 * the functions below may be called. */
bool hf_modbus_master_set(struct hf_modbus_master *m, const uint8_t *address, unsigned slaves, uint16_t poll_ms);

/* Once a millisecond. True: send request[] now, then call hf_modbus_master_sent(). */
bool hf_modbus_master_tick(struct hf_modbus_master *m, uint32_t now_ms);
void hf_modbus_master_sent(struct hf_modbus_master *m, uint32_t now_ms);
/* A character came; damaged: with a parity or framing error. */
void hf_modbus_master_take(struct hf_modbus_master *m, uint8_t byte, bool damaged, uint32_t now_ms);

#endif
