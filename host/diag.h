/* SPDX-License-Identifier: MIT
 *
 * A reason for people: one sentence that says what is wrong, where, and what to do next.
 *
 * Functions of host/ that read what people give them return an enum hf_err and, in a diag, the sentence. The caller
 * adds nothing to it but the program's name, so every sentence is whole: it names the file and, where there is one,
 * the line.
 */
#ifndef HF_DIAG_H
#define HF_DIAG_H

#include <stdarg.h>

#define HF_DIAG_BYTES 768

struct hf_diag {
	char text[HF_DIAG_BYTES]; /* a sentence, without a full stop and a line's end; cut off where it is too long */
};

/* Sets the sentence. diag may be NULL. */
void hf_diag_set(struct hf_diag *diag, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hf_diag_vset(struct hf_diag *diag, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Puts a text ("gateway.elf: ") in front of the sentence. */
void hf_diag_prefix(struct hf_diag *diag, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
