/* SPDX-License-Identifier: MIT
 *
 * Executes a megabyte of flash on an STM32F4, from the vectors at its beginning, and takes the first line that it
 * prints on USART1. Two implementations, a test program each: the twin, and QEMU, which nobody here wrote.
 */
#ifndef RUN_FLASH_H
#define RUN_FLASH_H

#include <stddef.h>
#include <stdint.h>

#define FLASH_ADDR  0x08000000u
#define FLASH_BYTES 0x100000u

/* line is terminated, without its end; what came until then if the line does not end in time. */
void run_flash(const uint8_t flash[FLASH_BYTES], char *line, size_t cap);

#endif
