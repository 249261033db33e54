/* SPDX-License-Identifier: MIT
 *
 * The counter is not stepped: it is a formula over virtual time since `epoch_ns`, and the flags are caught up with
 * whenever somebody looks. An event is scheduled only for what has consequences by itself: an enabled interrupt, and a
 * preloaded value that takes effect at the next update. A PWM whose duty nobody changes therefore costs nothing.
 */
#include "tim.h"

#include <assert.h>

#include "led_pin.h"

__extension__ typedef unsigned __int128 u128;

enum {
	CHANNELS = 4,
	CR1 = 0x00,
	CR2 = 0x04,
	SMCR = 0x08,
	DIER = 0x0c,
	SR = 0x10,
	EGR = 0x14,
	CCMR1 = 0x18,
	CCMR2 = 0x1c,
	CCER = 0x20,
	CNT = 0x24,
	PSC = 0x28,
	ARR = 0x2c,
	CCR1 = 0x34,
	CCR4 = 0x40,

	CR1_CEN = 1u << 0,
	CR1_UDIS = 1u << 1,
	CR1_URS = 1u << 2,
	CR1_OPM = 1u << 3,
	CR1_NOT_UP = 7u << 4, /* DIR, CMS */
	CR1_ARPE = 1u << 7,
	UIF = 1u << 0,
	EGR_UG = 1u << 0,
	FLAGS = 0x1f,
	MODE_INACTIVE = 4,
	MODE_ACTIVE = 5,
	MODE_PWM1 = 6,
	MODE_PWM2 = 7,
};

struct values {
	uint32_t psc, arr, ccr[CHANNELS];
};

struct tim {
	uint32_t cr1, cr2, smcr, dier, sr, ccmr[2], ccer;
	struct values written;
	struct values active;
	uint32_t hz;
	uint64_t epoch_ns;
	uint64_t start;      /* counter at the epoch; while stopped: the counter */
	uint64_t seen;       /* start + ticks, up to which the flags are right */
};

static const struct row {
	uint8_t unit, irq;
	bool wide;
} rows[] = { { 2, 28, true }, { 3, 29, false }, { 4, 30, false }, { 5, 50, true } };

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_of(const struct hf_dev *dev)
{
	return &rows[dev->unit - rows[0].unit];
}

static bool running(const struct tim *t)
{
	return (t->cr1 & CR1_CEN) != 0;
}

static uint64_t period(const struct tim *t)
{
	return (uint64_t)t->active.arr + 1;
}

/* start + the ticks since the epoch: not wrapped, so that passages can be counted. */
static uint64_t total_at(const struct tim *t, uint64_t now_ns)
{
	if (!running(t) || now_ns <= t->epoch_ns)
		return t->start;
	u128 ticks = (u128)(now_ns - t->epoch_ns) * t->hz / (1000000000u * (u128)(t->active.psc + 1));
	return t->start + (uint64_t)ticks;
}

static uint64_t time_of(const struct tim *t, uint64_t total)
{
	u128 unit = 1000000000u * (u128)(t->active.psc + 1);
	return t->epoch_ns + (uint64_t)(((u128)(total - t->start) * unit + t->hz - 1) / t->hz);
}

static uint64_t passages(uint64_t total, uint64_t value, uint64_t period_ticks)
{
	return total < value ? 0 : (total - value) / period_ticks + 1;
}

static uint32_t oc_mode(const struct tim *t, unsigned channel)
{
	return t->ccmr[channel / 2] >> (4 + 8 * (channel % 2)) & 7;
}

static bool ccr_preloaded(const struct tim *t, unsigned channel)
{
	return (t->ccmr[channel / 2] >> (3 + 8 * (channel % 2)) & 1) != 0;
}

static bool pending(const struct tim *t)
{
	bool any = t->written.psc != t->active.psc || t->written.arr != t->active.arr;
	for (unsigned i = 0; i < CHANNELS; i++)
		any |= t->written.ccr[i] != t->active.ccr[i];
	return any;
}

/* From here on the formula starts at `count` and at_ns. */
static void rebase(struct tim *t, uint64_t at_ns, uint64_t count)
{
	t->epoch_ns = at_ns;
	t->start = t->seen = count;
}

static void flag_passages(struct tim *t, uint64_t total)
{
	uint64_t per = period(t);
	if (total / per > t->seen / per && (t->cr1 & CR1_UDIS) == 0)
		t->sr |= UIF;
	for (unsigned i = 0; i < CHANNELS; i++)
		if (t->active.ccr[i] < per && passages(total, t->active.ccr[i], per) >
						      passages(t->seen, t->active.ccr[i], per))
			t->sr |= 2u << i;
	t->seen = total;
}

