/* SPDX-License-Identifier: MIT
 *
 * Keysets in files, on a host: bare, as the factory burns them and `keygen` makes them, or signed (docs/FORMAT.md), with
 * the signatures of some root keys or of all that are needed.
 */
#ifndef HF_HOST_KEYSET_FILE_H
#define HF_HOST_KEYSET_FILE_H

#include "file.h"
#include "signer.h"

/* Takes either kind apart; a bare keyset has count 0. Errors are core's. */
HF_MUST_USE enum hf_err hf_keyset_file_read(struct hf_bytes file, struct hf_keyset_file *out);

/* Signs. The result (the caller's) has the file's signatures, then those of `more` that are by root keys of the keyset or of
 * its predecessor and not there yet, then the signers'. HF_ERR_KEY: a signer is a stranger or has signed already, or a
 * signature among `more` is neither's; HF_ERR_DIGEST: one of `more` is for another keyset; HF_ERR_TOO_LARGE; or a signer's
 * error. previous NULL: it is unknown, or there is none. */
struct hf_keyset_signing {
	const struct hf_keyset_file *file;
	const struct hf_keyset_file *more;
	unsigned mores;
	const struct hf_keyset *previous;
	struct hf_signer *const *signer;
	unsigned signers;
};
HF_MUST_USE enum hf_err hf_keyset_sign(const struct hf_keyset_signing *s, struct hf_buffer *out, struct hf_diag *diag);

/* How far it is: distinct root keys that have signed. */
struct hf_keyset_count {
	unsigned own, own_wanted;
	unsigned old, old_wanted; /* old_wanted 0: no predecessor is known */
};
HF_MUST_USE enum hf_err hf_keyset_count(const struct hf_keyset_file *file, const struct hf_keyset *previous,
					struct hf_keyset_count *out);

unsigned hf_mask_bits(uint32_t mask);

/* Is this key in the keyset, in whatever role? */
bool hf_keyset_names(const struct hf_keyset *keyset, const struct hf_key *key);

#endif
