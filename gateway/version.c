/* SPDX-License-Identifier: MIT
 *
 * The one file that differs between the versions that are built.
 */
#include "version.h"

const char hf_gateway_version[] = HF_GATEWAY_VERSION;
const uint32_t hf_gateway_hang_ms = HF_GATEWAY_HANG_MS;
