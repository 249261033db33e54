/* SPDX-License-Identifier: MIT
 *
 * What must not move: a sector's address given as an absolute symbol, a word that only looks like an address of the image, and
 * a peripheral.
 */
#include "fw.h"

extern uint8_t _config_sector[]; /* --defsym=_config_sector=0x080E0000 */
extern uint8_t _peripheral[];    /* --defsym=_peripheral=0x40011000 */

static const volatile uint32_t looks_like_one = 0x08020204;

uint32_t fw_extra(void)
{
	return (uint32_t)(uintptr_t)_config_sector + (uint32_t)(uintptr_t)_peripheral + looks_like_one;
}
