/* SPDX-License-Identifier: MIT
 *
 * The digital twin: an STM32F407 board that executes the firmware's binaries in virtual time.
 *
 * A twin is a flash with its controller, a Cortex-M4, the peripherals of the board, and a virtual clock that moves only
 * inside hf_twin_run(). Nothing in it looks at the wall clock or at the host's random numbers: the same configuration
 * and the same calls give the same instructions, nanoseconds and flash contents on every run and machine.
 *
 * Times are nanoseconds since hf_twin_open(); they go on while the power is off. One twin is used by one thread at a
 * time; twins do not share anything.
 */
#ifndef HF_TWIN_H
#define HF_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"
#include "../core/layout.h"

#define HF_TWIN_FLASH_ADDR 0x08000000u
#define HF_TWIN_FLASH_SIZE 0x00100000u
#define HF_TWIN_SRAM_ADDR  0x20000000u
#define HF_TWIN_SRAM_SIZE  0x00020000u
#define HF_TWIN_CCM_ADDR   0x10000000u
#define HF_TWIN_CCM_SIZE   0x00010000u
#define HF_TWIN_SECTORS    12
#define HF_TWIN_OPTIONS_ADDR 0x1fffc000u
#define HF_TWIN_OPTIONS_SIZE 16u

struct hf_twin;
struct hf_twin_snapshot;

/* What an individual board is like. hf_twin_config_default() fills in the typical one; times are the datasheet's
 * typical values at x32. */
struct hf_twin_config {
	uint8_t unique_id[12];
	uint64_t seed;             /* of everything random: RAM at power-on, torn words, unstable bits */
	uint32_t lsi_hz;           /* 17000 to 47000, typically 32000: the watchdog's clock */
	uint32_t hse_hz;           /* 0: no crystal fitted, HSE never becomes ready */
	int32_t hsi_ppm;           /* deviation of the 16 MHz oscillator */
	bool hsi_pll_fails;        /* the PLL never locks */
	bool vbat;                 /* a battery keeps the backup registers while the power is off */
	uint32_t optcr;            /* option bytes as FLASH_OPTCR shows them after reset: RDP, nWRP, BOR, WDG_SW */
	uint32_t program_ns;       /* of a word (x32), a half-word or a byte */
	uint64_t erase_16k_ns;     /* at x32; x16 and x8 take longer by the ratios of the datasheet */
	uint64_t erase_64k_ns;
	uint64_t erase_128k_ns;
	bool coarse;               /* for campaigns, at half the host's time: a cycle for each line that a block is fetched
	                            * from, none for its data, and polls of a busy flash controller or for SysTick's flag
	                            * are skipped */
};

void hf_twin_config_default(struct hf_twin_config *config);

/* ---- life ---- */

/* The twin is off, its flash blank. config is copied, and so is layout. HF_ERR_RANGE when the layout's sectors are not
 * those of the chip (layout may be NULL: nothing but addresses is known then), HF_ERR_IO when the CPU cannot be
 * made. */
HF_MUST_USE enum hf_err hf_twin_open(struct hf_twin **twin, const struct hf_layout *layout,
				     const struct hf_twin_config *config);
void hf_twin_close(struct hf_twin *twin);

/* A programmer's access to flash, off the clock and uncounted: what the factory or a debugger would have written. */
HF_MUST_USE enum hf_err hf_twin_load(struct hf_twin *twin, uint32_t addr, const void *data, size_t len);
/* The loadable segments of an ELF that lie in flash, moved by `offset` bytes; HF_ERR_ENCODING for what is no 32-bit
 * little-endian ARM ELF. entry (may be NULL) receives the moved entry address. */
HF_MUST_USE enum hf_err hf_twin_load_elf(struct hf_twin *twin, const void *elf, size_t len, int32_t offset,
					 uint32_t *entry);
