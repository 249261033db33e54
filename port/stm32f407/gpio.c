/* SPDX-License-Identifier: MIT */
#include "gpio.h"

#include "stm32.h"

static void set_field(volatile uint32_t *reg, unsigned pos, unsigned width, uint32_t value)
{
	uint32_t mask = ((1u << width) - 1) << pos;

	*reg = (*reg & ~mask) | value << pos;
}

void hf_gpio_setup(unsigned port, unsigned pin, enum hf_gpio_mode mode, enum hf_gpio_pull pull, unsigned alternate)
{
	RCC_AHB1ENR |= 1u << port;
	(void)RCC_AHB1ENR; /* the clock needs two cycles */
	set_field(&GPIO_PUPDR(port), pin * 2, 2, pull);
	set_field(&GPIO_OSPEEDR(port), pin * 2, 2, 1);
	set_field(&GPIO_AFR(port, pin), pin % 8 * 4, 4, alternate);
	set_field(&GPIO_MODER(port), pin * 2, 2, mode);
}
