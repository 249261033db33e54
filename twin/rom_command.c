/* SPDX-License-Identifier: MIT
 *
 * The loader's commands: a frame is so many bytes, and what comes next follows from the frame.
 *
 * Nothing here ends by itself. A host that stops in a frame is waited for, as on the chip; the host gets back into step
 * with FF 00, which is no command and is refused, sent until the refusal comes. It has to send it byte by byte, and begin
 * again with FF after every answer: behind a lost 00 a pair is a Get for ever, and behind another lost byte its 00 stays
 * over. To an Extended erase that has no count yet, FF 00 is one, of 65281 sectors; only a reset helps there.
 */
#include "rom_internal.h"

#include "bytes.h"
#include "internal.h"

enum {
	VERSION = 0x31,
	SECTORS = HF_TWIN_SECTORS,
	CODES_RESERVED = 0xfff0, /* counts of Extended erase that mean something else; FFFF is everything */
};

enum phase {
	COMMAND, ADDRESS, READ_COUNT, WRITE_COUNT, WRITE_DATA, ERASE_COUNT, ERASE_LIST, PROTECT_COUNT, PROTECT_LIST,
};

/* ---- answers, and what is expected next ---- */

static void say(struct rom *rom, const void *bytes, size_t len)
{
	memcpy(rom->out + rom->out_len, bytes, len);
	rom->out_len = (uint16_t)(rom->out_len + len);
}

void hf_rom_answer(struct rom *rom, uint8_t byte)
{
	say(rom, &byte, 1);
}

static void expect(struct rom *rom, enum phase phase, uint32_t len)
{
	rom->phase = (uint8_t)phase;
	rom->len = rom->sum = 0;
	rom->want = len;
}

static void expect_more(struct rom *rom, enum phase phase, uint32_t len)
{
	rom->phase = (uint8_t)phase;
	rom->want += len;
}

static void refuse(struct rom *rom)
{
	hf_rom_answer(rom, ROM_NACK);
	expect(rom, COMMAND, 2);
}

static void accept(struct rom *rom, enum phase next, uint32_t len)
{
	hf_rom_answer(rom, ROM_ACK);
	expect(rom, next, len);
}

void hf_rom_greet(struct rom *rom)
{
	accept(rom, COMMAND, 2);
}

void hf_rom_begin(struct rom *rom, enum rom_work work, uint16_t count)
{
	rom->work = (uint8_t)work;
	rom->at = 0;
	rom->count = count;
}

/* ---- commands ---- */

static void tell(struct hf_machine *machine, struct rom *rom)
{
	static const uint8_t commands[] = { ROM_ACK, 11, VERSION, 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73,
					    0x82, 0x92, ROM_ACK };
	static const uint8_t version[] = { ROM_ACK, VERSION, 0, 0, ROM_ACK };
	static const uint8_t id[] = { ROM_ACK, 1, 0x04, 0x13, ROM_ACK };

	(void)machine;
	if (rom->command == 0x00)
		say(rom, commands, sizeof(commands));
	else if (rom->command == 0x01)
		say(rom, version, sizeof(version));
	else
		say(rom, id, sizeof(id));
	expect(rom, COMMAND, 2);
}

static void take_address(struct hf_machine *machine, struct rom *rom)
{
	(void)machine;
	accept(rom, ADDRESS, 5);
}

static void take_sectors(struct hf_machine *machine, struct rom *rom)
{
	(void)machine;
	if (rom->command == 0x44)
		accept(rom, ERASE_COUNT, 2);
	else
		accept(rom, PROTECT_COUNT, 1);
}

static void set_options(struct rom *rom, uint32_t optcr)
{
	rom->optcr = optcr;
	rom->end = ROM_RESET;
	hf_rom_begin(rom, ROM_OPTIONS, 1);
}

static void unprotect_sectors(struct hf_machine *machine, struct rom *rom)
{
	accept(rom, COMMAND, 2);
	set_options(rom, hf_flash_options(machine) | 0xfffu << 16);
}

static void protect_reading(struct hf_machine *machine, struct rom *rom)
{
	accept(rom, COMMAND, 2);
	set_options(rom, (hf_flash_options(machine) & ~0xff00u) | 0x55u << 8);
}

/* Leaving level 1 makes the controller erase everything; at level 0 the loader does that itself. */
static void unprotect_reading(struct hf_machine *machine, struct rom *rom)
{
	accept(rom, COMMAND, 2);
	set_options(rom, (hf_flash_options(machine) & ~0xff00u) | 0xaau << 8);
	if (hf_flash_protection(machine) == 0) {
		rom->work_next = rom->work;
		rom->work = ROM_ERASE_ALL;
	}
}

static const struct {
	uint8_t code;
	bool always; /* under read protection, too */
	void (*begin)(struct hf_machine *machine, struct rom *rom);
} commands[] = {
	{ 0x00, true, tell },
	{ 0x01, true, tell },
	{ 0x02, true, tell },
	{ 0x11, false, take_address },
	{ 0x21, false, take_address },
	{ 0x31, false, take_address },
	{ 0x44, false, take_sectors },
	{ 0x63, false, take_sectors },
	{ 0x73, false, unprotect_sectors },
	{ 0x82, false, protect_reading },
	{ 0x92, true, unprotect_reading },
};

