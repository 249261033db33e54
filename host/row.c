/* SPDX-License-Identifier: MIT */
#include "row.h"

static const struct {
	const char *text, *shown; /* what failed is to be seen without colours, too */
	enum hf_colour colour;
} states[HF_ROW_STATES] = {
	[HF_ROW_PASSED] = {"passed", "passed", HF_COLOUR_GREEN},   [HF_ROW_FAILED] = {"failed", "FAILED", HF_COLOUR_RED},
	[HF_ROW_WAIVED] = {"waived", "waived", HF_COLOUR_YELLOW}, [HF_ROW_WARNING] = {"warning", "warning", HF_COLOUR_YELLOW},
	[HF_ROW_NOTE] = {"note", "note", HF_COLOUR_DIM},
};

const char *hf_row_state_text(enum hf_row_state state)
{
	return state < HF_ROW_STATES ? states[state].text : "unknown";
}

void hf_row_print(const struct hf_row *row)
{
	printf("%s%-8s%s %-20s %s\n", hf_out_colour(stdout, states[row->state].colour), states[row->state].shown,
	       hf_out_colour(stdout, HF_COLOUR_NONE), row->name, row->text);
	if (row->next[0])
		printf("%-29s -> %s\n", "", row->next);
	fflush(stdout);
}

json_t *hf_row_json(const struct hf_row *row)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "row", "name", row->name, "state",
			 hf_row_state_text(row->state), "text", row->text, "next", row->next);
}
