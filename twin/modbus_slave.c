/* SPDX-License-Identifier: MIT
 *
 * A request ends by silence and by nothing else, as the standard says, so that a master whose bytes stall in mid-frame
 * (because its flash was busy) fails here as it would fail in the field. Lengths are checked only after that.
 */
#include "modbus_slave.h"

#include <string.h>

#include "bytes.h"

#define NS_PER_S 1000000000u

enum {
	READ_HOLDING = 3,
	READ_INPUT = 4,
	WRITE_ONE = 6,
	WRITE_MANY = 16,
	EXC_FUNCTION = 1,
	EXC_ADDRESS = 2,
	EXC_VALUE = 3,
	EXC_FLAG = 0x80,
	MAX_READ = 125,
};

uint16_t hf_modbus_crc(const uint8_t *data, size_t len)
{
	uint16_t crc = 0xffff;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc >> 1 ^ ((crc & 1) != 0 ? 0xa001 : 0));
	}
	return crc;
}

void hf_modbus_slave_clear(struct hf_modbus_bench *bench)
{
	for (unsigned i = 0; i < HF_MODBUS_MAX_SLAVES; i++) {
		struct hf_modbus_slave *slave = &bench->slave[i];
		slave->polls = 0;
		slave->readings = 0;
		slave->gap_ns = 0;
		slave->last_ns = HF_LINE_NEVER;
	}
	bench->polls = 0;
	bench->readings = 0;
	bench->crc_errors = 0;
	bench->early = 0;
	bench->lost = 0;
	bench->gap_ns = 0;
	bench->gap_start_ns = 0;
	bench->last_ns = HF_LINE_NEVER;
}

void hf_modbus_slave_init(struct hf_modbus_bench *bench, uint8_t slaves, uint64_t delay_ns,
			  const struct hf_line_format *format)
{
	*bench = (struct hf_modbus_bench){ .slaves = slaves, .delay_ns = delay_ns, .answer_ns = HF_LINE_NEVER };
	bench->frame_ns = hf_line_frame_ns(format);
	/* Above 19200 baud the standard fixes the silence, so that slow timers can keep up. */
	if (format->bit_ps < 1000000000000u / 19200)
		bench->silence_ns = 1750000;
	else
		bench->silence_ns = format->bit_ps * 11 * 7 / 2 / 1000;
	hf_modbus_slave_clear(bench);
}

/* Two registers are easy for people to read (a clock in seconds, a temperature that swings), the others differ by slave
 * and address and change each at its own pace. */
uint16_t hf_modbus_slave_register(const struct hf_modbus_bench *bench, uint8_t address, uint16_t reg, uint64_t now_ns)
{
	const struct hf_modbus_slave *slave = &bench->slave[address - 1];
	if ((slave->is_written >> reg & 1) != 0)
		return slave->written[reg];
	uint64_t seconds = now_ns / NS_PER_S;
	if (reg == 0)
		return (uint16_t)seconds;
	if (reg == 1) {
		uint64_t phase = (now_ns / (NS_PER_S / 10) + 37u * address) % 400;
		return (uint16_t)(200 + (phase < 200 ? phase : 400 - phase));
	}
	return (uint16_t)(1000u * address + 16u * reg + seconds / reg);
}

void hf_modbus_slave_char(struct hf_modbus_bench *bench, uint64_t t_ns, uint8_t data, bool damaged)
{
	if (bench->request_len == 0) {
		uint64_t begun_ns = t_ns > bench->frame_ns ? t_ns - bench->frame_ns : 0;
		bool early = bench->char_ns != 0 && begun_ns < bench->char_ns + bench->silence_ns;
		bench->early += early;
		bench->request_bad = early;
	}
	if (bench->request_len < HF_MODBUS_ADU)
		bench->request[bench->request_len++] = data;
	else
		bench->request_bad = true;
	/* Two talk at once: the answer that is due, or on the bus, is lost together with the request. */
	damaged |= bench->answer_ns != HF_LINE_NEVER;
	bench->request_bad |= damaged;
	bench->char_ns = t_ns;
}

uint64_t hf_modbus_slave_next(const struct hf_modbus_bench *bench)
{
	uint64_t next = bench->answer_ns;
	if (bench->request_len != 0 && bench->char_ns + bench->silence_ns < next)
		next = bench->char_ns + bench->silence_ns;
	return next;
}

static size_t refuse(struct hf_modbus_bench *bench, uint8_t exception)
{
	bench->answer[1] |= EXC_FLAG;
	bench->answer[2] = exception;
	bench->reading_of = 0;
	return 3;
}

