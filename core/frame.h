/* SPDX-License-Identifier: MIT
 *
 * The binary framing of SMP packets (docs/PROTOCOL.md): 00, COBS(packet || CRC32 little-endian), 00.
 *
 * It shares the line with text and with the console framing (core/smp.h), none of which holds the bytes 00, 01 and 02:
 * what is outside of frames is given out as text, and nothing inside a frame ever is. An SMP packet's second byte is 0,
 * so every frame begins with 01 01 or with 02 and the packet's first byte; by that a frame is known whose opening 00 was
 * lost.
 */
#ifndef HF_FRAME_H
#define HF_FRAME_H

#include "bytes.h"
#include "err.h"

/* The longest frame of a packet of len bytes. */
#define HF_FRAME_BYTES(len) ((len) + 4u + ((len) + 4u) / 254u + 1u + 2u)

#define HF_FRAME_IDLE_MS 100u /* a frame in which nothing arrives for longer is given up: hf_frame_idle() */

/* Out, in pieces of any size. The packet (at most HF_SMP_PACKET_MAX bytes) is borrowed until the frame is out. */
struct hf_frame_encoder {
	struct hf_bytes packet;

	/* Private. */
	size_t pos;       /* in packet || CRC */
	uint16_t left;    /* bytes of the block under way */
	uint8_t state;
	uint8_t full;     /* the block under way implies no zero */
	uint8_t crc[4];
};

void hf_frame_encode_begin(struct hf_frame_encoder *e, struct hf_bytes packet);

/* The next bytes of the frame, as many as fit; 0: it is out. */
size_t hf_frame_encode(struct hf_frame_encoder *e, uint8_t *out, size_t cap);

/* In: bytes in blocks of any size, packets into the caller's buffer. A frame with anything wrong is dropped and counted;
 * the next one is taken. */
struct hf_frame_decoder {
	uint8_t *buf;         /* may be exchanged after any event, with cap */
	size_t cap;
	size_t len;           /* in buf, valid at HF_FRAME_PACKET and HF_FRAME_OVERSIZE */
	struct hf_bytes text; /* part of the input, valid at HF_FRAME_TEXT */
	uint32_t dropped;

	/* Private. */
	uint32_t total;       /* decoded bytes of the frame, CRC included */
	uint32_t crc;
	uint8_t state;
	uint8_t left;         /* bytes to come in the block */
	bool zero;            /* a zero follows the block */
};

enum hf_frame_event {
	HF_FRAME_NOTHING,  /* part of a frame */
	HF_FRAME_TEXT,     /* text outside of frames: d->text */
	HF_FRAME_PACKET,   /* buf holds a packet of len bytes, CRC checked */
	HF_FRAME_OVERSIZE, /* CRC right, but longer than cap: buf holds its beginning */
};

/* buf is kept; cap 0 is legal: every packet is then too long. */
void hf_frame_decode_begin(struct hf_frame_decoder *d, uint8_t *buf, size_t cap);

/* Takes input until there is an event, and returns how much it took: at least one byte, unless there is none. Call it
 * again with the rest until all is taken. */
size_t hf_frame_decode(struct hf_frame_decoder *d, struct hf_bytes in, enum hf_frame_event *event);

/* Is a frame under way? Then time counts. */
bool hf_frame_pending(const struct hf_frame_decoder *d);

/* Nothing has arrived for HF_FRAME_IDLE_MS: what is under way is given up, and text is next. */
void hf_frame_idle(struct hf_frame_decoder *d);

#endif
