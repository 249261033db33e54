/* SPDX-License-Identifier: MIT
 *
 * `holdfast factory`: flash as a device leaves the factory: boot, the keyset in boot's last page, recovery, firmware in
 * slot A, all else blank. Either of the two may be left out: recovery alone waits for its firmware. The journal is blank too: boot starts what verifies, and the firmware confirms itself.
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
	const char *board_file, *boot_file, *keyset_file, *package_file, *recovery_file, *out;
	bool json;
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
	return err ? err : hf_file_write(f->out, (struct hf_bytes){f->flash.bytes, f->flash.size}, 0, &f->diag);
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
	json_t *all = json_pack("{s:s, s:I, s:I, s:i, s:i}", "flash", f->out, "addr", (json_int_t)f->flash.addr, "bytes",
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

	if (f->json) {
		report_json(f);
		return;
	}
	printf("%s: flash of %u KiB at 0x%08x for %s\n", f->out, f->flash.size / 1024, f->flash.addr,
	       f->board.class_name);
	printf("  0x%08x boot, %u bytes\n  0x%08x keyset %u\n", f->boot.addr, f->boot.len, layout->keyset.addr,
	       f->keyset.number);
	report_image("recovery", layout->recovery.addr, &f->recovery);
	report_image("slot A", layout->slot[0].addr, &f->image);
}

enum hf_exit hf_command_factory(int argc, char **argv)
{
	struct factory f = {0};
	const struct hf_arg options[] = {
		{"board", 'b', HF_ARG_TEXT, "FILE", "the board file", &f.board_file, NULL},
		{"boot", 0, HF_ARG_TEXT, "FILE", "boot (ELF, Intel HEX or SREC)", &f.boot_file, NULL},
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the factory keyset", &f.keyset_file, NULL},
		{"recovery", 'r', HF_ARG_TEXT, "FILE", "the package of recovery, for its partition", &f.recovery_file, NULL},
		{"package", 'p', HF_ARG_TEXT, "FILE", "the first firmware, for slot A", &f.package_file, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the flash image, from flash's first byte to its last", &f.out,
		 NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &f.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "factory",
		.summary = "makes the flash image that a device leaves the factory with",
		.synopsis = "--board FILE --boot FILE --keyset FILE [--recovery FILE] [--package FILE] --out FILE",
		.example = "holdfast factory --board boards/reference.conf --boot boot.elf --keyset "
			   "keys/release.keyset \\\n"
			   "      --recovery recovery.suit --package gateway-1.0.0.suit --out flash.bin",
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
		  : !f.out          ? "--out"
		  : !f.package_file && !f.recovery_file ? "--package or --recovery"
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
	hf_buffer_free(&f.keyset_bytes);
	return code;
}
