/* SPDX-License-Identifier: MIT
 *
 * One connection of the server: bytes in, requests, what it waits for, bytes out. The socket is never blocked on; what
 * the peer does not read is kept, up to a limit at which the connection ends.
 */
#ifndef HF_TWIN_CLIENT_H
#define HF_TWIN_CLIENT_H

#include "adapter.h"
#include "lockstep.h"
#include "rig.h"

#define HF_CLIENT_IN   (2 * (HF_LOCKSTEP_HEADER + HF_LOCKSTEP_PAYLOAD_MAX))
#define HF_CLIENT_OUT  (1u << 20)
#define HF_CLIENT_UART 65536u /* bytes that the device sent and the peer has not read */

enum hf_client_role { HF_CLIENT_NEW, HF_CLIENT_CONTROL, HF_CLIENT_PORT };

enum hf_client_wait { HF_WAIT_NOTHING, HF_WAIT_BYTES, HF_WAIT_TIME };

struct hf_client {
	int fd;
	enum hf_client_role role;
	enum hf_rig_port port;      /* PORT */
	bool ended;                 /* the peer closed, or the stream is beyond repair: gone when served */
	enum hf_client_wait wait;
	uint64_t wait_ns;           /* until when */
	uint32_t read_max;
	uint8_t signals;
	struct hf_adapter adapter;  /* between the device and the ring below */
	size_t in_len;
	uint8_t in[HF_CLIENT_IN];
	size_t out_len, out_cap;
	uint8_t *out;
	size_t write_len;           /* bytes for the device that its queue had no room for */
	uint8_t *write;
	size_t uart_head, uart_len; /* a ring of what the device sent */
	uint64_t uart_lost;
	uint8_t uart[HF_CLIENT_UART];
};

/* fd is given. NULL: no memory. */
struct hf_client *hf_client_new(int fd);
void hf_client_free(struct hf_client *client);

/* Takes what the socket has. */
void hf_client_receive(struct hf_client *client);
/* Gives the socket what it takes. */
void hf_client_send(struct hf_client *client);

/* Puts an answer behind the others. */
void hf_client_answer(struct hf_client *client, uint8_t status, uint64_t now_ns, const void *payload, size_t len);
void hf_client_refuse(struct hf_client *client, uint64_t now_ns, const char *sentence);

/* The next whole request, and how long it is in the input; false: there is none. Refused ones were answered. The
 * request's payload is borrowed until hf_client_done(). */
bool hf_client_request(struct hf_client *client, uint64_t now_ns, struct hf_lockstep_request *request, size_t *used);
void hf_client_done(struct hf_client *client, size_t used);

/* A byte from the device; the oldest is lost when nobody reads. */
void hf_client_hear(struct hf_client *client, uint8_t byte);
/* Answers an R with what is there. */
void hf_client_answer_read(struct hf_client *client, uint64_t now_ns);

#endif
