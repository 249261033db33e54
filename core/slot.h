/* SPDX-License-Identifier: MIT
 *
 * A place (a slot, the recovery partition): what lies in it, and whether it may be trusted.
 *
 *   base                      d8 6b a2 || head: authentication wrapper and manifest, <= 4 KiB
 *   image offset - table      relocation table      } the component's content: contiguous,
 *   image offset              image, relocated      } digest and size over the canonical form
 * The image offset is a multiple of 512 (VTOR) and, like every other offset, comes from signed values. The head is
 * copied to RAM once, and verified, parsed and executed there. The head is written last, so that a slot whose upload
 * was cut does not even parse.
 */
#ifndef HF_SLOT_H
#define HF_SLOT_H

#include <stdbool.h>

#include "flash.h"
#include "layout.h"
#include "reloc.h"
#include "suit.h"

#define HF_SLOT_PREFIX_BYTES HF_SUIT_PREFIX_BYTES
#define HF_IMAGE_ALIGN       512u

/* Component identifiers, encoded. */
extern const uint8_t hf_component_app[5];      /* [h'617070'] */
extern const uint8_t hf_component_recovery[10]; /* [h'7265636f76657279'] */

/* Everything that is needed to look into places; borrowed by every call. */
struct hf_slot_env {
	const struct hf_flash *flash;
	const struct hf_layout *layout;
	const struct hf_crypto *crypto;
	const struct hf_keyset *keyset;
	const uint8_t *device_id; /* 16 bytes */
};

struct hf_slot_work {
	uint8_t head[HF_SUIT_HEAD_MAX];
	uint8_t page[HF_RELOC_PAGE_BYTES];
	struct hf_sha256 hash;
};

/* Facts about a place's firmware, all from signed values; valid only after HF_OK. */
struct hf_image {
	uint8_t component;  /* enum hf_component */
	bool grandfathered; /* no key that still counts signed it, but the keyset names it: as the last resort only */
	uint64_t sequence;
	uint8_t versions;
	int32_t version[HF_VERSION_PARTS];
	uint8_t id[HF_SHA256_BYTES];     /* digest of the manifest */
	uint8_t digest[HF_SHA256_BYTES]; /* digest of the content */
	uint32_t content_addr;
	uint32_t content_bytes;
	uint32_t table_bytes;
	uint32_t image_addr;
	uint32_t image_bytes;
};

/* Reads, authenticates and executes (validate, without image-match) a place's head: HF_OK says what should lie there,
 * not that it does. HF_ERR_NOT_FOUND: it begins with erased bytes. HF_ERR_UNSUPPORTED: a component that the place does
 * not take. *out is unspecified after an error. */
HF_MUST_USE enum hf_err hf_slot_read_head(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work,
					  struct hf_image *out);

/* hf_slot_read_head, then hashes table and image (HF_ERR_DIGEST), then checks the image's stack pointer and reset
 * vector (HF_ERR_RANGE: outside RAM, or not in the image). Some 0.3 s for a full slot. */
HF_MUST_USE enum hf_err hf_slot_verify(const struct hf_slot_env *env, unsigned place, struct hf_slot_work *work,
				       struct hf_image *out);

/* The last step of hf_slot_verify, for who has compared head and content otherwise. */
HF_MUST_USE enum hf_err hf_slot_check_vectors(const struct hf_slot_env *env, const struct hf_image *image);

/* From a parsed and authenticated manifest and what a run of its validate sequence left: fills *out, checks that all
 * fits `span`, that digest, size and image offset are there and aligned. Used by the slot's reader, the installer and
 * the tool. HF_ERR_UNSUPPORTED (a parameter is missing, a component that is none of ours), HF_ERR_RANGE,
 * HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_image_from_params(const struct hf_manifest *manifest, const struct hf_params *params,
					     struct hf_span span, struct hf_image *out);

#endif
