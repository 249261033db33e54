/* SPDX-License-Identifier: MIT
 *
 * The keyset: which keys a device trusts for what, and which signatures it demands.
 *
 * Canonical CBOR (docs/FORMAT.md):
 *   { 1: 1 (format), 2: number, 3: [1*8 key], 4: [1*2 algorithm], ? 5: root threshold, ? 6: [1*4 manifest digest] }
 *   key = { 1: role, 2: algorithm, 3: public key }
 * 4 lists the algorithms of which a package must carry a valid signature each. 5 is how many root keys have to sign the
 * successor (absent: 1). 6 names firmware that stays startable, as the last resort, though its signature counts no more.
 *
 * The factory's keyset lies in boot's last page and is trusted because that sector is write-protected. A successor comes
 * as a signed keyset file, is checked once, and from then on lies in the journal as it is (trust.h).
 *   keyset file = [ << keyset >>, [1*8 << COSE_Sign1 >>] ]; detached payload: the keyset; external data "holdfast keyset"
 * A key that the newest keyset does not name is revoked.
 */
#ifndef HF_KEYSET_H
#define HF_KEYSET_H

#include "crypto.h"

#define HF_KEYSET_MAX_KEYS       8
#define HF_KEYSET_MAX_ALGS       2
#define HF_KEYSET_MAX_DIGESTS    4
#define HF_KEYSET_MAX_SIGNATURES 8
#define HF_KEYSET_FORMAT         1
#define HF_KEYSET_BYTES_MAX      1024u /* of a keyset */
#define HF_KEYSET_FILE_MAX       4096u /* of a keyset with its signatures */

#define HF_KEYSET_AAD "holdfast keyset" /* external_aad of the signatures, without the final 0 */

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
	uint8_t threshold;          /* root keys that have to sign the successor, at least 1 */
	uint8_t digests;
	struct hf_key key[HF_KEYSET_MAX_KEYS];
	int16_t alg[HF_KEYSET_MAX_ALGS];
	const uint8_t *digest[HF_KEYSET_MAX_DIGESTS]; /* 32 bytes each, borrowed from the parsed buffer */
};

/* Parses a keyset at the beginning of buf; what follows it (FF on flash) is ignored. *used gets its length. The result
 * borrows from buf. HF_ERR_KEYSET where a flash page is blank, else the error of the first byte that is wrong; *out is
 * unspecified then. Members with negative keys, whose values are byte strings, are ignored. */
HF_MUST_USE enum hf_err hf_keyset_parse(struct hf_bytes buf, struct hf_keyset *out, size_t *used);

/* Is firmware with this manifest digest named as one that may still start, as the last resort? */
bool hf_keyset_grandfathers(const struct hf_keyset *keyset, const uint8_t manifest_digest[HF_SHA256_BYTES]);

/* A keyset file, taken apart; nothing is verified. */
struct hf_keyset_file {
	struct hf_keyset keyset;
	struct hf_bytes bytes;      /* the keyset's encoding; borrowed from the file, as all else */
	struct hf_bytes item;       /* the same with its bstr header: what is signed */
	struct hf_bytes signatures; /* the items of the second array, << COSE_Sign1 >> each */
	uint8_t count;              /* of them, at least 1 */
};

/* HF_ERR_TOO_LARGE (the keyset is longer than HF_KEYSET_BYTES_MAX), or the error of the first byte that is wrong; *out is
 * unspecified then. */
HF_MUST_USE enum hf_err hf_keyset_file_parse(struct hf_bytes file, struct hf_keyset_file *out);

/* Which root keys of `keyset` have validly signed the file: *mask gets a bit for each key (its index), a public key that
 * is there twice counts once. HF_OK also if none has; else an error of crypto->verify other than a wrong signature, or a
 * malformed signature's. */
HF_MUST_USE enum hf_err hf_keyset_signers(const struct hf_keyset_file *file, const struct hf_keyset *keyset,
					  const struct hf_crypto *crypto, uint32_t *mask);

/* May a device that trusts `now` take this file? HF_OK: *next is the successor, which borrows from file. Its number is
 * higher, `threshold` distinct root keys of `now` have signed it, and so have its own `threshold` of its own.
 * HF_ERR_KEYSET_NUMBER (not higher), HF_ERR_THRESHOLD (too few root keys have signed), HF_ERR_SIGNATURE (one of the
 * signatures is by no root key of either: such a file is not verified any further), or a parse error; *next is
 * unspecified then. */
HF_MUST_USE enum hf_err hf_keyset_accept(const struct hf_keyset *now, struct hf_bytes file,
					 const struct hf_crypto *crypto, struct hf_keyset_file *next);

#endif
