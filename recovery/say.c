/* SPDX-License-Identifier: MIT */
#include "say.h"

#include "board.h"

static const char *why(enum hf_recovery_reason reason)
{
	switch (reason) {
	case HF_RECOVERY_PIN:
		return "the recovery pin was held";
	case HF_RECOVERY_PATTERN:
		return "reset was pressed three times";
	case HF_RECOVERY_LINE:
		return "asked for on this line";
	case HF_RECOVERY_REQUEST:
		return "the firmware asked for it";
	case HF_RECOVERY_NOTHING:
		return "no valid firmware";
	case HF_RECOVERY_STAGED:
		return "new recovery on trial";
	case HF_RECOVERY_NONE:
		break;
	}
	return "started without boot";
}

void hf_say_banner(const struct hf_say *s)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, "Waiting for Download... recovery " HF_VERSION " on " HF_BOARD_FILE ": ");
	hf_text_add(&t, why((enum hf_recovery_reason)s->from.reason));
	hf_text_add(&t, ", reset: ");
	hf_text_add(&t, hf_reset_cause_text((enum hf_reset_cause)s->from.cause));
	hf_text_add(&t, ", uid ");
	hf_text_add_bytes(&t, s->device_id, 16);
	hf_smp_line_log(s->line, &t);
}

void hf_say(const struct hf_say *s, const char *text, const char *more)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);

	hf_text_add(&t, "recovery: ");
	hf_text_add(&t, text);
	hf_text_add(&t, more);
	hf_smp_line_log(s->line, &t);
}

void hf_say_crash(const struct hf_say *s)
{
	char line[HF_SMP_LINE_LOG_MAX];
	struct hf_text t = hf_text_begin(line, sizeof line);
	struct hf_crash crash;

	if (!hf_reset_take_crash(&crash))
		return;
	hf_text_add(&t, "recovery: the start before crashed: pc ");
	hf_text_add_hex(&t, crash.pc);
	hf_text_add(&t, ", lr ");
	hf_text_add_hex(&t, crash.lr);
	hf_text_add(&t, ", cfsr ");
	hf_text_add_hex(&t, crash.cfsr);
	hf_smp_line_log(s->line, &t);
}
