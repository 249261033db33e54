/* SPDX-License-Identifier: MIT
 *
 * Boot enables no interrupt: sixteen entries are enough. A fault resets, without a mark: it says nothing about the
 * firmware in the slots.
 */
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"

extern uint32_t hf_stack_end[];

__attribute__((section(".vectors"), used)) const struct hf_vectors_head hf_vectors_flash = {
	.stack = hf_stack_end,
	.exception = {
		hf_start_reset,
		hf_reset_now, /* NMI */
		hf_reset_now, /* hard fault */
		hf_reset_now, /* memory */
		hf_reset_now, /* bus */
		hf_reset_now, /* usage */
	},
};
