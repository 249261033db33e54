/* SPDX-License-Identifier: MIT
 *
 * One operation at a time; success is what reads back, with the data cache off, and never what the controller says.
 *
 * Times are the datasheet's maxima with a margin for a supply and a chip that drift: an erase of 128 KiB takes 2 s at most,
 * and the wait for one ends before the fastest watchdog bites (5.4 s) even where the core's oscillator is 8 % slow.
 *
 * An operation that exceeds its time is left running: nothing stops it, and every access to flash waits for it. So an erase
 * that was too slow is read back like any other: a sector that is blank in the end serves, and health tells how long it took.
 * Rejected: to call that an error. The same sector would be erased again, and take as long again.
 */
#include "flash_f4.h"

#include "stm32.h"
#include "systick.h"

#define PROGRAM_LIMIT_MS 2
#define PROGRAM_TURNS    1000u
#define ERASE_LIMIT_MS   4600

static enum hf_err read_any(void *ctx, uint32_t addr, void *buf, size_t len)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)addr;
	uint8_t *to = buf;

	(void)ctx;
	if (addr < FLASH_BASE || addr - FLASH_BASE > FLASH_SIZE || len > FLASH_SIZE - (addr - FLASH_BASE))
		return HF_ERR_RANGE;
	__builtin_memcpy(to, from, len);
	return HF_OK;
}

/* The chip's sectors: 4 of 16 KiB, one of 64, 7 of 128. */
static bool sector_at(uint32_t addr, uint32_t *number, uint32_t *size)
{
	uint32_t offset = addr - FLASH_BASE;

	if (offset >= FLASH_SIZE)
		return false;
	if (offset < 0x10000) {
		*number = offset / 0x4000;
		*size = 0x4000;
	} else if (offset < 0x20000) {
		*number = 4;
		*size = 0x10000;
	} else {
		*number = 4 + offset / 0x20000;
		*size = 0x20000;
	}
	return offset % *size == 0;
}

static bool allowed(const struct hf_layout *layout, uint32_t addr, size_t len)
{
	uint32_t offset = addr - FLASH_BASE;

	if (offset >= FLASH_SIZE || len > FLASH_SIZE - offset)
		return false;
	return addr - layout->boot.addr >= layout->boot.size && layout->boot.addr - addr >= len;
}

static void (*idle)(void *ctx);
static void *idle_ctx;

/* Sleeps until the next interrupt where the clock's interrupt will surely come, so that waiting costs nothing. */
static enum hf_err wait_idle(uint32_t limit_ms, bool sleep)
{
	struct hf_wait wait;

	hf_wait_begin(&wait, limit_ms);
	while (FLASH_SR & FLASH_SR_BSY) {
		if (hf_wait_over(&wait))
			return HF_ERR_TIMEOUT;
		if (idle)
			idle(idle_ctx);
		if (sleep && (SYST_CSR & SYST_CSR_TICKINT))
			__asm__ volatile("wfi");
	}
	return HF_OK;
}

/* The data cache is off during an operation, so that reading back asks the cells. */
static enum hf_err unlock(uint32_t cr)
{
	enum hf_err err = wait_idle(ERASE_LIMIT_MS, true);

	if (err != HF_OK)
		return err;
	if (FLASH_CR & FLASH_CR_LOCK) {
		FLASH_KEYR = FLASH_KEY1;
		FLASH_KEYR = FLASH_KEY2;
		if (FLASH_CR & FLASH_CR_LOCK)
			return HF_ERR_FLASH_LOCKED;
	}
	FLASH_SR = FLASH_SR_ERRORS | FLASH_SR_EOP;
	FLASH_ACR &= ~FLASH_ACR_DCEN;
	FLASH_CR = cr | FLASH_CR_PSIZE_32;
	return HF_OK;
}

/* Both caches are emptied: they may hold what was there before. */
static void lock(void)
{
	uint32_t acr = FLASH_ACR & ~(FLASH_ACR_ICEN | FLASH_ACR_DCEN);

	FLASH_CR = FLASH_CR_LOCK;
	FLASH_ACR = acr;
	FLASH_ACR = acr | FLASH_ACR_ICRST | FLASH_ACR_DCRST;
	FLASH_ACR = acr;
	FLASH_ACR = acr | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
}

static enum hf_err result(enum hf_err failed)
{
	uint32_t sr = FLASH_SR;