/* Reads memory without side effects or time: flash as it is stored (unstable bits as they were last read), RAM. */
HF_MUST_USE enum hf_err hf_twin_peek(const struct hf_twin *twin, uint32_t addr, void *buf, size_t len);
HF_MUST_USE enum hf_err hf_twin_poke(struct hf_twin *twin, uint32_t addr, const void *data, size_t len);

enum hf_twin_reset {
	HF_TWIN_RESET_POWER,    /* power-on: PORRSTF, BORRSTF, PINRSTF; RAM holds noise */
	HF_TWIN_RESET_PIN,
	HF_TWIN_RESET_SOFTWARE, /* AIRCR SYSRESETREQ */
	HF_TWIN_RESET_IWDG,
	HF_TWIN_RESET_LOCKUP,   /* no reset on the chip: the core stands still until another reset; reported only */
	HF_TWIN_RESET_BROWN_OUT, /* BORRSTF, PINRSTF and no other flag; RAM and backup registers stay */
};

void hf_twin_power_on(struct hf_twin *twin); /* no effect when it is on */
void hf_twin_power_off(struct hf_twin *twin);
bool hf_twin_is_on(const struct hf_twin *twin);
/* Pulls the reset pin, or acts as the named cause does. No effect when the power is off. */
void hf_twin_reset(struct hf_twin *twin, enum hf_twin_reset cause);
/* The reset pin is pulled low and stays there, or is let go; the chip looks at BOOT0 then. */
void hf_twin_reset_hold(struct hf_twin *twin, bool low);

/* The strap that the chip reads when it leaves a reset: high starts its ROM loader (rom.h). BOOT1 is low. Low at first;
 * snapshots keep it. */
void hf_twin_boot0(struct hf_twin *twin, bool high);

/* What the chip keeps besides its flash: option bytes as they read at HF_TWIN_OPTIONS_ADDR, then the 528 one-time
 * programmable bytes. set: as a programmer would, off the clock; what option bytes do at a reset they do at the next. */
#define HF_TWIN_SYSTEM_SIZE (HF_TWIN_OPTIONS_SIZE + 528u)
void hf_twin_system_get(const struct hf_twin *twin, uint8_t bytes[HF_TWIN_SYSTEM_SIZE]);
void hf_twin_system_set(struct hf_twin *twin, const uint8_t bytes[HF_TWIN_SYSTEM_SIZE]);
uint32_t hf_twin_optcr(const struct hf_twin *twin); /* the option bytes as FLASH_OPTCR shows them */
bool hf_twin_in_rom(const struct hf_twin *twin);    /* the ROM loader runs */

/* ---- time ---- */

enum hf_twin_stop {
	HF_TWIN_TIME,    /* the time asked for has come */
	HF_TWIN_STOPPED, /* hf_twin_stop() was called from a callback */
	HF_TWIN_OFF,     /* a cut took the power away during this run */
	HF_TWIN_BROKEN,  /* the model itself failed (see hf_twin_error); the twin is of no more use */
};

/* Lets virtual time go on to until_ns (absolute). A twin that is off, locked up or asleep for good reaches it at once.
 * Ends early as described above; the CPU then stands between two instructions. */
enum hf_twin_stop hf_twin_run(struct hf_twin *twin, uint64_t until_ns);
/* From inside a callback: hf_twin_run() returns as soon as the current basic block is done. */
void hf_twin_stop(struct hf_twin *twin);

uint64_t hf_twin_now_ns(const struct hf_twin *twin);
const char *hf_twin_error(const struct hf_twin *twin); /* a sentence; NULL when nothing failed */

/* Since hf_twin_open(). Cycles are the core's; a sleeping core counts none. */
struct hf_twin_counts {
	uint64_t instructions;
	uint64_t cycles;
	uint64_t stall_cycles;   /* of these: waiting for a busy flash */
	uint64_t stalls;
	uint64_t exceptions;
	uint64_t resets;
	uint64_t flash_programs; /* words, half-words, bytes */
	uint64_t flash_erases;   /* sectors; a mass erase is one operation of twelve */
	uint64_t flash_ops;      /* operations begun: the number that cuts refer to */
	uint64_t native_calls;   /* answered by the host */
	uint64_t native_compared;
};

