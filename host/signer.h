/* SPDX-License-Identifier: MIT
 *
 * A key that signs, wherever it lies: P-256 or HSS-LMS in a file, P-256 on a token. All commands that take a key take any
 * of them.
 *
 * Beside an HSS-LMS key FILE lie FILE.state (lms_state.h) and FILE.leaves (32 KiB that save making the tree again; may be
 * deleted). What is signed with it has used up a one-time key, whether it is used afterwards or not.
 */
#ifndef HF_SIGNER_H
#define HF_SIGNER_H

#include "key.h"
#include "pkcs11.h"

#define HF_SIGNATURE_MAX HF_LMS_SIGNATURE_BYTES
#define HF_SIGNERS_MAX   8

struct hf_signer_options {
	hf_secret_fn *secret; /* asked for passwords and PINs; NULL: there are none */
	void (*warn)(void *ctx, const char *sentence); /* NULL: nobody listens */
	hf_lms_progress *progress;                     /* while an LMS tree is made; may be NULL */
	void *ctx;
	const char *witness;  /* of an LMS key: see hf_lms_reserve */
	bool no_witness;
};

struct hf_signer;

/* name (kept) is a file or a pkcs11: URI; options are kept. HF_ERR_ENCODING, HF_ERR_UNSUPPORTED (no key that is known),
 * HF_ERR_DENIED (password, PIN), HF_ERR_NOT_FOUND (token), HF_ERR_KEY (an LMS key whose halves differ), HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_signer_open(const char *name, const struct hf_signer_options *options, struct hf_signer **out,
				       struct hf_diag *diag);

/* For tests and simple callers: a P-256 key that is in memory already; borrowed. NULL: no memory. */
struct hf_signer *hf_signer_of_key(const struct hf_private_key *key);

const struct hf_public_key *hf_signer_key(const struct hf_signer *signer);
const char *hf_signer_name(const struct hf_signer *signer);

/* Bytes of a signature; 0: an algorithm that nobody here signs with. */
size_t hf_signature_bytes(int alg);

/* Signs a message (not its digest); signature has room for hf_signature_bytes, and is unchanged after an error. Beside
 * those of hf_lms_reserve: HF_ERR_RANGE, HF_ERR_IO, HF_ERR_SIGNATURE (what was made does not verify: a broken token). */
HF_MUST_USE enum hf_err hf_signer_sign(struct hf_signer *signer, struct hf_bytes message, uint8_t *signature,
				       struct hf_diag *diag);

void hf_signer_close(struct hf_signer *signer); /* NULL is fine */

/* FILE.state and FILE.leaves of an LMS key's file; on the heap, the caller's. NULL: no memory. */
char *hf_lms_state_path(const char *key_path);
char *hf_lms_leaves_path(const char *key_path);

#endif
