/* SPDX-License-Identifier: MIT
 *
 * All of this runs from RAM in the gateway: the flash driver waits with it.
 */
#include "systick.h"

#include "stm32.h"

static volatile uint32_t ms;
static uint32_t ticks_per_ms = 16000;

void hf_systick_start(uint32_t core_hz, bool interrupt)
{
	ticks_per_ms = core_hz / 1000;
	SYST_CSR = 0;
	SYST_RVR = ticks_per_ms - 1;
	SYST_CVR = 0;
	SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_CORE | (interrupt ? SYST_CSR_TICKINT : 0);
}

void hf_systick_stop(void)
{
	SYST_CSR = 0;
	SYST_RVR = 0;
	SYST_CVR = 0;
	SCB_ICSR = SCB_ICSR_PENDSTCLR;
}

void hf_systick_tick(void)
{
	ms++;
}

uint32_t hf_systick_ms(void)
{
	uint32_t csr = SYST_CSR; /* clears the flag: one read decides */

	if (!(csr & SYST_CSR_TICKINT) && (csr & SYST_CSR_COUNTFLAG))
		ms++;
	return ms;
}

void hf_wait_begin(struct hf_wait *wait, uint32_t limit_ms)
{
	wait->since = hf_systick_ms();
	wait->limit_ms = limit_ms + 1; /* the first millisecond is already under way */
	wait->spins = wait->limit_ms * ticks_per_ms;
}

/* A turn of any loop takes several ticks, so the spins end a wait only when SysTick does not count. */
bool hf_wait_over(struct hf_wait *wait)
{
	if (hf_systick_ms() - wait->since >= wait->limit_ms)
		return true;
	if (wait->spins == 0)
		return true;
	wait->spins--;
	return false;
}
