/* SPDX-License-Identifier: MIT
 *
 * `holdfast factory`: flash as a device leaves the factory: boot, the keyset in boot's last page, recovery, firmware in
 * slot A, all else blank. Either of the two may be left out: recovery alone waits for its firmware. The journal is blank
 * too: boot starts what verifies, and the firmware confirms itself. As a file, or into a device through its ROM loader.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "board.h"
#include "command.h"
#include "flash_image.h"
#include "host_crypto.h"
#include "image.h"
#include "load.h"
#include "package_verify.h"
#include "rom_cli.h"
#include "uuid.h"

struct factory {
	const char *board_file, *boot_file, *keyset_file, *package_file, *recovery_file, *out;
	bool json, quiet;
	uint8_t device[HF_PACKAGE_DEVICES][16]; /* that packages were made for; devices 0: any */
	unsigned devices;
	struct hf_board board;
	struct hf_buffer keyset_bytes;
	struct hf_keyset keyset;
	struct hf_firmware boot;
	struct hf_flash_image flash;
	struct hf_image image;    /* in slot A */
	struct hf_image recovery; /* in its partition */
	struct hf_diag diag;
};

/* Boot for another board's partitions would start, find no firmware where it looks, and be write-protected. It compares
 * packages with its class id, so that is in it, in whatever format it comes. */
static bool is_for_board(const struct hf_firmware *boot, const struct hf_board *board)
{
	return memmem(boot->bytes, boot->len, board->layout.class_id, HF_UUID_BYTES) != NULL;
}

static enum hf_err put_boot(struct factory *f)
{
	const struct hf_layout *layout = &f->board.layout;
	struct hf_span room = {layout->boot.addr, layout->boot.size - layout->keyset.size};
	enum hf_err err = hf_firmware_read(&f->boot, f->boot_file, NULL, layout, &f->diag);

	if (err)
		return err;
	if (f->boot.addr != room.addr || f->boot.len > room.size) {
		hf_diag_set(&f->diag, "%s: it lies at 0x%08x, %u bytes; boot has 0x%08x, %u bytes at most, on this board",
			    f->boot_file, f->boot.addr, f->boot.len, room.addr, room.size);
		return HF_ERR_RANGE;
	}
	if (!is_for_board(&f->boot, &f->board)) {
		hf_diag_set(&f->diag, "%s: this is not boot for class %s of %s, whose id is not in it; build boot from this board "
				      "file", f->boot_file, f->board.class_name, f->board.vendor_domain);
		return HF_ERR_DEVICE;
	}
	return hf_flash_image_put(&f->flash, room, f->boot.addr, (struct hf_bytes){f->boot.bytes, f->boot.len});
}

static enum hf_err put_keyset(struct factory *f)
{
	const struct hf_span page = f->board.layout.keyset;

	if (f->keyset_bytes.len <= page.size)
		return hf_flash_image_put(&f->flash, page, page.addr, hf_buffer_bytes(&f->keyset_bytes));
	hf_diag_set(&f->diag, "%s: the keyset has %zu bytes, and its page %u", f->keyset_file, f->keyset_bytes.len,
		    page.size);
	return HF_ERR_TOO_LARGE;
}

static const char *component_name(enum hf_component component)
{
	return component == HF_COMPONENT_RECOVERY ? "recovery" : "firmware";
}

/* The device's individual id does not matter here, unless the package names devices: then one of those is meant. */
static enum hf_err install(struct factory *f, const char *file, const struct hf_package *package,
			   enum hf_component component, unsigned place, struct hf_image *image)
{
	const struct hf_package_device device = {.board = &f->board, .keyset = &f->keyset};
	enum hf_component is = (enum hf_component)hf_package_fact(package).component;
	struct hf_package_target target[HF_PLACES];
	struct hf_package_needs needs;
	struct hf_slot_work work;
	unsigned unchecked;
	enum hf_err err;

