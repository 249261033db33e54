/* SPDX-License-Identifier: MIT
 *
 * What boot says on the maintenance UART: one line a fact. Errors are given as the number of enum hf_err with a word:
 * whole sentences would take 1.3 KiB of flash that is never written again.
 */
#ifndef HF_REPORT_H
#define HF_REPORT_H

#include "choose.h"
#include "port/stm32f407/clock.h"
#include "port/stm32f407/reset.h"

struct hf_report {
	uint32_t usart; /* register base */
};

void hf_report_banner(const struct hf_report *r, enum hf_reset_cause cause, const struct hf_clock *clock);
/* Journal and keyset, if something is wrong with them; then why slots were passed over. */
void hf_report_findings(const struct hf_report *r, const struct hf_choose *c, unsigned chosen);
/* later: as the last resort, after a wait. */
void hf_report_start(const struct hf_report *r, const struct hf_choose *c, const struct hf_handover *handover, bool later);
void hf_report_stay(const struct hf_report *r);

#endif
