/* SPDX-License-Identifier: MIT
 *
 * A cycle runs from one rise into the bright half to the next. What the light does is a period: one to four cycles that
 * came twice in a row, each of the same kind and of nearly the same length; a light that stands still for
 * HF_LED_STILL_NS is off or solid. What kind a cycle is depends on how it gets from dark to bright: in jumps over half
 * of the range it blinks, in small steps it breathes.
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
	*led = (struct hf_led){ .since_ns = now_ns, .changed_ns = now_ns };
}

const char *hf_led_text(enum hf_led_state state)
{
	static const char *const text[] = { "unknown", "off", "solid", "blinking", "breathing" };
	return text[state];
}

static bool alike(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;
	return difference <= b / ALIKE_SHARE;
}

static bool set_state(struct hf_led *led, enum hf_led_state state, uint64_t since_ns, uint32_t period_ms,
		      uint8_t flashes)
{
	if (state == led->state && flashes == led->flashes && alike(period_ms, led->period_ms))
		return false;
	led->state = state;
	led->since_ns = since_ns;
	led->period_ms = period_ms;
	led->flashes = flashes;
	return true;
}

/* The last `cycles` cycles are like those before them. */
static bool repeats(const struct hf_led *led, unsigned cycles)
{
	if (led->rises < 2 * cycles + 1)
		return false;
	for (unsigned i = 0; i < cycles; i++) {
		uint64_t now = led->rise_ns[i] - led->rise_ns[i + 1];
		uint64_t before = led->rise_ns[i + cycles] - led->rise_ns[i + cycles + 1];
		if (!alike(now, before) || led->smooth[i] != led->smooth[i + cycles])
			return false;
	}
	return true;
}

/* A cycle is complete: the light has risen again. */
static bool end_cycle(struct hf_led *led, uint64_t now_ns)
{
	for (unsigned i = HF_LED_RISES - 1; i > 0; i--) {
		led->rise_ns[i] = led->rise_ns[i - 1];
		led->smooth[i] = led->smooth[i - 1];
	}
	led->rise_ns[0] = now_ns;
	led->smooth[0] = led->jumps == 0 && led->steps >= SMOOTH_STEPS;
	led->rises += led->rises < HF_LED_RISES;
	led->steps = 0;
	led->jumps = 0;
	for (unsigned cycles = 1; cycles <= HF_LED_FLASHES; cycles++) {
		if (!repeats(led, cycles))
			continue;
		uint64_t period = now_ns - led->rise_ns[cycles];
		return set_state(led, led->smooth[0] ? HF_LED_BREATHING : HF_LED_BLINKING, led->rise_ns[2 * cycles],
				 (uint32_t)((period + 500000) / 1000000), (uint8_t)cycles);
	}
	return false;
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
	led->rises = 0;
	led->steps = 0;
	led->jumps = 0;
	return set_state(led, led->level == 0 ? HF_LED_OFF : HF_LED_SOLID, led->changed_ns, 0, 0);
}

uint64_t hf_led_next(const struct hf_led *led)
{
	return led->still ? UINT64_MAX : led->changed_ns + HF_LED_STILL_NS;
}
