/* SPDX-License-Identifier: MIT
 *
 * `holdfast inspect --device`: everything that tells what happened to a device is asked of it, and made a story.
 */
#include <stdlib.h>
#include <string.h>

#include "blackbox_show.h"
#include "health_show.h"
#include "inspect.h"
#include "out.h"
#include "update.h"

static enum hf_exit ask_box(struct hf_upkeep *u, struct hf_story *s)
{
	struct hf_smp_answer answer;
	enum hf_err err = hf_smp_get_blackbox(&u->client, u->port.patience_ms, &s->box, &answer);

	s->tells = !err && !answer.refusal;
	if (!err && answer.refusal == HF_ERR_UNSUPPORTED)
		return HF_EXIT_OK;
	return hf_upkeep_answer(u, err, &answer, "reading its black box");
}

/* An upload that moves has the memory that verifying needs. */
static enum hf_exit ask_places(struct hf_upkeep *u, struct hf_story *s)
{
	struct hf_smp_answer answer;
	enum hf_err err;

	if (!s->tells || s->status.phase == HF_UPDATE_HEAD || s->status.phase == HF_UPDATE_PAYLOAD)
		return HF_EXIT_OK;
	err = hf_health_verify(&u->client, u->port.patience_ms, s->place, &answer);
	s->verified = !err && !answer.refusal;
	return hf_upkeep_answer(u, err, &answer, "verifying what lies in its flash");
}

/* Without a history there is less to tell. */
static enum hf_exit ask_history(struct hf_upkeep *u, struct hf_story *s, uint8_t *buf)
{
	struct hf_smp_answer answer;
	size_t len = 0;
	enum hf_err err = hf_smp_get_history(&u->client, u->port.patience_ms, buf, HF_HISTORY_MAX, &len, &answer);

	s->history = (struct hf_bytes){ buf, err || answer.refusal ? 0 : len };
	return err ? hf_upkeep_answer(u, err, &answer, "reading its history") : HF_EXIT_OK;
}

enum hf_exit hf_inspect_device(struct hf_upkeep *u)
{
	struct hf_story s = { .status = u->status };
	uint8_t *history = malloc(HF_HISTORY_MAX);
	enum hf_exit code;

	if (!history) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	code = ask_box(u, &s);
	if (code == HF_EXIT_OK)
		code = ask_places(u, &s);
	if (code == HF_EXIT_OK)
		code = ask_history(u, &s, history);
	if (code == HF_EXIT_OK && u->json)
		hf_out_json(hf_story_json(&s));
	else if (code == HF_EXIT_OK)
		hf_story_print(&s);
	free(history);
	return code;
}
