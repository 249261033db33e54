/* SPDX-License-Identifier: MIT */
#include "setup.h"

#include "board.h"
#include "live.h"

#include "port/stm32f407/fault.h"
#include "port/stm32f407/parts.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"

const struct hf_usart_config hf_setup_maintenance = HF_PARTS_MAINTENANCE;
static const struct hf_led_config light = HF_PARTS_LIGHT;

_Static_assert(HF_CLOCK_CAN(HF_BOARD_SYSCLK_HZ), "the board file's sysclk_hz");

extern uint32_t hf_stack_end[];

static void move_vectors(void)
{
	struct hf_vectors *v = &hf_live_vectors;

	v->head.stack = hf_stack_end;
	for (unsigned i = 0; i < sizeof v->head.exception / sizeof v->head.exception[0]; i++)
		v->head.exception[i] = hf_fault_exception;
	v->head.exception[14] = hf_live_systick;
	for (unsigned i = 0; i < HF_IRQS; i++)
		v->irq[i] = hf_fault_interrupt;
	v->irq[USART_IRQ(HF_BOARD_MAINT_USART)] = hf_live_maintenance;
	SCB_VTOR = (uint32_t)(uintptr_t)v;
	hf_barrier();
}

void hf_setup_live(struct hf_clock *clock)
{
	struct hf_live *l = &hf_live;

	move_vectors();
	hf_clock_start(clock, HF_BOARD_SYSCLK_HZ);
	hf_led_open(&l->led, &light, clock);
	hf_gpio_setup(HF_BOARD_RECOVERY_PORT, HF_BOARD_RECOVERY_PIN, HF_GPIO_INPUT,
		      HF_BOARD_RECOVERY_ACTIVE_LOW ? HF_GPIO_PULL_UP : HF_GPIO_PULL_DOWN, 0);
	hf_usart_open(&hf_setup_maintenance, clock);
	hf_usart_stream_open(&l->maintenance, HF_BOARD_MAINT_USART, hf_live_rx, sizeof hf_live_rx, l->tx, sizeof l->tx);
	hf_life_begin(&l->life, hf_systick_ms());
	hf_systick_start(clock->core_hz, true);
}

bool hf_setup_pin_held(void)
{
	bool high = GPIO_IDR(HF_BOARD_RECOVERY_PORT) >> HF_BOARD_RECOVERY_PIN & 1;

	return high != HF_BOARD_RECOVERY_ACTIVE_LOW;
}
