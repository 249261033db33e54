/* SPDX-License-Identifier: MIT */
#include "iwdg.h"

#include "systick.h"

#define PRESCALER_64  4u    /* 500 Hz at 32 kHz */
#define RELOAD        4000u /* 8 s */
#define SYNC_LIMIT_MS 20    /* two registers, five LSI periods each, and the LSI's start */

/* The start comes first: it turns the LSI on, without which the registers are never taken over. If they are not taken
 * over in time, the watchdog runs with the shorter period of its reset values (0.5 s), which is the safe side. */
void hf_iwdg_start(void)
{
	struct hf_wait wait;

	IWDG_KR = IWDG_KEY_START;
	IWDG_KR = IWDG_KEY_UNLOCK;
	IWDG_PR = PRESCALER_64;
	IWDG_RLR = RELOAD;
	hf_wait_begin(&wait, SYNC_LIMIT_MS);
	while (IWDG_SR != 0 && !hf_wait_over(&wait))
		;
	IWDG_KR = IWDG_KEY_FEED;
}
