/* SPDX-License-Identifier: MIT
 *
 * Unicorn as the core: memory map, hooks, registers.
 *
 * What the hooks may do follows from how Unicorn 2.0.1 behaves. Stopping is safe only in the hook at a block's start:
 * then the block is not executed and PC is its address; anywhere else earlier instructions would run twice. So whoever
 * wants attention sets a flag, and the next block sees it. Writing PC in that hook goes on elsewhere without leaving
 * the engine. A store to flash cannot be refused: it is carried out after the hook returns, and put right at the next
 * block. A read of a page without read permission calls its hook only until the page is in the engine's TLB, which any
 * change of a write permission empties.
 *
 * uc_emu_start's `until` is not used: as an address it would put an exit there, and none is free.
 */
#include "internal.h"

#include <stdlib.h>

#include "rom.h"
#include "tlb.h"

#define MMIO_WINDOW    0x80000u
#define PPB_ADDR       0xe0000000u
#define PPB_SIZE       0x100000u
#define PERIPH_ADDR    0x40000000u
#define AHB2_ADDR      0x50000000u
#define PAGE_ASKED     512u /* Unicorn 2.0.1 makes twice that of it */
/* As uc_ctl_get_page_size, whose macro shifts into the sign bit. */
#define GET_PAGE_SIZE  ((uc_control_type)((uint32_t)UC_CTL_UC_PAGE_SIZE | 1u << 26 | 2u << 30))

/* Exceptions as the engine numbers them. */
enum {
	ENGINE_SVC = 2,
	ENGINE_PREFETCH_ABORT = 3,
	ENGINE_DATA_ABORT = 4,
	ENGINE_BKPT = 7,
	ENGINE_EXCEPTION_EXIT = 8,
	ENGINE_NOCP = 17,
	ENGINE_INVSTATE = 18,
};

#define CFSR_IBUSERR     (1u << 8)
#define CFSR_PRECISERR   (1u << 9)
#define CFSR_IMPRECISERR (1u << 10)
#define CFSR_BFARVALID   (1u << 15)
#define CFSR_UNDEFINSTR  (1u << 16)
#define CFSR_INVSTATE    (1u << 17)
#define CFSR_NOCP        (1u << 19)
#define HFSR_DEBUGEVT    (1u << 31)

uint32_t hf_cpu_get(const struct hf_machine *machine, int uc_register)
{
	uint32_t value = 0;

	uc_reg_read(machine->uc, uc_register, &value);
	return value;
}

void hf_cpu_set(struct hf_machine *machine, int uc_register, uint32_t value)
{
	uc_reg_write(machine->uc, uc_register, &value);
}

/* In the engine this takes effect at once, and the block that was about to run does not. */
void hf_cpu_jump(struct hf_machine *machine, uint32_t pc)
{
	machine->st.pc = pc & ~1u;
	machine->st.fallthrough = pc & ~1u;
	hf_coverage_jump(machine);
	if (machine->in_cpu)
		hf_cpu_set(machine, UC_ARM_REG_PC, pc | 1);
}

/* ---- blocks ---- */

static const uint8_t *code_at(struct hf_machine *machine, uint32_t pc, uint32_t size)
{
	return hf_machine_memory(machine, pc, size);
}

static void mark_code(struct hf_machine *machine, uint32_t pc, uint32_t size)
{
	uint8_t *marks = NULL, *first, *last;
	uint32_t base = 0;

	if (pc - HF_TWIN_SRAM_ADDR < HF_TWIN_SRAM_SIZE) {
		marks = machine->code_sram;
		base = HF_TWIN_SRAM_ADDR;
	} else if (pc - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE) {
		marks = machine->code;
		base = HF_TWIN_FLASH_ADDR;
	} else if (pc < HF_TWIN_FLASH_SIZE) {
		marks = machine->code;
	}
	if (!marks)
		return;
	first = &marks[(pc - base) / PAGE_BYTES];
	last = &marks[(pc - base + size - 1) / PAGE_BYTES];
	/* Stores to these pages must be seen from now on: see tlb.h. */
	if (marks == machine->code_sram && !(*first && *last)) {
		*first = *last = 1;
		if (!hf_tlb_flush_page(machine, pc) || !hf_tlb_flush_page(machine, pc + size - 1))
			hf_cpu_rearm_reads(machine);
	}
	*first = *last = 1;
}

