/* SPDX-License-Identifier: MIT
 *
 * `holdfast factory`: flash as a device leaves the factory: boot, the keyset in boot's last page, firmware in slot A,
 * all else blank. The journal is blank too: boot starts what verifies, and the firmware confirms itself.
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
#include "uuid.h"

struct factory {
	const char *board_file, *boot_file, *keyset_file, *package_file, *out;
	bool json;
	struct hf_board board;
	struct hf_buffer keyset_bytes, package_bytes;
	struct hf_keyset keyset;
	struct hf_package package;
	struct hf_firmware boot;
	struct hf_flash_image flash;
	struct hf_image image; /* in slot A */
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

/* The device's individual id does not matter here, unless the package names devices: then one of those is meant. */
static enum hf_err put_firmware(struct factory *f)
{
	const struct hf_package_device device = {.board = &f->board, .keyset = &f->keyset};
	struct hf_package_target target[HF_SLOTS];
	struct hf_package_needs needs;
	struct hf_slot_work work;
	unsigned unchecked;
	enum hf_err err = hf_package_verify(&f->package, &device, target, &unchecked, &f->diag);

	if (err) {
		hf_diag_prefix(&f->diag, "%s: ", f->package_file);
		return err;
	}
	hf_package_needs(&f->package, &needs);
	err = hf_flash_image_install(&f->flash, 0, &f->package, &target[0].image, target[0].payload->bytes);
	if (!err) {
		const struct hf_slot_env env = {&f->flash.flash, f->flash.layout, &hf_host_crypto, &f->keyset,
						needs.device[0]};

		err = hf_slot_verify(&env, 0, &work, &f->image);
	}
	if (err)
		hf_diag_set(&f->diag, "%s: what was written to slot A does not verify: %s", f->package_file,
			    hf_err_text(err));
	return err;
}

static enum hf_err make(struct factory *f)
{
	enum hf_err err = hf_board_load(f->board_file, &f->board, &f->diag);

	if (!err)
		err = hf_load_keyset(f->keyset_file, &f->keyset_bytes, &f->keyset, &f->diag);
	if (!err)
		err = hf_load_package(f->package_file, &f->package_bytes, &f->package, &f->diag);
	if (!err)
		err = hf_flash_image_open(&f->flash, &f->board.layout, &f->diag);
	if (!err)
		err = put_boot(f);
	if (!err)
		err = put_keyset(f);
	if (!err)
		err = put_firmware(f);
	return err ? err : hf_file_write(f->out, (struct hf_bytes){f->flash.bytes, f->flash.size}, 0, &f->diag);
}

static void report(const struct factory *f)
{
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];

	hf_version_format(f->image.version, f->image.versions, version);
	hf_out_hex(f->image.id, sizeof(f->image.id), id);
	if (f->json) {
		hf_out_json(json_pack("{s:s, s:I, s:I, s:i, s:i, s:s, s:s, s:I}", "flash", f->out, "addr",
				      (json_int_t)f->flash.addr, "bytes", (json_int_t)f->flash.size, "boot_bytes",
				      (int)f->boot.len, "keyset", (int)f->keyset.number, "version", version, "id", id,
				      "image_addr", (json_int_t)f->image.image_addr));
		return;
	}
	printf("%s: flash of %u KiB at 0x%08x for %s\n", f->out, f->flash.size / 1024, f->flash.addr,
	       f->board.class_name);
	printf("  0x%08x boot, %u bytes\n  0x%08x keyset %u\n  0x%08x slot A: version %s, image at 0x%08x, %u "
	       "bytes\n  id %s\n",
	       f->boot.addr, f->boot.len, f->board.layout.keyset.addr, f->keyset.number, f->board.layout.slot[0].addr,
	       version, f->image.image_addr, f->image.image_bytes, id);
}

enum hf_exit hf_command_factory(int argc, char **argv)
{
	struct factory f = {0};
	const struct hf_arg options[] = {
		{"board", 'b', HF_ARG_TEXT, "FILE", "the board file", &f.board_file, NULL},
		{"boot", 0, HF_ARG_TEXT, "FILE", "boot (ELF, Intel HEX or SREC)", &f.boot_file, NULL},
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the factory keyset", &f.keyset_file, NULL},
		{"package", 'p', HF_ARG_TEXT, "FILE", "the first firmware, for slot A", &f.package_file, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the flash image, from flash's first byte to its last", &f.out,
		 NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &f.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "factory",
		.summary = "makes the flash image that a device leaves the factory with",
		.synopsis = "--board FILE --boot FILE --keyset FILE --package FILE --out FILE",
		.example = "holdfast factory --board boards/reference.conf --boot boot.elf --keyset "
			   "keys/release.keyset \\\n"
			   "      --package gateway-1.0.0.suit --out flash.bin",
		.exits = "3 an input file is wrong, 4 the package is refused",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
	};
	const char *missing;
	struct hf_args_rest rest;
	enum hf_exit code;
	enum hf_err err;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	missing = !f.board_file     ? "--board"
		  : !f.boot_file    ? "--boot"
		  : !f.keyset_file  ? "--keyset"
		  : !f.package_file ? "--package"
		  : !f.out          ? "--out"
				    : NULL;
	if (missing)
		return hf_args_wrong(&usage, "%s is missing", missing);
	err = make(&f);
	if (err)
		code = hf_out_fail(err, &f.diag);
	else
		code = HF_EXIT_OK;
	if (!err)
		report(&f);
	hf_firmware_free(&f.boot);
	hf_flash_image_close(&f.flash);
	hf_buffer_free(&f.package_bytes);
	hf_buffer_free(&f.keyset_bytes);
	return code;
}
