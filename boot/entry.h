/* SPDX-License-Identifier: MIT
 *
 * What is wanted of this start: the requests of whoever ran before, the reset pattern, the board's pin, the line.
 */
#ifndef HF_ENTRY_H
#define HF_ENTRY_H

#include "core/policy.h"
#include "port/stm32f407/reset.h"

struct hf_entry {
	uint8_t wish;   /* enum hf_boot_wish */
	uint8_t reason; /* enum hf_recovery_reason; NONE unless the wish is recovery */
};

/* Sets the board's pin up. A request other than NONE (and ROM, which is not asked here) counts alone; without one, pin
 * and line are watched for HF_ENTRY_MS. */
#define HF_ENTRY_MS 12u
struct hf_entry hf_entry_take(enum hf_request request, enum hf_reset_cause cause, uint32_t usart);

#endif
