/* SPDX-License-Identifier: MIT
 *
 * What the modules of the SUIT profile share.
 */
#ifndef HF_SUIT_PRIVATE_H
#define HF_SUIT_PRIVATE_H

#include "cbor.h"
#include "suit.h"

#define HF_SUIT_DIGEST_ITEM 38 /* << [-16, bstr of 32 bytes] >>, header included */

/* Where a command sequence stands decides what it may contain. */
enum hf_suit_section {
	HF_SECTION_SHARED = 1 << 0,
	HF_SECTION_VALIDATE = 1 << 1,
	HF_SECTION_LOAD = 1 << 2,
	HF_SECTION_INVOKE = 1 << 3,
	HF_SECTION_FETCH = 1 << 4,
	HF_SECTION_INSTALL = 1 << 5,
};

#define HF_SUIT_UNSEVERABLE (HF_SUIT_MEMBERS - HF_SUIT_SEVERABLE) /* index of the first severable member */
#define HF_SUIT_SEQUENCES (HF_SUIT_MEMBERS - 1) /* those in front of text; bits of enum hf_suit_section */

/* The index in hf_manifest's members of an envelope's or manifest's key; 0 if it is none of them. */
unsigned hf_suit_member(int32_t key);

/* [-16, bstr of 32 bytes]: the 32 bytes. */
void hf_suit_digest(struct hf_cbor_reader *r, struct hf_bytes *digest);

/* The same as the content of a byte string. */
void hf_suit_wrapped_digest(struct hf_cbor_reader *r, struct hf_bytes *digest);

/* [1..HF_VERSION_PARTS ints]. */
uint8_t hf_suit_version(struct hf_cbor_reader *r, int32_t version[HF_VERSION_PARTS]);

/* Reads the manifest's members, not what is in the sequences. digest gets the severable members' digests (32 bytes, or
 * len 0). */
HF_MUST_USE enum hf_err hf_suit_read_manifest(struct hf_bytes manifest, struct hf_manifest *out,
					      struct hf_bytes digest[HF_SUIT_SEVERABLE]);

/* The argument of override-parameters, in one of the sections (enum hf_suit_section). *soft is soft-failure, unchanged
 * if absent. */
void hf_suit_read_params(struct hf_cbor_reader *r, unsigned section, struct hf_params *params, bool *soft);

/* Walks a sequence and all alternatives in it, executing nothing. */
HF_MUST_USE enum hf_err hf_suit_walk(struct hf_bytes sequence, enum hf_suit_section section);

#endif
