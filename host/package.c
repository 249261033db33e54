/* SPDX-License-Identifier: MIT
 *
 * The package is made from the inside out, since what is outside holds digests of what is inside: content -> install
 * and text (severable) -> manifest -> signature -> envelope. The writer's error sticks, so it is looked at once a
 * part.
 */
#include "package.h"

#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "cose_sign.h"
#include "host_crypto.h"
#include "slot.h"
#include "update.h"

#define PART_MAX   HF_SUIT_HEAD_MAX
#define POLICY_ALL 15 /* SUIT's reporting policy: report all */

enum {
	VENDOR = 1,
	CLASS = 2,
	IMAGE_MATCH = 3,
	COMPONENT_SLOT = 5,
	TRY_EACH = 15,
	OVERRIDE = 20,
	FETCH = 21,
	INVOKE = 23,
	DEVICE = 24,
	VERSION = 28
};

struct part {
	struct hf_cbor_writer w;
	uint8_t bytes[2 * PART_MAX];
};

static void begin(struct part *part)
{
	hf_cbor_begin(&part->w, part->bytes, sizeof(part->bytes));
}

static struct hf_bytes written(const struct part *part)
{
	return (struct hf_bytes){part->bytes, part->w.len};
}

static struct hf_bytes component_of(const struct hf_package_spec *spec)
{
	if (spec->component == HF_COMPONENT_RECOVERY)
		return (struct hf_bytes){hf_component_recovery, sizeof(hf_component_recovery)};
	return (struct hf_bytes){hf_component_app, sizeof(hf_component_app)};
}

static void put_digest(struct hf_cbor_writer *w, const uint8_t digest[HF_SHA256_BYTES])
{
	hf_cbor_put_array(w, 2);
	hf_cbor_put_int(w, HF_ALG_SHA256);
	hf_cbor_put_bstr(w, digest, HF_SHA256_BYTES);
}

static void put_condition(struct hf_cbor_writer *w, unsigned code)
{
	hf_cbor_put_uint(w, code);
	hf_cbor_put_uint(w, POLICY_ALL);
}

static void put_override(struct hf_cbor_writer *w, size_t parameters)
{
	hf_cbor_put_uint(w, OVERRIDE);
	hf_cbor_put_map(w, parameters);
}

static void put_id(struct hf_cbor_writer *w, int parameter, const uint8_t id[16])
{
	hf_cbor_put_int(w, parameter);
	hf_cbor_put_bstr(w, id, 16);
}

/* ---- content ---- */

static uint32_t content_bytes(const struct hf_package_content *c)
{
	return (uint32_t)(c->table.len + c->image.len);
}

/* Hashes bytes [from, from + len) of table || image. */
static void hash_range(const struct hf_package_content *c, size_t from, size_t len, uint8_t digest[HF_SHA256_BYTES])
{
	size_t in_table = from < c->table.len ? c->table.len - from : 0;
	struct hf_sha256 state;

	if (in_table > len)
		in_table = len;
	hf_host_crypto.sha256_start(&state);
	if (in_table)
		hf_host_crypto.sha256_update(&state, c->table.ptr + from, in_table);
	if (len > in_table)
		hf_host_crypto.sha256_update(&state, c->image.ptr + (from + in_table - c->table.len), len - in_table);
	hf_host_crypto.sha256_finish(&state, digest);
}

static void put_digest_and_size(struct hf_cbor_writer *w, const struct hf_package_content *c)
{
	uint8_t digest[HF_SHA256_BYTES];
	size_t mark;

	hash_range(c, 0, content_bytes(c), digest);
	hf_cbor_put_int(w, HF_PARAM_DIGEST);
	mark = hf_cbor_wrap(w);
	put_digest(w, digest);
	hf_cbor_unwrap(w, mark);
	hf_cbor_put_int(w, HF_PARAM_SIZE);
	hf_cbor_put_uint(w, content_bytes(c));
}

