/* SPDX-License-Identifier: MIT
 *
 * What must hold at every start, whatever the flow and the fault. Looked at from outside: flash is verified by the host, the
 * journal folded by the host, and both are compared with what was seen before.
 *
 * Where a fault has harmed memory itself, what it may have destroyed is not held against the device; that nothing
 * starts that does not verify, is not ours, or is older than the floor, always is.
 */
#include "campaign.h"

#include <string.h>

#include "longrec.h"
#include "policy.h"
#include "trust.h"

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, HF_ID_BYTES) == 0;
}

bool campaign_is_ours(const struct campaign *c, const uint8_t id[HF_SHA256_BYTES])
{
	const uint8_t *const ours[] = { c->old_id, c->old_recovery_id, c->small.id, c->hang.id, c->secure.id, c->secure_later.id, c->later.id,
					c->recovery.id };

	for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
		if (memcmp(id, ours[i], HF_SHA256_BYTES) == 0)
			return true;
	return false;
}

/* Everything that is looked at, read once. */
struct sight {
	struct hf_state state;
	struct hf_image image[HF_PLACES];
	bool good[HF_PLACES];
};

static void look(struct campaign *c, struct sight *s)
{
	lab_state(&c->lab, &s->state);
	for (unsigned i = 0; i < HF_PLACES; i++)
		s->good[i] = lab_slot(&c->lab, i, &s->image[i]);
}

static uint32_t floor_of(const struct hf_state *state, unsigned component)
{
	return component == HF_COMPONENT_RECOVERY ? hf_sequence_security(state->recovery.sequence) : state->floor;
}

static bool is_harmed(const struct campaign *c)
{
	return c->harm.stored || c->harm.memory;
}

/* Firmware that boot would start by itself. */
static bool is_startable(const struct sight *s, unsigned slot)
{
	const struct hf_slot_journal *j = &s->state.slot[slot];

	return s->good[slot] && s->image[slot].component == HF_COMPONENT_APP && j->state != HF_SLOT_REJECTED &&
	       j->state != HF_SLOT_TRIAL && hf_sequence_security(s->image[slot].sequence) >= s->state.floor;
}

/* Recovery runs: was it wished, or is there nothing else? */
static const char *judge_recovery(const struct campaign *c, const struct sight *s, unsigned place)
{
	if (c->flow->recovery || c->harm.resets || is_harmed(c))
		return NULL;
	if (place < HF_SLOTS && s->state.slot[place].state == HF_SLOT_TRIAL)
		return NULL;
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (is_startable(s, i))
			return "a healthy gateway was parked in recovery";
	return NULL;
}

static const char *judge_running(const struct campaign *c, const struct sight *s, unsigned place)
{
	const struct hf_image *image = &s->image[place];

	if (!s->good[place])
		return "what was started does not verify";
	if (!campaign_is_ours(c, image->id))
		return "what was started nobody sent";
	if (hf_sequence_security(image->sequence) < floor_of(&s->state, image->component))
		return "what was started is older than the floor";
	if (place < HF_SLOTS && s->state.slot[place].starts > HF_TRIAL_STARTS)
		return "a trial was started too often";
	if (!is_harmed(c) && place < HF_SLOTS && place != s->state.current && s->state.slot[place].state == HF_SLOT_CONFIRMED &&
	    s->state.slot[s->state.current].state == HF_SLOT_CONFIRMED && is_startable(s, s->state.current))
		return "another firmware than that confirmed last was started";
	return image->component == HF_COMPONENT_RECOVERY ? judge_recovery(c, s, place) : NULL;
}

/* What the journal says of a slot, and what lies in it. */
static const char *judge_slot(const struct campaign *c, const struct sight *s, unsigned slot)
{
	const struct hf_slot_journal *j = &s->state.slot[slot];

	if (j->state == HF_SLOT_REJECTED && !same(j->id, c->hang.id) && !c->harm.resets)
		return "good firmware was rejected";
	if (j->state == HF_SLOT_CONFIRMED && same(j->id, c->hang.id))
		return "firmware that hangs was confirmed";
	if (j->state == HF_SLOT_UNKNOWN || j->state == HF_SLOT_UPLOADING || j->state == HF_SLOT_REJECTED)
		return NULL;
	if (!s->good[slot])
		return j->state == HF_SLOT_CONFIRMED ? "confirmed firmware does not verify" : "written firmware does not verify";
	if (!same(j->id, s->image[slot].id) || j->sequence != s->image[slot].sequence)
		return "the journal speaks of other firmware than there is";
	return NULL;
}

