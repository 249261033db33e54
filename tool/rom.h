/* SPDX-License-Identifier: MIT
 *
 * A device behind its chip's ROM loader (host/an3155.h): found, told apart from what else may be there, and its flash
 * brought to what it should hold, whatever is pulled out or switched off meanwhile.
 *
 * The unit is the sector. One that holds the right content is neither erased nor written; any other is erased, written, and
 * read back. So whoever runs the same command again continues where the last one ended.
 */
#ifndef HF_ROM_H
#define HF_ROM_H

#include "an3155.h"
#include "board.h"
#include "package_read.h"
#include "slot.h"

/* ---- the reset and boot pins ---- */

/* Which of the adapter's outputs drive BOOT0 and reset, if any. `invert`: the pin is active when the output is off. */
struct hf_rom_line {
	unsigned output; /* HF_SERIAL_RTS, HF_SERIAL_DTR; 0: none */
	bool invert;
};

struct hf_rom_lines {
	struct hf_rom_line boot0, reset;
};

#define HF_ROM_LINES_HELP "boot0=dtr,reset=rts"

/* Reads "boot0=dtr,reset=!rts"; each may be absent. */
bool hf_rom_lines_parse(const char *text, struct hf_rom_lines *out);

/* ---- option bytes ---- */

#define HF_RDP_OPEN     0xaa
#define HF_RDP_FOREVER  0xcc
#define HF_RDP_CLOSED   0x55

struct hf_rom_options {
	uint8_t rdp;       /* level: 0, 1, 2 */
	uint8_t bor;       /* level: 0 (off) to 3 */
	bool watchdog_by_software;
	uint16_t protected; /* a bit a sector */
};

struct hf_rom_options hf_rom_options_of(const uint8_t bytes[HF_AN3155_OPTIONS_BYTES]);
/* Changes what the struct names, and leaves the rest of the bytes alone. */
void hf_rom_options_put(const struct hf_rom_options *options, uint8_t bytes[HF_AN3155_OPTIONS_BYTES]);
/* "brown-out level 3 (2.7 V)", ...: of what a level means. */
const char *hf_rom_bor_text(unsigned level);
const char *hf_rom_rdp_text(unsigned level);

/* ---- the device ---- */

enum hf_rom_stage {
	HF_ROM_CONNECT,
	HF_ROM_CHECK,   /* before anything is erased */
	HF_ROM_WRITE,
	HF_ROM_RECORD,  /* in the journal */
	HF_ROM_OPTIONS,
	HF_ROM_START,
};

struct hf_rom_event {
	enum hf_rom_stage stage;
	uint64_t now_ms;
	uint64_t done, total; /* HF_ROM_WRITE: of the work, in bytes of the line */
	uint64_t skipped;     /* of done, so far: what needed no work */
	uint32_t left_ms;     /* HF_ROM_CONNECT: of the waiting; text is NULL */
	const char *text;     /* a sentence; NULL: only a figure moved. Borrowed */
};

struct hf_rom_counts {
	uint32_t kept, erased;      /* sectors */
	uint64_t written, read;     /* bytes of flash */
	uint32_t again;             /* sectors that had to be erased a second time */
	uint32_t misread;           /* blocks that read wrong once, by the line's fault */
	uint32_t waits;             /* times that nothing answered any more, and then did */
};

struct hf_rom {
	/* Set by the caller before hf_rom_connect; borrowed. */
	struct hf_serial *serial;
	const struct hf_board *board; /* NULL: only what needs none */
	struct hf_rom_lines lines;
	uint32_t baud;               /* 0: 115200 */
	uint32_t wait_ms;            /* for a loader at first, and for one that is gone; 0: 60 s */
	void (*event)(void *ctx, const struct hf_rom_event *event); /* NULL: none */
	bool (*stop)(void *ctx);                                    /* NULL: never */
	void *ctx;

	/* Set by hf_rom_connect. */
	struct hf_an3155 link;
	uint8_t uid[12], device_id[16];
	uint16_t flash_kib;
	uint8_t option_bytes[HF_AN3155_OPTIONS_BYTES];
	struct hf_rom_options options; /* rdp 1 where it cannot be read, the rest unknown then */

	struct hf_rom_counts count;
	uint64_t done, total, skipped; /* of the work */
};

