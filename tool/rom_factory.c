/* SPDX-License-Identifier: MIT
 *
 * A whole device, from blank (or from anything) to what leaves the factory. Option bytes come last, and of them readout
 * protection: behind it nothing can be read back any more.
 *
 * Cut anywhere, the same command again completes it: sectors that are right are kept. Whether one of them may hide a torn
 * word, the journal's sectors tell: they are not blank while a burn is under way (its first word is zeroed before
 * anything is erased), and are erased last.
 */
#include <stdlib.h>
#include <string.h>

#include "rom.h"

struct factory {
	struct hf_rom *rom;
	const struct hf_rom_factory_options *o;
	struct hf_diag *diag;
	bool marked;  /* the journal's sectors are not blank */
	bool changed;
};

static enum hf_err fails(struct factory *f, enum hf_err err, const char *doing)
{
	hf_rom_explain(f->rom, err, doing, f->diag);
	return err;
}

/* ---- a closed chip ---- */

static enum hf_err open_chip(struct factory *f)
{
	enum hf_err err;

	if (f->rom->options.rdp == 0)
		return HF_OK;
	if (!f->o->erase_everything) {
		hf_diag_set(f->diag, "the chip's readout protection is at level 1, so nothing can be compared or written: if a factory "
				     "burn set it, the device is finished (BOOT0 low, reset, `holdfast status`); to burn it anew, give "
				     "--erase-everything, which erases all of its flash, keyset, configuration and history included");
		return HF_ERR_DENIED;
	}
	hf_rom_tell(f->rom, HF_ROM_CHECK, "taking readout protection off: the chip erases all of its flash");
	err = hf_an3155_readout_unprotect(&f->rom->link, f->rom->wait_ms);
	if (err)
		return fails(f, err, "taking readout protection off");
	err = hf_rom_connect(f->rom, f->diag);
	if (!err && f->rom->options.rdp != 0) {
		hf_diag_set(f->diag, "the chip's readout protection does not go off: its flash or option bytes are worn; replace the device");
		err = HF_ERR_FLASH_LOCKED;
	}
	return err;
}

/* ---- sectors ---- */

/* Before the first change. */
static enum hf_err mark(struct factory *f)
{
	static const uint8_t zeros[4];
	const struct hf_span journal = f->rom->board->layout.journal[0];
	enum hf_err err = HF_OK;

	if (!f->marked)
		err = hf_rom_flash_write(f->rom, journal.addr, zeros, sizeof(zeros));
	f->marked = true;
	f->changed = true;
	return err;
}

/* An earlier burn may have closed boot's sectors already. */
static enum hf_err on_erase(void *ctx, unsigned sector, bool done)
{
	struct factory *f = ctx;
	struct hf_rom_options open = f->rom->options;
	enum hf_err err = HF_OK;

	if (done)
		return HF_OK;
	open.protected = 0;
	if (f->rom->options.protected) {
		hf_rom_tell(f->rom, HF_ROM_WRITE, "taking the write protection off, which is put back in the end");
		err = hf_rom_write_options(f->rom, &open);
	}
	(void)sector;
	return err ? err : mark(f);
}

static bool in_journal(const struct factory *f, unsigned sector)
{
	const struct hf_board_partition p = f->rom->board->partition[HF_PART_JOURNAL];

	return sector >= p.first && sector <= p.last;
}

static bool is_unused(const struct factory *f, unsigned sector)
{
	const struct hf_board *b = f->rom->board;

	for (unsigned i = 0; i < b->unuseds; i++) {
		if (sector >= b->unused[i].first && sector <= b->unused[i].last)
			return true;
	}
	return false;
}

static struct hf_rom_sector sector_of(struct factory *f, unsigned number)
{
	const struct hf_layout *layout = &f->rom->board->layout;

	return (struct hf_rom_sector){
		.number = (uint8_t)number,
		.want = f->o->flash + (layout->sector[number].addr - layout->sector[0].addr),
		.in_doubt = f->marked && !(f->rom->options.protected >> number & 1), /* what is closed was finished */
		.blank_first = in_journal(f, number) && f->marked,
		.erasing = on_erase,
		.ctx = f,
	};
}

