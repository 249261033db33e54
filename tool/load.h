/* SPDX-License-Identifier: MIT
 *
 * Files that several commands read; every sentence names the file.
 */
#ifndef HF_LOAD_H
#define HF_LOAD_H

#include "file.h"
#include "key.h"
#include "keyset_file.h"
#include "package_read.h"

/* *package borrows from *file, which the caller frees. */
HF_MUST_USE enum hf_err hf_load_package(const char *path, struct hf_buffer *file, struct hf_package *package,
					struct hf_diag *diag);

/* A keyset, bare or signed; *keyset borrows from *file, which the caller frees. HF_ERR_KEYSET for whatever is no keyset. */
HF_MUST_USE enum hf_err hf_load_keyset_file(const char *path, struct hf_buffer *file, struct hf_keyset_file *keyset,
					    struct hf_diag *diag);

/* The same, of which only the keyset matters: *file has it bare afterwards. */
HF_MUST_USE enum hf_err hf_load_keyset(const char *path, struct hf_buffer *file, struct hf_keyset *keyset,
				       struct hf_diag *diag);

/* 32 hexadecimal digits, dashes allowed. */
bool hf_load_id(const char *text, uint8_t id[16]);

#endif
