/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole. Whatever happens on the bus, a poll ends: a request by its time, an answer by its length, by
 * silence, or by the time for it to begin. So the next poll comes at its pace.
 */
#include "modbus_master.h"

#define SENDING_MS 50u /* eight characters at 2400 baud take 37 ms */

void hf_modbus_master_begin(struct hf_modbus_master *m, unsigned slaves, uint16_t first, uint16_t count, uint32_t now_ms)
{
	*m = (struct hf_modbus_master){ .slaves = (uint8_t)slaves, .first = first, .count = count,
					 .poll_ms = HF_MODBUS_POLL_MS };
	for (unsigned i = 0; i < slaves; i++)
		m->slave[i].address = (uint8_t)(i + 1);
	m->poll_at_ms = now_ms;
	m->good_at_ms = now_ms;
}

bool hf_modbus_master_set(struct hf_modbus_master *m, const uint8_t *address, unsigned slaves, uint16_t poll_ms)
{
	if (m->phase != HF_MODBUS_REST)
		return false;
	for (unsigned i = 0; i < slaves; i++)
		m->slave[i] = (struct hf_modbus_slave_status){ .address = address[i] };
	m->slaves = (uint8_t)slaves;
	m->poll_ms = poll_ms;
	m->turn = 0;
	return true;
}

static void note_gap(struct hf_modbus_master *m, uint32_t gap_ms)
{
	if (gap_ms > m->longest_ms)
		m->longest_ms = gap_ms;
	if (gap_ms > m->recent_ms)
		m->recent_ms = gap_ms;
}

static void end_poll(struct hf_modbus_master *m, enum hf_modbus_result result, uint32_t now_ms)
{
	struct hf_modbus_slave_status *s = &m->slave[m->turn];

	m->phase = HF_MODBUS_REST;
	m->turn = (uint8_t)((m->turn + 1u) % m->slaves);
	s->last = result;
	if (result != HF_MODBUS_GOOD) {
		s->bad++;
		m->bad++;
		return;
	}
	s->good++;
	s->at_ms = now_ms;
	m->answers_ms += now_ms - m->sent_at_ms;
	if (m->good++ > 0)
		note_gap(m, now_ms - m->good_at_ms);
	m->good_at_ms = now_ms;
}

static void end_answer(struct hf_modbus_master *m, uint32_t now_ms)
{
	struct hf_modbus_slave_status *s = &m->slave[m->turn];

	end_poll(m, hf_modbus_frame_answer(m->answer, m->answer_len, s->address, m->count, s->value), now_ms);
}

static bool begin_poll(struct hf_modbus_master *m, uint32_t now_ms)
{
	if ((int32_t)(now_ms - m->poll_at_ms) < 0)
		return false;
	if (now_ms - m->poll_at_ms > HF_MODBUS_LATE_MS)
		m->late++;
	m->poll_at_ms += m->poll_ms;
	if ((int32_t)(now_ms - m->poll_at_ms) >= 0) /* late: no burst to catch up */
		m->poll_at_ms = now_ms + m->poll_ms;
	hf_modbus_frame_request(m->request, m->slave[m->turn].address, m->first, m->count);
	m->polls++;
	m->phase = HF_MODBUS_SENDING;
	m->since_ms = now_ms;
	return true;
}

bool hf_modbus_master_tick(struct hf_modbus_master *m, uint32_t now_ms)
{
	uint32_t elapsed = now_ms - m->since_ms;

	switch ((enum hf_modbus_phase)m->phase) {
	case HF_MODBUS_REST:
		return begin_poll(m, now_ms);
	case HF_MODBUS_SENDING:
		if (elapsed > SENDING_MS)
			end_poll(m, HF_MODBUS_SILENT, now_ms);
		break;
	case HF_MODBUS_LISTENING:
		if (m->answer_len > 0 && elapsed > HF_MODBUS_SILENCE_MS)
			end_answer(m, now_ms);
		else if (elapsed > HF_MODBUS_ANSWER_MS)
			end_poll(m, HF_MODBUS_SILENT, now_ms);
		break;
	}
	return false;
}

void hf_modbus_master_sent(struct hf_modbus_master *m, uint32_t now_ms)
{
	if (m->phase != HF_MODBUS_SENDING)
		return;
	m->phase = HF_MODBUS_LISTENING;
	m->answer_len = 0;
	m->since_ms = now_ms;
	m->sent_at_ms = now_ms;
}

/* A damaged character spoils the checksum, so that the answer as a whole is refused. */
void hf_modbus_master_take(struct hf_modbus_master *m, uint8_t byte, bool damaged, uint32_t now_ms)
{
	if (m->phase != HF_MODBUS_LISTENING)
		return;
	if (m->answer_len >= sizeof m->answer) /* a line that babbles does not put the end off */
		return;
	m->since_ms = now_ms;
	m->answer[m->answer_len++] = damaged ? (uint8_t)~byte : byte;
	if (m->answer_len == hf_modbus_frame_length(m->answer, m->answer_len))
		end_answer(m, now_ms);
}