static enum hf_err put(struct factory *f, bool journal)
{
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < f->rom->board->layout.sectors && !err; i++) {
		struct hf_rom_sector s = sector_of(f, i);

		if (!is_unused(f, i) && in_journal(f, i) == journal)
			err = hf_rom_put_sector(f->rom, &s);
	}
	return err;
}

static enum hf_err look_at_journal(struct factory *f)
{
	const struct hf_board *b = f->rom->board;
	uint8_t block[HF_AN3155_BLOCK];
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < 2 && !err && !f->marked; i++) {
		for (uint32_t off = 0; off < b->layout.journal[i].size && !err && !f->marked; off += sizeof(block)) {
			err = hf_rom_flash_read(f->rom, b->layout.journal[i].addr + off, block, sizeof(block));
			for (unsigned k = 0; k < sizeof(block) && !err; k++)
				f->marked |= block[k] != 0xff;
		}
	}
	return err;
}

static enum hf_err write_flash(struct factory *f)
{
	enum hf_err err = look_at_journal(f);

	if (err)
		return fails(f, err, "reading the journal");
	if (f->marked)
		hf_rom_tell(f->rom, HF_ROM_CHECK, "this device has been in use, or an earlier burn was cut: what its journal holds "
						  "(configuration, history, a later keyset) is erased");
	f->rom->done = f->rom->total = f->rom->skipped = 0;
	for (unsigned i = 0; i < f->rom->board->layout.sectors; i++) {
		struct hf_rom_sector s = sector_of(f, i);

		f->rom->total += is_unused(f, i) ? 0 : hf_rom_sector_work(f->rom, &s);
	}
	hf_rom_tell(f->rom, HF_ROM_WRITE, "writing boot, keyset, recovery and slot A");
	err = put(f, false);
	if (!err)
		err = put(f, true); /* last: until then they say that a burn is under way */
	return err ? fails(f, err, "writing the flash") : HF_OK;
}

/* ---- option bytes ---- */

static bool same_but_rdp(struct hf_rom_options a, struct hf_rom_options b)
{
	return a.bor == b.bor && a.watchdog_by_software == b.watchdog_by_software && a.protected == b.protected;
}

static enum hf_err write_options(struct factory *f)
{
	struct hf_rom_options open = f->o->protect;
	enum hf_err err = HF_OK;

	open.rdp = 0;
	if (!same_but_rdp(f->rom->options, open)) {
		hf_rom_tell(f->rom, HF_ROM_OPTIONS, "setting option bytes: brown-out %s, watchdog by software, sectors 0x%03x write-protected",
			    hf_rom_bor_text(open.bor), open.protected);
		err = hf_rom_write_options(f->rom, &open);
	}
	if (!err && f->o->protect.rdp > 0) {
		hf_rom_tell(f->rom, HF_ROM_OPTIONS, "setting readout protection to %s", hf_rom_rdp_text(f->o->protect.rdp));
		err = hf_rom_write_options(f->rom, &f->o->protect);
	}
	if (err == HF_ERR_ORDER)
		hf_diag_set(f->diag, "the power failed while the option bytes were written: the chip is closed now, and whether the rest of "
				     "them is right cannot be read; run the same command again with --erase-everything");
	else if (err == HF_ERR_FLASH_PROGRAM)
		hf_diag_set(f->diag, "the option bytes do not read back as they were written: replace the device");
	else if (err)
		hf_rom_explain(f->rom, err, "setting the option bytes", f->diag);
	return err;
}

enum hf_err hf_rom_burn_factory(struct hf_rom *rom, const struct hf_rom_factory_options *options, struct hf_diag *diag)
{
	struct factory f = {.rom = rom, .o = options, .diag = diag};
	enum hf_err err = open_chip(&f);

	if (!err)
		err = write_flash(&f);
	return err ? err : write_options(&f);
}
