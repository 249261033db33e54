/* SPDX-License-Identifier: MIT
 *
 * Words of flash that read differently each time: cells between two states.
 *
 * An unstable bit reads anew, at random, whenever its page is read and at least HF_FAULT_REARM_CYCLES have passed: an F4 has
 * no ECC, and such a cell reads as it likes. Clearing the bit again settles it, and so does an erase.
 */
#include "internal.h"

#include <stdlib.h>

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
	hf_snapshot_touch(machine, page, machine->cpu_page);
	hf_fault_rearm(machine);
}

uint32_t hf_twin_unstable_words(const struct hf_twin *twin)
{
	uint32_t words = 0;

	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		words += twin->machine.st.unstable[s];
	return words;
}

/* A quarter of the word's bits, and one at least. */
static uint32_t some_bits(uint64_t r)
{
	return ((uint32_t)r & (uint32_t)(r >> 32)) | 1u << (r >> 27 & 31);
}

enum hf_err hf_twin_unstable(struct hf_twin *twin, uint32_t addr, uint32_t size, uint32_t density, uint64_t seed)
{
	struct hf_machine *machine = &twin->machine;
	uint32_t begin = addr - HF_TWIN_FLASH_ADDR;

	if (begin > HF_TWIN_FLASH_SIZE || size > HF_TWIN_FLASH_SIZE - begin || (begin | size) & 3)
		return HF_ERR_RANGE;
	for (uint32_t offset = begin; offset < begin + size; offset += 4) {
		uint64_t r = hf_fault_random(&seed);

		if ((uint32_t)(r & 0xffff) < density)
			hf_fault_set_unstable(machine, offset,
					      hf_fault_unstable(machine, offset) | some_bits(hf_fault_random(&seed)));
	}
	hf_flash_watch(machine);
	return HF_OK;
}