static void put_place(struct hf_cbor_writer *w, const struct hf_package_content *c)
{
	hf_cbor_put_int(w, HF_PARAM_TABLE_BYTES);
	hf_cbor_put_uint(w, c->table.len);
	hf_cbor_put_int(w, HF_PARAM_IMAGE_OFFSET);
	hf_cbor_put_uint(w, c->image_offset);
}

static void put_segments(struct hf_cbor_writer *w, const struct hf_package_content *c)
{
	size_t size = content_bytes(c);
	uint8_t digest[HF_SHA256_BYTES];

	hf_cbor_put_int(w, HF_PARAM_SEGMENTS);
	hf_cbor_put_bstr_header(w, (size + HF_SEGMENT_BYTES - 1) / HF_SEGMENT_BYTES * HF_SHA256_BYTES);
	for (size_t at = 0; at < size; at += HF_SEGMENT_BYTES) {
		hash_range(c, at, size - at < HF_SEGMENT_BYTES ? size - at : HF_SEGMENT_BYTES, digest);
		hf_cbor_put_encoded(w, (struct hf_bytes){digest, sizeof(digest)});
	}
}

/* ---- sequences ---- */

typedef void put_parameters(struct hf_cbor_writer *w, const struct hf_package_spec *spec, unsigned slot);

/* try-each over component-slot: `put` writes an override for each slot's build. */
static void put_each_slot(struct hf_cbor_writer *w, const struct hf_package_spec *spec, put_parameters *put)
{
	hf_cbor_put_uint(w, TRY_EACH);
	hf_cbor_put_array(w, HF_SLOTS);
	for (unsigned slot = 0; slot < HF_SLOTS; slot++) {
		size_t mark = hf_cbor_wrap(w);

		hf_cbor_put_array(w, 6);
		put_override(w, 1);
		hf_cbor_put_int(w, HF_PARAM_SLOT);
		hf_cbor_put_uint(w, slot);
		put_condition(w, COMPONENT_SLOT);
		put(w, spec, slot);
		hf_cbor_unwrap(w, mark);
	}
}

static void shared_of_slot(struct hf_cbor_writer *w, const struct hf_package_spec *spec, unsigned slot)
{
	put_override(w, 2);
	put_digest_and_size(w, &spec->content[slot]);
}

static void validate_of_slot(struct hf_cbor_writer *w, const struct hf_package_spec *spec, unsigned slot)
{
	put_override(w, 2);
	put_place(w, &spec->content[slot]);
}

static void install_of_slot(struct hf_cbor_writer *w, const struct hf_package_spec *spec, unsigned slot)
{
	put_override(w, 4);
	hf_cbor_put_int(w, HF_PARAM_URI);
	hf_cbor_put_tstr(w, spec->contents == 1 ? "#image" : slot == 0 ? "#image-a" : "#image-b");
	put_place(w, &spec->content[slot]);
	put_segments(w, &spec->content[slot]);
}

static void put_device(struct hf_cbor_writer *w, const uint8_t device[16])
{
	put_override(w, 1);
	put_id(w, HF_PARAM_DEVICE, device);
	put_condition(w, DEVICE);
}

static void put_devices(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	if (spec->devices == 1)
		put_device(w, spec->device[0]);
	if (spec->devices < 2)
		return;
	hf_cbor_put_uint(w, TRY_EACH);
	hf_cbor_put_array(w, spec->devices);
	for (unsigned i = 0; i < spec->devices; i++) {
		size_t mark = hf_cbor_wrap(w);

		hf_cbor_put_array(w, 4);
		put_device(w, spec->device[i]);
		hf_cbor_unwrap(w, mark);
	}
}

static void put_shared(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	bool pair = spec->contents == HF_SLOTS;

	hf_cbor_put_array(w, 6 + (pair ? 2 : 0) + (spec->devices == 1 ? 4 : spec->devices > 1 ? 2 : 0));
	put_override(w, pair ? 2 : 4);
	put_id(w, HF_PARAM_VENDOR, spec->vendor_id);
	put_id(w, HF_PARAM_CLASS, spec->class_id);
	if (!pair)
		put_digest_and_size(w, &spec->content[0]);
	put_condition(w, VENDOR);
	put_condition(w, CLASS);
	put_devices(w, spec);
	if (pair)
		put_each_slot(w, spec, shared_of_slot);
}

