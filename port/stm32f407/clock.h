/* SPDX-License-Identifier: MIT
 *
 * The clock tree: the board's frequency (168 MHz) from the internal oscillator by the PLL, or 16 MHz without it.
 *
 * The internal oscillator (HSI) is always there; no crystal is needed for a device to start. If the PLL does not lock,
 * everything works at 16 MHz, slower: nobody may assume a frequency, all take it from struct hf_clock.
 */
#ifndef HF_CLOCK_H
#define HF_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct hf_clock {
	uint32_t core_hz;
	uint32_t apb1_hz;
	uint32_t apb2_hz;
	uint32_t apb1_timer_hz;
	uint32_t apb2_timer_hz;
	bool pll; /* false: the PLL did not lock, or the chip does not answer */
};

/* What the PLL can make: whole MHz from 50 to 168. */
#define HF_CLOCK_CAN(hz) ((hz) % 1000000 == 0 && (hz) >= 50000000 && (hz) <= 168000000)

/* Expects the clock tree as a reset leaves it. Starts SysTick (without interrupt) at the resulting clock. */
void hf_clock_start(struct hf_clock *clock, uint32_t sysclk_hz);
/* The clock tree, the caches and all peripherals' clocks back to what a reset leaves; the peripherals that boot uses
 * are reset. SysTick then counts at another rate: stop it before. */
void hf_clock_reset(void);

#endif
