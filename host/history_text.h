/* SPDX-License-Identifier: MIT
 *
 * A device's history (core/history.h), for people and for programs.
 */
#ifndef HF_HISTORY_TEXT_H
#define HF_HISTORY_TEXT_H

#include <jansson.h>

#include "bytes.h"
#include "history.h"

#define HF_HISTORY_TEXT_BYTES 320

/* What a record says, in one clause: "1.1.0 in slot B confirmed itself". Returns text. */
const char *hf_history_text(const struct hf_history_record *record, char text[HF_HISTORY_TEXT_BYTES]);

/* True for what somebody should look at: alarms, firmware that was given up, uploads that failed. */
bool hf_history_is_trouble(const struct hf_history_record *record);

/* {"number", "up_ms", "type", ...}; given to the caller. */
json_t *hf_history_json(const struct hf_history_record *record);

/* The next good record in a history's bytes, and moves *off behind it; start with 0. False at the end. */
bool hf_history_each(struct hf_bytes history, size_t *off, struct hf_history_record *record);

#endif
