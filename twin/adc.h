/* SPDX-License-Identifier: MIT
 *
 * The analog-to-digital converter, as far as the chip measures itself with it: its supply by the internal reference, and its
 * temperature (RM0090, 13.10 and 13.11; factory calibration: DS8626, tables 70 and 74). One conversion at a time, by
 * software; pins are not wired to anything and convert to 0. Channels that are not settled yet convert to 0, too: firmware that
 * does not wait for them is found out.
 */
#ifndef HF_TWIN_ADC_H
#define HF_TWIN_ADC_H

#include "machine.h"

#define HF_ADC_SUPPLY_MV      3300u
#define HF_ADC_TEMPERATURE_DC 250

/* What the factory measured at 3.3 V: the reference at 30 C, the sensor at 30 C and 110 C; u16 each at 1FFF7A2A. */
#define HF_ADC_CALIBRATION_ADDR 0x1fff7a2au
#define HF_ADC_VREFINT_CAL      1502u
#define HF_ADC_TS_CAL1          959u
#define HF_ADC_TS_CAL2          1207u

void hf_adc_add(struct hf_machine *machine);

/* The board's supply in mV (not 0), and the chip's temperature in tenths of a degree Celsius; until they are set again. */
void hf_adc_supply(struct hf_machine *machine, uint32_t mv);
void hf_adc_temperature(struct hf_machine *machine, int32_t dc);
uint32_t hf_adc_supply_mv(struct hf_machine *machine);
int32_t hf_adc_temperature_dc(struct hf_machine *machine);

#endif
