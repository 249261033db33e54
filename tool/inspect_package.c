/* SPDX-License-Identifier: MIT
 *
 * Packages and slots. The facts are gathered into JSON first, and what people see is printed from the same facts: the
 * two cannot disagree.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "host_crypto.h"
#include "inspect.h"
#include "out.h"
#include "package_verify.h"
#include "suit_visit.h"
#include "uuid.h"

#define BAR_CELLS 40

/* ---- facts ---- */

static json_t *json_id(const uint8_t id[16])
{
	char text[HF_UUID_TEXT_BYTES];

	hf_uuid_format(id, text);
	return json_string(text);
}

static json_t *json_hex(struct hf_bytes bytes)
{
	char *text = malloc(2 * bytes.len + 1);
	json_t *value = text ? json_string(hf_out_hex(bytes.ptr, bytes.len, text)) : json_null();

	free(text);
	return value;
}

/* Text from the file; bytes that are no UTF-8 become null. */
static json_t *json_view(struct hf_bytes text)
{
	json_t *value = text.len ? json_stringn((const char *)text.ptr, text.len) : NULL;

	return value ? value : json_null();
}

static json_t *facts_of_version(const struct hf_manifest *m)
{
	char version[HF_VERSION_TEXT_BYTES];

	if (!m->versions)
		return json_null();
	return json_string(hf_version_format(m->version, m->versions, version));
}

static json_t *facts_of_conditions(const struct hf_version_conditions *from)
{
	char version[HF_VERSION_TEXT_BYTES];
	json_t *list = json_array();

	for (unsigned i = 0; i < from->count; i++)
		json_array_append_new(list, json_sprintf("%s%s", hf_version_op_text(from->at[i].op),
							 hf_version_format(from->at[i].version.part,
									   from->at[i].version.parts, version)));
	return list;
}

static const char *component_name(const struct hf_package *p)
{
	return hf_package_fact(p).component == HF_COMPONENT_RECOVERY ? "recovery" : "app";
}

static void add_identity(json_t *facts, const struct hf_package *p)
{
	struct hf_package_text text;
	struct hf_package_needs needs;
	json_t *devices = json_array(), *signatures = json_array();
	uint64_t sequence = p->manifest.sequence;

	hf_package_needs(p, &needs);
	hf_package_text(p, &text);
	for (unsigned i = 0; i < needs.devices && i < HF_PACKAGE_DEVICES; i++)
		json_array_append_new(devices, json_id(needs.device[i]));
	for (unsigned i = 0; i < p->signatures; i++)
		json_array_append_new(signatures, json_string(hf_alg_name(p->alg[i])));
	json_object_set_new(facts, "component", json_string(component_name(p)));
	json_object_set_new(facts, "version", facts_of_version(&p->manifest));
	json_object_set_new(facts, "sequence", hf_json_u64(sequence));
	json_object_set_new(facts, "security_version", json_integer(hf_sequence_security(sequence)));
	json_object_set_new(facts, "release", json_integer(hf_sequence_release(sequence)));
	json_object_set_new(facts, "id", json_hex((struct hf_bytes){p->id, sizeof(p->id)}));
	json_object_set_new(facts, "signatures", signatures);
	json_object_set_new(facts, "vendor", json_view(text.vendor));
	json_object_set_new(facts, "class", json_view(text.model));
	json_object_set_new(facts, "vendor_id", needs.vendor_known ? json_id(needs.vendor_id) : json_null());
	json_object_set_new(facts, "class_id", needs.class_known ? json_id(needs.class_id) : json_null());
	json_object_set_new(facts, "devices", devices);
	json_object_set_new(facts, "from", facts_of_conditions(&needs.from));
	json_object_set_new(facts, "description", json_view(text.description));
}

static void add_part(json_t *parts, const char *name, size_t offset, size_t bytes)
{
	if (bytes)
		json_array_append_new(parts, json_pack("{s:s, s:I, s:I}", "name", name, "offset", (json_int_t)offset,
						       "bytes", (json_int_t)bytes));
}

static void add_view(json_t *parts, const struct hf_package *p, const char *name, struct hf_bytes view)
{
	if (view.len)
		add_part(parts, name, (size_t)(view.ptr - p->file.ptr), view.len);
}