static void catch_up(struct hf_dev *dev)
{
	struct tim *t = dev->state;
	uint64_t now = hf_machine_now_ns(dev->machine);
	uint64_t total = total_at(t, now);
	uint64_t wrap = (t->start / period(t) + 1) * period(t);
	if (running(t) && total >= wrap && (pending(t) || (t->cr1 & CR1_OPM) != 0)) {
		uint64_t wrap_ns = time_of(t, wrap);
		bool duty_changes = pending(t);
		flag_passages(t, wrap);
		if ((t->cr1 & CR1_UDIS) == 0)
			t->active = t->written;
		if ((t->cr1 & CR1_OPM) != 0)
			t->cr1 &= ~(uint32_t)CR1_CEN;
		rebase(t, wrap_ns, 0);
		total = total_at(t, now);
		if (duty_changes)
			hf_led_changed(dev->machine);
	}
	flag_passages(t, total);
}

static void settle(struct hf_dev *dev)
{
	struct tim *t = dev->state;
	uint64_t per = period(t), next = UINT64_MAX;
	if ((t->dier & UIF) != 0 || pending(t) || (t->cr1 & CR1_OPM) != 0)
		next = (t->seen / per + 1) * per;
	for (unsigned i = 0; i < CHANNELS; i++) {
		uint64_t ccr = t->active.ccr[i];
		uint64_t match = ccr + per * passages(t->seen, ccr, per);
		if ((t->dier >> (i + 1) & 1) != 0 && ccr < per && match < next)
			next = match;
	}
	hf_machine_schedule(dev, 0, running(t) && next != UINT64_MAX ? time_of(t, next) : HF_NEVER);
	hf_machine_irq(dev->machine, row_of(dev)->irq, (t->sr & t->dier & FLAGS) != 0);
}

static uint32_t tim_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct tim *t = dev->state;
	(void)size;
	catch_up(dev);
	uint32_t at = offset & ~3u, value = 0;
	if (at == CR1)
		value = t->cr1;
	else if (at == CR2)
		value = t->cr2;
	else if (at == SMCR)
		value = t->smcr;
	else if (at == DIER)
		value = t->dier;
	else if (at == SR)
		value = t->sr;
	else if (at == CCMR1 || at == CCMR2)
		value = t->ccmr[(at - CCMR1) / 4];
	else if (at == CCER)
		value = t->ccer;
	else if (at == CNT)
		value = (uint32_t)(t->seen % period(t));
	else if (at == PSC)
		value = t->written.psc;
	else if (at == ARR)
		value = t->written.arr;
	else if (at >= CCR1 && at <= CCR4)
		value = t->written.ccr[(at - CCR1) / 4];
	return value >> 8 * (offset & 3);
}

static void complain(struct hf_dev *dev, const char *text)
{
	hf_machine_event(dev->machine, HF_TWIN_EV_LOG, dev->base, dev->unit, text);
}

static void write_cr1(struct hf_dev *dev, uint32_t value)
{
	struct tim *t = dev->state;
	uint64_t count = t->seen % period(t);
	bool was_running = running(t);
	t->cr1 = value & 0x3ff;
	if (was_running != running(t))
		rebase(t, hf_machine_now_ns(dev->machine), count);
	if ((value & CR1_NOT_UP) != 0)
		complain(dev, "a timer was set to count down or centre-aligned, which is not modelled");
}

/* A value changes in mid-count: the formula goes on from the present counter. */
static void replace(struct hf_dev *dev, uint32_t *active, uint32_t value)
{
	struct tim *t = dev->state;
	uint64_t count = t->seen % period(t);
	*active = value;
	rebase(t, hf_machine_now_ns(dev->machine), count < period(t) ? count : 0);
}

static void update(struct hf_dev *dev)
{
	struct tim *t = dev->state;
	t->active = t->written;
	rebase(t, hf_machine_now_ns(dev->machine), 0);
	if ((t->cr1 & (CR1_URS | CR1_UDIS)) == 0)
		t->sr |= UIF;
}

