/* SPDX-License-Identifier: MIT
 *
 * Files of JSON that carry a SHA-256 of themselves: backups and pilots' records. One that was damaged or edited is noticed. (Not
 * one that somebody forged: whoever can write the file can compute the digest, too.)
 *
 * {"holdfast": KIND, "format": 1, ..., "sha256": hex}; the digest is that of the object without "sha256", keys sorted, without
 * blanks (JSON_SORT_KEYS | JSON_COMPACT): `jq -cS 'del(.sha256)' FILE | tr -d '\n' | sha256sum` computes the same.
 */
#ifndef HF_CHECK_SEALED_H
#define HF_CHECK_SEALED_H

#include <jansson.h>

#include "file.h"

#define HF_SEALED_FILE_MAX (1u << 20)

/* Adds "sha256" to value (given), and writes it as a whole. HF_ERR_IO. */
HF_MUST_USE enum hf_err hf_sealed_write(const char *path, json_t *value, struct hf_diag *diag);

/* Reads one; *out is given to the caller. HF_ERR_IO, HF_ERR_TOO_LARGE, HF_ERR_ENCODING (no JSON), HF_ERR_TYPE (another kind),
 * HF_ERR_UNSUPPORTED (a newer format), HF_ERR_DIGEST. */
HF_MUST_USE enum hf_err hf_sealed_read(const char *path, const char *kind, json_t **out, struct hf_diag *diag);

/* The wall clock's date and time, "2026-11-22T21:30:00Z". */
#define HF_SEALED_NOW_BYTES 24
void hf_sealed_now(char text[HF_SEALED_NOW_BYTES]);

/* Who works here: the login name, else what the environment says; "unknown" at worst. */
const char *hf_login_name(char *name, size_t room);

/* Lower-case hexadecimal digits to bytes; *len in: room, out: how many. False: something else than that. */
bool hf_hex_parse(const char *text, uint8_t *out, size_t *len);

#endif
