/* SPDX-License-Identifier: MIT
 *
 * Questions about flash, the watchdog and the backup registers.
 */
#include "fw.h"

enum { PG = 1, SER = 2, X8 = 0, X16 = 1 << 8, X32 = 2 << 8, STRT = 1 << 16, EOPIE = 1 << 24, BSY = 1 << 16 };
#define LOCK (1u << 31)

void flash_unlock(void)
{
	FLASH_KEYR = 0x45670123;
	FLASH_KEYR = 0xcdef89ab;
}

void flash_wait(void)
{
	while (FLASH_SR & BSY)
		;
}

RAMFUNC void flash_wait_ram(void)
{
	while (FLASH_SR & BSY)
		;
}

RAMFUNC static void program_ram(uint32_t addr, uint32_t value)
{
	FLASH_CR = PG | X32;
	REG(addr) = value;
	flash_wait_ram();
	FLASH_CR = 0;
}

RAMFUNC static uint32_t erase_ram(uint32_t sector, uint32_t psize)
{
	uint32_t spins = 0;

	FLASH_CR = SER | sector << 3 | psize;
	FLASH_CR = SER | sector << 3 | psize | STRT;
	while (FLASH_SR & BSY)
		spins++;
	FLASH_CR = 0;
	return spins;
}

void fw_program(void)
{
	uint32_t begin;

	fw_clock_168();
	DEMCR = 1 << 24;
	DWT_CTRL = 1;
	flash_unlock();
	answer(FLASH_CR >> 31);
	begin = DWT_CYCCNT;
	program_ram(FW_SCRATCH, 0x12345678);
	answer(DWT_CYCCNT - begin);
	answer(REG(FW_SCRATCH));
	program_ram(FW_SCRATCH, 0xf0f0ffff); /* clears bits only */
	answer(REG(FW_SCRATCH));
	begin = DWT_CYCCNT;
	FLASH_CR = PG | X32; /* from flash: the core stalls */
	REG(FW_SCRATCH + 4) = 1;
	REG(FW_SCRATCH + 8) = 2;
	flash_wait();
	answer(DWT_CYCCNT - begin);
	answer(REG(FW_SCRATCH + 4));
	answer(REG(FW_SCRATCH + 8));
	answer(FLASH_SR);
	FLASH_CR = PG | X8 | EOPIE;
	*(volatile uint8_t *)(FW_SCRATCH + 13) = 0x5a;
	flash_wait();
	answer(REG(FW_SCRATCH + 12));
	answer(FLASH_SR); /* EOP, as it is asked for */
	FLASH_SR = 1;
	FLASH_CR = PG | X16;
	*(volatile uint16_t *)(FW_SCRATCH + 16) = 0xbeef;
	flash_wait();
	answer(REG(FW_SCRATCH + 16));
	FLASH_CR = LOCK;
	FLASH_CR = PG | X32;
	answer(FLASH_CR);
}

static void try_store(uint32_t cr, uint32_t addr, unsigned size)
{
	FLASH_CR = cr;
	if (size == 4)
		REG(addr) = 0;
	else if (size == 2)
		*(volatile uint16_t *)addr = 0;
	else
		*(volatile uint8_t *)addr = 0;
	answer(FLASH_SR);
	flash_wait();
	FLASH_SR = 0xf3;
}

void fw_flash_errors(void)
{
	try_store(PG | X32, FW_SCRATCH, 4);      /* locked: CR did not take it */
	answer(REG(FW_SCRATCH));
	flash_unlock();
	try_store(X32, FW_SCRATCH, 4);           /* no PG */
	try_store(PG | X32, FW_SCRATCH, 2);      /* narrower than PSIZE */
	try_store(PG | X16, FW_SCRATCH, 4);
	try_store(PG | X32, FW_SCRATCH + 14, 4); /* across a row of 16 bytes */
	try_store(PG | SER | X32, FW_SCRATCH, 4);
	answer(REG(FW_SCRATCH));
	try_store(PG | X32, 0x080c0000, 4);      /* sector 10 is write-protected by this test */
	answer(REG(0x080c0000));
	FLASH_CR = SER | 10 << 3 | X32;
	FLASH_CR |= STRT;
	answer(FLASH_SR);
	FLASH_SR = 0xf3;
	FLASH_CR = SER | 12 << 3 | X32;          /* no such sector */
	FLASH_CR |= STRT;
	answer(FLASH_SR);
}

static void note_fault(uint32_t *frame, uint32_t ipsr)
{
	(void)frame;
	(void)ipsr;
	answer(SCB_CFSR);
	SCB_CFSR = 0xffffffff;
}

void fw_wrong_key(void)
{
	if (RCC_CSR & 1u << 28) {
		answer(REG(0x20008000));
		answer(REG(0x20008004));
		flash_unlock();
		answer(FLASH_CR >> 31);
		return;
	}
	fw_on_fault = note_fault;
	FLASH_KEYR = 0x45670123;
	FLASH_KEYR = 0x45670123;
	__asm volatile("dsb\nisb" ::: "memory");
	flash_unlock();
	answer(FLASH_CR >> 31);
	REG(0x20008000) = REG(FW_ANSWERS + 4);
	REG(0x20008004) = REG(FW_ANSWERS + 8);
	SCB_AIRCR = 0x05fa0004;
	for (;;)
		;
}

void fw_erase(void)
{
	fw_clock_168();
	flash_unlock();
	program_ram(FW_SCRATCH, 0);
	answer(erase_ram(argument(1), argument(2)) != 0);
	answer(REG(FW_SCRATCH));
}

static volatile uint32_t ticks;

static void tick(void)
{
	ticks = ticks + 1;
}

