/* SPDX-License-Identifier: MIT
 *
 * The end of a test firmware that is executed: it prints "check XXXXXXXX" on USART1, or "fault" if a word was missed and the
 * core ended in nowhere. Registers as RM0090 names them; 16 MHz HSI, 115200 baud.
 */
#include "fw.h"

#define REG(addr) (*(volatile uint32_t *)(addr))

#define RCC_AHB1ENR 0x40023830u
#define RCC_APB2ENR 0x40023844u
#define GPIOA_MODER 0x40020000u
#define GPIOA_AFRH  0x40020024u
#define USART1_SR   0x40011000u
#define USART1_DR   0x40011004u
#define USART1_BRR  0x40011008u
#define USART1_CR1  0x4001100Cu

static void put(char c)
{
	for (uint32_t tries = 0; tries < 100000 && !(REG(USART1_SR) & 1u << 7); tries++)
		;
	REG(USART1_DR) = (uint8_t)c;
}

static void open_line(void)
{
	REG(RCC_AHB1ENR) |= 1u << 0;
	REG(RCC_APB2ENR) |= 1u << 4;
	REG(GPIOA_MODER) = (REG(GPIOA_MODER) & ~(3u << 18)) | 2u << 18;
	REG(GPIOA_AFRH) = (REG(GPIOA_AFRH) & ~(15u << 4)) | 7u << 4;
	REG(USART1_BRR) = 16000000u / 115200u;
	REG(USART1_CR1) = 1u << 13 | 1u << 3;
}

/* Digits and letters are computed: a table of them would be one more word to relocate. */
void end(uint32_t sum)
{
	open_line();
	put('c'), put('h'), put('e'), put('c'), put('k'), put(' ');
	for (int shift = 28; shift >= 0; shift -= 4) {
		uint32_t digit = sum >> shift & 15;

		put((char)(digit < 10 ? '0' + digit : 'A' + digit - 10));
	}
	put('\n');
	for (;;)
		__asm volatile("wfi");
}

void fault(void)
{
	open_line();
	put('f'), put('a'), put('u'), put('l'), put('t'), put('\n');
	for (;;)
		__asm volatile("wfi");
}
