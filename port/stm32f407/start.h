/* SPDX-License-Identifier: MIT
 *
 * From reset to main(): what the linker scripts and every program of ours share.
 */
#ifndef HF_START_H
#define HF_START_H

#include <stdint.h>

/* A vector table: as much as a program without interrupts needs, and all of it. Exceptions count from reset = 1. */
struct hf_vectors_head {
	const void *stack;
	void (*exception[15])(void);
};

#define HF_IRQS 82

struct hf_vectors {
	struct hf_vectors_head head;
	void (*irq[HF_IRQS])(void);
};

/* In flash, at the beginning of the program; every program defines it. */
extern const struct hf_vectors_head hf_vectors_flash;

/* The reset handler: sets VTOR to the table in flash, copies what runs from RAM and initialised data, clears the rest,
 * calls main(). RAM may hold anything before. */
_Noreturn void hf_start_reset(void);

/* Leaves for another program whose vector table is at `vectors`: its stack pointer, its VTOR, its reset vector.
 * Interrupts are off in the NVIC and enabled in the core, as after a reset. */
_Noreturn void hf_start_jump(uint32_t vectors);

int main(void);

#endif
