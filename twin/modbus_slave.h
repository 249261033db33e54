/* SPDX-License-Identifier: MIT
 *
 * A bench of Modbus RTU slaves on one bus (Modbus over Serial Line V1.02, Application Protocol V1.1b3).
 *
 * Each slave has holding registers that change with virtual time, takes its time to answer, and keeps the silences of
 * 3.5 characters that the standard asks for; a master that does not keep them is not understood, as on a real bus. The
 * bench counts what it saw, and above all the longest time between two successful readings: one whose answer reached
 * the master's receiver whole.
 *
 * Pure: characters and time go in, an answer comes out. The caller owns the wire and wakes the bench at
 * hf_modbus_slave_next().
 */
#ifndef HF_TWIN_MODBUS_SLAVE_H
#define HF_TWIN_MODBUS_SLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"

#define HF_MODBUS_MAX_SLAVES 32
#define HF_MODBUS_REGISTERS  64
#define HF_MODBUS_ADU        256

enum hf_modbus_mode {
	HF_MODBUS_ANSWERS,
	HF_MODBUS_SILENT,  /* does not answer */
	HF_MODBUS_BAD_CRC, /* answers with a wrong checksum */
};

struct hf_modbus_slave {
	enum hf_modbus_mode mode;
	uint64_t polls;       /* requests to this slave that were understood */
	uint64_t readings;    /* of them, readings whose answer arrived whole */
	uint64_t last_ns;     /* of the last such reading; HF_LINE_NEVER before the first */
	uint64_t gap_ns;      /* longest time between two of them */
	uint16_t written[HF_MODBUS_REGISTERS];
	uint64_t is_written;  /* bit n: register n holds written[n] from now on */
};

struct hf_modbus_bench {
	struct hf_modbus_slave slave[HF_MODBUS_MAX_SLAVES]; /* addresses 1 to slaves */
	uint8_t slaves;
	uint64_t delay_ns;       /* from the end of a request to the start of the answer */
	uint64_t frame_ns;       /* of one character */
	uint64_t silence_ns;     /* 3.5 characters */
	/* Sums over the bus. */
	uint64_t polls;
	uint64_t readings;
	uint64_t crc_errors;     /* requests with a wrong checksum, or damaged characters */
	uint64_t early;          /* requests that began less than 3.5 characters after the last character */
	uint64_t lost;           /* answers that did not arrive whole */
	uint64_t last_ns;
	uint64_t gap_ns;
	uint64_t gap_start_ns;
	/* The request that is coming in, and the answer that is due. */
	uint8_t request[HF_MODBUS_ADU];
	uint16_t request_len;
	bool request_bad;
	uint64_t char_ns;        /* end of the last character on the bus */
	uint8_t answer[HF_MODBUS_ADU];
	uint16_t answer_len;
	uint64_t answer_ns;      /* when it begins; HF_LINE_NEVER: none is due */
	uint8_t reading_of;      /* address of the slave whose answer to a reading is under way; 0: none */
};

/* slaves <= HF_MODBUS_MAX_SLAVES. */
void hf_modbus_slave_init(struct hf_modbus_bench *bench, uint8_t slaves, uint64_t delay_ns,
			  const struct hf_line_format *format);

/* A character of the master ended at t_ns (its stop bit included). */
void hf_modbus_slave_char(struct hf_modbus_bench *bench, uint64_t t_ns, uint8_t data, bool damaged);

/* When the bench must run next; HF_LINE_NEVER when it waits for the master. */
uint64_t hf_modbus_slave_next(const struct hf_modbus_bench *bench);

/* Runs the bench up to now_ns. Returns the number of bytes of bench->answer that go onto the bus at once, or 0. */
size_t hf_modbus_slave_run(struct hf_modbus_bench *bench, uint64_t now_ns);

/* The answer has left the bus at end_ns; whole says that the master's receiver took every byte undamaged. Returns true
 * when that ended a gap that is longer than any before. */
bool hf_modbus_slave_answered(struct hf_modbus_bench *bench, uint64_t end_ns, bool whole);

/* Begins counting anew. */
void hf_modbus_slave_clear(struct hf_modbus_bench *bench);

/* What register `reg` of the slave at `address` holds at now_ns. */
uint16_t hf_modbus_slave_register(const struct hf_modbus_bench *bench, uint8_t address, uint16_t reg, uint64_t now_ns);

/* The checksum of Modbus RTU (polynomial A001, reflected, initially FFFF; the low byte goes first). */
uint16_t hf_modbus_crc(const uint8_t *data, size_t len);

#endif
