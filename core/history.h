/* SPDX-License-Identifier: MIT
 *
 * The history: what happened to a device, for people and for who predicts its end. Records of 32 bytes, one behind the other,
 * in the first sector of the data partition (docs/FORMAT.md). Nothing depends on it: it may be lost, and when it is full it
 * is erased. So it has no second sector, no barriers and no repair, as the journal has.
 *
 * What a power loss leaves: records that were complete; one that was being appended is there or is not. A record that is not
 * what was written is never taken for one: its checksum says so, and readers pass over it. A cut erase may leave some
 * records of before, and places that do not program: appending goes around them.
 */
#ifndef HF_HISTORY_H
#define HF_HISTORY_H

#include <stdbool.h>

#include "flash.h"
#include "layout.h"

#define HF_HISTORY_BYTES 32u
#define HF_HISTORY_DATA  16u

enum hf_history_type {
	HF_HISTORY_START = 1,     /* slot; detail: reset cause, crashes in a row << 8; data: firmware */
	HF_HISTORY_UPLOAD = 2,    /* slot; detail: size of the file in KiB; data: firmware that comes */
	HF_HISTORY_UPLOADED = 3,  /* slot; detail: 0, or the enum hf_err that ended it; data: firmware */
	HF_HISTORY_CONFIRMED = 4, /* slot; data: firmware */
	HF_HISTORY_REJECTED = 5,  /* slot; detail: why (status' `reason`); data: 0 three times, id */
	HF_HISTORY_ALARM = 6,     /* detail: enum hf_history_alarm, value << 8; data: u32 figure */
	HF_HISTORY_HOUR = 7,      /* detail: supply in mV; data: u32 good, u32 bad polls, u16 late, u16 longest gap in ms, i16
				     temperature in 0.1 C, u16 0: since the hour before */
	HF_HISTORY_FOUND = 8,     /* slot that was started; detail: starts before this one; data: u32 the word of that start
				     (core/blackbox.h), in which boot found or repaired something, or the supply had sagged */
};

enum hf_history_alarm {
	HF_ALARM_SELF_TEST = 1, /* value: HF_TEST_*, what is missing */
	HF_ALARM_FLASH = 2,     /* value: enum hf_err */
	HF_ALARM_SUPPLY = 3,    /* figure: mV */
	HF_ALARM_CRASH = 4,     /* value: enum hf_fault of the start before; figure: its program counter */
};

#define HF_HISTORY_NO_SLOT 255u

struct hf_history_record {
	uint8_t type;   /* enum hf_history_type; readers show others as numbers */
	uint8_t slot;   /* HF_HISTORY_NO_SLOT: none */
	uint16_t detail;
	uint32_t number; /* counts up, also over erases; set by hf_history_append */
	uint32_t up_ms;  /* since the start that it belongs to */
	uint8_t data[HF_HISTORY_DATA];
};

/* Firmware in `data`: three u16 of its version, u16 0, the first 8 bytes of its identity. */
void hf_history_put_firmware(struct hf_history_record *r, const int32_t *version, unsigned versions, const uint8_t *id);

struct hf_history {
	const struct hf_flash *flash;
	struct hf_span span;
	uint32_t end;    /* first slot that looks blank, as an offset */
	uint32_t number; /* of the next record */
};

/* The board's place for it; size 0: it has none. */
struct hf_span hf_history_span(const struct hf_layout *layout);

/* Finds the end. HF_ERR_NOT_FOUND: the board has no data partition; the flash's errors. Reads as far as records go. */
HF_MUST_USE enum hf_err hf_history_open(struct hf_history *h, const struct hf_flash *flash,
					const struct hf_layout *layout);

/* Bytes up to the end, for readers that keep nothing. size 0: HF_ERR_NOT_FOUND. */
HF_MUST_USE enum hf_err hf_history_length(const struct hf_flash *flash, struct hf_span span, uint32_t *len);

/* Programs one record, some 0.2 ms, behind the last one or where there is room. HF_ERR_FULL: hf_history_renew is due. The
 * flash's error after sixteen places that do not program. */
HF_MUST_USE enum hf_err hf_history_append(struct hf_history *h, const struct hf_history_record *record);

/* Erases it, a second or two. Numbers go on. */
HF_MUST_USE enum hf_err hf_history_renew(struct hf_history *h);

/* The good record at *off or behind it, and moves *off behind it; start with 0. HF_ERR_NOT_FOUND at the end. */
HF_MUST_USE enum hf_err hf_history_next(const struct hf_history *h, uint32_t *off, struct hf_history_record *record);

/* The bytes of a record, and back. False: they are none. */
void hf_history_store(uint8_t bytes[HF_HISTORY_BYTES], const struct hf_history_record *record);
bool hf_history_load(const uint8_t bytes[HF_HISTORY_BYTES], struct hf_history_record *record);

#endif
