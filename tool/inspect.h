/* SPDX-License-Identifier: MIT
 *
 * What `holdfast inspect` knows to show. Each function but the last prints one kind of file, for people or as JSON, and returns
 * the error that the file itself has (HF_ERR_DIGEST: damaged), with a sentence.
 */
#ifndef HF_INSPECT_H
#define HF_INSPECT_H

#include "board.h"
#include "package_read.h"
#include "upkeep.h"

struct hf_inspect {
	const char *path;
	struct hf_bytes file;
	const struct hf_board *board; /* NULL: none was given */
	bool json;
};

HF_MUST_USE enum hf_err hf_inspect_package(const struct hf_inspect *in, struct hf_diag *diag);

/* The head of a slot; with a board and enough bytes, its content too. */
HF_MUST_USE enum hf_err hf_inspect_slot(const struct hf_inspect *in, struct hf_diag *diag);

HF_MUST_USE enum hf_err hf_inspect_keyset(const struct hf_inspect *in, struct hf_diag *diag);

/* An ELF, Intel HEX or SREC file. */
HF_MUST_USE enum hf_err hf_inspect_firmware(const struct hf_inspect *in, struct hf_diag *diag);

/* What happened to the device that was found, and what it will do next; prints it, and errors too. */
enum hf_exit hf_inspect_device(struct hf_upkeep *u);

#endif
