/* SPDX-License-Identifier: MIT
 *
 * Stays in flash, and uses no stack: the fault may be the stack's.
 */
#include "reset.h"
#include "stm32.h"

__attribute__((noreturn)) void hf_reset_early(void)
{
	RCC_APB1ENR |= RCC_APB1_PWR;
	(void)RCC_APB1ENR;
	PWR_CR |= PWR_CR_DBP;
	RTC_BKPR(HF_BKP_CRASH) = HF_FAULT_EARLY;
	RTC_BKPR(HF_BKP_MARKER) = HF_TAG_MARKER << 16 | HF_FAULT_EARLY;
	hf_barrier();
	SCB_AIRCR = SCB_AIRCR_RESET;
	for (;;)
		;
}
