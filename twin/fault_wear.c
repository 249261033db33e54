/* SPDX-License-Identifier: MIT
 *
 * Worn flash: stuck words, sectors whose erases are used up, read disturb.
 *
 * hf_fault_becomes() is the one place that says what a word holds after an erase or a program operation; without faults it
 * is what was asked for. Which words of a worn sector are worn follows from the seed alone, so that nothing has to be
 * kept for each word.
 */
#include "internal.h"

#define WORN_ONE_IN 64

/* ---- what a word becomes ---- */

static uint32_t stuck_bits(const struct hf_machine *machine, uint32_t offset)
{
	for (unsigned i = 0; i < machine->st.stuck_count; i++)
		if (machine->st.stuck[i].addr - HF_TWIN_FLASH_ADDR == offset)
			return machine->st.stuck[i].bits;
	return 0;
}

static bool is_worn(const struct hf_worn *worn)
{
	return worn->kind != HF_TWIN_WORN_NOT && worn->left == 0;
}

/* The bits of the word that are worn, and whether they read 0 (else they stay as they are). */
static uint32_t worn_bits(const struct hf_worn *worn, uint32_t offset, bool *zero)
{
	uint64_t seed = worn->seed ^ (uint64_t)offset * 0xd6e8feb86659fd93u, r = hf_fault_random(&seed);

	if (r % WORN_ONE_IN != 0)
		return 0;
	r = hf_fault_random(&seed);
	*zero = worn->kind == HF_TWIN_WORN_SILENT && r >> 63;
	return ((uint32_t)r & (uint32_t)(r >> 29)) | 1u << (r >> 58 & 31);
}

uint32_t hf_fault_becomes(const struct hf_machine *machine, uint32_t offset, uint32_t old, uint32_t value)
{
	const struct hf_core *st = &machine->st;
	uint32_t bits;
	bool zero;

	if (st->stuck_count) {
		bits = stuck_bits(machine, offset);
		value = (value & ~bits) | (old & bits);
	}
	if (st->worn_sectors) {
		const struct hf_worn *worn = &st->worn[hf_flash_sector(HF_TWIN_FLASH_ADDR + offset)];

		bits = is_worn(worn) ? worn_bits(worn, offset, &zero) : 0;
		if (bits)
			value = zero ? value & ~bits : (value & ~bits) | (old & bits);
	}
	return value;
}

void hf_fault_write_word(struct hf_machine *machine, uint32_t offset, uint32_t value)
{
	uint32_t old;

	memcpy(&old, machine->flash + offset, 4);
	value = hf_fault_becomes(machine, offset, old, value);
	memcpy(machine->flash + offset, &value, 4);
}

uint32_t hf_fault_flag(const struct hf_machine *machine, unsigned sector)
{
	const struct hf_worn *worn = &machine->st.worn[sector];

	if (!is_worn(worn) || worn->kind != HF_TWIN_WORN_FLAGGED)
		return 0;
	return worn->seed & 1 ? HF_FAULT_WRPERR : HF_FAULT_PGSERR;
}

bool hf_fault_blank(struct hf_machine *machine, unsigned sector)
{
	uint32_t begin = hf_flash_sector_addr(sector) - HF_TWIN_FLASH_ADDR, size = hf_flash_sector_size(sector);
	uint32_t all = UINT32_MAX, word;

	if (!machine->st.stuck_count && !is_worn(&machine->st.worn[sector])) {
		memset(machine->flash + begin, 0xff, size);
		return true;
	}
	for (uint32_t offset = begin; offset < begin + size; offset += 4) {
		hf_fault_write_word(machine, offset, UINT32_MAX);
		memcpy(&word, machine->flash + offset, 4);
		all &= word;
	}
	return all == UINT32_MAX;
}

/* ---- wear ---- */

static void forget_disturb(struct hf_machine *machine, unsigned sector)
{
	struct hf_core *st = &machine->st;

	for (unsigned i = 0; i < st->disturbs;)
		if (hf_flash_sector(st->disturb[i].addr) == (int)sector)
			st->disturb[i] = st->disturb[--st->disturbs];
		else
			i++;
}

void hf_fault_erased(struct hf_machine *machine, unsigned sector)
{
	struct hf_core *st = &machine->st;

	st->wear[sector]++;
	if (st->worn[sector].left)
		st->worn[sector].left--;
	if (st->disturbs)
		forget_disturb(machine, sector);
}

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

enum hf_err hf_twin_wear_out(struct hf_twin *twin, unsigned sector, uint32_t erases_left, enum hf_twin_worn kind,
			     uint64_t seed)
{
	struct hf_core *st = &twin->machine.st;

	if (sector >= HF_TWIN_SECTORS)
		return HF_ERR_RANGE;
	st->worn[sector] = (struct hf_worn){ 0 };
	if (kind != HF_TWIN_WORN_NOT)
		st->worn[sector] = (struct hf_worn){ .kind = kind, .left = erases_left, .seed = seed };
	st->worn_sectors = 0;
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		st->worn_sectors += st->worn[s].kind != HF_TWIN_WORN_NOT;
	return HF_OK;
}

