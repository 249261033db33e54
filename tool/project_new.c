/* SPDX-License-Identifier: MIT
 *
 * The board's skeleton has the chip's memory, a partition table that fits it, and the words of boards/reference.conf. Pins, vendor and
 * class are nowhere in a description of a debug probe; a guess would be burned into gateways, so they stay open as <FILL IN>, and the board file is
 * refused until somebody has filled them in.
 */
#include "project_new.h"

#include "conf.h"

#define SMALL_SECTORS 5u /* four of 16 KiB, one of 64: every STM32F405 to F427 begins with them */
#define SMALL_KIB     128u
#define LARGE_KIB     128u

static void write_probe(FILE *to, const struct hf_jflash *j)
{
	fprintf(to, "probe = {\n");
	if (j->interface[0])
		fprintf(to, "\tinterface = \"%s\";\n", j->interface);
	if (j->khz)
		fprintf(to, "\tkhz       = %u;\n", j->khz);
	if (j->address_given)
		fprintf(to, "\taddress   = 0x%08x;\n", j->address);
	if (j->verify_given)
		fprintf(to, "\tverify    = %s;\n", j->verify ? "true" : "false");
	if (j->erase[0])
		fprintf(to, "\terase     = \"%s\";\n", j->erase);
	fprintf(to, "};\n");
}

void hf_project_new_write(FILE *to, const struct hf_jflash *j, const char *product, const char *board_file, const char *source)
{
	fprintf(to, "# Made from %s. `holdfast project` shows and checks it; man 5 holdfast-project explains the keys.\n\n", source);
	fprintf(to, "format  = 1;\nproduct = \"%s\";\nboard   = \"%s\";\n\n", product, board_file);
	fprintf(to, "# Take out the # when there is such a file.\n");
	fprintf(to, "# keyset = \"keys/release.keyset\";\n");
	if (j->image[0])
		fprintf(to, "# Firmware is burned as a signed package: `holdfast pack` makes one, of %s for example.\n", j->image);
	fprintf(to, "# packages = { firmware = \"firmware.suit\"; recovery = \"recovery.suit\"; };\n");
	fprintf(to, "# line     = { port = \"/dev/ttyUSB*\"; };\n\n");
	if (j->supply_mv_min || j->supply_mv_max) {
		fprintf(to, "burn = {");
		if (j->supply_mv_min)
			fprintf(to, " supply_mv_min = %u;", j->supply_mv_min);
		if (j->supply_mv_max)
			fprintf(to, " supply_mv_max = %u;", j->supply_mv_max);
		fprintf(to, " };\n\n");
	}
	write_probe(to, j);
}

/* Where the chip is not known, its memory is set as for the reference board's. */
static void write_memory(FILE *to, const struct hf_jflash *j)
{
	const struct hf_chip *chip = j->chip ? j->chip : hf_chip_find("STM32F407VGT6");
	unsigned large = (chip->flash_kib - SMALL_KIB) / LARGE_KIB, slot = (large - 1) / 2, end = SMALL_SECTORS + 2 * slot;

	if (!j->chip)
		fprintf(to, "# '%s' is no chip that is known here; known are %s.\n", j->device, hf_chip_names());
	fprintf(to, "chip      = \"%s\";\nsysclk_hz = %u;\n\n", j->chip ? chip->name : HF_CONF_FILL_IN, chip->sysclk_max_hz);
	fprintf(to, "flash = {\n\taddr    = 0x%08x;\n\tsectors = ( { count = 4; kib = 16; }, { count = 1; kib = 64; }, { count = %u; kib = %u; } );\n};\n",
		chip->flash_addr, large, LARGE_KIB);
	fprintf(to, "ram = { addr = 0x20000000; kib = %u; };\nccm = { addr = 0x10000000; kib = %u; };\n\n", chip->ram_kib, chip->ccm_kib);
	fprintf(to, "# First and last sector. A sector that nothing uses is listed in `unused = ( [first, last], ... )`.\npartitions = {\n"
		    "\tboot     = [0, 1];\n\tjournal  = [2, 3];\n\trecovery = [4, 4];\n\tslot_a   = [%u, %u];\n\tslot_b   = [%u, %u];\n"
		    "\tdata     = [%u, %u];\n};\nboot_limit_kib = 18;\n\n",
		SMALL_SECTORS, SMALL_SECTORS + slot - 1, SMALL_SECTORS + slot, end - 1, end, SMALL_SECTORS + large - 1);
}

void hf_project_new_write_board(FILE *to, const struct hf_jflash *j, const char *source)
{
	fprintf(to, "# Made from %s. Every <FILL IN> has to be replaced: `holdfast board FILE` says which is next, and docs/PORTING.md\n"
		    "# (man 5 holdfast-board) explains the keys.\n\n", source);
	fprintf(to, "format = 1;\nname   = \"" HF_CONF_FILL_IN "\";\nvendor = \"" HF_CONF_FILL_IN "\";   # a domain; packages name it\n"
		    "class  = \"" HF_CONF_FILL_IN "\";   # the hardware class; packages for another are refused\n\n");
	write_memory(to, j);
	fprintf(to, "maintenance = {\n\tusart = 1;\n\ttx    = \"" HF_CONF_FILL_IN "\";    # a pin: \"PA9\"\n\trx    = \"" HF_CONF_FILL_IN "\";\n"
		    "\tbaud  = [921600, 115200];\n};\n");
	fprintf(to, "modbus = {\n\tusart = 2;\n\ttx    = \"" HF_CONF_FILL_IN "\";\n\trx    = \"" HF_CONF_FILL_IN "\";\n"
		    "#\tde    = \"" HF_CONF_FILL_IN "\";    # where there is an RS-485 transceiver\n\tbaud  = [19200];\n};\n");
	fprintf(to, "led      = { pin = \"" HF_CONF_FILL_IN "\"; timer = 4; active_low = false; };\nrecovery = { pin = \"" HF_CONF_FILL_IN "\"; active_low = true; };\n\n");
	fprintf(to, "access = { gateway = \"local\"; recovery = \"open\"; readback = true; };\n");
	fprintf(to, "burn   = { interface = \"%s\"; khz = %u; checksum = \"crc32\"; erase = \"needed\"; };\n\n",
		j->interface[0] ? j->interface : "swd", j->khz ? j->khz : 4000u);
	fprintf(to, "# Option bytes, set last in the factory: readout protection, brown-out reset at 2.7 V, boot write-protected.\n"
		    "protect = { rdp = 1; bor = 3; boot = true; };\n");
}