	if (is != component) {
		hf_diag_set(&f->diag, "%s: this is a package of %s, and %s is wanted for %s", file, component_name(is),
			    component_name(component), place == HF_PLACE_RECOVERY ? "the recovery partition" : "slot A");
		return HF_ERR_UNSUPPORTED;
	}
	err = hf_package_verify(package, &device, target, &unchecked, &f->diag);
	if (err) {
		hf_diag_prefix(&f->diag, "%s: ", file);
		return err;
	}
	hf_package_needs(package, &needs);
	if (needs.devices > 0) {
		memcpy(f->device, needs.device, sizeof(f->device));
		f->devices = needs.devices < HF_PACKAGE_DEVICES ? needs.devices : HF_PACKAGE_DEVICES;
	}
	err = hf_flash_image_install(&f->flash, place, package, &target[place].image, target[place].payload->bytes);
	if (!err) {
		const struct hf_slot_env env = {&f->flash.flash, f->flash.layout, &hf_host_crypto, &f->keyset,
						needs.device[0]};

		err = hf_slot_verify(&env, place, &work, image);
	}
	if (err)
		hf_diag_set(&f->diag, "%s: what was written does not verify: %s", file, hf_err_text(err));
	return err;
}

/* file NULL: nothing to put there. */
static enum hf_err put_package(struct factory *f, const char *file, enum hf_component component, unsigned place,
			       struct hf_image *image)
{
	struct hf_buffer bytes = {0};
	struct hf_package package;
	enum hf_err err;

	if (!file)
		return HF_OK;
	err = hf_load_package(file, &bytes, &package, &f->diag);
	if (!err)
		err = install(f, file, &package, component, place, image);
	hf_buffer_free(&bytes);
	return err;
}

static enum hf_err make(struct factory *f)
{
	enum hf_err err = hf_board_load(f->board_file, &f->board, &f->diag);

	if (!err)
		err = hf_load_keyset(f->keyset_file, &f->keyset_bytes, &f->keyset, &f->diag);
	if (!err)
		err = hf_flash_image_open(&f->flash, &f->board.layout, &f->diag);
	if (!err)
		err = put_boot(f);
	if (!err)
		err = put_keyset(f);
	if (!err)
		err = put_package(f, f->recovery_file, HF_COMPONENT_RECOVERY, HF_PLACE_RECOVERY, &f->recovery);
	if (!err)
		err = put_package(f, f->package_file, HF_COMPONENT_APP, HF_PLACE_A, &f->image);
	if (err || !f->out)
		return err;
	return hf_file_write(f->out, (struct hf_bytes){f->flash.bytes, f->flash.size}, 0, &f->diag);
}

static json_t *image_json(const struct hf_image *image)
{
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];

	if (image->image_bytes == 0)
		return json_null();
	hf_version_format(image->version, image->versions, version);
	hf_out_hex(image->id, sizeof(image->id), id);
	return json_pack("{s:s, s:s, s:I}", "version", version, "id", id, "image_addr", (json_int_t)image->image_addr);
}

static void report_json(const struct factory *f)
{
	json_t *all = json_pack("{s:s*, s:I, s:I, s:i, s:i}", "flash", f->out, "addr", (json_int_t)f->flash.addr, "bytes",
				(json_int_t)f->flash.size, "boot_bytes", (int)f->boot.len, "keyset",
				(int)f->keyset.number);
	json_t *app = image_json(&f->image);

	if (json_is_object(app))
		json_object_update(all, app);
	json_object_set_new(all, "recovery", image_json(&f->recovery));
	json_decref(app);
	hf_out_json(all);
}

static void report_image(const char *where, uint32_t addr, const struct hf_image *image)
{
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];

	if (image->image_bytes == 0) {
		printf("  0x%08x %s: empty\n", addr, where);
		return;
	}
	hf_version_format(image->version, image->versions, version);
	printf("  0x%08x %s: version %s, image at 0x%08x, %u bytes\n    id %s\n", addr, where, version, image->image_addr,
	       image->image_bytes, hf_out_hex(image->id, sizeof(image->id), id));
}

