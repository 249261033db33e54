/* SPDX-License-Identifier: MIT
 *
 * What the ROM loader does to memory. Flash and option bytes go through the flash controller's registers, word by word
 * and sector by sector, each an operation with its time, its errors and its cuts; one-time programmable bytes are no
 * part of the modelled flash, and are programmed here by the same rules.
 */
#include "rom_internal.h"

#include "bytes.h"
#include "internal.h"

enum {
	FLASH_KEYR = 0x40023c04, FLASH_OPTKEYR = 0x40023c08, FLASH_SR = 0x40023c0c, FLASH_CR = 0x40023c10,
	FLASH_OPTCR = 0x40023c14,
	SR_ERRORS = 0xf2,
	CR_PG = 1 << 0, CR_SER = 1 << 1, CR_MER = 1 << 2, CR_X32 = 2 << 8, CR_STRT = 1 << 16,
	OPTCR_LOCK = 1 << 0, OPTCR_START = 1 << 1,
	OTP_LOCKS = 512, OTP_BLOCK = 32,
	SYSMEM_END = 0x1fff7a30,
};
#define CR_LOCK (1u << 31)

/* ---- what is where ---- */

static bool within(uint32_t addr, uint32_t len, uint32_t begin, uint32_t end)
{
	return addr >= begin && addr < end && len <= end - addr;
}

static bool in_flash(uint32_t addr, uint32_t len)
{
	return within(addr, len, HF_TWIN_FLASH_ADDR, HF_TWIN_FLASH_ADDR + HF_TWIN_FLASH_SIZE);
}

static bool in_ram(uint32_t addr, uint32_t len)
{
	return within(addr, len, HF_ROM_USER_RAM, HF_TWIN_SRAM_ADDR + HF_TWIN_SRAM_SIZE);
}

static bool in_options(uint32_t addr, uint32_t len)
{
	return within(addr, len, HF_TWIN_OPTIONS_ADDR, HF_TWIN_OPTIONS_ADDR + HF_TWIN_OPTIONS_SIZE);
}

static bool in_otp(uint32_t addr, uint32_t len)
{
	return within(addr, len, HF_ROM_OTP_ADDR, HF_ROM_OTP_ADDR + HF_ROM_OTP_SIZE);
}

bool hf_rom_readable(uint32_t addr, uint32_t len)
{
	return in_flash(addr, len) || in_ram(addr, len) || in_options(addr, len) ||
	       within(addr, len, SYSMEM_ADDR, SYSMEM_END);
}

bool hf_rom_writable(uint32_t addr, uint32_t len)
{
	return in_flash(addr, len) || in_ram(addr, len) || in_options(addr, len) || in_otp(addr, len);
}

bool hf_rom_startable(uint32_t addr)
{
	return in_flash(addr, 8) || in_ram(addr, 8);
}

/* ---- reading ---- */

void hf_rom_read(struct hf_machine *machine, uint32_t addr, uint8_t *to, uint32_t len)
{
	uint32_t page = machine->cpu_page;

	if (in_flash(addr, len))
		for (uint32_t at = addr & ~(page - 1); at < addr + len; at += page)
			hf_fault_read(machine, at - HF_TWIN_FLASH_ADDR);
	memcpy(to, hf_machine_memory(machine, addr, len), len);
}

/* ---- one-time programmable bytes ---- */

void hf_rom_show_otp(struct hf_dev *dev)
{
	const struct rom *rom = dev->state;

	memcpy(dev->machine->sysmem + (HF_ROM_OTP_ADDR - SYSMEM_ADDR), rom->otp, HF_ROM_OTP_SIZE);
}

static uint32_t otp_offset(const struct rom *rom)
{
	return rom->addr - HF_ROM_OTP_ADDR + rom->at;
}

static void clear_otp_bits(struct hf_dev *dev, uint32_t mask)
{
	struct rom *rom = dev->state;
	uint8_t *word = rom->otp + otp_offset(rom);
	uint32_t old = load_le32(word), zeros = ~load_le32(rom->in + 1 + rom->at);

	store_le32(word, old & ~(zeros & mask));
	hf_rom_show_otp(dev);
}

void hf_rom_tear_otp(struct hf_dev *dev)
{
	struct rom *rom = dev->state;

	if (rom->otp_busy)
		clear_otp_bits(dev, (uint32_t)hf_machine_random(dev->machine));
	rom->otp_busy = false;
}

static bool otp_locked(const struct rom *rom)
{
	uint32_t offset = otp_offset(rom);

	return offset < OTP_LOCKS && rom->otp[OTP_LOCKS + offset / OTP_BLOCK] == 0;
}

static enum rom_progress program_otp(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	struct rom *rom = dev->state;
	uint64_t now = hf_machine_now_ns(machine), end = now + hf_fault_flash_ns(machine, machine->config.program_ns);

	if (rom->otp_busy) {
		rom->otp_busy = false;
		clear_otp_bits(dev, UINT32_MAX);
		rom->at += 4;
	}
	if (rom->at == rom->count)
		return ROM_DONE;
	if (otp_locked(rom))
		return ROM_FAILED;
	if (hf_fault_operation(machine, rom->addr + rom->at, false, now, end))
		return ROM_WAITS;
	machine->st.counts.flash_ops++;
	machine->st.counts.flash_programs++;
	rom->otp_busy = true;
	hf_machine_schedule(dev, ROM_EVENT_LOOK, end);
	return ROM_WAITS;
}

