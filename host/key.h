/* SPDX-License-Identifier: MIT
 *
 * Keys in files, PEM: P-256 and HSS-LMS (private: PKCS#8, encrypted by PBES2 where a password is given; public:
 * SubjectPublicKeyInfo, for HSS-LMS as RFC 9802 has it). What a key is for stands in a line of text above it, which other
 * programs pass over.
 */
#ifndef HF_KEY_H
#define HF_KEY_H

#include <stdbool.h>

#include "diag.h"
#include "keyset.h"
#include "lms_key.h"
#include "sign.h"

#define HF_KEY_FILE_MAX 65536u

struct hf_private_key {
	uint8_t secret[HF_P256_SECRET_BYTES];
	uint8_t public_key[HF_P256_PUBLIC_BYTES];
};

#define HF_ROLE_UNKNOWN (-1) /* beside enum hf_role */

/* A public key of either kind. */
struct hf_public_key {
	int16_t alg; /* HF_ALG_ESP256 or HF_ALG_HSS_LMS */
	int role;    /* enum hf_role as its file says, or HF_ROLE_UNKNOWN */
	size_t len;
	uint8_t bytes[HF_P256_PUBLIC_BYTES];
};

static inline struct hf_bytes hf_public_key_bytes(const struct hf_public_key *key)
{
	return (struct hf_bytes){key->bytes, key->len};
}

/* HF_ERR_IO: the system gives no random numbers. */
HF_MUST_USE enum hf_err hf_key_generate(struct hf_private_key *key, struct hf_diag *diag);

/* Forgets the secret. */
void hf_key_wipe(struct hf_private_key *key);

/* Reads a private key; password NULL: none is known. HF_ERR_IO, HF_ERR_DENIED (the file is encrypted, and the
 * password is missing or wrong), HF_ERR_ENCODING (no PEM private key), HF_ERR_UNSUPPORTED (another kind of key). */
HF_MUST_USE enum hf_err hf_key_read_private(const char *path, const char *password, struct hf_private_key *key,
					    struct hf_diag *diag);

/* The same for an HSS-LMS key: seed and public key; its leaves are hf_lms_key_load's. HF_ERR_TYPE: a PEM private key of
 * another kind, or what may be one. */
HF_MUST_USE enum hf_err hf_key_read_lms(const char *path, const char *password, struct hf_lms_key *key,
					struct hf_diag *diag);

/* Reads a P-256 public key ("BEGIN PUBLIC KEY"). Errors as above. */
HF_MUST_USE enum hf_err hf_key_read_public(const char *path, uint8_t public_key[HF_P256_PUBLIC_BYTES],
					   struct hf_diag *diag);

/* The same for either kind, with its role. */
HF_MUST_USE enum hf_err hf_key_read_any_public(const char *path, struct hf_public_key *key, struct hf_diag *diag);

struct hf_public_key hf_key_public_of(const uint8_t *bytes, int alg, int role);

/* What a key file says the key is for, or HF_ROLE_UNKNOWN. */
int hf_key_file_role(const char *path);

/* Writes the private key with mode 0600; role as above. HF_ERR_DENIED: the file exists and `replace` is not set. */
HF_MUST_USE enum hf_err hf_key_write_private(const char *path, const struct hf_private_key *key, int role,
					     const char *password, bool replace, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_key_write_lms(const char *path, const struct hf_lms_key *key, int role, const char *password,
					 bool replace, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_key_write_public(const char *path, const struct hf_public_key *key, bool replace,
					    struct hf_diag *diag);

/* The first 8 bytes of the SHA-256 of a public key, in digits: what people call it by. Returns text. */
#define HF_KEY_ID_TEXT 17
const char *hf_key_id(struct hf_bytes public_key, char text[HF_KEY_ID_TEXT]);

/* Encodes a keyset as core's hf_keyset_parse reads it. HF_ERR_TOO_LARGE: more than cap bytes are needed. */
HF_MUST_USE enum hf_err hf_keyset_encode(const struct hf_keyset *keyset, uint8_t *buf, size_t cap, size_t *len);

/* A keyset with one key, which is demanded of every package. public_key is borrowed. */
struct hf_keyset hf_keyset_of_one(enum hf_role role, uint32_t number, const uint8_t public_key[HF_P256_PUBLIC_BYTES]);

/* What a key is for: as the keyset has it (NULL: none is known), else as its file says, else HF_ROLE_UNKNOWN. */
int hf_keyset_role_of(const struct hf_keyset *keyset, const struct hf_public_key *key);

const char *hf_role_name(unsigned role); /* "release"; "?" for none that is known */
const char *hf_alg_name(int alg);        /* "ESP256" */
int hf_alg_parse(const char *text);      /* "esp256", "hss-lms" (or as above); 0: none that can sign */
int hf_role_parse(const char *text);     /* HF_ROLE_UNKNOWN: none */

#endif
