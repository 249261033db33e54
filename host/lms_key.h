/* SPDX-License-Identifier: MIT
 *
 * HSS-LMS private keys (RFC 8554; one level, SHA-256, height 10, w = 8): 1024 signatures, and each of the one-time keys
 * must be used once only. Which of them may be used next is lms_state.h's care; nothing here remembers anything.
 *
 * All follows from a seed of 32 bytes, by RFC 8554's appendix A: the same seed gives the same key.
 */
#ifndef HF_LMS_KEY_H
#define HF_LMS_KEY_H

#include "file.h"
#include "lms.h"

#define HF_LMS_SEED_BYTES  32
#define HF_LMS_NODES_BYTES (HF_LMS_LEAVES * HF_SHA256_BYTES)

struct hf_lms_key {
	uint8_t seed[HF_LMS_SEED_BYTES]; /* secret */
	uint8_t public_key[HF_LMS_PUBLIC_BYTES];
	uint8_t (*leaf)[HF_SHA256_BYTES]; /* the tree's HF_LMS_LEAVES leaves, on the heap, public; NULL: not there yet */
};

/* Called between leaves, for a progress bar. */
typedef void hf_lms_progress(void *ctx, uint32_t done, uint32_t total);

/* The key of a seed: some 9 million hashes, one to several seconds. HF_ERR_IO: no memory. progress may be NULL. */
HF_MUST_USE enum hf_err hf_lms_key_derive(struct hf_lms_key *key, const uint8_t seed[HF_LMS_SEED_BYTES],
					  hf_lms_progress *progress, void *ctx);

/* Of a key whose seed and public key are known: the leaves, from `stored` (32 KiB, of whatever origin) if the tree over them
 * has the public key's root, else as above. *fresh tells that they were made. HF_ERR_KEY: the public key is not this
 * seed's. */
HF_MUST_USE enum hf_err hf_lms_key_load(struct hf_lms_key *key, struct hf_bytes stored, hf_lms_progress *progress,
					void *ctx, bool *fresh);

/* Signs with one one-time key, whose number the caller has reserved; the same key and message give the same bytes. The
 * result was verified. HF_ERR_RANGE: there is no such one-time key; HF_ERR_KEY: the result does not verify. */
HF_MUST_USE enum hf_err hf_lms_key_sign(const struct hf_lms_key *key, uint32_t leaf, struct hf_bytes message,
					uint8_t signature[HF_LMS_SIGNATURE_BYTES]);

/* Forgets the secret, frees the leaves. */
void hf_lms_key_wipe(struct hf_lms_key *key);

#endif
