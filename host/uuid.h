/* SPDX-License-Identifier: MIT
 *
 * UUIDs of version 5 (RFC 4122, section 4.3): how SUIT derives vendor and class identifiers (draft 37,
 * section 8.4.8.2).
 */
#ifndef HF_UUID_H
#define HF_UUID_H

#include <stdint.h>

#define HF_UUID_BYTES      16
#define HF_UUID_TEXT_BYTES 37

extern const uint8_t hf_uuid_namespace_dns[HF_UUID_BYTES];

void hf_uuid_v5(const uint8_t name_space[HF_UUID_BYTES], const char *name, uint8_t out[HF_UUID_BYTES]);

/* A device's id, of its chip's unique id: the bytes, with a UUID's version and variant between them (docs/FORMAT.md). */
#define HF_CHIP_UID_BYTES 12
void hf_uuid_of_chip(const uint8_t uid[HF_CHIP_UID_BYTES], uint8_t out[HF_UUID_BYTES]);
void hf_uuid_format(const uint8_t uuid[HF_UUID_BYTES], char text[HF_UUID_TEXT_BYTES]);

#endif