static uint8_t block_flags(struct hf_machine *machine, uint32_t pc)
{
	uint8_t flags = 0;

	if (pc - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE || pc < HF_TWIN_FLASH_SIZE)
		flags |= BLOCK_FLASH;
	else if (pc - HF_TWIN_SRAM_ADDR < HF_TWIN_SRAM_SIZE)
		flags |= BLOCK_RAM;
	if (hf_rom_at(pc))
		flags |= BLOCK_ROM;
	if (hf_native_is_entry(machine, pc))
		flags |= BLOCK_NATIVE;
	for (unsigned i = 0; i < machine->watches; i++)
		if (machine->watch[i] == pc)
			flags |= BLOCK_WATCHED;
	return flags;
}

static struct hf_block *make_block(struct hf_machine *machine, uint32_t pc, uint32_t size)
{
	const uint8_t *code = code_at(machine, pc, size);
	static const uint8_t unknown[2] = { 0x00, 0xbf };

	mark_code(machine, pc, size);
	hf_coverage_forget(machine, pc, size); /* nothing tells of each change of RAM */
	if (!code) {
		code = unknown; /* code in a place that is no memory faults before it runs */
		size = 2;
	}
	return hf_cost_make(&machine->cost, pc, size, code, block_flags(machine, pc));
}

static struct hf_block *find_block(struct hf_machine *machine, uint32_t pc, uint32_t size)
{
	struct hf_block *b = hf_cost_find(&machine->cost, pc, size);

	if (!b || (b->flags & BLOCK_RAM &&
		   b->check != hf_cost_check(machine->sram + (pc - HF_TWIN_SRAM_ADDR), size)))
		b = make_block(machine, pc, size);
	return b;
}

/* What a block needs besides being charged. true: it must not be executed now. */
static bool special(struct hf_machine *machine, const struct hf_block *b)
{
	uint8_t stops = b->flags & machine->block_stops;

	if (stops & BLOCK_ROM) {
		machine->leave = true;
		uc_emu_stop(machine->uc);
		return true;
	}
	if (stops & BLOCK_FLASH) {
		hf_flash_wait(machine, b->pc, machine->block_pc, false);
		if (hf_run_attention(machine, b->pc))
			return true;
	}
	if (stops & BLOCK_WATCHED)
		hf_machine_event(machine, HF_TWIN_EV_PC, b->pc, 0, NULL);
	return stops & BLOCK_NATIVE && hf_native_call(machine, b->pc);
}

static uint32_t data_wait(struct hf_machine *machine, const struct hf_block *b)
{
	uint32_t values[16], read = UINT32_MAX, penalty;
	int ids[16], count = 0;
	void *places[16];

	for (uint32_t left = b->registers; left; left &= left - 1) {
		int r = __builtin_ctz(left);

		ids[count] = r == 13 ? UC_ARM_REG_SP : r == 14 ? UC_ARM_REG_LR : UC_ARM_REG_R0 + r;
		places[count++] = &values[r];
	}
	if (count)
		uc_reg_read_batch(machine->uc, ids, places, count);
	penalty = hf_cost_data(&machine->cost, &machine->st.art, b, values, &read);
	if (machine->block_stops & BLOCK_FLASH && read != UINT32_MAX)
		hf_flash_wait(machine, read, b->pc, true);
	return penalty;
}

static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
	struct hf_machine *machine = user;
	struct hf_core *st = &machine->st;
	uint32_t pc = (uint32_t)address, cycles;
	struct hf_block *b;

	(void)uc;
	if (machine->coverage)
		hf_coverage_see(machine, pc);
	if (st->cycles >= machine->check_at && hf_run_attention(machine, pc))
		return;
	b = find_block(machine, pc, size);
	if (b->flags & machine->block_stops) {
		if (special(machine, b))
			return;
		b = find_block(machine, pc, size); /* which may have forgotten it */
	}
	cycles = b->cycles;
	if (pc != st->fallthrough)
		cycles += st->refill;
	if (b->flags & BLOCK_FLASH) {
		cycles += machine->config.coarse ? b->lines : hf_cost_fetch(&machine->cost, &st->art, b);
		if (pc - machine->home >= machine->home_size)
			hf_run_enter(machine, pc);
	}
	if (machine->coverage)
		hf_coverage_end(machine, b);
	machine->block_pc = pc;
	machine->block_size = size;
	if (b->literals | b->loads && (!machine->config.coarse || machine->block_stops & BLOCK_FLASH))
		cycles += data_wait(machine, b);
	st->fallthrough = pc + size;
	st->refill = b->refill;
	st->cycles += cycles;
	st->counts.instructions += b->insns;
}

