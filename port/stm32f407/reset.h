/* SPDX-License-Identifier: MIT
 *
 * Why the device was reset, and what survives a reset: the backup registers.
 *
 *   BKP0R  handover of boot to the firmware: 'H' 'F' << 16 | cause (enum hf_reset_cause) << 8 | 1 << 7 where recovery has a
 *          last resort to leave to | why recovery (enum hf_recovery_reason) << 4 | place (HF_PLACE_*)
 *   BKP1R  crashes in a row: 'H' 'C' << 16 | number of watchdog and fault resets since the last healthy report
 *   BKP2R  fault marker: 'H' 'M' << 16 | kind (enum hf_fault), written just before a reset that reports a fault
 *   BKP3R  to BKP7R: what the fault handler saw last: kind (bit 31: a program has taken it), PC, LR, CFSR, BFAR; zeros: nothing
 *   BKP8R  request to boot: 'H' 'R' << 16 | enum hf_request; good for one start
 *   BKP9R  resets by the pin in a row: 'H' 'P' << 16 | their number since power-on, since another reset, or since firmware
 *          settled
 *   BKP10R to BKP15R  the last six starts, the newest first (core/blackbox.h): boot's, but for two bits that the firmware sets
 * BKP16R to BKP19R are the application's. The registers are lost with the power unless the board has a battery; without
 * them a start looks like one after power-on. Boot writes BKP0R, BKP1R, BKP9R to BKP15R and clears BKP2R and BKP8R
 * before each start.
 */
#ifndef HF_RESET_H
#define HF_RESET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/blackbox.h"
#include "core/policy.h"

#define HF_BKP_HANDOVER 0u
#define HF_BKP_CRASHES  1u
#define HF_BKP_MARKER   2u
#define HF_BKP_CRASH    3u
#define HF_BKP_REQUEST  8u
#define HF_BKP_PRESSES  9u
#define HF_BKP_STARTS   10u
#define HF_TAG_HANDOVER 0x4846u
#define HF_TAG_CRASHES  0x4843u
#define HF_TAG_MARKER   0x484du
#define HF_TAG_REQUEST  0x4852u
#define HF_TAG_PRESSES  0x4850u

#define HF_PATTERN_PRESSES 3u /* resets by the pin in a row that lead into recovery */
#define HF_SETTLED_MS   5000u /* firmware that has run so long calls hf_reset_settled() */

/* What a program may ask of boot. A request is good for one start. */
enum hf_request {
	HF_REQUEST_NONE = 0,
	HF_REQUEST_RECOVERY = 1,
	HF_REQUEST_NORMAL = 2,      /* whatever pin, pattern and line say in this one start */
	HF_REQUEST_LAST_RESORT = 3, /* from recovery: what failed its trial or is grandfathered, if nothing better is there */
	HF_REQUEST_ROM = 4,         /* the chip's own loader, until the next reset */
};

/* Why recovery was started. */
enum hf_recovery_reason {
	HF_RECOVERY_NONE = 0,    /* what runs is no recovery */
	HF_RECOVERY_PIN = 1,     /* the board's pin */
	HF_RECOVERY_PATTERN = 2, /* reset three times */
	HF_RECOVERY_LINE = 3,    /* ESC or a break on the maintenance UART */
	HF_RECOVERY_REQUEST = 4,
	HF_RECOVERY_NOTHING = 5, /* no firmware */
	HF_RECOVERY_STAGED = 6,  /* the trial of a staged recovery */
};

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

/* For boot: reads and clears the reset flags and the fault marker, counts crashes, and begins this start's word. */
enum hf_reset_cause hf_reset_take_cause(void);
/* For boot: the request of whoever ran before, which is then forgotten. */
enum hf_request hf_reset_take_request(void);
/* For boot, once a start: counts a reset by the pin; true: the pattern is complete, and counting begins anew. */
bool hf_reset_take_pattern(enum hf_reset_cause cause);

struct hf_handover {
	uint8_t cause;    /* enum hf_reset_cause */
	uint8_t place;    /* HF_PLACE_* */
	uint8_t reason;   /* enum hf_recovery_reason */
	bool last_resort; /* for recovery: HF_REQUEST_LAST_RESORT would start something */
};

/* For boot, once a start: hands over to what it starts; `found`: bits for this start's word (core/blackbox.h). */
void hf_reset_hand_over(const struct hf_handover *handover, uint32_t found);
/* For the firmware: what boot handed over; false: it did not, and *handover is as after power-on. */
bool hf_reset_handover(struct hf_handover *handover);

/* For the firmware: what boot handed over; HF_RESET_POWER if it did not. */
enum hf_reset_cause hf_reset_cause(void);
/* For the firmware: the crash that caused this start, once. false: none was recorded, or it was taken before. */
bool hf_reset_take_crash(struct hf_crash *crash);
/* Crashes in a row, this start's cause included; 0 again after hf_reset_healthy(). */
unsigned hf_reset_crashes(void);
void hf_reset_healthy(void);

/* For the firmware: the last starts, and the crash that is known, whether it was told or not. */
void hf_reset_look(struct hf_blackbox_port *out);
/* What the history has taken is not for it to take again. */
void hf_reset_told(void);

/* For the firmware, HF_SETTLED_MS after its start: presses of the reset button before are forgotten, and so are restarts in
 * a row. */
void hf_reset_settled(void);

/* A reset that asks something of boot. */
_Noreturn void hf_reset_request(enum hf_request request);

/* A reset on purpose, and one that counts as a fault. */
_Noreturn void hf_reset_now(void);
_Noreturn void hf_reset_fault(const struct hf_crash *crash);

/* The fault handler of a program that is not in RAM yet: for vector tables in flash. Marks the fault, and resets. */
_Noreturn void hf_reset_early(void);

/* "power", "pin", "request", "watchdog", "fault". */
const char *hf_reset_cause_text(enum hf_reset_cause cause);
/* "pin", "reset pattern", "line", "request", "no firmware", "staged"; "" for NONE. */
const char *hf_recovery_reason_text(enum hf_recovery_reason reason);

#endif
