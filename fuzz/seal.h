/* SPDX-License-Identifier: MIT
 *
 * Puts digests and signatures of a mutated package right again, as somebody would who holds a release key: so what lies
 * behind the digest checks is reached. The key is a test's: nothing that ships trusts it.
 */
#ifndef HF_FUZZ_SEAL_H
#define HF_FUZZ_SEAL_H

#include "key.h"
#include "tree.h"

/* The smallest secret of P-256, 1, and its public key, the curve's base point. */
extern const struct hf_private_key seal_key;

/* ECDSA with that key over a message, at next to no cost. */
void seal_sign(struct hf_bytes message, uint8_t signature[HF_P256_SIGNATURE_BYTES]);

/* In the tree of an envelope. The digest, size and segments of payloads, the digests of severed members, the manifest's
 * digest, and the ESP256 signatures, from the inside out; each as far as its place has the right shape. */
void seal_package(struct tree *t);

/* The same for a keyset file: the signatures over the keyset. */
void seal_keyset(struct tree *t);

/* Mutates a package and seals it, most times. */
size_t seal_mutate_package(uint8_t *data, size_t len, size_t max, unsigned seed);
size_t seal_cross_packages(struct hf_bytes one, struct hf_bytes other, uint8_t *out, size_t max, unsigned seed);

#endif