static void report(const struct factory *f)
{
	const struct hf_layout *layout = &f->board.layout;

	if (f->quiet)
		return;
	if (f->json) {
		if (f->out)
			report_json(f);
		return;
	}
	printf("%s: flash of %u KiB at 0x%08x for %s\n", f->out ? f->out : "to be burned", f->flash.size / 1024, f->flash.addr,
	       f->board.class_name);
	printf("  0x%08x boot, %u bytes\n  0x%08x keyset %u\n", f->boot.addr, f->boot.len, layout->keyset.addr,
	       f->keyset.number);
	report_image("recovery", layout->recovery.addr, &f->recovery);
	report_image("slot A", layout->slot[0].addr, &f->image);
}

/* ---- into a device ---- */

struct protect_args {
	uint32_t rdp;
	bool rdp_given, rdp2, erase_everything;
};

/* A package for certain devices, on one that is not among them, would never start. */
static enum hf_err check_device(struct factory *f, const struct hf_rom *rom)
{
	char id[HF_UUID_TEXT_BYTES];

	if (f->devices == 0)
		return HF_OK;
	for (unsigned i = 0; i < f->devices && rom->link.readable; i++) {
		if (memcmp(f->device[i], rom->device_id, sizeof(rom->device_id)) == 0)
			return HF_OK;
	}
	hf_uuid_format(rom->device_id, id);
	hf_diag_set(&f->diag, "the package is for certain devices, and this one %s%s; nothing was changed",
		    rom->link.readable ? "is " : "is closed and does not say which it is", rom->link.readable ? id : "");
	return HF_ERR_DEVICE;
}

static struct hf_rom_options options_of(const struct factory *f, const struct protect_args *args)
{
	const struct hf_board *b = &f->board;
	struct hf_rom_options o = {.rdp = b->protect.rdp, .bor = b->protect.bor, .watchdog_by_software = true};

	if (args->rdp_given)
		o.rdp = (uint8_t)args->rdp;
	if (args->rdp2)
		o.rdp = 2;
	for (unsigned i = b->partition[HF_PART_BOOT].first; i <= b->partition[HF_PART_BOOT].last && b->protect.boot; i++)
		o.protected |= (uint16_t)(1u << i);
	return o;
}

/* What a station writes into its records: the firmware that was read back from the device. */
static json_t *burned_json(const struct factory *f)
{
	const struct hf_image *image = f->image.image_bytes ? &f->image : &f->recovery;
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];

	hf_version_format(image->version, image->versions, version);
	return json_pack("{s:s, s:s, s:s}", "version", version, "digest", hf_out_hex(image->id, sizeof(image->id), id), "board",
			 f->board.class_name);
}

static enum hf_exit burn(struct factory *f, struct hf_rom_cli *c, const struct protect_args *args)
{
	const struct hf_rom_factory_options options = {
		.flash = f->flash.bytes,
		.protect = options_of(f, args),
		.erase_everything = args->erase_everything,
	};
	enum hf_err err = check_device(f, &c->rom);

	if (!err)
		err = hf_rom_burn_factory(&c->rom, &options, &f->diag);
	if (!err) {
		hf_rom_tell(&c->rom, HF_ROM_OPTIONS, "boot, keyset%s%s are in the device, read back and right; readout protection: %s",
			    f->recovery.image_bytes ? ", recovery" : "", f->image.image_bytes ? ", slot A" : "",
			    hf_rom_rdp_text(options.protect.rdp));
		hf_rom_cli_start(c);
	}
	return hf_rom_cli_end(c, err, &f->diag, err ? NULL : burned_json(f));
}

static enum hf_exit burn_into(struct factory *f, struct hf_port *port, struct hf_rom_cli *c,
			      const struct protect_args *args, const struct hf_usage *usage)
{
	enum hf_exit code;

	c->json = f->json;
	c->quiet = f->quiet;
	if (!f->recovery.image_bytes && f->board.layout.recovery.size)
		hf_out_warning("without --recovery, below the slots there is only the chip's ROM loader%s",
			       options_of(f, args).rdp ? ", which readout protection closes" : "");
	return hf_rom_cli_open(c, port, usage, &code) ? burn(f, c, args) : code;
}

