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
