/* SPDX-License-Identifier: MIT
 *
 * The flash controller's two parts: its array with times, errors and stalls (flash.c), option bytes and locks
 * (flash_options.c).
 */
#ifndef HF_TWIN_FLASH_INTERNAL_H
#define HF_TWIN_FLASH_INTERNAL_H

#include "internal.h"

enum {
	ACR = 0x00, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0c, CR = 0x10, OPTCR = 0x14,

	SR_EOP = 1 << 0, SR_OPERR = 1 << 1, SR_WRPERR = 1 << 4, SR_PGAERR = 1 << 5, SR_PGPERR = 1 << 6,
	SR_PGSERR = 1 << 7, SR_BSY = 1 << 16,
	SR_ERRORS = SR_WRPERR | SR_PGAERR | SR_PGPERR | SR_PGSERR,

	CR_PG = 1 << 0, CR_SER = 1 << 1, CR_MER = 1 << 2, CR_STRT = 1 << 16, CR_EOPIE = 1 << 24, CR_ERRIE = 1 << 25,
	CR_WRITABLE = 0x0300037f & ~0x80,

	OPTCR_LOCK = 1 << 0, OPTCR_START = 1 << 1,

	ACR_PRFTEN = 1 << 8, ACR_ICEN = 1 << 9, ACR_DCEN = 1 << 10, ACR_ICRST = 1 << 11, ACR_DCRST = 1 << 12,

	IRQ_FLASH = 4,
	EVENT_DONE = 0,
	OPTION_NS = 16000000,
	ALL_SECTORS = 0xff,
	OPTIONS_BLANK = 0x0fffffec,
};
#define CR_LOCK (1u << 31)

enum operation { IDLE, PROGRAM, ERASE, MASS_ERASE, OPTIONS, UNPROTECT };

struct flash {
	uint32_t acr, sr, cr, optcr, optcr_stored;
	uint8_t key_step, optkey_step;
	bool dead, opt_dead;     /* a wrong key: locked until reset */
	uint8_t operation;       /* enum operation */
	uint8_t sector;
	uint32_t addr, size;     /* of a program operation: up to 8 bytes from addr & ~3 are kept */
	uint8_t old[8];
	uint32_t old_unstable[2];
	uint32_t failed;         /* flags that it will end with */
	uint64_t begin_ns, end_ns;
};

static inline struct flash *flash_of(const struct hf_machine *machine)
{
	return machine->flash_dev->state;
}

/* false: the power goes before it begins. */
bool hf_flash_begin(struct hf_machine *machine, enum operation operation, uint32_t addr, uint64_t duration_ns);
void hf_flash_raise(struct hf_machine *machine, uint32_t addr, uint32_t flags); /* flags of SR */
uint64_t hf_flash_mass_erase_ns(const struct hf_machine *machine, unsigned psize);

/* ---- flash_options.c ---- */

void hf_flash_write_key(struct hf_machine *machine, uint32_t value);
void hf_flash_write_optkey(struct hf_machine *machine, uint32_t value);
void hf_flash_start_options(struct hf_machine *machine); /* what OPTCR holds becomes the option bytes */
void hf_flash_show_options(struct hf_machine *machine);

#endif
