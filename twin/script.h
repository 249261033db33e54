/* SPDX-License-Identifier: MIT
 *
 * The commands that people and scripts give the twin, one a line: `holdfast-twin ctl`, the X request of the lockstep
 * protocol and fault scripts speak this one language.
 *
 *   [at TIME] COMMAND                  in a script: when virtual time reaches TIME
 *   power on | power off [for TIME]
 *   reset [pin] [for TIME]             pulls the reset pin, for so long
 *   advance TIME                       lets virtual time go on (lockstep only)
 *   cut before N | cut op N at F [unstable]            N: flash operations since the twin began, from 0
 *   cut next [program|erase] [in PARTITION] [after K] [at F] [unstable]     K: fitting operations that are let pass
 *       a cut may end in: off for TIME | stay off      (else the power is back after HF_SCRIPT_OFF_NS)
 *       or in: brown-out | watchdog | pin              (it is a reset of this kind, and the chip starts by itself)
 *       a cut that is given while another is armed is armed when that has happened
 *   cut cancel                         all of them
 *   cable off|on [for TIME]            the maintenance UART's
 *   noise RATE [for TIME]              share of flipped bits on the maintenance UART, 0 to 1
 *   latency TIME                       of the USB adapter at the maintenance UART (adapter.h): latency 16ms; 0ms: none
 *   break on|off [for TIME]            the maintenance UART's line to the device is held low
 *   boot0 1|0 [for TIME]               the strap that the chip reads when it leaves a reset: 1 starts its ROM loader
 *   wire boot0|reset rts|dtr [inverted] | wire boot0|reset none
 *                                      an output of the adapter drives the pin: while it is on, BOOT0 is high, or the
 *                                      reset pin low; inverted: while it is off. A port that nobody has open is off.
 *   parity none|even|odd               of the maintenance UART's pty, which cannot say it itself
 *   press recovery [for TIME] | release recovery
 *   supply MV | temperature C          the board's supply in millivolts, the chip's temperature in whole degrees Celsius
 *   slave N ok|silent|bad-crc          a Modbus slave
 *   flip ADDR BITS | stick ADDR BITS   bits of a word of flash or RAM flip | of flash stay as they are (worn)
 *   unstable ADDR BYTES SHARE [seed N]  of the words there, this share reads differently each time until it is erased
 *   worn SECTOR flagged|silent|healed [after ERASES] [seed N]
 *                                      after so many more erases one word in 64 fails, with an error flag or without
 *   disturb ADDR BITS after READS      after so many reads of the page these bits of the word flip
 *   flash speed PERMILLE               erases and programs take so many thousandths of their usual time
 *   lsi HZ | hsi PPM                   the oscillators from now on
 *   line in|out KIND [ppm N] [at N] [count N] [seed N] | line heal
 *                                      faults of the maintenance UART's bytes, to (in) and from the device; KIND is flip,
 *                                      burst, lost, repeat, noise, drift or stall (of `count` ms): hf_twin_line_fault()
 *   brown-out                          the supply dips: a reset, and RAM stays
 *   modbus [clear] | led | status | flash dump FILE | quit
 *
 * TIME is a number with ns, us, ms, s or min behind it. Commands are separated by line ends or `;`, # begins a comment.
 */
#ifndef HF_TWIN_SCRIPT_H
#define HF_TWIN_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "diag.h"

#define HF_SCRIPT_OFF_NS   500000000u
#define HF_SCRIPT_LINE_MAX 512

enum hf_command_kind {
	HF_CMD_POWER,
	HF_CMD_RESET,
	HF_CMD_ADVANCE,
	HF_CMD_CUT,
	HF_CMD_CUT_CANCEL,
	HF_CMD_CABLE,
	HF_CMD_NOISE,
	HF_CMD_LATENCY,
	HF_CMD_BREAK,
	HF_CMD_BOOT0,
	HF_CMD_PARITY,
	HF_CMD_WIRE,
	HF_CMD_RECOVERY,
	HF_CMD_SUPPLY,
	HF_CMD_TEMPERATURE,
	HF_CMD_SLAVE,
	HF_CMD_FLIP,
	HF_CMD_STICK,
	HF_CMD_UNSTABLE,
	HF_CMD_WORN,
	HF_CMD_DISTURB,
	HF_CMD_FLASH_SPEED,
	HF_CMD_CLOCKS,
	HF_CMD_LINE,
	HF_CMD_BROWN_OUT,
	HF_CMD_MODBUS,
	HF_CMD_MODBUS_CLEAR,
	HF_CMD_LED,
	HF_CMD_STATUS,
	HF_CMD_DUMP,
	HF_CMD_QUIT,
};

