/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole.
 */
#include "modbus_frame.h"

#define READ_HOLDING 3u
#define REFUSED      0x80u

uint16_t hf_modbus_frame_crc(const uint8_t *data, size_t len)
{
	uint16_t crc = 0xffff;

	while (len--) {
		crc ^= *data++;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
	}
	return crc;
}

void hf_modbus_frame_request(uint8_t out[HF_MODBUS_REQUEST_BYTES], uint8_t slave, uint16_t first, uint16_t count)
{
	uint16_t crc;

	out[0] = slave;
	out[1] = READ_HOLDING;
	out[2] = (uint8_t)(first >> 8);
	out[3] = (uint8_t)first;
	out[4] = (uint8_t)(count >> 8);
	out[5] = (uint8_t)count;
	crc = hf_modbus_frame_crc(out, 6);
	out[6] = (uint8_t)crc;
	out[7] = (uint8_t)(crc >> 8);
}

size_t hf_modbus_frame_length(const uint8_t *frame, size_t len)
{
	if (len < 3)
		return 0;
	return frame[1] & REFUSED ? 5 : 5u + frame[2];
}

enum hf_modbus_result hf_modbus_frame_answer(const uint8_t *frame, size_t len, uint8_t slave, uint16_t count,
					     uint16_t value[HF_MODBUS_VALUES_MAX])
{
	if (len < 5 || len > HF_MODBUS_ANSWER_MAX || len != hf_modbus_frame_length(frame, len))
		return HF_MODBUS_DAMAGED;
	if (hf_modbus_frame_crc(frame, len - 2) != (frame[len - 2] | frame[len - 1] << 8))
		return HF_MODBUS_DAMAGED;
	if (frame[0] != slave || (frame[1] & ~REFUSED) != READ_HOLDING)
		return HF_MODBUS_FOREIGN;
	if (frame[1] & REFUSED)
		return HF_MODBUS_EXCEPTION;
	if (frame[2] != 2u * count)
		return HF_MODBUS_FOREIGN;
	for (unsigned i = 0; i < count; i++)
		value[i] = (uint16_t)(frame[3 + 2 * i] << 8 | frame[4 + 2 * i]);
	return HF_MODBUS_GOOD;
}