/* Brings the chip into its loader where lines are given, else says how; waits; tells what else answers; then checks that
 * it is the chip of the board file, and measures the line. Nothing in flash is changed.
 * HF_ERR_TIMEOUT, HF_ERR_IO (no loader), HF_ERR_CLASS (another chip), HF_ERR_CRC (a line that damages too much),
 * HF_ERR_BUSY (stopped). A chip that is closed is connected, too: options.rdp is 1 then, and little else is known. */
HF_MUST_USE enum hf_err hf_rom_connect(struct hf_rom *rom, struct hf_diag *diag);

/* Reset with BOOT0 low, high: by the lines where there are some. True: done; false: it is left to people. */
bool hf_rom_restart(struct hf_rom *rom);
bool hf_rom_enter_loader(struct hf_rom *rom);

void hf_rom_tell(struct hf_rom *rom, enum hf_rom_stage stage, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool hf_rom_stopped(const struct hf_rom *rom);

/* Commands that wait for a loader that is gone, and go on. Errors as in an3155.h; HF_ERR_BUSY: stopped. */
HF_MUST_USE enum hf_err hf_rom_flash_read(struct hf_rom *rom, uint32_t addr, void *buf, size_t len);
HF_MUST_USE enum hf_err hf_rom_flash_write(struct hf_rom *rom, uint32_t addr, const void *data, size_t len);
HF_MUST_USE enum hf_err hf_rom_flash_erase(struct hf_rom *rom, unsigned sector);
HF_MUST_USE enum hf_err hf_rom_read_options(struct hf_rom *rom);
/* Written, and read back. HF_ERR_ORDER: the chip is closed now, and whether the rest is right cannot be known: the power
 * failed meanwhile. HF_ERR_FLASH_PROGRAM: they do not take. */
HF_MUST_USE enum hf_err hf_rom_write_options(struct hf_rom *rom, const struct hf_rom_options *options);

/* A sentence for an error of these. */
void hf_rom_explain(struct hf_rom *rom, enum hf_err err, const char *doing, struct hf_diag *diag);

/* ---- sectors ---- */

/* What a sector should hold: `want` has the sector's size, erased bytes where nothing is. */
struct hf_rom_sector {
	uint8_t number;
	bool blank_first; /* what it holds is in doubt (its erase was cut): erase it, whatever it reads */
	bool in_doubt;    /* a word may be torn: what reads right has its last block programmed again */
	bool head_last;   /* its first `head` bytes are written after all else */
	bool changed;     /* set by hf_rom_put_sector */
	uint32_t head;
	const uint8_t *want;
	/* Called before the first erase of it, and after the last; NULL: nothing. */
	enum hf_err (*erasing)(void *ctx, unsigned sector, bool done);
	void *ctx;
};

/* The work that a sector may be, in bytes of the line. */
uint64_t hf_rom_sector_work(const struct hf_rom *rom, const struct hf_rom_sector *sector);
HF_MUST_USE enum hf_err hf_rom_put_sector(struct hf_rom *rom, struct hf_rom_sector *sector);

/* ---- a slot ---- */

#define HF_ROM_ANY_SLOT HF_PLACES

struct hf_rom_slot_options {
	const struct hf_package *package;
	unsigned place;       /* HF_ROM_ANY_SLOT: as the package and the journal suggest */
	bool new_journal;     /* give up what the journal says */
};

struct hf_rom_slot_result {
	unsigned place;
	struct hf_image image;
	bool journal_kept;    /* else it is new */
	unsigned records;     /* of the kept one */
	uint32_t keyset, floor;
	uint32_t configuration; /* bytes */
};

/* Burns a package into a slot (recovery: into its partition) of a device whose boot is whole, and has boot try it. */
HF_MUST_USE enum hf_err hf_rom_burn_slot(struct hf_rom *rom, const struct hf_rom_slot_options *options,
					 struct hf_rom_slot_result *result, struct hf_diag *diag);

/* ---- the factory ---- */

struct hf_rom_factory_options {
	const uint8_t *flash;   /* all of it, from its first byte */
	struct hf_rom_options protect;
	bool erase_everything;  /* take readout protection off, which erases all */
};

HF_MUST_USE enum hf_err hf_rom_burn_factory(struct hf_rom *rom, const struct hf_rom_factory_options *options,
					    struct hf_diag *diag);

#endif
