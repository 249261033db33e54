/* SPDX-License-Identifier: MIT
 *
 * Compiled with -funwind-tables: an entry in flash, relative to a function in RAM.
 */
#include "fw.h"

__attribute__((section(".ram_code"), noinline)) uint32_t fw_extra_base(const volatile uint32_t *x)
{
	return *x + 1;
}

uint32_t fw_extra(void)
{
	volatile uint32_t x = 4;

	return fw_extra_base(&x);
}
