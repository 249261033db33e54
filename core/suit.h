/* SPDX-License-Identifier: MIT
 *
 * The SUIT profile: envelopes and manifests (draft-ietf-suit-manifest-37, docs/FORMAT.md).
 *
 * Strict and frozen: definite lengths, shortest encodings, ascending keys (the authentication wrapper excepted, as the
 * draft has it), no duplicates, one component, known codes only. What is outside is refused, never skipped. Order of
 * use: hf_envelope_parse -> hf_envelope_authenticate -> hf_manifest_parse -> hf_suit_run. Nothing is copied: all views
 * borrow from the caller's buffer, which must be a private copy (RAM) and stay unchanged, so that what was verified is
 * what is executed.
 */
#ifndef HF_SUIT_H
#define HF_SUIT_H

#include "keyset.h"

#define HF_SUIT_HEAD_MAX   4096 /* wrapper and manifest, as kept in a slot */
#define HF_SUIT_NESTING    4    /* try-each and run-sequence together */
#define HF_SUIT_SEVERABLE  3
#define HF_SUIT_MEMBERS    7    /* of a manifest: sequences and text; the last three are severable */
#define HF_SUIT_SIGNATURES 4    /* of an envelope at most: each costs a verification with each key */
#define HF_SUIT_PREFIX_BYTES 3  /* in front of the head in a slot: d8 6b a2 */
#define HF_VERSION_PARTS   4

enum hf_suit_severable { HF_SUIT_FETCH = 0, HF_SUIT_INSTALL = 1, HF_SUIT_TEXT = 2 };

struct hf_envelope {
	struct hf_bytes head; /* keys 2 and 3 with their values, contiguous: what a slot keeps behind d8 6b a2 */
	struct hf_bytes auth;          /* content of the authentication wrapper's bstr */
	struct hf_bytes manifest;      /* content of the manifest's bstr */
	struct hf_bytes manifest_item; /* the same with its bstr header: what the digest covers */
	struct hf_bytes severed_item[HF_SUIT_SEVERABLE]; /* severed members, bstr header included; len 0: absent */
	uint32_t payloads;             /* map entries that are integrated payloads, all behind the rest */
	size_t payload_begin;          /* offset in the buffer of the first payload's key; without one, of the end */
};

/* Parses everything before the first integrated payload; what lies behind is not looked at. HF_ERR_TRUNCATED while more
 * bytes are needed (and on a whole file: cut off), HF_ERR_TOO_LARGE if the head does not fit HF_SUIT_HEAD_MAX. */
HF_MUST_USE enum hf_err hf_envelope_parse(struct hf_bytes buf, struct hf_envelope *out);

/* The same for what a slot keeps: an envelope of two members. HF_ERR_UNSUPPORTED: it has others. */
HF_MUST_USE enum hf_err hf_envelope_parse_slot(struct hf_bytes buf, struct hf_envelope *out);

/* The header of an integrated payload (tstr key, bstr header) at the beginning of buf; its bytes follow at *header_len.
 * HF_ERR_TRUNCATED while more bytes are needed; never looks at more than HF_SUIT_PAYLOAD_HEADER_MAX. */
#define HF_SUIT_PAYLOAD_HEADER_MAX 72
HF_MUST_USE enum hf_err hf_payload_parse(struct hf_bytes buf, struct hf_bytes *key, uint32_t *size,
					 size_t *header_len);

/* Checks the manifest's digest, the severed members' digests against the manifest, and the signatures: one valid
 * signature by a key of `role` for each algorithm that the keyset demands. HF_ERR_DIGEST, HF_ERR_SIGNATURE (a matching
 * key exists, none verifies), HF_ERR_KEY (a demanded algorithm is absent or has no key), or a parse error.
 * manifest_digest gets the SHA-256 of manifest_item: the image's identity everywhere. */
HF_MUST_USE enum hf_err hf_envelope_authenticate(const struct hf_envelope *env, const struct hf_keyset *keyset,
						 enum hf_role role, const struct hf_crypto *crypto,
						 uint8_t manifest_digest[HF_SHA256_BYTES]);

/* The same for firmware that is installed already (hf_envelope_parse_slot; severed members are not looked at): where the signatures do not count (any more), but the keyset names the
 * manifest's digest, it is authentic, and *grandfathered says so. Such firmware starts as the last resort only, and is never
 * installed. */
HF_MUST_USE enum hf_err hf_envelope_trust(const struct hf_envelope *env, const struct hf_keyset *keyset,
					  enum hf_role role, const struct hf_crypto *crypto,
					  uint8_t manifest_digest[HF_SHA256_BYTES], bool *grandfathered);