void hf_twin_counts(const struct hf_twin *twin, struct hf_twin_counts *counts);
/* Erases of a sector since hf_twin_open() (and hf_twin_wear_set). */
uint32_t hf_twin_wear(const struct hf_twin *twin, unsigned sector);

/* Calls back (event HF_TWIN_EV_PC) just before the instruction at addr is executed. It must be where a function or the
 * target of a branch begins: what is in the middle of a block is not seen. At most 8 addresses. */
HF_MUST_USE enum hf_err hf_twin_watch_pc(struct hf_twin *twin, uint32_t addr);
void hf_twin_unwatch_pc(struct hf_twin *twin, uint32_t addr);

/* The core's registers, for tests and crash reports: 0..15 = R0..PC, 16 = xPSR, 17 = MSP, 18 = PSP. */
uint32_t hf_twin_register(const struct hf_twin *twin, unsigned number);

/* ---- what happens ---- */

enum hf_twin_event_kind {
	HF_TWIN_EV_RESET,       /* a = enum hf_twin_reset */
	HF_TWIN_EV_POWER,       /* a = 1 on, 0 off */
	HF_TWIN_EV_CUT,         /* the armed cut happened; a = address of the operation or 0, b = its number, text =
				   "program", "erase", or NULL when it met none */
	HF_TWIN_EV_FLASH,       /* an operation is done; a = address, b = sector erase: 0xFFFFFFFF, else bytes */
	HF_TWIN_EV_ROM,         /* a = 1: the chip's ROM loader was entered, 0: it starts code; b = where */
	HF_TWIN_EV_OPTIONS,     /* the option bytes changed; a = OPTCR */
	HF_TWIN_EV_FLASH_ERROR, /* a = address, b = the SR flags it set */
	HF_TWIN_EV_STALL,       /* the core waited for flash; a = address fetched, b = microseconds */
	HF_TWIN_EV_MUST_NOT_STALL, /* as EV_STALL, where it was forbidden: an error of the firmware */
	HF_TWIN_EV_FAULT,       /* a fault exception was taken; a = address of the instruction, b = CFSR */
	HF_TWIN_EV_LOCKUP,      /* a = PC */
	HF_TWIN_EV_ENTER,       /* for the first time since a reset the core executes in a partition; a = PC, b = its
				   first address. Only with a layout. */
	HF_TWIN_EV_PC,          /* a watched instruction; a = PC */
	HF_TWIN_EV_NATIVE,      /* native crypto and executed code disagree; a = address of the function */
	HF_TWIN_EV_PIN,         /* an output pin changed; a = port << 8 | pin, b = level */
	HF_TWIN_EV_LED,         /* the LED's state changed; a = enum of twin/led.h */
	HF_TWIN_EV_LOG,         /* a model noticed misuse by the firmware; text says what */
};

struct hf_twin_event {
	enum hf_twin_event_kind kind;
	uint32_t a, b;
	uint64_t at_ns;
	const char *text; /* borrowed; may be NULL */
};

/* May call hf_twin_stop(), hf_twin_peek(), the counters, and the peers' input functions; nothing else. */
typedef void hf_twin_event_fn(void *ctx, const struct hf_twin_event *event);
void hf_twin_on_event(struct hf_twin *twin, hf_twin_event_fn *fn, void *ctx); /* ctx kept */

/* Stalls are errors (HF_TWIN_EV_MUST_NOT_STALL) while the core executes in [addr, addr + size), or, with
 * in_handlers, inside any exception handler. At most 8 ranges. */
HF_MUST_USE enum hf_err hf_twin_must_not_stall(struct hf_twin *twin, uint32_t addr, uint32_t size);
void hf_twin_must_not_stall_in_handlers(struct hf_twin *twin, bool in_handlers);

/* ---- faults ---- */

