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
void hf_uuid_format(const uint8_t uuid[HF_UUID_BYTES], char text[HF_UUID_TEXT_BYTES]);

#endif
