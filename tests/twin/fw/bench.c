/* SPDX-License-Identifier: MIT
 *
 * Firmware for the twin's tests: a gateway in one file, at the 16 MHz that the chip starts with. USART1 (115200 8N1)
 * receives by DMA into a ring that never stops; USART2 (19200 8E1, RS-485) polls Modbus slave 1 every 100 ms; TIM4
 * breathes on PD12. Bytes are commands:
 *
 *   E erases sector 8 from RAM code         P programs 64 words of it     H starts the watchdog and hangs
 *   S says how much was received, and the sum of it     J runs the function in slot A     B light breathes, L is solid
 *   R resets by software                    K reads the recovery pin      T lets SysTick run, its handler in flash
 *
 * Anything else comes back in upper case.
 */
#include <stdint.h>

#define REG(addr) (*(volatile uint32_t *)(uintptr_t)(addr))

#define RCC_AHB1ENR REG(0x40023830)
#define RCC_APB1ENR REG(0x40023840)
#define RCC_APB2ENR REG(0x40023844)
#define RCC_CSR     REG(0x40023874)
#define GPIO(port, offset) REG(0x40020000 + 0x400 * (port) + (offset))
#define USART1(offset) REG(0x40011000 + (offset))
#define USART2(offset) REG(0x40004400 + (offset))
#define DMA2(offset) REG(0x40026400 + (offset))
#define TIM2(offset) REG(0x40000000 + (offset))
#define TIM4(offset) REG(0x40000800 + (offset))
#define FLASH_KEYR REG(0x40023c04)
#define FLASH_SR   REG(0x40023c0c)
#define FLASH_CR   REG(0x40023c10)
#define IWDG_KR    REG(0x40003000)
#define IWDG_PR    REG(0x40003004)
#define IWDG_RLR   REG(0x40003008)
#define AIRCR      REG(0xe000ed0c)
#define SYST(offset) REG(0xe000e010 + (offset))

#define SECTOR8 0x08080000u
#define RING    4096u

#define RAM_CODE __attribute__((section(".ram"), noinline, long_call))

extern uint32_t data_begin[], data_end[], data_load[], bss_begin[], bss_end[];

static uint8_t ring[RING];
static uint32_t taken, received, sum;
static volatile uint32_t ticks;
static uint32_t poll_at, breath_at, breathing;

void reset(void);
void slot_function(void);
int main(void);

static void unexpected(void)
{
	for (;;)
		;
}

static void tick(void)
{
	ticks++;
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
	(void *)0x20020000, (void *)reset, (void *)unexpected, (void *)unexpected, [15] = (void *)tick,
};

void reset(void)
{
	const uint32_t *from = data_load;
	for (uint32_t *to = data_begin; to < data_end; to++)
		*to = *from++;
	for (uint32_t *to = bss_begin; to < bss_end; to++)
		*to = 0;
	main();
}

static uint32_t now_us(void)
{
	return TIM2(0x24);
}

static void put(uint8_t byte)
{
	while ((USART1(0) & 0x80) == 0)
		;
	USART1(4) = byte;
}

static void say(const char *text)
{
	while (*text != 0)
		put((uint8_t)*text++);
}

static void say_number(uint32_t value)
{
	char text[12];
	unsigned n = 0;
	do
		text[n++] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	while (n > 0)
		put((uint8_t)text[--n]);
}

/* ---- flash, from RAM: an access to flash would wait for the end of the operation ---- */

RAM_CODE static void flash_operation(uint32_t cr, volatile uint32_t *to, uint32_t value)
{
	FLASH_CR = cr;
	if (to != 0)
		*to = value;
	else
		FLASH_CR = cr | 1u << 16;
	while ((FLASH_SR & 1u << 16) != 0)
		;
	FLASH_CR = 0;
}

static void unlock(void)
{
	if ((FLASH_CR & 1u << 31) != 0) {
		FLASH_KEYR = 0x45670123;
		FLASH_KEYR = 0xcdef89ab;
	}
}

static void erase(void)
{
	unlock();
	flash_operation(2u << 8 | 8u << 3 | 1u << 1, 0, 0);
	say("erased\r\n");
}

static void program(void)
{
	unlock();
	for (uint32_t i = 0; i < 64; i++)
		flash_operation(2u << 8 | 1u, (volatile uint32_t *)(SECTOR8 + 4 * i), 0x01010101u * i);
	say("programmed\r\n");
}

/* ---- set-up ---- */

static void set_mode(unsigned port, unsigned pin, uint32_t mode, uint32_t function)
{
	GPIO(port, 0x20 + pin / 8 * 4) |= function << pin % 8 * 4;
	GPIO(port, 0x00) = (GPIO(port, 0x00) & ~(3u << 2 * pin)) | mode << 2 * pin;
}

