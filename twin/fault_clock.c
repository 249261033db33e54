/* SPDX-License-Identifier: MIT
 *
 * Clocks and flash times that change while the firmware runs: heat, cold, age, a supply that sags.
 */
#include "internal.h"

void hf_twin_clocks(struct hf_twin *twin, uint32_t lsi_hz, int32_t hsi_ppm)
{
	struct hf_machine *machine = &twin->machine;

	if (lsi_hz)
		machine->st.lsi_hz = lsi_hz;
	if (hsi_ppm != HF_TWIN_KEEP)
		machine->st.hsi_ppm = hsi_ppm;
	if (machine->st.on)
		hf_rcc_drifted(machine);
}

void hf_twin_flash_speed(struct hf_twin *twin, uint32_t permille)
{
	twin->machine.st.flash_permille = permille ? permille : 1;
}

uint64_t hf_fault_flash_ns(const struct hf_machine *machine, uint64_t ns)
{
	return machine->st.flash_permille == 1000 ? ns : ns * machine->st.flash_permille / 1000 + 1;
}
