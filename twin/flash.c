/* SPDX-License-Identifier: MIT
 *
 * The flash controller: errors, true timing, and the single bank's stall.
 *
 * A program operation changes memory when it begins and keeps the old bytes until it ends, an erase changes memory when
 * it ends: nothing can read in between, because a read waits. What a cut leaves is then made from the old contents and
 * the fraction (fault.c). Times at x32 come from the configuration; erases at x16 and x8 are longer by the ratios of
 * the datasheet (DS8626, table 39).
 *
 * A fetch of instructions waits even where the accelerator's cache would have had the line: firmware that depends on
 * that is wrong. Data reads are seen as far as the cycle model knows their addresses, and, during an erase, all of
 * them.
 */
#include "flash_internal.h"

#include <stdio.h>

static const uint32_t sector_begin[HF_TWIN_SECTORS + 1] = {
	0x00000, 0x04000, 0x08000, 0x0c000, 0x10000, 0x20000, 0x40000,
	0x60000, 0x80000, 0xa0000, 0xc0000, 0xe0000, 0x100000,
};

int hf_flash_sector(uint32_t addr)
{
	uint32_t offset = addr - HF_TWIN_FLASH_ADDR;

	if (offset >= HF_TWIN_FLASH_SIZE)
		return -1;
	for (int s = HF_TWIN_SECTORS - 1;; s--)
		if (offset >= sector_begin[s])
			return s;
}

uint32_t hf_flash_sector_addr(unsigned sector)
{
	return HF_TWIN_FLASH_ADDR + sector_begin[sector];
}

uint32_t hf_flash_sector_size(unsigned sector)
{
	return sector_begin[sector + 1] - sector_begin[sector];
}

bool hf_flash_busy(const struct hf_machine *machine)
{
	return flash_of(machine)->operation != IDLE;
}

uint64_t hf_flash_end_ns(const struct hf_machine *machine)
{
	return flash_of(machine)->end_ns;
}

uint16_t hf_flash_progress(const struct hf_machine *machine)
{
	const struct flash *f = flash_of(machine);
	uint64_t now = hf_machine_now_ns(machine);

	if (now >= f->end_ns)
		return UINT16_MAX;
	return now <= f->begin_ns ? 0 : (uint16_t)((now - f->begin_ns) * 65536 / (f->end_ns - f->begin_ns));
}

static void update_irq(struct hf_machine *machine)
{
	const struct flash *f = flash_of(machine);

	hf_machine_irq(machine, IRQ_FLASH,
		       (f->cr & CR_EOPIE && f->sr & SR_EOP) || (f->cr & CR_ERRIE && f->sr & SR_OPERR));
}

void hf_flash_raise(struct hf_machine *machine, uint32_t addr, uint32_t flags)
{
	struct flash *f = flash_of(machine);

	f->sr |= flags;
	if (f->cr & CR_ERRIE)
		f->sr |= SR_OPERR;
	hf_machine_event(machine, HF_TWIN_EV_FLASH_ERROR, addr, flags, NULL);
	update_irq(machine);
}

/* ---- operations ---- */

static void watch_all(struct hf_machine *machine, bool watch)
{
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		hf_cpu_watch_reads(machine, hf_flash_sector_addr(s), hf_flash_sector_size(s),
				   watch || hf_fault_reads_matter(machine, s));
	if (watch)
		hf_cpu_rearm_reads(machine);
}

static void blank_sector(struct hf_machine *machine, unsigned sector)
{
	if (!hf_fault_blank(machine, sector))
		flash_of(machine)->failed |= hf_fault_flag(machine, sector);
	hf_fault_forget_unstable(machine, sector);
	hf_fault_erased(machine, sector);
	hf_cpu_code_changed(machine, hf_flash_sector_addr(sector), hf_flash_sector_size(sector));
}

static void apply_erase(struct hf_machine *machine, const struct flash *f)
{
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		if (f->sector == s || f->sector == ALL_SECTORS)
			blank_sector(machine, s);
}

static bool erases(uint8_t operation)
{
	return operation == ERASE || operation == MASS_ERASE || operation == UNPROTECT;
}

