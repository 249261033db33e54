/* SPDX-License-Identifier: MIT
 *
 * GPIO ports A to I (RM0090, 8). hf_twin_pin_drive() and hf_twin_pin_level() in twin.h are the outside's view.
 */
#ifndef HF_TWIN_GPIO_H
#define HF_TWIN_GPIO_H

#include "machine.h"
#include "pins.h"

enum hf_gpio_mode {
	HF_GPIO_INPUT,
	HF_GPIO_OUTPUT,
	HF_GPIO_ALTERNATE,
	HF_GPIO_ANALOG,
};

void hf_gpio_add(struct hf_machine *machine);

enum hf_gpio_mode hf_gpio_mode(struct hf_machine *machine, struct hf_twin_pin pin);
unsigned hf_gpio_function(struct hf_machine *machine, struct hf_twin_pin pin); /* alternate function 0..15 */
bool hf_gpio_level(struct hf_machine *machine, struct hf_twin_pin pin);

#endif
