/* SPDX-License-Identifier: MIT
 *
 * Images of a wanted size, for measurements: padding that does not compress, and is the same every time.
 */
#ifndef HF_PAD_H
#define HF_PAD_H

#include "image.h"

/* Grows the image to `size` bytes (a multiple of 4), and its table with it. HF_ERR_RANGE: it is larger already, or
 * size is no multiple of 4; content is unchanged then. */
HF_MUST_USE enum hf_err hf_image_pad(struct hf_image_content *content, uint32_t size, struct hf_diag *diag);

#endif
