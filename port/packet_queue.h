/* SPDX-License-Identifier: MIT
 *
 * Packets in the order in which they came, in memory that the caller gives. Each lies in one piece, so that a decoder may
 * write it where it stays and a server read it from there. Pure; reader and writer take turns.
 */
#ifndef HF_PACKET_QUEUE_H
#define HF_PACKET_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define HF_PACKET_QUEUE_HEAD 4u /* bytes beside each packet, and up to 3 more behind it */

struct hf_packet_queue {
	uint8_t *buf; /* given, kept; aligned to 4 */
	uint32_t size;

	/* Private. */
	uint32_t count;
	uint32_t begin, end; /* of the oldest packet, behind the newest */
	uint32_t wrap;       /* where the packets at the memory's end end; they go on at 0 while end <= begin */
};

/* Where a packet of up to `room` bytes may be written; NULL: there is no place yet. The place stays until it is added,
 * or asked for again. */
uint8_t *hf_packet_queue_place(struct hf_packet_queue *q, uint32_t room);

/* The packet that was written there: its length, and what the caller wants to know of it. */
void hf_packet_queue_add(struct hf_packet_queue *q, uint32_t len, uint8_t kind);

/* The oldest packet; NULL: there is none. It stays where it is until it is dropped. */
uint8_t *hf_packet_queue_first(const struct hf_packet_queue *q, uint32_t *len, uint8_t *kind);
void hf_packet_queue_drop(struct hf_packet_queue *q);

#endif
