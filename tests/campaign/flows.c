/* SPDX-License-Identifier: MIT
 *
 * The flows of the campaign. Each has to end without any cut, first; then, after a cut at any of its operations: what starts
 * must be firmware that the host verifies too and that somebody sent, and the same flow done again has to end well.
 */
#include "campaign.h"
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#include "longrec.h"
#include "policy.h"
#include "smp_device.h"
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


/* ---- what the device keeps: configuration, keyset ---- */

static const char *said(struct campaign *c, enum hf_err err, const struct hf_smp_answer *answer, const char *doing)
{
	if (!err)
		err = answer->refusal;
	if (!err)
		return NULL;
	snprintf(c->why, sizeof c->why, "%s: %s", doing, hf_err_text(err));
	return c->why;
}

static const char *put(struct campaign *c, enum hf_longrec_kind kind, struct hf_bytes content)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	err = hf_smp_put_kept(&c->lab.client, c->lab.patience_ms, kind, content, &answer);
	return said(c, err, &answer, "storing");
}

static const char *get(struct campaign *c, enum hf_longrec_kind kind, uint8_t *buf, size_t cap, size_t *len)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	err = hf_smp_get_kept(&c->lab.client, c->lab.patience_ms, kind, buf, cap, len, &answer);
	return said(c, err, &answer, "reading back");
}

static bool same(struct hf_bytes a, const uint8_t *b, size_t len)
{
	return a.len == len && memcmp(a.ptr, b, len) == 0;
}

/* Of the kind, the old content or the new one is there, whole; the new one is taken then. */
static const char *kept_comes_back(struct campaign *c, enum hf_longrec_kind kind, struct hf_bytes before,
				   struct hf_bytes after, struct hf_bytes file)
{
	uint8_t there[HF_CONFIGURATION_MAX];
	const char *why;
	size_t len;

	if (!starts_again(c))
		return "nothing starts";
	if (!lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS))
		return "the firmware does not come back";
	why = get(c, kind, there, sizeof there, &len);
	if (!why && !same(before, there, len) && !same(after, there, len))
		why = "neither the old content nor the new one is there";
	if (!why)
		why = put(c, kind, file);
	if (!why)
		why = get(c, kind, there, sizeof there, &len);
	return why || same(after, there, len) ? why : "what was stored is not what is read back";
}

static struct hf_bytes configuration(size_t len)
{
	static uint8_t content[HF_CONFIGURATION_MAX];

	for (size_t i = 0; i < len; i++)
		content[i] = (uint8_t)(i * 11 + len);
	return (struct hf_bytes){ content, len };
}

static const char *configure_before(struct campaign *c)
{
	return put(c, HF_LONGREC_CONFIGURATION, configuration(50));
}

static const char *configure(struct campaign *c)
{
	return put(c, HF_LONGREC_CONFIGURATION, configuration(700));
}

static const char *configured(struct campaign *c)
{
	uint8_t before[50];

	memcpy(before, configuration(50).ptr, sizeof before);
	return kept_comes_back(c, HF_LONGREC_CONFIGURATION, (struct hf_bytes){ before, sizeof before }, configuration(700),
			       configuration(700));
}

static const char *replace_keyset(struct campaign *c)
{
	return put(c, HF_LONGREC_KEYSET, hf_buffer_bytes(&c->next_keyset));
}

/* Before it was replaced, the factory's counts: from the page, so the device keeps none of its own. */
static const char *keyset_replaced(struct campaign *c)
{
	const struct hf_bytes factory = { c->lab.keyset_bytes.ptr, c->lab.keyset_bytes.len };

	return kept_comes_back(c, HF_LONGREC_KEYSET, factory, c->next.bytes, hf_buffer_bytes(&c->next_keyset));
}

/* ---- back by hand ---- */

static const char *upgrade_to_next(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->later);

	return why || lab_confirmed(&c->lab, c->later.id, 60000 * LAB_MS) ? why : "1.1.0 is not confirmed";
}

static const char *roll_back_by_hand(struct campaign *c)
{
	struct hf_smp_answer answer;
	const char *why;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	why = said(c, hf_smp_roll_back(&c->lab.client, c->lab.patience_ms, &answer), &answer, "rolling back");
	if (!why)
		why = said(c, hf_smp_reset(&c->lab.client, c->lab.patience_ms, &answer), &answer, "resetting");
	return why || lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? why : "1.0.0 does not come back";
}

static bool runs(struct campaign *c, const uint8_t id[HF_SHA256_BYTES])
{
	struct hf_image image;

	return lab_slot(&c->lab, c->lab.entered, &image) && memcmp(image.id, id, sizeof image.id) == 0;
}

