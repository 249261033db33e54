/* SPDX-License-Identifier: MIT
 *
 * A small board behind a ROM loader in memory: 16 KiB sectors, boot that is nothing but its class id, and core's own choice
 * of what would start.
 */
#ifndef HF_TESTS_ROM_FIXTURE_H
#define HF_TESTS_ROM_FIXTURE_H

#include "device.h"
#include "fake_rom.h"
#include "host_crypto.h"
#include "rom.h"

#define BASE        0x08000000u
#define BOOT_BYTES  8192u
#define KEYSET_ADDR 0x08007800u
#define JOURNAL     0x08008000u
#define RECOVERY    0x08010000u
#define SLOT_A      0x08014000u
#define SLOT_B      0x08020000u
#define IMAGE_BYTES 40000u

static const struct hf_chip chip = {.name = "chip", .flash_kib = 208, .rom_id = 0x413};

static void make_board(struct hf_board *b)
{
	memset(b, 0, sizeof(*b));
	b->chip = &chip;
	b->layout.name = "gw-test";
	memset(b->layout.vendor_id, 0x11, 16);
	memset(b->layout.class_id, 0x22, 16);
	for (unsigned i = 0; i < 13; i++)
		b->layout.sector[b->layout.sectors++] = (struct hf_span){BASE + i * 16384, 16384};
	b->layout.boot = (struct hf_span){BASE, 32768};
	b->layout.keyset = (struct hf_span){KEYSET_ADDR, 2048};
	b->layout.journal[0] = (struct hf_span){JOURNAL, 16384};
	b->layout.journal[1] = (struct hf_span){JOURNAL + 16384, 16384};
	b->layout.recovery = (struct hf_span){RECOVERY, 16384};
	b->layout.slot[0] = (struct hf_span){SLOT_A, 49152};
	b->layout.slot[1] = (struct hf_span){SLOT_B, 49152};
	b->layout.data = (struct hf_span){0x0802c000, 16384};
	b->layout.ram[0] = (struct hf_span){0x20000000, 131072};
	b->partition[HF_PART_BOOT] = (struct hf_board_partition){0, 1};
	b->partition[HF_PART_JOURNAL] = (struct hf_board_partition){2, 3};
	b->partition[HF_PART_RECOVERY] = (struct hf_board_partition){4, 4};
	b->partition[HF_PART_SLOT_A] = (struct hf_board_partition){5, 7};
	b->partition[HF_PART_SLOT_B] = (struct hf_board_partition){8, 10};
	b->partition[HF_PART_DATA] = (struct hf_board_partition){11, 11};
	b->unused[0] = (struct hf_board_partition){12, 12};
	b->unuseds = 1;
	b->maintenance.baud[0] = 115200;
	b->maintenance.bauds = 1;
	b->protect = (struct hf_board_protect){.rdp = 1, .bor = 3, .boot = true};
}

/* Boot and the factory's keyset, into a flash. */
static void put_boot(uint8_t *flash, const struct hf_board *board, const struct maker *maker)
{
	for (unsigned i = 0; i < BOOT_BYTES; i++)
		flash[i] = (uint8_t)(i * 13 + i / 256);
	memcpy(flash + 0x300, board->layout.class_id, 16);
	memcpy(flash + (KEYSET_ADDR - BASE), maker->keyset_bytes, sizeof(maker->keyset_bytes));
}

static uint8_t *flash_at(struct fake_rom *rom, uint32_t addr)
{
	return rom->flash.mem + (addr - BASE);
}

/* The chip starts from its flash: what boot chooses, as HF_PLACES where it stays. Its id, if it is firmware. */
static unsigned boot_starts(struct fake_rom *rom, const struct maker *maker, const uint8_t device_id[16], uint8_t id[HF_SHA256_BYTES],
			    struct hf_state *state)
{
	static struct hf_choose choose;
	struct hf_boot_decision d;

	sim_flash_power_on(&rom->flash);
	memset(&choose, 0, sizeof(choose));
	choose.env = (struct hf_slot_env){&rom->flash.ops, maker->layout, &hf_host_crypto, NULL, device_id};
	choose.factory = (struct hf_bytes){flash_at(rom, KEYSET_ADDR), 2048};
	d = hf_choose(&choose, HF_RESET_POWER, HF_WISH_NONE);
	if (state)
		*state = choose.state;
	if (d.action != HF_BOOT_START && d.action != HF_BOOT_RECOVERY)
		return HF_PLACES;
	memcpy(id, choose.image[d.place].id, HF_SHA256_BYTES);
	return d.place;
}

#endif