/* Was a replacement interrupted so often that firmware runs again? Then the one that is staged is what there is. */
static bool replacement_waits(const struct sight *s)
{
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (s->good[i] && s->image[i].component == HF_COMPONENT_RECOVERY && s->state.slot[i].state == HF_SLOT_INTERRUPTED)
			return true;
	return false;
}

static const char *judge_recovery_partition(const struct sight *s, unsigned place)
{
	const struct hf_recovery_journal *r = &s->state.recovery;

	/* While one is staged and runs, it is about to be written anew. */
	if (r->copies == 0 || (place < HF_SLOTS && s->good[place] && s->image[place].component == HF_COMPONENT_RECOVERY))
		return NULL;
	if (!s->good[HF_PLACE_RECOVERY] || !same(r->id, s->image[HF_PLACE_RECOVERY].id))
		return replacement_waits(s) ? NULL : "recovery is not what the journal says";
	return NULL;
}

static bool any_confirmed(const struct sight *s)
{
	return s->state.slot[0].state == HF_SLOT_CONFIRMED || s->state.slot[1].state == HF_SLOT_CONFIRMED;
}

static void remember(struct campaign_history *h, const struct sight *s)
{
	h->newest = s->state.newest;
	h->floor = s->state.floor;
	h->confirmed = any_confirmed(s);
}

static const char *judge_history(const struct campaign_history *h, const struct sight *s)
{
	if (s->state.newest < h->newest)
		return "the journal forgot the newest firmware";
	if (s->state.floor < h->floor)
		return "the floor fell";
	if (h->confirmed && !any_confirmed(s))
		return "confirmed firmware was lost without a successor";
	return NULL;
}

static bool allowed(const struct campaign *c, unsigned kind, struct hf_bytes content)
{
	if (!c->flow->kept)
		return content.len == 0;
	for (unsigned i = 0;; i++) {
		struct hf_bytes may = c->flow->kept(c, kind, i);

		if (!may.ptr)
			return false;
		if (may.len == content.len && memcmp(may.ptr, content.ptr, content.len) == 0)
			return true;
	}
}

/* Of what the device keeps, the journal holds one of the contents that there may be. */
static const char *judge_kept(struct campaign *c)
{
	static uint8_t content[HF_CONFIGURATION_MAX];
	struct hf_flash flash = lab_flash(&c->lab);
	struct hf_longrec rec;
	struct hf_journal j;

	if (hf_journal_mount(&j, &flash, c->lab.board.layout.journal))
		return NULL;
	for (unsigned kind = HF_LONGREC_KEYSET; kind <= HF_LONGREC_CONFIGURATION; kind++) {
		size_t len = hf_longrec_find(&j, (enum hf_longrec_kind)kind, &rec) ? 0 : rec.len;

		if (len > sizeof content || (len > 0 && hf_longrec_read(&j, &rec, 0, content, len)))
			return "what is kept cannot be read";
		if (!allowed(c, kind, (struct hf_bytes){ content, len }))
			return kind == HF_LONGREC_KEYSET ? "the keyset is another one" : "the configuration is another one";
	}
	return NULL;
}

const char *campaign_judge(struct campaign *c)
{
	unsigned place = c->lab.entered;
	const char *why = NULL;
	struct sight s;

	look(c, &s);
	if (place < HF_PLACES)
		why = judge_running(c, &s, place);
	if (why || is_harmed(c))
		return why;
	for (unsigned i = 0; i < HF_SLOTS && !why; i++)
		why = judge_slot(c, &s, i);
	if (!why)
		why = judge_recovery_partition(&s, place);
	if (!why)
		why = judge_history(&c->history, &s);
	if (!why)
		why = judge_kept(c);
	remember(&c->history, &s);
	return why;
}

static void started(void *ctx)
{
	struct campaign *c = ctx;
	const char *why = campaign_judge(c);

	if (why)
		lab_error(&c->lab, why);
}

void campaign_watch(struct campaign *c)
{
	struct sight s;

	c->lab.started = started;
	c->lab.started_ctx = c;
	lab_state(&c->lab, &s.state);
	remember(&c->history, &s);
}
