/* SPDX-License-Identifier: MIT
 *
 * The two declarations are those of QEMU 5.0 as Unicorn 2.0.1 builds it for ARM: target_ulong is 32 bits wide, hwaddr
 * 64, MemTxAttrs a struct that is passed like an unsigned.
 */
#include "tlb.h"

#include <dlfcn.h>
#include <stdatomic.h>

#include "internal.h"

typedef void set_page_fn(void *cpu, uint32_t vaddr, uint64_t paddr, unsigned attrs, int prot, int mmu_idx,
			 uint32_t size);
typedef void set_dirty_fn(void *cpu, uint32_t vaddr);

set_page_fn tlb_set_page_with_attrs_arm; /* Unicorn's name */

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
	set_page(cpu, vaddr, paddr, attrs, prot, mmu_idx, size);
	if (set_dirty && running && is_data(running, vaddr)) {
		set_dirty(cpu, vaddr);
		atomic_store(&fast, true);
	}
}
