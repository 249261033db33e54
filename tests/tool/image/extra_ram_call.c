/* SPDX-License-Identifier: MIT
 *
 * Code in RAM that calls flash: ld leads it over a veneer in RAM, whose literal has no relocation.
 */
#include "fw.h"

__attribute__((noinline)) uint32_t fw_called_from_ram(uint32_t x)
{
	return x * 7 + 2;
}

__attribute__((section(".ram_code"), noinline)) static uint32_t from_ram(uint32_t x)
{
	return fw_called_from_ram(x) + 3;
}

uint32_t fw_extra(void)
{
	return from_ram(4);
}
