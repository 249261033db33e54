/* SPDX-License-Identifier: MIT
 *
 * Which conditional branches of the firmware were seen to be taken, and not to be.
 *
 * A branch ends its basic block, and the next block that begins says what became of it - unless something else moved the
 * core there (an exception, a reset), which hf_cpu_jump() tells. What was seen is noted by the branch's address in its ELF,
 * and only where memory holds the ELF's instruction and what comes before it: a slot holds one firmware after the other, and
 * all of them run code at the same addresses of RAM. Where a branch was seen both ways already costs one look into a
 * table by address, which is forgotten where memory changes.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "firmware.h"

#define ELVES     8u
#define NAME      32u
#define BEFORE    8u /* bytes in front of a branch that must be the ELF's, too */
#define TAKEN     1u
#define NOT_TAKEN 2u

struct elf {
	char name[NAME];
	int32_t offset;
	uint8_t *file;
	struct hf_firmware firmware;
	uint8_t *seen[16]; /* for each half-word of a segment; NULL: none is loaded */
};

struct hf_coverage {
	struct elf elf[ELVES];
	unsigned elves;
	uint32_t branch; /* the last block ended with this one; 0: with none */
	uint32_t next;   /* where the block ended */
	uint8_t known[(HF_TWIN_FLASH_SIZE + HF_TWIN_SRAM_SIZE) / 2];
};

/* By address, flash and then SRAM; NULL: code is nowhere else. */
static uint8_t *known_at(struct hf_coverage *c, uint32_t addr)
{
	if (addr < HF_TWIN_FLASH_SIZE)
		return &c->known[addr / 2];
	if (addr - HF_TWIN_FLASH_ADDR < HF_TWIN_FLASH_SIZE)
		return &c->known[(addr - HF_TWIN_FLASH_ADDR) / 2];
	if (addr - HF_TWIN_SRAM_ADDR < HF_TWIN_SRAM_SIZE)
		return &c->known[(HF_TWIN_FLASH_SIZE + (addr - HF_TWIN_SRAM_ADDR)) / 2];
	return NULL;
}

/* The place in `seen` of the instruction at addr, if it is the ELF's. */
static uint8_t *seen_at(struct hf_machine *machine, struct elf *elf, uint32_t addr)
{
	struct hf_firmware_segment s;
	const uint8_t *mem;

	for (uint32_t i = 0; i < elf->firmware.segments && i < 16; i++) {
		uint32_t base, off, before;

		if (!elf->seen[i] || !hf_firmware_segment(&elf->firmware, i, &s))
			continue;
		base = s.run_addr == s.load_addr ? s.run_addr + (uint32_t)elf->offset : s.run_addr;
		off = addr - base;
		if (off >= s.len || s.len - off < 2)
			continue;
		before = off < BEFORE ? off : BEFORE;
		mem = hf_machine_memory(machine, addr - before, before + 2);
		if (mem && memcmp(mem, s.bytes + off - before, before + 2) == 0)
			return &elf->seen[i][off / 2];
	}
	return NULL;
}

void hf_coverage_see(struct hf_machine *machine, uint32_t pc)
{
	struct hf_coverage *c = machine->coverage;
	uint8_t outcome = pc == c->next ? NOT_TAKEN : TAKEN, *known = known_at(c, c->branch);

	if (c->branch && known && !(*known & outcome)) {
		*known |= outcome;
		for (unsigned i = 0; i < c->elves; i++) {
			uint8_t *seen = seen_at(machine, &c->elf[i], c->branch);

			if (seen)
				*seen |= outcome;
		}
	}
	c->branch = 0;
}

void hf_coverage_end(struct hf_machine *machine, const struct hf_block *block)
{
	struct hf_coverage *c = machine->coverage;

	c->next = block->pc + block->size;
	c->branch = block->branch ? c->next - block->branch : 0;
}

void hf_coverage_jump(struct hf_machine *machine)
{
	if (machine->coverage)
		machine->coverage->branch = 0;
}

void hf_coverage_forget(struct hf_machine *machine, uint32_t addr, uint32_t len)
{
	uint8_t *first;

	if (!machine->coverage || !len)
		return;
	first = known_at(machine->coverage, addr);
	if (first) {
		size_t room = (size_t)(machine->coverage->known + sizeof(machine->coverage->known) - first);

		memset(first, 0, len / 2 + 1 < room ? len / 2 + 1 : room);
	}
}

void hf_coverage_close(struct hf_machine *machine)
{
	struct hf_coverage *c = machine->coverage;

	for (unsigned n = 0; c && n < c->elves; n++) {
		for (unsigned i = 0; i < 16; i++)
			free(c->elf[n].seen[i]);
		free(c->elf[n].file);
	}
	free(c);
	machine->coverage = NULL;
}

enum hf_err hf_twin_coverage(struct hf_twin *twin, const char *name, const void *elf, size_t len, int32_t offset)
{
	struct hf_machine *machine = &twin->machine;
	struct hf_firmware_segment s;
	struct elf *e;
	enum hf_err err;

	if (strlen(name) >= NAME)
		return HF_ERR_RANGE;
	if (!machine->coverage)
		machine->coverage = calloc(1, sizeof(*machine->coverage));
	if (!machine->coverage)
		return HF_ERR_IO;
	if (machine->coverage->elves == ELVES)
		return HF_ERR_FULL;
	e = &machine->coverage->elf[machine->coverage->elves];
	memset(e, 0, sizeof(*e));
	e->file = malloc(len ? len : 1);
	if (!e->file)
		return HF_ERR_IO;
	machine->coverage->elves++;
	memcpy(e->file, elf, len);
	strcpy(e->name, name);
	e->offset = offset;
	err = hf_firmware_open(&e->firmware, e->file, len);
	for (uint32_t i = 0; !err && i < e->firmware.segments && i < 16; i++) {
		if (!hf_firmware_segment(&e->firmware, i, &s))
			continue;
		e->seen[i] = calloc(1, s.len / 2 + 1);
		err = e->seen[i] ? HF_OK : HF_ERR_IO;
	}
	memset(machine->coverage->known, 0, sizeof(machine->coverage->known)); /* may be another ELF's, too */
	return err;
}

enum hf_err hf_twin_coverage_write(const struct hf_twin *twin, const char *path)
{
	const struct hf_coverage *c = twin->machine.coverage;
	struct hf_firmware_segment s;
	FILE *f = fopen(path, "a");
	bool ok = f != NULL && flock(fileno(f), LOCK_EX) == 0;

	for (unsigned n = 0; ok && c && n < c->elves; n++)
		for (uint32_t i = 0; i < 16; i++)
			for (uint32_t at = 0; c->elf[n].seen[i] && hf_firmware_segment(&c->elf[n].firmware, i, &s) && at < s.len / 2;
			     at++)
				if (c->elf[n].seen[i][at])
					ok &= fprintf(f, "%s %08x %u\n", c->elf[n].name, (unsigned)(s.run_addr + 2 * at),
						      c->elf[n].seen[i][at]) > 0;
	if (f)
		ok &= fclose(f) == 0;
	return ok ? HF_OK : HF_ERR_IO;
}
