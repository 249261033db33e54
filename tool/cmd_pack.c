/* SPDX-License-Identifier: MIT
 *
 * `holdfast pack`: firmware files in, a signed package out. What was built is read back and verified as a device
 * would, for the very board it is made for, before it is written: a package that would be refused is never handed
 * out.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "board.h"
#include "command.h"
#include "image.h"
#include "keys.h"
#include "load.h"
#include "package.h"
#include "package_verify.h"
#include "pad.h"

struct pack {
	/* As given. */
	const char *board_file, *keyset_file, *version, *from, *description, *component, *out;
	const char *fixed[HF_SLOTS];
	struct hf_args_list devices, later;
	struct hf_keys keys;
	uint32_t security_version, release, pad_to, offset;
	bool release_given, pad_given, offset_given, any_base, json, quiet;
	struct hf_args_rest files;

	/* As made of it. */
	struct hf_board board;
	struct hf_buffer keyset_bytes;
	struct hf_keyset keyset;
	struct hf_package_signers by;
	struct hf_firmware firmware[HF_SLOTS];
	struct hf_image_content content[HF_SLOTS];
	struct hf_package_spec spec;
	char default_text[160];
	struct hf_buffer package;
	struct hf_diag diag;
};

/* ---- arguments ---- */

/* False: a message was printed. */
static bool read_spec(struct pack *p, const struct hf_usage *usage)
{
	struct hf_package_spec *spec = &p->spec;

	if (!hf_version_parse(p->version, &spec->version) ||
	    (!p->release_given && !hf_version_release(&spec->version, &p->release))) {
		hf_args_wrong(usage, "--version wants MAJOR.MINOR.PATCH (at most 255.255.65535), not '%s'",
			      p->version);
		return false;
	}
	if (p->from && !hf_version_conditions_parse(p->from, &spec->from)) {
		hf_args_wrong(usage, "--from wants conditions like '>=1.0.0,<2.0.0', not '%s'", p->from);
		return false;
	}
	if (p->devices.count > HF_PACKAGE_DEVICES) {
		hf_args_wrong(usage, "a package can name %d devices at most", HF_PACKAGE_DEVICES);
		return false;
	}
	for (; spec->devices < p->devices.count; spec->devices++) {
		if (hf_load_id(p->devices.item[spec->devices], spec->device[spec->devices]))
			continue;
		hf_args_wrong(usage, "--device-id wants 32 hexadecimal digits, not '%s'",
			      p->devices.item[spec->devices]);
		return false;
	}
	spec->sequence = (uint64_t)p->security_version << 32 | p->release;
	for (; p->by.laters < p->later.count && p->by.laters < HF_SUIT_SIGNATURES; p->by.laters++) {
		int alg = hf_alg_parse(p->later.item[p->by.laters]);

		p->by.later[p->by.laters] = alg;
		if (alg)
			continue;
		hf_args_wrong(usage, "--room-for wants esp256 or hss-lms, not '%s'", p->later.item[p->by.laters]);
		return false;
	}
	return true;
}

static bool check_usage(const struct pack *p, const struct hf_usage *usage)
{
	bool pair = p->fixed[0] || p->fixed[1];

	if (!p->board_file || !p->keys.names.count || !p->version || !p->out)
		hf_args_wrong(usage, "%s is missing",
			      !p->board_file ? "--board"
			      : !p->keys.names.count ? "--key"
			      : !p->version  ? "--version"
					     : "--out");
	else if (p->component && strcmp(p->component, "app") != 0 && strcmp(p->component, "recovery") != 0)
		hf_args_wrong(usage, "--component is app or recovery, not '%s'", p->component);
	else if (p->json && strcmp(p->out, "-") == 0)
		hf_args_wrong(usage, "--json and a package on standard output do not go together");
	else if (pair && (!p->fixed[0] || !p->fixed[1]))
		hf_args_wrong(usage,
			      "firmware that cannot be relocated needs a build for each slot: --slot-a and --slot-b");
	else if (pair && p->offset_given)
		hf_args_wrong(usage, "where a pair of fixed builds lies was decided when it was linked: no --offset");
	else if (pair && p->files.count)
		hf_args_wrong(usage, "either a pair of fixed builds, or files that are relocated");
	else if (!pair && !p->files.count)
		hf_args_wrong(usage, "no firmware was given");
	else
		return true;
	return false;
}

