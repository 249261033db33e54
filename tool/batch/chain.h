/* SPDX-License-Identifier: MIT
 *
 * A file of JSON lines that only grows, each line chained to the one before by its hash: what a station has promised
 * (ledger.h) and what it has done (passport.h).
 *
 *   {"n":2, ..., "prev":"<hash of line 1>","hash":"<SHA-256 of this line up to the comma before "hash">"}
 *
 * The first line's prev is 64 zeros. A line counts once it is complete and on the disk: hf_chain_append returns only then.
 * A power loss leaves at most a torn last line (no line end, or zero bytes in it), which nobody has relied on; it is cut
 * off when the file is opened to be written. Every other fault is somebody's edit or a failing disk, and is refused. What
 * no chain can show by itself is that its last lines were taken away: who has noted the last hash can see that.
 */
#ifndef HF_BATCH_CHAIN_H
#define HF_BATCH_CHAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "err.h"

#define HF_CHAIN_HASH_TEXT 65
#define HF_CHAIN_LINE_MAX  16384u

struct hf_chain {
	char path[512];
	int fd;
	off_t len;                      /* of the good lines */
	char head[HF_CHAIN_HASH_TEXT];  /* the last line's hash */
	unsigned lines;
	unsigned torn;                  /* bytes of a torn last line that were cut off */
	bool stuck;                     /* a failed append could not be taken back: the file is not written any more */
};

/* A line of the file, in order; borrowed. False ends the reading with HF_ERR_TYPE: the line is no line of this kind. */
typedef bool hf_chain_line(void *ctx, json_t *line, unsigned number);

/* Opens to append, makes the file if it is not there, locks it until it is closed, and hands over every line.
 * HF_ERR_BUSY (another process has it), HF_ERR_ENCODING (a line is broken; diag names it), HF_ERR_TYPE, HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_chain_open(struct hf_chain *c, const char *path, hf_chain_line *line, void *ctx,
				      struct hf_diag *diag);

/* Reads only, and takes no lock. c->torn counts what a power loss has left behind; HF_ERR_NOT_FOUND: no such file. */
HF_MUST_USE enum hf_err hf_chain_read(struct hf_chain *c, const char *path, hf_chain_line *line, void *ctx,
				      struct hf_diag *diag);

/* Appends an object (given) with "n", "prev" and "hash", and has it on the disk. HF_ERR_IO: the file is as it was before
 * (or stuck); HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_chain_append(struct hf_chain *c, json_t *fields, struct hf_diag *diag);

void hf_chain_close(struct hf_chain *c); /* of one that was never opened: fd < 0 is fine */

/* Now, as "2026-11-22T21:50:03Z". */
#define HF_CHAIN_TIME 24
const char *hf_chain_time(char text[HF_CHAIN_TIME]);

#endif
