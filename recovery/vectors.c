/* SPDX-License-Identifier: MIT
 *
 * The table in flash, which boot checks and starts; setup.c replaces it by one in RAM before it enables any interrupt.
 */
#include "port/stm32f407/reset.h"
#include "port/stm32f407/start.h"

extern uint32_t hf_stack_end[];

__attribute__((section(".vectors"), used)) const struct hf_vectors_head hf_vectors_flash = {
	.stack = hf_stack_end,
	.exception = {
		hf_start_reset,
		hf_reset_early, /* NMI */
		hf_reset_early, /* hard fault */
		hf_reset_early, /* memory */
		hf_reset_early, /* bus */
		hf_reset_early, /* usage */
	},
};