/* ---- the other hooks ---- */

static void on_exception(uc_engine *uc, uint32_t number, void *user)
{
	struct hf_machine *machine = user;
	uint32_t pc = hf_cpu_get(machine, UC_ARM_REG_PC);

	if (number == ENGINE_EXCEPTION_EXIT)
		hf_nvic_return(machine, pc | 1);
	else if (number == ENGINE_SVC)
		hf_nvic_fault(machine, EXC_SVCALL, 0, pc);
	else
		machine->trap = number;
	if (machine->trap || machine->leave)
		uc_emu_stop(uc);
}

static bool on_bad_instruction(uc_engine *uc, void *user)
{
	struct hf_machine *machine = user;

	(void)uc;
	machine->bad_instruction = true;
	return true; /* the engine stops all the same, without an error of its own */
}

static bool on_bad_memory(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
	struct hf_machine *machine = user;
	uint32_t addr = (uint32_t)address;

	(void)uc;
	if (addr < HF_TWIN_FLASH_SIZE)
		addr += HF_TWIN_FLASH_ADDR;
	if (type == UC_MEM_WRITE_PROT && addr - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE) {
		hf_flash_store(machine, addr, (unsigned)size, (uint32_t)value);
		return true;
	}
	if (type == UC_MEM_READ_PROT && addr - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE) {
		hf_flash_was_read(machine, addr);
		return true;
	}
	machine->bad_access.hit = true;
	machine->bad_access.type = type;
	machine->bad_access.addr = (uint32_t)address;
	return false;
}

static uint64_t on_periph_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return hf_machine_mmio_read(user, PERIPH_ADDR + (uint32_t)offset, size);
}

static void on_periph_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
	(void)uc;
	hf_machine_mmio_write(user, PERIPH_ADDR + (uint32_t)offset, size, (uint32_t)value);
}

static uint64_t on_ahb2_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return hf_machine_mmio_read(user, AHB2_ADDR + (uint32_t)offset, size);
}

static void on_ahb2_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
	(void)uc;
	hf_machine_mmio_write(user, AHB2_ADDR + (uint32_t)offset, size, (uint32_t)value);
}

static uint64_t on_scs_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
	(void)uc;
	return hf_scs_read(user, PPB_ADDR + (uint32_t)offset, size);
}

static void on_scs_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
	(void)uc;
	hf_scs_write(user, PPB_ADDR + (uint32_t)offset, size, (uint32_t)value);
}

/* ---- running ---- */

static const int engine_register[16] = {
	UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R4, UC_ARM_REG_R5,
	UC_ARM_REG_R6, UC_ARM_REG_R7, UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
	UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC,
};

/* Finds the instruction that made a bad access, and takes back what was charged for those behind it. */
static uint32_t faulting_pc(struct hf_machine *machine, uint32_t addr)
{
	const uint8_t *code = code_at(machine, machine->block_pc, machine->block_size);
	uint32_t registers[16], insns, cycles, pc;

	if (!code)
		return machine->block_pc;
	for (unsigned r = 0; r < 16; r++)
		registers[r] = hf_cpu_get(machine, engine_register[r]);
	pc = hf_cost_locate(machine->block_pc, machine->block_size, code, registers, addr, &insns, &cycles);
	machine->st.counts.instructions -= insns;
	machine->st.cycles -= cycles;
	return pc;
}

