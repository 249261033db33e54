/* SPDX-License-Identifier: MIT
 *
 * Option bytes of the F4 as the loader shows them (RM0090, 3.6): byte 0 holds BOR_LEV in bits 2 and 3 (it counts down:
 * 3 is off) and WDG_SW in bit 5, byte 1 RDP, bytes 8 and 9 nWRP, a zero for each protected sector.
 */
#include "rom.h"

#include <string.h>

#include "bytes.h"

enum { USER = 0, RDP = 1, NWRP = 8, WDG_SW = 1 << 5, BOR_SHIFT = 2, BOR_MASK = 3 << 2 };
#define SECTORS_MASK 0x0fffu

struct hf_rom_options hf_rom_options_of(const uint8_t bytes[HF_AN3155_OPTIONS_BYTES])
{
	struct hf_rom_options o = {
		.rdp = bytes[RDP] == HF_RDP_OPEN ? 0 : bytes[RDP] == HF_RDP_FOREVER ? 2 : 1,
		.bor = (uint8_t)(3 - (bytes[USER] >> BOR_SHIFT & 3)),
		.watchdog_by_software = bytes[USER] & WDG_SW,
		.protected = (uint16_t)(~load_le16(bytes + NWRP) & SECTORS_MASK),
	};

	return o;
}

void hf_rom_options_put(const struct hf_rom_options *options, uint8_t bytes[HF_AN3155_OPTIONS_BYTES])
{
	static const uint8_t levels[] = {HF_RDP_OPEN, HF_RDP_CLOSED, HF_RDP_FOREVER};
	uint16_t nwrp = load_le16(bytes + NWRP);

	bytes[USER] = (uint8_t)((bytes[USER] & ~(BOR_MASK | WDG_SW)) | (3 - options->bor) << BOR_SHIFT |
				(options->watchdog_by_software ? WDG_SW : 0));
	bytes[RDP] = levels[options->rdp];
	store_le16(bytes + NWRP, (uint16_t)((nwrp & ~SECTORS_MASK) | (~options->protected & SECTORS_MASK)));
}

const char *hf_rom_bor_text(unsigned level)
{
	static const char *const texts[] = {"off (1.8 V)", "level 1 (2.1 V)", "level 2 (2.4 V)", "level 3 (2.7 V)"};

	return texts[level & 3];
}

const char *hf_rom_rdp_text(unsigned level)
{
	static const char *const texts[] = {"level 0 (open)", "level 1 (closed, reopened only by erasing everything)",
					    "level 2 (closed for ever)"};

	return texts[level < 3 ? level : 1];
}

static bool parse_line(const char **at, struct hf_rom_line *line)
{
	line->invert = **at == '!';
	*at += line->invert;
	if (strncmp(*at, "dtr", 3) == 0)
		line->output = HF_SERIAL_DTR;
	else if (strncmp(*at, "rts", 3) == 0)
		line->output = HF_SERIAL_RTS;
	else
		return false;
	*at += 3;
	return true;
}

bool hf_rom_lines_parse(const char *text, struct hf_rom_lines *out)
{
	*out = (struct hf_rom_lines){.boot0 = {0, false}};
	for (const char *at = text;; at++) {
		struct hf_rom_line *line;

		if (strncmp(at, "boot0=", 6) == 0)
			line = &out->boot0;
		else if (strncmp(at, "reset=", 6) == 0)
			line = &out->reset;
		else
			return false;
		at += 6;
		if (line->output || !parse_line(&at, line))
			return false;
		if (*at == 0)
			return out->boot0.output != out->reset.output;
		if (*at != ',')
			return false;
	}
}