static void now_idle(struct hf_machine *machine)
{
	struct flash *f = flash_of(machine);
	bool watched = erases(f->operation);

	f->operation = IDLE;
	f->sr &= ~(uint32_t)SR_BSY;
	f->cr &= ~(uint32_t)CR_STRT;
	f->optcr &= ~(uint32_t)OPTCR_START;
	machine->block_stops &= (uint8_t)~BLOCK_FLASH;
	machine->st.stalled = false;
	hf_machine_cancel(machine->flash_dev, EVENT_DONE);
	if (watched)
		watch_all(machine, false);
}

static void finish(struct hf_machine *machine)
{
	struct flash *f = flash_of(machine);
	uint8_t operation = f->operation;

	if (operation == IDLE)
		return;
	if (erases(operation))
		apply_erase(machine, f);
	if (operation == OPTIONS || operation == UNPROTECT)
		hf_flash_options_set(machine, f->optcr);
	now_idle(machine);
	if (f->failed)
		hf_flash_raise(machine, f->addr, f->failed);
	else if (f->cr & CR_EOPIE)
		f->sr |= SR_EOP;
	update_irq(machine);
	if (operation != OPTIONS)
		hf_machine_event(machine, HF_TWIN_EV_FLASH, f->addr, operation == PROGRAM ? f->size : UINT32_MAX, NULL);
	if (operation == OPTIONS || operation == UNPROTECT)
		hf_machine_event(machine, HF_TWIN_EV_OPTIONS, f->optcr_stored, 0, NULL);
}

bool hf_flash_begin(struct hf_machine *machine, enum operation operation, uint32_t addr, uint64_t duration_ns)
{
	struct flash *f = flash_of(machine);
	struct hf_twin_counts *counts = &machine->st.counts;

	f->addr = addr;
	f->failed = 0;
	f->begin_ns = hf_machine_now_ns(machine);
	f->end_ns = f->begin_ns + hf_fault_flash_ns(machine, duration_ns);
	if (hf_fault_operation(machine, addr, erases((uint8_t)operation), f->begin_ns, f->end_ns))
		return false;
	counts->flash_ops++;
	counts->flash_programs += operation == PROGRAM;
	counts->flash_erases += operation == ERASE ? 1 : erases((uint8_t)operation) ? HF_TWIN_SECTORS : 0;
	f->operation = (uint8_t)operation;
	f->sr |= SR_BSY;
	machine->block_stops |= BLOCK_FLASH;
	hf_machine_look(machine);
	hf_machine_schedule(machine->flash_dev, EVENT_DONE, f->end_ns);
	if (erases((uint8_t)operation))
		watch_all(machine, true);
	return true;
}

/* Code in flash that starts an operation waits for it: it cannot fetch its next instruction. */
static void stall_if_in_flash(struct hf_machine *machine)
{
	if (machine->in_cpu && hf_flash_busy(machine) && hf_flash_sector(machine->block_pc) >= 0)
		hf_flash_wait(machine, machine->block_pc, machine->block_pc, false);
}

void hf_flash_tear(struct hf_machine *machine, uint16_t fraction)
{
	struct flash *f = flash_of(machine);
	uint32_t offset = (f->addr - HF_TWIN_FLASH_ADDR) & ~3u;

	if (f->operation == PROGRAM) {
		for (uint32_t i = 0; i < 8; i += 4) {
			uint32_t old, new;

			if (offset + i >= HF_TWIN_FLASH_SIZE)
				continue;
			memcpy(&old, f->old + i, 4);
			memcpy(&new, machine->flash + offset + i, 4);
			hf_fault_set_unstable(machine, offset + i, f->old_unstable[i / 4]);
			if (old != new)
				hf_fault_tear_word(machine, offset + i, old, new, fraction);
		}
	} else if (erases(f->operation)) {
		for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
			if (f->sector == s || f->sector == ALL_SECTORS)
				hf_fault_tear_sector(machine, s, fraction);
	} else if (f->operation == OPTIONS && fraction > 0) {
		hf_flash_options_set(machine, fraction < 0x8000 ? OPTIONS_BLANK : f->optcr);
	}
	now_idle(machine);
}

/* ---- the core waits ---- */

static bool stall_forbidden(const struct hf_machine *machine, uint32_t pc)
{
	if (machine->no_stall_in_handlers && hf_nvic_active(machine))
		return true;
	for (unsigned i = 0; i < machine->no_stalls; i++)
		if (pc - machine->no_stall[i].addr < machine->no_stall[i].size)
			return true;
	return false;
}

