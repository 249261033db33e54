/* SPDX-License-Identifier: MIT
 *
 * Option bytes, and the locks of the flash controller.
 *
 * Option bytes are erased and programmed as one operation, and count from its end. A cut in its first half leaves them
 * blank, which reads as level 1 of the read protection; that is how chips in the field come to be locked. Leaving level
 * 1 erases the flash first, so that a cut there leaves level 1. At level 2 they cannot be changed any more.
 */
#include "flash_internal.h"

/* ---- locks ---- */

/* A wrong key locks until the next reset, and the bus answers with an error. */
static void key(struct hf_machine *machine, uint32_t value, const uint32_t keys[2], uint8_t *step, bool *dead,
		bool *unlocked)
{
	*unlocked = false;
	if (*dead)
		return;
	if (value != keys[*step]) {
		*dead = true;
		machine->bus_error = true;
		hf_machine_look(machine);
		return;
	}
	*unlocked = ++*step == 2;
	*step &= 1;
}

void hf_flash_write_key(struct hf_machine *machine, uint32_t value)
{
	static const uint32_t keys[2] = { 0x45670123, 0xcdef89ab };
	struct flash *f = flash_of(machine);
	bool unlocked;

	key(machine, value, keys, &f->key_step, &f->dead, &unlocked);
	if (unlocked)
		f->cr &= ~CR_LOCK;
}

void hf_flash_write_optkey(struct hf_machine *machine, uint32_t value)
{
	static const uint32_t keys[2] = { 0x08192a3b, 0x4c5d6e7f };
	struct flash *f = flash_of(machine);
	bool unlocked;

	key(machine, value, keys, &f->optkey_step, &f->opt_dead, &unlocked);
	if (unlocked)
		f->optcr &= ~(uint32_t)OPTCR_LOCK;
}

/* ---- option bytes ---- */

uint32_t hf_flash_options(const struct hf_machine *machine)
{
	return flash_of(machine)->optcr_stored;
}

unsigned hf_flash_protection(const struct hf_machine *machine)
{
	uint8_t rdp = (uint8_t)(hf_flash_options(machine) >> 8);

	return rdp == 0xaa ? 0 : rdp == 0xcc ? 2 : 1;
}

/* As they read at their addresses; the complements that the chip keeps beside them are not to be seen there. */
void hf_flash_show_options(struct hf_machine *machine)
{
	uint32_t options = hf_flash_options(machine);
	uint8_t *bytes = machine->sysmem + (HF_TWIN_OPTIONS_ADDR - SYSMEM_ADDR);

	memset(bytes, 0xff, HF_TWIN_OPTIONS_SIZE);
	bytes[0] = (uint8_t)(options & 0xec);
	bytes[1] = (uint8_t)(options >> 8);
	bytes[8] = (uint8_t)(options >> 16);
	bytes[9] = (uint8_t)(options >> 24);
}

void hf_flash_options_set(struct hf_machine *machine, uint32_t optcr)
{
	struct flash *f = flash_of(machine);

	f->optcr_stored = optcr & OPTIONS_BLANK;
	f->optcr = f->optcr_stored | (f->optcr & OPTCR_LOCK);
	hf_flash_show_options(machine);
}

void hf_flash_start_options(struct hf_machine *machine)
{
	struct flash *f = flash_of(machine);
	unsigned level = hf_flash_protection(machine);

	if (level == 2) {
		f->optcr = f->optcr_stored;
		hf_flash_raise(machine, HF_TWIN_OPTIONS_ADDR, SR_WRPERR);
	} else if (level == 1 && (uint8_t)(f->optcr >> 8) == 0xaa) {
		f->sector = ALL_SECTORS;
		hf_flash_begin(machine, UNPROTECT, HF_TWIN_FLASH_ADDR, hf_flash_mass_erase_ns(machine, 2) + OPTION_NS);
	} else {
		hf_flash_begin(machine, OPTIONS, HF_TWIN_OPTIONS_ADDR, OPTION_NS);
	}
}
