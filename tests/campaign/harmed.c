/* SPDX-License-Identifier: MIT */
#include "harmed.h"

#include <string.h>

#include "smp_device.h"

static bool verifies(struct campaign *c)
{
	struct hf_image image;

	for (unsigned i = 0; i < HF_PLACES; i++)
		if (lab_slot(&c->lab, i, &image))
			return true;
	return false;
}

static bool is(const struct hf_image *image, const uint8_t id[HF_SHA256_BYTES])
{
	return memcmp(image->id, id, HF_SHA256_BYTES) == 0;
}

/* What to upgrade to: of the security version that the device has come to. */
static const struct lab_package *next(struct campaign *c)
{
	struct hf_image image;
	struct hf_state state;

	lab_state(&c->lab, &state);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (lab_slot(&c->lab, i, &image) && hf_sequence_security(image.sequence) > 0)
			return &c->secure;
	return hf_sequence_security(state.newest) > 0 ? &c->secure : &c->small;
}

/* NULL: what runs is as it was signed, and we sent it. */
static const char *judge(struct campaign *c, bool *is_small, bool *hangs)
{
	struct hf_image image;

	if (!lab_slot(&c->lab, c->lab.entered, &image))
		return "something was started that does not verify";
	*is_small = is(&image, next(c)->id);
	*hangs = is(&image, c->hang.id);
	return campaign_is_ours(c, image.id) ? NULL : "something was started that nobody sent";
}

static bool others_verify(struct campaign *c)
{
	struct hf_image image;

	for (unsigned i = 0; i < HF_PLACES; i++)
		if (lab_slot(&c->lab, i, &image) && !is(&image, c->hang.id))
			return true;
	return false;
}

/* *alone: all that is left is firmware that hangs. */
static const char *start(struct campaign *c, bool *is_small, bool *alone)
{
	const char *why;
	bool hangs;

	if (!lab_start(&c->lab))
		return "nothing starts, and something verifies";
	why = judge(c, is_small, &hangs);
	/* What hangs gives way to what it replaced, or to recovery. */
	for (unsigned i = 0; i < 8 && !why && hangs; i++) {
		c->lab.entered = HF_PLACES;
		c->lab.stop_on_enter = true;
		(void)lab_run(&c->lab, 90000 * LAB_MS);
		c->lab.stop_on_enter = false;
		why = c->lab.entered == HF_PLACES ? "nothing starts after what hangs" : judge(c, is_small, &hangs);
	}
	if (!why && hangs && others_verify(c))
		why = "firmware that hangs is started for ever";
	*alone = hangs;
	return why;
}

/* Memory may refuse an upgrade, but must not take away what there is. */
static const char *goes_on(struct campaign *c)
{
	struct hf_smp_answer answer;
	struct hf_smp_parameters parameters;
	bool is_small, alone;
	const char *why;

	hf_twin_power_off(c->lab.twin);
	(void)lab_run(&c->lab, 200 * LAB_MS);
	if (!verifies(c))
		return "nothing verifies after a refused upgrade";
	why = start(c, &is_small, &alone);
	if (why || is_small || alone)
		return why;
	hf_smp_client_init(&c->lab.client, &c->lab.serial);
	(void)lab_run(&c->lab, 50 * LAB_MS);
	if (hf_smp_get_parameters(&c->lab.client, c->lab.patience_ms, &parameters, &answer))
		return "it does not answer after a refused upgrade";
	return NULL;
}

const char *harmed_comes_back(struct campaign *c)
{
	const struct lab_package *to = next(c);
	bool is_small = false, alone = false, had = verifies(c);
	const char *why;

	(void)lab_run(&c->lab, 200 * LAB_MS);
	if (!had)
		return lab_start(&c->lab) ? "something was started, and nothing verifies" : NULL;
	why = start(c, &is_small, &alone);
	if (why || alone)
		return why;
	if (!is_small) {
		why = lab_upgrade(&c->lab, to);
		if (why && c->harm.memory)
			return goes_on(c);
		if (why)
			return why;
		if (campaign_known(c, 1))
			return campaign_same;
	}
	/* What runs already may be on no trial: boot starts what was only uploaded where nothing else is left. And `small` has no
	 * eye for a journal that was harmed. */
	if (is_small || lab_confirmed(&c->lab, to->id, 30000 * LAB_MS))
		return NULL;
	return c->harm.memory ? goes_on(c) : "the repeated upgrade is not confirmed";
}
