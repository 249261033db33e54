/* SPDX-License-Identifier: MIT
 *
 * Bringing recovery up in a device that says nothing: tells a person what to do, one thing at a time, watches for the signs
 * that it has helped, and says for each sign that is missing what to try next. Nothing in the device is changed.
 *
 * The tool sees; people do. No key has to be pressed: what was done shows by itself. All waits are the serial seam's.
 */
#ifndef HF_GUIDE_H
#define HF_GUIDE_H

#include "probe.h"
#include "rom.h"
#include "row.h"
#include "smp_health.h"
#include "smp_rate.h"

enum hf_guide_found {
	HF_GUIDE_NOTHING,
	HF_GUIDE_RECOVERY,
	HF_GUIDE_FIRMWARE,  /* it is not dead */
	HF_GUIDE_LOADER,    /* the chip's own, in ROM */
	HF_GUIDE_STRANGER,  /* something that answers, and is no Holdfast */
	HF_GUIDE_PORT_GONE,
	HF_GUIDE_STOPPED,
};

#define HF_GUIDE_LINE 160

struct hf_guide {
	/* Set by the caller, the rest zero; borrowed. */
	struct hf_serial *serial;
	const struct hf_board *board; /* NULL: pins have no names, and the loader cannot be burned through */
	const uint32_t *baud;         /* to try */
	unsigned bauds;
	struct hf_rom_lines lines;    /* where reset is driven by the adapter, it is the tool that does */
	uint32_t step_ms;             /* to watch, after each thing to do; 0: 20 s */
	unsigned rounds;              /* through all of them; 0: 1 */
	void (*say)(void *ctx, uint64_t now_ms, const char *text);
	void (*row)(void *ctx, const struct hf_row *row); /* the signs; NULL: none */
	bool (*stop)(void *ctx);                          /* NULL: never */
	void *ctx;

	/* Results. */
	enum hf_guide_found found;
	struct hf_smp_status status;  /* RECOVERY, FIRMWARE */
	bool health_known;
	struct hf_smp_health health;
	char banner[HF_GUIDE_LINE];   /* "Waiting for Download...", as it was heard; "": it was not */
	char said[HF_GUIDE_LINE];     /* the last line that it said otherwise */
	struct hf_diag diag;          /* of a failure: what is missing, and what to try */
	unsigned steps;               /* that were asked of the person */

	/* Private. */
	struct hf_smp_client client;
	struct hf_smp_rate rate;
	char line[HF_GUIDE_LINE];
	unsigned line_len;
	uint32_t texts, odd;          /* bytes heard; and those that no text has */
	bool echo;
};

/* Looks, guides, and watches until something is found or all was tried. */
enum hf_guide_found hf_guide_find(struct hf_guide *g);

/* The proofs that it is recovery, as rows: what the line says, what SMP says, what the light does by the device's own word. */
void hf_guide_prove(struct hf_guide *g);

#endif