static void memory_fault(struct hf_machine *machine)
{
	uc_mem_type type = machine->bad_access.type;
	uint32_t addr = machine->bad_access.addr;

	machine->bad_access.hit = false;
	if (type == UC_MEM_FETCH_UNMAPPED || type == UC_MEM_FETCH_PROT) {
		hf_nvic_fault(machine, EXC_BUS_FAULT, CFSR_IBUSERR, addr & ~1u);
		return;
	}
	machine->st.nvic.bfar = addr;
	hf_nvic_fault(machine, EXC_BUS_FAULT, CFSR_PRECISERR | CFSR_BFARVALID, faulting_pc(machine, addr));
}

static void trapped(struct hf_machine *machine, uint32_t pc)
{
	uint32_t trap = machine->trap;

	machine->trap = 0;
	if (trap == ENGINE_BKPT) {
		machine->st.nvic.hfsr |= HFSR_DEBUGEVT;
		hf_nvic_fault(machine, EXC_HARD_FAULT, 0, pc);
	} else if (trap == ENGINE_NOCP) {
		hf_nvic_fault(machine, EXC_USAGE_FAULT, CFSR_NOCP, pc);
	} else if (trap == ENGINE_PREFETCH_ABORT) {
		hf_nvic_fault(machine, EXC_BUS_FAULT, CFSR_IBUSERR, pc);
	} else {
		hf_nvic_fault(machine, EXC_HARD_FAULT, 0, pc);
	}
}

/* WFE and undefined instructions come the same way. */
static void bad_instruction(struct hf_machine *machine, uint32_t pc)
{
	const uint8_t *code = code_at(machine, pc, 2);

	machine->bad_instruction = false;
	if (code && code[1] == 0xbf && (code[0] == 0x20 || code[0] == 0x10)) {
		machine->st.pc = pc + 2;
		if (code[0] == 0x20) {
			machine->st.asleep = !machine->st.nvic.event;
			machine->st.nvic.event = false;
		}
		return;
	}
	hf_nvic_fault(machine, EXC_USAGE_FAULT, CFSR_UNDEFINSTR, pc);
}

void hf_cpu_run(struct hf_machine *machine)
{
	uint32_t pc;
	uc_err err;

	machine->leave = false;
	machine->in_cpu = true;
	hf_tlb_use(machine);
	hf_tlb_make_room(machine);
	err = uc_emu_start(machine->uc, machine->st.pc | 1, 0, 0, 0);
	machine->in_cpu = false;
	pc = hf_cpu_get(machine, UC_ARM_REG_PC) & ~1u;
	machine->st.pc = pc;
	if (machine->bad_access.hit) {
		memory_fault(machine);
	} else if (machine->bad_instruction) {
		if (err == UC_ERR_EXCEPTION) {
			machine->bad_instruction = false;
			hf_nvic_fault(machine, EXC_USAGE_FAULT, CFSR_INVSTATE, pc);
		} else {
			bad_instruction(machine, pc);
		}
	} else if (machine->trap) {
		trapped(machine, pc);
	} else if (machine->leave) {
		return;
	} else if (err == UC_ERR_OK) {
		machine->st.asleep = true; /* WFI */
	} else {
		machine->error = uc_strerror(err);
	}
}

void hf_cpu_reset(struct hf_machine *machine, uint32_t sp, uint32_t pc)
{
	uc_context_restore(machine->uc, machine->pristine);
	if (machine->st.reset_cause == HF_TWIN_RESET_POWER)
		for (unsigned r = 0; r < 13; r++)
			hf_cpu_set(machine, engine_register[r], (uint32_t)hf_machine_random(machine));
	hf_cpu_set(machine, UC_ARM_REG_SP, sp & ~3u);
	hf_cpu_set(machine, UC_ARM_REG_LR, 0xffffffff);
	hf_cpu_jump(machine, pc);
}

void hf_cpu_save(const struct hf_machine *machine, struct hf_cpu_registers *registers)
{
	for (unsigned r = 0; r < 13; r++)
		registers->r[r] = hf_cpu_get(machine, engine_register[r]);
	registers->lr = hf_cpu_get(machine, UC_ARM_REG_LR);
	registers->msp = hf_cpu_get(machine, UC_ARM_REG_MSP);
	registers->psp = hf_cpu_get(machine, UC_ARM_REG_PSP);
	registers->xpsr = hf_cpu_get(machine, UC_ARM_REG_XPSR);
	registers->control = hf_cpu_get(machine, UC_ARM_REG_CONTROL);
	registers->primask = hf_cpu_get(machine, UC_ARM_REG_PRIMASK);
	registers->basepri = hf_cpu_get(machine, UC_ARM_REG_BASEPRI);
	registers->faultmask = hf_cpu_get(machine, UC_ARM_REG_FAULTMASK);
}

