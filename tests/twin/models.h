/* SPDX-License-Identifier: MIT
 *
 * The models that tests put into a fake machine, and the registers' addresses that the tests use.
 */
#ifndef HF_TESTS_TWIN_MODELS_H
#define HF_TESTS_TWIN_MODELS_H

#include "dma.h"
#include "fake_machine.h"
#include "gpio.h"
#include "led_pin.h"
#include "modbus_bus.h"
#include "tim.h"
#include "usart.h"

#define GPIO(port) (0x40020000u + 0x400u * (port))
#define MODER 0x00
#define OTYPER 0x04
#define PUPDR 0x0c
#define IDR   0x10
#define ODR   0x14
#define BSRR  0x18
#define AFRL  0x20
#define AFRH  0x24

#define USART1 0x40011000u
#define USART2 0x40004400u
#define USART_SR  0x00
#define USART_DR  0x04
#define USART_BRR 0x08
#define USART_CR1 0x0c
#define USART_CR2 0x10
#define USART_CR3 0x14
#define PE   0x01u
#define FE   0x02u
#define NE   0x04u
#define ORE  0x08u
#define IDLE 0x10u
#define RXNE 0x20u
#define TC   0x40u
#define TXE  0x80u
#define UE_TE_RE 0x200cu
#define RXNEIE 0x20u
#define TCIE   0x40u
#define TXEIE  0x80u
#define IDLEIE 0x10u
#define USART1_IRQ 37

/* A USART at 16 MHz and 100000 baud, 8N1: a bit of 10 us, a frame of 100 us, its end sampled at 96.25 us. */
#define BRR_100K 160u
#define BIT   10000ull
#define FRAME (10 * BIT)
#define TAKEN (9 * BIT + BIT * 10 / 16)

static void (*const all_models[])(struct hf_machine *machine) = {
	hf_gpio_add, hf_dma_add, hf_usart_add, hf_tim_add, hf_led_pin_add, hf_modbus_bus_add, NULL,
};

/* Both ends of a USART at 100000 baud. */
static inline void usart_begin(uint32_t base, unsigned unit, uint32_t cr1)
{
	const struct hf_twin_line line = { 100000, 8, 'N', 1 };
	hf_twin_uart_line(fake_twin(), unit, &line);
	fake_write(base + USART_BRR, BRR_100K);
	fake_write(base + USART_CR1, cr1);
}

static inline void usart_feed(unsigned unit, const void *data, size_t len)
{
	assert_int_equal(hf_twin_uart_send(fake_twin(), unit, data, len), HF_OK);
}

/* What the device sent. */
struct heard {
	uint8_t data[4096];
	uint64_t at_ns[4096];
	unsigned n;
};

static inline void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct heard *heard = ctx;
	assert_true(heard->n < 4096);
	heard->data[heard->n] = byte;
	heard->at_ns[heard->n++] = at_ns;
}

#endif