enum hf_cut_how { HF_CUT_POWER, HF_CUT_BROWN_OUT, HF_CUT_WATCHDOG, HF_CUT_PIN };
enum hf_cut_what { HF_CUT_ANY, HF_CUT_PROGRAM, HF_CUT_ERASE };

enum hf_partition {
	HF_PARTITION_ANY,
	HF_PARTITION_BOOT,
	HF_PARTITION_JOURNAL,
	HF_PARTITION_RECOVERY,
	HF_PARTITION_SLOT_A,
	HF_PARTITION_SLOT_B,
	HF_PARTITION_DATA,
	HF_PARTITION_COUNT
};

struct hf_cut {
	bool numbered;          /* `number` is the operation's; else the first that fits, after `number` others */
	uint64_t number;
	enum hf_cut_what what;
	enum hf_partition in;
	uint16_t fraction;      /* of 65536; 0: before the operation */
	bool unstable;
	enum hf_cut_how how;
	bool stay_off;
	uint64_t off_ns;
};

/* The numbers of script_fault.c's commands. */
struct hf_script_fault {
	uint32_t size;          /* UNSTABLE */
	uint32_t sector;        /* WORN */
	unsigned kind;          /* WORN, LINE (0: heal): numbers of twin.h's enumerations */
	uint64_t at;            /* erases left, reads, the first byte of a line */
	uint64_t count, seed;
	int32_t ppm;            /* LINE, CLOCKS */
	uint32_t permille, lsi_hz;
	bool of_hsi, to_device;
};

enum hf_wire { HF_WIRE_BOOT0, HF_WIRE_RESET, HF_WIRES };

struct hf_wired {
	uint8_t signal;         /* 1 RTS, 2 DTR as in lockstep.h; 0: nothing */
	bool inverted;
};

struct hf_command {
	enum hf_command_kind kind;
	bool timed;
	uint64_t at_ns;         /* when timed */
	uint64_t duration_ns;   /* of ADVANCE, LATENCY, RESET; of what ends by itself, 0: it does not */
	bool on;                /* POWER, CABLE, BREAK, BOOT0, RECOVERY (pressed), RESET (let go) */
	double rate;            /* NOISE, UNSTABLE */
	enum hf_wire wire;      /* WIRE */
	struct hf_wired wired;
	char parity;            /* PARITY: 'N', 'E', 'O' */
	uint32_t mv;            /* SUPPLY */
	int32_t celsius;        /* TEMPERATURE */
	unsigned slave;
	unsigned mode;          /* SLAVE: enum hf_modbus_mode */
	uint32_t addr, bits;    /* FLIP, STICK, UNSTABLE, DISTURB */
	struct hf_script_fault fault;
	struct hf_cut cut;
	char path[256];         /* DUMP */
};

/* Parses one command. HF_ERR_ENCODING with a sentence in diag; *out is unspecified then. */
HF_MUST_USE enum hf_err hf_script_command(const char *text, struct hf_command *out, struct hf_diag *diag);

/* Takes the next command of a script: *text moves behind it. HF_ERR_NOT_FOUND at the end; HF_ERR_ENCODING with a
 * sentence that names the line (counted in *line, begin with 1). */
HF_MUST_USE enum hf_err hf_script_next(const char **text, unsigned *line, struct hf_command *out,
				       struct hf_diag *diag);

/* "1.5s" -> 1500000000. False when it is no time, or does not fit. */
bool hf_script_time(const char *text, uint64_t *ns);

/* "slot-a"; "any" for HF_PARTITION_ANY. */
const char *hf_partition_text(enum hf_partition partition);

#endif
