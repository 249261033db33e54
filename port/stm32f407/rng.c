/* SPDX-License-Identifier: MIT
 *
 * As RM0090 (24.3.1) asks, after FIPS 140-2: the first word is thrown away, and each is compared with the one before.
 */
#include "rng.h"

#include "stm32.h"
#include "systick.h"

#define WORD_LIMIT_MS 2 /* a word takes a microsecond */

static enum hf_err next(uint32_t *word)
{
	struct hf_wait wait;
	uint32_t before = *word;

	hf_wait_begin(&wait, WORD_LIMIT_MS);
	while (!(RNG_SR & RNG_SR_DRDY)) {
		if (RNG_SR & (RNG_SR_CEIS | RNG_SR_SEIS))
			return HF_ERR_IO;
		if (hf_wait_over(&wait))
			return HF_ERR_TIMEOUT;
	}
	*word = RNG_DR;
	return *word == before ? HF_ERR_IO : HF_OK;
}

enum hf_err hf_rng_read(uint8_t *buf, size_t len)
{
	uint32_t word = 0;
	enum hf_err err;

	RCC_AHB2ENR |= RCC_AHB2_RNG;
	(void)RCC_AHB2ENR;
	RNG_SR = 0;
	RNG_CR = RNG_CR_RNGEN;
	err = next(&word);
	for (size_t i = 0; i < len && !err; i++) {
		if (i % 4 == 0)
			err = next(&word);
		buf[i] = (uint8_t)(word >> i % 4 * 8);
	}
	RNG_CR = 0;
	RCC_AHB2ENR &= ~RCC_AHB2_RNG;
	return err;
}