/* ---- input ---- */

/* FILE or FILE@ADDRESS; a file whose name really ends so is taken as it is. */
static enum hf_err read_firmware(struct pack *p, const char *argument, struct hf_firmware *fw)
{
	const char *at = strrchr(argument, '@');
	uint32_t addr;
	char *path;
	enum hf_err err;

	if (!at || access(argument, F_OK) == 0 || !hf_args_u32(at + 1, &addr))
		return hf_firmware_read(fw, argument, NULL, &p->board.layout, &p->diag);
	path = strndup(argument, (size_t)(at - argument));
	err = hf_firmware_read(fw, path, &addr, &p->board.layout, &p->diag);
	free(path);
	return err;
}

static enum hf_err read_relocatable(struct pack *p)
{
	enum hf_err err = read_firmware(p, p->files.item[0], &p->firmware[0]);

	p->spec.contents = 1;
	if (!err && p->files.count == 2)
		err = read_firmware(p, p->files.item[1], &p->firmware[1]);
	if (err)
		return err;
	if (p->files.count == 2)
		return hf_image_from_two(&p->content[0], &p->firmware[0], &p->firmware[1], &p->board.layout,
					 &p->diag);
	if (p->firmware[0].elf)
		return hf_image_from_one(&p->content[0], &p->firmware[0], &p->board.layout, &p->diag);
	hf_diag_set(&p->diag,
		    "%s: one %s file does not tell its addresses; give the same firmware linked at a second base as "
		    "well, or a build for each slot with --slot-a and --slot-b",
		    p->files.item[0], hf_image_format_name(p->firmware[0].format));
	return HF_ERR_UNSUPPORTED;
}

static enum hf_err read_pair(struct pack *p)
{
	enum hf_err err = HF_OK;

	p->spec.contents = HF_SLOTS;
	for (unsigned i = 0; i < HF_SLOTS && !err; i++) {
		err = read_firmware(p, p->fixed[i], &p->firmware[i]);
		if (!err)
			err = hf_image_fixed(&p->content[i], &p->firmware[i], p->board.layout.slot[i],
					     &p->board.layout, &p->diag);
	}
	return err;
}

/* What a key is for stands in its file and in the keyset. One that is for something else would make a package that every
 * device refuses. */
static enum hf_err check_role(struct pack *p, const struct hf_signer *signer)
{
	int role = hf_keyset_role_of(p->keyset_file ? &p->keyset : NULL, hf_signer_key(signer));

	if (role == HF_ROLE_RELEASE || role == HF_ROLE_UNKNOWN)
		return HF_OK;
	hf_diag_set(&p->diag, "%s: this is a %s key; firmware is signed by a release key", hf_signer_name(signer),
		    hf_role_name((unsigned)role));
	return HF_ERR_KEY;
}

static enum hf_err read_keys(struct pack *p)
{
	enum hf_err err = HF_OK;

	if (p->keyset_file)
		err = hf_load_keyset(p->keyset_file, &p->keyset_bytes, &p->keyset, &p->diag);
	if (!err)
		err = hf_keys_open(&p->keys, &p->diag);
	p->by.signer = p->keys.signer;
	p->by.count = p->keys.count;
	for (unsigned i = 0; i < p->keys.count && !err; i++)
		err = check_role(p, p->keys.signer[i]);
	return err;
}

/* Our own firmware carries its board's vendor and class ids, one behind the other. */
static const uint8_t *find_vendor(const struct pack *p, const struct hf_firmware *fw)
{
	const uint8_t *at = fw->len ? memmem(fw->bytes, fw->len, p->board.layout.vendor_id, 16) : NULL;

	return at && (size_t)(fw->bytes + fw->len - at) >= 32 ? at : NULL;
}

static bool lies_in(uint32_t addr, struct hf_span span)
{
	return addr - span.addr < span.size;
}

/* What was not said is seen by where the (first) file is linked, if it is certain to be this board's: where one board has
 * its recovery, another may have a slot. */
static enum hf_component component_of(const struct pack *p)
{
	const struct hf_firmware *fw = &p->firmware[0];

	if (p->component)
		return strcmp(p->component, "recovery") == 0 ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
	return find_vendor(p, fw) && lies_in(fw->addr, p->board.layout.recovery) ? HF_COMPONENT_RECOVERY : HF_COMPONENT_APP;
}

