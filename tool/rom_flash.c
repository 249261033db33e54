/* SPDX-License-Identifier: MIT
 *
 * What an acknowledged write is worth: nothing, before it was read back. A block that reads wrong is read again first, as
 * the loader's Read has no checksum; then the sector is erased and written anew, since bits only go one way. Of what
 * is erased in a large sector only every 16th block is looked at: reading it all takes ten times as long as erasing it, and
 * every word that is used is read anyhow.
 */
#include "rom.h"

#include <string.h>

#define BLOCK        HF_AN3155_BLOCK
#define WHOLE_BYTES  65536u /* a sector up to this size is read wholly */
#define SAMPLE_EVERY 16u
#define ROUNDS       3
#define SILENT_MS    1500u
#define SHORT_MS     3000u
#define GONE_ROUNDS  20     /* losses of the loader in one command, each waited for */


/* ---- commands, with patience ---- */

/* True: the loader is back, try again. */
static bool comes_back(struct hf_rom *rom, enum hf_err err, unsigned round)
{
	if ((err != HF_ERR_TIMEOUT && err != HF_ERR_IO) || round >= GONE_ROUNDS)
		return false;
	hf_rom_tell(rom, HF_ROM_WRITE, "the loader does not answer any more; waiting up to %u s for it: check cable and power, keep "
		    "BOOT0 high", rom->wait_ms / 1000);
	if (hf_an3155_resume(&rom->link, SHORT_MS) != HF_OK) {
		(void)hf_rom_enter_loader(rom); /* it may have taken a wrong rate from a damaged greeting */
		if (hf_an3155_resume(&rom->link, rom->wait_ms) != HF_OK)
			return false;
	}
	rom->count.waits++;
	hf_rom_tell(rom, HF_ROM_WRITE, "it is back");
	return true;
}

enum hf_err hf_rom_flash_read(struct hf_rom *rom, uint32_t addr, void *buf, size_t len)
{
	enum hf_err err;
	unsigned round = 0;

	do
		err = hf_an3155_read(&rom->link, addr, buf, len);
	while (err && comes_back(rom, err, round++));
	rom->count.read += len;
	return err;
}

enum hf_err hf_rom_flash_write(struct hf_rom *rom, uint32_t addr, const void *data, size_t len)
{
	enum hf_err err;
	unsigned round = 0;

	do
		err = hf_an3155_write(&rom->link, addr, data, len);
	while (err && comes_back(rom, err, round++));
	rom->count.written += len;
	return err;
}

enum hf_err hf_rom_flash_erase(struct hf_rom *rom, unsigned sector)
{
	enum hf_err err;
	unsigned round = 0;

	do
		err = hf_an3155_erase(&rom->link, sector);
	while (err && comes_back(rom, err, round++));
	rom->count.erased++;
	return err;
}

enum hf_err hf_rom_read_options(struct hf_rom *rom)
{
	enum hf_err err;
	unsigned round = 0;

	do
		err = hf_an3155_read_twice(&rom->link, HF_AN3155_OPTIONS_ADDR, rom->option_bytes, sizeof(rom->option_bytes));
	while (err && comes_back(rom, err, round++));
	if (!err)
		rom->options = hf_rom_options_of(rom->option_bytes);
	return err;
}

static bool same_options(struct hf_rom_options a, struct hf_rom_options b)
{
	return a.rdp == b.rdp && a.bor == b.bor && a.watchdog_by_software == b.watchdog_by_software &&
	       a.protected == b.protected;
}

/* What closes the chip cannot be read back, and shows by that: by a refusal, or (level 2) by silence. */
static enum hf_err check_closed(struct hf_rom *rom, uint8_t level, bool done)
{
	enum hf_an3155_peer peer;
	uint8_t word[4];
	enum hf_err err;

	if (level == 2) {
		err = hf_an3155_connect(&rom->link, SILENT_MS, NULL, NULL, &peer);
		return err ? HF_ERR_DENIED : HF_OK;
	}
	err = hf_an3155_read(&rom->link, HF_AN3155_OPTIONS_ADDR, word, sizeof(word));
	return err == HF_ERR_DENIED && !done ? HF_ERR_ORDER : err;
}

enum hf_err hf_rom_write_options(struct hf_rom *rom, const struct hf_rom_options *options)
{
	uint8_t bytes[HF_AN3155_OPTIONS_BYTES];
	enum hf_err err = HF_OK;
	bool done;

