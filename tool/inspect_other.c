/* SPDX-License-Identifier: MIT
 *
 * Keysets, and firmware before it is packed.
 */
#include <string.h>

#include "host_crypto.h"
#include "keyset_file.h"
#include "image.h"
#include "inspect.h"
#include "out.h"

/* ---- keysets ---- */

static void key_id(const struct hf_key *key, char text[17])
{
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of(key->public_key, digest);
	hf_out_hex(digest, 8, text);
}

static json_t *facts_of_keyset(const struct hf_inspect *in, const struct hf_keyset *keyset)
{
	char id[17], hex[2 * 256 + 1];
	json_t *keys = json_array(), *algs = json_array();

	for (unsigned i = 0; i < keyset->keys; i++) {
		const struct hf_key *key = &keyset->key[i];

		key_id(key, id);
		json_array_append_new(keys,
				      json_pack("{s:s, s:s, s:s, s:s}", "role", hf_role_name(key->role), "algorithm",
						hf_alg_name(key->alg), "id", id, "public_key",
						key->public_key.len <= 256
							? hf_out_hex(key->public_key.ptr, key->public_key.len, hex)
							: ""));
	}
	for (unsigned i = 0; i < keyset->algs; i++)
		json_array_append_new(algs, json_string(hf_alg_name(keyset->alg[i])));
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "kind", "keyset", "file", in->path, "bytes",
			 (json_int_t)in->file.len, "number", (json_int_t)keyset->number, "keys", keys, "demands",
			 algs);
}

enum hf_err hf_inspect_keyset(const struct hf_inspect *in, struct hf_diag *diag)
{
	struct hf_keyset_file parts;
	enum hf_err err = hf_keyset_file_read(in->file, &parts);
	const struct hf_keyset keyset = parts.keyset;

	if (err) {
		hf_diag_set(diag, "this is not a keyset: %s", hf_err_text(err));
		return err;
	}
	if (in->json) {
		hf_out_json(facts_of_keyset(in, &keyset));
		return HF_OK;
	}
	printf("%s%s%s: keyset %u, %zu bytes, %u signatures\n", hf_out_colour(stdout, HF_COLOUR_BOLD), in->path,
	       hf_out_colour(stdout, HF_COLOUR_NONE), keyset.number, in->file.len, parts.count);
	for (unsigned i = 0; i < keyset.keys; i++) {
		char id[17];

		key_id(&keyset.key[i], id);
		printf("  %-12s %s, %s\n", hf_role_name(keyset.key[i].role), id, hf_alg_name(keyset.key[i].alg));
	}
	printf("  %-12s", "demands");
	for (unsigned i = 0; i < keyset.algs; i++)
		printf("%s %s", i ? " and" : "", hf_alg_name(keyset.alg[i]));
	printf(" of every package\n");
	if (parts.count)
		printf("  %-12s whose, and what it changes, says `holdfast keyset show`\n", "signed");
	return HF_OK;
}

/* ---- firmware ---- */

/* Without a board, any address that an STM32F4's flash and RAM can have will do. */
static const struct hf_layout any_f4 = {
	.name = "any STM32F4",
	.sector = {{0x08000000u, 0x200000u}},
	.sectors = 1,
	.ram = {{0x20000000u, 0x40000u}, {0x10000000u, 0x10000u}},
};

struct firmware_facts {
	struct hf_firmware fw;
	struct hf_image_content content;
	struct hf_diag why_not; /* it cannot be relocated from this file alone */
	bool relocatable;
	uint32_t stack_pointer, reset_vector;
};

static json_t *json_of_firmware(const struct hf_inspect *in, const struct firmware_facts *f)
{
	json_t *warnings = json_array();

	for (size_t i = 0; i < f->content.warning_count; i++)
		json_array_append_new(warnings, json_string(f->content.warnings[i].text));
	return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:b, s:i, s:o, s:o}", "kind", "firmware", "file",
			 in->path, "bytes", (json_int_t)in->file.len, "format", hf_image_format_name(f->fw.format),
			 "addr", (json_int_t)f->fw.addr, "image_bytes", (json_int_t)f->fw.len, "stack_pointer",
			 (json_int_t)f->stack_pointer, "reset_vector", (json_int_t)f->reset_vector, "relocatable",
			 f->relocatable, "relocated_words", (int)f->content.entries, "why_not",
			 f->relocatable ? json_null() : json_string(f->why_not.text), "warnings", warnings);
}

static void print_firmware(const struct hf_inspect *in, const struct firmware_facts *f)
{
	printf("%s%s%s: firmware, %s, %zu bytes\n", hf_out_colour(stdout, HF_COLOUR_BOLD), in->path,
	       hf_out_colour(stdout, HF_COLOUR_NONE), hf_image_format_name(f->fw.format), in->file.len);
	printf("  %-12s 0x%08x to 0x%08x, %u bytes\n", "flash", f->fw.addr, f->fw.addr + f->fw.len - 1, f->fw.len);
	printf("  %-12s stack pointer 0x%08x, reset 0x%08x\n", "vectors", f->stack_pointer, f->reset_vector);
	if (f->relocatable)
		printf("  %-12s from this file alone: %u words, %zu warnings\n", "relocatable", f->content.entries,
		       f->content.warning_count);
	else
		printf("  %-12s not from this file alone: %s\n", "relocatable", f->why_not.text);
}

enum hf_err hf_inspect_firmware(const struct hf_inspect *in, struct hf_diag *diag)
{
	const struct hf_layout *layout = in->board ? &in->board->layout : &any_f4;
	struct firmware_facts f = {0};
	enum hf_err err = hf_firmware_parse(&f.fw, in->path, in->file, NULL, layout, diag);

	if (err)
		return err;
	if (f.fw.len >= 8) {
		f.stack_pointer = load_le32(f.fw.bytes);
		f.reset_vector = load_le32(f.fw.bytes + 4);
	}
	if (f.fw.elf)
		f.relocatable = hf_image_from_one(&f.content, &f.fw, layout, &f.why_not) == HF_OK;
	else
		hf_diag_set(&f.why_not, "the format keeps no relocations");
	if (in->json)
		hf_out_json(json_of_firmware(in, &f));
	else
		print_firmware(in, &f);
	hf_image_content_free(&f.content);
	hf_firmware_free(&f.fw);
	return HF_OK;
}