	FLASH_SR = FLASH_SR_ERRORS | FLASH_SR_EOP;
	if (sr & FLASH_SR_WRPERR)
		return HF_ERR_FLASH_LOCKED;
	return sr & FLASH_SR_ERRORS ? failed : HF_OK;
}

/* A full slot is 98304 words of 16 us: each cycle behind the end of the operation counts. So the hook is called once, at
 * the beginning, and the time is looked at only when a word takes longer than any should. */
static enum hf_err wait_word(uint32_t *sr)
{
	enum hf_err err;

	if (idle)
		idle(idle_ctx);
	for (unsigned turns = PROGRAM_TURNS; turns > 0; turns--) {
		*sr = FLASH_SR;
		if (!(*sr & FLASH_SR_BSY))
			return HF_OK;
	}
	err = wait_idle(PROGRAM_LIMIT_MS, false);
	*sr = FLASH_SR;
	return err;
}

static enum hf_err program_word(uint32_t addr, uint32_t value)
{
	enum hf_err err;
	uint32_t sr;

	HF_REG(addr) = value;
	hf_barrier();
	err = wait_word(&sr);
	if (err == HF_OK && sr & FLASH_SR_ERRORS)
		err = result(HF_ERR_FLASH_PROGRAM);
	if (err == HF_OK && HF_REG(addr) != value)
		err = HF_ERR_FLASH_PROGRAM;
	return err;
}

static enum hf_err program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	const uint8_t *from = data;
	enum hf_err err;

	if ((addr | len) & 3)
		return HF_ERR_RANGE;
	if (!allowed(ctx, addr, len))
		return HF_ERR_FLASH_LOCKED;
	err = unlock(FLASH_CR_PG);
	for (size_t i = 0; err == HF_OK && i < len; i += 4) {
		uint32_t value;

		__builtin_memcpy(&value, from + i, sizeof value); /* one load, whatever the alignment; both are little-endian */
		err = program_word(addr + i, value);
	}
	lock();
	return err;
}

static bool blank(uint32_t addr, uint32_t size)
{
	for (uint32_t i = 0; i < size; i += 4) {
		if (HF_REG(addr + i) != 0xffffffff)
			return false;
	}
	return true;
}

static uint32_t erases, slowest_ms;

static void count_erase(uint32_t took_ms)
{
	erases++;
	if (took_ms > slowest_ms)
		slowest_ms = took_ms;
}

void hf_flash_f4_erases(uint32_t *count, uint32_t *slowest)
{
	*count = erases;
	*slowest = slowest_ms;
}

static enum hf_err erase(void *ctx, uint32_t addr)
{
	uint32_t number, size;
	enum hf_err err;

	if (!sector_at(addr, &number, &size))
		return HF_ERR_RANGE;
	if (!allowed(ctx, addr, size))
		return HF_ERR_FLASH_LOCKED;
	err = unlock(FLASH_CR_SER | FLASH_CR_SNB(number));
	if (err == HF_OK) {
		uint32_t since = hf_systick_ms();

		FLASH_CR |= FLASH_CR_STRT;
		hf_barrier();
		if (wait_idle(ERASE_LIMIT_MS, true) != HF_OK)
			(void)HF_REG(addr); /* waits for the rest, with the whole core */
		count_erase(hf_systick_ms() - since);
	}
	if (err == HF_OK)
		err = result(HF_ERR_FLASH_ERASE);
	if (err == HF_OK && !blank(addr, size))
		err = HF_ERR_FLASH_ERASE;
	lock();
	return err;
}

static enum hf_err erase_refused(void *ctx, uint32_t addr)
{
	(void)ctx;
	(void)addr;
	return HF_ERR_FLASH_LOCKED;
}

void hf_flash_f4_set_idle(void (*hook)(void *ctx), void *ctx)
{
	idle_ctx = ctx;
	idle = hook;
}

void hf_flash_f4_open_append(struct hf_flash *flash, const struct hf_layout *layout)
{
	flash->ctx = (void *)(uintptr_t)layout;
	flash->read = read_any;
	flash->program = program;
	flash->erase = erase_refused;
}

void hf_flash_f4_open(struct hf_flash *flash, const struct hf_layout *layout)
{
	hf_flash_f4_open_append(flash, layout);
	flash->erase = erase;
}