/* Once for each stall, with the time that it will take. */
static void tell_stall(struct hf_machine *machine, uint32_t addr, uint32_t pc, uint64_t cycles)
{
	struct hf_core *st = &machine->st;

	if (st->stalled)
		return;
	st->stalled = true;
	st->counts.stalls++;
	hf_machine_event(machine, stall_forbidden(machine, pc) ? HF_TWIN_EV_MUST_NOT_STALL : HF_TWIN_EV_STALL, addr,
			 (uint32_t)(cycles / (st->hclk_hz / 1000000u)), NULL);
}

void hf_flash_wait(struct hf_machine *machine, uint32_t addr, uint32_t pc, bool whole)
{
	struct hf_core *st = &machine->st;
	uint64_t end = hf_machine_cycle_of(machine, flash_of(machine)->end_ns), stop = end;
	uint64_t cut = hf_machine_cycle_of(machine, machine->cut_at_ns);

	tell_stall(machine, addr, pc, end > st->cycles ? end - st->cycles : 0);
	if (!whole)
		stop = hf_machine_cycle_of(machine, machine->until_ns);
	if (cut < end) { /* the power goes while the core waits: the operation is to be torn */
		stop = stop < cut ? stop : cut;
		machine->cut_now = stop == cut;
	}
	stop = stop < end ? stop : end;
	if (stop > st->cycles) {
		st->counts.stall_cycles += stop - st->cycles;
		st->cycles = stop;
	}
	hf_machine_look(machine);
	if (stop == end)
		finish(machine);
}

void hf_flash_was_read(struct hf_machine *machine, uint32_t addr)
{
	int sector = hf_flash_sector(addr);

	if (hf_flash_busy(machine))
		hf_flash_wait(machine, addr, machine->block_pc, true);
	if (hf_fault_reads_matter(machine, (unsigned)sector))
		hf_fault_read(machine, (addr - HF_TWIN_FLASH_ADDR) & ~(machine->cpu_page - 1));
}

/* ---- programming ---- */

static uint32_t check_program(const struct flash *f, uint32_t addr, unsigned size)
{
	unsigned psize = 1u << (f->cr >> 8 & 3);

	if (!(f->cr & CR_PG) || f->cr & (CR_SER | CR_MER))
		return SR_PGSERR;
	if (addr / 16 != (addr + size - 1) / 16)
		return SR_PGAERR;
	if (size != psize || addr % size != 0)
		return SR_PGPERR;
	if (!(f->optcr_stored >> 16 >> hf_flash_sector(addr) & 1))
		return SR_WRPERR;
	return 0;
}

void hf_flash_settle(struct hf_machine *machine)
{
	uint32_t offset = machine->settle.offset;

	if (!machine->settle.set)
		return;
	machine->settle.set = false;
	for (uint32_t i = 0; i < 8 && offset + i < HF_TWIN_FLASH_SIZE; i++)
		machine->flash[offset + i] = machine->settle.bytes[i];
	hf_cpu_code_changed(machine, HF_TWIN_FLASH_ADDR + offset, 8);
}

/* What the words around a store will hold: bits are only cleared, and worn ones are as they like. */
static void programmed(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	uint32_t offset = addr - HF_TWIN_FLASH_ADDR;
	uint8_t *bytes = machine->settle.bytes;

	for (unsigned i = 0; i < size; i++) {
		uint32_t at = offset + i, zeros = (uint8_t)~(value >> 8 * i);

		bytes[(offset & 3) + i] &= (uint8_t)~zeros;
		hf_fault_set_unstable(machine, at & ~3u,
				      hf_fault_unstable(machine, at & ~3u) & ~(zeros << 8 * (at & 3)));
	}
	for (uint32_t at = offset & ~3u; at < offset + size; at += 4) {
		uint8_t *word = bytes + (at - (offset & ~3u));
		uint32_t old, wanted, holds;

		memcpy(&old, machine->flash + at, 4);
		memcpy(&wanted, word, 4);
		holds = hf_fault_becomes(machine, at, old, wanted);
		if (holds == wanted)
			continue;
		memcpy(word, &holds, 4);
		flash_of(machine)->failed |= hf_fault_flag(machine, (unsigned)hf_flash_sector(addr));
	}
}

