/* SPDX-License-Identifier: MIT
 *
 * A chip whose ROM loader (AN3155) listens at the other end of a serial line, in one process and in virtual time. Written
 * from the protocol's description, byte by byte, and as badly behaved as tests want it: it loses bytes while it works, its
 * flash tears words when the power fails, and any single byte of a conversation can be lost, damaged, or made a refusal.
 */
#ifndef HF_TESTS_FAKE_ROM_H
#define HF_TESTS_FAKE_ROM_H

#include "serial.h"
#include "sim_flash.h"

#define FAKE_NEVER UINT64_MAX
#define FAKE_QUEUE 8192u

struct fake_byte {
	uint64_t at_us;
	uint8_t byte;
};

struct fake_queue {
	struct fake_byte item[FAKE_QUEUE]; /* a ring */
	unsigned first, count;
	uint64_t free_us; /* when the line can take the next byte */
};

enum fake_fault {
	FAKE_LOSE,   /* the byte does not arrive */
	FAKE_FLIP,   /* one bit of it is wrong */
	FAKE_TWICE,
	FAKE_REFUSE, /* it is 1F instead */
	FAKE_SILENT, /* it and all that would follow until the next greeting are lost; to the device: the same */
};

struct fake_rom {
	struct hf_serial serial;
	struct sim_flash flash;

	/* Set by the test after fake_rom_open. */
	uint16_t id;
	uint8_t options[16];       /* RDP is the second */
	uint8_t uid[12];
	bool absent;               /* nothing is connected */
	bool echo;                 /* the line returns what it is sent */
	bool hasty;                /* bytes that arrive while it acknowledges are lost: it does not keep pace */
	bool no_parity;            /* the line cannot do parity: every command is refused */
	const char *talks;         /* no loader, but this text again and again */
	enum fake_fault fault;
	unsigned long to_device_at, to_host_at; /* the byte that it hits, from 1; 0: none. Good for once */
	uint32_t flip_ppm, drop_ppm;            /* a byte, each way */
	uint64_t cable_off_us, cable_on_us;     /* bytes in between are lost */
	bool cable_is_usb;                      /* ... and the port disappears */
	uint64_t back_after_us;                 /* the power comes back so long after a cut */
	unsigned spoil_greeting;                /* the greeting with this number, from 1, sets a wrong rate; 0: none does */
	unsigned cut_options_at;                /* the power fails in this writing of the option bytes, from 1; 0: in none */
	unsigned boot0_pin, reset_pin;          /* the host's outputs that drive BOOT0 and reset; 0: nothing does */
	bool press;                             /* somebody presses reset once `pressed_us` has come */
	uint64_t pressed_us;

	/* To be read. */
	uint64_t now_us;
	unsigned long to_device, to_host;       /* bytes */
	unsigned long writes, erases;           /* of flash, commands */
	unsigned power_cuts, resets, mass_erases, option_writes;
	uint32_t baud;
	uint8_t pins;
	bool closed;                            /* RDP level 2: never a loader again */

	/* Private. */
	struct fake_queue in, out;
	uint32_t line_baud;
	uint8_t frame[600];
	unsigned len, need, phase;
	uint8_t command;
	uint32_t addr;
	uint64_t busy_us, deaf_us;
	uint8_t ram[128 * 1024];
	uint32_t random;
	bool lost, mute;
	jmp_buf power_lost;
};

/* Layout is a board's: its sectors are the chip's. Blank, open to all, in its loader and not greeted. */
void fake_rom_open(struct fake_rom *rom, const struct hf_layout *layout);
void fake_rom_close(struct fake_rom *rom);

/* An earlier session greeted it, at this rate. */
void fake_rom_greeted(struct fake_rom *rom, uint32_t baud);

/* Somebody presses reset, or switches power off and on. */
void fake_rom_reset(struct fake_rom *rom);

#endif
