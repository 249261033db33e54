/* SPDX-License-Identifier: MIT
 *
 * Compiled with -funwind-tables: relative, and all of it in flash, so that nothing is to be relocated.
 */
#include "fw.h"

__attribute__((noinline)) static uint32_t frame(const volatile uint32_t *x)
{
	volatile uint32_t kept[20];

	kept[*x % 20] = 3;
	return kept[*x % 20] + fw_extra_base(x);
}

__attribute__((noinline)) uint32_t fw_extra_base(const volatile uint32_t *x)
{
	return *x + 1;
}

uint32_t fw_extra(void)
{
	volatile uint32_t x = 4;

	return frame(&x) + 1;
}
