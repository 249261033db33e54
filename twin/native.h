/* SPDX-License-Identifier: MIT
 *
 * Between the two halves of native crypto: answering (native.c), and what a call costs (native_cost.c).
 */
#ifndef HF_TWIN_NATIVE_H
#define HF_TWIN_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"

enum hf_native_kind {
	HF_NATIVE_START,
	HF_NATIVE_UPDATE,
	HF_NATIVE_FINISH,
	HF_NATIVE_VERIFY,
	HF_NATIVE_KINDS
};

/* Of a call, and of each block of 64 bytes that is hashed in it. */
struct hf_native_cost {
	uint32_t call_cycles, call_insns;
	uint32_t block_cycles, block_insns;
};

extern const char *const hf_native_names[HF_NATIVE_KINDS];

/* Executes each of the functions in a twin of its own, as the chip would at 168 MHz (5 wait states, accelerator on),
 * and measures. addr: where they were linked; 0: not there, its cost is 0. The figures depend on the ELF alone. HF_ERR_IO when no twin can be made, HF_ERR_ENCODING when a function does not return. */
HF_MUST_USE enum hf_err hf_native_measure(const void *elf, size_t len,
					  const uint32_t addr[HF_NATIVE_KINDS],
					  struct hf_native_cost cost[HF_NATIVE_KINDS]);

#endif
