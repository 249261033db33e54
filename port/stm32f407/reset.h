/* SPDX-License-Identifier: MIT
 *
 * Why the device was reset, and what survives a reset: the backup registers.
 *
 *   BKP0R  handover of boot to the firmware: 'H' 'F' << 16 | cause (enum hf_reset_cause) << 8 | slot
 *   BKP1R  crashes in a row: 'H' 'C' << 16 | number of watchdog and fault resets since the last healthy report
 *   BKP2R  fault marker: 'H' 'M' << 16 | kind (enum hf_fault), written just before a reset that reports a fault
 *   BKP3R  to BKP7R: what the fault handler saw: kind, PC, LR, CFSR, BFAR; zeros: nothing
 * BKP8R to BKP19R are the application's. The registers are lost with the power unless the board has a battery; without
 * them a start looks like one after power-on. Boot writes BKP0R, BKP1R and clears BKP2R before each start.
 */
#ifndef HF_RESET_H
#define HF_RESET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"

#define HF_BKP_HANDOVER 0u
#define HF_BKP_CRASHES  1u
#define HF_BKP_MARKER   2u
#define HF_BKP_CRASH    3u
#define HF_TAG_HANDOVER 0x4846u
#define HF_TAG_CRASHES  0x4843u
#define HF_TAG_MARKER   0x484du

enum hf_fault {
	HF_FAULT_NONE = 0,
	HF_FAULT_EXCEPTION = 1, /* hard, memory, bus or usage fault, NMI */
	HF_FAULT_INTERRUPT = 2, /* an interrupt that nobody handles */
	HF_FAULT_SELF_TEST = 3, /* the firmware did not find itself healthy */
	HF_FAULT_EARLY = 4,     /* a fault before main() */
};

struct hf_crash {
	uint32_t kind; /* enum hf_fault */
	uint32_t pc;
	uint32_t lr;
	uint32_t cfsr;
	uint32_t bfar;
};

/* Opens the backup registers for writing; the other functions expect that. */
void hf_reset_open(void);
/* For boot: closes them again. */
void hf_reset_close(void);

/* For boot: reads and clears the reset flags and the fault marker, and counts crashes. */
enum hf_reset_cause hf_reset_take_cause(void);
/* For boot: hands over to the firmware. */
void hf_reset_hand_over(enum hf_reset_cause cause, unsigned slot);

/* For the firmware: what boot handed over; HF_RESET_POWER if it did not. */
enum hf_reset_cause hf_reset_cause(void);
/* For the firmware: the crash that caused this start, which is then forgotten. false: none was recorded. */
bool hf_reset_take_crash(struct hf_crash *crash);
/* Crashes in a row, this start's cause included; 0 again after hf_reset_healthy(). */
unsigned hf_reset_crashes(void);
void hf_reset_healthy(void);

/* A reset on purpose, and one that counts as a fault. */
_Noreturn void hf_reset_now(void);
_Noreturn void hf_reset_fault(const struct hf_crash *crash);

/* The fault handler of a program that is not in RAM yet: for vector tables in flash. Marks the fault, and resets. */
_Noreturn void hf_reset_early(void);

/* "power", "pin", "request", "watchdog", "fault". */
const char *hf_reset_cause_text(enum hf_reset_cause cause);

#endif
