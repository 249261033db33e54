/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole: a fault may come while flash is busy. The handler takes a fresh stack, since the old one may be
 * what is broken; nobody returns from here.
 */
#include "fault.h"

#include <stdbool.h>

#include "port/stm32f407/reset.h"
#include "port/stm32f407/stm32.h"

extern uint32_t hf_stack_begin[], hf_stack_end[];

_Noreturn void hf_fault_report(const uint32_t *frame, uint32_t kind);

/* frame: r0-r3, r12, lr, pc, xpsr, as the exception's entry has pushed them. */
_Noreturn __attribute__((used)) void hf_fault_report(const uint32_t *frame, uint32_t kind)
{
	bool readable = frame >= hf_stack_begin && frame + 8 <= hf_stack_end;
	struct hf_crash crash = { .kind = kind, .cfsr = SCB_CFSR, .bfar = SCB_BFAR };

	if (readable) {
		crash.lr = frame[5];
		crash.pc = frame[6];
	}
	hf_reset_fault(&crash);
}

/* The report's own stack begins below the frame that it is about to read. */
#define ENTRY(number)                              \
	__asm__ volatile("mov r0, sp\n\t"          \
			 "ldr r2, =hf_stack_begin\n\t" \
			 "adds r2, #128\n\t"        \
			 "cmp r0, r2\n\t"          \
			 "bhi 1f\n\t"              \
			 "ldr r2, =hf_stack_end\n\t" \
			 "mov sp, r2\n\t"          \
			 "1: movs r1, #" #number "\n\t" \
			 "b hf_fault_report\n\t")

__attribute__((naked)) void hf_fault_exception(void)
{
	ENTRY(1);
}

__attribute__((naked)) void hf_fault_interrupt(void)
{
	ENTRY(2);
}
