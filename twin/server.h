/* SPDX-License-Identifier: MIT
 *
 * The rig behind a Unix socket (protocol: lockstep.h), and the two ways in which virtual time moves.
 *
 * Lockstep: time moves only while somebody waits for it, and no further than the first thing that anybody waits for; a
 * client of a UART that is thinking (no request of its is open) holds time for everybody. So a dialogue takes the same
 * virtual time on every run, whatever the computers do meanwhile. A client of "control" holds nothing.
 *
 * Paced: time follows the wall clock, and is never ahead of it. The maintenance UART is a pty then; the socket, if
 * there is one, serves "control" only.
 */
#ifndef HF_TWIN_SERVER_H
#define HF_TWIN_SERVER_H

#include "rig.h"

struct hf_server_config {
	struct hf_rig *rig;        /* kept */
	const char *socket;        /* path; NULL: no socket. An old socket there is replaced, any other file is not. */
	bool pty;                  /* paced, with a pty */
	uint64_t until_ns;         /* ends when virtual time gets there; HF_NEVER: never */
	const volatile bool *stop; /* kept; ends as soon as it is true (a signal's handler sets it) */
};

struct hf_server;

HF_MUST_USE enum hf_err hf_server_open(struct hf_server **server, const struct hf_server_config *config,
				       struct hf_diag *diag);
const char *hf_server_pty(const struct hf_server *server); /* the pty's path; NULL: none */
/* Serves until the time, a signal or a "quit" ends it. HF_ERR_IO, with a sentence, when the model failed. */
HF_MUST_USE enum hf_err hf_server_run(struct hf_server *server, struct hf_diag *diag);
void hf_server_close(struct hf_server *server);

#endif