enum hf_exit hf_command_factory(int argc, char **argv)
{
	struct factory f = {0};
	struct hf_port port = {0};
	struct hf_rom_cli rom = {0};
	struct protect_args protect = {0};
	const struct hf_arg options[] = {
		{"boot", 0, HF_ARG_TEXT, "FILE", "boot (ELF, Intel HEX or SREC)", &f.boot_file, NULL},
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the factory keyset", &f.keyset_file, NULL},
		{"recovery", 'r', HF_ARG_TEXT, "FILE", "the package of recovery, for its partition", &f.recovery_file, NULL},
		{"package", 0, HF_ARG_TEXT, "FILE", "the first firmware, for slot A", &f.package_file, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the flash image, from flash's first byte to its last", &f.out,
		 NULL},
		HF_PORT_ARGS(port),
		HF_ROM_CLI_ARGS(rom),
		{"rdp", 0, HF_ARG_U32, "LEVEL", "readout protection, 0 or 1 (default: the board file's)", &protect.rdp,
		 &protect.rdp_given},
		{"rdp2-forever-no-debug-no-rom-no-way-back", 0, HF_ARG_FLAG, NULL,
		 "readout protection level 2: nobody, the maker included, ever uses debug port, ROM loader or option bytes of this chip "
		 "again", &protect.rdp2, NULL},
		{"erase-everything", 0, HF_ARG_FLAG, NULL, "open a chip that readout protection closes: erases all of its flash",
		 &protect.erase_everything, NULL},
		{"quiet", 'q', HF_ARG_FLAG, NULL, "only the result", &f.quiet, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON; with --port as events, one a line", &f.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "factory",
		.summary = "makes what a device leaves the factory with, as a file or in the device",
		.synopsis = "--board FILE --boot FILE --keyset FILE [--recovery FILE] [--package FILE] --out FILE | --port PORT",
		.details = "With --port, boot, keyset, recovery and slot A go into the device through its chip's ROM loader, are read back, and "
			   "the option bytes are set last: write protection of boot, brown-out level, watchdog by software, readout "
			   "protection, as the board file says (`protect`). Cut anywhere, the same command completes it. " HF_ROM_CLI_ENTER,
		.example = "holdfast factory --board boards/reference.conf --boot boot.elf --keyset "
			   "keys/release.keyset \\\n"
			   "      --recovery recovery.suit --package gateway-1.0.0.suit --out flash.bin\n"
			   "  holdfast factory --board boards/reference.conf --boot boot.elf --keyset keys/release.keyset \\\n"
			   "      --recovery recovery.suit --package gateway-1.0.0.suit --port /dev/ttyUSB0",
		.exits = "3 an input file is wrong, 4 the package is refused or the chip is another one, 5 no ROM loader answers, 6 the chip "
			 "is closed or does not keep what is written, 7 interrupted",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	const char *missing;
	struct hf_args_rest rest;
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	f.board_file = port.board_file;
	missing = !f.board_file     ? "--board"
		  : !f.boot_file    ? "--boot"
		  : !f.keyset_file  ? "--keyset"
		  : !f.out && !port.name ? "--out or --port"
		  : !f.package_file && !f.recovery_file ? "--package or --recovery"
							: NULL;
	if (missing)
		return hf_args_wrong(&usage, "%s is missing", missing);
	if (protect.rdp > 1 || (protect.rdp_given && protect.rdp2))
		return hf_args_wrong(&usage, "--rdp is 0 or 1; level 2 has a switch of its own, and excludes it");
	if (!port.name && (protect.rdp_given || protect.rdp2 || protect.erase_everything || rom.lines))
		return hf_args_wrong(&usage, "readout protection, --erase-everything and --lines go with --port: a file has no option bytes");
	err = make(&f);
	code = err ? hf_out_fail(err, &f.diag) : HF_EXIT_OK;
	if (!err)
		report(&f);
	if (!err && port.name)
		code = burn_into(&f, &port, &rom, &protect, &usage);
	hf_firmware_free(&f.boot);
	hf_flash_image_close(&f.flash);
	hf_buffer_free(&f.keyset_bytes);
	return code;
}
