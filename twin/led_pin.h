/* SPDX-License-Identifier: MIT
 *
 * Joins the LED analyser (led.h) to the pin and the timer channel that the board's light hangs on
 * (hf_twin_led_pins in pins.h). Emits HF_TWIN_EV_LED with a = enum hf_led_state, b = flashes << 24 | period in ms.
 */
#ifndef HF_TWIN_LED_PIN_H
#define HF_TWIN_LED_PIN_H

#include "led.h"
#include "machine.h"

void hf_led_pin_add(struct hf_machine *machine);

/* A pin or a timer's output changed. */
void hf_led_changed(struct hf_machine *machine);

/* What the light does; a light that no pins were given for is off. */
const struct hf_led *hf_twin_led(struct hf_twin *twin);

#endif