/* What carries the vendor's id with another class was built for another board. And whatever it is, it was linked for where it
 * is to run. */
static enum hf_err check_board(struct pack *p, const struct hf_firmware *fw)
{
	const struct hf_layout *layout = &p->board.layout;
	const uint8_t *vendor = find_vendor(p, fw);

	if (vendor && memcmp(vendor + 16, layout->class_id, 16) != 0) {
		hf_diag_set(&p->diag, "%s: it was built for another board of %s than %s; build it from this board file", fw->name,
			    p->board.vendor_domain, p->board.class_name);
		return HF_ERR_CLASS;
	}
	if (!fw->len || p->any_base || lies_in(fw->addr, layout->slot[0]) || lies_in(fw->addr, layout->slot[1]) ||
	    (component_of(p) == HF_COMPONENT_RECOVERY && lies_in(fw->addr, layout->recovery)))
		return HF_OK;
	hf_diag_set(&p->diag, "%s: it is linked at 0x%08x, where this board has no slot, so it may be for another board; if it is for "
			      "this one, pack it with --any-base", fw->name, fw->addr);
	return HF_ERR_SLOT;
}

/* ---- the package ---- */

/* As low in its slot as the head lets it, or where it was asked for. */
static enum hf_err place(struct pack *p)
{
	uint32_t *offset = &p->spec.content[0].image_offset;
	enum hf_err err = hf_package_place_for(&p->spec, &p->by, &p->diag);

	if (err || !p->offset_given)
		return err;
	if (p->offset % HF_IMAGE_ALIGN || p->offset < *offset) {
		hf_diag_set(&p->diag, "--offset 0x%x: this image can begin at 0x%x of its slot or a higher multiple of %u", p->offset,
			    *offset, HF_IMAGE_ALIGN);
		return HF_ERR_RANGE;
	}
	*offset = p->offset;
	return HF_OK;
}

static enum hf_err fill_contents(struct pack *p)
{
	struct hf_package_spec *spec = &p->spec;

	for (unsigned i = 0; i < spec->contents; i++) {
		struct hf_image_content *c = &p->content[i];
		enum hf_err err = p->pad_given ? hf_image_pad(c, p->pad_to, &p->diag) : HF_OK;

		if (err)
			return err;
		spec->content[i].table = (struct hf_bytes){c->table, c->table_bytes};
		spec->content[i].image = (struct hf_bytes){c->image, c->image_bytes};
		if (spec->contents == HF_SLOTS)
			spec->content[i].image_offset = c->link_addr - p->board.layout.slot[i].addr;
	}
	return spec->contents == 1 ? place(p) : HF_OK;
}

static enum hf_err build(struct pack *p)
{
	struct hf_package_spec *spec = &p->spec;
	enum hf_err err;

	spec->component = component_of(p);
	spec->vendor_id = p->board.layout.vendor_id;
	spec->class_id = p->board.layout.class_id;
	spec->vendor_name = p->board.vendor_domain;
	spec->model_name = p->board.class_name;
	spec->description = p->description;
	if (!p->description) {
		snprintf(p->default_text, sizeof(p->default_text), "%s %s for %s",
			 spec->component == HF_COMPONENT_RECOVERY ? "Recovery" : "Firmware", p->version,
			 p->board.class_name);
		spec->description = p->default_text;
	}
	err = fill_contents(p);
	return err ? err : hf_package_build_by(spec, &p->by, &p->package, &p->diag);
}

/* A keyset that demands of a package just what it was signed with. */
static struct hf_keyset keyset_of_signers(const struct pack *p)
{
	struct hf_keyset keyset = {.number = 1, .threshold = 1};

	for (unsigned i = 0; i < p->keys.count; i++) {
		const struct hf_public_key *key = hf_signer_key(p->keys.signer[i]);
		bool demanded = false;

		keyset.key[keyset.keys++] = (struct hf_key){HF_ROLE_RELEASE, key->alg, hf_public_key_bytes(key)};
		for (unsigned k = 0; k < keyset.algs; k++)
			demanded = demanded || keyset.alg[k] == key->alg;
		if (!demanded)
			keyset.alg[keyset.algs++] = key->alg;
	}
	return keyset;
}

