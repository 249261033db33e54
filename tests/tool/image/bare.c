/* SPDX-License-Identifier: MIT
 *
 * Firmware without data: its last address is the image's end, which is an address of the image and moves with it.
 */
#include "fw.h"

extern uint32_t _estack[], _etext[];

void reset_handler(void);

void reset_handler(void)
{
	*(volatile uint32_t *)0x20000000 = (uint32_t)(uintptr_t)_etext;
	for (;;)
		;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {_estack, reset_handler};
