/* SPDX-License-Identifier: MIT
 *
 * What the ways share: flow.c chooses them and goes by SMP, flow_rom.c by the chip's loader, flow_wake.c gets recovery to run.
 */
#ifndef HF_FLOW_PRIVATE_H
#define HF_FLOW_PRIVATE_H

#include "flow.h"

struct hf_flow {
	struct hf_serial *serial;
	const struct hf_flow_options *o;
	struct hf_flow_result *r;
	uint32_t patience_ms;
	enum hf_way way; /* that is being tried */
	bool asked;      /* firmware that ran was sent into recovery */
};

void hf_flow_say(struct hf_flow *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool hf_flow_stopped(struct hf_flow *f);
bool hf_flow_may(const struct hf_flow *f, enum hf_way way);
uint64_t hf_flow_now_ms(const struct hf_flow *f);

/* A burn by SMP with these options in place of the flow's. Its result is the flow's. */
void hf_flow_smp(struct hf_flow *f, const struct hf_burn_options *o);

/* Sends firmware that runs into recovery, where something answers at all; else gets a device to start into it: by the lines,
 * or by telling a person how. */
void hf_flow_wake(struct hf_flow *f);

/* Firmware that was sent into recovery in vain starts again at once, and not only when recovery has waited long enough. */
void hf_flow_leave(struct hf_flow *f);

/* By the chip's loader. Its result is the flow's. */
void hf_flow_rom(struct hf_flow *f);

#endif
