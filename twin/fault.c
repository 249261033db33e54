/* SPDX-License-Identifier: MIT
 *
 * When an operation of the flash ends early, and what that leaves; bits that flip. Worn hardware is in fault_wear.c, what
 * reads differently each time in fault_unstable.c, clocks in fault_clock.c, serial lines in usart_fault.c.
 *
 * The contents after a cut come from the cut's own seed, so that a case can be run again alone. A cut and a reset are the
 * same to the flash: a charge pump that stops in the middle.
 */
#include "internal.h"

/* splitmix64 */
uint64_t hf_fault_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void hf_twin_reseed(struct hf_twin *twin, uint64_t seed)
{
	twin->machine.st.random = seed;
}

/* ---- cuts ---- */

static bool cut_fits(struct hf_machine *machine, uint32_t addr, bool erase)
{
	struct hf_twin_cut *cut = &machine->cut;

	if (cut->when == HF_TWIN_CUT_OPERATION)
		return machine->st.counts.flash_ops == cut->at;
	if (cut->when != HF_TWIN_CUT_NEXT || (cut->what == HF_TWIN_CUT_ERASE && !erase) ||
	    (cut->what == HF_TWIN_CUT_PROGRAM && erase) || (cut->size && addr - cut->addr >= cut->size))
		return false;
	if (cut->at == 0)
		return true;
	cut->at--;
	return false;
}

bool hf_fault_operation(struct hf_machine *machine, uint32_t addr, bool erase, uint64_t begin_ns, uint64_t end_ns)
{
	machine->operation.addr = addr;
	machine->operation.erase = erase;
	if (!machine->cut_armed || machine->cut_at_ns != HF_NEVER || !cut_fits(machine, addr, erase))
		return false;
	hf_machine_look(machine);
	if (machine->cut.fraction == 0) {
		machine->cut_now = true;
		return true;
	}
	machine->cut_at_ns = begin_ns + (end_ns - begin_ns) * machine->cut.fraction / 65536;
	return false;
}

uint16_t hf_fault_fraction(const struct hf_machine *machine)
{
	bool in_operation = machine->cut.when == HF_TWIN_CUT_OPERATION || machine->cut.when == HF_TWIN_CUT_NEXT;

	if (machine->cut_now && machine->cut_at_ns != HF_NEVER && in_operation)
		return machine->cut.fraction;
	return hf_flash_progress(machine);
}

void hf_twin_arm_cut(struct hf_twin *twin, const struct hf_twin_cut *cut)
{
	struct hf_machine *machine = &twin->machine;

	machine->cut = *cut;
	machine->cut_armed = true;
	machine->cut_at_ns = cut->when == HF_TWIN_CUT_TIME ? cut->at : HF_NEVER;
	hf_machine_look(machine);
}

void hf_twin_disarm_cut(struct hf_twin *twin)
{
	twin->machine.cut_armed = false;
	twin->machine.cut_at_ns = HF_NEVER;
}

/* ---- torn operations ---- */

static uint64_t seed_of(struct hf_machine *machine, uint32_t offset)
{
	return machine->cut_now ? machine->cut.seed ^ (uint64_t)offset << 32 : hf_machine_random(machine);
}

static bool leaves_unstable(const struct hf_machine *machine)
{
	return machine->cut_now && machine->cut.unstable;
}

void hf_fault_tear_word(struct hf_machine *machine, uint32_t offset, uint32_t old, uint32_t new, uint16_t fraction)
{
	uint32_t changing = old & ~new, cleared = 0;
	uint64_t seed = seed_of(machine, offset);

	for (unsigned b = 0; b < 32; b++)
		if ((uint16_t)hf_fault_random(&seed) < fraction)
			cleared |= 1u << b;
	hf_fault_write_word(machine, offset, old & ~(changing & cleared));
	if (leaves_unstable(machine))
		hf_fault_set_unstable(machine, offset, hf_fault_unstable(machine, offset) | changing);
	hf_cpu_code_changed(machine, HF_TWIN_FLASH_ADDR + offset, 4);
}

/* One word of a sector whose erase was cut: erased or nearly, as it was, or in between. */
static uint32_t torn_word(uint32_t old, uint64_t r, uint16_t fraction)
{
	uint32_t noise = (uint32_t)(r >> 32);

	if ((uint16_t)r < fraction)
		return r >> 16 & 15 ? UINT32_MAX : ~(noise & noise >> 11 & noise << 7);
	switch (r >> 16 & 3) {
	case 0:
		return old | noise;
	case 1:
		return old & noise;
	default:
		return old;
	}
}

void hf_fault_tear_sector(struct hf_machine *machine, unsigned sector, uint16_t fraction)
{
	uint32_t begin = hf_flash_sector_addr(sector) - HF_TWIN_FLASH_ADDR, size = hf_flash_sector_size(sector);
	uint64_t seed = seed_of(machine, begin);

	hf_fault_forget_unstable(machine, sector);
	for (uint32_t offset = begin; offset < begin + size; offset += 4) {
		uint64_t r = hf_fault_random(&seed);
		uint32_t old;

		memcpy(&old, machine->flash + offset, 4);
		hf_fault_write_word(machine, offset, torn_word(old, r, fraction));
		if (leaves_unstable(machine) && r >> 20 & 1)
			hf_fault_set_unstable(machine, offset, (uint32_t)(r >> 24) & (uint32_t)(r >> 31));
	}
	hf_fault_erased(machine, sector);
	hf_cpu_code_changed(machine, hf_flash_sector_addr(sector), size);
}

/* ---- flipped bits ---- */

enum hf_err hf_twin_flip(struct hf_twin *twin, uint32_t addr, uint32_t bits)
{
	struct hf_machine *machine = &twin->machine;
	uint8_t *mem = hf_machine_memory(machine, addr, 4);
	uint32_t word;

	if (!mem)
		return HF_ERR_RANGE;
	memcpy(&word, mem, 4);
	word ^= bits;
	memcpy(mem, &word, 4);
	hf_cpu_code_changed(machine, addr, 4);
	return HF_OK;
}
