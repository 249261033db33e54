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

#endif
