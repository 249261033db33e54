/* SPDX-License-Identifier: MIT
 *
 * A package onto a device by the best way that is open: the running firmware, recovery, the chip's ROM loader; the next one
 * where one fails and the table (way.h) says that the next may do better. All waits are the serial seam's.
 */
#ifndef HF_FLOW_H
#define HF_FLOW_H

#include "rom.h"
#include "way.h"

struct hf_flow;

/* Everything is borrowed for the call. */
struct hf_flow_options {
	struct hf_burn_options burn;  /* event, on_text, stop and ctx are the flow's, too; find_ms is not used */
	unsigned ways;                /* that may be taken: a set of HF_WAY_BIT */
	struct hf_rom_lines lines;    /* the adapter's outputs that drive BOOT0 and reset */
	struct hf_rom_slot_options rom; /* its package is not used */
	uint32_t rom_baud;            /* 0: 115200 */
	bool no_wait;                 /* behind the ROM loader: do not wait until the firmware has confirmed itself */

	/* Opens a session, where the device demands one for being sent into recovery; NULL: none. With a sentence. */
	HF_MUST_USE enum hf_err (*unlock)(void *ctx, struct hf_smp_client *client, const struct hf_smp_status *status,
					  struct hf_diag *diag);
	/* Called once the firmware runs and is confirmed, in the console framing and at the first rate; NULL: nothing to do.
	 * Its time is the tests'. */
	void (*after)(void *ctx, struct hf_smp_client *client, struct hf_smp_rate *rate, struct hf_burn_result *result);
	/* A sentence on the way: which one is taken and why, what a person has to do. NULL: none. */
	void (*say)(void *ctx, enum hf_way way, uint64_t now_ms, const char *text);
	void (*rom_event)(void *ctx, const struct hf_rom_event *event); /* NULL: none */
};

struct hf_flow_attempt {
	enum hf_way way;
	enum hf_way_end end;
};

#define HF_FLOW_ATTEMPTS 4

struct hf_flow_result {
	struct hf_burn_result burn;   /* of the way that counts: that which succeeded, or that which got furthest */
	enum hf_way way;              /* the same; HF_WAYS: none was open */
	unsigned attempts;
	struct hf_flow_attempt attempt[HF_FLOW_ATTEMPTS];
	bool rom_known;               /* the ROM loader's way was taken, and a chip answered: */
	struct hf_rom rom;            /* ... its identity and counts, to be read only */
	struct hf_rom_slot_result slot; /* place HF_ROM_ANY_SLOT: nothing was written */
};

/* The result is filled whatever happens. */
void hf_flow_burn(struct hf_serial *serial, const struct hf_flow_options *options, struct hf_flow_result *result);

/* What a person can do to wake recovery: "hold the recovery pin (PE2) to ground, and press reset". board NULL: without the
 * pin's name. Returns text. */
const char *hf_flow_how_to_wake(const struct hf_board *board, char *text, size_t room);

#endif
