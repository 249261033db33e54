/* SPDX-License-Identifier: MIT
 *
 * The flows of the campaign. Each has to end without any cut, first; then, after a cut at any of its operations: what starts
 * must be firmware that the host verifies too and that somebody sent, and the same flow done again has to end well.
 */
#include "campaign.h"

#include <string.h>

#include "policy.h"
#include "smp_maintain.h"

/* What runs must verify, and be one of ours; *is_new says which. */
static const char *who_runs(struct campaign *c, const struct lab_package *p, bool *is_new)
{
	struct hf_image image;

	*is_new = false;
	if (!lab_slot(&c->lab, c->lab.entered, &image))
		return "firmware was started that does not verify";
	if (memcmp(image.id, c->old_id, sizeof c->old_id) == 0)
		return NULL;
	*is_new = memcmp(image.id, p->id, sizeof p->id) == 0;
	if (*is_new || memcmp(image.id, c->hang.id, sizeof c->hang.id) == 0)
		return NULL;
	return "firmware was started that nobody sent";
}

static bool starts_again(struct campaign *c)
{
	hf_twin_disarm_cut(c->lab.twin);
	(void)lab_run(&c->lab, 200 * LAB_MS);
	return lab_start(&c->lab);
}

/* From a device without power: it has to start, and an upgrade to `small` has to end confirmed. */
static const char *back_to_small(struct campaign *c)
{
	bool is_new;
	const char *why;

	if (!starts_again(c))
		return "nothing starts";
	why = who_runs(c, &c->small, &is_new);
	if (why)
		return why;
	if (is_new)
		return lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? NULL : "the new firmware does not confirm itself";
	/* The old one; or the one that hangs, which must give way to it. */
	if (!lab_confirmed(&c->lab, c->old_id, 90000 * LAB_MS))
		return "the old firmware does not come back";
	why = lab_upgrade(&c->lab, &c->small);
	if (why)
		return why;
	return lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? NULL : "the repeated upgrade is not confirmed";
}

static const char *upgrade(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->small);

	return why || lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? why : "not confirmed";
}

/* The first start in the field: the journal is made, 1.0.0 confirms itself. */
static const char *first_start(struct campaign *c)
{
	return lab_start(&c->lab) && lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not confirm itself";
}

/* Firmware that hangs: three starts, each ended by the watchdog. */
static const char *upload_hang(struct campaign *c)
{
	return lab_upgrade(&c->lab, &c->hang);
}

static const char *roll_back(struct campaign *c)
{
	if (!lab_run(&c->lab, 60000 * LAB_MS))
		return "the power went";
	return lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not come back";
}

/* Fills the journal with records that say nothing, until the gateway has to take it over at its next start. */
static enum hf_err poke_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
	return hf_twin_poke(((struct lab *)ctx)->twin, addr, data, len);
}

static const char *fill_journal(struct campaign *c)
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

static const char *take_over(struct campaign *c)
{
	uint64_t first = campaign_ops(c);

	if (!(lab_start(&c->lab) && lab_run(&c->lab, 5000 * LAB_MS)))
		return "it does not start";
	return campaign_ops(c) < first + 32 ? "the journal was not taken over" : NULL;
}

/* Recovery is replaced by a successor, which 1.0.0 installs: a recovery has to be there at any instant. */
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
	       lab_slot(&c->lab, HF_PLACE_RECOVERY, &image) &&
	       memcmp(image.id, c->recovery.id, sizeof image.id) == 0;
}

static const char *replace(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->recovery);

	for (unsigned i = 0; i < 100 && !why && !replaced(c); i++)
		if (!lab_run(&c->lab, 200 * LAB_MS))
			why = "the power went";
	if (why)
		return why;
	if (!replaced(c))
		return "recovery is not replaced";
	return lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not go on";
}

static const char *back_to_replaced(struct campaign *c)
{
	struct hf_image image;

	if (!recovery_there(c))
		return "there is no recovery";
	if (!starts_again(c))
		return "nothing starts";
	if (!lab_slot(&c->lab, c->lab.entered, &image))
		return "something was started that does not verify";
	if (memcmp(image.id, c->old_id, sizeof image.id) != 0 && memcmp(image.id, c->recovery.id, sizeof image.id) != 0)
		return "something was started that nobody sent";
	if (!lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS))
		return "1.0.0 does not go on";
	return replaced(c) ? NULL : replace(c);
}

/* Running firmware is asked for recovery, and recovery for an upgrade. */
static const char *by_recovery(struct campaign *c)
{
	struct hf_smp_answer answer;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	if (hf_smp_enter_recovery(&c->lab.client, 3000, &answer) || answer.refusal)
		return "the gateway does not go into recovery";
	if (!lab_run(&c->lab, 1000 * LAB_MS))
		return "the power went";
	return c->lab.entered < HF_SLOTS ? "firmware runs, not recovery" : upgrade(c);
}

const struct flow campaign_flows[] = {
	{ "first start", NULL, first_start, upgrade, back_to_small, 1 },
	{ "upgrade", NULL, upgrade, upgrade, back_to_small, 1 },
	{ "roll-back", upload_hang, roll_back, upgrade, back_to_small, 1 },
	{ "take-over", fill_journal, take_over, upgrade, back_to_small, 1 },
	{ "recovery replaced", NULL, replace, replace, back_to_replaced, 30 },
	{ "recovery entered", NULL, by_recovery, by_recovery, back_to_small, 15 },
	{ NULL, NULL, NULL, NULL, NULL, 1 },
};
