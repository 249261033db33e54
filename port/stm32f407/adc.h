/* SPDX-License-Identifier: MIT
 *
 * The chip measures itself: its supply, by the internal reference whose reading at 3.3 V the factory has stored, and its
 * temperature. Good to some 10 mV and 2 degrees; a supply that drops for less than a millisecond is not seen.
 */
#ifndef HF_ADC_H
#define HF_ADC_H

#include <stdint.h>

/* Some 0.2 ms, 5 where the converter does not answer; it is off before and after. *supply_mv 0: not known (no such chip, no
 * calibration, no answer), *temperature_dc is then unchanged. */
void hf_adc_measure(uint16_t *supply_mv, int16_t *temperature_dc);

#endif
