/* SPDX-License-Identifier: MIT
 *
 * What commands have in common that go through the chip's ROM loader: their options, their words, their exit codes.
 */
#ifndef HF_ROM_CLI_H
#define HF_ROM_CLI_H

#include "file.h"
#include "flash_image.h"
#include "port.h"
#include "progress.h"
#include "rom.h"

struct hf_rom_cli {
	/* Arguments. */
	const char *lines;
	bool json, quiet;

	/* Set by hf_rom_cli_open. */
	struct hf_port *port;
	struct hf_rom rom;

	/* Private. */
	struct hf_progress progress;
	bool progressing, waiting;
	uint64_t begin_ms, skipped;
	bool begun;
	unsigned percent;
};

/* A row for a command's table of options. */
#define HF_ROM_CLI_ARGS(c)                                                                                             \
	{"lines", 0, HF_ARG_TEXT, "WHICH", "the adapter's outputs that drive BOOT0 and reset: " HF_ROM_LINES_HELP ", ! inverts", \
	 &(c).lines, NULL}

#define HF_ROM_CLI_ENTER \
	"The chip's ROM loader starts when BOOT0 is high at a reset: set it, press reset, and the tool goes on by itself; or let " \
	"--lines do it. Set BOOT0 low again afterwards. --baud is the loader's rate (default: 115200)."

/* Opens the port and finds the loader. False: *code is what to exit with, all has been said; the port is closed. */
bool hf_rom_cli_open(struct hf_rom_cli *c, struct hf_port *port, const struct hf_usage *usage, enum hf_exit *code);

/* Ends it: what went wrong, or not, as a sentence (json: an event "result", to which `facts` (given) are added). Closes
 * the port. Returns what to exit with. */
enum hf_exit hf_rom_cli_end(struct hf_rom_cli *c, enum hf_err err, const struct hf_diag *diag, json_t *facts);

/* After a success: starts the firmware by the lines, or says how. */
void hf_rom_cli_start(struct hf_rom_cli *c);

/* "connect", "check", "write", "record", "options", "start". */
const char *hf_rom_cli_stage_text(enum hf_rom_stage stage);

/* The chip, as facts. */
json_t *hf_rom_cli_chip(const struct hf_rom *rom);

/* ---- commands that are one of their command's ways ---- */

enum hf_exit hf_rom_cli_status(struct hf_rom_cli *c, struct hf_port *port, const struct hf_usage *usage);

#endif
