/* SPDX-License-Identifier: MIT
 *
 * A cycle runs from one rise into the bright half to the next. Two cycles in a row of the same kind and of nearly the
 * same length make a verdict; a light that stands still for HF_LED_STILL_NS is off or solid. What kind a cycle is
 * depends on how it gets from dark to bright: in jumps over half of the range it blinks, in small steps it breathes.
 */
#include "led.h"

enum {
	RISE_ABOVE = HF_LED_FULL * 3 / 5,
	FALL_BELOW = HF_LED_FULL * 2 / 5,
	SMOOTH_STEPS = 8, /* fewer are no breathing */
	ALIKE_SHARE = 8,  /* periods differ by less than an eighth */
};

void hf_led_init(struct hf_led *led, uint64_t now_ns)
{
	*led = (struct hf_led){ .since_ns = now_ns, .changed_ns = now_ns, .rise_ns = UINT64_MAX };
}

const char *hf_led_text(enum hf_led_state state)
{
	static const char *const text[] = { "unknown", "off", "solid", "blinking", "breathing" };
	return text[state];
}

static bool set_state(struct hf_led *led, enum hf_led_state state, uint64_t since_ns, uint32_t period_ms)
{
	bool same_period = period_ms == led->period_ms ||
			   (period_ms > led->period_ms ? period_ms - led->period_ms : led->period_ms - period_ms) <=
				   led->period_ms / ALIKE_SHARE;
	if (state == led->state && same_period)
		return false;
	led->state = state;
	led->since_ns = since_ns;
	led->period_ms = period_ms;
	return true;
}

static bool alike(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;
	return difference <= b / ALIKE_SHARE;
}

/* A cycle is complete: the light has risen again. */
static bool end_cycle(struct hf_led *led, uint64_t now_ns)
{
	bool first = led->rise_ns == UINT64_MAX;
	uint64_t period = first ? 0 : now_ns - led->rise_ns;
	bool smooth = led->jumps == 0 && led->steps >= SMOOTH_STEPS;
	bool same = !first && led->cycles > 0 && smooth == led->last_smooth && alike(period, led->last_period_ns);
	uint64_t begin = led->rise_ns;
	led->cycles = first ? 0 : same ? led->cycles + 1 : 1;
	led->last_smooth = smooth;
	led->last_period_ns = period;
	led->rise_ns = now_ns;
	led->steps = 0;
	led->jumps = 0;
	if (led->cycles < 2)
		return false;
	return set_state(led, smooth ? HF_LED_BREATHING : HF_LED_BLINKING, begin - period,
			 (uint32_t)((period + 500000) / 1000000));
}

bool hf_led_level(struct hf_led *led, uint64_t now_ns, uint32_t level)
{
	bool news = hf_led_look(led, now_ns);
	if (level == led->level)
		return news;
	uint32_t step = level > led->level ? level - led->level : led->level - level;
	led->level = level;
	led->changed_ns = now_ns;
	led->still = false;
	led->steps++;
	led->jumps += step > HF_LED_FULL / 2;
	if (!led->bright && level > RISE_ABOVE) {
		led->bright = true;
		news |= end_cycle(led, now_ns);
	} else if (led->bright && level < FALL_BELOW) {
		led->bright = false;
	}
	return news;
}

bool hf_led_look(struct hf_led *led, uint64_t now_ns)
{
	if (led->still || now_ns < led->changed_ns + HF_LED_STILL_NS)
		return false;
	led->still = true;
	led->cycles = 0;
	led->rise_ns = UINT64_MAX;
	led->steps = 0;
	led->jumps = 0;
	return set_state(led, led->level == 0 ? HF_LED_OFF : HF_LED_SOLID, led->changed_ns, 0);
}

uint64_t hf_led_next(const struct hf_led *led)
{
	return led->still ? UINT64_MAX : led->changed_ns + HF_LED_STILL_NS;
}
