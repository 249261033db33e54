/* SPDX-License-Identifier: MIT
 *
 * A device that starts, and can be upgraded, may have forgotten all the same what it was told: its floor, its keys, that its
 * firmware was confirmed. It repairs much of that by itself at the next start, so that who only looks at what runs in the
 * end sees nothing. Hence the journal is read here at the two instants between which nothing can be hidden: as the fault left
 * it, and as boot has settled it.
 *
 * The reading is the host's build of core/, never the device's: what a device counts wrongly is noticed by who counts right.
 */
#include "witness.h"

#include <string.h>

#include "longrec.h"
#include "policy.h"
#include "../../twin/internal.h"

enum reading { AS_READ_LAST, ALL_ONES, ALL_ZEROS, READINGS };

struct reader {
	struct lab *lab;
	enum reading reading;
};

static bool in_journal(const struct lab *lab, uint32_t addr)
{
	return addr - lab->board.layout.journal[0].addr < lab->board.layout.journal[0].size ||
	       addr - lab->board.layout.journal[1].addr < lab->board.layout.journal[1].size;
}

/* Words that are not whole at either end are of no interest: the journal is read by the slot. */
static enum hf_err read_as(void *ctx, uint32_t addr, void *buf, size_t len)
{
	const struct reader *r = ctx;
	uint8_t *bytes = buf;
	enum hf_err err = hf_twin_peek(r->lab->twin, addr, buf, len);

	if (err || r->reading == AS_READ_LAST || addr % 4 != 0 || !in_journal(r->lab, addr))
		return err;
	for (size_t i = 0; i < len; i++) {
		uint32_t bits = hf_fault_unstable(hf_twin_machine(r->lab->twin), (addr - HF_TWIN_FLASH_ADDR + (uint32_t)i) & ~3u);
		uint8_t mask = (uint8_t)(bits >> 8 * (i % 4));

		bytes[i] = r->reading == ALL_ONES ? bytes[i] | mask : bytes[i] & (uint8_t)~mask;
	}
	return HF_OK;
}

static uint64_t kept(struct hf_journal *j, enum hf_longrec_kind kind)
{
	struct hf_longrec rec;

	return hf_longrec_find(j, kind, &rec) ? 0 : (uint64_t)rec.len << 32 | rec.crc;
}

static void read_journal(struct lab *lab, enum reading reading, struct hf_state *state, struct witness_kept *k)
{
	struct reader reader = { lab, reading };
	struct hf_flash flash = lab_flash(lab);
	struct hf_journal j;
	bool blank = true;

	flash.read = read_as;
	flash.ctx = &reader;
	*k = (struct witness_kept){ 0 };
	if (hf_state_load(&j, &flash, &lab->board.layout, state, &blank))
		hf_state_init(state);
	else if (!blank)
		*k = (struct witness_kept){ kept(&j, HF_LONGREC_KEYSET), kept(&j, HF_LONGREC_CONFIGURATION) };
}

/* Does the place hold, whole, what the journal says of it? */
static bool holds(struct lab *lab, const struct hf_slot_journal *s, unsigned slot)
{
	struct hf_image image;

	return lab_slot(lab, slot, &image) && image.sequence == s->sequence && memcmp(image.id, s->id, HF_ID_BYTES) == 0;
}

static bool relied(struct lab *lab, const struct hf_state *state)
{
	const struct hf_slot_journal *s = &state->slot[state->current];

	return s->state == HF_SLOT_CONFIRMED && holds(lab, s, state->current);
}

static bool counts(uint8_t cause)
{
	return cause == HF_RESET_WATCHDOG || cause == HF_RESET_FAULT;
}

