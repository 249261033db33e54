/* SPDX-License-Identifier: MIT
 *
 * How each class of faults strikes.
 *
 * What a chip does is cut from a snapshot shortly before, without a client: nothing that it says is heard any more. What
 * the client or the whole flow must live with begins with the flow.
 */
#include "strike.h"

#include <string.h>

#include "flows.h"

const char strike_refused[] = "refused";

#define LONG (60000 * LAB_MS) /* more than any flow takes from one snapshot to the next */

static void on_event(void *ctx, const struct hf_twin_event *e)
{
	struct player *p = ctx;
	struct strike *s = &p->strike;

	lab_event(&p->c->lab, e);
	if (e->kind == HF_TWIN_EV_CUT)
		s->struck = true;
	if (e->kind == HF_TWIN_EV_FLASH && e->b == UINT32_MAX && s->until_erase) {
		s->erased = true;
		hf_twin_stop(p->c->lab.twin);
	}
	if (e->kind == HF_TWIN_EV_RESET && s->struck && !s->was_reset) {
		s->was_reset = true;
		hf_twin_stop(p->c->lab.twin);
	}
}

void strike_listen(struct player *p)
{
	p->strike = (struct strike){ 0 };
	hf_twin_on_event(p->c->lab.twin, on_event, p);
}

static enum hf_twin_cut_how how_of(unsigned kind)
{
	switch (kind) {
	case CUT_BROWN_OUT:
		return HF_TWIN_CUT_BROWN_OUT;
	case CUT_WATCHDOG:
		return HF_TWIN_CUT_WATCHDOG;
	case CUT_PIN:
		return HF_TWIN_CUT_PIN;
	default:
		return HF_TWIN_CUT_POWER;
	}
}

static void arm(struct player *p, enum hf_twin_cut_when when, uint64_t at, unsigned kind, uint32_t seed)
{
	struct hf_twin_cut cut = {
		.when = when,
		.at = at,
		.fraction = kind == CUT_BEFORE ? 0 : (uint16_t)(1 + case_random(seed, 1) % 65535),
		.unstable = kind == CUT_UNSTABLE,
		.seed = case_random(seed, 2),
		.how = how_of(kind),
	};

	hf_twin_reseed(p->c->lab.twin, case_random(seed, 3));
	p->strike.struck = p->strike.was_reset = false;
	hf_twin_arm_cut(p->c->lab.twin, &cut);
}

/* False: it did not come to that. Afterwards the device has no power, or has just been reset. */
static bool until_struck(struct player *p)
{
	struct hf_twin *twin = p->c->lab.twin;
	uint64_t until = hf_twin_now_ns(twin) + LONG;

	while (hf_twin_is_on(twin) && !p->strike.was_reset && hf_twin_run(twin, until) == HF_TWIN_STOPPED)
		;
	return p->strike.struck;
}

bool strike_until_erase(struct player *p)
{
	struct hf_twin *twin = p->c->lab.twin;
	uint64_t until = hf_twin_now_ns(twin) + 3000 * LAB_MS;

	p->strike.erased = false;
	p->strike.until_erase = true;
	while (!p->strike.erased && hf_twin_run(twin, until) == HF_TWIN_STOPPED)
		;
	p->strike.until_erase = false;
	hf_twin_power_off(twin);
	return p->strike.erased;
}

static const char *cut_first(struct player *p, const struct step *step, const struct fault *f)
{
	if (f->class == FAULT_BETWEEN) {
		campaign_restore(p->c, tape_before_instruction(&p->tape, step->instant));
		arm(p, HF_TWIN_CUT_INSTRUCTION, p->tape.first_instruction + step->instant, f->parameter, step->seed);
	} else {
		campaign_restore(p->c, tape_before_op(&p->tape, step->instant));
		arm(p, HF_TWIN_CUT_OPERATION, p->tape.first_op + step->instant, f->parameter, step->seed);
	}
	/* What follows in a flow that lets the chip go (its straps, its power) nobody does here: the power goes then. */
	if (!until_struck(p) && p->tape.bare)
		hf_twin_power_off(p->c->lab.twin);
	return p->strike.struck || p->tape.bare ? NULL : "the instant did not come again";
}

/* A further cut, while the device puts right what the last one left, or while the user has begun anew. */
static bool cut_further(struct player *p, const struct step *step)
{
	struct campaign *c = p->c;

	c->lab.entered = HF_PLACES;
	arm(p, HF_TWIN_CUT_OPERATION, campaign_ops(c) + step->instant, fault_table[step->fault].parameter, step->seed);
	hf_twin_power_on(c->lab.twin);
	/* Without power it ends at once. */
	if (lab_run(&c->lab, 300 * LAB_MS) && !p->strike.struck)
		(void)p->flow->again(c);
	return p->strike.struck;
}