static size_t answer_read(struct hf_modbus_bench *bench, uint64_t now_ns)
{
	uint16_t first = load_be16(bench->request + 2);
	uint16_t count = load_be16(bench->request + 4);
	if (bench->request_len != 8 || count == 0 || count > MAX_READ)
		return refuse(bench, EXC_VALUE);
	if (!hf_range_ok(first, count, HF_MODBUS_REGISTERS))
		return refuse(bench, EXC_ADDRESS);
	bench->answer[2] = (uint8_t)(2 * count);
	for (unsigned i = 0; i < count; i++)
		store_be16(bench->answer + 3 + 2 * i,
			   hf_modbus_slave_register(bench, bench->request[0], (uint16_t)(first + i), now_ns));
	bench->reading_of = bench->request[0];
	return 3 + 2u * count;
}

static size_t answer_write(struct hf_modbus_bench *bench)
{
	bool many = bench->request[1] == WRITE_MANY;
	uint16_t first = load_be16(bench->request + 2);
	uint16_t count = many ? load_be16(bench->request + 4) : 1;
	if (many ? bench->request_len != 9 + 2u * count || bench->request[6] != 2 * count : bench->request_len != 8)
		return refuse(bench, EXC_VALUE);
	if (!hf_range_ok(first, count, HF_MODBUS_REGISTERS))
		return refuse(bench, EXC_ADDRESS);
	struct hf_modbus_slave *slave = &bench->slave[bench->request[0] - 1];
	const uint8_t *values = bench->request + (many ? 7 : 4);
	for (unsigned i = 0; i < count; i++) {
		slave->written[first + i] = load_be16(values + 2 * i);
		slave->is_written |= (uint64_t)1 << (first + i);
	}
	memcpy(bench->answer, bench->request, 6);
	return 6;
}

/* The request is complete: what is the answer, and when does it begin? */
static void take_request(struct hf_modbus_bench *bench, uint64_t now_ns)
{
	size_t len = bench->request_len;
	bool bad = bench->request_bad || len < 4 ||
		   hf_modbus_crc(bench->request, len - 2) != load_le16(bench->request + len - 2);
	uint8_t address = bench->request[0];
	if (bad)
		bench->crc_errors++;
	if (!bad && address >= 1 && address <= bench->slaves) {
		struct hf_modbus_slave *slave = &bench->slave[address - 1];
		bench->polls++;
		slave->polls++;
		memcpy(bench->answer, bench->request, 2);
		bench->reading_of = 0;
		uint8_t function = bench->request[1];
		size_t n;
		if (len < 8)
			n = refuse(bench, function == READ_HOLDING ? EXC_VALUE : EXC_FUNCTION);
		else if (function == READ_HOLDING || function == READ_INPUT)
			n = answer_read(bench, now_ns);
		else if (function == WRITE_ONE || function == WRITE_MANY)
			n = answer_write(bench);
		else
			n = refuse(bench, EXC_FUNCTION);
		uint16_t crc = hf_modbus_crc(bench->answer, n);
		store_le16(bench->answer + n, slave->mode == HF_MODBUS_BAD_CRC ? (uint16_t)~crc : crc);
		bench->answer_len = (uint16_t)(n + 2);
		uint64_t due = bench->char_ns + bench->delay_ns;
		if (slave->mode != HF_MODBUS_SILENT)
			bench->answer_ns = due > now_ns ? due : now_ns;
	}
	bench->request_len = 0;
}

size_t hf_modbus_slave_run(struct hf_modbus_bench *bench, uint64_t now_ns)
{
	if (bench->request_len != 0 && now_ns >= bench->char_ns + bench->silence_ns)
		take_request(bench, now_ns);
	if (now_ns < bench->answer_ns)
		return 0;
	bench->answer_ns = HF_LINE_NEVER;
	return bench->answer_len;
}

static bool count_gap(uint64_t *last_ns, uint64_t *gap_ns, uint64_t now_ns)
{
	uint64_t gap = *last_ns != HF_LINE_NEVER ? now_ns - *last_ns : 0;
	bool longest = gap > *gap_ns;
	if (longest)
		*gap_ns = gap;
	*last_ns = now_ns;
	return longest;
}

bool hf_modbus_slave_answered(struct hf_modbus_bench *bench, uint64_t end_ns, bool whole)
{
	bench->char_ns = end_ns;
	bench->lost += !whole;
	if (!whole || bench->reading_of == 0)
		return false;
	struct hf_modbus_slave *slave = &bench->slave[bench->reading_of - 1];
	bench->reading_of = 0;
	if (slave->mode == HF_MODBUS_BAD_CRC)
		return false;
	slave->readings++;
	bench->readings++;
	(void)count_gap(&slave->last_ns, &slave->gap_ns, end_ns);
	uint64_t before = bench->last_ns;
	bool longest = count_gap(&bench->last_ns, &bench->gap_ns, end_ns);
	if (longest)
		bench->gap_start_ns = before;
	return longest;
}
