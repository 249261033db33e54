/* SPDX-License-Identifier: MIT
 *
 * The chip measures itself: its supply, by the internal reference whose reading at 3.3 V the factory has stored, and its
 * temperature. Good to some 10 mV and 2 degrees; a supply that drops for less than a millisecond is not seen.
 */
#ifndef HF_ADC_H
#define HF_ADC_H

#include <stdint.h>

#include "core/err.h"

/* Some 0.2 ms, the converter is off before and after. HF_ERR_NOT_FOUND: no such chip, or no calibration; HF_ERR_TIMEOUT.
 * Outputs are then unchanged. */
HF_MUST_USE enum hf_err hf_adc_measure(uint16_t *supply_mv, int16_t *temperature_dc);

#endif
