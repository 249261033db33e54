/* SPDX-License-Identifier: MIT */
#include "led.h"

#include "gpio.h"

#define STEPS 1000u

/* A timer's registers, and its bit in which clock enable register; rows by number, 6 and 7 have no outputs. */
struct timer {
	uint32_t base;
	bool apb2;
	uint8_t bit;
};

static struct timer timer_of(unsigned number)
{
	if (number == 1 || number == 8)
		return (struct timer){ number == 1 ? 0x40010000u : 0x40010400u, true, number == 1 ? 0 : 1 };
	if (number >= 9 && number <= 11)
		return (struct timer){ 0x40014000u + 0x400u * (number - 9), true, (uint8_t)(16 + number - 9) };
	if (number >= 12)
		return (struct timer){ 0x40001800u + 0x400u * (number - 12), false, (uint8_t)(6 + number - 12) };
	return (struct timer){ 0x40000000u + 0x400u * (number - 2), false, (uint8_t)(number - 2) };
}

void hf_led_open(struct hf_led *led, const struct hf_led_config *config, const struct hf_clock *clock)
{
	struct timer timer = timer_of(config->timer);
	uint32_t hz = timer.apb2 ? clock->apb2_timer_hz : clock->apb1_timer_hz;
	uint32_t base = timer.base;
	unsigned shift = (config->channel - 1u) % 2u * 8u;

	if (timer.apb2)
		RCC_APB2ENR |= 1u << timer.bit;
	else
		RCC_APB1ENR |= 1u << timer.bit;
	(void)RCC_APB2ENR;
	*led = (struct hf_led){ .base = base, .channel = config->channel };
	TIM_PSC(base) = hz / 1000u / STEPS - 1u;
	TIM_ARR(base) = STEPS - 1u;
	TIM_CCR(base, config->channel) = 0;
	TIM_CCMR(base, config->channel) = 0x68u << shift; /* PWM mode 1, preloaded */
	TIM_CCER(base) = (config->active_low ? 3u : 1u) << (config->channel - 1u) * 4u;
	if (config->timer == 1 || config->timer == 8)
		TIM_BDTR(base) = 1u << 15;
	TIM_EGR(base) = 1;
	TIM_CR1(base) = 1;
	hf_gpio_setup(config->port, config->pin, HF_GPIO_ALTERNATE, HF_GPIO_FLOAT, config->alternate);
}
