/* SPDX-License-Identifier: MIT
 *
 * What the two kinds of keys share in their files, and HSS-LMS keys in them, which OpenSSL has no notion of: it only wraps
 * and encrypts their bytes.
 */
#ifndef HF_KEY_PEM_H
#define HF_KEY_PEM_H

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "key.h"

struct hf_pem_password {
	const char *text; /* NULL: none is known */
	bool asked;       /* set where the file wanted it */
};

/* The sentence for HF_ERR_DENIED: the password is missing, or wrong. */
void hf_pem_denied(const char *path, const char *password, struct hf_diag *diag);

/* A file in memory that begins with the line of text; NULL: no memory. */
BIO *hf_pem_begin(const struct hf_public_key *key, bool secret);

/* Writes it, and frees bio (may be NULL). `written`: nothing failed on the way. */
HF_MUST_USE enum hf_err hf_pem_finish(const char *path, BIO *bio, bool written, unsigned flags, struct hf_diag *diag);

/* PKCS#8, encrypted by PBES2 (PBKDF2 with HMAC-SHA-256, AES-256) unless password is NULL. */
bool hf_pem_put_private(BIO *bio, PKCS8_PRIV_KEY_INFO *info, const char *password);

bool hf_pem_put_lms_public(BIO *bio, struct hf_bytes public_key);

/* HF_ERR_TYPE: something else, perhaps of another kind. The role is not looked at. */
HF_MUST_USE enum hf_err hf_pem_read_lms_public(const char *path, struct hf_public_key *key, struct hf_diag *diag);

#endif
