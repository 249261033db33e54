/* SPDX-License-Identifier: MIT
 *
 * The chip's ROM loader as a host sees it: every command, every refusal, the ways in and out.
 */
#include "rom_host.h"

#include "bytes.h"
#include "machine.h"

#define FLASH    0x08000000u
#define RAM      0x20003000u
#define OPTIONS  0x1fffc000u
#define OTP      0x1fff7800u

static struct rom_host host;

static int set_up(void **state)
{
	(void)state;
	rom_open(&host, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rom_close(&host);
	return 0;
}

static void fill(uint8_t *bytes, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
}

static void expect_bytes(const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(rom_get(&host, S), ((const uint8_t *)bytes)[i]);
	assert_int_equal(rom_get(&host, 20 * MS), -1);
}

/* ---- coming in ---- */

static void every_rate_is_found(void **state)
{
	(void)state;
	static const uint32_t rates[] = { 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 128000, 230400, 460800,
					  576000, 921600 };
	uint8_t data[64], back[64];
	fill(data, sizeof(data), 5);
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		rom_start(&host, rates[i]);
		assert_int_equal(rom_write(&host, RAM, data, sizeof(data)), ACK);
		memset(back, 0, sizeof(back));
		assert_int_equal(rom_read(&host, RAM, back, sizeof(back)), ACK);
		assert_memory_equal(back, data, sizeof(data));
		hf_twin_power_off(host.twin);
	}
}

static void rate_is_found_by_a_chip_that_is_off(void **state)
{
	(void)state;
	static const int32_t ppm[] = { -10000, 10000 };
	for (unsigned i = 0; i < 2; i++) {
		struct hf_twin_config config;
		struct rom_host off;
		hf_twin_config_default(&config);
		config.hsi_ppm = ppm[i];
		rom_open(&off, &config);
		rom_start(&off, 115200);
		assert_int_equal(rom_command(&off, 0x02), ACK);
		rom_close(&off);
	}
}

static void third_usart_is_heard_too(void **state)
{
	(void)state;
	host.usart = 3;
	rom_start(&host, 57600);
	assert_int_equal(rom_command(&host, 0x01), ACK);
	expect_bytes("\x31\0\0\x79", 4);
}

static void wrong_first_byte_is_a_wrong_rate_until_a_reset(void **state)
{
	(void)state;
	rom_line(&host, 115200, 'E');
	hf_twin_power_on(host.twin);
	rom_run(&host, 200 * MS);
	rom_send(&host, "\x55", 1);
	rom_run(&host, 100 * MS);
	host.at = host.len = 0;
	for (unsigned i = 0; i < 8; i++) {
		rom_send(&host, "\x7f", 1);
		int answer = rom_get(&host, 50 * MS);
		assert_true(answer != ACK && answer != NACK);
	}
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	rom_sync(&host);
	assert_int_equal(rom_command(&host, 0x00), ACK);
}

static void second_first_byte_is_half_a_command(void **state)
{
	(void)state;
	rom_start(&host, 115200);
	rom_send(&host, "\x7f", 1);
	assert_int_equal(rom_get(&host, S), -1);
	rom_send(&host, "\x7f", 1);
	assert_int_equal(rom_get(&host, S), NACK);
	assert_int_equal(rom_command(&host, 0x00), ACK);
}

static void loader_needs_its_time_after_a_reset(void **state)
{
	(void)state;
	rom_line(&host, 115200, 'E');
	hf_twin_power_on(host.twin);
	rom_run(&host, 20 * MS);
	rom_send(&host, "\x7f", 1);
	assert_int_equal(rom_get(&host, 200 * MS), -1);
	rom_send(&host, "\x7f", 1);
	assert_int_equal(rom_get(&host, 200 * MS), ACK);
}

/* sp, pc, and code that jumps to where word 1 of system memory points. */
static const uint32_t jumper[] = {
	0x20002000, FLASH + 9, 0x68004801, 0xbf004700, 0x1fff0004,
};

static void jump_into_system_memory_enters(void **state)
{
	(void)state;
	assert_int_equal(hf_twin_load(host.twin, FLASH, jumper, sizeof(jumper)), HF_OK);
	hf_twin_boot0(host.twin, false);
	rom_start(&host, 115200);
	assert_int_equal(host.entered, 1);
	assert_true(hf_twin_in_rom(host.twin));
	assert_int_equal(rom_peek(&host, 0x1fff0000) >> 16, 0x2000);
	assert_int_equal(rom_command(&host, 0x02), ACK);
	expect_bytes("\x01\x04\x13\x79", 4);
}