/* Where the file's bytes go. */
static json_t *facts_of_parts(const struct hf_package *p, uint32_t table_bytes)
{
	json_t *parts = json_array();
	char name[96];

	add_view(parts, p, "signature", p->envelope.auth);
	add_view(parts, p, "manifest", p->envelope.manifest_item);
	add_view(parts, p, "fetch", p->envelope.severed_item[HF_SUIT_FETCH]);
	add_view(parts, p, "install", p->envelope.severed_item[HF_SUIT_INSTALL]);
	add_view(parts, p, "text", p->envelope.severed_item[HF_SUIT_TEXT]);
	for (unsigned i = 0; i < p->payloads; i++) {
		const struct hf_package_payload *payload = &p->payload[i];
		uint32_t table = table_bytes <= payload->bytes.len ? table_bytes : 0;

		snprintf(name, sizeof(name), "%.*s table", (int)payload->key.len, (const char *)payload->key.ptr);
		add_part(parts, name, payload->offset, table);
		snprintf(name, sizeof(name), "%.*s image", (int)payload->key.len, (const char *)payload->key.ptr);
		add_part(parts, name, payload->offset + table, payload->bytes.len - table);
	}
	return parts;
}

static json_t *facts_of_params(const struct hf_params *params)
{
	return json_pack("{s:o, s:i, s:i, s:i, s:i, s:o}", "payload", json_view(params->uri), "content_bytes",
			 (int)params->size, "table_bytes", (int)params->table_bytes, "image_bytes",
			 (int)(params->size - params->table_bytes), "image_offset", (int)params->image_offset,
			 "digest", json_hex(params->digest));
}

/* What lands in each slot, and whether its payload is what was signed. Slots that get the same are one entry. */
static json_t *facts_of_slots(const struct hf_package *p, enum hf_err *err, uint32_t *table_bytes,
			      struct hf_diag *diag)
{
	json_t *slots = json_array();

	for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
		const struct hf_package_payload *payload;
		struct hf_diag reason = {""};
		struct hf_params params;
		enum hf_err bad = HF_OK;
		json_t *entry;

		if (hf_package_params(p, slot, &params) || params.size < params.table_bytes)
			continue;
		payload = hf_package_find(p, params.uri);
		entry = facts_of_params(&params);
		*table_bytes = params.table_bytes;
		if (payload)
			bad = hf_package_check_payload(payload, &params, &reason);
		json_object_set_new(entry, "whole", payload ? json_boolean(!bad) : json_null());
		if (bad && !*err) {
			*err = bad;
			*diag = reason;
		}
		if (json_equal(json_array_get(slots, 0), entry))
			json_decref(entry);
		else
			json_array_append_new(slots, entry);
	}
	return slots;
}

/* ---- sequences, for people ---- */

static void print_bytes(int32_t key, struct hf_bytes bytes)
{
	char hex[97];

	/* << [-16, h'...'] >>: what people compare is the digest alone. */
	if (key == HF_PARAM_DIGEST && bytes.len > HF_SHA256_BYTES)
		bytes = (struct hf_bytes){bytes.ptr + bytes.len - HF_SHA256_BYTES, HF_SHA256_BYTES};
	if (key == HF_PARAM_SEGMENTS)
		printf("%zu digests", bytes.len / HF_SHA256_BYTES);
	else if (bytes.len <= 48)
		printf("h'%s'", hf_out_hex(bytes.ptr, bytes.len, hex));
	else
		printf("%zu bytes", bytes.len);
}

/* << [op, [parts]] >> */
static void print_version(struct hf_bytes content)
{
	struct hf_cbor_reader r;
	uint32_t parts;

	hf_cbor_open_final(&r, content);
	(void)hf_cbor_array(&r);
	printf("%s", hf_version_op_text(hf_cbor_uint(&r, 5)));
	parts = hf_cbor_array(&r);
	for (uint32_t i = 0; i < parts && !r.err; i++)
		printf("%s%" PRId32, i ? "." : "", hf_cbor_int(&r));
}

static void print_value(int32_t key, struct hf_bytes item)
{
	struct hf_cbor_reader r;
	struct hf_bytes bytes;

	hf_cbor_open_final(&r, item);
	switch (hf_cbor_peek(&r)) {
	case HF_CBOR_UINT:
		printf("%" PRIu64, hf_cbor_uint64(&r));
		break;
	case HF_CBOR_TSTR:
		bytes = hf_cbor_tstr(&r);
		printf("\"%.*s\"", (int)bytes.len, (const char *)bytes.ptr);
		break;
	case HF_CBOR_BSTR:
		if (key == HF_PARAM_VERSION)
			print_version(hf_cbor_bstr(&r));
		else
			print_bytes(key, hf_cbor_bstr(&r));
		break;
	default:
		printf("...");
	}
}

