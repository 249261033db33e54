/* SPDX-License-Identifier: MIT
 *
 * The watchdog gets its food here, in the clock's interrupt, as long as the main loop makes progress: both have to live.
 */
#include "live.h"

#include "board.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"

struct hf_live hf_live;
__attribute__((section(".bss.ring"))) uint8_t hf_live_rx[HF_LIVE_RX_BYTES];
__attribute__((aligned(512))) struct hf_vectors hf_live_vectors;

static bool line_is_low(void)
{
	return !(GPIO_IDR(HF_BOARD_MAINT_RX_PORT) >> HF_BOARD_MAINT_RX_PIN & 1);
}

void hf_live_systick(void)
{
	struct hf_live *l = &hf_live;
	uint32_t now;

	hf_systick_tick();
	now = hf_systick_ms();
	if (hf_life_tick(&l->life, now, now))
		hf_iwdg_feed();
	l->low_ms = line_is_low() ? l->low_ms + 1 : 0;
	hf_led_set(&l->led, hf_led_stage_level(l->stage, now));
}

void hf_live_maintenance(void)
{
	hf_usart_stream_irq(&hf_live.maintenance);
}

void hf_live_progress(void *ctx)
{
	(void)ctx;
	hf_life_progress(&hf_live.life, hf_systick_ms());
}
