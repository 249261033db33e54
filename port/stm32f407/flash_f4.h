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

/* Erases since the start, and how long the slowest one took. */
void hf_flash_f4_erases(uint32_t *erases, uint32_t *slowest_ms);

/* `hook` is called while the controller is busy: once in each word's 16 us, and after each interrupt while a sector is
 * erased (where SysTick's interrupt is on; else all the time). It runs from RAM, touches no
 * flash, begins no operation, and is done within some microseconds: the next word waits for it. NULL: none. */
void hf_flash_f4_set_idle(void (*hook)(void *ctx), void *ctx);

#endif
