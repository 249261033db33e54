/* SPDX-License-Identifier: MIT
 *
 * P-256 keys on a PKCS#11 token (a smart card, an HSM, SoftHSM), named by a URI (RFC 7512):
 *   pkcs11:token=LABEL;serial=S;object=LABEL;id=%01%02?module-path=FILE&pin-source=FILE
 * Whatever is left out matches anything; more than one match is refused. A PIN in the URI (pin-value) is refused, because
 * everybody on the machine can read command lines.
 */
#ifndef HF_PKCS11_H
#define HF_PKCS11_H

#include "diag.h"
#include "key.h"

#define HF_PKCS11_PREFIX     "pkcs11:"
#define HF_PKCS11_MODULE_ENV "HOLDFAST_PKCS11_MODULE" /* a module's path, where the URI has none */
#define HF_PKCS11_FIELD      256
#define HF_PKCS11_SECRET     256

struct hf_pkcs11_uri {
	char token[HF_PKCS11_FIELD], serial[HF_PKCS11_FIELD], object[HF_PKCS11_FIELD]; /* "": any */
	uint8_t id[HF_PKCS11_FIELD];
	size_t id_len; /* 0: any */
	char module[HF_PKCS11_FIELD], pin_source[HF_PKCS11_FIELD]; /* "": not said */
};

/* HF_ERR_ENCODING (no such URI, an attribute that is not understood), HF_ERR_DENIED (it holds a PIN). */
HF_MUST_USE enum hf_err hf_pkcs11_uri_parse(const char *uri, struct hf_pkcs11_uri *out, struct hf_diag *diag);

/* Gives a password or PIN; text has `room` bytes. */
typedef enum hf_err hf_secret_fn(void *ctx, const char *prompt, char *text, size_t room, struct hf_diag *diag);

struct hf_pkcs11_key;

/* Opens the token, logs in and finds the key; *public_key gets its public half (role unknown). secret is asked for the PIN
 * unless the URI names its source; NULL: there is none. HF_ERR_NOT_FOUND (module, token or key), HF_ERR_DENIED (the PIN is
 * wrong, locked or missing; the token wants no more tries), HF_ERR_UNSUPPORTED (no P-256 key), HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_pkcs11_open(const char *uri, hf_secret_fn *secret, void *ctx, struct hf_pkcs11_key **out,
				       struct hf_public_key *public_key, struct hf_diag *diag);

/* ECDSA over the message's SHA-256; the token chooses the random number. HF_ERR_IO: the token refused or is gone. */
HF_MUST_USE enum hf_err hf_pkcs11_sign(struct hf_pkcs11_key *key, struct hf_bytes message,
				       uint8_t signature[HF_P256_SIGNATURE_BYTES], struct hf_diag *diag);

void hf_pkcs11_close(struct hf_pkcs11_key *key); /* NULL is fine */

#endif
