/* SPDX-License-Identifier: MIT
 *
 * A flash in memory, with flash's rules, so that core can read and write a file of flash as it does a device's.
 */
#ifndef HF_FLASH_IMAGE_H
#define HF_FLASH_IMAGE_H

#include "diag.h"
#include "flash.h"
#include "layout.h"
#include "package_read.h"
#include "slot.h"

struct hf_flash_image {
	const struct hf_layout *layout; /* kept */
	uint32_t addr, size;
	uint8_t *bytes;        /* owned */
	struct hf_flash flash; /* for core; its ctx is this struct, which is not moved */
};

/* A blank flash of the board's size. HF_ERR_IO: out of memory. */
HF_MUST_USE enum hf_err hf_flash_image_open(struct hf_flash_image *image, const struct hf_layout *layout,
					    struct hf_diag *diag);
void hf_flash_image_close(struct hf_flash_image *image);

/* Writes bytes where the flash is blank. HF_ERR_RANGE: they do not fit `span`. */
HF_MUST_USE enum hf_err hf_flash_image_put(struct hf_flash_image *image, struct hf_span span, uint32_t addr,
					   struct hf_bytes bytes);

/* Puts firmware into a place as a device's installer leaves it: head, table, relocated image. `content` is the payload
 * and `facts` comes from hf_image_from_params. Nothing is verified: hf_slot_verify does that afterwards. */
HF_MUST_USE enum hf_err hf_flash_image_install(struct hf_flash_image *image, unsigned place,
					       const struct hf_package *package, const struct hf_image *facts,
					       struct hf_bytes content);

#endif