static void put_validate(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	hf_cbor_put_array(w, 4);
	if (spec->contents == HF_SLOTS)
		put_each_slot(w, spec, validate_of_slot);
	else
		validate_of_slot(w, spec, 0);
	put_condition(w, IMAGE_MATCH);
}

static void put_version(struct hf_cbor_writer *w, const struct hf_version *version)
{
	hf_cbor_put_array(w, version->parts);
	for (unsigned i = 0; i < version->parts; i++)
		hf_cbor_put_int(w, version->part[i]);
}

static void put_install(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	hf_cbor_put_array(w, 4 * spec->from.count + 6);
	for (unsigned i = 0; i < spec->from.count; i++) {
		size_t mark;

		put_override(w, 1);
		hf_cbor_put_int(w, HF_PARAM_VERSION);
		mark = hf_cbor_wrap(w);
		hf_cbor_put_array(w, 2);
		hf_cbor_put_uint(w, spec->from.at[i].op);
		put_version(w, &spec->from.at[i].version);
		hf_cbor_unwrap(w, mark);
		put_condition(w, VERSION);
	}
	if (spec->contents == HF_SLOTS)
		put_each_slot(w, spec, install_of_slot);
	else
		install_of_slot(w, spec, 0);
	hf_cbor_put_uint(w, FETCH);
	hf_cbor_put_uint(w, 2);
	put_condition(w, IMAGE_MATCH);
}

/* { "en": { 1: description, [component]: { 1: vendor, 2: model, 6: version } } } */
static void put_text(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	char version[HF_VERSION_TEXT_BYTES];

	hf_cbor_put_map(w, 1);
	hf_cbor_put_tstr(w, "en");
	hf_cbor_put_map(w, 2);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_tstr(w, spec->description);
	hf_cbor_put_encoded(w, component_of(spec));
	hf_cbor_put_map(w, 3);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_tstr(w, spec->vendor_name);
	hf_cbor_put_uint(w, 2);
	hf_cbor_put_tstr(w, spec->model_name);
	hf_cbor_put_uint(w, 6);
	hf_cbor_put_tstr(w, hf_version_format(spec->version.part, spec->version.parts, version));
}

/* ---- the manifest ---- */

static void wrapped(struct hf_cbor_writer *w, void (*put)(struct hf_cbor_writer *, const struct hf_package_spec *),
		    const struct hf_package_spec *spec)
{
	size_t mark = hf_cbor_wrap(w);

	put(w, spec);
	hf_cbor_unwrap(w, mark);
}

static void put_common(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	hf_cbor_put_map(w, 2);
	hf_cbor_put_uint(w, 2);
	hf_cbor_put_array(w, 1);
	hf_cbor_put_encoded(w, component_of(spec));
	hf_cbor_put_uint(w, 4);
	wrapped(w, put_shared, spec);
}

static void put_set_version(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	put_version(w, &spec->version);
}

static void put_invoke(struct hf_cbor_writer *w, const struct hf_package_spec *spec)
{
	(void)spec;
	hf_cbor_put_array(w, 2);
	hf_cbor_put_uint(w, INVOKE);
	hf_cbor_put_uint(w, 2);
}

static void put_severed(struct hf_cbor_writer *w, unsigned member, const struct part *item)
{
	uint8_t digest[HF_SHA256_BYTES];

	hf_sha256_of(written(item), digest);
	hf_cbor_put_uint(w, member);
	put_digest(w, digest);
}

struct parts {
	struct part install, text, manifest; /* bstr items */
	struct part head;                    /* envelope keys 2 and 3 */
};

