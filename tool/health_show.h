/* SPDX-License-Identifier: MIT
 *
 * A device's health (host/smp_health.h), for people and for programs.
 */
#ifndef HF_TOOL_HEALTH_SHOW_H
#define HF_TOOL_HEALTH_SHOW_H

#include <jansson.h>

#include "smp_health.h"

/* Lines as `status` has them. */
void hf_health_print(const struct hf_smp_health *h);

/* Given to the caller. What the device does not tell is null. */
json_t *hf_health_json(const struct hf_smp_health *h);

/* Has the device verify its places (HF_PLACE_*) as boot would, into place[]; the device says no to one that the board does not
 * have. Its errors, and refusals other than that one in *answer. */
HF_MUST_USE enum hf_err hf_health_verify(struct hf_smp_client *client, uint32_t patience_ms,
					 struct hf_smp_place place[HF_PLACES], struct hf_smp_answer *answer);
void hf_health_print_places(const struct hf_smp_place place[HF_PLACES]);
json_t *hf_health_json_places(const struct hf_smp_place place[HF_PLACES]);

#endif
