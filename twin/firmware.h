/* SPDX-License-Identifier: MIT
 *
 * Firmware as a linker leaves it: the segments of an ELF that belong into flash, and where its functions are. Only for
 * files that this tree has built; everything is range-checked all the same.
 */
#ifndef HF_TWIN_FIRMWARE_H
#define HF_TWIN_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"

struct hf_firmware {
	const uint8_t *elf; /* borrowed */
	size_t len;
	uint32_t entry;
	uint32_t segments_at, segments;
	uint32_t sections_at, sections;
};

struct hf_firmware_segment {
	uint32_t load_addr;
	uint32_t run_addr; /* where start-up code copies it; load_addr for what stays */
	const uint8_t *bytes;
	uint32_t len;
};

/* HF_ERR_ENCODING for what is no 32-bit little-endian ARM ELF, HF_ERR_TRUNCATED when its tables are not all there. */
HF_MUST_USE enum hf_err hf_firmware_open(struct hf_firmware *firmware, const void *elf, size_t len);
/* Segment i of firmware->segments; false: nothing of it is loaded, or it is damaged. */
bool hf_firmware_segment(const struct hf_firmware *firmware, uint32_t i, struct hf_firmware_segment *segment);
/* HF_ERR_NOT_FOUND. A function's address comes without its Thumb bit. */
HF_MUST_USE enum hf_err hf_firmware_symbol(const struct hf_firmware *firmware, const char *name, uint32_t *addr);

#endif
