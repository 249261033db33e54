/* SPDX-License-Identifier: MIT
 *
 * Further signatures on a package that exists: keys are held by different people, on different machines.
 */
#ifndef HF_PACKAGE_SIGN_H
#define HF_PACKAGE_SIGN_H

#include "package_read.h"

/* The package with one more signature by each signer. HF_ERR_KEY: one of them has signed it already; HF_ERR_TOO_LARGE: a
 * package carries no more, or there is no room left in front of its image (see hf_package_signers.later); or a signer's
 * error. All of this but the last is found before anything is signed. The buffer is the caller's. */
HF_MUST_USE enum hf_err hf_package_add_signatures(const struct hf_package *package, struct hf_signer *const *signer,
						  unsigned count, struct hf_buffer *out, struct hf_diag *diag);

/* Does one of the package's signatures verify with this key? */
bool hf_package_signed_by(const struct hf_package *package, const struct hf_public_key *key);

#endif
