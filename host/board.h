/* SPDX-License-Identifier: MIT
 *
 * Board files: everything of a board that has an address, a pin or a rate (boards/, docs/PORTING.md).
 *
 * The format is libconfig's. A file is accepted whole or not at all: what the firmware would find out on the bench -
 * a sector in two partitions, a pin that two functions want, a baud rate that the clock cannot make - is refused
 * here, with file, line and one sentence. Unknown keys are refused too, since a misspelt one would be silently
 * without effect.
 */
#ifndef HF_BOARD_H
#define HF_BOARD_H

#include <stdbool.h>

#include "access.h"
#include "bytes.h"
#include "chip.h"
#include "diag.h"
#include "err.h"
#include "layout.h"

struct hf_conf;          /* conf.h */
struct config_setting_t; /* libconfig's */

#define HF_BOARD_FORMAT       1
#define HF_BOARD_NAME_BYTES   64
#define HF_BOARD_BAUDS        4
#define HF_BOARD_KEYSET_BYTES 2048u /* the end of the boot partition */
#define HF_BOARD_FILE_MAX     65536u
#define HF_BOARD_UNUSED       8

enum hf_board_erase {
	HF_ERASE_NEEDED = 0, /* the sectors that will be written */
	HF_ERASE_SLOT = 1,   /* the whole slot, so that nothing old stays */
};

struct hf_board_uart {
	uint8_t usart; /* 1: USART1 */
	uint8_t af;
	uint8_t bauds;
	bool has_de; /* drives an RS-485 transceiver's direction */
	struct hf_pin tx, rx, de;
	uint32_t baud[HF_BOARD_BAUDS]; /* [0]: what the firmware begins with; the others are tried next */
};

struct hf_board_led {
	struct hf_pin pin;
	uint8_t timer;
	uint8_t channel;
	uint8_t af;
	bool active_low;
};

/* What the factory sets in the chip's option bytes, last of all. */
struct hf_board_protect {
	uint8_t rdp; /* readout protection, 0 or 1; level 2 is for ever, and not a board file's to ask for */
	uint8_t bor; /* brown-out reset, 0 (off) to 3 (2.7 V) */
	bool boot;   /* boot's sectors are write-protected */
};

struct hf_board_input {
	struct hf_pin pin;
	bool active_low;
};

/* First and last sector; absent: first > last. */
struct hf_board_partition {
	uint8_t first, last;
};

enum hf_board_partition_id {
	HF_PART_BOOT,
	HF_PART_JOURNAL,
	HF_PART_RECOVERY,
	HF_PART_SLOT_A,
	HF_PART_SLOT_B,
	HF_PART_DATA,
	HF_PARTITIONS
};

struct hf_board {
	struct hf_layout layout;        /* layout.name is this struct's class_name: a hf_board is not copied */
	char name[HF_BOARD_NAME_BYTES]; /* the file's: "Reference gateway" */
	char vendor_domain[HF_BOARD_NAME_BYTES];
	char class_name[HF_BOARD_NAME_BYTES]; /* the hardware class: "gw-f407" */
	const struct hf_chip *chip;
	uint32_t sysclk_hz;
	struct hf_span flash;
	struct hf_span ram;
	struct hf_span ccm;  /* size 0: not used */
	uint32_t boot_limit; /* bytes that boot's program may take */
	struct hf_board_partition partition[HF_PARTITIONS];
	struct hf_board_partition unused[HF_BOARD_UNUSED];
	uint8_t unuseds;
	struct hf_board_uart maintenance;
	struct hf_board_uart modbus;
	struct hf_board_led led;
	struct hf_board_input recovery_pin;
	enum hf_access gateway_access, recovery_access; /* who may change a device: the running gateway, recovery */
	bool readback;                                  /* images may be read out of a device */
	struct hf_board_protect protect;
	enum hf_board_erase erase;
	char checksum[8];  /* "crc32": of what was burned */
	char interface[8]; /* "swd" or "jtag": the debug probe's */
	uint32_t interface_khz;
};

/* Parses a board file's text; `file` is its name for the sentences. HF_ERR_ENCODING (not libconfig), or HF_ERR_RANGE
 * (anything that the format or the chip does not allow). *out is unspecified after an error. */
HF_MUST_USE enum hf_err hf_board_parse(const char *text, const char *file, struct hf_board *out,
				       struct hf_diag *diag);

/* The same from a group that is parsed already: the board of a project file. False after the sentence was set. */
bool hf_board_read(const struct hf_conf *conf, struct config_setting_t *group, struct hf_board *out);

/* Reads a board file, or a project file that holds its board itself (host/project.h). Also HF_ERR_IO, HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_board_load(const char *path, struct hf_board *out, struct hf_diag *diag);

const char *hf_board_partition_name(enum hf_board_partition_id id); /* as the file's key: "slot_a" */
struct hf_span hf_board_span(const struct hf_board *board, struct hf_board_partition partition);
const char *hf_board_access_name(enum hf_access access);
const char *hf_board_erase_name(enum hf_board_erase erase);

#endif
