/* SPDX-License-Identifier: MIT
 *
 * The story that a device's black box tells (host/smp_blackbox.h), for a technician and for programs.
 */
#ifndef HF_TOOL_BLACKBOX_SHOW_H
#define HF_TOOL_BLACKBOX_SHOW_H

#include <jansson.h>

#include "policy.h"
#include "smp_blackbox.h"
#include "smp_device.h"
#include "smp_health.h"

/* What was asked of the device. */
struct hf_story {
	struct hf_smp_status status;
	bool tells;                     /* its black box; firmware that is older has none */
	struct hf_smp_blackbox box;
	bool verified;                  /* place[] counts */
	struct hf_smp_place place[HF_PLACES];
	struct hf_bytes history;        /* as it lies in flash; len 0: none */
};

/* What boot will decide at the next start, after an ordinary reset, if nothing is changed until then: the policy's own decision.
 * False: it cannot be told (places were not verified, or there is no black box). */
bool hf_story_next(const struct hf_story *s, struct hf_boot_decision *next);

void hf_story_print(const struct hf_story *s);
json_t *hf_story_json(const struct hf_story *s);

#endif