static void make_manifest(struct parts *p, const struct hf_package_spec *spec)
{
	struct hf_cbor_writer *w = &p->manifest.w;
	size_t mark;

	begin(&p->install);
	wrapped(&p->install.w, put_install, spec);
	begin(&p->text);
	wrapped(&p->text.w, put_text, spec);

	begin(&p->manifest);
	mark = hf_cbor_wrap(w);
	hf_cbor_put_map(w, 8);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_uint(w, 1);
	hf_cbor_put_uint(w, 2);
	hf_cbor_put_uint(w, spec->sequence);
	hf_cbor_put_uint(w, 3);
	wrapped(w, put_common, spec);
	hf_cbor_put_uint(w, 6);
	wrapped(w, put_set_version, spec);
	hf_cbor_put_uint(w, 7);
	wrapped(w, put_validate, spec);
	hf_cbor_put_uint(w, 9);
	wrapped(w, put_invoke, spec);
	put_severed(w, 20, &p->install);
	put_severed(w, 23, &p->text);
	hf_cbor_unwrap(w, mark);
}

/* ---- signature and envelope ---- */

/* What stands in the wrapper: the signatures, or in a rehearsal as many bytes in their place. */
struct signatures {
	unsigned count;
	int alg[HF_SUIT_SIGNATURES];
	uint8_t bytes[HF_SUIT_SIGNATURES][HF_SIGNATURE_MAX];
};

static void add_signature(struct signatures *all, int alg)
{
	memset(all->bytes[all->count], 0, HF_SIGNATURE_MAX);
	all->alg[all->count++] = alg;
}

static void put_wrapper(struct hf_cbor_writer *w, struct hf_bytes digest, const struct signatures *all)
{
	size_t wrapper = hf_cbor_wrap(w);

	hf_cbor_put_array(w, 1 + all->count);
	hf_cbor_put_bstr(w, digest.ptr, digest.len);
	for (unsigned i = 0; i < all->count; i++)
		hf_cose_put(w, all->alg[i], (struct hf_bytes){all->bytes[i], hf_signature_bytes(all->alg[i])});
	hf_cbor_unwrap(w, wrapper);
}

/* An LMS signature costs a one-time key: so all is rehearsed, and whatever can fail has failed, before the first is made. */
static enum hf_err get_signatures(struct signatures *all, struct hf_bytes digest, const struct hf_package_signers *by,
				  bool rehearsal, struct hf_diag *diag)
{
	enum hf_err err = HF_OK;

	all->count = 0;
	if (by->count + by->laters < 1 || by->count + by->laters > HF_SUIT_SIGNATURES) {
		hf_diag_set(diag, "a package carries 1 to %d signatures", HF_SUIT_SIGNATURES);
		return HF_ERR_RANGE;
	}
	for (unsigned i = 0; i < by->count && !err; i++) {
		add_signature(all, hf_signer_key(by->signer[i])->alg);
		if (!rehearsal)
			err = hf_cose_sign(by->signer[i], (struct hf_bytes){NULL, 0}, digest, all->bytes[i], diag);
	}
	for (unsigned i = 0; i < by->laters && rehearsal; i++)
		add_signature(all, by->later[i]);
	return err;
}

static enum hf_err put_head(struct part *head, struct hf_bytes digest, const struct signatures *all,
			    struct hf_bytes manifest_item, struct hf_diag *diag)
{
	begin(head);
	hf_cbor_put_uint(&head->w, 2);
	put_wrapper(&head->w, digest, all);
	hf_cbor_put_uint(&head->w, 3);
	hf_cbor_put_encoded(&head->w, manifest_item);
	if (!head->w.err && head->w.len + HF_SLOT_PREFIX_BYTES <= HF_SUIT_HEAD_MAX)
		return HF_OK;
	hf_diag_set(diag, "the package's head has %zu bytes with its %u signatures, and a slot takes %u; name fewer devices, or "
			  "sign with fewer keys", head->w.len, all->count, HF_SUIT_HEAD_MAX - HF_SLOT_PREFIX_BYTES);
	return HF_ERR_TOO_LARGE;
}