enum hf_twin_cut_when {
	HF_TWIN_CUT_OPERATION,   /* at flash operation number `at` of counts.flash_ops, the first being 0 */
	HF_TWIN_CUT_TIME,        /* at the time `at`; an operation then under way is torn at its fraction of time */
	HF_TWIN_CUT_INSTRUCTION, /* when counts.instructions reaches `at` (rounded up to a basic block) */
	HF_TWIN_CUT_NEXT,        /* at the next flash operation that fits `what`, addr and size, after `at` others */
};

enum hf_twin_cut_what {
	HF_TWIN_CUT_ANY,
	HF_TWIN_CUT_PROGRAM,
	HF_TWIN_CUT_ERASE,
};

enum hf_twin_cut_how {
	HF_TWIN_CUT_POWER,     /* the power is off afterwards: hf_twin_run() returns HF_TWIN_OFF */
	HF_TWIN_CUT_BROWN_OUT, /* the supply dips below BOR's threshold: HF_TWIN_RESET_BROWN_OUT */
	HF_TWIN_CUT_WATCHDOG,  /* HF_TWIN_RESET_IWDG, whether or not the watchdog runs */
	HF_TWIN_CUT_PIN,       /* HF_TWIN_RESET_PIN */
};

/* An end of what the chip is doing: a loss of power, or a reset, after which it starts by itself and hf_twin_run() goes
 * on. HF_TWIN_EV_CUT is told before. During an operation it leaves the word with a part of its bits cleared, or the
 * sector with a mix of old bits, ones and garbage, chosen by `seed`. Not in snapshots. */
struct hf_twin_cut {
	enum hf_twin_cut_when when;
	uint64_t at;
	uint16_t fraction;  /* of 65536: how far the operation gets; 0: cut before it */
	bool unstable;      /* what it touched reads differently each time until it is programmed again or erased */
	uint64_t seed;
	/* HF_TWIN_CUT_NEXT only. */
	enum hf_twin_cut_what what;
	uint32_t addr, size; /* the operation begins in [addr, addr + size); size 0: anywhere */
	enum hf_twin_cut_how how;
};

void hf_twin_arm_cut(struct hf_twin *twin, const struct hf_twin_cut *cut); /* one at a time; replaces */
void hf_twin_disarm_cut(struct hf_twin *twin);

/* What follows is in snapshots: restoring one from before heals it. None of it may be called from a callback. Everything
 * random comes from the seed given. */

/* Hardware that is worn: the named bits of a word stay as they are, whatever is programmed or erased; bits = 0 heals. At
 * most 32 words. */
HF_MUST_USE enum hf_err hf_twin_stick_word(struct hf_twin *twin, uint32_t addr, uint32_t bits);
void hf_twin_wear_set(struct hf_twin *twin, unsigned sector, uint32_t erases);
/* Flips bits of flash or RAM (EMI). */
HF_MUST_USE enum hf_err hf_twin_flip(struct hf_twin *twin, uint32_t addr, uint32_t bits);

/* Cells between two states: of the words in [addr, addr + size), a share of density / 65536 gets some bits (at random
 * one to half of them) that read differently each time, until they are programmed to 0 or the sector is erased.
 * HF_ERR_RANGE when that is not whole words of flash. Instruction fetches see the word as it was last read. */
HF_MUST_USE enum hf_err hf_twin_unstable(struct hf_twin *twin, uint32_t addr, uint32_t size, uint32_t density,
					 uint64_t seed);

enum hf_twin_worn {
	HF_TWIN_WORN_NOT,     /* heals */
	HF_TWIN_WORN_FLAGGED, /* an erase or program that did not do all its work ends with WRPERR or PGSERR */
	HF_TWIN_WORN_SILENT,  /* it ends as if all were well */
};

/* The sector takes so many more erases, then one word in 64 is worn: in those some bits stay as they are (so an erase
 * leaves zeros, programming leaves ones) or, where it is silent, read 0 from the next operation on. */
HF_MUST_USE enum hf_err hf_twin_wear_out(struct hf_twin *twin, unsigned sector, uint32_t erases_left,
					 enum hf_twin_worn kind, uint64_t seed);