static void low_boot0_starts_the_flash(void **state)
{
	(void)state;
	static const uint32_t loop[] = { 0x20002000, FLASH + 9, 0xe7fee7fe };
	assert_int_equal(hf_twin_load(host.twin, FLASH, loop, sizeof(loop)), HF_OK);
	rom_start(&host, 115200);
	hf_twin_boot0(host.twin, false);
	rom_run(&host, MS);
	assert_true(hf_twin_in_rom(host.twin)); /* the strap is read at a reset only */
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	rom_run(&host, MS);
	assert_false(hf_twin_in_rom(host.twin));
	assert_int_equal(hf_twin_register(host.twin, 15), FLASH + 8);
}

static void hardware_watchdog_bites(void **state)
{
	(void)state;
	struct hf_twin_config config;
	struct rom_host other;
	hf_twin_config_default(&config);
	config.optcr &= ~0x20u;
	rom_open(&other, &config);
	rom_start(&other, 115200);
	assert_int_equal(rom_command(&other, 0x00), ACK);
	rom_run(&other, 2 * S);
	assert_in_range(other.resets, 3, 6); /* 512 ms each at 32 kHz */
	assert_int_equal(other.entered, other.resets);
	rom_close(&other);
}

/* ---- asking ---- */

static void get_commands_answer(void **state)
{
	(void)state;
	rom_start(&host, 115200);
	assert_int_equal(rom_command(&host, 0x00), ACK);
	expect_bytes("\x0b\x31\x00\x01\x02\x11\x21\x31\x44\x63\x73\x82\x92\x79", 14);
	assert_int_equal(rom_command(&host, 0x01), ACK);
	expect_bytes("\x31\x00\x00\x79", 4);
	assert_int_equal(rom_command(&host, 0x02), ACK);
	expect_bytes("\x01\x04\x13\x79", 4);
}

static void senseless_frames_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *frame;
		uint8_t len;
	} cases[] = {
		{ "\x00\x00", 2 },                              /* no complement */
		{ "\x43\xbc", 2 },                              /* the old erase */
		{ "\xff\x00", 2 },
		{ "\x32\xcd", 2 },
		{ "\x11\xee" "\x08\x00\x00\x00\x09", 7 },       /* checksum of the address */
		{ "\x11\xee" "\x07\xff\xff\xff\xf8", 7 },       /* no memory there */
		{ "\x11\xee" "\x20\x00\x00\x00\x20", 7 },       /* the loader's own RAM */
		{ "\x11\xee" "\x10\x00\x00\x00\x10", 7 },       /* CCM */
		{ "\x11\xee" "\x08\x00\x00\x00\x08" "\x01\xff", 9 },
		{ "\x11\xee" "\x08\x0f\xff\xfc\x04" "\x04\xfb", 9 }, /* beyond the end */
		{ "\x21\xde" "\x08\x00\x00\x00\x09", 7 },
		{ "\x21\xde" "\x1f\xff\xc0\x00\x20", 7 },
		{ "\x31\xce" "\x08\x00\x00\x00\x09", 7 },
		{ "\x31\xce" "\x08\x00\x00\x02\x0a", 7 },       /* not a word's */
		{ "\x31\xce" "\x1f\xff\x00\x00\xe0", 7 },       /* the ROM */
		{ "\x31\xce" "\x08\x00\x00\x00\x08" "\x03" "abcd" "\x00", 13 },
		{ "\x31\xce" "\x08\x00\x00\x00\x08" "\x02" "abc" "\x62", 12 },
		{ "\x31\xce" "\x08\x0f\xff\xfc\x04" "\x07" "abcdabcd" "\x07", 17 },
		{ "\x44\xbb" "\x00\x00" "\x00\x05" "\x04", 7 }, /* checksum */
		{ "\x44\xbb" "\x00\x00" "\x00\x0c" "\x0c", 7 }, /* no such sector */
		{ "\x44\xbb" "\x00\x01" "\x00\x05" "\x01\x00" "\x05", 9 },
		{ "\x44\xbb" "\xff\xff" "\x01", 5 },
		{ "\x44\xbb" "\xff\xfe" "\x01", 5 },            /* a bank, of which there is one */
		{ "\x44\xbb" "\xff\xf0" "\x0f", 5 },
		{ "\x63\x9c" "\x00" "\x05" "\x04", 5 },
	};
	uint64_t before = hf_twin_flash_hash(host.twin);
	rom_start(&host, 115200);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int last = -1, byte;
		rom_send(&host, cases[i].frame, cases[i].len);
		while ((byte = rom_get(&host, 200 * MS)) >= 0)
			last = byte;
		if (last != NACK)
			fail_msg("case %u: answered %d", i, last);
	}
	assert_int_equal(hf_twin_flash_hash(host.twin), before);
	assert_int_equal(hf_twin_wear(host.twin, 5), 0);
	assert_int_equal(rom_command(&host, 0x00), ACK);
}

