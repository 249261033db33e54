/* SPDX-License-Identifier: MIT
 *
 * Project files: what the commands would otherwise be told each time for one product - its board, keyset, packages, line, and how it
 * is burned (docs/PORTING.md for the board; man 5 holdfast-project).
 *
 * The format is the board file's (libconfig), and the rules are: accepted whole or not at all, unknown keys refused, every sentence
 * with file and line. Paths in it are relative to the project file, wherever the command is called. What is absent is absent here,
 * too: "" or a false `..._given`; the defaults are the commands'. An option on the command line always wins.
 */
#ifndef HF_PROJECT_H
#define HF_PROJECT_H

#include <stdbool.h>

#include "board.h"
#include "diag.h"
#include "err.h"

#define HF_PROJECT_FORMAT     1
#define HF_PROJECT_NAME       "holdfast.conf"
#define HF_PROJECT_ENV        "HOLDFAST_PROJECT" /* a file; empty: no project, whatever lies around */
#define HF_PROJECT_PATH_BYTES 512
#define HF_PROJECT_TEXT_BYTES 256
#define HF_PROJECT_PORTS      16
#define HF_PROJECT_FILE_MAX   65536u

/* How the product is burned, and what the checks before demand (`holdfast check`). */
struct hf_project_burn {
	bool pilot, pilot_given;         /* a pilot has to be done before the others */
	char backup[HF_PROJECT_PATH_BYTES]; /* directory for what was saved before an upgrade */
	uint32_t confirm_s;              /* 0: not given, as all of these */
	uint32_t link_errors_ppm;        /* wrong bits in a million that are still accepted */
	bool link_errors_given;          /* since none at all is a limit, too */
	uint32_t supply_mv_min;
	uint32_t supply_mv_max;
	uint32_t erase_ms_max;           /* slowest erase of a sector */
	uint32_t slower_percent_max;     /* how much throughput and latency may be worse than before */
	uint32_t stress_s;
};

struct hf_project_batch {
	uint32_t parallel; /* 0: as many as there are ports */
	uint32_t retries, stop_after;
	bool retries_given, stop_after_given;
	char records[HF_PROJECT_PATH_BYTES]; /* directory for records and reports */
	char serials[HF_PROJECT_PATH_BYTES]; /* file of the serial numbers */
	char test[HF_PROJECT_TEXT_BYTES];    /* a command a device, for the shell; run in the project's directory */
};

/* The debug probe; what is absent is the board file's. */
struct hf_project_probe {
	char interface[8]; /* "swd" or "jtag" */
	uint32_t khz;
	uint32_t address;  /* where a raw image goes */
	bool address_given;
	bool verify, verify_given; /* read back what was written */
	char erase[8];     /* "needed", "slot" or "chip" */
};

struct hf_project {
	char file[HF_PROJECT_PATH_BYTES]; /* where it was read from */
	char dir[HF_PROJECT_PATH_BYTES];  /* its directory, "" for the current one */
	char product[HF_BOARD_NAME_BYTES];

	/* Files, as they can be opened from here; "": none. An inline board's file is the project file itself, which
	 * hf_board_load understands. */
	char board[HF_PROJECT_PATH_BYTES];
	char keyset[HF_PROJECT_PATH_BYTES];
	char firmware[HF_PROJECT_PATH_BYTES]; /* the package that devices get */
	char recovery[HF_PROJECT_PATH_BYTES]; /* recovery's package */
	char boot[HF_PROJECT_PATH_BYTES];     /* boot's ELF file, for `holdfast factory` */
	char way_back[HF_PROJECT_PATH_BYTES]; /* directory of older packages */

	/* The line. */
	char port[HF_PROJECT_PORTS][HF_PROJECT_PATH_BYTES]; /* names as --port takes them, or patterns: "/dev/ttyUSB*" */
	unsigned ports;
	uint32_t baud[HF_BOARD_BAUDS]; /* to try, in this order */
	unsigned bauds;
	uint32_t patience_s; /* 0: not given */

	struct hf_project_burn burn;
	struct hf_project_batch batch;
	struct hf_project_probe probe;
};

/* Parses a project file's text; `file` is its name, for the sentences and for the paths in it. An inline board is read, a board file
 * is not. HF_ERR_ENCODING (not libconfig), HF_ERR_RANGE. *out is unspecified after an error. */
HF_MUST_USE enum hf_err hf_project_parse(const char *text, const char *file, struct hf_project *out, struct hf_diag *diag);

/* Reads a project file. Also HF_ERR_IO, HF_ERR_TOO_LARGE. */
HF_MUST_USE enum hf_err hf_project_load(const char *path, struct hf_project *out, struct hf_diag *diag);

/* Which project file counts here: `option` (--project; NULL: not given), else HOLDFAST_PROJECT, else holdfast.conf in this directory
 * or the nearest above it. *path (room HF_PROJECT_PATH_BYTES) is "" where there is none. One that is only found, and belongs to
 * somebody else, is refused (HF_ERR_DENIED): it names commands that would be run. Also HF_ERR_IO (a named one is not
 * there), HF_ERR_TOO_LARGE (its name). */
HF_MUST_USE enum hf_err hf_project_find(const char *option, char *path, struct hf_diag *diag);

#endif
