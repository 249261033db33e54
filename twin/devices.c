/* SPDX-License-Identifier: MIT
 *
 * Which models a board has, in the order in which resets and snapshots visit them.
 */
#include "adc.h"
#include "dma.h"
#include "gpio.h"
#include "led_pin.h"
#include "machine.h"
#include "modbus_bus.h"
#include "rom.h"
#include "tim.h"
#include "usart.h"

void hf_devices_add(struct hf_machine *machine)
{
	hf_rcc_add(machine);
	hf_pwr_add(machine);
	hf_syscfg_add(machine);
	hf_rng_add(machine);
	hf_adc_add(machine);
	hf_flash_add(machine);
	hf_iwdg_add(machine);
	hf_gpio_add(machine);
	hf_tim_add(machine);
	hf_led_pin_add(machine);
	hf_dma_add(machine);
	hf_usart_add(machine);
	hf_modbus_bus_add(machine);
	hf_rom_add(machine);
}
