/* SPDX-License-Identifier: MIT
 *
 * Firmware: uploaded, activated, confirmed, rolled back; and what the journal has to do for that.
 */
#include "flows.h"

#include <string.h>

#include "policy.h"
#include "smp_device.h"
#include "smp_maintain.h"

/* ---- the first start in the field: the journal is made, 1.0.0 confirms itself ---- */

const char *first_start(struct campaign *c)
{
	return lab_start(&c->lab) && lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS) ? NULL : "1.0.0 does not confirm itself";
}

const char *first_started(struct campaign *c)
{
	const char *why = flow_start(c);

	return why || lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS) ? why : "1.0.0 does not confirm itself";
}

/* ---- an upgrade, in its parts ---- */

const char *upload(struct campaign *c)
{
	return lab_upload(&c->lab, &c->small);
}

const char *uploaded(struct campaign *c)
{
	struct hf_state state;
	struct hf_image image;
	const char *why = flow_start(c);

	if (!why && !flow_runs(c, c->old_id))
		why = "what was only uploaded is started";
	if (!why)
		why = flow_upload(c, &c->small);
	if (why)
		return why;
	lab_state(&c->lab, &state);
	if (state.slot[1].state != HF_SLOT_WRITTEN || !lab_slot(&c->lab, 1, &image))
		return "what was uploaded again is not there";
	return NULL;
}

const char *activate_before(struct campaign *c)
{
	return lab_upload(&c->lab, &c->small);
}

const char *activate(struct campaign *c)
{
	const char *why = lab_activate(&c->lab, &c->small);

	if (why)
		return why;
	return lab_entered(&c->lab, FLOW_CONFIRM_NS) && flow_runs(c, c->small.id) ? NULL : "the new firmware is not started";
}

const char *confirm_before(struct campaign *c)
{
	const char *why = activate_before(c);

	return why ? why : activate(c);
}

/* Where a case begins with this, nothing was seen of how the firmware was started. */
const char *confirm(struct campaign *c)
{
	if (c->lab.entered == HF_PLACES)
		c->lab.entered = 1;
	return lab_confirmed(&c->lab, c->small.id, FLOW_CONFIRM_NS) ? NULL : "the new firmware is not confirmed";
}

const char *upgrade(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->small);

	return why || lab_confirmed(&c->lab, c->small.id, FLOW_CONFIRM_NS) ? why : "the new firmware is not confirmed";
}

/* ---- firmware that hangs: three starts, each ended by the watchdog ---- */

const char *upload_hang(struct campaign *c)
{
	return lab_upgrade(&c->lab, &c->hang);
}

const char *roll_back(struct campaign *c)
{
	return lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not come back";
}

/* ---- the journal: full of records that say nothing, so that the gateway has to take it over at its next start ---- */

static enum hf_err poke_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	return hf_twin_poke(((struct lab *)ctx)->twin, addr, data, len);
}

const char *fill_journal(struct campaign *c)
{
	struct hf_record nothing = { .type = 0x7e, .flags = HF_RECORD_MAY_IGNORE };
	struct hf_flash flash = lab_flash(&c->lab);
	struct hf_journal j;

	hf_twin_power_off(c->lab.twin);
	flash.program = poke_program;
	if (hf_journal_mount(&j, &flash, c->lab.board.layout.journal))
		return "the journal cannot be read";
	while (hf_journal_free(&j) >= HF_UPLOAD_FREE_SLOTS)
		if (hf_journal_append(&j, &nothing))
			return "the journal cannot be filled";
	return NULL;
}

const char *take_over(struct campaign *c)
{
	uint64_t first = campaign_ops(c);

	if (!(lab_start(&c->lab) && lab_run(&c->lab, 5000 * LAB_MS)))
		return "it does not start";
	return campaign_ops(c) < first + 32 ? "the journal was not taken over" : NULL;
}

/* ---- back by hand ---- */

const char *upgrade_to_later(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->later);

	return why || lab_confirmed(&c->lab, c->later.id, FLOW_CONFIRM_NS) ? why : "1.1.0 is not confirmed";
}

const char *roll_back_by_hand(struct campaign *c)
{
	struct hf_smp_answer answer;
	const char *why;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	why = flow_said(c, hf_smp_roll_back(&c->lab.client, c->lab.patience_ms, &answer), &answer, "rolling back");
	if (!why)
		why = lab_reset(&c->lab);
	if (why)
		return why;
	if (campaign_known(c, PHASE_RESET))
		return campaign_same;
	return lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS) ? NULL : "1.0.0 does not come back";
}

const char *rolled_back_by_hand(struct campaign *c)
{
	const char *why = flow_start(c);

	if (why)
		return why;
	if (flow_runs(c, c->old_id))
		return lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS) ? NULL : "1.0.0 does not confirm itself";
	if (!flow_runs(c, c->later.id) || !lab_confirmed(&c->lab, c->later.id, FLOW_CONFIRM_NS))
		return "neither firmware is there";
	return roll_back_by_hand(c);
}