static const char *rolled_back_by_hand(struct campaign *c)
{
	if (!starts_again(c))
		return "nothing starts";
	if (runs(c, c->old_id))
		return lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not confirm itself";
	if (!runs(c, c->later.id) || !lab_confirmed(&c->lab, c->later.id, 60000 * LAB_MS))
		return "neither firmware is there";
	return roll_back_by_hand(c);
}

static const char *factory_reset(struct campaign *c)
{
	struct hf_smp_answer answer;

	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	return said(c, hf_smp_factory_reset(&c->lab.client, c->lab.patience_ms, &answer), &answer, "erasing");
}

/* What ran stays, and nothing is left of the rest once it was done again. */
static const char *is_reset(struct campaign *c)
{
	uint8_t there[HF_CONFIGURATION_MAX];
	const char *why;
	size_t len;

	if (!starts_again(c))
		return "nothing starts";
	if (!lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS))
		return "the firmware does not come back";
	why = factory_reset(c);
	if (!why)
		why = get(c, HF_LONGREC_CONFIGURATION, there, sizeof there, &len);
	return why || len == 0 ? why : "there is a configuration still";
}

/* ---- recovery ---- */

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
static const char *replace_recovery(struct campaign *c)
{
	const char *why = lab_upgrade(&c->lab, &c->recovery);

	for (unsigned i = 0; i < c->lab.patience_ms / 200 && !why && !replaced(c); i++)
		if (!lab_run(&c->lab, 200 * LAB_MS))
			why = "the power went";
	if (why)
		return why;
	if (!replaced(c))
		return "recovery is not replaced";
	return lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS) ? NULL : "1.0.0 does not go on";
}

static const char *recovery_replaced(struct campaign *c)
{
	if (!recovery_there(c))
		return "there is no recovery";
	if (!starts_again(c))
		return "nothing starts";
	if (!runs(c, c->old_id) && !runs(c, c->recovery.id))
		return "something was started that nobody sent";
	if (!lab_confirmed(&c->lab, c->old_id, 60000 * LAB_MS))
		return "1.0.0 does not go on";
	return replaced(c) ? NULL : replace_recovery(c);
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

/* Without firmware boot starts recovery. */
static const char *erase_slots(struct campaign *c)
{
	static uint8_t blank[4096];

	hf_twin_power_off(c->lab.twin);
	memset(blank, 0xff, sizeof blank);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_span *slot = &c->lab.board.layout.slot[i];

		for (uint32_t off = 0; off < slot->size; off += sizeof blank)
			if (hf_twin_poke(c->lab.twin, slot->addr + off, blank, sizeof blank))
				return "the slots cannot be erased";
	}
	return lab_start(&c->lab) && c->lab.entered == HF_PLACE_RECOVERY ? NULL : "recovery does not start";
}

static const char *revived(struct campaign *c)
{
	if (!starts_again(c))
		return "nothing starts";
	if (c->lab.entered == HF_PLACE_RECOVERY)
		return runs(c, c->old_recovery_id) ? upgrade(c) : "recovery is damaged";
	if (!runs(c, c->small.id))
		return "firmware was started that nobody sent";
	return lab_confirmed(&c->lab, c->small.id, 60000 * LAB_MS) ? NULL : "the new firmware does not confirm itself";
}

const struct flow campaign_flows[] = {
	{ "first start", NULL, first_start, upgrade, back_to_small },
	{ "upgrade", NULL, upgrade, upgrade, back_to_small },
	{ "roll-back", upload_hang, roll_back, upgrade, back_to_small },
	{ "take-over", fill_journal, take_over, upgrade, back_to_small },
	{ "configuration", configure_before, configure, configure, configured },
	{ "keyset", NULL, replace_keyset, replace_keyset, keyset_replaced },
	{ "roll-back by hand", upgrade_to_next, roll_back_by_hand, roll_back_by_hand, rolled_back_by_hand },
	{ "factory reset", configure_before, factory_reset, factory_reset, is_reset },
	{ "recovery replaced", NULL, replace_recovery, replace_recovery, recovery_replaced },
	{ "recovery entered", NULL, by_recovery, by_recovery, back_to_small },
	{ "upload in recovery", erase_slots, upgrade, upgrade, revived },
	{ "hostile", hostile_prepare, hostile_run, hostile_again, hostile_come_back },
	{ "another package", NULL, hostile_change_of_mind, hostile_to_small, hostile_back_to_small },
	{ "orders in a trial", hostile_reject, hostile_order_in_trial, hostile_again, hostile_come_back },
	{ "trial interrupted", hostile_brown_outs, hostile_third_start, hostile_to_small, hostile_back_to_small },
	{ "older firmware erased", hostile_secure, hostile_erase_old, hostile_erase_old, hostile_old_erased },
	{ NULL, NULL, NULL, NULL, NULL },
};
