/* SPDX-License-Identifier: MIT
 *
 * Where doctor's findings go: each as a row (host/row.h), and counted.
 */
#ifndef HF_DOCTOR_FINDINGS_H
#define HF_DOCTOR_FINDINGS_H

#include "row.h"

struct hf_findings {
	void (*row)(void *ctx, const struct hf_row *row); /* set by the caller */
	void *ctx;
	unsigned count[HF_ROW_STATES];                    /* to be read */
};

/* next: what to do about it, "" for nothing. What is too long is cut off. */
void hf_finding(struct hf_findings *f, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Appends to text, which ends with a zero byte and has `room` bytes in all; what does not fit is left out. */
void hf_finding_add(char *text, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
