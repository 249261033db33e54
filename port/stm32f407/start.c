/* SPDX-License-Identifier: MIT
 *
 * Runs from flash, before anything is in RAM: it calls nothing, memcpy included (meson.build forbids the compiler to
 * turn the loops into calls). The addresses come from the linker script; in an image they are among the words that
 * relocation moves.
 */
#include "start.h"

#include "stm32.h"

extern const uint32_t hf_load_begin[];
extern uint32_t hf_copy_begin[], hf_copy_end[];
extern uint32_t hf_zero_begin[], hf_zero_end[];

_Noreturn void hf_start_reset(void)
{
	const uint32_t *from = hf_load_begin;

	SCB_VTOR = (uint32_t)(uintptr_t)&hf_vectors_flash;
	for (uint32_t *to = hf_copy_begin; to < hf_copy_end; to++)
		*to = *from++;
	for (uint32_t *to = hf_zero_begin; to < hf_zero_end; to++)
		*to = 0;
	hf_barrier();
	main();
	for (;;)
		;
}

_Noreturn void hf_start_jump(uint32_t vectors)
{
	__asm__ volatile("cpsid i" ::: "memory");
	for (unsigned i = 0; i < 3; i++) {
		NVIC_ICER(i) = ~0u;
		NVIC_ICPR(i) = ~0u;
	}
	SCB_ICSR = SCB_ICSR_PENDSTCLR | SCB_ICSR_PENDSVCLR;
	SCB_VTOR = vectors;
	hf_barrier();
	__asm__ volatile("msr msp, %0\n\t"
			 "mov lr, #-1\n\t"
			 "cpsie i\n\t"
			 "bx %1"
			 :
			 : "r"(HF_REG(vectors)), "r"(HF_REG(vectors + 4u))
			 : "memory");
	__builtin_unreachable();
}