	for (unsigned round = 0; round < ROUNDS; round++) {
		memcpy(bytes, rom->option_bytes, sizeof(bytes));
		hf_rom_options_put(options, bytes);
		err = hf_an3155_write_options(&rom->link, bytes, options->rdp == 2 ? 0 : rom->wait_ms, &done);
		if (!err)
			err = check_closed(rom, options->rdp, done);
		if (err == HF_ERR_DENIED && options->rdp > 0) {
			rom->options = *options;
			return HF_OK;
		}
		if (!err)
			err = hf_rom_read_options(rom);
		if (err || same_options(rom->options, *options))
			return err;
	}
	return HF_ERR_FLASH_PROGRAM;
}

void hf_rom_explain(struct hf_rom *rom, enum hf_err err, const char *doing, struct hf_diag *diag)
{
	switch (hf_rom_stopped(rom) ? HF_ERR_BUSY : err) {
	case HF_ERR_TIMEOUT:
		hf_diag_set(diag, "the loader does not answer any more while %s (%u s): check cable and power, reset the device with "
			    "BOOT0 high, and run the same command again to continue", doing, rom->wait_ms / 1000);
		break;
	case HF_ERR_IO:
		hf_diag_set(diag, "the port is gone while %s, and did not come back: check the cable, and run the same command again "
			    "to continue", doing);
		break;
	case HF_ERR_DENIED:
		hf_diag_set(diag, "the loader refuses while %s: the chip's readout protection is on", doing);
		break;
	case HF_ERR_CRC:
		hf_diag_set(diag, "the line damages too much while %s: check the cable, reset the device with BOOT0 high, try a lower "
			    "--baud, and run the same command again to continue", doing);
		break;
	case HF_ERR_BUSY:
		hf_diag_set(diag, "interrupted while %s; run the same command again to continue", doing);
		break;
	case HF_ERR_FLASH_PROGRAM:
	case HF_ERR_FLASH_ERASE:
		hf_diag_set(diag, "the chip does not keep what is written to it, while %s: its flash is worn or write-protected; replace the "
			    "device", doing);
		break;
	default:
		hf_diag_set(diag, "%s while %s", hf_err_text(err), doing);
	}
}

/* ---- sectors ---- */

static struct hf_span span_of(const struct hf_rom *rom, const struct hf_rom_sector *s)
{
	return rom->board->layout.sector[s->number];
}

static bool blank(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0xff)
			return false;
	}
	return true;
}

static bool is_looked_at(struct hf_span span, const uint8_t *want, uint32_t off)
{
	return span.size <= WHOLE_BYTES || off / BLOCK % SAMPLE_EVERY == 0 || !blank(want + off, BLOCK);
}

static void advance(struct hf_rom *rom, uint64_t bytes)
{
	struct hf_rom_event event = {.stage = HF_ROM_WRITE, .now_ms = hf_serial_now_ms(rom->serial)};

	rom->done += bytes;
	event.done = rom->done;
	event.total = rom->total;
	event.skipped = rom->skipped;
	if (rom->event)
		rom->event(rom->ctx, &event);
}

static uint32_t bytes_to_read(struct hf_span span, const uint8_t *want)
{
	uint32_t bytes = 0;

	for (uint32_t off = 0; off < span.size; off += BLOCK)
		bytes += is_looked_at(span, want, off) ? BLOCK : 0;
	return bytes;
}

static uint32_t bytes_to_write(struct hf_span span, const uint8_t *want)
{
	uint32_t bytes = 0;

	for (uint32_t off = 0; off < span.size; off += BLOCK)
		bytes += blank(want + off, BLOCK) ? 0 : BLOCK;
	return bytes;
}

/* What the line could carry while the sector is erased, typically. */
static uint64_t erase_work(const struct hf_rom *rom, struct hf_span span)
{
	uint32_t ms = span.size <= 16384 ? 250 : span.size <= 65536 ? 550 : 1000;

	return (uint64_t)rom->link.baud / 11 * ms / 1000;
}

uint64_t hf_rom_sector_work(const struct hf_rom *rom, const struct hf_rom_sector *sector)
{
	struct hf_span span = span_of(rom, sector);

	return erase_work(rom, span) + bytes_to_write(span, sector->want) + bytes_to_read(span, sector->want);
}

static enum hf_err compare_block(struct hf_rom *rom, uint32_t addr, const uint8_t *want, bool *same)
{
	uint8_t got[BLOCK];
	enum hf_err err = hf_rom_flash_read(rom, addr, got, BLOCK);

