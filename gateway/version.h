/* SPDX-License-Identifier: MIT */
#ifndef HF_GATEWAY_VERSION_H
#define HF_GATEWAY_VERSION_H

#include <stdint.h>

extern const char hf_gateway_version[];
/* Milliseconds after which the main loop hangs; 0: never. For the roll-back's demonstration. */
extern const uint32_t hf_gateway_hang_ms;

#endif
