/* SPDX-License-Identifier: MIT
 *
 * Packages' heads, as core reads them: the mutator puts digests and signatures right again, so that the fuzzer passes for
 * the holder of a release key. Whatever it signs: no access outside the input, every view within it, and what the walk
 * accepted, a run never finds malformed. What is accepted is canonical for a second reader of CBOR too, is the same
 * firmware in its slot as in its package, and is what the host's reader makes of it; cut off, it is always cut off.
 *
 * ESP256 and SHA-256 are real; HSS-LMS is played, and accepts what does not begin with EE.
 */
#include <stdlib.h>
#include <string.h>

#include "host_crypto.h"
#include "package_read.h"
#include "seal.h"
#include "slot.h"
#include "suit_visit.h"

static struct hf_bytes input;

static void must_be_inside(struct hf_bytes view)
{
	if (view.len)
		must(view.ptr >= input.ptr && view.len <= input.len &&
		     view.ptr - input.ptr <= (ptrdiff_t)(input.len - view.len));
}

static volatile uint8_t sink;

static void touch(struct hf_bytes view)
{
	must_be_inside(view);
	for (size_t i = 0; i < view.len; i++)
		sink ^= view.ptr[i];
}

static enum hf_err verify(int alg, struct hf_bytes key, struct hf_bytes message, struct hf_bytes signature)
{
	must(message.len >= 50 && message.len <= 64 && memcmp(message.ptr, "\x84\x6aSignature1", 12) == 0);
	touch(signature);
	if (alg == HF_ALG_HSS_LMS)
		return signature.len && signature.ptr[0] == 0xee ? HF_ERR_SIGNATURE : HF_OK;
	return hf_host_crypto.verify(alg, key, message, signature);
}

static const uint8_t id[16] = { 1 };

/* Conditions and directives give what the input's last byte says. */
static enum hf_err op(void *ctx, const struct hf_params *params)
{
	touch(params->vendor);
	touch(params->class_id);
	touch(params->device);
	touch(params->digest);
	touch(params->uri);
	touch(params->segments);
	must(params->digest.len == 0 || params->digest.len == HF_SHA256_BYTES);
	must(params->version_parts <= HF_VERSION_PARTS);
	return *(const enum hf_err *)ctx;
}

static bool is_format_error(enum hf_err err)
{
	return err == HF_ERR_TRUNCATED || err == HF_ERR_ENCODING || err == HF_ERR_TYPE || err == HF_ERR_RANGE;
}

static void run_all(const struct hf_manifest *manifest, uint8_t how)
{
	static const enum hf_err results[] = { HF_OK, HF_ERR_DIGEST, HF_ERR_VENDOR, HF_ERR_IO };
	enum hf_err result = results[how & 3];
	const struct hf_suit_ops ops = { &result, op, op, op }, none = { .ctx = NULL };
	const struct hf_suit_device device = { .vendor_id = id, .class_id = id, .device_id = how & 4 ? id : NULL,
					       .slot = how >> 3 & 1, .versions = how >> 4 & 3, .version = { 1, 2, 3 } };

	for (unsigned i = 1; i < HF_SUIT_MEMBERS - 1; i++) {
		struct hf_params params;
		struct hf_image image;
		enum hf_err err =
			hf_suit_run(manifest, manifest->member[i], &device, how & 0x40 ? &none : &ops, &params);

		must(!is_format_error(err));
		(void)op(&result, &params);
		const struct hf_span span = { 0x08020000, 0x60000 };
		if (!err && hf_image_from_params(manifest, &params, span, &image) == HF_OK) {
			must(image.content_addr >= span.addr + manifest->head_bytes);
			must(image.image_addr - image.content_addr == image.table_bytes);
			must(image.image_addr + image.image_bytes <= span.addr + span.size);
			must(image.table_bytes + image.image_bytes == image.content_bytes);
		}
	}
}

/* One algorithm is demanded, or both. */
static enum hf_err authenticate(const struct hf_envelope *env, uint8_t how, uint8_t id_out[HF_SHA256_BYTES])
{
	const struct hf_crypto crypto = { hf_host_crypto.sha256_start, hf_host_crypto.sha256_update,
					  hf_host_crypto.sha256_finish, verify };
	const struct hf_keyset keyset = {
		.keys = 2,
		.algs = 1 + (how & 1),
		.alg = { HF_ALG_ESP256, HF_ALG_HSS_LMS },
		.key = { { HF_ROLE_RELEASE, HF_ALG_ESP256, { seal_key.public_key, sizeof(seal_key.public_key) } },
			 { HF_ROLE_RELEASE, HF_ALG_HSS_LMS, { seal_key.public_key, 60 } } },
	};

	return hf_envelope_authenticate(env, &keyset, HF_ROLE_RELEASE, &crypto, id_out);
}

/* A second reader finds well-formed items in it, whose one encoding it is. */
static void must_be_canonical(struct hf_bytes items)
{
	static struct tree t;
	uint8_t *out = malloc(items.len + 16);
	size_t len = 0;

	must(tree_parse(&t, items) && tree_write(&t, true, out, items.len + 16, &len));
	must(len == items.len && memcmp(out, items.ptr, len) == 0);
	must(tree_write(&t, false, out, items.len + 16, &len) && len == items.len && memcmp(out, items.ptr, len) == 0);
	free(out);
}

