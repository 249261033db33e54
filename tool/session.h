/* SPDX-License-Identifier: MIT
 *
 * The key for devices that take changes only from a site key's holder (the board file's `access`): an option of every
 * command that changes a device, and used only where the device demands it.
 */
#ifndef HF_TOOL_SESSION_H
#define HF_TOOL_SESSION_H

#include "keys.h"
#include "smp_client.h"

struct hf_site {
	struct hf_keys keys; /* arguments; one key at most */
};

/* Rows for a command's table of options. */
#define HF_SITE_ARGS(s)                                                                                                  \
	{"key", 0, HF_ARG_LIST, "KEY", "a site key (file or pkcs11: URI), for a device that takes changes only from its holder", \
	 &(s).keys.names, NULL},                                                                                         \
	{"password-file", 0, HF_ARG_LIST, "FILE", "its first line is that key's password or PIN", &(s).keys.password_files, \
	 NULL}

/* Opens a session, where there is a key and the device demands it and has none. HF_ERR_DENIED (the device refuses), the
 * key's and the line's errors; all with a sentence. */
HF_MUST_USE enum hf_err hf_site_open(struct hf_site *site, struct hf_smp_client *client, const uint8_t device_id[16],
				     uint32_t patience_ms, struct hf_diag *diag);
void hf_site_close(struct hf_site *site);

#endif
