/* SPDX-License-Identifier: MIT
 *
 * To look at a package one need not trust its signer. core checks digests and signatures in one function, on purpose;
 * so that function gets a keyset that demands whatever algorithm the package was signed with, and a verification that
 * always succeeds. What is left of it are the digests. Nothing but hf_package_read uses these.
 */
#include "package_read.h"

#include <string.h>

#include "cbor.h"
#include "host_crypto.h"
#include "slot.h"
#include "suit_visit.h"

static enum hf_err verify_nothing(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	(void)alg;
	(void)key;
	(void)message;
	(void)signature;
	return HF_OK;
}

static int32_t alg_of(struct hf_bytes cose)
{
	struct hf_cbor_reader r, header;

	hf_cbor_open_final(&r, cose);
	(void)hf_cbor_tag(&r);
	(void)hf_cbor_array(&r);
	hf_cbor_open_final(&header, hf_cbor_bstr(&r));
	(void)hf_cbor_map(&header);
	return hf_cbor_int(&header) == 1 ? hf_cbor_int(&header) : 0;
}

static void read_algs(struct hf_package *p)
{
	struct hf_cbor_reader r;
	uint32_t items;

	hf_cbor_open_final(&r, p->envelope.auth);
	items = hf_cbor_array(&r);
	(void)hf_cbor_bstr(&r);
	for (uint32_t i = 1; i < items && i <= HF_SUIT_SIGNATURES && !r.err; i++)
		p->alg[p->signatures++] = alg_of(hf_cbor_bstr(&r));
}

static enum hf_err check_digests(struct hf_package *p)
{
	struct hf_crypto crypto = hf_host_crypto;
	struct hf_keyset keyset = {.keys = 1, .algs = 1};

	crypto.verify = verify_nothing;
	read_algs(p);
	keyset.key[0] = (struct hf_key){HF_ROLE_RELEASE, (int16_t)p->alg[0], {NULL, 0}};
	keyset.alg[0] = (int16_t)p->alg[0];
	return hf_envelope_authenticate(&p->envelope, &keyset, HF_ROLE_RELEASE, &crypto, p->id);
}

static enum hf_err read_head(struct hf_package *p, struct hf_diag *diag)
{
	enum hf_err err = hf_envelope_parse(p->file, &p->envelope);

	if (err) {
		hf_diag_set(diag,
			    err == HF_ERR_TRUNCATED   ? "the package is cut off in its head"
			    : err == HF_ERR_TOO_LARGE ? "the package's head is larger than a slot takes"
						      : "this is not a package: %s",
			    hf_err_text(err));
		return err;
	}
	err = check_digests(p);
	if (err == HF_ERR_DIGEST)
		hf_diag_set(diag, "the package is damaged: a digest in its head does not match; fetch it again");
	else if (err == HF_ERR_KEY)
		hf_diag_set(diag, "the package is not signed");
	else if (err)
		hf_diag_set(diag, "the package's signature block is damaged or unknown: %s", hf_err_text(err));
	if (err)
		return err;
	err = hf_manifest_parse(&p->envelope, &p->manifest);
	if (err)
		hf_diag_set(diag, "the manifest is not one that this profile allows: %s", hf_err_text(err));
	return err;
}

static enum hf_err read_payloads(struct hf_package *p, struct hf_diag *diag)
{
	size_t at = p->envelope.payload_begin;

	for (uint32_t i = 0; i < p->envelope.payloads; i++) {
		struct hf_package_payload *payload = &p->payload[i];
		struct hf_bytes rest = {p->file.ptr + at, p->file.len - at};
		size_t header;
		uint32_t size;
		enum hf_err err;

		if (i == HF_PACKAGE_PAYLOADS) {
			hf_diag_set(diag, "the package has %u payloads, more than the %u that are known",
				    p->envelope.payloads, HF_PACKAGE_PAYLOADS);
			return HF_ERR_UNSUPPORTED;
		}
		err = hf_payload_parse(rest, &payload->key, &size, &header);
		if (!err && !hf_range_ok(header, size, rest.len))
			err = HF_ERR_TRUNCATED;
		if (err) {
			hf_diag_set(diag,
				    err == HF_ERR_TRUNCATED ? "the package is cut off in payload %u; fetch it again"
							    : "payload %u has no valid header",
				    i + 1);
			return err;
		}
		payload->offset = at + header;
		payload->bytes = (struct hf_bytes){p->file.ptr + payload->offset, size};
		at = payload->offset + size;
		p->payloads++;
	}
	if (at == p->file.len)
		return HF_OK;
	hf_diag_set(diag, "there are %zu bytes behind the package's end", p->file.len - at);
	return HF_ERR_ENCODING;
}

enum hf_err hf_package_read(struct hf_bytes file, struct hf_package *out, struct hf_diag *diag)
{
	enum hf_err err;

	*out = (struct hf_package){.file = file};
	err = read_head(out, diag);
	return err ? err : read_payloads(out, diag);
}

enum hf_err hf_package_read_head(struct hf_bytes file, struct hf_package *out, struct hf_diag *diag)
{
	*out = (struct hf_package){.file = file};
	return read_head(out, diag);
}

struct hf_slot_fact hf_package_fact(const struct hf_package *package)
{
	const struct hf_bytes *component = &package->manifest.component;
	struct hf_slot_fact fact = { .fact = HF_FACT_GOOD, .sequence = package->manifest.sequence };

