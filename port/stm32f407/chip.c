/* SPDX-License-Identifier: MIT
 *
 * uid[0..5], 80 68 80 66, uid[6..11]: the tool makes the same of what a debug probe or the ROM loader reads. An
 * emulator that is no whole STM32F4 has no unique id either, and a read where nothing is would be a bus fault: the debug unit's
 * identity code, which reads as zero there, is asked first.
 */
#include "chip.h"

#include <stdbool.h>

#include "stm32.h"

void hf_chip_device_id(uint8_t id[HF_DEVICE_ID_BYTES])
{
	static const uint8_t middle[4] = { 0x80, 0x68, 0x80, 0x66 };
	const volatile uint8_t *uid = (const volatile uint8_t *)(uintptr_t)UID_BASE;
	bool there = DBGMCU_IDCODE != 0;

	for (unsigned i = 0; i < 6; i++) {
		id[i] = there ? uid[i] : 0;
		id[10 + i] = there ? uid[6 + i] : 0;
	}
	for (unsigned i = 0; i < 4; i++)
		id[6 + i] = middle[i];
}
