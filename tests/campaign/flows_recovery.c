/* SPDX-License-Identifier: MIT
 *
 * Recovery: replaced, asked for, and all that is left.
 */
#include "flows.h"

#include <string.h>

#include "smp_maintain.h"

/* At any instant there has to be one. */
static bool recovery_there(struct campaign *c)
{
	struct hf_image image;

	for (unsigned i = HF_PLACES; i-- > 0;)
		if (lab_slot(&c->lab, i, &image) && image.component == HF_COMPONENT_RECOVERY)
			return true;
	return false;
}

static bool replaced(struct campaign *c)
{
	struct hf_image image;
	struct hf_state state;

	lab_state(&c->lab, &state);
	return memcmp(state.recovery.id, c->recovery.id, HF_ID_BYTES) == 0 &&
	       lab_slot(&c->lab, HF_PLACE_RECOVERY, &image) && memcmp(image.id, c->recovery.id, sizeof image.id) == 0;
}

/* The staged one starts, copies itself, resets; then the firmware runs as before. */
static const char *takes_its_place(struct campaign *c)
{
	bool on = true;

	for (unsigned i = 0; i < c->lab.patience_ms / 200 && on && !replaced(c); i++)
		on = lab_run(&c->lab, 200 * LAB_MS);
	if (!replaced(c))
		return "recovery is not replaced";
	return lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS) ? NULL : "1.0.0 does not go on";
}

const char *replace_recovery(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->recovery);

	return why ? why : takes_its_place(c);
}

const char *recovery_replaced(struct campaign *c)
{
	const char *why = recovery_there(c) ? flow_start(c) : "there is no recovery";

	if (why)
		return why;
	if (!lab_confirmed(&c->lab, c->old_id, FLOW_CONFIRM_NS))
		return "1.0.0 does not go on";
	if (replaced(c))
		return NULL;
	why = flow_upload(c, &c->recovery);
	if (!why)
		why = lab_activate(&c->lab, &c->recovery);
	if (why)
		return why;
	return campaign_known(c, PHASE_ACTIVATED) ? campaign_same : takes_its_place(c);
}

/* Running firmware is asked for recovery, and recovery for an upgrade. */
const char *by_recovery(struct campaign *c)
{
	struct hf_smp_answer answer;
	const char *why;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	why = flow_said(c, hf_smp_enter_recovery(&c->lab.client, 3000, &answer), &answer, "asking for recovery");
	c->lab.entered = HF_PLACES;
	if (why)
		return why;
	if (!lab_entered(&c->lab, 5000 * LAB_MS) || c->lab.entered < HF_SLOTS)
		return "recovery does not start";
	return upgrade(c);
}

static const char *blank(struct campaign *c, struct hf_span span)
{
	static uint8_t erased[4096];

	memset(erased, 0xff, sizeof erased);
	for (uint32_t off = 0; off < span.size; off += sizeof erased)
		if (hf_twin_poke(c->lab.twin, span.addr + off, erased, sizeof erased))
			return "flash cannot be erased";
	return NULL;
}

/* Without firmware boot starts recovery. */
const char *erase_slots(struct campaign *c)
{
	const struct hf_layout *layout = &c->lab.board.layout;
	const char *why = NULL;

	hf_twin_power_off(c->lab.twin);
	for (unsigned i = 0; i < 2 && !why; i++) {
		why = blank(c, layout->slot[i]);
		if (!why)
			why = blank(c, layout->journal[i]);
	}
	if (why)
		return why;
	campaign_watch(c); /* what there was is lost by us */
	return lab_start(&c->lab) && c->lab.entered == HF_PLACE_RECOVERY ? NULL : "recovery does not start";
}

const char *revived(struct campaign *c)
{
	const char *why = flow_start(c);

	if (why)
		return why;
	if (c->lab.entered == HF_PLACE_RECOVERY)
		return flow_upgrade(c, &c->small);
	return lab_confirmed(&c->lab, c->small.id, FLOW_CONFIRM_NS) ? NULL : "the new firmware does not confirm itself";
}
