/* SPDX-License-Identifier: MIT
 *
 * The lockstep protocol's bytes: what a tool and the twin say to each other when both wait in virtual time.
 *
 * A stream socket. The client sends requests, the twin answers each, in order. Virtual time moves only while a request
 * that waits (R, S, X advance) is being served; server.h tells how.
 *
 *   request: u8 op, u64le arg, u32le length, payload        answer: u8 status, u64le now_ns, u32le length, payload
 *
 *   H hello     payload: "maintenance", "modbus" or "control"; comes first      answer: what answers, as text
 *   W write     payload: bytes for the device, queued, delivered at the line's baud
 *   R read      arg: time-out in ns; payload: u32le most bytes                  answer: what the device sent
 *   S sleep     arg: ns
 *   B line      payload: u32le baud, u8 data bits, u8 parity 'N' 'E' 'O', u8 stop bits
 *   L signals   payload: u8 mask, u8 values: bit 0 RTS, 1 DTR, 2 break          answer: u8 the signals now
 *   N now
 *   X command   payload: a command as in script.h                               answer: text
 *
 * Between the device and a port's client may be a USB adapter with its latency, which belongs to the line and not to the
 * client: the command "latency 16ms" (X; "latency 0ms": none, which is the default) holds for the maintenance port from
 * then on, whoever is connected. Bytes of the device then come to an R in packets (adapter.h), bytes of a W go out at
 * once.
 *
 * status 0 is success; on any other the payload is a sentence. Pure functions, no socket.
 */
#ifndef HF_TWIN_LOCKSTEP_H
#define HF_TWIN_LOCKSTEP_H

#include "bytes.h"
#include "err.h"
#include "diag.h"
#include "twin.h"

#define HF_LOCKSTEP_HEADER      13
#define HF_LOCKSTEP_PAYLOAD_MAX 65536u

enum hf_lockstep_signal { HF_SIGNAL_BIT_RTS = 1, HF_SIGNAL_BIT_DTR = 2, HF_SIGNAL_BIT_BREAK = 4 };

struct hf_lockstep_request {
	char op;
	uint64_t arg;
	struct hf_bytes payload;      /* borrowed from the input */
	uint32_t read_max;            /* R */
	struct hf_twin_line line;     /* B */
	uint8_t mask, values;         /* L */
};

/* Takes one request from the front of a stream's bytes; *used is its length. HF_ERR_TRUNCATED: more bytes are needed,
 * *used = 0. Other errors come with a sentence: when *used > 0 the stream goes on behind the refused request, when it
 * is 0 the stream is beyond repair (a length over HF_LOCKSTEP_PAYLOAD_MAX). */
HF_MUST_USE enum hf_err hf_lockstep_parse(struct hf_bytes in, struct hf_lockstep_request *out, size_t *used,
					  struct hf_diag *diag);

/* Writes an answer's header; the payload of len bytes follows it. */
void hf_lockstep_answer(uint8_t header[HF_LOCKSTEP_HEADER], uint8_t status, uint64_t now_ns, uint32_t len);

/* The other side: a request's header, and an answer as parse does it. */
void hf_lockstep_request(uint8_t header[HF_LOCKSTEP_HEADER], char op, uint64_t arg, uint32_t len);
struct hf_lockstep_reply {
	uint8_t status;
	uint64_t now_ns;
	struct hf_bytes payload;
};
HF_MUST_USE enum hf_err hf_lockstep_parse_reply(struct hf_bytes in, struct hf_lockstep_reply *out, size_t *used);

#endif
