/* SPDX-License-Identifier: MIT
 *
 * Would a device take this package? The same questions in the same order as on the device (core/update.h), asked on
 * the desk, so that what is refused is refused before a byte is sent, with a sentence that names both sides.
 */
#ifndef HF_PACKAGE_VERIFY_H
#define HF_PACKAGE_VERIFY_H

#include "board.h"
#include "keyset.h"
#include "package_read.h"
#include "slot.h"

/* The device, as far as it is known. Everything is borrowed. */
struct hf_package_device {
	const struct hf_board *board;
	const struct hf_keyset *keyset;
	const uint8_t *id;         /* 16 bytes; NULL: unknown */
	struct hf_version version; /* of the confirmed firmware; parts 0: unknown */
	bool sequence_known;
	uint64_t sequence;          /* of the confirmed firmware */
	const uint8_t *firmware_id; /* manifest digest of the confirmed firmware; NULL: unknown */
};

/* What could not be decided because it is not known of the device. */
enum hf_package_unchecked {
	HF_UNCHECKED_DEVICE = 1,   /* the package is for certain devices */
	HF_UNCHECKED_VERSION = 2,  /* the package upgrades from certain versions */
	HF_UNCHECKED_SEQUENCE = 4, /* security version and release against the confirmed firmware's */
};

/* What lands in a place. */
struct hf_package_target {
	struct hf_image image;
	const struct hf_package_payload *payload;
};

/* What the install sequence (without one: the validate sequence) leaves for a slot, on a device that the package is
 * for: an id or a version that it demands is supposed. HF_ERR_VERSION: no version fulfils its conditions. */
HF_MUST_USE enum hf_err hf_package_params(const struct hf_package *package, unsigned slot, struct hf_params *params);

/* Compares a payload with its signed digests, segment by segment. HF_ERR_DIGEST, with the place in the file;
 * HF_ERR_RANGE: the digests are not as many as there are segments. */
HF_MUST_USE enum hf_err hf_package_check_payload(const struct hf_package_payload *payload,
						 const struct hf_params *params, struct hf_diag *diag);

/* Checks all. HF_OK, or the device's error: HF_ERR_KEY, HF_ERR_SIGNATURE, HF_ERR_VENDOR, HF_ERR_CLASS, HF_ERR_DEVICE,
 * HF_ERR_VERSION, HF_ERR_SECURITY_VERSION, HF_ERR_RELEASE, HF_ERR_SAME_SEQUENCE, HF_ERR_SLOT (does not fit a
 * place on this board), HF_ERR_DIGEST (a payload is damaged), HF_ERR_UNSUPPORTED, HF_ERR_RANGE (an image that no boot would
 * start). target and *unchecked are filled on HF_OK: the slots, and for recovery its
 * partition too. */
HF_MUST_USE enum hf_err hf_package_verify(const struct hf_package *package, const struct hf_package_device *device,
					  struct hf_package_target target[HF_PLACES], unsigned *unchecked,
					  struct hf_diag *diag);

#endif
