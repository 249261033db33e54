/* SPDX-License-Identifier: MIT
 *
 * Keyset and configuration over SMP (group 64, 3 and 4; docs/PROTOCOL.md): read in pieces, written in pieces.
 *
 * A file is collected in RAM, in order, and handed to hf_update_keep when it is complete: nothing of it reaches flash
 * before that. What a reset or an error leaves of it: nothing; the sender begins again, and repeating a file that was
 * stored already changes nothing.
 */
#ifndef HF_SMP_STORE_H
#define HF_SMP_STORE_H

#include "trust.h"

/* All of it private, zero at first. */
struct hf_smp_store {
	uint8_t kind;    /* enum hf_longrec_kind; 0: nothing is under way */
	uint8_t sha_len; /* 0: the sender gave none */
	uint8_t sha[HF_SHA256_BYTES];
	uint32_t total;
	uint32_t next;   /* offset that is wanted */
	uint8_t data[HF_KEYSET_FILE_MAX];
};

#endif
