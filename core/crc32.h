/* SPDX-License-Identifier: MIT
 *
 * CRC-32 as in IEEE 802.3 (polynomial 0x04C11DB7 reflected, initial and final value FFFFFFFF; "123456789" ->
 * CBF43926). A nibble table: 64 bytes of constants, fast enough beside flash.
 */
#ifndef HF_CRC32_H
#define HF_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues from crc; begin with 0. */
uint32_t hf_crc32(uint32_t crc, const void *data, size_t len);

#endif
