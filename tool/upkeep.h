/* SPDX-License-Identifier: MIT
 *
 * What the commands for a device's upkeep share: port, client, the device found, and a session where it demands one.
 */
#ifndef HF_TOOL_UPKEEP_H
#define HF_TOOL_UPKEEP_H

#include "port.h"
#include "session.h"

struct hf_upkeep {
	/* Arguments. */
	struct hf_port port;
	struct hf_site site;
	bool json;

	/* Set by hf_upkeep_begin. */
	bool opened;
	struct hf_smp_client client;
	struct hf_smp_status status;
};

#define HF_UPKEEP_ARGS(u)                                                                                                \
	HF_PORT_ARGS((u).port), HF_SITE_ARGS((u).site), {"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &(u).json, NULL}

/* Finds the device, and opens a session if `changes`. False: *code, all has been said. Then hf_upkeep_end all the same. */
bool hf_upkeep_begin(struct hf_upkeep *u, const struct hf_usage *usage, bool changes, enum hf_exit *code);
void hf_upkeep_end(struct hf_upkeep *u);

/* As hf_port_answer, and what to do about it where the access rule is in the way. */
enum hf_exit hf_upkeep_answer(const struct hf_upkeep *u, enum hf_err err, const struct hf_smp_answer *answer,
			      const char *doing);

#endif