static enum hf_err make_head(struct parts *p, const struct hf_package_spec *spec, const struct hf_package_signers *by,
			     bool rehearsal, struct hf_diag *diag)
{
	uint8_t id[HF_SHA256_BYTES], array[48];
	struct signatures signatures;
	struct hf_cbor_writer digest;
	enum hf_err err;

	make_manifest(p, spec);
	if (p->install.w.err || p->text.w.err || p->manifest.w.err) {
		hf_diag_set(diag,
			    "the package's head would be larger than %u bytes; shorten the description, or name "
			    "fewer devices",
			    (unsigned)sizeof(p->manifest.bytes));
		return HF_ERR_TOO_LARGE;
	}
	hf_sha256_of(written(&p->manifest), id);
	hf_cbor_begin(&digest, array, sizeof(array));
	put_digest(&digest, id);
	err = get_signatures(&signatures, (struct hf_bytes){array, digest.len}, by, rehearsal, diag);
	return err ? err
		   : put_head(&p->head, (struct hf_bytes){array, digest.len}, &signatures, written(&p->manifest), diag);
}

/* The first offset in a slot where the image can begin behind this head and its table. */
static uint32_t first_offset(const struct parts *p, const struct hf_package_content *c)
{
	size_t end = HF_SLOT_PREFIX_BYTES + p->head.w.len + c->table.len;

	return (uint32_t)((end + HF_IMAGE_ALIGN - 1) / HF_IMAGE_ALIGN * HF_IMAGE_ALIGN);
}

enum hf_err hf_package_place_for(struct hf_package_spec *spec, const struct hf_package_signers *by, struct hf_diag *diag)
{
	struct parts *parts = malloc(sizeof(*parts));
	struct hf_package_content *c = &spec->content[0];
	enum hf_err err = parts ? HF_OK : HF_ERR_IO;

	if (err)
		hf_diag_set(diag, "out of memory");
	/* A larger offset may take more bytes to encode, and so move itself: a few rounds settle it. */
	c->image_offset = HF_IMAGE_ALIGN;
	for (unsigned round = 0; round < 8 && !err; round++) {
		err = make_head(parts, spec, by, true, diag);
		if (err || first_offset(parts, c) <= c->image_offset)
			break;
		c->image_offset = first_offset(parts, c);
	}
	free(parts);
	return err;
}

static enum hf_err check_spec(const struct hf_package_spec *spec, struct hf_diag *diag)
{
	if (spec->contents < 1 || spec->contents > HF_SLOTS || spec->devices > HF_PACKAGE_DEVICES ||
	    spec->from.count > HF_CONDITIONS_MAX || spec->version.parts == 0) {
		hf_diag_set(diag, "a package needs a version and one image, or one for each slot");
		return HF_ERR_RANGE;
	}
	if (spec->component == HF_COMPONENT_RECOVERY && spec->contents != 1) {
		hf_diag_set(diag, "recovery is one image that can be relocated, since it is staged in either slot first");
		return HF_ERR_RANGE;
	}
	for (unsigned i = 0; i < spec->contents; i++) {
		const struct hf_package_content *c = &spec->content[i];

		if (c->image.len == 0 || c->image.len % 4 || c->table.len % 4 || c->image_offset % HF_IMAGE_ALIGN) {
			hf_diag_set(diag, "an image is a multiple of 4 bytes, at a multiple of %u bytes",
				    HF_IMAGE_ALIGN);
			return HF_ERR_RANGE;
		}
	}
	return HF_OK;
}

/* Bytes of the package up to the first payload's first byte. */
static size_t before_payload(const struct parts *p)
{
	return HF_SLOT_PREFIX_BYTES + p->head.w.len + 1 + p->install.w.len + 1 + p->text.w.len +
	       HF_SUIT_PAYLOAD_HEADER_MAX;
}