static void long_lists_are_heard_to_their_end(void **state)
{
	(void)state;
	uint16_t many[13] = { 0 };
	rom_start(&host, 115200);
	assert_int_equal(rom_erase(&host, many, 13), NACK);
	assert_int_equal(rom_get(&host, 100 * MS), -1);
	assert_int_equal(rom_command(&host, 0x00), ACK);
}

/* ---- memory ---- */

static void flash_is_written_and_read(void **state)
{
	(void)state;
	uint8_t data[256], back[256];
	struct hf_twin_counts counts;
	fill(data, sizeof(data), 1);
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, FLASH + 0x20000, data, 256), ACK);
	assert_int_equal(rom_read(&host, FLASH + 0x20000, back, 256), ACK);
	assert_memory_equal(back, data, 256);
	hf_twin_counts(host.twin, &counts);
	assert_int_equal(counts.flash_programs, 64);
	/* Without an erase, bits are only cleared. */
	memset(data, 0xf0, 4);
	assert_int_equal(rom_write(&host, FLASH + 0x20000, data, 4), ACK);
	assert_int_equal(rom_peek(&host, FLASH + 0x20000), load_le32(back) & 0xf0f0f0f0);
	/* One byte at an odd address. */
	assert_int_equal(rom_read(&host, FLASH + 0x20007, back, 1), ACK);
	assert_int_equal(back[0], data[7]);
}

static void answer_to_a_write_comes_once_it_is_programmed(void **state)
{
	(void)state;
	uint8_t data[256];
	uint64_t begin;
	fill(data, sizeof(data), 1);
	rom_start(&host, 115200);
	begin = hf_twin_now_ns(host.twin);
	assert_int_equal(rom_write(&host, FLASH, data, 256), ACK);
	/* 2 + 5 + 258 bytes there, 3 back, 11 bits each, and 64 words of 16 us. */
	assert_in_range(hf_twin_now_ns(host.twin) - begin, (267 * 11 * S / 115200) + 1024000,
			(268 * 11 * S / 115200) + 1400000);
}

static void ram_is_written_and_started(void **state)
{
	(void)state;
	static const uint32_t program[] = {
		0x20010000, RAM + 9, 0x49024801, 0xe7fe6008, 0xcafef00d, RAM + 0x40,
	};
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, RAM, program, sizeof(program)), ACK);
	assert_int_equal(rom_go(&host, RAM), ACK);
	rom_run(&host, MS);
	assert_false(hf_twin_in_rom(host.twin));
	assert_int_equal(rom_peek(&host, RAM + 0x40), 0xcafef00d);
	assert_int_equal(hf_twin_register(host.twin, 17), 0x20010000);
	assert_int_equal(hf_twin_register(host.twin, 15), RAM + 14);
}

static void go_starts_flash(void **state)
{
	(void)state;
	static const uint32_t loop[] = { 0x20002000, FLASH + 0x4009, 0xe7fee7fe };
	assert_int_equal(hf_twin_load(host.twin, FLASH + 0x4000, loop, sizeof(loop)), HF_OK);
	rom_start(&host, 115200);
	assert_int_equal(rom_go(&host, FLASH + 0x4000), ACK);
	rom_run(&host, MS);
	assert_int_equal(hf_twin_register(host.twin, 15), FLASH + 0x4008);
	/* The loader's USART is as after a reset. */
	uint32_t value;
	assert_true(hf_machine_bus_read(hf_twin_machine(host.twin), 0x40023844, 4, &value));
	assert_int_equal(value & 0x10, 0);
}

static void identity_is_readable(void **state)
{
	(void)state;
	uint8_t id[12], size[2];
	struct hf_twin_config config;
	hf_twin_config_default(&config);
	rom_start(&host, 115200);
	assert_int_equal(rom_read(&host, 0x1fff7a10, id, 12), ACK);
	assert_memory_equal(id, config.unique_id, 12);
	assert_int_equal(rom_read(&host, 0x1fff7a22, size, 2), ACK);
	assert_int_equal(load_le16(size), 1024);
}