static bool same(struct hf_bytes a, struct hf_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* What the slot keeps of it is the same firmware. */
static void look_in_slot(const struct hf_envelope *env, const struct hf_manifest *manifest)
{
	uint8_t *slot = malloc(HF_SUIT_PREFIX_BYTES + env->head.len);
	struct hf_bytes head = { slot, HF_SUIT_PREFIX_BYTES + env->head.len };
	struct hf_envelope kept;
	struct hf_manifest again;

	memcpy(slot, "\xd8\x6b\xa2", HF_SUIT_PREFIX_BYTES);
	memcpy(slot + HF_SUIT_PREFIX_BYTES, env->head.ptr, env->head.len);
	must(hf_envelope_parse_slot(head, &kept) == HF_OK);
	must(same(kept.auth, env->auth) && same(kept.manifest_item, env->manifest_item));
	must(hf_manifest_parse(&kept, &again) == HF_OK);
	must(again.sequence == manifest->sequence && again.head_bytes == manifest->head_bytes);
	must(same(again.component, manifest->component) && same(again.validate, manifest->validate) &&
	     same(again.shared, manifest->shared) && again.versions == manifest->versions);
	free(slot);
}

static void cut_is_cut(size_t end)
{
	struct hf_envelope env;

	for (size_t cut = 0; cut < end; cut += 1 + end / 32)
		must(hf_envelope_parse((struct hf_bytes){ input.ptr, cut }, &env) == HF_ERR_TRUNCATED);
}

static void count_command(void *ctx, const struct hf_suit_command *command)
{
	touch(command->argument);
	must(hf_suit_command_name(command->code) != NULL && command->depth <= HF_SUIT_NESTING);
	++*(unsigned *)ctx;
}

/* The host's reader goes by core's, and on: its refusals are its own, or the signature's absence. */
static void host_agrees(enum hf_err core, const struct hf_envelope *env, const struct hf_manifest *manifest,
			const uint8_t digest[HF_SHA256_BYTES])
{
	struct hf_diag diag = { "" };
	struct hf_package package;
	enum hf_err err = hf_package_read(input, &package, &diag);
	unsigned commands = 0;

	must(err == HF_OK || diag.text[0]);
	if (core) {
		must(err != HF_OK);
		return;
	}
	if (err) { /* payloads: core has not looked at them yet */
		must(env->payloads > 0 || env->payload_begin < input.len);
		return;
	}
	must(memcmp(package.id, digest, HF_SHA256_BYTES) == 0 && package.manifest.sequence == manifest->sequence);
	must(package.payloads == env->payloads && package.signatures >= 1);
	for (unsigned i = 0; i < HF_SUIT_MEMBERS - 1; i++)
		hf_suit_visit(manifest->member[i], count_command, &commands);
}

static void read_payload(size_t begin)
{
	struct hf_bytes key;
	uint32_t size;
	size_t header;

	must(begin <= input.len);
	if (hf_payload_parse((struct hf_bytes){ input.ptr + begin, input.len - begin }, &key, &size, &header) ==
	    HF_OK) {
		touch(key);
		must(header <= HF_SUIT_PAYLOAD_HEADER_MAX && header <= input.len - begin);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t how = len ? data[len - 1] : 0, digest[HF_SHA256_BYTES];
	struct hf_envelope env;
	struct hf_manifest manifest;
	enum hf_err err;

	input = (struct hf_bytes){ data, len };
	if (hf_envelope_parse(input, &env) != HF_OK)
		return 0;
	touch(env.head);
	touch(env.auth);
	touch(env.manifest);
	touch(env.manifest_item);
	for (unsigned i = 0; i < HF_SUIT_SEVERABLE; i++)
		touch(env.severed_item[i]);
	if (env.payloads)
		read_payload(env.payload_begin);
	cut_is_cut(env.payload_begin);
	err = authenticate(&env, how, digest);
	if (err == HF_ERR_DIGEST) {
		host_agrees(err, &env, NULL, NULL);
		return 0;
	}
	enum hf_err parsed = hf_manifest_parse(&env, &manifest);
	if (parsed || err == HF_OK)
		host_agrees(parsed, &env, &manifest, digest);
	if (parsed)
		return 0;
	must_be_canonical(env.head);
	must_be_canonical(env.manifest);
	for (unsigned i = 0; i < HF_SUIT_MEMBERS; i++) {
		touch(manifest.member[i]);
		if (i < HF_SUIT_MEMBERS - 1 && manifest.member[i].len)
			must_be_canonical(manifest.member[i]);
	}
	touch(manifest.component);
	must(manifest.versions <= HF_VERSION_PARTS);
	look_in_slot(&env, &manifest);
	run_all(&manifest, how);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	return seal_mutate_package(data, len, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return seal_cross_packages((struct hf_bytes){ data1, len1 }, (struct hf_bytes){ data2, len2 }, out, max, seed);
}