/* Called before the engine carries the store out: whatever happens, settle() writes what must be there afterwards. */
void hf_flash_store(struct hf_machine *machine, uint32_t addr, unsigned size, uint32_t value)
{
	struct flash *f = flash_of(machine);
	uint32_t offset = addr - HF_TWIN_FLASH_ADDR, errors;

	hf_flash_settle(machine);
	if (hf_flash_busy(machine) && !machine->cut_now)
		hf_flash_wait(machine, addr, machine->block_pc, true);
	machine->settle.set = true;
	machine->settle.offset = offset & ~3u;
	memset(machine->settle.bytes, 0xff, 8);
	memcpy(machine->settle.bytes, machine->flash + machine->settle.offset,
	       machine->settle.offset + 8 <= HF_TWIN_FLASH_SIZE ? 8 : 4);
	hf_machine_look(machine);
	if (machine->cut_now || hf_flash_busy(machine))
		return;
	errors = check_program(f, addr, size);
	if (errors) {
		hf_flash_raise(machine, addr, errors);
		return;
	}
	memcpy(f->old, machine->settle.bytes, 8);
	f->size = size;
	if (!hf_flash_begin(machine, PROGRAM, addr, machine->config.program_ns))
		return;
	for (uint32_t i = 0; i < 2; i++)
		f->old_unstable[i] = hf_fault_unstable(machine, machine->settle.offset + 4 * i);
	programmed(machine, addr, size, value);
	stall_if_in_flash(machine);
}

/* ---- erasing ---- */

/* Typical times in ms at x8, x16, x32, for 16, 64 and 128 KiB. */
static uint64_t erase_ns(const struct hf_machine *machine, unsigned sector, unsigned psize)
{
	static const uint16_t ms[3][3] = { { 400, 300, 250 }, { 1200, 700, 550 }, { 2000, 1300, 1000 } };
	const struct hf_twin_config *c = &machine->config;
	uint32_t size = hf_flash_sector_size(sector);
	unsigned kind = size == 0x4000 ? 0 : size == 0x10000 ? 1 : 2;
	uint64_t ns = kind == 0 ? c->erase_16k_ns : kind == 1 ? c->erase_64k_ns : c->erase_128k_ns;

	return ns * ms[kind][psize > 2 ? 2 : psize] / ms[kind][2];
}

uint64_t hf_flash_mass_erase_ns(const struct hf_machine *machine, unsigned psize)
{
	uint64_t ns = 0;

	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		ns += erase_ns(machine, s, psize);
	return ns;
}

static void start(struct hf_machine *machine)
{
	struct flash *f = flash_of(machine);
	unsigned sector = f->cr >> 3 & 15, psize = f->cr >> 8 & 3;
	uint32_t writable = f->optcr_stored >> 16 & 0xfff;
	uint64_t ns;

	if (f->cr & CR_PG || !(f->cr & (CR_SER | CR_MER)) || (f->cr & CR_SER && sector >= HF_TWIN_SECTORS)) {
		f->cr &= ~(uint32_t)CR_STRT;
		hf_flash_raise(machine, 0, SR_PGSERR);
		return;
	}
	f->sector = f->cr & CR_MER ? ALL_SECTORS : (uint8_t)sector;
	if (f->sector == ALL_SECTORS ? writable != 0xfff : !(writable >> sector & 1)) {
		f->cr &= ~(uint32_t)CR_STRT;
		hf_flash_raise(machine, f->sector == ALL_SECTORS ? 0 : hf_flash_sector_addr(sector), SR_WRPERR);
		return;
	}
	ns = f->sector == ALL_SECTORS ? hf_flash_mass_erase_ns(machine, psize) : erase_ns(machine, sector, psize);
	hf_flash_begin(machine, f->sector == ALL_SECTORS ? MASS_ERASE : ERASE,
	      f->sector == ALL_SECTORS ? HF_TWIN_FLASH_ADDR : hf_flash_sector_addr(sector), ns);
}

/* ---- registers ---- */

static void write_acr(struct hf_machine *machine, uint32_t value)
{
	struct hf_art *art = &machine->st.art;

	if (value & ACR_ICRST)
		hf_art_reset_icache(art, &machine->cost);
	if (value & ACR_DCRST)
		hf_art_reset_dcache(art);
	flash_of(machine)->acr = value & 0x1f07;
	art->wait = value & 7;
	art->prefetch = value & ACR_PRFTEN;
	art->icache = value & ACR_ICEN;
	art->dcache = value & ACR_DCEN;
}

