/* SPDX-License-Identifier: MIT
 *
 * The keys that a command signs with: the same options everywhere, whether a key lies in a file or on a token.
 */
#ifndef HF_TOOL_KEYS_H
#define HF_TOOL_KEYS_H

#include "args.h"
#include "progress.h"
#include "signer.h"

#define HF_PASSWORD_ENV "HOLDFAST_PASSWORD"
#define HF_PIN_ENV      "HOLDFAST_PIN"

struct hf_keys {
	/* Arguments. */
	struct hf_args_list names, password_files;
	const char *witness;
	bool no_witness, quiet;

	/* Set by hf_keys_open. */
	struct hf_signer *signer[HF_SIGNERS_MAX];
	unsigned count;

	/* Private. */
	unsigned opening;
	struct hf_progress progress;
	bool drawing;
};

/* Rows for a command's table of options. `help` says what the keys are for. */
#define HF_KEYS_ARGS(k, help)                                                                                             \
	{"key", 'k', HF_ARG_LIST, "KEY", help, &(k).names, NULL},                                                         \
	{"password-file", 0, HF_ARG_LIST, "FILE",                                                                         \
	 "its first line is the key's password or PIN; several: in the order of the keys (else " HF_PASSWORD_ENV ", "     \
	 HF_PIN_ENV ", or asked for)",                                                                                    \
	 &(k).password_files, NULL},                                                                                      \
	{"witness", 0, HF_ARG_TEXT, "FILE", "an LMS key's witness, where it is not the remembered one", &(k).witness, NULL}, \
	{"no-witness", 0, HF_ARG_FLAG, NULL, "sign although an LMS key's witness is not there", &(k).no_witness, NULL}

/* Opens all of them, in the order given. The error fits an exit code: a key that is not there or cannot be opened is bad
 * input. */
HF_MUST_USE enum hf_err hf_keys_open(struct hf_keys *keys, struct hf_diag *diag);

/* The public half of a key: from its public or private file, or from a token. keys: options, and nothing open. */
HF_MUST_USE enum hf_err hf_keys_public(struct hf_keys *keys, const char *name, struct hf_public_key *out,
				       struct hf_diag *diag);

/* As hf_out_fail, for errors of signing too: an LMS state that is an old copy or used up is a refusal. */
enum hf_exit hf_keys_fail(enum hf_err err, const struct hf_diag *diag);

void hf_keys_close(struct hf_keys *keys);

/* "keys/r.pem: release key 0123456789abcdef, ESP256"; on the heap. NULL: no memory. */
char *hf_keys_text(const struct hf_signer *signer);

#endif