/* ---- flash and option bytes ---- */

static void unlock(struct hf_machine *machine, uint32_t cr)
{
	hf_rom_put(machine, FLASH_SR, SR_ERRORS);
	if (hf_rom_get(machine, FLASH_CR) & CR_LOCK) {
		hf_rom_put(machine, FLASH_KEYR, 0x45670123);
		hf_rom_put(machine, FLASH_KEYR, 0xcdef89ab);
	}
	hf_rom_put(machine, FLASH_CR, cr);
}

static void program_word(struct hf_machine *machine, const struct rom *rom)
{
	if (rom->at == 0)
		unlock(machine, CR_PG | CR_X32);
	hf_flash_store(machine, rom->addr + rom->at, 4, load_le32(rom->in + 1 + rom->at));
	hf_flash_settle(machine);
}

static void erase_sector(struct hf_machine *machine, const struct rom *rom)
{
	uint32_t sector = load_be16(rom->in + 2 + 2 * rom->at);

	unlock(machine, CR_SER | CR_X32 | sector << 3);
	hf_rom_put(machine, FLASH_CR, CR_SER | CR_X32 | sector << 3 | CR_STRT);
}

static void write_options(struct hf_machine *machine, const struct rom *rom)
{
	hf_rom_put(machine, FLASH_SR, SR_ERRORS);
	if (hf_rom_get(machine, FLASH_OPTCR) & OPTCR_LOCK) {
		hf_rom_put(machine, FLASH_OPTKEYR, 0x08192a3b);
		hf_rom_put(machine, FLASH_OPTKEYR, 0x4c5d6e7f);
	}
	hf_rom_put(machine, FLASH_OPTCR, rom->optcr & ~(uint32_t)(OPTCR_LOCK | OPTCR_START));
	hf_rom_put(machine, FLASH_OPTCR, (rom->optcr & ~(uint32_t)OPTCR_LOCK) | OPTCR_START);
}

/* Begins the operation that is next, and says how many steps that takes it on. */
static uint16_t begin_operation(struct hf_machine *machine, const struct rom *rom)
{
	switch ((enum rom_work)rom->work) {
	case ROM_PROGRAM:
		program_word(machine, rom);
		return 4;
	case ROM_ERASE:
		erase_sector(machine, rom);
		return 1;
	case ROM_ERASE_ALL:
		unlock(machine, CR_MER | CR_X32);
		hf_rom_put(machine, FLASH_CR, CR_MER | CR_X32 | CR_STRT);
		return 1;
	case ROM_OPTIONS:
		write_options(machine, rom);
		return 1;
	case ROM_PROGRAM_OTP:
	case ROM_IDLE:
		break;
	}
	return 0;
}

static enum rom_progress lock(struct hf_machine *machine, enum rom_progress how)
{
	hf_rom_put(machine, FLASH_SR, SR_ERRORS);
	hf_rom_put(machine, FLASH_CR, CR_LOCK);
	hf_rom_put(machine, FLASH_OPTCR, hf_flash_options(machine) | OPTCR_LOCK);
	return how;
}

enum rom_progress hf_rom_work(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	struct rom *rom = dev->state;

	if (rom->work == ROM_PROGRAM_OTP)
		return program_otp(dev);
	while (!hf_flash_busy(machine)) {
		if (machine->cut_now)
			return ROM_WAITS; /* for ever: the power goes now */
		if (rom->at > 0 && hf_rom_get(machine, FLASH_SR) & SR_ERRORS)
			return lock(machine, ROM_FAILED);
		if (rom->at >= rom->count)
			return lock(machine, ROM_DONE);
		rom->at = (uint16_t)(rom->at + begin_operation(machine, rom));
	}
	hf_machine_schedule(dev, ROM_EVENT_LOOK, hf_flash_end_ns(machine));
	return ROM_WAITS;
}

/* ---- writing ---- */

uint32_t hf_rom_optcr(const uint8_t bytes[HF_TWIN_OPTIONS_SIZE])
{
	return (bytes[0] & 0xecu) | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[8] << 16 | (bytes[9] & 15u) << 24;
}

/* What a write does not reach stays. */
static uint32_t options_with(const struct hf_machine *machine, const struct rom *rom)
{
	uint8_t bytes[HF_TWIN_OPTIONS_SIZE];

	memcpy(bytes, machine->sysmem + (HF_TWIN_OPTIONS_ADDR - SYSMEM_ADDR), sizeof(bytes));
	memcpy(bytes + (rom->addr - HF_TWIN_OPTIONS_ADDR), rom->in + 1, rom->count);
	return hf_rom_optcr(bytes);
}

void hf_rom_begin_write(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	struct rom *rom = dev->state;

	rom->at = 0;
	if (in_flash(rom->addr, rom->count)) {
		rom->work = ROM_PROGRAM;
	} else if (in_otp(rom->addr, rom->count)) {
		rom->work = ROM_PROGRAM_OTP;
	} else if (in_options(rom->addr, rom->count)) {
		rom->optcr = options_with(machine, rom);
		rom->work = ROM_OPTIONS;
		rom->count = 1;
		rom->end = ROM_RESET;
	} else {
		memcpy(hf_machine_memory(machine, rom->addr, rom->count), rom->in + 1, rom->count);
		hf_cpu_code_changed(machine, rom->addr, rom->count);
	}
}
