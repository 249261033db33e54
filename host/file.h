/* SPDX-License-Identifier: MIT
 *
 * Whole files: read within a limit, written so that a full disk or a power cut leaves the old one.
 */
#ifndef HF_FILE_H
#define HF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "diag.h"
#include "err.h"

/* Bytes on the heap, owned; free with hf_buffer_free. */
struct hf_buffer {
	uint8_t *ptr;
	size_t len;
};

void hf_buffer_free(struct hf_buffer *buffer);

static inline struct hf_bytes hf_buffer_bytes(const struct hf_buffer *buffer)
{
	return (struct hf_bytes){buffer->ptr, buffer->len};
}

/* Reads all of a file ("-": standard input). A zero byte that is not counted in len follows the content, so that a
 * text can be used as a string. HF_ERR_IO, or HF_ERR_TOO_LARGE beyond limit_bytes; *out is empty after an error. */
HF_MUST_USE enum hf_err hf_file_read(const char *path, size_t limit_bytes, struct hf_buffer *out,
				     struct hf_diag *diag);

enum hf_file_flags {
	HF_FILE_PRIVATE = 1, /* mode 0600 instead of what the umask allows */
	HF_FILE_NEW = 2,     /* refuse (HF_ERR_DENIED) where the file exists already */
};

/* Writes a file as a whole: into a temporary file beside it, flushed to the disk, then renamed over it. After an
 * error the old file is what it was, and nothing is left behind. "-" is standard output. Devices and pipes are
 * written directly. */
HF_MUST_USE enum hf_err hf_file_write(const char *path, struct hf_bytes content, unsigned flags,
				      struct hf_diag *diag);

#endif
