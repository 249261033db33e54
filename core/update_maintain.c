/* SPDX-License-Identifier: MIT
 *
 * What people ask of a device that works. A roll-back is an activation like any other, with its trial: older firmware that
 * no longer does its work must not stay only because somebody wished for it.
 */
#include "update_private.h"

enum hf_err hf_update_rollback(struct hf_update *u)
{
	unsigned stays = u->running < HF_SLOTS ? u->running : u->state.current;

	if (u->state.slot[!stays].state != HF_SLOT_CONFIRMED)
		return HF_ERR_NOT_FOUND;
	return hf_update_activate(u, NULL);
}