static enum hf_err check(struct pack *p, struct hf_package *package, struct hf_package_target target[HF_PLACES])
{
	const struct hf_keyset own = keyset_of_signers(p);
	const struct hf_package_device device = {.board = &p->board,
						 .keyset = p->keyset_file && !p->by.laters ? &p->keyset : &own};
	enum hf_err err = hf_package_read(hf_buffer_bytes(&p->package), package, &p->diag);
	unsigned unchecked;

	return err ? err : hf_package_verify(package, &device, target, &unchecked, &p->diag);
}

/* ---- report ---- */

static void report_json(const struct pack *p, const struct hf_package *package,
			const struct hf_package_target target[HF_PLACES])
{
	char id[2 * HF_SHA256_BYTES + 1];
	json_t *images = json_array();
	json_t *warnings = json_array();

	for (unsigned i = 0; i < p->spec.contents; i++) {
		json_array_append_new(images,
				      json_pack("{s:i, s:i, s:i, s:i}", "bytes", (int)target[i].image.image_bytes,
						"table_bytes", (int)target[i].image.table_bytes, "relocated_words",
						(int)p->content[i].entries, "offset",
						(int)p->spec.content[i].image_offset));
		for (size_t k = 0; k < p->content[i].warning_count; k++)
			json_array_append_new(warnings, json_string(p->content[i].warnings[k].text));
	}
	hf_out_json(json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "package", p->out, "bytes",
			      (int)p->package.len, "component",
			      p->spec.component == HF_COMPONENT_RECOVERY ? "recovery" : "app", "id", hf_out_hex(package->id, sizeof(package->id), id), "version", p->version,
			      "sequence", hf_json_u64(p->spec.sequence), "images", images, "warnings", warnings));
}

static void report(const struct pack *p, const struct hf_package *package,
		   const struct hf_package_target target[HF_PLACES])
{
	char id[2 * HF_SHA256_BYTES + 1];

	bool recovery = p->spec.component == HF_COMPONENT_RECOVERY;

	printf("%s: %sversion %s, security version %u, for %s, %zu bytes\n", p->out, recovery ? "recovery " : "",
	       p->version, p->security_version, p->board.class_name, p->package.len);
	for (unsigned i = 0; i < p->spec.contents; i++) {
		if (p->spec.contents == HF_SLOTS)
			printf("  slot %c: ", 'A' + (int)i);
		else
			printf(recovery ? "  any place: " : "  either slot: ");
		printf("image of %u bytes at offset 0x%x", target[i].image.image_bytes,
		       p->spec.content[i].image_offset);
		if (target[i].image.table_bytes)
			printf(", %u words relocated by a table of %u bytes", p->content[i].entries,
			       target[i].image.table_bytes);
		printf("\n");
	}
	printf("  id %s\n", hf_out_hex(package->id, sizeof(package->id), id));
}

static void warn(const struct pack *p)
{
	for (unsigned i = 0; i < p->spec.contents; i++) {
		unsigned in_code = 0;

		for (size_t k = 0; k < p->content[i].warning_count; k++) {
			if (p->content[i].warnings[k].code)
				in_code++;
			else
				hf_out_warning("%s", p->content[i].warnings[k].text);
		}
		if (in_code)
			hf_out_warning("%u words among the instructions look like addresses of the image and were "
				       "left alone; --json lists them",
				       in_code);
	}
}

static enum hf_err pack(struct pack *p)
{
	struct hf_package_target target[HF_PLACES];
	struct hf_package package;
	enum hf_err err = hf_board_load(p->board_file, &p->board, &p->diag);

	p->keys.quiet = p->quiet || p->json;
	if (!err)
		err = read_keys(p);
	if (!err)
		err = p->fixed[0] ? read_pair(p) : read_relocatable(p);
	for (unsigned i = 0; i < HF_SLOTS && !err; i++)
		err = check_board(p, &p->firmware[i]);
	if (!err)
		err = build(p);
	if (!err)
		err = check(p, &package, target);
	if (!err)
		err = hf_file_write(p->out, hf_buffer_bytes(&p->package), 0, &p->diag);
	if (err)
		return err;
	if (p->json) {
		report_json(p, &package, target);
		return HF_OK;
	}
	warn(p);
	if (!p->quiet && strcmp(p->out, "-") != 0)
		report(p, &package, target);
	return HF_OK;
}

