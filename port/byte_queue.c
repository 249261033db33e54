/* SPDX-License-Identifier: MIT */
#include "byte_queue.h"

uint8_t *hf_byte_queue_space(struct hf_byte_queue *q, uint32_t *room)
{
	uint32_t end = q->begin + q->fill;

	if (end >= q->size)
		end -= q->size;
	*room = q->fill == q->size ? 0 : end < q->begin ? q->begin - end : q->size - end;
	return q->buf + end;
}

void hf_byte_queue_added(struct hf_byte_queue *q, uint32_t len)
{
	q->fill += len;
}

const uint8_t *hf_byte_queue_head(const struct hf_byte_queue *q, uint32_t *len)
{
	*len = q->size - q->begin < q->fill ? q->size - q->begin : q->fill;
	return q->buf + q->begin;
}

void hf_byte_queue_taken(struct hf_byte_queue *q, uint32_t len)
{
	q->begin += len;
	q->fill -= len;
	if (q->begin >= q->size)
		q->begin -= q->size;
}
