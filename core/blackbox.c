/* SPDX-License-Identifier: MIT
 *
 * One pass over the journal, in the order in which it was written. The state's fold (state.c) keeps what counts; this one
 * keeps what did not come to its end, and what had to be done twice.
 */
#include "blackbox.h"

#include <string.h>

enum { OFF_SLOT = 0, OFF_SECTOR = 1, COMPONENT_BIT = 0x80, OFF_KIND = 0, OFF_NUMBER = 1 };

/* Dead slots wait for what comes behind them: a barrier says that they were torn, any other record that memory is bad. Where
 * nothing comes, no barrier found room. */
static void bury(struct hf_blackbox *b, unsigned *waiting, bool barrier)
{
	if (barrier)
		b->torn = (uint16_t)(b->torn + *waiting);
	else
		b->worn = (uint16_t)(b->worn + *waiting);
	*waiting = 0;
}

static void fold_sector(struct hf_blackbox_slot *s, uint32_t bit, bool done)
{
	if (done)
		s->begun &= ~bit;
	else if (s->begun & bit)
		s->again |= bit;
	else
		s->begun |= bit;
}

static void fold_part(struct hf_blackbox_content *c, unsigned number, bool end)
{
	if (c->number != number) {
		c->cut += c->number != 0 && !c->ended;
		c->number = (uint8_t)number;
		c->ended = false;
		c->parts = 0;
	}
	if (!end) {
		c->parts += !c->ended && c->parts < UINT8_MAX;
		return;
	}
	c->copies = c->ended ? c->copies + (c->copies < 2) : 1;
	c->ended = true;
	c->parts = 0;
}

static void fold(struct hf_blackbox *b, const struct hf_record *r)
{
	const uint8_t *data = r->data;
	struct hf_blackbox_slot *s = &b->slot[data[OFF_SLOT] & 1];
	unsigned kind = data[OFF_KIND] - 1u;

	switch (r->type) {
	case HF_REC_UPLOAD_BEGUN:
		memset(s, 0, sizeof *s);
		break;
	case HF_REC_ERASE_BEGUN:
	case HF_REC_ERASE_DONE:
		fold_sector(s, 1u << (data[OFF_SECTOR] & 31), r->type == HF_REC_ERASE_DONE);
		break;
	case HF_REC_ACTIVATED:
		s->starts = 0;
		break;
	case HF_REC_ATTEMPT:
		s->starts += (data[OFF_SLOT] & COMPONENT_BIT) != 0 && s->starts < UINT8_MAX;
		break;
	case HF_REC_RECOVERY:
		if (s->starts > 0)
			b->recovery_starts = s->starts;
		s->starts = 0;
		break;
	case HF_REC_PART:
	case HF_REC_END:
		if (kind < HF_LONGREC_KINDS)
			fold_part(&b->content[kind], data[OFF_NUMBER], r->type == HF_REC_END);
		break;
	}
}

enum hf_err hf_blackbox_look(const struct hf_journal *j, struct hf_blackbox *out)
{
	enum hf_journal_slot is;
	struct hf_record r;
	unsigned waiting = 0;
	enum hf_err err;

	memset(out, 0, sizeof *out);
	if (j->epoch == 0)
		return HF_OK;
	for (unsigned slot = 1; slot < j->end; slot++) {
		err = hf_journal_look(j, slot, &is, &r);
		if (err)
			return err;
		if (is == HF_JOURNAL_NOTHING)
			continue;
		if (is == HF_JOURNAL_DEAD) {
			waiting++;
			out->last_slot = (uint16_t)slot;
			out->last_type = r.type;
			out->since = 0;
			continue;
		}
		bury(out, &waiting, is == HF_JOURNAL_BARRIER);
		if (is == HF_JOURNAL_RECORD) {
			out->since += out->last_slot != 0;
			fold(out, &r);
		}
	}
	bury(out, &waiting, true);
	return hf_journal_other(j, &out->dirty);
}
