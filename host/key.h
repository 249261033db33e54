/* SPDX-License-Identifier: MIT
 *
 * Keys in files: P-256, PEM (private: PKCS#8, encrypted where a password is given).
 */
#ifndef HF_KEY_H
#define HF_KEY_H

#include <stdbool.h>

#include "diag.h"
#include "keyset.h"
#include "sign.h"

#define HF_KEY_FILE_MAX 65536u

struct hf_private_key {
	uint8_t secret[HF_P256_SECRET_BYTES];
	uint8_t public_key[HF_P256_PUBLIC_BYTES];
};

/* HF_ERR_IO: the system gives no random numbers. */
HF_MUST_USE enum hf_err hf_key_generate(struct hf_private_key *key, struct hf_diag *diag);

/* Forgets the secret. */
void hf_key_wipe(struct hf_private_key *key);

/* Reads a private key; password NULL: none is known. HF_ERR_IO, HF_ERR_DENIED (the file is encrypted, and the
 * password is missing or wrong), HF_ERR_ENCODING (no PEM private key), HF_ERR_UNSUPPORTED (another kind of key). */
HF_MUST_USE enum hf_err hf_key_read_private(const char *path, const char *password, struct hf_private_key *key,
					    struct hf_diag *diag);

/* Reads a public key ("BEGIN PUBLIC KEY"). Errors as above. */
HF_MUST_USE enum hf_err hf_key_read_public(const char *path, uint8_t public_key[HF_P256_PUBLIC_BYTES],
					   struct hf_diag *diag);

/* Writes the private key with mode 0600. HF_ERR_DENIED: the file exists and `replace` is not set. */
HF_MUST_USE enum hf_err hf_key_write_private(const char *path, const struct hf_private_key *key, const char *password,
					     bool replace, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_key_write_public(const char *path, const uint8_t public_key[HF_P256_PUBLIC_BYTES],
					    bool replace, struct hf_diag *diag);

/* Encodes a keyset as core's hf_keyset_parse reads it. HF_ERR_TOO_LARGE: more than cap bytes are needed. */
HF_MUST_USE enum hf_err hf_keyset_encode(const struct hf_keyset *keyset, uint8_t *buf, size_t cap, size_t *len);

/* A keyset with one key, which is demanded of every package. public_key is borrowed. */
struct hf_keyset hf_keyset_of_one(enum hf_role role, uint32_t number, const uint8_t public_key[HF_P256_PUBLIC_BYTES]);

const char *hf_role_name(unsigned role); /* "release"; "?" for none that is known */
const char *hf_alg_name(int alg);        /* "ESP256" */

#endif