	*same = !err && memcmp(got, want, BLOCK) == 0;
	if (err || *same)
		return err;
	err = hf_an3155_read_twice(&rom->link, addr, got, BLOCK);
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		err = hf_rom_flash_read(rom, addr, got, BLOCK); /* with patience */
	if (err == HF_ERR_CRC)
		return HF_OK; /* what never reads the same is a torn word */
	*same = !err && memcmp(got, want, BLOCK) == 0;
	rom->count.misread += *same;
	return err;
}

/* Stops at the first difference. */
static enum hf_err compare(struct hf_rom *rom, const struct hf_rom_sector *s, bool *same)
{
	struct hf_span span = span_of(rom, s);

	*same = true;
	for (uint32_t off = 0; off < span.size && *same; off += BLOCK) {
		enum hf_err err;

		if (!is_looked_at(span, s->want, off))
			continue;
		if (hf_rom_stopped(rom))
			return HF_ERR_BUSY;
		err = compare_block(rom, span.addr + off, s->want + off, same);
		if (err)
			return err;
		advance(rom, *same ? BLOCK : 0);
	}
	return HF_OK;
}

static enum hf_err write_range(struct hf_rom *rom, const struct hf_rom_sector *s, uint32_t from, uint32_t to)
{
	struct hf_span span = span_of(rom, s);
	enum hf_err err = HF_OK;

	for (uint32_t off = from; off < to && !err; off += BLOCK) {
		if (blank(s->want + off, BLOCK))
			continue;
		if (hf_rom_stopped(rom))
			return HF_ERR_BUSY;
		err = hf_rom_flash_write(rom, span.addr + off, s->want + off, BLOCK);
		advance(rom, BLOCK);
	}
	return err;
}

/* Where the part begins that is written last. */
static uint32_t split(const struct hf_rom_sector *s)
{
	return s->head_last ? (s->head + BLOCK - 1) / BLOCK * BLOCK : 0;
}

static enum hf_err write_sector(struct hf_rom *rom, const struct hf_rom_sector *s)
{
	enum hf_err err = write_range(rom, s, split(s), span_of(rom, s).size);

	return err ? err : write_range(rom, s, 0, split(s));
}

/* The block that was written last: if the power failed in it, its last word may be torn, and read right by chance. */
static enum hf_err settle(struct hf_rom *rom, const struct hf_rom_sector *s)
{
	uint32_t off = s->head_last ? split(s) : span_of(rom, s).size;

	while (off > 0 && blank(s->want + off - BLOCK, BLOCK))
		off -= BLOCK;
	return off ? hf_rom_flash_write(rom, span_of(rom, s).addr + off - BLOCK, s->want + off - BLOCK, BLOCK) : HF_OK;
}

static enum hf_err erase_sector(struct hf_rom *rom, struct hf_rom_sector *s)
{
	enum hf_err err = s->erasing ? s->erasing(s->ctx, s->number, false) : HF_OK;

	if (!err)
		err = hf_rom_flash_erase(rom, s->number);
	if (!err && s->erasing)
		err = s->erasing(s->ctx, s->number, true);
	s->changed = true;
	return err;
}

/* Whatever the sector took, its share of the work is done. */
static void close_account(struct hf_rom *rom, uint64_t until, bool skip)
{
	if (skip && rom->done < until)
		rom->skipped += until - rom->done;
	rom->done = until;
	advance(rom, 0);
}

enum hf_err hf_rom_put_sector(struct hf_rom *rom, struct hf_rom_sector *s)
{
	struct hf_span span = span_of(rom, s);
	uint64_t begin = rom->done, until = begin + hf_rom_sector_work(rom, s);
	bool same = false;
	enum hf_err err = s->blank_first ? HF_OK : compare(rom, s, &same);

	if (!err && same) {
		rom->count.kept++;
		err = s->in_doubt ? settle(rom, s) : HF_OK;
		close_account(rom, until, true);
		return err;
	}
	for (unsigned round = 0; round < ROUNDS && !err && !same; round++) {
		if (hf_rom_stopped(rom))
			return HF_ERR_BUSY;
		rom->done = begin;
		rom->count.again += round > 0;
		err = erase_sector(rom, s);
		advance(rom, err ? 0 : erase_work(rom, span));
		if (!err)
			err = write_sector(rom, s);
		if (!err)
			err = compare(rom, s, &same);
	}
	if (err)
		return err;
	close_account(rom, until, false);
	return same ? HF_OK : HF_ERR_FLASH_PROGRAM;
}
