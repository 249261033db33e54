/* SPDX-License-Identifier: MIT
 *
 * Pins. Ports are counted from A = 0, as the board's header does.
 */
#ifndef HF_GPIO_H
#define HF_GPIO_H

#include <stdbool.h>
#include <stdint.h>

enum hf_gpio_mode { HF_GPIO_INPUT = 0, HF_GPIO_OUTPUT = 1, HF_GPIO_ALTERNATE = 2, HF_GPIO_ANALOG = 3 };
enum hf_gpio_pull { HF_GPIO_FLOAT = 0, HF_GPIO_PULL_UP = 1, HF_GPIO_PULL_DOWN = 2 };

/* Clocks the port and sets the pin up; alternate is the AF number, and matters in that mode only. */
void hf_gpio_setup(unsigned port, unsigned pin, enum hf_gpio_mode mode, enum hf_gpio_pull pull, unsigned alternate);

#endif
