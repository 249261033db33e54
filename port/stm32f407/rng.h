/* SPDX-License-Identifier: MIT
 *
 * The chip's generator of random numbers, for nonces. It needs the PLL, which clocks it.
 */
#ifndef HF_RNG_H
#define HF_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* HF_ERR_IO (the generator finds itself faulty, or repeats a word), HF_ERR_TIMEOUT (no PLL). buf is then unspecified. */
HF_MUST_USE enum hf_err hf_rng_read(uint8_t *buf, size_t len);

#endif
