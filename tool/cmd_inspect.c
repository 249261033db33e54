/* SPDX-License-Identifier: MIT
 *
 * `holdfast inspect`: what is in this file? Kinds are told by content, never by name. Or: what happened to this device?
 */
#include <string.h>

#include "args.h"
#include "cbor_diag.h"
#include "command.h"
#include "file.h"
#include "inspect.h"
#include "load.h"

#define DIAG_LIMIT 1024 /* longer strings are cut off: payloads */

typedef enum hf_err inspector(const struct hf_inspect *in, struct hf_diag *diag);

static bool begins(struct hf_bytes file, const char *with, size_t len)
{
	return file.len >= len && memcmp(file.ptr, with, len) == 0;
}

/* The reader of firmware asks for an address, which helps `pack` only. */
static enum hf_err inspect_firmware(const struct hf_inspect *in, struct hf_diag *diag)
{
	enum hf_err err = hf_inspect_firmware(in, diag);

	if (err == HF_ERR_TYPE && !begins(in->file, "\x7f" "ELF", 4))
		hf_diag_set(diag, "it is neither a package, a slot's dump, a keyset, nor firmware as ELF, Intel HEX or SREC");
	return err;
}

/* Bare: { 1: 1, 2: ...; signed: [ << keyset >>, ... ]. */
static bool is_keyset(struct hf_bytes file)
{
	return (file.len > 4 && file.ptr[0] >= 0xa4 && file.ptr[0] <= 0xa8 && memcmp(file.ptr + 1, "\x01\x01\x02", 3) == 0) ||
	       begins(file, "\x82\x58", 2) || begins(file, "\x82\x59", 2);
}

static inspector *recognise(struct hf_bytes file)
{
	if (begins(file, "\xd8\x6b\xa2", 3))
		return hf_inspect_slot;
	if (begins(file, "\xd8\x6b", 2))
		return hf_inspect_package;
	if (is_keyset(file))
		return hf_inspect_keyset;
	return inspect_firmware;
}

static bool is_blank(struct hf_bytes file)
{
	for (size_t i = 0; i < file.len; i++) {
		if (file.ptr[i] != 0xff)
			return false;
	}
	return true;
}

/* An envelope that ends with its manifest is a package without severed members, not a slot. */
static bool is_bare_package(struct hf_bytes file)
{
	struct hf_package p;

	return hf_package_read(file, &p, NULL) == HF_OK;
}

static enum hf_err inspect(const struct hf_inspect *in, bool notation, struct hf_diag *diag)
{
	inspector *look = recognise(in->file);
	enum hf_err err;

	if (is_blank(in->file)) {
		hf_diag_set(diag, in->file.len ? "nothing but FF is in it: erased flash" : "the file is empty");
		return HF_ERR_ENCODING;
	}
	if (notation) {
		err = hf_cbor_diag(in->file, DIAG_LIMIT, stdout);
		if (err)
			hf_diag_set(diag, "this is not CBOR, or not in its shortest form: %s", hf_err_text(err));
		return err;
	}
	if (look == hf_inspect_slot && is_bare_package(in->file))
		look = hf_inspect_package;
	return look(in, diag);
}

/* The reader of firmware names its file itself. */
static void name_file(const char *path, struct hf_diag *diag)
{
	if (strncmp(diag->text, path, strlen(path)) != 0)
		hf_diag_prefix(diag, "%s: ", path);
}

static enum hf_exit inspect_file(const char *path, const struct hf_upkeep *u, bool notation)
{
	const char *board_file = u->port.board_file;
	struct hf_buffer file;
	struct hf_board board;
	struct hf_inspect in;
	struct hf_diag diag;
	enum hf_err err = board_file ? hf_board_load(board_file, &board, &diag) : HF_OK;

	if (!err)
		err = hf_file_read(path, HF_PACKAGE_FILE_MAX, &file, &diag);
	if (err)
		return hf_out_fail(err, &diag);
	in = (struct hf_inspect){path, hf_buffer_bytes(&file), board_file ? &board : NULL, u->json};
	err = inspect(&in, notation, &diag);
	if (err)
		name_file(path, &diag);
	hf_buffer_free(&file);
	return err ? hf_out_fail(err, &diag) : HF_EXIT_OK;
}

enum hf_exit hf_command_inspect(int argc, char **argv)
{
	struct hf_upkeep u = {0};
	bool notation = false;
	const struct hf_arg options[] = {
		HF_PORT_ARGS(u.port),
		{"json", 0, HF_ARG_FLAG, NULL, "as JSON; numbers over 2^53 are strings", &u.json, NULL},
		{"diag", 0, HF_ARG_FLAG, NULL, "the file's CBOR in diagnostic notation", &notation, NULL},
	};
	const struct hf_usage usage = {
		.command = "inspect",
		.summary = "shows what is in a package, slot dump, keyset or firmware file; or a device's black box",
		.synopsis = "FILE [options]  |  --port PORT | --device ID [options]",
		.details = "Of a file, signatures are not checked, only digests; `holdfast verify` checks all. With --board slots and firmware\n"
			   "are checked against it.\n"
			   "Of a device, its black box is read: why it restarted, how often in a row, what a power loss has torn, who\n"
			   "repaired it, what is still open, the last errors, and what boot will start next. The newest comes first.",
		.example = "holdfast inspect gateway-1.1.0.suit\n  holdfast inspect --port /dev/ttyUSB0",
		.exits = "3 the file is damaged or of no known kind, 6 the device refuses, 7 interrupted, " HF_PORT_EXITS,
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;
	bool device;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	device = u.port.name || u.port.device;
	if (device == (rest.count == 1))
		return hf_args_wrong(&usage, "either a file or a device: FILE, --port or --device");
	if (notation && (u.json || device))
		return hf_args_wrong(&usage, device ? "--diag is for files" : "one of --json and --diag at a time");
	if (!device)
		return inspect_file(rest.item[0], &u, notation);
	if (hf_upkeep_begin(&u, &usage, false, &code))
		code = hf_inspect_device(&u);
	hf_upkeep_end(&u);
	return code;
}