/* From thread mode on the main stack, which pristine is in, to the mode and stack that are wanted. */
void hf_cpu_load(struct hf_machine *machine, const struct hf_cpu_registers *registers)
{
	uc_context_restore(machine->uc, machine->pristine);
	for (unsigned r = 0; r < 13; r++)
		hf_cpu_set(machine, engine_register[r], registers->r[r]);
	hf_cpu_set(machine, UC_ARM_REG_LR, registers->lr);
	hf_cpu_set(machine, UC_ARM_REG_MSP, registers->msp);
	hf_cpu_set(machine, UC_ARM_REG_PSP, registers->psp);
	hf_cpu_set(machine, UC_ARM_REG_PRIMASK, registers->primask);
	hf_cpu_set(machine, UC_ARM_REG_BASEPRI, registers->basepri);
	hf_cpu_set(machine, UC_ARM_REG_FAULTMASK, registers->faultmask);
	hf_cpu_set(machine, UC_ARM_REG_CONTROL, registers->control);
	hf_cpu_set(machine, UC_ARM_REG_XPSR_NZCVQG, registers->xpsr);
}

/* ---- memory ---- */

static void drop_page(struct hf_machine *machine, uint32_t addr)
{
	hf_tlb_use(machine);
	uc_ctl_remove_cache(machine->uc, (uint64_t)addr, (uint64_t)addr + PAGE_BYTES);
}

void hf_cpu_code_changed(struct hf_machine *machine, uint32_t addr, uint32_t len)
{
	uint32_t last;

	if (addr < HF_TWIN_FLASH_SIZE)
		addr += HF_TWIN_FLASH_ADDR;
	if (addr - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE)
		hf_snapshot_touch(machine, addr - HF_TWIN_FLASH_ADDR, len);
	hf_coverage_forget(machine, addr, len);
	last = addr + len - 1;
	for (uint32_t page = addr & ~(PAGE_BYTES - 1); page <= last; page += PAGE_BYTES) {
		uint32_t in_flash = page - HF_TWIN_FLASH_ADDR, in_sram = page - HF_TWIN_SRAM_ADDR;

		if (in_flash < HF_TWIN_FLASH_SIZE && machine->code[in_flash / PAGE_BYTES]) {
			machine->code[in_flash / PAGE_BYTES] = 0; /* its blocks will mark it again */
			drop_page(machine, page);
			drop_page(machine, in_flash);
			hf_cost_forget(&machine->cost, page, PAGE_BYTES);
			hf_cost_forget(&machine->cost, in_flash, PAGE_BYTES);
		} else if (in_sram < HF_TWIN_SRAM_SIZE && machine->code_sram[in_sram / PAGE_BYTES]) {
			drop_page(machine, page);
		}
	}
}

void hf_cpu_forget_ram_code(struct hf_machine *machine)
{
	bool any = false;

	for (uint32_t i = 0; i < HF_TWIN_SRAM_SIZE / PAGE_BYTES; i++) {
		if (!machine->code_sram[i])
			continue;
		machine->code_sram[i] = 0; /* its blocks will mark it again */
		drop_page(machine, HF_TWIN_SRAM_ADDR + i * PAGE_BYTES);
		hf_cost_forget(&machine->cost, HF_TWIN_SRAM_ADDR + i * PAGE_BYTES, PAGE_BYTES);
		any = true;
	}
	if (any)
		hf_cpu_rearm_reads(machine);
}

void hf_cpu_rearm_reads(struct hf_machine *machine)
{
	if (hf_tlb_flush(machine))
		return;
	uc_mem_protect(machine->uc, SYSMEM_ADDR, SYSMEM_SIZE, UC_PROT_ALL);
	uc_mem_protect(machine->uc, SYSMEM_ADDR, SYSMEM_SIZE, UC_PROT_READ | UC_PROT_EXEC);
}

