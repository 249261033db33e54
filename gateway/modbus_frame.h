/* SPDX-License-Identifier: MIT
 *
 * Frames of Modbus RTU, as a master that reads holding registers needs them (Modbus over Serial Line V1.02, Application
 * Protocol V1.1b3). Pure.
 */
#ifndef HF_MODBUS_FRAME_H
#define HF_MODBUS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define HF_MODBUS_REQUEST_BYTES 8u
#define HF_MODBUS_VALUES_MAX    8u
#define HF_MODBUS_ANSWER_MAX    (5u + 2u * HF_MODBUS_VALUES_MAX)

enum hf_modbus_result {
	HF_MODBUS_GOOD,
	HF_MODBUS_DAMAGED,   /* too short, too long, or the checksum is wrong */
	HF_MODBUS_FOREIGN,   /* whole, but not the answer to this request */
	HF_MODBUS_EXCEPTION, /* the slave refused */
	HF_MODBUS_SILENT,    /* no answer came */
};

/* Low byte first on the wire. Polynomial A001 reflected, initially FFFF. */
uint16_t hf_modbus_frame_crc(const uint8_t *data, size_t len);

/* Function 3: `count` (1 to HF_MODBUS_VALUES_MAX) registers from `first`. */
void hf_modbus_frame_request(uint8_t out[HF_MODBUS_REQUEST_BYTES], uint8_t slave, uint16_t first, uint16_t count);

/* The length of the answer that begins with these bytes; 0: not to be said yet. */
size_t hf_modbus_frame_length(const uint8_t *frame, size_t len);

/* Checks a whole answer. value[] is set only if it is good. */
enum hf_modbus_result hf_modbus_frame_answer(const uint8_t *frame, size_t len, uint8_t slave, uint16_t count,
					     uint16_t value[HF_MODBUS_VALUES_MAX]);

#endif
