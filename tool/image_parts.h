/* SPDX-License-Identifier: MIT
 *
 * What image.c and image_one.c share. A mark is a byte for each word of the image: 1, if the word is to be relocated.
 */
#ifndef HF_IMAGE_PARTS_H
#define HF_IMAGE_PARTS_H

#include "image.h"

/* The number of words of the image, the last one padded. */
static inline uint32_t hf_firmware_words(const struct hf_firmware *fw)
{
	return (fw->len + 3) / 4;
}

/* Word i as linked; behind the end there is FF. */
uint32_t hf_firmware_word(const struct hf_firmware *fw, uint32_t i);

/* " (main+0x12)" for the word at a load address, or "" if nothing is known. */
struct hf_place {
	char text[80];
};

struct hf_place hf_firmware_place(const struct hf_firmware *fw, uint32_t addr);

/* Is it an ELF that was linked with --emit-relocs? */
bool hf_image_has_relocs(const struct hf_firmware *fw);

/* Looks at the relocations of an ELF whose marks came from two links: each that says "this word moves" must be marked,
 * and none may move anything else. exact: the bases are no multiple of 64 KiB apart,
 * so that types which nobody knows here are none that may hide. The marks stay as they are. */
HF_MUST_USE enum hf_err hf_image_check_relocs(const struct hf_firmware *fw, uint8_t *marks, bool exact,
					       struct hf_diag *diag);

/* Fills *content but for the warnings; marks NULL makes a fixed image. *content is unspecified after an error, to be
 * freed. */
HF_MUST_USE enum hf_err hf_image_finish(struct hf_image_content *content, const struct hf_firmware *fw,
					const uint8_t *marks, const struct hf_layout *layout, struct hf_diag *diag);

/* Sets "NAME: there is not enough memory", returns the error. */
HF_MUST_USE enum hf_err hf_image_no_memory(const struct hf_firmware *fw, struct hf_diag *diag);

#endif
