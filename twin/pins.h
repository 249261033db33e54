/* SPDX-License-Identifier: MIT
 *
 * What is soldered to the chip's pins on this board, as the twin needs it. Ports are numbers (A = 0).
 *
 * Without it a twin runs as well: a USART is then connected whatever its pins are set to. With it, firmware that
 * forgets an alternate function, or turns its RS-485 driver off too early, fails here as it would on the bench.
 */
#ifndef HF_TWIN_PINS_H
#define HF_TWIN_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "twin.h"

struct hf_twin_pin {
	uint8_t port;
	uint8_t pin;
};

struct hf_twin_uart_pins {
	struct hf_twin_pin tx;
	struct hf_twin_pin rx;
	uint8_t af;
	bool has_de;           /* an RS-485 driver: high = the device drives the bus and does not hear it */
	struct hf_twin_pin de;
};

struct hf_twin_led_pins {
	struct hf_twin_pin pin;
	uint8_t tim;           /* 2 to 5; 0: no timer reaches the pin */
	uint8_t channel;       /* 1 to 4 */
	uint8_t af;
	bool active_low;
};

/* Both may be called at any time while the twin is open; pins are copied, and are no part of a snapshot. */
void hf_twin_uart_pins(struct hf_twin *twin, unsigned usart, const struct hf_twin_uart_pins *pins);
void hf_twin_led_pins(struct hf_twin *twin, const struct hf_twin_led_pins *pins);

#endif
