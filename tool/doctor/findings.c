/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include <stdarg.h>
#include <string.h>

void hf_finding(struct hf_findings *f, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
{
	struct hf_row row = {.state = state, .name = name};
	va_list args;

	va_start(args, format);
	vsnprintf(row.text, sizeof(row.text), format, args);
	va_end(args);
	snprintf(row.next, sizeof(row.next), "%s", next);
	f->count[state]++;
	f->row(f->ctx, &row);
}

void hf_finding_add(char *text, size_t room, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, room - len, format, args);
	va_end(args);
}
