/* SPDX-License-Identifier: MIT
 *
 * What recovery says on the maintenance UART; docs/RECOVERY.md explains each line to the technician.
 */
#ifndef HF_SAY_H
#define HF_SAY_H

#include "port/smp_line.h"
#include "port/stm32f407/reset.h"

struct hf_say {
	struct hf_smp_line *line; /* kept */
	const uint8_t *device_id; /* 16 bytes, kept */
	struct hf_handover from;
};

/* "Waiting for Download... ", what this is, why, and on which device. */
void hf_say_banner(const struct hf_say *s);
/* A crash of recovery itself before this start, if there was one. */
void hf_say_crash(const struct hf_say *s);
/* A sentence, in up to two parts. */
void hf_say(const struct hf_say *s, const char *text, const char *more);

#endif
