/* SPDX-License-Identifier: MIT
 *
 * Flash, as core sees it.
 *
 * The contract follows the F407's controller and holds for any flash that programs by the 32-bit word: erased bytes
 * are FF, programming only clears bits, one operation at a time. An implementation returns from an operation only after
 * the controller is idle, its error flags were read, and the result was read back. There is no cache.
 *
 * After a power loss during program(), at most one word holds anything (old, new, between, or different at each read);
 * those before it are complete, those behind it are untouched. After one during erase(), the whole sector is undefined.
 */
#ifndef HF_FLASH_H
#define HF_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HF_FLASH_WORD 4

struct hf_flash {
	void *ctx;

	/* Reads any range of any partition. */
	enum hf_err (*read)(void *ctx, uint32_t addr, void *buf, size_t len);

	/* Programs whole words in ascending order, equal or not to what is there. addr and len are multiples of 4; data
	 * needs no alignment. HF_ERR_FLASH_PROGRAM at the first word that does not read back as given (what follows is
	 * untouched), HF_ERR_FLASH_LOCKED, HF_ERR_TIMEOUT. */
	enum hf_err (*program)(void *ctx, uint32_t addr, const void *data, size_t len);

	/* Erases the sector that begins at addr, and checks that it reads blank. HF_ERR_FLASH_ERASE if not,
	 * HF_ERR_FLASH_LOCKED, HF_ERR_TIMEOUT, HF_ERR_RANGE if no sector begins there. */
	enum hf_err (*erase)(void *ctx, uint32_t addr);
};

#endif