/* ---- read disturb ---- */

enum hf_err hf_twin_disturb(struct hf_twin *twin, uint32_t addr, uint32_t bits, uint32_t reads)
{
	struct hf_machine *machine = &twin->machine;
	struct hf_core *st = &machine->st;

	if (addr & 3 || addr - HF_TWIN_FLASH_ADDR >= HF_TWIN_FLASH_SIZE || reads == 0)
		return HF_ERR_RANGE;
	if (st->disturbs == HF_FAULT_DISTURBS)
		return HF_ERR_FULL;
	st->disturb[st->disturbs++] = (struct hf_disturb){ .addr = addr, .bits = bits, .left = reads };
	hf_flash_watch(machine);
	return HF_OK;
}

static bool disturbed(const struct hf_machine *machine, unsigned sector)
{
	for (unsigned i = 0; i < machine->st.disturbs; i++)
		if (hf_flash_sector(machine->st.disturb[i].addr) == (int)sector)
			return true;
	return false;
}

bool hf_fault_reads_matter(const struct hf_machine *machine, unsigned sector)
{
	return machine->st.unstable[sector] || disturbed(machine, sector);
}

/* The engine may be executing what was translated from this page: run() makes it forget that. */
static void flip_read(struct hf_machine *machine, const struct hf_disturb *d)
{
	uint8_t *mem = machine->flash + (d->addr - HF_TWIN_FLASH_ADDR);
	uint32_t word;

	memcpy(&word, mem, 4);
	word ^= d->bits;
	memcpy(mem, &word, 4);
	hf_snapshot_touch(machine, d->addr - HF_TWIN_FLASH_ADDR, 4);
	machine->stale |= 1u << hf_flash_sector(d->addr);
	machine->leave = true;
	hf_machine_look(machine);
}

static void count_read(struct hf_machine *machine, uint32_t page)
{
	struct hf_core *st = &machine->st;

	for (unsigned i = 0; i < st->disturbs;) {
		struct hf_disturb d = st->disturb[i];

		if (d.addr - HF_TWIN_FLASH_ADDR - page >= machine->cpu_page) {
			i++;
		} else if (d.left > 1) {
			st->disturb[i++].left--;
		} else {
			st->disturb[i] = st->disturb[--st->disturbs];
			flip_read(machine, &d);
		}
	}
	hf_fault_rearm(machine);
}

void hf_fault_read(struct hf_machine *machine, uint32_t page)
{
	unsigned sector = (unsigned)hf_flash_sector(HF_TWIN_FLASH_ADDR + page);

	/* The engine forgets pages of its TLB when it likes, by the host's clock too: that must decide nothing. */
	if (machine->page_read[page / PAGE_BYTES])
		return;
	machine->page_read[page / PAGE_BYTES] = 1;
	if (machine->st.unstable[sector])
		hf_fault_randomise(machine, page);
	if (machine->st.disturbs && disturbed(machine, sector))
		count_read(machine, page);
}

void hf_fault_rearm(struct hf_machine *machine)
{
	if (machine->rearm_at == NO_CYCLE)
		machine->rearm_at = machine->st.cycles + HF_FAULT_REARM_CYCLES;
	hf_machine_look(machine);
}

void hf_fault_reads_anew(struct hf_machine *machine)
{
	memset(machine->page_read, 0, sizeof(machine->page_read));
	machine->rearm_at = NO_CYCLE;
}

void hf_fault_drop_stale(struct hf_machine *machine)
{
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		if (machine->stale >> s & 1)
			hf_cpu_code_changed(machine, hf_flash_sector_addr(s), hf_flash_sector_size(s));
	machine->stale = 0;
}

/* ---- identity ---- */

static uint64_t mixed(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t state = a;

	state = hf_fault_random(&state) ^ b;
	state = hf_fault_random(&state) ^ c;
	return hf_fault_random(&state);
}

/* A sum, since it does not matter in which order the faults were set. */
uint64_t hf_fault_hash(const struct hf_machine *machine)
{
	const struct hf_core *st = &machine->st;
	uint64_t h = 0;

	for (unsigned i = 0; i < st->stuck_count; i++)
		h += mixed(1, st->stuck[i].addr, st->stuck[i].bits);
	for (unsigned i = 0; i < st->disturbs; i++)
		h += mixed(2, (uint64_t)st->disturb[i].addr << 32 | st->disturb[i].bits, st->disturb[i].left);
	for (unsigned s = 0; st->worn_sectors && s < HF_TWIN_SECTORS; s++)
		if (st->worn[s].kind != HF_TWIN_WORN_NOT)
			h += mixed(3 + s, (uint64_t)st->worn[s].kind << 32 | st->worn[s].left, st->worn[s].seed);
	return h;
}
