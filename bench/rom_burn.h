/* SPDX-License-Identifier: MIT
 *
 * What it costs to burn a slot with stm32flash through the chip's ROM loader, in lockstep: the figure to beat.
 *
 *   struct rom_burn burn = { .twin = "build/host/twin/holdfast-twin", .shim = "build/host/twin/libholdfast-shim.so",
 *                            .board = "boards/reference.conf", .baud = 921600, .latency_ms = 16,
 *                            .addr = 0x08020000, .size = 384 * 1024 };
 *   struct rom_burn_times times;
 *   if (!rom_burn(&burn, &times, &diag)) ...
 *
 * Makes a random image of `size` bytes, which no tool can skip a part of, starts a twin whose BOOT0 is high, and runs
 * Debian's stm32flash on it: all at once, and the parts alone. Checks afterwards that the flash holds the image. Times
 * are virtual, from stm32flash's start to its end, and the same on every run; baud, latency and line are the twin's, as
 * for any other client of its lockstep socket.
 */
#ifndef HF_BENCH_ROM_BURN_H
#define HF_BENCH_ROM_BURN_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct rom_burn {
	const char *twin, *shim, *board; /* files: the program, the library, the board's file; absolute, or from here */
	uint32_t baud;
	unsigned latency_ms;             /* of the adapter: 0, 1, 16 */
	uint32_t addr, size;             /* whole sectors */
};

struct rom_burn_times {
	uint64_t whole_ns;  /* connect, erase, write and verify: what a user waits for */
	uint64_t erase_ns;  /* connect and erase */
	uint64_t write_ns;  /* connect and write, without erase and verification */
};

/* False, with a sentence: something failed, *times is unspecified. "stm32flash is not installed" is one of them. */
bool rom_burn(const struct rom_burn *burn, struct rom_burn_times *times, struct hf_diag *diag);

#endif
