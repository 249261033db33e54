/* SPDX-License-Identifier: MIT
 *
 * HSI / 8 * n / 2, n being the frequency in MHz: the PLL's input is 2 MHz, which ST recommends against jitter. Flash
 * gets its wait states before the clock rises. Every wait is bounded, also on an emulator whose RCC reads zero.
 */
#include "clock.h"

#include "stm32.h"
#include "systick.h"

#define HSI_HZ        16000000u
#define PLL_SETTINGS(mhz) (8u | (mhz) << 6 | 0u << 16 | 7u << 24) /* M, N, P = 2, source HSI, Q */
#define LATENCY_PLL   5u
#define LATENCY_HSI   0u
#define CACHES        (FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN)
#define LOCK_LIMIT_MS 2 /* the datasheet's maximum is 0.3 ms */

static bool wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, LOCK_LIMIT_MS);
	while ((*reg & mask) != value) {
		if (hf_wait_over(&wait))
			return false;
	}
	return true;
}

static bool start_pll(uint32_t mhz)
{
	RCC_PLLCFGR = PLL_SETTINGS(mhz);
	RCC_CR |= RCC_CR_PLLON;
	if (!wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
		RCC_CR &= ~RCC_CR_PLLON;
		return false;
	}
	FLASH_ACR = CACHES | LATENCY_PLL;
	if (!wait_for(&FLASH_ACR, 7, LATENCY_PLL))
		return false;
	RCC_CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2 | RCC_CFGR_SW_PLL;
	if (wait_for(&RCC_CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL))
		return true;
	RCC_CFGR = 0;
	RCC_CR &= ~RCC_CR_PLLON;
	return false;
}

void hf_clock_start(struct hf_clock *clock, uint32_t sysclk_hz)
{
	hf_systick_start(HSI_HZ, false);
	FLASH_ACR = CACHES | LATENCY_HSI;
	clock->pll = start_pll(sysclk_hz / 1000000);
	if (clock->pll) {
		clock->core_hz = sysclk_hz;
		clock->apb1_hz = sysclk_hz / 4;
		clock->apb2_hz = sysclk_hz / 2;
		clock->apb1_timer_hz = sysclk_hz / 2;
		clock->apb2_timer_hz = sysclk_hz;
	} else {
		clock->core_hz = HSI_HZ;
		clock->apb1_hz = HSI_HZ;
		clock->apb2_hz = HSI_HZ;
		clock->apb1_timer_hz = HSI_HZ;
		clock->apb2_timer_hz = HSI_HZ;
	}
	hf_systick_start(clock->core_hz, false);
}

/* The order matters: first the slow clock, then fewer wait states. Ports are reset too, so that the application finds
 * no pin driven. */
void hf_clock_reset(void)
{
	RCC_CR |= RCC_CR_HSION;
	wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY);
	RCC_CFGR = 0;
	wait_for(&RCC_CFGR, RCC_CFGR_SWS, 0);
	RCC_CR &= ~RCC_CR_PLLON;
	RCC_PLLCFGR = RCC_PLLCFGR_RESET;
	FLASH_ACR = LATENCY_PLL;
	FLASH_ACR = LATENCY_PLL | FLASH_ACR_ICRST | FLASH_ACR_DCRST;
	FLASH_ACR = 0;
	RCC_AHB1RSTR = 0x1ff | RCC_AHB1_DMA1 | RCC_AHB1_DMA2;
	RCC_APB1RSTR = ~RCC_APB1_PWR;
	RCC_APB2RSTR = ~0u;
	RCC_AHB1RSTR = 0;
	RCC_APB1RSTR = 0;
	RCC_APB2RSTR = 0;
	RCC_AHB1ENR = RCC_AHB1ENR_RESET;
	RCC_APB1ENR = 0;
	RCC_APB2ENR = 0;
}