/* Read disturb: after `reads` more reads of the page (1 KiB) around the word at addr, these bits of it flip, once. An
 * erase of the sector before takes the charge, and the fault, away. Reads of one page within 1000 cycles count as one,
 * fetches of instructions as none (nor data of the page that is executed). At most 8 (HF_ERR_FULL). */
HF_MUST_USE enum hf_err hf_twin_disturb(struct hf_twin *twin, uint32_t addr, uint32_t bits, uint32_t reads);

/* Operations that begin from now on take so many thousandths of the configured time (cold, old or badly supplied flash):
 * 0 counts as 1. */
void hf_twin_flash_speed(struct hf_twin *twin, uint32_t permille);

/* The oscillators from now on, in the middle of whatever runs: a watchdog that is counting goes on at the new rate, and so
 * does a frame on a serial line. lsi_hz 0, hsi_ppm HF_TWIN_KEEP: as it is. */
#define HF_TWIN_KEEP INT32_MIN
void hf_twin_clocks(struct hf_twin *twin, uint32_t lsi_hz, int32_t hsi_ppm);

/* ---- faults of serial lines (usart_fault.c) ---- */

#define HF_TWIN_LINE_FAULTS 4

enum hf_twin_line_kind {
	HF_TWIN_LINE_HEAL,   /* ends all faults of this USART */
	HF_TWIN_LINE_FLIP,   /* one data or parity bit of each byte */
	HF_TWIN_LINE_BURST,  /* all bits of each byte are random, start and stop bits too */
	HF_TWIN_LINE_LOST,   /* nothing arrives; the time passes */
	HF_TWIN_LINE_REPEAT, /* the byte arrives `count` times more */
	HF_TWIN_LINE_NOISE,  /* of each million bytes, ppm get one wrong bit, start and stop bits too */
	HF_TWIN_LINE_DRIFT,  /* bits take ppm millionths longer: the sender's clock is off */
	HF_TWIN_LINE_STALL,  /* the sender is silent for `count` milliseconds before the byte; to the device only */
};

struct hf_twin_line_fault {
	bool to_device;      /* which direction */
	enum hf_twin_line_kind kind;
	uint64_t at;         /* the first byte that it touches: of those that begin from now on, the first being 0 */
	uint32_t count;      /* bytes; 0: one, but NOISE and DRIFT go on for good; UINT32_MAX: all of them for good */
	int32_t ppm;
	uint64_t seed;
};

/* A fault is over, and its place free, when it has touched its last byte. HF_ERR_FULL when HF_TWIN_LINE_FAULTS are
 * waiting or at work on this USART; HF_ERR_RANGE for a USART that the chip does not have or a ppm out of reach. */
HF_MUST_USE enum hf_err hf_twin_line_fault(struct hf_twin *twin, unsigned usart, const struct hf_twin_line_fault *fault);

/* ---- snapshots ---- */

/* Everything but callbacks, peers, watches and what was armed. Snapshots of one twin share what did not change between
 * them. A snapshot may be restored into another twin that was opened alike. */
HF_MUST_USE enum hf_err hf_twin_save(struct hf_twin *twin, struct hf_twin_snapshot **snapshot);
void hf_twin_restore(struct hf_twin *twin, const struct hf_twin_snapshot *snapshot);
void hf_twin_snapshot_free(struct hf_twin_snapshot *snapshot);
/* SHA-256 free, cheap identity of the flash's contents and of what is wrong with it (64-bit hash; unstable, stuck and
 * worn words, read disturb), for campaigns that share what follows from the same state. */
uint64_t hf_twin_flash_hash(const struct hf_twin *twin);
/* The same without the contents of [addr, addr + size), whole pages of 4 KiB. */
uint64_t hf_twin_flash_hash_but(const struct hf_twin *twin, uint32_t addr, uint32_t size);

/* What a case starts from, besides: words of flash that read differently each time; the backup registers, which every reset
 * leaves alone; and the seed of all that is random from now on. */
