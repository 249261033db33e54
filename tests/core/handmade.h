/* SPDX-License-Identifier: MIT
 *
 * Small packages for tests: an image, its table, and the signed head that a slot keeps. Made with the writer only,
 * after docs/FORMAT.md, so that the tool's package builder and the device's reader are not each other's only
 * witnesses.
 */
#ifndef HF_TESTS_HANDMADE_H
#define HF_TESTS_HANDMADE_H

#include "crypto.h"
#include "slot.h"

#define PACKAGE_CONTENT_MAX 65536u
#define PACKAGE_HEAD_MAX    8192u

/* What goes wrong on purpose. */
enum package_flaw {
	FLAW_NONE,
	FLAW_NO_DIGEST,
	FLAW_NO_SIZE,
	FLAW_NO_OFFSET,
	FLAW_NO_SIGNATURE,
	FLAW_OTHER_KEY,   /* signed by a key that no keyset knows */
	FLAW_OTHER_DIGEST,
	FLAW_CLASS,       /* another class id */
	FLAW_VENDOR,
	FLAW_DEVICE,      /* made for another device */
};

struct package {
	/* Given. */
	uint64_t sequence;
	const char *component;
	uint32_t image_offset;
	bool for_device; /* with a device condition */
	enum package_flaw flaw;

	/* Made. */
	uint8_t content[PACKAGE_CONTENT_MAX]; /* table || canonical image */
	uint32_t content_bytes, table_bytes, image_bytes;
	uint8_t head[PACKAGE_HEAD_MAX]; /* with the prefix d8 6b a2 */
	uint32_t head_bytes;
};

extern const uint8_t package_vendor[16];
extern const uint8_t package_class[16];
extern const uint8_t package_device[16];
extern const struct hf_keyset package_keyset; /* the release key that signs */

/* An image of this size (a multiple of 4) whose vectors point into main RAM and itself, with every 8th word
 * relocated, and its table. */
void package_make_content(struct package *p, uint32_t image_bytes);

/* The head for the content that is there. */
void package_make_head(struct package *p);

/* Puts head and relocated image where a slot at `base` has them; flash is what lies at flash_addr. */
void package_install(const struct package *p, uint8_t *flash, uint32_t flash_addr, uint32_t base);

#endif