struct hf_manifest {
	uint64_t sequence;
	struct hf_bytes component; /* the component identifier, encoded ([+ bstr]) */
	union {
		struct {
			struct hf_bytes shared; /* sequences: content of the bstr; len 0: absent */
			struct hf_bytes validate;
			struct hf_bytes load;
			struct hf_bytes invoke;
			struct hf_bytes fetch;  /* unsevered, or from the envelope */
			struct hf_bytes install;
			struct hf_bytes text;
		};
		struct hf_bytes member[HF_SUIT_MEMBERS]; /* the same, in this order */
	};
	uint32_t head_bytes;       /* that prefix, wrapper and manifest take in a slot */
	uint8_t versions;          /* parts of set-version; 0: absent */
	int32_t version[HF_VERSION_PARTS];
};

/* Parses the manifest and walks every sequence, so that a later run meets no malformed byte. env gives the severed
 * members, whose digests have been checked by hf_envelope_authenticate. */
HF_MUST_USE enum hf_err hf_manifest_parse(const struct hf_envelope *env, struct hf_manifest *out);

/* security_version << 32 | release (design: Package). */
static inline uint32_t hf_sequence_security(uint64_t sequence)
{
	return (uint32_t)(sequence >> 32);
}

static inline uint32_t hf_sequence_release(uint64_t sequence)
{
	return (uint32_t)sequence;
}

/* Parameters of the one component, as override-parameters left them. A view with len 0 and a number whose bit in `set`
 * is clear were never set. Own parameters are negative and stand in the install and validate sequences only. */
enum hf_suit_parameter {
	HF_PARAM_VENDOR = 1,
	HF_PARAM_CLASS = 2,
	HF_PARAM_DIGEST = 3,
	HF_PARAM_SLOT = 5,
	HF_PARAM_SOFT_FAILURE = 13,
	HF_PARAM_SIZE = 14,
	HF_PARAM_URI = 21,
	HF_PARAM_DEVICE = 24,
	HF_PARAM_VERSION = 28,
	HF_PARAM_TABLE_BYTES = -257,  /* uint: length of the relocation table in front of the image */
	HF_PARAM_IMAGE_OFFSET = -258, /* uint: the image's offset in its slot, a multiple of 512 */
	HF_PARAM_SEGMENTS = -259,     /* bstr: SHA-256 of each 16 KiB of content, concatenated */
};

#define HF_SEGMENT_BYTES 16384u

struct hf_params {
	uint32_t set; /* 1 << HF_SET_* */
	struct hf_bytes vendor, class_id, device, digest, uri, segments;
	uint32_t slot, size, table_bytes, image_offset;
	uint8_t version_op; /* 1 >, 2 >=, 3 =, 4 <=, 5 < */
	uint8_t version_parts;
	int32_t version[HF_VERSION_PARTS];
};
enum { HF_SET_SLOT, HF_SET_SIZE, HF_SET_TABLE_BYTES, HF_SET_IMAGE_OFFSET, HF_SET_VERSION };

/* What the conditions compare with. */
struct hf_suit_device {
	const uint8_t *vendor_id; /* 16 bytes each; borrowed */
	const uint8_t *class_id;
	const uint8_t *device_id;
	uint32_t slot;            /* the slot that is written, verified or started */
	uint8_t versions;         /* of the firmware that is confirmed now; 0: unknown, every version condition fails */
	int32_t version[HF_VERSION_PARTS];
};

/* What the caller does for the manifest. Any may be NULL: the step then succeeds without effect (a dry run). */
struct hf_suit_ops {
	void *ctx;
	enum hf_err (*fetch)(void *ctx, const struct hf_params *params);
	enum hf_err (*image_match)(void *ctx, const struct hf_params *params);
	enum hf_err (*invoke)(void *ctx, const struct hf_params *params);
};

/* Runs the shared sequence and then `sequence` on fresh parameters; *params is what they left. A failed condition
 * returns its own error (HF_ERR_VENDOR, HF_ERR_CLASS, HF_ERR_DEVICE, HF_ERR_VERSION, HF_ERR_SLOT, HF_ERR_DIGEST,
 * HF_ERR_ABORT); a try-each of which no alternative holds returns the error of its last one. */
HF_MUST_USE enum hf_err hf_suit_run(const struct hf_manifest *manifest, struct hf_bytes sequence,
				    const struct hf_suit_device *device, const struct hf_suit_ops *ops,
				    struct hf_params *params);

#endif
