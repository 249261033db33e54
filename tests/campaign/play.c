/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <string.h>

#include "harmed.h"
#include "history.h"
#include "strike.h"

/* ---- what cases share ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9fb21c651e98df25u;
	return h ^ h >> 32;
}

/* Whether the device has no power, or comes out of a reset; false: it does not get there. */
static bool at_rest(struct player *p)
{
	struct lab *lab = &p->c->lab;

	return !hf_twin_is_on(lab->twin) || p->resting || lab_until_reset(lab, 3000 * LAB_MS);
}

/* What boot tells of the last starts, and never reads to decide by (port/stm32f407/reset.h). */
#define BLACK_BOX_FIRST 10u
#define BLACK_BOX_WORDS 6u

/* The history is left out, on which nothing depends: it holds times, and no two states would be the same. What a history does
 * that cuts have torn is seen by who plays a case first. */
static uint64_t key_of(struct player *p, unsigned phase)
{
	struct hf_twin *twin = p->c->lab.twin;
	struct hf_span history = hf_history_span(&p->c->lab.board.layout);
	uint32_t backup[HF_TWIN_BACKUP_REGISTERS];
	uint64_t h = mix(mix(mix(hf_twin_flash_hash_but(twin, history.addr, history.size), p->number), phase), p->kind);

	h = mix(h, hf_twin_optcr(twin));
	if (hf_twin_is_on(twin)) {
		h = mix(h, p->c->lab.reset_cause + 1u);
		hf_twin_backup(twin, backup);
		for (unsigned i = 0; i < HF_TWIN_BACKUP_REGISTERS; i++)
			h = mix(h, i - BLACK_BOX_FIRST < BLACK_BOX_WORDS ? 0 : backup[i]);
	}
	return h ? h : 1;
}

/* Words that read as they like make a state that is another each time it is looked at. */
bool campaign_known(struct campaign *c, unsigned phase)
{
	struct player *p = c->player;
	uint64_t key;

	if (!p || !p->share || !at_rest(p) || hf_twin_unstable_words(c->lab.twin) > 0)
		return false;
	key = key_of(p, phase);
	if (share_has(p->share, key))
		return true;
	if (p->asks < sizeof p->asked / sizeof p->asked[0])
		p->asked[p->asks++] = key;
	return false;
}

const char campaign_same[] = "as another case";

/* ---- a case ---- */

const char *player_open(struct player *p, struct campaign *c, const struct flow *flow, unsigned number,
			struct share *share)
{
	const char *why;

	*p = (struct player){ .c = c, .flow = flow, .number = number, .share = share };
	c->player = NULL;
	c->flow = flow;
	c->harm = (struct campaign_harm){ 0 };
	c->lab.patience_ms = LAB_PATIENCE_MS;
	campaign_watch(c);
	why = tape_record(&p->tape, c, flow);
	if (why)
		return why;
	stored_survey(&p->stored, &c->lab);
	strike_listen(p);
	c->player = p;
	return NULL;
}

void player_close(struct player *p)
{
	hf_twin_on_event(p->c->lab.twin, lab_event, &p->c->lab);
	p->c->player = NULL;
	tape_free(&p->tape);
}

static struct campaign_harm harm_of(const struct test_case *k)
{
	struct campaign_harm harm = { 0 };

	for (unsigned i = 0; i < k->steps; i++) {
		const struct fault *f = &fault_table[k->step[i].fault];

		harm.stored |= f->class == FAULT_STORED || (f->class == FAULT_MEMORY && f->parameter == MEMORY_DISTURB);
		harm.memory |= f->class == FAULT_MEMORY;
		harm.resets |= f->class == FAULT_CLOCK ||
			       ((f->class == FAULT_CUT || f->class == FAULT_BETWEEN) && f->parameter >= CUT_WATCHDOG);
	}
	return harm;
}

/* From the reset that struck, on to the firmware that it leads to; then without power, as all flows begin to come back. */
static const char *after_reset(struct player *p)
{
	struct campaign *c = p->c;
	bool known;

	p->resting = true;
	known = campaign_known(c, 1000);
	p->resting = false;
	if (known)
		return campaign_same;
	c->lab.entered = HF_PLACES;
	c->lab.stop_on_enter = true;
	(void)lab_run(&c->lab, 90000 * LAB_MS);
	c->lab.stop_on_enter = false;
	if (c->lab.entered == HF_PLACES && !hf_twin_in_rom(c->lab.twin))
		return "nothing starts after the reset";
	(void)lab_run(&c->lab, 30 * LAB_MS);
	return NULL;
}

/* Recovery copies itself word by word, and a copy that was cut begins anew: with an erase, after which all such cases are
 * one. So the power goes there once more. */
static bool begun_anew(struct player *p, const struct test_case *k)
{
	const struct hf_span *recovery = &p->c->lab.board.layout.recovery;
	const struct step *step = &k->step[0];

	if (k->steps > 1 || fault_table[step->fault].class != FAULT_CUT || !p->tape.op[step->instant].data ||
	    p->tape.op[step->instant].addr - recovery->addr >= recovery->size)
		return false;
	hf_twin_power_on(p->c->lab.twin);
	return strike_until_erase(p) && campaign_known(p->c, 1002);
}

static const char *rest(struct player *p, const struct test_case *k)
{
	struct campaign *c = p->c;
	const char *why = strike(p, k);

	c->lab.patience_ms = LAB_PATIENCE_MS;
	if (!why && p->strike.was_reset && hf_twin_is_on(c->lab.twin))
		why = after_reset(p);
	if (why)
		return why == strike_refused ? NULL : why;
	hf_twin_power_off(c->lab.twin);
	if (campaign_known(c, 1001) || begun_anew(p, k))
		return campaign_same;
	return c->harm.stored || c->harm.memory ? harmed_comes_back(c) : p->flow->come_back(c);
}

enum verdict player_play(struct player *p, const struct test_case *k, const char **why)
{
	const struct fault *f = &fault_table[k->step[0].fault];
	const char *said;

	p->asks = 0;
	p->strike.struck = p->strike.was_reset = false;
	p->c->harm = harm_of(k);
	p->c->witness.armed = !p->c->harm.stored && !p->c->harm.memory;
	p->kind = (uint64_t)p->c->harm.resets << 2 | (uint64_t)p->c->harm.stored << 1 | p->c->harm.memory;
	said = rest(p, k);
	p->c->lab.meddle = NULL;
	if ((!said || said == campaign_same) && p->c->lab.errors && f->class != FAULT_MEMORY)
		said = p->c->lab.error;
	*why = said == campaign_same ? NULL : said;
	if (*why)
		return strncmp(*why, "nothing starts", 14) == 0 ? BRICKED : FAILED;
	for (unsigned i = 0; p->share && i < p->asks; i++)
		share_put(p->share, p->asked[i]);
	return said == campaign_same ? SHARED : SURVIVED;
}
