/* SPDX-License-Identifier: MIT
 *
 * Intel HEX (Intel's specification of 1988, record types 00 to 05) and Motorola SREC (S0 to S9): text records with a
 * checksum each, read strictly. Both need their end record: a file that was cut at a line's end looks whole without it.
 *
 * Start addresses (types 03, 05; S7 to S9) are read and ignored: a Cortex-M starts where its vector table says.
 * Errors: HF_ERR_ENCODING, HF_ERR_CRC (checksum), HF_ERR_TRUNCATED (no end record), HF_ERR_RANGE (outside flash, an
 * address written twice), HF_ERR_UNSUPPORTED (unknown record). The sentence names the line; it does not name the file.
 */
#ifndef HF_RECORDS_H
#define HF_RECORDS_H

#include "bytes.h"
#include "diag.h"
#include "flash_map.h"

/* Does it begin like a file of that kind? Neither can be taken for a vector table, whose fourth byte is no hex digit. */
bool hf_ihex_recognise(struct hf_bytes text);
bool hf_srec_recognise(struct hf_bytes text);

/* map is open; unspecified after an error. */
HF_MUST_USE enum hf_err hf_ihex_read(struct hf_flash_map *map, struct hf_bytes text, struct hf_diag *diag);
HF_MUST_USE enum hf_err hf_srec_read(struct hf_flash_map *map, struct hf_bytes text, struct hf_diag *diag);

#endif
