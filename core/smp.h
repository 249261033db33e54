/* SPDX-License-Identifier: MIT
 *
 * SMP, the Simple Management Protocol of mcumgr clients: packets and their console framing (docs/PROTOCOL.md).
 *
 * A packet is an 8-byte header and a CBOR map. On a console it travels as lines of at most 127 bytes, which mix with the
 * log's lines: 06 09 (first) or 04 14 (further), base64, LF. What is encoded is length (u16, of what follows), packet,
 * CRC16, all big-endian.
 */
#ifndef HF_SMP_H
#define HF_SMP_H

#include "bytes.h"
#include "err.h"

#define HF_SMP_HEADER_BYTES 8
#define HF_SMP_LINE_MAX     127u /* marker, base64 and LF */
#define HF_SMP_PACKET_MAX   65533u

enum hf_smp_op { HF_SMP_READ = 0, HF_SMP_READ_RSP = 1, HF_SMP_WRITE = 2, HF_SMP_WRITE_RSP = 3 };

enum hf_smp_group { HF_SMP_OS = 0, HF_SMP_IMAGE = 1, HF_SMP_HOLDFAST = 64 };

/* Commands, by group. */
enum { HF_SMP_OS_ECHO = 0, HF_SMP_OS_RESET = 5, HF_SMP_OS_PARAMETERS = 6 };
enum { HF_SMP_IMAGE_STATE = 0, HF_SMP_IMAGE_UPLOAD = 1, HF_SMP_IMAGE_ERASE = 5, HF_SMP_IMAGE_SLOTS = 6 };
enum {
	HF_SMP_HOLDFAST_STATUS = 0,
	HF_SMP_HOLDFAST_COUNTERS = 1,
	HF_SMP_HOLDFAST_LINE = 2,
	HF_SMP_HOLDFAST_KEYSET = 3,
	HF_SMP_HOLDFAST_CONFIG = 4,
	HF_SMP_HOLDFAST_ROLLBACK = 5,
	HF_SMP_HOLDFAST_READ = 6,
	HF_SMP_HOLDFAST_FACTORY = 7,
	HF_SMP_HOLDFAST_RECOVERY = 8,
	HF_SMP_HOLDFAST_SESSION = 9,
	HF_SMP_HOLDFAST_HEALTH = 10,
	HF_SMP_HOLDFAST_VERIFY = 11,
	HF_SMP_HOLDFAST_HISTORY = 12,
	HF_SMP_HOLDFAST_BLACKBOX = 13,
};

/* SMP's own error numbers, `rc`. */
enum hf_smp_rc {
	HF_SMP_RC_OK = 0,
	HF_SMP_RC_UNKNOWN = 1,
	HF_SMP_RC_NO_MEMORY = 2,
	HF_SMP_RC_INVALID = 3,
	HF_SMP_RC_TIMEOUT = 4,
	HF_SMP_RC_NO_ENTRY = 5,
	HF_SMP_RC_BAD_STATE = 6,
	HF_SMP_RC_MESSAGE_SIZE = 7,
	HF_SMP_RC_UNSUPPORTED = 8,
	HF_SMP_RC_CORRUPT = 9,
	HF_SMP_RC_BUSY = 10,
	HF_SMP_RC_DENIED = 11,
	HF_SMP_RC_TOO_NEW = 13, /* the request's version of SMP */
};

#define HF_SMP_VERSION_MAX 1 /* of the header's field: 0 answers errors with `rc`, 1 with `err` too */

struct hf_smp_header {
	uint8_t version;
	uint8_t op; /* enum hf_smp_op */
	uint8_t seq;
	uint8_t id;
	uint16_t group;
	uint16_t len; /* of the body */
};

/* HF_ERR_TRUNCATED: less than a header. HF_ERR_RANGE: the length is not the body's; *out is filled all the same. */
HF_MUST_USE enum hf_err hf_smp_header_load(struct hf_bytes packet, struct hf_smp_header *out);
void hf_smp_header_store(uint8_t p[HF_SMP_HEADER_BYTES], const struct hf_smp_header *header);

/* CRC-16/XMODEM (polynomial 1021, initial 0; "123456789" -> 31C3). Continues from crc; begin with 0. */
uint16_t hf_crc16(uint16_t crc, const void *data, size_t len);

/* The number that a client of SMP version 0 understands. */
enum hf_smp_rc hf_smp_rc(enum hf_err err);

/* Console framing, out: hf_smp_encode_begin, then lines until there is none. The packet (at most HF_SMP_PACKET_MAX) is
 * borrowed until then. */
struct hf_smp_encoder {
	struct hf_bytes packet;
	size_t pos; /* in length || packet || CRC */
	uint16_t crc;
};

void hf_smp_encode_begin(struct hf_smp_encoder *e, struct hf_bytes packet);

/* The next line's length, LF included; 0: the packet is out. */
size_t hf_smp_encode_line(struct hf_smp_encoder *e, uint8_t line[HF_SMP_LINE_MAX]);

/* Console framing, in: byte by byte, packets into the caller's buffer. A frame with anything wrong is dropped and
 * counted; the next marker begins anew, wherever it stands. Lines of any length are taken. */
struct hf_smp_decoder {
	uint8_t *buf; /* given with hf_smp_decode_begin */
	size_t cap;
	size_t len;   /* of the packet, valid at HF_SMP_PACKET and HF_SMP_OVERSIZE until the next byte */
	uint32_t dropped;

	/* Private. */
	uint32_t quad;
	uint32_t count;
	uint16_t total;
	uint16_t crc;
	uint8_t quad_chars;
	uint8_t pads;
	uint8_t state;
	bool active;
};

enum hf_smp_event {
	HF_SMP_NOTHING,  /* part of a frame, or noise in one */
	HF_SMP_TEXT,     /* the byte belongs to no frame: the log's */
	HF_SMP_PACKET,   /* buf holds a packet of len bytes, CRC checked */
	HF_SMP_OVERSIZE, /* CRC right, but longer than cap: buf holds its beginning */
};

/* buf (cap >= HF_SMP_HEADER_BYTES) is kept. */
void hf_smp_decode_begin(struct hf_smp_decoder *d, uint8_t *buf, size_t cap);
HF_MUST_USE enum hf_smp_event hf_smp_decode(struct hf_smp_decoder *d, uint8_t byte);

#endif
