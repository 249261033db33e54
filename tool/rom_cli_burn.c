/* SPDX-License-Identifier: MIT
 *
 * `holdfast burn --via rom`. The work is in rom_slot.c.
 */
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "rom_cli.h"
#include "version.h"

static const char *place_text(unsigned place)
{
	static const char *const texts[] = {"slot A", "slot B", "the recovery partition"};

	return texts[place];
}

static void tell_result(struct hf_rom *rom, const struct hf_rom_slot_result *r)
{
	char version[HF_VERSION_TEXT_BYTES];

	hf_version_format(r->image.version, r->image.versions, version);
	hf_rom_tell(rom, HF_ROM_RECORD, "%s is in %s, read back and right", version, place_text(r->place));
	if (r->journal_kept)
		hf_rom_tell(rom, HF_ROM_RECORD, "kept: journal (%u records), keyset %u, floor %u, configuration (%u bytes)", r->records,
			    r->keyset, r->floor, r->configuration);
	else
		hf_rom_tell(rom, HF_ROM_RECORD, "kept: the factory's keyset %u; the journal is new, with floor %u: there was none, it was "
			    "lost, or it was given up, and with it configuration and history", r->keyset, r->floor);
}

static json_t *facts(const struct hf_rom_slot_result *r)
{
	char version[HF_VERSION_TEXT_BYTES], id[2 * HF_SHA256_BYTES + 1];
	static const char *const places[] = {"A", "B", "recovery"};

	if (r->place >= HF_PLACES)
		return json_object();
	hf_version_format(r->image.version, r->image.versions, version);
	return json_pack("{s:s, s:s, s:s, s:b, s:i, s:i, s:i}", "place", places[r->place], "version", version, "id",
			 hf_out_hex(r->image.id, sizeof(r->image.id), id), "journal_kept", r->journal_kept, "floor", (int)r->floor,
			 "keyset", (int)r->keyset, "configuration_bytes", (int)r->configuration);
}

static bool parse_slot(const char *text, unsigned *place)
{
	*place = HF_ROM_ANY_SLOT;
	if (!text)
		return true;
	if (strlen(text) != 1 || !strchr("AaBb", *text))
		return false;
	*place = *text == 'A' || *text == 'a' ? HF_PLACE_A : HF_PLACE_B;
	return true;
}

static enum hf_exit burn(struct hf_rom_cli *c, const struct hf_rom_slot_options *options)
{
	struct hf_rom_slot_result result;
	struct hf_diag diag = {""};
	enum hf_err err = hf_rom_burn_slot(&c->rom, options, &result, &diag);

	if (!err) {
		tell_result(&c->rom, &result);
		hf_rom_cli_start(c);
	}
	return hf_rom_cli_end(c, err, &diag, c->json ? facts(&result) : NULL);
}

enum hf_exit hf_rom_cli_burn(struct hf_rom_cli *c, struct hf_port *port, const char *file,
			     const struct hf_rom_burn_args *args, const struct hf_usage *usage)
{
	struct hf_rom_slot_options options = {.new_journal = args->new_journal};
	struct hf_buffer bytes = {0};
	struct hf_package package;
	struct hf_diag diag;
	enum hf_exit code;
	enum hf_err err;

	if (!port->board_file)
		return hf_args_wrong(usage, "--via rom needs the board file: --board FILE");
	if (!parse_slot(args->slot, &options.place))
		return hf_args_wrong(usage, "--slot wants A or B, not '%s'", args->slot);
	err = hf_load_package(file, &bytes, &package, &diag);
	options.package = &package;
	if (err)
		code = hf_out_fail(err, &diag);
	else if (hf_rom_cli_open(c, port, usage, &code))
		code = burn(c, &options);
	hf_buffer_free(&bytes);
	return code;
}
