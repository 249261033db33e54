/* SPDX-License-Identifier: MIT
 *
 * The rig's own two parts: life and time (rig.c), commands (rig_command.c).
 */
#ifndef HF_TWIN_RIG_INTERNAL_H
#define HF_TWIN_RIG_INTERNAL_H

#include "rig.h"

#define NS_PER_MS 1000000u

struct hf_rig {
	struct hf_twin *twin;
	const struct hf_board *board;
	struct hf_events events;
	struct hf_command waiting[HF_RIG_COMMANDS]; /* by time; equal times in the order they came */
	unsigned waitings;
	struct hf_cut cut[HF_RIG_CUTS]; /* the first is armed, the others wait for it */
	unsigned cuts;
	uint64_t power_on_ns;   /* when the power comes back; HF_NEVER */
	uint64_t latency_ns;    /* of the maintenance UART's adapter */
	uint64_t told_gap_ns;   /* the longest time between two Modbus readings that was told */
	struct hf_wired wire[HF_WIRES];
	uint8_t signals;        /* of the maintenance port's adapter: enum hf_lockstep_signal */
	char parity;            /* of the maintenance UART's pty */
	bool woken;
	bool was_cut;           /* the armed one happened just now */
	bool slaves;
	enum hf_partition running;
	struct {
		unsigned stalls, faults, misuse;
	} trouble;              /* what the firmware did that it must not */
	struct peer {
		hf_twin_uart_fn *fn;
		void *ctx;
	} peer[HF_RIG_PORTS];
};

/* Executes at once, whatever the command says about time. Errors as hf_rig_command. */
HF_MUST_USE enum hf_err hf_rig_execute(struct hf_rig *rig, const struct hf_command *c, char answer[HF_RIG_ANSWER],
				       struct hf_diag *diag);
/* Keeps a command until its time. */
HF_MUST_USE enum hf_err hf_rig_keep(struct hf_rig *rig, const struct hf_command *command, struct hf_diag *diag);
/* The first cut of the queue becomes the twin's. */
void hf_rig_arm(struct hf_rig *rig);
void hf_rig_power(struct hf_rig *rig, bool on);
void hf_rig_press(struct hf_rig *rig, bool pressed);

#endif