static void take_command(struct hf_machine *machine, struct rom *rom)
{
	rom->command = rom->in[0];
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].code != rom->in[0] || (rom->in[0] ^ rom->in[1]) != 0xff)
			continue;
		if (!commands[i].always && hf_flash_protection(machine) != 0)
			break;
		commands[i].begin(machine, rom);
		return;
	}
	refuse(rom);
}

/* ---- frames ---- */

static void take_address_frame(struct rom *rom)
{
	bool good;

	rom->addr = load_be32(rom->in);
	if (rom->command == 0x11)
		good = hf_rom_readable(rom->addr, 1);
	else if (rom->command == 0x31)
		good = hf_rom_writable(rom->addr, 1) && rom->addr % 4 == 0;
	else
		good = hf_rom_startable(rom->addr);
	if (rom->sum != 0 || !good) {
		refuse(rom);
	} else if (rom->command == 0x11) {
		accept(rom, READ_COUNT, 2);
	} else if (rom->command == 0x31) {
		accept(rom, WRITE_COUNT, 1);
	} else {
		accept(rom, COMMAND, 2);
		rom->end = ROM_GO;
	}
}

static void take_read_count(struct hf_machine *machine, struct rom *rom)
{
	uint32_t len = rom->in[0] + 1u;

	if (rom->sum != 0xff || !hf_rom_readable(rom->addr, len)) {
		refuse(rom);
		return;
	}
	accept(rom, COMMAND, 2);
	hf_rom_read(machine, rom->addr, rom->out + rom->out_len, len);
	rom->out_len = (uint16_t)(rom->out_len + len);
}

static void take_write_data(struct hf_dev *dev, struct rom *rom)
{
	rom->count = (uint16_t)(rom->in[0] + 1);
	if (rom->sum != 0 || rom->count % 4 != 0 || !hf_rom_writable(rom->addr, rom->count)) {
		refuse(rom);
		return;
	}
	expect(rom, COMMAND, 2);
	hf_rom_begin_write(dev);
	if (rom->work == ROM_IDLE)
		hf_rom_answer(rom, ROM_ACK);
}

static uint32_t erase_count(const struct rom *rom)
{
	return load_be16(rom->in) + 1u;
}

static void take_erase_count(struct rom *rom)
{
	bool special = load_be16(rom->in) >= CODES_RESERVED;

	expect_more(rom, ERASE_LIST, special ? 1 : 2 * erase_count(rom) + 1);
}

/* Nothing is erased when a part of the list is none of the chip's. */
static void take_erase_list(struct rom *rom)
{
	uint32_t count = erase_count(rom);
	bool good = rom->sum == 0 && count <= SECTORS;

	for (uint32_t i = 0; good && i < count; i++)
		good = load_be16(rom->in + 2 + 2 * i) < SECTORS;
	if (rom->sum == 0 && count == 0x10000) {
		expect(rom, COMMAND, 2);
		hf_rom_begin(rom, ROM_ERASE_ALL, 1);
	} else if (good) {
		expect(rom, COMMAND, 2);
		hf_rom_begin(rom, ROM_ERASE, (uint16_t)count);
	} else {
		refuse(rom);
	}
}

/* Only what is named is protected afterwards; numbers of sectors that do not exist are passed over in silence. */
static void take_protect_list(struct hf_machine *machine, struct rom *rom)
{
	uint32_t optcr = hf_flash_options(machine) | 0xfffu << 16;

	if (rom->sum != 0) {
		refuse(rom);
		return;
	}
	for (uint32_t i = 1; i + 1 < rom->len && i < ROM_FRAME; i++)
		if (rom->in[i] < SECTORS)
			optcr &= ~(1u << (16 + rom->in[i]));
	expect(rom, COMMAND, 2);
	set_options(rom, optcr);
}

static void take_frame(struct hf_dev *dev)
{
	struct rom *rom = dev->state;

	switch ((enum phase)rom->phase) {
	case COMMAND: take_command(dev->machine, rom); break;
	case ADDRESS: take_address_frame(rom); break;
	case READ_COUNT: take_read_count(dev->machine, rom); break;
	case WRITE_COUNT: expect_more(rom, WRITE_DATA, rom->in[0] + 2u); break;
	case WRITE_DATA: take_write_data(dev, rom); break;
	case ERASE_COUNT: take_erase_count(rom); break;
	case ERASE_LIST: take_erase_list(rom); break;
	case PROTECT_COUNT: expect_more(rom, PROTECT_LIST, rom->in[0] + 2u); break;
	case PROTECT_LIST: take_protect_list(dev->machine, rom); break;
	}
}

void hf_rom_take(struct hf_dev *dev, uint8_t byte)
{
	struct rom *rom = dev->state;

	if (rom->len < ROM_FRAME)
		rom->in[rom->len] = byte;
	rom->len++;
	rom->sum ^= byte;
	if (rom->len == rom->want)
		take_frame(dev);
}
