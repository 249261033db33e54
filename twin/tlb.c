/* SPDX-License-Identifier: MIT
 *
 * The declarations are those of QEMU 5.0 as Unicorn 2.0.1 builds it for ARM: target_ulong is 32 bits wide, hwaddr
 * 64, MemTxAttrs a struct that is passed like an unsigned.
 */
#include "tlb.h"

#include <dlfcn.h>
#include <stdatomic.h>

#include "internal.h"

typedef void set_page_fn(void *cpu, uint32_t vaddr, uint64_t paddr, unsigned attrs, int prot, int mmu_idx,
			 uint32_t size);
typedef void set_dirty_fn(void *cpu, uint32_t vaddr);
typedef void flush_fn(void *cpu);
typedef void flush_page_fn(void *cpu, uint32_t vaddr);
typedef void *alloc_fn(void *context);
typedef void init_fn(void *engine, unsigned long bytes);

#define ROOM (HF_TLB_ROOM + (4u << 20)) /* a block takes a few hundred bytes */

/* Unicorn's names. */
set_page_fn tlb_set_page_with_attrs_arm;
alloc_fn tcg_tb_alloc_arm;
init_fn tcg_exec_init_arm;

static _Thread_local struct hf_machine *running;
static atomic_bool fast;

void hf_tlb_use(struct hf_machine *machine)
{
	running = machine;
}

bool hf_tlb_is_fast(void)
{
	return atomic_load(&fast);
}

bool hf_tlb_flush(struct hf_machine *machine)
{
	static flush_fn *flush;

	if (!machine->engine_cpu)
		return false;
	if (!flush) /* the same value in every thread */
		flush = __extension__(flush_fn *)dlsym(RTLD_DEFAULT, "tlb_flush_arm");
	if (!flush)
		return false;
	flush(machine->engine_cpu);
	return true;
}

bool hf_tlb_flush_page(struct hf_machine *machine, uint32_t vaddr)
{
	static flush_page_fn *flush;

	if (!machine->engine_cpu)
		return false;
	if (!flush) /* the same value in every thread */
		flush = __extension__(flush_page_fn *)dlsym(RTLD_DEFAULT, "tlb_flush_page_arm");
	if (!flush)
		return false;
	flush(machine->engine_cpu, vaddr);
	return true;
}

void hf_tlb_make_room(struct hf_machine *machine)
{
	flush_fn *flush;

	if (!machine->translations_full || !machine->engine_cpu)
		return;
	flush = __extension__(flush_fn *)dlsym(RTLD_DEFAULT, "tb_flush_arm");
	if (flush)
		flush(machine->engine_cpu);
	machine->translations_full = false;
	machine->translations = 0;
	machine->translations_dropped++;
}

void tcg_exec_init_arm(void *engine, unsigned long bytes)
{
	init_fn *init = __extension__(init_fn *)dlsym(RTLD_NEXT, "tcg_exec_init_arm");

	(void)bytes;
	init(engine, ROOM);
}

/* Blocks are given their room in one sequence. The one that is translated now must not be the one that is executed next:
 * the run ends before it. */
void *tcg_tb_alloc_arm(void *context)
{
	static alloc_fn *alloc;
	uintptr_t block;

	if (!alloc)
		alloc = __extension__(alloc_fn *)dlsym(RTLD_NEXT, "tcg_tb_alloc_arm");
	block = (uintptr_t)alloc(context);
	if (running && !running->translations)
		running->translations = block;
	if (running && block - running->translations > running->translations_room && !running->translations_full) {
		running->translations_full = running->leave = true;
		hf_machine_look(running);
	}
	return (void *)block;
}

/* Data only: RAM in which nothing was executed. */
static bool is_data(const struct hf_machine *machine, uint32_t vaddr)
{
	uint32_t offset = (vaddr & ~(machine->cpu_page - 1)) - HF_TWIN_SRAM_ADDR;

	if (vaddr - HF_TWIN_CCM_ADDR < HF_TWIN_CCM_SIZE)
		return true;
	if (offset >= HF_TWIN_SRAM_SIZE)
		return false;
	for (uint32_t i = 0; i < machine->cpu_page; i += PAGE_BYTES)
		if (machine->code_sram[(offset + i) / PAGE_BYTES])
			return false;
	return true;
}

void tlb_set_page_with_attrs_arm(void *cpu, uint32_t vaddr, uint64_t paddr, unsigned attrs, int prot, int mmu_idx,
				 uint32_t size)
{
	static set_page_fn *set_page;
	static set_dirty_fn *set_dirty;

	if (!set_page) { /* the same values in every thread */
		set_dirty = __extension__(set_dirty_fn *)dlsym(RTLD_NEXT, "tlb_set_dirty_arm");
		set_page = __extension__(set_page_fn *)dlsym(RTLD_NEXT, "tlb_set_page_with_attrs_arm");
	}
	if (running)
		running->engine_cpu = cpu;
	set_page(cpu, vaddr, paddr, attrs, prot, mmu_idx, size);
	if (set_dirty && running && is_data(running, vaddr)) {
		set_dirty(cpu, vaddr);
		atomic_store(&fast, true);
	}
}
