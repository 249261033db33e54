/* SPDX-License-Identifier: MIT
 *
 * The journal of a device behind its ROM loader, so that core's own journal code (core/journal.h) reads and writes it from
 * here with all its disciplines, as it does on the device.
 *
 * Both sectors are read once, each block until two readings agree. Then either nothing leaves this machine (to look what
 * would be), or every operation is done on the device, read back there, and only then believed.
 */
#ifndef HF_ROM_JOURNAL_H
#define HF_ROM_JOURNAL_H

#include "journal.h"
#include "rom.h"

struct hf_rom_journal {
	struct hf_rom *rom; /* borrowed */
	bool blank;         /* all of it reads erased: factory-new */
	struct hf_flash flash; /* for core; its ctx is this struct, which is not moved. Outside the journal it only reads */

	/* Private. */
	struct hf_span sector[2];
	unsigned number[2];
	uint8_t *bytes[2];  /* as the operations so far have left them */
	uint8_t *found[2];  /* as they were read */
	bool live;
	enum hf_err gone; /* the device cannot be reached any more: operations fail at once */
};

/* Reads both sectors. HF_ERR_IO: also where memory is short. Close it whatever it returns. */
HF_MUST_USE enum hf_err hf_rom_journal_open(struct hf_rom_journal *j, struct hf_rom *rom);
void hf_rom_journal_close(struct hf_rom_journal *j);

/* From here on operations go to the device; what was done before is forgotten, and core mounts again. */
void hf_rom_journal_go_live(struct hf_rom_journal *j);

/* Erases both sectors. */
HF_MUST_USE enum hf_err hf_rom_journal_erase(struct hf_rom_journal *j);

#endif
