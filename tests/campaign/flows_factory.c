/* SPDX-License-Identifier: MIT
 *
 * A blank chip is burned through its ROM loader, by the tool's own code. Cut anywhere, the same burn again completes it, and
 * nothing of a half-burned chip runs but the loader, or what verifies. What boot itself does while it is half written nobody
 * can say: so the jig holds BOOT0 high until boot is whole.
 */
#include "flows.h"

#include <stdio.h>
#include <string.h>

#include "../../tool/rom.h"

#define FLASH_BYTES HF_TWIN_FLASH_SIZE
#define LOADER_MS   4000u
#define LOOK_NS     (8000 * LAB_MS) /* longer than boot shows that there is nothing to start */

const char *blank_chip(struct campaign *c)
{
	static uint8_t blank[4096];

	hf_twin_power_off(c->lab.twin);
	memset(blank, 0xff, sizeof blank);
	for (uint32_t off = 0; off < FLASH_BYTES; off += sizeof blank)
		if (hf_twin_poke(c->lab.twin, HF_TWIN_FLASH_ADDR + off, blank, sizeof blank))
			return "the chip cannot be made blank";
	campaign_watch(c); /* what there was is lost by us */
	hf_twin_boot0(c->lab.twin, true);
	hf_twin_power_on(c->lab.twin);
	return NULL;
}

static enum hf_err burn_once(struct campaign *c, bool erase_everything, struct hf_diag *diag)
{
	struct hf_rom rom = { .serial = &c->lab.serial, .board = &c->lab.board, .wait_ms = LOADER_MS };
	const struct hf_rom_factory_options options = {
		.flash = c->bare.ptr,
		.protect = { .rdp = c->lab.board.protect.rdp, .bor = c->lab.board.protect.bor, .watchdog_by_software = true,
			     .protected = c->lab.board.protect.boot ? 3 : 0 },
		.erase_everything = erase_everything,
	};
	enum hf_err err = hf_rom_connect(&rom, diag);

	return err ? err : hf_rom_burn_factory(&rom, &options, diag);
}

/* The device, as the jig lets it go. */
static void let_go(struct campaign *c)
{
	const struct hf_serial_line line = HF_SERIAL_8N1(c->lab.board.maintenance.baud[0]);

	hf_twin_power_off(c->lab.twin);
	hf_twin_boot0(c->lab.twin, false);
	(void)!hf_serial_set_line(&c->lab.serial, &line);
}

const char *burn(struct campaign *c)
{
	struct hf_diag diag;
	enum hf_err err = burn_once(c, false, &diag);

	if (err) { /* the jig holds on to it */
		snprintf(c->why, sizeof c->why, FLOW_REFUSED "%.140s", diag.text);
		return c->why;
	}
	let_go(c);
	return lab_start(&c->lab) && flow_runs(c, c->small.id) ? NULL : "what was burned does not start";
}

static bool is_boot_whole(struct campaign *c)
{
	const struct hf_span *boot = &c->lab.board.layout.boot;
	static uint8_t there[32768];

	return boot->size <= sizeof there && hf_twin_peek(c->lab.twin, boot->addr, there, boot->size) == HF_OK &&
	       memcmp(there, c->bare.ptr, boot->size) == 0;
}

/* Somebody is impatient. */
static void start_half_burned(struct campaign *c)
{
	let_go(c);
	c->lab.entered = HF_PLACES;
	hf_twin_power_on(c->lab.twin);
	(void)lab_entered(&c->lab, LOOK_NS);
	hf_twin_power_off(c->lab.twin);
}

/* The cut may have come between readout protection and the tool's reading of it. */
const char *burned(struct campaign *c)
{
	struct hf_diag diag;
	enum hf_err err;
	const char *why;

	hf_twin_disarm_cut(c->lab.twin);
	if (is_boot_whole(c))
		start_half_burned(c);
	for (unsigned i = 0; i < 2; i++) {
		hf_twin_power_off(c->lab.twin);
		hf_twin_boot0(c->lab.twin, true);
		(void)lab_run(&c->lab, 20 * LAB_MS);
		hf_twin_power_on(c->lab.twin);
		err = burn_once(c, i == 1, &diag);
		if (err != HF_ERR_DENIED && err != HF_ERR_ORDER)
			break;
	}
	let_go(c);
	if (err) {
		snprintf(c->why, sizeof c->why, FLOW_REFUSED "%.140s", diag.text);
		return c->why;
	}
	if (campaign_known(c, PHASE_BURNED))
		return campaign_same;
	why = flow_start(c);
	return why || flow_runs(c, c->small.id) ? why : "what was burned is not what starts";
}