/* The handler is in flash: it waits for the erase, whoever started it. */
void fw_erase_stalled(void)
{
	fw_clock_168();
	flash_unlock();
	fw_on_systick = tick;
	SYST_RVR = 168000 - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	answer(erase_ram(FW_SCRATCH_SECTOR, X32));
	answer(ticks);
}

void fw_erase_all_ways(void)
{
	uint32_t begin;

	fw_clock_168();
	DEMCR = 1 << 24;
	DWT_CTRL = 1;
	flash_unlock();
	begin = DWT_CYCCNT;
	FLASH_CR = SER | FW_SCRATCH_SECTOR << 3 | X32 | STRT; /* code in flash: nothing goes on */
	answer(DWT_CYCCNT - begin);
	answer(FLASH_SR & BSY);
}

/* Reads a constant in flash from code in RAM while it is erased. */
RAMFUNC static uint32_t read_while_erasing(const volatile uint32_t *constant)
{
	uint32_t value;

	FLASH_CR = SER | FW_SCRATCH_SECTOR << 3 | X32 | STRT;
	value = constant[argument(1)];
	return value;
}

void fw_data_stall(void)
{
	fw_clock_168();
	DEMCR = 1 << 24;
	DWT_CTRL = 1;
	flash_unlock();
	uint32_t begin = DWT_CYCCNT;
	read_while_erasing((const volatile uint32_t *)0x08000000);
	answer(DWT_CYCCNT - begin);
}

void fw_watchdog(void)
{
	answer(RCC_CSR >> 24);
	if (RCC_CSR & 1u << 29)
		return;
	IWDG_KR = 0x5555;
	IWDG_PR = 4; /* 64 */
	IWDG_RLR = 499;
	while (IWDG_SR)
		;
	IWDG_KR = 0xaaaa;
	IWDG_KR = 0xcccc;
	for (uint32_t i = 0; i < argument(1); i++) {
		SYST_RVR = 16000000 / 2 - 1; /* feed after 0.5 s, less than the fastest LSI's time */
		SYST_CVR = 0;
		SYST_CSR = 5;
		while (!(SYST_CSR & 1 << 16))
			;
		IWDG_KR = 0xaaaa;
	}
	IWDG_KR = 0; /* nothing stops it */
	answer(1);
	for (;;)
		;
}

void fw_backup(void)
{
	RCC_APB1ENR |= 1 << 28;
	answer(RTC_BKP(3));
	RTC_BKP(3) = 1;
	answer(RTC_BKP(3));
	PWR_CR |= 1 << 8;
	RTC_BKP(3) = 0xcafe0000 + argument(1);
	answer(RTC_BKP(3));
}

/* Words argument(2) + i * argument(3) at argument(1)..., argument(4) of them. */
void fw_write_words(void)
{
	fw_clock_168();
	flash_unlock();
	for (uint32_t i = 0; i < argument(4); i++)
		program_ram(argument(1) + 4 * i, argument(2) + i * argument(3));
	answer(1);
	if (argument(5) != 0xffffffff) {
		erase_ram(argument(5), X32);
		answer(2);
	}
}

/* A word, and how many of 64 readings differ from it, each some microseconds after the other. */
void fw_read_word(void)
{
	uint32_t first = REG(argument(1)), differ = 0, ones = first, zeros = ~first;

	for (uint32_t i = 0; i < 64; i++) {
		uint32_t word;

		for (volatile uint32_t wait = 0; wait < 200; wait = wait + 1)
			;
		word = REG(argument(1));
		differ += word != first;
		ones |= word;
		zeros |= ~word;
	}
	answer(first);
	answer(differ);
	answer(ones & zeros); /* the bits that were seen both ways */
}

/* movs r0, #n; bx lr */
static void program_function(uint32_t addr, uint32_t n)
{
	program_ram(addr, 0x47702000 | n);
}

void fw_new_code(void)
{
	uint32_t (*function)(void) = (uint32_t (*)(void))(FW_SCRATCH + 0x101);
	volatile uint32_t ram[2];
	uint32_t (*in_ram)(void) = (uint32_t (*)(void))((uint32_t)ram | 1);

	fw_clock_168();
	flash_unlock();
	program_function(FW_SCRATCH + 0x100, 0xff);
	answer(function());
	program_function(FW_SCRATCH + 0x100, 0x07); /* clears bits of the immediate */
	answer(function());
	erase_ram(FW_SCRATCH_SECTOR, X32);
	program_function(FW_SCRATCH + 0x100, 0x2a);
	answer(function());
	for (uint32_t i = 0; i < 3; i++) {
		ram[0] = 0x47702000 | i;
		__asm volatile("dsb\nisb" ::: "memory");
		answer(in_ram());
	}
}

/* Erases the scratch sector, then programs its first argument(1) words to argument(2): SR after the erase, how many programs
 * ended with errors, the flags of all of them, how many words do not read argument(2). */
void fw_worn(void)
{
	uint32_t failed = 0, flags = 0, wrong = 0;

	fw_clock_168();
	flash_unlock();
	erase_ram(FW_SCRATCH_SECTOR, X32);
	answer(FLASH_SR & 0xf3);
	FLASH_SR = 0xf3;
	for (uint32_t i = 0; i < argument(1); i++) {
		program_ram(FW_SCRATCH + 4 * i, argument(2));
		failed += (FLASH_SR & 0xf2) != 0;
		flags |= FLASH_SR & 0xf2;
		FLASH_SR = 0xf3;
		wrong += REG(FW_SCRATCH + 4 * i) != argument(2);
	}
	answer(failed);
	answer(flags);
	answer(wrong);
}

void fw_call(void)
{
	answer(((uint32_t (*)(void))argument(1))());
}