	if (component->len == sizeof(hf_component_recovery) &&
	    memcmp(component->ptr, hf_component_recovery, sizeof(hf_component_recovery)) == 0)
		fact.component = HF_COMPONENT_RECOVERY;
	memcpy(fact.id, package->id, sizeof(fact.id));
	return fact;
}

const struct hf_package_payload *hf_package_find(const struct hf_package *package, struct hf_bytes key)
{
	for (unsigned i = 0; i < package->payloads; i++) {
		const struct hf_package_payload *payload = &package->payload[i];

		if (payload->key.len == key.len && memcmp(payload->key.ptr, key.ptr, key.len) == 0)
			return payload;
	}
	return NULL;
}

/* ---- what it demands ---- */

struct gather {
	struct hf_package_needs *needs;
	struct hf_bytes vendor, class_id, device;
	struct hf_version_condition version;
};

static void gather_version(struct gather *g, struct hf_bytes content)
{
	struct hf_version_condition *c = &g->version;
	struct hf_cbor_reader r;
	uint32_t parts;

	*c = (struct hf_version_condition){0};
	hf_cbor_open_final(&r, content);
	(void)hf_cbor_array(&r);
	c->op = (uint8_t)hf_cbor_uint(&r, 5);
	parts = hf_cbor_array(&r);
	while (c->version.parts < parts && c->version.parts < HF_VERSION_PARTS && !r.err)
		c->version.part[c->version.parts++] = hf_cbor_int(&r);
}

static void gather_parameters(struct gather *g, struct hf_bytes argument)
{
	struct hf_cbor_reader r, item;
	struct hf_bytes value;
	int left = -1;
	int32_t key;

	hf_cbor_open_final(&r, argument);
	while (hf_suit_next_parameter(&r, &left, &key, &value)) {
		hf_cbor_open_final(&item, value);
		if (key == HF_PARAM_VENDOR)
			g->vendor = hf_cbor_bstr(&item);
		else if (key == HF_PARAM_CLASS)
			g->class_id = hf_cbor_bstr(&item);
		else if (key == HF_PARAM_DEVICE)
			g->device = hf_cbor_bstr(&item);
		else if (key == HF_PARAM_VERSION)
			gather_version(g, hf_cbor_bstr(&item));
	}
}

static bool take_id(uint8_t to[16], struct hf_bytes id)
{
	if (id.len != 16)
		return false;
	memcpy(to, id.ptr, 16);
	return true;
}

static void gather_command(void *ctx, const struct hf_suit_command *command)
{
	struct gather *g = ctx;
	struct hf_package_needs *needs = g->needs;

	switch (command->code) {
	case HF_SUIT_OVERRIDE:
		gather_parameters(g, command->argument);
		break;
	case HF_SUIT_CONDITION_VENDOR:
		needs->vendor_known = take_id(needs->vendor_id, g->vendor);
		break;
	case HF_SUIT_CONDITION_CLASS:
		needs->class_known = take_id(needs->class_id, g->class_id);
		break;
	case HF_SUIT_CONDITION_DEVICE:
		if (needs->devices >= HF_PACKAGE_DEVICES || take_id(needs->device[needs->devices], g->device))
			needs->devices++;
		break;
	case HF_SUIT_CONDITION_VERSION:
		if (needs->from.count < HF_CONDITIONS_MAX)
			needs->from.at[needs->from.count++] = g->version;
		break;
	default:
		break;
	}
}

void hf_package_needs(const struct hf_package *package, struct hf_package_needs *out)
{
	struct gather g = {.needs = out};

	*out = (struct hf_package_needs){0};
	hf_suit_visit(package->manifest.shared, gather_command, &g);
	hf_suit_visit(package->manifest.install, gather_command, &g);
}

/* ---- texts ---- */

/* { 1: vendor, 2: model, 6: version, ... } */
static void read_component_text(struct hf_cbor_reader *r, struct hf_package_text *out)
{
	for (uint32_t n = hf_cbor_map(r); n && !r->err; n--) {
		int32_t key = hf_cbor_int(r);

		if (key == 1)
			out->vendor = hf_cbor_tstr(r);
		else if (key == 2)
			out->model = hf_cbor_tstr(r);
		else if (key == 6)
			out->version = hf_cbor_tstr(r);
		else
			(void)hf_cbor_skip(r);
	}
}

/* { language: { 1: description, [component]: {...}, ... } }: the first language. */
void hf_package_text(const struct hf_package *package, struct hf_package_text *out)
{
	struct hf_cbor_reader r;

	*out = (struct hf_package_text){0};
	if (!package->manifest.text.len)
		return;
	hf_cbor_open_final(&r, package->manifest.text);
	if (hf_cbor_map(&r) == 0)
		return;
	(void)hf_cbor_tstr(&r);
	for (uint32_t n = hf_cbor_map(&r); n && !r.err; n--) {
		if (hf_cbor_peek(&r) == HF_CBOR_ARRAY) {
			(void)hf_cbor_skip(&r);
			read_component_text(&r, out);
		} else if (hf_cbor_int(&r) == 1) {
			out->description = hf_cbor_tstr(&r);
		} else {
			(void)hf_cbor_skip(&r);
		}
	}
	if (r.err)
		*out = (struct hf_package_text){0};
}
