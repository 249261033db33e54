/* SPDX-License-Identifier: MIT
 *
 * TIM2 to TIM5 (RM0090, 18): counting up, update and compare interrupts, PWM output. Not modelled, and reported as
 * misuse: counting down, centre-aligned modes, capture, slave modes.
 */
#ifndef HF_TWIN_TIM_H
#define HF_TWIN_TIM_H

#include "machine.h"

#define HF_TIM_FULL 65536u

void hf_tim_add(struct hf_machine *machine);

/* The share of time, of HF_TIM_FULL, during which the output of a channel (1 to 4) is high just now; an output that is
 * not enabled is low. */
uint32_t hf_tim_duty(struct hf_machine *machine, unsigned tim, unsigned channel);

#endif
