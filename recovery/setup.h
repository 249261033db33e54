/* SPDX-License-Identifier: MIT
 *
 * From the board's file to hardware that runs: pins, UART, the light, interrupts.
 */
#ifndef HF_SETUP_H
#define HF_SETUP_H

#include "port/stm32f407/usart.h"

extern const struct hf_usart_config hf_setup_maintenance;

/* Everything of live.h, running when this returns. */
void hf_setup_live(struct hf_clock *clock);

/* Is the board's recovery pin held? */
bool hf_setup_pin_held(void);

#endif
