/* SPDX-License-Identifier: MIT
 *
 * A ring whose packets never straddle its end: one that would not fit there begins at 0 instead. That wastes less than a
 * packet of the greatest length, and spares every reader the two pieces.
 */
#include "packet_queue.h"

static uint32_t bytes_of(uint32_t len)
{
	return HF_PACKET_QUEUE_HEAD + ((len + 3u) & ~3u);
}

uint8_t *hf_packet_queue_place(struct hf_packet_queue *q, uint32_t room)
{
	uint32_t need = bytes_of(room);

	if (q->count == 0)
		q->begin = q->end = 0;
	if (q->count == 0 || q->end > q->begin) {
		if (q->size - q->end >= need)
			return q->buf + q->end + HF_PACKET_QUEUE_HEAD;
		if (q->count == 0 || q->begin < need)
			return 0;
		q->wrap = q->end;
		q->end = 0;
	}
	return q->begin - q->end >= need ? q->buf + q->end + HF_PACKET_QUEUE_HEAD : 0;
}

void hf_packet_queue_add(struct hf_packet_queue *q, uint32_t len, uint8_t kind)
{
	uint8_t *head = q->buf + q->end;

	head[0] = (uint8_t)len;
	head[1] = (uint8_t)(len >> 8);
	head[2] = kind;
	head[3] = 0;
	q->end += bytes_of(len);
	q->count++;
}

static uint32_t length(const uint8_t *head)
{
	return head[0] | (uint32_t)head[1] << 8;
}

uint8_t *hf_packet_queue_first(const struct hf_packet_queue *q, uint32_t *len, uint8_t *kind)
{
	uint8_t *head = q->buf + q->begin;

	if (q->count == 0)
		return 0;
	*len = length(head);
	*kind = head[2];
	return head + HF_PACKET_QUEUE_HEAD;
}

void hf_packet_queue_drop(struct hf_packet_queue *q)
{
	bool wrapped = q->end <= q->begin;

	if (q->count == 0)
		return;
	q->begin += bytes_of(length(q->buf + q->begin));
	q->count--;
	if (wrapped && q->begin == q->wrap)
		q->begin = 0;
}