static void write_cr(struct hf_machine *machine, uint32_t value)
{
	struct flash *f = flash_of(machine);

	if (hf_flash_busy(machine))
		hf_flash_wait(machine, machine->flash_dev->base + CR, machine->block_pc, true);
	if (f->cr & CR_LOCK || hf_flash_busy(machine))
		return;
	f->cr = value & (CR_WRITABLE | CR_STRT | CR_LOCK);
	if (value & CR_STRT && !(value & CR_LOCK))
		start(machine);
	stall_if_in_flash(machine);
	update_irq(machine);
}

static void write_optcr(struct hf_machine *machine, uint32_t value)
{
	struct flash *f = flash_of(machine);

	if (f->optcr & OPTCR_LOCK || hf_flash_busy(machine))
		return;
	f->optcr = value & 0x0fffffff;
	if (value & OPTCR_START)
		hf_flash_start_options(machine);
	stall_if_in_flash(machine);
}

/* Until the next thing is due, further looks at a busy controller would see what this one sees. */
static uint32_t read_status(struct hf_machine *machine, const struct flash *f)
{
	struct hf_core *st = &machine->st;

	if (f->sr & SR_BSY && machine->config.coarse && machine->check_at != NO_CYCLE &&
	    st->cycles < machine->check_at)
		st->cycles = machine->check_at;
	return f->sr;
}

static uint32_t flash_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	const struct flash *f = dev->state;

	(void)size;
	hf_flash_settle(dev->machine);
	switch (offset) {
	case ACR: return f->acr;
	case SR: return read_status(dev->machine, f);
	case CR: return f->cr;
	case OPTCR: return f->optcr;
	default: return 0;
	}
}

static void flash_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct hf_machine *machine = dev->machine;
	struct flash *f = dev->state;

	(void)size;
	hf_flash_settle(machine);
	switch (offset) {
	case ACR: write_acr(machine, value); break;
	case KEYR: hf_flash_write_key(machine, value); break;
	case OPTKEYR: hf_flash_write_optkey(machine, value); break;
	case SR:
		f->sr &= ~(value & (SR_EOP | SR_OPERR | SR_ERRORS));
		update_irq(machine);
		break;
	case CR: write_cr(machine, value); break;
	case OPTCR: write_optcr(machine, value); break;
	default: break;
	}
}

static void flash_due(struct hf_dev *dev, unsigned event)
{
	(void)event;
	finish(dev->machine);
}

static void flash_reset(struct hf_dev *dev, bool power_on)
{
	struct hf_machine *machine = dev->machine;
	struct flash *f = dev->state;
	uint32_t stored = f->optcr_stored;

	(void)power_on;
	memset(f, 0, sizeof(*f));
	f->cr = CR_LOCK;
	f->optcr_stored = stored;
	f->optcr = stored | OPTCR_LOCK;
	hf_art_reset_icache(&machine->st.art, &machine->cost);
	hf_art_reset_dcache(&machine->st.art);
	write_acr(machine, 0);
	watch_all(machine, false);
	hf_cpu_rearm_reads(machine);
}

void hf_flash_watch(struct hf_machine *machine)
{
	bool erasing = erases(flash_of(machine)->operation);

	watch_all(machine, erasing);
	if (!erasing)
		hf_cpu_rearm_reads(machine);
}

static void flash_restored(struct hf_dev *dev)
{
	struct hf_machine *machine = dev->machine;
	const struct flash *f = dev->state;

	machine->block_stops &= (uint8_t)~BLOCK_FLASH;
	if (f->operation != IDLE)
		machine->block_stops |= BLOCK_FLASH;
	hf_flash_watch(machine);
	hf_flash_show_options(machine);
}

static const struct hf_dev_ops ops = {
	.name = "flash",
	.state_bytes = sizeof(struct flash),
	.read = flash_read,
	.write = flash_write,
	.reset = flash_reset,
	.due = flash_due,
	.restored = flash_restored,
};

void hf_flash_add(struct hf_machine *machine)
{
	struct flash *f;

	machine->flash_dev = hf_machine_add(machine, &ops, 0x40023c00, 0x400);
	f = machine->flash_dev->state;
	f->optcr = OPTCR_LOCK;
	hf_flash_options_set(machine, machine->config.optcr);
}