enum hf_exit hf_command_pack(int argc, char **argv)
{
	struct pack *p = calloc(1, sizeof(*p));
	const struct hf_arg options[] = {
		{"board", 'b', HF_ARG_TEXT, "FILE", "the board file", &p->board_file, NULL},
		HF_KEYS_ARGS(p->keys, "a release key that signs (a file or a pkcs11: URI); once for each signature"),
		{"keyset", 0, HF_ARG_TEXT, "FILE", "the keyset that devices trust: the package must satisfy it", &p->keyset_file,
		 NULL},
		{"room-for", 0, HF_ARG_LIST, "ALG",
		 "esp256 or hss-lms: leave room for a signature that `holdfast sign` will add", &p->later, NULL},
		{"version", 'v', HF_ARG_TEXT, "X.Y.Z", "the firmware's version", &p->version, NULL},
		{"out", 'o', HF_ARG_TEXT, "FILE", "the package", &p->out, NULL},
		{"security-version", 's', HF_ARG_U32, "N", "devices never go back below it (default: 0)",
		 &p->security_version, NULL},
		{"release", 0, HF_ARG_U32, "N", "release number (default: from the version)", &p->release,
		 &p->release_given},
		{"from", 0, HF_ARG_TEXT, "COND", "versions it upgrades from: '>=1.0.0,<2.0.0'", &p->from, NULL},
		{"device-id", 'd', HF_ARG_LIST, "HEX", "for this device only; may be given several times",
		 &p->devices, NULL},
		{"component", 0, HF_ARG_TEXT, "NAME", "app or recovery (default: by where the file is linked)",
		 &p->component, NULL},
		{"description", 0, HF_ARG_TEXT, "TEXT", "for people, signed with the rest", &p->description, NULL},
		{"slot-a", 0, HF_ARG_TEXT, "FILE", "a build for slot A that cannot be relocated ...", &p->fixed[0],
		 NULL},
		{"slot-b", 0, HF_ARG_TEXT, "FILE", "... and its twin for slot B", &p->fixed[1], NULL},
		{"any-base", 0, HF_ARG_FLAG, NULL, "the firmware may be linked outside the board's slots", &p->any_base, NULL},
		{"pad-to", 0, HF_ARG_SIZE, "SIZE", "pad the image to this size, for measurements", &p->pad_to,
		 &p->pad_given},
		{"offset", 0, HF_ARG_SIZE, "SIZE", "where in its slot the image begins (default: as low as it can)", &p->offset,
		 &p->offset_given},
		{"quiet", 'q', HF_ARG_FLAG, NULL, "no report, warnings only", &p->quiet, NULL},
		{"json", 0, HF_ARG_FLAG, NULL, "report as JSON", &p->json, NULL},
	};
	const struct hf_usage usage = {
		.command = "pack",
		.summary = "makes a signed package of firmware",
		.synopsis = "--board FILE --key FILE --version X.Y.Z --out FILE FIRMWARE [FIRMWARE]",
		.details = "FIRMWARE is an ELF, Intel HEX or SREC file, or FILE@ADDRESS for a raw binary; two are\n"
			   "the same firmware linked at two bases (exact), one is an ELF that was linked with\n"
			   "--emit-relocs. The same input and ESP256 key file give the same bytes. Every signature by an\n"
			   "HSS-LMS key uses up one of its 1024 one-time keys.",
		.example = "holdfast pack --board boards/reference.conf --key keys/release.pem --version 1.1.0 \\\n"
			   "      --out gateway-1.1.0.suit gateway-a.elf gateway-b.elf",
		.exits = "3 an input file is wrong, 4 the package would be refused",
		.arg = options,
		.args = sizeof(options) / sizeof(options[0]),
		.rest_min = 0,
		.rest_max = 2,
	};
	enum hf_exit exit_code;
	enum hf_err err;

	if (!p) {
		hf_out_error("out of memory");
		return HF_EXIT_INTERNAL;
	}
	if (hf_args_parse(&usage, argc, argv, &p->files, &exit_code)) {
		exit_code = HF_EXIT_USAGE;
		if (check_usage(p, &usage) && read_spec(p, &usage)) {
			err = pack(p);
			exit_code = err ? hf_keys_fail(err, &p->diag) : HF_EXIT_OK;
		}
	}
	hf_keys_close(&p->keys);
	hf_buffer_free(&p->keyset_bytes);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		hf_image_content_free(&p->content[i]);
		hf_firmware_free(&p->firmware[i]);
	}
	hf_buffer_free(&p->package);
	free(p);
	return exit_code;
}
