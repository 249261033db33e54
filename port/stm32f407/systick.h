/* SPDX-License-Identifier: MIT
 *
 * Milliseconds from SysTick, and bounded waits on hardware.
 *
 * Works with the SysTick interrupt (the gateway: hf_systick_tick() is its handler's first call) and without (boot: the
 * counter's flag is polled, so time stands still unless somebody asks at least once a millisecond). Waits are bounded
 * even if SysTick itself stands still.
 */
#ifndef HF_SYSTICK_H
#define HF_SYSTICK_H

#include <stdbool.h>
#include <stdint.h>

/* core_hz: SysTick's clock. May be called again when the clock has changed; the milliseconds go on. */
void hf_systick_start(uint32_t core_hz, bool interrupt);
/* SysTick off, as after a reset. */
void hf_systick_stop(void);
/* One millisecond has passed; for the interrupt's handler. */
void hf_systick_tick(void);
/* Since the first start; wraps after 49 days, so compare differences. */
uint32_t hf_systick_ms(void);

struct hf_wait {
	uint32_t since;
	uint32_t limit_ms;
	uint32_t spins;
};

/* A wait of at least limit_ms and at most a millisecond more. */
void hf_wait_begin(struct hf_wait *wait, uint32_t limit_ms);
/* To be asked in the loop that waits. */
bool hf_wait_over(struct hf_wait *wait);

#endif
