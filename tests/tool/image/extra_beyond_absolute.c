/* SPDX-License-Identifier: MIT
 *
 * The same, but ld makes the symbol absolute, as it does with what is computed from LOADADDR().
 */
#include "fw.h"

extern uint8_t _beyond_absolute[], _sidata[];

uint32_t fw_extra(void)
{
	return (uint32_t)((uintptr_t)_beyond_absolute - (uintptr_t)_sidata);
}
