/* SPDX-License-Identifier: MIT
 *
 * The chip's own ROM loader on its UARTs: AN3155, version 3.1, as an STM32F407 has it.
 *
 * Entered when the strap BOOT0 is high at a reset, or when the core jumps into system memory (words 0 and 1 there are
 * its stack pointer and entry); left by Go and by resets. It listens on USART1 (PA9, PA10) and USART3 (PB10, PB11 and
 * PC10, PC11), takes the rate from the first byte, which must be 0x7F at 8E1, and has no time-outs. It does not feed the
 * watchdog. At level 2 of the read protection it is not entered at all.
 *
 * It is a model of the loader's behaviour, not its code: it speaks through the registers of the modelled USARTs and of
 * the flash controller, so that lines, clocks, times, faults and cuts are the same as for firmware.
 */
#ifndef HF_TWIN_ROM_H
#define HF_TWIN_ROM_H

#include "machine.h"

#define HF_ROM_USER_RAM 0x20003000u /* below lies the loader's own */
#define HF_ROM_OTP_ADDR 0x1fff7800u
#define HF_ROM_OTP_SIZE 528u        /* 16 blocks of 32 bytes, and a lock byte for each */

void hf_rom_add(struct hf_machine *machine);
bool hf_rom_active(struct hf_machine *machine);
/* The next reset begins in the loader: BOOT0 is high, and the read protection is not at level 2. */
bool hf_rom_boots(struct hf_machine *machine);
/* Code at pc is the loader's. */
bool hf_rom_at(uint32_t pc);
/* The core has come to the loader's entry. */
void hf_rom_enter(struct hf_machine *machine);

#endif