static void set_up_usarts(void)
{
	set_mode(0, 9, 2, 7);
	set_mode(0, 10, 2, 7);
	USART1(0x08) = 139; /* 115108 baud */
	DMA2(0x10 + 0x18 * 2 + 8) = 0x40011004;
	DMA2(0x10 + 0x18 * 2 + 12) = (uint32_t)(uintptr_t)ring;
	DMA2(0x10 + 0x18 * 2 + 4) = RING;
	DMA2(0x10 + 0x18 * 2) = 4u << 25 | 1u << 10 | 1u << 8;
	DMA2(0x10 + 0x18 * 2) |= 1;
	USART1(0x14) = 1u << 6;
	USART1(0x0c) = 0x200c;

	set_mode(0, 1, 1, 0);
	set_mode(0, 2, 2, 7);
	set_mode(0, 3, 2, 7);
	USART2(0x08) = 833; /* 19208 baud */
	USART2(0x0c) = 0x200c | 1u << 12 | 1u << 10;
}

static void set_up(void)
{
	RCC_AHB1ENR = 0x1ff | 1u << 22;
	RCC_APB1ENR = 1u << 0 | 1u << 2 | 1u << 17;
	RCC_APB2ENR = 1u << 4;
	TIM2(0x28) = 15; /* microseconds */
	TIM2(0x14) = 1;
	TIM2(0x00) = 1;
	set_up_usarts();
	set_mode(3, 12, 2, 2);
	TIM4(0x28) = 15;
	TIM4(0x2c) = 999;
	TIM4(0x18) = 0x68;
	TIM4(0x20) = 1;
	TIM4(0x14) = 1;
	TIM4(0x00) = 1;
}

/* ---- Modbus: one poll, answer awaited ---- */

static void poll(void)
{
	static const uint8_t request[] = { 0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xc4, 0x0b };
	GPIO(0, 0x18) = 1u << 1;
	(void)USART2(0);
	for (unsigned i = 0; i < sizeof(request); i++) {
		while ((USART2(0) & 0x80) == 0)
			;
		USART2(4) = request[i];
	}
	while ((USART2(0) & 0x40) == 0)
		;
	GPIO(0, 0x18) = 1u << 17;
}

static void drain_modbus(void)
{
	if ((USART2(0) & 0x20) != 0)
		(void)USART2(4);
}

/* A triangle of 2 seconds, in steps of 10 ms. */
static void breathe(void)
{
	uint32_t phase = breath_at / 10000 % 200;
	TIM4(0x34) = breathing ? 10 * (phase < 100 ? phase : 200 - phase) : 1000;
}

__attribute__((section(".slot"), noinline, long_call)) void slot_function(void)
{
	GPIO(0, 0x18) = 0;
}

/* ---- commands ---- */

static void say_reset_cause(void)
{
	uint32_t csr = RCC_CSR;
	RCC_CSR = 1u << 24;
	say("bench ");
	if ((csr & 1u << 29) != 0)
		say("watchdog");
	else if ((csr & 1u << 28) != 0)
		say("software");
	else
		say((csr & 1u << 27) != 0 ? "power" : "pin");
	say("\r\n");
}

static void hang(void)
{
	IWDG_KR = 0x5555;
	IWDG_PR = 0;
	IWDG_RLR = 800;
	IWDG_KR = 0xcccc;
	for (;;)
		;
}

static void obey(uint8_t command)
{
	if (command == 'E') {
		erase();
	} else if (command == 'P') {
		program();
	} else if (command == 'H') {
		hang();
	} else if (command == 'J') {
		slot_function();
	} else if (command == 'B' || command == 'L') {
		breathing = command == 'B';
	} else if (command == 'R') {
		AIRCR = 0x05fa0004;
	} else if (command == 'T') {
		SYST(4) = 16000 - 1;
		SYST(0) = 7;
	} else if (command == 'K') {
		say((GPIO(4, 0x10) & 4) != 0 ? "up\r\n" : "down\r\n");
	} else if (command == 'S') {
		say_number(received);
		say(" ");
		say_number(sum);
		say("\r\n");
	} else {
		put(command >= 'a' && command <= 'z' ? command - 32 : command);
	}
}

int main(void)
{
	set_up();
	say_reset_cause();
	for (;;) {
		uint32_t at = (RING - DMA2(0x10 + 0x18 * 2 + 4)) % RING;
		while (taken != at) {
			uint8_t byte = ring[taken];
			taken = (taken + 1) % RING;
			received++;
			sum += byte;
			if (byte >= ' ' && byte < 0x7f)
				obey(byte);
		}
		drain_modbus();
		if (now_us() - poll_at >= 100000) {
			poll_at += (now_us() - poll_at) / 100000 * 100000;
			poll();
		}
		if (now_us() - breath_at >= 10000) {
			breath_at += 10000;
			breathe();
		}
	}
}
