/* SPDX-License-Identifier: MIT
 *
 * From the board's file to hardware that runs: pins, UARTs, the light, interrupts.
 */
#ifndef HF_SETUP_H
#define HF_SETUP_H

#include "port/stm32f407/usart.h"

#include "settings.h"

extern const struct hf_usart_config hf_setup_maintenance;

/* Everything of live.h, running when this returns: the clock ticks, the first Modbus request is on its way. */
void hf_setup_live(struct hf_clock *clock);

/* The Modbus master goes on with these, once the poll that is under way has ended. */
void hf_setup_modbus(const struct hf_settings *settings, const struct hf_clock *clock);

/* Is the board's recovery pin held? */
bool hf_setup_pin_held(void);

#endif