static const char *check_trials(const struct hf_state *state)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &state->slot[i];

		if (s->starts > HF_TRIAL_STARTS)
			return "a trial was started more often than it may be";
		if (s->state == HF_SLOT_REJECTED && s->reason == HF_REASON_VERIFY)
			return "firmware was rejected as damaged that nobody damaged";
		if (s->state == HF_SLOT_REJECTED && s->failures + counts(s->reason) < HF_TRIAL_STARTS)
			return "firmware was rejected that has not failed that often";
		if (s->state == HF_SLOT_INTERRUPTED && s->failures + counts(s->reason) >= HF_TRIAL_STARTS)
			return "firmware that failed too often was not rejected";
	}
	return NULL;
}

/* A slot of which the journal has said something new since the flow began. */
static const char *check_slots(const struct witness *w, const struct hf_state *state)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &state->slot[i], *was = &w->before.slot[i];

		if (s->state == HF_SLOT_UNKNOWN || s->state == HF_SLOT_UPLOADING ||
		    (s->state == was->state && memcmp(s->id, was->id, sizeof s->id) == 0))
			continue;
		if (!holds(w->lab, s, i))
			return "the journal speaks of firmware that is not there";
	}
	return NULL;
}

static bool one_of(uint64_t now, uint64_t before, uint64_t after)
{
	return now == before || now == after;
}

static const char *ask(void *ctx, bool on)
{
	return on ? witness_on(ctx) : witness_off(ctx);
}

void witness_attach(struct witness *w, struct lab *lab)
{
	w->lab = lab;
	lab->witness = ask;
	lab->witness_ctx = w;
}

void witness_begin(struct witness *w)
{
	w->armed = true;
	read_journal(w->lab, AS_READ_LAST, &w->before, &w->kept[0]);
	w->relied = relied(w->lab, &w->before);
	w->kept[1] = w->kept[0];
}

const char *witness_end(struct witness *w)
{
	struct hf_state state;

	read_journal(w->lab, AS_READ_LAST, &state, &w->kept[1]);
	return witness_off(w);
}

const char *witness_off(const struct witness *w)
{
	struct witness_kept now;
	struct hf_state state;
	const char *why;

	if (!w->armed)
		return NULL;
	read_journal(w->lab, AS_READ_LAST, &state, &now);
	if (state.unknown)
		return "the journal holds a record that nobody knows";
	if (state.newest < w->before.newest || state.floor < w->before.floor)
		return "the journal has forgotten how new firmware has to be";
	if (state.recovery.sequence < w->before.recovery.sequence)
		return "the journal has forgotten that recovery was replaced";
	if (w->relied && !relied(w->lab, &state))
		return "confirmed firmware was lost";
	if (!one_of(now.configuration, w->kept[0].configuration, w->kept[1].configuration))
		return "the configuration is neither the old one nor the new one";
	if (!one_of(now.keyset, w->kept[0].keyset, w->kept[1].keyset))
		return "the keyset is neither the old one nor the new one";
	why = check_trials(&state);
	return why ? why : check_slots(w, &state);
}

static bool same_state(const struct hf_state *a, const struct hf_state *b)
{
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		const struct hf_slot_journal *s = &a->slot[i], *t = &b->slot[i];

		if (s->state != t->state || s->starts != t->starts || s->failures != t->failures || s->sequence != t->sequence ||
		    s->segments != t->segments || s->erase_done != t->erase_done || memcmp(s->id, t->id, sizeof s->id) != 0)
			return false;
	}
	return a->newest == b->newest && a->floor == b->floor && a->current == b->current &&
	       a->recovery.sequence == b->recovery.sequence;
}

const char *witness_on(const struct witness *w)
{
	struct witness_kept kept[READINGS];
	struct hf_state state[READINGS];

	if (!w->armed || hf_twin_unstable_words(w->lab->twin) == 0)
		return NULL;
	for (unsigned i = 0; i < READINGS; i++)
		read_journal(w->lab, (enum reading)i, &state[i], &kept[i]);
	for (unsigned i = 1; i < READINGS; i++)
		if (!same_state(&state[0], &state[i]) || kept[0].keyset != kept[i].keyset ||
		    kept[0].configuration != kept[i].configuration)
			return "boot has left a journal that will say something else tomorrow";
	return NULL;
}