void hf_cpu_watch_reads(struct hf_machine *machine, uint32_t addr, uint32_t len, bool watch)
{
	uc_mem_protect(machine->uc, addr, len, watch ? UC_PROT_EXEC : UC_PROT_READ | UC_PROT_EXEC);
}

static bool map(struct hf_machine *machine)
{
	uc_engine *uc = machine->uc;
	bool ok = true;

	/* What is looked up most comes first. */
	ok &= uc_mmio_map(uc, PERIPH_ADDR, MMIO_WINDOW, on_periph_read, machine, on_periph_write, machine) == UC_ERR_OK;
	ok &= uc_mmio_map(uc, PPB_ADDR, PPB_SIZE, on_scs_read, machine, on_scs_write, machine) == UC_ERR_OK;
	ok &= uc_mem_map_ptr(uc, HF_TWIN_SRAM_ADDR, HF_TWIN_SRAM_SIZE, UC_PROT_ALL, machine->sram) == UC_ERR_OK;
	ok &= uc_mem_map_ptr(uc, HF_TWIN_CCM_ADDR, HF_TWIN_CCM_SIZE, UC_PROT_READ | UC_PROT_WRITE, machine->ccm) ==
	      UC_ERR_OK;
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++) {
		uint32_t addr = hf_flash_sector_addr(s);

		ok &= uc_mem_map_ptr(uc, addr, hf_flash_sector_size(s), UC_PROT_READ | UC_PROT_EXEC,
				     machine->flash + (addr - HF_TWIN_FLASH_ADDR)) == UC_ERR_OK;
	}
	ok &= uc_mmio_map(uc, AHB2_ADDR, MMIO_WINDOW, on_ahb2_read, machine, on_ahb2_write, machine) == UC_ERR_OK;
	ok &= uc_mem_map_ptr(uc, SYSMEM_ADDR, SYSMEM_SIZE, UC_PROT_READ | UC_PROT_EXEC, machine->sysmem) == UC_ERR_OK;
	ok &= uc_mem_map_ptr(uc, 0, HF_TWIN_FLASH_SIZE, UC_PROT_READ | UC_PROT_EXEC, machine->flash) == UC_ERR_OK;
	return ok;
}

/* A callback as the void * that Unicorn takes. */
#define CALLBACK(function) (__extension__(void *)(function))

static bool hook(struct hf_machine *machine)
{
	const struct {
		int type;
		void *callback;
	} hooks[] = {
		{ UC_HOOK_BLOCK, CALLBACK(on_block) },
		{ UC_HOOK_INTR, CALLBACK(on_exception) },
		{ UC_HOOK_INSN_INVALID, CALLBACK(on_bad_instruction) },
		{ UC_HOOK_MEM_INVALID, CALLBACK(on_bad_memory) },
	};
	uc_hook handle;

	for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (uc_hook_add(machine->uc, &handle, hooks[i].type, hooks[i].callback, machine, 1, 0) != UC_ERR_OK)
			return false;
	return true;
}

enum hf_err hf_cpu_open(struct hf_machine *machine)
{
	if (uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &machine->uc) != UC_ERR_OK)
		return HF_ERR_IO;
	if (uc_ctl_set_cpu_model(machine->uc, UC_CPU_ARM_CORTEX_M4) != UC_ERR_OK ||
	    uc_ctl_set_page_size(machine->uc, PAGE_ASKED) != UC_ERR_OK ||
	    uc_ctl(machine->uc, GET_PAGE_SIZE, &machine->cpu_page) != UC_ERR_OK ||
	    uc_ctl_exits_enable(machine->uc) != UC_ERR_OK || !map(machine) || !hook(machine))
		return HF_ERR_IO;
	hf_cpu_set(machine, UC_ARM_REG_XPSR, 0x01000000);
	if (uc_context_alloc(machine->uc, &machine->pristine) != UC_ERR_OK ||
	    uc_context_save(machine->uc, machine->pristine) != UC_ERR_OK)
		return HF_ERR_IO;
	return HF_OK;
}

void hf_cpu_close(struct hf_machine *machine)
{
	if (machine->pristine)
		uc_context_free(machine->pristine);
	if (machine->uc)
		uc_close(machine->uc);
}