static enum hf_err check_room(const struct parts *p, const struct hf_package_spec *spec, struct hf_diag *diag)
{
	for (unsigned i = 0; i < spec->contents; i++) {
		const struct hf_package_content *c = &spec->content[i];

		if (c->image_offset >= first_offset(p, c))
			continue;
		hf_diag_set(diag,
			    "the image begins 0x%x bytes behind its slot's beginning, and the head needs 0x%x; link "
			    "it at least 0x%x behind the slot's beginning",
			    c->image_offset, first_offset(p, c), first_offset(p, c));
		return HF_ERR_TOO_LARGE;
	}
	if (before_payload(p) > HF_UPDATE_HEAD_MAX) {
		hf_diag_set(diag,
			    "there are %zu bytes in front of the payload, and a device takes %u; shorten the "
			    "description",
			    before_payload(p), HF_UPDATE_HEAD_MAX);
		return HF_ERR_TOO_LARGE;
	}
	return HF_OK;
}

static void put_envelope(struct hf_cbor_writer *w, const struct parts *p, const struct hf_package_spec *spec)
{
	static const char *const keys[] = {"#image-a", "#image-b"};

	hf_cbor_put_tag(w, 107);
	hf_cbor_put_map(w, 4 + spec->contents);
	hf_cbor_put_encoded(w, written(&p->head));
	hf_cbor_put_uint(w, 20);
	hf_cbor_put_encoded(w, written(&p->install));
	hf_cbor_put_uint(w, 23);
	hf_cbor_put_encoded(w, written(&p->text));
	for (unsigned i = 0; i < spec->contents; i++) {
		const struct hf_package_content *c = &spec->content[i];

		hf_cbor_put_tstr(w, spec->contents == 1 ? "#image" : keys[i]);
		hf_cbor_put_bstr_header(w, content_bytes(c));
		hf_cbor_put_encoded(w, c->table);
		hf_cbor_put_encoded(w, c->image);
	}
}

enum hf_err hf_package_build_by(const struct hf_package_spec *spec, const struct hf_package_signers *by,
				struct hf_buffer *out, struct hf_diag *diag)
{
	struct parts *parts = malloc(sizeof(*parts));
	struct hf_cbor_writer w;
	enum hf_err err = check_spec(spec, diag);

	*out = (struct hf_buffer){0};
	if (!err && !parts) {
		hf_diag_set(diag, "out of memory");
		err = HF_ERR_IO;
	}
	if (!err)
		err = make_head(parts, spec, by, true, diag);
	if (!err)
		err = check_room(parts, spec, diag);
	if (!err)
		err = make_head(parts, spec, by, false, diag);
	if (!err) {
		hf_cbor_begin(&w, NULL, 0);
		put_envelope(&w, parts, spec);
		out->len = w.len;
		out->ptr = malloc(w.len);
		hf_cbor_begin(&w, out->ptr, out->ptr ? out->len : 0);
		put_envelope(&w, parts, spec);
		err = out->ptr ? w.err : HF_ERR_IO;
		if (err)
			hf_diag_set(diag, "out of memory");
	}
	if (err)
		hf_buffer_free(out);
	free(parts);
	return err;
}

/* ---- with one key in memory ---- */

enum hf_err hf_package_build(const struct hf_package_spec *spec, const struct hf_private_key *key,
			     struct hf_buffer *out, struct hf_diag *diag)
{
	struct hf_signer *signer = hf_signer_of_key(key);
	const struct hf_package_signers by = {.signer = &signer, .count = 1};
	enum hf_err err = signer ? hf_package_build_by(spec, &by, out, diag) : HF_ERR_IO;

	hf_signer_close(signer);
	return err;
}

enum hf_err hf_package_place(struct hf_package_spec *spec, const struct hf_private_key *key, struct hf_diag *diag)
{
	struct hf_signer *signer = hf_signer_of_key(key);
	const struct hf_package_signers by = {.signer = &signer, .count = 1};
	enum hf_err err = signer ? hf_package_place_for(spec, &by, diag) : HF_ERR_IO;

	hf_signer_close(signer);
	return err;
}
