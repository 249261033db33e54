/* SPDX-License-Identifier: MIT
 *
 * Passwords of private keys: from a file's first line, or asked for on the terminal.
 */
#ifndef HF_PASSWORD_H
#define HF_PASSWORD_H

#include <stdbool.h>

#include "diag.h"
#include "err.h"

#define HF_PASSWORD_BYTES 256

struct hf_password {
	char text[HF_PASSWORD_BYTES];
};

HF_MUST_USE enum hf_err hf_password_read(const char *path, struct hf_password *out, struct hf_diag *diag);

/* Asks on the terminal, without echo; twice where `confirm`. HF_ERR_DENIED: there is no terminal, or the two differ.
 */
HF_MUST_USE enum hf_err hf_password_ask(const char *prompt, bool confirm, struct hf_password *out,
					struct hf_diag *diag);

void hf_password_wipe(struct hf_password *password);

#endif
