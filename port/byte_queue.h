/* SPDX-License-Identifier: MIT
 *
 * Bytes in the order in which they came, in memory that the caller gives. Pure; reader and writer take turns.
 */
#ifndef HF_BYTE_QUEUE_H
#define HF_BYTE_QUEUE_H

#include <stdint.h>

struct hf_byte_queue {
	uint8_t *buf; /* given, kept */
	uint32_t size;
	uint32_t begin;
	uint32_t fill;
};

/* Where the next bytes go in one piece, *room of them; 0: the queue is full. Then tell how many were put there. */
uint8_t *hf_byte_queue_space(struct hf_byte_queue *q, uint32_t *room);
void hf_byte_queue_added(struct hf_byte_queue *q, uint32_t len);

/* The oldest bytes in one piece, *len of them; 0: the queue is empty. Then tell how many were taken. */
const uint8_t *hf_byte_queue_head(const struct hf_byte_queue *q, uint32_t *len);
void hf_byte_queue_taken(struct hf_byte_queue *q, uint32_t len);

#endif
