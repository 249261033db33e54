/* SPDX-License-Identifier: MIT
 *
 * The access rule. It is asked in one place, the dispatcher, by the command's number: a command cannot forget it.
 */
#include "smp_command.h"

static bool in_session(struct hf_smp_server *s)
{
	if (s->session.open && (!s->now_ms || s->now_ms() - s->session.opened_ms >= HF_SESSION_MS))
		s->session.open = false;
	return s->session.open;
}

enum hf_err hf_smp_access(struct hf_smp_server *s)
{
	switch (s->access) {
	case HF_ACCESS_OPEN:
		return HF_OK;
	case HF_ACCESS_LOCAL:
		return s->network ? HF_ERR_DENIED : HF_OK;
	default:
		return in_session(s) ? HF_OK : HF_ERR_DENIED;
	}
}
