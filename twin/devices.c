/* SPDX-License-Identifier: MIT
 *
 * Which models a board has, in the order in which resets and snapshots visit them.
 */
#include "machine.h"

void hf_devices_add(struct hf_machine *machine)
{
	hf_rcc_add(machine);
	hf_pwr_add(machine);
	hf_flash_add(machine);
	hf_iwdg_add(machine);
}
