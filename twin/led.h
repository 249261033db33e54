/* SPDX-License-Identifier: MIT
 *
 * What a person sees the SYS light do: off, solid, blinking or breathing, told from its brightness over virtual time.
 *
 * Pure: brightness goes in whenever it changes, and the verdict comes out; the caller asks again at hf_led_next(),
 * since "solid" is what a light is that has not changed for a while.
 */
#ifndef HF_TWIN_LED_H
#define HF_TWIN_LED_H

#include <stdbool.h>
#include <stdint.h>

#define HF_LED_FULL 65536u

enum hf_led_state {
	HF_LED_UNKNOWN,   /* it has just begun, or between two states */
	HF_LED_OFF,
	HF_LED_SOLID,
	HF_LED_BLINKING,  /* steps between dark and bright, some times in a period */
	HF_LED_BREATHING, /* rises and falls by many small steps, at a period */
};

/* A light that has not changed for this long is off or solid: slower blinking is not told from it. */
#define HF_LED_STILL_NS 2500000000u
/* Flashes in a period that can be told. */
#define HF_LED_FLASHES  4
#define HF_LED_RISES    (2 * HF_LED_FLASHES + 1)

struct hf_led {
	enum hf_led_state state;
	uint64_t since_ns;      /* when what is seen now began */
	uint32_t period_ms;     /* of blinking and breathing, rounded to 1 ms */
	uint32_t level;
	uint64_t changed_ns;
	bool still;             /* the verdict "off" or "solid" has been reached for this level */
	uint8_t flashes;        /* in a period; 1 of breathing */
	/* The cycle that is going on: from one rise out of the dark half to the next. */
	bool bright;            /* in the bright half, with hysteresis */
	uint32_t steps;         /* changes since the last rise */
	uint32_t jumps;         /* of them, over more than half of the range */
	uint64_t rise_ns[HF_LED_RISES]; /* the last rises, latest first */
	bool smooth[HF_LED_RISES];      /* how the cycle that ended there was */
	uint8_t rises;
};

void hf_led_init(struct hf_led *led, uint64_t now_ns);
/* The brightness is level (of HF_LED_FULL) from now_ns on. Returns true when the verdict changed. */
bool hf_led_level(struct hf_led *led, uint64_t now_ns, uint32_t level);
/* Looks again. Returns true when the verdict changed. */
bool hf_led_look(struct hf_led *led, uint64_t now_ns);
/* When to look again at the latest; UINT64_MAX: only when the level changes. */
uint64_t hf_led_next(const struct hf_led *led);

/* "off", "solid", "blinking", "breathing", "unknown". */
const char *hf_led_text(enum hf_led_state state);

#endif
