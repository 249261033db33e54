/* SPDX-License-Identifier: MIT */
#include "usart.h"

#include "stm32.h"
#include "systick.h"

#define BYTE_LIMIT_MS 10 /* a byte at 1200 baud */

static uint32_t clock_of(const struct hf_usart_config *config, const struct hf_clock *clock)
{
	return config->number == 1 || config->number == 6 ? clock->apb2_hz : clock->apb1_hz;
}

void hf_usart_set_baud(const struct hf_usart_config *config, const struct hf_clock *clock, uint32_t baud)
{
	USART_BRR(USART_BASE(config->number)) = (clock_of(config, clock) + baud / 2) / baud;
}

uint32_t hf_usart_open(const struct hf_usart_config *config, const struct hf_clock *clock)
{
	uint32_t base = USART_BASE(config->number);
	bool apb2 = config->number == 1 || config->number == 6;

	if (apb2)
		RCC_APB2ENR |= config->number == 1 ? 1u << 4 : 1u << 5;
	else
		RCC_APB1ENR |= 1u << (15 + config->number);
	(void)RCC_APB2ENR;
	hf_gpio_setup(config->tx_port, config->tx_pin, HF_GPIO_ALTERNATE, HF_GPIO_PULL_UP, config->alternate);
	hf_gpio_setup(config->rx_port, config->rx_pin, HF_GPIO_ALTERNATE, HF_GPIO_PULL_UP, config->alternate);
	USART_CR1(base) = 0;
	USART_CR2(base) = 0;
	USART_CR3(base) = 0;
	hf_usart_set_baud(config, clock, config->baud);
	USART_CR1(base) = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE |
			  (config->even_parity ? USART_CR1_M | USART_CR1_PCE : 0);
	return base;
}

static void wait_for(uint32_t base, uint32_t flag)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, BYTE_LIMIT_MS);
	while (!(USART_SR(base) & flag) && !hf_wait_over(&wait))
		;
}

void hf_usart_send(uint32_t base, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--) {
		wait_for(base, USART_SR_TXE);
		USART_DR(base) = *p++;
	}
}

void hf_usart_drain(uint32_t base)
{
	wait_for(base, USART_SR_TC);
}
