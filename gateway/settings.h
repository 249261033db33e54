/* SPDX-License-Identifier: MIT
 *
 * The gateway's configuration: what differs from one site to the next. To the upgrade machinery it is bytes that survive
 * upgrades (core/longrec.h); here it is a map of CBOR (docs/PROTOCOL.md):
 *   { ? "slaves": [1*4 address], ? "poll_ms": 20..500, ? "baud": 9600..115200 }
 * Keys that are absent have their defaults, unknown ones are skipped, since older firmware meets newer configurations. What
 * makes no sense counts for nothing as a whole: a gateway that polls half of what was meant is worse than one that says so.
 */
#ifndef HF_SETTINGS_H
#define HF_SETTINGS_H

#include "core/bytes.h"
#include "core/err.h"

#include "modbus_master.h"

#define HF_SETTINGS_POLL_MIN_MS 20u
#define HF_SETTINGS_POLL_MAX_MS 500u /* the watchdog wants a poll a second */
#define HF_SETTINGS_BAUD_MIN    9600u
#define HF_SETTINGS_BAUD_MAX    115200u

struct hf_settings {
	uint8_t slaves;
	uint8_t address[HF_MODBUS_SLAVES_MAX]; /* 1 to 247 */
	uint16_t poll_ms;
	uint32_t baud;
};

/* Slaves 1 to 3, every 100 ms, at the board's rate. */
struct hf_settings hf_settings_default(uint32_t baud);

/* *settings holds the defaults; unchanged after an error. HF_ERR_RANGE, HF_ERR_TYPE, HF_ERR_ENCODING, ... */
HF_MUST_USE enum hf_err hf_settings_read(struct hf_bytes configuration, struct hf_settings *settings);

#endif
