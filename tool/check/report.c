/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <string.h>

static void note_failure(struct hf_report *r, const struct hf_row *row)
{
	size_t len = strlen(r->failed);

	snprintf(r->failed + len, sizeof(r->failed) - len, "%s%s", len ? ", " : "", row->name);
	if (len == 0)
		memcpy(r->first, row->text, sizeof(r->first));
}

void hf_report_row(struct hf_report *r, enum hf_row_state state, const char *name, const char *next, const char *format, ...)
{
	struct hf_row row = {.state = state, .name = name};
	va_list args;

	va_start(args, format);
	vsnprintf(row.text, sizeof(row.text), format, args);
	va_end(args);
	snprintf(row.next, sizeof(row.next), "%s", next);
	r->count[state]++;
	if (state == HF_ROW_FAILED)
		note_failure(r, &row);
	if (r->row)
		r->row(r->ctx, &row);
}

void hf_report_sentence(const struct hf_report *r, struct hf_diag *diag)
{
	unsigned failed = r->count[HF_ROW_FAILED];

	if (failed == 0)
		diag->text[0] = 0;
	else if (failed == 1)
		hf_diag_set(diag, "the %s '%s' failed: %s", r->noun, r->failed, r->first);
	else
		hf_diag_set(diag, "%u %ss failed: %s", failed, r->noun, r->failed);
}
