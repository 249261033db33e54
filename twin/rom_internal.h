/* SPDX-License-Identifier: MIT
 *
 * The ROM loader's parts: its life and its line (rom.c), its commands (rom_command.c), what it does to memory
 * (rom_memory.c).
 */
#ifndef HF_TWIN_ROM_INTERNAL_H
#define HF_TWIN_ROM_INTERNAL_H

#include "rom.h"

#define ROM_FRAME 258 /* the longest that is kept: count, 256 bytes, checksum */
#define ROM_OUT   260
#define ROM_ACK   0x79
#define ROM_NACK  0x1f

enum rom_work { ROM_IDLE, ROM_PROGRAM, ROM_PROGRAM_OTP, ROM_ERASE, ROM_ERASE_ALL, ROM_OPTIONS };
enum rom_end { ROM_STAY, ROM_GO, ROM_RESET };
enum rom_progress { ROM_WAITS, ROM_DONE, ROM_FAILED };
enum rom_event { ROM_EVENT_READY, ROM_EVENT_LOOK };

struct rom {
	bool boot0;
	bool active;
	uint8_t unit;    /* of the USART that the host uses; 0: the rate is still being measured */
	uint8_t phase;   /* of the command that is being received */
	uint8_t command;
	uint8_t sum;     /* of the frame so far */
	uint32_t len, want;
	uint8_t in[ROM_FRAME];
	uint16_t out_at, out_len;
	uint8_t out[ROM_OUT];
	uint32_t addr;
	uint8_t work;    /* enum rom_work, and what follows when it is done */
	uint8_t work_next;
	uint8_t end;     /* enum rom_end: once everything is sent */
	uint16_t at, count; /* of the work: bytes, or sectors */
	uint32_t optcr;  /* wanted */
	bool otp_busy;
	uint8_t otp[HF_ROM_OTP_SIZE];
};

/* A register, as the loader's code reads and writes it; registers always answer. */
static inline uint32_t hf_rom_get(struct hf_machine *machine, uint32_t addr)
{
	uint32_t value;

	return hf_machine_bus_read(machine, addr, 4, &value) ? value : 0;
}

static inline void hf_rom_put(struct hf_machine *machine, uint32_t addr, uint32_t value)
{
	(void)!hf_machine_bus_write(machine, addr, 4, value);
}

/* The host's rate is found: acknowledges it, and expects a command. */
void hf_rom_greet(struct rom *rom);
/* A byte of the host, while nothing is being sent or worked at. */
void hf_rom_take(struct hf_dev *dev, uint8_t byte);
void hf_rom_answer(struct rom *rom, uint8_t byte);
void hf_rom_begin(struct rom *rom, enum rom_work work, uint16_t count);

/* FLASH_OPTCR of option bytes as they lie at HF_TWIN_OPTIONS_ADDR. */
uint32_t hf_rom_optcr(const uint8_t bytes[HF_TWIN_OPTIONS_SIZE]);
/* Whether the loader may read (write, start code) at all of [addr, addr + len). */
bool hf_rom_readable(uint32_t addr, uint32_t len);
bool hf_rom_writable(uint32_t addr, uint32_t len);
bool hf_rom_startable(uint32_t addr);
/* Copies memory; what is unstable in flash reads as it likes. */
void hf_rom_read(struct hf_machine *machine, uint32_t addr, uint8_t *to, uint32_t len);
/* Writes rom->count bytes from rom->in + 1 to rom->addr, or begins to: rom->work says what is left. */
void hf_rom_begin_write(struct hf_dev *dev);
/* One step of the work. ROM_WAITS: call again at ROM_EVENT_LOOK, which is scheduled. */
enum rom_progress hf_rom_work(struct hf_dev *dev);
/* OTP, as it is kept and as the core sees it. */
void hf_rom_show_otp(struct hf_dev *dev);
void hf_rom_tear_otp(struct hf_dev *dev);

#endif
