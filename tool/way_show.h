/* SPDX-License-Identifier: MIT
 *
 * What a burn by several ways says: the ways taken and why, the ROM loader's steps, the facts of its result.
 */
#ifndef HF_WAY_SHOW_H
#define HF_WAY_SHOW_H

#include "burn_show.h"
#include "flow.h"

/* For hf_flow_options.say and rom_event. */
void hf_way_show_say(struct hf_burn_show *s, enum hf_way way, uint64_t now_ms, const char *text);
void hf_way_show_rom(struct hf_burn_show *s, const struct hf_rom_event *event);

/* As hf_burn_show_result; `facts` (given; NULL: none) are added to the event. Returns what to exit with: `code` where it is not
 * HF_EXIT_OK, else what the result says. */
enum hf_exit hf_way_show_result(struct hf_burn_show *s, const struct hf_flow_result *r, enum hf_exit code, json_t *facts);

#endif