static const char *cuts(struct player *p, const struct test_case *k)
{
	const char *why = cut_first(p, &k->step[0], &fault_table[k->step[0].fault]);

	p->c->lab.patience_ms = STRIKE_PATIENCE_MS;
	for (unsigned i = 1; i < k->steps && !why; i++)
		if (!cut_further(p, &k->step[i]))
			break;
	hf_twin_disarm_cut(p->c->lab.twin);
	/* After further ones the device has gone on from the last reset. */
	p->strike.was_reset = p->strike.was_reset && k->steps == 1;
	return why;
}

/* ---- memory ---- */

/* The first erase from an operation on, or the operation itself where there is none. */
static const struct tape_op *erase_from(const struct player *p, uint32_t op)
{
	for (size_t i = op; i < p->tape.ops; i++)
		if (p->tape.op[i].erase)
			return &p->tape.op[i];
	return &p->tape.op[op];
}

static const struct hf_span *sector_of(const struct player *p, uint32_t addr, unsigned *number)
{
	const struct hf_layout *layout = &p->c->lab.board.layout;

	for (unsigned i = 0; i < layout->sectors; i++)
		if (addr - layout->sector[i].addr < layout->sector[i].size) {
			*number = i;
			return &layout->sector[i];
		}
	*number = 0;
	return &layout->sector[0];
}

static enum hf_err spoil_memory(struct player *p, const struct step *step, unsigned kind)
{
	struct hf_twin *twin = p->c->lab.twin;
	uint64_t r = case_random(step->seed, 4);
	const struct tape_op *op = &p->tape.op[step->instant % p->tape.ops], *erase = erase_from(p, step->instant % (uint32_t)p->tape.ops);
	const struct hf_span *sector;
	unsigned number;

	switch (kind) {
	case MEMORY_STUCK:
		return hf_twin_stick_word(twin, op->addr & ~3u, (uint32_t)(r & r >> 32) | 1u << (r & 31));
	case MEMORY_DISTURB:
		return hf_twin_disturb(twin, op->addr & ~3u, 1u << (r & 31), 1 + (uint32_t)(r >> 8) % 50);
	case MEMORY_UNSTABLE:
		sector = sector_of(p, erase->addr, &number);
		if (!erase->erase)
			return hf_twin_unstable(twin, op->addr & ~3u, 4, 65535, r);
		return hf_twin_unstable(twin, sector->addr, sector->size, 1 + (uint16_t)r % 65535, r);
	default:
		(void)sector_of(p, erase->addr, &number);
		return hf_twin_wear_out(twin, number, (uint32_t)r % 2, kind == MEMORY_WORN_FLAGGED ? HF_TWIN_WORN_FLAGGED : HF_TWIN_WORN_SILENT,
					r >> 8);
	}
}

/* ---- the line ---- */

static enum hf_err spoil_line(struct player *p, const struct step *step, unsigned kind)
{
	uint64_t r = case_random(step->seed, 5);
	struct hf_twin_line_fault fault = {
		.to_device = kind == HF_TWIN_LINE_STALL || r & 1,
		.kind = (enum hf_twin_line_kind)kind,
		.at = r & 1 ? step->instant : step->instant % 64,
		.count = 1 + (uint32_t)(r >> 8) % 4,
		.seed = r,
	};

	if (kind == HF_TWIN_LINE_BURST || kind == HF_TWIN_LINE_LOST)
		fault.count = 1 + (uint32_t)(r >> 8) % 100;
	if (kind == HF_TWIN_LINE_STALL)
		fault.count = 1 + (uint32_t)(r >> 8) % 2500;
	if (kind == HF_TWIN_LINE_NOISE) {
		fault.count = 0;
		fault.ppm = 10 + (int32_t)((r >> 8) % 5000);
	}
	if (kind == HF_TWIN_LINE_DRIFT) {
		fault.count = 0;
		fault.ppm = (int32_t)((r >> 8) % 60000) - 30000;
	}
	return hf_twin_line_fault(p->c->lab.twin, p->c->lab.board.maintenance.usart, &fault);
}

/* ---- the client ---- */

/* What happens to the client's frames; the wire's CRC does not help against a frame that was right once. */
static bool meddle(void *ctx, const uint8_t **data, size_t *len)
{
	struct strike *s = &((struct player *)ctx)->strike;
	unsigned frame = s->frames++;

	if (s->peer == PEER_GONE)
		return frame < s->frame;
	if (frame == s->frame / 2 && *len <= sizeof s->old) {
		memcpy(s->old, *data, *len);
		s->old_len = *len;
	}
	if (frame != s->frame)
		return true;
	switch (case_random(s->seed, 6) % 4) {
	case 0: /* an earlier frame instead */
		*data = s->old;
		*len = s->old_len;
		break;
	case 1: /* the first half */
		*len /= 2;
		break;
	case 2: /* something else of that length */
		s->old_len = *len < sizeof s->old ? *len : sizeof s->old;
		for (size_t i = 0; i < s->old_len; i++)
			s->old[i] = (uint8_t)case_random(s->seed, 7 + (uint32_t)i);
		*data = s->old;
		*len = s->old_len;
		break;
	default: /* not at all */
		return false;
	}
	return true;
}

