/* SPDX-License-Identifier: MIT
 *
 * Which one-time key of an HSS-LMS key may be used next. Two signatures with the same one-time key let anybody forge more
 * of them, so a number is handed out once, whatever happens: the state says that it is used, and that is on the disk,
 * before the number leaves hf_lms_reserve. What a crash costs is a number, never a reuse.
 *
 * The state is a small text file beside the key, replaced as a whole. What it cannot see by itself is that it is an old
 * copy (a restored backup, a cloned machine). A witness does: a file that is kept elsewhere, on a USB stick or a share, with
 * the same count. It is written after the state and before the number leaves, so it never lags behind a signature.
 */
#ifndef HF_LMS_STATE_H
#define HF_LMS_STATE_H

#include "diag.h"
#include "lms.h"

#define HF_LMS_WITNESS_PATH 512
#define HF_LMS_FEW_LEFT     64 /* near the end: time for a new key */

struct hf_lms_state {
	uint8_t id[HF_LMS_ID_BYTES]; /* the key's I */
	uint32_t next;               /* 0 .. HF_LMS_LEAVES */
	char witness[HF_LMS_WITNESS_PATH]; /* "": none */
};

/* HF_ERR_NOT_FOUND (there is none), HF_ERR_ENCODING (damaged), HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_lms_state_read(const char *path, struct hf_lms_state *out, struct hf_diag *diag);

/* The count that a witness gives for this key. HF_ERR_NOT_FOUND, HF_ERR_ENCODING, HF_ERR_KEY (another key's). */
HF_MUST_USE enum hf_err hf_lms_witness_read(const char *path, const uint8_t id[HF_LMS_ID_BYTES], uint32_t *next,
					    struct hf_diag *diag);

/* A new key's state. HF_ERR_DENIED: the file, or the witness, is there already. witness NULL: none. */
HF_MUST_USE enum hf_err hf_lms_state_create(const char *path, const uint8_t id[HF_LMS_ID_BYTES], const char *witness,
					    struct hf_diag *diag);

struct hf_lms_reserve {
	const char *path;    /* of the state */
	const uint8_t *id;   /* of the key */
	const char *witness; /* NULL: the one that the state remembers. It must be there; it is remembered from now on */
	bool no_witness;     /* go on without the witness that the state remembers */
};

/* Hands out a number that was never handed out, and keeps two processes apart. HF_ERR_DENIED (the state is an old copy;
 * a witness is missing, or not for this key), HF_ERR_FULL (all are used), HF_ERR_NOT_FOUND and HF_ERR_ENCODING (there is
 * no valid state), HF_ERR_BUSY (another process holds it for long), HF_ERR_IO (what was to be written is perhaps not on
 * the disk: then the number is not handed out). *witnessed: a witness has confirmed it. */
HF_MUST_USE enum hf_err hf_lms_reserve(const struct hf_lms_reserve *reserve, uint32_t *number, bool *witnessed,
				       struct hf_diag *diag);

/* For people who know more than the files: attaches a witness (NULL: as it is; made if it is missing), and lets the state
 * go on from `next` (0: as it is), which may be higher than what state and witness say, never lower. A state that is
 * missing is made if next is given. *out is the result. Errors as hf_lms_reserve's. */
HF_MUST_USE enum hf_err hf_lms_state_mend(const char *path, const uint8_t id[HF_LMS_ID_BYTES], const char *witness,
					  uint32_t next, struct hf_lms_state *out, struct hf_diag *diag);

#endif