uint32_t hf_twin_unstable_words(const struct hf_twin *twin);
#define HF_TWIN_BACKUP_REGISTERS 20u
void hf_twin_backup(struct hf_twin *twin, uint32_t registers[HF_TWIN_BACKUP_REGISTERS]);
void hf_twin_reseed(struct hf_twin *twin, uint64_t seed);

/* ---- coverage ---- */

/* Notes from now on which conditional branches of an ELF that is in flash, moved by `offset`, are taken and which are not;
 * its code in RAM, too. The same file may be named for several places: its lines then have the same name (at most 31
 * characters). Snapshots know nothing of it. HF_ERR_FULL after 8, HF_ERR_ENCODING as hf_twin_load_elf(). */
HF_MUST_USE enum hf_err hf_twin_coverage(struct hf_twin *twin, const char *name, const void *elf, size_t len,
					 int32_t offset);
/* Appends a line `NAME ADDRESS OUTCOMES` for each branch that was executed: its address as linked (of code in RAM where it
 * runs), 1 taken, 2 not taken, 3 both. Several processes may do so with one file; scripts/coverage.sh reads it. */
HF_MUST_USE enum hf_err hf_twin_coverage_write(const struct hf_twin *twin, const char *path);

/* ---- native crypto (campaigns) ---- */

enum hf_twin_native {
	HF_TWIN_NATIVE_OFF,     /* every instruction is executed; the figures' mode */
	HF_TWIN_NATIVE_ON,      /* hf_mbed_sha256_* and hf_mbed_verify are answered by the host */
	HF_TWIN_NATIVE_COMPARE, /* as ON, but every `sample`th call is executed too and compared (EV_NATIVE) */
};

void hf_twin_native(struct hf_twin *twin, enum hf_twin_native mode, uint32_t sample);
/* Where the functions are: the symbols of an ELF that is in flash, moved by `offset`. What their calls cost is measured
 * by executing them once, which takes about 0.1 s. HF_ERR_NOT_FOUND when none of the functions is there, HF_ERR_FULL
 * after 8 ELFs, HF_ERR_ENCODING when they do not run. */
HF_MUST_USE enum hf_err hf_twin_native_symbols(struct hf_twin *twin, const void *elf, size_t len, int32_t offset);
/* Forgets the functions in a range, because other code comes there. */
void hf_twin_native_forget(struct hf_twin *twin, uint32_t addr, uint32_t size);

/* ---- pins and serial lines (usart.c, gpio.c) ---- */

#define HF_TWIN_USARTS 6

/* How the far end of a line is set; bytes of a device with other settings arrive garbled or with errors. */
struct hf_twin_line {
	uint32_t baud;
	uint8_t data_bits;  /* 5 to 8 */
	uint8_t parity;     /* 'N', 'E', 'O' */
	uint8_t stop_bits;  /* 1, 2 */
};

/* A peer of USART 1..6: receives what the device transmits, at the time the stop bit ends. */
typedef void hf_twin_uart_fn(void *ctx, uint8_t byte, uint64_t at_ns);
void hf_twin_uart_attach(struct hf_twin *twin, unsigned usart, hf_twin_uart_fn *fn, void *ctx);
void hf_twin_uart_line(struct hf_twin *twin, unsigned usart, const struct hf_twin_line *line);
/* Queues bytes for the device; they arrive one after the other at the far end's baud, the first as soon as the line is
 * free. HF_ERR_FULL when the queue (8 KiB) has no room: nothing was queued. */
HF_MUST_USE enum hf_err hf_twin_uart_send(struct hf_twin *twin, unsigned usart, const void *data, size_t len);
size_t hf_twin_uart_queued(const struct hf_twin *twin, unsigned usart);

/* A level that the board drives into a pin (port A = 0); -1 leaves it open, so that the pull resistors decide. */
void hf_twin_pin_drive(struct hf_twin *twin, unsigned port, unsigned pin, int level);
bool hf_twin_pin_level(const struct hf_twin *twin, unsigned port, unsigned pin);

#endif