static void print_command(void *ctx, const struct hf_suit_command *command)
{
	const char *name = hf_suit_command_name(command->code);
	struct hf_cbor_reader r;
	struct hf_bytes value;
	int left = -1;
	int32_t key;

	(void)ctx;
	printf("      %*s", (int)(4 * command->depth), "");
	if (command->choice)
		printf("%u. ", command->choice);
	printf("%s", name ? name : "unknown command");
	if (command->code == HF_SUIT_OVERRIDE) {
		const char *separator = ": ";

		hf_cbor_open_final(&r, command->argument);
		while (hf_suit_next_parameter(&r, &left, &key, &value)) {
			const char *parameter = hf_suit_parameter_name(key);

			printf("%s%s ", separator, parameter ? parameter : "?");
			print_value(key, value);
			separator = ", ";
		}
	}
	printf("\n");
}

static void print_sequence(const char *name, struct hf_bytes sequence)
{
	if (!sequence.len)
		return;
	printf("    %s\n", name);
	hf_suit_visit(sequence, print_command, NULL);
}

static void print_sequences(const struct hf_manifest *m)
{
	printf("  sequences\n");
	print_sequence("shared", m->shared);
	print_sequence("validate", m->validate);
	print_sequence("load", m->load);
	print_sequence("invoke", m->invoke);
	print_sequence("fetch", m->fetch);
	print_sequence("install", m->install);
}

/* ---- the rest, for people ---- */

static const char *text_of(const json_t *facts, const char *key)
{
	const char *text = json_string_value(json_object_get(facts, key));

	return text ? text : "(not stated)";
}

static void print_list(const char *label, const json_t *list, const char *if_empty)
{
	printf("  %-12s ", label);
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
	printf("%s\n", json_array_size(list) ? "" : if_empty);
}

static void print_identity(const json_t *facts, const struct hf_package *p)
{
	printf("  %-12s %s, security version %u, release %u, sequence %" PRIu64 "\n", "version",
	       text_of(facts, "version"), hf_sequence_security(p->manifest.sequence),
	       hf_sequence_release(p->manifest.sequence), p->manifest.sequence);
	printf("  %-12s %s\n", "component", text_of(facts, "component"));
	printf("  %-12s class %s of %s\n", "for", text_of(facts, "class"), text_of(facts, "vendor"));
	printf("  %-12s class id %s, vendor id %s\n", "", text_of(facts, "class_id"), text_of(facts, "vendor_id"));
	print_list("devices", json_object_get(facts, "devices"), "any of this class");
	print_list("upgrades", json_object_get(facts, "from"), "from any version");
	if (json_is_string(json_object_get(facts, "description")))
		printf("  %-12s %s\n", "description", text_of(facts, "description"));
	printf("  %-12s %s\n", "id", text_of(facts, "id"));
	print_list("signed", json_object_get(facts, "signatures"), "by nobody");
}

static void print_slots(const json_t *slots)
{
	bool each = json_array_size(slots) > 1;

	for (size_t i = 0; i < json_array_size(slots); i++) {
		const json_t *s = json_array_get(slots, i);
		const json_t *whole = json_object_get(s, "whole");
		const char *state = json_is_true(whole) ? ", whole" : json_is_false(whole) ? ", DAMAGED" : "";

		printf("  %-12s image of %lld bytes at offset 0x%llx, table of %lld bytes%s\n",
		       each ? (i ? "slot B" : "slot A") : "either slot",
		       (long long)json_integer_value(json_object_get(s, "image_bytes")),
		       (unsigned long long)json_integer_value(json_object_get(s, "image_offset")),
		       (long long)json_integer_value(json_object_get(s, "table_bytes")), state);
		printf("  %-12s digest %s\n", "", text_of(s, "digest"));
	}
}

static void print_parts(const json_t *parts, size_t total)
{
	const char *dim = hf_out_colour(stdout, HF_COLOUR_DIM), *plain = hf_out_colour(stdout, HF_COLOUR_NONE);

	printf("  bytes\n");
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);
		long long offset = json_integer_value(json_object_get(part, "offset"));
		long long bytes = json_integer_value(json_object_get(part, "bytes"));
		int cells = total ? (int)((double)bytes * BAR_CELLS / (double)total + 0.5) : 0;

		printf("    %-14s %8lld at %8lld  %5.1f %%  ", text_of(part, "name"), bytes, offset,
		       total ? 100.0 * (double)bytes / (double)total : 0.0);
		for (int k = 0; k < cells; k++)
			putchar('#');
		printf("%s", dim);
		for (int k = cells; k < BAR_CELLS; k++)
			putchar('.');
		printf("%s\n", plain);
	}
}

static void print_heading(const struct hf_inspect *in, const char *what)
{
	printf("%s%s%s: %s, %zu bytes\n", hf_out_colour(stdout, HF_COLOUR_BOLD), in->path,
	       hf_out_colour(stdout, HF_COLOUR_NONE), what, in->file.len);
}

/* ---- packages ---- */

