/* SPDX-License-Identifier: MIT
 *
 * The chip's own flash, as core/flash.h wants it.
 *
 * program() and erase() run from RAM (the linker scripts place flash_f4.c there): interrupts whose handlers are in RAM
 * go on meanwhile, anything else that is fetched from flash waits. The controller is unlocked for the time of an
 * operation only. Boot's sectors are never touched (HF_ERR_FLASH_LOCKED), whatever the option bytes say.
 */
#ifndef HF_FLASH_F4_H
#define HF_FLASH_F4_H

#include "core/flash.h"
#include "core/layout.h"

/* layout is kept. */
void hf_flash_f4_open(struct hf_flash *flash, const struct hf_layout *layout);
/* The same for boot, which never erases: erase() refuses (HF_ERR_FLASH_LOCKED), and its code is not linked. */
void hf_flash_f4_open_append(struct hf_flash *flash, const struct hf_layout *layout);

#endif