static void sectors_are_erased(void **state)
{
	(void)state;
	static const uint16_t sectors[] = { 1, 4, 11 };
	uint8_t zero[16] = { 0 };
	for (unsigned i = 0; i < 0x100000; i += 0x1000)
		assert_int_equal(hf_twin_load(host.twin, FLASH + i, zero, sizeof(zero)), HF_OK);
	rom_start(&host, 115200);
	uint64_t begin = hf_twin_now_ns(host.twin);
	assert_int_equal(rom_erase(&host, sectors, 3), ACK);
	assert_in_range(hf_twin_now_ns(host.twin) - begin, 36 * MS, 39 * MS); /* 5 + 11 + 20, a fiftieth of the true */
	assert_int_equal(rom_peek(&host, FLASH + 0x4000), UINT32_MAX);
	assert_int_equal(rom_peek(&host, FLASH + 0x1f000), UINT32_MAX);
	assert_int_equal(rom_peek(&host, FLASH + 0xff000), UINT32_MAX);
	assert_int_equal(rom_peek(&host, FLASH), 0);
	assert_int_equal(rom_peek(&host, FLASH + 0x20000), 0);
	assert_int_equal(hf_twin_wear(host.twin, 4), 1);
}

static void mass_erase_leaves_otp(void **state)
{
	(void)state;
	uint8_t data[64];
	fill(data, sizeof(data), 3);
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, OTP, data, 32), ACK);
	assert_int_equal(rom_write(&host, FLASH + 0xc0000, data, 64), ACK);
	assert_int_equal(rom_erase_code(&host, 0xffff), ACK);
	assert_int_equal(rom_peek(&host, FLASH + 0xc0000), UINT32_MAX);
	assert_int_equal(rom_peek(&host, OTP), load_le32(data));
	for (unsigned s = 0; s < HF_TWIN_SECTORS; s++)
		assert_int_equal(hf_twin_wear(host.twin, s), 1);
}

static void otp_is_locked_block_by_block(void **state)
{
	(void)state;
	uint8_t word[4] = { 0x0f, 0x0f, 0x0f, 0x0f }, lock[4] = { 0xff, 0x00, 0xff, 0xff };
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, OTP + 32, word, 4), ACK);
	assert_int_equal(rom_write(&host, OTP + 512, lock, 4), ACK);
	memset(word, 0, 4);
	assert_int_equal(rom_write(&host, OTP + 32, word, 4), NACK);
	assert_int_equal(rom_peek(&host, OTP + 32), 0x0f0f0f0f);
	assert_int_equal(rom_write(&host, OTP, word, 4), ACK);
	assert_int_equal(rom_peek(&host, OTP), 0);
}

static void stuck_bits_are_for_the_reader_to_find(void **state)
{
	(void)state;
	uint8_t data[4] = { 0, 0, 0, 0 }, back[4];
	assert_int_equal(hf_twin_stick_word(host.twin, FLASH + 0x40000, 0x10), HF_OK);
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, FLASH + 0x40000, data, 4), ACK);
	assert_int_equal(rom_read(&host, FLASH + 0x40000, back, 4), ACK);
	assert_int_equal(load_le32(back), 0x10);
}

/* ---- protection ---- */

static void write_protection_is_honoured(void **state)
{
	(void)state;
	static const uint8_t boot[] = { 0, 1, 77 };
	static const uint16_t sector1 = 1, sector2 = 2;
	uint8_t data[4] = { 1, 2, 3, 4 };
	rom_start(&host, 115200);
	assert_int_equal(rom_protect(&host, boot, 3), ACK);
	rom_sync(&host);
	assert_int_equal(host.resets, 2);
	assert_int_equal(hf_twin_optcr(host.twin) >> 16, 0xffc);
	assert_int_equal(rom_write(&host, FLASH + 0x4000, data, 4), NACK);
	assert_int_equal(rom_peek(&host, FLASH + 0x4000), UINT32_MAX);
	assert_int_equal(rom_write(&host, FLASH + 0x8000, data, 4), ACK);
	assert_int_equal(rom_erase(&host, &sector1, 1), NACK);
	assert_int_equal(rom_erase(&host, &sector2, 1), ACK);
	assert_int_equal(rom_erase_code(&host, 0xffff), NACK);
	/* What is not named is free again. */
	assert_int_equal(rom_protect(&host, (const uint8_t[]){ 5 }, 1), ACK);
	rom_sync(&host);
	assert_int_equal(hf_twin_optcr(host.twin) >> 16, 0xfdf);
	assert_int_equal(rom_command(&host, 0x73), ACK);
	assert_int_equal(rom_get(&host, S), ACK);
	rom_sync(&host);
	assert_int_equal(hf_twin_optcr(host.twin) >> 16, 0xfff);
	assert_int_equal(rom_write(&host, FLASH + 0x4000, data, 4), ACK);
}

