/* SPDX-License-Identifier: MIT
 *
 * A symbol that moves with the image and lies far behind its end.
 */
#include "fw.h"

extern uint8_t _beyond[], _etext[];

uint32_t fw_extra(void)
{
	return (uint32_t)((uintptr_t)_beyond - (uintptr_t)_etext);
}
