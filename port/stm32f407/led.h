/* SPDX-License-Identifier: MIT
 *
 * The SYS light: a PWM output of a timer. What it shows when is in port/led_stage.h.
 */
#ifndef HF_LED_H
#define HF_LED_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "stm32.h"

struct hf_led_config {
	uint8_t port, pin, alternate;
	uint8_t timer;   /* 1 to 5, 8 to 14 */
	uint8_t channel; /* 1 to 4 */
	bool active_low;
};

struct hf_led {
	uint32_t base;
	uint32_t channel;
	uint32_t shown;
};

/* Sets the pin and the timer up (1 kHz, 1000 steps); the light is off. */
void hf_led_open(struct hf_led *led, const struct hf_led_config *config, const struct hf_clock *clock);

/* 0 to 1000 thousandths of full. Inline: it is called from RAM. Touches the timer only when the level changes. */
static inline void hf_led_set(struct hf_led *led, uint32_t level)
{
	if (level == led->shown)
		return;
	led->shown = level;
	TIM_CCR(led->base, led->channel) = level;
}

#endif
