/* SPDX-License-Identifier: MIT
 *
 * Who this individual chip is.
 */
#ifndef HF_CHIP_H
#define HF_CHIP_H

#include <stdint.h>

#define HF_DEVICE_ID_BYTES 16

/* The chip's unique id (12 bytes) as a device id: a UUID of version 8, variant RFC 9562. Zeros for the 12 bytes
 * where there is no such chip. */
void hf_chip_device_id(uint8_t id[HF_DEVICE_ID_BYTES]);

#endif
