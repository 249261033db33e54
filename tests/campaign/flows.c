/* SPDX-License-Identifier: MIT
 *
 * The flows of the campaign, and what they share. Each has to end without any fault, first; then, after a fault at any of
 * its instants, the device has to come back, and the same flow done again has to end well. What must hold at every start
 * besides is judged by invariants.c.
 */
#include "flows.h"
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#define OFF_NS   (20 * LAB_MS)    /* without power; nothing keeps anything that long */
#define HANGS_NS (60000 * LAB_MS) /* three starts, each ended by the watchdog */

const char *flow_start(struct campaign *c)
{
	hf_twin_disarm_cut(c->lab.twin);
	(void)lab_run(&c->lab, OFF_NS);
	return lab_start(&c->lab) ? NULL : "nothing starts";
}

bool flow_runs(struct campaign *c, const uint8_t id[HF_SHA256_BYTES])
{
	struct hf_image image;

	return c->lab.entered < HF_PLACES && lab_slot(&c->lab, c->lab.entered, &image) &&
	       memcmp(image.id, id, sizeof image.id) == 0;
}

const char *flow_said(struct campaign *c, enum hf_err err, const struct hf_smp_answer *answer, const char *doing)
{
	if (!err)
		err = answer->refusal;
	if (!err)
		return NULL;
	snprintf(c->why, sizeof c->why, "%s: %s", doing, hf_err_text(err));
	return c->why;
}

const char *flow_upload(struct campaign *c, const struct lab_package *p)
{
	const char *why;

	c->lab.stop_on_commit = p->file.len > 2 * HF_SEGMENT_BYTES;
	c->lab.committed = false;
	why = lab_upload(&c->lab, p);
	c->lab.stop_on_commit = false;
	if (!c->lab.committed)
		return why;
	c->lab.committed = false;
	if (campaign_known(c, PHASE_COMMITTED))
		return campaign_same;
	why = flow_start(c);
	return why ? why : lab_upload(&c->lab, p);
}

const char *flow_activate(struct campaign *c, const struct lab_package *p)
{
	const char *why = lab_activate(&c->lab, p);

	if (why)
		return why;
	if (campaign_known(c, PHASE_ACTIVATED))
		return campaign_same;
	return lab_confirmed(&c->lab, p->id, FLOW_CONFIRM_NS) ? NULL : "the new firmware is not confirmed";
}

const char *flow_upgrade(struct campaign *c, const struct lab_package *p)
{
	const char *why = flow_upload(c, p);

	return why ? why : flow_activate(c, p);
}

const char *flow_back_to_small(struct campaign *c)
{
	const char *why = flow_start(c);

	if (why)
		return why;
	if (flow_runs(c, c->small.id))
		return lab_confirmed(&c->lab, c->small.id, FLOW_CONFIRM_NS) ? NULL : "the new firmware does not confirm itself";
	/* The old one; or the one that hangs, which must give way to it. */
	if (!lab_confirmed(&c->lab, c->old_id, HANGS_NS))
		return "the old firmware does not come back";
	return flow_upgrade(c, &c->small);
}

const struct flow campaign_flows[] = {
	/* The first one leaves what all others begin with. */
	{ "first start", NULL, first_start, first_start, first_started },
	{ "upgrade", NULL, upgrade, upgrade, flow_back_to_small },
	{ "upload", NULL, upload, upload, uploaded },
	{ "activate", activate_before, activate, upgrade, flow_back_to_small },
	{ "confirm", confirm_before, confirm, confirm, flow_back_to_small },
	{ "roll-back", upload_hang, roll_back, upgrade, flow_back_to_small },
	{ "take-over", fill_journal, take_over, upgrade, flow_back_to_small },
	{ "configuration", configure_before, configure, configure, configured, kept_configuration },
	{ "keyset", NULL, replace_keyset, replace_keyset, keyset_replaced, kept_keyset },
	{ "roll-back by hand", upgrade_to_later, roll_back_by_hand, roll_back_by_hand, rolled_back_by_hand },
	{ "factory reset", configure_before, factory_reset, factory_reset, is_reset, kept_reset },
	{ "recovery replaced", NULL, replace_recovery, replace_recovery, recovery_replaced, NULL, false, true },
	{ "recovery entered", NULL, by_recovery, by_recovery, flow_back_to_small, NULL, true },
	{ "upload in recovery", erase_slots, upgrade, upgrade, revived, NULL, true },
	{ "factory burn", blank_chip, burn, burn, burned, NULL, true, true, true },
	{ "hostile", hostile_prepare, hostile_run, hostile_again, hostile_come_back, NULL, false, true },
	{ "another package", NULL, hostile_change_of_mind, hostile_to_small, hostile_back_to_small, NULL, false, true },
	{ "orders in a trial", hostile_reject, hostile_order_in_trial, hostile_again, hostile_come_back, NULL, false, true },
	{ "trial interrupted", hostile_brown_outs, hostile_third_start, hostile_to_small, hostile_back_to_small },
	{ "floor raised", hostile_secure, hostile_erase_old, hostile_erase_old, hostile_old_erased, NULL, true, true },
	{ NULL, NULL, NULL, NULL, NULL },
};
