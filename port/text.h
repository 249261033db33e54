/* SPDX-License-Identifier: MIT
 *
 * Sentences without stdio: text is appended to a buffer, and what does not fit is cut off.
 */
#ifndef HF_TEXT_H
#define HF_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct hf_text {
	char *buf;
	size_t cap;
	size_t len;
};

static inline struct hf_text hf_text_begin(char *buf, size_t cap)
{
	return (struct hf_text){ buf, cap, 0 };
}

void hf_text_add(struct hf_text *t, const char *s);
void hf_text_add_number(struct hf_text *t, uint32_t value);
/* 0x and eight digits. */
void hf_text_add_hex(struct hf_text *t, uint32_t value);
/* Two digits a byte. */
void hf_text_add_bytes(struct hf_text *t, const uint8_t *p, size_t len);
/* A version's parts with dots; negative ones (pre-releases, as SUIT counts them) as -alpha (-3), -beta, -rc (-1). */
void hf_text_add_version(struct hf_text *t, const int32_t *part, unsigned parts);

#endif
