/* SPDX-License-Identifier: MIT
 *
 * Packages: how they are built (docs/FORMAT.md).
 *
 * The result is the one canonical encoding of what the spec says, and ECDSA in files is deterministic, so the same spec and
 * key give the same bytes on every machine. (Not so with LMS, whose every signature takes another one-time key.)
 */
#ifndef HF_PACKAGE_H
#define HF_PACKAGE_H

#include "diag.h"
#include "file.h"
#include "key.h"
#include "layout.h"
#include "signer.h"
#include "suit.h"
#include "version.h"

#define HF_PACKAGE_DEVICES 8

/* A component's content: table || image. */
struct hf_package_content {
	struct hf_bytes table; /* len 0: the image is not relocated */
	struct hf_bytes image;
	uint32_t image_offset; /* in the slot; multiple of 512 */
};

struct hf_package_spec {
	const uint8_t *vendor_id; /* 16 bytes each; all is borrowed */
	const uint8_t *class_id;
	const char *vendor_name; /* three texts for people */
	const char *model_name;
	const char *description;
	struct hf_version version;
	uint64_t sequence;
	enum hf_component component;
	struct hf_version_conditions from;
	uint8_t device[HF_PACKAGE_DEVICES][16]; /* empty: every device of the class */
	unsigned devices;
	struct hf_package_content content[HF_SLOTS];
	unsigned contents; /* 1: one image for either slot; 2: a build for each */
};

/* Who signs a package. */
struct hf_package_signers {
	struct hf_signer *const *signer; /* borrowed */
	unsigned count;
	int later[HF_SUIT_SIGNATURES];   /* algorithms of signatures that others will add (sign_more.h): room is left */
	unsigned laters;
};

/* Builds the package. HF_ERR_TOO_LARGE: the head does not fit in front of the content (or in 4 KiB), or all is too
 * large for an upload; HF_ERR_RANGE: a spec that makes no sense; or a signer's error. Everything else is checked before the
 * first signature is made. The buffer is the caller's. */
HF_MUST_USE enum hf_err hf_package_build_by(const struct hf_package_spec *spec, const struct hf_package_signers *by,
					    struct hf_buffer *out, struct hf_diag *diag);

/* Sets the content's image_offset to the smallest one that leaves room for head, signatures and table. */
HF_MUST_USE enum hf_err hf_package_place_for(struct hf_package_spec *spec, const struct hf_package_signers *by,
					     struct hf_diag *diag);

/* The same with one key that is in memory. */
HF_MUST_USE enum hf_err hf_package_build(const struct hf_package_spec *spec, const struct hf_private_key *key,
					 struct hf_buffer *out, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_package_place(struct hf_package_spec *spec, const struct hf_private_key *key,
					 struct hf_diag *diag);

#endif
