/* SPDX-License-Identifier: MIT
 *
 * What people ask of a device that works. A roll-back is an activation like any other, with its trial: older firmware that
 * no longer does its work must not stay only because somebody wished for it.
 */
#include "update_private.h"

enum hf_err hf_update_rollback(struct hf_update *u)
{
	unsigned slot;
	enum hf_err err = hf_policy_rollback(&u->state, hf_update_running_app(u), &slot);

	return err ? err : hf_update_activate_slot(u, slot, NULL);
}

/* History has no journal: who writes it there begins anew wherever it makes no sense. Who asks again, since the answer took
 * longer than patience, does not wear the memory again; what reads blank after a cut is not trusted to be. */
static enum hf_err erase_history(struct hf_update *u)
{
	const struct hf_layout *layout = u->env.layout;
	enum hf_err err = HF_OK;

	for (unsigned i = 0; i < layout->sectors && !err; i++) {
		const struct hf_span *sector = &layout->sector[i];

		if (sector->addr - layout->data.addr >= layout->data.size)
			continue;
		if (!u->history_erased || hf_update_check_blank(u, sector, sector->addr, sector->size))
			err = u->env.flash->erase(u->env.flash->ctx, sector->addr);
		hf_update_alive(u);
	}
	u->history_erased = err == HF_OK;
	return err;
}

enum hf_err hf_update_factory(struct hf_update *u)
{
	enum hf_err err = hf_update_erase(u);

	if (!err)
		err = hf_update_keep(u, HF_LONGREC_CONFIGURATION, (struct hf_bytes){ NULL, 0 });
	return err ? err : erase_history(u);
}
