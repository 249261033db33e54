/* SPDX-License-Identifier: MIT
 *
 * `holdfast verify`: would this device take this package? Answers as the device would, before anything is sent.
 */
#include "args.h"
#include "board.h"
#include "command.h"
#include "load.h"
#include "package_verify.h"

struct verify {
	const char *board_file, *keyset_file, *device_id, *current;
	uint32_t security_version, release;
	bool security_given, release_given, json;
	struct hf_board board;
	struct hf_keyset keyset;
	struct hf_package package;
	struct hf_package_device device;
	uint8_t id[16];
};

static bool read_arguments(struct verify *v, const struct hf_usage *usage)
{
	struct hf_package_device *d = &v->device;

	d->board = &v->board;
	d->keyset = &v->keyset;
	if (!v->board_file || !v->keyset_file) {
		hf_args_wrong(usage, "%s is missing", v->board_file ? "--keyset" : "--board");
		return false;
	}
	if (v->device_id && !hf_load_id(v->device_id, v->id)) {
		hf_args_wrong(usage, "--device-id wants 32 hexadecimal digits, not '%s'", v->device_id);
		return false;
	}
	d->id = v->device_id ? v->id : NULL;
	if (v->current && (!hf_version_parse(v->current, &d->version) ||
			   (!v->release_given && !hf_version_release(&d->version, &v->release)))) {
		hf_args_wrong(usage, "--current wants MAJOR.MINOR.PATCH, not '%s'", v->current);
		return false;
	}
	d->sequence_known = v->current || v->security_given || v->release_given;
	d->sequence = (uint64_t)v->security_version << 32 | v->release;
	return true;
}

static void add_unchecked(json_t *list, unsigned unchecked, unsigned bit, const char *text)
{
	if (unchecked & bit)
		json_array_append_new(list, json_string(text));
}

static json_t *unchecked_list(unsigned unchecked)
{
	json_t *list = json_array();

	add_unchecked(list, unchecked, HF_UNCHECKED_DEVICE, "the package is for certain devices (give --device-id)");
	add_unchecked(list, unchecked, HF_UNCHECKED_VERSION, "it upgrades from certain versions (give --current)");
	add_unchecked(list, unchecked, HF_UNCHECKED_SEQUENCE,
		      "security version and release against the device's (give --current, --current-security)");
	return list;
}

static void report(const struct verify *v, const char *file, unsigned unchecked)
{
	json_t *list = unchecked_list(unchecked);
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];
	const char *text;
	size_t i;
	json_t *item;

	hf_version_format(v->package.manifest.version, v->package.manifest.versions, version);
	hf_out_hex(v->package.id, sizeof(v->package.id), id);
	if (v->json) {
		hf_out_json(json_pack("{s:b, s:s, s:s, s:s, s:s, s:o}", "accepted", 1, "package", file, "version",
				      version, "id", id, "class", v->board.class_name, "unchecked", list));
		return;
	}
	printf("%s: %saccepted%s: version %s for %s, signed by keyset %u, whole, starts in either slot\n", file,
	       hf_out_colour(stdout, HF_COLOUR_GREEN), hf_out_colour(stdout, HF_COLOUR_NONE), version,
	       v->board.class_name, v->keyset.number);
	json_array_foreach (list, i, item) {
		text = json_string_value(item);
		printf("  not checked: %s\n", text);
	}
	json_decref(list);
}

static enum hf_exit refuse(const struct verify *v, const char *file, enum hf_err err, const struct hf_diag *diag)
{
	enum hf_exit code = hf_exit_of(err);

	if (v->json)
		hf_out_json(json_pack("{s:b, s:s, s:s, s:s, s:i}", "accepted", 0, "package", file, "verdict",
				      code == HF_EXIT_REFUSED ? "refused"
				      : code == HF_EXIT_INPUT ? "damaged"
							      : "error",
				      "reason", diag->text, "error", (int)err));
	return hf_out_fail(err, diag);
}

static enum hf_exit verify(struct verify *v, const char *file)
{
	struct hf_package_target target[HF_PLACES];
	struct hf_buffer keyset = {0}, package = {0};
	unsigned unchecked = 0;
	enum hf_exit code = HF_EXIT_OK;
	struct hf_diag diag;
	enum hf_err err = hf_board_load(v->board_file, &v->board, &diag);

	if (!err)
		err = hf_load_keyset(v->keyset_file, &keyset, &v->keyset, &diag);
	if (!err)
		err = hf_load_package(file, &package, &v->package, &diag);
	if (!err) {
		err = hf_package_verify(&v->package, &v->device, target, &unchecked, &diag);
		if (err)
			hf_diag_prefix(&diag, "%s: ", file);
	}
	if (err)
		code = refuse(v, file, err, &diag);
	else
		report(v, file, unchecked);
	hf_buffer_free(&package);
	hf_buffer_free(&keyset);
	return code;
}

enum hf_exit hf_command_verify(int argc, char **argv)
{
	struct verify v = {0};
	const struct hf_arg options[] = {
		{"board", 'b', HF_ARG_TEXT, "FILE", "the device's board file", &v.board_file, NULL},
		{"keyset", 'k', HF_ARG_TEXT, "FILE", "the keyset that the device trusts", &v.keyset_file, NULL},
		{"device-id", 'd', HF_ARG_TEXT, "HEX", "the device's id", &v.device_id, NULL},
		{"current", 'c', HF_ARG_TEXT, "X.Y.Z", "version that the device runs", &v.current, NULL},
		{"current-security", 0, HF_ARG_U32, "N", "its security version (default: 0)", &v.security_version,
		 &v.security_given},
		{"current-release", 0, HF_ARG_U32, "N", "its release number (default: from --current)", &v.release,
		 &v.release_given},
		{"json", 0, HF_ARG_FLAG, NULL, "the verdict as JSON", &v.json, NULL},
	};
	const struct hf_usage usage = {
		.command = "verify",
		.summary = "says whether a device would take a package, and if not, why",
		.synopsis = "PACKAGE --board FILE --keyset FILE [options]",
		.example = "holdfast verify gateway-1.1.0.suit --board boards/reference.conf --keyset "
			   "keys/release.keyset",
		.exits = "3 a file is damaged, 4 the package is refused",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 1,
		.rest_max = 1,
	};
	struct hf_args_rest rest;
	enum hf_exit code;

	if (!hf_args_parse(&usage, argc, argv, &rest, &code))
		return code;
	return read_arguments(&v, &usage) ? verify(&v, rest.item[0]) : HF_EXIT_USAGE;
}
