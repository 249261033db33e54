/* SPDX-License-Identifier: MIT
 *
 * CBOR for people: diagnostic notation (RFC 8949, section 8).
 */
#ifndef HF_CBOR_DIAG_H
#define HF_CBOR_DIAG_H

#include <stdio.h>

#include "bytes.h"
#include "err.h"

/* Prints all items in `data`, indented. A byte string that is itself one item of CBOR is shown as << item >>; strings
 * of more than `limit_bytes` are cut off, with their length as a comment (0: never). Returns the first error of the
 * encoding; what came before it has been printed. */
HF_MUST_USE enum hf_err hf_cbor_diag(struct hf_bytes data, size_t limit_bytes, FILE *to);

#endif
