/* SPDX-License-Identifier: MIT */
#include "upload_log.h"

static void say(struct hf_upload_log *l, const char *what)
{
	const struct hf_update *u = l->update;
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, l->who);
	hf_text_add_version(&t, u->image.version, u->image.versions);
	hf_text_add(&t, what);
	hf_text_add(&t, u->slot == 0 ? "slot A" : "slot B");
	if (u->phase == HF_UPDATE_PAYLOAD) {
		hf_text_add(&t, ", from byte ");
		hf_text_add_number(&t, u->next);
		hf_text_add(&t, " of ");
		hf_text_add_number(&t, u->total);
	}
	hf_smp_line_log(l->line, &t);
}

static void say_refused(struct hf_upload_log *l)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, l->who);
	hf_text_add(&t, "refused: ");
	hf_text_add(&t, hf_err_text((enum hf_err)l->line->server.last_error));
	hf_smp_line_log(l->line, &t);
}

void hf_upload_log_turn(struct hf_upload_log *l, uint32_t now_ms)
{
	const struct hf_update *u = l->update;

	if (u->phase != l->phase && u->phase == HF_UPDATE_PAYLOAD)
		say(l, " goes into ");
	if (u->phase != l->phase && u->phase == HF_UPDATE_DONE)
		say(l, " is complete and verified in ");
	if (u->phase != l->phase || u->next != l->next)
		l->moved_ms = now_ms;
	l->phase = u->phase;
	l->next = u->next;
	if (l->line->server.refused != l->refused)
		say_refused(l);
	l->refused = l->line->server.refused;
}

bool hf_upload_log_moves(const struct hf_upload_log *l, uint32_t now_ms)
{
	return (l->phase == HF_UPDATE_HEAD || l->phase == HF_UPDATE_PAYLOAD) &&
	       now_ms - l->moved_ms < HF_UPLOAD_STALE_MS;
}
