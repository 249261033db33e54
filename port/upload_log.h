/* SPDX-License-Identifier: MIT
 *
 * What people see of an upload while it goes on: a line where it begins, where it is complete, and for each refusal;
 * and whether it moves, for the light. Gateway and recovery share it.
 */
#ifndef HF_UPLOAD_LOG_H
#define HF_UPLOAD_LOG_H

#include "port/smp_line.h"

#define HF_UPLOAD_STALE_MS 10000u

struct hf_upload_log {
	/* Given by the caller, the rest zero; kept. */
	struct hf_smp_line *line;
	const struct hf_update *update;
	const char *who; /* begins each line: "gateway: " */

	/* Private. */
	uint8_t phase;   /* of the update engine, as last seen */
	uint32_t next;
	uint32_t moved_ms;
	uint32_t refused; /* of the SMP server, as last seen */
};

/* Once a turn of the main loop. */
void hf_upload_log_turn(struct hf_upload_log *l, uint32_t now_ms);
/* An upload is under way, and went on in the last seconds. */
bool hf_upload_log_moves(const struct hf_upload_log *l, uint32_t now_ms);

#endif