static void readout_protection_leaves_four_commands(void **state)
{
	(void)state;
	static const uint8_t refused[] = { 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82 };
	uint8_t data[4] = { 1, 2, 3, 4 };
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, FLASH, data, 4), ACK);
	assert_int_equal(rom_write(&host, OTP, data, 4), ACK);
	assert_int_equal(rom_command(&host, 0x82), ACK);
	assert_int_equal(rom_get(&host, S), ACK);
	rom_sync(&host);
	for (unsigned i = 0; i < sizeof(refused); i++)
		assert_int_equal(rom_command(&host, refused[i]), NACK);
	assert_int_equal(rom_command(&host, 0x00), ACK);
	expect_bytes("\x0b\x31\x00\x01\x02\x11\x21\x31\x44\x63\x73\x82\x92\x79", 14);
	assert_int_equal(rom_command(&host, 0x01), ACK);
	expect_bytes("\x31\x00\x00\x79", 4);
	assert_int_equal(rom_command(&host, 0x02), ACK);
	expect_bytes("\x01\x04\x13\x79", 4);
	assert_int_equal(rom_peek(&host, FLASH), 0x04030201);
	uint64_t begin = hf_twin_now_ns(host.twin);
	assert_int_equal(rom_command(&host, 0x92), ACK);
	assert_int_equal(rom_get(&host, 10 * S), ACK);
	assert_in_range(hf_twin_now_ns(host.twin) - begin, 171 * MS + 16 * MS, 171 * MS + 20 * MS);
	rom_sync(&host);
	assert_int_equal(hf_twin_optcr(host.twin) >> 8 & 0xff, 0xaa);
	assert_int_equal(rom_peek(&host, FLASH), UINT32_MAX);
	assert_int_equal(rom_peek(&host, OTP), 0x04030201);
	assert_int_equal(rom_write(&host, FLASH, data, 4), ACK);
}

static void unprotecting_what_is_open_erases_too(void **state)
{
	(void)state;
	uint8_t data[4] = { 1, 2, 3, 4 };
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, FLASH, data, 4), ACK);
	assert_int_equal(rom_command(&host, 0x92), ACK);
	assert_int_equal(rom_get(&host, 10 * S), ACK);
	assert_int_equal(rom_peek(&host, FLASH), UINT32_MAX);
	rom_sync(&host);
	assert_int_equal(rom_protect(&host, (const uint8_t[]){ 5 }, 1), ACK);
	rom_sync(&host);
	assert_int_equal(rom_command(&host, 0x92), ACK);
	assert_int_equal(rom_get(&host, 10 * S), NACK); /* a mass erase stops at protected sectors */
	assert_int_equal(rom_command(&host, 0x00), ACK);
}

static void level_2_keeps_everybody_out(void **state)
{
	(void)state;
	uint8_t options[16];
	uint64_t before;
	assert_int_equal(hf_twin_load(host.twin, FLASH, jumper, sizeof(jumper)), HF_OK);
	rom_start(&host, 115200);
	assert_int_equal(rom_read(&host, OPTIONS, options, 16), ACK);
	options[1] = 0xcc;
	assert_int_equal(rom_write(&host, OPTIONS, options, 4), ACK);
	rom_run(&host, 300 * MS);
	assert_int_equal(host.resets, 2);
	assert_int_equal(host.entered, 1); /* neither by the strap, nor by the jump of what is in flash */
	assert_false(hf_twin_in_rom(host.twin));
	before = hf_twin_optcr(host.twin);
	hf_twin_power_off(host.twin);
	hf_twin_power_on(host.twin);
	rom_run(&host, 300 * MS);
	assert_false(hf_twin_in_rom(host.twin));
	assert_int_equal(hf_twin_optcr(host.twin), before);
}

