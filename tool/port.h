/* SPDX-License-Identifier: MIT
 *
 * What all commands that talk to a device have in common: which port, at which rate, how patiently.
 *
 * A device is chosen by its port, or by what it is (its unique id, its adapter's serial number), or, with neither, by being
 * the only one that answers. Numbers of ports change from one plugging-in to the next, so where more than one could be
 * meant none is taken.
 */
#ifndef HF_TOOL_PORT_H
#define HF_TOOL_PORT_H

#include "args.h"
#include "board.h"
#include "probe.h"
#include "product.h"
#include "serial.h"
#include "smp_device.h"
#include "survey.h"

#define HF_PORT_RATES (HF_BOARD_BAUDS + 1)

struct hf_port {
	/* Arguments. */
	const char *name, *device, *board_file, *patience;
	uint32_t baud;
	bool baud_given;

	/* Set by the command, for a choice without --port: what it can work with besides a Holdfast that answers. */
	bool loader_too; /* a chip in its ROM loader */
	bool silent_too; /* the only port there is, whatever is at its end */
	struct hf_product product; /* its option is an argument, too */

	/* Set by hf_port_open. */
	struct hf_serial serial;
	struct hf_board board;
	bool board_known;
	uint32_t rate[HF_PORT_RATES]; /* to try, in this order */
	unsigned rates;
	uint32_t patience_ms;
	char chosen[HF_SURVEY_NAME];   /* the port's name; `name` points here once it is chosen */
	char product_port[HF_PROJECT_PATH_BYTES], product_patience[16]; /* where the project's are kept */
};

/* Rows for a command's table of options. */
#define HF_PORT_ARGS(p)                                                                                                \
	{"port", 'p', HF_ARG_TEXT, "PORT", HF_SERIAL_NAMES, &(p).name, NULL},                                          \
	{"device", 0, HF_ARG_TEXT, "ID", "the device itself: its unique id or the first 4 digits or more of it, or its USB adapter's serial number or by-id name", \
	 &(p).device, NULL},                                                                                           \
	{"board", 'b', HF_ARG_TEXT, "FILE", "the device's board file", &(p).board_file, NULL},                         \
	{"baud", 0, HF_ARG_U32, "RATE", "the line's rate to try first; then the board file's, else 921600 and 115200", \
	 &(p).baud, &(p).baud_given},                                                                                  \
	{"patience", 0, HF_ARG_TEXT, "TIME", "how long to wait when nothing gets ahead (default: 60s)", &(p).patience, NULL}, \
	HF_PRODUCT_ARGS((p).product)

/* For a command's `exits`. */
#define HF_PORT_EXITS                                                                                                  \
	"5 no such port or no device answers, 8 another program has the port, 10 something speaks there at another rate, 11 the device " \
	"answers no more, 12 the port has vanished, 17 more than one device could be meant"

/* Reads the board file, if any, chooses the port and opens it. False: *code is what to exit with, all has been said. */
bool hf_port_open(struct hf_port *p, const struct hf_usage *usage, enum hf_exit *code);
/* The first part of it: reads the project, and lets it fill in what no option said. False: *code, all has been said. */
bool hf_product_port(struct hf_port *p, enum hf_exit *code);
void hf_port_close(struct hf_port *p);

/* Sets the rates to try: --baud's first, so that a wrong one costs seconds; then the project's, else the board file's, else the usual
 * two. Part of hf_port_open. */
void hf_port_rates(struct hf_port *p);

/* The device's status, at whichever rate it answers. False: *code, all has been said. */
bool hf_port_find(struct hf_port *p, struct hf_smp_client *client, struct hf_smp_status *status, enum hf_exit *code);

/* Nobody answered: looks what is there instead, says so and what to do, and returns what to exit with. */
enum hf_exit hf_port_nobody(struct hf_port *p);

/* What to exit with after a request to a device that hf_port_find has found, and says why it failed; HF_EXIT_OK where it did
 * not. `doing`: "listing the images". */
enum hf_exit hf_port_answer(enum hf_err err, const struct hf_smp_answer *answer, const char *doing);

/* "10s", "500ms", "2m", "60" (seconds). */
bool hf_duration_parse(const char *text, uint32_t *ms);

#endif
