/* SPDX-License-Identifier: MIT
 *
 * The independent watchdog: nominal 8 s, 5.4 to 15 s over the range of its oscillator. Once started nothing but a reset
 * stops it, and the reset does.
 */
#ifndef HF_IWDG_H
#define HF_IWDG_H

#include "stm32.h"

#define HF_IWDG_NOMINAL_MS 8000
#define HF_IWDG_MIN_MS     5400

void hf_iwdg_start(void);

/* Inline: it is called from RAM. Without effect while the watchdog is not started. */
static inline void hf_iwdg_feed(void)
{
	IWDG_KR = IWDG_KEY_FEED;
}

#endif
