/* SPDX-License-Identifier: MIT
 *
 * Packages as they are read on a host: whole, by core's own parser, so that host and device cannot disagree.
 */
#ifndef HF_PACKAGE_READ_H
#define HF_PACKAGE_READ_H

#include "diag.h"
#include "layout.h"
#include "package.h"
#include "policy.h"
#include "suit.h"

#define HF_PACKAGE_PAYLOADS 4
#define HF_PACKAGE_FILE_MAX (16u << 20)

struct hf_package_payload {
	struct hf_bytes key; /* "#image" */
	struct hf_bytes bytes;
	size_t offset; /* of the bytes, in the file */
};

/* Everything borrows from the file's bytes. */
struct hf_package {
	struct hf_bytes file;
	struct hf_envelope envelope;
	struct hf_manifest manifest;
	uint8_t id[HF_SHA256_BYTES]; /* manifest digest */
	int32_t alg[HF_SUIT_SIGNATURES];
	unsigned signatures;
	struct hf_package_payload payload[HF_PACKAGE_PAYLOADS];
	unsigned payloads;
};

/* Reads a package and checks that it is whole: encoding, digests of manifest and severed members, all commands known.
 * Not the signatures, and not what its payloads are compared with (package_verify.h). HF_ERR_TRUNCATED,
 * HF_ERR_ENCODING, HF_ERR_TYPE, HF_ERR_RANGE, HF_ERR_UNSUPPORTED, HF_ERR_TOO_LARGE, HF_ERR_DIGEST, HF_ERR_KEY (no
 * signature at all). */
HF_MUST_USE enum hf_err hf_package_read(struct hf_bytes file, struct hf_package *out, struct hf_diag *diag);

/* The same for the head in a slot: d8 6b a2, wrapper, manifest, without severed members and payloads. `file` may go
 * on behind it. */
HF_MUST_USE enum hf_err hf_package_read_head(struct hf_bytes file, struct hf_package *out, struct hf_diag *diag);

/* What the policy looks at; valid where the component is one of ours. */
struct hf_slot_fact hf_package_fact(const struct hf_package *package);

/* The payload with this key; NULL: none. */
const struct hf_package_payload *hf_package_find(const struct hf_package *package, struct hf_bytes key);

/* What a package demands of a device, gathered from its sequences. */
struct hf_package_needs {
	bool vendor_known, class_known;
	uint8_t vendor_id[16], class_id[16];
	uint8_t device[HF_PACKAGE_DEVICES][16];
	unsigned devices; /* 0: any; more than HF_PACKAGE_DEVICES are counted, not kept */
	struct hf_version_conditions from;
};
void hf_package_needs(const struct hf_package *package, struct hf_package_needs *out);

/* Texts for people, signed with the rest; empty where the package has none. */
struct hf_package_text {
	struct hf_bytes description, vendor, model, version;
};
void hf_package_text(const struct hf_package *package, struct hf_package_text *out);

#endif
