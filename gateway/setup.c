/* SPDX-License-Identifier: MIT
 *
 * The vector table in RAM is filled by code: a table of constants would have to be copied anyway, and this one has 98
 * entries of which four differ.
 */
#include "setup.h"

#include "board.h"
#include "live.h"

#include "port/stm32f407/fault.h"
#include "port/stm32f407/gpio.h"
#include "port/stm32f407/parts.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"

#define POLL_LIMIT_MS  200u /* longer than any poll takes */
#define FIRST_REGISTER 0u
#define REGISTERS      4u

const struct hf_usart_config hf_setup_maintenance = HF_PARTS_MAINTENANCE;
static const struct hf_usart_config modbus = {
	.number = HF_BOARD_MODBUS_USART,
	.alternate = HF_BOARD_MODBUS_AF,
	.tx_port = HF_BOARD_MODBUS_TX_PORT,
	.tx_pin = HF_BOARD_MODBUS_TX_PIN,
	.rx_port = HF_BOARD_MODBUS_RX_PORT,
	.rx_pin = HF_BOARD_MODBUS_RX_PIN,
	.even_parity = true, /* what Modbus over Serial Line asks for by default */
	.baud = HF_BOARD_MODBUS_BAUD,
};
static const struct hf_led_config light = HF_PARTS_LIGHT;

_Static_assert(HF_CLOCK_CAN(HF_BOARD_SYSCLK_HZ), "the board file's sysclk_hz");

extern uint32_t hf_stack_end[];

static void move_vectors(void)
{
	struct hf_vectors *v = &hf_live_vectors;

	v->head = hf_vectors_flash;
	for (unsigned i = 1; i < sizeof v->head.exception / sizeof v->head.exception[0]; i++)
		v->head.exception[i] = hf_fault_exception;
	v->head.exception[14] = hf_live_systick;
	for (unsigned i = 0; i < HF_IRQS; i++)
		v->irq[i] = hf_fault_interrupt;
	v->irq[USART_IRQ(HF_BOARD_MAINT_USART)] = hf_live_maintenance;
	v->irq[USART_IRQ(HF_BOARD_MODBUS_USART)] = hf_live_modbus;
	SCB_VTOR = (uint32_t)(uintptr_t)v;
	hf_barrier();
}

static void open_modbus(struct hf_live *l, const struct hf_clock *clock)
{
	struct hf_settings settings = hf_settings_default(HF_BOARD_MODBUS_BAUD);

#if HF_BOARD_MODBUS_HAS_DE
	/* Low from the beginning, as a reset leaves it: the device listens. */
	hf_gpio_setup(HF_BOARD_MODBUS_DE_PORT, HF_BOARD_MODBUS_DE_PIN, HF_GPIO_OUTPUT, HF_GPIO_FLOAT, 0);
#endif
	hf_modbus_master_begin(&l->master, settings.slaves, FIRST_REGISTER, REGISTERS, hf_systick_ms());
	l->modbus = hf_usart_open(&modbus, clock);
	USART_CR1(l->modbus) |= USART_CR1_RXNEIE;
	NVIC_ISER(USART_IRQ(HF_BOARD_MODBUS_USART) / 32u) = 1u << USART_IRQ(HF_BOARD_MODBUS_USART) % 32u;
}

void hf_setup_modbus(const struct hf_settings *settings, const struct hf_clock *clock)
{
	struct hf_wait wait;
	bool done = false;

	hf_wait_begin(&wait, POLL_LIMIT_MS);
	while (!done && !hf_wait_over(&wait)) {
		__asm__ volatile("cpsid i" ::: "memory");
		done = hf_modbus_master_set(&hf_live.master, settings->address, settings->slaves, settings->poll_ms);
		if (done)
			hf_usart_set_baud(&modbus, clock, settings->baud);
		__asm__ volatile("cpsie i" ::: "memory");
		if (!done)
			__asm__ volatile("wfi");
	}
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
	hf_usart_stream_open(&l->maintenance, HF_BOARD_MAINT_USART, l->rx, sizeof l->rx, l->tx, sizeof l->tx);
	open_modbus(l, clock);
	hf_life_begin(&l->life, hf_systick_ms());
	hf_systick_start(clock->core_hz, true);
}

bool hf_setup_pin_held(void)
{
	bool high = GPIO_IDR(HF_BOARD_RECOVERY_PORT) >> HF_BOARD_RECOVERY_PIN & 1;

	return high != HF_BOARD_RECOVERY_ACTIVE_LOW;
}
