/* SPDX-License-Identifier: MIT */
#include "rom_journal.h"

#include <stdlib.h>
#include <string.h>

/* Which sector holds the range; 2: none. */
static unsigned find(const struct hf_rom_journal *j, uint32_t addr, size_t len)
{
	for (unsigned i = 0; i < 2; i++) {
		if (addr >= j->sector[i].addr && hf_range_ok(addr - j->sector[i].addr, len, j->sector[i].size))
			return i;
	}
	return 2;
}

static enum hf_err journal_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
	struct hf_rom_journal *j = ctx;
	unsigned i = find(j, addr, len);

	if (i == 2)
		return hf_rom_flash_read(j->rom, addr, buf, len);
	memcpy(buf, j->bytes[i] + (addr - j->sector[i].addr), len);
	return HF_OK;
}

static enum hf_err lost(struct hf_rom_journal *j, enum hf_err err)
{
	if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO)
		j->gone = err;
	return err;
}

/* What never reads the same is a torn word, and core knows what to do about it. */
static enum hf_err read_there(struct hf_rom_journal *j, uint32_t addr, uint8_t *to, size_t len)
{
	enum hf_err err = HF_OK;

	for (size_t done = 0; done < len && !err; done += HF_AN3155_BLOCK) {
		size_t n = len - done < HF_AN3155_BLOCK ? len - done : HF_AN3155_BLOCK;

		err = hf_an3155_read_twice(&j->rom->link, addr + (uint32_t)done, to + done, n);
		if (err == HF_ERR_TIMEOUT || err == HF_ERR_IO || err == HF_ERR_CRC)
			err = hf_rom_flash_read(j->rom, addr + (uint32_t)done, to + done, n); /* with patience */
	}
	return err;
}

/* What the device has then, is what counts. */
static enum hf_err program_there(struct hf_rom_journal *j, uint32_t addr, const uint8_t *data, size_t len, uint8_t *mirror)
{
	enum hf_err err = hf_rom_flash_write(j->rom, addr, data, len);

	return err ? err : read_there(j, addr, mirror, len);
}

static enum hf_err journal_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	struct hf_rom_journal *j = ctx;
	const uint8_t *from = data;
	unsigned i = find(j, addr, len);

	if (i == 2)
		return HF_ERR_RANGE;
	if (j->gone)
		return j->gone;
	for (size_t done = 0; done < len;) {
		uint8_t *mirror = j->bytes[i] + (addr + done - j->sector[i].addr);
		size_t n = len - done < HF_AN3155_BLOCK ? len - done : HF_AN3155_BLOCK;
		enum hf_err err = HF_OK;

		if (j->live)
			err = program_there(j, addr + (uint32_t)done, from + done, n, mirror);
		for (size_t k = 0; k < n && !j->live; k++)
			mirror[k] &= from[done + k];
		if (err)
			return lost(j, err);
		if (memcmp(mirror, from + done, n) != 0)
			return HF_ERR_FLASH_PROGRAM;
		done += n;
	}
	return HF_OK;
}

static bool is_blank(const struct hf_rom_journal *j, unsigned i)
{
	for (uint32_t k = 0; k < j->sector[i].size; k++) {
		if (j->bytes[i][k] != 0xff)
			return false;
	}
	return true;
}

static enum hf_err journal_erase(void *ctx, uint32_t addr)
{
	struct hf_rom_journal *j = ctx;
	unsigned i = find(j, addr, 1);
	enum hf_err err = HF_OK;

	if (i == 2 || addr != j->sector[i].addr)
		return HF_ERR_RANGE;
	if (j->gone)
		return j->gone;
	if (!j->live)
		memset(j->bytes[i], 0xff, j->sector[i].size);
	else
		err = hf_rom_flash_erase(j->rom, j->number[i]);
	if (!err && j->live)
		err = read_there(j, j->sector[i].addr, j->bytes[i], j->sector[i].size);
	if (err)
		return lost(j, err);
	return is_blank(j, i) ? HF_OK : HF_ERR_FLASH_ERASE;
}

static enum hf_err load_sector(struct hf_rom_journal *j, unsigned i)
{
	enum hf_err err;

	j->sector[i] = j->rom->board->layout.journal[i];
	j->number[i] = j->rom->board->partition[HF_PART_JOURNAL].first + i;
	j->bytes[i] = malloc(j->sector[i].size);
	j->found[i] = malloc(j->sector[i].size);
	if (!j->bytes[i] || !j->found[i])
		return HF_ERR_IO;
	err = read_there(j, j->sector[i].addr, j->bytes[i], j->sector[i].size);
	if (!err)
		memcpy(j->found[i], j->bytes[i], j->sector[i].size);
	return err;
}

enum hf_err hf_rom_journal_open(struct hf_rom_journal *j, struct hf_rom *rom)
{
	enum hf_err err;

	*j = (struct hf_rom_journal){.rom = rom};
	j->flash = (struct hf_flash){j, journal_read, journal_program, journal_erase};
	err = load_sector(j, 0);
	if (!err)
		err = load_sector(j, 1);
	if (!err)
		j->blank = is_blank(j, 0) && is_blank(j, 1);
	return err;
}

void hf_rom_journal_close(struct hf_rom_journal *j)
{
	for (unsigned i = 0; i < 2; i++) {
		free(j->bytes[i]);
		free(j->found[i]);
		j->bytes[i] = j->found[i] = NULL;
	}
}

void hf_rom_journal_go_live(struct hf_rom_journal *j)
{
	j->live = true;
	for (unsigned i = 0; i < 2; i++)
		memcpy(j->bytes[i], j->found[i], j->sector[i].size);
}

enum hf_err hf_rom_journal_erase(struct hf_rom_journal *j)
{
	enum hf_err err = j->flash.erase(j, j->sector[0].addr);

	return err ? err : j->flash.erase(j, j->sector[1].addr);
}