static enum hf_err spoil_peer(struct player *p, const struct step *step, unsigned kind)
{
	struct strike *s = &p->strike;

	s->peer = (uint8_t)kind;
	s->frame = step->instant;
	s->frames = 0;
	s->old_len = 0;
	s->seed = step->seed;
	p->c->lab.meddle = meddle;
	p->c->lab.meddle_ctx = p;
	return HF_OK;
}

/* ---- clocks ---- */

#define HSI_HEARD_PPM 20000 /* beyond that a line need not be understood; what was done in vain must do no harm */

/* From -40 to 105 C: DS8626, table 39. */
static int32_t hsi_ppm(uint32_t n)
{
	return -80000 + (int32_t)(125000 * n / 63);
}

static bool is_heard(const struct step *step, unsigned kind)
{
	int32_t ppm = hsi_ppm(step->instant % 64);

	return kind != CLOCK_HSI || (ppm >= -HSI_HEARD_PPM && ppm <= HSI_HEARD_PPM);
}

static enum hf_err spoil_clock(struct player *p, const struct step *step, unsigned kind)
{
	struct hf_twin *twin = p->c->lab.twin;
	uint32_t n = step->instant % 64;

	switch (kind) {
	case CLOCK_LSI: /* DS8626, table 40 */
		hf_twin_clocks(twin, 17000 + 30000 * n / 63, HF_TWIN_KEEP);
		break;
	case CLOCK_HSI:
		hf_twin_clocks(twin, 0, hsi_ppm(n));
		break;
	default: /* erases take a fiftieth in a campaign (lab.h): from what is typical to four times that */
		hf_twin_flash_speed(twin, 50000 + 150000 * n / 63);
		break;
	}
	return HF_OK;
}

/* ---- the whole flow ---- */

static const char *whole(struct player *p, const struct step *step, const struct fault *f)
{
	struct campaign *c = p->c;
	const char *why = NULL;
	enum hf_err err;

	campaign_restore(c, tape_begin(&p->tape));
	hf_twin_reseed(c->lab.twin, case_random(step->seed, 3));
	c->lab.patience_ms = f->class == FAULT_CLOCK && is_heard(step, f->parameter) ? 4 * LAB_PATIENCE_MS : STRIKE_PATIENCE_MS;
	err = f->class == FAULT_MEMORY ? spoil_memory(p, step, f->parameter)
	      : f->class == FAULT_LINE ? spoil_line(p, step, f->parameter)
	      : f->class == FAULT_PEER ? spoil_peer(p, step, f->parameter)
				       : spoil_clock(p, step, f->parameter);
	if (err)
		return "the twin refuses the fault";
	why = p->flow->run(c);
	c->lab.meddle = NULL;
	if (f->class == FAULT_LINE) {
		struct hf_twin_line_fault heal = { .kind = HF_TWIN_LINE_HEAL };

		err = hf_twin_line_fault(c->lab.twin, c->lab.board.maintenance.usart, &heal);
	}
	/* Every other time who was disturbed tries again at once, without a restart. */
	if (why && (f->class == FAULT_LINE || f->class == FAULT_PEER) && step->seed & 1)
		(void)p->flow->again(c);
	if (f->class == FAULT_CLOCK) {
		hf_twin_flash_speed(c->lab.twin, 1000);
		hf_twin_clocks(c->lab.twin, c->lab.lsi_hz, 0);
		return is_heard(step, f->parameter) ? why : NULL; /* it has to work */
	}
	if (why && p->tape.bare && f->class == FAULT_MEMORY)
		return strncmp(why, FLOW_REFUSED, strlen(FLOW_REFUSED)) == 0 ? strike_refused : why;
	return err ? "the twin does not heal" : NULL;
}

static const char *stored(struct player *p, const struct test_case *k)
{
	struct hf_twin *twin = p->c->lab.twin;

	campaign_restore(p->c, p->tape.end);
	hf_twin_power_off(twin);
	for (unsigned i = 0; i < k->steps; i++) {
		const struct step *step = &k->step[i];
		uint32_t addr, mask;

		stored_bit(&p->stored, fault_table[step->fault].parameter, step->instant, &addr, &mask);
		if (hf_twin_flip(twin, addr, mask))
			return "the twin refuses the fault";
	}
	hf_twin_reseed(twin, case_random(k->step[0].seed, 3));
	return NULL;
}

const char *strike(struct player *p, const struct test_case *k)
{
	const struct fault *f = &fault_table[k->step[0].fault];

	p->c->lab.patience_ms = LAB_PATIENCE_MS;
	switch (f->class) {
	case FAULT_CUT:
	case FAULT_BETWEEN:
	case FAULT_REPEATED:
		return cuts(p, k);
	case FAULT_STORED:
		return stored(p, k);
	default:
		return whole(p, &k->step[0], f);
	}
}