static void option_bytes_are_written_and_reset(void **state)
{
	(void)state;
	uint8_t options[16];
	rom_start(&host, 115200);
	assert_int_equal(rom_read(&host, OPTIONS, options, 16), ACK);
	assert_int_equal(options[0], 0xe0);
	assert_int_equal(options[1], 0xaa);
	assert_int_equal(options[8], 0xff);
	assert_int_equal(options[9], 0x0f);
	options[0] = 0xe8; /* BOR level 1 */
	options[8] = 0xfc;
	assert_int_equal(rom_write(&host, OPTIONS, options, 16), ACK);
	assert_int_equal(host.resets, 1);
	rom_sync(&host);
	assert_int_equal(host.resets, 2);
	assert_int_equal(hf_twin_optcr(host.twin), 0x0ffcaae8);
	/* A part of them leaves the rest. */
	assert_int_equal(rom_write(&host, OPTIONS + 8, "\xff\x0f\xff\xff", 4), ACK);
	rom_sync(&host);
	assert_int_equal(hf_twin_optcr(host.twin), 0x0fffaae8);
}

static void put(uint32_t addr, uint32_t value)
{
	assert_true(hf_machine_bus_write(hf_twin_machine(host.twin), addr, 4, value));
}

/* As firmware does it: the register's and the loader's views are one. */
static void options_by_register_and_by_loader_agree(void **state)
{
	(void)state;
	static const uint32_t loop[] = { 0x20002000, FLASH + 9, 0xe7fee7fe };
	uint8_t options[16];
	assert_int_equal(hf_twin_load(host.twin, FLASH, loop, sizeof(loop)), HF_OK);
	hf_twin_boot0(host.twin, false);
	hf_twin_power_on(host.twin);
	rom_run(&host, 10 * MS);
	put(0x40023c08, 0x08192a3b);
	put(0x40023c08, 0x4c5d6e7f);
	put(0x40023c14, 0x0ffeaaec);
	put(0x40023c14, 0x0ffeaaee);
	rom_run(&host, 20 * MS);
	assert_int_equal(hf_twin_optcr(host.twin), 0x0ffeaaec);
	hf_twin_boot0(host.twin, true);
	hf_twin_reset(host.twin, HF_TWIN_RESET_PIN);
	rom_line(&host, 115200, 'E');
	rom_sync(&host);
	assert_int_equal(rom_read(&host, OPTIONS, options, 16), ACK);
	assert_int_equal(options[0], 0xec);
	assert_int_equal(options[8], 0xfe);
	assert_int_equal(rom_write(&host, FLASH, "abcd", 4), NACK);
}

static void system_bytes_move_to_another_twin(void **state)
{
	(void)state;
	uint8_t bytes[HF_TWIN_SYSTEM_SIZE];
	struct rom_host other;
	rom_start(&host, 115200);
	assert_int_equal(rom_write(&host, OTP + 64, "once", 4), ACK);
	assert_int_equal(rom_protect(&host, (const uint8_t[]){ 0, 1 }, 2), ACK);
	hf_twin_system_get(host.twin, bytes);
	rom_open(&other, NULL);
	hf_twin_system_set(other.twin, bytes);
	rom_start(&other, 115200);
	assert_int_equal(hf_twin_optcr(other.twin), 0x0ffcaae0);
	assert_int_equal(rom_peek(&other, OTP + 64), load_le32((const uint8_t *)"once"));
	assert_int_equal(rom_write(&other, FLASH, "abcd", 4), NACK);
	rom_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_rate_is_found),
		TEST(rate_is_found_by_a_chip_that_is_off),
		TEST(third_usart_is_heard_too),
		TEST(wrong_first_byte_is_a_wrong_rate_until_a_reset),
		TEST(second_first_byte_is_half_a_command),
		TEST(loader_needs_its_time_after_a_reset),
		TEST(jump_into_system_memory_enters),
		TEST(low_boot0_starts_the_flash),
		TEST(hardware_watchdog_bites),
		TEST(get_commands_answer),
		TEST(senseless_frames_are_refused),
		TEST(long_lists_are_heard_to_their_end),
		TEST(flash_is_written_and_read),
		TEST(answer_to_a_write_comes_once_it_is_programmed),
		TEST(ram_is_written_and_started),
		TEST(go_starts_flash),
		TEST(identity_is_readable),
		TEST(sectors_are_erased),
		TEST(mass_erase_leaves_otp),
		TEST(otp_is_locked_block_by_block),
		TEST(stuck_bits_are_for_the_reader_to_find),
		TEST(write_protection_is_honoured),
		TEST(readout_protection_leaves_four_commands),
		TEST(unprotecting_what_is_open_erases_too),
		TEST(level_2_keeps_everybody_out),
		TEST(option_bytes_are_written_and_reset),
		TEST(options_by_register_and_by_loader_agree),
		TEST(system_bytes_move_to_another_twin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
