/* SPDX-License-Identifier: MIT
 *
 * What a loss of power leaves in flash, and hardware that is worn.
 *
 * The contents after a cut come from the cut's own seed, so that a case can be run again alone. An unstable bit reads
 * anew, at random, whenever its page is read and at least REARM_CYCLES have passed: an F4 has no ECC, and a cell
 * between two states reads as it likes. Clearing the bit again settles it, and so does an erase.
 */
#include "internal.h"

#include <stdlib.h>

#define REARM_CYCLES 1000

/* splitmix64 */
uint64_t hf_fault_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
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

/* ---- unstable words ---- */

uint32_t hf_fault_unstable(const struct hf_machine *machine, uint32_t offset)
{
	return machine->unstable && offset < HF_TWIN_FLASH_SIZE ? machine->unstable[offset / 4] : 0;
}

void hf_fault_set_unstable(struct hf_machine *machine, uint32_t offset, uint32_t bits)
{
	uint32_t *count, *word;

	if (offset >= HF_TWIN_FLASH_SIZE || hf_fault_unstable(machine, offset) == bits)
		return;
	if (!machine->unstable)
		machine->unstable = calloc(HF_TWIN_FLASH_SIZE / 4, sizeof(*machine->unstable));
	if (!machine->unstable) {
		machine->error = "no memory for unstable words";
		return;
	}
	word = &machine->unstable[offset / 4];
	count = &machine->st.unstable[hf_flash_sector(HF_TWIN_FLASH_ADDR + offset)];
	*count += (bits != 0) - (*word != 0);
	*word = bits;
}

void hf_fault_forget_unstable(struct hf_machine *machine, unsigned sector)
{
	uint32_t offset = hf_flash_sector_addr(sector) - HF_TWIN_FLASH_ADDR;

	if (machine->st.unstable[sector])
		memset(machine->unstable + offset / 4, 0, hf_flash_sector_size(sector));
	machine->st.unstable[sector] = 0;
}

void hf_fault_randomise(struct hf_machine *machine, uint32_t page)
{
	for (uint32_t offset = page; offset < page + machine->cpu_page; offset += 4) {
		uint32_t bits = hf_fault_unstable(machine, offset), word;

		if (!bits)
			continue;
		memcpy(&word, machine->flash + offset, 4);
		word = (word & ~bits) | ((uint32_t)hf_machine_random(machine) & bits);
		memcpy(machine->flash + offset, &word, 4);
	}
	if (machine->rearm_at == NO_CYCLE)
		machine->rearm_at = machine->st.cycles + REARM_CYCLES;
	hf_machine_look(machine);
}

uint32_t hf_twin_unstable_words(const struct hf_twin *twin)
{
	uint32_t words = 0;

	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		words += twin->machine.st.unstable[s];
	return words;
}

void hf_twin_reseed(struct hf_twin *twin, uint64_t seed)
{
	twin->machine.st.random = seed;
}

/* ---- torn operations ---- */

static uint32_t stuck_bits(const struct hf_machine *machine, uint32_t offset)
{
	for (unsigned i = 0; i < machine->st.stuck_count; i++)
		if (machine->st.stuck[i].addr - HF_TWIN_FLASH_ADDR == offset)
			return machine->st.stuck[i].bits;
	return 0;
}

void hf_fault_write_word(struct hf_machine *machine, uint32_t offset, uint32_t value)
{
	uint32_t stuck = stuck_bits(machine, offset), old;

	memcpy(&old, machine->flash + offset, 4);
	value = (value & ~stuck) | (old & stuck);
	memcpy(machine->flash + offset, &value, 4);
}

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
	machine->st.wear[sector]++;
	hf_cpu_code_changed(machine, hf_flash_sector_addr(sector), size);
}

/* ---- worn hardware, flipped bits ---- */

enum hf_err hf_twin_stick_word(struct hf_twin *twin, uint32_t addr, uint32_t bits)
{
	struct hf_core *st = &twin->machine.st;
	unsigned i = 0;

	if (addr & 3 || addr - HF_TWIN_FLASH_ADDR >= HF_TWIN_FLASH_SIZE)
		return HF_ERR_RANGE;
	while (i < st->stuck_count && st->stuck[i].addr != addr)
		i++;
	if (!bits) {
		if (i < st->stuck_count)
			st->stuck[i] = st->stuck[--st->stuck_count];
		return HF_OK;
	}
	if (i == sizeof(st->stuck) / sizeof(st->stuck[0]))
		return HF_ERR_FULL;
	st->stuck[i].addr = addr;
	st->stuck[i].bits = bits;
	if (i == st->stuck_count)
		st->stuck_count++;
	return HF_OK;
}

void hf_twin_wear_set(struct hf_twin *twin, unsigned sector, uint32_t erases)
{
	if (sector < HF_TWIN_SECTORS)
		twin->machine.st.wear[sector] = erases;
}

uint32_t hf_twin_wear(const struct hf_twin *twin, unsigned sector)
{
	return sector < HF_TWIN_SECTORS ? twin->machine.st.wear[sector] : 0;
}

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