enum hf_err hf_inspect_package(const struct hf_inspect *in, struct hf_diag *diag)
{
	struct hf_package p;
	uint32_t table_bytes = 0;
	json_t *facts, *slots, *parts;
	enum hf_err err = hf_package_read(in->file, &p, diag);

	if (err)
		return err;
	facts = json_pack("{s:s, s:s, s:I}", "kind", "package", "file", in->path, "bytes", (json_int_t)in->file.len);
	add_identity(facts, &p);
	slots = facts_of_slots(&p, &err, &table_bytes, diag);
	parts = facts_of_parts(&p, table_bytes);
	json_object_set_new(facts, "slots", slots);
	json_object_set_new(facts, "parts", parts);
	if (in->json) {
		hf_out_json(facts);
		return err;
	}
	print_heading(in, "package");
	print_identity(facts, &p);
	print_slots(slots);
	print_sequences(&p.manifest);
	print_parts(parts, in->file.len);
	json_decref(facts);
	return err;
}

/* ---- slots ---- */

static enum hf_err read_table(void *ctx, uint32_t offset, void *buf, size_t len)
{
	memcpy(buf, (const uint8_t *)ctx + offset, len);
	return HF_OK;
}

/* Whether the dump's content is what was signed, if it was read from this slot of the board. */
static bool content_matches(struct hf_bytes dump, const struct hf_package *p, const struct hf_params *params,
			    struct hf_span span)
{
	uint32_t begin = params->image_offset - params->table_bytes;
	uint8_t digest[HF_SHA256_BYTES];
	struct hf_reloc reloc;
	struct hf_image image;
	uint8_t *copy;
	bool same = false;

	if (hf_image_from_params(&p->manifest, params, span, &image) || !hf_range_ok(begin, params->size, dump.len))
		return false;
	copy = malloc(params->size);
	if (!copy)
		return false;
	memcpy(copy, dump.ptr + begin, params->size);
	if (hf_reloc_open(&reloc, read_table, copy, image.table_bytes, image.image_bytes) == HF_OK &&
	    hf_reloc_check(&reloc) == HF_OK &&
	    hf_reloc_apply(&reloc, copy + image.table_bytes, 0, image.image_bytes, 0 - image.image_addr) == HF_OK) {
		hf_sha256_of((struct hf_bytes){copy, params->size}, digest);
		same = memcmp(digest, image.digest, sizeof(digest)) == 0;
	}
	free(copy);
	return same;
}

static const struct {
	const char *key, *text;
} places[HF_PLACES] = {
	{"slot_a", "slot A"},
	{"slot_b", "slot B"},
	{"recovery", "the recovery partition"},
};

/* The place that the dump was read from and is whole for; HF_PLACES: none. */
static unsigned find_place(const struct hf_inspect *in, const struct hf_package *p)
{
	for (unsigned place = 0; place < HF_PLACES; place++) {
		struct hf_params params;

		if (hf_package_params(p, place, &params) == HF_OK &&
		    content_matches(in->file, p, &params, *hf_layout_place(&in->board->layout, place)))
			return place;
	}
	return HF_PLACES;
}

enum hf_err hf_inspect_slot(const struct hf_inspect *in, struct hf_diag *diag)
{
	struct hf_package p;
	uint32_t table_bytes = 0;
	json_t *facts, *slots;
	unsigned place = HF_PLACES;
	enum hf_err err = hf_package_read_head(in->file, &p, diag);

	if (err)
		return err;
	facts = json_pack("{s:s, s:s, s:I}", "kind", "slot", "file", in->path, "bytes", (json_int_t)in->file.len);
	add_identity(facts, &p);
	slots = facts_of_slots(&p, &err, &table_bytes, diag);
	json_object_set_new(facts, "slots", slots);
	if (in->board) {
		place = find_place(in, &p);
		json_object_set_new(facts, "read_from",
				    place == HF_PLACES ? json_null() : json_string(places[place].key));
	}
	if (in->board && place == HF_PLACES) {
		hf_diag_set(diag, "the content is damaged, or was read neither from a slot nor from recovery of class %s",
			    in->board->class_name);
		err = HF_ERR_DIGEST;
	}
	if (in->json) {
		hf_out_json(facts);
		return err;
	}
	print_heading(in, "content of a slot");
	print_identity(facts, &p);
	print_slots(slots);
	if (in->board)
		printf("  %-12s %s%s\n", "content", place == HF_PLACES ? "DAMAGED" : "whole, read from ",
		       place == HF_PLACES ? "" : places[place].text);
	else
		printf("  %-12s not checked (give --board)\n", "content");
	print_sequences(&p.manifest);
	json_decref(facts);
	return err;
}
