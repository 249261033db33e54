/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <stdio.h>
#include <string.h>

void hf_diag_vset(struct hf_diag *diag, const char *format, va_list args)
{
	if (diag)
		vsnprintf(diag->text, sizeof(diag->text), format, args);
}

void hf_diag_set(struct hf_diag *diag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	hf_diag_vset(diag, format, args);
	va_end(args);
}

void hf_diag_prefix(struct hf_diag *diag, const char *format, ...)
{
	char text[HF_DIAG_BYTES];
	va_list args;
	size_t len;

	if (!diag)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "%s", diag->text);
	memcpy(diag->text, text, sizeof(text));
}
