/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole: see live.h. Nothing here may call, or read, what is in flash; the build compares the RAM part
 * of the two links, which would differ if it held an address in flash.
 */
#include "live.h"

#include "board.h"
#include "port/stm32f407/iwdg.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"

struct hf_live hf_live;
__attribute__((aligned(512))) struct hf_vectors hf_live_vectors;

/* Direction of the RS-485 transceiver; a board without the pin has an automatic one, or RS-232. */
static void drive(bool on)
{
#if HF_BOARD_MODBUS_HAS_DE
	GPIO_BSRR(HF_BOARD_MODBUS_DE_PORT) = 1u << (HF_BOARD_MODBUS_DE_PIN + (on ? 0 : 16));
#else
	(void)on;
#endif
}

static void modbus_send(struct hf_live *l)
{
	l->request_at = 0;
	drive(true);
	USART_CR1(l->modbus) |= USART_CR1_TXEIE;
}

void hf_live_systick(void)
{
	struct hf_live *l = &hf_live;
	uint32_t now;

	hf_systick_tick();
	now = hf_systick_ms();
	if (hf_modbus_master_tick(&l->master, now))
		modbus_send(l);
	if (hf_life_tick(&l->life, l->master.polls, now))
		hf_iwdg_feed();
	hf_led_set(&l->led, hf_led_stage_level(l->stage, now));
}

void hf_live_maintenance(void)
{
	hf_usart_stream_irq(&hf_live.maintenance);
}

void hf_live_modbus(void)
{
	struct hf_live *l = &hf_live;
	uint32_t cr1 = USART_CR1(l->modbus);
	uint32_t sr = USART_SR(l->modbus);

	if (sr & (USART_SR_RXNE | USART_SR_ORE)) {
		bool damaged = sr & (USART_SR_PE | USART_SR_FE | USART_SR_ORE);

		hf_modbus_master_take(&l->master, (uint8_t)USART_DR(l->modbus), damaged, hf_systick_ms());
	}
	if ((sr & USART_SR_TXE) && (cr1 & USART_CR1_TXEIE)) {
		USART_DR(l->modbus) = l->master.request[l->request_at++];
		if (l->request_at == HF_MODBUS_REQUEST_BYTES)
			USART_CR1(l->modbus) = (cr1 & ~USART_CR1_TXEIE) | USART_CR1_TCIE;
	} else if ((sr & USART_SR_TC) && (cr1 & USART_CR1_TCIE)) {
		USART_CR1(l->modbus) = cr1 & ~USART_CR1_TCIE;
		drive(false);
		hf_modbus_master_sent(&l->master, hf_systick_ms());
	}
}

void hf_live_progress(void *ctx)
{
	(void)ctx;
	hf_life_progress(&hf_live.life, hf_systick_ms());
}
