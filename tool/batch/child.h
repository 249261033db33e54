/* SPDX-License-Identifier: MIT
 *
 * A child process that works on one device, and can do no harm to the others: its own session, its own pipes, read without
 * ever waiting for it, and with bounds on a line, on what is read at a time and in all. What it says is events, one JSON
 * object a line (docs/EVENTS.md); lines that are none are counted and dropped. Its last words on standard error are kept.
 *
 * It is silent, and is ended, when no event has come for silence_ms: by the clock on the wall, because a device's own clock
 * does not go on in a process that hangs; but nothing is ever judged by how long work takes there. How long it may take
 * is limit_ms by the events' own t_ms.
 */
#ifndef HF_BATCH_CHILD_H
#define HF_BATCH_CHILD_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

#define HF_CHILD_LINE  65536u
#define HF_CHILD_TOTAL (64u << 20)
#define HF_CHILD_WORDS 768

struct hf_child;

struct hf_child_options {
	char *const *argv;           /* argv[0] is a path; NULL at the end. All of it borrowed for the call */
	char *const *env;            /* "NAME=VALUE" beside the own environment; NULL: none */
	const char *input;           /* its standard input; NULL: empty */
	uint32_t silence_ms;         /* 0: it may be silent */
	uint32_t limit_ms;           /* by t_ms; 0: none */
	bool whole;                  /* standard output is one document (out.text at the end), not events */
	bool talks;                  /* standard output is for people: its last line is kept; silence_ms is all it may take */
	void (*event)(void *ctx, json_t *event); /* borrowed */
	void *ctx;
};

enum hf_child_end {
	HF_CHILD_EXITED,  /* code */
	HF_CHILD_CRASHED, /* code is the signal */
	HF_CHILD_HUNG,    /* no event for too long */
	HF_CHILD_LATE,    /* over the limit */
	HF_CHILD_FLOODED, /* more than HF_CHILD_TOTAL */
};

struct hf_child_pipe {
	int fd;
	char *text;    /* HF_CHILD_LINE */
	uint32_t len;
	bool skipping; /* a line that is too long */
};

struct hf_child {
	pid_t pid;     /* 0: none */
	struct hf_child_pipe out, err;
	uint32_t silence_ms, limit_ms;
	bool whole, talks;
	uint64_t begin_ms, heard_ms, kill_ms; /* monotonic */
	uint64_t t_ms;                        /* the last event's */
	uint64_t bytes;
	unsigned events, malformed;
	enum hf_child_end end;
	int code;
	char words[HF_CHILD_WORDS];           /* its last line on standard error (talks: or output) */
	void (*event)(void *ctx, json_t *event);
	void *ctx;
};

/* HF_ERR_IO: it cannot be started. */
HF_MUST_USE enum hf_err hf_child_start(struct hf_child *c, const struct hf_child_options *options, struct hf_diag *diag);

/* Puts what there is to wait for into fds (at most 2); returns how many. */
unsigned hf_child_fds(const struct hf_child *c, struct pollfd *fds);

/* Reads what has come, ends what has hung. True: it has ended, and everything is closed: end, code, words tell. */
bool hf_child_turn(struct hf_child *c);

/* Asks it to end (SIGTERM: a burn stops so that it can be continued), and ends it 10 s later. */
void hf_child_stop(struct hf_child *c);
void hf_child_kill(struct hf_child *c);

uint64_t hf_child_now_ms(void); /* monotonic */

#endif