static void tim_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct tim *t = dev->state;
	uint32_t wide = row_of(dev)->wide ? UINT32_MAX : 0xffff;
	(void)size;
	catch_up(dev);
	if (offset == CR1) {
		write_cr1(dev, value);
	} else if (offset == CR2) {
		t->cr2 = value & 0xf8;
	} else if (offset == SMCR) {
		t->smcr = value & 0xffff;
		if ((value & 7) != 0)
			complain(dev, "a timer was set to a slave mode, which is not modelled");
	} else if (offset == DIER) {
		t->dier = value & 0x5f5f;
	} else if (offset == SR) {
		t->sr &= value;
	} else if (offset == EGR) {
		t->sr |= value & (FLAGS & ~(uint32_t)UIF);
		if ((value & EGR_UG) != 0)
			update(dev);
	} else if (offset == CCMR1 || offset == CCMR2) {
		t->ccmr[(offset - CCMR1) / 4] = value & 0xffff;
		if ((value & 0x303) != 0)
			complain(dev, "a timer channel was set to capture, which is not modelled");
	} else if (offset == CCER) {
		t->ccer = value & 0xbbbb;
	} else if (offset == CNT) {
		rebase(t, hf_machine_now_ns(dev->machine), (value & wide) % period(t));
	} else if (offset == PSC) {
		t->written.psc = value & 0xffff;
	} else if (offset == ARR) {
		t->written.arr = value & wide;
		if ((t->cr1 & CR1_ARPE) == 0)
			replace(dev, &t->active.arr, value & wide);
	} else if (offset >= CCR1 && offset <= CCR4) {
		unsigned channel = (offset - CCR1) / 4;
		t->written.ccr[channel] = value & wide;
		if (!ccr_preloaded(t, channel))
			t->active.ccr[channel] = value & wide;
	}
	settle(dev);
	hf_led_changed(dev->machine);
}

static void tim_reset(struct hf_dev *dev, bool power_on)
{
	struct tim *t = dev->state;
	(void)power_on;
	*t = (struct tim){ .hz = hf_machine_clock_hz(dev->machine, HF_CLOCK_TIM1) };
	t->active.arr = t->written.arr = row_of(dev)->wide ? UINT32_MAX : 0xffff;
}

static void tim_due(struct hf_dev *dev, unsigned event)
{
	(void)event;
	catch_up(dev);
	settle(dev);
}

/* The ticks so far were counted at the old frequency. */
static void tim_clock_changed(struct hf_dev *dev)
{
	struct tim *t = dev->state;
	catch_up(dev);
	uint64_t count = t->seen % period(t);
	t->hz = hf_machine_clock_hz(dev->machine, HF_CLOCK_TIM1);
	rebase(t, hf_machine_now_ns(dev->machine), count);
	settle(dev);
}

static void tim_power_off(struct hf_dev *dev)
{
	tim_reset(dev, true);
}

static const struct hf_dev_ops tim_ops = {
	.name = "tim",
	.kind = HF_DEV_TIM,
	.state_bytes = sizeof(struct tim),
	.read = tim_read,
	.write = tim_write,
	.reset = tim_reset,
	.due = tim_due,
	.clock_changed = tim_clock_changed,
	.power_off = tim_power_off,
};

void hf_tim_add(struct hf_machine *machine)
{
	for (unsigned i = 0; i < ROWS; i++) {
		struct hf_dev *dev = hf_machine_add(machine, &tim_ops, 0x40000000 + 0x400 * i, 0x400);
		struct tim *t = dev->state;
		t->hz = 16000000;
		dev->unit = rows[i].unit;
		dev->enable_reg = 0x40;
		dev->enable_bit = (uint8_t)i;
	}
}

uint32_t hf_tim_duty(struct hf_machine *machine, unsigned tim, unsigned channel)
{
	const struct hf_dev *dev = hf_machine_find(machine, HF_DEV_TIM, tim);
	assert(dev != NULL && channel >= 1 && channel <= CHANNELS);
	const struct tim *t = dev->state;
	unsigned n = channel - 1;
	if ((t->ccer >> 4 * n & 1) == 0)
		return 0;
	uint64_t share = (uint64_t)t->active.ccr[n] * HF_TIM_FULL / period(t);
	uint32_t high = share < HF_TIM_FULL ? (uint32_t)share : HF_TIM_FULL;
	uint32_t mode = oc_mode(t, n);
	if (mode == MODE_PWM2)
		high = HF_TIM_FULL - high;
	else if (mode == MODE_ACTIVE)
		high = HF_TIM_FULL;
	else if (mode != MODE_PWM1)
		high = 0;
	if (mode >= MODE_PWM1 && !running(t))
		high = high != 0 ? HF_TIM_FULL : 0; /* the counter stands at its reset value, and the output with it */
	return (t->ccer >> (4 * n + 1) & 1) != 0 ? HF_TIM_FULL - high : high;
}
