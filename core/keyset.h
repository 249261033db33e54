/* SPDX-License-Identifier: MIT
 *
 * The keyset: which keys a device trusts for what, and which signatures it demands.
 *
 * Canonical CBOR (docs/FORMAT.md):
 *   { 1: 1 (format), 2: number, 3: [+ key], 4: [+ algorithm] }    key = { 1: role, 2: algorithm, 3: public key }
 * Key 4 lists the algorithms of which a package must carry a valid signature each. The factory keyset lies in boot's
 * last page and is trusted because that sector is write-protected; a successor comes signed by root keys.
 */
#ifndef HF_KEYSET_H
#define HF_KEYSET_H

#include "crypto.h"

#define HF_KEYSET_MAX_KEYS 8
#define HF_KEYSET_MAX_ALGS 2
#define HF_KEYSET_FORMAT   1

enum hf_role {
	HF_ROLE_ROOT = 0,    /* signs keysets */
	HF_ROLE_RELEASE = 1, /* signs firmware and recovery */
	HF_ROLE_SITE = 2,    /* reinstalls what release signed, sets configuration */
};

struct hf_key {
	uint8_t role; /* enum hf_role */
	int16_t alg;
	struct hf_bytes public_key; /* borrowed from the parsed buffer */
};

struct hf_keyset {
	uint32_t number;
	uint8_t keys;
	uint8_t algs;
	struct hf_key key[HF_KEYSET_MAX_KEYS];
	int16_t alg[HF_KEYSET_MAX_ALGS];
};

/* Parses a keyset at the beginning of buf; what follows it (FF on flash) is ignored. *used gets its length. The result
 * borrows from buf. HF_ERR_KEYSET where a flash page is blank, else the error of the first byte that is wrong; *out is
 * unspecified then. Members with negative keys, whose values are byte strings, are ignored. */
HF_MUST_USE enum hf_err hf_keyset_parse(struct hf_bytes buf, struct hf_keyset *out, size_t *used);

#endif
